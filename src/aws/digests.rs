//! What tasks have counted, beside the findings: `digest/window=<name>/<task>.json`, and the claim of
//! the task that tells, `digest/window=<name>/claim.json`.
//!
//! Each task writes its own count only. The claim is created where nothing is, and changed over
//! exactly what was read, so of several that want it one has it. Nothing here is removed: an object
//! of this kind is small, and a lifecycle rule of the bucket may remove what is old.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::Clients;
use super::records::{Over, Records, Stored, TRIES, Which, Written, contended};
use super::task::TaskName;
use crate::alert::{Claim, Digests, Lease, Tally, Window};
use crate::event::{ETag, OwnPlace};
use crate::record::LedgerError;
use crate::retry::Reacts;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// Objects that are read at the same time.
const AT_ONCE: usize = 16;

/// What the folders of windows begin with.
const FOLDERS: &str = "digest/window=";

/// The claim's name in a window's folder. No task is called so.
const CLAIM_FILE: &str = "claim.json";

/// The counts in the records bucket.
#[derive(Debug)]
pub struct S3Digests {
    records: Records,
    task: TaskName,
    /// What was written last, by key.
    known: Mutex<HashMap<String, ETag>>,
}

impl S3Digests {
    /// The counts at the place of the records; this object stands for one task, from its start to
    /// its end. Nothing is called yet.
    pub fn new(clients: &Clients, place: OwnPlace) -> Self {
        Self {
            records: Records::new(&clients.s3, place),
            task: TaskName::random(),
            known: Mutex::new(HashMap::new()),
        }
    }

    /// What a task has counted. What cannot be read is lost, and must not keep back what the others
    /// have counted: nobody would read of the window at all.
    async fn tally(&self, key: String) -> Result<Tally, LedgerError> {
        let parsed = match self.records.get(&key).await {
            Ok(Some(stored)) => parse(&key, &stored),
            Ok(None) => Ok(Tally::default()),
            Err(error) => Err(error),
        };
        match parsed {
            Err(error @ LedgerError::Corrupt { .. }) => {
                tracing::warn!(
                    { ERROR_CODE } = error.code(),
                    { ERROR_DETAIL } = %error,
                    "what a task has counted cannot be read: the digest goes without it"
                );
                Ok(Tally::default())
            }
            parsed => parsed,
        }
    }

    /// Changes the claim of a window; `change` answers what the caller gets, and what is to stand
    /// then, or `None` to leave it.
    async fn change<T>(
        &self,
        window: Window,
        change: impl Fn(Option<&Lease>) -> (T, Option<Lease>),
    ) -> Result<T, LedgerError> {
        let key = format!("{}{CLAIM_FILE}", folder(window));
        for attempt in 0..TRIES {
            let stored = self.records.get(&key).await?;
            // A claim that cannot be read is nobody's: at worst a digest is sent twice.
            let stands: Option<Lease> = stored.as_ref().and_then(|s| parse(&key, s).ok());
            let (answer, lease) = change(stands.as_ref());
            let Some(lease) = lease else {
                return Ok(answer);
            };
            let over = stored
                .as_ref()
                .map_or(Over::Nothing, |s| Over::This(&s.etag));
            let bytes = serde_json::to_vec_pretty(&lease).expect("a claim is plain JSON");
            if let Written::Done(_) = self.records.put(&key, bytes, over).await? {
                return Ok(answer);
            }
            self.records.give_way(attempt).await;
        }
        Err(contended(&key))
    }

    fn recall(&self, key: &str) -> Option<ETag> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).cloned()
    }

    fn learn(&self, window: Window, key: String, etag: ETag) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Earlier windows are written no more, or once.
        let now = folder(window);
        known.retain(|key, _| **key >= *now);
        known.insert(key, etag);
    }
}

#[async_trait]
impl Digests for S3Digests {
    async fn write(&self, window: Window, tally: &Tally) -> Result<(), LedgerError> {
        let key = format!("{}{}.json", folder(window), self.task);
        let bytes = serde_json::to_vec(tally).expect("counts are plain JSON");
        let mut over = self.recall(&key);
        // Nobody else writes this key: a second try meets what a call that seemed to fail has left.
        for _ in 0..3 {
            let condition = over.as_ref().map_or(Over::Nothing, Over::This);
            let written = self.records.put(&key, bytes.clone(), condition).await?;
            if let Written::Done(etag) = written {
                self.learn(window, key, etag);
                return Ok(());
            }
            over = self.records.get(&key).await?.map(|stored| stored.etag);
        }
        Err(LedgerError::Unavailable(format!("{key} is not ours alone")))
    }

