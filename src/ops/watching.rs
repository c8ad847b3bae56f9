//! The numbers as the worker's observer.

use std::time::Duration;

use super::metrics::{Metrics, seconds_between};
use super::names;
use crate::action::Outcome;
use crate::event::{Activity, Delivery, Upload};
use crate::object::{Mark, Tagged};
use crate::record::Finding;
use crate::retry::Reason;
use crate::shutdown::protection::ProtectionWatch;
use crate::verdict::threat::{Assessment, Unassessed};
use crate::verdict::{Inspection, Verdict};
use crate::worker::Observer;

#[deny(clippy::missing_trait_methods)]
impl Observer for Metrics {
    fn received(&self, delivery: &Delivery) {
        self.count(names::RECEIVED, &[]);
        // Later receives tell how long we had it, not how long it waited for us.
        if delivery.receive_count == 1 {
            let lag = self.seconds_since(delivery.sent_at);
            self.histogram(names::QUEUE_LAG, &[]).record(lag);
        }
    }

    fn started(&self, _upload: &Upload) {}

    fn inspected(&self, upload: &Upload, inspection: &Inspection) {
        self.count(names::VERDICTS, &[inspection.verdict.as_str()]);
        if !matches!(inspection.verdict, Verdict::Missing | Verdict::Superseded) {
            let took = self.seconds_since(upload.happened_at);
            self.histogram(names::UPLOAD_TO_VERDICT, &[]).record(took);
        }
    }

    fn looked(&self, _upload: &Upload, _inspection: &Inspection) {}

    fn acted(&self, finding: &Finding) {
        let outcome = finding.outcome.map_or("none", Outcome::code);
        let action = finding.decision.action.as_str();
        self.count(names::ACTIONS, &[action, outcome]);
        let removed = matches!(
            finding.outcome,
            Some(Outcome::Deleted | Outcome::Quarantined)
        );
        if let Some(acted_at) = finding.times.acted_at.filter(|_| removed) {
            let took = seconds_between(finding.times.happened_at, acted_at);
            self.histogram(names::UPLOAD_TO_REMOVAL, &[]).record(took);
        }
    }

    fn announced(&self, _finding: &Finding) {}

    fn passed_over(&self, _upload: &Upload, code: &'static str) {
        self.count(names::PASSED_OVER, &[code]);
    }

    fn assessed(&self, _activity: &Activity, assessment: &Assessment) {
        let by = assessment.unassessed.map_or("model", Unassessed::code);
        self.count(names::ASSESSED, &[assessment.threat.as_str(), by]);
    }

    fn activity_passed_over(&self, _activity: &Activity, code: &'static str) {
        self.count(names::ACTIVITIES_PASSED_OVER, &[code]);
    }

    fn acknowledged(&self) {
        self.count(names::SETTLED, &["acknowledged", "ok"]);
    }

    fn parked(&self, reason: &Reason) {
        self.count(names::SETTLED, &["parked", reason.code]);
    }

    fn released(&self, code: &'static str) {
        self.count(names::SETTLED, &["released", code]);
    }

    fn open_findings(&self, count: usize, oldest: Duration) {
        self.gauge(names::OPEN_FINDINGS, &[]).set(count as f64);
        self.gauge(names::OPEN_FINDINGS_OLDEST, &[])
            .set(oldest.as_secs_f64());
    }

    fn tagged(&self, mark: Mark, tagged: Tagged) {
        let result = match tagged {
            Tagged::Tagged => "tagged",
            Tagged::NoRoom => "no_room",
            Tagged::Gone => "gone",
            Tagged::Unsupported => "unsupported",
            Tagged::Denied(_) => "denied",
        };
        self.count(names::TAGS, &[mark.as_str(), result]);
    }

    // How it stands is in the worker's signs of life.
    fn paused(&self, _why: Option<&str>) {}

    fn deferred(&self, wait: &'static str, _after: Duration) {
        self.count(names::DEFERRALS, &[wait]);
    }

    fn halted(&self, _halted: bool) {}
}

#[deny(clippy::missing_trait_methods)]
impl ProtectionWatch for Metrics {
    fn protected(&self, protected: bool) {
        let gauge = self.gauge(names::TASK_PROTECTED, &[]);
        gauge.set(f64::from(u8::from(protected)));
    }

    fn asked(&self, what: &'static str, result: &'static str) {
        self.count(names::PROTECTION_CALLS, &[what, result]);
    }
}
