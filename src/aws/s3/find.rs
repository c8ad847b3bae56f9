//! Looks where the judged state of an object lies now.
//!
//! A version stays where it is. What was judged without one lies under the bare key of a bucket
//! that never kept versions, or is the version `null` of a bucket that does or did: versioning may
//! have been turned on after the upload. There a bare key could name something newer, or nothing at
//! all because of a delete marker, while the judged bytes stay readable; so `null` is asked for by
//! name, and compared.

use aws_sdk_s3::operation::head_object::HeadObjectOutput;

use super::bucket::Versioning;
use super::fetch::Address;
use super::refusal::Refusal;
use super::{NULL, S3Store};
use crate::event::{ETag, Target};
use crate::object::{ObjectRef, Removed, StoreError, Tagged, Why};

/// The judged state, as it lies there.
#[derive(Debug)]
pub(super) struct Seat {
    /// The version that names it: its own, or `null`; none under a bare key.
    pub(super) version: Option<String>,
    /// Whether its bucket's versioning is suspended: there, `null` may be written over.
    pub(super) suspended: bool,
    pub(super) head: HeadObjectOutput,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    Seat(Box<Seat>),
    Gone,
    Superseded,
    Denied(Why),
}

impl S3Store {
    pub(super) async fn find(&self, object: &ObjectRef) -> Result<Found, StoreError> {
        if let Some(version) = &object.pin.version {
            let version = version.as_str().to_owned();
            return Ok(self.find_at(object, Some(version), false).await?.found);
        }
        for _ in 0..2 {
            let Some(facts) = self.facts(&object.bucket).await? else {
                return Ok(Found::Gone);
            };
            let suspended = facts.versioning == Versioning::Suspended;
            let version = (facts.versioning != Versioning::Never).then(|| NULL.to_owned());
            let look = self.find_at(object, version, suspended).await?;
            if facts.versioning != Versioning::Never || !look.versions_seen {
                return Ok(look.found);
            }
            // It keeps versions after all, by now: what we knew is old.
            self.versioning.forget(&object.bucket);
        }
        Err(StoreError::Unavailable(format!(
            "bucket {}: it tells now that it keeps versions, now that it does not",
            object.bucket
        )))
    }

    async fn find_at(
        &self,
        object: &ObjectRef,
        version: Option<String>,
        suspended: bool,
    ) -> Result<Look, StoreError> {
        let (bucket, key) = (&object.bucket, &object.key);
        let address = Address {
            version: version.as_deref(),
            etag: None,
        };
        let head = match self.head(bucket, key, address).await {
            Err(Refusal::Unsaid) => {
                let target = Target {
                    bucket: bucket.clone(),
                    key: key.clone(),
                    pin: None,
                };
                Err(self.explain(&target, address).await)
            }
            head => head,
        };
        let mut versions_seen = false;
        let found = match head {
            Ok(head) => {
                versions_seen = head.version_id().is_some();
                let same = head.e_tag().and_then(ETag::new).as_ref() == Some(&object.pin.etag);
                // A version cannot be written over; its tag may change with its encryption.
                if same || object.pin.version.is_some() {
                    Found::Seat(Box::new(Seat {
                        version,
                        suspended,
                        head,
                    }))
                } else {
                    Found::Superseded
                }
            }
            Err(Refusal::Missing { marker }) => {
                versions_seen = marker;
                Found::Gone
            }
            Err(Refusal::NoBucket) => Found::Gone,
            Err(Refusal::Differs) => Found::Superseded,
            Err(Refusal::OwnersKey) => Found::Denied(Why::KeyDenied),
            Err(Refusal::Denied(why)) => Found::Denied(self.why_denied(bucket, why).await),
            Err(other) => return Err(other.into_error("s3:GetObject (HEAD)")),
        };
        Ok(Look {
            found,
            versions_seen,
        })
    }
}

struct Look {
    found: Found,
    /// Whether the answer could only come from a bucket that keeps or kept versions.
    versions_seen: bool,
}

impl Found {
    /// The seat, or what its absence means for a removal.
    pub(super) fn for_removal(self) -> Result<Box<Seat>, Removed> {
        match self {
            Self::Seat(seat) => Ok(seat),
            Self::Gone => Err(Removed::AlreadyGone),
            Self::Superseded => Err(Removed::Superseded),
            Self::Denied(why) => Err(Removed::Blocked(why)),
        }
    }

    /// The seat, or what its absence means for a tag.
    pub(super) fn for_tag(self) -> Result<Box<Seat>, Tagged> {
        match self {
            Self::Seat(seat) => Ok(seat),
            Self::Gone | Self::Superseded => Err(Tagged::Gone),
            Self::Denied(why) => Err(Tagged::Denied(why)),
        }
    }
}
