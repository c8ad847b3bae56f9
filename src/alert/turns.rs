//! The port to the fleet's turns at publishing, and the rule by which they are given.
//!
//! People read alerts, and a mail subscription that gets more than ten messages a second is
//! suspended (SNS, "Email notifications"). So all tasks together publish no more than
//! `alerts.max_per_minute` in any 60 seconds and ten in any second: before each publish a task takes
//! a turn, and every turn of the last minute is remembered where all tasks see it. That is exact,
//! whatever the number of tasks; a share of the rate per task would be too much for a fleet that has
//! grown, and too little for a task that has all the work.
//!
//! Turns are remembered by the time of the task that takes them, and published a moment later. Both
//! are allowed for: [`Taken`] keeps its windows longer than they are ([`SKEW`], [`SLACK`]). So the
//! bound of a minute holds while the tasks' clocks differ, and alerts are accepted after their turns,
//! by less than [`SKEW`] together; the ten in a second hold while that is less than [`SLACK`], which
//! is 1 s. The price is a rate a little below the bound: 60 in 65 seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::LedgerError;

/// Publishes of a fleet in any second.
pub const PER_SECOND: usize = 10;

/// By how much longer a minute is kept than it is: the difference between the clocks of two tasks,
/// and the way of an alert to its carrier.
pub const SKEW: Duration = Duration::from_secs(5);

/// By how much longer a second is kept than it is.
///
/// Larger, and a fleet that is allowed 600 alerts a minute would get fewer still (it gets 300);
/// smaller, and ten alerts that were slow and ten that were fast could meet in one second.
pub const SLACK: Duration = Duration::from_secs(1);

/// So long after its newest turn a task counts as one that takes turns.
const LATELY: Duration = Duration::from_secs(10 * 60);

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// What a task that asks for a turn gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It publishes one alert, now. A turn that is not used, or whose publish fails, is spent.
    Now,
    /// Nobody has a turn before this has passed; then it asks again.
    Wait(Duration),
}

/// The fleet's turns.
///
/// # Contract
/// - Of all tasks that take turns no more get [`Turn::Now`] than the bounds allow, whatever the order
///   of their calls; implementations write conditionally and read again when they lose.
/// - A turn is given at the moment of the answer: an implementation that took longer than
///   half of [`SLACK`] to write it down does not hand it out.
/// - `Err` gives no turn. The caller goes on by its own share of the rate: alerts do not fall silent.
/// - Dropping a call may spend a turn.
#[async_trait]
pub trait Turns: Send + Sync + std::fmt::Debug {
    /// Takes a turn, if there is one.
    async fn take(&self) -> Result<Turn, LedgerError>;

    /// How many tasks have taken turns lately, as far as this one has read; 0 where it does not
    /// know. It is what shares are made of while turns are not to be had.
    fn takers(&self) -> usize {
        0
    }
}

/// The turns that were taken within the last minute: pure, and what adapters store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// When, in milliseconds since 1970; in order.
    taken_at_ms: Vec<i64>,
    /// When each task took its newest turn, by a short name; only of the last ten minutes, and
    /// missing in what earlier versions have written.
    #[serde(default)]
    takers: BTreeMap<String, i64>,
}

impl Taken {
    /// Takes a turn at `now`, if fewer than `per_minute` and [`PER_SECOND`] were taken before it.
    ///
    /// Times ahead of `now` come from clocks that are ahead: they count, unless they are further
    /// ahead than a window is long. Those nobody could have taken, and believing them would silence
    /// the fleet until then.
    pub fn take(&mut self, now: Timestamp, per_minute: u32) -> Turn {
        let now = now.as_millisecond();
        let kept = millis(MINUTE + SKEW);
        self.taken_at_ms
            .retain(|at| now.saturating_sub(*at).abs() < kept);
        self.taken_at_ms.sort_unstable();
        let per_minute = usize::try_from(per_minute).unwrap_or(usize::MAX).max(1);
        let wait = self.free_in(now, per_minute, kept).max(self.free_in(
            now,
            PER_SECOND,
            millis(SECOND + SLACK),
        ));
        if wait > 0 {
            return Turn::Wait(Duration::from_millis(wait.unsigned_abs()));
        }
        self.taken_at_ms.push(now);
        Turn::Now
    }

