//! A folder as a source of messages: what lies in it, and what comes.
//!
//! One thread of its own looks at the file system ([`walker`]); the loop here decides which files
//! are whole ([`settle`]) and puts them on the queue. Everything between them is bounded: while the
//! queue is full the loop waits, then the thread waits, and what the system reports meanwhile is
//! dropped and the folder walked again. So the memory is the same for any number of files, but for
//! 16 bytes per file by which it is known again.

mod notification;
mod settle;
mod walker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

pub use notification::notification;
use settle::{FileState, Settler, Step};
use walker::{Item, Walker, state_of};

use super::folder::FolderError;
use super::queue::MemoryQueue;
use crate::clock::Clock;
use crate::event::{BucketName, Key, Sequencer};
use crate::telemetry::vocabulary::ERROR_DETAIL;

/// How many files may wait to become whole before no more are looked at: about 1 MB.
const MOST_WAITING: usize = 4_096;
/// How many files are handed over at a time: enough to keep the loop busy, nothing in memory.
const IN_TRANSIT: usize = 256;

/// How often the folder is asked for by its name. The system tells that it was deleted only when
/// nobody holds it open any more, and the store does.
const STILL_THERE: Duration = Duration::from_secs(1);

/// How far the source has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files looked at, repeated looks at one included.
    pub seen: u64,
    /// Messages put on the queue.
    pub queued: u64,
    /// Files that may still be written.
    pub settling: usize,
    /// Names that are not valid UTF-8 and so cannot be keys.
    pub unnameable: u64,
    /// Files and folders that could not be looked at.
    pub unreadable: u64,
    /// Whether all that lay there at the start has been looked at.
    pub walked: bool,
}

/// A folder as a source of messages.
#[derive(Debug)]
pub struct FolderSource {
    root: PathBuf,
    bucket: BucketName,
    settle: Duration,
    clock: Arc<dyn Clock>,
    progress: watch::Sender<Progress>,
}

impl FolderSource {
    /// Opens a folder for watching, as the bucket named `bucket`. A file is taken when it has not
    /// changed for `settle`. Blocks for a moment.
    pub fn open(
        root: &Path,
        bucket: BucketName,
        settle: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, FolderError> {
        let failed = |error: std::io::Error| FolderError::of(root, &error);
        let path = root.canonicalize().map_err(failed)?;
        // Looking into it finds a file in place of a folder, and a missing permission.
        path.read_dir().map_err(failed)?;
        Ok(Self {
            root: path,
            bucket,
            settle,
            clock,
            progress: watch::Sender::default(),
        })
    }

    /// How far it has come, now and from now on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Puts on the queue what lies in the folder, then what comes, until `stop`; or until the
    /// folder cannot be watched any more.
    pub async fn run(
        &self,
        queue: &MemoryQueue,
        stop: CancellationToken,
    ) -> Result<(), FolderError> {
        let (items_in, mut items) = mpsc::channel(IN_TRANSIT);
        let walker = Walker::start(self.root.clone(), items_in)?;
        let mut settler = Settler::new(self.settle);
        let watched = tokio::select! {
            () = stop.cancelled() => Ok(()),
            ended = self.pump(queue, &mut items, &mut settler) => ended,
        };
        // Closed first, so that a walker that waits to hand something over ends.
        drop(items);
        walker.end().await;
        watched
    }

    async fn pump(
        &self,
        queue: &MemoryQueue,
        items: &mut mpsc::Receiver<Item>,
        settler: &mut Settler,
    ) -> Result<(), FolderError> {
        let mut still_there = tokio::time::interval(STILL_THERE);
        still_there.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = settler.next_due();
            tokio::select! {
                // Due files first: they make room for others.
                biased;
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.look_again(queue, settler).await;
                }
                _ = still_there.tick() => self.ask_for_folder().await?,
                item = items.recv(), if settler.waiting() < MOST_WAITING => {
                    let Some(item) = item else {
                        return Err(FolderError::Failed {
                            path: self.root.clone(),
                            why: "the watch on it has ended".to_owned(),
                        });
                    };
                    self.handle(queue, settler, item).await?;
                }
            }
            // Last in each turn: what is no longer waited for is on the queue by now.
            let settling = settler.waiting();
            self.progress.send_if_modified(|progress| {
                std::mem::replace(&mut progress.settling, settling) != settling
            });
        }
    }

    /// That the folder is still there; another one under its name counts too.
    async fn ask_for_folder(&self) -> Result<(), FolderError> {
        match tokio::fs::metadata(&self.root).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(FolderError::Gone(self.root.clone()))
            }
            _ => Ok(()),
        }
    }

    async fn handle(
        &self,
        queue: &MemoryQueue,
        settler: &mut Settler,
        item: Item,
    ) -> Result<(), FolderError> {
        match item {
            Item::Seen { key, state } => {
                self.progress.send_modify(|progress| progress.seen += 1);
                self.consider(queue, settler, &key, state).await;
            }
            Item::Gone(key) => settler.forget(&key),
            Item::Walked => self.progress.send_modify(|progress| progress.walked = true),
            Item::Unnameable => {
                self.progress
                    .send_modify(|progress| progress.unnameable += 1);
                tracing::warn!(
                    "a file name is not valid UTF-8 and cannot be a key; rename the file to have it looked at"
                );
            }
            Item::Unreadable(error) => {
                self.progress
                    .send_modify(|progress| progress.unreadable += 1);
                tracing::warn!({ ERROR_DETAIL } = %error, "part of the folder cannot be looked at; grant permission");
            }
            Item::Failed(error) => return Err(error),
        }
        Ok(())
    }

    /// Looks again at the files that were still being written.
    async fn look_again(&self, queue: &MemoryQueue, settler: &mut Settler) {
        let keys = settler.due(Instant::now());
        let root = self.root.clone();
        let looked = tokio::task::spawn_blocking(move || {
            keys.into_iter()
                .map(|key| {
                    let state = state_of(&root.join(&key));
                    (key, state)
                })
                .collect::<Vec<_>>()
        });
        let Ok(looked) = looked.await else { return };
        for (key, state) in looked {
            match state {
                Some(state) => self.consider(queue, settler, &key, state).await,
                None => settler.forget(&key),
            }
        }
    }

    async fn consider(
        &self,
        queue: &MemoryQueue,
        settler: &mut Settler,
        key: &str,
        state: FileState,
    ) {
        let clock = self.clock.now().as_nanosecond();
        let step = settler.see(key, state, Instant::now(), clock);
        if step == Step::Take {
            queue.send(self.message(key, &state)).await;
            self.progress.send_modify(|progress| progress.queued += 1);
        }
    }

    fn message(&self, key: &str, state: &FileState) -> String {
        let key = Key::new(key);
        let time = Timestamp::from_nanosecond(state.changed).unwrap_or(Timestamp::UNIX_EPOCH);
        notification(
            &self.bucket,
            &key,
            state.size,
            None,
            &sequencer(state),
            time,
        )
    }
}

/// Fixed width, so that two of one key compare as their times do.
fn sequencer(state: &FileState) -> Sequencer {
    let changed = u64::try_from(state.changed).unwrap_or(0);
    Sequencer::new(&format!("{changed:016X}{:016X}", state.inode)).expect("hexadecimal digits")
}
