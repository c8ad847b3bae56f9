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
use tracing::Instrument;

use super::error::Settlement;
use super::lease::{Lease, LeaseKeeper};
use super::pause::{Lane, Pause};
use super::process::Processor;
use super::settle::Settler;
use super::vitals::{InHand, Pulse, wait};
use crate::event::Delivery;
use crate::retry::{Backoff, Reaction, Reacts};
use crate::telemetry::vocabulary::{
    ERROR_CODE, ERROR_DETAIL, MESSAGE_ID, MESSAGE_RECEIVE_COUNT, SPAN_MESSAGE,
};

/// The most that one poll may ask for (SQS: `MaxNumberOfMessages`, 1 to 10).
const MOST: usize = 10;

/// How much longer than its wait a receive may take before it counts as hung: all attempts of one
/// call of an adapter, with their timeouts.
const ANSWER: Duration = Duration::from_secs(90);

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
    /// Polls until asked to stop, and not before `known`: whether an operator wants it.
    pub(crate) async fn run(self, known: CancellationToken) {
        let pulse = self.processor.parts.vitals.pulse(wait::SWITCHES);
        let switches = async {
            tokio::select! {
                () = known.cancelled() => {}
                () = self.stop.cancelled() => {}
            }
        };
        pulse.during(wait::SWITCHES, switches).await;
        let mut failures = 0;
        while !self.stop.is_cancelled() {
            let probe = self.pause.admit(&pulse, &self.stop).await;
            let Some(mut room) = pulse.during(wait::ROOM, self.room(probe)).await else {
                break;
            };
            let asked = u8::try_from(room.num_permits()).unwrap_or(1);
            let called = Instant::now();
            let receive = self.processor.queue.receive(asked, self.wait);
            let bound = self.wait + ANSWER;
            match pulse.within(wait::POLL, bound, receive).await {
                Ok(deliveries) => {
                    failures = 0;
                    if self.pause.lane() == Lane::Uploads {
                        self.processor.parts.vitals.polled();
                    }
                    self.pause.succeeded(self.pause.lane().queue());
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
                        let queue = self.pause.lane().queue();
                        self.pause.fault(queue, error.code(), &why);
                    } else {
                        tracing::warn!(
                            { ERROR_CODE } = error.code(),
                            { ERROR_DETAIL } = %error,
                            "poll failed"
                        );
                    }
                    drop(room);
                    self.back_off(failures, &pulse).await;
                    failures = failures.saturating_add(1);
                }
            }
        }
    }

    async fn back_off(&self, failures: u32, pulse: &Pulse) {
        let jitter = self.processor.parts.jitter.unit();
        let wait = Backoff::SERVICE.wait_at_least_half(failures, jitter);
        let over = async {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        };
        pulse.during(wait::BACKOFF, over).await;
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
        let in_hand = self.processor.parts.vitals.take_up(called);
        self.processor.parts.observer.received(&delivery);
        let span = tracing::info_span!(
            SPAN_MESSAGE,
            { MESSAGE_ID } = %delivery.id.0,
            { MESSAGE_RECEIVE_COUNT } = delivery.receive_count
        );
        let poller = self.clone();
        let work = async move { poller.handle(delivery, lease, place, in_hand).await };
        self.tasks.spawn(work.instrument(span));
    }

    async fn handle(
        self,
        delivery: Delivery,
        lease: Lease,
        place: OwnedSemaphorePermit,
        _in_hand: InHand,
    ) {
        let settlement = if self.stop.is_cancelled() {
            Settlement::Release("shutdown")
        } else {
            tokio::select! {
                biased;
                settlement = self.processor.process(&delivery, &lease, place) => settlement,
                () = self.now.cancelled() => Settlement::Release("shutdown"),
            }
        };
        let settlement = self.processor.last_chance(&delivery, settlement);
        self.settler.settle(&delivery, lease, settlement).await;
    }
}
