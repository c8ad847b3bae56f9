//! An observer that remembers, and that can be waited for.

use std::sync::Mutex;

use s3_warden::event::Upload;
use s3_warden::record::Finding;
use s3_warden::retry::Reason;
use s3_warden::verdict::Inspection;
use s3_warden::worker::Observer;
use tokio::sync::Notify;

/// What was seen: the same as the methods of the observer, with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Started,
    Looked(&'static str),
    Acted(&'static str),
    Announced,
    PassedOver(&'static str),
    Acknowledged,
    Parked(&'static str),
    Released(&'static str),
    Paused,
    GoesOn,
}

/// Remembers what it sees.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    seen: Mutex<Vec<Seen>>,
    more: Notify,
}

impl Watcher {
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

impl Observer for Watcher {
    fn started(&self, _upload: &Upload) {
        self.note(Seen::Started);
    }

    fn looked(&self, _upload: &Upload, inspection: &Inspection) {
        self.note(Seen::Looked(inspection.verdict.as_str()));
    }

    fn acted(&self, finding: &Finding) {
        self.note(Seen::Acted(
            finding.outcome.map_or("none", |outcome| outcome.code()),
        ));
    }

    fn announced(&self, _finding: &Finding) {
        self.note(Seen::Announced);
    }

    fn passed_over(&self, _upload: &Upload, code: &'static str) {
        self.note(Seen::PassedOver(code));
    }

    fn acknowledged(&self) {
        self.note(Seen::Acknowledged);
    }

    fn parked(&self, reason: &Reason) {
        self.note(Seen::Parked(reason.code));
    }

    fn released(&self, code: &'static str) {
        self.note(Seen::Released(code));
    }

    fn paused(&self, why: Option<&str>) {
        self.note(if why.is_some() {
            Seen::Paused
        } else {
            Seen::GoesOn
        });
    }
}
