//! The brake on removals: when far more is to be removed than anybody expects, a person looks first.
//!
//! A wrong setting, a judge gone mad or a flood of uploads could empty a bucket before anybody
//! reads the first alert. Up to `limits.deletions_per_minute` removals go on within any minute; the
//! first one beyond opens the breaker, and from then on every removal is held (told, not done) until
//! [`Breaker::reset`]. It never closes by itself: the flood may only have paused.
//!
//! Not a rate limiter: nothing waits here. The window lies in memory; whether it is open can be
//! taken out and put back ([`Breaker::state`], [`Breaker::restored`]), so that it can outlive the
//! process.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::event::FindingId;

/// The length of the window that the limit counts in.
const WINDOW: Duration = Duration::from_secs(60);

/// Whether a removal may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Remove; it has been counted.
    Go,
    /// The breaker is open: tell, and leave the object where it is.
    Held,
}

/// What must be kept for the breaker to be the same after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BreakerState {
    /// Counts the resets.
    #[serde(default)]
    pub generation: u64,
    /// When it opened; absent while it is closed.
    pub open_since: Option<Timestamp>,
    /// Removals held since then.
    pub held: u64,
}

/// What a person wants to know of the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BreakerStatus {
    /// When it opened; absent while it is closed.
    pub open_since: Option<Timestamp>,
    /// Removals held since then.
    pub held: u64,
    /// Removals let through within the last minute.
    pub recent: u32,
    /// How many a minute may have.
    pub limit: NonZeroU32,
}

/// The breaker. Shared behind an `Arc`; each call is atomic.
#[derive(Debug)]
pub struct Breaker {
    limit: NonZeroU32,
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
    opened: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// When removals were let through, and of which findings; never longer than the limit.
    recent: VecDeque<(Instant, FindingId)>,
    state: BreakerState,
}

impl Breaker {
    /// A closed breaker that lets `limit` removals through in any minute.
    pub fn new(limit: NonZeroU32, clock: Arc<dyn Clock>) -> Self {
        Self::restored(limit, clock, BreakerState::default())
    }

    /// The breaker as it was when `state` was taken.
    pub fn restored(limit: NonZeroU32, clock: Arc<dyn Clock>, state: BreakerState) -> Self {
        let inner = Inner {
            state,
            ..Inner::default()
        };
        Self {
            limit,
            clock,
            inner: Mutex::new(inner),
            opened: Notify::new(),
        }
    }

    /// Asks for the removal of one finding's object. `Go` counts it, whatever becomes of it: a
    /// removal that the store then refuses was wanted all the same. Tried again within the minute,
    /// it is the same removal.
    pub fn admit(&self, finding: &FindingId) -> Admission {
        let now = Instant::now();
        let mut inner = self.lock();
        let recent = inner.count(now);
        if inner.state.open_since.is_none() {
            if inner.recent.iter().any(|(_, known)| known == finding) {
                return Admission::Go;
            }
            if recent < self.limit.get() {
                inner.recent.push_back((now, *finding));
                return Admission::Go;
            }
        }
        inner.state.held = inner.state.held.saturating_add(1);
        if inner.state.open_since.is_none() {
            inner.state.open_since = Some(self.clock.now());
            self.opened.notify_one();
        }
        Admission::Held
    }

    /// Closes it and forgets the window: a person has looked, and a full window would open it again
    /// at the next removal.
    pub fn reset(&self) {
        let mut inner = self.lock();
        let generation = inner.state.generation.saturating_add(1);
        inner.restart(generation);
    }

    /// Takes over how the fleet's breaker stands: a later generation than ours was reset since, so
    /// ours is too; open in ours, ours opens. What is older than ours says nothing any more.
    pub fn follow(&self, generation: u64, open_since: Option<Timestamp>) {
        let mut inner = self.lock();
        if generation > inner.state.generation {
            inner.restart(generation);
        }
        if generation == inner.state.generation && inner.state.open_since.is_none() {
            inner.state.open_since = open_since;
        }
    }

    /// Resolves when it was opened here, by a removal too many, since this was last waited for:
    /// whoever tells the fleet waits for it. Cancel safe.
    pub async fn opened(&self) {
        self.opened.notified().await;
    }

    /// How it stands.
    pub fn status(&self) -> BreakerStatus {
        let mut inner = self.lock();
        BreakerStatus {
            open_since: inner.state.open_since,
            held: inner.state.held,
            recent: inner.count(Instant::now()),
            limit: self.limit,
        }
    }

    /// What is to be kept over a restart.
    pub fn state(&self) -> BreakerState {
        self.lock().state
    }

