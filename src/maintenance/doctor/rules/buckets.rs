//! The guarded buckets: there, readable, and their news on the way to us.

use super::ways::{Takes, Unseen, Way, Ways, ways};
use super::{Scene, after, cause_of, written};
use crate::action::Mode;
use crate::maintenance::doctor::ask::GuardedFacts;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::{Notifications, Read, Route, SurveyError, Versions};

/// The events of an upload ("Supported event types for SQS, SNS, and Lambda", Amazon S3 User Guide).
const CREATED: [&str; 4] = ["Put", "Post", "Copy", "CompleteMultipartUpload"];

/// What to do about a bucket that is not there.
const MISSING: &str = "create the bucket, or correct intake.buckets";

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    for facts in &scene.facts.guarded {
        about(scene, facts, rows);
    }
    // Once: it says the same of every bucket.
    rows.push(Row::of(
        Status::NotChecked,
        Check::RemoveGrant,
        "",
        "tagging and removing were not tried: it would be done to somebody's object",
        "the service has these rights by deploy/iam/worker.json; put an object there that has to go, \
         and see what becomes of it",
    ));
}

fn about(scene: &Scene<'_>, facts: &GuardedFacts, rows: &mut Vec<Row>) {
    let name = facts.bucket.as_str();
    rows.push(match &facts.there {
        Ok(region) => there(scene, name, region.as_deref()),
        Err(error) => scene.failed(Check::Bucket, name, error, MISSING),
    });
    let cause = cause_of(&facts.there, &scene.wanted.region);
    let cause = cause.as_ref();
    let row = match &facts.versions {
        Ok(versions) => versioning(scene, name, *versions),
        Err(error) => scene.failed(Check::Versioning, name, error, MISSING),
    };
    rows.push(after(Check::Bucket, cause, &facts.versions, row));
    let (news, scope) = match &facts.notifications {
        Ok(told) => {
            let ways = ways(scene, facts, told);
            (
                notifications(scene, facts, told, &ways),
                scope(scene, facts, &ways),
            )
        }
        Err(error) => (
            scene.failed(Check::Notifications, name, error, MISSING),
            Row::behind(Check::NotificationScope, name, Check::Notifications),
        ),
    };
    rows.push(after(Check::Bucket, cause, &facts.notifications, news));
    rows.push(after(Check::Bucket, cause, &facts.notifications, scope));
    let row = lock(scene, facts);
    rows.push(after(Check::Bucket, cause, &facts.lock, row));
    let row = read(scene, facts);
    rows.push(after(Check::Bucket, cause, &facts.read, row));
}

fn lock(scene: &Scene<'_>, facts: &GuardedFacts) -> Row {
    let name = facts.bucket.as_str();
    match &facts.lock {
        Ok(None) => Row::ok(Check::ObjectLock, name, "off"),
        Ok(Some(days)) => Row::of(
            Status::Warning,
            Check::ObjectLock,
            name,
            match days {
                Some(days) => format!("on: every new object is locked for {days} days"),
                None => "on: who uploads may lock an object".to_owned(),
            },
            "know that what is locked cannot be removed: such findings are told as blocked; take \
             the default retention off a bucket that has to be cleaned",
        ),
        Err(error) => scene.failed(Check::ObjectLock, name, error, MISSING),
    }
}

fn there(scene: &Scene<'_>, name: &str, region: Option<&str>) -> Row {
    let here = scene.wanted.region.as_str();
    match region {
        Some(other) if other != here => Row::of(
            Status::Problem,
            Check::Bucket,
            name,
            format!("lies in {other}, and calls go to {here}"),
            "run one service for each region, or set AWS_REGION to that of the guarded buckets",
        ),
        Some(region) => Row::ok(Check::Bucket, name, format!("there, in {region}")),
        None => Row::ok(Check::Bucket, name, "there"),
    }
}

fn versioning(scene: &Scene<'_>, name: &str, versions: Versions) -> Row {
    let removes = scene.wanted.mode == Mode::Enforce && scene.wanted.quarantine.is_none();
    let (finding, remedy) = match versions {
        Versions::Enabled => return Row::ok(Check::Versioning, name, "on"),
        Versions::Never => (
            "off",
            "what is overwritten between upload and look is never seen",
        ),
        Versions::Suspended => (
            "suspended",
            "old versions stay, and what is overwritten between upload and look is never seen",
        ),
    };
    let gone = match removes {
        true => ", and what is removed is gone for good",
        false => "",
    };
    Row::of(
        Status::Warning,
        Check::Versioning,
        name,
        finding,
        format!(
            "{remedy}{gone}: aws s3api put-bucket-versioning --bucket {name} \
             --versioning-configuration Status=Enabled"
        ),
    )
}

