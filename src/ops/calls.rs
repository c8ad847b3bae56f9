//! The numbers of calls to models.
//!
//! A model's id comes from the settings, so it is a label from a closed set.

use std::time::Duration;

use metrics::Label;

use super::metrics::Metrics;
use super::names;
use crate::model::{Answered, Meter};
use crate::telemetry::vocabulary::{LIMIT_USD, SPENT_USD};

#[deny(clippy::missing_trait_methods)]
impl Meter for Metrics {
    fn started(&self, _model: &str) {
        self.gauge(names::MODEL_IN_FLIGHT, &[]).increment(1.0);
    }

    fn finished(&self, call: &Answered<'_>) {
        self.ended(call.model, "answered");
        let of = Label::new("model", call.model.to_owned());
        self.histogram_of(names::MODEL_LATENCY, vec![of.clone()])
            .record(call.latency.as_secs_f64());
        self.gauge_of(names::COST, vec![of.clone()])
            .increment(call.usage.usd);
        for (direction, tokens) in [
            ("input", call.usage.tokens.input),
            ("output", call.usage.tokens.output),
        ] {
            let labels = vec![of.clone(), Label::new("direction", direction)];
            self.counter_of(names::MODEL_TOKENS, labels)
                .increment(tokens);
        }
    }

    fn throttled(&self, model: &str) {
        self.ended(model, "throttled");
    }

    fn failed(&self, model: &str, code: &'static str) {
        self.ended(model, code);
    }

    fn abandoned(&self, model: &str) {
        self.ended(model, "abandoned");
    }

    fn start_rate(&self, per_second: f64) {
        // Not held back: the number that is not there is clearer than an infinite one.
        if per_second.is_finite() {
            self.gauge(names::START_RATE, &[]).set(per_second);
        }
    }

    fn waited(&self, wait: &'static str, how_long: Duration) {
        self.histogram(names::LIMIT_WAIT, &[wait])
            .record(how_long.as_secs_f64());
    }

    fn spent(&self, usd: f64, limit: f64) {
        tracing::warn!(
            { SPENT_USD } = usd,
            { LIMIT_USD } = limit,
            "the budget of the day is spent: uploads wait for the next"
        );
    }
}

impl Metrics {
    fn ended(&self, model: &str, result: &'static str) {
        self.gauge(names::MODEL_IN_FLIGHT, &[]).decrement(1.0);
        let labels = vec![
            Label::new("model", model.to_owned()),
            Label::new("result", result),
        ];
        self.counter_of(names::MODEL_CALLS, labels).increment(1);
    }
}
