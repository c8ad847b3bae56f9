//! One delete call: of a version, or of what has a tag. Never both at once: the condition looks at
//! the current version, whichever is named.

use aws_sdk_s3::operation::delete_object::DeleteObjectOutput;

use super::S3Store;
use super::refusal::Refusal;
use crate::aws::records::quoted;
use crate::event::{BucketName, ETag, Key};

impl S3Store {
    /// Deletes a version for good.
    pub(super) async fn delete_version(
        &self,
        bucket: &BucketName,
        key: &Key,
        version: &str,
    ) -> Result<DeleteObjectOutput, Refusal> {
        let delete = self.client.delete_object().bucket(bucket.as_str());
        let delete = delete
            .key(key.as_str())
            .version_id(version)
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        let answer = delete.send().await;
        answer.map_err(|error| Refusal::of("s3:DeleteObjectVersion", &error))
    }

    /// Deletes what lies under the bare key, if it has this tag. Where versions are kept this may
    /// only hide it behind a delete marker, as the answer tells.
    pub(super) async fn delete_tagged(
        &self,
        bucket: &BucketName,
        key: &Key,
        etag: &ETag,
    ) -> Result<DeleteObjectOutput, Refusal> {
        let delete = self.client.delete_object().bucket(bucket.as_str());
        let delete = delete
            .key(key.as_str())
            .if_match(quoted(etag))
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        let answer = delete.send().await;
        answer.map_err(|error| Refusal::of("s3:DeleteObject", &error))
    }
}
