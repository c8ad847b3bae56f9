//! What one missing right hides: nothing that was answered; and what was not seen is not called fine.

use super::*;
use crate::maintenance::doctor::survey::{Answer, Expiry, Topic, Written};

fn denied(call: &str) -> SurveyError {
    SurveyError::Denied {
        call: call.to_owned(),
    }
}

fn missing() -> SurveyError {
    SurveyError::Missing {
        what: "NoSuchBucket".to_owned(),
    }
}

#[test]
fn a_denial_hides_no_other_answer() {
    let check = |there: SurveyError, versions: Answer<Versions>, expected: Status| {
        let mut facts = facts(vec![route("", "")]);
        for guarded in &mut facts.guarded {
            guarded.there = Err(there.clone());
            guarded.versions = versions.clone();
        }
        facts.records.there = Err(there.clone());
        facts.records_versions = versions.clone();
        for check in [Check::Versioning, Check::RecordsVersioning] {
            let row = row(&facts, &wanted(), check);
            assert_eq!(row.status, expected, "{there:?} {versions:?}: {row:?}");
        }
        for check in [Check::Bucket, Check::RecordsBucket] {
            assert_eq!(row(&facts, &wanted(), check).status, Status::Problem);
        }
    };
    let late = || SurveyError::Unreachable("late".to_owned());
    let list = || denied("s3:ListBucket");
    check(list(), Ok(Versions::Enabled), Status::Ok);
    check(list(), Ok(Versions::Never), Status::Warning);
    check(
        list(),
        Err(denied("s3:GetBucketVersioning")),
        Status::Problem,
    );
    // The same once more.
    check(list(), Err(list()), Status::NotChecked);
    check(late(), Err(late()), Status::NotChecked);
    check(late(), Ok(Versions::Enabled), Status::Ok);
    // Of what is not there nothing can be told.
    check(missing(), Ok(Versions::Enabled), Status::NotChecked);
}

#[test]
fn who_reads_a_topic_is_told_where_the_topic_may_not_be_asked() {
    let mut facts = facts(vec![route("", "")]);
    facts.topic.topic = Err(denied("sns:GetTopicAttributes"));
    let status = |facts: &Facts, check| row(facts, &wanted(), check).status;
    assert_eq!(status(&facts, Check::Topic), Status::Problem);
    assert_eq!(status(&facts, Check::TopicKey), Status::NotChecked);
    assert_eq!(status(&facts, Check::Subscriptions), Status::Ok);
    facts.topic.topic = Err(missing());
    assert_eq!(status(&facts, Check::Subscriptions), Status::NotChecked);
}

#[test]
fn keys_whose_policies_are_not_asked_for_are_not_called_fine() {
    for (key, queue, topic) in [
        (None, Status::Ok, Status::Ok),
        (Some("alias/aws/sqs"), Status::Problem, Status::NotChecked),
        (Some("alias/aws/sns"), Status::NotChecked, Status::Warning),
        (
            Some("arn:aws:kms:r:a:key/1"),
            Status::NotChecked,
            Status::NotChecked,
        ),
    ] {
        let key = key.map(str::to_owned);
        let mut facts = facts(vec![route("", "")]);
        facts.topic.topic = Ok(Topic { key: key.clone() });
        facts.uploads.queue = Ok(Queue {
            arn: QUEUE.to_owned(),
            key: key.clone(),
            ..Queue::default()
        });
        let found = row(&facts, &wanted(), Check::QueueKey);
        assert_eq!(found.status, queue, "{found:?}");
        let found = row(&facts, &wanted(), Check::TopicKey);
        assert_eq!(found.status, topic, "{found:?}");
    }
}

#[test]
fn what_was_not_tried_says_so() {
    let facts = facts(vec![route("", "")]);
    for check in [Check::RemoveGrant, Check::Publish, Check::Memory] {
        let row = row(&facts, &wanted(), check);
        assert_eq!(row.status, Status::NotChecked, "{row:?}");
        assert!(!row.is_behind(), "{row:?}");
    }
}

#[test]
fn a_quarantine_empties_only_by_rules_for_all_that_lies_there() {
    let whole = || Expiry {
        current: true,
        ..Expiry::default()
    };
    let below = |prefix: &str| Expiry {
        prefix: prefix.to_owned(),
        ..whole()
    };
    let check = |rules: Vec<Expiry>, written: Answer<Written>, expected: Status| {
        let mut wanted = wanted();
        wanted.quarantine = Some(OwnPlace {
            bucket: bucket("vault"),
            prefix: "held/".to_owned(),
        });
        let mut facts = facts(vec![route("", "")]);
        let own = facts.records.clone();
        let shown = format!("{rules:?} {written:?}");
        let tried = Tried {
            answer: written,
            stays: None,
        };
        facts.quarantine = Some((own, Ok(rules), tried));
        let row = row(&facts, &wanted, Check::QuarantineLifecycle);
        assert_eq!(row.status, expected, "{shown}: {row:?}");
    };
    let done = |versioned| Ok(Written::Done { versioned });
    let both = || Expiry {
        noncurrent: true,
        ..whole()
    };
    let some = || Expiry {
        some: true,
        ..both()
    };
    let old_only = || Expiry {
        current: false,
        ..both()
    };
    check(Vec::new(), done(false), Status::Warning);
    check(vec![whole()], done(false), Status::Ok);
    check(vec![below("held/")], done(false), Status::Ok);
    check(vec![below("he")], done(false), Status::Ok);
    check(vec![below("other/")], done(false), Status::Warning);
    check(vec![below("held/a/")], done(false), Status::Warning);
    check(vec![some()], done(false), Status::Warning);
    check(vec![old_only()], done(false), Status::Warning);
    check(vec![whole()], done(true), Status::Warning);
    check(vec![both()], done(true), Status::Ok);
    check(vec![whole(), old_only()], done(true), Status::Ok);
    check(
        vec![whole()],
        Err(denied("s3:PutObject")),
        Status::NotChecked,
    );
    check(vec![both()], Err(denied("s3:PutObject")), Status::Ok);
}

#[test]
fn remedies_name_policies_that_operators_have() {
    for (check, action, expected) in [
        (Check::Queue, "sqs:GetQueueAttributes", "operator"),
        (Check::Bucket, "s3:ListBucket", "operator"),
        (Check::ReadGrant, "s3:GetObject", "operator"),
        (Check::Notifications, "s3:GetBucketNotification", "doctor"),
        (Check::ConditionalWrites, "s3:PutObject", "doctor"),
        (Check::ConditionalWrites, "s3:GetObject", "doctor"),
        (Check::Switches, "s3:GetObject", "operator"),
        (Check::QuarantineWrite, "s3:PutObject", "operator"),
        (
            Check::QuarantineKey,
            "s3:GetEncryptionConfiguration",
            "doctor",
        ),
        (Check::Topic, "sns:GetTopicAttributes", "operator"),
        (
            Check::InferenceProfile,
            "bedrock:GetInferenceProfile",
            "doctor",
        ),
    ] {
        let file = format!("deploy/iam/{expected}.json");
        assert_eq!(policy_of(check, action), file, "{check:?} {action}");
        let policies = std::fs::read_to_string(&file).unwrap();
        assert!(
            policies.contains(&format!("\"{action}\"")),
            "{file}: {action}"
        );
    }
}
