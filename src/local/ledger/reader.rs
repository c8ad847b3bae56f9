//! Reading the records beside the process that writes them.
//!
//! Every file of the records is whole or absent, so a reader needs no lock; it sees what was
//! durable at the moment of its look and changes nothing.

use std::path::Path;
use std::sync::Arc;

use super::clean::CleanRecords;
use super::findings::Findings;
use super::listing;
use crate::local::durable::Scratch;
use crate::record::{LedgerError, Page, Query};

/// The records of a state folder, for reading.
#[derive(Clone, Debug)]
pub struct FileRecords {
    records: Arc<(Findings, CleanRecords)>,
}

impl FileRecords {
    /// Opens the records that are in `folder`.
    ///
    /// # Errors
    /// There are none, or they cannot be read.
    pub async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let folder = folder.to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            if !folder.join("findings").is_dir() {
                return Err(LedgerError::Refused(format!(
                    "there are no records in {}; name the state folder of a `watch` or `demo`",
                    folder.display()
                )));
            }
            let scratch = Arc::new(Scratch::unused(folder.join("tmp")));
            let findings = Findings::open(&folder, Arc::clone(&scratch))?;
            Ok((findings, CleanRecords::open(&folder, scratch)?))
        });
        let records = opened
            .await
            .map_err(|_panic| LedgerError::Unavailable(crate::local::PANICKED.to_owned()))??;
        Ok(Self {
            records: Arc::new(records),
        })
    }

    /// Findings by query, as [`crate::record::Ledger::list`].
    ///
    /// # Errors
    /// The records cannot be read.
    pub async fn list(&self, query: &Query) -> Result<Page, LedgerError> {
        let (records, query) = (Arc::clone(&self.records), query.clone());
        tokio::task::spawn_blocking(move || {
            let (findings, clean) = records.as_ref();
            listing::list(findings, clean, &query)
        })
        .await
        .map_err(|_panic| LedgerError::Unavailable(crate::local::PANICKED.to_owned()))?
    }
}
