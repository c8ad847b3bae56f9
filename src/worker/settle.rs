//! Messages leave our hands: acknowledged in batches, released with a delay, parked.
//!
//! Acknowledging comes last and is safe to lose: a message that comes again finds its findings
//! announced and is acknowledged then. So a batch that fails is tried a few times and then left to
//! the queue, while the leases of its messages are kept until the batch is through.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::error::Settlement;
use super::lease::Lease;
use super::ports::Observer;
use crate::event::{Delivery, EntryError, Queue, Receipt};
use crate::retry::{Backoff, Jitter, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, PARK_REASON, RETRY_AFTER_MILLIS};

/// How long an acknowledgement waits for others to share its call. Longer saves calls, shorter
/// frees leases sooner; a tenth of a second is not seen by anyone.
const GATHER: Duration = Duration::from_millis(100);

/// The largest batch (SQS: `DeleteMessageBatch`, at most ten entries).
const BATCH: usize = 10;

/// The longest delay of a message that is given back. SQS refuses more than what is left of 12 h
/// from the receive (Amazon SQS API reference, `ChangeMessageVisibility`); an hour covers the time
/// in hand.
const LONGEST_DELAY: Duration = Duration::from_secs(11 * 3600);

/// Tries of one batch before it is left to the queue.
const TRIES: u32 = 4;

/// Settles messages.
#[derive(Clone, Debug)]
pub(crate) struct Settler {
    queue: Arc<dyn Queue>,
    observer: Arc<dyn Observer>,
    jitter: Jitter,
    acks: mpsc::Sender<Lease>,
}

impl Settler {
    /// A settler, and the acknowledger that has to be run beside it: it ends when the last settler
    /// is dropped and everything is through.
    pub(crate) fn new(
        queue: Arc<dyn Queue>,
        observer: Arc<dyn Observer>,
        jitter: Jitter,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (acks, inbox) = mpsc::channel(1024);
        let run = acknowledge(
            Arc::clone(&queue),
            Arc::clone(&observer),
            jitter.clone(),
            inbox,
        );
        (
            Self {
                queue,
                observer,
                jitter,
                acks,
            },
            run,
        )
    }

    /// Takes one message off our hands.
    pub(crate) async fn settle(&self, delivery: &Delivery, lease: Lease, settlement: Settlement) {
        match settlement {
            Settlement::Ack => self.ack(lease).await,
            Settlement::Forget => drop(lease),
            Settlement::Release(code) => {
                let delay = release_delay(delivery, code, &self.jitter);
                self.release(&lease, code, delay).await;
            }
            Settlement::Defer { code, after } => {
                self.release(&lease, code, after.min(LONGEST_DELAY)).await;
            }
            Settlement::Park(reason) => {
                if let Err(error) = self.queue.park(delivery, &reason).await {
                    tracing::warn!(
                        { ERROR_CODE } = error.code(),
                        { ERROR_DETAIL } = %error,
                        "message not parked"
                    );
                    let delay = release_delay(delivery, "park_failed", &self.jitter);
                    self.release(&lease, "park_failed", delay).await;
                    return;
                }
                tracing::warn!({ PARK_REASON } = %reason, "message parked");
                self.observer.parked(&reason);
            }
        }
    }

    async fn ack(&self, lease: Lease) {
        // The acknowledger runs as long as we do; without it the message merely comes again.
        if self.acks.send(lease).await.is_err() {
            tracing::warn!("no acknowledger is running: the message will come again");
        }
    }

    /// Gives a message back; where that fails the lease runs out.
    async fn release(&self, lease: &Lease, code: &'static str, delay: Duration) {
        let results = self.queue.extend(&[(lease.receipt().clone(), delay)]).await;
        if let Some(Err(EntryError::Failed(why))) = results.first() {
            tracing::warn!({ ERROR_DETAIL } = why, "message not released");
        }
        tracing::debug!(
            { ERROR_CODE } = code,
            { RETRY_AFTER_MILLIS } = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
            "message released"
        );
        self.observer.released(code);
    }
}

/// Shutting down gives back at once: another task is ready for it. Anything else waits, longer the
/// more often it came and half of the delay by chance, so that messages that failed together do not
/// come back together.
fn release_delay(delivery: &Delivery, code: &'static str, jitter: &Jitter) -> Duration {
    if code == "shutdown" {
        return Duration::ZERO;
    }
    let attempt = delivery.receive_count.saturating_sub(1);
    Backoff::MESSAGE.wait_at_least_half(attempt, jitter.unit())
}

async fn acknowledge(
    queue: Arc<dyn Queue>,
    observer: Arc<dyn Observer>,
    jitter: Jitter,
    mut inbox: mpsc::Receiver<Lease>,
) {
    while let Some(first) = inbox.recv().await {
        let mut batch = vec![first];
        let until = Instant::now() + GATHER;
        while batch.len() < BATCH {
            match tokio::time::timeout_at(until, inbox.recv()).await {
                Ok(Some(lease)) => batch.push(lease),
                Ok(None) | Err(_) => break,
            }
        }
        for _acknowledged in 0..ack_batch(queue.as_ref(), &jitter, batch).await {
            observer.acknowledged();
        }
    }
}

/// How many of a batch are off the queue.
async fn ack_batch(queue: &dyn Queue, jitter: &Jitter, mut batch: Vec<Lease>) -> usize {
    let mut done = 0;
    for attempt in 0..TRIES {
        let receipts: Vec<Receipt> = batch.iter().map(|lease| lease.receipt().clone()).collect();
        let results = queue.ack(&receipts).await;
        let mut failed = Vec::new();
        for (lease, result) in batch.into_iter().zip(results) {
            match result {
                // A lease that is over: the message comes again and is acknowledged then.
                Ok(()) | Err(EntryError::Gone) => done += 1,
                Err(EntryError::Failed(why)) => {
                    tracing::warn!({ ERROR_DETAIL } = why, "message not acknowledged");
                    failed.push(lease);
                }
            }
        }
        batch = failed;
        if batch.is_empty() {
            return done;
        }
        tokio::time::sleep(Backoff::SERVICE.wait(attempt, jitter.unit())).await;
    }
    done
}
