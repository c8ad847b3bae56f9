//! Keeps this task and the fleet of one mind about what is switched: the halt and the breaker.
//!
//! The switches lie beside the records, so a restart does not forget them and all tasks see them.
//! They are read before the first poll (a task that does not know whether it may take work takes
//! none) and every few seconds afterwards. Later failures keep the positions last known: records
//! that cannot be reached fail the work itself soon enough.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::notices::Notice;
use super::pause::{Needed, Pause};
use super::ports::Parts;
use crate::record::{FleetBreaker, LedgerError};
use crate::retry::{Backoff, Reaction, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FAILURE_COUNT};

/// How often the switches are read: soon after an operator's word, and 12 small reads a minute.
const EVERY: Duration = Duration::from_secs(5);

/// Follows the switches.
#[derive(Clone, Debug)]
pub(crate) struct Steward {
    pub(crate) parts: Arc<Parts>,
    pub(crate) pause: Pause,
    /// Cancelled when the positions are known: work may begin.
    pub(crate) known: CancellationToken,
}

impl Steward {
    /// Follows until told to stop: after the work has drained, not before, since work in hand may
    /// open the breaker.
    pub(crate) async fn run(&self, until: CancellationToken) {
        let mut failures = 0_u32;
        loop {
            if let Some(why) = self.parts.vitals.take_suspicion() {
                self.pause.fault(Needed::Judge, "detector_unusable", &why);
            }
            match self.look().await {
                Ok(()) => {
                    if failures > 0 {
                        tracing::info!({ FAILURE_COUNT } = failures, "switches read again");
                        self.pause.succeeded(Needed::Records);
                    }
                    failures = 0;
                    self.parts.vitals.ready();
                    self.known.cancel();
                }
                Err(error) => {
                    self.failed(&error, failures);
                    failures = failures.saturating_add(1);
                }
            }
            let wait = if self.known.is_cancelled() {
                EVERY
            } else {
                Backoff::SERVICE.wait_at_least_half(failures, self.parts.jitter.unit())
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.parts.breaker.opened() => {}
                () = until.cancelled() => return,
            }
        }
    }

    /// Reads the switches and follows them; tells the fleet when the breaker is open here alone.
    pub(crate) async fn look(&self) -> Result<(), LedgerError> {
        let (switches, breaker) = (&self.parts.switches, &self.parts.breaker);
        let positions = switches.read().await?;
        self.pause.halt(positions.halt.is_some());
        self.follow(positions.breaker);
        let ours = breaker.state();
        if let Some(since) = ours.open_since
            && positions.breaker.open_since.is_none()
        {
            let fleet = switches.open_breaker(ours.generation, since).await?;
            // Of several tasks whose breakers open together, one has opened that of the fleet.
            if fleet.generation == ours.generation && fleet.open_since == Some(since) {
                self.pause.say(Notice::BreakerOpen);
            }
            self.follow(fleet);
        }
        Ok(())
    }

    fn follow(&self, fleet: FleetBreaker) {
        let before = self.parts.breaker.state();
        self.parts
            .breaker
            .follow(fleet.generation, fleet.open_since);
        let after = self.parts.breaker.state();
        if after.generation != before.generation {
            tracing::info!("the breaker was reset: removals are carried out again");
        }
        if after.open_since.is_some() && before.open_since.is_none() {
            tracing::warn!("the breaker is open: removals are held until an operator resets it");
        }
    }

    /// Said once for each row of failures.
    fn failed(&self, error: &LedgerError, failures: u32) {
        if failures > 0 {
            return;
        }
        tracing::warn!(
            { ERROR_CODE } = error.code(),
            { ERROR_DETAIL } = %error,
            "switches not read: they are taken to stand as they last did"
        );
        // Before the first look it holds everything up, so people are told.
        let why = match error.reaction() {
            Reaction::Stop(why) => why,
            // A switch that cannot be read does not mend itself either.
            Reaction::Park(reason) => reason.detail,
            _ => return,
        };
        if !self.known.is_cancelled() {
            self.pause.fault(Needed::Records, error.code(), &why);
        }
    }
}
