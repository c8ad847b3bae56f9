//! Copies of alerts, to channels beside the carrier that counts.
//!
//! An alert is told when the carrier has accepted it, and by nothing else: what is waited for,
//! announced and acknowledged hangs on that alone. A copy goes out afterwards, from a queue of its
//! channel's own: a channel that fails or hangs delays no mail, repeats none, and holds up no other
//! channel. It has a bounded number of tries; what is given up is counted and said, never silent.
//! Nothing comes back to a copy that was lost: the alert itself was told.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::metrics::Metrics;
use super::names;
use crate::alert::{Alert, Notifier, NotifyError, PublicationId};
use crate::retry::{Backoff, Jitter, Reaction, Reacts};
use crate::telemetry::vocabulary::{ALERT_CHANNEL, ERROR_CODE, ERROR_DETAIL, FAILURE_COUNT};

/// Alerts that wait for one channel. At ten a second, the most that are sent, this outlasts half a
/// minute of silence; a longer one would only tell of what was long ago.
const QUEUE: usize = 300;

/// Tries of one copy, some ten seconds together: more would make those behind it old.
const TRIES: u32 = 5;

/// One try may take this long.
const TRY: Duration = Duration::from_secs(10);

/// The code of a copy for which there was no room.
const NO_ROOM: &str = "no_room";

/// The code of a copy that was still there at the end.
const NOT_SENT: &str = "not_sent";

/// A channel that gets copies.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its name in logs and metrics.
    pub name: &'static str,
    /// Who carries alerts there.
    pub carrier: Arc<dyn Notifier>,
}

/// A carrier whose alerts are copied once it has accepted them.
#[derive(Debug)]
pub struct Copied {
    carrier: Arc<dyn Notifier>,
    doors: Vec<Door>,
}

impl Copied {
    /// The carrier with copies, and the loop that sends those: own it and run it. It ends when the
    /// carrier is dropped and what waits is sent or given up; dropping it gives up what waits.
    pub fn new(
        carrier: Arc<dyn Notifier>,
        channels: Vec<Channel>,
        metrics: &Arc<Metrics>,
        jitter: &Jitter,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (doors, lanes): (Vec<_>, Vec<_>) = channels
            .into_iter()
            .map(|channel| lane(channel, metrics, jitter))
            .unzip();
        let work = async move {
            join_all(lanes.into_iter().map(Lane::run)).await;
        };
        (Self { carrier, doors }, work)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Notifier for Copied {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let published = self.carrier.publish(alert).await?;
        if self.doors.is_empty() {
            return Ok(published);
        }
        let copy = Arc::new(alert.clone());
        for door in &self.doors {
            door.take(&copy);
        }
        Ok(published)
    }
}

fn lane(channel: Channel, metrics: &Arc<Metrics>, jitter: &Jitter) -> (Door, Lane) {
    let (sender, inbox) = mpsc::channel(QUEUE);
    let book = Book {
        channel: channel.name,
        metrics: Arc::clone(metrics),
        lost: Arc::default(),
    };
    let lane = Lane {
        carrier: channel.carrier,
        inbox,
        in_hand: false,
        book: book.clone(),
        jitter: jitter.clone(),
    };
    (Door { sender, book }, lane)
}

/// Where copies for one channel come in.
#[derive(Debug)]
struct Door {
    sender: mpsc::Sender<Arc<Alert>>,
    book: Book,
}

impl Door {
    fn take(&self, alert: &Arc<Alert>) {
        if self.sender.try_send(Arc::clone(alert)).is_err() {
            self.book.lose(1, NO_ROOM, &"it takes them too slowly");
        }
    }
}

/// Sends the copies for one channel, one after another.
#[derive(Debug)]
struct Lane {
    carrier: Arc<dyn Notifier>,
    inbox: mpsc::Receiver<Arc<Alert>>,
    in_hand: bool,
    book: Book,
    jitter: Jitter,
}

impl Lane {
    async fn run(mut self) {
        while let Some(alert) = self.inbox.recv().await {
            self.in_hand = true;
            self.send(&alert).await;
            self.in_hand = false;
        }
    }

    async fn send(&self, alert: &Alert) {
        let mut tries = 1;
        loop {
            let error = match self.attempt(alert).await {
                Ok(_) => return self.book.accepted(),
                Err(error) => error,
            };
            let passes = matches!(error.reaction(), Reaction::Retry { .. });
            if !passes || tries == TRIES {
                return self.book.lose(1, error.code(), &error);
            }
            let wait = Backoff::SERVICE.wait_at_least_half(tries - 1, self.jitter.unit());
            tokio::time::sleep(wait).await;
            tries += 1;
        }
    }

    /// One try. A channel that panics has failed like any other.
    async fn attempt(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let attempt = AssertUnwindSafe(self.carrier.publish(alert)).catch_unwind();
        match timeout(TRY, attempt).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(NotifyError::Unavailable("it panicked".to_owned())),
            Err(_) => Err(NotifyError::Unavailable(format!(
                "no answer within {} s",
                TRY.as_secs()
            ))),
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let left = self.inbox.len() as u64 + u64::from(self.in_hand);
        if left > 0 {
            self.book.lose(left, NOT_SENT, &"the service has ended");
        }
    }
}

/// Counts what becomes of the copies for one channel.
#[derive(Clone, Debug)]
struct Book {
    channel: &'static str,
    metrics: Arc<Metrics>,
    /// Copies lost since the last one that was accepted.
    lost: Arc<AtomicU64>,
}

impl Book {
    fn accepted(&self) {
        self.count("accepted", 1);
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::info!(
                { ALERT_CHANNEL } = self.channel,
                { FAILURE_COUNT } = lost,
                "a channel takes copies of alerts again"
            );
        }
    }

    /// Said at the first of a row, and again whenever the row has doubled.
    fn lose(&self, copies: u64, code: &'static str, why: &dyn fmt::Display) {
        self.count(code, copies);
        let before = self.lost.fetch_add(copies, Ordering::Relaxed);
        let lost = before + copies;
        if lost.ilog2() > before.checked_ilog2().unwrap_or_default() || before == 0 {
            tracing::warn!(
                { ALERT_CHANNEL } = self.channel,
                { ERROR_CODE } = code,
                { ERROR_DETAIL } = %why,
                { FAILURE_COUNT } = lost,
                "copies of alerts are lost; the alerts themselves were told"
            );
        }
    }

    fn count(&self, result: &'static str, copies: u64) {
        let counter = self.metrics.counter(names::COPIES, &[self.channel, result]);
        counter.increment(copies);
    }
}

#[cfg(test)]
mod tests;
