//! The folder as a source of messages, with the system's own notifications.
//!
//! Nothing here waits for a time: each test waits for the message that it is about, and the
//! deadline is only there to end a test that fails.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use s3_warden::clock::SystemClock;
use s3_warden::event::{Queue, Sequencer};
use s3_warden::local::{FolderError, FolderSource, MemoryQueue, Progress, QueueOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kit::bucket;

const DEADLINE: Duration = Duration::from_secs(60);
/// Short, since the tests' files are written at once.
const SETTLE: Duration = Duration::from_millis(20);

/// What a message says of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    key: String,
    size: u64,
    sequencer: String,
}

struct Watch {
    queue: Arc<MemoryQueue>,
    progress: watch::Receiver<Progress>,
    stop: CancellationToken,
    running: JoinSet<Result<(), FolderError>>,
}

impl Watch {
    fn start(root: &Path, capacity: usize) -> Self {
        Self::with_settle(root, capacity, SETTLE)
    }

    fn with_settle(root: &Path, capacity: usize, settle: Duration) -> Self {
        let options = QueueOptions {
            capacity,
            ..QueueOptions::default()
        };
        let queue = Arc::new(MemoryQueue::new(options, Arc::new(SystemClock)));
        let source = FolderSource::open(root, bucket(), settle, Arc::new(SystemClock)).unwrap();
        let progress = source.progress();
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        let (to, until) = (Arc::clone(&queue), stop.clone());
        running.spawn(async move { source.run(&to, until).await });
        Self {
            queue,
            progress,
            stop,
            running,
        }
    }

    /// The next messages, acked.
    async fn receive(&self) -> Vec<Seen> {
        let deliveries = self.queue.receive(10, DEADLINE).await.unwrap();
        let receipts: Vec<_> = deliveries.iter().map(|one| one.receipt.clone()).collect();
        self.queue.ack(&receipts).await;
        let bodies = deliveries.iter().map(|one| one.body.as_str());
        bodies.map(read).collect()
    }