fn notifications(
    scene: &Scene<'_>,
    facts: &GuardedFacts,
    told: &Notifications,
    ways: &Ways<'_>,
) -> Row {
    let (check, name) = (Check::Notifications, facts.bucket.as_str());
    if !ways.seen.is_empty() {
        let ways: Vec<_> = ways.seen.iter().map(|way| way.told.as_str()).collect();
        return Row::ok(check, name, ways.join(", "));
    }
    let by_trail = &scene.wanted.intake.cloudtrail_uploads;
    if by_trail.contains(&facts.bucket) {
        return Row::ok(check, name, "told by CloudTrail, as set");
    }
    if let Some(unseen) = ways.unseen.first() {
        return match unseen {
            Unseen::EventBridge => Row::behind(check, name, Check::EventRules),
            Unseen::Topic(topic, error) => {
                let row = scene.failed(check, name, error, "correct the bucket's notifications");
                let finding = format!(
                    "it tells the topic {topic}; whether that tells our queue is not known: {}",
                    row.finding
                );
                Row::of(
                    Status::NotChecked,
                    check,
                    name,
                    finding,
                    row.remedy.unwrap_or_default(),
                )
            }
        };
    }
    let arn = match &scene.facts.uploads.queue {
        // Nothing can be pointed to it before it is there, and of the right kind.
        Err(SurveyError::Missing { .. }) => return Row::behind(check, name, Check::Queue),
        Ok(queue) if queue.fifo => return Row::behind(check, name, Check::Queue),
        Ok(queue) => queue.arn.clone(),
        Err(_) => scene.wanted.arn_of(&scene.wanted.uploads_url),
    };
    let there = match (told.routes.is_empty(), told.event_bridge) {
        (true, false) => "it tells nobody",
        (true, true) => "it tells EventBridge, and no enabled rule there passes it on to our queue",
        _ => "it tells others, and not our queue",
    };
    let or = match told.event_bridge {
        true => ", or name the bucket in EventBridgeBuckets of deploy/intake.yaml",
        false => "",
    };
    Row::of(
        Status::Problem,
        check,
        name,
        format!("{there}: uploads are never looked at"),
        format!("deploy/notify.sh --queue-arn {arn} {name} (what it tells others stays){or}"),
    )
}

/// Whether all uploads that are to be looked at come by one way or another.
fn scope(scene: &Scene<'_>, facts: &GuardedFacts, ways: &Ways<'_>) -> Row {
    let (check, name) = (Check::NotificationScope, facts.bucket.as_str());
    let by_trail = &scene.wanted.intake.cloudtrail_uploads;
    if ways.seen.is_empty() {
        return match by_trail.contains(&facts.bucket) {
            true => Row::of(
                Status::NotChecked,
                check,
                name,
                "told by CloudTrail; what its trail records is not asked",
                "see that the trail records writes of objects of this bucket, and that \
                 CloudTrailUploadBuckets of deploy/events.yaml names it",
            ),
            false => Row::behind(check, name, Check::Notifications),
        };
    }
    if ways.seen.iter().any(|way| matches!(way.takes, Takes::All)) {
        return Row::ok(check, name, "every upload");
    }
    let row = entries(scene, name, &ways.seen);
    // The rest may come by a way that we may not look at.
    if row.status != Status::Ok && !ways.unseen.is_empty() {
        let finding = format!(
            "{}, for sure; another way could not be followed",
            row.finding
        );
        let remedy = "let doctor see it: sns:ListSubscriptionsByTopic and events:DescribeRule as in \
                      deploy/iam/doctor.json";
        return Row::of(Status::NotChecked, check, name, finding, remedy);
    }
    row
}

