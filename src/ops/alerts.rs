//! Counts alerts on their way to the carrier.

use std::sync::Arc;

use async_trait::async_trait;

use super::metrics::Metrics;
use super::names;
use crate::alert::{Alert, Notifier, NotifyError, PublicationId, Watch};
use crate::retry::Reacts;

/// A carrier whose alerts are counted.
#[derive(Debug)]
pub struct CountedNotifier {
    inner: Arc<dyn Notifier>,
    metrics: Arc<Metrics>,
}

impl CountedNotifier {
    /// Counts what `inner` is given.
    pub fn new(inner: Arc<dyn Notifier>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Notifier for CountedNotifier {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let published = self.inner.publish(alert).await;
        let result = published.as_ref().map_or_else(Reacts::code, |_| "accepted");
        self.metrics
            .count(names::ALERTS, &[alert.kind.as_str(), result]);
        published
    }
}

impl Watch for Metrics {
    fn waiting_for_turn(&self, alerts: usize) {
        let gauge = self.gauge(names::ALERTS_WAITING, &[]);
        gauge.set(alerts as f64);
    }
}
