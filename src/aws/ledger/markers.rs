//! Markers under `pending/`: which findings are not at their end.
//!
//! A marker tells the round (revision) that it was written for, and is different at every write:
//! so whoever removes it removes what it has read, and never the marker of a later round or of
//! somebody who is about to begin.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::findings::Findings;
use super::layout::marker_key;
use crate::aws::records::{Over, TRIES, Written, contended};
use crate::event::{ETag, FindingId};
use crate::record::{Finding, LedgerError};

/// What a marker holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marker {
    /// The event's time: the place of the finding derives from it.
    pub(super) happened_at: Timestamp,
    /// The round that it was written for.
    pub(super) revision: u32,
    /// When it was written: makes every write another one.
    written_at: Timestamp,
}

impl Marker {
    /// `None` when it cannot be read.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

impl Findings {
    /// Sees to it that a marker for the finding's round is there, newly written: to be called
    /// before the finding itself is written.
    pub(super) async fn mark(&self, finding: &Finding) -> Result<ETag, LedgerError> {
        let key = marker_key(&finding.id);
        let mut marker = self.marker_of(finding);
        let mut over = None;
        for attempt in 0..TRIES {
            let condition = over.as_ref().map_or(Over::Nothing, Over::This);
            let bytes = serde_json::to_vec(&marker).expect("a marker is plain JSON");
            if let Written::Done(etag) = self.records.put(&key, bytes, condition).await? {
                return Ok(etag);
            }
            let there = self.records.get(&key).await?;
            marker = self.marker_of(finding);
            if let Some(stored) = &there
                && let Some(theirs) = Marker::parse(&stored.bytes)
            {
                marker.revision = marker.revision.max(theirs.revision);
            }
            over = there.map(|stored| stored.etag);
            if attempt > 0 {
                self.records.give_way(attempt).await;
            }
        }
        Err(contended(&key))
    }

    /// Sees to it that some marker is there, for a finding that was written.
    pub(super) async fn ensure_marked(&self, finding: &Finding) -> Result<(), LedgerError> {
        let key = marker_key(&finding.id);
        let marker = self.marker_of(finding);
        let bytes = serde_json::to_vec(&marker).expect("a marker is plain JSON");
        self.records.put(&key, bytes, Over::Nothing).await?;
        Ok(())
    }

    /// Removes the marker of a round that is at its end, or of an earlier one.
    pub(super) async fn unmark(
        &self,
        id: &FindingId,
        revision: u32,
        known: Option<ETag>,
    ) -> Result<(), LedgerError> {
        let key = marker_key(id);
        if let Some(etag) = known
            && self.records.delete(&key, &etag).await?
        {
            return Ok(());
        }
        for attempt in 0..TRIES {
            let Some(stored) = self.records.get(&key).await? else {
                return Ok(());
            };
            let later = Marker::parse(&stored.bytes).is_some_and(|it| it.revision > revision);
            if later || self.records.delete(&key, &stored.etag).await? {
                return Ok(());
            }
            self.records.give_way(attempt).await;
        }
        Err(contended(&key))
    }

    fn marker_of(&self, finding: &Finding) -> Marker {
        Marker {
            happened_at: finding.times.happened_at,
            revision: finding.revision,
            written_at: self.clock.now(),
        }
    }
}
