//! What can keep one piece of work from its end.

use std::time::Duration;

use super::lease::LeaseEnd;
use super::pause::Needed;
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

    /// What of the things that work needs has failed.
    pub(crate) const fn needed(&self) -> Needed {
        match self {
            Self::Inspect(InspectError::Store(_)) => Needed::Reading,
            Self::Store(_) => Needed::Changing,
            Self::Inspect(_) => Needed::Judge,
            Self::Ledger(_) => Needed::Records,
            Self::Tell(_) => Needed::Carrier,
            // Never a reason to pause.
            Self::LeaseOver(_) => Needed::Queue,
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
    /// It goes back to the queue and comes again after this time, through nobody's fault.
    Defer {
        /// The code that says why.
        code: &'static str,
        /// After how long.
        after: Duration,
    },
    /// It is somebody else's already: no call about it.
    Forget,
}
