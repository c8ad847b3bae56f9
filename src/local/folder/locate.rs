//! Pins a file without keeping its bytes: for what is too large to be read into memory.

use std::fs::File;

use rustix::fs::{Stat, fstat};

use super::root::{Barrier, tag_of};
use super::{Inner, changed, modified_at, size_of, unavailable};
use crate::event::{ETag, EventPin, ObjectPin, Target};
use crate::object::{Facts, Located, ObjectRef, StoreError, Why};

/// The tag is the hash of the bytes, so pinning reads them all. More than this (bytes) would hold a
/// thread for minutes, and S3 would not copy it in one call either.
const MOST_HASHED: u64 = 5 * 1024 * 1024 * 1024;

impl Inner {
    pub(super) fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        let Named { wanted, file, stat } = match self.named(target)? {
            Ok(named) => named,
            Err(Absent::Missing) => return Ok(Located::Missing),
            Err(Absent::Denied(why)) => return Ok(Located::Denied(why)),
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
            object: pinned(target, etag),
            facts: Facts {
                size: size_of(&stat),
                content_type: None,
                modified_at: modified_at(&stat),
            },
        })
    }

    /// Opens the file that a target names.
    pub(super) fn named<'t>(
        &self,
        target: &'t Target,
    ) -> Result<Result<Named<'t>, Absent>, StoreError> {
        if target.bucket != self.bucket {
            return Ok(Err(Absent::Denied(Why::NotAFile)));
        }
        let wanted = match &target.pin {
            // Nothing here has a version.
            Some(EventPin::Version(_)) => return Ok(Err(Absent::Missing)),
            Some(EventPin::ETag(etag)) => Some(etag),
            None => None,
        };
        match self.root.seat(&target.key).and_then(|seat| seat.open()) {
            Ok((file, stat)) => Ok(Ok(Named { wanted, file, stat })),
            Err(Barrier::Missing) => Ok(Err(Absent::Missing)),
            Err(Barrier::Refused(why)) => Ok(Err(Absent::Denied(why))),
            Err(Barrier::Failed(error)) => Err(unavailable("read", &error)),
        }
    }
}

/// A file that a target names, as it was when it was opened.
pub(super) struct Named<'t> {
    /// The tag that it has to have.
    pub(super) wanted: Option<&'t ETag>,
    pub(super) file: File,
    pub(super) stat: Stat,
}

/// Why there is no file to be looked at.
pub(super) enum Absent {
    Missing,
    Denied(Why),
}

/// The target in the state that has this tag.
pub(super) fn pinned(target: &Target, etag: ETag) -> ObjectRef {
    ObjectRef {
        bucket: target.bucket.clone(),
        key: target.key.clone(),
        pin: ObjectPin {
            version: None,
            etag,
        },
    }
}
