//! The records in a bucket.
//!
//! ```text
//! findings/date=YYYY-MM-DD/<FindingId>.json   one finding, its date that of the event
//! pending/<FindingId>                         not announced yet; where to look, and for what round
//! clean/date=YYYY-MM-DD/<task>-<n>.ndjson     clean verdicts, a batch per object
//! ```
//!
//! Beside them lie the decisions of people (`allow/`) and what tasks agree on (`control/`).
//!
//! Order, and what a kill leaves: the marker under `pending/` is written before its intent and
//! removed after the finding was announced. Killed between marker and intent: a marker without a
//! finding, which nobody acted on; [`open`](Ledger::open) removes it once nobody can be about to
//! write the intent. Killed later: a finding that its marker lists. Killed between announced and the
//! removal of the marker: a marker too many, removed by the next look. So no kill leaves an intent
//! that is not listed.
//!
//! Every write is conditional on what was read, and markers are removed only as they were read, so
//! tasks that meet at one finding never undo each other. A finding takes five requests from begin
//! to announced; a clean one only its share of a batch.

mod begin;
mod clean;
mod findings;
mod layout;
mod listing;
mod markers;
mod open;
mod probe;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::Date;
use tokio::task::JoinSet;

use clean::CleanBatches;
use findings::Findings;

use super::Clients;
use super::records::Records;
use super::task::TaskName;
use crate::clock::{Clock, SystemClock};
use crate::event::{FindingId, OwnPlace};
use crate::record::{Begun, Finding, Intent, Ledger, LedgerError, Page, Query};

/// How long a clean record waits for its batch to fill. A kill loses what waits.
const BATCH_AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// The records in a bucket.
pub struct S3Ledger {
    shared: Arc<Shared>,
    /// Writes out what waits; ends with the ledger.
    flusher: Mutex<JoinSet<()>>,
}

struct Shared {
    findings: Findings,
    clean: CleanBatches,
    task: TaskName,
}

impl fmt::Debug for S3Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Ledger")
            .field("records", &self.shared.findings.records)
            .finish_non_exhaustive()
    }
}

impl S3Ledger {
    /// The records at a place. Nothing is called yet.
    pub fn new(clients: &Clients, place: OwnPlace) -> Self {
        Self::with_clock(clients, place, Arc::new(SystemClock))
    }

    /// The same, with a clock that says how old a marker is.
    pub fn with_clock(clients: &Clients, place: OwnPlace, clock: Arc<dyn Clock>) -> Self {
        let records = Records::new(&clients.s3, place);
        let task = TaskName::random();
        Self {
            shared: Arc::new(Shared {
                findings: Findings::new(records.clone(), clock),
                clean: CleanBatches::new(records, task.clone()),
                task,
            }),
            flusher: Mutex::new(JoinSet::new()),
        }
    }

    /// Whether the bucket can hold records: it is there, takes our reads and writes, and honours
    /// their conditions. Leaves nothing behind.
    ///
    /// # Errors
    /// One sentence with the bucket, the call and the remedy.
    pub async fn probe(&self) -> Result<(), LedgerError> {
        probe::probe(&self.shared.findings.records, &self.shared.task).await
    }

    fn write_batches_in_time(&self) {
        let mut flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner);
        if !flusher.is_empty() {
            return;
        }
        let shared = Arc::downgrade(&self.shared);
        flusher.spawn(async move {
            loop {
                tokio::time::sleep(BATCH_AT_LEAST_EVERY).await;
                let Some(shared) = shared.upgrade() else {
                    return;
                };
                shared.clean.flush_or_warn().await;
            }
        });
    }
}

#[async_trait]
impl Ledger for S3Ledger {
    async fn begin(&self, intent: Intent) -> Result<Begun, LedgerError> {
        self.shared.findings.begin(intent).await
    }

    async fn find(&self, id: &FindingId, date: Date) -> Result<Option<Finding>, LedgerError> {
        let read = self.shared.findings.read(id, date).await?;
        // Clean records of other tasks are not looked for: that would take a search.
        Ok(read.map_or_else(|| self.shared.clean.find(id), |(finding, _)| Some(finding)))
    }

    async fn advance(&self, finding: &Finding) -> Result<(), LedgerError> {
        self.shared.findings.advance(finding).await
    }

    async fn note_clean(&self, finding: Finding) {
        self.write_batches_in_time();
        if self.shared.clean.note(finding) {
            self.shared.clean.flush_or_warn().await;
        }
    }

    async fn flush(&self) -> Result<(), LedgerError> {
        self.shared.clean.flush().await
    }

    async fn open(&self, limit: usize) -> Result<Vec<Finding>, LedgerError> {
        self.shared.findings.open(limit).await
    }

    async fn list(&self, query: &Query) -> Result<Page, LedgerError> {
        listing::list(&self.shared.findings.records, query).await
    }
}
