//! The folder itself, and the only way from a key to a file in it.
//!
//! Every component is opened relative to the one before and never through a symbolic link, so no
//! key and no link, not even one that is exchanged between two of our calls, leads out of the
//! folder. The folder is held open: renaming it away does not make another one ours.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, fsync, mkdirat, openat, statat,
};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::FolderError;
use crate::event::{ETag, Key};
use crate::object::Why;

/// Our own folder in the guarded one. No key leads into it and the source does not look at it.
pub(in crate::local) const STAGING: &str = ".s3-warden-staging";

/// What stands between a key and its file.
#[derive(Debug)]
pub(super) enum Barrier {
    /// Nothing is there.
    Missing,
    /// It is there, and not for us.
    Refused(Why),
    /// The file system failed.
    Failed(io::Error),
}

impl From<Errno> for Barrier {
    fn from(errno: Errno) -> Self {
        match errno {
            // A name that the file system cannot hold was never there.
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Self::Missing,
            Errno::ACCESS | Errno::PERM | Errno::ROFS => Self::Refused(Why::AccessDenied),
            // A link, a socket, a device without a driver, another file system mounted inside.
            Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::XDEV => Self::Refused(Why::NotAFile),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<io::Error> for Barrier {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(code) => Errno::from_raw_os_error(code).into(),
            None => Self::Failed(error),
        }
    }
}

/// Where a key's file lies: the open folder, and the name in it.
#[derive(Debug)]
pub(super) struct Seat<'k> {
    pub(super) parent: OwnedFd,
    pub(super) name: &'k str,
}

/// The guarded folder, held open.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    fd: OwnedFd,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        let path = path
            .canonicalize()
            .map_err(|error| FolderError::of(path, &error))?;
        let fd = openat(CWD, &path, FOLDER, Mode::empty())
            .map_err(|errno| FolderError::of(&path, &errno.into()))?;
        Ok(Self { path, fd })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The place of a key.
    pub(super) fn seat<'k>(&self, key: &'k Key) -> Result<Seat<'k>, Barrier> {
        self.walk(key, |_, _| Err(Errno::NOENT))
    }

    /// The place of a key, with the folders on the way to it made where they are not there.
    pub(super) fn seat_made<'k>(&self, key: &'k Key) -> Result<Seat<'k>, Barrier> {
        self.walk(key, |parent, folder| {
            match mkdirat(parent, folder, Mode::from_raw_mode(0o777)) {
                // Somebody else was faster.
                Ok(()) | Err(Errno::EXIST) => {}
                Err(errno) => return Err(errno),
            }
            fsync(parent)?;
            openat(parent, folder, FOLDER, Mode::empty())
        })
    }

    /// `absent` answers a folder that is not there.
    fn walk<'k>(
        &self,
        key: &'k Key,
        absent: impl Fn(&OwnedFd, &str) -> Result<OwnedFd, Errno>,
    ) -> Result<Seat<'k>, Barrier> {
        let (folders, name) = components(key).ok_or(Barrier::Refused(Why::NotAFile))?;
        let mut parent = self.fd.try_clone()?;
        for folder in folders {
            parent = match openat(&parent, folder, FOLDER, Mode::empty()) {
                Ok(fd) => fd,
                Err(Errno::NOENT) => absent(&parent, folder)?,
                // What is said of a link here is the same as of a file: "not a folder".
                Err(Errno::NOTDIR) if is_link(&parent, folder) => {
                    return Err(Barrier::Refused(Why::NotAFile));
                }
                Err(errno) => return Err(errno.into()),
            };
        }
        Ok(Seat { parent, name })
    }
}

impl Seat<'_> {
    /// Opens the file for reading. Only an ordinary file is opened at all: opening a device may do
    /// something, and opening a pipe may wait for ever.
    pub(super) fn open(&self) -> Result<(File, Stat), Barrier> {
        open_file(&self.parent, self.name)
    }
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// Opens an ordinary file in an open folder.
pub(super) fn open_file(parent: &OwnedFd, name: &str) -> Result<(File, Stat), Barrier> {
    ordinary(&statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?)?;
    // Should it have become a pipe since, NONBLOCK keeps us from waiting for its other end.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = openat(parent, name, flags | OFlags::NOCTTY, Mode::empty())?;
    let stat = fstat(&fd)?;
    ordinary(&stat)?;
    Ok((fd.into(), stat))
}

fn ordinary(stat: &Stat) -> Result<(), Barrier> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        _ => Err(Barrier::Refused(Why::NotAFile)),
    }
}

fn is_link(parent: &OwnedFd, name: &str) -> bool {
    statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

/// The folders of a key and the name after them; `None` when no file in the folder has that key.
fn components(key: &Key) -> Option<(Vec<&str>, &str)> {
    let mut parts: Vec<&str> = key.as_str().split('/').collect();
    let ordinary = |part: &&str| !matches!(*part, "" | "." | "..") && !part.contains('\0');
    let ours = parts.first() == Some(&STAGING);
    if ours || !parts.iter().all(ordinary) {
        return None;
    }
    let name = parts.pop()?;
    Some((parts, name))
}

/// The tag of a file's bytes: their SHA-256 in hexadecimal. Reads from where the file stands.
pub(super) fn tag_of(mut file: &File) -> io::Result<ETag> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(etag(hash)),
            Ok(count) => hash.update(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The tag of bytes in memory.
pub(super) fn tag_of_bytes(bytes: &[u8]) -> ETag {
    etag(Sha256::new_with_prefix(bytes))
}

fn etag(hash: Sha256) -> ETag {
    ETag::new(&hex::encode(hash.finalize())).expect("a digest is not empty")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path_below_the_folder_or_nothing() {
        let check = |key: &str, fits: bool| {
            assert_eq!(components(&Key::new(key)).is_some(), fits, "{key:?}");
        };
        check("a.png", true);
        check("a/b/c d+.png", true);
        check("..png", true);
        check("a/.s3-warden-staging", true);
        check("", false);
        check("/etc/passwd", false);
        check("../a", false);
        check("a/../b", false);
        check("a/./b", false);
        check("a//b", false);
        check("a/", false);
        check("a\0b", false);
        check(".s3-warden-staging/0/object", false);
    }
}
