//! Intent, act, outcome: the only place that changes an object.
//!
//! The order is what makes a kill at any moment harmless: the intent is durable before the act, the
//! outcome is durable before anybody is told, and each step may be repeated. A repeated removal
//! finds the object gone and says so.

use std::sync::Arc;

use super::error::WorkError;
use super::intact::Intact;
use super::lease::{Lease, LeaseEnd};
use super::pause::{Needed, Pause};
use super::ports::Parts;
use super::tag::{Tagger, mark_of};
use crate::action::{Action, Admission, Gate, Outcome, Refusal, Tell};
use crate::object::{Located, ObjectRef, Tagged};
use crate::record::{Begun, Content, Finding, Intent, ObjectCase, State};
use crate::telemetry::vocabulary::{ACTION, ERROR_CODE, FINDING_ID, OUTCOME};

/// On whose behalf we act.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Standing<'a> {
    /// On behalf of a message, as long as it is ours; with what it must not be cut off from.
    Lease(&'a Lease, &'a Intact),
    /// On behalf of the records: nobody else will finish it.
    Records,
}

impl Standing<'_> {
    fn is_ours(self) -> bool {
        match self {
            Self::Lease(lease, _) => lease.is_live(),
            Self::Records => true,
        }
    }

    /// Resolves when acting is no longer our business.
    pub(crate) async fn over(self) -> LeaseEnd {
        match self {
            Self::Lease(lease, _) => lease.over().await,
            Self::Records => std::future::pending().await,
        }
    }

    /// A finding is about to be begun or finished. Who acts for the records holds on to it itself.
    fn begins(self, finding: &Finding, parts: &Parts) {
        if let Self::Lease(_, intact) = self {
            intact.begins(finding, &parts.protection);
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
        standing.begins(intent.finding(), &self.parts);
        match self.parts.ledger.begin(intent).await? {
            Begun::Fresh(intent) | Begun::Resumed(intent) => {
                self.spare_or_act(intent, standing).await
            }
            Begun::Finished(finding) => Ok(finding),
        }
    }

    /// Finishes an intent that was left in the records.
    pub(crate) async fn finish(
        &self,
        intent: Intent,
        standing: Standing<'_>,
    ) -> Result<Finding, WorkError> {
        standing.begins(intent.finding(), &self.parts);
        self.spare_or_act(intent, standing).await
    }

    /// Directly before a removal a person's decision is asked for once more: it may have come since
    /// the judgement, and whoever gives an object back relies on it. Where the object is still there,
    /// it stays then.
    async fn spare_or_act(
        &self,
        intent: Intent,
        standing: Standing<'_>,
    ) -> Result<Finding, WorkError> {
        let intent = if self.is_spared(intent.finding()).await? {
            intent.allowed(self.parts.policy.allowed())
        } else {
            intent
        };
        self.carry_out(intent, standing).await
    }

    /// Whether a person has allowed these bytes. Records that do not answer are trouble, never a no.
    pub(crate) async fn is_allowed(&self, content: Option<Content>) -> Result<bool, WorkError> {
        let Some(content) = content else {
            return Ok(false);
        };
        // Records that are read are not yet records that can be written: a pause for them goes on.
        Ok(self.parts.allowances.find(&content).await?.is_some())
    }

    async fn is_spared(&self, finding: &Finding) -> Result<bool, WorkError> {
        let object = finding
            .object()
            .and_then(|case| case.subject.object.as_ref());
        let Some(object) = object.filter(|_| finding.decision.action.removes()) else {
            return Ok(false);
        };
        if !self.is_allowed(finding.case.content()).await? {
            return Ok(false);
        }
        // Removed before a kill, it is not there to be left in place: then its story ends as begun.
        let located = self.parts.store.locate(&object.target()).await?;
        Ok(matches!(located, Located::There { object: there, .. } if there == *object))
    }

    async fn carry_out(
        &self,
        intent: Intent,
        standing: Standing<'_>,
    ) -> Result<Finding, WorkError> {
        let outcome = self.act(intent.finding(), standing).await?;
        // Before anything says that it was done: nobody would come back for the tag, and where only
        // what is tagged may be read, what a person has allowed would stay locked.
        self.tagger.allowed(intent.finding()).await?;
        let mut finding = intent.acted(outcome, self.parts.clock.now());
        self.parts.ledger.advance(&finding).await?;
        // Somebody else may have carried out the same intent, and knows better how it ended: whoever
        // comes second finds the object gone, or in the quarantine.
        if matches!(
            outcome,
            Outcome::AlreadyGone | Outcome::Held | Outcome::Quarantined
        ) {
            let stored = self.parts.ledger.find(&finding.id, finding.date()).await?;
            let stored = stored.filter(|stored| {
                stored.revision >= finding.revision && stored.state > State::Intent
            });
            let known = |stored: &Finding| {
                stored.outcome != finding.outcome || stored.state == State::Announced
            };
            if let Some(stored) = stored.filter(known) {
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
        Ok(Outcome::of_removal(removed, quarantine))
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
