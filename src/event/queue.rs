//! The port to a queue of messages with leases.

use std::time::Duration;

use async_trait::async_trait;

use super::{Delivery, Receipt};
use crate::retry::{Reaction, Reacts, Reason};

/// A queue that leases messages: received ones are hidden until their visibility ends.
///
/// # Contract
/// - At least once: a message may come twice, even within its lease.
/// - Every receive gives a new [`Receipt`]; calls with an old one answer [`EntryError::Gone`] or do
///   nothing.
/// - Implementations may ask again, for a second or so, for the entries of a batch that failed by
///   the queue's own fault; they retry nothing else. The caller sees what is left and decides.
#[async_trait]
pub trait Queue: Send + Sync + std::fmt::Debug {
    /// Up to `max` (1..=10) messages, waiting up to `wait` for the first. An empty list is an
    /// ordinary answer.
    ///
    /// **Not cancel safe**: dropping the future may strand messages until their visibility ends.
    /// Let a poll that was begun run to its end.
    async fn receive(&self, max: u8, wait: Duration) -> Result<Vec<Delivery>, QueueError>;

    /// Sets what is left of each lease, counted from now; zero gives the message back at once. One
    /// result per entry, in order; an empty list does nothing. Any number of entries is taken.
    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>>;

    /// Removes messages for good. One result per entry, in order. Safe to repeat.
    async fn ack(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>>;

    /// Moves a message to the dead-letter queue with its reason, then acks it. On `Err` nothing
    /// was acked; a park may be repeated (the dead-letter queue may then hold it twice).
    async fn park(&self, delivery: &Delivery, reason: &Reason) -> Result<(), QueueError>;

    /// How long a received message stays hidden unless extended.
    fn visibility(&self) -> Duration;

    /// After how many receives the queue itself would move a message to its dead-letter queue
    /// without a reason; `None` when it never does.
    fn max_receives(&self) -> Option<u32>;
}

/// A call to the queue failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The queue did not answer, or asked us to slow down.
    #[error("queue unavailable: {0}")]
    Unavailable(String),
    /// The queue refused us for good (missing, denied): no call will succeed until somebody acts.
    #[error("queue refused: {0}")]
    Refused(String),
}

impl Reacts for QueueError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Unavailable(_) => Reaction::Retry { after: None },
            Self::Refused(why) => Reaction::Stop(why.clone()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "queue_unavailable",
            Self::Refused(_) => "queue_refused",
        }
    }
}

/// One entry of a batch failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The receipt is no longer good: the lease is over, the message is somebody else's or gone.
    #[error("lease is over")]
    Gone,
    /// Worth another try.
    #[error("entry failed: {0}")]
    Failed(String),
}
