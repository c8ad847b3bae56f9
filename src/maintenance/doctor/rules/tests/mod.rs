//! The rules where no answer of AWS but a setting, or the build, makes the difference. What answers
//! make is shown over the wire, with the binary (`tests/cli/doctor`).

mod hidden;
mod news;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::ask::{GuardedFacts, OwnFacts, QueueFacts, TopicFacts};
use super::super::report::Report;
use super::super::survey::{
    Asker, Conditions, DeadLetters, DeliveryRule, Encryption, Invocations, Notifications, Pending,
    Profile, Public, Queue, Read, Route, RouteKind, Skew, Subscription, Topic, Trial, TrialFault,
    Tried, Versions,
};
use super::*;
use crate::action::Mode;
use crate::event::{BucketName, Intake, OwnPlace};
use crate::record::Positions;
use crate::verdict::threat::Watched;

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:uploads";
const URL: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/uploads";

fn bucket(name: &str) -> BucketName {
    BucketName::new(name.to_owned()).unwrap()
}

fn wanted() -> Wanted {
    Wanted {
        region: "eu-west-1".to_owned(),
        uploads_url: URL.to_owned(),
        events_url: None,
        dead_letter_url: None,
        visibility: Duration::from_secs(120),
        topic: "arn:aws:sns:eu-west-1:111122223333:alerts".parse().unwrap(),
        chat: false,
        intake: Intake {
            buckets: [bucket("pictures")].into(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            exclude_prefixes: Vec::new(),
            cloudtrail_uploads: BTreeSet::new(),
        },
        mode: Mode::Enforce,
        records: OwnPlace {
            bucket: bucket("records"),
            prefix: String::new(),
        },
        quarantine: None,
        models: vec!["eu.anthropic.claude-haiku-5-5".to_owned()],
        model_warnings: Vec::new(),
        max_tokens: 1024,
        requests_per_minute: None,
        tokens_per_minute: None,
        concurrency: 8,
        fleet_size: NonZeroU32::MIN,
        drain: Duration::from_secs(100),
        memory_bytes: 512 << 20,
        memory_there: None,
        watched: vec![Watched {
            rule: "public_acl".to_owned(),
            sources: vec!["s3.amazonaws.com".to_owned()],
            names: vec!["PutBucketAcl".to_owned(), "Delete*".to_owned()],
        }],
    }
}

fn route(prefix: &str, suffix: &str) -> Route {
    Route {
        kind: RouteKind::Queue,
        arn: QUEUE.to_owned(),
        events: vec!["s3:ObjectCreated:*".to_owned()],
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    }
}

fn facts(routes: Vec<Route>) -> Facts {
    let there = || Ok(Some("eu-west-1".to_owned()));
    Facts {
        asker: Ok(Asker {
            account: "111122223333".to_owned(),
            arn: "arn:aws:sts::111122223333:assumed-role/warden/task".to_owned(),
        }),
        skew: Ok(Skew {
            ahead: SignedDuration::ZERO,
            unsure: SignedDuration::ZERO,
        }),
        uploads: QueueFacts {
            url: URL.to_owned(),
            queue: Ok(Queue {
                arn: QUEUE.to_owned(),
                visibility_seconds: 120,
                ..Queue::default()
            }),
            dead_letters: Some(Ok(DeadLetters::default())),
        },
        events: None,
        guarded: vec![GuardedFacts {
            bucket: bucket("pictures"),
            there: there(),
            versions: Ok(Versions::Enabled),
            notifications: Ok(Notifications {
                routes,
                event_bridge: false,
            }),
            topics: BTreeMap::new(),
            lock: Ok(None),
            read: Ok(Read::Done { by_version: true }),
        }],
        quarantine: None,
        records: OwnFacts {
            there: there(),
            public: Ok(Public {
                blocked: true,
                by_policy: false,
            }),
            encryption: Ok(Encryption::S3),
        },
        records_versions: Ok(Versions::Enabled),
        conditions: Tried {
            answer: Ok(Conditions {
                none_match: true,
                matches: true,
            }),
            stays: None,
        },
        pending: Ok(Pending::default()),
        switches: Ok(Positions::default()),
        topic: TopicFacts {
            topic: Ok(Topic::default()),
            subscriptions: Ok(vec![Subscription {
                protocol: "email".to_owned(),
                confirmed: true,
                queue_arn: None,
            }]),
        },
        profiles: vec![(
            "eu.anthropic.claude-haiku-5-5".to_owned(),
            Ok(Profile {
                active: true,
                regions: vec!["eu-west-1".to_owned()],
            }),
        )],
        invocations: Ok(Invocations::default()),
        trial: Trial::NotAsked,
        quotas: Ok(Vec::new()),
        rules: [(URL.to_owned(), Ok(Vec::new()))].into(),
    }
}

fn row(facts: &Facts, wanted: &Wanted, check: Check) -> Row {
    let rows = rows(facts, wanted);
    let mut found = rows.into_iter().filter(|row| row.check == check);
    found.next().expect("every check has a row")
}

#[test]
fn a_filter_that_leaves_out_only_what_nobody_looks_at_is_fine() {
    let check = |route: Route, prefixes: &[&str], expected: Status| {
        let mut wanted = wanted();
        wanted.intake.prefixes = prefixes.iter().map(|it| (*it).to_owned()).collect();
        let shown = format!("{route:?} {prefixes:?}");
        let row = row(&facts(vec![route]), &wanted, Check::NotificationScope);
        assert_eq!(row.status, expected, "{shown}");
    };
    check(route("", ""), &[], Status::Ok);
    check(route("in/", ""), &[], Status::Warning);
    check(route("in/", ""), &["in/"], Status::Ok);
    check(route("in/", ""), &["in/a/", "in/b/"], Status::Ok);
    check(route("in/", ""), &["in/", "out/"], Status::Warning);
    check(route("", ".png"), &[], Status::Warning);
    check(route("a+b%2Bc%3D1/", ""), &["a b+c=1/2/"], Status::Ok);
    check(route("%c3%bc/", ""), &["\u{fc}/"], Status::Ok);
    check(route("%281%29/", ""), &["(1)/"], Status::Ok);
    check(route("(1)/", ""), &["(1)/"], Status::Ok);
    check(route("a+b/", ""), &["a+b/"], Status::Warning);
}

#[test]
fn a_filter_that_s3_reads_otherwise_is_told_in_its_right_form() {
    let check = |written: Route, prefixes: &[&str], right: &str| {
        let mut wanted = wanted();
        wanted.intake.prefixes = prefixes.iter().map(|it| (*it).to_owned()).collect();
        let row = row(&facts(vec![written]), &wanted, Check::NotificationScope);
        assert_eq!(row.status, Status::Warning, "{row:?}");
        let remedy = row.remedy.unwrap();
        assert!(
            remedy.starts_with(&format!("write it as {right},")),
            "{remedy}"
        );
    };
    check(route("a b=1/", ""), &["a b=1/"], "a+b%3D1/");
    check(route("a b=1/", ""), &[], "a+b%3D1/");
    check(route("c++/", ""), &["c++/"], "c%2B%2B/");
    check(route("\u{fc}/", ""), &["\u{fc}/"], "%C3%BC/");
    check(route("50%/", ""), &["50%/"], "50%25/");
    check(route("", "@2x.png"), &[], "%402x.png");
}

#[test]
fn entries_share_in_what_is_wanted() {
    let check = |routes: &[(&str, &str)], suffixes: &[&str], expected: Status| {
        let mut wanted = wanted();
        wanted.intake.prefixes = ["in/", "out/"].map(str::to_owned).to_vec();
        wanted.intake.suffixes = suffixes.iter().map(|it| (*it).to_owned()).collect();
        let all = routes.iter().map(|(prefix, suffix)| route(prefix, suffix));
        let row = row(&facts(all.collect()), &wanted, Check::NotificationScope);
        assert_eq!(row.status, expected, "{routes:?} {suffixes:?}: {row:?}");
    };
    check(&[("in/", ""), ("out/", "")], &[], Status::Ok);
    check(&[("in/", "")], &[], Status::Warning);
    check(&[("", ".png")], &[".png"], Status::Ok);
    check(&[("", "png")], &[".png"], Status::Ok);
    check(&[("", ".png")], &[".png", ".jpg"], Status::Warning);
    check(&[("", ".png"), ("", ".jpg")], &[".png", ".jpg"], Status::Ok);
    let three = [("in/", ".png"), ("out/", ".png"), ("in/", ".jpg")];
    check(&three, &[".png", ".jpg"], Status::Warning);
    let four = [&three[..], &[("out/", ".jpg")]].concat();
    check(&four, &[".png", ".jpg"], Status::Ok);
}

#[test]
fn buckets_wait_for_a_queue_that_is_not_there() {
    let mut missing = facts(Vec::new());
    missing.uploads.queue = Err(SurveyError::Missing {
        what: "NonExistentQueue".to_owned(),
    });
    let notifications = |facts: &Facts| row(facts, &wanted(), Check::Notifications);
    assert!(notifications(&missing).is_behind());
    let mut fifo = facts(Vec::new());
    if let Ok(queue) = &mut fifo.uploads.queue {
        queue.fifo = true;
    }
    assert!(notifications(&fifo).is_behind());
}

#[test]
fn a_model_that_gives_no_verdict_or_fails_is_told_with_its_own_remedy() {
    let trial = |trial: Trial| {
        let mut facts = facts(Vec::new());
        facts.trial = trial;
        row(&facts, &wanted(), Check::ModelCall)
    };
    let silent = trial(Trial::Answered {
        model: "m".to_owned(),
        unusable: Vec::new(),
        undecided: Some("refused"),
    });
    assert_eq!(silent.status, Status::Warning);
    assert_eq!(silent.finding, "m answers, but with no verdict: refused");
    for (fault, words) in [
        (TrialFault::Unusable, "bedrock:InvokeModel"),
        (TrialFault::Credentials, "renew the credentials"),
        (TrialFault::Throttled, "Service Quotas"),
        (TrialFault::Silent, "VPC endpoint"),
        (TrialFault::Spent, "model.usd_per_day"),
    ] {
        let row = trial(Trial::Failed {
            fault,
            why: "two\nlines".to_owned(),
        });
        assert_eq!(
            (row.status, row.finding.as_str()),
            (Status::Problem, "two lines")
        );
        assert!(row.remedy.unwrap().contains(words), "{fault:?}");
    }
}

#[test]
fn uploads_told_by_cloudtrail_need_no_notifications() {
    let mut wanted = wanted();
    let notifications = |wanted: &Wanted| row(&facts(Vec::new()), wanted, Check::Notifications);
    assert_eq!(notifications(&wanted).status, Status::Problem);
    wanted.intake.cloudtrail_uploads = [bucket("pictures")].into();
    assert_eq!(notifications(&wanted).status, Status::Ok);
}

#[test]
fn no_security_events_are_one_warning_and_not_one_for_each_rule() {
    let facts = facts(vec![route("", "")]);
    let report = Report::new(
        String::new(),
        None,
        jiff::Timestamp::UNIX_EPOCH,
        rows(&facts, &wanted()),
    );
    let area = Check::EventRules.area();
    let events = report.rows.iter().filter(|row| row.area == area);
    let statuses: Vec<_> = events.map(|row| row.status).collect();
    let waits = Status::NotChecked;
    assert_eq!(statuses, [Status::Warning, waits, waits, waits]);
}

#[test]
fn calls_that_a_pattern_leaves_out_are_named() {
    let cover = |pattern: &str| {
        let mut facts = facts(vec![route("", "")]);
        let rule = DeliveryRule {
            name: "security".to_owned(),
            enabled: true,
            pattern: Some(pattern.to_owned()),
        };
        facts.rules = [(URL.to_owned(), Ok(vec![rule]))].into();
        row(&facts, &wanted(), Check::RulesCover)
    };
    let all = cover("{\"source\": [{\"prefix\": \"aws.\"}]}");
    assert_eq!(all.status, Status::Ok, "{all:?}");
    let some = cover("{\"detail\": {\"eventName\": [{\"prefix\": \"Put\"}]}}");
    assert_eq!(some.status, Status::Warning);
    assert!(some.finding.contains("public_acl (Delete*)"), "{some:?}");
    // All that root does is nothing of what others do.
    let root = cover("{\"detail\": {\"userIdentity\": {\"type\": [\"Root\"]}}}");
    assert_eq!(root.status, Status::Warning, "{root:?}");
    let others = cover("{\"source\": [\"aws.iam\"]}");
    assert!(
        others.finding.contains("PutBucketAcl, Delete*"),
        "{others:?}"
    );
}

#[test]
fn what_is_not_built_in_is_not_checked_and_never_a_problem() {
    let mut facts = facts(vec![route("", "")]);
    facts.rules = [(URL.to_owned(), Err(SurveyError::NotBuilt))].into();
    facts.quotas = Err(SurveyError::NotBuilt);
    facts.invocations = Err(SurveyError::NotBuilt);
    for (_, profile) in &mut facts.profiles {
        *profile = Err(SurveyError::NotBuilt);
    }
    for check in [
        Check::EventRules,
        Check::RulesCover,
        Check::TokensPerMinute,
        Check::InvocationLogging,
        Check::InferenceProfile,
    ] {
        let row = row(&facts, &wanted(), check);
        assert_eq!(row.status, Status::NotChecked, "{row:?}");
    }
}

#[test]
fn models_are_called_from_their_own_geography() {
    let places = |region: &str, model: &str| {
        let mut wanted = wanted();
        wanted.region = region.to_owned();
        wanted.models = vec![model.to_owned()];
        row(&facts(Vec::new()), &wanted, Check::Geography).status
    };
    for (region, model, expected) in [
        ("eu-west-1", "eu.anthropic.claude-haiku-5-5", Status::Ok),
        (
            "eu-west-1",
            "us.anthropic.claude-haiku-5-5",
            Status::Problem,
        ),
        (
            "ap-northeast-1",
            "jp.anthropic.claude-haiku-5-5",
            Status::Ok,
        ),
        (
            "ap-northeast-2",
            "jp.anthropic.claude-haiku-5-5",
            Status::Problem,
        ),
        (
            "us-gov-west-1",
            "us.anthropic.claude-haiku-5-5",
            Status::Problem,
        ),
        ("me-south-1", "us.anthropic.claude-haiku-5-5", Status::Ok),
        ("eu-west-1", "amazon.nova-lite-v1:0", Status::Ok),
    ] {
        assert_eq!(places(region, model), expected, "{region} {model}");
    }
}
