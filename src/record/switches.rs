//! The port to what operators switch, and what all tasks of a fleet have to agree on.
//!
//! Two switches: the pause, which a person sets and lifts, and the breaker, which any task opens and
//! only a person closes. They lie beside the findings, so that a restart does not forget them.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerError;

/// A person has told all tasks to take no work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// Since when.
    pub since: Timestamp,
    /// Who, as they say.
    pub by: String,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// The breaker as all tasks see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetBreaker {
    /// Counts the resets: a task that sees a higher number than its own closes its breaker.
    pub generation: u64,
    /// Since when it is open; absent while it is closed.
    pub open_since: Option<Timestamp>,
    /// When it was open last, before it was closed: what was held then can still be found. Older
    /// forms do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Opening>,
}

/// From when to when the breaker was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

impl FleetBreaker {
    /// Open from `since`, in its present generation.
    #[must_use]
    pub fn opened(self, since: Timestamp) -> Self {
        Self {
            open_since: Some(since),
            ..self
        }
    }

    /// Closed at `now`, as the next generation. Closed a second time, it remembers the same opening.
    #[must_use]
    pub fn closed(self, now: Timestamp) -> Self {
        let opening = self.open_since.map(|since| Opening { since, until: now });
        Self {
            generation: self.generation.saturating_add(1),
            open_since: None,
            last: opening.or(self.last),
        }
    }

    /// Since when removals were held, now or when it was open last.
    pub fn held_since(&self) -> Option<Timestamp> {
        self.open_since.or(self.last.map(|opening| opening.since))
    }
}

/// How the switches stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// The pause, while there is one.
    pub halt: Option<Halt>,
    /// The breaker.
    pub breaker: FleetBreaker,
}

/// The switches.
///
/// # Contract
/// - What was never set reads as its default: no pause, a closed breaker of generation 0.
/// - Every call is durable on `Ok` and may be repeated.
/// - `open_breaker` of another generation than the present one does nothing: the breaker that was
///   to be opened was reset meanwhile. Opened twice, the earlier time stands.
/// - `reset_breaker` of another generation than the present one does nothing: somebody has reset it
///   meanwhile, and what it has stopped since then nobody has looked at.
/// - Of calls at the same moment none is lost: implementations write conditionally and try again.
#[async_trait]
pub trait Switches: Send + Sync + std::fmt::Debug {
    /// How they stand.
    async fn read(&self) -> Result<Positions, LedgerError>;

    /// Sets the pause, or lifts it.
    async fn set_halt(&self, halt: Option<Halt>) -> Result<(), LedgerError>;

    /// Opens the breaker of `generation` and answers how it stands then.
    async fn open_breaker(
        &self,
        generation: u64,
        since: Timestamp,
    ) -> Result<FleetBreaker, LedgerError>;

    /// Closes the breaker of `generation` at `now`, as the next generation, and answers how it
    /// stands then.
    async fn reset_breaker(
        &self,
        generation: u64,
        now: Timestamp,
    ) -> Result<FleetBreaker, LedgerError>;
}
