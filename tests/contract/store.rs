//! The contract of `object::ObjectStore`.

use std::fs;
use std::path::PathBuf;

use s3_warden::event::{BucketName, EventPin, FindingId, Key, Target};
use s3_warden::local::FolderStore;
use s3_warden::object::{
    Facts, Fetched, Located, Mark, ObjectRef, ObjectStore, Quarantine, Removed, Tagged, Why,
};
use sha2::{Digest, Sha256};

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
    /// Whether what is written gets a version.
    fn has_versions(&self) -> bool {
        false
    }
    /// Whether what is written over stays, and can be removed while the newer one stays.
    fn keeps_replaced(&self) -> bool {
        false
    }
    /// Whether a write now makes a version beside what is there.
    fn adds_versions(&self) -> bool {
        false
    }
    /// Whether verdict tags can be set.
    fn has_tags(&self) -> bool {
        true
    }
    fn bucket(&self) -> BucketName;
    fn store(&self) -> &dyn ObjectStore;
    /// The way back from the quarantine.
    fn back(&self) -> &dyn Quarantine;
    /// Writes over what is kept under a finding.
    async fn spoil(&self, id: &FindingId, bytes: &[u8]);
    async fn put(&self, key: &str, bytes: &[u8]);
    async fn delete(&self, key: &str);
    async fn get(&self, key: &str) -> Option<Vec<u8>>;
    /// Everything that can still be read under a key, in whatever way.
    async fn states(&self, key: &str) -> Vec<Vec<u8>>;
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
    fn has_tags(&self) -> bool {
        false
    }

    fn bucket(&self) -> BucketName {
        bucket()
    }

    fn store(&self) -> &dyn ObjectStore {
        &self.store
    }

    fn back(&self) -> &dyn Quarantine {
        &self.store
    }

    async fn spoil(&self, id: &FindingId, bytes: &[u8]) {
        let place = self.home.path().join("quarantine").join(id.to_string());
        fs::write(place, bytes).unwrap();
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

    async fn states(&self, key: &str) -> Vec<Vec<u8>> {
        self.get(key).await.into_iter().collect()
    }

    async fn quarantined(&self, id: &FindingId) -> Option<Vec<u8>> {
        fs::read(self.home.path().join("quarantine").join(id.to_string())).ok()
    }
}

/// All checks on one ground.
macro_rules! store_suite {
    ($module:ident, $ground:expr) => {
        suite!(
            $module,
            $ground,
            tokio::test,
            [
                a_fetch_brings_the_bytes_and_pins_them,
                any_unicode_key_is_fetched,
                what_is_not_there_is_missing,
                a_pin_that_no_longer_fits_is_superseded,
                the_cap_is_the_last_size_that_is_read,
                what_is_located_is_pinned_as_a_read_pins_it,
                what_was_judged_is_removed,
                any_unicode_key_is_removed_and_moved,
                removing_twice_says_gone,
                what_replaced_it_is_untouched,
                the_same_bytes_written_again_are_another_object_only_with_versions,
                the_quarantine_holds_what_was_removed,
                quarantining_twice_finds_the_copy_and_keeps_it,
                gone_without_such_a_copy_is_gone,
                a_copy_that_is_not_what_was_judged_blocks,
                what_replaced_it_is_not_quarantined,
                many_at_once_remove_it_once,
                a_tag_is_set_or_said_to_be_unsupported,
                clean_is_said_of_versions_only,
            ]
        );
    };
}

store_suite!(local, crate::kit::Local);
store_suite!(emulator_unversioned, crate::store_s3::Buckets::Unversioned);
store_suite!(emulator_versioned, crate::store_s3::Buckets::Versioned);
store_suite!(emulator_suspended, crate::store_s3::Buckets::Suspended);
store_suite!(
    emulator_enabled_after_upload,
    crate::store_s3::Buckets::EnabledAfterUpload
);

/// Keys that are easily mangled on their way.
pub(crate) const ODD_KEYS: [&str; 7] = [
    "신분증/여권 1.jpg",
    "a+b%20c&d=e.png",
    "..a",
    "-rf",
    "q?#\\\"'",
    "e\u{301}\u{202e}x",
    "😀 x.png",
];

