//! When to ask for protection, and when to let go: pure, no time passes here.
//!
//! - It is asked for with the first work, and taken back when there has been none for [`LINGER`]: a
//!   flurry costs two calls, however many findings are in it.
//! - A row of protection has an end: after the longest time allowed it is taken back, whatever is in
//!   hand, and not asked for again before [`REST`] has passed. A pause that is shorter than that does
//!   not begin a new row. So in every stretch of the longest time there follows a rest in which ECS
//!   can take the task, also under a load without gaps, or with many small ones.
//! - Protection lapses by itself soon: it is asked for by [`SPAN`] at most and renewed while it is
//!   needed, so that a task that hangs is not protected for hours.
//! - Whoever is asked to stop asks for nothing more, and lets go as soon as nothing is in hand.
//! - Two calls are at least [`SPACING`] apart, and further while they fail.

use std::time::Duration;

use tokio::time::Instant;

use super::ProtectError;
use crate::retry::Backoff;

/// How long protection is kept without work: longer than the gaps within a flurry of findings,
/// shorter than anybody waits for a deployment.
pub(super) const LINGER: Duration = Duration::from_secs(15);

/// Between two calls at least: each is a call of the ECS API, whose rate the whole account shares.
pub(super) const SPACING: Duration = Duration::from_secs(5);

/// After the longest row a task is left unprotected for this long. Shorter, and the scheduler of ECS,
/// which looks again within seconds to a minute, might miss it; longer, and more work meets a stop.
pub(super) const REST: Duration = Duration::from_secs(120);

/// One call protects for this long at most, in minutes.
const SPAN: u128 = 10;

/// Protection is renewed when so little of it is left.
const RENEW: Duration = Duration::from_secs(120);

/// Protection counts as lapsed so long after its time: ECS looks when it looks, and a row that ends
/// with it is ended by a call all the same.
const LAPSING: Duration = Duration::from_secs(30);

/// Calls that fail are repeated after 5 s, and settle at one in 5 min.
const FAILING: Backoff = Backoff::new(SPACING, Duration::from_secs(300));

/// What is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Protection for so many minutes.
    Protect(u16),
    /// Its end.
    Release,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Call(Ask),
    /// Nothing, until something changes or, at the latest, then.
    Wait(Option<Instant>),
}

/// How we stand, as the rule sees it.
#[derive(Debug)]
pub(super) struct Rule {
    most: Duration,
    /// A stop was asked for.
    draining: bool,
    /// We are protected until then, or may be.
    held: Option<Held>,
    /// When the row began that is not over yet.
    row: Option<Instant>,
    /// The row is to end before its time.
    cut: bool,
    /// When protection ended, while none is held.
    freed: Option<Instant>,
    /// There was work at the last step.
    busy: bool,
    /// When there was work last.
    worked: Option<Instant>,
    /// No call before.
    not_before: Option<Instant>,
    /// Failures in a row.
    failures: u32,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    until: Instant,
    /// A call may have been lost on the way.
    sure: bool,
}

impl Held {
    /// When it has lapsed for sure.
    fn lapsed(self) -> Instant {
        self.until + LAPSING
    }
}

impl Rule {
    /// Protects for `most` in a row; zero never does.
    pub(super) const fn new(most: Duration) -> Self {
        Self {
            most,
            draining: false,
            held: None,
            row: None,
            cut: false,
            freed: None,
            busy: false,
            worked: None,
            not_before: None,
            failures: 0,
        }
    }

    /// A stop was asked for.
    pub(super) const fn drain(&mut self) {
        self.draining = true;
    }

    /// Whether we are protected, as far as we know.
    pub(super) fn is_protected(&self, now: Instant) -> bool {
        self.held.is_some_and(|held| held.sure && now < held.until)
    }

    /// Whether a last call is owed when the process ends.
    pub(super) fn may_be_protected(&self, now: Instant) -> bool {
        self.held.is_some_and(|held| now < held.lapsed())
    }

