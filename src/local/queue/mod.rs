//! A queue in this process: visibility, redelivery, receive counts, dead letters.
//!
//! It behaves as Amazon SQS does where the port leaves room: a message whose receives are used up
//! is moved to the dead letters, without a reason, by the next receive that comes across it. It is
//! bounded: [`MemoryQueue::send`] waits for room, so that a folder of any size costs the same memory.
//! What it holds is lost with the process; the folder itself is what a restart reads again.

mod dead;
mod state;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

pub use dead::DeadLetter;
use dead::DeadLetters;
use state::State;

use crate::clock::Clock;
use crate::event::{Body, Delivery, EntryError, MessageId, Queue, QueueError, Receipt};
use crate::retry::Reason;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, MESSAGE_ID};

/// The most that one receive brings, as in SQS.
const MOST_PER_RECEIVE: u8 = 10;

/// How a [`MemoryQueue`] behaves.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// How long a received message stays hidden.
    pub visibility: Duration,
    /// After how many receives a message is moved to the dead letters; `None` is never.
    pub max_receives: Option<u32>,
    /// How many messages it holds at most, those in flight included; at least 1. A larger number
    /// costs memory, a smaller one lets the source wait.
    pub capacity: usize,
    /// Where dead letters are appended, one JSON object per line; `None` keeps them in memory only.
    pub dead_letters: Option<PathBuf>,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self {
            visibility: Duration::from_secs(60),
            max_receives: Some(10),
            capacity: 1_000,
            dead_letters: None,
        }
    }
}

/// How many messages there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Waiting to be received.
    pub visible: usize,
    /// Received, and not acked.
    pub in_flight: usize,
    /// In the dead letters, since this process began.
    pub parked: u64,
}

/// A queue in this process.
pub struct MemoryQueue {
    options: QueueOptions,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// Something can be received, earlier than was known.
    arrived: Notify,
    /// Something left: there is room, or nothing is there any more.
    left: Notify,
    dead: Arc<DeadLetters>,
}

impl fmt::Debug for MemoryQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryQueue")
            .field("options", &self.options)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl MemoryQueue {
    /// An empty queue; `clock` tells when messages were sent.
    pub fn new(options: QueueOptions, clock: Arc<dyn Clock>) -> Self {
        Self {
            dead: Arc::new(DeadLetters::new(options.dead_letters.clone())),
            options,
            clock,
            state: Mutex::default(),
            arrived: Notify::new(),
            left: Notify::new(),
        }
    }

    /// Puts a message on the queue, once there is room for it.
    pub async fn send(&self, body: impl Into<String>) -> MessageId {
        let body = Body::new(body);
        loop {
            // Registered before the look: room made in between wakes us all the same.
            let left = self.left.notified();
            if let Some(id) = self.try_send(&body) {
                return id;
            }
            left.await;
        }
    }

    /// Waits until nothing is left: every message was acked or is a dead letter.
    pub async fn drained(&self) {
        loop {
            let left = self.left.notified();
            if self.state().len() == 0 {
                return;
            }
            left.await;
        }
    }

    /// How many messages there are now.
    pub fn stats(&self) -> QueueStats {
        let (visible, in_flight) = self.state().count(Instant::now());
        QueueStats {
            visible,
            in_flight,
            parked: self.dead.count(),
        }
    }

    /// The newest dead letters of this process, oldest first: all of them, or the last 1,000
    /// where there is a file that holds all.
    pub fn dead_letters(&self) -> Vec<DeadLetter> {
        self.dead.newest()
    }

    fn try_send(&self, body: &Body) -> Option<MessageId> {
        let mut state = self.state();
        if state.len() >= self.options.capacity.max(1) {
            return None;
        }
        let id = state.add(body.clone(), self.clock.now());
        drop(state);
        self.arrived.notify_waiters();
        Some(id)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change under the lock is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a dead letter; the message itself stays until that has succeeded.
    async fn bury(&self, delivery: &Delivery, reason: Option<&Reason>) -> Result<(), QueueError> {
        let letter = DeadLetter::of(delivery, reason, self.clock.now());
        let dead = Arc::clone(&self.dead);
        let written = tokio::task::spawn_blocking(move || dead.append(letter)).await;
        match written {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(unwritten(error.to_string())),
            Err(error) => Err(unwritten(error.to_string())),
        }
    }

    /// Moves messages to the dead letters whose receives are used up.
    async fn retire(&self, exhausted: Vec<Delivery>) {
        for delivery in exhausted {
            match self.bury(&delivery, None).await {
                Ok(()) => {
                    self.state().forget(&delivery.receipt);
                    self.left.notify_waiters();
                }
                // It stays hidden for one visibility and is tried again by a later receive.
                Err(error) => tracing::error!(
                    { MESSAGE_ID } = %delivery.id.0,
                    { ERROR_CODE } = "dead_letter_unwritten",
                    { ERROR_DETAIL } = %error,
                    "a message without receives left stays on the queue"
                ),
            }
        }
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn receive(&self, max: u8, wait: Duration) -> Result<Vec<Delivery>, QueueError> {
        let give_up = Instant::now() + wait;
        let max = usize::from(max.clamp(1, MOST_PER_RECEIVE));
        loop {
            // Registered before the look, see `send`.
            let arrived = self.arrived.notified();
            let now = Instant::now();
            let (taken, next) = {
                let mut state = self.state();
                let taken = state.take(max, now, &self.options);
                (taken, state.next_return())
            };
            self.retire(taken.exhausted).await;
            if !taken.deliveries.is_empty() || now >= give_up {
                return Ok(taken.deliveries);
            }
            let until = next.map_or(give_up, |next| next.min(give_up));
            tokio::select! {
                () = arrived => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>> {
        let now = Instant::now();
        let mut state = self.state();
        let results = entries
            .iter()
            .map(|(receipt, left)| state.extend(receipt, *left, now))
            .collect();
        drop(state);
        self.arrived.notify_waiters();
        results
    }

    async fn ack(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>> {
        let mut state = self.state();
        let results = receipts
            .iter()
            .map(|receipt| state.remove(receipt))
            .collect();
        drop(state);
        self.left.notify_waiters();
        results
    }

    async fn park(&self, delivery: &Delivery, reason: &Reason) -> Result<(), QueueError> {
        // Under an old receipt the message is somebody else's, who will settle it.
        if self.state().holds(&delivery.receipt) {
            self.bury(delivery, Some(reason)).await?;
            self.state().forget(&delivery.receipt);
            self.left.notify_waiters();
        }
        Ok(())
    }

    fn visibility(&self) -> Duration {
        self.options.visibility
    }

    fn max_receives(&self) -> Option<u32> {
        self.options.max_receives
    }
}

fn unwritten(why: String) -> QueueError {
    QueueError::Unavailable(format!("the dead letter could not be written: {why}"))
}
