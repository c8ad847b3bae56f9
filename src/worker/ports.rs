//! What the worker is given, and what it tells those who watch it.

use std::sync::Arc;
use std::time::Duration;

use super::vitals::Vitals;
use crate::action::{Breaker, Guards, Policy};
use crate::alert::Announcer;
use crate::clock::Clock;
use crate::event::{Activity, Delivery, Filter, Queue, Upload};
use crate::object::{Mark, ObjectStore, Tagged};
use crate::record::{Allowances, Finding, Ledger, Switches};
use crate::retry::{Jitter, Reason};
use crate::shutdown::protection::Protection;
use crate::verdict::threat::{Assessment, Assessor};
use crate::verdict::{Inspection, Inspector};

/// Everything that a worker is built from. All of it is shared with nobody's secrets in it.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Where messages come from.
    pub queue: Arc<dyn Queue>,
    /// Where security events come from, if they have a queue of their own. Uploads, the budget, the
    /// breaker and the judge never stop it.
    pub events: Option<Arc<dyn Queue>>,
    /// Where objects are changed.
    pub store: Arc<dyn ObjectStore>,
    /// Where findings are kept.
    pub ledger: Arc<dyn Ledger>,
    /// What people have allowed.
    pub allowances: Arc<dyn Allowances>,
    /// Who looks at objects.
    pub inspector: Arc<Inspector>,
    /// Who assesses activities; without one they are parked.
    pub assessor: Option<Arc<Assessor>>,
    /// Who tells people.
    pub announcer: Announcer,
    /// Which uploads are looked at.
    pub filter: Filter,
    /// What is done about a verdict.
    pub policy: Policy,
    /// The last questions before an act.
    pub guards: Guards,
    /// Stops a run of removals.
    pub breaker: Arc<Breaker>,
    /// What operators switch, and what all tasks agree on.
    pub switches: Arc<dyn Switches>,
    /// Where the worker's signs of life are shown.
    pub vitals: Vitals,
    /// Who is asked not to stop us while a finding is open in our hands.
    pub protection: Protection,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// The chance in waiting times.
    pub jitter: Jitter,
    /// Who watches.
    pub observer: Arc<dyn Observer>,
}

/// Sees what the worker does, as it does it: a terminal, counters. Its methods must not block.
pub trait Observer: Send + Sync + std::fmt::Debug {
    /// A message was received.
    fn received(&self, _delivery: &Delivery) {}

    /// A judgement is about to begin.
    fn started(&self, _upload: &Upload) {}

    /// An object was looked at, whatever came of it.
    fn inspected(&self, _upload: &Upload, _inspection: &Inspection) {}

    /// An object was looked at and needs no finding that is told: clean, missing, superseded.
    fn looked(&self, _upload: &Upload, _inspection: &Inspection) {}

    /// A finding came to its outcome.
    fn acted(&self, _finding: &Finding) {}

    /// A finding was announced.
    fn announced(&self, _finding: &Finding) {}

    /// An upload was not looked at, by settings or because the same work was already done.
    fn passed_over(&self, _upload: &Upload, _code: &'static str) {}

    /// An activity was assessed.
    fn assessed(&self, _activity: &Activity, _assessment: &Assessment) {}

    /// An activity was not assessed: it is our own, nothing speaks of it, or the same was done.
    fn activity_passed_over(&self, _activity: &Activity, _code: &'static str) {}

    /// A message is off the queue.
    fn acknowledged(&self) {}

    /// A message was parked.
    fn parked(&self, _reason: &Reason) {}

    /// A message went back to the queue.
    fn released(&self, _code: &'static str) {}

    /// So many findings are begun and not announced; `oldest` is the age of the oldest. Told at
    /// start and every minute.
    fn open_findings(&self, _count: usize, _oldest: Duration) {}

    /// A verdict tag was to be set.
    fn tagged(&self, _mark: Mark, _tagged: Tagged) {}

    /// A fault stopped the service from taking work (`Some`: why), or it is mended.
    fn paused(&self, _why: Option<&str>) {}

    /// No work is taken for a while, through nobody's fault; `wait` is the name of the wait.
    fn deferred(&self, _wait: &'static str, _after: Duration) {}

    /// An operator has told all tasks to take no work, or to go on.
    fn halted(&self, _halted: bool) {}
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {}
