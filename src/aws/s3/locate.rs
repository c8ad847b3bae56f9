//! Pins an object without reading it.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;

use super::fetch::{Address, over, pinned};
use super::refusal::Refusal;
use super::{S3Store, timestamp};
use crate::aws::records::quoted;
use crate::event::{BucketName, Key, Target};
use crate::object::{Facts, Located, StoreError, Why};

const CALL: &str = "s3:GetObject (HEAD)";

impl S3Store {
    pub(super) async fn locate_object(&self, target: &Target) -> Result<Located, StoreError> {
        if target.key.as_str().is_empty() {
            return Ok(Located::Missing);
        }
        let mut address = Address::of(target);
        let mut head = self.head(&target.bucket, &target.key, address).await;
        let told = head.as_ref().map(HeadObjectOutput::version_id);
        if let Some(covered) = self.covered(target, told).await? {
            let found = self.head(&target.bucket, &target.key, covered).await;
            if matches!(found, Err(Refusal::Unsaid)) {
                address = covered;
            }
            head = over(head, found);
        }
        if let Err(Refusal::Unsaid) = head {
            head = Err(self.explain(target, address).await);
        }
        Ok(match head {
            Ok(head) => Located::There {
                object: pinned(target, head.e_tag(), head.version_id())?,
                facts: Facts {
                    size: size_of(&head),
                    content_type: head.content_type().map(str::to_owned),
                    modified_at: timestamp(head.last_modified()),
                },
            },
            Err(Refusal::Missing { .. } | Refusal::NoBucket) => Located::Missing,
            Err(Refusal::Differs) => Located::Superseded,
            Err(Refusal::OwnersKey) => Located::Denied(Why::KeyDenied),
            Err(Refusal::Denied(why)) => {
                Located::Denied(self.why_denied(&target.bucket, why).await)
            }
            Err(other) => return Err(other.into_error(CALL)),
        })
    }

    /// Asks about the object at an address.
    pub(super) async fn head(
        &self,
        bucket: &BucketName,
        key: &Key,
        address: Address<'_>,
    ) -> Result<HeadObjectOutput, Refusal> {
        let head = self.client.head_object().bucket(bucket.as_str());
        let head = head
            .key(key.as_str())
            .set_version_id(address.version.map(str::to_owned))
            .set_if_match(address.etag.map(quoted))
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        head.send().await.map_err(|error| Refusal::of(CALL, &error))
    }

    /// Why HEAD was refused. Its answers have no body, so one byte is asked for: that needs the same
    /// permission and is refused for the same reason, in words.
    pub(super) async fn explain(&self, target: &Target, address: Address<'_>) -> Refusal {
        match self.get(target, address, Some("bytes=0-0")).await {
            Ok(_) => Refusal::Trouble(StoreError::Unavailable(format!(
                "{CALL}: refused, while reading is allowed"
            ))),
            Err(Refusal::Unsaid) => Refusal::Denied(Why::AccessDenied),
            Err(refusal) => refusal,
        }
    }
}

pub(super) fn size_of(head: &HeadObjectOutput) -> u64 {
    let size = head.content_length();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}
