//! Moves exactly the judged state to the quarantine: copied, read back and compared, then removed.
//!
//! A kill between copy and removal leaves both; a repeated call finds the copy, compares it and goes
//! on. A copy that was made in vain, because the source may not be removed after all, is taken back;
//! one from before is not, since it may be the only one left. Where something else has taken the place
//! of a state without a version, nobody can tell whether that was before or after a removal: by us, if
//! the answer was lost, or by somebody who carries out the same finding. What was judged is in the
//! quarantine then and not under its key, which is what was wanted, and its copy is all that is left.

use std::fmt;
use std::time::Duration;

use aws_sdk_s3::config::{Config, StalledStreamProtectionConfig};
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use aws_smithy_types::timeout::TimeoutConfig;
use sha2::{Digest, Sha256};

use super::copy_source::copy_source;
use super::fetch::{BODY, over};
use super::find::Seat;
use super::locate::size_of;
use super::origin::carry;
use super::refusal::Refusal;
use super::{NULL, S3Store};
use crate::event::{FindingId, OwnPlace};
use crate::object::{ObjectRef, Removed, StoreError, Why};
use crate::telemetry::vocabulary::{ERROR_CODE, QUARANTINE_KEY};

/// The largest object that one copy call takes (`CopyObject`, Amazon S3 API reference).
pub(super) const MOST_COPIED: u64 = 5 * 1024 * 1024 * 1024;

/// Copying 5 GB takes S3 minutes, and it says little meanwhile.
const COPY_TIMEOUT: Duration = Duration::from_secs(600);

const COPY: &str = "s3:PutObject (copy)";
pub(super) const READ_BACK: &str = "s3:GetObject (quarantine)";

/// A place in the quarantine.
pub(super) struct Place<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: String,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// What came of a copy.
enum Copied {
    /// It is there; with its version, where it was made now and the quarantine keeps versions.
    Now(Option<String>),
    Ended(Removed),
}

impl S3Store {
    pub(super) async fn quarantine_object(
        &self,
        object: &ObjectRef,
        id: &FindingId,
        sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        let Some(place) = self.place_of(id) else {
            let why = "no quarantine bucket is set; set quarantine.bucket, or let flagged objects \
                       be deleted";
            return Err(StoreError::Refused(why.to_owned()));
        };
        let moved = self.move_to(&place, object, sha256).await?;
        // Killed between the removal and its record, an earlier try has left the copy.
        let is_away = moved == Removed::AlreadyGone || replaced(moved, object);
        if let (true, Some(sha256)) = (is_away, sha256)
            && self.has_copy(&place, sha256).await?
        {
            return Ok(Removed::Removed);
        }
        Ok(moved)
    }

    async fn move_to(
        &self,
        place: &Place<'_>,
        object: &ObjectRef,
        sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        let seat = match self.find(object).await?.for_removal() {
            Ok(seat) => seat,
            Err(answer) => return Ok(answer),
        };
        let size = size_of(&seat.head);
        if size > MOST_COPIED {
            return Ok(Removed::Blocked(Why::TooBigToCopy));
        }
        let before = match self.head_copy(place).await {
            Ok(before) => before,
            Err(refusal) => return quarantine_refused(place, refusal, READ_BACK),
        };
        let made = if before.is_some() {
            None
        } else {
            match self.copy(object, &seat, place).await? {
                Copied::Now(version) => Some(version),
                Copied::Ended(answer) => return Ok(answer),
            }
        };
        if !self.is_same(place, &seat.head, sha256).await? {
            if let Some(version) = made {
                self.take_back(place, version).await;
            }
            return Ok(Removed::Blocked(Why::CopyDiffers));
        }
        // After an error the source may be gone all the same: the copy stays, and the next try
        // finds it.
        let removed = self.remove_object(object).await?;
        if replaced(removed, object) {
            return Ok(Removed::Removed);
        }
        if let (Removed::Superseded | Removed::Blocked(_), Some(version)) = (removed, made) {
            self.take_back(place, version).await;
        }
        Ok(removed)
    }

