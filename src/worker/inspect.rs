//! One upload, from event to acted finding.

use std::sync::Arc;

use tracing::Instrument;

use super::enforce::{Enforcer, Standing};
use super::error::WorkError;
use super::inflight::{InFlight, Joined, Leader};
use super::pause::{Needed, Pause};
use super::ports::Parts;
use crate::action::{Outcome, Tell};
use crate::event::{Identity, Skipped, Target, Upload, looks_like_image_name};
use crate::object::Located;
use crate::record::{
    Case, Finding, Intent, Judgement, ObjectCase, State, Subject, UploadedBy, date_of,
};
use crate::telemetry::vocabulary::{OBJECT_BUCKET, OBJECT_KEY_DIGEST, SPAN_OBJECT};
use crate::verdict::{Inspection, Verdict};

/// How one upload ended.
#[derive(Debug)]
pub(crate) enum Worked {
    /// Nothing is left to do: judged and remembered, or not ours, known, done by somebody else,
    /// gone.
    Done,
    /// Acted on; whoever has to be told was not told yet.
    Tell(Vec<(Finding, Leader)>),
    /// As above; then the same work is to be done once more, since it is worse than what is told.
    /// Where it was assessed already, with what came of that.
    TellThenAgain(Box<Finding>, Leader, Option<Box<Intent>>),
}

/// Does uploads.
#[derive(Clone, Debug)]
pub(crate) struct UploadWork {
    parts: Arc<Parts>,
    enforcer: Enforcer,
    in_flight: InFlight,
    pause: Pause,
    ask_first: bool,
    tell_clean: bool,
}

/// How the worker knows an upload again.
enum Known {
    /// It does not.
    New,
    /// The finding is at its end, and nothing about it is to be done or said.
    Settled,
    /// The finding is acted on and has to be told.
    Untold(Box<Finding>),
}

impl UploadWork {
    /// `ask_first` asks the records before every read, not only when a message came before;
    /// `tell_clean` tells people of what is clean, each.
    pub(crate) fn new(
        parts: Arc<Parts>,
        enforcer: Enforcer,
        pause: Pause,
        (ask_first, tell_clean): (bool, bool),
    ) -> Self {
        Self {
            parts,
            enforcer,
            in_flight: InFlight::default(),
            pause,
            ask_first,
            tell_clean,
        }
    }

    /// Who acts.
    pub(crate) fn enforcer(&self) -> Enforcer {
        self.enforcer.clone()
    }

    /// What is being done now.
    pub(crate) fn in_flight(&self) -> InFlight {
        self.in_flight.clone()
    }

    /// Does one upload, and what came to lie in its place meanwhile. `seen_before` says that its
    /// message came before.
    pub(crate) async fn run(
        &self,
        upload: &Upload,
        seen_before: bool,
        standing: Standing<'_>,
    ) -> Result<Worked, WorkError> {
        if let Err(skipped) = self.parts.filter.admit(upload) {
            if matches!(skipped, Skipped::Prefix | Skipped::Suffix) {
                self.enforcer.tagger().skipped(&upload.target).await?;
            }
            self.parts.observer.passed_over(upload, skipped.code());
            return Ok(Worked::Done);
        }
        let span = tracing::info_span!(
            SPAN_OBJECT,
            { OBJECT_BUCKET } = upload.target.bucket.as_str(),
            { OBJECT_KEY_DIGEST } = upload.target.key.digest()
        );
        self.guarded(upload, seen_before, standing)
            .instrument(span)
            .await
    }

    /// One upload that is looked at.
    async fn guarded(
        &self,
        upload: &Upload,
        seen_before: bool,
        standing: Standing<'_>,
    ) -> Result<Worked, WorkError> {
        let first = self.one(upload, seen_before, standing).await?;
        let Worked::Tell(mut untold) = first else {
            return Ok(first);
        };
        let replaced = match untold.first() {
            Some((finding, _)) => self.what_replaced(upload, finding).await?,
            None => None,
        };
        if let Some(replacement) = replaced
            && let Worked::Tell(more) = self.one(&replacement, true, standing).await?
        {
            untold.extend(more);
        }
        Ok(Worked::Tell(untold))
    }

    /// One upload, done by us or by whoever is at it already.
    async fn one(
        &self,
        upload: &Upload,
        seen_before: bool,
        standing: Standing<'_>,
    ) -> Result<Worked, WorkError> {
        let joined = tokio::select! {
            joined = self.in_flight.join(upload.identity.finding_id()) => joined,
            end = standing.over() => return Err(WorkError::LeaseOver(end)),
        };
        let leader = match joined {
            Joined::Leader(leader) => leader,
            Joined::Settled => {
                self.parts
                    .observer
                    .passed_over(upload, "same_work_in_flight");
                return Ok(Worked::Done);
            }
        };
        let ask = seen_before || self.ask_first;
        match self.lead(upload, ask, standing).await? {
            Some(finding) => Ok(Worked::Tell(vec![(finding, leader)])),
            None => {
                leader.settled();
                Ok(Worked::Done)
            }
        }
    }

    /// What comes back is acted and has to be told.
    async fn lead(
        &self,
        upload: &Upload,
        ask: bool,
        standing: Standing<'_>,
    ) -> Result<Option<Finding>, WorkError> {
        if ask {
            match self.known(upload, standing).await? {
                Known::New => {}
                Known::Settled => {
                    self.parts.observer.passed_over(upload, "already_settled");
                    return Ok(None);
                }
                Known::Untold(finding) => return Ok(Some(*finding)),
            }
        }
        self.parts.observer.started(upload);
        // Looking changes nothing, so it may be left at any moment.
        let inspection = tokio::select! {
            inspection = self.parts.inspector.inspect(&upload.target, upload.size) => inspection?,
            end = standing.over() => return Err(WorkError::LeaseOver(end)),
        };
        self.looked(upload, &inspection);
        let gone = matches!(inspection.verdict, Verdict::Missing | Verdict::Superseded);
        // An object that is not there may have been removed by us, before a crash: then the
        // records hold an intent that has to be finished and told.
        if gone
            && !ask
            && let Known::Untold(finding) = self.known(upload, standing).await?
        {
            return Ok(Some(*finding));
        }
        if gone {
            self.parts.observer.looked(upload, &inspection);
            return Ok(None);
        }
        self.conclude(upload, &inspection, standing).await
    }

