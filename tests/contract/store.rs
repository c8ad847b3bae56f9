//! The contract of `object::ObjectStore`.

use std::fs;
use std::path::PathBuf;

use s3_warden::event::{EventPin, FindingId, Key, Target};
use s3_warden::local::FolderStore;
use s3_warden::object::{Facts, Fetched, Mark, ObjectRef, ObjectStore, Removed, Tagged};

use crate::kit::{Ground, Local, bucket, id_of, suite};

const CAP: u64 = 1_000;

/// A ground that has buckets.
pub(crate) trait StoreGround: Ground {
    type Bench: StoreBench;
    /// An empty bucket, with a quarantine.
    async fn make(&self) -> Self::Bench;
}

/// A bucket, and a way round the store.
pub(crate) trait StoreBench: Send + Sync {
    /// Whether an older state can be removed while a newer one stays.
    const VERSIONED: bool;
    /// Whether verdict tags can be set.
    const TAGS: bool;
    fn store(&self) -> &dyn ObjectStore;
    async fn put(&self, key: &str, bytes: &[u8]);
    async fn delete(&self, key: &str);
    async fn get(&self, key: &str) -> Option<Vec<u8>>;
    async fn quarantined(&self, id: &FindingId) -> Option<Vec<u8>>;
}

pub(crate) struct FolderBench {
    pub(crate) home: tempfile::TempDir,
    pub(crate) store: FolderStore,
}

impl FolderBench {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("inbox")).unwrap();
        let store = Self::open(&home);
        Self { home, store }
    }

    /// A store over what lies there: another process.
    pub(crate) fn open(home: &tempfile::TempDir) -> FolderStore {
        let quarantine = Some(home.path().join("quarantine"));
        FolderStore::open(&home.path().join("inbox"), bucket(), quarantine).unwrap()
    }

    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.home.path().join("inbox").join(key)
    }
}

impl StoreGround for Local {
    type Bench = FolderBench;

    async fn make(&self) -> FolderBench {
        FolderBench::new()
    }
}

impl StoreBench for FolderBench {
    const VERSIONED: bool = false;
    const TAGS: bool = false;

