//! Waits that are no work.
//!
//! A call that waits for a limit holds its message, and the time that may be spent on one object
//! must not run meanwhile: a throttled model would make every picture look guilty of taking long.
//! So whoever makes somebody wait says so here, and whoever bounds work subtracts what was waited.
//! The two stand far apart, with ports between them; what connects them is the task they run in.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

tokio::task_local! {
    static WAITS: Waits;
}

/// What was waited inside one future. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Waits(Arc<Mutex<Count>>);

#[derive(Debug, Default)]
struct Count {
    ended: Duration,
    /// Waits under way, and since when there is one.
    open: u32,
    since: Option<Instant>,
}

impl Waits {
    /// Runs a future and counts what it waits, down to the innermost one that says so. Futures that
    /// it hands to other tasks are not seen.
    pub async fn count<F: Future>(&self, work: F) -> F::Output {
        WAITS.scope(self.clone(), work).await
    }

    /// How long was waited so far, a wait that is under way included.
    pub fn total(&self) -> Duration {
        let count = self.lock();
        let open = count.since.map(|since| since.elapsed());
        count.ended + open.unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Awaits something that is a wait and no work; also answers how long it took.
pub async fn waiting<F: Future>(wait: F) -> (F::Output, Duration) {
    let started = Instant::now();
    let _open = Open::begin();
    let done = wait.await;
    (done, started.elapsed())
}

/// Does something to its end, but leaves it where it waits once `stop` is cancelled.
///
/// `None` is left: what it waited for has not begun. Work between waits is never cut. Its waits have
/// to come one after another, in the task that awaits this.
pub async fn unless_it_waits<F: Future>(work: F, stop: &CancellationToken) -> Option<F::Output> {
    let waits = WAITS.try_with(Clone::clone).unwrap_or_default();
    let before = waits.lock().open;
    let work = waits.count(work);
    let mut work = pin!(work);
    let mut stopped = pin!(stop.cancelled());
    let mut is_stopped = false;
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        is_stopped = is_stopped || stopped.as_mut().poll(context).is_ready();
        // Looked at after each step of the work, so that no wait is missed.
        if is_stopped && waits.lock().open > before {
            return Poll::Ready(None);
        }
        Poll::Pending
    })
    .await
}

/// A wait under way; it ends when this is dropped, also when nobody waits to its end.
struct Open(Option<Waits>);

impl Open {
    fn begin() -> Self {
        let waits = WAITS.try_with(Clone::clone).ok();
        if let Some(waits) = &waits {
            let mut count = waits.lock();
            count.open += 1;
            count.since.get_or_insert_with(Instant::now);
        }
        Self(waits)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let Some(waits) = &self.0 else { return };
        let mut count = waits.lock();
        count.open = count.open.saturating_sub(1);
        if count.open == 0
            && let Some(since) = count.since.take()
        {
            count.ended += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn only_waits_are_counted_and_nested_ones_once() {
        let waits = Waits::default();
        let work = async {
            sleep(SECOND * 5).await;
            let inner = async {
                waiting(sleep(SECOND * 2)).await;
                sleep(SECOND).await;
            };
            let ((), took) = waiting(inner).await;
            assert_eq!(took, SECOND * 3);
            futures::join!(waiting(sleep(SECOND)), waiting(sleep(SECOND * 4)));
        };
        waits.count(work).await;
        assert_eq!(waits.total(), SECOND * 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_under_way_and_one_given_up_count() {
        let waits = Waits::default();
        let work = waits.count(waiting(std::future::pending::<()>()));
        let watched = async {
            sleep(SECOND * 3).await;
            waits.total()
        };
        tokio::select! {
            _ = work => unreachable!("it never ends"),
            seen = watched => assert_eq!(seen, SECOND * 3),
        }
        sleep(SECOND).await;
        assert_eq!(waits.total(), SECOND * 3, "it has ended with its future");
    }

    /// When it was over, and whether it was left, for work of 5 s between two waits of 5 s.
    async fn check(stop_after: Duration, seconds: u64, done: Option<()>) {
        let stop = CancellationToken::new();
        let work = async {
            waiting(sleep(SECOND * 5)).await;
            sleep(SECOND * 5).await;
            waiting(sleep(SECOND * 5)).await;
        };
        let stopping = async {
            sleep(stop_after).await;
            stop.cancel();
        };
        let started = Instant::now();
        let work = async {
            let ended = unless_it_waits(work, &stop).await;
            (ended, started.elapsed().as_secs())
        };
        let outer = Waits::default();
        let work = outer.count(work);
        let (ended, ()) = futures::join!(work, stopping);
        assert_eq!(ended, (done, seconds), "{stop_after:?}");
        let worked = SECOND * 5_u32.min(u32::try_from(seconds.saturating_sub(5)).unwrap());
        assert_eq!(
            outer.total() + worked,
            SECOND * u32::try_from(seconds).unwrap()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stop_cuts_waits_and_no_work() {
        check(Duration::ZERO, 0, None).await;
        check(SECOND * 3, 3, None).await;
        check(SECOND * 7, 10, None).await;
        check(SECOND * 12, 12, None).await;
        check(SECOND * 20, 15, Some(())).await;
        let outside = waiting(async {
            let stop = CancellationToken::new();
            stop.cancel();
            unless_it_waits(sleep(SECOND), &stop).await
        });
        let outer = Waits::default();
        assert_eq!(
            outer.count(outside).await.0,
            Some(()),
            "a wait round it is none of its own"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_where_nobody_counts_is_plain_waiting() {
        assert_eq!(waiting(sleep(SECOND)).await, ((), SECOND));
    }
}
