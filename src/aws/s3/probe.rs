//! Whether the guarded buckets and the quarantine can be worked with, asked at start.
//!
//! Reading is tried on a key that does not exist. Who may list a bucket and read its objects is told
//! that it is missing (404), who may not read them is refused (403): "Permissions" of `GetObject`
//! and `HeadObject`, Amazon S3 API reference. Whether versions may be read by their id cannot be
//! asked as surely without one: that shows in the first reads, which stop the service when they are
//! denied in a row.

use futures::future::join_all;

use super::S3Store;
use super::bucket::{BucketFacts, Versioning};
use super::fetch::Address;
use super::refusal::Refusal;
use crate::aws::task::TaskName;
use crate::event::{BucketName, Key, Target};
use crate::object::{StoreError, Why};

/// Under this prefix nothing is ever written, by us.
const NOWHERE: &str = ".s3-warden-probe/";

/// A bucket cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// The settings ask for what cannot be.
    #[error("{0}")]
    Settings(String),
    /// It does not let us, is not there, or does not answer.
    #[error("{0}")]
    Unreachable(String),
}

impl S3Store {
    /// Asks all guarded buckets whether they are there, are ours to list and read, and keep versions; and
    /// the quarantine whether it is there. `removes`: objects will be removed (`policy.mode` is
    /// `enforce`), so the quarantine counts. `tags_clean`: clean objects will be tagged
    /// (`policy.tag` is `all`), so versions are needed.
    ///
    /// # Errors
    /// Everything that is wrong, each in one sentence with the bucket and the remedy.
    pub async fn probe(
        &self,
        buckets: &[BucketName],
        removes: bool,
        tags_clean: bool,
    ) -> Result<Vec<BucketFacts>, Vec<ProbeError>> {
        let mut found = Vec::new();
        let mut wrong = Vec::new();
        for answer in join_all(buckets.iter().map(|bucket| self.probe_guarded(bucket))).await {
            match answer {
                Ok(facts) if tags_clean && facts.versioning != Versioning::Enabled => {
                    wrong.push(ProbeError::Settings(format!(
                        "policy.tag: `all` needs versions, and bucket {} keeps none: the tag \
                         `clean` could end up on other bytes; enable versioning there, or set \
                         policy.tag to `not_clean`",
                        facts.bucket
                    )));
                }
                Ok(facts) => found.push(facts),
                Err(error) => wrong.push(error),
            }
        }
        if removes && let Err(error) = self.probe_quarantine(buckets).await {
            wrong.push(error);
        }
        if wrong.is_empty() {
            Ok(found)
        } else {
            Err(wrong)
        }
    }

    async fn probe_guarded(&self, bucket: &BucketName) -> Result<BucketFacts, ProbeError> {
        let ask = self.client.head_bucket().bucket(bucket.as_str());
        let answer = ask.set_expected_bucket_owner(self.owner()).send().await;
        if let Err(error) = answer {
            let refusal = Refusal::of("s3:ListBucket (HEAD)", &error);
            if self.is_anothers(bucket).await {
                return Err(ProbeError::Unreachable(format!(
                    "bucket {bucket} belongs to another account than aws.expected_bucket_owner \
                     says: find out whose it is, or correct the setting"
                )));
            }
            return Err(unreachable_bucket("guarded", bucket.as_str(), refusal));
        }
        let facts = self
            .ask_versioning(bucket)
            .await
            .map_err(|refusal| match refusal {
                Refusal::Denied(Why::AccessDenied) => ProbeError::Unreachable(format!(
                    "bucket {bucket} does not tell whether it keeps versions: grant \
                 s3:GetBucketVersioning to our role (deploy/iam)"
                )),
                other => unreachable_bucket("guarded", bucket.as_str(), other),
            })?;
        self.versioning.learn(bucket, facts.clone());
        self.probe_reading(bucket).await?;
        Ok(facts)
    }

    async fn probe_reading(&self, bucket: &BucketName) -> Result<(), ProbeError> {
        let target = Target {
            bucket: bucket.clone(),
            key: Key::new(format!("{NOWHERE}{}", TaskName::random())),
            pin: None,
        };
        // One byte of it, should somebody have made it; and not HEAD, which is refused without words.
        let answer = self.get(&target, Address::default(), Some("bytes=0-0"));
        match answer.await {
            Ok(_) | Err(Refusal::Missing { .. }) => Ok(()),
            Err(Refusal::Denied(_) | Refusal::OwnersKey | Refusal::Unsaid) => {
                Err(ProbeError::Unreachable(format!(
                    "guarded bucket {bucket} does not let us read: grant s3:GetObject and \
                     s3:GetObjectVersion on {bucket}/* to our role (deploy/iam), and look for a \
                     denying bucket or organisation policy"
                )))
            }
            Err(other) => Err(unreachable_bucket("guarded", bucket.as_str(), other)),
        }
    }

    async fn probe_quarantine(&self, guarded: &[BucketName]) -> Result<(), ProbeError> {
        let Some(place) = &self.quarantine else {
            return Ok(());
        };
        if guarded.contains(&place.bucket) {
            return Err(ProbeError::Settings(format!(
                "quarantine.bucket: {} is guarded itself, so every copy would be an upload; use a \
                 bucket of its own",
                place.bucket
            )));
        }
        let ask = self.client.head_bucket().bucket(place.bucket.as_str());
        match ask.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let refusal = Refusal::of("s3:ListBucket (HEAD)", &error);
                Err(unreachable_bucket(
                    "quarantine",
                    place.bucket.as_str(),
                    refusal,
                ))
            }
        }
    }
}

fn unreachable_bucket(role: &str, bucket: &str, refusal: Refusal) -> ProbeError {
    let setting = match role {
        "guarded" => "intake.buckets",
        _ => "quarantine.bucket",
    };
    ProbeError::Unreachable(match refusal {
        Refusal::Missing { .. } | Refusal::NoBucket => {
            format!("there is no {role} bucket {bucket}: create it, or correct {setting}")
        }
        Refusal::Denied(_) | Refusal::Unsaid => format!(
            "{role} bucket {bucket} does not let us look: grant s3:ListBucket on it to our role \
             (deploy/iam), and look for a denying bucket or organisation policy"
        ),
        Refusal::Trouble(StoreError::Unavailable(why) | StoreError::Refused(why)) => {
            format!("{role} bucket {bucket}: {why}")
        }
        other => format!("{role} bucket {bucket}: unexpected answer ({other:?})"),
    })
}
