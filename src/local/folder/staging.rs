//! Removing exactly what was judged, where the file system has no conditional delete.
//!
//! The file is first captured: renamed, in one step, into a hidden folder of ours, where nobody
//! exchanges it any more. What was captured is compared with what was judged, and only then
//! unlinked; anything else is put back under its name, unless something newer has taken that. Then
//! it stays in the staging folder, is reported by [`Staging::recover`], and is never deleted by us.
//!
//! One window stays, as with any unlink: a process that has held the file open for writing since
//! before the capture can still write into it between comparison and unlink; those bytes are lost
//! with it. And for the time of the comparison a reader does not find the file under its name.
//!
//! A kill in between leaves the capture, with a note of its key, for the next start.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, Dir, FlockOperation, Mode, OFlags, RenameFlags, flock, fsync, linkat, mkdirat, openat,
    renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;

use super::put_back::clear_parts;
use super::root::{Barrier, Root, STAGING, Seat, open_file};
use crate::event::Key;
use crate::telemetry::vocabulary::ERROR_DETAIL;

/// The captured file.
const OBJECT: &str = "object";
/// The key that it was captured from.
const NOTE: &str = "key";

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// What the last process left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// How many files were put back under their keys.
    pub put_back: u64,
    /// Files that could not be put back: something newer has their name, or their folder is gone.
    pub stranded: Vec<Stranded>,
}

/// A captured file that nobody may delete, and that has no way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranded {
    /// Where it was.
    pub key: Key,
    /// Where it lies, relative to the guarded folder.
    pub place: String,
}

/// Our folder in the guarded one, held under a lock.
#[derive(Debug)]
pub(super) struct Staging {
    fd: OwnedFd,
    next: AtomicU64,
}

/// One captured file, or the place that is ready for it.
#[derive(Debug)]
pub(super) struct Captured<'s> {
    staging: &'s Staging,
    folder: OwnedFd,
    number: String,
}

impl Staging {
    /// Opens the staging folder; [`Errno::WOULDBLOCK`] when another process has it.
    pub(super) fn open(root: &Root, create: bool) -> Result<Option<Self>, Errno> {
        if create {
            match mkdirat(root.fd(), STAGING, Mode::RWXU) {
                Ok(()) => fsync(root.fd())?,
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
        let fd = match openat(root.fd(), STAGING, FOLDER, Mode::empty()) {
            Err(Errno::NOENT) if !create => return Ok(None),
            opened => opened?,
        };
        flock(&fd, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Some(Self {
            fd,
            next: AtomicU64::new(0),
        }))
    }

    /// Makes ready to capture the file of `key`: a folder of its own, with a note that is on the
    /// disk before the file comes.
    pub(super) fn prepare(&self, key: &Key) -> Result<Captured<'_>, Errno> {
        let captured = self.number()?;
        captured.note(key).inspect_err(|_| captured.clear_away())?;
        Ok(captured)
    }

    /// Puts back what a kill left. Files whose way is barred are reported, and left.
    pub(super) fn recover(&self, root: &Root) -> Result<Recovered, Errno> {
        clear_parts(&self.fd)?;
        let mut recovered = Recovered::default();
        for entry in Dir::read_from(&self.fd)? {
            let entry = entry?;
            let Ok(number) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(number, "." | "..") {
                continue;
            }
            let folder = match openat(&self.fd, number, FOLDER, Mode::empty()) {
                Err(Errno::NOTDIR | Errno::LOOP) => continue,
                opened => opened?,
            };
            let captured = Captured {
                staging: self,
                folder,
                number: number.to_owned(),
            };
            match captured.return_to(root) {
                Return::Empty => captured.clear_away(),
                Return::Back => recovered.put_back += 1,
                Return::Barred(key) => recovered.stranded.push(Stranded {
                    key,
                    place: format!("{STAGING}/{number}/{OBJECT}"),
                }),
                Return::Failed(errno) => return Err(errno),
            }
        }
        Ok(recovered)
    }

    /// A folder of its own for one capture, by a number that nobody has.
    fn number(&self) -> Result<Captured<'_>, Errno> {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed).to_string();
            match mkdirat(&self.fd, &number, Mode::RWXU) {
                Ok(()) => {
                    let folder = openat(&self.fd, &number, FOLDER, Mode::empty())?;
                    return Ok(Captured {
                        staging: self,
                        folder,
                        number,
                    });
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
        }
    }
}

enum Return {
    /// No file was captured.
    Empty,
    /// It lies under its name again.
    Back,
    /// The name is taken, or its folder gone.
    Barred(Key),
    Failed(Errno),
}

impl Captured<'_> {
    /// Takes the file away from its name, whatever it is by now.
    pub(super) fn take(&self, seat: &Seat<'_>) -> Result<(), Errno> {
        renameat(&seat.parent, seat.name, &self.folder, OBJECT).inspect_err(|_| self.clear_away())
    }

