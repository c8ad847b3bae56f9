//! Lists findings by query: newest event date first; inside a date by id, then clean records in the
//! order in which they were written.
//!
//! Inside a date the order is not that of time: to know it, every record of the day would have to
//! be read for every page. Clean records are listed once they are written out.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use jiff::civil::Date;

use super::clean::CleanRecords;
use super::failure;
use super::findings::{Findings, parse};
use crate::record::{Finding, LedgerError, Page, PageMark, Query};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

pub(super) fn list(
    findings: &Findings,
    clean: &CleanRecords,
    query: &Query,
) -> Result<Page, LedgerError> {
    let limit = query.page_size();
    let after = query.after.as_deref().map(PageMark::parse).transpose()?;
    let mut dates: BTreeSet<Date> = findings.dates()?.into_iter().collect();
    if query.clean {
        dates.extend(clean.dates()?);
    }
    let mut page = Page::default();
    for date in dates.into_iter().rev() {
        let outside = query.from.is_some_and(|from| date < from)
            || query.until.is_some_and(|until| until < date)
            || after.as_ref().is_some_and(|after| after.date() < date);
        if outside {
            continue;
        }
        for (finding, place) in of_date(findings, clean, query, date, after.as_ref()) {
            let finding = match finding {
                Ok(finding) => finding,
                // A list is for people: one bad record is said, and the others are shown.
                Err(error @ LedgerError::Corrupt { .. }) => {
                    tracing::warn!({ ERROR_CODE } = "record_corrupt", { ERROR_DETAIL } = %error, "a record is left out");
                    continue;
                }
                Err(error) => return Err(error),
            };
            if !query.wants(&finding) {
                continue;
            }
            page.findings.push(finding);
            if page.findings.len() == limit {
                page.next = Some(place.to_string());
                return Ok(page);
            }
        }
    }
    Ok(page)
}

type Entry = (Result<Finding, LedgerError>, PageMark);

/// What a date has behind the cursor, read only as far as it is asked for.
fn of_date<'a>(
    findings: &'a Findings,
    clean: &'a CleanRecords,
    query: &Query,
    date: Date,
    after: Option<&'a PageMark>,
) -> Box<dyn Iterator<Item = Entry> + 'a> {
    let after = after.filter(|after| after.date() == date);
    let here = move |error| (Err(error), PageMark::Clean(date, String::new(), 0));
    let found: Box<dyn Iterator<Item = Entry> + 'a> = match after {
        Some(PageMark::Clean(..)) => Box::new(std::iter::empty()),
        _ => match findings.ids(date) {
            Ok(ids) => Box::new(
                ids.into_iter()
                    .filter(
                        move |id| !matches!(after, Some(PageMark::Finding(_, last)) if id <= last),
                    )
                    .filter_map(move |id| {
                        let finding = findings.read(&id, date).transpose()?;
                        Some((finding, PageMark::Finding(date, id)))
                    }),
            ),
            Err(error) => Box::new(std::iter::once(here(error))),
        },
    };
    if !query.clean {
        return found;
    }
    let batches = match clean.batches(date) {
        Ok(batches) => batches,
        Err(error) => return Box::new(found.chain(std::iter::once(here(error)))),
    };
    let last_batch = match after {
        Some(PageMark::Clean(_, name, line)) => batches
            .iter()
            .position(|path| name_of(path) == *name)
            .map(|position| (position, *line)),
        _ => None,
    };
    let lines = batches
        .into_iter()
        .enumerate()
        .flat_map(move |(position, path)| {
            let skip = match last_batch {
                Some((last, _)) if position < last => usize::MAX,
                Some((last, line)) if position == last => line,
                _ => 0,
            };
            lines_of(&path, date, skip)
        });
    Box::new(found.chain(lines))
}

/// The records of a file behind its first `skip` lines.
fn lines_of(path: &Path, date: Date, skip: usize) -> Vec<Entry> {
    if skip == usize::MAX {
        return Vec::new();
    }
    let name = name_of(path);
    let at = |line| PageMark::Clean(date, name.clone(), line);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return vec![(Err(failure("read", path, &error)), at(0))],
    };
    BufReader::new(file)
        .split(b'\n')
        .enumerate()
        .skip(skip)
        .map(|(index, line)| {
            let finding = line
                .map_err(|error| failure("read", path, &error))
                .and_then(|line| parse(&line, &name));
            (finding, at(index + 1))
        })
        .collect()
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
