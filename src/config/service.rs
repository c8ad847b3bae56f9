//! What the service on AWS asks of the settings beyond what each room asks of its own: places that
//! have to be named, and places that must not be the same.

use std::collections::BTreeSet;

use super::rooms::RawConfig;
use super::{ConfigErrors, DEFAULTS, Sources, settle};
use crate::action::Tagging;
use crate::alert::{AlertSettings, TopicArn};
use crate::aws::AwsSettings;
use crate::event::{BucketName, Options, OwnPlace};
use crate::model::ModelSettings;
use crate::object::ObjectSettings;
use crate::ops::OpsSettings;
use crate::settings::Problems;
use crate::worker::{Limits, QueueSettings};

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
    let (records, removed) = (&raw.records, &raw.quarantine);
    let overlap =
        removed.prefix.starts_with(&records.prefix) || records.prefix.starts_with(&removed.prefix);
    if !missing(&records.bucket) && records.bucket == removed.bucket && overlap {
        problems.add(
            "quarantine.bucket",
            "lies in the place of the records, which would expire with what was removed; choose another \
             bucket, or two prefixes of which none begins with the other",
        );
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

/// What commands need that change what the service left behind: dead letters, quarantined copies,
/// held findings. Nothing has to be named; what a command cannot do without, it asks for itself.
#[derive(Clone, Debug)]
pub struct Maintenance {
    /// Where findings and switches lie, if somebody says so.
    pub records: Option<OwnPlace>,
    /// Where removed objects went, if somewhere.
    pub quarantine: Option<OwnPlace>,
    /// The queues.
    pub queue: QueueSettings,
    /// What messages may ask for.
    pub requests: Options,
    /// The guarded buckets; empty where nobody names them.
    pub guarded: BTreeSet<BucketName>,
    /// Which model judges, and the table of prices.
    pub model: ModelSettings,
    /// How much of an object is read.
    pub object: ObjectSettings,
    /// How much at once.
    pub limits: Limits,
    /// The topic that alerts are published to.
    pub topic: Option<TopicArn>,
    /// How people are told.
    pub alerts: AlertSettings,
    /// What holds for all calls to AWS.
    pub aws: AwsSettings,
    /// Which objects carry the verdict tag.
    pub tag: Tagging,
}

impl Maintenance {
    /// Reads all layers, and validates only these sections.
    ///
    /// # Errors
    /// Files that cannot be read, unknown keys, values of a wrong type, and mistakes in those
    /// sections.
    pub fn load(sources: Sources) -> Result<Self, ConfigErrors> {
        let (raw, mut settled) = settle::<RawConfig>(DEFAULTS, sources);
        let mut problems = Problems::new();
        // All rooms are asked before the first answer counts.
        let records = raw.records.validate(&mut problems);
        let quarantine = raw.quarantine.validate(&mut problems);
        let queue = raw.queue.validate(&mut problems);
        let requests = raw.requests.validate(&mut problems);
        // Operators may leave them out; what is named has to be right.
        let named = !(raw.intake.buckets.is_empty() && raw.intake.cloudtrail_uploads.is_empty());
        let intake = named.then(|| raw.intake.validate(&mut problems)).flatten();
        let model = raw.model.validate(&mut problems);
        let object = raw.object.validate(&mut problems);
        let limits = raw.limits.validate(&mut problems);
        let topic = raw.alerts.topic(&mut problems);
        let alerts = raw.alerts.validate(&mut problems);
        let aws = raw.aws.validate(&mut problems);
        settled.add(problems.into_vec());
        let read = move || {
            Some(Self {
                records: records?,
                quarantine: quarantine?,
                queue: queue?,
                requests: Options {
                    cloudtrail_uploads: intake
                        .as_ref()
                        .map(|intake| intake.cloudtrail_uploads.clone())
                        .unwrap_or_default(),
                    ..requests?
                },
                guarded: intake.map(|intake| intake.buckets).unwrap_or_default(),
                model: model?,
                object: object?,
                limits: limits?,
                topic: topic?,
                alerts: alerts?,
                aws: aws?,
                tag: raw.policy.tag,
            })
        };
        match read() {
            Some(settings) if settled.problems().is_empty() => Ok(settings),
            _ => Err(ConfigErrors(settled.problems().to_vec())),
        }
    }
}
