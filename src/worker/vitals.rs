//! The signs of life that health and readiness are read from.
//!
//! A loop that waits says what for, and goes on saying so: it ticks. What does not tick any more is
//! stuck, however good its reason sounded. A call that may not be given up (a receive) ticks once
//! and has a bound of its own, so that one that hangs is seen. Nothing here is awaited or does I/O,
//! so that it can be asked at any time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::action::{Breaker, BreakerStatus};
use crate::verdict::Inspector;

/// How often a loop that waits says so. Rarer, and a stuck one is noticed later.
const TICK: Duration = Duration::from_secs(1);

/// How late a tick may be before the loop counts as stuck: generous against a busy processor, short
/// against the half minute after which a container's health check gives up.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long it may take from the beginning of the process until work begins. All probes with their
/// retries fit in (the longest takes 180 s), with room to say what was in the way.
const STARTING: Duration = Duration::from_secs(240);

/// What a loop waits for, as health and metrics show it. A deferral brings its own name.
pub mod wait {
    /// The service is being built and probed.
    pub const STARTING: &str = "starting";
    /// The first look at what operators have switched.
    pub const SWITCHES: &str = "switches";
    /// The queue's answer.
    pub const POLL: &str = "poll";
    /// A place for another message.
    pub const ROOM: &str = "room";
    /// The next probe, after a fault that somebody has to mend.
    pub const PAUSED: &str = "paused";
    /// An operator who has told all tasks to take no work.
    pub const HALTED: &str = "halted";
    /// The next poll, after one that failed.
    pub const BACKOFF: &str = "backoff";
    /// The end of what has begun.
    pub const DRAINING: &str = "draining";
}

/// What the worker is bound by, as far as its health hangs on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The longest that a message may be in hand.
    pub(crate) longest_lease: Duration,
}

/// The signs of life of one worker; clones show the same.
#[derive(Clone, Debug)]
pub struct Vitals(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    since: Instant,
    begun: Option<Begun>,
    ready: bool,
    loops: BTreeMap<u64, Beat>,
    in_hand: BTreeMap<u64, Instant>,
    settling: usize,
    paused: Option<String>,
    halted: bool,
    draining: bool,
    suspicion: Option<String>,
    started: Instant,
    polled: Option<Instant>,
    open: Option<Listed>,
    next: u64,
}

/// The open findings as they were listed.
#[derive(Clone, Copy, Debug)]
struct Listed {
    count: usize,
    oldest: Duration,
    at: Instant,
}

#[derive(Debug)]
struct Begun {
    bounds: Bounds,
    inspector: Arc<Inspector>,
    breaker: Arc<Breaker>,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    wait: &'static str,
    since: Instant,
    next_by: Instant,
}

/// How the worker stands at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// What it waits for: one of [`wait`], or the name of a deferral such as `budget`.
    pub wait: &'static str,
    /// For how long.
    pub waiting: Duration,
    /// The loop has not said so for too long, or a call hangs beyond its bound.
    pub stuck: bool,
    /// Messages under lease, those that only wait for their alert included.
    pub in_hand: usize,
    /// How long the oldest of them has been in hand.
    pub oldest: Option<Duration>,
    /// The longest that any may be; zero before work has begun.
    pub longest_lease: Duration,
    /// Messages that only wait for their alert.
    pub settling: usize,
    /// Work may be taken: everything is built, and it is known what operators have switched.
    pub started: bool,
    /// Why no work is taken until somebody mends it.
    pub paused: Option<String>,
    /// An operator has told all tasks to take no work.
    pub halted: bool,
    /// A stop was asked for.
    pub draining: bool,
    /// Memory taken by objects under inspection, in bytes.
    pub memory_in_use: u64,
    /// The breaker; absent before work has begun.
    pub breaker: Option<BreakerStatus>,
    /// How long ago the queue of uploads has answered a poll; before the first, how long ago the
    /// process began.
    pub since_poll: Duration,
    /// Findings begun and not announced, of all tasks, as last listed; absent before the first
    /// listing.
    pub open_findings: Option<OpenFindings>,
}

/// Findings that are begun and not announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFindings {
    /// How many; what is beyond 1,000 is not counted.
    pub count: usize,
    /// The age of the oldest, now: while the records cannot be listed, it goes on.
    pub oldest: Duration,
}

impl Snapshot {
    /// Whether work has been in hand for longer than any lease lasts: somebody waits without end.
    pub fn work_is_too_old(&self) -> bool {
        self.oldest.is_some_and(|age| age > self.longest_lease)
    }
}

impl Vitals {
    /// Somebody outside has found that no judge can be used, and why: the worker pauses as if a
    /// message had met it.
    pub fn suspect_judge(&self, why: String) {
        self.lock().suspicion = Some(why);
    }

