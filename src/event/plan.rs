//! From the text of a message to the work that it asks for.
//!
//! A message is one of a few envelopes, told apart by their shape and never by the sender, which
//! S3's own events and CloudTrail's reports of them share. Every record in it is walked by itself:
//! one that is not understood costs none of the others. A record ends as a job, as ignored for a
//! named reason, or as unreadable with a reason to park the message with; nothing is dropped
//! without a word.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::fault::{Fault, NoJob};
use super::fields::{Fields, missing};
use super::{BucketName, Delivery, Job, MessageId, cloudtrail, guardduty, request, s3};
use crate::retry::Reason;

/// How many envelopes may lie in one another. An EventBridge event sent on by SNS is two; a topic
/// cannot feed a topic, so more than three means somebody plays with us.
const MAX_ENVELOPES: usize = 3;

/// How many records one message may hold. S3 keeps its messages below 64 KB, which is under 200
/// records; without a bound, 1 MiB of empty records would become 350,000 reasons to park.
const MAX_RECORDS: usize = 1_000;

/// What may be planned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether on-demand requests are taken. Where they are not, one is unreadable with the code
    /// `requests_disabled`.
    pub requests_enabled: bool,
    /// Buckets whose uploads are told by CloudTrail: a record of a picture that was put there asks
    /// for a look at it as well.
    pub cloudtrail_uploads: BTreeSet<BucketName>,
}

/// What one message asks for. All three lists may hold something: the jobs are to be done even
/// when the message must be parked for its unreadable rest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// The work, in the order of the records.
    pub jobs: Vec<Job>,
    /// Records that were understood and ask for nothing.
    pub ignored: Vec<Ignored>,
    /// Records that were not understood. Not empty: the message belongs in the dead-letter queue.
    pub unreadable: Vec<Reason>,
}

/// Why a record that was understood asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// S3 tried the way to the queue when the notification was set up.
    TestEvent,
    /// An object was removed or hidden, by a caller or by a lifecycle rule.
    ObjectRemoved,
    /// An archived object was or will be readable for a while: what it says was there before.
    ObjectRestored,
    /// Tags, annotations, access list or retention of an object changed, not its bytes.
    ObjectMarked,
    /// An object moved to another storage class or access tier.
    ObjectMoved,
    /// News about replication. The replica's own bucket reports the replica as created.
    Replication,
    /// An empty object whose key ends in `/`: what consoles make for a folder.
    FolderMarker,
}

impl Ignored {
    /// A stable code: a label from a closed set.
    pub fn code(self) -> &'static str {
        match self {
            Self::TestEvent => "test_event",
            Self::ObjectRemoved => "object_removed",
            Self::ObjectRestored => "object_restored",
            Self::ObjectMarked => "object_marked",
            Self::ObjectMoved => "object_moved",
            Self::Replication => "replication",
            Self::FolderMarker => "folder_marker",
        }
    }
}

/// Reads a message and says what it asks for. Pure; never panics, whatever the body holds.
///
/// Understood are, bare or wrapped by SNS: S3 event notifications of schema 2.x, S3 events on
/// EventBridge, CloudTrail records and GuardDuty findings and scan results on EventBridge, S3's
/// test event, and on-demand requests:
///
/// ```json
/// {"s3-warden": "request", "version": 1, "kind": "inspect",
///  "bucket": "name", "key": "written as it is", "version_id": "optional"}
/// ```
///
/// ```
/// use s3_warden::event::{Body, Delivery, Job, MessageId, Options, Receipt, plan};
///
/// let body = r#"{"Records": [{"eventVersion": "2.1", "eventName": "ObjectCreated:Put",
///     "s3": {"bucket": {"name": "guarded"}, "object": {"key": "my+card.png", "size": 9}}}]}"#;
/// let delivery = Delivery {
///     id: MessageId("m-1".to_owned()),
///     receipt: Receipt("r-1".to_owned()),
///     body: Body::new(body),
///     receive_count: 1,
///     sent_at: "2026-11-20T10:00:00Z".parse().unwrap(),
///     redriven: 0,
/// };
/// let plan = plan(&delivery, &Options::default());
/// let [Job::Inspect(upload)] = plan.jobs.as_slice() else { panic!("one upload") };
/// assert_eq!(upload.target.key.as_str(), "my card.png");
/// assert_eq!(upload.happened_at, delivery.sent_at); // the record told no time
/// assert!(plan.unreadable.is_empty());
/// ```
pub fn plan(delivery: &Delivery, options: &Options) -> Plan {
    let context = Context {
        message: &delivery.id,
        sent_at: delivery.sent_at,
        options,
    };
    let mut plan = Plan::default();
    walk_text(delivery.body.as_str(), 1, &context, &mut plan);
    plan
}

/// What every record needs to know about its message.
pub(super) struct Context<'a> {
    pub(super) message: &'a MessageId,
    pub(super) sent_at: Timestamp,
    pub(super) options: &'a Options,
}

