//! The mails about security events.

use s3_warden::alert::{Alert, AlertSettings, KeyStyle, ModelText, body, chat};
use s3_warden::event::{
    ActivityKind, Body, BucketName, Delivery, Job, Key, MessageId, Options, Receipt, plan,
};
use s3_warden::record::{Case, Reported};
use s3_warden::verdict::Threat;
use s3_warden::verdict::threat::{Assessment, Floor, Rules, Unassessed};
use serde_json::json;

use super::{check, check_with_chat};
use crate::finding::Act;

fn alert(act: &Act, settings: &AlertSettings) -> Alert {
    Alert::about(&act.finding(), settings).expect("it is to be told")
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn one_of_every_level() {
    let low = Act {
        level: Threat::Low,
        rule: "bucket_tagging",
        title: ["The tags of a bucket were changed", "버킷 태그 변경됨"],
        step: [
            "Nothing needs to be done unless nobody knows of it.",
            "아는 변경이라면 조치할 사항은 없습니다.",
        ],
        reported: Reported {
            name: "PutBucketTagging".to_owned(),
            ..Act::default().reported
        },
        details: Vec::new(),
        summary: None,
        ..Act::default()
    };
    check("threat_low", |settings| alert(&low, settings));
    let medium = Act {
        level: Threat::Medium,
        rule: "sign_in_without_mfa",
        title: [
            "Somebody signed in to the console without a second factor",
            "MFA 없이 콘솔에 로그인함",
        ],
        step: [
            "Ask the user whether it was them, and turn on a second factor for them.",
            "본인이 로그인했는지 확인하고, 해당 사용자에게 MFA를 설정하십시오.",
        ],
        reported: Reported {
            kind: ActivityKind::ConsoleSignIn,
            source: "signin.amazonaws.com".to_owned(),
            name: "ConsoleLogin".to_owned(),
            actor: text("arn:aws:iam::123456789012:user/jane"),
            bucket: None,
            ..Act::default().reported
        },
        details: vec![("additionalEventData.MFAUsed", "No".to_owned())],
        judge: Err(Unassessed::NotAsked),
        summary: None,
        ..Act::default()
    };
    check("threat_medium", |settings| alert(&medium, settings));
    // What the rules themselves say, with what a model has added.
    let mut high = Act::default().finding();
    if let Case::Activity(case) = &mut high.case {
        case.assessment.floor = acl_opened(None);
    }
    check_with_chat("threat_high", |settings| {
        Alert::about(&high, settings).expect("it is to be told")
    });
    let critical = Act {
        level: Threat::Critical,
        rule: "trail_stopped",
        title: [
            "A trail was stopped or deleted",
            "CloudTrail 추적이 중지되거나 삭제됨",
        ],
        step: [
            "Start the trail again now, and treat whoever did this as an attacker until you know \
             better.",
            "지금 추적을 다시 시작하고, 확인되기 전까지는 공격으로 간주하십시오.",
        ],
        reported: Reported {
            source: "cloudtrail.amazonaws.com".to_owned(),
            name: "StopLogging".to_owned(),
            bucket: None,
            ..Act::default().reported
        },
        details: vec![(
            "requestParameters.name",
            "arn:aws:cloudtrail:ap-northeast-2:123456789012:trail/main".to_owned(),
        )],
        summary: None,
        ..Act::default()
    };
    check("threat_critical", |settings| alert(&critical, settings));
}

/// What the rules say of somebody who was refused to open a bucket: its title says already that it
/// was an attempt.
#[test]
fn a_call_that_failed() {
    let floor = acl_opened(Some("AccessDenied"));
    let act = Act {
        reported: Reported {
            error: text("AccessDenied"),
            ..Act::default().reported
        },
        ..Act::default()
    };
    let mut finding = act.finding();
    if let Case::Activity(case) = &mut finding.case {
        case.assessment = Assessment::alone(floor, Unassessed::Unavailable);
    }
    check("threat_failed", |settings| {
        Alert::about(&finding, settings).expect("it is to be told")
    });
}

/// What the rules say of somebody who opens a bucket by its ACL, or was refused to.
fn acl_opened(error: Option<&str>) -> Floor {
    let record = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3",
        "detail": {
            "eventID": "e-1", "eventSource": "s3.amazonaws.com", "eventName": "PutBucketAcl",
            "errorCode": error,
            "requestParameters": {"bucketName": "customer-uploads", "x-amz-acl": "public-read"},
        },
    });
    let delivery = Delivery {
        id: MessageId("m-1".to_owned()),
        receipt: Receipt("r-1".to_owned()),
        body: Body::new(record.to_string()),
        receive_count: 1,
        sent_at: "2026-03-03T14:05:10Z".parse().unwrap(),
        redriven: 0,
    };
    let mut jobs = plan(&delivery, &Options::default()).jobs;
    let Some(Job::Assess(activity)) = jobs.pop() else {
        panic!("not assessed");
    };
    Rules::builtin().floor(&activity).unwrap()
}

#[test]
fn what_guardduty_found() {
    let act = Act {
        level: Threat::High,
        rule: "guardduty",
        title: ["GuardDuty finding", "GuardDuty 탐지 결과"],
        step: [
            "Open the finding in GuardDuty and follow its advice.",
            "GuardDuty에서 탐지 결과를 열어 권장 조치를 따르십시오.",
        ],
        reported: Reported {
            kind: ActivityKind::Finding,
            source: "aws.guardduty".to_owned(),
            name: "Exfiltration:S3/AnomalousBehavior".to_owned(),
            actor: None,
            severity: Some(8.0),
            ..Act::default().reported
        },
        details: vec![("detail.title", "Unusual reads of many objects".to_owned())],
        judge: Err(Unassessed::Unavailable),
        summary: None,
        ..Act::default()
    };
    check("threat_guardduty", |settings| alert(&act, settings));
}