    /// Whether a copy lies there with the bytes that were judged. What may not be read is not known
    /// to be one.
    async fn has_copy(&self, place: &Place<'_>, sha256: &str) -> Result<bool, StoreError> {
        let get = self.client.get_object().bucket(place.bucket);
        let copy = match get.key(&place.key).send().await {
            Ok(copy) => copy,
            Err(error) => {
                return match Refusal::of(READ_BACK, &error) {
                    Refusal::Trouble(error) => Err(error),
                    _ => Ok(false),
                };
            }
        };
        let size = copy.content_length().and_then(|n| u64::try_from(n).ok());
        Ok(size.is_some_and(|size| size <= self.max_bytes) && hash(copy.body).await? == sha256)
    }

    /// Where what is quarantined for a finding lies; nowhere without a quarantine.
    pub(super) fn place_of(&self, id: &FindingId) -> Option<Place<'_>> {
        let OwnPlace { bucket, prefix } = self.quarantine.as_ref()?;
        Some(Place {
            bucket: bucket.as_str(),
            key: format!("{prefix}{id}"),
        })
    }

    pub(super) async fn head_copy(
        &self,
        place: &Place<'_>,
    ) -> Result<Option<HeadObjectOutput>, Refusal> {
        let head = self.client.head_object().bucket(place.bucket);
        match head.key(&place.key).send().await {
            Ok(head) => Ok(Some(head)),
            Err(error) => match Refusal::of(READ_BACK, &error) {
                Refusal::Missing { .. } => Ok(None),
                other => Err(other),
            },
        }
    }

    /// Copies the source, if it still is what was judged.
    async fn copy(
        &self,
        object: &ObjectRef,
        seat: &Seat,
        place: &Place<'_>,
    ) -> Result<Copied, StoreError> {
        let version = seat.version.as_deref();
        let mut answer = self.try_copy(object, seat, version, place).await;
        if version == Some(NULL) && matches!(answer, Err(Refusal::Missing { .. })) {
            // Not every store copies from `null` while that is the current version. The bare key
            // with the same tag is the same bytes.
            let bare = self.try_copy(object, seat, None, place).await;
            answer = over(answer, bare);
        }
        match answer {
            Ok(version) => Ok(Copied::Now(version)),
            Err(Refusal::Missing { .. }) => Ok(Copied::Ended(Removed::AlreadyGone)),
            Err(Refusal::Differs) => Ok(Copied::Ended(Removed::Superseded)),
            Err(other) => quarantine_refused(place, other, COPY).map(Copied::Ended),
        }
    }

    /// One copy call; the version of the copy.
    async fn try_copy(
        &self,
        object: &ObjectRef,
        seat: &Seat,
        version: Option<&str>,
        place: &Place<'_>,
    ) -> Result<Option<String>, Refusal> {
        let (bucket, key) = (object.bucket.as_str(), object.key.as_str());
        let copy = self.client.copy_object().bucket(place.bucket);
        let copy = copy
            .key(&place.key)
            .copy_source(copy_source(bucket, key, version))
            .set_copy_source_if_match(seat.head.e_tag().map(str::to_owned))
            .set_expected_source_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        let copy = carry(copy, &seat.head, object).customize();
        match copy.config_override(patient()).send().await {
            Ok(copied) => Ok(copied.version_id().map(str::to_owned)),
            Err(error) => Err(Refusal::of(COPY, &error)),
        }
    }

    /// Whether the copy is what was judged.
    async fn is_same(
        &self,
        place: &Place<'_>,
        source: &HeadObjectOutput,
        sha256: Option<&str>,
    ) -> Result<bool, StoreError> {
        let Some(sha256) = sha256 else {
            let copy = self.head_copy(place).await;
            let copy = copy.map_err(|refusal| refusal.into_error(READ_BACK))?;
            return Ok(copy.is_some_and(|copy| looks_same(source, &copy)));
        };
        let get = self.client.get_object().bucket(place.bucket);
        let answer = get.key(&place.key).send().await;
        let copy = answer.map_err(|error| Refusal::of(READ_BACK, &error).into_error(READ_BACK))?;
        let size = copy.content_length().and_then(|n| u64::try_from(n).ok());
        // What was judged by its bytes is not larger; what is, need not be read to be another.
        if size.is_none_or(|size| size > self.max_bytes) {
            return Ok(false);
        }
        Ok(hash(copy.body).await? == sha256)
    }

    /// Removes a copy that was made in vain.
    async fn take_back(&self, place: &Place<'_>, version: Option<String>) {
        let delete = self.client.delete_object().bucket(place.bucket);
        let delete = delete.key(&place.key).set_version_id(version);
        if let Err(error) = delete.send().await {
            tracing::warn!(
                { ERROR_CODE } = error.code().unwrap_or("unknown"),
                { QUARANTINE_KEY } = place.key,
                "a copy made in vain stays in the quarantine"
            );
        }
    }
}