pub(crate) fn target(key: &str) -> Target {
    target_in(bucket(), key)
}

fn target_in(bucket: BucketName, key: &str) -> Target {
    Target {
        bucket,
        key: Key::new(key),
        pin: None,
    }
}

pub(crate) async fn fetched(store: &dyn ObjectStore, key: &str) -> (ObjectRef, Vec<u8>, Facts) {
    fetched_in(store, bucket(), key).await
}

pub(crate) async fn fetched_in(
    store: &dyn ObjectStore,
    bucket: BucketName,
    key: &str,
) -> (ObjectRef, Vec<u8>, Facts) {
    match store.fetch(&target_in(bucket, key), CAP).await.unwrap() {
        Fetched::Body {
            object,
            bytes,
            facts,
        } => (object, bytes.to_vec(), facts),
        other => panic!("a body was expected: {other:?}"),
    }
}

pub(crate) async fn put_and_fetched(bench: &impl StoreBench, key: &str, bytes: &[u8]) -> ObjectRef {
    bench.put(key, bytes).await;
    fetched_in(bench.store(), bench.bucket(), key).await.0
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn a_fetch_brings_the_bytes_and_pins_them(ground: &impl StoreGround) {
    let bench = ground.make().await;
    bench.put("a/b.png", b"one").await;
    let (object, bytes, facts) = fetched_in(bench.store(), bench.bucket(), "a/b.png").await;
    assert_eq!(bytes, b"one");
    assert_eq!(facts.size, 3);
    let named = (object.bucket, object.key);
    assert_eq!(named, (bench.bucket(), Key::new("a/b.png")));
    assert_eq!(object.pin.version.is_some(), bench.has_versions());
    let other = put_and_fetched(&bench, "c.png", b"two").await;
    assert_ne!(other.pin.etag, object.pin.etag);
}

async fn any_unicode_key_is_fetched(ground: &impl StoreGround) {
    let bench = ground.make().await;
    for key in ODD_KEYS {
        bench.put(key, key.as_bytes()).await;
        let (_, bytes, _) = fetched_in(bench.store(), bench.bucket(), key).await;
        assert_eq!(bytes, key.as_bytes());
    }
}

async fn what_is_not_there_is_missing(ground: &impl StoreGround) {
    let bench = ground.make().await;
    bench.put("file", b"x").await;
    let long = "x".repeat(1_000);
    let too_long = "x".repeat(1_100);
    for key in ["absent", "no/such/folder", "file/below", &long, &too_long] {
        let target = target_in(bench.bucket(), key);
        let answer = bench.store().fetch(&target, CAP).await.unwrap();
        assert!(matches!(answer, Fetched::Missing), "{answer:?}");
        let answer = bench.store().locate(&target).await.unwrap();
        assert_eq!(answer, Located::Missing);
    }
}

async fn a_pin_that_no_longer_fits_is_superseded(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let first = put_and_fetched(&bench, "k", b"one").await;
    let mut pinned = target_in(bench.bucket(), "k");
    pinned.pin = Some(EventPin::ETag(first.pin.etag.clone()));
    let answer = bench.store().fetch(&pinned, CAP).await.unwrap();
    assert!(matches!(answer, Fetched::Body { .. }), "{answer:?}");
    bench.put("k", b"two").await;
    let read = bench.store().fetch(&pinned, CAP).await.unwrap();
    let located = bench.store().locate(&pinned).await.unwrap();
    // What an event without a version meant may have stayed under what came over it.
    if bench.keeps_replaced() && !bench.has_versions() {
        assert!(matches!(&read, Fetched::Body { object, .. } if *object == first));
        assert!(matches!(&located, Located::There { object, .. } if *object == first));
    } else {
        assert!(matches!(read, Fetched::Superseded), "{read:?}");
        assert_eq!(located, Located::Superseded);
    }
    if let Some(version) = first.pin.version {
        pinned.pin = Some(EventPin::Version(version));
        let answer = bench.store().fetch(&pinned, CAP).await.unwrap();
        assert!(matches!(answer, Fetched::Body { bytes, .. } if bytes == "one"));
    }
}

async fn the_cap_is_the_last_size_that_is_read(ground: &impl StoreGround) {
    let bench = ground.make().await;
    bench.put("k", &[7; 100]).await;
    let target = target_in(bench.bucket(), "k");
    let fetch = async |cap| bench.store().fetch(&target, cap).await.unwrap();
    assert!(matches!(fetch(100).await, Fetched::Body { .. }));
    assert!(matches!(fetch(99).await, Fetched::TooLarge(100)));
    bench.put("empty", b"").await;
    let empty = target_in(bench.bucket(), "empty");
    let answer = bench.store().fetch(&empty, 0).await.unwrap();
    assert!(matches!(answer, Fetched::Body { .. }));
}

async fn what_is_located_is_pinned_as_a_read_pins_it(ground: &impl StoreGround) {
    let bench = ground.make().await;
    for (key, bytes) in [("k", &b"one"[..]), ("empty", b""), ("여권 +.png", b"x")] {
        bench.put(key, bytes).await;
        let (object, _, facts) = fetched_in(bench.store(), bench.bucket(), key).await;
        let target = target_in(bench.bucket(), key);
        let located = bench.store().locate(&target).await.unwrap();
        assert_eq!(located, Located::There { object, facts });
    }
}

async fn what_was_judged_is_removed(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "a/k", b"one").await;
    bench.put("a/other", b"one").await;
    let removed = bench.store().remove(&object).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    assert_eq!(bench.get("a/k").await, None);
    assert!(bench.states("a/k").await.is_empty(), "it can still be read");
    assert_eq!(bench.get("a/other").await.as_deref(), Some(&b"one"[..]));
}

