//! What waits to be told of one kind and bucket: pure bookkeeping, no time passes here.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::TellError;
use crate::alert::{Alert, AlertKind, NotifyError, PublicationId};

/// A batch of this many goes out before its window ends: the longest a merged alert gets. While the
/// carrier fails a batch may grow beyond; then the number of submitters bounds it.
pub(super) const MAX_BATCH: usize = 1000;

/// Which alerts are merged with each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupKey {
    kind: AlertKind,
    bucket: Option<String>,
}

impl GroupKey {
    pub(super) fn of(alert: &Alert) -> Self {
        Self {
            kind: alert.kind,
            bucket: alert.s3_bucket.clone(),
        }
    }
}

/// Somebody who waits for an answer.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) since: Instant,
    pub(super) reply: oneshot::Sender<Result<PublicationId, TellError>>,
}

impl Waiter {
    /// A submitter that has gone away needs no answer.
    fn answer(self, answer: Result<PublicationId, TellError>) {
        self.reply.send(answer).ok();
    }
}

/// One alert and all who wait for it.
#[derive(Debug)]
struct Batch {
    alert: Alert,
    waiters: Vec<Waiter>,
}

impl Batch {
    fn absorb(&mut self, later: Self) {
        self.alert.merge(later.alert);
        self.waiters.extend(later.waiters);
    }

    /// Tells those who have waited long enough.
    fn expire(&mut self, now: Instant, max_hold: Duration, why: &TellError) {
        // Who has gone away waits for nothing.
        self.waiters.retain(|waiter| !waiter.reply.is_closed());
        let overdue = |waiter: &mut Waiter| now.saturating_duration_since(waiter.since) >= max_hold;
        for waiter in self.waiters.extract_if(.., overdue) {
            waiter.answer(Err(why.clone()));
        }
    }
}

/// The state of one kind and bucket.
#[derive(Debug)]
pub(super) struct Group {
    /// Not yet handed to the carrier.
    pending: Option<Batch>,
    /// With the carrier now.
    flying: Option<Batch>,
    /// `pending` goes out at this time: the end of the merge window, or of the backoff.
    due: Instant,
    /// When the newest publish began.
    started: Instant,
    /// Failures in a row.
    failures: u32,
    /// Its backoff was ended early once, and nothing was accepted since.
    hurried: bool,
    /// What those who wait too long are told.
    excuse: TellError,
}

impl Group {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            pending: None,
            flying: None,
            due: now,
            started: now,
            failures: 0,
            hurried: false,
            excuse: TellError::HeldTooLong,
        }
    }

    /// Takes one more alert.
    pub(super) fn add(&mut self, alert: Alert, waiter: Waiter) {
        let waiters = vec![waiter];
        self.put(Batch { alert, waiters });
    }

    fn put(&mut self, batch: Batch) {
        match &mut self.pending {
            Some(pending) => pending.absorb(batch),
            None => self.pending = Some(batch),
        }
    }

    /// When it wants to publish next; `None` while there is nothing, or one publish is under way.
    /// With `closed` windows only a backoff is waited for.
    pub(super) fn due(&self, closed: bool, now: Instant) -> Option<Instant> {
        let pending = self.pending.as_ref().filter(|_| self.flying.is_none())?;
        let full = pending.waiters.len() >= MAX_BATCH;
        let early = self.failures == 0 && (closed || full);
        Some(if early { self.due.min(now) } else { self.due })
    }

    /// Hands out the pending alert for publishing.
    pub(super) fn start(&mut self, now: Instant) -> Option<Alert> {
        let batch = self.pending.take()?;
        let alert = batch.alert.clone();
        self.flying = Some(batch);
        self.started = now;
        Some(alert)
    }

    /// The publish was accepted; the next window counts from its beginning. Returns how many
    /// failures went before.
    pub(super) fn accepted(&mut self, id: &PublicationId, merge: Duration) -> u32 {
        let waiters = self.flying.take().map(|batch| batch.waiters);
        for waiter in waiters.into_iter().flatten() {
            waiter.answer(Ok(id.clone()));
        }
        self.due = self.started + merge;
        self.excuse = TellError::HeldTooLong;
        self.hurried = false;
        std::mem::take(&mut self.failures)
    }

    /// The publish failed. What it carried waits in front of what came meanwhile, unless nobody
    /// waits for it any more. Returns how many failures there now are.
    pub(super) fn failed(&mut self, error: &NotifyError, retry_at: Instant) -> u32 {
        self.excuse = match error {
            NotifyError::Unavailable(_) => TellError::HeldTooLong,
            NotifyError::Refused(why) => TellError::Refused(why.clone()),
        };
        if let Some(mut batch) = self.flying.take().filter(|batch| !batch.waiters.is_empty()) {
            if let Some(later) = self.pending.take() {
                batch.absorb(later);
            }
            self.pending = Some(batch);
        }
        self.due = retry_at;
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// How many failures in a row there were.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Closes the window of what waits for others to merge with. A backoff is ended once: a carrier
    /// that goes on refusing is not asked faster because we are in a hurry.
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.failures > 0 && std::mem::replace(&mut self.hurried, true) {
            return;
        }
        self.due = self.due.min(now);
    }

    /// Answers those who have waited for `max_hold`; a pending alert that nobody waits for any more
    /// is dropped, since its findings come again.
    pub(super) fn expire(&mut self, now: Instant, max_hold: Duration) {
        let excuse = &self.excuse;
        for batch in [&mut self.pending, &mut self.flying].into_iter().flatten() {
            batch.expire(now, max_hold, excuse);
        }
        self.pending.take_if(|batch| batch.waiters.is_empty());
    }

    /// When the first who waits has waited for `max_hold`.
    pub(super) fn expires_at(&self, max_hold: Duration) -> Option<Instant> {
        [&self.pending, &self.flying]
            .into_iter()
            .flatten()
            .flat_map(|batch| &batch.waiters)
            .map(|waiter| waiter.since + max_hold)
            .min()
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) const fn is_idle(&self) -> bool {
        self.pending.is_none() && self.flying.is_none()
    }

    /// Whether it can be forgotten: a later alert would be the first again.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.is_idle() && self.due <= now
    }
}