    /// Notes that the task of this name has taken a turn at `now`.
    pub fn note(&mut self, task: &str, now: Timestamp) {
        let now = now.as_millisecond();
        let kept = millis(LATELY);
        self.takers
            .retain(|_, at| now.saturating_sub(*at).abs() < kept);
        self.takers.insert(task.to_owned(), now);
    }

    /// How many tasks have taken a turn within the ten minutes before the newest. What is left of
    /// the time of day plays no part: while nobody takes turns, nobody goes.
    pub fn takers(&self) -> usize {
        self.takers.len()
    }

    /// In how many milliseconds fewer than `most` will lie within the last `kept`; not above zero
    /// when that is so already.
    fn free_in(&self, now: i64, most: usize, kept: i64) -> i64 {
        let nth_last = self.taken_at_ms.iter().rev().nth(most.saturating_sub(1));
        nth_last.map_or(0, |at| at.saturating_add(kept).saturating_sub(now))
    }
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    #[track_caller]
    fn check(taken: &mut Taken, ms: i64, per_minute: u32, expected: Result<(), u64>) {
        let expected = match expected {
            Ok(()) => Turn::Now,
            Err(ms) => Turn::Wait(Duration::from_millis(ms)),
        };
        assert_eq!(taken.take(at(ms), per_minute), expected, "at {ms}");
    }

    #[test]
    fn ten_in_a_second_and_sixty_in_a_minute() {
        let mut taken = Taken::default();
        for n in 0..10 {
            check(&mut taken, n, 60, Ok(()));
        }
        check(&mut taken, 10, 60, Err(1_990));
        for n in 0..50 {
            check(&mut taken, 2_000 + n * 200, 60, Ok(()));
        }
        check(&mut taken, 12_000, 60, Err(53_000));
        check(&mut taken, 65_000, 60, Ok(()));
        check(&mut taken, 65_000, 60, Err(1));
    }

    #[test]
    fn the_slowest_rate_is_one_a_minute() {
        let mut taken = Taken::default();
        for per_minute in [0, 1] {
            taken = Taken::default();
            check(&mut taken, 0, per_minute, Ok(()));
            check(&mut taken, 1, per_minute, Err(64_999));
        }
        check(&mut taken, 65_000, 1, Ok(()));
    }

    #[test]
    fn clocks_that_are_ahead_count_and_mad_ones_do_not() {
        let mut taken = Taken::default();
        check(&mut taken, 3_000, 1, Ok(()));
        check(&mut taken, 0, 1, Err(68_000));
        let mut taken = Taken::default();
        check(&mut taken, 3_600_000, 1, Ok(()));
        check(&mut taken, 0, 1, Ok(()));
    }

    #[test]
    fn tasks_are_known_for_a_while_and_old_records_know_none() {
        let mut taken: Taken = serde_json::from_str(r#"{"taken_at_ms":[1800000000000]}"#).unwrap();
        check(&mut taken, 1, 1, Err(64_999));
        assert_eq!(taken.takers(), 0);
        taken.note("a", at(0));
        taken.note("b", at(1_000));
        taken.note("a", at(2_000));
        assert_eq!(taken.takers(), 2);
        let stored = serde_json::to_string(&taken).unwrap();
        let read: Taken = serde_json::from_str(&stored).unwrap();
        assert_eq!(read, taken);
        taken.note("c", at(601_000));
        assert_eq!(taken.takers(), 2, "b has gone");
    }

    proptest! {
        /// Several clocks that differ by less than the allowance, and alerts that arrive late by
        /// less than theirs: no window holds more than it may.
        #[test]
        fn no_window_is_ever_overfull(
            steps in prop::collection::vec((0..900_i64, -1_000..1_000_i64, 0..400_i64), 1..400),
            per_minute in 1..200_u32,
        ) {
            let (mut taken, mut now, mut arrived) = (Taken::default(), 0, Vec::new());
            for (step, skew, late) in steps {
                now += step;
                if taken.take(at(now + skew / 4), per_minute) == Turn::Now {
                    arrived.push(now + late);
                }
            }
            arrived.sort_unstable();
            for (most, long) in [(per_minute as usize, 60_000), (PER_SECOND, 1_000)] {
                for pair in arrived.windows(most + 1) {
                    prop_assert!(pair[most] - pair[0] >= long, "{most} in {long}: {pair:?}");
                }
            }
        }
    }
}
