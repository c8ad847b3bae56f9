//! What we work on, and what we do there.
//!
//! The calls are those of the adapters and of `deploy/iam/worker.json`. What stands here too much
//! would hide the theft of our credentials; what is missing here would cry theft at our own work.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::event::{Activity, BucketName, Key, OwnPlace};

/// Calls about a guarded bucket.
const OF_GUARDED_BUCKET: [&str; 9] = [
    "GetBucketAcl",
    "GetBucketPolicyStatus",
    "GetBucketPublicAccessBlock",
    "GetBucketRequestPayment",
    "GetBucketVersioning",
    "GetPublicAccessBlock",
    "HeadBucket",
    "ListObjects",
    "ListObjectsV2",
];

/// Calls about an object in a guarded bucket.
const OF_GUARDED_OBJECT: [&str; 6] = [
    "DeleteObject",
    "GetObject",
    "GetObjectAcl",
    "GetObjectTagging",
    "HeadObject",
    "PutObjectTagging",
];

/// Calls about an object among the records or in the quarantine. Of the records only those in
/// [`CLEARED`] are deleted; in the quarantine a copy that was judged, and all of it is ours there.
const OF_KEPT_OBJECT: [&str; 4] = ["DeleteObject", "GetObject", "HeadObject", "PutObject"];

/// Where among the records we delete: what is pending, and what probes and switches have left. These
/// are the folders of `CloseRecords` in `deploy/iam/worker.json`; findings are never deleted.
const CLEARED: [&str; 2] = ["pending/", "control/"];

/// Where people's decisions lie among the records. We read them; who writes one in our name wants
/// something spared that nobody has allowed.
const ALLOWED: &str = "allow/";

/// Lists of objects, which have to stay within our prefix.
const LISTS: [&str; 2] = ["ListObjects", "ListObjectsV2"];

/// Calls about a queue that we take messages from.
const OF_QUEUE: [&str; 7] = [
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ReceiveMessage",
];

/// Calls about a queue that we park messages in.
const OF_DEAD_LETTERS: [&str; 4] = [
    "GetQueueAttributes",
    "GetQueueUrl",
    "SendMessage",
    "SendMessageBatch",
];

/// Calls about our topic.
const OF_TOPIC: [&str; 3] = ["GetTopicAttributes", "Publish", "PublishBatch"];

/// Calls about a model.
const OF_MODEL: [&str; 2] = ["Converse", "InvokeModel"];

/// Calls that AWS makes to a key for us when we use something that it encrypts.
const OF_KEY: [&str; 2] = ["Decrypt", "GenerateDataKey"];

/// Calls that the agent of Amazon ECS makes with our role when a task asks to be protected.
const OF_TASK: [&str; 2] = ["GetTaskProtection", "UpdateTaskProtection"];

/// What the settings say that we work on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnScope {
    /// The guarded buckets.
    pub buckets: BTreeSet<BucketName>,
    /// Where records lie.
    pub records: Option<OwnPlace>,
    /// Where quarantined objects go.
    pub quarantine: Option<OwnPlace>,
    /// The queues that we take messages from, by URL, ARN or name.
    pub queues: BTreeSet<String>,
    /// The queues that we park messages in, by URL, ARN or name.
    pub dead_letters: BTreeSet<String>,
    /// The topic that we publish to, by ARN.
    pub topic: Option<String>,
    /// The models that we ask, by id, inference profile or ARN.
    pub models: BTreeSet<String>,
    /// The event bus that we put alerts to, by name or ARN.
    pub event_bus: Option<String>,
    /// Whether we import findings into Security Hub.
    pub security_hub: bool,
    /// What the ARNs of the fleet's tasks on Amazon ECS begin with, where they ask to be protected:
    /// those of its cluster, `arn:aws:ecs:eu-west-1:111122223333:task/cluster/`.
    pub tasks: Option<String>,
}

/// What a call is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// We make such calls, about this.
    Own,
    /// We never do this, or never to this.
    Foreign,
    /// We make such calls; the record does not say about what.
    Untold,
}

impl From<bool> for Use {
    fn from(own: bool) -> Self {
        if own { Self::Own } else { Self::Foreign }
    }
}

