//! Telling: an acted finding becomes an announced one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::error::{Settlement, WorkError};
use super::lease::{Lease, LeaseEnd};
use super::pause::{Needed, PROBE, Pause};
use super::ports::Parts;
use crate::alert::TellError;
use crate::record::Finding;
use crate::retry::Reaction;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// Hands findings to the announcer and writes down that they were told.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    parts: Arc<Parts>,
    pause: Pause,
    settling: Arc<Semaphore>,
}

impl Teller {
    /// At most `settling` messages wait for alerts at once.
    pub(crate) fn new(parts: Arc<Parts>, pause: Pause, settling: usize) -> Self {
        Self {
            parts,
            pause,
            settling: Arc::new(Semaphore::new(settling.max(1))),
        }
    }

    /// A place among those that wait for alerts.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.settling).acquire_owned().await;
        place.expect("the places are never closed")
    }

    /// Tells findings on behalf of a message. On `Err` some may be told; the others stay `acted`
    /// and are told later, never judged again. Where a carrier or the records refuse for good, the
    /// message stays in hand: giving it back would burn its receives.
    pub(crate) async fn tell(
        &self,
        mut findings: Vec<Finding>,
        lease: &Lease,
        stop: &CancellationToken,
    ) -> Result<(), Settlement> {
        let mut attempt = 0;
        loop {
            let told = tokio::select! {
                // First, so that what is handed over is handed over, however late it is.
                biased;
                told = self.announce_all(findings) => told,
                end = lease.over() => return Err(over(end, "alert_held_too_long")),
            };
            let Err((untold, error)) = told else {
                return Ok(());
            };
            let (reaction, code) = error.sorted();
            tracing::warn!(
                { ERROR_CODE } = code,
                { ERROR_DETAIL } = %error,
                "not told yet"
            );
            let Reaction::Stop(why) = reaction else {
                return Err(Settlement::Release(code));
            };
            self.pause.fault(error.needed(), code, &why);
            findings = untold;
            tokio::select! {
                () = tokio::time::sleep(PROBE.wait(attempt, 1.0)) => {}
                () = stop.cancelled() => return Err(Settlement::Release("shutdown")),
                end = lease.over() => return Err(over(end, code)),
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// Tells findings side by side; what comes back as an error are those not told, and why the
    /// first of them was not.
    async fn announce_all(&self, findings: Vec<Finding>) -> Result<(), (Vec<Finding>, WorkError)> {
        let telling = findings.into_iter().map(|finding| async move {
            let told = self.announce(&finding).await;
            told.map_err(|error| (finding, error))
        });
        let told = futures::future::join_all(telling).await;
        let mut untold = told.into_iter().filter_map(Result::err);
        let Some((first, error)) = untold.next() else {
            return Ok(());
        };
        let others = untold.map(|(finding, _)| finding);
        Err((std::iter::once(first).chain(others).collect(), error))
    }

    /// Tells a finding and writes it down.
    pub(crate) async fn announce(&self, finding: &Finding) -> Result<(), WorkError> {
        let publication = match self.parts.announcer.submit(finding).await {
            Ok(publication) => {
                self.pause.succeeded(Needed::Carrier);
                Some(publication.0)
            }
            // Acted on, to be remembered only, and not written down as such: a kill in between.
            Err(TellError::NothingToTell) => None,
            Err(error) => return Err(error.into()),
        };
        let told = finding
            .clone()
            .announced(publication, self.parts.clock.now());
        self.parts.ledger.advance(&told).await?;
        self.pause.succeeded(Needed::Records);
        self.parts.observer.announced(&told);
        Ok(())
    }
}

/// A message whose lease is over while it waits for its alert.
const fn over(end: LeaseEnd, code: &'static str) -> Settlement {
    match end {
        LeaseEnd::Lost => Settlement::Forget,
        LeaseEnd::HeldTooLong => Settlement::Release(code),
    }
}
