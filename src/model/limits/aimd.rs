//! How fast calls may start, learnt from being turned away. Pure: time comes in.
//!
//! Additive increase, multiplicative decrease: all tasks of a fleet add the same, and give up the
//! same part when the account they share is used up, so that the slower ones catch up with the
//! faster ones without any of them knowing of the others (D.-M. Chiu, R. Jain, 1989). What is added
//! grows with the time since the last cut and not with the rate, so it is still the same for
//! all, and a task that an outage brought down to almost nothing is back at fifty calls a second
//! in about four minutes, while one that shares a single call a second is throttled seldom
//! (the same idea as H-TCP's, D. Leith, R. Shorten, 2004).
//!
//! At first nothing is held back: a slow start would cost throughput that nobody has refused yet.
//! The first cut begins from the rate at which calls were really started.

use std::time::Duration;

use tokio::time::Instant;

/// The rate is cut to this part. Less, and tasks swing wide and are seldom equal; more, and a quota
/// that has shrunk is found only after many calls were turned away.
const CUT: f64 = 0.8;

/// Added in the first second after a cut, in starts a second.
const STEP: f64 = 0.02;

/// By how much the step grows in each second after a cut, in starts a second.
const STEP_GROWTH: f64 = 0.002;

/// The slowest rate, in starts a second: one call in ten seconds finds out whether it goes again.
const LEAST: f64 = 0.1;

/// Over how long starts are counted, in seconds, the younger ones counting more.
const MEMORY: f64 = 5.0;

/// A count younger than this, in seconds, says nothing about a rate.
const LEAST_MEMORY: f64 = 1.0;

/// The longest wait that a throttling service is obeyed in.
const MOST_HINT: Duration = Duration::from_secs(60);

/// The rate of starts.
#[derive(Clone, Debug)]
pub(super) struct Aimd {
    /// The rate right after the last cut; `None` before the first.
    base: Option<f64>,
    cut_at: Instant,
    last_start: Option<Instant>,
    /// No start before this, by the service's own word.
    hold_until: Option<Instant>,
    /// Starts, fading with their age.
    starts: f64,
    counted_at: Instant,
    counting_since: Instant,
}

