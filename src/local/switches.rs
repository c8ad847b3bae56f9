//! The switches in a file of the state folder.
//!
//! The file is whole or absent, whenever the process is killed. Unlike the records it is shared: a
//! command may set the pause while a worker runs on the same folder, so each change takes a lock of
//! its own (not the one that the records hold all the time), reads what is there and replaces it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::durable::{FILE_MODE, create_private, make_folder, remove_if_there, sync_parent};
use crate::record::{FleetBreaker, Halt, LedgerError, Positions, Switches};

/// The version of the stored form.
const SCHEMA_VERSION: u32 = 1;

/// The switches in a file.
#[derive(Clone, Debug)]
pub struct FileSwitches {
    place: Arc<Place>,
}

#[derive(Debug)]
struct Place {
    file: PathBuf,
    scratch: PathBuf,
    lock: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
struct Stored {
    schema_version: u32,
    #[serde(default)]
    halt: Option<Halt>,
    #[serde(default)]
    breaker: FleetBreaker,
}

impl FileSwitches {
    /// The switches of the state folder, which is made where it is not there yet.
    pub async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let place = Place {
            file: folder.join("switches.json"),
            scratch: folder.join("switches.new"),
            lock: folder.join("switches.lock"),
        };
        let folder = folder.to_owned();
        let switches = Self {
            place: Arc::new(place),
        };
        switches
            .blocking(move |_| make_folder(&folder).map_err(|error| failed(&folder, &error)))
            .await?;
        Ok(switches)
    }

    async fn change(
        &self,
        change: impl FnOnce(&mut Stored) -> bool + Send + 'static,
    ) -> Result<FleetBreaker, LedgerError> {
        self.blocking(move |place| {
            let _alone = place.alone()?;
            let mut stored = place.read()?;
            if change(&mut stored) {
                place.write(&stored)?;
            }
            Ok(stored.breaker)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Place) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let place = Arc::clone(&self.place);
        match tokio::task::spawn_blocking(move || step(&place)).await {
            Ok(result) => result,
            Err(_panic) => Err(LedgerError::Unavailable(super::PANICKED.to_owned())),
        }
    }
}

#[async_trait]
impl Switches for FileSwitches {
    async fn read(&self) -> Result<Positions, LedgerError> {
        // Replaced by renaming, the file is whole without a lock.
        let stored = self.blocking(|place| place.read()).await?;
        Ok(Positions {
            halt: stored.halt,
            breaker: stored.breaker,
        })
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<(), LedgerError> {
        let changed = self.change(|stored| {
            stored.halt = halt;
            true
        });
        changed.await.map(drop)
    }

    async fn open_breaker(
        &self,
        generation: u64,
        since: Timestamp,
    ) -> Result<FleetBreaker, LedgerError> {
        self.change(move |stored| {
            let breaker = &mut stored.breaker;
            let meant = breaker.generation == generation && breaker.open_since.is_none();
            if meant {
                breaker.open_since = Some(since);
            }
            meant
        })
        .await
    }

    async fn reset_breaker(&self) -> Result<FleetBreaker, LedgerError> {
        self.change(|stored| {
            stored.breaker = FleetBreaker {
                generation: stored.breaker.generation.saturating_add(1),
                open_since: None,
            };
            true
        })
        .await
    }
}

impl Place {
    /// Waits for whoever changes the switches now; they take a moment.
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

    fn read(&self) -> Result<Stored, LedgerError> {
        let bytes = match fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::default()),
            Err(error) => return Err(failed(&self.file, &error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| {
            LedgerError::Refused(format!(
                "{} does not hold switches ({error}); move it away to start with no pause and a \
                 closed breaker",
                self.file.display()
            ))
        })
    }

    fn write(&self, stored: &Stored) -> Result<(), LedgerError> {
        let stored = Stored {
            schema_version: SCHEMA_VERSION,
            halt: stored.halt.clone(),
            breaker: stored.breaker,
        };
        let bytes = serde_json::to_vec_pretty(&stored).expect("switches are plain data");
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

#[cfg(test)]
mod tests {
    use super::*;

    fn halt() -> Halt {
        Halt {
            since: Timestamp::UNIX_EPOCH,
            by: "ops".to_owned(),
            reason: None,
        }
    }

    #[tokio::test]
    async fn they_outlive_the_process_and_are_seen_by_others() {
        let home = tempfile::tempdir().unwrap();
        let first = FileSwitches::open(home.path()).await.unwrap();
        assert_eq!(first.read().await.unwrap(), Positions::default());
        first.set_halt(Some(halt())).await.unwrap();
        let opened = first.open_breaker(0, Timestamp::UNIX_EPOCH).await.unwrap();
        assert!(opened.open_since.is_some());
        let second = FileSwitches::open(home.path()).await.unwrap();
        let positions = second.read().await.unwrap();
        assert_eq!((positions.halt, positions.breaker), (Some(halt()), opened));
        assert_eq!(second.reset_breaker().await.unwrap().generation, 1);
        let late = first.open_breaker(0, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!((late.generation, late.open_since), (1, None));
    }

    #[tokio::test]
    async fn of_changes_at_the_same_moment_none_is_lost() {
        let home = tempfile::tempdir().unwrap();
        let mut all = Vec::new();
        for _process in 0..8 {
            all.push(FileSwitches::open(home.path()).await.unwrap());
        }
        let resets = all.iter().map(|switches| async {
            for _reset in 0..10 {
                switches.reset_breaker().await.unwrap();
            }
        });
        futures::future::join_all(resets).await;
        let breaker = all[0].read().await.unwrap().breaker;
        assert_eq!(breaker.generation, 80);
    }

    #[tokio::test]
    async fn a_file_that_says_something_else_is_refused_with_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("switches.json"), "[]").unwrap();
        let switches = FileSwitches::open(home.path()).await.unwrap();
        let error = switches.read().await.unwrap_err().to_string();
        assert!(error.contains("move it away"), "{error}");
        assert!(switches.reset_breaker().await.is_err(), "nor replaced");
    }
}
