//! The records in files of a folder, laid out as they are in a bucket.
//!
//! ```text
//! findings/date=YYYY-MM-DD/<FindingId>.json   one finding, its date that of the event
//! pending/<FindingId>                         not announced yet; holds the event's time
//! clean/date=YYYY-MM-DD/local-<n>.ndjson      clean verdicts, a batch per file
//! tmp/                                        files before they get their names
//! lock                                        held by the one process that uses the folder
//! ```
//!
//! Every file is whole or absent, whenever the process is killed. The marker under `pending/` is
//! written before its intent and removed after the finding was announced: a marker too many costs a
//! look, a marker too few would be silence.

mod clean;
mod findings;
mod listing;
mod reader;

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::civil::Date;

pub use reader::FileRecords;

use clean::CleanRecords;
use findings::Findings;

use super::durable::{FILE_MODE, Scratch, make_folder};
use crate::event::FindingId;
use crate::record::{Begun, Finding, Intent, Ledger, LedgerError, Page, Query, State};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FINDING_ID};

/// How many writes of different findings may run at once: each waits for the disk, not for a CPU.
const STRIPES: usize = 16;

/// The records in files of a folder.
#[derive(Clone)]
pub struct FileLedger {
    inner: Arc<Inner>,
}

struct Inner {
    findings: Findings,
    clean: CleanRecords,
    /// One lock per group of findings: a finding is read and written by one thread at a time.
    stripes: [Mutex<()>; STRIPES],
    /// Held for as long as the ledger is.
    _lock: File,
}

impl fmt::Debug for FileLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileLedger")
            .field("findings", &self.inner.findings)
            .finish_non_exhaustive()
    }
}

impl FileLedger {
    /// Opens the records in `folder`, or makes them. One process at a time: another one is refused.
    pub async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let folder = folder.to_owned();
        let opened = tokio::task::spawn_blocking(move || Inner::open(&folder)).await;
        let inner = opened
            .map_err(|_panic| LedgerError::Unavailable(crate::local::PANICKED.to_owned()))??;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    async fn blocking<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Inner) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let inner = Arc::clone(&self.inner);
        match tokio::task::spawn_blocking(move || step(&inner)).await {
            Ok(result) => result,
            Err(_panic) => Err(LedgerError::Unavailable(crate::local::PANICKED.to_owned())),
        }
    }
}

#[async_trait]
impl Ledger for FileLedger {
    async fn begin(&self, intent: Intent) -> Result<Begun, LedgerError> {
        self.blocking(move |inner| inner.begin(intent)).await
    }

    async fn find(&self, id: &FindingId, date: Date) -> Result<Option<Finding>, LedgerError> {
        let id = *id;
        self.blocking(move |inner| match inner.findings.read(&id, date)? {
            Some(finding) => Ok(Some(finding)),
            None => inner.clean.find(&id),
        })
        .await
    }

    async fn advance(&self, finding: &Finding) -> Result<(), LedgerError> {
        let finding = finding.clone();
        self.blocking(move |inner| inner.advance(&finding)).await
    }

    async fn note_clean(&self, finding: Finding) {
        if !self.inner.clean.note(finding) {
            return;
        }
        if let Err(error) = self.flush().await {
            tracing::warn!(
                { ERROR_CODE } = "clean_records_unwritten",
                { ERROR_DETAIL } = %error,
                "clean records stay in memory and are tried again"
            );
        }
    }

    async fn flush(&self) -> Result<(), LedgerError> {
        self.blocking(|inner| inner.clean.flush()).await
    }

    async fn open(&self, limit: usize) -> Result<Vec<Finding>, LedgerError> {
        self.blocking(move |inner| inner.open_findings(limit)).await
    }

    async fn list(&self, query: &Query) -> Result<Page, LedgerError> {
        let query = query.clone();
        self.blocking(move |inner| listing::list(&inner.findings, &inner.clean, &query))
            .await
    }
}

impl Inner {
    fn open(folder: &Path) -> Result<Self, LedgerError> {
        let failed = |error: io::Error| failure("opened", folder, &error);
        make_folder(folder).map_err(failed)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(folder.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LedgerError::Refused(format!(
                    "another process uses the state folder {}; stop it, or choose another folder",
                    folder.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let scratch = Arc::new(Scratch::open(folder.join("tmp")).map_err(failed)?);
        Ok(Self {
            findings: Findings::open(folder, Arc::clone(&scratch))?,
            clean: CleanRecords::open(folder, scratch)?,
            stripes: Default::default(),
            _lock: lock,
        })
    }

    fn begin(&self, intent: Intent) -> Result<Begun, LedgerError> {
        let finding = intent.finding();
        let _alone = self.alone(&finding.id);
        match self.findings.read(&finding.id, finding.date())? {
            None => {
                self.findings.create(finding)?;
                Ok(Begun::Fresh(intent))
            }
            Some(earlier) if intent.reopens(&earlier) => {
                let intent = intent.after(&earlier);
                self.findings.replace(intent.finding())?;
                Ok(Begun::Fresh(intent))
            }
            Some(earlier) => Ok(match earlier.clone().into_intent() {
                Some(intent) => Begun::Resumed(intent),
                None => Begun::Finished(earlier),
            }),
        }
    }

    fn advance(&self, finding: &Finding) -> Result<(), LedgerError> {
        let _alone = self.alone(&finding.id);
        let stage = |finding: &Finding| (finding.revision, finding.state);
        match self.findings.read(&finding.id, finding.date())? {
            Some(earlier) if stage(&earlier) > stage(finding) => Ok(()),
            // A repetition: what it asks for may not have reached the disk the first time.
            Some(earlier) if stage(&earlier) == stage(finding) => self.findings.settle(&earlier),
            _ => self.findings.replace(finding),
        }
    }

    fn open_findings(&self, limit: usize) -> Result<Vec<Finding>, LedgerError> {
        let mut open = Vec::new();
        for marker in self.findings.pending()? {
            if open.len() >= limit {
                break;
            }
            let _alone = self.alone(&marker.id);
            match self.findings.look_up(&marker) {
                Ok(Some(finding)) if finding.state != State::Announced => open.push(finding),
                // A kill between marker and intent, or between announced and marker.
                Ok(_) => self.findings.unmark(&marker.id)?,
                // One unreadable record must not hold up all others, nor be passed in silence.
                Err(error @ LedgerError::Corrupt { .. }) => tracing::error!(
                    { FINDING_ID } = %marker.id,
                    { ERROR_CODE } = "record_corrupt",
                    { ERROR_DETAIL } = %error,
                    "an open finding cannot be finished"
                ),
                Err(error) => return Err(error),
            }
        }
        Ok(open)
    }

    fn alone(&self, id: &FindingId) -> MutexGuard<'_, ()> {
        // Any spread over the stripes will do; ids are hashes already.
        let byte = id.to_string().bytes().last().unwrap_or_default();
        let stripe = self
            .stripes
            .get(usize::from(byte) % STRIPES)
            .expect("the remainder is below the number of stripes");
        // The lock guards files, which are whole whenever a thread panics.
        stripe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a failure of the file system means for the records. `path` is never a key.
fn failure(doing: &str, path: &Path, error: &io::Error) -> LedgerError {
    let refused = matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    );
    let path = path.display();
    if refused {
        LedgerError::Refused(format!(
            "{path} cannot be {doing} ({error}); give this user the right to write there"
        ))
    } else {
        LedgerError::Unavailable(format!("{path} cannot be {doing}: {error}"))
    }
}
