//! A small document in a file of the state folder that several processes read and change.
//!
//! The file is whole or absent, whenever a process is killed. Unlike the records it is shared, so
//! each change takes a lock of its own (not the one that the records hold all the time), reads what
//! is there and replaces it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::durable::{FILE_MODE, create_private, make_folder, remove_if_there, sync_parent};
use crate::record::LedgerError;

/// What lies in such a file. What was never written reads as the default.
pub(super) trait Document: Default + Serialize + DeserializeOwned + Send + 'static {
    /// The file's name without its ending.
    const NAME: &'static str;
    /// What it holds, in a word.
    const WHAT: &'static str;
    /// What to do when it holds something else.
    const REMEDY: &'static str;
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct SharedFile<T> {
    place: Arc<Place>,
    holds: PhantomData<fn() -> T>,
}

#[derive(Debug)]
struct Place {
    file: PathBuf,
    scratch: PathBuf,
    lock: PathBuf,
}

impl<T: Document> SharedFile<T> {
    /// The file of the state folder, which is made where it is not there yet.
    pub(super) async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let place = Place {
            file: folder.join(format!("{}.json", T::NAME)),
            scratch: folder.join(format!("{}.new", T::NAME)),
            lock: folder.join(format!("{}.lock", T::NAME)),
        };
        let folder = folder.to_owned();
        let file = Self {
            place: Arc::new(place),
            holds: PhantomData,
        };
        file.blocking(move |_| make_folder(&folder).map_err(|error| failed(&folder, &error)))
            .await?;
        Ok(file)
    }

    /// What it holds. Replaced by renaming, it is whole without a lock.
    pub(super) async fn read(&self) -> Result<T, LedgerError> {
        self.blocking(Place::read).await
    }

    /// Changes what it holds; `change` answers what the caller gets, and whether it is written.
    pub(super) async fn change<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> (R, bool) + Send + 'static,
    ) -> Result<R, LedgerError> {
        self.blocking(move |place| {
            let _alone = place.alone()?;
            let mut stored = place.read()?;
            let (answer, written) = change(&mut stored);
            if written {
                place.write(&stored)?;
            }
            Ok(answer)
        })
        .await
    }

    async fn blocking<R: Send + 'static>(
        &self,
        step: impl FnOnce(&Place) -> Result<R, LedgerError> + Send + 'static,
    ) -> Result<R, LedgerError> {
        let place = Arc::clone(&self.place);
        match tokio::task::spawn_blocking(move || step(&place)).await {
            Ok(result) => result,
            Err(_panic) => Err(LedgerError::Unavailable(super::PANICKED.to_owned())),
        }
    }
}

impl Place {
    /// Waits for whoever changes the file now; they take a moment.
    fn alone(&self) -> Result<File, LedgerError> {
        let open = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(&self.lock);
        let lock = open.map_err(|error| failed(&self.lock, &error))?;
        lock.lock().map_err(|error| failed(&self.lock, &error))?;
        Ok(lock)
    }

    fn read<T: Document>(&self) -> Result<T, LedgerError> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(T::default()),
            Err(error) => return Err(failed(&self.file, &error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            LedgerError::Refused(format!(
                "{} does not hold {} ({error}); {}",
                self.file.display(),
                T::WHAT,
                T::REMEDY
            ))
        })
    }

    fn write<T: Document>(&self, stored: &T) -> Result<(), LedgerError> {
        let bytes = serde_json::to_vec_pretty(stored).expect("a document is plain data");
        self.replace(&bytes)
            .map_err(|error| failed(&self.file, &error))
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        remove_if_there(&self.scratch)?;
        let mut file = create_private(&self.scratch)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&self.scratch, &self.file)?;
        sync_parent(&self.file)
    }
}

fn failed(path: &Path, error: &io::Error) -> LedgerError {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            LedgerError::Refused(format!(
                "{path} cannot be used ({error}); give this user the right to write there"
            ))
        }
        _ => LedgerError::Unavailable(format!("{path} cannot be used: {error}")),
    }
}
