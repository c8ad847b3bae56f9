//! What people see of a dead letter: everything but its text.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Parked;
use crate::event::{Ask, Body, BucketName, Delivery, Job, Key, MessageId, Options, Plan, plan};

/// Stands for the reason where the worker gave none.
pub const MOVED_BY_SQS: &str = "moved_by_sqs";

/// A dead letter without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The message, as the dead-letter queue knows it.
    pub id: MessageId,
    /// The id that it had before it was parked, where that is known.
    pub original_id: Option<String>,
    /// The code of the reason, or [`MOVED_BY_SQS`].
    pub reason: String,
    /// The sentence about it.
    pub error: Option<String>,
    /// When the message was first sent.
    pub since: Timestamp,
    /// The name of the dead-letter queue.
    pub queue: String,
    /// The ARN of the queue that it came from.
    pub source_queue: Option<String>,
    /// How often it was sent back before, as far as is known.
    pub redriven: u32,
    /// How often it was received here.
    pub receive_count: u32,
    /// What it is about.
    pub about: About,
}

/// What a message is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Its text says nothing that we understand.
    Unreadable,
    /// Its text was too big for the queue, and does not lie any more where it was put.
    Gone,
    /// Its text was too big for the queue, and could not be fetched from where it was put.
    Unknown {
        /// Why not, as a sentence.
        why: String,
    },
    /// It was understood, and asks for nothing.
    Nothing,
    /// The first thing that it names, and how many more it names.
    Named {
        /// The first.
        first: Named,
        /// The others.
        more: usize,
    },
}

/// One thing that a message names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// An object.
    Object {
        /// Its bucket.
        bucket: BucketName,
        /// Its key.
        key: Key,
    },
    /// Something that happened in the account.
    Event {
        /// What: the API's name, the finding's type.
        name: String,
        /// The bucket, where one is named.
        bucket: Option<BucketName>,
    },
}

impl Letter {
    /// A message on a queue of this name, with what its plan says.
    pub(super) fn new(parked: &Parked, queue: &str, about: About) -> Self {
        Self {
            id: parked.id.clone(),
            original_id: parked.original_id.clone(),
            reason: parked.reason().to_owned(),
            error: parked.error.clone(),
            since: parked.since(),
            queue: queue.to_owned(),
            source_queue: parked.source_queue.clone(),
            redriven: parked.redriven,
            receive_count: parked.receive_count,
            about,
        }
    }
}

impl Parked {
    /// The code of its reason, or [`MOVED_BY_SQS`].
    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or(MOVED_BY_SQS)
    }

    /// When the message was first sent.
    pub fn since(&self) -> Timestamp {
        self.first_seen.unwrap_or(self.sent_at)
    }

    /// What the worker would make of a text that this message carries.
    pub(super) fn plan(&self, body: &Body, options: &Options) -> Plan {
        let delivery = Delivery {
            id: self.id.clone(),
            receipt: self.receipt.clone(),
            body: body.clone(),
            receive_count: 1,
            sent_at: self.sent_at,
            redriven: self.redriven,
        };
        plan(&delivery, options)
    }
}

impl About {
    /// What a plan is about.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut jobs = plan.jobs.iter();
        let Some(first) = jobs.next() else {
            return if plan.unreadable.is_empty() {
                Self::Nothing
            } else {
                Self::Unreadable
            };
        };
        let more = jobs.len() + plan.ignored.len() + plan.unreadable.len();
        Self::Named {
            first: Named::of(first),
            more,
        }
    }
}

impl Named {
    fn of(job: &Job) -> Self {
        let target = match job {
            Job::Inspect(upload) => &upload.target,
            Job::Answer(request) => match &request.ask {
                Ask::Inspect(target) => target,
            },
            Job::Assess(activity) => {
                return Self::Event {
                    name: activity.name.clone(),
                    bucket: activity.bucket.clone(),
                };
            }
        };
        Self::Object {
            bucket: target.bucket.clone(),
            key: target.key.clone(),
        }
    }
}

/// Which dead letters are meant; nothing in it means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// With one of these ids, here or where they came from.
    pub ids: BTreeSet<String>,
    /// For one of these reasons.
    pub reasons: BTreeSet<String>,
    /// First sent at least so long ago.
    pub older_than: Option<SignedDuration>,
}

impl Wanted {
    /// Whether a message is meant, at this time.
    pub fn takes(&self, parked: &Parked, now: Timestamp) -> bool {
        let by_id = self.ids.is_empty() || self.id_of(parked).is_some();
        let by_reason = self.reasons.is_empty() || self.reasons.contains(parked.reason());
        let age = now.duration_since(parked.since());
        by_id && by_reason && self.older_than.is_none_or(|least| age >= least)
    }

    /// The id by which a message was asked for.
    pub(super) fn id_of(&self, parked: &Parked) -> Option<&str> {
        let here = self.ids.get(&parked.id.0);
        let before = || self.ids.get(parked.original_id.as_ref()?);
        here.or_else(before).map(String::as_str)
    }
}
