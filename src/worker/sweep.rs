//! What no message will ever finish is finished from the records.
//!
//! A task that is killed between intent and announcement leaves a message that usually comes again.
//! Usually: its retention may end, somebody may purge the queue. So at start and every minute the
//! open findings are looked through, and those that nobody can be working on any more are brought
//! to their end.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::enforce::{Enforcer, Standing};
use super::error::WorkError;
use super::inflight::InFlight;
use super::intact::matters;
use super::pause::Pause;
use super::ports::Parts;
use super::tell::Teller;
use crate::record::{Finding, State};
use crate::retry::Reaction;
use crate::retry::Reacts;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FINDING_ID};

/// How often the records are looked through.
const EVERY: Duration = Duration::from_secs(60);

/// How many open findings one look takes; what is beyond waits for the next.
const AT_ONCE: usize = 1000;

/// How many are finished side by side: each is a handful of calls, and every task sweeps.
const SIDE_BY_SIDE: usize = 16;

/// Finishes what was left open.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    pub(crate) parts: Arc<Parts>,
    pub(crate) enforcer: Enforcer,
    pub(crate) teller: Teller,
    pub(crate) in_flight: InFlight,
    pub(crate) pause: Pause,
    /// Younger ones may still be in somebody's hands.
    pub(crate) after: Duration,
}

impl Sweeper {
    /// Sweeps as soon as it is `known` whether an operator wants it, and then every minute, until
    /// asked to stop.
    pub(crate) async fn run(&self, known: CancellationToken, stop: CancellationToken) {
        tokio::select! {
            () = known.cancelled() => {}
            () = stop.cancelled() => return,
        }
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut turn = 0_usize;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            match self.parts.ledger.open(AT_ONCE).await {
                Ok(open) => {
                    self.report(&open);
                    // Who halts the service wants no removals that no message asks for.
                    if !self.pause.is_halted() {
                        self.sweep(open, turn, &stop).await;
                        turn = turn.wrapping_add(1);
                    }
                }
                Err(error) => tracing::warn!(
                    { ERROR_CODE } = error.code(),
                    { ERROR_DETAIL } = %error,
                    "open findings not read"
                ),
            }
        }
    }

    fn report(&self, open: &[Finding]) {
        let now = self.parts.clock.now();
        let ages = open.iter().map(|finding| {
            let age = now.duration_since(finding.times.judged_at);
            Duration::try_from(age).unwrap_or_default()
        });
        let oldest = ages.max().unwrap_or_default();
        self.parts.vitals.open_findings(open.len(), oldest);
        self.parts.observer.open_findings(open.len(), oldest);
    }

    async fn sweep(&self, open: Vec<Finding>, turn: usize, stop: &CancellationToken) {
        let now = self.parts.clock.now();
        let due = open.into_iter().filter(|finding| {
            let age = now.duration_since(finding.times.judged_at);
            Duration::try_from(age).is_ok_and(|age| age >= self.after)
        });
        let (events, mut objects): (Vec<_>, Vec<_>) =
            due.partition(|finding| finding.activity().is_some());
        // While a fault stands, one object is a probe and a thousand would be a burden; each time
        // another, since one may be stuck for a reason of its own. Events need little, and what is
        // untold of them does not wait behind objects.
        if self.pause.is_faulty() && !objects.is_empty() {
            let probe = turn % objects.len();
            objects = objects.into_iter().skip(probe).take(1).collect();
        }
        let due = futures::stream::iter(events.into_iter().chain(objects));
        let finishing = due.for_each_concurrent(SIDE_BY_SIDE, |finding| async move {
            let id = finding.id;
            if let Err(error) = self.finish(finding, stop).await {
                if let Reaction::Stop(why) = error.sorted().0 {
                    self.pause.fault(error.needed(), error.sorted().1, &why);
                }
                tracing::warn!(
                    { FINDING_ID } = %id,
                    { ERROR_CODE } = error.sorted().1,
                    { ERROR_DETAIL } = %error,
                    "open finding not finished, tried again"
                );
            }
        });
        finishing.await;
    }

    async fn finish(&self, open: Finding, stop: &CancellationToken) -> Result<(), WorkError> {
        let Ok(leader) = self.in_flight.try_lead(open.id) else {
            return Ok(());
        };
        // Read again: somebody may have finished it since the listing.
        let Some(finding) = self.parts.ledger.find(&open.id, open.date()).await? else {
            return Ok(());
        };
        let _open = matters(&finding).then(|| self.parts.protection.hold());
        let acted = match finding.clone().into_intent() {
            Some(intent) if !stop.is_cancelled() => {
                self.enforcer.finish(intent, Standing::Records).await?
            }
            Some(_) => return Ok(()),
            None => finding,
        };
        if acted.state == State::Acted {
            self.teller.announce(&acted).await?;
        }
        leader.settled();
        Ok(())
    }
}
