//! Sets the verdict tag: read, merge, write, read back.
//!
//! S3 writes all tags of an object at once and knows no condition on them. A tag that its owner sets
//! between our read and our write is lost, and S3 tells nobody; the two follow each other at once to
//! keep that moment short, and nothing is written where ours is there already. Under a bare key the
//! object itself may be replaced between the look and the write, too: therefore `clean` and `allowed`
//! are only ever set on a version.

use aws_sdk_s3::types::{Tag, Tagging};

use super::refusal::Refusal;
use super::tags::{Merged, holds, merge};
use super::{S3Store, TRIES};
use crate::object::{Mark, ObjectRef, StoreError, Tagged, Why};

impl S3Store {
    pub(super) async fn tag_object(
        &self,
        object: &ObjectRef,
        mark: Mark,
    ) -> Result<Tagged, StoreError> {
        let version = match &object.pin.version {
            Some(version) => Some(version.as_str().to_owned()),
            None if matches!(mark, Mark::Clean | Mark::Allowed) => return Ok(Tagged::Unsupported),
            None => match self.find(object).await?.for_tag() {
                Ok(seat) => seat.version,
                Err(answer) => return Ok(answer),
            },
        };
        for attempt in 0..TRIES {
            match self.set_tag(object, version.as_deref(), mark).await {
                Ok(Some(tagged)) => return Ok(tagged),
                Ok(None) | Err(Refusal::Conflict) => self.give_way(attempt).await,
                Err(refusal) => return self.not_tagged(object, refusal).await,
            }
        }
        Err(StoreError::Unavailable(
            "s3:PutObjectTagging: the tags were changed by others at each try".to_owned(),
        ))
    }

    /// `None`: others write tags at this moment.
    async fn set_tag(
        &self,
        object: &ObjectRef,
        version: Option<&str>,
        mark: Mark,
    ) -> Result<Option<Tagged>, Refusal> {
        let present = self.tags(object, version).await?;
        let set = match merge(&present, mark) {
            Merged::Same => return Ok(Some(Tagged::Tagged)),
            Merged::NoRoom => return Ok(Some(Tagged::NoRoom)),
            Merged::Set(set) => set,
        };
        if let Some(answer) = self.put_tags(object, version, set).await? {
            return Ok(Some(answer));
        }
        let now = self.tags(object, version).await?;
        Ok(holds(&now, mark).then_some(Tagged::Tagged))
    }

    async fn tags(&self, object: &ObjectRef, version: Option<&str>) -> Result<Vec<Tag>, Refusal> {
        let get = self.client.get_object_tagging();
        let get = get
            .bucket(object.bucket.as_str())
            .key(object.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        match get.send().await {
            Ok(output) => Ok(output.tag_set),
            Err(error) => Err(Refusal::of("s3:GetObjectTagging", &error)),
        }
    }

    /// An answer where S3 does not want these tags.
    async fn put_tags(
        &self,
        object: &ObjectRef,
        version: Option<&str>,
        set: Vec<Tag>,
    ) -> Result<Option<Tagged>, Refusal> {
        let tagging = Tagging::builder().set_tag_set(Some(set)).build();
        let tagging = tagging.expect("the set is given");
        let put = self.client.put_object_tagging();
        let put = put
            .bucket(object.bucket.as_str())
            .key(object.key.as_str())
            .set_version_id(version.map(str::to_owned))
            .tagging(tagging)
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        match put.send().await {
            Ok(_) => Ok(None),
            Err(error) => match aws_sdk_s3::error::ProvideErrorMetadata::code(&error) {
                // Ours is a valid tag, so it is one too many.
                Some("InvalidTag" | "BadRequest") => Ok(Some(Tagged::NoRoom)),
                Some("NotImplemented") => Ok(Some(Tagged::Unsupported)),
                _ => Err(Refusal::of("s3:PutObjectTagging", &error)),
            },
        }
    }

    async fn not_tagged(&self, object: &ObjectRef, refusal: Refusal) -> Result<Tagged, StoreError> {
        Ok(match refusal {
            Refusal::Missing { .. } | Refusal::NoBucket => Tagged::Gone,
            Refusal::Denied(why) => Tagged::Denied(self.why_denied(&object.bucket, why).await),
            Refusal::Unsaid => Tagged::Denied(Why::AccessDenied),
            other => return Err(other.into_error("s3:PutObjectTagging")),
        })
    }
}
