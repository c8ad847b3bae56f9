//! By which ways news come, and who has to be let in for it.

use serde_json::{Value, json};

use super::*;
use crate::maintenance::doctor::survey::Answer;

const TOPIC: &str = "arn:aws:sns:eu-west-1:111122223333:news";

fn denied() -> SurveyError {
    SurveyError::Denied {
        call: "sns:ListSubscriptionsByTopic".to_owned(),
    }
}

fn reader(queue_arn: &str, confirmed: bool) -> Subscription {
    Subscription {
        protocol: "sqs".to_owned(),
        confirmed,
        queue_arn: Some(queue_arn.to_owned()),
    }
}

fn rule(pattern: &Value) -> DeliveryRule {
    DeliveryRule {
        name: "uploads".to_owned(),
        enabled: true,
        pattern: Some(pattern.to_string()),
    }
}

fn to_topic() -> Route {
    Route {
        kind: RouteKind::Topic,
        arn: TOPIC.to_owned(),
        ..route("", "")
    }
}

fn through_topic(readers: Answer<Vec<Subscription>>) -> Facts {
    let mut facts = facts(vec![to_topic()]);
    for guarded in &mut facts.guarded {
        guarded.topics = [(TOPIC.to_owned(), readers.clone())].into();
    }
    facts
}

fn through_rules(rules: Answer<Vec<DeliveryRule>>) -> Facts {
    let mut facts = facts(Vec::new());
    for guarded in &mut facts.guarded {
        guarded.notifications = Ok(Notifications {
            routes: Vec::new(),
            event_bridge: true,
        });
    }
    facts.rules = [(URL.to_owned(), rules)].into();
    facts
}

#[test]
fn a_way_that_cannot_be_followed_is_not_known_to_lead_to_us() {
    let check = |facts: &Facts, news: Status, scope: Status| {
        let shown = |check| row(facts, &wanted(), check);
        let found = shown(Check::Notifications);
        assert_eq!(found.status, news, "{found:?}");
        assert!(found.remedy.is_some() || news == Status::Ok, "{found:?}");
        let found = shown(Check::NotificationScope);
        assert_eq!(found.status, scope, "{found:?}");
    };
    let (ok, waits, problem) = (Status::Ok, Status::NotChecked, Status::Problem);
    check(&through_topic(Ok(vec![reader(QUEUE, true)])), ok, ok);
    check(
        &through_topic(Ok(vec![reader(QUEUE, false)])),
        problem,
        waits,
    );
    check(
        &through_topic(Ok(vec![reader("other", true)])),
        problem,
        waits,
    );
    check(&through_topic(Err(denied())), waits, waits);
    check(
        &through_topic(Err(SurveyError::Unreachable("late".to_owned()))),
        waits,
        waits,
    );
    check(&through_rules(Err(denied())), waits, waits);
    check(&through_rules(Err(SurveyError::NotBuilt)), waits, waits);
    check(&through_rules(Ok(Vec::new())), problem, waits);
    check(
        &through_rules(Ok(vec![rule(&json!({"source": ["aws.s3"]}))])),
        ok,
        ok,
    );
    // One way that is seen is enough, and only it counts.
    let mut both = through_topic(Err(denied()));
    let half = |both: &mut Facts, prefix: &str| {
        for guarded in &mut both.guarded {
            guarded.notifications = Ok(Notifications {
                routes: vec![to_topic(), route(prefix, "")],
                event_bridge: false,
            });
        }
    };
    half(&mut both, "");
    check(&both, ok, ok);
    half(&mut both, "in/");
    check(&both, ok, waits);
}

#[test]
fn the_remedy_leaves_what_a_bucket_tells_others_as_it_is() {
    for facts in [facts(Vec::new()), through_rules(Ok(Vec::new()))] {
        let row = row(&facts, &wanted(), Check::Notifications);
        let remedy = row.remedy.unwrap();
        assert!(remedy.contains(&format!("deploy/notify.sh --queue-arn {QUEUE} pictures")));
        assert!(
            !remedy.contains("put-bucket-notification-configuration"),
            "{remedy}"
        );
    }
}

