//! The name of a task in keys of the records: another one at every start, so that no two tasks, and
//! no task and its predecessor, ever write the same key.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};

use jiff::Timestamp;

/// The name: the time of the start, and a random number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskName(String);

impl TaskName {
    pub(super) fn random() -> Self {
        let random = RandomState::new().build_hasher().finish();
        let started = Timestamp::now().as_second();
        Self(format!("{started:x}-{random:016x}"))
    }

    /// Eight characters of it, to tell tasks apart in a record of all of them.
    pub(super) fn short(&self) -> &str {
        let start = self.0.len().saturating_sub(8);
        self.0.get(start..).unwrap_or_default()
    }
}

impl fmt::Display for TaskName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
