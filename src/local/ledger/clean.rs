//! Clean verdicts: kept in memory until a batch is full, then written as one file.
//!
//! Best effort: a kill loses at most the batch in memory, and what it lost is judged again. Where a
//! record lies is kept in memory (about 40 bytes each) so that it is found without a search.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::civil::Date;
use serde::Deserialize;

use super::failure;
use super::findings::{dates_in, parse};
use crate::event::FindingId;
use crate::local::durable::{Scratch, make_folder};
use crate::record::{Finding, LedgerError};
use crate::telemetry::vocabulary::{FILE_OFFSET, FILE_PATH};

/// How many records make a batch. More lose more work to a kill; fewer make more files.
const BATCH: usize = 256;
/// How many records wait at most while the disk is full: then the oldest are forgotten.
const MOST_WAITING: usize = 10_000;
/// Who writes here; a fleet writes with one name per task.
const WRITER: &str = "local";

#[derive(Debug)]
pub(super) struct CleanRecords {
    folder: PathBuf,
    scratch: Arc<Scratch>,
    shelf: Mutex<Shelf>,
    /// One flush at a time, or two would take the same number.
    flushing: Mutex<u64>,
}

#[derive(Debug, Default)]
struct Shelf {
    waiting: Vec<Finding>,
    files: Vec<PathBuf>,
    index: HashMap<FindingId, Place>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    file: u32,
    offset: u64,
}

/// What the index needs of a line.
#[derive(Deserialize)]
struct Head {
    id: FindingId,
}

impl CleanRecords {
    /// Opens the records and reads where each lies.
    pub(super) fn open(folder: &Path, scratch: Arc<Scratch>) -> Result<Self, LedgerError> {
        let folder = folder.join("clean");
        make_folder(&folder).map_err(|error| failure("made", &folder, &error))?;
        let mut shelf = Shelf::default();
        let mut last = 0;
        for date in dates_in(&folder)? {
            for path in batches(&folder, date)? {
                last = last.max(number_of(&path).unwrap_or(0));
                shelf.read_index(path)?;
            }
        }
        Ok(Self {
            folder,
            scratch,
            shelf: Mutex::new(shelf),
            flushing: Mutex::new(last),
        })
    }

    /// Keeps a record; whether a batch is full now.
    pub(super) fn note(&self, finding: Finding) -> bool {
        let mut shelf = self.shelf();
        shelf.waiting.push(finding);
        if shelf.waiting.len() > MOST_WAITING {
            let kept = shelf.waiting.split_off(BATCH);
            shelf.waiting = kept;
            tracing::warn!("{BATCH} clean records were forgotten, since they cannot be written");
        }
        shelf.waiting.len() >= BATCH
    }

    /// Writes what is in memory, a file per date.
    pub(super) fn flush(&self) -> Result<(), LedgerError> {
        let mut number = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = self.shelf().waiting.clone();
        let mut by_date: BTreeMap<Date, Vec<Finding>> = BTreeMap::new();
        for finding in waiting {
            by_date.entry(finding.date()).or_default().push(finding);
        }
        for (date, findings) in by_date {
            *number += 1;
            let (path, places) = self.write(date, &findings, *number)?;
            let mut shelf = self.shelf();
            // In memory until it is in the index: `find` always sees it in one of the two.
            let written: HashSet<FindingId> = findings.iter().map(|finding| finding.id).collect();
            shelf.waiting.retain(|kept| !written.contains(&kept.id));
            shelf.add(path, places);
        }
        Ok(())
    }

    /// The record of an id, when there is one.
    pub(super) fn find(&self, id: &FindingId) -> Result<Option<Finding>, LedgerError> {
        let (path, offset) = {
            let shelf = self.shelf();
            if let Some(finding) = shelf.waiting.iter().rev().find(|kept| kept.id == *id) {
                return Ok(Some(finding.clone()));
            }
            let Some(place) = shelf.index.get(id) else {
                return Ok(None);
            };
            let path = shelf.files.get(place.file as usize).cloned();
            (path.unwrap_or_default(), place.offset)
        };
        let line = read_line(&path, offset).map_err(|error| failure("read", &path, &error))?;
        parse(&line, &id.to_string()).map(Some)
    }

    /// The dates that have written records, in no order.
    pub(super) fn dates(&self) -> Result<Vec<Date>, LedgerError> {
        dates_in(&self.folder)
    }

    /// The files of a date, oldest first.
    pub(super) fn batches(&self, date: Date) -> Result<Vec<PathBuf>, LedgerError> {
        batches(&self.folder, date)
    }

    fn write(
        &self,
        date: Date,
        findings: &[Finding],
        number: u64,
    ) -> Result<(PathBuf, Vec<(FindingId, u64)>), LedgerError> {
        let folder = self.folder.join(format!("date={date}"));
        let path = folder.join(format!("{WRITER}-{number}.ndjson"));
        let failed = |error: io::Error| failure("written", &path, &error);
        let mut bytes = Vec::new();
        let mut places = Vec::new();
        for finding in findings {
            places.push((finding.id, bytes.len() as u64));
            serde_json::to_writer(&mut bytes, finding).map_err(|error| failed(error.into()))?;
            bytes.push(b'\n');
        }
        make_folder(&folder)
            .and_then(|()| self.scratch.create(&path, &bytes))
            .map_err(failed)?;
        Ok((path, places))
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn add(&mut self, path: PathBuf, places: Vec<(FindingId, u64)>) {
        let file = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        self.files.push(path);
        let placed = places
            .into_iter()
            .map(|(id, offset)| (id, Place { file, offset }));
        self.index.extend(placed);
    }

    fn read_index(&mut self, path: PathBuf) -> Result<(), LedgerError> {
        let failed = |error: io::Error| failure("read", &path, &error);
        let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
        let mut places = Vec::new();
        let mut offset = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if count == 0 {
                break;
            }
            match serde_json::from_slice::<Head>(&line) {
                Ok(head) => places.push((head.id, offset)),
                Err(_) => tracing::warn!(
                    { FILE_PATH } = %path.display(),
                    { FILE_OFFSET } = offset,
                    "a clean record cannot be read; its object may be judged again"
                ),
            }
            offset += count as u64;
        }
        self.add(path, places);
        Ok(())
    }
}

/// The files of a date, oldest first.
fn batches(folder: &Path, date: Date) -> Result<Vec<PathBuf>, LedgerError> {
    let folder = folder.join(format!("date={date}"));
    let failed = |error: io::Error| failure("read", &folder, &error);
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "ndjson") {
            paths.push(path);
        }
    }
    paths.sort_by_cached_key(|path| (number_of(path), path.clone()));
    Ok(paths)
}

fn number_of(path: &Path) -> Option<u64> {
    let (_, number) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    number.parse().ok()
}

fn read_line(path: &Path, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    Ok(line)
}
