//! The announcer's loop: one task that owns all groups, so no lock and no order to get wrong.
//!
//! It waits for four things at once: a command, a publish that ends, a group that is due, a
//! submitter that has waited long enough. No carrier call is awaited in place: a hanging one holds
//! up its own kind and bucket and nothing else.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::Command;
use super::group::{Group, GroupKey};
use crate::alert::{Alert, AlertSettings, Notifier, NotifyError, PublicationId};
use crate::retry::{Backoff, Jitter, Reaction, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FAILURE_COUNT};

/// Ten publishes a second, evenly: well under the quotas of the carriers we know, and no burst for
/// the people who read.
const SPACING: Duration = Duration::from_millis(100);

/// One publish may take this long; a carrier that says nothing for longer is asked again.
const ATTEMPT: Duration = Duration::from_secs(30);

type Landing = (GroupKey, Result<PublicationId, NotifyError>);

pub(super) struct Loop {
    notifier: Arc<dyn Notifier>,
    settings: AlertSettings,
    jitter: Jitter,
    commands: mpsc::Receiver<Command>,
    /// All handles are gone.
    closed: bool,
    groups: BTreeMap<GroupKey, Group>,
    flying: FuturesUnordered<BoxFuture<'static, Landing>>,
    /// The next publish begins no earlier.
    next_slot: Instant,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Loop {
    pub(super) fn new(
        notifier: Arc<dyn Notifier>,
        settings: AlertSettings,
        jitter: Jitter,
        commands: mpsc::Receiver<Command>,
    ) -> Self {
        Self {
            notifier,
            settings,
            jitter,
            commands,
            closed: false,
            groups: BTreeMap::new(),
            flying: FuturesUnordered::new(),
            next_slot: Instant::now(),
            flushes: Vec::new(),
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
                () = sleep_until(wake.unwrap_or(now)), if wake.is_some() => {}
            }
        }
    }

    fn take(&mut self, command: Option<Command>) {
        let now = Instant::now();
        match command {
            Some(Command::Tell(alert, waiter)) => {
                let group = self.groups.entry(GroupKey::of(&alert));
                group.or_insert_with(|| Group::new(now)).add(*alert, waiter);
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

    /// Answers who has waited too long, and forgets groups and flushes that nobody needs.
    fn tidy(&mut self, now: Instant) {
        for group in self.groups.values_mut() {
            group.expire(now, self.settings.max_hold);
        }
        self.groups.retain(|_, group| !group.is_over(now));
        self.flushes.retain(|flush| !flush.is_closed());
    }

    /// Begins as many publishes as are due and the spacing lets through: the longest due first.
    fn start_due(&mut self, now: Instant) {
        while self.next_slot <= now {
            let windows_closed = self.windows_closed();
            let due = self
                .groups
                .iter_mut()
                .filter_map(|(key, group)| Some((group.due(windows_closed, now)?, key, group)))
                .filter(|(due, ..)| *due <= now)
                .min_by_key(|(due, ..)| *due);
            let Some((_, key, group)) = due else {
                return;
            };
            if let Some(alert) = group.start(now) {
                let key = key.clone();
                let publishing = publish(Arc::clone(&self.notifier), alert);
                self.flying
                    .push(publishing.map(|answer| (key, answer)).boxed());
                self.next_slot = now + SPACING;
            }
        }
    }

    fn land(&mut self, (key, answer): Landing) {
        let Some(group) = self.groups.get_mut(&key) else {
            return;
        };
        match answer {
            Ok(id) => {
                let failures = group.accepted(&id, self.settings.merge);
                if failures > 0 {
                    tracing::info!({ FAILURE_COUNT } = failures, "alert carrier accepts again");
                }
            }
            Err(error) => {
                let wait = match error.reaction() {
                    Reaction::Retry { after: Some(after) } => after,
                    _ => Backoff::SERVICE.wait(group.failures(), self.jitter.unit()),
                };
                let failures = group.failed(&error, Instant::now() + wait);
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
            .map(|due| due.max(self.next_slot));
        let expiries = self
            .groups
            .values()
            .filter_map(|group| group.expires_at(self.settings.max_hold));
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
