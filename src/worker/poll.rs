//! Polling: room first, then the question.
//!
//! A poll is only begun when there is room for what it may bring, and a poll that was begun is
//! never dropped: messages in its answer would be hidden from everyone until their visibility
//! ends. What a poll brings after a stop was asked for goes straight back.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::error::Settlement;
use super::lease::{Lease, LeaseKeeper};
use super::pause::Pause;
use super::process::Processor;
use super::settle::Settler;
use crate::event::Delivery;
use crate::retry::{Backoff, Reaction, Reacts};

/// The most that one poll may ask for (SQS: `MaxNumberOfMessages`, 1 to 10).
const MOST: usize = 10;

/// Takes messages and starts their work.
#[derive(Clone, Debug)]
pub(crate) struct Poller {
    pub(crate) processor: Processor,
    pub(crate) keeper: Arc<LeaseKeeper>,
    pub(crate) settler: Settler,
    pub(crate) pause: Pause,
    pub(crate) held: Arc<Semaphore>,
    pub(crate) held_most: usize,
    pub(crate) wait: Duration,
    pub(crate) tasks: TaskTracker,
    /// Asked to stop: no new poll.
    pub(crate) stop: CancellationToken,
    /// Out of time: unfinished work is given back.
    pub(crate) now: CancellationToken,
}

impl Poller {
    /// Polls until asked to stop.
    pub(crate) async fn run(self) {
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let probe = self.pause.admit(&self.stop).await;
            let Some(mut room) = self.room(probe).await else {
                break;
            };
            let asked = u8::try_from(room.num_permits()).unwrap_or(1);
            let called = Instant::now();
            match self.processor.parts.queue.receive(asked, self.wait).await {
                Ok(deliveries) => {
                    failures = 0;
                    if probe.is_some() && deliveries.is_empty() {
                        self.pause.nothing_probed();
                    }
                    for delivery in deliveries {
                        let Some(place) = room.split(1) else { break };
                        self.start(delivery, called, place);
                    }
                }
                Err(error) => {
                    if let Reaction::Stop(why) = error.reaction() {
                        self.pause.fault(error.code(), &why);
                    } else {
                        tracing::warn!(error.code = error.code(), %error, "poll failed");
                    }
                    let wait = Backoff::SERVICE
                        .wait_at_least_half(failures, self.processor.parts.jitter.unit());
                    failures = failures.saturating_add(1);
                    drop(room);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = self.stop.cancelled() => {}
                    }
                }
            }
        }
    }

    /// Room for a whole batch, or for one message while probing. `None` when asked to stop.
    async fn room(&self, probe: Option<u8>) -> Option<OwnedSemaphorePermit> {
        let wanted = probe.map_or(MOST.min(self.held_most), usize::from);
        let wanted = u32::try_from(wanted).unwrap_or(1);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            room = Arc::clone(&self.held).acquire_many_owned(wanted) => {
                Some(room.expect("the places are never closed"))
            }
        }
    }

    fn start(&self, delivery: Delivery, called: Instant, place: OwnedSemaphorePermit) {
        let lease = self.keeper.hold(delivery.receipt.clone(), called);
        let poller = self.clone();
        self.tasks
            .spawn(async move { poller.handle(delivery, lease, place).await });
    }

    async fn handle(self, delivery: Delivery, lease: Lease, place: OwnedSemaphorePermit) {
        let settlement = if self.stop.is_cancelled() {
            Settlement::Release("shutdown")
        } else {
            tokio::select! {
                biased;
                settlement = self.processor.process(&delivery, &lease, place) => settlement,
                () = self.now.cancelled() => Settlement::Release("shutdown"),
            }
        };
        self.settler.settle(&delivery, lease, settlement).await;
    }
}
