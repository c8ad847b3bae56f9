//! What waits to be told of one kind and bucket: pure bookkeeping, no time passes here.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::TellError;
use crate::alert::{Alert, AlertKind, MAX_FINDING_IDS, NotifyError, PublicationId};
use crate::verdict::Threat;

/// A batch of this many goes out before its window ends, and what comes then is the next: an alert
/// names all that it covers.
const MAX_BATCH: u64 = MAX_FINDING_IDS as u64;

/// Which alerts are merged with each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct GroupKey {
    kind: AlertKind,
    bucket: Option<String>,
    /// The beginning of a digest's window: two windows are never one alert.
    window: Option<Timestamp>,
}

impl GroupKey {
    pub(super) fn of(alert: &Alert) -> Self {
        Self {
            kind: alert.kind,
            bucket: alert.s3_bucket.clone(),
            window: alert.digest.as_ref().map(|digest| digest.from),
        }
    }

    /// Whether its bucket is as an event names it, which is free text: whoever makes events can make
    /// any number of such groups.
    pub(super) fn is_of_named_threats(&self) -> bool {
        self.kind == AlertKind::Threat && self.bucket.is_some()
    }

    /// The group of the same kind for all buckets.
    pub(super) fn of_any_bucket(self) -> Self {
        Self {
            bucket: None,
            ..self
        }
    }
}

/// Who goes first when not all can go: the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// It is about the service itself.
    service: bool,
    /// It is critical, and waits behind nothing less grave, however long that has waited.
    critical: bool,
    /// It has waited for half of what its submitters wait. Among these only the time counts: what is
    /// less grave must not wait for ever behind what is graver.
    aged: bool,
    /// `None` where only the time counts.
    threat: Option<Threat>,
    since: Reverse<Instant>,
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

/// What was submitted, and all who wait for it: one, or several where a finding comes again.
#[derive(Debug)]
struct Entry {
    alert: Alert,
    waiters: Vec<Waiter>,
}

impl Entry {
    fn is_of_the_same(&self, other: &Self) -> bool {
        !self.alert.finding_ids.is_empty() && self.alert.finding_ids == other.alert.finding_ids
    }
}

/// What goes out as one alert. Entries stay apart until it does: one that nobody waits for any more
/// leaves, since its finding comes again and must then not be told twice.
#[derive(Debug, Default)]
struct Batch {
    entries: Vec<Entry>,
}

impl Batch {
    fn of(entry: Entry) -> Self {
        Self {
            entries: vec![entry],
        }
    }

    fn count(&self) -> u64 {
        let counts = self.entries.iter().map(|entry| entry.alert.count);
        counts.fold(0, u64::saturating_add)
    }

    fn has_room_for(&self, later: &Self) -> bool {
        self.count().saturating_add(later.count()) <= MAX_BATCH
    }

    fn since(&self) -> Option<Instant> {
        let waiters = self.entries.iter().flat_map(|entry| &entry.waiters);
        waiters.map(|waiter| waiter.since).min()
    }

    /// Whether it says of this finding what the entry says, or worse.
    fn covers(&self, entry: &Entry) -> bool {
        self.entries.iter().any(|known| {
            known.is_of_the_same(entry) && known.alert.threat_level >= entry.alert.threat_level
        })
    }

    /// Takes in who waits for a finding that is here already, and what is newer of it. Gives back
    /// what is of another.
    fn join(&mut self, newer: Entry) -> Option<Entry> {
        let mut entries = self.entries.iter_mut();
        let Some(known) = entries.find(|known| known.is_of_the_same(&newer)) else {
            return Some(newer);
        };
        known.alert = newer.alert;
        known.waiters.extend(newer.waiters);
        None
    }

    fn absorb(&mut self, later: Self) {
        for entry in later.entries {
            let other = self.join(entry);
            self.entries.extend(other);
        }
    }

    /// The alert that covers all; `None` of nothing.
    fn merged(&self) -> Option<Alert> {
        let first = &self.entries.first()?.alert.s3_bucket;
        let mixed = self.entries.iter().any(|it| it.alert.s3_bucket != *first);
        let alerts = self.entries.iter().map(|entry| {
            let mut alert = entry.alert.clone();
            // The name of one would stand for all.
            alert.s3_bucket = alert.s3_bucket.filter(|_| !mixed);
            alert
        });
        alerts.reduce(|mut all, next| {
            all.merge(next);
            all
        })
    }

    /// Tells those who have waited long enough, and lets go of what nobody waits for.
    fn expire(&mut self, now: Instant, max_hold: Duration, why: &TellError) {
        for Entry { waiters, .. } in &mut self.entries {
            // Who has gone away waits for nothing.
            waiters.retain(|waiter| !waiter.reply.is_closed());
            let overdue =
                |waiter: &mut Waiter| now.saturating_duration_since(waiter.since) >= max_hold;
            for waiter in waiters.extract_if(.., overdue) {
                waiter.answer(Err(why.clone()));
            }
        }
        self.entries.retain(|entry| !entry.waiters.is_empty());
    }
}

