//! The numbers of one process, and their text for Prometheus.
//!
//! The recorder belongs to us and is not the process's global one: several services (in tests) can
//! stand side by side, and no library writes metrics of its own among ours.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::names::{self, Kind, Metric};
use crate::clock::Clock;
use crate::worker::Snapshot;

/// Where our metrics come from, by the word of the crate that keeps them.
static ORIGIN: Metadata<'static> = Metadata::new("s3_warden", Level::INFO, None);

/// The numbers of one process. It is told of things as the worker's observer, as the models' meter,
/// and by [`CountedNotifier`](super::CountedNotifier).
pub struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    pub(super) clock: Arc<dyn Clock>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// All numbers at zero.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let mut builder = PrometheusBuilder::new();
        for metric in names::ALL {
            if let Kind::Histogram(bounds) = metric.kind {
                let matcher = Matcher::Full(metric.name.to_owned());
                builder = builder
                    .set_buckets_for_metric(matcher, bounds)
                    .expect("every histogram has bounds");
            }
        }
        let recorder = builder.build_recorder();
        let metrics = Self {
            handle: recorder.handle(),
            recorder,
            clock,
        };
        for metric in names::ALL {
            metrics.describe(metric);
        }
        metrics
    }

    /// The text that Prometheus reads, with how the worker stands now.
    pub fn render(&self, snapshot: &Snapshot) -> String {
        self.note(snapshot);
        self.handle.render()
    }

    /// Takes in what histograms have gathered. Called every few seconds, or they grow until somebody
    /// asks for the text.
    pub fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    fn note(&self, snapshot: &Snapshot) {
        let flag = |metric, on| self.gauge(metric, &[]).set(f64::from(u8::from(on)));
        let number = |metric, value: f64| self.gauge(metric, &[]).set(value);
        number(names::MEMORY, snapshot.memory_in_use as f64);
        number(names::IN_HAND, snapshot.in_hand as f64);
        number(names::SETTLING, snapshot.settling as f64);
        let oldest = snapshot.oldest.unwrap_or_default();
        number(names::OLDEST, oldest.as_secs_f64());
        number(names::POLL_AGE, snapshot.since_poll.as_secs_f64());
        flag(names::PAUSED, snapshot.paused.is_some());
        flag(names::HALTED, snapshot.halted);
        flag(names::DRAINING, snapshot.draining);
        flag(names::STUCK, snapshot.stuck);
        let breaker = snapshot.breaker;
        let open = breaker.is_some_and(|breaker| breaker.open_since.is_some());
        flag(names::BREAKER_OPEN, open);
        let held = breaker.map_or(0, |breaker| breaker.held);
        number(names::BREAKER_HELD, held as f64);
    }

    /// Registers what has no labels, so that it is there from the beginning, and what each means.
    fn describe(&self, metric: Metric) {
        let name = KeyName::from_const_str(metric.name);
        let unit = unit(metric.name);
        let help = metric.help.into();
        let alone = metric.labels.is_empty();
        match metric.kind {
            Kind::Counter => {
                self.recorder.describe_counter(name, unit, help);
                if alone {
                    self.counter(metric, &[]).absolute(0);
                }
            }
            Kind::Gauge => {
                self.recorder.describe_gauge(name, unit, help);
                if alone {
                    self.gauge(metric, &[]).set(0.0);
                }
            }
            Kind::Histogram(_) => self.recorder.describe_histogram(name, unit, help),
        }
    }

    pub(super) fn count(&self, metric: Metric, values: &[&'static str]) {
        self.counter(metric, values).increment(1);
    }

    pub(super) fn counter(&self, metric: Metric, values: &[&'static str]) -> Counter {
        self.recorder
            .register_counter(&key(metric, values), &ORIGIN)
    }

    pub(super) fn gauge(&self, metric: Metric, values: &[&'static str]) -> Gauge {
        self.recorder.register_gauge(&key(metric, values), &ORIGIN)
    }

    pub(super) fn histogram(&self, metric: Metric, values: &[&'static str]) -> Histogram {
        self.recorder
            .register_histogram(&key(metric, values), &ORIGIN)
    }

    pub(super) fn counter_of(&self, metric: Metric, labels: Vec<Label>) -> Counter {
        let key = Key::from_parts(metric.name, labels);
        self.recorder.register_counter(&key, &ORIGIN)
    }

    pub(super) fn gauge_of(&self, metric: Metric, labels: Vec<Label>) -> Gauge {
        let key = Key::from_parts(metric.name, labels);
        self.recorder.register_gauge(&key, &ORIGIN)
    }

    pub(super) fn histogram_of(&self, metric: Metric, labels: Vec<Label>) -> Histogram {
        let key = Key::from_parts(metric.name, labels);
        self.recorder.register_histogram(&key, &ORIGIN)
    }

    /// From then until now, in seconds; a clock that runs behind gives zero.
    pub(super) fn seconds_since(&self, then: Timestamp) -> f64 {
        seconds_between(then, self.clock.now())
    }
}

/// From one time to a later one, in seconds.
pub(super) fn seconds_between(then: Timestamp, now: Timestamp) -> f64 {
    let age = Duration::try_from(now.duration_since(then));
    age.unwrap_or_default().as_secs_f64()
}

fn key(metric: Metric, values: &[&'static str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let labels = metric.labels.iter().zip(values);
    let labels: Vec<_> = labels
        .map(|(name, value)| Label::from_static_parts(name, value))
        .collect();
    Key::from_parts(metric.name, labels)
}

fn unit(name: &str) -> Option<Unit> {
    if name.ends_with("_seconds") {
        Some(Unit::Seconds)
    } else if name.ends_with("_bytes") {
        Some(Unit::Bytes)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::clock::SystemClock;
    use crate::worker::Vitals;

    #[test]
    fn every_metric_is_listed_once_and_named_by_the_rules() {
        let mut seen = BTreeSet::new();
        for metric in names::ALL {
            assert!(seen.insert(metric.name), "{} is there twice", metric.name);
            assert!(metric.name.starts_with("s3_warden_"), "{}", metric.name);
            let counts = metric.kind == Kind::Counter;
            assert_eq!(metric.name.ends_with("_total"), counts, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            if let Kind::Histogram(bounds) = metric.kind {
                assert!(metric.name.ends_with("_seconds"), "{}", metric.name);
                assert!(bounds.is_sorted() && bounds.len() > 3, "{}", metric.name);
            }
        }
    }

    #[tokio::test]
    async fn two_side_by_side_count_for_themselves() {
        let snapshot = Vitals::new().snapshot();
        let (one, two) = (
            Metrics::new(Arc::new(SystemClock)),
            Metrics::new(Arc::new(SystemClock)),
        );
        one.count(names::RECEIVED, &[]);
        let line = |metrics: &Metrics| {
            let text = metrics.render(&snapshot);
            let line = text
                .lines()
                .find(|line| line.starts_with(names::RECEIVED.name));
            line.unwrap().to_owned()
        };
        assert!(line(&one).ends_with(" 1"), "{}", line(&one));
        assert!(line(&two).ends_with(" 0"), "{}", line(&two));
    }
}
