//! Writes down what this task has counted, and tells of windows that are over.
//!
//! Every task does both, and a claim decides which of them tells. A window is told of a little after
//! its end, when the last counts of all tasks are in; one that nobody has told of (all tasks were
//! down, or the one that told was killed) is told of by whichever task comes next, for a week. So a
//! digest may repeat, and never falls silent; a task that is killed loses what it counted since its
//! last write, and no more.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::counter::Counter;
use super::{AnnouncerParts, Command, TellError, tell};
use crate::alert::{Alert, Claim, Digest, Digests, Window};
use crate::clock::Clock;
use crate::record::LedgerError;
use crate::retry::{Jitter, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// How often counts are written: what a killed task loses at most.
const WRITE_EVERY: Duration = Duration::from_secs(30);

/// How long after its end a window is told of: later counts than that are missing from it.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// Tasks look at a window within this time, so that not all do at one moment.
const SPREAD: Duration = Duration::from_secs(5);

/// How long after a failure the records are asked again.
const RETRY: Duration = Duration::from_secs(30);

/// Older windows are not told of any more: nobody misses them by now. Longer windows are looked back
/// at for two of their lengths.
const LOOK_BACK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// So many windows are looked at at most, however short they are: each costs a read at the start.
const MOST_WINDOWS: u32 = 200;

pub(super) struct Digester {
    digests: Arc<dyn Digests>,
    parts: AnnouncerParts,
    length: Duration,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    counter: Arc<Counter>,
    /// Weak, or the loop would never see that all handles are gone.
    inbox: mpsc::WeakSender<Command>,
    /// All handles are gone.
    ended: CancellationToken,
    /// When windows are looked at next.
    look_at: Timestamp,
    /// Windows that need no more looking at.
    settled: BTreeSet<Window>,
    /// Windows that we have told of, and that are not marked so yet.
    unmarked: BTreeSet<Window>,
    /// Failures to write that were said, while nothing succeeded since.
    writing: Said,
    /// The same of looking, which succeeds and fails by itself.
    looking: Said,
}

/// Says the first of a row of failures.
struct Said {
    what: &'static str,
    said: bool,
}

impl Said {
    const fn new(what: &'static str) -> Self {
        Self { what, said: false }
    }

    fn note(&mut self, result: Result<(), LedgerError>) {
        let Err(error) = result else {
            self.said = false;
            return;
        };
        if !std::mem::replace(&mut self.said, true) {
            let what = self.what;
            tracing::warn!(
                { ERROR_CODE } = error.code(),
                { ERROR_DETAIL } = %error,
                "{what}"
            );
        }
    }
}

/// What came of looking at one window.
enum Looked {
    Settled,
    /// To be looked at again then.
    Again(Timestamp),
}

impl Digester {
    /// `None` where no digest is wanted.
    pub(super) fn new(
        parts: &AnnouncerParts,
        counter: Arc<Counter>,
        inbox: &mpsc::Sender<Command>,
        ended: CancellationToken,
    ) -> Option<Self> {
        let jitter = parts.jitter.clone();
        let spread = SPREAD.mul_f64(jitter.unit());
        Some(Self {
            length: parts.settings.digest?,
            digests: Arc::clone(&parts.digests),
            clock: Arc::clone(&parts.clock),
            look_at: plus(parts.clock.now(), spread),
            parts: parts.clone(),
            jitter,
            counter,
            inbox: inbox.downgrade(),
            ended,
            settled: BTreeSet::new(),
            unmarked: BTreeSet::new(),
            writing: Said::new("counts for the digest cannot be written, tried again"),
            looking: Said::new("the counts of the fleet cannot be read, tried again"),
        })
    }

    pub(super) async fn run(mut self) {
        let ended = self.ended.clone();
        while !ended.is_cancelled() {
            self.write().await;
            if self.look_at <= self.clock.now() {
                self.look().await;
            }
            tokio::select! {
                () = sleep(self.pause()) => {}
                () = ended.cancelled() => {}
            }
        }
        self.write().await;
    }

    /// Until the next write, the end of the window, or the next look.
    fn pause(&self) -> Duration {
        let now = self.clock.now();
        let window_ends = Window::at(now, self.length).until;
        let next = window_ends.min(self.look_at);
        let until_then = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        // The times of day are whole milliseconds and less: never ask in a circle.
        until_then.clamp(Duration::from_millis(1), WRITE_EVERY)
    }

    async fn write(&mut self) {
        for (window, tally) in self.counter.to_write() {
            let written = self.digests.write(window, &tally).await;
            if written.is_err() {
                self.counter.not_written(window);
            }
            self.writing.note(written);
        }
    }

    async fn look(&mut self) {
        let now = self.clock.now();
        let reach = reach(self.length);
        let (from, until) = (minus(now, reach), minus(now, GRACE));
        let next = Window::at(until, self.length).until;
        self.look_at = plus(next, GRACE + SPREAD.mul_f64(self.jitter.unit()));
        self.settled.retain(|window| from <= window.from);
        self.unmarked.retain(|window| from <= window.from);
        let windows = match self.digests.windows(from, until).await {
            Ok(windows) => windows,
            Err(error) => {
                self.looking.note(Err(error));
                self.look_at = self.look_at.min(plus(now, RETRY));
                return;
            }
        };
        let mut failed = None;
        for window in windows {
            if self.settled.contains(&window) || self.ended.is_cancelled() {
                continue;
            }
            let again = match self.settle(window).await {
                Ok(Looked::Settled) => {
                    self.settled.insert(window);
                    continue;
                }
                Ok(Looked::Again(at)) => at,
                Err(error) => {
                    failed = Some(error);
                    plus(self.clock.now(), RETRY)
                }
            };
            self.look_at = self.look_at.min(again);
        }
        // A window that fails at each look is said once, whatever the others do.
        self.looking.note(failed.map_or(Ok(()), Err));
    }

    async fn settle(&mut self, window: Window) -> Result<Looked, LedgerError> {
        if !self.unmarked.contains(&window) {
            match self.digests.claim(window, self.clock.now()).await? {
                Claim::Told => return Ok(Looked::Settled),
                Claim::Theirs(until) => return Ok(Looked::Again(until)),
                Claim::Ours => {}
            }
            let (tasks, tally) = self.digests.sum(window).await?;
            if !tally.is_silent(&self.parts.settings) {
                let Window { from, until } = window;
                let digest = Digest {
                    from,
                    until,
                    tasks,
                    tally,
                };
                if self.tell(window, digest).await.is_err() {
                    return Ok(Looked::Again(plus(self.clock.now(), RETRY)));
                }
            }
            self.unmarked.insert(window);
        }
        self.digests.told(window, self.clock.now()).await?;
        self.unmarked.remove(&window);
        Ok(Looked::Settled)
    }

    /// Tells, and goes on writing and holding the claim while it waits for the answer.
    async fn tell(&mut self, window: Window, digest: Digest) -> Result<(), TellError> {
        let alert = Alert::digest(digest, &self.parts.settings);
        let inbox = self.inbox.upgrade().ok_or(TellError::Stopped)?;
        let telling = tell(inbox, alert);
        tokio::pin!(telling);
        let (ended, mut ending) = (self.ended.clone(), false);
        loop {
            tokio::select! {
                answer = &mut telling => return answer.map(drop),
                () = sleep(WRITE_EVERY) => {
                    self.write().await;
                    let held = self.digests.claim(window, self.clock.now()).await;
                    if let Err(error) = held {
                        self.looking.note(Err(error));
                    }
                }
                () = ended.cancelled(), if !ending => {
                    ending = true;
                    self.write().await;
                }
            }
        }
    }
}

/// How old the beginning of a window may be that is still told of. The newest that is over must
/// always be among them, and so must the one before it.
fn reach(length: Duration) -> Duration {
    let newest = length.saturating_mul(2).saturating_add(GRACE + SPREAD);
    let older = LOOK_BACK.min(length.saturating_mul(MOST_WINDOWS));
    older.max(newest)
}

fn plus(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn minus(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
