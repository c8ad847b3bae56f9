//! Intent, act, outcome: the only place that changes an object.
//!
//! The order is what makes a kill at any moment harmless: the intent is durable before the act, the
//! outcome is durable before anybody is told, and each step may be repeated. A repeated removal
//! finds the object gone and says so.

use std::sync::Arc;

use super::error::WorkError;
use super::lease::{Lease, LeaseEnd};
use super::pause::{Needed, Pause};
use super::ports::Parts;
use super::tag::{Tagger, mark_of};
use crate::action::{Action, Admission, Gate, Outcome, Refusal, Tell};
use crate::object::{ObjectRef, Removed, Tagged};
use crate::record::{Begun, Finding, Intent, ObjectCase, State};
use crate::telemetry::vocabulary::{ACTION, ERROR_CODE, FINDING_ID, OUTCOME};

/// On whose behalf we act.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing<'a> {
    /// On behalf of a message, as long as it is ours.
    Lease(&'a Lease),
    /// On behalf of the records: nobody else will finish it.
    Records,
}

impl Standing<'_> {
    fn is_ours(self) -> bool {
        match self {
            Self::Lease(lease) => lease.is_live(),
            Self::Records => true,
        }
    }

    /// Resolves when acting is no longer our business.
    pub(crate) async fn over(self) -> LeaseEnd {
        match self {
            Self::Lease(lease) => lease.over().await,
            Self::Records => std::future::pending().await,
        }
    }
}

/// Acts on intents.
#[derive(Clone, Debug)]
pub(crate) struct Enforcer {
    parts: Arc<Parts>,
    pause: Pause,
    tagger: Tagger,
}

impl Enforcer {
    pub(crate) fn new(parts: Arc<Parts>, pause: Pause) -> Self {
        Self {
            tagger: Tagger::new(Arc::clone(&parts), pause.clone()),
            parts,
            pause,
        }
    }

    /// Who sets tags.
    pub(crate) const fn tagger(&self) -> &Tagger {
        &self.tagger
    }

    /// Carries an intent to its outcome, or finds that it was carried there before. What comes
    /// back is acted or announced, and is in the records as such.
    pub(crate) async fn enforce(
        &self,
        intent: Intent,
        standing: Standing<'_>,
    ) -> Result<Finding, WorkError> {
        match self.parts.ledger.begin(intent).await? {
            Begun::Fresh(intent) | Begun::Resumed(intent) => self.finish(intent, standing).await,
            Begun::Finished(finding) => Ok(finding),
        }
    }

    /// Finishes an intent that is in the records.
    pub(crate) async fn finish(
        &self,
        intent: Intent,
        standing: Standing<'_>,
    ) -> Result<Finding, WorkError> {
        let outcome = self.act(intent.finding(), standing).await?;
        let mut finding = intent.acted(outcome, self.parts.clock.now());
        self.parts.ledger.advance(&finding).await?;
        // Somebody else may have carried out the same intent, and knows better how it ended: whoever
        // comes second finds the object gone.
        if matches!(outcome, Outcome::AlreadyGone | Outcome::Held) {
            let stored = self.parts.ledger.find(&finding.id, finding.date()).await?;
            let stored = stored.filter(|stored| {
                stored.revision >= finding.revision && stored.state > State::Intent
            });
            if let Some(stored) = stored.filter(|stored| stored.outcome != finding.outcome) {
                return Ok(stored);
            }
        }
        self.pause.succeeded(Needed::Records);
        self.parts.observer.acted(&finding);
        self.parts.announcer.count(&finding);
        tracing::debug!(
            { FINDING_ID } = %finding.id,
            { ACTION } = finding.decision.action.as_str(),
            { OUTCOME } = outcome.code(),
            "acted"
        );
        self.tagger.left_in_place(&finding).await;
        if finding.decision.tell == Tell::Remember {
            finding = finding.announced(None, self.parts.clock.now());
            self.parts.ledger.advance(&finding).await?;
        }
        debug_assert!(
            finding.state > State::Intent,
            "an acted finding has an outcome"
        );
        Ok(finding)
    }

    async fn act(&self, finding: &Finding, standing: Standing<'_>) -> Result<Outcome, WorkError> {
        let decision = &finding.decision;
        // Nothing is done about an activity but to tell of it.
        let Some(case) = finding.object() else {
            return Ok(Outcome::Kept);
        };
        // The guards ask what holds today: who turned enforcement off after the intent was written
        // does not want it carried out.
        let object = match self
            .parts
            .guards
            .before(decision, case.subject.object.as_ref())
        {
            Gate::Go => case.subject.object.as_ref(),
            Gate::Refuse(Refusal::Observing) => return Ok(Outcome::Observed),
            Gate::Refuse(refusal) => {
                tracing::debug!(
                    { FINDING_ID } = %finding.id,
                    { ERROR_CODE } = refusal.code(),
                    "left alone"
                );
                None
            }
        };
        let Some(object) = object else {
            return Ok(Outcome::Kept);
        };
        match decision.action {
            Action::Keep => Ok(Outcome::Kept),
            Action::Tag => self.mark(case, object).await,
            Action::Quarantine | Action::Delete => {
                if !standing.is_ours() {
                    return Err(WorkError::LeaseOver(LeaseEnd::Lost));
                }
                if self.parts.breaker.admit(&finding.id) == Admission::Held {
                    return Ok(Outcome::Held);
                }
                self.remove(finding, case, object).await
            }
        }
    }

    async fn remove(
        &self,
        finding: &Finding,
        case: &ObjectCase,
        object: &ObjectRef,
    ) -> Result<Outcome, WorkError> {
        let store = &self.parts.store;
        let quarantine = finding.decision.action == Action::Quarantine;
        let removed = if quarantine {
            let sha256 = case.subject.sha256.as_deref();
            store.quarantine(object, &finding.id, sha256).await?
        } else {
            store.remove(object).await?
        };
        self.pause.succeeded(Needed::Changing);
        Ok(match removed {
            Removed::Removed if quarantine => Outcome::Quarantined,
            Removed::Removed => Outcome::Deleted,
            Removed::AlreadyGone => Outcome::AlreadyGone,
            Removed::Superseded => Outcome::Superseded,
            Removed::Blocked(why) => Outcome::Blocked { why },
        })
    }

    async fn mark(&self, case: &ObjectCase, object: &ObjectRef) -> Result<Outcome, WorkError> {
        let Some(mark) = mark_of(&case.judgement.verdict) else {
            return Ok(Outcome::AlreadyGone);
        };
        Ok(match self.tagger.set(object, mark).await? {
            Tagged::Tagged => Outcome::Tagged,
            Tagged::Gone => Outcome::AlreadyGone,
            // A store that knows no tags leaves nothing undone: the finding says the same.
            Tagged::Unsupported => Outcome::Kept,
            Tagged::NoRoom | Tagged::Denied(_) => Outcome::TagFailed,
        })
    }
}