impl Plan {
    fn add(&mut self, outcome: Result<Job, NoJob>) {
        match outcome {
            Ok(job) => self.jobs.push(job),
            Err(NoJob::Ignored(ignored)) => self.ignored.push(ignored),
            Err(NoJob::Unreadable(fault)) => self.unreadable.push(fault.into()),
        }
    }
}

/// One envelope as text; `depth` counts from 1.
fn walk_text(text: &str, depth: usize, context: &Context<'_>, plan: &mut Plan) {
    match parsed(text) {
        Ok(value) => walk_envelope(&value, text, depth, context, plan),
        Err(fault) => plan.add(Err(fault.into())),
    }
}

/// The text as JSON. `serde_json` bounds its own recursion and reports that as an error.
fn parsed(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|error| {
        // There is no other way to tell this error from broken syntax.
        if error.to_string().starts_with("recursion limit exceeded") {
            Fault::TooDeep
        } else {
            Fault::NotJson
        }
    })
}

fn walk_envelope(value: &Value, text: &str, depth: usize, context: &Context<'_>, plan: &mut Plan) {
    let fields = Fields(value);
    if let Some(records) = value.get("Records") {
        match records_of(records, text) {
            Ok(records) => {
                for record in records {
                    plan.add(s3::notification(Fields(record), context));
                }
            }
            Err(fault) => plan.add(Err(fault.into())),
        }
    } else if fields.text("/detail-type").is_some() {
        let job = eventbridge(fields, context);
        // What somebody did is told first: it must not wait until its object can be looked at.
        let upload = job.as_ref().ok().and_then(|job| match job {
            Job::Assess(activity) => cloudtrail::upload(activity, fields, context),
            Job::Inspect(_) | Job::Answer(_) => None,
        });
        plan.add(job);
        plan.jobs.extend(upload.map(Job::Inspect));
    } else if fields.text("/TopicArn").is_some() {
        match sns_message(fields) {
            Ok(_) if depth == MAX_ENVELOPES => plan.add(Err(Fault::TooDeep.into())),
            Ok(message) => walk_text(message, depth + 1, context, plan),
            Err(fault) => plan.add(Err(fault.into())),
        }
    } else if fields.text("/Event") == Some("s3:TestEvent") {
        plan.add(Err(Ignored::TestEvent.into()));
    } else if fields.text("/s3-warden") == Some("request") {
        plan.add(request::request(fields, context));
    } else {
        plan.add(Err(Fault::UnknownEnvelope.into()));
    }
}

/// The records of a notification.
fn records_of<'a>(records: &'a Value, text: &str) -> Result<&'a [Value], Fault> {
    /// Reading into this fails when the field stands twice, where a [`Value`] keeps the last.
    #[derive(Deserialize)]
    struct Once {
        #[serde(rename = "Records")]
        _records: IgnoredAny,
    }

    let records = records.as_array().ok_or_else(|| missing("/Records"))?;
    if records.is_empty() {
        return Err(Fault::NoRecords);
    }
    if records.len() > MAX_RECORDS {
        return Err(Fault::TooManyRecords(MAX_RECORDS));
    }
    if serde_json::from_str::<Once>(text).is_err() {
        return Err(Fault::DuplicateField);
    }
    Ok(records)
}

/// The message inside an SNS envelope.
fn sns_message(fields: Fields<'_>) -> Result<&str, Fault> {
    match fields.need("/Type")? {
        "Notification" => fields.need("/Message"),
        "SubscriptionConfirmation" => Err(Fault::SubscriptionAsked),
        "UnsubscribeConfirmation" => Err(Fault::SubscriptionEnded),
        _ => Err(Fault::UnknownEnvelope),
    }
}

/// An event on EventBridge, by its type: the source is the same for S3's own events and for
/// CloudTrail's reports of calls to S3.
fn eventbridge(event: Fields<'_>, context: &Context<'_>) -> Result<Job, NoJob> {
    use super::ActivityKind::{ApiCall, ConsoleSignIn, ServiceEvent};

    match event.need("/detail-type")? {
        "Object Created" => s3::object_created(event, context),
        "Object Deleted" => Err(Ignored::ObjectRemoved.into()),
        "Object Restore Initiated" | "Object Restore Completed" | "Object Restore Expired" => {
            Err(Ignored::ObjectRestored.into())
        }
        "Object Tags Added"
        | "Object Tags Deleted"
        | "Object ACL Updated"
        | "Object Annotation Created"
        | "Object Annotation Removed" => Err(Ignored::ObjectMarked.into()),
        "Object Storage Class Changed" | "Object Access Tier Changed" => {
            Err(Ignored::ObjectMoved.into())
        }
        "AWS API Call via CloudTrail" => cloudtrail::record(ApiCall, event, context),
        "AWS Console Sign In via CloudTrail" => cloudtrail::record(ConsoleSignIn, event, context),
        "AWS Service Event via CloudTrail" => cloudtrail::record(ServiceEvent, event, context),
        "GuardDuty Finding" => guardduty::finding(event, context),
        "GuardDuty Malware Protection Object Scan Result" => {
            guardduty::malware_scan(event, context)
        }
        _ => Err(Fault::UnknownEvent.into()),
    }
}
