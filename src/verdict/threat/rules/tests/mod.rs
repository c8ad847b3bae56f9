//! Every rule with records that it matches and near misses that it does not, and what a file of
//! rules may say.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::event::{Body, Delivery, Job, MessageId, Options, Receipt, plan};
use crate::verdict::Threat;

mod accounts;
mod buckets;
mod files;
mod rights;
mod strangers;

/// A rule, records that it matches, and near misses.
struct Row(&'static str, Vec<Value>, Vec<Value>);

/// A record of a call by a user of the account, and what it asked for.
fn call(service: &str, name: &str, parameters: Value) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLEJANE", "accountId": "111122223333",
            "arn": "arn:aws:iam::111122223333:user/jane.doe", "userName": "jane.doe",
        },
        "eventTime": "2026-11-20T10:15:30Z",
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "[aws-cli/2.31.0]",
        "requestParameters": parameters,
        "responseElements": null,
        "eventID": "11112222-3333-4444-5555-666677778888",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
    })
}

/// The same with a field replaced.
fn with(mut record: Value, field: &str, value: Value) -> Value {
    record[field] = value;
    record
}

fn failed(record: Value) -> Value {
    with(record, "errorCode", json!("AccessDenied"))
}

fn by_root(record: Value) -> Value {
    let root = json!({
        "type": "Root", "principalId": "111122223333", "accountId": "111122223333",
        "arn": "arn:aws:iam::111122223333:root",
    });
    with(record, "userIdentity", root)
}

/// What the record is planned into, as it comes from EventBridge.
fn activity(record: &Value) -> Activity {
    let kind = match record["eventType"].as_str() {
        Some("AwsConsoleSignIn") => "AWS Console Sign In via CloudTrail",
        Some("AwsServiceEvent") => "AWS Service Event via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    let event = json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": kind,
        "source": "aws.any", "time": "2026-11-20T10:15:30Z", "detail": record,
    });
    let delivery = Delivery {
        id: MessageId("message-1".to_owned()),
        receipt: Receipt("receipt-1".to_owned()),
        body: Body::new(event.to_string()),
        receive_count: 1,
        sent_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        redriven: 0,
    };
    match plan(&delivery, &Options::default()).jobs.as_slice() {
        [Job::Assess(activity)] => activity.clone(),
        other => panic!("{other:?} from {record}"),
    }
}

fn rule<'a>(rules: &'a Rules, id: &str) -> &'a Rule {
    rules.rules.iter().find(|rule| rule.id == id).expect(id)
}

fn all_rows() -> Vec<Row> {
    let mut rows = buckets::rows();
    rows.extend(accounts::rows());
    rows.extend(rights::rows());
    rows.extend(strangers::rows());
    rows
}

#[test]
fn every_rule_matches_its_records_and_no_near_miss() {
    let rules = Rules::builtin();
    for Row(id, matches, misses) in all_rows() {
        let rule = rule(&rules, id);
        for record in matches {
            let found = rule.level_of(&activity(&record));
            assert_eq!(found, Some(rule.level), "{id} {record}");
        }
        for record in misses {
            assert_eq!(rule.level_of(&activity(&record)), None, "{id} {record}");
        }
    }
}

#[test]
fn every_rule_has_a_record_and_a_near_miss() {
    let rules = Rules::builtin();
    let ids: BTreeSet<_> = rules.rules.iter().map(|rule| rule.id.as_str()).collect();
    let rows = all_rows();
    let shown: BTreeSet<_> = rows
        .iter()
        .filter(|Row(_, matches, misses)| !matches.is_empty() && !misses.is_empty())
        .map(|Row(id, ..)| *id)
        .collect();
    assert_eq!(shown, ids);
    assert_eq!(rows.len(), ids.len(), "a rule stands twice in the table");
}

#[test]
fn every_source_and_name_of_a_rule_is_matched_by_a_record() {
    let rules = Rules::builtin();
    let rows = all_rows();
    for Row(id, matches, _) in &rows {
        let rule = rule(&rules, id);
        let of_rule: Vec<_> = matches.iter().map(activity).collect();
        for name in &rule.names {
            let shown = of_rule.iter().any(|activity| name.fits(&activity.name));
            assert!(shown, "{id} {name:?}");
        }
        for source in &rule.sources {
            let shown = of_rule.iter().any(|activity| source.fits(&activity.source));
            assert!(shown, "{id} {source:?}");
        }
    }
}

