//! Which security events arrive, as far as the rules of EventBridge tell.
//!
//! Whether a trail records them at all is not asked: that would take rights over every trail.

use std::collections::BTreeSet;

use super::Scene;
use super::judge::is_unbuilt;
use crate::maintenance::doctor::pattern::{Said, could_pass};
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::DeliveryRule;
use crate::verdict::threat::Watched;

/// Where events of services that belong to no region arrive ("Global service events", AWS
/// CloudTrail User Guide).
const GLOBAL_REGION: &str = "us-east-1";

/// Those services.
const GLOBAL: [&str; 7] = [
    "account.amazonaws.com",
    "cloudfront.amazonaws.com",
    "iam.amazonaws.com",
    "organizations.amazonaws.com",
    "route53.amazonaws.com",
    "route53domains.amazonaws.com",
    "signin.amazonaws.com",
];

/// How many rules are named before the rest is only counted.
const NAMED: usize = 4;

/// How CloudTrail's records are called on a bus ("Events from AWS services", Amazon EventBridge User
/// Guide).
const CALLS: [&str; 2] = [
    "AWS API Call via CloudTrail",
    "AWS Service Event via CloudTrail",
];
const SIGN_IN: &str = "AWS Console Sign In via CloudTrail";

/// Who calls, besides root ("CloudTrail userIdentity element", AWS CloudTrail User Guide).
const OTHERS: [&str; 7] = [
    "AssumedRole",
    "AWSAccount",
    "AWSService",
    "FederatedUser",
    "IAMUser",
    "IdentityCenterUser",
    "WebIdentityUser",
];

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    let behind = |rows: &mut Vec<Row>| {
        let checks = [Check::RulesEnabled, Check::RulesCover, Check::GlobalEvents];
        rows.extend(checks.map(|check| Row::behind(check, "", Check::EventRules)));
    };
    let answers = scene.facts.rules.values();
    if let Some(error) = answers.clone().find_map(|answer| answer.as_ref().err()) {
        if is_unbuilt(error) {
            let checks = [
                Check::EventRules,
                Check::RulesEnabled,
                Check::RulesCover,
                Check::GlobalEvents,
            ];
            rows.extend(checks.map(|check| scene.failed(check, "", error, "")));
            return;
        }
        let missing = "see `aws events list-rules`: a rule was removed while it was asked for";
        rows.push(scene.failed(Check::EventRules, "", error, missing));
        behind(rows);
        return;
    }
    let rules: Vec<_> = answers.flatten().flatten().collect();
    let bringing: Vec<_> = rules
        .iter()
        .filter(|rule| brings_calls(rule))
        .copied()
        .collect();
    if bringing.is_empty() {
        rows.push(none(scene));
        behind(rows);
        return;
    }
    let names: Vec<_> = bringing.iter().map(|rule| rule.name.as_str()).collect();
    let finding = format!(
        "brought by {}; whether a trail records them is not asked",
        names.join(", ")
    );
    rows.push(Row::ok(Check::EventRules, "", finding));
    rows.push(enabled(&rules));
    let enabled: Vec<_> = bringing.into_iter().filter(|rule| rule.enabled).collect();
    let here = scene.wanted.region == GLOBAL_REGION;
    rows.push(cover(scene, &enabled, here));
    rows.push(global(scene, here));
}

fn none(scene: &Scene<'_>) -> Row {
    let remedy = "deploy/events.yaml makes the queue and the rules; where security events are not \
                  wanted, leave it so";
    match &scene.wanted.events_url {
        Some(_) => Row::of(
            Status::Problem,
            Check::EventRules,
            "",
            "queue.events_url is set, and no rule of EventBridge brings anything of CloudTrail there",
            remedy,
        ),
        None => Row::of(
            Status::Warning,
            Check::EventRules,
            "",
            "no security events come: there is no queue.events_url, and no rule sends them to queue.url",
            remedy,
        ),
    }
}

fn brings_calls(rule: &DeliveryRule) -> bool {
    let types = CALLS.iter().chain([&SIGN_IN]).map(|name| Said::of(name));
    let sample = [("detail-type", types.collect())];
    let pattern = rule.pattern.as_deref();
    pattern.is_some_and(|pattern| could_pass(pattern, &sample))
}

fn enabled(rules: &[&DeliveryRule]) -> Row {
    let off: Vec<_> = rules.iter().filter(|rule| !rule.enabled).collect();
    if off.is_empty() {
        return Row::ok(
            Check::RulesEnabled,
            "",
            format!("{0} of {0} on", rules.len()),
        );
    }
    let names: Vec<_> = off.iter().map(|rule| rule.name.as_str()).collect();
    Row::of(
        Status::Problem,
        Check::RulesEnabled,
        "",
        format!("switched off: {}", names.join(", ")),
        format!(
            "aws events enable-rule --name {}",
            names.first().copied().unwrap_or_default()
        ),
    )
}

