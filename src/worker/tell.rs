//! Telling: an acted finding becomes an announced one.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Settlement, WorkError};
use super::lease::{Lease, LeaseEnd};
use super::ports::Parts;
use crate::alert::TellError;
use crate::record::Finding;

/// Hands findings to the announcer and writes down that they were told.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    parts: Arc<Parts>,
    settling: Arc<Semaphore>,
}

impl Teller {
    /// At most `settling` messages wait for alerts at once.
    pub(crate) fn new(parts: Arc<Parts>, settling: usize) -> Self {
        Self {
            parts,
            settling: Arc::new(Semaphore::new(settling.max(1))),
        }
    }

    /// A place among those that wait for alerts.
    pub(crate) async fn place(&self) -> OwnedSemaphorePermit {
        let place = Arc::clone(&self.settling).acquire_owned().await;
        place.expect("the places are never closed")
    }

    /// Tells findings on behalf of a message. On `Err` some may be told; they stay `acted` and are
    /// told again later, never judged again.
    pub(crate) async fn tell(
        &self,
        findings: Vec<Finding>,
        lease: &Lease,
    ) -> Result<(), Settlement> {
        tokio::select! {
            // First, so that what is handed over is handed over, however late it is.
            biased;
            told = self.announce(findings) => told.map_err(|error| {
                let (_, code) = error.sorted();
                tracing::warn!(error.code = code, %error, "not told yet");
                Settlement::Release(code)
            }),
            end = lease.over() => Err(match end {
                LeaseEnd::Lost => Settlement::Forget,
                LeaseEnd::HeldTooLong => Settlement::Release("alert_held_too_long"),
            }),
        }
    }

    /// Tells findings and writes it down.
    pub(crate) async fn announce(&self, findings: Vec<Finding>) -> Result<(), WorkError> {
        let told = findings.into_iter().map(|finding| async move {
            let publication = match self.parts.announcer.submit(&finding).await {
                Ok(publication) => Some(publication.0),
                // Acted on, to be remembered only, and not written down as such: a kill in between.
                Err(TellError::NothingToTell) => None,
                Err(error) => return Err(error.into()),
            };
            let told = finding.announced(publication, self.parts.clock.now());
            self.parts.ledger.advance(&told).await?;
            self.parts.observer.announced(&told);
            Ok::<(), WorkError>(())
        });
        futures::future::try_join_all(told).await.map(drop)
    }
}
