//! The queues, and what they give up.

use super::ways::{Need, needs};
use super::{Scene, lasting};
use crate::event::{Redrive, Unfit, unfit};
use crate::maintenance::doctor::ask::QueueFacts;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::senders::{may_send, senders};
use crate::maintenance::doctor::survey::{DeadLetters, Queue};
use crate::maintenance::doctor::wanted::name_of;

/// Below this, trouble that lasts parks good messages.
const FEWEST_RECEIVES: u32 = 10;

/// Less is shorter than a pause may last, in seconds.
const SHORTEST_KEPT: u64 = 86_400;

/// The longest that SQS keeps a message, in seconds: 14 days.
const LONGEST_KEPT: u64 = 14 * 86_400;

/// The service names its own time with each receive; that of the queue holds for everybody else.
/// Outside this range, a look from the console uses receives up, or hides messages for long.
const SENSIBLE: std::ops::RangeInclusive<u64> = 10..=1800;

/// What depends on the queue itself.
const BEHIND: [Check; 6] = [
    Check::Visibility,
    Check::Redrive,
    Check::DeadLetters,
    Check::Parked,
    Check::QueueKey,
    Check::QueuePolicy,
];

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    let own = scene.wanted.dead_letter_url.is_some();
    about(scene, &scene.facts.uploads, ("queue.url", own), rows);
    if let Some(events) = &scene.facts.events {
        about(scene, events, ("queue.events_url", false), rows);
    }
}

fn about(
    scene: &Scene<'_>,
    facts: &QueueFacts,
    (setting, parks_itself): (&str, bool),
    rows: &mut Vec<Row>,
) {
    let name = name_of(&facts.url);
    let queue = match &facts.queue {
        Ok(queue) => queue,
        Err(error) => {
            let missing = format!(
                "create the queue in {}, or correct {setting}",
                scene.wanted.region
            );
            let here = scene.wanted.region.as_str();
            rows.push(match unfit(&facts.url, here) {
                // Nobody could find it from here.
                Some(Unfit::Elsewhere(_)) => Row::behind(Check::Queue, name, Check::Region),
                Some(Unfit::NoUrl) => no_url(name, setting),
                Some(Unfit::Fifo) => fifo(name, setting),
                None => scene.failed(Check::Queue, name, error, &missing),
            });
            rows.extend(BEHIND.map(|check| Row::behind(check, name, Check::Queue)));
            return;
        }
    };
    rows.push(match unfit(&facts.url, &scene.wanted.region) {
        Some(Unfit::NoUrl) => no_url(name, setting),
        Some(Unfit::Fifo) => fifo(name, setting),
        _ if queue.fifo => fifo(name, setting),
        _ => kind(name, queue),
    });
    rows.push(visibility(scene, name, queue));
    let circle = circle(scene, name, facts, queue);
    let by_policy = queue.redrive.is_some();
    let (dead, circle) = match circle {
        Some(row) if by_policy => {
            rows.push(row);
            (None, None)
        }
        circle => {
            rows.push(redrive(name, queue, parks_itself));
            (facts.dead_letters.as_ref(), circle)
        }
    };
    match dead {
        _ if circle.is_some() => {
            rows.extend(circle);
            rows.push(Row::behind(Check::Parked, name, Check::DeadLetters));
        }
        None => {
            rows.push(Row::behind(Check::DeadLetters, name, Check::Redrive));
            rows.push(Row::behind(Check::Parked, name, Check::Redrive));
        }
        Some(Err(error)) => {
            let missing = "create the dead-letter queue, or name another one in the redrive policy";
            rows.push(scene.failed(Check::DeadLetters, name, error, missing));
            rows.push(Row::behind(Check::Parked, name, Check::DeadLetters));
        }
        Some(Ok(dead)) => {
            rows.push(dead_letters(scene, name, queue, dead));
            rows.push(parked(name, dead));
        }
    }
    rows.push(key(name, queue));
    rows.push(policy(scene, facts, queue));
}

fn no_url(name: &str, setting: &str) -> Row {
    Row::of(
        Status::Problem,
        Check::Queue,
        name,
        format!("{setting} is no URL"),
        "give it as SQS shows it, such as https://sqs.REGION.amazonaws.com/123456789012/uploads",
    )
}

fn fifo(name: &str, setting: &str) -> Row {
    Row::of(
        Status::Problem,
        Check::Queue,
        name,
        "a FIFO queue, to which S3 sends nothing",
        format!("create a standard queue and name it as {setting}"),
    )
}

