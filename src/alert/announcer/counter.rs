//! What this task has counted, by window, until it is written down.
//!
//! Counting never waits: it takes a lock for the time of a few additions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::digester::GRACE;
use crate::alert::{AlertSettings, Tally, Window};
use crate::clock::Clock;
use crate::record::Finding;

/// So many windows wait at most to be written while the records do not answer; the oldest go first.
const MOST_WINDOWS: usize = 100;

#[derive(Debug)]
pub(super) struct Counter {
    settings: AlertSettings,
    /// `None` counts nothing.
    length: Option<Duration>,
    /// Read under the lock, or a count could come to a window after its last write.
    clock: Arc<dyn Clock>,
    counted: Mutex<BTreeMap<Window, Counted>>,
}

#[derive(Clone, Debug, Default)]
struct Counted {
    tally: Tally,
    /// Something was counted since it was last written.
    unwritten: bool,
}

impl Counter {
    pub(super) fn new(settings: AlertSettings, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            length: settings.digest,
            clock,
            counted: Mutex::new(BTreeMap::new()),
        }
    }

    pub(super) fn count(&self, finding: &Finding) {
        self.add(|tally| tally.count(finding, &self.settings));
    }

    fn add(&self, counting: impl FnOnce(&mut Tally)) {
        let Some(length) = self.length else {
            return;
        };
        let mut all = self.lock();
        let counted = all.entry(Window::at(self.clock.now(), length)).or_default();
        counting(&mut counted.tally);
        counted.unwritten = true;
        while all.len() > MOST_WINDOWS {
            all.pop_first();
        }
    }

    /// What has to be written. Windows that are over and written are kept until the fleet's counts
    /// are added up: a clock that is set back a little counts in them again, and what is written
    /// replaces what was.
    pub(super) fn to_write(&self) -> Vec<(Window, Tally)> {
        let mut all = self.lock();
        let now = self.clock.now();
        let is_over = |window: &Window| {
            window
                .until
                .saturating_add(GRACE)
                .is_ok_and(|end| end <= now)
        };
        all.retain(|window, counted| counted.unwritten || !is_over(window));
        let unwritten = all.iter_mut().filter(|(_, counted)| counted.unwritten);
        unwritten
            .map(|(window, counted)| {
                counted.unwritten = false;
                (*window, counted.tally.clone())
            })
            .collect()
    }

    /// A window could not be written.
    pub(super) fn not_written(&self, window: Window) {
        if let Some(counted) = self.lock().get_mut(&window) {
            counted.unwritten = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Window, Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[derive(Debug)]
    struct Set(Mutex<Timestamp>);

    impl Set {
        fn to(&self, time: &str) {
            *self.0.lock().unwrap() = time.parse().unwrap();
        }
    }

    impl Clock for Set {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    #[test]
    fn a_late_count_adds_to_what_was_written() {
        let clock = Arc::new(Set(Mutex::default()));
        let settings = AlertSettings {
            digest: Some(Duration::from_secs(60)),
            ..AlertSettings::default()
        };
        let counter = Counter::new(settings, Arc::clone(&clock) as _);
        let written = || {
            let windows = counter.to_write().into_iter();
            windows.map(|(_, tally)| tally.cost_usd).collect::<Vec<_>>()
        };
        clock.to("2026-03-03T14:00:59Z");
        counter.add(|tally| tally.cost_usd += 1.0);
        clock.to("2026-03-03T14:01:00Z");
        assert_eq!(written(), [1.0]);
        assert_eq!(written(), [0.0; 0], "nothing new");
        clock.to("2026-03-03T14:00:59Z");
        counter.add(|tally| tally.cost_usd += 1.0);
        clock.to("2026-03-03T14:01:01Z");
        assert_eq!(written(), [2.0]);
        clock.to("2026-03-03T14:02:00Z");
        assert_eq!(written(), [0.0; 0]);
        assert!(counter.lock().is_empty(), "it is forgotten");
    }
}
