//! Who is told what calls to models do.
//!
//! Metrics live in a room of their own, to the right of this one: this is the door through which
//! they are told. Being told must cost nothing, since it happens inside every call.

use std::fmt;
use std::time::Duration;

use super::Usage;

/// A call that was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answered<'a> {
    /// By which model.
    pub model: &'a str,
    /// From the start of the call to its answer; no waiting for limits is in it.
    pub latency: Duration,
    /// What it used up, its price included.
    pub usage: Usage,
}

/// Is told of calls to models.
///
/// # Contract
/// - Every method returns at once: it is called between two steps of a call, from any thread.
/// - Each `started` is followed by exactly one of `finished`, `throttled`, `failed`, `abandoned`.
pub trait Meter: Send + Sync + fmt::Debug {
    /// A call goes out.
    fn started(&self, model: &str);

    /// It was answered.
    fn finished(&self, call: &Answered<'_>);

    /// It was turned away because of too many.
    fn throttled(&self, model: &str);

    /// It failed otherwise; `code` is one of [`ModelError`](super::ModelError)'s.
    fn failed(&self, model: &str, code: &'static str);

    /// Nobody waits for it any more.
    fn abandoned(&self, model: &str);

    /// How many calls may start in a second, now that this has changed.
    fn start_rate(&self, per_second: f64);

    /// A call has waited before it could start; `wait` names for what.
    fn waited(&self, wait: &'static str, how_long: Duration);

    /// The budget of the day is spent; said once a day.
    fn spent(&self, usd: f64, limit: f64);
}

/// Forgets everything it is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMeter;

#[deny(clippy::missing_trait_methods)]
impl Meter for NoMeter {
    fn started(&self, _model: &str) {}
    fn finished(&self, _call: &Answered<'_>) {}
    fn throttled(&self, _model: &str) {}
    fn failed(&self, _model: &str, _code: &'static str) {}
    fn abandoned(&self, _model: &str) {}
    fn start_rate(&self, _per_second: f64) {}
    fn waited(&self, _wait: &'static str, _how_long: Duration) {}
    fn spent(&self, _usd: f64, _limit: f64) {}
}