fn kind(name: &str, queue: &Queue) -> Row {
    let kept = lasting(queue.retention_seconds);
    let finding = format!("{} waiting, kept {kept}", queue.waiting);
    if queue.retention_seconds < SHORTEST_KEPT {
        return Row::of(
            Status::Warning,
            Check::Queue,
            name,
            finding,
            "set MessageRetentionPeriod to 345600 (4 days): what waits longer, such as through a \
             pause, is lost unseen",
        );
    }
    if queue.delay_seconds > 0 {
        return Row::of(
            Status::Warning,
            Check::Queue,
            name,
            format!("{finding}; held back for {}", lasting(queue.delay_seconds)),
            "set DelaySeconds to 0: each upload stays so much longer before it is looked at",
        );
    }
    Row::ok(Check::Queue, name, finding)
}

/// Where what is given up comes back to be worked on: to the queue itself, or to the other one.
fn circle(scene: &Scene<'_>, name: &str, facts: &QueueFacts, queue: &Queue) -> Option<Row> {
    let by_policy = queue.redrive.as_ref().map(|it| it.arn.as_str());
    let dead = match &facts.dead_letters {
        Some(Ok(dead)) => Some(dead.arn.as_str()),
        _ => None,
    };
    let dead = by_policy.or(dead)?;
    let all = std::iter::once(&scene.facts.uploads).chain(&scene.facts.events);
    let known = all.filter_map(|it| Some(it.queue.as_ref().ok()?.arn.as_str()));
    let back = if dead == queue.arn {
        "the queue itself"
    } else if known.into_iter().any(|arn| arn == dead) {
        "the other queue, which the service reads too"
    } else {
        return None;
    };
    let (check, whose) = match by_policy {
        Some(_) => (Check::Redrive, "in the redrive policy"),
        None => (Check::DeadLetters, "as queue.dead_letter_url"),
    };
    Some(Row::of(
        Status::Problem,
        check,
        name,
        format!("what is given up goes to {back}, and comes back at once"),
        format!("create a dead-letter queue that nobody reads, and name it {whose}"),
    ))
}

fn visibility(scene: &Scene<'_>, name: &str, queue: &Queue) -> Row {
    let own = queue.visibility_seconds;
    let ours = scene.wanted.visibility.as_secs();
    let finding = format!("{}; the service asks for {ours} s itself", lasting(own));
    if SENSIBLE.contains(&own) {
        return Row::ok(Check::Visibility, name, finding);
    }
    Row::of(
        Status::Warning,
        Check::Visibility,
        name,
        finding,
        format!(
            "set VisibilityTimeout to {ours}: whoever looks at messages by hand would use their \
             receives up, or hide them from the service"
        ),
    )
}

fn redrive(name: &str, queue: &Queue, parks_itself: bool) -> Row {
    match &queue.redrive {
        None => Row::of(
            if parks_itself {
                Status::Warning
            } else {
                Status::Problem
            },
            Check::Redrive,
            name,
            "no redrive policy that can be read",
            "give the queue a redrive policy with a dead-letter queue and maxReceiveCount 20: what \
             cannot be worked on comes again until it expires",
        ),
        Some(Redrive {
            max_receives: Some(most),
            ..
        }) if *most < FEWEST_RECEIVES => Row::of(
            Status::Problem,
            Check::Redrive,
            name,
            format!("maxReceiveCount is {most}"),
            "set maxReceiveCount to 20: with fewer than 10, trouble that lasts parks good messages",
        ),
        Some(Redrive {
            max_receives: Some(most),
            ..
        }) => Row::ok(Check::Redrive, name, format!("after {most} receives")),
        Some(Redrive {
            max_receives: None, ..
        }) => Row::of(
            Status::Warning,
            Check::Redrive,
            name,
            "a redrive policy without a count",
            "set maxReceiveCount to 20",
        ),
    }
}

