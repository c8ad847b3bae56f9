//! The announcer's loop: one task that owns all groups, so no lock and no order to get wrong.
//!
//! It waits for five things at once: a command, a publish that ends, an answer of the storm guard, a
//! group that is due, a submitter that has waited long enough. No carrier call is awaited in place: a hanging one holds
//! up its own kind and bucket and nothing else.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::group::{Group, GroupKey, Waiter};
use super::guard::StormGuard;
use super::{AnnouncerParts, Command, TellError};
use crate::alert::{Alert, Notifier, NotifyError, PublicationId};
use crate::retry::{Backoff, Reaction, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FAILURE_COUNT};

/// Ten publishes a second, evenly: well under the quotas of the carriers we know, and no burst for
/// the people who read.
const SPACING: Duration = Duration::from_millis(100);

/// One publish may take this long; a carrier that says nothing for longer is asked again.
const ATTEMPT: Duration = Duration::from_secs(30);

/// A carrier that accepts again after having failed for this long is told of: people may have missed
/// something.
const OUTAGE: Duration = Duration::from_secs(60);

/// A failure so long after the one before, with nothing to be sent in between, is another outage.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);

/// So many groups of threats have a bucket of their own at a time; further buckets share one. Events
/// name any text as a bucket, and each group would be an alert.
const MOST_THREATENED: usize = 50;

type Landing = (GroupKey, Result<PublicationId, NotifyError>);

/// From when to when the carrier has failed.
#[derive(Clone, Copy)]
struct Outage {
    began: Instant,
    since: Timestamp,
    /// The newest failure.
    last: Instant,
    until: Timestamp,
    failures: u32,
}

pub(super) struct Loop {
    parts: AnnouncerParts,
    commands: mpsc::Receiver<Command>,
    /// All handles are gone.
    closed: bool,
    groups: BTreeMap<GroupKey, Group>,
    guard: StormGuard,
    flying: FuturesUnordered<BoxFuture<'static, Landing>>,
    /// The next publish begins no earlier.
    next_slot: Instant,
    flushes: Vec<oneshot::Sender<()>>,
    outage: Option<Outage>,
    /// Stands for who waits for the news that an outage is over, which is nobody.
    recovery: Option<oneshot::Receiver<Result<PublicationId, TellError>>>,
    /// How many were said to wait for a turn.
    waiting: usize,
}

