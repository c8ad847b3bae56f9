//! The finding of an alert, as Security Hub would read it.

use std::collections::BTreeMap;

use super::*;
use crate::alert::{EventFacts, Language};
use crate::aws::sns::message::tests::alert;
use crate::object::Exposure;

fn issuer(keys: KeyStyle) -> Issuer {
    Issuer {
        partition: "aws".to_owned(),
        region: "eu-west-1".to_owned(),
        account: "123456789012".to_owned(),
        keys,
    }
}

fn now() -> Timestamp {
    "2026-03-01T10:00:00.123456789Z".parse().unwrap()
}

fn flagged() -> Alert {
    Alert {
        finding_id: Some("f1".to_owned()),
        finding_ids: vec!["f1".to_owned(), "f2".to_owned()],
        count: 2,
        categories: [Category::Passport].into(),
        exposure: Some(Exposure::Public),
        happened_at: Some("2026-03-01T09:59:00Z".parse().unwrap()),
        ..alert()
    }
}

fn threat(name: &str, bucket: Option<&str>) -> Alert {
    Alert {
        finding_id: Some("f9".to_owned()),
        s3_bucket: bucket.map(str::to_owned),
        event_title: "A trail was stopped".to_owned(),
        event: Some(EventFacts {
            source: "cloudtrail.amazonaws.com".to_owned(),
            name: name.to_owned(),
            account: Some("999999999999".to_owned()),
            region: None,
            actor: Some("arn:aws:iam::999999999999:user/x".to_owned()),
            ip: None,
            error: None,
            severity: None,
            rule: "trail_stopped".to_owned(),
            details: BTreeMap::new(),
            assessed_by: None,
            unassessed: None,
            model_note: None,
        }),
        ..Alert::blank(AlertKind::Threat, Threat::Critical, Language::En)
    }
}

fn made(alert: &Alert) -> AwsSecurityFinding {
    finding(alert, &issuer(KeyStyle::Full), now()).unwrap()
}