    async fn one(&self) -> Seen {
        let mut seen = self.receive().await;
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    /// Waits until all that lay there at the start is on the queue.
    async fn walked(&mut self) -> Progress {
        self.until(|progress| progress.walked && progress.settling == 0)
            .await
    }

    async fn until(&mut self, reached: impl Fn(&Progress) -> bool) -> Progress {
        let waited = tokio::time::timeout(DEADLINE, self.progress.wait_for(|now| reached(now)));
        *waited.await.expect("the source gets there").unwrap()
    }

    async fn end(mut self) -> Result<(), FolderError> {
        self.stop.cancel();
        self.running.join_next().await.unwrap().unwrap()
    }
}

fn read(body: &str) -> Seen {
    let message: serde_json::Value = serde_json::from_str(body).unwrap();
    let object = &message["Records"][0]["s3"]["object"];
    let key = object["key"].as_str().unwrap().replace('+', " ");
    Seen {
        key: percent_decode_str(&key).decode_utf8().unwrap().into_owned(),
        size: object["size"].as_u64().unwrap(),
        sequencer: object["sequencer"].as_str().unwrap().to_owned(),
    }
}

/// Writes a file that was never seen half: it comes by a move from outside.
fn put(root: &Path, key: &str, bytes: &[u8]) -> PathBuf {
    let part = root.with_extension("part");
    fs::write(&part, bytes).unwrap();
    let path = root.join(key);
    fs::rename(&part, &path).unwrap();
    path
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().canonicalize().unwrap().join("inbox");
    fs::create_dir(&root).unwrap();
    (home, root)
}

#[tokio::test]
async fn what_lies_there_and_what_comes_is_told_once() {
    let (_home, root) = folder();
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::create_dir(root.join(".s3-warden-staging")).unwrap();
    put(&root, "a/b/one +.png", b"1");
    put(&root, ".s3-warden-staging/object", b"ours");
    symlink("a/b", root.join("link")).unwrap();
    let mut watch = Watch::start(&root, 100);
    let one = watch.one().await;
    assert_eq!((one.key.as_str(), one.size), ("a/b/one +.png", 1));
    watch.walked().await;

    put(&root, ".s3-warden-staging/more", b"ours");
    symlink("one", root.join("another-link")).unwrap();
    put(&root, "moved-in", b"22");
    assert_eq!(watch.one().await.key, "moved-in");
    fs::write(root.join("a/b/written"), b"333").unwrap();
    assert_eq!(watch.one().await.key, "a/b/written");
    assert_eq!(watch.queue.stats().visible, 0);
    watch.end().await.unwrap();
}

#[tokio::test]
async fn the_same_file_is_the_same_work_after_a_restart_and_new_bytes_are_not() {
    let (_home, root) = folder();
    let path = put(&root, "k", b"one");
    let watch = Watch::start(&root, 100);
    let first = watch.one().await;
    watch.end().await.unwrap();

    let watch = Watch::start(&root, 100);
    assert_eq!(watch.one().await, first);
    // The same bytes, put again, and then put again after a removal.
    put(&root, "k", b"one");
    let second = watch.one().await;
    fs::remove_file(&path).unwrap();
    put(&root, "k", b"one");
    let third = watch.one().await;
    let order = |a: &Seen, b: &Seen| {
        let sequencer = |seen: &Seen| Sequencer::new(&seen.sequencer).unwrap();
        sequencer(a).compare_same_key(&sequencer(b))
    };
    assert_eq!(order(&first, &second), std::cmp::Ordering::Less);
    assert_eq!(order(&second, &third), std::cmp::Ordering::Less);
    watch.end().await.unwrap();
}

#[tokio::test]
async fn new_folders_are_looked_into_whenever_files_come() {
    let (home, root) = folder();
    let mut watch = Watch::start(&root, 1_000);
    watch.walked().await;
    let mut expected = BTreeSet::new();
    for number in 0..20 {
        // Written right after the folder, which is not watched yet then.
        let folder = format!("new{number}/deep/er");
        fs::create_dir_all(root.join(&folder)).unwrap();
        fs::write(root.join(&folder).join("k"), b"x").unwrap();
        expected.insert(format!("{folder}/k"));
    }
    // A whole tree that comes by a move.
    fs::create_dir_all(home.path().join("tree/deep")).unwrap();
    fs::write(home.path().join("tree/deep/k"), b"x").unwrap();
    fs::rename(home.path().join("tree"), root.join("tree")).unwrap();
    expected.insert("tree/deep/k".to_owned());
    let mut seen = BTreeSet::new();
    while seen.len() < expected.len() {
        let more = watch.receive().await;
        assert!(!more.is_empty(), "missing: {:?}", &expected - &seen);
        seen.extend(more.into_iter().map(|one| one.key));
    }
    assert_eq!(seen, expected);
    watch.end().await.unwrap();
}

#[tokio::test]
async fn a_file_that_grows_is_told_when_it_is_whole() {
    let (_home, root) = folder();
    // So long that the writing below is over before.
    let settle = Duration::from_millis(1_500);
    let mut watch = Watch::with_settle(&root, 100, settle);
    watch.walked().await;
    let mut file = File::create(root.join("k")).unwrap();
    watch.until(|progress| progress.settling == 1).await;
    for _ in 0..5 {
        let before = watch.progress.borrow().seen;
        file.write_all(&[7; 1_000]).unwrap();
        watch.until(|progress| progress.seen > before).await;
    }
    drop(file);
    let whole = watch.one().await;
    assert_eq!((whole.key.as_str(), whole.size), ("k", 5_000));
    watch.end().await.unwrap();
}

#[tokio::test]
async fn a_name_that_cannot_be_a_key_is_counted() {
    let (_home, root) = folder();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
    if fs::write(root.join(name), b"x").is_err() {
        eprintln!("skipped: this file system takes only names in UTF-8");
        return;
    }
    put(&root, "fine", b"x");
    let mut watch = Watch::start(&root, 100);
    let progress = watch.walked().await;
    assert_eq!(progress.unnameable, 1);
    assert_eq!(watch.one().await.key, "fine");
    watch.end().await.unwrap();
}

#[tokio::test]
async fn the_end_of_the_folder_is_the_end_of_the_watch() {
    let (_home, root) = folder();
    let mut watch = Watch::start(&root, 100);
    watch.walked().await;
    fs::remove_dir(&root).unwrap();
    let ended = tokio::time::timeout(DEADLINE, watch.running.join_next()).await;
    let error = ended.unwrap().unwrap().unwrap().unwrap_err();
    assert!(matches!(error, FolderError::Gone(_)), "{error}");
}

#[test]
fn a_folder_that_cannot_be_watched_is_named_in_one_sentence() {
    let (_home, root) = folder();
    fs::write(root.join("file"), b"").unwrap();
    let check = |path: &Path, expected: &str| {
        let clock = Arc::new(SystemClock);
        let opened = FolderSource::open(path, bucket(), SETTLE, clock);
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    };
    check(&root.join("absent"), "no such folder");
    check(&root.join("file"), "is a file, not a folder");
}

#[tokio::test]
async fn a_folder_of_20_000_files_flows_through_a_small_queue() {
    flows_through_a_small_queue(20).await;
}

#[tokio::test]
#[ignore = "half a minute: five times the test above"]
async fn a_folder_of_100_000_files_flows_through_a_small_queue() {
    flows_through_a_small_queue(100).await;
}

/// Many files, a queue of 100: what is in memory is bounded, nothing is lost, nothing comes twice.
async fn flows_through_a_small_queue(folders: usize) {
    const PER_FOLDER: usize = 1_000;
    const CAPACITY: usize = 100;
    let (_home, root) = folder();
    // Links to one file are as many files to whoever looks, and quicker to make; an inode takes
    // 65,000 of them at most.
    let seed = root.with_extension("seed");
    for folder in 0..folders {
        let folder = root.join(folder.to_string());
        fs::create_dir(&folder).unwrap();
        fs::write(&seed, b"x").unwrap();
        for number in 0..PER_FOLDER {
            fs::hard_link(&seed, folder.join(number.to_string())).unwrap();
        }
        fs::remove_file(&seed).unwrap();
    }
    let files = folders * PER_FOLDER;
    let mut watch = Watch::start(&root, CAPACITY);
    let full = watch
        .until(|progress| progress.queued == CAPACITY as u64)
        .await;
    assert!(full.seen < 10 * CAPACITY as u64, "it waits: {full:?}");
    let mut keys = BTreeSet::new();
    while keys.len() < files {
        let stats = watch.queue.stats();
        assert!(stats.visible + stats.in_flight <= CAPACITY, "{stats:?}");
        for seen in watch.receive().await {
            assert!(keys.insert(seen.key), "told twice");
        }
    }
    let progress = watch.walked().await;
    assert_eq!(progress.queued, files as u64);
    assert_eq!(watch.queue.stats().visible, 0);
    watch.end().await.unwrap();
}
