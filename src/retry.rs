//! What an error asks for, and how long to wait before asking again.
//!
//! Every error that can reach the worker says what should happen to the message that met it: the
//! worker never looks inside an error to find out. Waiting times are full-jitter exponential (see
//! "Exponential Backoff And Jitter", AWS Architecture Blog), capped, and obey a server's hint.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

/// Why a message is parked: a stable code for counting, and a sentence for a person.
///
/// Neither may hold anything of the message's body: the reason is logged, shown and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// A stable `snake_case` word, for example `bad_key_encoding`.
    pub code: &'static str,
    /// A sentence for a person: lowercase, no full stop, names the thing and the remedy.
    pub detail: String,
}

impl Reason {
    /// A reason with its code and its sentence.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

/// What an error asks the worker to do with the message that met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Try again later; `after` is the server's hint, `None` leaves it to the backoff.
    Retry {
        /// The wait that the other side asked for.
        after: Option<Duration>,
    },
    /// This message can never succeed: move it to the dead-letter queue and say why.
    Park(Reason),
    /// Nothing is left to do: acknowledge.
    Drop,
    /// Work of this kind has to wait, for all messages alike and through nobody's fault: give it
    /// back to come again, and take no more until then.
    Defer {
        /// The name of the wait, as health and metrics show it.
        wait: &'static str,
        /// For how long.
        after: Duration,
    },
    /// The whole service can't go on (settings, credentials): pause, alert, probe. The text says why.
    Stop(String),
}

/// An error that knows its [`Reaction`] and carries a stable code for logs and metrics.
pub trait Reacts: std::error::Error + Send + Sync {
    /// What the worker should do.
    fn reaction(&self) -> Reaction;
    /// A stable `snake_case` code: a label from a closed set.
    fn code(&self) -> &'static str;
}

/// Full-jitter exponential backoff: the n-th wait lies between zero and `base * 2^n`, capped.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
}

impl Backoff {
    /// For calls to a service: starts at half a second so that a blip costs little, capped at 20 s
    /// so that a recovered service is noticed soon.
    pub const SERVICE: Self = Self {
        base: Duration::from_millis(500),
        cap: Duration::from_secs(20),
    };

    /// For returning a whole message to its queue: starts at 5 s, capped at an hour, because
    /// every return costs one receive of the message's allowance: a queue that allows 20 then keeps
    /// a good message through most of a day of trouble.
    pub const MESSAGE: Self = Self {
        base: Duration::from_secs(5),
        cap: Duration::from_secs(3600),
    };

    /// A backoff with its first bound and its cap.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap }
    }

    /// The wait before attempt `attempt` (0 = the first retry). `unit` is a random number in
    /// `0.0..=1.0`: the caller brings it, so that tests can fix it.
    pub fn wait(&self, attempt: u32, unit: f64) -> Duration {
        let bound = self
            .base
            .saturating_mul(2_u32.saturating_pow(attempt.min(20)))
            .min(self.cap);
        bound.mul_f64(unit.clamp(0.0, 1.0))
    }

    /// Like [`Backoff::wait`], never shorter than half of the bound: for message release, where a
    /// wait near zero would burn receives.
    pub fn wait_at_least_half(&self, attempt: u32, unit: f64) -> Duration {
        self.wait(attempt, 0.5 + unit.clamp(0.0, 1.0) / 2.0)
    }
}

/// Where the random part of a wait comes from: handed in, so that tests can fix it.
#[derive(Clone)]
pub struct Jitter(Arc<dyn Fn() -> f64 + Send + Sync>);

impl Jitter {
    /// A new number for every wait. The standard library's hash keys are random and that is
    /// enough to spread retries; nothing secret hangs on it.
    pub fn random() -> Self {
        Self(Arc::new(|| {
            let bits = RandomState::new().build_hasher().finish() >> 32;
            bits as f64 / f64::from(u32::MAX)
        }))
    }

    /// Always this number, in `0.0..=1.0`.
    pub fn fixed(unit: f64) -> Self {
        Self(Arc::new(move || unit))
    }

    /// The next number in `0.0..=1.0`.
    pub fn unit(&self) -> f64 {
        (self.0)()
    }
}

impl fmt::Debug for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jitter")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap() {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
        let bounds: Vec<_> = (0..6).map(|n| backoff.wait(n, 1.0).as_secs()).collect();
        assert_eq!(bounds, [1, 2, 4, 8, 10, 10]);
        assert_eq!(backoff.wait(u32::MAX, 1.0), Duration::from_secs(10));
    }

    #[test]
    fn jitter_stays_inside_the_bound() {
        let backoff = Backoff::SERVICE;
        assert_eq!(backoff.wait(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.wait(0, 7.0), Duration::from_millis(500));
        assert_eq!(
            backoff.wait_at_least_half(0, 0.0),
            Duration::from_millis(250)
        );
    }

    #[test]
    fn random_jitter_differs_and_stays_inside() {
        let jitter = Jitter::random();
        let units: Vec<f64> = (0..64).map(|_| jitter.unit()).collect();
        assert!(units.iter().all(|unit| (0.0..=1.0).contains(unit)));
        assert!(units.iter().any(|unit| *unit != units[0]), "{units:?}");
    }
}
