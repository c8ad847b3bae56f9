//! The port to the records.

use async_trait::async_trait;
use jiff::civil::Date;

use super::{Finding, Intent, State};
use crate::event::{BucketName, FindingId, Key};
use crate::retry::{Reaction, Reacts};
use crate::verdict::Threat;

/// What was found when an intent was to be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// Nothing was there: the intent is written.
    Fresh(Intent),
    /// An intent was there, not acted on: this one, as it was written, is to be finished.
    Resumed(Intent),
    /// It was acted on already: what was written then.
    Finished(Finding),
}

/// Which findings are wanted. The default wants all.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Of this bucket.
    pub bucket: Option<BucketName>,
    /// Of this key.
    pub key: Option<Key>,
    /// Not before this event date.
    pub from: Option<Date>,
    /// Not after this event date.
    pub until: Option<Date>,
    /// At least this bad.
    pub at_least: Option<Threat>,
    /// In this state.
    pub state: Option<State>,
    /// Whether clean records are wanted too.
    pub clean: bool,
    /// At most this many; 0 stands for 100.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<String>,
}

impl Query {
    /// How many findings a page has at most.
    pub const fn page_size(&self) -> usize {
        match self.limit {
            0 => 100,
            limit => limit,
        }
    }

    /// Whether a finding is one of those wanted (limit and page apart).
    pub fn wants(&self, finding: &Finding) -> bool {
        let date = finding.date();
        self.bucket
            .as_ref()
            .is_none_or(|bucket| finding.bucket() == Some(bucket))
            && self
                .key
                .as_ref()
                .is_none_or(|key| finding.key() == Some(key))
            && self.from.is_none_or(|from| from <= date)
            && self.until.is_none_or(|until| date <= until)
            && self.at_least.is_none_or(|level| level <= finding.threat())
            && self.state.is_none_or(|state| state == finding.state)
    }
}

/// Some of the findings that a query wants, newest event date first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The findings.
    pub findings: Vec<Finding>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// The records.
///
/// # Contract
/// - `begin` creates conditionally: of two callers with the same id exactly one gets
///   [`Begun::Fresh`]. On `Ok` the intent is durable: a kill at the next moment does not lose it.
///   On `Err` nothing may be acted on.
/// - A [`Finding`] that the new intent [reopens](Intent::reopens) is replaced by it, as the next
///   revision, and `Fresh` is answered.
/// - `advance` writes `acted` or `announced`, durable on `Ok`, and may be repeated; it never goes
///   back to an earlier state of the same revision (such a call does nothing).
/// - `find` answers clean records too where it can; those are best effort.
/// - `open` lists what is not yet announced: intents and acted findings.
#[async_trait]
pub trait Ledger: Send + Sync + std::fmt::Debug {
    /// Writes an intent before the act.
    async fn begin(&self, intent: Intent) -> Result<Begun, LedgerError>;

    /// What is remembered under this id; `date` is the event's.
    async fn find(&self, id: &FindingId, date: Date) -> Result<Option<Finding>, LedgerError>;

    /// Writes that a finding was acted on or announced.
    async fn advance(&self, finding: &Finding) -> Result<(), LedgerError>;

    /// Remembers a clean verdict: batched, best effort, flushed by [`Ledger::flush`].
    async fn note_clean(&self, finding: Finding);

    /// Writes out what is batched.
    async fn flush(&self) -> Result<(), LedgerError>;

    /// At most `limit` findings that were begun and not announced, oldest first.
    async fn open(&self, limit: usize) -> Result<Vec<Finding>, LedgerError>;

    /// Findings by query.
    async fn list(&self, query: &Query) -> Result<Page, LedgerError>;
}

/// The records failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// They did not answer, or there is no room; nothing was written.
    #[error("records unavailable: {0}")]
    Unavailable(String),
    /// They refuse us for good.
    #[error("records refused: {0}")]
    Refused(String),
    /// What is written there cannot be read.
    #[error("record {id} cannot be read: {why}; move it away to let its work be done again")]
    Corrupt {
        /// Which one.
        id: String,
        /// What is wrong with it.
        why: String,
    },
}

impl Reacts for LedgerError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Unavailable(_) => Reaction::Retry { after: None },
            Self::Refused(why) => Reaction::Stop(why.clone()),
            Self::Corrupt { .. } => {
                Reaction::Park(crate::retry::Reason::new(self.code(), self.to_string()))
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "records_unavailable",
            Self::Refused(_) => "records_refused",
            Self::Corrupt { .. } => "record_corrupt",
        }
    }
}
