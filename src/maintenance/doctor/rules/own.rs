//! The buckets of our own: records, and the quarantine.

use super::{Scene, after, cause_of};
use crate::action::Mode;
use crate::maintenance::doctor::ask::OwnFacts;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::{
    Answer, Conditions, Encryption, Expiry, Public, Versions, Written,
};

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    quarantine(scene, rows);
    records(scene, rows);
}

fn quarantine(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    let (Some(place), Some((facts, lifecycle, written))) =
        (&scene.wanted.quarantine, &scene.facts.quarantine)
    else {
        let finding = match scene.wanted.mode {
            Mode::Enforce => "none is set: what is removed is deleted",
            Mode::Observe => "none is set, and nothing is removed",
        };
        rows.push(Row::of(
            Status::NotChecked,
            Check::QuarantineBucket,
            "",
            finding,
            "to keep what is removed for a while, name a bucket as quarantine.bucket",
        ));
        return;
    };
    let name = place.bucket.as_str();
    let first = Check::QuarantineBucket;
    let missing = "create the bucket, or correct quarantine.bucket";
    rows.push(place_of(scene, first, name, facts, missing));
    let cause = cause_of(&facts.there, &scene.wanted.region);
    let cause = cause.as_ref();
    let row = public(
        scene,
        Check::QuarantinePublic,
        (name, missing),
        &facts.public,
    );
    rows.push(after(first, cause, &facts.public, row));
    let row = match &facts.encryption {
        Ok(Encryption::OwnKey) => Row::ok(Check::QuarantineKey, name, "a KMS key of its own"),
        Ok(_) => Row::of(
            Status::Warning,
            Check::QuarantineKey,
            name,
            "no KMS key of its own",
            "make a KMS key that only the service and those who restore may use the bucket's \
             default: whoever may read buckets in general could read what was found",
        ),
        Err(error) => scene.failed(Check::QuarantineKey, name, error, missing),
    };
    rows.push(after(first, cause, &facts.encryption, row));
    let row = match lifecycle {
        Ok(rules) => expiry(name, &place.prefix, rules, &written.answer),
        Err(error) => scene.failed(Check::QuarantineLifecycle, name, error, missing),
    };
    rows.push(after(first, cause, lifecycle, row));
    let row = left(
        write(scene, name, &written.answer),
        written.stays.as_deref(),
    );
    rows.push(after(first, cause, &written.answer, row));
}

/// Whether all that comes to lie there ends: objects, and, where versions are kept, those too.
fn expiry(name: &str, prefix: &str, rules: &[Expiry], written: &Answer<Written>) -> Row {
    let check = Check::QuarantineLifecycle;
    let ours = || {
        let whole = rules.iter().filter(|rule| !rule.some);
        whole.filter(|rule| prefix.starts_with(&rule.prefix))
    };
    let versioned = match written {
        Ok(Written::Done { versioned }) => Some(*versioned),
        Ok(Written::KeyDenied) | Err(_) => None,
    };
    let objects = ours().any(|rule| rule.current);
    let old_ones = ours().any(|rule| rule.noncurrent);
    let finding = match (objects, old_ones, versioned) {
        (true, true, _) | (true, false, Some(false)) => {
            return Row::ok(check, name, "everything there expires");
        }
        (true, false, None) => return Row::behind(check, name, Check::QuarantineWrite),
        (true, false, Some(true)) => "it keeps versions, and old ones never expire",
        (false, ..) if rules.is_empty() => "nothing ever expires",
        (false, ..) => "no rule in force makes every object of quarantine.prefix expire by its age",
    };
    let whole = match prefix {
        "" => "the whole bucket".to_owned(),
        prefix => format!("the prefix {prefix} alone"),
    };
    Row::of(
        Status::Warning,
        check,
        name,
        finding,
        format!(
            "add a lifecycle rule for {whole} that expires objects and old versions, such as after 30 \
             days: what must not be kept is kept here"
        ),
    )
}