    /// What a look proves: that the store gives, and unless the answer was remembered that the
    /// judge judges.
    fn looked(&self, upload: &Upload, inspection: &Inspection) {
        self.parts.observer.inspected(upload, inspection);
        if inspection.facts.is_some() {
            self.pause.succeeded(Needed::Reading);
        }
        if inspection.judge.is_some() && !inspection.cached {
            self.pause.succeeded(Needed::Judge);
        }
    }

    /// What the records know, with what was begun brought to its end.
    async fn known(&self, upload: &Upload, standing: Standing<'_>) -> Result<Known, WorkError> {
        let date = date_of(upload.happened_at);
        let Some(finding) = self
            .parts
            .ledger
            .find(&upload.identity.finding_id(), date)
            .await?
        else {
            return Ok(Known::New);
        };
        if finding.state == State::Announced {
            let policy = &self.parts.policy;
            return Ok(if finding.may_be_reopened(policy.mode, &policy.hash) {
                Known::New
            } else {
                Known::Settled
            });
        }
        let acted = match finding.clone().into_intent() {
            Some(intent) => self.enforcer.finish(intent, standing).await?,
            None => finding,
        };
        Ok(match acted.state {
            State::Announced => Known::Settled,
            State::Intent | State::Acted => Known::Untold(Box::new(acted)),
        })
    }

    /// From verdict to outcome. `Some` has to be told.
    async fn conclude(
        &self,
        upload: &Upload,
        inspection: &Inspection,
        standing: Standing<'_>,
    ) -> Result<Option<Finding>, WorkError> {
        let named_an_image = looks_like_image_name(upload.target.key.as_str());
        let mut decision = self
            .parts
            .policy
            .decide(&inspection.verdict, named_an_image);
        let clean = inspection.verdict == Verdict::Clean;
        if clean && self.tell_clean {
            decision.tell = Tell::Now;
        }
        let case = case(upload, inspection);
        // What is clean needs nobody's leave, and no question.
        let allowed = !clean && self.enforcer.is_allowed(case.content()).await?;
        if allowed {
            decision = self.parts.policy.allowed();
        }
        let now = self.parts.clock.now();
        let times = (upload.happened_at, now);
        let intent = Intent::new(upload.identity.clone(), case, decision, times);
        if clean {
            let object = inspection.object.as_ref();
            self.enforcer.tagger().clean(object).await?;
            self.parts.observer.looked(upload, inspection);
        }
        if clean && !self.tell_clean {
            let finding = intent.acted(Outcome::Kept, now).announced(None, now);
            self.parts.announcer.count(&finding);
            self.parts.ledger.note_clean(finding).await;
            return Ok(None);
        }
        let finding = self.enforcer.enforce(intent, standing).await?;
        Ok((finding.state != State::Announced).then_some(finding))
    }

    /// The object changed between verdict and removal. What is there now has an event of its own,
    /// unless two writes to a key without versions were told as one: so it is work of its own here
    /// too, known again by the time at which the change was met.
    async fn what_replaced(
        &self,
        upload: &Upload,
        acted: &Finding,
    ) -> Result<Option<Upload>, WorkError> {
        let judged = acted.object().and_then(|case| case.subject.object.as_ref());
        let (Some(judged), Some(met_at)) = (judged, acted.times.acted_at) else {
            return Ok(None);
        };
        let target = Target {
            pin: None,
            ..judged.target()
        };
        let replaced = judged.pin.version.is_none()
            && match acted.outcome {
                Some(Outcome::Superseded) => true,
                // The copy may have been made before it was replaced, or after.
                Some(Outcome::Quarantined) => {
                    let located = self.parts.store.locate(&target).await?;
                    matches!(located, Located::There { .. })
                }
                _ => false,
            };
        Ok(replaced.then(|| Upload {
            target,
            identity: Identity::Write {
                bucket: upload.target.bucket.clone(),
                key: upload.target.key.clone(),
                etag: None,
                sequencer: None,
                time: met_at,
            },
            happened_at: met_at,
            size: None,
            ..upload.clone()
        }))
    }
}

fn case(upload: &Upload, inspection: &Inspection) -> Case {
    Case::Object(Box::new(ObjectCase {
        subject: subject(&upload.target, inspection),
        uploaded_by: UploadedBy {
            principal: upload.uploader.principal.clone(),
            ip: upload.uploader.ip.clone(),
        },
        judgement: judgement(inspection),
    }))
}

fn subject(target: &Target, inspection: &Inspection) -> Subject {
    Subject {
        bucket: target.bucket.clone(),
        key: target.key.clone(),
        object: inspection.object.clone(),
        size: inspection.facts.as_ref().map(|facts| facts.size),
        sha256: inspection.sha256.clone(),
        format: inspection.format,
    }
}

fn judgement(inspection: &Inspection) -> Judgement {
    Judgement {
        verdict: inspection.verdict.clone(),
        threat: inspection.threat,
        exposure: inspection.exposure,
        judge: inspection.judge.clone(),
        cached: inspection.cached,
        millis: u64::try_from(inspection.took.as_millis()).unwrap_or(u64::MAX),
        cost_usd: inspection.cost_usd,
    }
}