    /// What was found, once.
    pub(crate) fn take_suspicion(&self) -> Option<String> {
        self.lock().suspicion.take()
    }
}

impl Default for Vitals {
    fn default() -> Self {
        Self::new()
    }
}

impl Vitals {
    /// Those of a worker that is yet to be built and to begin.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            since: Instant::now(),
            begun: None,
            ready: false,
            loops: BTreeMap::new(),
            in_hand: BTreeMap::new(),
            settling: 0,
            paused: None,
            halted: false,
            draining: false,
            suspicion: None,
            started: Instant::now(),
            polled: None,
            open: None,
            next: 0,
        })))
    }

    /// How it stands now.
    pub fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let state = self.lock();
        let beat = state.beat();
        let oldest = state.in_hand.values().min();
        let begun = state.begun.as_ref();
        Snapshot {
            wait: beat.wait,
            waiting: now.saturating_duration_since(beat.since),
            stuck: now > beat.next_by,
            in_hand: state.in_hand.len(),
            oldest: oldest.map(|since| now.saturating_duration_since(*since)),
            longest_lease: begun.map_or(Duration::ZERO, |begun| begun.bounds.longest_lease),
            settling: state.settling,
            started: state.ready,
            paused: state.paused.clone(),
            halted: state.halted,
            draining: state.draining,
            memory_in_use: begun.map_or(0, |begun| begun.inspector.memory_in_use()),
            breaker: begun.map(|begun| begun.breaker.status()),
            since_poll: now.saturating_duration_since(state.polled.unwrap_or(state.started)),
            open_findings: state.open.map(|listed| listed.by(now)),
        }
    }

    pub(crate) fn begin(&self, bounds: Bounds, inspector: Arc<Inspector>, breaker: Arc<Breaker>) {
        self.lock().begun = Some(Begun {
            bounds,
            inspector,
            breaker,
        });
    }

    /// The queue of uploads has answered a poll.
    pub(crate) fn polled(&self) {
        self.lock().polled = Some(Instant::now());
    }

    /// The open findings were listed.
    pub(crate) fn open_findings(&self, count: usize, oldest: Duration) {
        let at = Instant::now();
        self.lock().open = Some(Listed { count, oldest, at });
    }

    /// Work may be taken.
    pub(crate) fn ready(&self) {
        self.lock().ready = true;
    }

    pub(crate) fn paused(&self, why: Option<String>) {
        self.lock().paused = why;
    }

    pub(crate) fn halted(&self, halted: bool) {
        self.lock().halted = halted;
    }

    pub(crate) fn draining(&self) {
        let mut state = self.lock();
        state.draining = true;
        state.since = Instant::now();
    }

    /// The pulse of one loop, for as long as it is kept.
    pub(crate) fn pulse(&self, wait: &'static str) -> Pulse {
        let number = self.lock().number();
        let pulse = Pulse {
            vitals: self.clone(),
            number,
        };
        pulse.beat(wait, Instant::now(), PATIENCE);
        pulse
    }

    /// Counts a message that was received at `since`, for as long as what comes back is kept.
    pub(crate) fn take_up(&self, since: Instant) -> InHand {
        let mut state = self.lock();
        let number = state.number();
        state.in_hand.insert(number, since);
        InHand {
            vitals: self.clone(),
            number,
        }
    }

    /// Counts a message that only waits for its alert, for as long as what comes back is kept.
    pub(crate) fn settle(&self) -> Settling {
        let mut state = self.lock();
        state.settling = state.settling.saturating_add(1);
        Settling(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listed {
    /// As it stands at this moment, as far as is known.
    fn by(self, now: Instant) -> OpenFindings {
        let since = match self.count {
            0 => Duration::ZERO,
            _ => now.saturating_duration_since(self.at),
        };
        OpenFindings {
            count: self.count,
            oldest: self.oldest + since,
        }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }

    /// Of several loops the one that has to say something first: it shows what holds the work up.
    fn beat(&self) -> Beat {
        let first = self.loops.values().min_by_key(|beat| beat.next_by).copied();
        first.unwrap_or_else(|| {
            let (wait, patience) = match (self.draining, self.begun.is_some()) {
                // Bounded by its deadline and by the age of the work in hand.
                (true, _) => (wait::DRAINING, Duration::MAX),
                (false, false) => (wait::STARTING, STARTING),
                // Work has begun and no loop is there.
                (false, true) => (wait::STARTING, PATIENCE),
            };
            Beat {
                wait,
                since: self.since,
                next_by: far(self.since, patience),
            }
        })
    }
}

/// A sum that cannot overflow: a year is for ever.
fn far(since: Instant, after: Duration) -> Instant {
    since + after.min(Duration::from_secs(365 * 24 * 3600))
}

/// One loop that says what it waits for.
#[derive(Debug)]
pub(crate) struct Pulse {
    vitals: Vitals,
    number: u64,
}

impl Pulse {
    /// Waits for something that may take as long as it likes, ticking. Cancel safe where the wait is.
    pub(crate) async fn during<T>(&self, wait: &'static str, over: impl Future<Output = T>) -> T {
        let since = Instant::now();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(over);
        loop {
            self.beat(wait, since, PATIENCE);
            tokio::select! {
                biased;
                over = &mut over => return over,
                _ = tick.tick() => {}
            }
        }
    }

    /// Waits for a call that has to be over by `bound`: it is seen when it is not.
    pub(crate) async fn within<T>(
        &self,
        wait: &'static str,
        bound: Duration,
        over: impl Future<Output = T>,
    ) -> T {
        self.beat(wait, Instant::now(), bound);
        let over = over.await;
        self.beat(wait, Instant::now(), PATIENCE);
        over
    }

    fn beat(&self, wait: &'static str, since: Instant, next: Duration) {
        let beat = Beat {
            wait,
            since,
            next_by: far(Instant::now(), next),
        };
        self.vitals.lock().loops.insert(self.number, beat);
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.vitals.lock().loops.remove(&self.number);
    }
}

/// One message in hand.
#[derive(Debug)]
pub(crate) struct InHand {
    vitals: Vitals,
    number: u64,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.vitals.lock().in_hand.remove(&self.number);
    }
}

/// One message that only waits for its alert.
#[derive(Debug)]
pub(crate) struct Settling(Vitals);

impl Drop for Settling {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.settling = state.settling.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_ticks_may_take_for_ever() {
        let vitals = Vitals::new();
        let pulse = vitals.pulse(wait::POLL);
        let wait = pulse.during(wait::HALTED, sleep(Duration::from_secs(100_000)));
        tokio::pin!(wait);
        let looks = async {
            sleep(Duration::from_secs(50_000)).await;
            vitals.snapshot()
        };
        let seen = tokio::select! {
            () = &mut wait => panic!("too early"),
            seen = looks => seen,
        };
        assert_eq!((seen.wait, seen.stuck), (wait::HALTED, false));
        assert_eq!(seen.waiting.as_secs(), 50_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_is_not_let_run_is_stuck() {
        let vitals = Vitals::new();
        let pulse = vitals.pulse(wait::POLL);
        let mut wait = Box::pin(pulse.during(wait::ROOM, std::future::pending::<()>()));
        assert!(futures::poll!(&mut wait).is_pending());
        advance(PATIENCE).await;
        assert!(!vitals.snapshot().stuck);
        advance(Duration::from_secs(1)).await;
        assert!(vitals.snapshot().stuck, "nobody polls it any more");
        assert!(futures::poll!(&mut wait).is_pending());
        assert!(!vitals.snapshot().stuck, "it runs again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_is_seen_although_the_loop_waits_for_it() {
        let vitals = Vitals::new();
        let (quick, hung) = (vitals.pulse(wait::POLL), vitals.pulse(wait::POLL));
        let bound = Duration::from_secs(50);
        let quick = quick.during(wait::ROOM, std::future::pending::<()>());
        let hung = hung.within(wait::POLL, bound, std::future::pending::<()>());
        let both = futures::future::join(quick, hung);
        let seen = tokio::select! {
            _ = both => panic!("neither ends"),
            seen = async {
                sleep(Duration::from_secs(49)).await;
                let before = vitals.snapshot();
                sleep(Duration::from_secs(2)).await;
                (before, vitals.snapshot())
            } => seen,
        };
        assert!(!seen.0.stuck);
        assert_eq!((seen.1.stuck, seen.1.wait), (true, wait::POLL));
    }

    #[tokio::test(start_paused = true)]
    async fn guards_count_while_they_are_kept() {
        let vitals = Vitals::new();
        let first = vitals.take_up(Instant::now());
        sleep(Duration::from_secs(5)).await;
        let second = vitals.take_up(Instant::now());
        let settling = vitals.settle();
        let seen = vitals.snapshot();
        assert_eq!((seen.in_hand, seen.settling), (2, 1));
        assert_eq!(seen.oldest, Some(Duration::from_secs(5)));
        drop((first, settling));
        assert_eq!(vitals.snapshot().oldest, Some(Duration::ZERO));
        drop(second);
        let seen = vitals.snapshot();
        assert_eq!((seen.in_hand, seen.oldest, seen.settling), (0, None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_start_that_never_ends_is_stuck() {
        let vitals = Vitals::new();
        let seen = vitals.snapshot();
        assert_eq!((seen.wait, seen.stuck), (wait::STARTING, false));
        assert!(!seen.started);
        sleep(STARTING + Duration::from_secs(1)).await;
        assert!(vitals.snapshot().stuck);
    }
}
