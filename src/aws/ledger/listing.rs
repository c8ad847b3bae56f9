//! Lists findings by query: newest event date first; inside a date by id, then clean records by
//! batch, in the order in which they were written.
//!
//! Only what a page needs is read, several records at a time. A query that wants little of much
//! reads much all the same: the bucket has no index, and a person asks seldom.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use jiff::civil::Date;

use super::layout::{CLEAN, FINDINGS, date_of_folder, finding_key, folder, id_of_key, parse};
use crate::aws::records::{Entry, Records, Which};
use crate::record::{Finding, LedgerError, Page, PageMark, Query};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// Records that are read at the same time.
const AT_ONCE: usize = 32;

/// Batches that are read at the same time: each may have some hundred KB.
const BATCHES_AT_ONCE: usize = 4;

/// A page under way.
struct Filling<'q> {
    query: &'q Query,
    limit: usize,
    page: Page,
}

pub(super) async fn list(records: &Records, query: &Query) -> Result<Page, LedgerError> {
    let after = query.after.as_deref().map(PageMark::parse).transpose()?;
    let mut all = dates(records, FINDINGS).await?;
    if query.clean {
        all.extend(dates(records, CLEAN).await?);
    }
    let mut filling = Filling {
        query,
        limit: query.page_size(),
        page: Page::default(),
    };
    for date in all.into_iter().rev() {
        let outside = query.from.is_some_and(|from| date < from)
            || query.until.is_some_and(|until| until < date)
            || after.as_ref().is_some_and(|after| after.date() < date);
        if outside {
            continue;
        }
        let after = after.as_ref().filter(|after| after.date() == date);
        filling.findings(records, date, after).await?;
        if query.clean && !filling.is_full() {
            filling.clean(records, date, after).await?;
        }
        if filling.is_full() {
            break;
        }
    }
    Ok(filling.page)
}

impl Filling<'_> {
    fn is_full(&self) -> bool {
        self.page.findings.len() >= self.limit
    }

    /// Takes a finding that is wanted, and notes where to go on when the page is full.
    fn take(&mut self, finding: Result<Finding, LedgerError>, place: impl FnOnce() -> PageMark) {
        match finding {
            Ok(finding) if self.query.wants(&finding) => {
                self.page.findings.push(finding);
                if self.is_full() {
                    self.page.next = Some(place().to_string());
                }
            }
            Ok(_) => {}
            // A list is for people: one bad record is said, and the others are shown.
            Err(error) => {
                tracing::warn!({ ERROR_CODE } = "record_corrupt", { ERROR_DETAIL } = %error, "a record is left out");
            }
        }
    }

    async fn findings(
        &mut self,
        records: &Records,
        date: Date,
        after: Option<&PageMark>,
    ) -> Result<(), LedgerError> {
        let behind = match after {
            Some(PageMark::Clean(..)) => return Ok(()),
            Some(PageMark::Finding(_, id)) => Some(finding_key(id, date)),
            None => None,
        };
        let folder = folder(FINDINGS, date);
        let mut from: Option<String> = None;
        loop {
            let which = Which {
                prefix: &folder,
                behind: behind.as_deref(),
                from: from.as_deref(),
                folders: false,
            };
            let listing = records.list(which).await?;
            let ids = listing.entries.iter();
            let ids: Vec<_> = ids.filter_map(|entry| id_of_key(&entry.key)).collect();
            let mut read = stream::iter(ids)
                .map(|id| async move { (id, records.get(&finding_key(&id, date)).await) })
                .buffered(AT_ONCE);
            while let Some((id, stored)) = read.next().await {
                // Nothing there: removed since the listing.
                let Some(stored) = stored? else { continue };
                let finding = parse(&stored.bytes, &id.to_string());
                self.take(finding, || PageMark::Finding(date, id));
                if self.is_full() {
                    return Ok(());
                }
            }
            match listing.more {
                Some(token) => from = Some(token),
                None => return Ok(()),
            }
        }
    }

    async fn clean(
        &mut self,
        records: &Records,
        date: Date,
        after: Option<&PageMark>,
    ) -> Result<(), LedgerError> {
        let folder = folder(CLEAN, date);
        let which = Which {
            prefix: &folder,
            ..Which::default()
        };
        let batches = records.list_all(which).await?.entries;
        let (last, line) = match after {
            Some(PageMark::Clean(_, name, line)) => (name.as_str(), *line),
            _ => ("", 0),
        };
        let name_of = |entry: &Entry| entry.key.strip_prefix(&folder).map(str::to_owned);
        let names = batches.iter().filter_map(name_of);
        let names = names.filter(|name| name.ends_with(".ndjson") && name.as_str() >= last);
        let mut read = stream::iter(names)
            .map(|name| async {
                let stored = records.get(&format!("{folder}{name}")).await;
                (name, stored)
            })
            .buffered(BATCHES_AT_ONCE);
        while let Some((name, stored)) = read.next().await {
            let Some(stored) = stored? else { continue };
            let skip = if name == last { line } else { 0 };
            let lines = stored.bytes.split(|byte| *byte == b'\n').enumerate();
            for (index, line) in lines.skip(skip) {
                if line.is_empty() {
                    continue;
                }
                let place = || PageMark::Clean(date, name.clone(), index + 1);
                self.take(parse(line, &name), place);
                if self.is_full() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

async fn dates(records: &Records, room: &str) -> Result<BTreeSet<Date>, LedgerError> {
    let which = Which {
        prefix: room,
        folders: true,
        ..Which::default()
    };
    let folders = records.list_all(which).await?.folders;
    Ok(folders
        .iter()
        .filter_map(|name| date_of_folder(name))
        .collect())
}
