//! Pins a file without keeping its bytes: for what is too large to be read into memory.

use rustix::fs::fstat;

use super::root::{Barrier, tag_of};
use super::{Inner, changed, modified_at, size_of, unavailable};
use crate::event::{EventPin, ObjectPin, Target};
use crate::object::{Facts, Located, ObjectRef, StoreError, Why};

/// The tag is the hash of the bytes, so pinning reads them all. More than this (bytes) would hold a
/// thread for minutes, and S3 would not copy it in one call either.
const MOST_HASHED: u64 = 5 * 1024 * 1024 * 1024;

impl Inner {
    pub(super) fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        if target.bucket != self.bucket {
            return Ok(Located::Denied(Why::NotAFile));
        }
        let wanted = match &target.pin {
            // Nothing here has a version.
            Some(EventPin::Version(_)) => return Ok(Located::Missing),
            Some(EventPin::ETag(etag)) => Some(etag),
            None => None,
        };
        let opened = self.root.seat(&target.key).and_then(|seat| seat.open());
        let (file, stat) = match opened {
            Ok(opened) => opened,
            Err(Barrier::Missing) => return Ok(Located::Missing),
            Err(Barrier::Refused(why)) => return Ok(Located::Denied(why)),
            Err(Barrier::Failed(error)) => return Err(unavailable("read", &error)),
        };
        if size_of(&stat) > MOST_HASHED {
            return Ok(Located::Denied(Why::TooBigToCopy));
        }
        let etag = tag_of(&file).map_err(|error| unavailable("read", &error))?;
        let after = fstat(&file).map_err(|errno| unavailable("read", &errno.into()))?;
        if changed(&stat, &after) {
            let why = "the file is being written; it is looked at again later";
            return Err(StoreError::Unavailable(why.to_owned()));
        }
        if wanted.is_some_and(|wanted| *wanted != etag) {
            return Ok(Located::Superseded);
        }
        Ok(Located::There {
            object: ObjectRef {
                bucket: target.bucket.clone(),
                key: target.key.clone(),
                pin: ObjectPin {
                    version: None,
                    etag,
                },
            },
            facts: Facts {
                size: size_of(&stat),
                content_type: None,
                modified_at: modified_at(&stat),
            },
        })
    }
}
