//! When a file is whole: when it has stopped changing for a while.
//!
//! No file system says that a writer has finished: it may close and open again, or copy from far
//! away in bursts. Pure but for the time that is handed in.
//!
//! What was taken is remembered by two hashes (16 bytes), so that several events about one state,
//! or walking the folder again after events were lost, do not make new work.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// How many taken states are remembered: about 20 MB. When there are more, all are forgotten, and
/// a second walk may then send a file twice, which the identity of its finding absorbs.
const MOST_REMEMBERED: usize = 1 << 20;

/// The state of a file, as the file system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileState {
    pub(super) inode: u64,
    /// In bytes.
    pub(super) size: u64,
    /// Last change of the bytes, nanoseconds since 1970.
    pub(super) modified: i128,
    /// Last change of bytes, name or permissions, nanoseconds since 1970.
    pub(super) changed: i128,
}

impl FileState {
    /// For how long nothing has changed; zero when the times lie ahead.
    fn quiet_for(&self, now: i128) -> Duration {
        let nanos = now.saturating_sub(self.modified.max(self.changed)).max(0);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// What is to be done about a file that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It is whole: take it.
    Take,
    /// It may still be written: it will be due again.
    Wait,
    /// This state of it was taken already.
    Known,
}

/// Which files wait, and which were taken.
#[derive(Debug)]
pub(super) struct Settler {
    settle: Duration,
    waiting: HashMap<String, Waiting>,
    /// The waiting ones by when they are due.
    due: BTreeSet<(Instant, String)>,
    taken: HashMap<u64, u64>,
    hasher: RandomState,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    state: FileState,
    due: Instant,
}

impl Settler {
    pub(super) fn new(settle: Duration) -> Self {
        Self {
            settle,
            waiting: HashMap::new(),
            due: BTreeSet::new(),
            taken: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// A file was seen. `clock` is the time of day in nanoseconds since 1970, by which the file's
    /// own times are judged; waiting goes by `now`.
    pub(super) fn see(&mut self, key: &str, state: FileState, now: Instant, clock: i128) -> Step {
        let (name, content) = self.marks(key, &state);
        let before = self.stop_waiting(key);
        if self.taken.get(&name) == Some(&content) {
            return Step::Known;
        }
        let since_before = before
            .filter(|before| before.state == state)
            .map(|before| before.due);
        let whole = match since_before {
            Some(due) => due <= now,
            None => state.quiet_for(clock) >= self.settle,
        };
        if whole {
            if self.taken.len() >= MOST_REMEMBERED {
                self.taken.clear();
            }
            self.taken.insert(name, content);
            return Step::Take;
        }
        let due = since_before.unwrap_or(now + self.settle);
        self.waiting.insert(key.to_owned(), Waiting { state, due });
        self.due.insert((due, key.to_owned()));
        Step::Wait
    }

    /// A file is gone.
    pub(super) fn forget(&mut self, key: &str) {
        self.stop_waiting(key);
        let name = self.hasher.hash_one(key);
        self.taken.remove(&name);
    }

    /// When the next waiting file is to be looked at again.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Files that are to be looked at again now; each is to be answered by [`Settler::see`] or
    /// [`Settler::forget`].
    pub(super) fn due(&self, now: Instant) -> Vec<String> {
        self.due
            .iter()
            .take_while(|(due, _)| *due <= now)
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// How many files wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn stop_waiting(&mut self, key: &str) -> Option<Waiting> {
        let (key, waiting) = self.waiting.remove_entry(key)?;
        self.due.remove(&(waiting.due, key));
        Some(waiting)
    }

    fn marks(&self, key: &str, state: &FileState) -> (u64, u64) {
        (self.hasher.hash_one(key), self.hasher.hash_one(state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_millis(500);
    const NOW: i128 = 1_800_000_000_000_000_000;

    fn file(size: u64, changed: i128) -> FileState {
        FileState {
            inode: 7,
            size,
            modified: changed,
            changed,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_file_is_taken_at_once_and_only_once() {
        let mut settler = Settler::new(SETTLE);
        let old = file(10, NOW - 500_000_000);
        let now = Instant::now();
        assert_eq!(settler.see("k", old, now, NOW), Step::Take);
        assert_eq!(settler.see("k", old, now, NOW), Step::Known);
        assert_eq!(settler.see("other", old, now, NOW), Step::Take);
    }

    #[tokio::test(start_paused = true)]
    async fn a_growing_file_waits_until_it_stops() {
        let mut settler = Settler::new(SETTLE);
        for step in 0..5 {
            let now = Instant::now();
            let grown = file(10 + step, NOW + i128::from(step) * 500_000_000);
            assert_eq!(settler.see("k", grown, now, grown.changed), Step::Wait);
            assert_eq!(settler.next_due(), Some(now + SETTLE));
            tokio::time::advance(SETTLE).await;
            assert_eq!(settler.due(Instant::now()), ["k"]);
        }
        let last = file(14, NOW + 4 * 500_000_000);
        // A clock that was set back makes nothing wait for ever: the wait goes by our own time.
        assert_eq!(settler.see("k", last, Instant::now(), 0), Step::Take);
        assert_eq!(settler.waiting(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_look_in_between_does_not_prolong_the_wait() {
        let mut settler = Settler::new(SETTLE);
        let fresh = file(10, NOW);
        settler.see("k", fresh, Instant::now(), NOW);
        tokio::time::advance(SETTLE / 2).await;
        assert_eq!(settler.see("k", fresh, Instant::now(), NOW), Step::Wait);
        tokio::time::advance(SETTLE / 2).await;
        assert_eq!(settler.see("k", fresh, Instant::now(), NOW), Step::Take);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_bytes_put_again_are_taken_again() {
        let mut settler = Settler::new(SETTLE);
        let now = Instant::now();
        let first = file(10, NOW - 2_000_000_000);
        assert_eq!(settler.see("k", first, now, NOW), Step::Take);
        let again = file(10, NOW - 1_000_000_000);
        assert_eq!(settler.see("k", again, now, NOW), Step::Take);
        settler.forget("k");
        assert_eq!(settler.see("k", again, now, NOW), Step::Take);
    }
}
