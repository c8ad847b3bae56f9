//! What was counted, in a file of the state folder: `digests.json`.
//!
//! One worker runs on a state folder at a time, and yet a count and its claim must outlive it, and a
//! second that starts while the first ends must not tell the same again. So the file is a shared one.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shared::{Document, SharedFile};
use crate::alert::{Claim, Digests, Lease, Tally, Window};
use crate::record::LedgerError;

/// So many windows are kept; the oldest go first.
const MOST_WINDOWS: usize = 400;

/// The counts in a file.
#[derive(Clone, Debug)]
pub struct FileDigests {
    file: SharedFile<Stored>,
    task: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Stored {
    /// By name.
    windows: BTreeMap<String, Counts>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counts {
    /// By task.
    tallies: BTreeMap<String, Tally>,
    claim: Option<Lease>,
}

impl Document for Stored {
    const NAME: &'static str = "digests";
    const WHAT: &'static str = "counts";
    const REMEDY: &'static str = "move it away to count anew";
}

impl FileDigests {
    /// The counts of the state folder, which is made where it is not there yet. This object and its
    /// clones stand for one task.
    pub async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let random = RandomState::new().build_hasher().finish();
        Ok(Self {
            file: SharedFile::open(folder).await?,
            task: format!("{random:016x}"),
        })
    }

    async fn change<R: Send + 'static>(
        &self,
        window: Window,
        change: impl FnOnce(&mut Counts) -> (R, bool) + Send + 'static,
    ) -> Result<R, LedgerError> {
        let changed = self.file.change(move |stored: &mut Stored| {
            let counts = stored.windows.entry(window.name()).or_default();
            let (answer, written) = change(counts);
            while stored.windows.len() > MOST_WINDOWS {
                stored.windows.pop_first();
            }
            (answer, written)
        });
        changed.await
    }
}

#[async_trait]
impl Digests for FileDigests {
    async fn write(&self, window: Window, tally: &Tally) -> Result<(), LedgerError> {
        let (task, tally) = (self.task.clone(), tally.clone());
        self.change(window, |counts| {
            counts.tallies.insert(task, tally);
            ((), true)
        })
        .await
    }

    async fn windows(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Window>, LedgerError> {
        let stored = self.file.read().await?;
        let windows = stored.windows.keys().filter_map(|name| Window::named(name));
        let mut windows: Vec<_> = windows
            .filter(|window| from <= window.from && window.until <= until)
            .collect();
        windows.sort_unstable();
        Ok(windows)
    }

    async fn claim(&self, window: Window, now: Timestamp) -> Result<Claim, LedgerError> {
        let task = self.task.clone();
        self.change(window, move |counts| {
            let (claim, lease) = Lease::claim(counts.claim.as_ref(), &task, now);
            let written = lease.is_some();
            counts.claim = lease.or(counts.claim.take());
            (claim, written)
        })
        .await
    }

    async fn sum(&self, window: Window) -> Result<(u64, Tally), LedgerError> {
        let mut stored = self.file.read().await?;
        let counts = stored.windows.remove(&window.name()).unwrap_or_default();
        let (mut tasks, mut sum) = (0, Tally::default());
        for tally in counts.tallies.into_values() {
            tasks += 1;
            sum.merge(tally);
        }
        Ok((tasks, sum))
    }

    async fn told(&self, window: Window, now: Timestamp) -> Result<(), LedgerError> {
        let task = self.task.clone();
        self.change(window, move |counts| {
            let lease = Lease::tell(counts.claim.as_ref(), &task, now);
            let written = lease.is_some();
            counts.claim = lease.or(counts.claim.take());
            ((), written)
        })
        .await
    }
}
