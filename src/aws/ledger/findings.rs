//! Findings, read and written over exactly what was read.

use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use quick_cache::sync::Cache;

use super::layout::{finding_key, parse};
use crate::aws::records::{Over, Records, TRIES, Written, contended};
use crate::clock::Clock;
use crate::event::{ETag, FindingId};
use crate::record::{Finding, LedgerError, State};

/// Findings whose present state is remembered, which saves reading them before they are written.
/// More than a task has under way at once; what is forgotten is read again.
const REMEMBERED: usize = 4_096;

/// Findings and their markers.
pub(super) struct Findings {
    pub(super) records: Records,
    pub(super) clock: Arc<dyn Clock>,
    known: Cache<FindingId, Known>,
}

/// How far a finding has come: rounds count more than states.
pub(super) type Stage = (u32, State);

/// What this task wrote or read last.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) stage: Stage,
    pub(super) etag: ETag,
    pub(super) marker: Option<ETag>,
}

impl fmt::Debug for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Findings")
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

impl Findings {
    pub(super) fn new(records: Records, clock: Arc<dyn Clock>) -> Self {
        Self {
            records,
            clock,
            known: Cache::new(REMEMBERED),
        }
    }

    /// Reads a finding and its tag.
    pub(super) async fn read(
        &self,
        id: &FindingId,
        date: Date,
    ) -> Result<Option<(Finding, ETag)>, LedgerError> {
        let Some(stored) = self.records.get(&finding_key(id, date)).await? else {
            return Ok(None);
        };
        let finding = parse(&stored.bytes, &id.to_string())?;
        Ok(Some((finding, stored.etag)))
    }

    /// Writes a finding; what it is stored as, or `None` when something else was there.
    pub(super) async fn write(
        &self,
        finding: &Finding,
        over: Option<&ETag>,
    ) -> Result<Option<ETag>, LedgerError> {
        let key = finding_key(&finding.id, finding.date());
        let bytes = serde_json::to_vec_pretty(finding).map_err(|_| {
            LedgerError::Unavailable(format!("finding {} cannot be written down", finding.id))
        })?;
        let over = over.map_or(Over::Nothing, Over::This);
        Ok(match self.records.put(&key, bytes, over).await? {
            Written::Done(etag) => Some(etag),
            Written::Lost => None,
        })
    }

    /// Writes `acted` or `announced`.
    pub(super) async fn advance(&self, finding: &Finding) -> Result<(), LedgerError> {
        let stage = stage_of(finding);
        let mut known = self.known.get(&finding.id).filter(|it| it.stage < stage);
        for attempt in 0..TRIES {
            if known.is_none() {
                known = match self.read(&finding.id, finding.date()).await? {
                    Some((earlier, _)) if stage_of(&earlier) > stage => return Ok(()),
                    Some((earlier, etag)) if stage_of(&earlier) == stage => {
                        return self.settle(&earlier, etag).await;
                    }
                    Some((earlier, etag)) => Some(Known {
                        stage: stage_of(&earlier),
                        etag,
                        marker: None,
                    }),
                    None => None,
                };
            }
            let marker = match &known {
                Some(known) => known.marker.clone(),
                // It was never begun here, or somebody removed it: listed first, as always.
                None if finding.state != State::Announced => Some(self.mark(finding).await?),
                None => None,
            };
            let over = known.as_ref().map(|known| &known.etag);
            if let Some(etag) = self.write(finding, over).await? {
                self.remember(finding, etag, marker.clone());
                if finding.state == State::Announced {
                    self.unmark(&finding.id, finding.revision, marker).await?;
                }
                return Ok(());
            }
            known = None;
            self.records.give_way(attempt).await;
        }
        Err(contended(&finding_key(&finding.id, finding.date())))
    }

    pub(super) fn remember(&self, finding: &Finding, etag: ETag, marker: Option<ETag>) {
        let known = Known {
            stage: stage_of(finding),
            etag,
            marker,
        };
        self.known.insert(finding.id, known);
    }

    /// What is asked for was written before; its marker may not be as it should be.
    async fn settle(&self, finding: &Finding, etag: ETag) -> Result<(), LedgerError> {
        self.remember(finding, etag, None);
        if finding.state == State::Announced {
            self.unmark(&finding.id, finding.revision, None).await
        } else {
            self.ensure_marked(finding).await
        }
    }
}

pub(super) const fn stage_of(finding: &Finding) -> Stage {
    (finding.revision, finding.state)
}
