//! Every kind of message, and every odd one, as whole files: what it is planned into.
//!
//! The table holds one row per file under `tests/fixtures/events`, and a test sees to it that no
//! file lies there unread. Properties follow: whatever comes, nothing panics, nothing is dropped
//! without a word, and no reason or `Debug` repeats what the message says.

use std::collections::BTreeSet;

use serde_json::json;

use super::*;
use table::{Row, TABLE};

mod properties;
mod table;
mod uploads;

/// When the messages of the table were sent: later than all events in them.
const SENT_AT: &str = "2026-11-20T12:00:00Z";

fn delivery(body: &str) -> Delivery {
    Delivery {
        id: MessageId("message-1".to_owned()),
        receipt: Receipt("receipt-1".to_owned()),
        body: Body::new(body),
        receive_count: 1,
        sent_at: SENT_AT.parse().unwrap(),
        redriven: 0,
    }
}

fn planned(body: &str) -> Plan {
    let options = Options {
        requests_enabled: true,
        ..Options::default()
    };
    plan(&delivery(body), &options)
}

/// A plan, one line per job, ignored record and reason.
fn shown(plan: &Plan) -> Vec<String> {
    let jobs = plan.jobs.iter().map(|job| match job {
        Job::Inspect(upload) => format!(
            "inspect {} of {} by {:?} from {} {} {} at {}",
            target(&upload.target),
            upload.size.map_or("?".to_owned(), |size| size.to_string()),
            upload.via,
            opt(upload.region.as_ref()),
            opt(upload.uploader.principal.as_ref()),
            opt(upload.uploader.ip.as_ref()),
            upload.happened_at,
        ),
        Job::Assess(activity) => format!(
            "assess {:?} {} {} by {} from {} error {} severity {:?} on {} {} in {} {} at {}",
            activity.kind,
            activity.source,
            activity.name,
            opt(activity.actor.as_ref()),
            opt(activity.ip.as_ref()),
            opt(activity.error.as_ref()),
            activity.severity,
            activity.bucket.as_ref().map_or("-", BucketName::as_str),
            activity.key.as_ref().map_or("-", Key::as_str),
            opt(activity.account.as_ref()),
            opt(activity.region.as_ref()),
            activity.happened_at,
        ),
        Job::Answer(request) => {
            let Ask::Inspect(asked) = &request.ask;
            format!(
                "answer inspect {} at {}",
                target(asked),
                request.happened_at
            )
        }
    });
    let ignored = plan.ignored.iter().map(|i| format!("ignored {}", i.code()));
    let reasons = plan.unreadable.iter();
    let unreadable = reasons.map(|reason| match reason.detail.split('`').nth(1) {
        Some(field) => format!("unreadable {} {field}", reason.code),
        None => format!("unreadable {}", reason.code),
    });
    jobs.chain(ignored).chain(unreadable).collect()
}

fn target(target: &Target) -> String {
    let pin = match &target.pin {
        Some(EventPin::Version(version)) => format!("version {:.6}", version.as_str()),
        Some(EventPin::ETag(etag)) => format!("etag {:.6}", etag.as_str()),
        None => "no pin".to_owned(),
    };
    format!("{} `{}` {pin}", target.bucket, target.key.as_str())
}

fn opt(text: Option<&String>) -> &str {
    text.map_or("-", String::as_str)
}

#[track_caller]
fn check(Row(name, body, expected): &Row) {
    assert_eq!(shown(&planned(body)), *expected, "{name}");
}

#[test]
fn every_file_is_planned_as_the_table_says() {
    TABLE.iter().for_each(check);
}

#[test]
fn no_file_lies_unread() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let rows: BTreeSet<String> = TABLE.iter().map(|row| format!("{}.json", row.0)).collect();
    assert_eq!(files, rows);
    assert_eq!(rows.len(), TABLE.len(), "a file stands twice in the table");
}

fn body_of(name: &str) -> &'static str {
    TABLE.iter().find(|row| row.0 == name).expect(name).1
}

fn only_job(name: &str) -> Job {
    let mut plan = planned(body_of(name));
    assert_eq!(shown(&plan).len(), 1, "{name}");
    plan.jobs.remove(0)
}

