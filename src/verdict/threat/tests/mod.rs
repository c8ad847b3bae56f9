//! The assessor as its users see it: what it makes of whole messages and of misbehaving analysts.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::*;
use crate::event::{Activity, Body, Delivery, Job, MessageId, Options, Receipt, plan};
use crate::verdict::{Judge, Threat};

const US: &str = "arn:aws:sts::111122223333:assumed-role/warden/task-1";

macro_rules! event {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/fixtures/events/",
            $name,
            ".json"
        ))
    };
}

mod nonsense;
mod spared;

fn planned(body: &str) -> Activity {
    let delivery = Delivery {
        id: MessageId("message-1".to_owned()),
        receipt: Receipt("receipt-1".to_owned()),
        body: Body::new(body),
        receive_count: 1,
        sent_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        redriven: 0,
    };
    match plan(&delivery, &Options::default()).jobs.as_slice() {
        [Job::Assess(activity)] => activity.clone(),
        other => panic!("{other:?}"),
    }
}

fn settings(analyze: Analyze) -> ThreatSettings {
    ThreatSettings {
        analyze,
        tell_from: Threat::Medium,
        ask_model: true,
        rules: None,
    }
}

fn assessor(analyze: Analyze, analyst: Option<Arc<dyn Analyst>>) -> Assessor {
    let ourselves = Ourselves::new(OwnScope::default());
    ourselves.learn(Caller::from_identity(
        "111122223333",
        US,
        "AROAEXAMPLE:task-1",
    ));
    let settings = settings(analyze);
    Assessor::new(Rules::builtin(), Arc::new(ourselves), &settings, analyst)
}

#[track_caller]
fn check(body: &str, expected: Option<(&str, Threat)>) {
    let activity = planned(body);
    let found = match assessor(Analyze::Notable, None).look(&activity) {
        Look::Notable(floor) => Some((floor.rule, floor.level)),
        Look::Unremarkable => None,
        Look::Ours => panic!("ours"),
    };
    let expected = expected.map(|(rule, level)| (rule.to_owned(), level));
    assert_eq!(found, expected);
    // Whatever matches nothing is assessed where every record is.
    let Look::Notable(floor) = assessor(Analyze::All, None).look(&activity) else {
        panic!("left out");
    };
    let whole = (floor.rule, floor.level);
    assert_eq!(
        whole,
        expected.unwrap_or(("unmatched".to_owned(), Threat::Low))
    );
}

#[test]
fn whole_messages_get_their_floors() {
    use Threat::{Critical, High, Low, Medium};
    check(
        event!("cloudtrail-put-bucket-policy"),
        Some(("bucket_policy_changed", Medium)),
    );
    check(event!("cloudtrail-put-object-denied"), None);
    check(event!("cloudtrail-service-event"), None);
    check(
        event!("cloudtrail-console-sign-in-failed"),
        Some(("root_sign_in_failed", Medium)),
    );
    check(
        event!("guardduty-finding"),
        Some(("guardduty_finding", High)),
    );
    check(
        event!("guardduty-finding-malicious-file"),
        Some(("guardduty_finding", Critical)),
    );
    let found = event!("guardduty-malware-threats-found");
    check(found, Some(("malware_found", High)));
    check(
        event!("guardduty-malware-failed"),
        Some(("malware_scan_failed", Medium)),
    );
    for (result, expected) in [
        ("NO_THREATS_FOUND", None),
        ("ACCESS_DENIED", Some(("malware_scan_failed", Medium))),
        ("UNSUPPORTED", Some(("malware_scan_skipped", Low))),
        ("SKIPPED", Some(("malware_scan_skipped", Low))),
        ("no_threats_found", Some(("malware_scan_unknown", Medium))),
    ] {
        check(&found.replace("THREATS_FOUND", result), expected);
    }
}