async fn any_unicode_key_is_removed_and_moved(ground: &impl StoreGround) {
    let bench = ground.make().await;
    for key in ODD_KEYS {
        let object = put_and_fetched(&bench, key, key.as_bytes()).await;
        let removed = bench.store().remove(&object).await.unwrap();
        assert_eq!(removed, Removed::Removed, "{key}");
        assert!(bench.states(key).await.is_empty(), "{key}");
        let object = put_and_fetched(&bench, key, b"again").await;
        let (store, id) = (bench.store(), id_of(key));
        let moved = store
            .quarantine(&object, &id, Some(&sha256(b"again")))
            .await;
        assert_eq!(moved.unwrap(), Removed::Removed, "{key}");
        assert!(bench.states(key).await.is_empty(), "{key}");
        assert_eq!(bench.quarantined(&id).await.unwrap(), b"again");
    }
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
    let expected = if bench.keeps_replaced() {
        Removed::Removed
    } else {
        Removed::Superseded
    };
    assert_eq!(removed, expected);
    assert_eq!(bench.get("k").await.as_deref(), Some(&b"two"[..]));
    assert_eq!(bench.states("k").await, [b"two".to_vec()]);
}

async fn the_same_bytes_written_again_are_another_object_only_with_versions(
    ground: &impl StoreGround,
) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.put("k", b"one").await;
    let removed = bench.store().remove(&object).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    let left = usize::from(bench.keeps_replaced());
    assert_eq!(bench.states("k").await.len(), left);
}

async fn the_quarantine_holds_what_was_removed(ground: &impl StoreGround) {
    let bench = ground.make().await;
    for (key, hash) in [("k", Some(sha256(b"one"))), ("unread", None)] {
        let object = put_and_fetched(&bench, key, b"one").await;
        let (store, id) = (bench.store(), id_of(key));
        let removed = store.quarantine(&object, &id, hash.as_deref()).await;
        assert_eq!(removed.unwrap(), Removed::Removed);
        assert!(bench.states(key).await.is_empty(), "it can still be read");
        let copy = bench.quarantined(&id_of(key)).await;
        assert_eq!(copy.as_deref(), Some(&b"one"[..]));
    }
}

async fn quarantining_twice_finds_the_copy_and_keeps_it(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let hash = sha256(b"one");
    // A kill between the removal and its record is repeated so.
    for _try in 0..2 {
        let (store, id) = (bench.store(), id_of("k"));
        let removed = store.quarantine(&object, &id, Some(&hash)).await;
        assert_eq!(removed.unwrap(), Removed::Removed);
        assert!(bench.quarantined(&id_of("k")).await.is_some());
    }
}