impl Aimd {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            base: None,
            cut_at: now,
            last_start: None,
            hold_until: None,
            starts: 0.0,
            counted_at: now,
            counting_since: now,
        }
    }

    /// Starts a second, now; infinite before the first throttling.
    pub(super) fn rate(&self, now: Instant) -> f64 {
        let Some(base) = self.base else {
            return f64::INFINITY;
        };
        let since = now.saturating_duration_since(self.cut_at).as_secs_f64();
        base + STEP * since + STEP_GROWTH / 2.0 * since * since
    }

    /// How long until the next call may start; zero for now.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        let spacing = Duration::from_secs_f64(1.0 / self.rate(now));
        let spaced = self.last_start.map(|last| last + spacing);
        let earliest = spaced.max(self.hold_until).unwrap_or(now);
        earliest.saturating_duration_since(now)
    }

    /// A call starts.
    pub(super) fn started(&mut self, now: Instant) {
        if self.starts == 0.0 {
            self.counting_since = now;
        }
        self.starts = self.faded(now) + 1.0;
        self.counted_at = now;
        self.last_start = Some(now);
    }

    /// A call that had started at `started` was turned away. Cuts, unless that call had started
    /// before the last cut and so knows nothing of it. Answers whether it did.
    pub(super) fn throttled(
        &mut self,
        started: Instant,
        after: Option<Duration>,
        now: Instant,
    ) -> bool {
        if let Some(after) = after {
            let until = now + after.min(MOST_HINT);
            self.hold_until = self.hold_until.max(Some(until));
        }
        if self.base.is_some() && started <= self.cut_at {
            return false;
        }
        // A rate that nobody used says nothing about what is allowed.
        let used = self.rate(now).min(self.really(now));
        self.base = Some((used * CUT).max(LEAST));
        self.cut_at = now;
        true
    }

    /// At which rate calls have really started lately.
    fn really(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.counting_since);
        let age = age.as_secs_f64().max(LEAST_MEMORY);
        self.faded(now) / (MEMORY * (1.0 - (-age / MEMORY).exp()))
    }

    fn faded(&self, now: Instant) -> f64 {
        let age = now.saturating_duration_since(self.counted_at);
        self.starts * (-age.as_secs_f64() / MEMORY).exp()
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::BinaryHeap;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn after(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A service that takes so many calls a second from all tasks together, and tasks that always
    /// have something to ask.
    struct Simulation {
        quota: f64,
        /// What is left of it now.
        room: f64,
        tasks: Vec<Task>,
        /// Answers under way: when, to whom, whether it was turned away, and since when it runs.
        answers: BinaryHeap<Reverse<(Instant, usize, bool, Instant)>>,
        now: Instant,
        chance: u32,
    }

    struct Task {
        rate: Aimd,
        free: u32,
        begins: Instant,
        answered: u32,
        turned_away: u32,
    }

    impl Simulation {
        fn new(quota: f64, tasks: u32, seed: u32) -> Self {
            let now = Instant::now();
            let task = |n: u32| Task {
                rate: Aimd::new(now),
                free: 64,
                // They do not start together.
                begins: now + SECOND * 20 * n,
                answered: 0,
                turned_away: 0,
            };
            Self {
                quota,
                room: quota,
                tasks: (0..tasks).map(task).collect(),
                answers: BinaryHeap::new(),
                now,
                chance: seed,
            }
        }

        /// Calls take between half a second and one and a half.
        fn latency(&mut self) -> Duration {
            self.chance = self
                .chance
                .wrapping_mul(1_664_525)
                .wrapping_add(1_013_904_223);
            after(0.5 + f64::from(self.chance >> 8) / f64::from(1 << 24))
        }

        fn run(&mut self, seconds: u32) {
            let end = self.now + SECOND * seconds;
            for task in &mut self.tasks {
                (task.answered, task.turned_away) = (0, 0);
            }
            while let Some(next) = self.next_event().filter(|next| *next < end) {
                let passed = next.saturating_duration_since(self.now).as_secs_f64();
                // The service has a second's worth in hand.
                self.room = (self.room + passed * self.quota).min(self.quota.max(1.0));
                self.now = next;
                self.step();
            }
            self.now = end;
        }

        fn next_event(&self) -> Option<Instant> {
            let answer = self.answers.peek().map(|Reverse((at, ..))| *at);
            let starts = self.tasks.iter().filter(|task| task.free > 0).map(|task| {
                let from = self.now.max(task.begins);
                from + task.rate.wait(from)
            });
            starts.chain(answer).min()
        }

        fn step(&mut self) {
            let now = self.now;
            if let Some(Reverse((at, task, turned_away, started))) = self.answers.peek().copied()
                && at <= now
            {
                self.answers.pop();
                let task = &mut self.tasks[task];
                task.free += 1;
                if turned_away {
                    task.turned_away += 1;
                    task.rate.throttled(started, None, now);
                } else {
                    task.answered += 1;
                }
                return;
            }
            for n in 0..self.tasks.len() {
                let task = &mut self.tasks[n];
                if task.free == 0 || task.begins > now || !task.rate.wait(now).is_zero() {
                    continue;
                }
                task.free -= 1;
                task.rate.started(now);
                let turned_away = self.room < 1.0;
                let takes = if turned_away {
                    after(0.05)
                } else {
                    self.room -= 1.0;
                    self.latency()
                };
                self.answers
                    .push(Reverse((now + takes, n, turned_away, now)));
            }
        }

        fn answered(&self) -> Vec<f64> {
            let each = self.tasks.iter();
            each.map(|task| f64::from(task.answered)).collect()
        }
    }

    #[test]
    fn nothing_is_held_back_before_the_first_throttling() {
        let now = Instant::now();
        let mut rate = Aimd::new(now);
        for _ in 0..1_000 {
            assert_eq!(rate.wait(now), Duration::ZERO);
            rate.started(now);
        }
    }

    #[test]
    fn a_cut_begins_at_what_was_really_started_and_comes_once_a_round_trip() {
        let now = Instant::now();
        let mut rate = Aimd::new(now);
        for n in 0..600 {
            rate.started(now + SECOND * n / 10);
        }
        let later = now + SECOND * 60;
        assert!(rate.throttled(later - SECOND, None, later));
        let cut = rate.rate(later);
        assert!(
            (7.5..8.5).contains(&cut),
            "ten a second were started: {cut}"
        );
        assert!(!rate.throttled(later - SECOND / 2, None, later + SECOND / 2));
        assert!(rate.rate(later + SECOND) > cut);
        assert!(rate.throttled(later + SECOND, None, later + SECOND * 2));
        assert!(rate.rate(later + SECOND * 2) < cut);
    }

    #[test]
    fn starts_are_spaced_and_a_hint_is_obeyed() {
        let now = Instant::now();
        let mut rate = Aimd::new(now);
        rate.started(now);
        rate.throttled(now, Some(SECOND * 7), now);
        assert_eq!(rate.wait(now), SECOND * 7);
        let then = now + SECOND * 7;
        rate.started(then);
        let spacing = 1.0 / rate.rate(then);
        assert!((rate.wait(then).as_secs_f64() - spacing).abs() < 1e-6);
        rate.throttled(then, Some(SECOND * 100_000), then);
        assert!(rate.wait(then) <= MOST_HINT);
    }

    #[test]
    fn an_outage_does_not_slow_it_down_for_long() {
        let now = Instant::now();
        let mut rate = Aimd::new(now);
        for n in 1..100 {
            let at = now + SECOND * n;
            rate.started(at);
            rate.throttled(at, None, at);
        }
        let over = now + SECOND * 100;
        assert!(rate.rate(over) <= LEAST + STEP * 2.0, "{}", rate.rate(over));
        assert!(rate.rate(over + SECOND * 240) > 50.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]

        /// Tasks that share a quota, start one after the other and know nothing of each other,
        /// come to use it up in about equal parts.
        #[test]
        fn tasks_converge_on_one_quota(quota in 2.0..40.0_f64, seed: u32) {
            let mut simulation = Simulation::new(quota, 2, seed);
            simulation.run(600);
            simulation.run(3600);
            let answered = simulation.answered();
            let (one, other) = (answered[0], answered[1]);
            let all = one + other;
            prop_assert!((one - other).abs() <= 0.2 * one.max(other), "{answered:?}");
            let part = all / (quota * 3600.0);
            prop_assert!(part > 0.85, "only {part} of the quota is used");
            let away: u32 = simulation.tasks.iter().map(|task| task.turned_away).sum();
            let away = f64::from(away) / (all + f64::from(away));
            prop_assert!(away < 0.25, "{away} of the calls are turned away");
        }

        /// The same for a fleet: nobody starves.
        #[test]
        fn nobody_starves_in_a_fleet(quota in 4.0..40.0_f64, tasks in 3..9_u32, seed: u32) {
            let mut simulation = Simulation::new(quota, tasks, seed);
            simulation.run(900);
            simulation.run(1800);
            let fair = quota * 1800.0 / f64::from(tasks);
            for answered in simulation.answered() {
                prop_assert!(answered > fair * 0.4, "{answered} of {fair}");
            }
        }
    }
}
