//! Puts what was quarantined back under its key, over nothing.
//!
//! The bytes are written to our own folder first, which nobody looks at, and then linked to their
//! name: a link never replaces anything, and the file is there whole or not at all. A kill in between
//! leaves a file that has no name of an object; the next restore of the same finding, or the next
//! start, throws it away.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fsync, linkat, mkdirat, openat, unlinkat,
};
use rustix::io::Errno;

use super::quarantine::Quarantine;
use super::root::{Barrier, Root, STAGING, Seat, tag_of};
use super::{Inner, unavailable};
use crate::event::{ETag, FindingId, ObjectPin};
use crate::local::durable::sync_folder;
use crate::object::{Kept, ObjectRef, Over, PutBack, Returned, Side, StoreError, Why};

/// What the names of such files begin with, before the finding's id.
const PART: &str = "restore-";

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

impl Inner {
    pub(super) fn kept(&self, id: &FindingId) -> Result<Option<Kept>, StoreError> {
        let place = self.returning()?.place(id);
        let facts = match fs::metadata(&place) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(&place, &error)),
        };
        let since = facts.modified().ok();
        Ok(Some(Kept {
            place: place.display().to_string(),
            size: facts.len(),
            since: since
                .and_then(|time| Timestamp::try_from(time).ok())
                .unwrap_or(Timestamp::UNIX_EPOCH),
        }))
    }

    pub(super) fn would_put_back(&self, wanted: &PutBack) -> Result<Option<Returned>, StoreError> {
        if let Err(answer) = self.copy_as_judged(&wanted.id, &wanted.sha256)? {
            return Ok(Some(answer));
        }
        let denied = |why| Ok(Some(Returned::Denied(Side::Bucket, why)));
        if wanted.bucket != self.bucket {
            return denied(Why::NotAFile);
        }
        match self.root.seat(&wanted.key) {
            Ok(seat) => lies(&seat, wanted),
            // The folders on the way would be made.
            Err(Barrier::Missing) => Ok(None),
            Err(Barrier::Refused(why)) => denied(why),
            Err(Barrier::Failed(error)) => Err(unavailable("read", &error)),
        }
    }

    pub(super) fn put_back(&self, wanted: &PutBack) -> Result<Returned, StoreError> {
        let mut copy = match self.copy_as_judged(&wanted.id, &wanted.sha256)? {
            Ok(copy) => copy,
            Err(answer) => return Ok(answer),
        };
        let denied = |why| Ok(Returned::Denied(Side::Bucket, why));
        if wanted.bucket != self.bucket {
            return denied(Why::NotAFile);
        }
        let seat = match self.root.seat_made(&wanted.key) {
            Ok(seat) => seat,
            // A name that no file here can have was no file's here.
            Err(Barrier::Missing) => return denied(Why::NotAFile),
            Err(Barrier::Refused(why)) => return denied(why),
            Err(Barrier::Failed(error)) => return Err(unavailable("put back", &error)),
        };
        // What lies there is asked first, so that nothing is written in vain.
        if let Some(answer) = lies(&seat, wanted)? {
            return Ok(answer);
        }
        match write(&self.root, &seat, &wanted.id, &mut copy) {
            Ok(()) => {}
            Err(Errno::EXIST) => {
                let answer = lies(&seat, wanted)?;
                return Ok(answer.unwrap_or(Returned::Replaced));
            }
            Err(Errno::WOULDBLOCK) => {
                let why = "somebody else is restoring the same finding at this moment; try again";
                return Err(StoreError::Unavailable(why.to_owned()));
            }
            Err(Errno::XDEV) => return denied(Why::NotAFile),
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => return denied(Why::AccessDenied),
            Err(errno) => return Err(unavailable("put back", &errno.into())),
        }
        Ok(match lies(&seat, wanted)? {
            Some(Returned::There(object)) => Returned::Back(object),
            _ => Returned::Replaced,
        })
    }

    pub(super) fn end(&self, id: &FindingId, sha256: &str) -> Result<bool, StoreError> {
        if self.copy_as_judged(id, sha256)?.is_err() {
            return Ok(false);
        }
        let quarantine = self.returning()?;
        quarantine.take_back(id);
        let place = quarantine.place(id);
        let flushed = place.parent().map_or(Ok(()), sync_folder);
        flushed.map_err(|error| unavailable("removed from the quarantine", &error))?;
        // Where it could not be removed, the log says why.
        Ok(!place.exists())
    }

    fn returning(&self) -> Result<&Quarantine, StoreError> {
        self.quarantine.as_ref().ok_or_else(|| {
            let why = "no quarantine folder is named; name the one that the guarded folder has, \
                       with --quarantine DIR";
            StoreError::Refused(why.to_owned())
        })
    }

    /// What is kept, if it is what was judged, open at its beginning.
    fn copy_as_judged(
        &self,
        id: &FindingId,
        sha256: &str,
    ) -> Result<Result<File, Returned>, StoreError> {
        let place = self.returning()?.place(id);
        let mut copy = match File::open(&place) {
            Ok(copy) => copy,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Err(Returned::NothingKept));
            }
            Err(error) => return Err(unreadable(&place, &error)),
        };
        let read = tag_of(&copy).map_err(|error| unreadable(&place, &error))?;
        if read.as_str() != sha256 {
            return Ok(Err(Returned::CopyDiffers));
        }
        copy.seek(SeekFrom::Start(0))
            .map_err(|error| unreadable(&place, &error))?;
        Ok(Ok(copy))
    }
}