#[test]
fn our_own_role_misused() {
    let act = Act {
        rule: "own_role_misused",
        title: [
            "The credentials of s3-warden were used for something it never does",
            "s3-warden의 자격 증명이 s3-warden이 하지 않는 작업에 사용됨",
        ],
        step: [
            "Assume that the credentials are stolen: revoke the active sessions of the role.",
            "자격 증명이 유출된 것으로 간주하고 역할의 활성 세션을 취소하십시오.",
        ],
        reported: Reported {
            source: "iam.amazonaws.com".to_owned(),
            name: "CreateAccessKey".to_owned(),
            actor: text("arn:aws:sts::123456789012:assumed-role/s3-warden-task/0a1b2c"),
            bucket: None,
            ..Act::default().reported
        },
        details: vec![("requestParameters.userName", "backdoor".to_owned())],
        summary: None,
        ..Act::default()
    };
    check("threat_own_role", |settings| alert(&act, settings));
}

#[test]
fn only_the_rules_and_why() {
    for why in [
        Unassessed::NotAsked,
        Unassessed::Unavailable,
        Unassessed::Spent,
        Unassessed::Unusable,
        Unassessed::Refused,
        Unassessed::Malformed,
    ] {
        let act = Act {
            judge: Err(why),
            summary: None,
            ..Act::default()
        };
        let name = format!("threat_rules_only_{}", why.code());
        check(&name, |settings| alert(&act, settings));
    }
}

#[test]
fn a_record_that_says_nothing() {
    let act = Act {
        reported: Reported {
            account: None,
            region: None,
            actor: None,
            ip: None,
            bucket: None,
            ..Act::default().reported
        },
        details: Vec::new(),
        summary: None,
        ..Act::default()
    };
    check("threat_unknown", |settings| alert(&act, settings));
}

#[test]
fn several_rules_in_one() {
    let titles = [
        ("acl", Threat::High, ["Opened by its ACL", "ACL로 공개됨"]),
        (
            "policy",
            Threat::Medium,
            ["Its policy was changed", "정책 변경됨"],
        ),
        (
            "logging",
            Threat::Medium,
            ["Its logging was changed", "로깅 변경됨"],
        ),
        (
            "encryption",
            Threat::Medium,
            ["Its encryption was changed", "암호화 변경됨"],
        ),
        (
            "versioning",
            Threat::Medium,
            ["Its versioning was changed", "버전 관리 변경됨"],
        ),
        (
            "lifecycle",
            Threat::Low,
            ["Its lifecycle was changed", "수명 주기 변경됨"],
        ),
    ];
    let mut alerts = Vec::new();
    for (rule, level, title) in titles {
        alerts.push(Act {
            id: rule,
            rule,
            level,
            title,
            ..Act::default()
        });
    }
    alerts.push(Act {
        id: "policy again",
        rule: "policy",
        level: Threat::Medium,
        title: titles[1].2,
        ..Act::default()
    });
    check_with_chat("threat_merged", |settings| {
        let merge = |mut merged: Alert, alert| {
            merged.merge(alert);
            merged
        };
        let all = alerts.iter().map(|act| alert(act, settings));
        all.reduce(merge).unwrap()
    });
    check("threat_repeated", |settings| {
        let mut merged = alert(&Act::default(), settings);
        for id in ["2", "3"] {
            merged.merge(alert(
                &Act {
                    id,
                    ..Act::default()
                },
                settings,
            ));
        }
        merged
    });
}

#[test]
fn a_model_speaks_only_where_it_may() {
    let settings = AlertSettings {
        model_text: ModelText::Off,
        ..AlertSettings::default()
    };
    let alert = alert(&Act::default(), &settings);
    assert!(alert.event.as_ref().unwrap().model_note.is_none());
    assert!(!body(&alert).contains("deployment role"));
}

#[test]
fn a_masked_key_is_in_no_detail() {
    let long = format!("people/{}/jane-doe.png", "deep/".repeat(80));
    for key in ["people/jane-doe.png", "정.png", &long] {
        let quote = |key: &str| format!("arn:aws:s3:::customer-uploads/{key}");
        let cut: String = quote(key).chars().take(256).collect();
        let act = Act {
            reported: Reported {
                key: Some(Key::new(key)),
                name: "PutObject".to_owned(),
                bucket: BucketName::new("customer-uploads"),
                ..Act::default().reported
            },
            details: vec![
                ("requestParameters.key", key.chars().take(256).collect()),
                ("resources.ARN", cut),
            ],
            summary: Some(format!("Somebody wrote {key}")),
            ..Act::default()
        };
        let settings = AlertSettings {
            keys: KeyStyle::Masked,
            ..AlertSettings::default()
        };
        let alert = alert(&act, &settings);
        let all = format!(
            "{}{}{}",
            body(&alert),
            serde_json::to_string(&alert).unwrap(),
            chat(&alert)
        );
        for part in ["jane", "people", "정"] {
            assert!(!all.contains(part), "{part}: {all}");
        }
        assert!(alert.is_image_upload);
    }
}
