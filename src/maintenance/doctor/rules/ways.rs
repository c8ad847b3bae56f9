//! By which ways news of uploads come to our queues, as far as answers tell, and who has to be let in
//! for it.

use serde_json::Value;

use super::Scene;
use crate::maintenance::doctor::ask::{GuardedFacts, QueueFacts};
use crate::maintenance::doctor::pattern::{Said, could_pass, fields};
use crate::maintenance::doctor::senders::Sender;
use crate::maintenance::doctor::survey::{
    DeliveryRule, Notifications, Route, RouteKind, SurveyError,
};
use crate::maintenance::doctor::wanted::name_of;

/// What of a bucket's news takes a way.
pub(super) enum Takes<'a> {
    /// What an entry of the bucket's notifications names.
    Entry(&'a Route),
    /// Everything.
    All,
    /// What these fields of a rule's pattern let through.
    Filtered(Vec<String>),
}

/// A way by which news of a bucket come to us.
pub(super) struct Way<'a> {
    pub(super) told: String,
    pub(super) takes: Takes<'a>,
}

/// A way that leads on to where we may not look.
pub(super) enum Unseen<'a> {
    /// A topic: its name, and why its subscriptions are not known.
    Topic(&'a str, &'a SurveyError),
    /// EventBridge, whose rules are a row of their own.
    EventBridge,
}

/// The ways from a bucket to us.
#[derive(Default)]
pub(super) struct Ways<'a> {
    pub(super) seen: Vec<Way<'a>>,
    pub(super) unseen: Vec<Unseen<'a>>,
}

pub(super) fn ways<'a>(
    scene: &Scene<'a>,
    facts: &'a GuardedFacts,
    told: &'a Notifications,
) -> Ways<'a> {
    let ours = our_queues(scene);
    let mut ways = Ways::default();
    for route in told.routes.iter().filter(|route| tells_of_uploads(route)) {
        let takes = Takes::Entry(route);
        match route.kind {
            RouteKind::Queue if ours.contains(&route.arn) => ways.seen.push(Way {
                told: "straight to the queue".to_owned(),
                takes,
            }),
            RouteKind::Topic => match facts.topics.get(&route.arn) {
                Some(Ok(_)) if ours.iter().any(|arn| passes_on(facts, route, arn)) => {
                    ways.seen.push(Way {
                        told: "through a topic".to_owned(),
                        takes,
                    });
                }
                Some(Err(error)) => ways.unseen.push(Unseen::Topic(name_of(&route.arn), error)),
                Some(Ok(_)) | None => {}
            },
            RouteKind::Queue | RouteKind::Function => {}
        }
    }
    if told.event_bridge {
        by_event_bridge(scene, facts.bucket.as_str(), &mut ways);
    }
    ways
}

/// Whether a topic sends to a queue.
fn passes_on(facts: &GuardedFacts, route: &Route, queue_arn: &str) -> bool {
    let readers = facts.topics.get(&route.arn).and_then(|it| it.as_ref().ok());
    readers.is_some_and(|readers| {
        readers
            .iter()
            .any(|it| it.confirmed && it.queue_arn.as_deref() == Some(queue_arn))
    })
}

/// Whether EventBridge passes it on, as far as its rules can be asked: a rule that takes everything
/// comes before one that filters.
fn by_event_bridge<'a>(scene: &Scene<'a>, bucket: &str, ways: &mut Ways<'a>) {
    let answers = || scene.facts.rules.values();
    let rules = answers().flatten().flatten().filter(|rule| rule.enabled);
    let found = rules.filter_map(|rule| {
        let pattern = rule.pattern.as_deref()?;
        could_pass(pattern, &sample(scene, bucket)).then(|| (filters(scene, pattern), rule))
    });
    match found.min_by_key(|(filters, _)| filters.len()) {
        Some((filters, rule)) => ways.seen.push(Way {
            told: format!("through the EventBridge rule {}", rule.name),
            takes: match filters.is_empty() {
                true => Takes::All,
                false => Takes::Filtered(filters),
            },
        }),
        None if answers().any(Result::is_err) => ways.unseen.push(Unseen::EventBridge),
        None => {}
    }
}

