//! Removes exactly the judged state, for good.
//!
//! | Where it lies | How | Atomic |
//! | --- | --- | --- |
//! | a version of its own | by version | yes: versions cannot be written over |
//! | under the bare key, no versions ever | by tag | yes |
//! | `null`, versioning enabled | by version, after a comparison | yes: writes make new versions |
//! | `null` and current, suspended | by tag; S3 puts a marker in its place | yes |
//! | `null` and covered, suspended | by version, after a comparison | no, see below |
//!
//! In the last case somebody who writes the key between comparison and delete loses that write:
//! S3 has no condition on anything but the current version. Every other write is either judged, or
//! stays.
//!
//! S3 answers "deleted" for a version that was not there. So we look before; two tasks that look at
//! the same moment may both say that it was them.

use aws_sdk_s3::operation::delete_object::DeleteObjectOutput;

use super::fetch::Address;
use super::find::Seat;
use super::refusal::Refusal;
use super::{NULL, S3Store, TRIES};
use crate::event::ETag;
use crate::object::{ObjectRef, Removed, StoreError, Why};
use crate::retry::Reacts as _;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, OBJECT_KEY_DIGEST};

/// One try to remove.
enum Tried {
    Over(Removed),
    /// Somebody changes it at this moment.
    Again,
    /// Something newer, or a marker, lies over it.
    Covered,
}

impl S3Store {
    pub(super) async fn remove_object(&self, object: &ObjectRef) -> Result<Removed, StoreError> {
        let mut covered = false;
        for attempt in 0..TRIES {
            let seat = match self.find(object).await?.for_removal() {
                Ok(seat) => seat,
                Err(answer) => return Ok(answer),
            };
            let tried = match &seat.version {
                Some(version) if covered || version != NULL || !seat.suspended => {
                    self.remove_version(object, &seat, version).await?
                }
                _ => self.remove_tagged(object, &seat).await?,
            };
            match tried {
                Tried::Over(removed) => return Ok(removed),
                Tried::Again => self.give_way(attempt).await,
                // Looked for once more first: it may be somebody else's removal that covers it.
                Tried::Covered => covered = true,
            }
        }
        Err(StoreError::Unavailable(
            "s3:DeleteObject: the object was changed by others at each try".to_owned(),
        ))
    }

    async fn remove_version(
        &self,
        object: &ObjectRef,
        seat: &Seat,
        version: &str,
    ) -> Result<Tried, StoreError> {
        let (bucket, key) = (&object.bucket, &object.key);
        match self.delete_version(bucket, key, version).await {
            Ok(deleted) if deleted.version_id() == Some(version) => {
                Ok(Tried::Over(Removed::Removed))
            }
            // It does not say what it deleted: then we look.
            Ok(_) => match self.head(bucket, key, at(version)).await {
                Err(Refusal::Missing { .. } | Refusal::NoBucket) => {
                    Ok(Tried::Over(Removed::Removed))
                }
                Ok(_) => Err(StoreError::Unavailable(
                    "s3:DeleteObjectVersion: the version is still there".to_owned(),
                )),
                Err(other) => Err(other.into_error("s3:GetObject (HEAD)")),
            },
            Err(refusal) => self.not_deleted(object, seat, refusal).await,
        }
    }

    async fn remove_tagged(&self, object: &ObjectRef, seat: &Seat) -> Result<Tried, StoreError> {
        let (bucket, key) = (&object.bucket, &object.key);
        match self.delete_tagged(bucket, key, &object.pin.etag).await {
            Ok(deleted) if deleted.delete_marker() == Some(true) => {
                self.remove_behind_marker(object, seat, &deleted).await
            }
            Ok(_) => Ok(Tried::Over(Removed::Removed)),
            Err(Refusal::Differs | Refusal::Missing { .. }) if seat.version.is_some() => {
                Ok(Tried::Covered)
            }
            Err(refusal) => self.not_deleted(object, seat, refusal).await,
        }
    }

    /// A marker came up where the object was. Suspended, the bucket has put it in its place; enabled
    /// since we asked, it has only put it on top.
    async fn remove_behind_marker(
        &self,
        object: &ObjectRef,
        seat: &Seat,
        deleted: &DeleteObjectOutput,
    ) -> Result<Tried, StoreError> {
        let (bucket, key) = (&object.bucket, &object.key);
        let left = match self.head(bucket, key, at(NULL)).await {
            Ok(head) => head.e_tag().and_then(ETag::new),
            Err(Refusal::Missing { .. } | Refusal::NoBucket) => None,
            Err(other) => return Err(other.into_error("s3:GetObject (HEAD)")),
        };
        if left.as_ref() != Some(&object.pin.etag) {
            return Ok(Tried::Over(Removed::Removed));
        }
        self.versioning.forget(bucket);
        let removed = self.remove_version(object, seat, NULL).await?;
        let marker = deleted.version_id().filter(|marker| *marker != NULL);
        if let (Tried::Over(Removed::Removed), Some(marker)) = (&removed, marker)
            && let Err(refusal) = self.delete_version(bucket, key, marker).await
        {
            // It hides nothing of ours any more.
            let error = refusal.into_error("s3:DeleteObjectVersion");
            tracing::debug!(
                { OBJECT_KEY_DIGEST } = %key.digest(),
                { ERROR_CODE } = error.code(),
                { ERROR_DETAIL } = %error,
                "a delete marker of ours is left"
            );
        }
        Ok(removed)
    }

    async fn not_deleted(
        &self,
        object: &ObjectRef,
        seat: &Seat,
        refusal: Refusal,
    ) -> Result<Tried, StoreError> {
        let why = match refusal {
            Refusal::Missing { .. } | Refusal::NoBucket => {
                return Ok(Tried::Over(Removed::AlreadyGone));
            }
            Refusal::Differs | Refusal::Conflict => return Ok(Tried::Again),
            Refusal::Denied(why) => why,
            Refusal::OwnersKey => Why::KeyDenied,
            Refusal::Unsaid => Why::AccessDenied,
            Refusal::Trouble(error) => return Err(error),
        };
        let why = self.why_kept(&object.bucket, seat, why).await;
        Ok(Tried::Over(Removed::Blocked(why)))
    }
}

const fn at(version: &str) -> Address<'_> {
    Address {
        version: Some(version),
        etag: None,
    }
}