impl OwnScope {
    /// What a call is to us, by the service, its action and what it is about.
    pub(super) fn use_of(&self, call: &Activity) -> Use {
        let name = call.name.as_str();
        let service = call.source.strip_suffix(".amazonaws.com");
        let service = service.or_else(|| call.source.strip_suffix(".amazonaws.com.cn"));
        match service {
            Some("s3") => self.s3(call),
            Some("sqs") => self.sqs(call),
            Some("sns") if OF_TOPIC.contains(&name) => {
                told(text(call, "topicArn"), |arn| self.is_topic(arn))
            }
            Some("bedrock") if OF_MODEL.contains(&name) => told(text(call, "modelId"), |id| {
                self.models.iter().any(|ours| same_model(ours, id))
            }),
            Some("sts") => Use::from(name == "GetCallerIdentity"),
            Some("kms") if OF_KEY.contains(&name) => self.kms(call),
            Some("events") if name == "PutEvents" => self.put_events(call),
            Some("ecs") if OF_TASK.contains(&name) => self.protect_tasks(call),
            Some("securityhub") => Use::from(name == "BatchImportFindings" && self.security_hub),
            _ => Use::Foreign,
        }
    }

    fn s3(&self, call: &Activity) -> Use {
        let name = call.name.as_str();
        let known = [
            OF_GUARDED_BUCKET.as_slice(),
            &OF_GUARDED_OBJECT,
            &OF_KEPT_OBJECT,
            &["CopyObject"],
        ];
        if !known.iter().any(|names| names.contains(&name)) {
            return Use::Foreign;
        }
        let Some(bucket) = &call.bucket else {
            return Use::Untold;
        };
        if self.buckets.contains(bucket) {
            return Use::from(
                OF_GUARDED_BUCKET.contains(&name) || OF_GUARDED_OBJECT.contains(&name),
            );
        }
        // Records and quarantine may share a bucket: each of our places there counts.
        let places = [&self.records, &self.quarantine].into_iter().flatten();
        let mut here = places.filter(|place| place.bucket == *bucket).peekable();
        if here.peek().is_none() {
            return Use::Foreign;
        }
        if name == "HeadBucket" {
            return Use::Own;
        }
        if LISTS.contains(&name) {
            // Without a prefix in the request, the whole bucket is listed.
            let prefix = text(call, "prefix").unwrap_or_default();
            return Use::from(here.any(|place| prefix.starts_with(&place.prefix)));
        }
        let Some(key) = &call.key else {
            return Use::Untold;
        };
        if name == "CopyObject" {
            let quarantine = self.quarantine.as_ref();
            return match quarantine.is_some_and(|place| place.covers(bucket, key)) {
                true => told(text(call, "x-amz-copy-source"), |source| {
                    self.is_guarded(source)
                }),
                false => Use::Foreign,
            };
        }
        if name == "DeleteObject" {
            return Use::from(self.clears(bucket, key));
        }
        if name == "PutObject" && self.is_record_below(bucket, key, &[ALLOWED]) {
            return Use::Foreign;
        }
        Use::from(OF_KEPT_OBJECT.contains(&name) && here.any(|place| place.covers(bucket, key)))
    }

    /// Whether it is a record in one of these folders.
    fn is_record_below(&self, bucket: &BucketName, key: &Key, folders: &[&str]) -> bool {
        self.records.as_ref().is_some_and(|place| {
            let below = key.as_str().strip_prefix(place.prefix.as_str());
            place.covers(bucket, key)
                && below.is_some_and(|key| folders.iter().any(|folder| key.starts_with(folder)))
        })
    }

    /// Whether we delete a kept object: all that is in the quarantine, and some of the records.
    fn clears(&self, bucket: &BucketName, key: &Key) -> bool {
        let quarantined = self.quarantine.as_ref();
        let record = self.is_record_below(bucket, key, &CLEARED);
        record || quarantined.is_some_and(|place| place.covers(bucket, key))
    }

    /// Whether the source of a copy, `bucket/key`, lies in a guarded bucket.
    fn is_guarded(&self, source: &str) -> bool {
        let source = source.strip_prefix('/').unwrap_or(source);
        let bucket = source.split_once('/').map(|(bucket, _key)| bucket);
        bucket.is_some_and(|bucket| self.has_bucket(bucket))
    }

    fn has_bucket(&self, name: &str) -> bool {
        self.buckets.iter().any(|bucket| bucket.as_str() == name)
    }

    fn sqs(&self, call: &Activity) -> Use {
        let name = call.name.as_str();
        let queue = text(call, "queueUrl").or_else(|| text(call, "queueName"));
        let (takes, parks) = (OF_QUEUE.contains(&name), OF_DEAD_LETTERS.contains(&name));
        if !takes && !parks {
            return Use::Foreign;
        }
        told(queue, |queue| {
            let listed = |ours: &BTreeSet<String>| ours.iter().any(|our| same_queue(our, queue));
            (takes && listed(&self.queues)) || (parks && listed(&self.dead_letters))
        })
    }