#[test]
fn what_is_not_json_or_no_message_is_unreadable() {
    for (body, code) in [
        ("", "not_json"),
        ("{", "not_json"),
        ("Hello jane", "not_json"),
        ("\u{feff}{}", "not_json"),
        ("null", "unknown_envelope"),
        ("17", "unknown_envelope"),
        ("\"s3:TestEvent\"", "unknown_envelope"),
        ("[]", "unknown_envelope"),
        ("{}", "unknown_envelope"),
        ("{\"Records\": null}", "missing_field"),
        ("{\"Event\": \"s3:OtherEvent\"}", "unknown_envelope"),
    ] {
        let plan = planned(body);
        let codes: Vec<_> = plan.unreadable.iter().map(|reason| reason.code).collect();
        assert_eq!(codes, [code], "{body}");
        assert!(plan.jobs.is_empty() && plan.ignored.is_empty(), "{body}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(shown(&planned(&deep)), ["unreadable too_deep"]);
}

#[test]
fn three_envelopes_are_opened_and_a_fourth_is_not() {
    let body = body_of("sns-too-deep");
    assert_eq!(shown(&planned(body)), ["unreadable too_deep"]);
    let outer: serde_json::Value = serde_json::from_str(body).unwrap();
    let three = outer["Message"].as_str().unwrap();
    assert_eq!(planned(three).jobs.len(), 1);
}

#[test]
fn a_thousand_records_are_walked() {
    let record = r#"{"eventName": "ObjectTagging:Put", "s3": {}}"#;
    let body = format!(r#"{{"Records": [{}]}}"#, vec![record; 1_000].join(","));
    assert_eq!(planned(&body).ignored, vec![Ignored::ObjectMarked; 1_000]);
}

#[test]
fn requests_are_parked_unless_enabled() {
    for name in [
        "request-inspect",
        "request-unknown-kind",
        "request-version-2",
    ] {
        let plan = plan(&delivery(body_of(name)), &Options::default());
        assert!(plan.jobs.is_empty(), "{name}");
        assert_eq!(shown(&plan), ["unreadable requests_disabled"], "{name}");
    }
    assert_eq!(
        only_job("request-inspect").identity(),
        &Identity::request(&MessageId("message-1".to_owned()))
    );
}

#[test]
fn both_ways_of_reporting_one_write_are_the_same_work() {
    let finding = |name: &str| only_job(name).identity().finding_id();
    assert_eq!(
        finding("s3-put-2.6-versioned"),
        finding("eventbridge-object-created")
    );
    assert_ne!(
        finding("s3-put-2.1"),
        finding("eventbridge-object-created"),
        "one has a version, the other has none"
    );
    let unversioned = body_of("s3-put-2.1");
    let later = unversioned.replace("0055AED6DCD90281E5", "0055AED6DCD90281E6");
    assert_ne!(
        finding("s3-put-2.1"),
        planned(&later).jobs[0].identity().finding_id(),
        "the same bytes again are new work"
    );
}

#[test]
fn an_action_seen_from_two_accounts_is_one_piece_of_work() {
    let seen = |event_id: &str, account: &str, shared: serde_json::Value| {
        let body = body_of("cloudtrail-put-bucket-policy");
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["detail"]["eventID"] = event_id.into();
        body["detail"]["recipientAccountId"] = account.into();
        body["detail"]["sharedEventID"] = shared;
        planned(&body.to_string()).jobs[0].identity().finding_id()
    };
    let shared = || serde_json::json!("9f4f-shared");
    assert_eq!(
        seen("e-1", "111122223333", shared()),
        seen("e-2", "444455556666", shared())
    );
    // Where it is not told, every record is an action.
    assert_ne!(
        seen("e-1", "111122223333", serde_json::Value::Null),
        seen("e-2", "444455556666", serde_json::json!(""))
    );
}

#[test]
fn parameters_may_be_lists_of_one() {
    let placed = |bucket: serde_json::Value, key: serde_json::Value| {
        let body = body_of("cloudtrail-put-object-denied");
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["detail"]["requestParameters"]["bucketName"] = bucket;
        body["detail"]["requestParameters"]["key"] = key;
        match planned(&body.to_string()).jobs.remove(0) {
            Job::Assess(activity) => (activity.bucket, activity.key),
            other => panic!("{other:?}"),
        }
    };
    let (bucket, key) = (BucketName::new("guarded-bucket"), Some(Key::new("a.png")));
    assert_eq!(
        placed(json!(["guarded-bucket"]), json!(["a.png"])),
        (bucket, key)
    );
    for odd in [json!([]), json!(["a", "b"]), json!([1]), json!([""])] {
        assert_eq!(placed(odd.clone(), odd), (None, None));
    }
}

#[test]
fn a_refused_request_at_the_sign_in_page_has_failed() {
    let error = |answer: &str| {
        let body = body_of("cloudtrail-console-sign-in-failed");
        let mut body: serde_json::Value = serde_json::from_str(body).unwrap();
        body["detail"]["eventName"] = "PasswordUpdated".into();
        body["detail"]["errorMessage"] = serde_json::Value::Null;
        body["detail"]["responseElements"] = serde_json::json!({"PasswordUpdated": answer});
        match planned(&body.to_string()).jobs.remove(0) {
            Job::Assess(activity) => activity.error,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(error("Failure").as_deref(), Some("Failure"));
    assert_eq!(error("Success"), None);
}

#[test]
fn an_update_of_a_finding_is_new_work_and_a_redelivery_is_not() {
    let body = body_of("guardduty-finding");
    let update = body.replace("2026-11-20T10:15:30.000Z", "2026-11-20T16:15:30.000Z");
    let identity = |body: &str| planned(body).jobs[0].identity().clone();
    assert_eq!(identity(body), identity(body));
    assert_ne!(identity(body), identity(&update));
    assert_eq!(
        identity(body).finding_id(),
        identity(&update).finding_id(),
        "a finding has one place in the records, whatever its revision"
    );
}

#[test]
fn neither_debug_nor_reasons_repeat_the_message() {
    for Row(name, body, _) in TABLE {
        let debug = format!("{:?}", planned(body));
        for secret in ["jane", "JANE", "192.0.2.10", "198.51.100.7", "card", "%zz"] {
            assert!(!debug.contains(secret), "{name} shows {secret}: {debug}");
        }
    }
}
