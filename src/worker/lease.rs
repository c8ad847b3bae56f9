//! Leases: a message stays ours while we work on it, and only then.
//!
//! One keeper extends all leases in batches, each at half of its life, from the moment of receive.
//! It never gives one back by itself: a [`Lease`] that is dropped only ends its heartbeat, and
//! acknowledging, releasing and parking are explicit acts of whoever holds it.
//!
//! No message is held longer than `held_at_most`: queues bound the total themselves (SQS: 12 hours
//! from the first receive), and work that takes that long is better handed back with a delay.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::event::{EntryError, Queue, Receipt};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// Why a lease is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseEnd {
    /// It ran out or was taken away: the message is somebody else's now. No call about it may be
    /// made any more.
    Lost,
    /// We have held it for as long as we hold anything: it is to be released with a delay.
    HeldTooLong,
}

#[derive(Debug)]
struct Held {
    receipt: Receipt,
    received: Instant,
    until: Instant,
    over: watch::Sender<Option<LeaseEnd>>,
}

/// Extends the leases that are held.
#[derive(Debug)]
pub(crate) struct LeaseKeeper {
    queue: Arc<dyn Queue>,
    visibility: Duration,
    held_at_most: Duration,
    held: Mutex<HashMap<Receipt, Held>>,
}

impl LeaseKeeper {
    pub(crate) fn new(queue: Arc<dyn Queue>, held_at_most: Duration) -> Arc<Self> {
        let visibility = queue.visibility();
        Arc::new(Self {
            queue,
            visibility,
            held_at_most,
            held: Mutex::default(),
        })
    }

    /// Takes a lease under its care; `received` is when the receive was **called**, so that the
    /// time of the answer's travel is on the safe side.
    pub(crate) fn hold(self: &Arc<Self>, receipt: Receipt, received: Instant) -> Lease {
        let (over, watch) = watch::channel(None);
        let until = received + self.visibility;
        let held = Held {
            receipt: receipt.clone(),
            received,
            until,
            over,
        };
        self.lock().insert(receipt.clone(), held);
        Lease {
            keeper: Arc::clone(self),
            receipt,
            over: watch,
        }
    }

    /// Keeps leases until told to stop: after the last one was dropped, not before.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        // A quarter of the visibility: a lease is seen at least once between half and full life,
        // and a failed extension has another chance.
        let mut beat = tokio::time::interval((self.visibility / 4).max(Duration::from_millis(50)));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beat.tick() => self.beat().await,
            }
        }
    }

    async fn beat(&self) {
        let now = Instant::now();
        let mut due = Vec::new();
        for held in self.lock().values() {
            if held.over.borrow().is_some() {
                continue;
            }
            if held.until <= now {
                held.over.send_replace(Some(LeaseEnd::Lost));
            } else if held.received + self.held_at_most <= now {
                held.over.send_replace(Some(LeaseEnd::HeldTooLong));
            } else if held.until.saturating_duration_since(now) <= self.visibility / 2 {
                due.push((held.receipt.clone(), self.visibility));
            }
        }
        if due.is_empty() {
            return;
        }
        let results = self.queue.extend(&due).await;
        let mut leases = self.lock();
        for ((receipt, _), result) in due.iter().zip(results) {
            let Some(held) = leases.get_mut(receipt) else {
                continue;
            };
            match result {
                Ok(()) => held.until = now + self.visibility,
                Err(EntryError::Gone) => {
                    held.over.send_replace(Some(LeaseEnd::Lost));
                }
                // The next beat tries again; if none succeeds the lease runs out by the clock.
                Err(EntryError::Failed(why)) => {
                    tracing::warn!(
                        { ERROR_CODE } = "extend_failed",
                        { ERROR_DETAIL } = why,
                        "lease not extended"
                    );
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Receipt, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One message that is ours. Dropping it only ends the heartbeat.
#[derive(Debug)]
pub(crate) struct Lease {
    keeper: Arc<LeaseKeeper>,
    receipt: Receipt,
    over: watch::Receiver<Option<LeaseEnd>>,
}

impl Lease {
    pub(crate) fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// Whether the message is still ours, by the clock and by what the queue said.
    pub(crate) fn is_live(&self) -> bool {
        let until = self.keeper.lock().get(&self.receipt).map(|held| held.until);
        *self.over.borrow() != Some(LeaseEnd::Lost) && until.is_some_and(|u| Instant::now() < u)
    }

    /// Resolves when the lease is over, and says why.
    pub(crate) async fn over(&self) -> LeaseEnd {
        let mut watch = self.over.clone();
        let end = watch.wait_for(Option::is_some).await.map(|end| *end);
        // The sender lives as long as the entry, and the entry as long as this guard.
        end.ok().flatten().unwrap_or(LeaseEnd::Lost)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeper.lock().remove(&self.receipt);
    }
}
