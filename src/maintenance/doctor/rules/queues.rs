//! The queues, and what they give up.

use super::ways::{Need, needs};
use super::{Scene, lasting};
use crate::maintenance::doctor::ask::QueueFacts;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::senders::{may_send, senders};
use crate::maintenance::doctor::survey::{DeadLetters, Queue};
use crate::maintenance::doctor::wanted::name_of;

/// Below this, trouble that lasts parks good messages.
const FEWEST_RECEIVES: u32 = 10;

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
            rows.push(scene.failed(Check::Queue, name, error, &missing));
            rows.extend(BEHIND.map(|check| Row::behind(check, name, Check::Queue)));
            return;
        }
    };
    rows.push(kind(name, setting, queue));
    rows.push(visibility(scene, name, queue));
    rows.push(redrive(name, queue, parks_itself));
    match &facts.dead_letters {
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
            rows.push(dead_letters(name, queue, dead));
            rows.push(parked(name, dead));
        }
    }
    rows.push(key(name, queue));
    rows.push(policy(scene, facts, queue));
}

fn kind(name: &str, setting: &str, queue: &Queue) -> Row {
    if queue.fifo {
        return Row::of(
            Status::Problem,
            Check::Queue,
            name,
            "a FIFO queue, to which S3 sends nothing",
            format!("create a standard queue and name it as {setting}"),
        );
    }
    let finding = format!(
        "{} waiting, kept {}",
        queue.waiting,
        lasting(queue.retention_seconds)
    );
    Row::ok(Check::Queue, name, finding)
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
            "no redrive policy",
            "give the queue a redrive policy with a dead-letter queue and maxReceiveCount 20: what \
             cannot be worked on comes again until it expires",
        ),
        Some((_, Some(most))) if *most < FEWEST_RECEIVES => Row::of(
            Status::Problem,
            Check::Redrive,
            name,
            format!("maxReceiveCount is {most}"),
            "set maxReceiveCount to 20: with fewer than 10, trouble that lasts parks good messages",
        ),
        Some((_, Some(most))) => Row::ok(Check::Redrive, name, format!("after {most} receives")),
        Some((_, None)) => Row::of(
            Status::Warning,
            Check::Redrive,
            name,
            "a redrive policy without a count",
            "set maxReceiveCount to 20",
        ),
    }
}

fn dead_letters(name: &str, queue: &Queue, dead: &DeadLetters) -> Row {
    let finding = format!("{}, kept {}", dead.name, lasting(dead.retention_seconds));
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
                "allow sqs:SendMessage to {} with aws:SourceArn {} as condition, as the policies of \
                 deploy/intake.yaml and deploy/events.yaml do: what may not be sent is lost",
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