/// What is known of the news of an upload on a bus ("Event message structure for EventBridge", Amazon
/// S3 User Guide).
fn sample(scene: &Scene<'_>, bucket: &str) -> [(&'static str, Vec<Said>); 4] {
    let arn = arn_of_bucket(scene, bucket);
    [
        ("source", vec![Said::of("aws.s3")]),
        ("detail-type", vec![Said::of("Object Created")]),
        ("detail.bucket.name", vec![Said::of(bucket)]),
        ("resources", vec![Said::of(&arn)]),
    ]
}

/// The fields by which a pattern leaves out uploads that are to be looked at.
fn filters(scene: &Scene<'_>, pattern: &str) -> Vec<String> {
    // What all news of a bucket have in common.
    let common = [
        "source",
        "detail-type",
        "detail.bucket.name",
        "resources",
        "account",
        "region",
        "version",
    ];
    let prefixes = &scene.wanted.intake.prefixes;
    let begins = |test: &Value, key: &str| {
        let prefix = test.get("prefix").and_then(Value::as_str);
        prefix.is_some_and(|prefix| key.starts_with(prefix))
    };
    let lets_ours_through = |tests: &[Value]| {
        !prefixes.is_empty()
            && prefixes
                .iter()
                .all(|key| tests.iter().any(|test| begins(test, key)))
    };
    fields(pattern)
        .into_iter()
        .filter(|(path, tests)| {
            let is_common = common.contains(&path.as_str());
            !(is_common || path == "detail.object.key" && lets_ours_through(tests))
        })
        .map(|(path, _)| path)
        .collect()
}

fn our_queues(scene: &Scene<'_>) -> Vec<String> {
    let urls = std::iter::once(&scene.wanted.uploads_url).chain(&scene.wanted.events_url);
    let by_url = urls.map(|url| scene.wanted.arn_of(url));
    let facts = std::iter::once(&scene.facts.uploads).chain(&scene.facts.events);
    let told = facts.filter_map(|it| Some(it.queue.as_ref().ok()?.arn.clone()));
    by_url.chain(told).collect()
}

fn tells_of_uploads(route: &Route) -> bool {
    let is_created = |event: &String| event == "s3:*" || event.starts_with("s3:ObjectCreated:");
    route.events.iter().any(is_created)
}

/// Somebody who has to be let into a queue.
pub(super) struct Need {
    pub(super) sender: Sender,
    /// The ARN of the bucket, topic or rule in whose name it sends.
    pub(super) source: String,
}

/// Who sends to a queue, as far as answers tell.
pub(super) fn needs(scene: &Scene<'_>, facts: &QueueFacts, queue_arn: &str) -> Vec<Need> {
    let mut needs = Vec::new();
    for guarded in &scene.facts.guarded {
        let routes = guarded.notifications.iter().flat_map(|told| &told.routes);
        for route in routes.filter(|route| tells_of_uploads(route)) {
            match route.kind {
                RouteKind::Queue if route.arn == queue_arn => needs.push(Need {
                    sender: Sender::S3,
                    source: arn_of_bucket(scene, guarded.bucket.as_str()),
                }),
                RouteKind::Topic if passes_on(guarded, route, queue_arn) => needs.push(Need {
                    sender: Sender::Sns,
                    source: route.arn.clone(),
                }),
                RouteKind::Queue | RouteKind::Topic | RouteKind::Function => {}
            }
        }
    }
    let rules = scene.facts.rules.get(&facts.url);
    let rules = rules.into_iter().flatten().flatten();
    needs.extend(rules.filter(|rule| rule.enabled).map(|rule| Need {
        sender: Sender::EventBridge,
        source: arn_of_rule(scene, rule, queue_arn),
    }));
    needs.sort_by_key(|need| need.sender);
    needs
}

fn arn_of_bucket(scene: &Scene<'_>, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", scene.wanted.topic.partition())
}

/// Rules are asked for in the account of whoever asks.
fn arn_of_rule(scene: &Scene<'_>, rule: &DeliveryRule, queue_arn: &str) -> String {
    let account = match &scene.facts.asker {
        Ok(asker) => asker.account.as_str(),
        Err(_) => queue_arn.split(':').nth(4).unwrap_or_default(),
    };
    format!(
        "arn:{}:events:{}:{account}:rule/{}",
        scene.wanted.topic.partition(),
        scene.wanted.region,
        rule.name
    )
}
