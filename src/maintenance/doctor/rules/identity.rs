//! Who asks, where, and by which clock.

use jiff::SignedDuration;

use super::Scene;
use crate::event::{Unfit, unfit};
use crate::maintenance::doctor::ask::QueueFacts;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::Skew;

/// AWS refuses what was signed more than five minutes ago or ahead ("Elements of an AWS API request
/// signature", IAM User Guide).
const TOLERATED: SignedDuration = SignedDuration::from_mins(5);

/// Leases, pauses and digests of a fleet go by clocks; beyond this they no longer agree.
const AGREEING: SignedDuration = SignedDuration::from_secs(60);

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    match &scene.facts.asker {
        Ok(asker) => {
            let role = match role_of(&asker.arn) {
                Some(role) => format!("a session of role {role}"),
                None => {
                    "no role of a task, so this says nothing of the service's rights".to_owned()
                }
            };
            let finding = format!("{} ({role})", asker.arn);
            rows.push(Row::ok(Check::Caller, "", finding));
            rows.push(account(scene, &asker.account));
        }
        Err(error) => {
            let remedy = "set credentials, or give the task a role";
            rows.push(scene.failed(Check::Caller, "", error, remedy));
            rows.push(Row::behind(Check::Account, "", Check::Caller));
        }
    }
    rows.push(region(scene));
    rows.push(match &scene.facts.skew {
        Ok(skew) => clock(*skew),
        Err(error) => {
            let missing = "see what answers in place of AWS STS (AWS_ENDPOINT_URL_STS)";
            scene.failed(Check::Clock, "", error, missing)
        }
    });
}

/// The role behind a session: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
fn role_of(arn: &str) -> Option<&str> {
    arn.split_once(":assumed-role/")?.1.split('/').next()
}

fn account(scene: &Scene<'_>, account: &str) -> Row {
    let wanted = scene.wanted;
    let topic = ("the topic", wanted.topic.account().to_owned());
    let urls = std::iter::once(&wanted.uploads_url).chain(&wanted.events_url);
    let queues = urls.map(|url| {
        let arn = wanted.arn_of(url);
        let owner = arn.split(':').nth(4).unwrap_or_default().to_owned();
        ("a queue", owner)
    });
    let others: Vec<_> = std::iter::once(topic)
        .chain(queues)
        .filter(|(_, owner)| owner != account)
        .map(|(what, owner)| format!("{what} belongs to {owner}"))
        .collect();
    if others.is_empty() {
        let finding = format!("{account}, that of queue and topic");
        return Row::ok(Check::Account, "", finding);
    }
    Row::of(
        Status::Warning,
        Check::Account,
        "",
        format!(
            "these credentials are of {account}, and {}",
            others.join(", ")
        ),
        "run it in the account of the service; where that is meant, queue and topic need policies \
         that let this account in",
    )
}

fn region(scene: &Scene<'_>) -> Row {
    let wanted = scene.wanted;
    let here = &wanted.region;
    let mut others = Vec::new();
    if wanted.topic.region() != here {
        others.push(format!("the topic is in {}", wanted.topic.region()));
    }
    let queues = std::iter::once(&scene.facts.uploads).chain(&scene.facts.events);
    let queues = queues.filter_map(|it| region_of(it, here));
    others.extend(queues.map(|there| format!("a queue is in {there}")));
    if others.is_empty() {
        return Row::ok(Check::Region, "", here.clone());
    }
    Row::of(
        Status::Problem,
        Check::Region,
        "",
        format!("calls go to {here}, and {}", others.join(", ")),
        "set AWS_REGION to the region of queue and topic, or name those of this region",
    )
}

/// The region that a queue is in, where it is another one: by its URL, as the service at its start
/// tells, or by its ARN.
pub(super) fn region_of(facts: &QueueFacts, here: &str) -> Option<String> {
    if let Some(Unfit::Elsewhere(there)) = unfit(&facts.url, here) {
        return Some(there);
    }
    let there = facts.queue.as_ref().ok()?.arn.split(':').nth(3)?;
    (!there.is_empty() && there != here).then(|| there.to_owned())
}

fn clock(skew: Skew) -> Row {
    // What a slow answer leaves open is counted for the clock.
    let off = (skew.ahead.abs() - skew.unsure).max(SignedDuration::ZERO);
    let side = if skew.ahead.is_negative() {
        "behind"
    } else {
        "ahead of"
    };
    let (ahead, unsure) = (skew.ahead.abs().as_secs(), skew.unsure.as_secs());
    let finding = format!("{ahead} s {side} AWS, give or take {} s", unsure + 1);
    let remedy =
        "keep the clock by NTP (chrony with the Amazon Time Sync Service, 169.254.169.123)";
    if off > TOLERATED {
        let why = format!("{remedy}: AWS refuses what is signed more than 5 minutes off");
        return Row::of(Status::Problem, Check::Clock, "", finding, why);
    }
    if off > AGREEING {
        return Row::of(Status::Warning, Check::Clock, "", finding, remedy);
    }
    Row::ok(Check::Clock, "", finding)
}
