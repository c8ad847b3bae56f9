//! Why a record could not be understood: a closed set, one sentence each.
//!
//! The sentences carry names of fields and nothing of the message, because reasons are logged and
//! stored beside the parked message. Each says what to look at.

use super::Ignored;
use crate::retry::Reason;

/// Why a record is unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("the message is not JSON; look for what else writes to the queue")]
    NotJson,
    #[error("the message is nested too deeply; look for what else writes to the queue")]
    TooDeep,
    #[error(
        "neither an S3, SNS, EventBridge nor request message; look for what else writes to the queue"
    )]
    UnknownEnvelope,
    #[error(
        "an event of an unknown type; narrow the rule or the notification, or update s3-warden"
    )]
    UnknownEvent,
    #[error("`Records` is empty; look for what writes such messages")]
    NoRecords,
    #[error("more than {0} records in one message; split it")]
    TooManyRecords(usize),
    #[error("`Records` stands twice in one message; look for what writes such messages")]
    DuplicateField,
    #[error("unsupported major version in `{0}`; update s3-warden, then redrive")]
    UnsupportedVersion(&'static str),
    #[error("`{0}` is missing, empty or of another type; look for what rewrites the message")]
    MissingField(&'static str),
    #[error("the key is not valid form encoding of UTF-8; look for what rewrites the message")]
    BadKeyEncoding,
    #[error("the key is empty; look for what rewrites the message")]
    EmptyKey,
    #[error("the key is longer than 1024 bytes, which S3 does not allow")]
    LongKey,
    #[error(
        "an SNS topic asks for its subscription to be confirmed; confirm it, then delete this message by hand"
    )]
    SubscriptionAsked,
    #[error("an SNS subscription of this queue was ended; subscribe again if that was not meant")]
    SubscriptionEnded,
    #[error("an on-demand request, which nothing answers; look for who sends it")]
    RequestsDisabled,
    #[error("a request of an unknown kind; `inspect` is the only one")]
    UnknownRequest,
}

impl Fault {
    /// A stable code: a label from a closed set.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::UnknownEnvelope => "unknown_envelope",
            Self::UnknownEvent => "unknown_event",
            Self::NoRecords => "no_records",
            Self::TooManyRecords(_) => "too_many_records",
            Self::DuplicateField => "duplicate_field",
            Self::UnsupportedVersion(_) => "unsupported_version",
            Self::MissingField(_) => "missing_field",
            Self::BadKeyEncoding => "bad_key_encoding",
            Self::EmptyKey | Self::LongKey => "bad_key",
            Self::SubscriptionAsked | Self::SubscriptionEnded => "subscription_notice",
            Self::RequestsDisabled => "requests_disabled",
            Self::UnknownRequest => "unknown_request",
        }
    }
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        Self::new(fault.code(), fault.to_string())
    }
}

/// Why a record makes no job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoJob {
    /// It was understood, and asks for nothing.
    Ignored(Ignored),
    /// It was not understood.
    Unreadable(Fault),
}

impl From<Ignored> for NoJob {
    fn from(ignored: Ignored) -> Self {
        Self::Ignored(ignored)
    }
}

impl From<Fault> for NoJob {
    fn from(fault: Fault) -> Self {
        Self::Unreadable(fault)
    }
}
