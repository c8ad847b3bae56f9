//! What the service on AWS asks of the settings beyond what each room asks of its own: places that
//! have to be named, and places that must not be the same.

use super::rooms::RawConfig;
use super::{ConfigErrors, DEFAULTS, Sources, settle};
use crate::aws::AwsSettings;
use crate::event::OwnPlace;
use crate::ops::OpsSettings;
use crate::settings::Problems;

/// Notes what the service lacks.
pub(super) fn require(raw: &RawConfig, problems: &mut Problems) {
    let missing = |written: &Option<String>| written.as_deref().is_none_or(str::is_empty);
    for (key, written, remedy) in [
        (
            "queue.url",
            &raw.queue.url,
            "missing; give the URL of the SQS queue that gets the notifications of the guarded \
             buckets",
        ),
        (
            "alerts.topic_arn",
            &raw.alerts.topic_arn,
            "missing; give the ARN of the SNS topic that alerts are published to",
        ),
        (
            "records.bucket",
            &raw.records.bucket,
            "missing; name the bucket for findings: without them nothing is removed",
        ),
    ] {
        if missing(written) {
            problems.add(key, remedy);
        }
    }
    for (section, bucket) in [
        ("records", &raw.records.bucket),
        ("quarantine", &raw.quarantine.bucket),
    ] {
        if let Some(bucket) = bucket
            && (raw.intake.buckets.contains(bucket)
                || raw.intake.cloudtrail_uploads.contains(bucket))
        {
            problems.add(
                format!("{section}.bucket"),
                format!(
                    "`{bucket}` is guarded too (intake.buckets): what we write there would be \
                     looked at again; choose another bucket"
                ),
            );
        }
    }
    if !missing(&raw.queue.url) && raw.queue.url == raw.queue.events_url {
        problems.add(
            "queue.events_url",
            "is queue.url: events may come there as well; leave this out, or give them a queue of \
             their own",
        );
    }
    if !missing(&raw.queue.url) && raw.queue.url == raw.queue.dead_letter_url {
        problems.add(
            "queue.dead_letter_url",
            "is the queue itself: what is parked would come back for ever; give another queue",
        );
    }
}

/// What commands of operators need: where the records lie, and nothing of what is guarded.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Where findings and switches lie, if somebody says so.
    pub records: Option<OwnPlace>,
    /// What holds for all calls to AWS.
    pub aws: AwsSettings,
    /// Where health and metrics are served.
    pub ops: OpsSettings,
}

impl Operator {
    /// Reads all layers, and validates only what operators need.
    ///
    /// # Errors
    /// Files that cannot be read, unknown keys, values of a wrong type, and mistakes in those
    /// sections.
    pub fn load(sources: Sources) -> Result<Self, ConfigErrors> {
        let (raw, mut settled) = settle::<RawConfig>(DEFAULTS, sources);
        let mut problems = Problems::new();
        let records = raw.records.validate(&mut problems);
        let aws = raw.aws.validate(&mut problems);
        let ops = raw.ops.validate(&mut problems);
        settled.add(problems.into_vec());
        match (records, aws, ops) {
            (Some(records), Some(aws), Some(ops)) if settled.problems().is_empty() => {
                Ok(Self { records, aws, ops })
            }
            _ => Err(ConfigErrors(settled.problems().to_vec())),
        }
    }
}
