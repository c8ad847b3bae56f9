//! One alert as data: the JSON that programs read.
//!
//! The seven fields of the workflow that this product replaces are there under their names, so
//! that existing subscribers go on working.

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::{Action, Mode, Outcome};
use crate::verdict::{Category, Confidence, Threat};

/// The version of the alert's form. Fields may be added under the same number; a change that breaks
/// a reader counts it up.
pub const ALERT_SCHEMA_VERSION: u32 = 1;

/// More ids are not carried along: an alert stays a message, and `count` says how many there are.
pub const MAX_FINDING_IDS: usize = 100;

/// What an alert is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Personal data was found, and dealt with as `action` and `outcome` say.
    Flagged,
    /// Personal data was found, and the store would not let it be removed.
    Blocked,
    /// Personal data was found, and the breaker held the removal.
    Held,
    /// Looked at, no answer.
    Undecided,
    /// Named an image, and could not be looked at.
    Unreadable,
    /// The service has stopped taking work until somebody acts.
    Paused,
}

impl AlertKind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::Blocked => "blocked",
            Self::Held => "held",
            Self::Undecided => "undecided",
            Self::Unreadable => "unreadable",
            Self::Paused => "paused",
        }
    }
}

/// How many of the findings covered ended in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeCount {
    /// The way.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
}

/// One alert. Merged alerts cover several findings of one kind and bucket: the fields about an
/// object then speak of the first, `threat_level` is the highest and `count` the number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Version of this schema.
    pub schema_version: u32,
    /// What it is about.
    pub kind: AlertKind,
    /// One line: what happened, without the key.
    pub event_title: String,
    /// What happened, in a sentence or two built by code.
    pub summarize: String,
    /// How bad.
    pub threat_level: Threat,
    /// The bucket.
    pub s3_bucket: Option<String>,
    /// The key, characters that cannot be seen written as `\u{..}`; or its masked form where keys
    /// are masked.
    pub s3_key: Option<String>,
    /// Whether an image was uploaded.
    pub is_image_upload: bool,
    /// The media type by the object's first bytes.
    pub media_type: Option<String>,
    /// The verdict's word.
    pub verdict: Option<String>,
    /// Which kinds of personal data, over all findings covered.
    pub categories: BTreeSet<Category>,
    /// How sure; over all findings covered, the surest.
    pub confidence: Option<Confidence>,
    /// A stable code of why there is no verdict, or why the service paused.
    pub reason: Option<String>,
    /// What the policy asks for.
    pub action: Option<Action>,
    /// The mode at the time.
    pub mode: Option<Mode>,
    /// How it ended: the outcome's code.
    pub outcome: Option<String>,
    /// How all findings covered ended.
    pub outcomes: Vec<OutcomeCount>,
    /// What a person should do next.
    pub next_step: String,
    /// The first finding covered.
    pub finding_id: Option<String>,
    /// The findings covered, at most the first 100.
    pub finding_ids: Vec<String>,
    /// How many.
    pub count: u64,
    /// Who uploaded it, as the event tells.
    pub uploader: Option<String>,
    /// From which address.
    pub uploader_ip: Option<String>,
    /// When the object arrived; over all findings covered, the earliest.
    pub happened_at: Option<Timestamp>,
    /// What judging cost, in US dollars.
    pub cost_usd: f64,
}
