//! Doing what was held while the breaker was open, once a person has looked.
//!
//! Each finding is read again and taken up only if nothing has happened to it since: still held, by a
//! decision to remove, and not allowed meanwhile. From there on it goes the way of every removal, as
//! its next round: a durable intent, the removal of exactly the pinned state, the outcome, the alert.
//! So a kill in between leaves an intent that the service finishes.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::action::{Action, Gate, Guards, Mode, Outcome};
use crate::alert::{Announcer, TellError};
use crate::clock::Clock;
use crate::event::{BucketName, OwnPlace};
use crate::object::{Located, ObjectRef, ObjectStore, Quarantine, StoreError, Why};
use crate::record::{
    Allowances, Begun, Finding, Intent, Ledger, LedgerError, Positions, State, Switches,
};

/// How long the last alerts may take once everything is done; what is late is told by the service.
const LAST_ALERTS: Duration = Duration::from_secs(60);

/// How long the switches are believed to stand as they were read.
const SWITCHES: Duration = Duration::from_secs(3);

/// What became of one held finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It was carried out; how that ended.
    Acted(Outcome),
    /// Nothing was done.
    Skipped(Skip),
    /// It was begun, and a step failed; the service finishes it.
    Begun(String),
    /// It was begun, and is refused to these credentials; the service finishes it with its own.
    Refused(Why),
    /// It was begun, and the store refuses everything alike, such as for a quarantine that is not
    /// there; the service finishes it with its own settings.
    Barred(String),
    /// Nothing was begun, since the records failed.
    Failed(String),
}

/// Why nothing was done about a held finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// Somebody has dealt with it meanwhile, or is at it.
    InHand,
    /// A person has allowed what it is about.
    Allowed,
    /// People are still to be told that it is held: the service does that first.
    Untold,
    /// Its bucket is not guarded any more, or it lies in a place of the service itself.
    NotGuarded,
}

/// One held finding, and what became of it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The finding as it was held.
    pub finding: Finding,
    /// What became of it.
    pub applied: Applied,
}

/// What became of all of them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Those that were looked at, in order.
    pub entries: Vec<Entry>,
    /// Those that were left, since somebody asked to stop, or something is in the way.
    pub left: Vec<Finding>,
    /// What is in the way.
    pub obstacle: Option<Obstacle>,
    /// How many were carried out and could not be told yet: the service tells them.
    pub untold: usize,
}

/// What is in the way of all that is held.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// A person has paused the fleet.
    #[error("the service is paused: see why, and lift that with `s3-warden resume`")]
    Paused,
    /// The breaker has opened.
    #[error(
        "the breaker has opened again: look at what is held now (`s3-warden breaker status`), and \
         run it again"
    )]
    Open,
    /// Nobody knows how the switches stand.
    #[error("how the switches stand cannot be read: {0}")]
    Switches(String),
    /// What is done here may not be done with these credentials.
    #[error(
        "these credentials may not do it ({0}): grant what deploy/iam/operator.json lists, the keys \
         of the bucket and of the quarantine included; where a bucket policy locks what is not \
         clean, use the role that it leaves out (BREAK_GLASS_ROLE in deploy/bucket-policy.json)"
    )]
    Refused(String),
    /// The buckets cannot be used as they are named here, or do not answer.
    #[error("{0}; name the buckets as the service does, and run it again")]
    Store(String),
}

/// Carries out what was held.
#[derive(Clone, Debug)]
pub struct Applier {
    /// Where findings are kept.
    pub ledger: Arc<dyn Ledger>,
    /// What people have allowed.
    pub allowances: Arc<dyn Allowances>,
    /// Where objects are removed.
    pub store: Arc<dyn ObjectStore>,
    /// Where they are moved to.
    pub quarantine: Arc<dyn Quarantine>,
    /// The pause and the breaker, which others may use meanwhile.
    pub switches: Arc<dyn Switches>,
    /// The guarded buckets, as far as the settings here name them; empty where they do not.
    pub guarded: BTreeSet<BucketName>,
    /// Where the service itself writes.
    pub own: Vec<OwnPlace>,
    /// Who tells people; its work has to run beside this.
    pub announcer: Announcer,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

impl Applier {
    /// Looks whether `held` could be carried out at all, before anything is changed for it: one
    /// object of each bucket, and the quarantine.
    ///
    /// # Errors
    /// What is in the way.
    pub async fn look(&self, held: &[Finding]) -> Result<(), Obstacle> {
        let mut buckets = BTreeSet::new();
        for object in held.iter().filter_map(pinned) {
            if !buckets.insert(&object.bucket) {
                continue;
            }
            match self.store.locate(&object.target()).await {
                Ok(Located::Denied(Why::AccessDenied)) => {
                    let bucket = &object.bucket;
                    return Err(Obstacle::Refused(format!("s3:GetObject in {bucket}")));
                }
                Ok(_) => {}
                Err(error) => return Err(Obstacle::Store(error.to_string())),
            }
        }
        let moved = |it: &&Finding| it.decision.action == Action::Quarantine;
        if let Some(finding) = held.iter().find(moved) {
            let kept = self.quarantine.kept(&finding.id).await;
            kept.map_err(|error| Obstacle::Store(error.to_string()))?;
        }
        Ok(())
    }