async fn gone_without_such_a_copy_is_gone(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let (store, id) = (bench.store(), id_of("k"));
    let moved = store.quarantine(&object, &id, Some(&sha256(b"one"))).await;
    assert_eq!(moved.unwrap(), Removed::Removed);
    bench.spoil(&id, b"two").await;
    let moved = store.quarantine(&object, &id, Some(&sha256(b"one"))).await;
    assert_eq!(moved.unwrap(), Removed::AlreadyGone);
    let other = id_of("other");
    let moved = store
        .quarantine(&object, &other, Some(&sha256(b"one")))
        .await;
    assert_eq!(moved.unwrap(), Removed::AlreadyGone);
}

async fn a_copy_that_is_not_what_was_judged_blocks(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let first = put_and_fetched(&bench, "first", b"one").await;
    let second = put_and_fetched(&bench, "second", b"two").await;
    let (store, id) = (bench.store(), id_of("k"));
    let moved = store.quarantine(&first, &id, Some(&sha256(b"one"))).await;
    assert_eq!(moved.unwrap(), Removed::Removed);
    // Something else lies there already, and is never overwritten.
    let blocked = store.quarantine(&second, &id, Some(&sha256(b"two"))).await;
    assert_eq!(blocked.unwrap(), Removed::Blocked(Why::CopyDiffers));
    assert_eq!(bench.quarantined(&id).await.unwrap(), b"one");
    assert_eq!(bench.states("second").await, [b"two".to_vec()]);
}

async fn what_replaced_it_is_not_quarantined(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    bench.put("k", b"two").await;
    let (store, id) = (bench.store(), id_of("k"));
    let moved = store.quarantine(&object, &id, Some(&sha256(b"one"))).await;
    if bench.keeps_replaced() {
        assert_eq!(moved.unwrap(), Removed::Removed);
        assert_eq!(bench.quarantined(&id).await.unwrap(), b"one");
    } else {
        assert_eq!(moved.unwrap(), Removed::Superseded);
        assert_eq!(bench.quarantined(&id).await, None);
    }
    assert_eq!(bench.get("k").await.as_deref(), Some(&b"two"[..]));
    bench.delete("k").await;
    let moved = store.quarantine(&object, &id, Some(&sha256(b"one"))).await;
    let again = if bench.keeps_replaced() {
        Removed::Removed
    } else {
        Removed::AlreadyGone
    };
    assert_eq!(moved.unwrap(), again);
}

async fn many_at_once_remove_it_once(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let calls = (0..8).map(|_| bench.store().remove(&object));
    let answers = futures::future::try_join_all(calls).await.unwrap();
    let removed = answers.iter().filter(|answer| **answer == Removed::Removed);
    let removed = removed.count();
    // A store that deletes a version that is not there says the same as of one that was.
    let fits = if bench.keeps_replaced() {
        removed >= 1
    } else {
        removed == 1
    };
    assert!(fits, "{answers:?}");
    let allowed = |answer: &Removed| matches!(answer, Removed::Removed | Removed::AlreadyGone);
    assert!(answers.iter().all(allowed), "{answers:?}");
    assert!(bench.states("k").await.is_empty(), "it can still be read");
}

async fn a_tag_is_set_or_said_to_be_unsupported(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let expected = if bench.has_tags() {
        Tagged::Tagged
    } else {
        Tagged::Unsupported
    };
    for mark in [Mark::Flagged, Mark::Flagged, Mark::Undecided] {
        let tagged = bench.store().tag(&object, mark).await.unwrap();
        assert_eq!(tagged, expected);
    }
}

async fn clean_is_said_of_versions_only(ground: &impl StoreGround) {
    let bench = ground.make().await;
    let object = put_and_fetched(&bench, "k", b"one").await;
    let tagged = bench.store().tag(&object, Mark::Clean).await.unwrap();
    let expected = if bench.has_versions() {
        Tagged::Tagged
    } else {
        Tagged::Unsupported
    };
    assert_eq!(tagged, expected);
}
