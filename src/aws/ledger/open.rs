//! Lists what is open, by its markers, and removes markers that stand for nothing.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;

use super::findings::Findings;
use super::layout::{FINDINGS, PENDING, date_of_folder, id_of_key};
use super::markers::Marker;
use crate::aws::records::{Entry, Which};
use crate::event::{ETag, FindingId};
use crate::record::{Finding, LedgerError, State, date_of};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FINDING_ID};

/// Records that are read at the same time.
const AT_ONCE: usize = 16;

/// How many markers are read beyond those asked for: some stand for nothing, and the order in which
/// they were written is not quite that of the events.
const MORE: usize = 256;

/// A marker without its finding, or ahead of it, stands for nothing when nobody can be between the
/// two writes any more. Every call of ours ends within minutes; an hour forgives clocks, too.
const STRAY_AFTER_SECONDS: i64 = 3600;

/// A marker as it was read.
struct Read {
    id: FindingId,
    key: String,
    etag: ETag,
    modified_at: i64,
    marker: Option<Marker>,
}

impl Findings {
    /// At most `limit` findings that are not announced, those of the oldest events first.
    pub(super) async fn open(&self, limit: usize) -> Result<Vec<Finding>, LedgerError> {
        let which = Which {
            prefix: PENDING,
            ..Which::default()
        };
        let mut entries = self.records.list_all(which).await?.entries;
        entries.sort_by_key(|entry| entry.modified_at);
        entries.truncate(limit.saturating_add(MORE));
        let mut read: Vec<Read> = stream::iter(entries)
            .map(|entry| self.read_marker(entry))
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|read| async { Ok(read) })
            .try_collect()
            .await?;
        read.sort_by_key(|it| (it.marker.as_ref().map(|it| it.happened_at), it.id));
        stream::iter(read)
            .map(|read| self.open_finding(read))
            .buffered(AT_ONCE)
            .try_filter_map(|finding| async { Ok(finding) })
            .take(limit)
            .try_collect()
            .await
    }

    async fn read_marker(&self, entry: Entry) -> Result<Option<Read>, LedgerError> {
        let Some(id) = id_of_key(&entry.key) else {
            return Ok(None);
        };
        // Nothing there: announced since the listing.
        let stored = self.records.get(&entry.key).await?;
        Ok(stored.map(|stored| Read {
            id,
            key: entry.key,
            marker: Marker::parse(&stored.bytes),
            etag: stored.etag,
            modified_at: entry.modified_at,
        }))
    }

    async fn open_finding(&self, read: Read) -> Result<Option<Finding>, LedgerError> {
        let found = match &read.marker {
            Some(marker) => self.read(&read.id, date_of(marker.happened_at)).await,
            None => self.search(&read.id).await,
        };
        let finding = match found {
            Ok(found) => found.map(|(finding, _)| finding),
            // One unreadable record must not hold up all others, nor be passed in silence.
            Err(error @ LedgerError::Corrupt { .. }) => {
                tracing::error!(
                    { FINDING_ID } = %read.id,
                    { ERROR_CODE } = "record_corrupt",
                    { ERROR_DETAIL } = %error,
                    "an open finding cannot be finished"
                );
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Some(finding) = &finding
            && finding.state != State::Announced
        {
            return Ok(Some(finding.clone()));
        }
        let round = read.marker.as_ref().map_or(0, |marker| marker.revision);
        let done = finding.is_some_and(|finding| finding.revision >= round);
        if done || self.is_stray(read.modified_at) {
            // Written anew since it was read, it stays.
            self.records.delete(&read.key, &read.etag).await?;
        }
        Ok(None)
    }

    /// Looks for a finding at all dates, since its marker does not tell.
    async fn search(&self, id: &FindingId) -> Result<Option<(Finding, ETag)>, LedgerError> {
        let which = Which {
            prefix: FINDINGS,
            folders: true,
            ..Which::default()
        };
        let folders = self.records.list_all(which).await?.folders;
        let dates = folders.iter().filter_map(|name| date_of_folder(name));
        let dates: Vec<Date> = dates.collect();
        let found = stream::iter(dates)
            .map(|date| self.read(id, date))
            .buffer_unordered(AT_ONCE)
            .try_filter_map(|found| async { Ok(found) });
        futures::pin_mut!(found);
        found.try_next().await
    }

    fn is_stray(&self, modified_at: i64) -> bool {
        let written = Timestamp::from_second(modified_at).unwrap_or(Timestamp::MAX);
        self.clock.now().duration_since(written).as_secs() >= STRAY_AFTER_SECONDS
    }
}