/// The same where no way takes everything.
fn entries(scene: &Scene<'_>, name: &str, ways: &[Way<'_>]) -> Row {
    let check = Check::NotificationScope;
    let mut routes = Vec::new();
    let mut filters = Vec::new();
    for way in ways {
        match &way.takes {
            Takes::All => {}
            Takes::Entry(route) => {
                routes.push(*route);
                filters.push(format!("{}*{}", route.prefix, route.suffix));
            }
            Takes::Filtered(fields) => {
                filters.push(format!("{} ({})", fields.join(", "), way.told))
            }
        }
    }
    let prefixes = &scene.wanted.intake.prefixes;
    let enough = |prefix: &str| {
        prefix.is_empty()
            || !prefixes.is_empty() && prefixes.iter().all(|it| it.starts_with(prefix))
    };
    let fits = |prefix: &str| written::is_encoded(prefix) && enough(&written::to_keys(prefix));
    let suffixes = &scene.wanted.intake.suffixes;
    let passes = |route: &Route, prefix: &str, suffix: &str| {
        let read = |part: &str| written::is_encoded(part).then(|| written::to_keys(part));
        read(&route.prefix).is_some_and(|it| prefix.starts_with(&it))
            && read(&route.suffix).is_some_and(|it| suffix.ends_with(&it))
    };
    // Several entries may share in what is wanted.
    let whole = |event: &str| {
        or_any(prefixes).all(|prefix| {
            or_any(suffixes).all(|suffix| {
                let mut telling = routes.iter().filter(|it| tells(it, event));
                telling.any(|it| passes(it, prefix, suffix))
            })
        })
    };
    if CREATED.iter().all(|event| whole(event)) {
        let minded = routes.iter().any(|route| !route.suffix.is_empty());
        let case = match minded {
            true => "; S3 minds the case of a suffix, intake.suffixes does not",
            false => "",
        };
        let finding = format!("every upload that is to be looked at{case}");
        return Row::ok(check, name, finding);
    }
    let missing = CREATED
        .iter()
        .filter(|event| !routes.iter().any(|route| tells(route, event)));
    let missing: Vec<_> = missing.copied().collect();
    if !missing.is_empty() && routes.len() == ways.len() {
        return Row::of(
            Status::Warning,
            check,
            name,
            format!("nothing is told of {}", missing.join(", ")),
            "name s3:ObjectCreated:* as the event: what comes in another way is never looked at",
        );
    }
    let parts = routes.iter().flat_map(|it| [&it.prefix, &it.suffix]);
    // As it is written it would fit, and as S3 reads it, it does not.
    let misread = |part: &str| enough(part) && !fits(part);
    let mut odd = parts.filter(|part| !written::is_encoded(part) || misread(part));
    if let Some(part) = odd.next() {
        return Row::of(
            Status::Warning,
            check,
            name,
            format!("the filter {part} is written as keys are, and S3 reads it percent-encoded"),
            format!(
                "write it as {}, as deploy/notify.sh does: as it is, it may pass nothing on",
                written::of_keys(part)
            ),
        );
    }
    Row::of(
        Status::Warning,
        check,
        name,
        format!("only some keys: filtered by {}", filters.join(", ")),
        "take the filter out, since other keys are never looked at; or, where that is meant, name \
         the same in intake.prefixes and intake.suffixes",
    )
}

/// What is wanted; where nothing is said, everything, which begins and ends with nothing.
fn or_any(wanted: &[String]) -> impl Iterator<Item = &str> {
    let any = wanted.is_empty().then_some("");
    wanted.iter().map(String::as_str).chain(any)
}

fn tells(route: &Route, event: &str) -> bool {
    route.events.iter().any(|told| {
        let kind = told.strip_prefix("s3:ObjectCreated:");
        told == "s3:*" || kind.is_some_and(|kind| kind == "*" || kind == event)
    })
}

fn read(scene: &Scene<'_>, facts: &GuardedFacts) -> Row {
    let name = facts.bucket.as_str();
    match &facts.read {
        Ok(Read::Done { by_version }) => {
            let by = if *by_version {
                ", by its version too"
            } else {
                ""
            };
            Row::ok(Check::ReadGrant, name, format!("one object was read{by}"))
        }
        Ok(Read::Nothing) => Row::of(
            Status::NotChecked,
            Check::ReadGrant,
            name,
            "there is no object to try",
            "upload one and ask again: whether its KMS key may be used shows only then",
        ),
        Ok(Read::Gone) => Row::of(
            Status::NotChecked,
            Check::ReadGrant,
            name,
            "objects are listed, and those that were tried were not there to read",
            "run it once more; where it stays so, see what answers in place of Amazon S3",
        ),
        Ok(Read::KeyDenied) => Row::of(
            Status::Problem,
            Check::ReadGrant,
            name,
            "the object may be read, and its KMS key may not be used",
            format!(
                "grant kms:Decrypt on the key of the bucket's objects to {}, in a policy of it and \
                 in that of the key",
                scene.who.unwrap_or("our role")
            ),
        ),
        Ok(Read::NotJudged) => Row::of(
            Status::NotChecked,
            Check::ReadGrant,
            name,
            "none of the objects that were tried may be read, and none is judged",
            "ask again once one is judged: where deploy/bucket-policy.json is in force, nobody but the \
             service reads what is not; else grant s3:GetObject as in deploy/iam/operator.json",
        ),
        Err(error) => scene.failed(Check::ReadGrant, name, error, MISSING),
    }
}
