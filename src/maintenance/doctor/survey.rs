//! The port to whatever can be asked about: one method for each question, plain facts for answers.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::event::{BucketName, OwnPlace, Redrive};
use crate::record::Positions;

/// An answer, or why there is none.
pub type Answer<T> = Result<T, SurveyError>;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurveyError {
    /// We may not ask. `call` is the action as IAM names it.
    #[error("{call} is denied")]
    Denied {
        /// The action.
        call: String,
    },
    /// What was asked about is not there.
    #[error("not there: {what}")]
    Missing {
        /// What was answered instead.
        what: String,
    },
    /// No answer, or not in time.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// Asked too often.
    #[error("throttled: {0}")]
    Throttled(String),
    /// The service, or what stands in its place, has trouble of its own.
    #[error("it fails: {0}")]
    Failing(String),
    /// The credentials are missing, wrong or expired.
    #[error("credentials: {0}")]
    Credentials(String),
    /// What answers there has no such call.
    #[error("{call} is not known there")]
    Unknown {
        /// The action.
        call: String,
        /// The variable by which it is asked somewhere else.
        variable: &'static str,
    },
    /// An answer that means nothing to us.
    #[error("{0}")]
    Odd(String),
    /// This program was built without what asks.
    #[error("built without the feature control-plane")]
    NotBuilt,
}

/// Whose credentials we have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The account.
    pub account: String,
    /// The ARN.
    pub arn: String,
}

/// How far this clock is from that of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// By how much this clock is ahead; negative where it is behind.
    pub ahead: SignedDuration,
    /// How far that can be wrong: half of the time that the answer took.
    pub unsure: SignedDuration,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Its ARN.
    pub arn: String,
    /// Whether it is a FIFO queue.
    pub fifo: bool,
    /// How long it hides what was received without a word about it, in seconds.
    pub visibility_seconds: u64,
    /// How long it keeps messages, in seconds.
    pub retention_seconds: u64,
    /// Messages that wait.
    pub waiting: u64,
    /// How long it holds each message back at first, in seconds.
    pub delay_seconds: u64,
    /// Where it gives messages up to.
    pub redrive: Option<Redrive>,
    /// The KMS key, where it has one.
    pub key: Option<String>,
    /// Its policy as written.
    pub policy: Option<String>,
}

/// A dead-letter queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// Its ARN.
    pub arn: String,
    /// Its URL.
    pub url: String,
    /// How long it keeps messages, in seconds.
    pub retention_seconds: u64,
    /// Messages in it.
    pub messages: u64,
}

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// It never has.
    Never,
    /// It no longer does.
    Suspended,
    /// It does.
    Enabled,
}

/// Where a notification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// To a queue.
    Queue,
    /// To a topic.
    Topic,
    /// To a function.
    Function,
}

/// One entry of a bucket's notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// To what.
    pub kind: RouteKind,
    /// To which one.
    pub arn: String,
    /// Of which events, such as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// Only of keys that begin so; empty: of all.
    pub prefix: String,
    /// Only of keys that end so; empty: of all.
    pub suffix: String,
}

/// Whom a bucket tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Queues, topics and functions.
    pub routes: Vec<Route>,
    /// Whether EventBridge is told everything.
    pub event_bridge: bool,
}

/// How reading one object went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// There is none that could be tried.
    Nothing,
    /// Those that were tried were not there any more.
    Gone,
    /// It was read; `by_version`: by the id of its version too.
    Done {
        /// Whether a version was read by its id.
        by_version: bool,
    },
    /// The object may be read and its KMS key may not be used.
    KeyDenied,
    /// None of those that were tried may be read, and none of them has been judged: the bucket's
    /// policy may be what keeps us out.
    NotJudged,
}

/// Whether a bucket is closed to the public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Public {
    /// All four switches of Block Public Access of the bucket are on.
    pub blocked: bool,
    /// Its policy makes it public.
    pub by_policy: bool,
}

/// How a bucket encrypts what says nothing about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Not at all.
    Off,
    /// With a key of S3's.
    S3,
    /// With the KMS key that AWS manages for S3.
    AwsKey,
    /// With a KMS key of somebody's own.
    OwnKey,
}

/// What was tried with an object of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried<T> {
    /// How it went.
    pub answer: Answer<T>,
    /// The object, where it could not be removed, or may come to lie there late.
    pub stays: Option<String>,
}

/// How writing an object of ours went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was written.
    Done {
        /// Whether the bucket gave it a version.
        versioned: bool,
    },
    /// The bucket lets us write, and its KMS key cannot be used.
    KeyDenied,
}

/// A rule of a bucket's lifecycle, in force, by which something ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    /// Only of keys that begin so; empty: of all.
    pub prefix: String,
    /// Only what has a tag or a size.
    pub some: bool,
    /// Objects end by their age or on a day.
    pub current: bool,
    /// Versions that were replaced or removed end, all of them.
    pub noncurrent: bool,
}

/// Which conditions the records' bucket honours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// `If-None-Match: *` keeps a second write out.
    pub none_match: bool,
    /// `If-Match` keeps a write over something else out.
    pub matches: bool,
}

/// Findings that are not at their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// How many, of the first thousand.
    pub count: usize,
    /// Whether there are more.
    pub more: bool,
    /// How many of them are older than ten minutes.
    pub old: usize,
}

