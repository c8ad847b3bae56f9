//! Findings and their markers, as files. The caller holds the finding's lock.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;

use super::failure;
use crate::event::FindingId;
use crate::local::durable::{Scratch, make_folder, remove_if_there, sync_folder};
use crate::record::{Finding, LedgerError, State};
use crate::telemetry::vocabulary::{ERROR_DETAIL, FINDING_ID};

/// Findings and their markers.
#[derive(Debug)]
pub(super) struct Findings {
    findings: PathBuf,
    pending: PathBuf,
    scratch: Arc<Scratch>,
}

/// A finding that is not announced yet, or was begun.
#[derive(Clone, Debug)]
pub(super) struct Marker {
    pub(super) id: FindingId,
    /// The event's; `None` when the marker cannot be read.
    happened_at: Option<Timestamp>,
}

impl Findings {
    pub(super) fn open(folder: &Path, scratch: Arc<Scratch>) -> Result<Self, LedgerError> {
        let own = |name: &str| {
            let path = folder.join(name);
            make_folder(&path).map_err(|error| failure("made", &path, &error))?;
            Ok::<_, LedgerError>(path)
        };
        Ok(Self {
            findings: own("findings")?,
            pending: own("pending")?,
            scratch,
        })
    }

    /// Reads a finding.
    pub(super) fn read(&self, id: &FindingId, date: Date) -> Result<Option<Finding>, LedgerError> {
        read_finding(&self.place(id, date), id)
    }

    /// Writes a finding that was not there. On `Err` nothing of it is left.
    pub(super) fn create(&self, finding: &Finding) -> Result<(), LedgerError> {
        self.mark(finding)?;
        self.write(finding, |scratch, place, bytes| {
            scratch.create(place, bytes)
        })
        .inspect_err(|_| {
            if let Err(error) = self.unmark(&finding.id) {
                // A marker without a finding is removed by the next look at it.
                tracing::debug!({ FINDING_ID } = %finding.id, { ERROR_DETAIL } = %error, "a marker is left");
            }
        })
    }

    /// Writes a finding over what is there.
    pub(super) fn replace(&self, finding: &Finding) -> Result<(), LedgerError> {
        if finding.state != State::Announced {
            self.mark(finding)?;
        }
        self.write(finding, |scratch, place, bytes| {
            scratch.replace(place, bytes)
        })?;
        if finding.state == State::Announced {
            self.unmark(&finding.id)?;
        }
        Ok(())
    }

    /// Makes sure that what is there is on the disk, with its marker as it should be.
    pub(super) fn settle(&self, finding: &Finding) -> Result<(), LedgerError> {
        let folder = self.folder(finding.date());
        sync_folder(&folder).map_err(|error| failure("written", &folder, &error))?;
        if finding.state == State::Announced {
            self.unmark(&finding.id)
        } else {
            self.mark(finding)
        }
    }

    /// Removes a marker.
    pub(super) fn unmark(&self, id: &FindingId) -> Result<(), LedgerError> {
        let path = self.pending.join(id.to_string());
        // Not flushed: a marker that comes back after a power cut costs a look.
        remove_if_there(&path).map_err(|error| failure("removed", &path, &error))
    }

    /// All markers, those of the oldest events first.
    pub(super) fn pending(&self) -> Result<Vec<Marker>, LedgerError> {
        let failed = |error: io::Error| failure("read", &self.pending, &error);
        let mut markers = Vec::new();
        for entry in fs::read_dir(&self.pending).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let happened_at = match fs::read_to_string(entry.path()) {
                Ok(text) => text.trim().parse().ok(),
                // Announced since.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
                Err(error) => return Err(failed(error)),
            };
            markers.push(Marker { id, happened_at });
        }
        markers.sort_by_key(|marker| (marker.happened_at, marker.id));
        Ok(markers)
    }

    /// The finding of a marker; looked for everywhere when the marker does not tell the date.
    pub(super) fn look_up(&self, marker: &Marker) -> Result<Option<Finding>, LedgerError> {
        let Some(time) = marker.happened_at else {
            for date in self.dates()? {
                if let Some(finding) = self.read(&marker.id, date)? {
                    return Ok(Some(finding));
                }
            }
            return Ok(None);
        };
        self.read(&marker.id, time.to_zoned(jiff::tz::TimeZone::UTC).date())
    }

    /// The dates that have findings, in no order.
    pub(super) fn dates(&self) -> Result<Vec<Date>, LedgerError> {
        dates_in(&self.findings)
    }

    /// The ids of a date, sorted.
    pub(super) fn ids(&self, date: Date) -> Result<Vec<FindingId>, LedgerError> {
        let folder = self.folder(date);
        let failed = |error: io::Error| failure("read", &folder, &error);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json"));
            ids.extend(id.and_then(|id| id.parse::<FindingId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    fn mark(&self, finding: &Finding) -> Result<(), LedgerError> {
        let path = self.pending.join(finding.id.to_string());
        let time = finding.times.happened_at.to_string();
        match self.scratch.create(&path, time.as_bytes()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made.map_err(|error| failure("written", &path, &error)),
        }
    }

    fn write(
        &self,
        finding: &Finding,
        how: impl FnOnce(&Scratch, &Path, &[u8]) -> io::Result<()>,
    ) -> Result<(), LedgerError> {
        let place = self.place(&finding.id, finding.date());
        let folder = self.folder(finding.date());
        make_folder(&folder)
            .and_then(|()| Ok(serde_json::to_vec_pretty(finding)?))
            .and_then(|bytes| how(&self.scratch, &place, &bytes))
            .map_err(|error| failure("written", &place, &error))
    }

    fn folder(&self, date: Date) -> PathBuf {
        self.findings.join(format!("date={date}"))
    }

    fn place(&self, id: &FindingId, date: Date) -> PathBuf {
        self.folder(date).join(format!("{id}.json"))
    }
}

fn read_finding(place: &Path, id: &FindingId) -> Result<Option<Finding>, LedgerError> {
    let bytes = match fs::read(place) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failure("read", place, &error)),
    };
    parse(&bytes, &id.to_string()).map(Some)
}

/// Reads a finding from JSON; `name` is what an error calls it.
pub(super) fn parse(bytes: &[u8], name: &str) -> Result<Finding, LedgerError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let kind = error.classify();
        LedgerError::Corrupt {
            id: name.to_owned(),
            // Not the parser's words: they may repeat what the record holds.
            why: format!("{kind:?} error in line {}", error.line()).to_lowercase(),
        }
    })
}

/// The dates of the folders `date=YYYY-MM-DD` in a folder, in no order.
pub(super) fn dates_in(folder: &Path) -> Result<Vec<Date>, LedgerError> {
    let failed = |error: io::Error| failure("read", folder, &error);
    let mut dates = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let date = name.to_str().and_then(|name| name.strip_prefix("date="));
        dates.extend(date.and_then(|date| date.parse::<Date>().ok()));
    }
    Ok(dates)
}
