//! One activity, from record to acted finding.
//!
//! A record is held against code first, which is free: what we caused ourselves and what nothing
//! speaks of ends there. What is notable is assessed once. CloudTrail and GuardDuty deliver at least
//! once and unordered, so the records are asked before a model is: the same record again is known,
//! and an update of a GuardDuty finding is only assessed when code alone finds it worse than what
//! was told before. An update that code does not find worse asks no model: GuardDuty's own severity
//! raises the floor, and a model's second opinion about the same finding is not news.

use std::sync::Arc;

use super::enforce::{Enforcer, Standing};
use super::error::WorkError;
use super::inflight::{InFlight, Joined, Leader};
use super::inspect::Worked;
use super::pause::{Needed, Pause};
use super::ports::Parts;
use crate::action::{Action, Decision, Tell};
use crate::event::{Activity, Identity};
use crate::record::{ActivityCase, Case, Finding, Intent, Reported, State, date_of};
use crate::verdict::Threat;
use crate::verdict::threat::{Assessor, Floor, Look};

/// Does activities.
#[derive(Clone, Debug)]
pub(crate) struct AssessWork {
    parts: Arc<Parts>,
    enforcer: Enforcer,
    in_flight: InFlight,
    pause: Pause,
}

/// How the worker knows an activity again.
enum Known {
    /// It does not, or knows it as less than it now is.
    New,
    /// It was assessed, and what is to be told of it was told.
    Settled,
    /// It was assessed and has to be told.
    Untold(Box<Finding>),
}

impl AssessWork {
    /// `in_flight` is shared by all lanes: one record may come on either.
    pub(crate) fn new(
        parts: Arc<Parts>,
        enforcer: Enforcer,
        in_flight: InFlight,
        pause: Pause,
    ) -> Self {
        Self {
            parts,
            enforcer,
            in_flight,
            pause,
        }
    }

    /// Does one activity.
    pub(crate) async fn run(
        &self,
        activity: &Activity,
        assessor: &Assessor,
        standing: Standing<'_>,
    ) -> Result<Worked, WorkError> {
        let floor = match assessor.look(activity) {
            Look::Ours => return Ok(self.pass_over(activity, "own_activity")),
            Look::Unremarkable => return Ok(self.pass_over(activity, "unremarkable")),
            Look::Notable(floor) => floor,
        };
        let leader = tokio::select! {
            leader = self.lead(activity) => leader,
            end = standing.over() => return Err(WorkError::LeaseOver(end)),
        };
        let Some(leader) = leader else {
            return Ok(self.pass_over(activity, "same_work_in_flight"));
        };
        match self.known(activity, floor.level, standing).await? {
            Known::Settled => {
                leader.settled();
                return Ok(self.pass_over(activity, "already_settled"));
            }
            Known::Untold(finding) if finding.threat() < floor.level => {
                return Ok(Worked::TellThenAgain(finding, leader, None));
            }
            Known::Untold(finding) => return Ok(Worked::Tell(vec![(*finding, leader)])),
            Known::New => {}
        }
        let intent = self.assess(activity, assessor, floor, standing).await?;
        self.enforce(intent, leader, standing).await
    }

    /// Does one activity that was assessed before, when what an earlier report had led to was to be
    /// told first. It is not held against its floor again, nor a model asked: what was thought of it
    /// may have been the model's.
    pub(crate) async fn again(
        &self,
        activity: &Activity,
        intent: Intent,
        standing: Standing<'_>,
    ) -> Result<Worked, WorkError> {
        let leader = tokio::select! {
            leader = self.lead(activity) => leader,
            end = standing.over() => return Err(WorkError::LeaseOver(end)),
        };
        match leader {
            Some(leader) => self.enforce(intent, leader, standing).await,
            None => Ok(self.pass_over(activity, "same_work_in_flight")),
        }
    }

    /// Writes down what is intended, and hands out who has to be told of what. What comes back from
    /// the records may be what an earlier report had led to: it is told, and when ours is worse,
    /// ours comes after it.
    async fn enforce(
        &self,
        intent: Intent,
        leader: Leader,
        standing: Standing<'_>,
    ) -> Result<Worked, WorkError> {
        let finding = self.enforcer.enforce(intent.clone(), standing).await?;
        if finding.state == State::Announced {
            leader.settled();
            return Ok(Worked::Done);
        }
        Ok(if finding.threat() < intent.finding().threat() {
            Worked::TellThenAgain(Box::new(finding), leader, Some(Box::new(intent)))
        } else {
            Worked::Tell(vec![(finding, leader)])
        })
    }

    /// The right to this work; `None` when the very same was done and told while we waited. Another
    /// revision of a GuardDuty finding that was done meanwhile says nothing about ours.
    async fn lead(&self, activity: &Activity) -> Option<Leader> {
        let id = activity.identity.finding_id();
        let has_revisions = matches!(activity.identity, Identity::GuardDuty { .. });
        loop {
            match self.in_flight.join(id).await {
                Joined::Leader(leader) => return Some(leader),
                Joined::Settled if has_revisions => {}
                Joined::Settled => return None,
            }
        }
    }

    /// What the records know, with what was begun brought to its end.
    async fn known(
        &self,
        activity: &Activity,
        level: Threat,
        standing: Standing<'_>,
    ) -> Result<Known, WorkError> {
        let id = activity.identity.finding_id();
        let date = date_of(activity.happened_at);
        let Some(finding) = self.parts.ledger.find(&id, date).await? else {
            return Ok(Known::New);
        };
        self.pause.succeeded(Needed::Records);
        if finding.state == State::Announced {
            let is_worse = finding.is_surpassed_by(&activity.identity, level);
            return Ok(if is_worse { Known::New } else { Known::Settled });
        }
        let acted = match finding.clone().into_intent() {
            Some(intent) => self.enforcer.finish(intent, standing).await?,
            None => finding,
        };
        Ok(match acted.state {
            // Remembered only, and perhaps less than it now is.
            State::Announced if acted.is_surpassed_by(&activity.identity, level) => Known::New,
            State::Announced => Known::Settled,
            State::Intent | State::Acted => Known::Untold(Box::new(acted)),
        })
    }

    /// From floor to intent.
    async fn assess(
        &self,
        activity: &Activity,
        assessor: &Assessor,
        floor: Floor,
        standing: Standing<'_>,
    ) -> Result<Intent, WorkError> {
        // Assessing changes nothing, so it may be left at any moment.
        let assessment = tokio::select! {
            assessment = assessor.assess(activity, floor) => assessment,
            end = standing.over() => return Err(WorkError::LeaseOver(end)),
        };
        self.parts.observer.assessed(activity, &assessment);
        let tell = if assessment.threat >= assessor.tell_from() {
            Tell::Now
        } else {
            Tell::Remember
        };
        let decision = Decision {
            action: Action::Keep,
            mode: self.parts.policy.mode,
            tell,
            rule: assessment.floor.rule.clone(),
            policy: assessor.hash().to_owned(),
        };
        let case = Case::Activity(Box::new(ActivityCase {
            activity: Reported::from(activity),
            assessment,
        }));
        let times = (activity.happened_at, self.parts.clock.now());
        let identity = activity.identity.clone();
        Ok(Intent::new(identity, case, decision, times))
    }

    fn pass_over(&self, activity: &Activity, code: &'static str) -> Worked {
        self.parts.observer.activity_passed_over(activity, code);
        Worked::Done
    }
}
