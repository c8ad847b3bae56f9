//! Reads an object, once and into one buffer.

use std::time::Duration;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use super::bucket::Versioning;
use super::refusal::Refusal;
use super::{NULL, S3Store, timestamp};
use crate::aws::records::quoted;
use crate::event::{ETag, EventPin, ObjectPin, Target, VersionId};
use crate::object::{Facts, Fetched, ObjectRef, StoreError, Why};

/// How long one body may take. The SDK's own time limits end with the head of an answer.
pub(super) const BODY: Duration = Duration::from_secs(300);

const CALL: &str = "s3:GetObject";

impl S3Store {
    pub(super) async fn fetch_object(
        &self,
        target: &Target,
        cap: u64,
    ) -> Result<Fetched, StoreError> {
        if target.key.as_str().is_empty() {
            return Ok(Fetched::Missing);
        }
        let mut answer = self.get(target, Address::of(target), None).await;
        let told = answer.as_ref().map(GetObjectOutput::version_id);
        if let Some(covered) = self.covered(target, told).await? {
            answer = over(answer, self.get(target, covered, None).await);
        }
        let output = match answer {
            Ok(output) => {
                self.streaks.ends(&target.bucket);
                output
            }
            Err(Refusal::Missing { .. } | Refusal::NoBucket) => return Ok(Fetched::Missing),
            Err(Refusal::Differs) => return Ok(Fetched::Superseded),
            Err(Refusal::OwnersKey) => return Ok(Fetched::Denied(Why::KeyDenied)),
            Err(Refusal::Denied(why)) => {
                return Ok(Fetched::Denied(self.why_unread(&target.bucket, why).await?));
            }
            Err(other) => return Err(other.into_error(CALL)),
        };
        let Some(size) = output.content_length().and_then(|n| u64::try_from(n).ok()) else {
            return Err(unavailable("the answer tells no length"));
        };
        // Dropped unread, the body closes its connection: cheaper than reading what is too large.
        if size > cap {
            return Ok(Fetched::TooLarge(size));
        }
        let object = pinned(target, output.e_tag(), output.version_id())?;
        let facts = Facts {
            size,
            content_type: output.content_type().map(str::to_owned),
            modified_at: timestamp(output.last_modified()),
        };
        let read = tokio::time::timeout(BODY, read(output.body, size)).await;
        let bytes = read.map_err(|_| unavailable("the body did not end in time"))??;
        Ok(Fetched::Body {
            object,
            bytes,
            facts,
        })
    }

    /// Asks for the object of a target at an address.
    pub(super) async fn get(
        &self,
        target: &Target,
        address: Address<'_>,
        range: Option<&str>,
    ) -> Result<GetObjectOutput, Refusal> {
        let get = self.client.get_object().bucket(target.bucket.as_str());
        let get = get
            .key(target.key.as_str())
            .set_version_id(address.version.map(str::to_owned))
            .set_if_match(address.etag.map(quoted))
            .set_range(range.map(str::to_owned))
            .set_expected_bucket_owner(self.owner())
            .set_request_payer(self.payer());
        get.send().await.map_err(|error| Refusal::of(CALL, &error))
    }

    /// Where a target may still lie that is not, or no longer, under its bare key.
    ///
    /// An event without a version comes from a bucket that kept none. If it keeps versions by now, a
    /// delete marker or a newer version may cover what the event meant, and hides it from nobody who
    /// asks for `null`. The newer version may hold the same bytes: then the bare key answers with
    /// that one, whose removal alone would make the older one current again. `bare`: what the bare
    /// key answered, with the version that it told.
    pub(super) async fn covered<'t>(
        &self,
        target: &'t Target,
        bare: Result<Option<&str>, &Refusal>,
    ) -> Result<Option<Address<'t>>, StoreError> {
        let Some(EventPin::ETag(etag)) = &target.pin else {
            return Ok(None);
        };
        let possible = match bare {
            Ok(version) => version.and_then(VersionId::new).is_some(),
            Err(Refusal::Missing { marker }) => *marker,
            Err(Refusal::Differs) => {
                // Asked afresh: what is known may be from before versioning was turned on, and this
                // is rare.
                self.versioning.forget(&target.bucket);
                let facts = self.facts(&target.bucket).await?;
                facts.is_some_and(|facts| facts.versioning != Versioning::Never)
            }
            Err(_) => false,
        };
        Ok(possible.then_some(Address {
            version: Some(NULL),
            etag: Some(etag),
        }))
    }
}

/// Which state under a key is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Address<'a> {
    /// This version, which may be `null`.
    pub(super) version: Option<&'a str>,
    /// Only if it has this tag.
    pub(super) etag: Option<&'a ETag>,
}

impl<'a> Address<'a> {
    /// Where an event says that it is.
    pub(super) fn of(target: &'a Target) -> Self {
        match &target.pin {
            Some(EventPin::Version(version)) => Self {
                version: Some(version.as_str()),
                etag: None,
            },
            Some(EventPin::ETag(etag)) => Self {
                version: None,
                etag: Some(etag),
            },
            None => Self::default(),
        }
    }
}

/// The answer from where it may lie covered, unless it is not there either.
pub(super) fn over<T>(bare: Result<T, Refusal>, covered: Result<T, Refusal>) -> Result<T, Refusal> {
    match covered {
        Err(Refusal::Missing { .. } | Refusal::Differs | Refusal::NoBucket) => bare,
        other => other,
    }
}

/// The pin that an answer tells.
pub(super) fn pinned(
    target: &Target,
    etag: Option<&str>,
    version: Option<&str>,
) -> Result<ObjectRef, StoreError> {
    let Some(etag) = etag.and_then(ETag::new) else {
        return Err(unavailable("the answer tells no entity tag"));
    };
    Ok(ObjectRef {
        bucket: target.bucket.clone(),
        key: target.key.clone(),
        pin: ObjectPin {
            version: version.and_then(VersionId::new),
            etag,
        },
    })
}

/// Reads exactly `size` bytes; the SDK compares them with their checksum as they come.
async fn read(mut body: ByteStream, size: u64) -> Result<Bytes, StoreError> {
    let size = usize::try_from(size).map_err(|_| unavailable("longer than memory"))?;
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(size)
        .map_err(|_| unavailable("no memory for the body"))?;
    while let Some(chunk) = body.next().await {
        // The SDK's words, which may quote, are left out.
        let chunk =
            chunk.map_err(|_| unavailable("the body broke off, or is not what was stored"))?;
        if bytes.len() + chunk.len() > size {
            return Err(unavailable("the body is longer than announced"));
        }
        bytes.extend_from_slice(&chunk);
    }
    if bytes.len() < size {
        return Err(unavailable("the body is shorter than announced"));
    }
    Ok(Bytes::from(bytes))
}

fn unavailable(what: &str) -> StoreError {
    StoreError::Unavailable(format!("{CALL}: {what}"))
}