/// What lies under the key; `None`: nothing.
fn lies(seat: &Seat<'_>, wanted: &PutBack) -> Result<Option<Returned>, StoreError> {
    let file = match seat.open() {
        Ok((file, _)) => file,
        Err(Barrier::Missing) => return Ok(None),
        // A folder, a link, or something else that is no file of ours.
        Err(Barrier::Refused(Why::NotAFile)) => return Ok(Some(Returned::Occupied)),
        Err(Barrier::Refused(why)) => return Ok(Some(Returned::Denied(Side::Bucket, why))),
        Err(Barrier::Failed(error)) => return Err(unavailable("read", &error)),
    };
    let etag = tag_of(&file).map_err(|error| unavailable("read", &error))?;
    if etag.as_str() != wanted.sha256 {
        return Ok(Some(match wanted.over {
            Over::Nothing => Returned::Occupied,
            // A folder keeps no versions.
            Over::Version => Returned::WouldBeLost,
        }));
    }
    Ok(Some(Returned::There(object(wanted, etag))))
}

fn object(wanted: &PutBack, etag: ETag) -> ObjectRef {
    ObjectRef {
        bucket: wanted.bucket.clone(),
        key: wanted.key.clone(),
        pin: ObjectPin {
            version: None,
            etag,
        },
    }
}

/// Writes the bytes under a name of ours, then gives them the object's; [`Errno::EXIST`] when
/// something has that.
fn write(root: &Root, seat: &Seat<'_>, id: &FindingId, copy: &mut File) -> Result<(), Errno> {
    match mkdirat(root.fd(), STAGING, Mode::RWXU) {
        Ok(()) => fsync(root.fd())?,
        Err(Errno::EXIST) => {}
        Err(errno) => return Err(errno),
    }
    let staging = openat(root.fd(), STAGING, FOLDER, Mode::empty())?;
    let name = format!("{PART}{id}");
    let part = match create(&staging, &name) {
        Err(Errno::EXIST) => {
            // Never written over: after a kill it may be the object itself, by its other name.
            clear(&staging, &name)?;
            create(&staging, &name).map_err(|errno| match errno {
                Errno::EXIST => Errno::WOULDBLOCK,
                errno => errno,
            })?
        }
        created => created?,
    };
    let mut part = File::from(part);
    let broken = |error: io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
    io::copy(copy, &mut part).map_err(broken)?;
    part.sync_all().map_err(broken)?;
    let linked = linkat(&staging, &name, &seat.parent, seat.name, AtFlags::empty());
    let flushed = linked.and_then(|()| fsync(&seat.parent));
    unlinkat(&staging, &name, AtFlags::empty())?;
    flushed
}

/// Throws away what killed restores have left; what somebody is at work on stays.
pub(super) fn clear_parts(staging: &OwnedFd) -> Result<(), Errno> {
    for entry in Dir::read_from(staging)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if !name.starts_with(PART) {
            continue;
        }
        match clear(staging, name) {
            Ok(()) | Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Makes a file of ours, under a lock that says that somebody is at work: a kill leaves the name.
fn create(staging: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    // The quarantine does not keep who could read the original: whoever restores widens it.
    let part = openat(staging, name, flags, Mode::RUSR | Mode::WUSR)?;
    flock(&part, FlockOperation::NonBlockingLockExclusive)?;
    Ok(part)
}

/// Removes a name that a kill has left; [`Errno::WOULDBLOCK`] when somebody is at work under it.
fn clear(staging: &OwnedFd, name: &str) -> Result<(), Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let part = match openat(staging, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened?,
    };
    flock(&part, FlockOperation::NonBlockingLockExclusive)?;
    match unlinkat(staging, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        removed => removed,
    }
}

fn unreadable(place: &Path, error: &io::Error) -> StoreError {
    let place = place.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied => StoreError::Refused(format!(
            "{place} may not be read; run this as the user who guards the folder"
        )),
        _ => StoreError::Unavailable(format!("{place} cannot be read: {error}")),
    }
}
