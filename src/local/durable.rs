//! Files that are whole or absent, whenever the process is killed.
//!
//! Bytes are written to a scratch folder on the same file system, flushed, and only then given
//! their name; the folder that holds the name is flushed too, since a name is an entry of its
//! folder and not of its file. What a kill leaves in the scratch folder never had a name that
//! anybody reads, so it is thrown away at the next start.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::telemetry::vocabulary::ERROR_DETAIL;

/// Files hold keys, which may hold names of people: nobody else on the machine reads them.
pub(super) const FILE_MODE: u32 = 0o600;
/// As [`FILE_MODE`], for folders.
pub(super) const FOLDER_MODE: u32 = 0o700;

/// Flushes the entries of a folder.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Flushes the folder that holds `path`.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    sync_folder(parent_of(path))
}

/// The folder that holds `path`; a bare name lies in the current one.
pub(super) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// Makes a private folder, and those above it, where they are not there yet.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(FOLDER_MODE).create(path) {
        Ok(()) => sync_parent(path),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = parent_of(path);
            // A parent that is there and yet takes no folder (as in /proc) never will.
            if parent == path || parent.is_dir() {
                return Err(error);
            }
            make_folder(parent)?;
            make_folder(path)
        }
        Err(error) => Err(error),
    }
}

/// Opens a new private file for writing; it must not be there yet.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)
}

/// Removes a file that may be gone already.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where files are written before they get their names. Used by one process at a time.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: PathBuf,
    next: AtomicU64,
}

impl Scratch {
    /// Opens the scratch folder and throws away what a kill left in it.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        make_folder(&folder)?;
        for entry in fs::read_dir(&folder)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
        })
    }

    /// A scratch folder for somebody who only reads: it is neither made nor emptied, since another
    /// process may be writing there.
    pub(super) const fn unused(folder: PathBuf) -> Self {
        Self {
            folder,
            next: AtomicU64::new(0),
        }
    }

    /// Makes `path`, durably. Answers [`io::ErrorKind::AlreadyExists`], and changes nothing, when
    /// it is there. On any error nothing new is left under `path`.
    pub(super) fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let scratch = self.write(bytes)?;
        // A link, unlike a rename, never replaces what is there.
        let linked = fs::hard_link(&scratch, path);
        let cleaned = fs::remove_file(&scratch);
        linked?;
        cleaned
            .and_then(|()| sync_parent(path))
            .inspect_err(|_| withdraw(path))
    }

    /// Makes `path` or replaces it, durably. Readers see the old bytes or the new ones.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let scratch = self.write(bytes)?;
        fs::rename(&scratch, path).inspect_err(|_| withdraw(&scratch))?;
        sync_parent(path)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<PathBuf> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(number.to_string());
        let mut file = create_private(&path)?;
        file.write_all(bytes)
            .and_then(|()| file.sync_all())
            .inspect_err(|_| withdraw(&path))?;
        Ok(path)
    }
}

/// Takes back a file of a call that fails anyway: the first error is the one to tell.
fn withdraw(path: &Path) {
    if let Err(error) = remove_if_there(path) {
        tracing::warn!({ ERROR_DETAIL } = %error, "a file of a failed write could not be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn create_never_replaces() {
        let home = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(home.path().join("tmp")).unwrap();
        let path = home.path().join("one");
        scratch.create(&path, b"first").unwrap();
        let again = scratch.create(&path, b"second").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        scratch.replace(&path, b"third").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        let left = fs::read_dir(home.path().join("tmp")).unwrap().count();
        assert_eq!(left, 0, "scratch files are left");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_place_that_takes_no_folders_is_refused() {
        let refused = make_folder(Path::new("/proc/s3-warden/deep")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_a_kill_left_is_thrown_away() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("0"), b"half").unwrap();
        let scratch = Scratch::open(home.path().to_owned()).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        scratch.write(b"whole").unwrap();
    }

    #[test]
    fn files_and_folders_are_private() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(home.path().join("deep/tmp")).unwrap();
        let path = home.path().join("deep/file");
        scratch.create(&path, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), FILE_MODE);
        assert_eq!(mode(&home.path().join("deep")), FOLDER_MODE);
    }
}