    /// What others have switched; asked again every few seconds.
    async fn switched(&self, asked: &mut Option<Instant>) -> Result<(), Obstacle> {
        if asked.is_some_and(|at| at.elapsed() < SWITCHES) {
            return Ok(());
        }
        let positions = self.switches.read().await;
        let positions = positions.map_err(|error| Obstacle::Switches(error.to_string()))?;
        *asked = Some(Instant::now());
        match positions {
            Positions { halt: Some(_), .. } => Err(Obstacle::Paused),
            Positions { breaker, .. } if breaker.open_since.is_some() => Err(Obstacle::Open),
            Positions { .. } => Ok(()),
        }
    }

    /// The guards of the service, with what is known here.
    fn guards(&self, held: &[Finding]) -> Guards {
        let guarded = if self.guarded.is_empty() {
            held.iter().filter_map(Finding::bucket).cloned().collect()
        } else {
            self.guarded.clone()
        };
        Guards::new(Mode::Enforce, guarded, self.own.iter().cloned())
    }

    /// Carries out `held`, at most so many a minute, until all are done or `stop`, as long as
    /// nobody pauses the service and the breaker stays closed; `seen` is shown each. What has begun
    /// at a stop is finished and told.
    pub async fn run(
        &self,
        held: Vec<Finding>,
        per_minute: NonZeroU32,
        stop: &CancellationToken,
        mut seen: impl FnMut(&Entry),
    ) -> Report {
        let mut report = Report::default();
        let guards = self.guards(&held);
        let mut asked = None;
        let mut telling = JoinSet::new();
        let mut pace = tokio::time::interval(Duration::from_secs(60) / per_minute.get());
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut held = held.into_iter();
        for finding in held.by_ref() {
            let stopped = tokio::select! {
                biased;
                () = stop.cancelled() => true,
                _ = pace.tick() => false,
            };
            if stopped {
                report.left.push(finding);
                break;
            }
            if let Err(obstacle) = self.switched(&mut asked).await {
                report.obstacle = Some(obstacle);
                report.left.push(finding);
                break;
            }
            let (applied, acted) = self.apply(&finding, &guards).await;
            if let Some(acted) = acted {
                let (announcer, ledger) = (self.announcer.clone(), Arc::clone(&self.ledger));
                let clock = Arc::clone(&self.clock);
                telling.spawn(async move { tell(acted, &announcer, &*ledger, &*clock).await });
            }
            // What is refused once is refused to the next as well, and each would be begun.
            let refused = match &applied {
                Applied::Refused(why) => Some(Obstacle::Refused(refusal(*why).to_owned())),
                Applied::Barred(why) => Some(Obstacle::Store(why.clone())),
                _ => None,
            };
            let entry = Entry { finding, applied };
            seen(&entry);
            report.entries.push(entry);
            if refused.is_some() {
                report.obstacle = refused;
                break;
            }
        }
        report.left.extend(held);
        self.last_alerts(&mut telling, &mut report).await;
        report
    }

    async fn last_alerts(&self, telling: &mut JoinSet<bool>, report: &mut Report) {
        if telling.is_empty() {
            return;
        }
        let until = Instant::now() + LAST_ALERTS;
        self.announcer.flush(until).await;
        while !telling.is_empty() {
            match tokio::time::timeout_at(until, telling.join_next()).await {
                Ok(Some(Ok(true))) => {}
                Ok(Some(Ok(false))) => report.untold += 1,
                Ok(Some(Err(panicked))) => std::panic::resume_unwind(panicked.into_panic()),
                Ok(None) => break,
                Err(_) => {
                    report.untold += telling.len();
                    telling.abort_all();
                    break;
                }
            }
        }
    }

