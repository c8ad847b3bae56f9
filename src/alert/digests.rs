//! The port to what the tasks of a fleet have counted, and to the lease of whoever tells of it.
//!
//! Each task writes its own count of a window and nobody else's, so none waits for another. When the
//! window is over, one task claims it, adds everything up, tells, and marks it as told. A claim is a
//! lease: a task that dies with it is replaced, and at worst the same digest is sent twice.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tally;
use crate::record::LedgerError;

/// Whoever claims a window and does not mark it as told within this time, or claim it again, is
/// replaced. Shorter than a slow carrier takes, and a digest would be sent twice for nothing.
pub const CLAIM: Duration = Duration::from_secs(300);

/// A stretch of time that one digest covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning; inside.
    pub from: Timestamp,
    /// Its end; outside.
    pub until: Timestamp,
}

impl Window {
    /// The window of this length (whole seconds, at least one) that a time lies in. Windows follow
    /// each other without a gap from the beginning of 1970, UTC: every task finds the same ones, and
    /// a day is a day.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use s3_warden::alert::Window;
    ///
    /// let day = Duration::from_secs(24 * 60 * 60);
    /// let window = Window::at("2026-03-03T14:05:09Z".parse()?, day);
    /// assert_eq!(window.from, "2026-03-03T00:00:00Z".parse()?);
    /// assert_eq!(window.until, "2026-03-04T00:00:00Z".parse()?);
    /// # Ok::<(), jiff::Error>(())
    /// ```
    pub fn at(time: Timestamp, length: Duration) -> Self {
        let length = i64::try_from(length.as_secs()).unwrap_or(i64::MAX).max(1);
        let start = time.as_second().div_euclid(length).saturating_mul(length);
        let second = |second| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        Self {
            from: second(start),
            until: second(start.saturating_add(length)),
        }
    }

    /// Its length.
    pub fn length(&self) -> Duration {
        Duration::try_from(self.until.duration_since(self.from)).unwrap_or_default()
    }

    /// Its name in the records: when it begins, and how many seconds it has. Names sort as the
    /// beginnings do.
    pub fn name(&self) -> String {
        format!(
            "{}-{}",
            self.from.strftime("%Y%m%dT%H%M%SZ"),
            self.length().as_secs()
        )
    }

    /// The window of a name; `None` when no window is called so.
    pub fn named(name: &str) -> Option<Self> {
        let (from, seconds) = name.split_once('-')?;
        let from = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", from).ok()?;
        let from = from.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        let seconds: u64 = seconds.parse().ok()?;
        let until = from.checked_add(Duration::from_secs(seconds)).ok()?;
        let window = Self { from, until };
        (from < until && window.name() == name).then_some(window)
    }
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The window is ours to tell of, for [`CLAIM`] from now.
    Ours,
    /// Another task has claimed it, and it is free again at this time.
    Theirs(Timestamp),
    /// It was told of already.
    Told,
}

/// What tasks have counted; an object of this stands for one task, from its start to its end.
///
/// # Contract
/// - Every call is durable on `Ok` and may be repeated.
/// - Of several that claim a window at the same moment exactly one gets [`Claim::Ours`]. Who holds
///   a claim and claims again holds it for [`CLAIM`] from then.
/// - `told` holds whoever has the claim by then: what was told is told.
/// - `sum` of a window that nobody has counted in is no task and an empty tally.
#[async_trait]
pub trait Digests: Send + Sync + std::fmt::Debug {
    /// Replaces what this task has counted in a window.
    async fn write(&self, window: Window, tally: &Tally) -> Result<(), LedgerError>;

    /// The windows that somebody has counted in, that begin at or after `from` and end at or before
    /// `until`, told of or not; oldest first.
    async fn windows(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Window>, LedgerError>;

    /// Claims a window in order to tell of it.
    async fn claim(&self, window: Window, now: Timestamp) -> Result<Claim, LedgerError>;

    /// How many tasks have counted in a window, and what they counted together.
    async fn sum(&self, window: Window) -> Result<(u64, Tally), LedgerError>;

    /// Marks a window as told of.
    async fn told(&self, window: Window, now: Timestamp) -> Result<(), LedgerError>;
}

/// A claim as adapters store it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Which task.
    pub holder: String,
    /// When it claimed.
    pub since: Timestamp,
    /// Whether it has told.
    pub told: bool,
}

impl Lease {
    /// What a claim of `task` finds where this lease stands, and what stands then; `None` leaves
    /// what is there.
    pub fn claim(stands: Option<&Self>, task: &str, now: Timestamp) -> (Claim, Option<Self>) {
        match stands {
            Some(lease) if lease.told => (Claim::Told, None),
            Some(lease) if lease.holder != task && now < lease.ends() => {
                (Claim::Theirs(lease.ends()), None)
            }
            _ => {
                let ours = Self {
                    holder: task.to_owned(),
                    since: now,
                    told: false,
                };
                (Claim::Ours, Some(ours))
            }
        }
    }

    /// What stands when `task` has told; `None` when that stands already. Whoever holds the claim by
    /// then, what was told is told.
    pub fn tell(stands: Option<&Self>, task: &str, now: Timestamp) -> Option<Self> {
        let told = stands.is_some_and(|lease| lease.told);
        (!told).then(|| Self {
            holder: task.to_owned(),
            since: now,
            told: true,
        })
    }

    fn ends(&self) -> Timestamp {
        self.since.saturating_add(CLAIM).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn names_are_those_of_windows_and_sort_like_them() {
        let minute = Window::at(at("2026-12-31T23:59:30Z"), Duration::from_secs(60));
        assert_eq!(minute.name(), "20261231T235900Z-60");
        assert_eq!(Window::named(&minute.name()), Some(minute));
        let next = Window::at(minute.until, Duration::from_secs(60));
        assert_eq!(next.from, minute.until);
        assert!(minute.name() < next.name());
        for wrong in [
            "",
            "-",
            "x-60",
            "20261231T235900Z-0",
            "20261231T235900Z-060",
        ] {
            assert_eq!(Window::named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_lease_is_held_renewed_taken_over_and_ends_with_the_telling() {
        let (start, later) = (at("2026-03-03T00:00:00Z"), at("2026-03-03T00:04:00Z"));
        let (claim, lease) = Lease::claim(None, "a", start);
        let mut lease = lease.unwrap();
        assert_eq!(claim, Claim::Ours);
        let until = at("2026-03-03T00:05:00Z");
        let theirs = (Claim::Theirs(until), None);
        assert_eq!(Lease::claim(Some(&lease), "b", later), theirs);
        let (claim, renewed) = Lease::claim(Some(&lease), "a", later);
        assert_eq!((claim, renewed.unwrap().since), (Claim::Ours, later));
        let (claim, taken) = Lease::claim(Some(&lease), "b", until);
        assert_eq!(
            (claim, taken.unwrap().holder),
            (Claim::Ours, "b".to_owned())
        );
        lease = Lease::tell(Some(&lease), "c", later).unwrap();
        assert_eq!(Lease::tell(Some(&lease), "a", until), None);
        for task in ["a", "b"] {
            assert_eq!(Lease::claim(Some(&lease), task, until), (Claim::Told, None));
        }
    }
}
