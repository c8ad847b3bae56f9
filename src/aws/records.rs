//! The records bucket: small JSON objects, written conditionally.
//!
//! Everything that tasks have to agree on lies here, so no write is blind: it names what must be
//! there (`If-Match`) or that nothing may be (`If-None-Match: *`), and who loses reads again. Keys
//! here are our own and hold nothing of anybody, so errors may show them.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use bytes::Bytes;

use super::fault::{Fault, Told};
use crate::event::{ETag, OwnPlace};
use crate::record::LedgerError;
use crate::retry::{Backoff, Jitter};

/// The largest record that is read, in bytes: a batch of clean verdicts has about 1 KB per line.
/// Anything larger was not written by us.
const LARGEST: i64 = 64 * 1024 * 1024;

/// How long one body may take. The SDK's own time limits end with the head of an answer.
const BODY: Duration = Duration::from_secs(60);

/// How often a write is tried while others write the same record. Even a fleet that changes one
/// record at one moment is through after a few rounds.
pub(super) const TRIES: u32 = 12;

/// The waits between: a conditional write takes some 30 ms.
const BETWEEN: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// The records bucket, below its prefix.
#[derive(Clone, Debug)]
pub(super) struct Records {
    client: Client,
    place: OwnPlace,
    jitter: Jitter,
}

/// A stored record.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) bytes: Bytes,
    pub(super) etag: ETag,
}

/// What must be there for a write to happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Over<'e> {
    Nothing,
    This(&'e ETag),
}

/// How a conditional call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// It was done; what lies there now.
    Done(ETag),
    /// Something else is there, or somebody writes at this moment.
    Lost,
}

/// One page of a listing.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    /// What lies between the prefix and the next slash, where the listing was by folder.
    pub(super) folders: Vec<String>,
    /// Whether more follows.
    pub(super) more: Option<String>,
}

/// One key of a listing.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key without the prefix of all records.
    pub(super) key: String,
    pub(super) etag: Option<ETag>,
    /// Seconds since 1970.
    pub(super) modified_at: i64,
}

/// What is listed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Which<'a> {
    pub(super) prefix: &'a str,
    /// Folders only.
    pub(super) folders: bool,
    /// Keys behind this one.
    pub(super) behind: Option<&'a str>,
    /// Where the page before ended.
    pub(super) from: Option<&'a str>,
}

impl Records {
    pub(super) fn new(client: &Client, place: OwnPlace) -> Self {
        Self {
            client: client.clone(),
            place,
            jitter: Jitter::random(),
        }
    }

    pub(super) fn bucket(&self) -> &str {
        self.place.bucket.as_str()
    }

