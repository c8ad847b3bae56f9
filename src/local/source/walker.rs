//! The thread that looks at the file system: walks the folder, and looks where something happened.
//!
//! Three things are easy to lose. What happens while the folder is walked: so the watch is there
//! first. What comes into a new folder before it is watched: so that folder is watched by an order
//! that waits for the watch to be set, and walked after that. And events that found no room, here
//! or in the system: they raise a flag, and the folder is walked again.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Config, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use walkdir::WalkDir;

use super::FileState;
use crate::local::folder::{FolderError, STAGING};
use crate::telemetry::vocabulary::ERROR_DETAIL;

/// How many events may wait to be looked into. Fewer mean more walks over the whole folder in a
/// storm of events; more cost memory.
const MOST_ORDERS: usize = 8_192;

/// What the thread tells.
#[derive(Debug)]
pub(super) enum Item {
    /// An ordinary file.
    Seen { key: String, state: FileState },
    /// Nothing, or no ordinary file, is there any more.
    Gone(String),
    /// A name that cannot be a key.
    Unnameable,
    /// A file or folder that may not be looked at.
    Unreadable(String),
    /// All that lay there at the start has been told.
    Walked,
    /// The watch is over.
    Failed(FolderError),
}

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Look what is there now; a folder that is `new` there is watched and walked.
    Look { path: PathBuf, new: bool },
    /// See whether events were lost.
    Check,
    /// Tell that the watch is over.
    Fail(FolderError),
    /// End.
    Stop,
}

/// The running thread. Dropping it asks it to end; [`Walker::end`] also waits for that.
#[derive(Debug)]
pub(super) struct Walker {
    orders: mpsc::Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Walker {
    pub(super) fn start(root: PathBuf, items: mpsc::Sender<Item>) -> Result<Self, FolderError> {
        let (orders, received) = mpsc::channel(MOST_ORDERS);
        let missed = Arc::new(AtomicBool::new(false));
        let ears = Ears {
            staging: root.join(STAGING),
            root: root.clone(),
            orders: orders.clone(),
            missed: Arc::clone(&missed),
        };
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(move |event| ears.hear(event), config)
            .map_err(|error| watch_error(&root, &error))?;
        let legs = Legs {
            root,
            items,
            missed,
            watcher,
        };
        let thread = tokio::task::spawn_blocking(move || legs.run(received));
        Ok(Self {
            orders,
            thread: Some(thread),
        })
    }

    pub(super) async fn end(mut self) {
        self.ask_to_end();
        if let Some(thread) = self.thread.take()
            && let Err(error) = thread.await
        {
            tracing::error!({ ERROR_DETAIL } = %error, "the thread that watches the folder panicked");
        }
    }

    fn ask_to_end(&self) {
        // When there is no room it has orders to look at, and finds at the next that nobody listens.
        if self.orders.try_send(Order::Stop).is_err() {
            tracing::trace!("the watching thread is busy or has ended");
        }
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        self.ask_to_end();
    }
}

/// What the system calls when something happened. Never blocks: it would hold up the watcher.
struct Ears {
    root: PathBuf,
    staging: PathBuf,
    orders: mpsc::Sender<Order>,
    missed: Arc<AtomicBool>,
}

impl Ears {
    fn hear(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => self.miss(),
            Ok(event) => {
                let Some(new) = meaning(&event.kind) else {
                    return;
                };
                for path in event.paths {
                    if !path.starts_with(&self.staging) {
                        self.order(Order::Look { path, new });
                    }
                }
            }
            Err(error) if matches!(error.kind, notify::ErrorKind::MaxFilesWatch) => {
                self.order(Order::Fail(watch_error(&self.root, &error)));
            }
            Err(_) => self.miss(),
        }
    }

    fn miss(&self) {
        self.missed.store(true, Ordering::SeqCst);
        self.order(Order::Check);
    }