    fn store(&self) -> &dyn ObjectStore {
        &self.store
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        let path = self.path(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    async fn delete(&self, key: &str) {
        fs::remove_file(self.path(key)).unwrap();
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        fs::read(self.path(key)).ok()
    }

    async fn quarantined(&self, id: &FindingId) -> Option<Vec<u8>> {
        fs::read(self.home.path().join("quarantine").join(id.to_string())).ok()
    }
}

suite!(
    local,
    crate::kit::Local,
    tokio::test,
    [
        a_fetch_brings_the_bytes_and_pins_them,
        any_unicode_key_is_fetched,
        what_is_not_there_is_missing,
        a_pin_that_no_longer_fits_is_superseded,
        the_cap_is_the_last_size_that_is_read,
        what_was_judged_is_removed,
        removing_twice_says_gone,
        what_replaced_it_is_untouched,
        the_quarantine_holds_what_was_removed,
        quarantining_twice_says_gone_and_keeps_the_copy,
        what_replaced_it_is_not_quarantined,
        many_at_once_remove_it_once,
        a_tag_is_set_or_said_to_be_unsupported,
    ]
);

pub(crate) fn target(key: &str) -> Target {
    Target {
        bucket: bucket(),
        key: Key::new(key),
        pin: None,
    }
}

pub(crate) async fn fetched(store: &dyn ObjectStore, key: &str) -> (ObjectRef, Vec<u8>, Facts) {
    match store.fetch(&target(key), CAP).await.unwrap() {
        Fetched::Body {
            object,
            bytes,
            facts,
        } => (object, bytes.to_vec(), facts),
        other => panic!("a body was expected: {other:?}"),
    }
}

async fn put_and_fetched(bench: &impl StoreBench, key: &str, bytes: &[u8]) -> ObjectRef {
    bench.put(key, bytes).await;
    fetched(bench.store(), key).await.0
}

async fn a_fetch_brings_the_bytes_and_pins_them(ground: &impl StoreGround) {
    let bench = ground.make().await;
    bench.put("a/b.png", b"one").await;
    let (object, bytes, facts) = fetched(bench.store(), "a/b.png").await;
    assert_eq!(bytes, b"one");
    assert_eq!(facts.size, 3);
    assert_eq!((object.bucket, object.key), (bucket(), Key::new("a/b.png")));
    assert_eq!(object.pin.version.is_some(), versioned(&bench));
    bench.put("c.png", b"two").await;
    let (other, ..) = fetched(bench.store(), "c.png").await;
    assert_ne!(other.pin.etag, object.pin.etag);
}

async fn any_unicode_key_is_fetched(ground: &impl StoreGround) {
    let bench = ground.make().await;
    for key in [
        "신분증/여권 1.jpg",
        "a+b%20c&d=e.png",
        "..a",
        "-rf",
        "q?#\\\"'",
        "e\u{301}\u{202e}x",
    ] {
        bench.put(key, key.as_bytes()).await;
        assert_eq!(fetched(bench.store(), key).await.1, key.as_bytes());
    }
}

async fn what_is_not_there_is_missing(ground: &impl StoreGround) {
    let bench = ground.make().await;
    bench.put("file", b"x").await;
    let long = "x".repeat(1_000);
    for key in ["absent", "no/such/folder", "file/below", &long] {
        let answer = bench.store().fetch(&target(key), CAP).await.unwrap();
        assert!(matches!(answer, Fetched::Missing), "{answer:?}");
    }
}

async fn a_pin_that_no_longer_fits_is_superseded(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let first = put_and_fetched(&bench, "k", b"one").await;
    let mut pinned = target("k");
    pinned.pin = Some(EventPin::ETag(first.pin.etag));
    let answer = bench.store().fetch(&pinned, CAP).await.unwrap();
    assert!(matches!(answer, Fetched::Body { .. }), "{answer:?}");
    bench.put("k", b"two").await;
    let answer = bench.store().fetch(&pinned, CAP).await.unwrap();
    assert!(matches!(answer, Fetched::Superseded), "{answer:?}");
}

async fn the_cap_is_the_last_size_that_is_read(ground: &impl StoreGround) {
    let bench = ground.make().await;
    bench.put("k", &[7; 100]).await;
    let fetch = async |cap| bench.store().fetch(&target("k"), cap).await.unwrap();
    assert!(matches!(fetch(100).await, Fetched::Body { .. }));
    assert!(matches!(fetch(99).await, Fetched::TooLarge(100)));
    bench.put("empty", b"").await;
    let answer = bench.store().fetch(&target("empty"), 0).await.unwrap();
    assert!(matches!(answer, Fetched::Body { .. }));
}

async fn what_was_judged_is_removed(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "a/k", b"one").await;
    bench.put("a/other", b"one").await;
    let removed = bench.store().remove(&object).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    assert_eq!(bench.get("a/k").await, None);
    assert_eq!(bench.get("a/other").await.as_deref(), Some(&b"one"[..]));
}

async fn removing_twice_says_gone(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    for expected in [Removed::Removed, Removed::AlreadyGone, Removed::AlreadyGone] {
        assert_eq!(bench.store().remove(&object).await.unwrap(), expected);
    }
}

async fn what_replaced_it_is_untouched(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.put("k", b"two").await;
    let removed = bench.store().remove(&object).await.unwrap();
    let expected = if versioned(&bench) {
        Removed::Removed
    } else {
        Removed::Superseded
    };
    assert_eq!(removed, expected);
    assert_eq!(bench.get("k").await.as_deref(), Some(&b"two"[..]));
}

async fn the_quarantine_holds_what_was_removed(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let removed = bench.store().quarantine(&object, &id_of("k")).await;
    assert_eq!(removed.unwrap(), Removed::Removed);
    assert_eq!(bench.get("k").await, None);
    let copy = bench.quarantined(&id_of("k")).await;
    assert_eq!(copy.as_deref(), Some(&b"one"[..]));
}

async fn quarantining_twice_says_gone_and_keeps_the_copy(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    for expected in [Removed::Removed, Removed::AlreadyGone] {
        let removed = bench.store().quarantine(&object, &id_of("k")).await;
        assert_eq!(removed.unwrap(), expected);
        assert!(bench.quarantined(&id_of("k")).await.is_some());
    }
}

async fn what_replaced_it_is_not_quarantined(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    if !versioned(&bench) {
        bench.put("k", b"two").await;
        let removed = bench.store().quarantine(&object, &id_of("k")).await;
        assert_eq!(removed.unwrap(), Removed::Superseded);
        assert_eq!(bench.get("k").await.as_deref(), Some(&b"two"[..]));
        assert_eq!(bench.quarantined(&id_of("k")).await, None);
    }
    bench.delete("k").await;
    if !versioned(&bench) {
        let removed = bench.store().quarantine(&object, &id_of("k")).await;
        assert_eq!(removed.unwrap(), Removed::AlreadyGone);
    }
}

async fn many_at_once_remove_it_once(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let calls = (0..8).map(|_| bench.store().remove(&object));
    let answers = futures::future::try_join_all(calls).await.unwrap();
    let removed = answers.iter().filter(|answer| **answer == Removed::Removed);
    assert_eq!(removed.count(), 1, "{answers:?}");
    let allowed = |answer: &Removed| matches!(answer, Removed::Removed | Removed::AlreadyGone);
    assert!(answers.iter().all(allowed), "{answers:?}");
}

async fn a_tag_is_set_or_said_to_be_unsupported(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let tagged = bench.store().tag(&object, Mark::Flagged).await.unwrap();
    let expected = if tags(&bench) {
        Tagged::Tagged
    } else {
        Tagged::Unsupported
    };
    assert_eq!(tagged, expected);
}

const fn versioned<B: StoreBench>(_bench: &B) -> bool {
    B::VERSIONED
}

const fn tags<B: StoreBench>(_bench: &B) -> bool {
    B::TAGS
}