fn dead_letters(scene: &Scene<'_>, name: &str, queue: &Queue, dead: &DeadLetters) -> Row {
    let kept = lasting(dead.retention_seconds);
    let finding = format!("{}, kept {kept}", name_of(&dead.url));
    if let Some(unfit) = unfit(&dead.url, &scene.wanted.region) {
        let what = match unfit {
            Unfit::NoUrl => "it has no URL".to_owned(),
            Unfit::Fifo => "a FIFO queue".to_owned(),
            Unfit::Elsewhere(there) => format!("it is in {there}"),
        };
        return Row::of(
            Status::Problem,
            Check::DeadLetters,
            name,
            format!("{}: {what}, and the service refuses it", name_of(&dead.url)),
            format!(
                "name a standard queue of {} in the redrive policy, or as queue.dead_letter_url",
                scene.wanted.region
            ),
        );
    }
    // A message moves with its first date, so that it may expire on arrival.
    let expires = dead.retention_seconds <= queue.retention_seconds;
    if dead.retention_seconds >= LONGEST_KEPT && !expires {
        return Row::ok(Check::DeadLetters, name, finding);
    }
    let remedy = if dead.retention_seconds < LONGEST_KEPT {
        "set its MessageRetentionPeriod to 1209600 (14 days): what is parked keeps its first date"
    } else {
        "set the queue's own MessageRetentionPeriod below 14 days, such as 345600 (4 days): what \
         is parked keeps its first date and would expire on arrival"
    };
    Row::of(Status::Warning, Check::DeadLetters, name, finding, remedy)
}

fn parked(name: &str, dead: &DeadLetters) -> Row {
    if dead.messages == 0 {
        return Row::ok(Check::Parked, name, "nothing was given up");
    }
    Row::of(
        Status::Warning,
        Check::Parked,
        name,
        format!("about {} messages were given up", dead.messages),
        "read why with `s3-warden dlq list`, mend it, send them back with `s3-warden dlq redrive`",
    )
}

fn key(name: &str, queue: &Queue) -> Row {
    match queue.key.as_deref() {
        Some(key) if key.ends_with("alias/aws/sqs") => Row::of(
            Status::Problem,
            Check::QueueKey,
            name,
            "encrypted with alias/aws/sqs, which no other service can use",
            "use SqsManagedSseEnabled, or a KMS key of your own whose policy lets s3.amazonaws.com, \
             sns.amazonaws.com and events.amazonaws.com use kms:GenerateDataKey and kms:Decrypt",
        ),
        Some(_) => Row::of(
            Status::NotChecked,
            Check::QueueKey,
            name,
            "a KMS key of your own, whose policy is not asked for",
            "see that the key's policy lets s3.amazonaws.com, sns.amazonaws.com and \
             events.amazonaws.com, as far as they send here, use kms:GenerateDataKey and kms:Decrypt: \
             what they cannot encrypt is lost",
        ),
        None => Row::ok(Check::QueueKey, name, "no KMS key"),
    }
}

fn policy(scene: &Scene<'_>, facts: &QueueFacts, queue: &Queue) -> Row {
    let (check, name) = (Check::QueuePolicy, name_of(&facts.url));
    let policy = queue.policy.as_deref();
    let needs = needs(scene, facts, &queue.arn);
    let refused = |need: &&Need| !may_send(policy, &queue.arn, need.sender, &need.source);
    let refused: Vec<_> = needs.iter().filter(refused).collect();
    if let Some(first) = refused.first() {
        let who = refused.iter().map(|need| {
            let sender = need.sender.called();
            format!("{sender} for {}", name_of(&need.source))
        });
        let who: Vec<_> = who.collect();
        return Row::of(
            Status::Problem,
            check,
            name,
            format!("its policy does not let send: {}", who.join(", ")),
            format!(
                "allow sqs:SendMessage to {} with aws:SourceArn {} as condition and deny it nowhere, as \
                 the policies of deploy/intake.yaml and deploy/events.yaml do: what may not be sent is \
                 lost",
                first.sender.service(),
                first.source
            ),
        );
    }
    let allowed = senders(policy);
    if allowed.is_empty() {
        return Row::of(
            Status::Warning,
            check,
            name,
            "its policy lets no service send",
            "allow sqs:SendMessage to s3.amazonaws.com (or sns, events), with aws:SourceAccount as \
             condition: deploy/intake.yaml has the policy",
        );
    }
    if needs.is_empty() {
        // Whoever is to send is not known: that is another row's trouble.
        let is_uploads = facts.url == scene.wanted.uploads_url;
        let first = if is_uploads {
            Check::Notifications
        } else {
            Check::EventRules
        };
        let intake = &scene.wanted.intake;
        let by_trail = intake.buckets.is_subset(&intake.cloudtrail_uploads);
        return match is_uploads && by_trail {
            true => Row::ok(
                check,
                name,
                "no bucket sends here: all are told by CloudTrail",
            ),
            false => Row::behind(check, name, first),
        };
    }
    let mut senders: Vec<_> = needs.iter().map(|need| need.sender).collect();
    senders.sort_unstable();
    senders.dedup();
    let senders: Vec<_> = senders.into_iter().map(|it| it.called()).collect();
    Row::ok(
        check,
        name,
        format!("{} may send, as set up", senders.join(", ")),
    )
}
