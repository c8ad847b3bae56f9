//! What can keep one piece of work from its end.

use super::lease::LeaseEnd;
use crate::alert::TellError;
use crate::object::StoreError;
use crate::record::LedgerError;
use crate::retry::{Reaction, Reacts, Reason};
use crate::verdict::InspectError;

/// Why one piece of work did not come to its end, this time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkError {
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Tell(#[from] TellError),
    /// The message is no longer ours, or was held for as long as any: the work is done when it
    /// comes again.
    #[error("the lease was over before the work was done")]
    LeaseOver(LeaseEnd),
}

impl WorkError {
    /// What the worker should do, and the code that says why.
    pub(crate) fn sorted(&self) -> (Reaction, &'static str) {
        match self {
            Self::Inspect(error) => (error.reaction(), error.code()),
            Self::Store(error) => (error.reaction(), error.code()),
            Self::Ledger(error) => (error.reaction(), error.code()),
            Self::Tell(error) => (error.reaction(), error.code()),
            Self::LeaseOver(_) => (Reaction::Retry { after: None }, "lease_over"),
        }
    }
}

/// How a message leaves our hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// Everything it asked for is done and told.
    Ack,
    /// It can never succeed, or has failed too often.
    Park(Reason),
    /// It goes back to the queue and comes again.
    Release(&'static str),
    /// It is somebody else's already: no call about it.
    Forget,
}
