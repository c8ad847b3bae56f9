//! Clean verdicts: kept in memory until a batch is full or old, then written as one object.
//!
//! Best effort: a kill loses at most the batch in memory, and what it lost may be judged again. What
//! this task noted lately is kept for [`find`](CleanBatches::find); looking into batches of other
//! tasks would cost more than judging twice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use quick_cache::sync::Cache;

use super::layout::{CLEAN, folder};
use crate::aws::records::{Over, Records, TRIES, Written, contended};
use crate::aws::task::TaskName;
use crate::event::FindingId;
use crate::record::{Finding, LedgerError};
use crate::retry::Reacts;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// How many records make a batch. More lose more work to a kill; fewer make more requests.
const BATCH: usize = 500;
/// How many records wait at most while the bucket cannot be written: then the oldest are forgotten.
const MOST_WAITING: usize = 10_000;
/// How many records are kept to be found again, at about 1 KB each.
const KEPT: usize = 4_096;

pub(super) struct CleanBatches {
    records: Records,
    task: TaskName,
    waiting: Mutex<Vec<Arc<Finding>>>,
    recent: Cache<FindingId, Arc<Finding>>,
    /// The number of the last batch. One flush at a time, or two would take the same number.
    flushing: tokio::sync::Mutex<u64>,
}

impl CleanBatches {
    pub(super) fn new(records: Records, task: TaskName) -> Self {
        Self {
            records,
            task,
            waiting: Mutex::new(Vec::new()),
            recent: Cache::new(KEPT),
            flushing: tokio::sync::Mutex::new(0),
        }
    }

    /// Keeps a record; whether a batch is full now.
    pub(super) fn note(&self, finding: Finding) -> bool {
        let finding = Arc::new(finding);
        self.recent.insert(finding.id, Arc::clone(&finding));
        let mut waiting = self.waiting();
        waiting.push(finding);
        let most = waiting.len().saturating_sub(MOST_WAITING);
        if most > 0 {
            waiting.drain(..most);
            tracing::warn!("{most} clean records were forgotten, since they cannot be written");
        }
        // At a multiple: while one flush is under way, not every further record asks for another.
        waiting.len().is_multiple_of(BATCH)
    }

    /// The record of an id, if this task noted it lately.
    pub(super) fn find(&self, id: &FindingId) -> Option<Finding> {
        self.recent.get(id).map(|finding| finding.as_ref().clone())
    }

    /// [`flush`](Self::flush) where nobody waits for the answer.
    pub(super) async fn flush_or_warn(&self) {
        if let Err(error) = self.flush().await {
            tracing::warn!(
                { ERROR_CODE } = error.code(),
                { ERROR_DETAIL } = %error,
                "clean records stay in memory and are tried again"
            );
        }
    }

    /// Writes what is in memory, an object per date.
    pub(super) async fn flush(&self) -> Result<(), LedgerError> {
        let mut number = self.flushing.lock().await;
        let waiting = self.waiting().clone();
        let mut by_date: BTreeMap<Date, Vec<Arc<Finding>>> = BTreeMap::new();
        for finding in waiting {
            by_date.entry(finding.date()).or_default().push(finding);
        }
        for (date, findings) in by_date {
            self.write(date, &findings, &mut number).await?;
            // Only now: a flush that is given up half-way leaves them waiting.
            let mut waiting = self.waiting();
            waiting.retain(|kept| !findings.iter().any(|written| Arc::ptr_eq(kept, written)));
        }
        Ok(())
    }

    async fn write(
        &self,
        date: Date,
        findings: &[Arc<Finding>],
        number: &mut u64,
    ) -> Result<(), LedgerError> {
        let mut bytes = Vec::new();
        for finding in findings {
            serde_json::to_writer(&mut bytes, finding.as_ref()).map_err(|_| {
                LedgerError::Unavailable(format!("record {} cannot be written", finding.id))
            })?;
            bytes.push(b'\n');
        }
        let folder = folder(CLEAN, date);
        for _ in 0..TRIES {
            *number += 1;
            let key = format!("{folder}{}-{:06}.ndjson", self.task, *number);
            // Taken only by a write of ours that seemed to fail: its records are then there twice.
            let written = self.records.put(&key, bytes.clone(), Over::Nothing).await?;
            if written != Written::Lost {
                return Ok(());
            }
        }
        Err(contended(&folder))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Arc<Finding>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
