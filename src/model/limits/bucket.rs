//! A bucket of tokens that fills steadily, and takes back what was not used.
//!
//! `governor` decides; this asks it on tokio's clock, waits, and keeps two things that it does not
//! know: credit, which somebody took and did not need and which is spent before anything else, and
//! debt, which somebody used without having taken it and which the next one pays.
//!
//! Whoever asks first is served first: only the one in front asks, so that a large request is not
//! overtaken for ever by small ones.

use std::fmt;
use std::num::NonZeroU32;
use std::ops::Add;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Notify;
use tokio::time::Instant;

/// tokio's clock, which tests can pause.
#[derive(Clone, Copy, Debug)]
struct TokioTime;

/// A moment of that clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Instant);

impl Add<Nanos> for Moment {
    type Output = Self;

    fn add(self, later: Nanos) -> Self {
        Self(self.0 + Duration::from(later))
    }
}

impl Reference for Moment {
    fn duration_since(&self, earlier: Self) -> Nanos {
        self.0.saturating_duration_since(earlier.0).into()
    }

    fn saturating_sub(&self, duration: Nanos) -> Self {
        Self(self.0.checked_sub(duration.into()).unwrap_or(self.0))
    }
}

impl Clock for TokioTime {
    type Instant = Moment;

    fn now(&self) -> Moment {
        Moment(Instant::now())
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioTime, StateInformationMiddleware>;

/// The bucket.
pub(super) struct Bucket {
    limiter: Limiter,
    burst: NonZeroU32,
    per_minute: f64,
    /// Held by the one who is in front.
    front: tokio::sync::Mutex<()>,
    account: Mutex<Account>,
    given_back: Notify,
}

#[derive(Debug)]
struct Account {
    credit: u64,
    debt: u64,
    /// How full governor's bucket was when it last gave something.
    left: u64,
    left_at: Instant,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket")
            .field("per_minute", &self.per_minute)
            .field("burst", &self.burst)
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl Bucket {
    /// A full bucket of `burst`, filled with `per_minute` (above zero) a minute.
    pub(super) fn new(per_minute: f64, burst: NonZeroU32) -> Self {
        let period = Duration::from_secs_f64(60.0 / per_minute).max(Duration::from_nanos(1));
        let quota = Quota::with_period(period).expect("the period is not zero");
        Self {
            limiter: RateLimiter::direct_with_clock(quota.allow_burst(burst), TokioTime)
                .with_middleware(),
            burst,
            per_minute,
            front: tokio::sync::Mutex::default(),
            account: Mutex::new(Account {
                credit: 0,
                debt: 0,
                left: burst.get().into(),
                left_at: Instant::now(),
            }),
            given_back: Notify::new(),
        }
    }

    /// Takes so many, after waiting for its turn and for them. Cancel safe: who goes away has taken
    /// nothing.
    pub(super) async fn take(&self, amount: u64) {
        let _front = self.front.lock().await;
        loop {
            // Heard from here on, so that nothing is given back between asking and sleeping.
            let given_back = self.given_back.notified();
            let Some(wait) = self.try_take(amount) else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = given_back => {}
            }
        }
    }

    /// Takes at once, or says how long to wait.
    fn try_take(&self, amount: u64) -> Option<Duration> {
        let mut account = self.lock();
        self.forget_surplus(&mut account);
        let wanted = amount.saturating_add(account.debt);
        let of_credit = wanted.min(account.credit);
        let rest = wanted - of_credit;
        let burst = u64::from(self.burst.get());
        if rest > burst && account.debt > 0 {
            // More than the bucket ever holds: the debt is paid in parts, and stays paid.
            let part = account.debt.min(burst);
            let wait = self.ask(&mut account, part);
            if wait.is_none() {
                account.debt -= part;
            }
            return Some(wait.unwrap_or_default());
        }
        // A single call that is larger than the bucket leaves its rest to those after it.
        let now = rest.min(burst);
        if let Some(wait) = self.ask(&mut account, now) {
            return Some(wait);
        }
        account.credit -= of_credit;
        account.debt = rest - now;
        None
    }

    /// Asks governor for no more than the burst, or learns how long to wait for it.
    fn ask(&self, account: &mut Account, amount: u64) -> Option<Duration> {
        let amount = NonZeroU32::new(u32::try_from(amount).unwrap_or(u32::MAX))?;
        match self.limiter.check_n(amount) {
            Ok(Ok(state)) => {
                account.left = state.remaining_burst_capacity().into();
                account.left_at = Instant::now();
                None
            }
            Ok(Err(not_until)) => Some(not_until.wait_time_from(TokioTime.now())),
            Err(_) => unreachable!("never more than the burst is asked for"),
        }
    }

    /// Settles what was taken against what was used.
    pub(super) fn settle(&self, taken: u64, used: u64) {
        let mut account = self.lock();
        if used > taken {
            account.debt = account.debt.saturating_add(used - taken);
            return;
        }
        let unused = taken - used;
        let of_debt = unused.min(account.debt);
        account.debt -= of_debt;
        account.credit = account.credit.saturating_add(unused - of_debt);
        self.forget_surplus(&mut account);
        drop(account);
        self.given_back.notify_one();
    }

    /// Credit and bucket together never hold more than the bucket alone does when it is full, or
    /// a quiet minute would be followed by one with twice the limit.
    fn forget_surplus(&self, account: &mut Account) {
        let filled = account.left_at.elapsed().as_secs_f64() * self.per_minute / 60.0;
        let level = account.left.saturating_add(filled as u64);
        let room = u64::from(self.burst.get()).saturating_sub(level);
        account.credit = account.credit.min(room);
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::stream::{FuturesUnordered, StreamExt};
    use proptest::prelude::*;

    use super::*;

    fn bucket(per_minute: f64, burst: u32) -> Bucket {
        Bucket::new(per_minute, NonZeroU32::new(burst).unwrap())
    }

    async fn timed(bucket: &Bucket, amount: u64) -> u64 {
        let started = Instant::now();
        bucket.take(amount).await;
        started.elapsed().as_secs_f64().round() as u64
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_free_and_then_the_rate_holds() {
        let bucket = bucket(60.0, 10);
        assert_eq!(timed(&bucket, 10).await, 0);
        assert_eq!(timed(&bucket, 1).await, 1);
        assert_eq!(timed(&bucket, 7).await, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_is_spent_first() {
        let bucket = bucket(60.0, 10);
        bucket.take(10).await;
        bucket.settle(10, 4);
        assert_eq!(timed(&bucket, 6).await, 0);
        assert_eq!(timed(&bucket, 3).await, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn an_overrun_is_paid_by_the_next() {
        let bucket = bucket(60.0, 10);
        bucket.take(4).await;
        bucket.settle(4, 9);
        assert_eq!(timed(&bucket, 1).await, 0, "6 left: 1 and the debt of 5");
        assert_eq!(timed(&bucket, 2).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_debt_above_the_burst_is_paid_over_time() {
        let bucket = bucket(60.0, 10);
        bucket.take(10).await;
        bucket.settle(10, 35);
        assert_eq!(timed(&bucket, 1).await, 26);
        assert_eq!(timed(&bucket, 1).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_given_back_wakes_who_waits() {
        let bucket = bucket(1.0, 5);
        bucket.take(5).await;
        let waiter = timed(&bucket, 2);
        let giver = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            bucket.settle(5, 3);
        };
        assert_eq!(futures::join!(waiter, giver).0, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn credit_does_not_outlive_a_full_bucket() {
        let bucket = bucket(60.0, 10);
        bucket.take(10).await;
        bucket.settle(10, 0);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(timed(&bucket, 10).await, 0);
        assert_eq!(timed(&bucket, 10).await, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_takes_nothing_and_order_is_kept() {
        let bucket = bucket(60.0, 10);
        bucket.take(10).await;
        let waits = tokio::time::timeout(Duration::from_secs(2), bucket.take(10)).await;
        assert!(waits.is_err());
        let mut order: FuturesUnordered<_> = [(1, 8), (2, 1), (3, 1)]
            .into_iter()
            .map(|(name, amount)| {
                let bucket = &bucket;
                async move {
                    bucket.take(amount).await;
                    name
                }
            })
            .collect();
        let mut seen = Vec::new();
        while let Some(name) = order.next().await {
            seen.push(name);
        }
        assert_eq!(seen, [1, 2, 3]);
    }

    proptest! {
        /// Whatever is taken, given back and overdrawn: when a call starts, all that was used before
        /// and what it takes is no more than a full bucket and what has come in.
        #[test]
        fn the_rate_holds_over_time(
            calls in prop::collection::vec((1..20_u64, 0..30_u64), 1..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(async {
                let bucket = bucket(60.0, 20);
                let started = Instant::now();
                let mut used_before = 0;
                for (take, used) in calls {
                    bucket.take(take).await;
                    let come_in = started.elapsed().as_secs_f64();
                    prop_assert!(
                        used_before as f64 + take as f64 <= 20.0 + come_in + 1.0,
                        "{used_before} and {take} after {come_in} s"
                    );
                    bucket.settle(take, used);
                    used_before += used;
                }
                Ok(())
            })?;
        }
    }
}