    /// What to do now, with or without work in hand.
    pub(super) fn step(&mut self, now: Instant, busy: bool) -> Step {
        if self.most.is_zero() {
            return Step::Wait(None);
        }
        self.turn(now, busy);
        let Some(held) = self.held else {
            return self.step_free(now, busy);
        };
        let Some(wanted_until) = self.wanted_until(busy) else {
            return self.call(now, Ask::Release);
        };
        if wanted_until <= now {
            return self.call(now, Ask::Release);
        }
        let wait = Step::Wait(Some(wanted_until.min(held.lapsed())));
        let row_ends = self.row.map_or(now, |row| row + self.most);
        let lasts = held.sure && row_ends <= held.until;
        if !busy || self.draining || lasts {
            return wait;
        }
        // What may not have arrived is asked for again, before it is needed.
        let renewed = held.until.checked_sub(RENEW).filter(|_| held.sure);
        match renewed.filter(|at| now < *at) {
            Some(at) => Step::Wait(Some(at.min(wanted_until))),
            None => match self.call(now, Ask::Protect(self.minutes(now))) {
                Step::Wait(until) => Step::Wait(until.map(|until| until.min(wanted_until))),
                call @ Step::Call(_) => call,
            },
        }
    }

    /// What has come, by now, of a call that was made then. A row counts from the call, and
    /// protection lapses from the answer: either may be earlier, and neither later.
    pub(super) fn heard(
        &mut self,
        (made, now): (Instant, Instant),
        ask: Ask,
        result: &Result<(), ProtectError>,
    ) {
        self.failures = match result {
            Ok(()) => 0,
            Err(_) => self.failures.saturating_add(1),
        };
        let pause = match self.failures {
            0 => SPACING,
            failures => FAILING.wait(failures.saturating_sub(1), 1.0),
        };
        self.not_before = Some(now + pause);
        match (ask, result) {
            (Ask::Protect(minutes), Ok(())) => self.hold((made, now), minutes, true),
            (Ask::Protect(minutes), Err(ProtectError::Unknown(_))) => {
                self.hold((made, now), minutes, false);
            }
            (Ask::Protect(_), Err(ProtectError::Blocked)) => {
                self.cut = true;
                self.row.get_or_insert(now);
                if self.held.is_none() {
                    self.freed = Some(now);
                }
            }
            (Ask::Release, Ok(())) => {
                self.held = None;
                self.freed = Some(now);
            }
            // Whatever held before still does.
            (Ask::Protect(_) | Ask::Release, Err(_)) => {}
        }
    }

    fn hold(&mut self, (made, now): (Instant, Instant), minutes: u16, sure: bool) {
        let until = now + Duration::from_secs(u64::from(minutes) * 60);
        self.held = Some(Held { until, sure });
        self.row.get_or_insert(made);
        self.freed = None;
    }

    /// Takes in what time has changed.
    fn turn(&mut self, now: Instant, busy: bool) {
        if busy || self.busy {
            self.worked = Some(now);
        }
        self.busy = busy;
        if let Some(held) = self.held.filter(|held| held.lapsed() <= now) {
            self.held = None;
            self.freed = Some(held.lapsed());
        }
        let rested = self.freed.is_some_and(|freed| freed + REST <= now);
        if self.held.is_none() && rested {
            (self.row, self.cut, self.freed) = (None, false, None);
        }
    }

    /// While nothing is held.
    fn step_free(&self, now: Instant, busy: bool) -> Step {
        if !busy || self.draining {
            return Step::Wait(None);
        }
        let spent = self.cut || self.row.is_some_and(|row| row + self.most <= now);
        if spent {
            return Step::Wait(self.freed.map(|freed| freed + REST));
        }
        self.call(now, Ask::Protect(self.minutes(now)))
    }

    /// Until when what is held is wanted, as things stand; `None` is not at all.
    fn wanted_until(&self, busy: bool) -> Option<Instant> {
        let row_ends = self.row? + self.most;
        if self.cut {
            return None;
        }
        match (busy, self.draining) {
            (true, _) => Some(row_ends),
            (false, true) => None,
            (false, false) => Some(row_ends.min(self.worked? + LINGER)),
        }
    }

    /// A call, or the wait for the moment when it may be made.
    fn call(&self, now: Instant, ask: Ask) -> Step {
        match self.not_before.filter(|at| now < *at) {
            Some(at) => Step::Wait(Some(at)),
            None => Step::Call(ask),
        }
    }

    /// For how long to ask: what is left of the row, rounded up, and no more than a span.
    fn minutes(&self, now: Instant) -> u16 {
        let row_ends = self.row.unwrap_or(now) + self.most;
        let left = row_ends.saturating_duration_since(now);
        let minutes = left.as_millis().div_ceil(60_000).clamp(1, SPAN);
        u16::try_from(minutes).unwrap_or(1)
    }
}