    /// One held finding; with the acted finding, where it is to be told.
    async fn apply(&self, held: &Finding, guards: &Guards) -> (Applied, Option<Finding>) {
        let intent = match self.taken_up(held, guards).await {
            Ok(Ok(intent)) => intent,
            Ok(Err(skip)) => return (Applied::Skipped(skip), None),
            Err(error) => return (Applied::Failed(error.to_string()), None),
        };
        let outcome = match self.remove(intent.finding()).await {
            Ok(outcome) => outcome,
            Err(error @ StoreError::Refused(_)) => {
                return (Applied::Barred(error.to_string()), None);
            }
            Err(error) => return (Applied::Begun(error.to_string()), None),
        };
        // It says what these credentials may, and nothing of what the service may: an outcome would
        // end the finding.
        if let Outcome::Blocked { why } = outcome
            && matches!(why, Why::AccessDenied | Why::KeyDenied)
        {
            return (Applied::Refused(why), None);
        }
        let acted = intent.acted(outcome, self.clock.now());
        match self.recorded(acted).await {
            Ok(Ok(acted)) => (Applied::Acted(outcome), Some(acted)),
            Ok(Err(others)) => (others, None),
            Err(error) => (Applied::Begun(error.to_string()), None),
        }
    }

    /// The acted finding, written down, or what somebody else has made of the same intent: whoever
    /// comes second finds the object gone, or in the quarantine.
    async fn recorded(&self, acted: Finding) -> Result<Result<Finding, Applied>, LedgerError> {
        self.ledger.advance(&acted).await?;
        if !matches!(
            acted.outcome,
            Some(Outcome::AlreadyGone | Outcome::Quarantined)
        ) {
            return Ok(Ok(acted));
        }
        let stored = self.ledger.find(&acted.id, acted.date()).await?;
        let stored = stored.filter(|stored| {
            stored.revision >= acted.revision
                && stored.state > State::Intent
                && (stored.outcome != acted.outcome || stored.state == State::Announced)
        });
        Ok(match stored.and_then(|stored| stored.outcome) {
            Some(outcome) => Err(Applied::Acted(outcome)),
            None => Ok(acted),
        })
    }

    /// The durable intent of the next round, if it is still to be done.
    async fn taken_up(
        &self,
        held: &Finding,
        guards: &Guards,
    ) -> Result<Result<Intent, Skip>, LedgerError> {
        let Some(now) = self.ledger.find(&held.id, held.date()).await? else {
            return Ok(Err(Skip::InHand));
        };
        let same = now.revision == held.revision
            && now.outcome == Some(Outcome::Held)
            && now.decision.mode == Mode::Enforce
            && now.decision.action.removes()
            && pinned(&now) == pinned(held);
        if !same {
            return Ok(Err(Skip::InHand));
        }
        if guards.before(&now.decision, pinned(&now)) != Gate::Go {
            return Ok(Err(Skip::NotGuarded));
        }
        if now.state != State::Announced {
            return Ok(Err(Skip::Untold));
        }
        if let Some(content) = now.content()
            && self.allowances.find(&content).await?.is_some()
        {
            return Ok(Err(Skip::Allowed));
        }
        // Decided anew, now: what is open and young is left to whoever began it.
        let times = (now.times.happened_at, self.clock.now());
        let intent = Intent::new(now.identity, now.case, now.decision, times);
        Ok(match self.ledger.begin(intent).await? {
            Begun::Fresh(intent) => Ok(intent),
            Begun::Resumed(_) | Begun::Finished(_) => Err(Skip::InHand),
        })
    }

    async fn remove(&self, finding: &Finding) -> Result<Outcome, StoreError> {
        let Some((case, object)) = finding
            .object()
            .and_then(|case| Some((case, case.subject.object.as_ref()?)))
        else {
            return Ok(Outcome::Kept);
        };
        let quarantine = finding.decision.action == Action::Quarantine;
        let removed = if quarantine {
            let sha256 = case.subject.sha256.as_deref();
            self.store.quarantine(object, &finding.id, sha256).await?
        } else {
            self.store.remove(object).await?
        };
        Ok(Outcome::of_removal(removed, quarantine))
    }
}

/// Tells of a finding and writes it down; `false`: the service tells it later.
async fn tell(
    acted: Finding,
    announcer: &Announcer,
    ledger: &dyn Ledger,
    clock: &dyn Clock,
) -> bool {
    let publication = match announcer.submit(&acted).await {
        Ok(publication) => Some(publication.0),
        Err(TellError::NothingToTell) => None,
        Err(_) => return false,
    };
    let told = acted.announced(publication, clock.now());
    ledger.advance(&told).await.is_ok()
}

const fn refusal(why: Why) -> &'static str {
    match why {
        Why::KeyDenied => "no permission for an encryption key",
        _ => "no permission",
    }
}

fn pinned(finding: &Finding) -> Option<&ObjectRef> {
    finding.object()?.subject.object.as_ref()
}