    async fn windows(&self, from: Timestamp, until: Timestamp) -> Result<Vec<Window>, LedgerError> {
        // Behind all that begins earlier: the listing is as long as the stretch asked for.
        let behind = format!("{FOLDERS}{}", from.strftime("%Y%m%dT%H%M%SZ"));
        let which = Which {
            prefix: FOLDERS,
            folders: true,
            behind: Some(&behind),
            from: None,
        };
        let listing = self.records.list_all(which).await?;
        let windows = listing
            .folders
            .iter()
            .filter_map(|name| Window::named(name));
        let mut windows: Vec<_> = windows
            .filter(|window| from <= window.from && window.until <= until)
            .collect();
        windows.sort_unstable();
        Ok(windows)
    }

    async fn claim(&self, window: Window, now: Timestamp) -> Result<Claim, LedgerError> {
        let task = self.task.to_string();
        self.change(window, |stands| Lease::claim(stands, &task, now))
            .await
    }

    async fn sum(&self, window: Window) -> Result<(u64, Tally), LedgerError> {
        let folder = folder(window);
        let which = Which {
            prefix: &folder,
            ..Which::default()
        };
        let listing = self.records.list_all(which).await?;
        let keys = listing.entries.into_iter().map(|entry| entry.key);
        let keys = keys.filter(|key| !key.ends_with(CLAIM_FILE));
        stream::iter(keys)
            .map(|key| self.tally(key))
            .buffered(AT_ONCE)
            .try_fold(
                (0, Tally::default()),
                |(tasks, mut sum), tally| async move {
                    sum.merge(tally);
                    Ok((tasks + 1, sum))
                },
            )
            .await
    }

    async fn told(&self, window: Window, now: Timestamp) -> Result<(), LedgerError> {
        let task = self.task.to_string();
        self.change(window, |stands| ((), Lease::tell(stands, &task, now)))
            .await
    }
}

fn folder(window: Window) -> String {
    format!("{FOLDERS}{}/", window.name())
}

fn parse<T: DeserializeOwned>(key: &str, stored: &Stored) -> Result<T, LedgerError> {
    serde_json::from_slice(&stored.bytes).map_err(|error| LedgerError::Corrupt {
        id: key.to_owned(),
        why: format!("{:?} error in line {}", error.classify(), error.line()).to_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::event::BucketName;

    async fn digests(answers: Vec<Answer>) -> (Scripted, S3Digests) {
        let service = Scripted::start(answers).await;
        let clients = service.clients().await;
        let place = OwnPlace {
            bucket: BucketName::new("records").unwrap(),
            prefix: String::new(),
        };
        (service, S3Digests::new(&clients, place))
    }

    fn record(body: &str) -> Answer {
        Answer::new(200, body).header("etag", "\"d41d8cd98f00b204e9800998ecf8427e\"")
    }

    fn window() -> Window {
        Window::named("20260303T000000Z-86400").unwrap()
    }

    #[tokio::test]
    async fn what_cannot_be_read_does_not_keep_the_rest_back() {
        let names = ["a", "b", "c", "d", "claim"].map(|name| {
            let key = format!("{}{name}.json", folder(window()));
            format!("<Contents><Key>{key}</Key><Size>9</Size></Contents>")
        });
        let listing = format!(
            "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}\
             <IsTruncated>false</IsTruncated></ListBucketResult>",
            names.concat()
        );
        let tally = record("{\"verdicts\":{\"flagged\":2},\"later\":1}");
        let answers = vec![
            Answer::new(200, listing),
            tally.clone(),
            record("{\"verdicts\":["),
            record("{\"slowest\":[{\"millis\":7}]}"),
            tally,
        ];
        let (_service, digests) = digests(answers).await;
        let (tasks, sum) = digests.sum(window()).await.unwrap();
        // Read at the same time, in whatever order.
        assert_eq!(
            (tasks, sum.verdicts["flagged"], sum.slowest.len()),
            (4, 4, 1)
        );
    }

    #[tokio::test]
    async fn a_claim_that_cannot_be_read_is_nobodys() {
        let (service, digests) = digests(vec![record("{"), record("")]).await;
        let claim = digests.claim(window(), window().until).await.unwrap();
        assert_eq!((claim, service.asked().len()), (Claim::Ours, 2));
    }
}