fn write(scene: &Scene<'_>, name: &str, written: &Answer<Written>) -> Row {
    let check = Check::QuarantineWrite;
    match written {
        Ok(Written::Done { .. }) => {
            Row::ok(check, name, "an object of ours was written and removed")
        }
        Ok(Written::KeyDenied) => Row::of(
            Status::Problem,
            check,
            name,
            "the bucket may be written to, and its KMS key may not be used",
            format!(
                "grant kms:GenerateDataKey and kms:Decrypt on its key to {} (QuarantineRoleArns of \
                 deploy/intake.yaml)",
                scene.who.unwrap_or("our role")
            ),
        ),
        Err(error) => {
            let missing = "create the bucket, or correct quarantine.bucket";
            scene.failed(check, name, error, missing)
        }
    }
}

/// The same row where what was written to try may lie there still.
fn left(mut row: Row, stays: Option<&str>) -> Row {
    let Some(object) = stays else { return row };
    if row.status == Status::Ok {
        row.status = Status::Warning;
        row.finding = format!("an object of ours could not be removed: {object}");
    } else {
        row.finding = format!("{}; an object of ours may stay: {object}", row.finding);
    }
    let remedy = "remove it, all its versions; s3:ListBucketVersions, s3:DeleteObject and \
                  s3:DeleteObjectVersion are in deploy/iam/doctor.json and operator.json";
    row.remedy = Some(match row.remedy {
        Some(first) => format!("{first}; then {remedy}"),
        None => remedy.to_owned(),
    });
    row
}

fn records(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    let facts = scene.facts;
    let name = scene.wanted.records.bucket.as_str();
    let first = Check::RecordsBucket;
    let missing = "create the bucket, or correct records.bucket";
    rows.push(place_of(scene, first, name, &facts.records, missing));
    let cause = cause_of(&facts.records.there, &scene.wanted.region);
    let cause = cause.as_ref();
    let tried = &facts.conditions;
    let row = conditions(scene, (name, missing), &tried.answer);
    let row = left(row, tried.stays.as_deref());
    rows.push(after(first, cause, &tried.answer, row));
    let row = match &facts.records_versions {
        Ok(Versions::Enabled) => Row::ok(Check::RecordsVersioning, name, "on"),
        Ok(_) => Row::of(
            Status::Warning,
            Check::RecordsVersioning,
            name,
            "off",
            format!(
                "findings are the only trail of what was removed, and whoever overwrites one leaves \
                 none: aws s3api put-bucket-versioning --bucket {name} --versioning-configuration \
                 Status=Enabled"
            ),
        ),
        Err(error) => scene.failed(Check::RecordsVersioning, name, error, missing),
    };
    rows.push(after(first, cause, &facts.records_versions, row));
    let row = match &facts.records.encryption {
        Ok(Encryption::Off) => Row::of(
            Status::Warning,
            Check::RecordsEncryption,
            name,
            "no default encryption",
            "set default encryption, at least AES256: keys of objects may hold names",
        ),
        Ok(how) => Row::ok(Check::RecordsEncryption, name, encrypted(how)),
        Err(error) => scene.failed(Check::RecordsEncryption, name, error, missing),
    };
    rows.push(after(first, cause, &facts.records.encryption, row));
    let row = public(
        scene,
        Check::RecordsPublic,
        (name, missing),
        &facts.records.public,
    );
    rows.push(after(first, cause, &facts.records.public, row));
    let row = pending(scene, (name, missing));
    rows.push(after(first, cause, &facts.pending, row));
    let row = switches(scene, (name, missing));
    rows.push(after(first, cause, &facts.switches, row));
}