    /// A key is used for something; what for, its encryption context says ("Encryption context",
    /// AWS KMS Developer Guide).
    fn kms(&self, call: &Activity) -> Use {
        let context = |name: &str| {
            let context = parameters(call)?.get("encryptionContext")?;
            context.get(name)?.as_str()
        };
        if let Some(arn) = context("aws:s3:arn") {
            let path = arn.splitn(6, ':').nth(5).unwrap_or_default();
            let bucket = path.split('/').next().unwrap_or_default();
            let places = [&self.records, &self.quarantine].into_iter().flatten();
            let kept = places
                .into_iter()
                .any(|place| place.bucket.as_str() == bucket);
            return Use::from(self.has_bucket(bucket) || kept);
        }
        if let Some(queue) = context("aws:sqs:arn") {
            let mut ours = self.queues.iter().chain(&self.dead_letters);
            return Use::from(ours.any(|our| same_queue(our, queue)));
        }
        told(context("aws:sns:topicArn"), |arn| self.is_topic(arn))
    }

    fn is_topic(&self, arn: &str) -> bool {
        self.topic.as_deref() == Some(arn)
    }

    /// The agent names one task, its own, by ARN ("`UpdateTaskProtection`", Amazon ECS API reference).
    /// Who protects several at once, or by short ids, is not the agent.
    fn protect_tasks(&self, call: &Activity) -> Use {
        let Some(ours) = &self.tasks else {
            return Use::Foreign;
        };
        told(text(call, "tasks"), |task| {
            let id = task.strip_prefix(ours.as_str());
            id.is_some_and(|id| !id.is_empty())
        })
    }

    fn put_events(&self, call: &Activity) -> Use {
        let Some(ours) = &self.event_bus else {
            return Use::Foreign;
        };
        let entries = parameters(call).and_then(|given| given.get("entries")?.as_array());
        let Some(entries) = entries.filter(|entries| !entries.is_empty()) else {
            return Use::Untold;
        };
        let buses = entries.iter().map(|entry| {
            let bus = entry.get("eventBusName").and_then(Value::as_str);
            bus.unwrap_or("default")
        });
        let mut buses = buses.map(|bus| same_end(ours, bus, '/'));
        Use::from(buses.all(|same| same))
    }
}

/// What is said of something that the record may leave out.
fn told(named: Option<&str>, is_ours: impl FnOnce(&str) -> bool) -> Use {
    named.map_or(Use::Untold, |name| Use::from(is_ours(name)))
}

fn parameters(call: &Activity) -> Option<&Value> {
    call.detail.value().get("requestParameters")
}

/// A parameter, which CloudTrail may write as a list of one.
fn text<'a>(call: &'a Activity, name: &str) -> Option<&'a str> {
    let text = match parameters(call)?.get(name)? {
        Value::Array(entries) => match entries.as_slice() {
            [only] => only.as_str()?,
            _ => return None,
        },
        value => value.as_str()?,
    };
    (!text.is_empty()).then_some(text)
}

/// Whether two names of queues (URL, ARN or name alone) mean one: the accounts must not differ
/// where both are told.
fn same_queue(one: &str, other: &str) -> bool {
    let (one, other) = (queue_name(one), queue_name(other));
    one.1 == other.1 && (one.0.is_none() || other.0.is_none() || one.0 == other.0)
}

/// The account, where it is told, and the name of a queue.
fn queue_name(queue: &str) -> (Option<&str>, &str) {
    let between = if queue.starts_with("arn:") { ':' } else { '/' };
    let mut parts = queue.rsplit(between);
    let name = parts.next().unwrap_or(queue);
    let account = parts.next();
    let is_account = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (account.filter(is_account), name)
}

/// Whether two ids mean one model. An inference profile is called by its id or its ARN, and logged as
/// the one or the other; the settings and the record may each leave out its geography.
fn same_model(ours: &str, called: &str) -> bool {
    let name = |id: &str| id.rsplit('/').next().unwrap_or_default().to_owned();
    let (ours, called) = (name(ours), name(called));
    let is_base = |base: &str, of: &str| {
        let geography = of.strip_suffix(base);
        geography.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !ours.is_empty() && !called.is_empty() && (is_base(&ours, &called) || is_base(&called, &ours))
}

/// Whether the last parts of two names or ARNs are the same.
fn same_end(one: &str, other: &str, between: char) -> bool {
    one.rsplit(between).next() == other.rsplit(between).next()
}
