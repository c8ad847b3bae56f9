//! An observer that remembers, and that can be waited for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use s3_warden::clock::Clock;
use s3_warden::event::{Activity, Delivery, Upload};
use s3_warden::object::{Mark, Tagged};
use s3_warden::ops::Metrics;
use s3_warden::record::Finding;
use s3_warden::retry::Reason;
use s3_warden::verdict::Inspection;
use s3_warden::verdict::threat::Assessment;
use s3_warden::worker::Observer;
use tokio::sync::Notify;

/// What was seen: the same as the methods of the observer, with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Started,
    Looked(&'static str),
    Assessed(&'static str),
    Acted(&'static str),
    Announced,
    PassedOver(&'static str),
    Acknowledged,
    Parked(&'static str),
    Released(&'static str),
    Paused,
    GoesOn,
    Deferred(&'static str),
    Halted(bool),
    Received,
    Open(usize),
}

/// Remembers what it sees, and counts it as the service does.
#[derive(Debug)]
pub(crate) struct Watcher {
    pub(crate) metrics: Arc<Metrics>,
    seen: Mutex<Vec<Seen>>,
    more: Notify,
}

impl Watcher {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            metrics: Arc::new(Metrics::new(clock)),
            seen: Mutex::default(),
            more: Notify::new(),
        }
    }

    fn note(&self, seen: Seen) {
        self.seen.lock().unwrap().push(seen);
        self.more.notify_waiters();
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, what: Seen) -> usize {
        self.all().into_iter().filter(|seen| *seen == what).count()
    }

    /// Waits until this was seen so many times.
    pub(crate) async fn until(&self, what: Seen, times: usize) {
        loop {
            let more = self.more.notified();
            if self.count(what) >= times {
                return;
            }
            more.await;
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Observer for Watcher {
    fn received(&self, delivery: &Delivery) {
        self.metrics.received(delivery);
        self.note(Seen::Received);
    }

    fn started(&self, upload: &Upload) {
        self.metrics.started(upload);
        self.note(Seen::Started);
    }

    fn inspected(&self, upload: &Upload, inspection: &Inspection) {
        self.metrics.inspected(upload, inspection);
    }

    fn looked(&self, upload: &Upload, inspection: &Inspection) {
        self.metrics.looked(upload, inspection);
        self.note(Seen::Looked(inspection.verdict.as_str()));
    }

    fn acted(&self, finding: &Finding) {
        self.metrics.acted(finding);
        self.note(Seen::Acted(
            finding.outcome.map_or("none", |outcome| outcome.code()),
        ));
    }

    fn announced(&self, finding: &Finding) {
        self.metrics.announced(finding);
        self.note(Seen::Announced);
    }

    fn passed_over(&self, upload: &Upload, code: &'static str) {
        self.metrics.passed_over(upload, code);
        self.note(Seen::PassedOver(code));
    }

    fn assessed(&self, activity: &Activity, assessment: &Assessment) {
        self.metrics.assessed(activity, assessment);
        self.note(Seen::Assessed(assessment.threat.as_str()));
    }

    fn activity_passed_over(&self, activity: &Activity, code: &'static str) {
        self.metrics.activity_passed_over(activity, code);
        self.note(Seen::PassedOver(code));
    }

    fn acknowledged(&self) {
        self.metrics.acknowledged();
        self.note(Seen::Acknowledged);
    }

    fn parked(&self, reason: &Reason) {
        self.metrics.parked(reason);
        self.note(Seen::Parked(reason.code));
    }

    fn released(&self, code: &'static str) {
        self.metrics.released(code);
        self.note(Seen::Released(code));
    }

    fn open_findings(&self, count: usize, oldest: Duration) {
        self.metrics.open_findings(count, oldest);
        self.note(Seen::Open(count));
    }

    fn tagged(&self, mark: Mark, tagged: Tagged) {
        self.metrics.tagged(mark, tagged);
    }

    fn paused(&self, why: Option<&str>) {
        self.metrics.paused(why);
        self.note(if why.is_some() {
            Seen::Paused
        } else {
            Seen::GoesOn
        });
    }

    fn deferred(&self, wait: &'static str, after: Duration) {
        self.metrics.deferred(wait, after);
        self.note(Seen::Deferred(wait));
    }

    fn halted(&self, halted: bool) {
        self.metrics.halted(halted);
        self.note(Seen::Halted(halted));
    }
}