#[test]
fn a_severity_that_cannot_be_read_is_high_and_said_to_be_unknown() {
    let finding = event!("guardduty-finding");
    let floor_with = |severity: &str| {
        let body = finding.replace("\"severity\": 8.9", &format!("\"severity\": {severity}"));
        assert_ne!(body, finding);
        match assessor(Analyze::Notable, None).look(&planned(&body)) {
            Look::Notable(floor) => floor,
            other => panic!("{other:?}"),
        }
    };
    for unknown in ["null", "\"8.9\"", "true", "11", "-1", "{}", "1e300"] {
        let floor = floor_with(unknown);
        assert_eq!(floor.level, Threat::High, "{unknown}");
        assert_eq!(floor.details["severity"], "unknown", "{unknown}");
    }
    let floor = floor_with("2");
    assert_eq!(floor.level, Threat::Low);
    assert_eq!(floor.details["severity"], "2");
    assert_eq!(floor.details["type"], "Exfiltration:S3/AnomalousBehavior");
    assert_eq!(floor.title.en, "GuardDuty: Data may be leaving the account");
    assert!(!floor.title.en.contains("jane"));
}

fn by_us(name: &str) -> Activity {
    let mut body: Value = serde_json::from_str(event!("cloudtrail-put-bucket-policy")).unwrap();
    body["detail"]["eventName"] = json!(name);
    body["detail"]["userIdentity"] = json!({
        "type": "AssumedRole", "principalId": "AROAEXAMPLE:task-1", "arn": US,
        "accountId": "111122223333", "sessionContext": {"sessionIssuer": {
            "type": "Role", "principalId": "AROAEXAMPLE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:role/warden"}}});
    planned(&body.to_string())
}

#[test]
fn our_role_is_left_alone_at_work_and_told_of_otherwise() {
    let rules = Rules::builtin;
    let scope = OwnScope {
        buckets: [crate::event::BucketName::new("guarded-bucket").unwrap()].into(),
        ..OwnScope::default()
    };
    let ourselves = Ourselves::new(scope);
    ourselves.learn(Caller::from_identity(
        "111122223333",
        US,
        "AROAEXAMPLE:task-1",
    ));
    let ourselves = Arc::new(ourselves);
    let assessor =
        |analyze| Assessor::new(rules(), Arc::clone(&ourselves), &settings(analyze), None);
    assert_eq!(
        assessor(Analyze::Notable).look(&by_us("HeadBucket")),
        Look::Ours
    );
    assert_eq!(
        assessor(Analyze::All).look(&by_us("HeadBucket")),
        Look::Ours
    );

    let misused = |name: &str| match assessor(Analyze::Notable).look(&by_us(name)) {
        Look::Notable(floor) => floor,
        other => panic!("{other:?}"),
    };
    let floor = misused("GetBucketPolicy");
    assert_eq!(
        (floor.rule.as_str(), floor.level),
        ("own_role_misused", Threat::High)
    );
    assert_eq!(floor.details["action"], "GetBucketPolicy");
    assert_eq!(floor.details["bucket"], "guarded-bucket");
    // A rule on the same level or a lower one says less than who it was.
    assert_eq!(misused("DeleteBucketEncryption").rule, "own_role_misused");
    assert_eq!(misused("PutBucketPolicy").rule, "own_role_misused");
}

#[test]
fn a_rule_above_a_misuse_speaks() {
    let mut stopped = by_us("StopLogging");
    stopped.source = "cloudtrail.amazonaws.com".to_owned();
    let Look::Notable(floor) = assessor(Analyze::Notable, None).look(&stopped) else {
        panic!("left out");
    };
    assert_eq!(
        (floor.rule.as_str(), floor.level),
        ("trail_stopped", Threat::Critical)
    );
}

#[derive(Debug)]
enum Odd {
    Answers(Box<Assessment>),
    Fails(f64),
    Panics,
}

#[async_trait]
impl Analyst for Odd {
    async fn assess(&self, _: &Activity, _: &Floor) -> Result<Assessment, AnalystError> {
        match self {
            Self::Answers(assessment) => Ok(Assessment::clone(assessment)),
            Self::Fails(cost_usd) => Err(AnalystError {
                why: Unassessed::Spent,
                message: "no money".to_owned(),
                cost_usd: *cost_usd,
            }),
            Self::Panics => panic!("an analyst with a bug"),
        }
    }
}