#[test]
fn every_text_is_there_in_both_languages() {
    for rule in &Rules::builtin().rules {
        for words in [&rule.title, &rule.next_step] {
            let id = &rule.id;
            assert!(words.en.bytes().all(|b| (b' '..=b'~').contains(&b)), "{id}");
            let hangul = |c: char| ('가'..='힣').contains(&c);
            assert!(words.ko.chars().any(hangul), "{id}");
            assert_ne!(words.en, words.ko, "{id}");
        }
        let titles = [&rule.title.en, &rule.title.ko];
        let no_stop = |title: &&String| !title.ends_with(['.', '!']);
        assert!(titles.iter().all(no_stop), "{}", rule.id);
        assert!(rule.next_step.en.ends_with('.'), "{}", rule.id);
        assert!(rule.next_step.ko.ends_with('.'), "{}", rule.id);
    }
}

/// What all rules together say of a record.
#[track_caller]
fn check(record: &Value, expected: Option<(&str, Threat)>) {
    let floor = Rules::builtin().floor(&activity(record));
    let found = floor
        .as_ref()
        .map(|floor| (floor.rule.as_str(), floor.level));
    assert_eq!(found, expected, "{record}");
}

#[test]
fn the_highest_level_speaks_and_then_the_order_of_the_file() {
    let open = json!({"bucketName": "b", "bucketPolicy": {"Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}});
    let opened = call("s3", "PutBucketPolicy", open);
    check(&opened, Some(("public_policy", Threat::High)));
    // Two on one level: the bucket says more than who did it.
    check(&by_root(opened), Some(("public_policy", Threat::High)));
    let closed = call("s3", "PutBucketPolicy", json!({"bucketName": "b"}));
    check(&closed, Some(("bucket_policy_changed", Threat::Medium)));
    check(&by_root(closed), Some(("root_use", Threat::High)));
    let key = call("iam", "CreateAccessKey", json!({"userName": "jane.doe"}));
    check(&key, Some(("access_key_created", Threat::Medium)));
    check(&by_root(key), Some(("root_use", Threat::High)));
    check(
        &call("s3", "GetObject", json!({"bucketName": "b", "key": "k"})),
        None,
    );
}

#[test]
fn a_failed_call_counts_one_lower_and_says_so() {
    let stopped = call("cloudtrail", "StopLogging", json!({"name": "trail-1"}));
    check(&stopped, Some(("trail_stopped", Threat::Critical)));
    let attempted = failed(stopped);
    check(&attempted, Some(("trail_stopped", Threat::High)));
    let floor = Rules::builtin().floor(&activity(&attempted)).unwrap();
    assert_eq!(
        floor.title.en,
        "Failed attempt: CloudTrail trail stopped or deleted"
    );
    assert_eq!(floor.title.ko, "시도 실패: CloudTrail 추적 중지 또는 삭제");
    assert_eq!(floor.details["trail"], "trail-1");

    let removed = failed(call("events", "DeleteRule", json!({"name": "r"})));
    check(&removed, Some(("event_rule_removed", Threat::Low)));
    let read = |who: &str| {
        let read = call("s3", "GetObject", json!({"bucketName": "b", "key": "k"}));
        with(
            read,
            "userIdentity",
            json!({"type": "AWSAccount", "accountId": who}),
        )
    };
    check(
        &failed(read("anonymous")),
        Some(("anonymous_read", Threat::Low)),
    );
    check(
        &failed(read("444455556666")),
        Some(("cross_account_read", Threat::Low)),
    );
}

#[test]
fn the_longest_titles_fit_into_a_subject() {
    for rule in &Rules::builtin().rules {
        let attempted = rule.floor(Threat::Low, &activity(&failed(call("s3", "X", json!({})))));
        assert!(
            attempted.title.en.len() + "[CRITICAL] ".len() < 100,
            "{}",
            rule.id
        );
    }
}

#[test]
fn findings_of_guardduty_match_no_rule() {
    let mut finding = activity(&by_root(call("s3", "PutBucketAcl", json!({}))));
    finding.kind = ActivityKind::Finding;
    assert_eq!(Rules::builtin().floor(&finding), None);
}
