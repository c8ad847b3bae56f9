//! What all tasks have spent on models, one small object per task and day:
//! `spend/date=<day>/<task>.json`.
//!
//! Each task writes its own only, so nobody waits for anybody; the sum is read by listing the day.
//! An object that has not changed since it was last read, by its tag, is not read again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Clients;
use super::records::{Entry, Over, Records, Which, Written};
use super::task::TaskName;
use crate::event::{ETag, OwnPlace};
use crate::model::{Spending, SpendingError};
use crate::record::LedgerError;

/// Objects that are read at the same time.
const AT_ONCE: usize = 16;

/// The account in the records bucket.
#[derive(Debug)]
pub struct S3Spending {
    records: Records,
    task: TaskName,
    known: Mutex<Known>,
}

/// What was read and written last, of one day.
#[derive(Debug, Default)]
struct Known {
    day: Option<Date>,
    totals: HashMap<String, (ETag, f64)>,
}

#[derive(Serialize, Deserialize)]
struct Total {
    usd: f64,
}

impl S3Spending {
    /// The account at the place of the records; this object stands for one task, from its start to
    /// its end. Nothing is called yet.
    pub fn new(clients: &Clients, place: OwnPlace) -> Self {
        Self {
            records: Records::new(&clients.s3, place),
            task: TaskName::random(),
            known: Mutex::new(Known::default()),
        }
    }

    async fn write(&self, key: &str, usd: f64) -> Result<(), LedgerError> {
        let known = self.recall(key);
        if known.as_ref().is_some_and(|(_, stored)| *stored == usd) {
            return Ok(());
        }
        let mut over = known.map(|(etag, _)| etag);
        // Nobody else writes this key: a second try meets what a call that seemed to fail has left.
        for _ in 0..3 {
            let bytes = serde_json::to_vec(&Total { usd }).expect("a number is plain JSON");
            let condition = over.as_ref().map_or(Over::Nothing, Over::This);
            if let Written::Done(etag) = self.records.put(key, bytes, condition).await? {
                self.learn(key, etag, usd);
                return Ok(());
            }
            over = self.records.get(key).await?.map(|stored| stored.etag);
        }
        Err(LedgerError::Unavailable(format!("{key} is not ours alone")))
    }

    async fn total(&self, entry: Entry) -> Result<f64, LedgerError> {
        if let (Some(etag), Some((known, usd))) = (&entry.etag, self.recall(&entry.key))
            && *etag == known
        {
            return Ok(usd);
        }
        let Some(stored) = self.records.get(&entry.key).await? else {
            return Ok(0.0);
        };
        let total: Total =
            serde_json::from_slice(&stored.bytes).map_err(|_| LedgerError::Corrupt {
                id: entry.key.clone(),
                why: "it holds no total".to_owned(),
            })?;
        self.learn(&entry.key, stored.etag, total.usd);
        Ok(total.usd)
    }

    async fn report(&self, day: Date, own_usd: f64) -> Result<f64, LedgerError> {
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.day != Some(day) {
                *known = Known {
                    day: Some(day),
                    totals: HashMap::new(),
                };
            }
        }
        let folder = format!("spend/date={day}/");
        self.write(&format!("{folder}{}.json", self.task), own_usd)
            .await?;
        let which = Which {
            prefix: &folder,
            ..Which::default()
        };
        let listing = self.records.list_all(which).await?;
        stream::iter(listing.entries)
            .map(|entry| self.total(entry))
            .buffer_unordered(AT_ONCE)
            .try_fold(0.0, |sum, usd| async move { Ok(sum + usd) })
            .await
    }

    fn recall(&self, key: &str) -> Option<(ETag, f64)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.totals.get(key).cloned()
    }

    fn learn(&self, key: &str, etag: ETag, usd: f64) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.totals.insert(key.to_owned(), (etag, usd));
    }
}

#[async_trait]
impl Spending for S3Spending {
    async fn report(&self, day: Date, own_usd: f64) -> Result<f64, SpendingError> {
        let sum = Self::report(self, day, own_usd).await;
        sum.map_err(|error| SpendingError(error.to_string()))
    }
}