    fn order(&self, order: Order) {
        // Without room the thread has orders to come to, and checks the flag after each.
        if self.orders.try_send(order).is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether an event tells of a change; if so, whether something may be new under its path.
const fn meaning(kind: &EventKind) -> Option<bool> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Remove(_)
        | EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => Some(false),
        // Our own reading is no change.
        EventKind::Access(_) => None,
        _ => Some(true),
    }
}

/// Who walks.
struct Legs {
    root: PathBuf,
    items: mpsc::Sender<Item>,
    missed: Arc<AtomicBool>,
    watcher: RecommendedWatcher,
}

/// Nobody listens any more.
struct Unheard;

impl Legs {
    fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        if let Err(error) = self.watcher.watch(&self.root, RecursiveMode::Recursive) {
            let error = watch_error(&self.root, &error);
            self.tell(Item::Failed(error)).unwrap_or_default();
            return;
        }
        let root = self.root.clone();
        let mut listening = self.walk(&root).and_then(|()| self.tell(Item::Walked));
        while listening.is_ok() {
            if self.missed.swap(false, Ordering::SeqCst) {
                listening = self.walk(&root);
                continue;
            }
            listening = match orders.blocking_recv() {
                None | Some(Order::Stop) => return,
                Some(Order::Check) => self.still_heard(),
                Some(Order::Fail(error)) => self.tell(Item::Failed(error)),
                Some(Order::Look { path, new }) => {
                    self.still_heard().and_then(|()| self.look(&path, new))
                }
            };
        }
    }

    fn look(&mut self, path: &Path, new: bool) -> Result<(), Unheard> {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => {
                if !new || path == self.root {
                    return Ok(());
                }
                // Set when this returns. That it is gone again already is told by its parent.
                if let Err(error) = self.watcher.watch(path, RecursiveMode::Recursive)
                    && matches!(error.kind, notify::ErrorKind::MaxFilesWatch)
                {
                    return self.tell(Item::Failed(watch_error(&self.root, &error)));
                }
                self.walk(path)
            }
            Ok(metadata) if metadata.is_file() => self.see(path, &metadata),
            Err(error) if path == self.root && error.kind() == io::ErrorKind::NotFound => {
                self.tell(Item::Failed(FolderError::Gone(self.root.clone())))
            }
            Err(error) if path == self.root => {
                self.tell(Item::Failed(FolderError::of(&self.root, &error)))
            }
            Ok(_) => self.gone(path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.gone(path),
            Err(error) => self.tell(Item::Unreadable(error.to_string())),
        }
    }

    fn walk(&self, folder: &Path) -> Result<(), Unheard> {
        let staging = self.root.join(STAGING);
        let walk = WalkDir::new(folder)
            .follow_links(false)
            .into_iter()
            .filter_entry(|entry| entry.path() != staging);
        for entry in walk {
            let found = entry.and_then(|entry| {
                let file = entry.file_type().is_file();
                let metadata = file.then(|| entry.metadata()).transpose()?;
                Ok(metadata.map(|metadata| (entry.into_path(), metadata)))
            });
            match found {
                Ok(Some((path, metadata))) => self.see(&path, &metadata)?,
                Ok(None) => {}
                Err(error) => {
                    let why = error.io_error().map(ToString::to_string);
                    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
                    if !error.io_error().is_some_and(gone) {
                        // Not the whole error: it names the path.
                        self.tell(Item::Unreadable(why.unwrap_or_default()))?;
                    } else if error.path() == Some(&self.root) {
                        let gone = FolderError::Gone(self.root.clone());
                        self.tell(Item::Failed(gone))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn see(&self, path: &Path, metadata: &Metadata) -> Result<(), Unheard> {
        match self.key_of(path) {
            Some(key) => {
                let state = file_state(metadata);
                self.tell(Item::Seen { key, state })
            }
            None => self.tell(Item::Unnameable),
        }
    }

    fn gone(&self, path: &Path) -> Result<(), Unheard> {
        self.key_of(path)
            .map_or(Ok(()), |key| self.tell(Item::Gone(key)))
    }

    fn key_of(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(&self.root).ok()?;
        let parts: Option<Vec<&str>> = below.iter().map(|part| part.to_str()).collect();
        Some(parts?.join("/"))
    }

    fn tell(&self, item: Item) -> Result<(), Unheard> {
        self.items.blocking_send(item).map_err(|_| Unheard)
    }

    fn still_heard(&self) -> Result<(), Unheard> {
        if self.items.is_closed() {
            return Err(Unheard);
        }
        Ok(())
    }
}

/// The state of an ordinary file; `None` when there is none. Blocks.
pub(super) fn state_of(path: &Path) -> Option<FileState> {
    let metadata = path.symlink_metadata().ok()?;
    metadata.is_file().then(|| file_state(&metadata))
}

fn file_state(metadata: &Metadata) -> FileState {
    let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    FileState {
        inode: metadata.ino(),
        size: metadata.size(),
        modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
    }
}

fn watch_error(root: &Path, error: &notify::Error) -> FolderError {
    match &error.kind {
        notify::ErrorKind::MaxFilesWatch => FolderError::TooManyFolders(root.to_owned()),
        notify::ErrorKind::PathNotFound => FolderError::Missing(root.to_owned()),
        notify::ErrorKind::Io(error) => FolderError::of(root, error),
        other => FolderError::Failed {
            path: root.to_owned(),
            why: format!("{other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{DataChange, Flag};

    use super::*;

    fn ears(room: usize) -> (Ears, mpsc::Receiver<Order>) {
        let (orders, received) = mpsc::channel(room);
        let ears = Ears {
            root: "/inbox".into(),
            staging: Path::new("/inbox").join(STAGING),
            orders,
            missed: Arc::default(),
        };
        (ears, received)
    }

    fn changed(path: &str) -> notify::Result<Event> {
        let kind = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        Ok(Event::new(kind).add_path(path.into()))
    }

    #[test]
    fn what_finds_no_room_is_remembered_as_missed() {
        let (ears, mut received) = ears(1);
        ears.hear(changed("/inbox/a"));
        assert!(!ears.missed.load(Ordering::SeqCst));
        ears.hear(changed("/inbox/b"));
        assert!(ears.missed.load(Ordering::SeqCst));
        assert!(matches!(received.try_recv(), Ok(Order::Look { .. })));
    }

    #[test]
    fn an_overflow_of_the_system_is_a_miss_and_wakes_the_thread() {
        let (ears, mut received) = ears(8);
        ears.hear(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        assert!(ears.missed.load(Ordering::SeqCst));
        assert!(matches!(received.try_recv(), Ok(Order::Check)));
    }

    #[test]
    fn our_own_reading_and_our_own_folder_are_no_news() {
        let (ears, mut received) = ears(8);
        let read = EventKind::Access(AccessKind::Open(AccessMode::Any));
        ears.hear(Ok(Event::new(read).add_path("/inbox/a".into())));
        ears.hear(changed("/inbox/.s3-warden-staging/0/object"));
        assert!(received.try_recv().is_err());
    }

    #[test]
    fn what_was_missed_is_found_by_another_walk() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().to_owned();
        std::fs::write(root.join("k"), b"one").unwrap();
        let (items, mut told) = mpsc::channel(100);
        let (orders, received) = mpsc::channel(100);
        orders.try_send(Order::Stop).unwrap();
        let legs = Legs {
            root,
            items,
            missed: Arc::new(AtomicBool::new(true)),
            watcher: RecommendedWatcher::new(|_| {}, Config::default()).unwrap(),
        };
        legs.run(received);
        let mut kinds = Vec::new();
        while let Ok(item) = told.try_recv() {
            kinds.push(matches!(item, Item::Seen { .. }));
        }
        assert_eq!(
            kinds,
            [true, false, true],
            "a file, the end of the walk, the file again"
        );
    }
}
