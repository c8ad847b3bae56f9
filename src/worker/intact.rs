//! What a message has in hand that must not be cut off: a finding between intent and announced.
//!
//! One of it is protected from just before its intent is written until it is told or given up,
//! through every wait and every further try: a removal that nobody has been told of is what a stop
//! would leave. What is clean needs no protection, nor does what is only written down.

use std::sync::{Mutex, PoisonError};

use crate::action::{Action, Tell};
use crate::record::Finding;
use crate::shutdown::protection::{Open, Protection};
use crate::verdict::Verdict;

/// That of one message.
#[derive(Debug, Default)]
pub(crate) struct Intact(Mutex<Option<Open>>);

impl Intact {
    /// This finding is about to be begun, finished or told.
    pub(crate) fn begins(&self, finding: &Finding, protection: &Protection) {
        if matters(finding) {
            self.slot().get_or_insert_with(|| protection.hold());
        }
    }

    /// Everything that was begun is told, or given up.
    pub(crate) fn over(&self) {
        *self.slot() = None;
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether people would miss something if a finding stayed open for a while.
pub(crate) fn matters(finding: &Finding) -> bool {
    let clean = finding
        .object()
        .is_some_and(|case| case.judgement.verdict == Verdict::Clean);
    let decision = &finding.decision;
    !clean && (decision.action != Action::Keep || decision.tell == Tell::Now)
}