fn conditions(
    scene: &Scene<'_>,
    (name, missing): (&str, &str),
    answer: &Answer<Conditions>,
) -> Row {
    let check = Check::ConditionalWrites;
    match answer {
        Ok(honoured) if !(honoured.none_match && honoured.matches) => Row::of(
            Status::Problem,
            check,
            name,
            "a write that had to be kept out was not",
            "use a bucket on Amazon S3, or a store that honours If-None-Match and If-Match: two \
             tasks would overwrite each other's records",
        ),
        Ok(_) => Row::ok(check, name, "a second write was kept out"),
        Err(error) => scene.failed(check, name, error, missing),
    }
}

const fn encrypted(how: &Encryption) -> &'static str {
    match how {
        Encryption::Off => "not encrypted",
        Encryption::S3 => "with a key of S3's",
        Encryption::AwsKey => "with the KMS key of AWS for S3",
        Encryption::OwnKey => "with a KMS key of its own",
    }
}

fn place_of(scene: &Scene<'_>, check: Check, name: &str, facts: &OwnFacts, missing: &str) -> Row {
    let here = scene.wanted.region.as_str();
    let region = match &facts.there {
        Ok(region) => region.as_deref(),
        Err(error) => return scene.failed(check, name, error, missing),
    };
    match region {
        Some(other) if other != here => Row::of(
            Status::Problem,
            check,
            name,
            format!("lies in {other}, and calls go to {here}"),
            "use a bucket of the service's region",
        ),
        Some(region) => Row::ok(check, name, format!("there, in {region}")),
        None => Row::ok(check, name, "there"),
    }
}

fn public(
    scene: &Scene<'_>,
    check: Check,
    (name, missing): (&str, &str),
    answer: &Answer<Public>,
) -> Row {
    let command = format!(
        "aws s3api put-public-access-block --bucket {name} --public-access-block-configuration \
         BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,\
         RestrictPublicBuckets=true"
    );
    match answer {
        Ok(Public { blocked: true, .. }) => Row::ok(check, name, "all public access is blocked"),
        Ok(Public {
            by_policy: true, ..
        }) => Row::of(
            Status::Problem,
            check,
            name,
            "its policy makes it public",
            command,
        ),
        Ok(_) => Row::of(
            Status::Warning,
            check,
            name,
            "public access is not blocked by the bucket itself",
            command,
        ),
        Err(error) => scene.failed(check, name, error, missing),
    }
}

fn pending(scene: &Scene<'_>, (name, missing): (&str, &str)) -> Row {
    let check = Check::PendingFindings;
    let pending = match &scene.facts.pending {
        Ok(pending) => pending,
        Err(error) => return scene.failed(check, name, error, missing),
    };
    let more = if pending.more { "more than " } else { "" };
    let finding = format!("{more}{} open", pending.count);
    if pending.old == 0 {
        return Row::ok(check, name, finding);
    }
    Row::of(
        Status::Warning,
        check,
        name,
        format!(
            "{finding}, {} of them for more than 10 minutes",
            pending.old
        ),
        "see that a task runs and that alerts get out (`/readyz`, the log): the sweeper finishes \
         them within minutes",
    )
}

fn switches(scene: &Scene<'_>, (name, missing): (&str, &str)) -> Row {
    let check = Check::Switches;
    let positions = match &scene.facts.switches {
        Ok(positions) => positions,
        Err(error) => return scene.failed(check, name, error, missing),
    };
    let moment = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let mut found = Vec::new();
    let mut remedies = Vec::new();
    if let Some(halt) = &positions.halt {
        found.push(format!("paused since {}", moment(halt.since)));
        remedies.push("let it work with `s3-warden resume`");
    }
    if let Some(since) = positions.breaker.open_since {
        found.push(format!("the breaker is open since {}", moment(since)));
        remedies
            .push("look with `s3-warden breaker status`, close it with `s3-warden breaker reset`");
    }
    if found.is_empty() {
        return Row::ok(check, name, "working, the breaker is closed");
    }
    Row::of(
        Status::Warning,
        check,
        name,
        found.join("; "),
        remedies.join("; "),
    )
}
