//! The switches in a file of the state folder.
//!
//! A command may set the pause while a worker runs on the same folder, so the file is a shared one.

use std::path::Path;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shared::{Document, SharedFile};
use crate::record::{FleetBreaker, Halt, LedgerError, Positions, Switches};

/// The version of the stored form.
const SCHEMA_VERSION: u32 = 1;

/// The switches in a file.
#[derive(Clone, Debug)]
pub struct FileSwitches {
    file: SharedFile<Stored>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    schema_version: u32,
    #[serde(default)]
    halt: Option<Halt>,
    #[serde(default)]
    breaker: FleetBreaker,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            halt: None,
            breaker: FleetBreaker::default(),
        }
    }
}

impl Document for Stored {
    const NAME: &'static str = "switches";
    const WHAT: &'static str = "switches";
    const REMEDY: &'static str = "move it away to start with no pause and a closed breaker";
}

impl FileSwitches {
    /// The switches of the state folder, which is made where it is not there yet.
    pub async fn open(folder: &Path) -> Result<Self, LedgerError> {
        let file = SharedFile::open(folder).await?;
        Ok(Self { file })
    }

    async fn change(
        &self,
        change: impl FnOnce(&mut Stored) -> bool + Send + 'static,
    ) -> Result<FleetBreaker, LedgerError> {
        let changed = self.file.change(|stored| {
            let written = change(stored);
            (stored.breaker, written)
        });
        changed.await
    }
}

#[async_trait]
impl Switches for FileSwitches {
    async fn read(&self) -> Result<Positions, LedgerError> {
        let stored = self.file.read().await?;
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
                *breaker = breaker.opened(since);
            }
            meant
        })
        .await
    }

    async fn reset_breaker(
        &self,
        generation: u64,
        now: Timestamp,
    ) -> Result<FleetBreaker, LedgerError> {
        self.change(move |stored| {
            let meant = stored.breaker.generation == generation;
            if meant {
                stored.breaker = stored.breaker.closed(now);
            }
            meant
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        assert_eq!(
            second
                .reset_breaker(0, Timestamp::UNIX_EPOCH)
                .await
                .unwrap()
                .generation,
            1
        );
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
        // All close the same opening, which is closed once; then each sets another pause.
        let resets = all.iter().map(|switches| async {
            for _reset in 0..10 {
                let reset = switches.reset_breaker(0, Timestamp::UNIX_EPOCH).await;
                assert_eq!(reset.unwrap().generation, 1);
                switches.set_halt(Some(halt())).await.unwrap();
            }
        });
        futures::future::join_all(resets).await;
        let positions = all[0].read().await.unwrap();
        assert_eq!(positions.breaker.generation, 1);
        assert_eq!(positions.halt, Some(halt()));
    }

    #[tokio::test]
    async fn a_file_that_says_something_else_is_refused_with_the_remedy() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("switches.json"), "[]").unwrap();
        let switches = FileSwitches::open(home.path()).await.unwrap();
        let error = switches.read().await.unwrap_err().to_string();
        assert!(error.contains("move it away"), "{error}");
        assert!(
            switches
                .reset_breaker(0, Timestamp::UNIX_EPOCH)
                .await
                .is_err(),
            "nor replaced"
        );
    }
}