    /// Waits before a lost write is tried again.
    pub(super) async fn give_way(&self, attempt: u32) {
        tokio::time::sleep(BETWEEN.wait(attempt, self.jitter.unit())).await;
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.place.prefix)
    }

    /// Reads a record; `None` when there is none.
    pub(super) async fn get(&self, key: &str) -> Result<Option<Stored>, LedgerError> {
        let get = self.client.get_object();
        let answer = get.bucket(self.bucket()).key(self.full(key)).send().await;
        let output = match answer {
            Ok(output) => output,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.failure("s3:GetObject", &error)),
        };
        let corrupt = |why: &str| LedgerError::Corrupt {
            id: key.to_owned(),
            why: why.to_owned(),
        };
        if output.content_length().unwrap_or(0) > LARGEST {
            return Err(corrupt("it is larger than any record"));
        }
        let etag = output.e_tag().and_then(ETag::new);
        let etag = etag.ok_or_else(|| corrupt("the store gives it no tag"))?;
        let body = tokio::time::timeout(BODY, output.body.collect()).await;
        let Ok(Ok(body)) = body else {
            let text = format!("s3:GetObject: record {key} broke off, or did not end in time");
            return Err(LedgerError::Unavailable(text));
        };
        Ok(Some(Stored {
            bytes: body.into_bytes(),
            etag,
        }))
    }

    /// Writes a record where `over` is what lies there.
    pub(super) async fn put(
        &self,
        key: &str,
        bytes: Vec<u8>,
        over: Over<'_>,
    ) -> Result<Written, LedgerError> {
        let put = self.client.put_object().bucket(self.bucket());
        let put = put
            .key(self.full(key))
            .content_type(media_type(key))
            .body(ByteStream::from(bytes));
        let put = match over {
            Over::Nothing => put.if_none_match("*"),
            Over::This(etag) => put.if_match(quoted(etag)),
        };
        match put.send().await {
            Ok(output) => match output.e_tag().and_then(ETag::new) {
                Some(etag) => Ok(Written::Done(etag)),
                None => Err(LedgerError::Unavailable(format!(
                    "s3:PutObject: the store gives record {key} no tag"
                ))),
            },
            Err(error) if is_lost(&error) => Ok(Written::Lost),
            Err(error) => Err(self.failure("s3:PutObject", &error)),
        }
    }

    /// Removes a record if `etag` is what lies there; `false` when something else does. Nothing
    /// there is fine.
    pub(super) async fn delete(&self, key: &str, etag: &ETag) -> Result<bool, LedgerError> {
        let delete = self.client.delete_object().bucket(self.bucket());
        let delete = delete.key(self.full(key)).if_match(quoted(etag));
        match delete.send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("NoSuchKey") => Ok(true),
            Err(error) if is_lost(&error) => Ok(false),
            Err(error) => Err(self.failure("s3:DeleteObject", &error)),
        }
    }

    /// One page of what lies below a prefix, in the order of the keys.
    pub(super) async fn list(&self, which: Which<'_>) -> Result<Listing, LedgerError> {
        let list = self.client.list_objects_v2().bucket(self.bucket());
        let output = list
            .prefix(self.full(which.prefix))
            .set_delimiter(which.folders.then(|| "/".to_owned()))
            .set_start_after(which.behind.map(|key| self.full(key)))
            .set_continuation_token(which.from.map(str::to_owned))
            .send()
            .await
            .map_err(|error| self.failure("s3:ListBucket", &error))?;
        let own = |key: &str| key.strip_prefix(&self.place.prefix).map(str::to_owned);
        let entries = output.contents().iter().filter_map(|object| {
            Some(Entry {
                key: own(object.key()?)?,
                etag: object.e_tag().and_then(ETag::new),
                modified_at: object.last_modified().map_or(0, |time| time.secs()),
            })
        });
        let folder = |common: &str| {
            let below = own(common)?;
            let name = below.strip_prefix(which.prefix)?.strip_suffix('/')?;
            Some(name.to_owned())
        };
        let common = output.common_prefixes().iter();
        let folders = common.filter_map(|common| folder(common.prefix()?));
        let more = output
            .is_truncated()
            .unwrap_or(false)
            .then(|| output.next_continuation_token().map(str::to_owned));
        Ok(Listing {
            entries: entries.collect(),
            folders: folders.collect(),
            more: more.flatten(),
        })
    }

    /// All that lies below a prefix.
    pub(super) async fn list_all(&self, which: Which<'_>) -> Result<Listing, LedgerError> {
        let mut all = Listing::default();
        let mut from: Option<String> = None;
        loop {
            let from_here = Which {
                from: from.as_deref(),
                ..which
            };
            let page = self.list(from_here).await?;
            all.entries.extend(page.entries);
            all.folders.extend(page.folders);
            match page.more {
                Some(token) => from = Some(token),
                None => return Ok(all),
            }
        }
    }

    /// What a failed call means for the records.
    pub(super) fn failure<E>(&self, call: &str, error: &SdkError<E, HttpResponse>) -> LedgerError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let fault = Fault::of(call, error, Told::Code);
        let bucket = self.bucket();
        let text = format!("bucket {bucket}: {}", fault.sentence());
        match &fault {
            fault if fault.is_passing() => LedgerError::Unavailable(text),
            Fault::Answer { code, .. } if code == "NoSuchBucket" => LedgerError::Refused(format!(
                "{text}; there is no such bucket: create it, or correct records.bucket"
            )),
            Fault::Answer { status: 301, .. } => LedgerError::Refused(format!(
                "{text}; the bucket lies in another region: set AWS_REGION to that region, or use \
                 another bucket"
            )),
            // Nothing in a request of ours depends on what is stored, so it is refused for good.
            _ => LedgerError::Refused(text),
        }
    }
}

/// All [`TRIES`] were lost.
pub(super) fn contended(key: &str) -> LedgerError {
    LedgerError::Unavailable(format!("record {key} was changed by others at each try"))
}

/// A precondition failed, or two writes met. A write over what is gone answers "no such key".
fn is_lost<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let code = error.code().unwrap_or_default();
    let known = matches!(
        code,
        "PreconditionFailed" | "ConditionalRequestConflict" | "OperationAborted" | "NoSuchKey"
    );
    known
        || error
            .raw_response()
            .is_some_and(|raw| matches!(raw.status().as_u16(), 409 | 412))
}

/// An entity tag as conditional headers want it.
pub(super) fn quoted(etag: &ETag) -> String {
    format!("\"{}\"", etag.as_str())
}

fn media_type(key: &str) -> &'static str {
    if key.ends_with(".ndjson") {
        "application/x-ndjson"
    } else {
        "application/json"
    }
}
