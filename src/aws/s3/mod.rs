//! Objects in S3.
//!
//! What was read is pinned by the answer to the read: by its version, or by its entity tag where the
//! bucket keeps none. `null` is no version: it names whatever lies there now. One operation per
//! file; [`refusal`] sorts once what S3 says instead of doing it.
//!
//! Permission to list the guarded buckets (`s3:ListBucket`) is asked for at start: without it S3
//! answers "forbidden" for what is not there, and a deleted object would look like a missing
//! permission. With it, a denial is one.

mod bucket;
mod copy_source;
mod delete;
mod denial;
mod exposure;
mod fetch;
mod find;
mod locate;
mod origin;
mod probe;
mod put_back;
mod quarantine;
mod refusal;
mod remove;
mod tag;
mod tags;

use std::fmt;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::RequestPayer;
use jiff::Timestamp;

pub use bucket::{BucketFacts, Versioning};
pub use probe::ProbeError;

use bucket::PerBucket;
use denial::Streaks;
use exposure::Reaches;

use super::{AwsSettings, Clients};
use crate::event::{FindingId, OwnPlace, Target};
use crate::object::{
    Exposure, Fetched, Kept, Located, Mark, ObjectRef, ObjectStore, PutBack, Quarantine, Removed,
    Returned, StoreError, Tagged, Why,
};
use crate::retry::{Backoff, Jitter};

/// The name of what was written while a bucket kept no versions, once it keeps them.
const NULL: &str = "null";

/// How often a change is tried while others change the same object.
const TRIES: u32 = 5;

/// Guarded buckets, and the quarantine.
pub struct S3Store {
    client: Client,
    settings: AwsSettings,
    quarantine: Option<OwnPlace>,
    /// The largest object that is judged by its bytes.
    max_bytes: u64,
    /// Whether buckets keep versions.
    versioning: PerBucket<BucketFacts>,
    /// Why a bucket denies everything, where that can be told.
    denials: PerBucket<Option<Why>>,
    /// Who can read what lies in a bucket.
    reaches: Reaches,
    /// Reads that were denied one after another.
    streaks: Streaks,
    jitter: Jitter,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("settings", &self.settings)
            .field("quarantine", &self.quarantine)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}

impl S3Store {
    /// A store over whatever buckets are named later. `quarantine` is where removed objects go; its
    /// bucket must not be guarded. `max_bytes` is the largest object that is judged by its bytes
    /// (`object.max_bytes`). Nothing is called yet.
    pub fn new(
        clients: &Clients,
        settings: AwsSettings,
        quarantine: Option<OwnPlace>,
        max_bytes: u64,
    ) -> Self {
        Self {
            client: clients.s3.clone(),
            settings,
            quarantine,
            max_bytes,
            versioning: PerBucket::default(),
            denials: PerBucket::default(),
            reaches: Reaches::default(),
            streaks: Streaks::default(),
            jitter: Jitter::random(),
        }
    }

    /// The account that has to own a guarded bucket, as requests take it.
    fn owner(&self) -> Option<String> {
        self.settings.expected_bucket_owner.clone()
    }

    /// Whether we pay, as requests take it.
    fn payer(&self) -> Option<RequestPayer> {
        self.settings
            .request_payer
            .then_some(RequestPayer::Requester)
    }

    /// Waits before something that others change as well is tried again.
    async fn give_way(&self, attempt: u32) {
        tokio::time::sleep(Backoff::SERVICE.wait(attempt, self.jitter.unit())).await;
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        self.fetch_object(target, cap).await
    }

    async fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        self.locate_object(target).await
    }

    async fn remove(&self, object: &ObjectRef) -> Result<Removed, StoreError> {
        self.remove_object(object).await
    }

    async fn quarantine(
        &self,
        object: &ObjectRef,
        id: &FindingId,
        sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        self.quarantine_object(object, id, sha256).await
    }

    async fn tag(&self, object: &ObjectRef, mark: Mark) -> Result<Tagged, StoreError> {
        self.tag_object(object, mark).await
    }

    async fn exposure(&self, object: &ObjectRef) -> Exposure {
        self.exposure_of(object).await
    }
}

#[async_trait]
impl Quarantine for S3Store {
    fn place(&self, id: &FindingId) -> Option<String> {
        self.place_of(id).map(|place| place.to_string())
    }

    async fn would_put_back(&self, wanted: &PutBack) -> Result<Option<Returned>, StoreError> {
        self.would_put_copy_back(wanted).await
    }

    async fn kept(&self, id: &FindingId) -> Result<Option<Kept>, StoreError> {
        self.kept_copy(id).await
    }

    async fn put_back(&self, wanted: &PutBack) -> Result<Returned, StoreError> {
        self.put_copy_back(wanted).await
    }

    async fn end(&self, id: &FindingId, sha256: &str) -> Result<bool, StoreError> {
        self.end_copy(id, sha256).await
    }
}

fn timestamp(time: Option<&aws_sdk_s3::primitives::DateTime>) -> Timestamp {
    let nanos = |time: &aws_sdk_s3::primitives::DateTime| i32::try_from(time.subsec_nanos()).ok();
    time.and_then(|time| Timestamp::new(time.secs(), nanos(time)?).ok())
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
