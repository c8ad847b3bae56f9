//! What no message will ever finish is finished from the records.
//!
//! A task that is killed between intent and announcement leaves a message that usually comes again.
//! Usually: its retention may end, somebody may purge the queue. So at start and every minute the
//! open findings are looked through, and those that nobody can be working on any more are brought
//! to their end.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::enforce::{Enforcer, Standing};
use super::error::WorkError;
use super::inflight::InFlight;
use super::ports::Parts;
use super::tell::Teller;
use crate::record::{Finding, State};

/// How often the records are looked through.
const EVERY: Duration = Duration::from_secs(60);

/// How many open findings one look takes; what is beyond waits for the next.
const AT_ONCE: usize = 1000;

/// Finishes what was left open.
#[derive(Clone, Debug)]
pub(crate) struct Sweeper {
    pub(crate) parts: Arc<Parts>,
    pub(crate) enforcer: Enforcer,
    pub(crate) teller: Teller,
    pub(crate) in_flight: InFlight,
    /// Younger ones may still be in somebody's hands.
    pub(crate) after: Duration,
}

impl Sweeper {
    /// Sweeps at once and then every minute, until asked to stop.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            match self.parts.ledger.open(AT_ONCE).await {
                Ok(open) => self.sweep(open, &stop).await,
                Err(error) => tracing::warn!(%error, "open findings not read"),
            }
        }
    }

    async fn sweep(&self, open: Vec<Finding>, stop: &CancellationToken) {
        let now = self.parts.clock.now();
        let due = open.into_iter().filter(|finding| {
            let age = now.duration_since(finding.times.judged_at);
            Duration::try_from(age).is_ok_and(|age| age >= self.after)
        });
        let finishing = due.map(|finding| async move {
            let id = finding.id;
            if let Err(error) = self.finish(finding, stop).await {
                tracing::warn!(finding.id = %id, %error, "open finding not finished, tried again");
            }
        });
        futures::future::join_all(finishing).await;
    }

    async fn finish(&self, open: Finding, stop: &CancellationToken) -> Result<(), WorkError> {
        let Ok(leader) = self.in_flight.try_lead(open.id) else {
            return Ok(());
        };
        // Read again: somebody may have finished it since the listing.
        let Some(finding) = self.parts.ledger.find(&open.id, open.date()).await? else {
            return Ok(());
        };
        let acted = match finding.clone().into_intent() {
            Some(intent) if !stop.is_cancelled() => {
                self.enforcer.finish(intent, Standing::Records).await?
            }
            Some(_) => return Ok(()),
            None => finding,
        };
        if acted.state == State::Acted {
            self.teller.announce(vec![acted]).await?;
        }
        leader.settled();
        Ok(())
    }
}