#[test]
fn a_flagged_object_is_sensitive_data_in_an_object() {
    let made = made(&flagged());
    assert_eq!(made.schema_version(), Some("2018-10-08"));
    assert_eq!(made.id(), Some("f1"));
    assert_eq!(
        made.product_arn(),
        Some("arn:aws:securityhub:eu-west-1:123456789012:product/123456789012/default")
    );
    assert_eq!(made.generator_id(), Some("s3-warden/flagged"));
    assert_eq!(made.aws_account_id(), Some("123456789012"));
    assert_eq!(made.types(), ["Sensitive Data Identifications/PII"]);
    assert_eq!(made.created_at(), Some("2026-03-01T09:59:00.000Z"));
    assert_eq!(made.updated_at(), Some("2026-03-01T10:00:00.123Z"));
    assert_eq!(made.title(), Some("A passport was found"));
    assert_eq!(made.record_state(), Some(&RecordState::Active));
    let workflow = made.workflow().unwrap();
    assert_eq!(workflow.status(), Some(&WorkflowStatus::New));
    let [resource] = made.resources() else {
        panic!("one resource: {made:?}");
    };
    assert_eq!(resource.r#type(), Some("AwsS3Object"));
    assert_eq!(resource.id(), Some("arn:aws:s3:::inbox/a b.png"));
    let fields = made.product_fields().unwrap();
    assert_eq!(fields["s3-warden/count"], "2");
    assert_eq!(fields["s3-warden/finding_ids"], "f1 f2");
    assert_eq!(fields["s3-warden/exposure"], "public");
}

#[test]
fn a_level_is_given_where_updates_count_as_well() {
    for (level, label) in [
        (Threat::Low, SeverityLabel::Low),
        (Threat::Medium, SeverityLabel::Medium),
        (Threat::High, SeverityLabel::High),
        (Threat::Critical, SeverityLabel::Critical),
    ] {
        let made = made(&Alert {
            threat_level: level,
            ..flagged()
        });
        assert_eq!(made.severity().unwrap().label(), Some(&label));
        let provided = made.finding_provider_fields().unwrap();
        assert_eq!(provided.severity().unwrap().label(), Some(&label));
        assert_eq!(provided.types(), made.types());
    }
}

#[test]
fn a_masked_key_names_no_object() {
    let masked = Alert {
        s3_key: Some("…/3f2a9c01.png".to_owned()),
        ..flagged()
    };
    let made = finding(&masked, &issuer(KeyStyle::Masked), now()).unwrap();
    let resource = &made.resources()[0];
    assert_eq!(resource.r#type(), Some("AwsS3Bucket"));
    assert_eq!(resource.id(), Some("arn:aws:s3:::inbox"));
    assert_eq!(
        made.product_fields().unwrap()["s3-warden/key"],
        "…/3f2a9c01.png"
    );
}

#[test]
fn an_activity_is_named_by_its_rule_and_by_what_it_touches() {
    let made_of = made(&threat("StopLogging", None));
    assert_eq!(made_of.generator_id(), Some("s3-warden/trail_stopped"));
    assert_eq!(made_of.types(), ["TTPs/Defense Evasion"]);
    let resource = &made_of.resources()[0];
    assert_eq!(resource.id(), Some("AWS::::Account:123456789012"));
    assert_eq!(
        made_of.product_fields().unwrap()["s3-warden/event_account"],
        "999999999999"
    );
    let made_of = made(&threat("PutBucketAcl", Some("inbox")));
    assert_eq!(made_of.resources()[0].r#type(), Some("AwsS3Bucket"));
}

#[test]
fn types_are_of_the_list() {
    #[track_caller]
    fn check(name: &str, kind: &str) {
        assert_eq!(of_activity(name), kind, "{name}");
    }
    check("PutBucketPolicy", "Effects/Data Exposure");
    check("DeletePublicAccessBlock", "Effects/Data Exposure");
    check("DeleteTrail", "TTPs/Defense Evasion");
    check("DeleteDetector", "TTPs/Defense Evasion");
    check("DeleteObjects", "Effects/Data Destruction");
    check("CreateAccessKey", "TTPs/Persistence");
    check("AttachUserPolicy", "TTPs/Privilege Escalation");
    check("ConsoleLogin", "TTPs/Initial Access");
    check(
        "Exfiltration:S3/AnomalousBehavior",
        "Effects/Data Exfiltration",
    );
    check(
        "Policy:S3/BucketAnonymousAccessGranted",
        "Effects/Data Exposure",
    );
    check("Object:S3/MaliciousFile", "Unusual Behaviors/User");
    check("SomethingNew", "Unusual Behaviors/User");
    let of = |categories: &[Category], kind| {
        types(&Alert {
            categories: categories.iter().copied().collect(),
            kind,
            ..flagged()
        })
    };
    let secrets = of(&[Category::Credentials, Category::Face], AlertKind::Flagged);
    assert_eq!(secrets, "Sensitive Data Identifications/Passwords");
    let card = of(&[Category::FinancialCard], AlertKind::Flagged);
    assert_eq!(card, "Sensitive Data Identifications/Financial");
    let both = of(&[Category::FinancialCard, Category::Name], AlertKind::Held);
    assert_eq!(both, "Sensitive Data Identifications/PII");
    assert_eq!(of(&[], AlertKind::Undecided), "Unusual Behaviors/Data");
}

#[test]
fn what_is_no_finding_makes_none() {
    for kind in [
        AlertKind::Paused,
        AlertKind::Clean,
        AlertKind::BreakerOpen,
        AlertKind::BudgetSpent,
        AlertKind::Recovered,
        AlertKind::Digest,
    ] {
        let alert = Alert { kind, ..flagged() };
        assert!(
            finding(&alert, &issuer(KeyStyle::Full), now()).is_none(),
            "{kind:?}"
        );
    }
    let nameless = Alert {
        finding_id: None,
        ..flagged()
    };
    assert!(finding(&nameless, &issuer(KeyStyle::Full), now()).is_none());
}

#[test]
fn nothing_is_longer_than_the_format_allows() {
    let long = "é\n".repeat(50_000);
    let some = || Some(long.clone());
    let made = made(&Alert {
        event_title: long.clone(),
        summarize: long.clone(),
        next_step: long.clone(),
        finding_id: some(),
        finding_ids: vec![long.clone(); 100],
        verdict: some(),
        reason: some(),
        outcome: some(),
        uploader: some(),
        uploader_ip: some(),
        ..flagged()
    });
    let chars = |text: Option<&str>| text.unwrap().chars().count();
    assert_eq!(chars(made.title()), 256);
    assert_eq!(chars(made.description()), 1024);
    assert_eq!(chars(made.id()), 512);
    assert_eq!(
        chars(made.remediation().unwrap().recommendation().unwrap().text()),
        512
    );
    let fields = made.product_fields().unwrap();
    assert!(fields.len() <= 50);
    assert!(fields.values().all(|text| text.chars().count() <= 2048));
    let bytes: usize = fields.values().map(String::len).sum();
    assert!(bytes < 200_000, "{bytes}");
    assert!(!made.title().unwrap().contains('\n'));
}

#[test]
fn empty_texts_are_replaced() {
    let made = made(&Alert {
        event_title: String::new(),
        summarize: " \n".to_owned(),
        next_step: String::new(),
        ..flagged()
    });
    assert_eq!(made.title(), Some("s3-warden/flagged"));
    assert_eq!(made.description(), Some("s3-warden/flagged"));
    assert!(made.remediation().is_none());
}