    /// Opens what was captured.
    pub(super) fn open(&self) -> Result<File, Barrier> {
        open_file(&self.folder, OBJECT).map(|(file, _)| file)
    }

    /// Deletes what was captured, durably.
    pub(super) fn delete(&self, seat: &Seat<'_>) -> Result<(), Errno> {
        unlinkat(&self.folder, OBJECT, AtFlags::empty())?;
        // Without this a power cut could bring the file back although we said it was gone.
        let flushed = fsync(&self.folder).and_then(|()| fsync(&seat.parent));
        self.clear_away();
        flushed
    }

    /// Puts it back under its name; `false` when that is taken or its folder gone.
    pub(super) fn put_back(&self, parent: &OwnedFd, name: &str) -> Result<bool, Errno> {
        match move_without_replacing(&self.folder, parent, name) {
            Ok(()) => {
                fsync(parent)?;
                self.clear_away();
                Ok(true)
            }
            Err(Errno::EXIST | Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(errno),
        }
    }

    fn return_to(&self, root: &Root) -> Return {
        // An object is there only if its note was written before.
        if is_empty(&self.folder) {
            return Return::Empty;
        }
        let key = match self.noted() {
            Ok(key) => key,
            Err(error) => {
                let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
                return Return::Failed(errno);
            }
        };
        let back = match root.seat(&key) {
            Ok(seat) => self.put_back(&seat.parent, seat.name),
            Err(Barrier::Failed(error)) => Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
            Err(_) => Ok(false),
        };
        match back {
            Ok(true) => Return::Back,
            Ok(false) => Return::Barred(key),
            Err(errno) => Return::Failed(errno),
        }
    }

    fn note(&self, key: &Key) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = openat(&self.folder, NOTE, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(fd);
        file.write_all(key.as_str().as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        fsync(&self.folder)?;
        fsync(&self.staging.fd)
    }

    fn noted(&self) -> io::Result<Key> {
        let fd = openat(
            &self.folder,
            NOTE,
            OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
        )?;
        let mut key = String::new();
        File::from(fd).read_to_string(&mut key)?;
        Ok(Key::new(key))
    }

    /// Removes note and folder; what is left of them is harmless and goes at the next start.
    fn clear_away(&self) {
        let note = unlinkat(&self.folder, NOTE, AtFlags::empty());
        let folder = unlinkat(&self.staging.fd, &self.number, AtFlags::REMOVEDIR);
        if let (Err(errno), _) | (_, Err(errno)) = (note, folder)
            && errno != Errno::NOENT
        {
            tracing::debug!({ ERROR_DETAIL } = %errno, "an empty capture was not cleared away");
        }
    }
}

fn is_empty(folder: &OwnedFd) -> bool {
    let found = statat(folder, OBJECT, AtFlags::SYMLINK_NOFOLLOW);
    matches!(found, Err(Errno::NOENT))
}

/// One step where the file system can, else a link and an unlink: neither replaces anything.
fn move_without_replacing(from: &OwnedFd, parent: &OwnedFd, name: &str) -> Result<(), Errno> {
    match renameat_with(from, OBJECT, parent, name, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            linkat(from, OBJECT, parent, name, AtFlags::empty())?;
            unlinkat(from, OBJECT, AtFlags::empty())
        }
        moved => moved,
    }
}