/// Which rules of ours have a call that no rule of EventBridge brings.
fn cover(scene: &Scene<'_>, rules: &[&DeliveryRule], everything: bool) -> Row {
    let regional = |watched: &&Watched| everything || !is_global(watched);
    let watched: Vec<_> = scene.wanted.watched.iter().filter(regional).collect();
    let patterns: Vec<_> = rules
        .iter()
        .filter_map(|rule| rule.pattern.as_deref())
        .collect();
    let unseen = unseen(&patterns, watched.iter().copied());
    if unseen.is_empty() {
        let finding = format!(
            "the calls of all {} rules of threats are brought",
            watched.len()
        );
        return Row::ok(Check::RulesCover, "", finding);
    }
    let named: Vec<_> = unseen.iter().take(NAMED).map(String::as_str).collect();
    let more = match unseen.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Row::of(
        Status::Warning,
        Check::RulesCover,
        "",
        format!(
            "{} of {} rules never see a call that they are about: {}{more}",
            unseen.len(),
            watched.len(),
            named.join("; ")
        ),
        "add the event names to the pattern of the EventBridge rule, as deploy/events.yaml has them",
    )
}

/// What rules on security events are about and no pattern of EventBridge brings: the id of each such
/// rule, with the names of its calls.
pub fn unseen<'a>(
    patterns: &[&str],
    watched: impl IntoIterator<Item = &'a Watched>,
) -> Vec<String> {
    let missing = |watched: &'a Watched| {
        let names = watched.names.iter();
        let missing = names.filter(|name| !patterns.iter().any(|it| brings(it, watched, name)));
        let missing: Vec<_> = missing.map(String::as_str).collect();
        (!missing.is_empty()).then(|| format!("{} ({})", watched.rule, missing.join(", ")))
    };
    watched.into_iter().filter_map(missing).collect()
}

fn brings(pattern: &str, watched: &Watched, name: &str) -> bool {
    watched.sources.iter().any(|source| {
        let signs_in = source == "signin.amazonaws.com";
        let types: &[&str] = if signs_in {
            &[SIGN_IN, CALLS[0], CALLS[1]]
        } else {
            &CALLS
        };
        let mut sample = vec![
            ("source", bus_sources(source)),
            ("detail-type", types.iter().map(|it| Said::of(it)).collect()),
            ("detail.eventSource", vec![Said::of(source)]),
            ("detail.eventName", vec![Said::of(name)]),
        ];
        // A pattern for all that root does brings nothing of what others do.
        if name != "*" {
            let others = OTHERS.iter().map(|it| Said::of(it)).collect();
            sample.push(("detail.userIdentity.type", others));
        }
        could_pass(pattern, &sample)
    })
}

/// What an event of this service may have as its source on a bus.
fn bus_sources(source: &str) -> Vec<Said> {
    let Some(service) = source.strip_suffix(".amazonaws.com") else {
        return vec![Said::Begins("aws.".to_owned())];
    };
    let mut sources = vec![Said::Exact(format!("aws.{service}"))];
    if let Some((family, _)) = service.split_once('-') {
        sources.push(Said::Exact(format!("aws.{family}")));
    }
    sources
}

fn is_global(watched: &Watched) -> bool {
    let global = |source: &String| GLOBAL.contains(&source.as_str());
    watched.sources.iter().all(global)
}

fn global(scene: &Scene<'_>, here: bool) -> Row {
    let watched = scene.wanted.watched.iter().filter(|it| is_global(it));
    let services: BTreeSet<_> = watched
        .clone()
        .flat_map(|it| &it.sources)
        .filter_map(|source| source.split('.').next())
        .collect();
    let services: Vec<_> = services.into_iter().collect();
    if here || services.is_empty() {
        let finding = "events of services without a region arrive in this one";
        return Row::ok(Check::GlobalEvents, "", finding);
    }
    Row::of(
        Status::Warning,
        Check::GlobalEvents,
        "",
        format!(
            "{} rules are about services whose events arrive only in {GLOBAL_REGION}: {}",
            watched.count(),
            services.join(", ")
        ),
        format!(
            "deploy deploy/events-global.yaml in {GLOBAL_REGION}: it passes them on to {}; this is \
             not seen from here",
            scene.wanted.region
        ),
    )
}
