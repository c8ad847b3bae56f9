//! What a message asks for, as typed values.
//!
//! Everything here was read from a message that somebody else wrote, and much of it can name a
//! person: who uploaded, from where, who did what. `Debug` therefore tells that such a field is
//! there and not what it says; what people must read goes into findings and alerts by its own way.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{BucketName, Identity, Key, Target};

/// One piece of work. A message may ask for several.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// Look at an object that has landed.
    Inspect(Upload),
    /// Judge something that somebody did in the account.
    Assess(Activity),
    /// Do what a person or a program asked for.
    Answer(Request),
}

impl Job {
    /// What makes this piece of work itself: the same for every message about it.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Inspect(upload) => &upload.identity,
            Self::Assess(activity) => &activity.identity,
            Self::Answer(request) => &request.identity,
        }
    }

    /// When it happened, by the event's own account. Where the event gives no readable time, this
    /// is when the message was sent: a redelivery has the same.
    pub fn happened_at(&self) -> Timestamp {
        match self {
            Self::Inspect(upload) => upload.happened_at,
            Self::Assess(activity) => activity.happened_at,
            Self::Answer(request) => request.happened_at,
        }
    }
}

/// Which envelope named an object. It decides how the key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// A record of an S3 event notification: the key is form-encoded.
    S3Notification,
    /// An S3 event on EventBridge: the key is verbatim.
    EventBridge,
    /// A CloudTrail record: the key is verbatim.
    CloudTrail,
    /// A GuardDuty finding or scan result: the key is verbatim.
    GuardDuty,
    /// An on-demand request: the key is verbatim.
    Request,
}

/// An object that has landed in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Which object, and which state of it.
    pub target: Target,
    /// What makes this write itself.
    pub identity: Identity,
    /// When it was written; see [`Job::happened_at`].
    pub happened_at: Timestamp,
    /// Its size in bytes, when the event told a usable one. A hint: the read decides.
    pub size: Option<u64>,
    /// The bucket's region, when told.
    pub region: Option<String>,
    /// Who wrote it.
    pub uploader: Uploader,
    /// The envelope that named it.
    pub via: Envelope,
}

/// Who wrote an object, as far as the event says.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Uploader {
    /// The principal's id (S3 notification), or the account or service (EventBridge).
    pub principal: Option<String>,
    /// The address that the request came from.
    pub ip: Option<String>,
}

impl fmt::Debug for Uploader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploader")
            .field("principal", &Hidden(self.principal.as_ref()))
            .field("ip", &Hidden(self.ip.as_ref()))
            .finish()
    }
}

/// What kind of activity was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// A call to an AWS API (CloudTrail).
    ApiCall,
    /// Somebody signed in to the console, or tried to (CloudTrail).
    ConsoleSignIn,
    /// Something that a service did by itself (CloudTrail).
    ServiceEvent,
    /// A GuardDuty finding.
    Finding,
    /// The result of a GuardDuty malware scan of an object.
    MalwareScan,
}

/// Something that somebody did, or that a watching service found.
#[derive(Clone, PartialEq)]
pub struct Activity {
    /// What makes it itself.
    pub identity: Identity,
    /// When it happened; see [`Job::happened_at`].
    pub happened_at: Timestamp,
    /// What kind it is.
    pub kind: ActivityKind,
    /// Who reports: the called service (`s3.amazonaws.com`), or `aws.guardduty`.
    pub source: String,
    /// What happened: the API's name, the finding's type, the scan's result.
    pub name: String,
    /// The account it happened in.
    pub account: Option<String>,
    /// The region it happened in.
    pub region: Option<String>,
    /// Who did it: an ARN where there is one, else the best name that the event has.
    pub actor: Option<String>,
    /// The address that it came from.
    pub ip: Option<String>,
    /// Why the call failed, as CloudTrail puts it; `None` when it succeeded.
    pub error: Option<String>,
    /// GuardDuty's severity, 1.0 to 10.0 and not whole ("Severity levels of GuardDuty findings",
    /// Amazon GuardDuty User Guide).
    pub severity: Option<f64>,
    /// The bucket, when one is named.
    pub bucket: Option<BucketName>,
    /// The object's key, when one is named and usable.
    pub key: Option<Key>,
    /// The whole record.
    pub detail: Detail,
}

impl fmt::Debug for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activity")
            .field("identity", &self.identity)
            .field("happened_at", &self.happened_at)
            .field("kind", &self.kind)
            .field("source", &self.source)
            .field("name", &self.name)
            .field("account", &self.account)
            .field("region", &self.region)
            .field("actor", &Hidden(self.actor.as_ref()))
            .field("ip", &Hidden(self.ip.as_ref()))
            .field("error", &self.error)
            .field("severity", &self.severity)
            .field("bucket", &self.bucket)
            .field("key", &self.key)
            .field("detail", &self.detail)
            .finish()
    }
}

/// What a person or a program asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What makes it itself: the message.
    pub identity: Identity,
    /// When it was sent.
    pub happened_at: Timestamp,
    /// What is asked.
    pub ask: Ask,
}

/// The closed set of things that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Look at this object now.
    Inspect(Target),
}

/// A record as it was reported, for those who must read more of it than its typed fields. Its
/// `Debug` tells nothing of what it says.
///
/// ```
/// use s3_warden::event::Detail;
///
/// let detail = Detail::new(serde_json::json!({"userName": "jane.doe"}));
/// assert_eq!(format!("{detail:?}"), "Detail(1 fields)");
/// assert_eq!(detail.value()["userName"], "jane.doe");
/// ```
#[derive(Clone, PartialEq)]
pub struct Detail(Value);

impl Detail {
    /// Wraps a record.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The record. Not for logs.
    pub fn value(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.0.as_object().map_or(0, serde_json::Map::len);
        write!(f, "Detail({fields} fields)")
    }
}

/// Shows whether a text is there, and nothing of it.
struct Hidden<'a>(Option<&'a String>);

impl fmt::Debug for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "***" } else { "None" })
    }
}