/// Whether something else lies where a state without a version was.
fn replaced(removed: Removed, object: &ObjectRef) -> bool {
    removed == Removed::Superseded && object.pin.version.is_none()
}

/// A copy is silent while it runs; the guard against stalled streams would end it.
pub(super) fn patient() -> aws_sdk_s3::config::Builder {
    Config::builder()
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(COPY_TIMEOUT)
                .operation_timeout(COPY_TIMEOUT * 2)
                .build(),
        )
}

/// SHA-256 of a body, in hexadecimal.
pub(super) async fn hash(mut body: ByteStream) -> Result<String, StoreError> {
    let reading = async {
        let mut hash = Sha256::new();
        while let Some(chunk) = body.next().await {
            hash.update(&chunk.map_err(|_| broken("the body broke off"))?);
        }
        Ok(hex::encode(hash.finalize()))
    };
    let read = tokio::time::timeout(BODY, reading).await;
    read.map_err(|_| broken("the body did not end in time"))?
}

fn broken(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{READ_BACK}: {what}"))
}

/// Whether two objects are the same as far as S3 tells without reading them. The tag is a hash of
/// the bytes only where there was one part and no key of KMS.
fn looks_same(source: &HeadObjectOutput, copy: &HeadObjectOutput) -> bool {
    let is_hash = |head: &HeadObjectOutput| {
        let plain = head.e_tag().is_some_and(|etag| !etag.contains('-'));
        let kms = matches!(
            head.server_side_encryption(),
            Some(ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse)
        );
        plain && !kms
    };
    let comparable = is_hash(source) && is_hash(copy);
    size_of(source) == size_of(copy) && (!comparable || source.e_tag() == copy.e_tag())
}

/// What a refusal about the quarantine's side means.
fn quarantine_refused(
    place: &Place<'_>,
    refusal: Refusal,
    call: &str,
) -> Result<Removed, StoreError> {
    match refusal {
        Refusal::NoBucket => Err(StoreError::Refused(format!(
            "there is no quarantine bucket {}: create it, or correct quarantine.bucket",
            place.bucket
        ))),
        Refusal::Denied(why) => Ok(Removed::Blocked(why)),
        Refusal::OwnersKey => Ok(Removed::Blocked(Why::KeyDenied)),
        Refusal::Unsaid => Ok(Removed::Blocked(Why::AccessDenied)),
        other => Err(other.into_error(call)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_hash_size_and_tag_are_compared_where_they_say_something() {
        let head = |size: i64, etag: &str, sse: Option<ServerSideEncryption>| {
            HeadObjectOutput::builder()
                .content_length(size)
                .e_tag(etag)
                .set_server_side_encryption(sse)
                .build()
        };
        let source = head(7, "\"abc\"", None);
        assert!(looks_same(&source, &head(7, "\"abc\"", None)));
        assert!(!looks_same(&source, &head(8, "\"abc\"", None)));
        assert!(!looks_same(&source, &head(7, "\"abd\"", None)));
        let encrypted = Some(ServerSideEncryption::AwsKms);
        assert!(looks_same(&source, &head(7, "\"abd\"", encrypted)));
        let parts = head(7, "\"abc-2\"", None);
        assert!(looks_same(&parts, &head(7, "\"abd\"", None)));
        assert!(!looks_same(&parts, &head(9, "\"abd\"", None)));
    }
}
