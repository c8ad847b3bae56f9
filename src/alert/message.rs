//! One alert as data: the JSON that programs read.
//!
//! The seven fields of the workflow that this product replaces are there under their names, so
//! that existing subscribers go on working.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Digest, Language};
use crate::action::{Action, Mode, Outcome};
use crate::object::Exposure;
use crate::verdict::threat::Unassessed;
use crate::verdict::{Category, Confidence, Threat};

/// The version of the alert's form. Fields may be added under the same number; a change that breaks
/// a reader counts it up.
pub const ALERT_SCHEMA_VERSION: u32 = 1;

/// More ids are not carried along: an alert stays a message, `count` says how many there are and
/// `findings_query` where to find them.
pub const MAX_FINDING_IDS: usize = 1000;

/// More kinds of activities are not told apart in one alert; `count` covers them all the same.
pub const MAX_EVENTS: usize = 20;

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
    /// An activity in the account that is worth a look.
    Threat,
    /// Looked at, nothing found; only where `alerts.clean` asks for each.
    Clean,
    /// The deletion breaker has opened: removals are held until somebody resets it.
    BreakerOpen,
    /// The money of the day is spent: uploads wait.
    BudgetSpent,
    /// Alerts could not be sent for a while, and are sent again.
    Recovered,
    /// What happened in a while that nobody had to be told of at once.
    Digest,
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
            Self::Threat => "threat",
            Self::Clean => "clean",
            Self::BreakerOpen => "breaker_open",
            Self::BudgetSpent => "budget_spent",
            Self::Recovered => "recovered",
            Self::Digest => "digest",
        }
    }
}

/// Which work stands still while the service has paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// Uploads are not checked.
    Uploads,
    /// Security events are not looked at; uploads are checked.
    Events,
    /// Neither.
    Both,
}

impl Stopped {
    /// What stands still where this and the other stand still.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Both }
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

/// How many of the activities covered one rule has matched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventCount {
    /// The rule.
    pub rule: String,
    /// Its title, in the alert's language.
    pub title: String,
    /// Its title in English, printable ASCII.
    pub title_en: String,
    /// The highest level among them.
    pub threat_level: Threat,
    /// How many.
    pub count: u64,
}

/// Which findings an alert covers, where it is more than one: all of its kind that name this bucket
/// and happened in this time. They lie in the records under `findings/date=<date>/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingsQuery {
    /// The bucket; `null` where none is named.
    pub bucket: Option<String>,
    /// When the earliest of them happened.
    pub from: Timestamp,
    /// When the latest of them happened.
    pub until: Timestamp,
}

/// One alert.
///
/// Merged alerts cover several findings of one kind and bucket: the fields about one object then
/// speak of the first, those about one activity of the gravest; `threat_level` is the
/// highest and `count` the number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// Version of this schema.
    pub schema_version: u32,
    /// What it is about.
    pub kind: AlertKind,
    /// The language of its texts.
    pub language: Language,
    /// The subject of a mail about it: printable ASCII, English in every language, without the
    /// level before it.
    pub subject: String,
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
    /// Who can read the object, where that was asked; over all findings covered, the most.
    pub exposure: Option<Exposure>,
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
    /// The finding that the fields about one object or activity speak of.
    pub finding_id: Option<String>,
    /// The findings covered, at most 1000.
    pub finding_ids: Vec<String>,
    /// How many.
    pub count: u64,
    /// How to list all of them, where it is more than one.
    pub findings_query: Option<FindingsQuery>,
    /// Who uploaded it, as the event tells.
    pub uploader: Option<String>,
    /// From which address.
    pub uploader_ip: Option<String>,
    /// The findings covered name different uploaders: `uploader` is `null`.
    #[serde(default)]
    pub several_uploaders: bool,
    /// The findings covered name different addresses: `uploader_ip` is `null`.
    #[serde(default)]
    pub several_ips: bool,
    /// When it happened: the object arrived, the call was made, the service stopped; over all
    /// findings covered, the earliest.
    pub happened_at: Option<Timestamp>,
    /// Until when it lasts or has lasted, where it is about a state of the service.
    pub ends_at: Option<Timestamp>,
    /// Which work stands still, where the service has paused.
    #[serde(default)]
    pub stopped: Option<Stopped>,
    /// What judging cost, in US dollars.
    pub cost_usd: f64,
    /// What was done by whom, where it is about an activity.
    pub event: Option<EventFacts>,
    /// How many activities each rule has matched, the gravest first; at most 20 rules.
    pub events: Vec<EventCount>,
    /// What happened in a while, where it is a digest.
    pub digest: Option<Digest>,
}

impl Alert {
    /// An alert that says nothing yet.
    pub fn blank(kind: AlertKind, threat_level: Threat, language: Language) -> Self {
        Self {
            schema_version: ALERT_SCHEMA_VERSION,
            kind,
            language,
            subject: String::new(),
            event_title: String::new(),
            summarize: String::new(),
            threat_level,
            s3_bucket: None,
            s3_key: None,
            is_image_upload: false,
            media_type: None,
            verdict: None,
            categories: BTreeSet::new(),
            confidence: None,
            exposure: None,
            reason: None,
            action: None,
            mode: None,
            outcome: None,
            outcomes: Vec::new(),
            next_step: String::new(),
            finding_id: None,
            finding_ids: Vec::new(),
            count: 1,
            findings_query: None,
            uploader: None,
            uploader_ip: None,
            several_uploaders: false,
            several_ips: false,
            happened_at: None,
            ends_at: None,
            stopped: None,
            cost_usd: 0.0,
            event: None,
            events: Vec::new(),
            digest: None,
        }
    }
}

/// What an alert about an activity tells of it, as the record says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventFacts {
    /// Who reports: the called service (`s3.amazonaws.com`), or `aws.guardduty`.
    pub source: String,
    /// What happened: the API's name, the finding's type, the scan's result.
    pub name: String,
    /// The account it happened in.
    pub account: Option<String>,
    /// The region it happened in.
    pub region: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// The address that it came from.
    pub ip: Option<String>,
    /// Why the call failed; `null` when it succeeded.
    pub error: Option<String>,
    /// GuardDuty's severity, 1.0 to 10.0.
    pub severity: Option<f64>,
    /// The rule that matched.
    pub rule: String,
    /// What the record says in the fields that the rule shows.
    pub details: BTreeMap<String, String>,
    /// The model that assessed it; `null` when only the rules did.
    pub assessed_by: Option<String>,
    /// Why only the rules did.
    pub unassessed: Option<Unassessed>,
    /// What the model says, scrubbed; a machine's words, not checked by anybody.
    pub model_note: Option<String>,
}