    /// No code that holds the lock can leave the counts half changed, so a panic elsewhere does not
    /// spoil them.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn restart(&mut self, generation: u64) {
        *self = Self {
            state: BreakerState {
                generation,
                ..BreakerState::default()
            },
            ..Self::default()
        };
    }

    /// Removals within the window that ends now.
    fn count(&mut self, now: Instant) -> u32 {
        while let Some((oldest, _)) = self.recent.front()
            && now.saturating_duration_since(*oldest) >= WINDOW
        {
            self.recent.pop_front();
        }
        u32::try_from(self.recent.len()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::clock::TokioClock;
    use crate::event::Identity;

    fn clock() -> Arc<dyn Clock> {
        Arc::new(TokioClock::starting_at(Timestamp::UNIX_EPOCH))
    }

    fn breaker(limit: u32) -> Breaker {
        Breaker::new(NonZeroU32::new(limit).unwrap(), clock())
    }

    fn admitted(breaker: &Breaker, asked: usize) -> usize {
        (0..asked)
            .filter(|_| breaker.admit(&another()) == Admission::Go)
            .count()
    }

    /// A finding that nobody has asked for before.
    fn another() -> FindingId {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Identity::CloudTrail {
            event_id: number.to_string(),
        }
        .finding_id()
    }

    #[tokio::test(start_paused = true)]
    async fn tries_of_one_removal_are_one_removal() {
        let breaker = breaker(2);
        let (first, second) = (another(), another());
        for _try in 0..10 {
            assert_eq!(breaker.admit(&first), Admission::Go);
        }
        assert_eq!(breaker.admit(&second), Admission::Go);
        assert_eq!(breaker.admit(&another()), Admission::Held);
    }

    #[tokio::test(start_paused = true)]
    async fn the_removals_within_the_limit_still_happen() {
        let breaker = breaker(3);
        assert_eq!(admitted(&breaker, 3), 3);
        assert_eq!(breaker.status().open_since, None);
        assert_eq!(admitted(&breaker, 2), 0);
        let status = breaker.status();
        assert_eq!(status.open_since, Some(Timestamp::UNIX_EPOCH));
        assert_eq!((status.held, status.recent), (2, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn the_window_slides() {
        let breaker = breaker(2);
        assert_eq!(admitted(&breaker, 1), 1);
        advance(Duration::from_secs(40)).await;
        assert_eq!(admitted(&breaker, 1), 1);
        advance(Duration::from_secs(20)).await;
        // The first has left the window, the second has not.
        assert_eq!(breaker.status().recent, 1);
        assert_eq!(admitted(&breaker, 1), 1);
        advance(Duration::from_secs(39)).await;
        assert_eq!(admitted(&breaker, 1), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_closes_by_itself() {
        let breaker = breaker(1);
        assert_eq!(admitted(&breaker, 2), 1);
        advance(Duration::from_secs(7 * 24 * 3600)).await;
        assert_eq!(admitted(&breaker, 1), 0);
        breaker.reset();
        let after = BreakerState {
            generation: 1,
            ..BreakerState::default()
        };
        assert_eq!(breaker.state(), after);
        assert_eq!(admitted(&breaker, 1), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_the_fleet_and_never_back() {
        let breaker = breaker(1);
        let since = Some(Timestamp::UNIX_EPOCH);
        breaker.follow(3, since);
        assert_eq!(breaker.status().open_since, since);
        assert_eq!(admitted(&breaker, 1), 0);
        breaker.follow(2, None);
        assert_eq!(admitted(&breaker, 1), 0, "an older word closes nothing");
        breaker.follow(3, None);
        assert_eq!(admitted(&breaker, 1), 0, "only a reset closes it");
        breaker.follow(4, None);
        assert_eq!((admitted(&breaker, 2), breaker.state().generation), (1, 4));
        breaker.follow(3, since);
        assert_eq!(breaker.state().generation, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn opening_wakes_whoever_tells_the_fleet_once() {
        let breaker = breaker(1);
        assert_eq!(admitted(&breaker, 5), 1);
        breaker.opened().await;
        let again = breaker.opened();
        tokio::pin!(again);
        assert!(futures::poll!(&mut again).is_pending());
        breaker.follow(0, Some(Timestamp::UNIX_EPOCH));
        assert!(futures::poll!(&mut again).is_pending());
    }

    #[tokio::test(start_paused = true)]
    async fn a_reset_gives_a_whole_new_window() {
        let breaker = breaker(2);
        assert_eq!(admitted(&breaker, 3), 2);
        breaker.reset();
        assert_eq!(admitted(&breaker, 3), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_the_same_after_a_restart() {
        let before = breaker(1);
        assert_eq!(admitted(&before, 2), 1);
        let stored = serde_json::to_string(&before.state()).unwrap();
        let state = serde_json::from_str(&stored).unwrap();
        let after = Breaker::restored(NonZeroU32::MIN, clock(), state);
        assert_eq!(after.state(), before.state());
        assert_eq!(admitted(&after, 1), 0);
        assert_eq!(after.state().held, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn many_threads_get_no_more_than_the_limit() {
        let breaker = breaker(100);
        let together = std::sync::Barrier::new(8);
        let admitted: usize = std::thread::scope(|scope| {
            let ask = || {
                together.wait();
                admitted(&breaker, 50)
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(admitted, 100);
        assert_eq!(breaker.state().held, 300);
    }
}