impl Loop {
    pub(super) fn new(parts: AnnouncerParts, commands: mpsc::Receiver<Command>) -> Self {
        let turns = Arc::clone(&parts.turns);
        Self {
            guard: StormGuard::new(
                turns,
                &parts.settings,
                parts.fleet_size,
                parts.jitter.clone(),
            ),
            parts,
            commands,
            closed: false,
            groups: BTreeMap::new(),
            flying: FuturesUnordered::new(),
            next_slot: Instant::now(),
            flushes: Vec::new(),
            outage: None,
            recovery: None,
            waiting: 0,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            let now = Instant::now();
            self.tidy(now);
            self.start_due(now);
            if self.groups.values().all(Group::is_idle) {
                self.answer_flushes();
                if self.closed {
                    return;
                }
            }
            let wake = self.next_wake(now);
            tokio::select! {
                command = self.commands.recv(), if !self.closed => self.take(command),
                Some(landing) = self.flying.next(), if !self.flying.is_empty() => {
                    self.land(landing);
                }
                answer = self.guard.answer(), if self.guard.is_asking() => {
                    self.guard.hear(answer, Instant::now());
                }
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    fn take(&mut self, command: Option<Command>) {
        let now = Instant::now();
        match command {
            Some(Command::Tell(alert, waiter)) => {
                self.add(*alert, waiter, now);
            }
            Some(Command::Flush(reply)) => {
                self.flushes.push(reply);
                for group in self.groups.values_mut() {
                    group.hurry(now);
                }
            }
            None => self.closed = true,
        }
    }

    fn add(&mut self, alert: Alert, waiter: Waiter, now: Instant) {
        let mut key = GroupKey::of(&alert);
        if key.is_of_named_threats() && !self.groups.contains_key(&key) {
            let named = self.groups.keys().filter(|key| key.is_of_named_threats());
            if named.count() >= MOST_THREATENED {
                key = key.of_any_bucket();
            }
        }
        let group = self.groups.entry(key);
        group.or_insert_with(|| Group::new(now)).add(alert, waiter);
    }

    /// Answers who has waited too long, and forgets groups and flushes that nobody needs.
    fn tidy(&mut self, now: Instant) {
        for group in self.groups.values_mut() {
            group.expire(now, self.parts.settings.max_hold);
        }
        self.groups.retain(|_, group| !group.is_over(now));
        self.flushes.retain(|flush| !flush.is_closed());
    }

    /// Begins a publish when one is due, the spacing lets it through, and it has a turn: of those
    /// that are about the service, then of the critical, then of the gravest, the one that has waited
    /// longest.
    fn start_due(&mut self, now: Instant) {
        let max_hold = self.parts.settings.max_hold;
        let closed = self.windows_closed();
        let due = |group: &Group| group.due(closed, now).is_some_and(|due| due <= now);
        let mut waiting = self.groups.values().filter(|group| due(group)).count();
        if waiting == 0 {
            self.guard.drop_turn();
        } else if self.next_slot <= now {
            self.guard.want(now);
            if self.guard.take(now) {
                waiting -= 1;
                let first = self.groups.iter_mut().filter(|(_, group)| due(group));
                let first = first.max_by_key(|(_, group)| group.rank(now, max_hold));
                if let Some((key, group)) = first
                    && let Some(alert) = group.start(now)
                {
                    let key = key.clone();
                    let publishing = publish(Arc::clone(&self.parts.notifier), alert);
                    self.flying
                        .push(publishing.map(|answer| (key, answer)).boxed());
                    self.next_slot = now + SPACING;
                }
            }
        }
        if std::mem::replace(&mut self.waiting, waiting) != waiting {
            self.parts.watch.waiting_for_turn(waiting);
        }
    }

    fn land(&mut self, (key, answer): Landing) {
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        match answer {
            Ok(id) => {
                let failures = group.accepted(&id, self.parts.settings.merge);
                if failures > 0 {
                    tracing::info!({ FAILURE_COUNT } = failures, "alert carrier accepts again");
                }
                self.recover(failures > 0);
            }
            Err(error) => {
                let wait = match error.reaction() {
                    Reaction::Retry { after: Some(after) } => after,
                    _ => Backoff::SERVICE.wait(group.failures(), self.parts.jitter.unit()),
                };
                let failures = group.failed(&error, Instant::now() + wait);
                self.note_failure();
                // Said once for each row of failures; health shows the rest.
                if failures == 1 {
                    tracing::warn!(
                        { ERROR_CODE } = error.code(),
                        { ERROR_DETAIL } = %error,
                        "alert was not accepted, it is tried again"
                    );
                }
            }
        }
    }

    fn note_failure(&mut self) {
        let (now, time) = (Instant::now(), self.parts.clock.now());
        let stands = self.outage.filter(|outage| now < outage.last + FORGOTTEN);
        let mut outage = stands.unwrap_or(Outage {
            began: now,
            since: time,
            last: now,
            until: time,
            failures: 0,
        });
        (outage.last, outage.until) = (now, time);
        outage.failures = outage.failures.saturating_add(1);
        self.outage = Some(outage);
    }

    /// The carrier has accepted; `failing` is what it had refused before. When nothing waits for
    /// another try, an outage is over: now, or with its last failure, when what failed was given up
    /// and nothing was sent since. People are told that there was one.
    fn recover(&mut self, failing: bool) {
        if self.groups.values().any(Group::is_failing) {
            return;
        }
        let Some(mut outage) = self.outage.take() else {
            return;
        };
        let now = Instant::now();
        if failing {
            (outage.last, outage.until) = (now, self.parts.clock.now());
        }
        if outage.last.saturating_duration_since(outage.began) < OUTAGE {
            return;
        }
        let settings = &self.parts.settings;
        let (since, until) = (outage.since, outage.until);
        let alert = Alert::recovered(since, outage.failures, until, settings);
        let (reply, answer) = oneshot::channel();
        self.recovery = Some(answer);
        self.add(alert, Waiter { since: now, reply }, now);
    }

    /// Nothing new can be merged, or somebody wants everything out.
    fn windows_closed(&self) -> bool {
        self.closed || !self.flushes.is_empty()
    }

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let closed = self.windows_closed();
        let due = self
            .groups
            .values()
            .filter_map(|group| group.due(closed, now))
            .map(|due| due.max(self.next_slot))
            .map(|due| self.guard.not_before().map_or(due, |at| due.max(at)))
            // While the guard is asked, its answer is what is waited for.
            .filter(|_| !self.guard.is_asking());
        let expiries = self
            .groups
            .values()
            .filter_map(|group| group.expires_at(self.parts.settings.max_hold));
        due.chain(expiries).min()
    }

    fn answer_flushes(&mut self) {
        for flush in self.flushes.drain(..) {
            flush.send(()).ok();
        }
    }
}

/// One attempt. A carrier that panics has failed like any other.
async fn publish(notifier: Arc<dyn Notifier>, alert: Alert) -> Result<PublicationId, NotifyError> {
    let attempt = AssertUnwindSafe(notifier.publish(&alert)).catch_unwind();
    match timeout(ATTEMPT, attempt).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(NotifyError::Unavailable("it panicked".to_owned())),
        Err(_) => Err(NotifyError::Unavailable(format!(
            "no answer within {} s",
            ATTEMPT.as_secs()
        ))),
    }
}
