//! Why a folder cannot serve as a bucket: one sentence each, naming the folder and the remedy.

use std::io;
use std::path::{Path, PathBuf};

/// A folder cannot serve as a bucket.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It is not there.
    #[error("no such folder: {}; create it, or check the spelling", .0.display())]
    Missing(PathBuf),
    /// It is something else.
    #[error("{} is a file, not a folder; name the folder that holds it", .0.display())]
    NotAFolder(PathBuf),
    /// It was there, and is not any more.
    #[error("the guarded folder {} is gone; start again when it is back", .0.display())]
    Gone(PathBuf),
    /// We may not read it.
    #[error("no permission to read the folder {}; grant read and search permission to this user", .0.display())]
    Denied(PathBuf),
    /// What is quarantined there would be looked at as if it had arrived.
    #[error(
        "the quarantine {} lies inside the guarded folder {}; choose a folder outside it",
        quarantine.display(),
        root.display()
    )]
    QuarantineInside {
        /// The quarantine.
        quarantine: PathBuf,
        /// The guarded folder.
        root: PathBuf,
    },
    /// Two processes would take each other's captures for leftovers of a kill.
    #[error("another process already guards the folder {}; stop it first", .0.display())]
    Busy(PathBuf),
    /// The system allows no more watches.
    #[error("the system's limit on watched folders is reached in {}; raise fs.inotify.max_user_watches", .0.display())]
    TooManyFolders(PathBuf),
    /// Anything else.
    #[error("the folder {} cannot be used: {why}", path.display())]
    Failed {
        /// Which one.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl FolderError {
    pub(in crate::local) fn of(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::NotADirectory => Self::NotAFolder(path),
            io::ErrorKind::PermissionDenied => Self::Denied(path),
            _ => Self::Failed {
                path,
                why: error.to_string(),
            },
        }
    }
}