fn floor_of(level: Threat) -> Floor {
    let words = Words {
        en: "Title".to_owned(),
        ko: "제목".to_owned(),
    };
    Floor {
        level,
        rule: "rule".to_owned(),
        title: words.clone(),
        next_step: words,
        details: std::collections::BTreeMap::new(),
    }
}

async fn assessed(analyst: Option<Odd>) -> Assessment {
    let analyst = analyst.map(|odd| Arc::new(odd) as Arc<dyn Analyst>);
    let activity = planned(event!("cloudtrail-put-bucket-policy"));
    let assessor = assessor(Analyze::Notable, analyst);
    assessor.assess(&activity, floor_of(Threat::High)).await
}

fn answer(level: Threat) -> Assessment {
    let judge = Judge {
        name: "model".to_owned(),
        version: "1".to_owned(),
    };
    // The floor of an answer is the analyst's own word, which nobody takes.
    let mut answer = Assessment::judged(floor_of(Threat::Low), level, judge);
    answer.floor.title.en = "Nothing to see".to_owned();
    answer
}

#[tokio::test]
async fn a_level_is_raised_and_never_lowered() {
    use Threat::{Critical, High, Low, Medium};
    for (level, expected) in [
        (Low, High),
        (Medium, High),
        (High, High),
        (Critical, Critical),
    ] {
        let found = assessed(Some(Odd::Answers(Box::new(answer(level))))).await;
        assert_eq!(found.threat, expected);
        assert_eq!(found.floor, floor_of(High));
        assert!(found.judge.is_some() && found.unassessed.is_none());
    }
}

#[tokio::test]
async fn without_an_answer_the_floor_speaks_alone_and_says_why() {
    let alone = |why, cost_usd| Assessment {
        cost_usd,
        ..Assessment::alone(floor_of(Threat::High), why)
    };
    assert_eq!(assessed(None).await, alone(Unassessed::NotAsked, 0.0));
    assert_eq!(
        assessed(Some(Odd::Fails(0.25))).await,
        alone(Unassessed::Spent, 0.25)
    );
    assert_eq!(
        assessed(Some(Odd::Fails(f64::NAN))).await,
        alone(Unassessed::Spent, 0.0)
    );
    assert_eq!(
        assessed(Some(Odd::Panics)).await,
        alone(Unassessed::Unavailable, 0.0)
    );
    // An answer that nobody stands for is none.
    let mut nobody = answer(Threat::Low);
    nobody.judge = None;
    nobody.summary = Some("all is well".to_owned());
    nobody.cost_usd = 0.5;
    let found = assessed(Some(Odd::Answers(Box::new(nobody)))).await;
    assert_eq!(found, alone(Unassessed::Malformed, 0.5));
}

#[tokio::test]
async fn a_model_is_asked_only_where_the_settings_want_it() {
    let ourselves = Arc::new(Ourselves::default());
    let mut settings = settings(Analyze::Notable);
    settings.ask_model = false;
    let odd = Arc::new(Odd::Panics) as Arc<dyn Analyst>;
    let assessor = Assessor::new(Rules::builtin(), ourselves, &settings, Some(odd));
    let activity = planned(event!("cloudtrail-put-bucket-policy"));
    let found = assessor.assess(&activity, floor_of(Threat::High)).await;
    assert_eq!(found.unassessed, Some(Unassessed::NotAsked));
}

#[tokio::test]
async fn a_summary_is_one_line_of_bounded_length() {
    let with = |summary: &str| {
        let mut odd = answer(Threat::Critical);
        odd.summary = Some(summary.to_owned());
        odd.cost_usd = f64::INFINITY;
        assessed(Some(Odd::Answers(Box::new(odd))))
    };
    let found = with("one\r\ntwo\u{7}").await;
    assert_eq!(found.summary.as_deref(), Some("one  two"));
    assert_eq!(found.cost_usd, 0.0);
    assert_eq!(
        with(&"가".repeat(500))
            .await
            .summary
            .unwrap()
            .chars()
            .count(),
        400
    );
    assert_eq!(with(" \n").await.summary, None);
}