/// The state of one kind and bucket.
#[derive(Debug)]
pub(super) struct Group {
    /// Not yet handed to the carrier, in the order in which they go out.
    pending: VecDeque<Batch>,
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
            pending: VecDeque::new(),
            flying: None,
            due: now,
            started: now,
            failures: 0,
            hurried: false,
            excuse: TellError::HeldTooLong,
        }
    }

    /// Takes one more alert. A finding that waits already, or is with the carrier, is not told once
    /// more: whoever submits it waits for the same.
    pub(super) fn add(&mut self, alert: Alert, waiter: Waiter) {
        let waiters = vec![waiter];
        let mut entry = Entry { alert, waiters };
        let flying = self.flying.as_mut().filter(|batch| batch.covers(&entry));
        for batch in flying.into_iter().chain(&mut self.pending) {
            match batch.join(entry) {
                Some(other) => entry = other,
                None => return,
            }
        }
        let batch = Batch::of(entry);
        match self.pending.back_mut() {
            Some(last) if last.has_room_for(&batch) => last.absorb(batch),
            _ => self.pending.push_back(batch),
        }
    }

    /// When it wants to publish next; `None` while there is nothing, or one publish is under way.
    /// With `closed` windows only a backoff is waited for.
    pub(super) fn due(&self, closed: bool, now: Instant) -> Option<Instant> {
        let first = self.pending.front().filter(|_| self.flying.is_none())?;
        let full = self.pending.len() > 1 || first.count() >= MAX_BATCH;
        let early = self.failures == 0 && (closed || full);
        Some(if early { self.due.min(now) } else { self.due })
    }

    /// Its place among those that are due.
    pub(super) fn rank(&self, now: Instant, max_hold: Duration) -> Option<Rank> {
        let entries = self.pending.iter().flat_map(|batch| &batch.entries);
        let alerts = entries.map(|entry| &entry.alert);
        let threat = alerts.clone().map(|alert| alert.threat_level).max()?;
        let kind = alerts.map(|alert| alert.kind).next()?;
        let since = self.pending.iter().filter_map(Batch::since).min();
        let since = since.unwrap_or(now);
        let aged = now.saturating_duration_since(since) >= max_hold / 2;
        Some(Rank {
            service: is_about_the_service(kind),
            critical: threat == Threat::Critical,
            aged,
            threat: (!aged).then_some(threat),
            since: Reverse(since),
        })
    }

    /// Hands out the first pending alert for publishing.
    pub(super) fn start(&mut self, now: Instant) -> Option<Alert> {
        let batch = self.pending.pop_front()?;
        let alert = batch.merged()?;
        self.flying = Some(batch);
        self.started = now;
        Some(alert)
    }

    /// The publish was accepted; the next window counts from its beginning. Returns how many
    /// failures went before.
    pub(super) fn accepted(&mut self, id: &PublicationId, merge: Duration) -> u32 {
        let told = self.flying.take().unwrap_or_default().entries;
        for waiter in told.into_iter().flat_map(|entry| entry.waiters) {
            waiter.answer(Ok(id.clone()));
        }
        self.due = self.started + merge;
        self.excuse = TellError::HeldTooLong;
        self.hurried = false;
        std::mem::take(&mut self.failures)
    }

    /// The publish failed. What somebody still waits for of what it carried goes out before what came
    /// meanwhile. Returns how many failures there now are.
    pub(super) fn failed(&mut self, error: &NotifyError, retry_at: Instant) -> u32 {
        self.excuse = match error {
            NotifyError::Unavailable(_) => TellError::HeldTooLong,
            NotifyError::Refused(why) => TellError::Refused(why.clone()),
        };
        if let Some(mut batch) = self.flying.take().filter(|batch| !batch.entries.is_empty()) {
            while let Some(later) = self.pending.pop_front_if(|later| batch.has_room_for(later)) {
                batch.absorb(later);
            }
            self.pending.push_front(batch);
        }
        self.due = retry_at;
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// How many failures in a row there were.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether something waits for another try.
    pub(super) fn is_failing(&self) -> bool {
        self.failures > 0 && !self.is_idle()
    }

    /// Closes the window of what waits for others to merge with. A backoff is ended once: a carrier
    /// that goes on refusing is not asked faster because we are in a hurry.
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.failures > 0 && std::mem::replace(&mut self.hurried, true) {
            return;
        }
        self.due = self.due.min(now);
    }

    /// Answers those who have waited for `max_hold`; what nobody waits for any more is dropped, since
    /// its finding comes again.
    pub(super) fn expire(&mut self, now: Instant, max_hold: Duration) {
        let excuse = &self.excuse;
        for batch in self.pending.iter_mut().chain(&mut self.flying) {
            batch.expire(now, max_hold, excuse);
        }
        self.pending.retain(|batch| !batch.entries.is_empty());
    }

    /// When the first who waits has waited for `max_hold`.
    pub(super) fn expires_at(&self, max_hold: Duration) -> Option<Instant> {
        let batches = self.pending.iter().chain(&self.flying);
        let first = batches.filter_map(Batch::since).min()?;
        Some(first + max_hold)
    }

    /// Whether nothing waits and nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.flying.is_none()
    }

    /// Whether it can be forgotten: a later alert would be the first again.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.is_idle() && self.due <= now
    }
}

/// Such alerts are few, and tell why others may be missing.
const fn is_about_the_service(kind: AlertKind) -> bool {
    match kind {
        AlertKind::Paused
        | AlertKind::BreakerOpen
        | AlertKind::BudgetSpent
        | AlertKind::Recovered
        | AlertKind::Digest => true,
        AlertKind::Flagged
        | AlertKind::Blocked
        | AlertKind::Held
        | AlertKind::Undecided
        | AlertKind::Unreadable
        | AlertKind::Threat
        | AlertKind::Clean => false,
    }
}