/// A topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topic {
    /// The KMS key, where it has one.
    pub key: Option<String>,
}

/// A subscription; whose it is, is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Such as `email` or `sqs`.
    pub protocol: String,
    /// Whether it is confirmed.
    pub confirmed: bool,
    /// The queue, where it is one: queues are nobody's address.
    pub queue_arn: Option<String>,
}

/// An inference profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Whether it can be used.
    pub active: bool,
    /// The regions that it sends to.
    pub regions: Vec<String>,
}

/// What an account keeps of what models are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invocations {
    /// Texts.
    pub text: bool,
    /// Pictures.
    pub images: bool,
}

/// A quota of the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Quota {
    /// Its name, for people.
    pub name: String,
    /// How much.
    pub value: f64,
}

/// A rule of EventBridge that sends to a queue of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRule {
    /// Its name.
    pub name: String,
    /// Whether it is on.
    pub enabled: bool,
    /// The JSON of its pattern; a rule on a schedule has none.
    pub pattern: Option<String>,
}

/// How trying the model went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    /// Nobody wanted it tried.
    NotAsked,
    /// This one answers; those before it cannot be used, each with why.
    Answered {
        /// The model.
        model: String,
        /// The models before it.
        unusable: Vec<(String, String)>,
        /// Why it gave no verdict about a picture with nothing on it, where it gave none.
        undecided: Option<&'static str>,
    },
    /// None does.
    Failed {
        /// By whose fault.
        fault: TrialFault,
        /// What was said.
        why: String,
    },
}

/// By whose fault no model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialFault {
    /// Ours or the account's: a right, an agreement, a name.
    Unusable,
    /// The credentials are no good.
    Credentials,
    /// The quota's: too often.
    Throttled,
    /// The service's, or the way's to it.
    Silent,
    /// The budget's.
    Spent,
}

/// The questions.
///
/// # Contract
/// - Nothing is changed. Two questions write an object of our own and remove it again:
///   [`Survey::conditions`] and [`Survey::write_one`]. These must not be dropped: they end by
///   themselves, soon after somebody wants to stop, and name what stays.
/// - Each may be asked alone and repeated; all others may be dropped at any moment.
/// - Facts name no key of an object that is not ours, no address of a person and no text of a message.
#[async_trait]
pub trait Survey: Send + Sync + std::fmt::Debug {
    /// Whose credentials we have.
    async fn asker(&self) -> Answer<Asker>;
    /// How far this clock is from that of AWS.
    async fn skew(&self) -> Answer<Skew>;
    /// The queue at a URL.
    async fn queue(&self, url: &str) -> Answer<Queue>;
    /// The dead-letter queue with this ARN; without one, that at the URL.
    async fn dead_letters(&self, arn: Option<&str>, url: Option<&str>) -> Answer<DeadLetters>;
    /// Whether a bucket is there; its region, where it is told.
    async fn bucket(&self, bucket: &BucketName) -> Answer<Option<String>>;
    /// Whether a bucket keeps versions.
    async fn versions(&self, bucket: &BucketName) -> Answer<Versions>;
    /// Whom a bucket tells.
    async fn notifications(&self, bucket: &BucketName) -> Answer<Notifications>;
    /// Whether objects of a bucket can be locked; with the days of its default, where it has one.
    async fn object_lock(&self, bucket: &BucketName) -> Answer<Option<Option<u32>>>;
    /// Reads the first byte of some object that lies there; of a few, where the first may not be read.
    async fn read_one(&self, bucket: &BucketName) -> Answer<Read>;
    /// Whether a bucket is closed to the public.
    async fn public(&self, bucket: &BucketName) -> Answer<Public>;
    /// How a bucket encrypts.
    async fn encryption(&self, bucket: &BucketName) -> Answer<Encryption>;
    /// By which rules what lies in a bucket ends.
    async fn lifecycle(&self, bucket: &BucketName) -> Answer<Vec<Expiry>>;
    /// Writes a small object of our own at a place, and removes it again.
    async fn write_one(&self, place: &OwnPlace, stop: &CancellationToken) -> Tried<Written>;
    /// Tries which conditions the records' bucket honours.
    async fn conditions(&self, place: &OwnPlace, stop: &CancellationToken) -> Tried<Conditions>;
    /// Findings that are not at their end at `now`.
    async fn pending(&self, place: &OwnPlace, now: Timestamp) -> Answer<Pending>;
    /// How the switches stand.
    async fn switches(&self, place: &OwnPlace) -> Answer<Positions>;
    /// Whether a topic is there.
    async fn topic(&self, arn: &str) -> Answer<Topic>;
    /// Who has subscribed to a topic.
    async fn subscriptions(&self, arn: &str) -> Answer<Vec<Subscription>>;
    /// An inference profile, by id or ARN.
    async fn profile(&self, id: &str) -> Answer<Profile>;
    /// What the account keeps of what models are shown.
    async fn invocations(&self) -> Answer<Invocations>;
    /// The account's quotas for models.
    async fn quotas(&self) -> Answer<Vec<Quota>>;
    /// The rules of the default bus that send to a queue.
    async fn rules_to(&self, queue_arn: &str) -> Answer<Vec<DeliveryRule>>;
}