#[test]
fn a_rule_that_filters_keys_brings_only_some_uploads() {
    let check = |detail: Value, prefixes: &[&str], expected: Status| {
        let mut wanted = wanted();
        wanted.intake.prefixes = prefixes.iter().map(|it| (*it).to_owned()).collect();
        let facts = through_rules(Ok(vec![rule(&json!({"detail": detail}))]));
        let row = row(&facts, &wanted, Check::NotificationScope);
        assert_eq!(row.status, expected, "{detail} {prefixes:?}: {row:?}");
    };
    let key = |test: Value| json!({"object": {"key": [test]}});
    check(json!({"bucket": {"name": ["pictures"]}}), &[], Status::Ok);
    check(key(json!({"prefix": "in/"})), &[], Status::Warning);
    check(key(json!({"prefix": "in/"})), &["in/"], Status::Ok);
    check(
        key(json!({"prefix": "in/"})),
        &["in/a/", "in/b/"],
        Status::Ok,
    );
    check(
        key(json!({"prefix": "in/"})),
        &["in/", "out/"],
        Status::Warning,
    );
    check(key(json!({"suffix": ".png"})), &["in/"], Status::Warning);
    check(json!({"reason": ["PutObject"]}), &[], Status::Warning);
    check(
        json!({"$or": [{"object": {"key": ["a"]}}, {"reason": ["b"]}]}),
        &[],
        Status::Warning,
    );
    // Beside it, one that takes everything.
    let narrow = rule(&json!({"detail": key(json!("a"))}));
    let wide = rule(&json!({"source": ["aws.s3"]}));
    let facts = through_rules(Ok(vec![narrow, wide]));
    let row = row(&facts, &wanted(), Check::NotificationScope);
    assert_eq!(row.status, Status::Ok, "{row:?}");
}

#[test]
fn each_way_needs_its_own_sender_to_be_let_in() {
    let policy = |service: &str, source: &str| {
        json!({"Statement": [{
            "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE,
            "Principal": {"Service": service}, "Condition": {"ArnEquals": {"aws:SourceArn": source}},
        }]})
    };
    let check = |mut facts: Facts, policy: &Value, expected: Status| {
        facts.uploads.queue = Ok(Queue {
            arn: QUEUE.to_owned(),
            policy: Some(policy.to_string()),
            ..Queue::default()
        });
        let row = row(&facts, &wanted(), Check::QueuePolicy);
        assert_eq!(row.status, expected, "{policy}: {row:?}");
    };
    let straight = || facts(vec![route("", "")]);
    let topic = || through_topic(Ok(vec![reader(QUEUE, true)]));
    let bridge = || through_rules(Ok(vec![rule(&json!({"source": ["aws.s3"]}))]));
    let (s3, sns, events) = (
        "s3.amazonaws.com",
        "sns.amazonaws.com",
        "events.amazonaws.com",
    );
    let pictures = "arn:aws:s3:::pictures";
    let uploads = "arn:aws:events:eu-west-1:111122223333:rule/uploads";
    check(straight(), &policy(s3, pictures), Status::Ok);
    check(
        straight(),
        &policy(s3, "arn:aws:s3:::others"),
        Status::Problem,
    );
    check(straight(), &policy(sns, pictures), Status::Problem);
    check(topic(), &policy(sns, TOPIC), Status::Ok);
    check(topic(), &policy(s3, pictures), Status::Problem);
    check(bridge(), &policy(events, uploads), Status::Ok);
    check(
        bridge(),
        &policy(events, "arn:aws:events:eu-west-1:1:rule/x"),
        Status::Problem,
    );
    check(bridge(), &policy(s3, pictures), Status::Problem);
    // Whom it has to let in is not known.
    check(
        through_topic(Err(denied())),
        &policy(s3, pictures),
        Status::NotChecked,
    );
    check(straight(), &json!({}), Status::Problem);
    check(facts(Vec::new()), &json!({}), Status::Warning);
}
