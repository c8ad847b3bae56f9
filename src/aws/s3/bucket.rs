//! What is known of whole buckets, asked seldom: whether they keep versions.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::types::{BucketVersioningStatus, MfaDeleteStatus};
use tokio::time::Instant;

use super::S3Store;
use super::refusal::Refusal;
use crate::event::BucketName;
use crate::object::{StoreError, Why};

/// How long an answer about a bucket is believed. A change within that time is noticed by what the
/// calls themselves answer; longer would make such surprises usual, shorter would ask each time.
const BELIEVED: Duration = Duration::from_secs(60);

/// Whether a bucket keeps versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versioning {
    /// It never has.
    Never,
    /// It has, and keeps what it had.
    Suspended,
    /// It does.
    Enabled,
}

/// What a bucket says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketFacts {
    /// Which bucket.
    pub bucket: BucketName,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Whether deleting a version takes a second factor.
    pub mfa_delete: bool,
}

/// One answer per bucket, for a while.
#[derive(Debug)]
pub(super) struct PerBucket<T>(Mutex<HashMap<BucketName, (Instant, T)>>);

impl<T> Default for PerBucket<T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<T: Clone> PerBucket<T> {
    pub(super) fn get(&self, bucket: &BucketName) -> Option<T> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (learnt, value) = known.get(bucket)?;
        (learnt.elapsed() < BELIEVED).then(|| value.clone())
    }

    pub(super) fn learn(&self, bucket: &BucketName, value: T) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(bucket.clone(), (Instant::now(), value));
    }

    pub(super) fn forget(&self, bucket: &BucketName) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(bucket);
    }
}

impl S3Store {
    /// What a bucket says about itself, from memory for a while; `None` when it is gone.
    pub(super) async fn facts(
        &self,
        bucket: &BucketName,
    ) -> Result<Option<BucketFacts>, StoreError> {
        if let Some(facts) = self.versioning.get(bucket) {
            return Ok(Some(facts));
        }
        match self.ask_versioning(bucket).await {
            Ok(facts) => {
                self.versioning.learn(bucket, facts.clone());
                Ok(Some(facts))
            }
            Err(Refusal::NoBucket) => Ok(None),
            // Without knowing we could leave behind what a delete only hides.
            Err(Refusal::Denied(Why::AccessDenied)) => Err(StoreError::Refused(format!(
                "bucket {bucket}: whether it keeps versions is not told; grant \
                 s3:GetBucketVersioning to whoever asks (deploy/iam: worker.json, operator.json)"
            ))),
            Err(other) => Err(other.into_error("s3:GetBucketVersioning")),
        }
    }

    pub(super) async fn ask_versioning(&self, bucket: &BucketName) -> Result<BucketFacts, Refusal> {
        let ask = self.client.get_bucket_versioning().bucket(bucket.as_str());
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        let answer = answer.map_err(|error| Refusal::of("s3:GetBucketVersioning", &error))?;
        Ok(BucketFacts {
            bucket: bucket.clone(),
            versioning: match answer.status() {
                Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
                Some(_) => Versioning::Suspended,
                None => Versioning::Never,
            },
            mfa_delete: answer.mfa_delete() == Some(&MfaDeleteStatus::Enabled),
        })
    }
}
