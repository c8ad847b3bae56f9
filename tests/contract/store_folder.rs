//! What only the folder store promises: no way out of the folder, and nothing lost to a kill.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, IFlags, Mode, ioctl_getflags, ioctl_setflags, mkfifoat};
use s3_warden::event::{BucketName, FindingId, Key};
use s3_warden::local::{FolderError, FolderStore, Recovered, Stranded};
use s3_warden::object::{Fetched, Located, ObjectStore, Removed, Why};

use crate::kit::{bucket, id_of};
use crate::store::{FolderBench, StoreBench, fetched, target};

const STAGING: &str = ".s3-warden-staging";

async fn denied(bench: &FolderBench, key: &str) -> bool {
    let answer = bench.store().fetch(&target(key), 1_000).await.unwrap();
    matches!(answer, Fetched::Denied(Why::NotAFile))
}

#[tokio::test]
async fn no_key_leads_out_of_the_folder() {
    let bench = FolderBench::new();
    fs::write(bench.home.path().join("secret"), b"outside").unwrap();
    bench.put("a/b", b"inside").await;
    let absolute = bench.home.path().join("secret");
    for key in [
        "../secret",
        "a/../../secret",
        "a/../a/b",
        "./a/b",
        "a//b",
        "a/",
        "",
        "a/b\0",
        absolute.to_str().unwrap(),
    ] {
        assert!(denied(&bench, key).await, "{key:?}");
    }
    let mut elsewhere = target("a/b");
    elsewhere.bucket = BucketName::new("other").unwrap();
    let answer = bench.store().fetch(&elsewhere, 1_000).await.unwrap();
    assert!(matches!(answer, Fetched::Denied(Why::NotAFile)));
}

#[tokio::test]
async fn only_ordinary_files_are_objects() {
    let bench = FolderBench::new();
    fs::write(bench.home.path().join("secret"), b"outside").unwrap();
    fs::create_dir(bench.path("folder")).unwrap();
    bench.put("real", b"inside").await;
    symlink(bench.home.path().join("secret"), bench.path("out")).unwrap();
    symlink(bench.path("real"), bench.path("in")).unwrap();
    symlink(bench.home.path(), bench.path("up")).unwrap();
    symlink("nowhere", bench.path("dangling")).unwrap();
    // Opening a pipe that nobody writes to would wait for ever.
    mkfifoat(CWD, bench.path("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
    for key in ["out", "in", "up/secret", "dangling", "folder", "pipe"] {
        assert!(denied(&bench, key).await, "{key}");
    }
}

#[tokio::test]
async fn what_would_take_minutes_to_pin_is_not_pinned() {
    let bench = FolderBench::new();
    let file = fs::File::create(bench.path("huge")).unwrap();
    // Nothing but a length.
    file.set_len(5 * 1024 * 1024 * 1024 + 1).unwrap();
    let located = bench.store().locate(&target("huge")).await.unwrap();
    assert_eq!(located, Located::Denied(Why::TooBigToCopy));
}

#[tokio::test]
async fn a_link_in_place_of_what_was_judged_is_not_followed() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let (object, ..) = fetched(bench.store(), "k").await;
    // The same bytes, elsewhere.
    fs::write(bench.home.path().join("twin"), b"one").unwrap();
    fs::remove_file(bench.path("k")).unwrap();
    symlink(bench.home.path().join("twin"), bench.path("k")).unwrap();
    for answer in [
        bench.store().remove(&object).await.unwrap(),
        bench
            .store()
            .quarantine(&object, &id_of("k"), None)
            .await
            .unwrap(),
    ] {
        assert_eq!(answer, Removed::Blocked(Why::NotAFile));
    }
    assert!(bench.home.path().join("twin").exists());
    assert!(bench.path("k").is_symlink());
}

#[tokio::test]
async fn reading_leaves_no_trace_and_removing_an_empty_one() {
    let bench = FolderBench::new();
    bench.put("a/k", b"one").await;
    let (object, ..) = fetched(bench.store(), "a/k").await;
    assert!(!bench.path(STAGING).exists());
    bench.store().remove(&object).await.unwrap();
    let left = fs::read_dir(bench.path(STAGING)).unwrap().count();
    assert_eq!(left, 0, "captures are left");
    let mode = fs::metadata(bench.path(STAGING)).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o700);
    assert!(denied(&bench, &format!("{STAGING}/0/object")).await);
}

#[tokio::test]
async fn a_quarantined_object_is_private_and_tells_its_origin() {
    let bench = FolderBench::new();
    bench.put("a/k", b"one").await;
    let (object, _, facts) = fetched(bench.store(), "a/k").await;
    bench
        .store()
        .quarantine(&object, &id_of("k"), None)
        .await
        .unwrap();
    let folder = bench.home.path().join("quarantine");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let copy = folder.join(id_of("k").to_string());
    let origin = folder.join(format!("{}.json", id_of("k")));
    assert_eq!((mode(&copy), mode(&origin)), (0o600, 0o600));
    let origin: serde_json::Value = serde_json::from_slice(&fs::read(origin).unwrap()).unwrap();
    assert_eq!(origin["bucket"], "inbox");
    assert_eq!(origin["key"], "a/k");
    assert_eq!(origin["size"], 3);
    assert_eq!(origin["sha256"], object.pin.etag.as_str());
    assert_eq!(origin["modified_at"], facts.modified_at.to_string());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[tokio::test]
async fn a_kill_between_copy_and_removal_is_finished_by_a_repetition() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let (object, ..) = fetched(bench.store(), "k").await;
    bench
        .store()
        .quarantine(&object, &id_of("k"), None)
        .await
        .unwrap();
    // The state that such a kill leaves: both are there.
    bench.put("k", b"one").await;
    let again = bench.store().quarantine(&object, &id_of("k"), None).await;
    assert_eq!(again.unwrap(), Removed::Removed);
    assert_eq!(bench.get("k").await, None);
    assert!(bench.quarantined(&id_of("k")).await.is_some());
}

#[tokio::test]
async fn a_kill_while_copying_leaves_nothing_behind() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let half = bench.home.path().join("quarantine/.abc.part");
    fs::write(&half, b"o").unwrap();
    bench.store.recover().await.unwrap();
    assert!(!half.exists());
    assert!(bench.path("k").exists());
}

#[tokio::test]
async fn other_bytes_under_the_id_are_never_overwritten() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let (object, ..) = fetched(bench.store(), "k").await;
    let place = bench
        .home
        .path()
        .join("quarantine")
        .join(id_of("k").to_string());
    fs::write(&place, b"earlier").unwrap();
    let answer = bench.store().quarantine(&object, &id_of("k"), None).await;
    assert_eq!(answer.unwrap(), Removed::Blocked(Why::CopyDiffers));
    assert_eq!(fs::read(&place).unwrap(), b"earlier");
    assert!(bench.path("k").exists());
}

#[tokio::test]
async fn a_quarantine_that_cannot_be_written_leaves_the_source() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let (object, ..) = fetched(bench.store(), "k").await;
    // A folder where the copy is to be written fails for every user.
    let part = format!("quarantine/.{}.part", id_of("k"));
    fs::create_dir(bench.home.path().join(part)).unwrap();
    let failed = bench.store().quarantine(&object, &id_of("k"), None).await;
    let text = failed.unwrap_err().to_string();
    assert!(!text.contains("/k"), "{text}");
    assert_eq!(bench.get("k").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(bench.quarantined(&id_of("k")).await, None);
}

/// Lays a capture into the staging folder as a kill leaves it.
fn captured(bench: &FolderBench, number: &str, key: Option<&str>, bytes: Option<&[u8]>) {
    let folder = bench.path(STAGING).join(number);
    fs::create_dir_all(&folder).unwrap();
    if let Some(key) = key {
        fs::write(folder.join("key"), key).unwrap();
    }
    if let Some(bytes) = bytes {
        fs::write(folder.join("object"), bytes).unwrap();
    }
}

#[tokio::test]
async fn every_state_that_a_kill_leaves_is_put_in_order() {
    let bench = FolderBench::new();
    fs::create_dir(bench.path("a")).unwrap();
    // Killed before the note, while writing it, before the capture, after the unlink.
    captured(&bench, "0", None, None);
    captured(&bench, "1", Some("a/hal"), None);
    captured(&bench, "2", Some("a/whole"), None);
    // Killed between capture and unlink.
    captured(&bench, "3", Some("a/k"), Some(b"one"));
    // The same, and something newer has the name, or the folder is gone.
    captured(&bench, "4", Some("taken"), Some(b"old"));
    captured(&bench, "5", Some("gone/k"), Some(b"lost"));
    bench.put("taken", b"new").await;
    let store = FolderBench::open(&bench.home);
    let stranded = |key: &str, number: u8| Stranded {
        key: Key::new(key),
        place: format!("{STAGING}/{number}/object"),
    };
    for put_back in [1, 0] {
        let mut recovered = store.recover().await.unwrap();
        recovered.stranded.sort_by(|a, b| a.place.cmp(&b.place));
        let expected = Recovered {
            put_back,
            stranded: vec![stranded("taken", 4), stranded("gone/k", 5)],
        };
        assert_eq!(recovered, expected);
    }
    assert_eq!(bench.get("a/k").await.as_deref(), Some(&b"one"[..]));
    assert_eq!(bench.get("taken").await.as_deref(), Some(&b"new"[..]));
    assert_eq!(fs::read_dir(bench.path(STAGING)).unwrap().count(), 2);
    // What stays is not in the way of later removals.
    let (object, ..) = fetched(&store, "a/k").await;
    assert_eq!(store.remove(&object).await.unwrap(), Removed::Removed);
}

#[tokio::test]
async fn two_processes_do_not_take_each_others_captures() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    bench.put("l", b"two").await;
    let (object, ..) = fetched(bench.store(), "k").await;
    bench.store().remove(&object).await.unwrap();
    let other = FolderBench::open(&bench.home);
    let busy = other.recover().await.unwrap_err();
    assert!(matches!(busy, FolderError::Busy(_)), "{busy}");
    let (object, ..) = fetched(&other, "l").await;
    assert!(other.remove(&object).await.is_err());
    assert!(bench.path("l").exists());
}

/// A folder in which this user can change nothing, until dropped.
struct Sealed(PathBuf);

impl Sealed {
    /// By permissions; where those do not bind this user, by the file system's immutable flag.
    fn seal(folder: PathBuf) -> Option<Self> {
        let sealed = Self(folder);
        fs::set_permissions(&sealed.0, fs::Permissions::from_mode(0o500)).unwrap();
        sealed.flag(true);
        fs::write(sealed.0.join("probe"), b"")
            .is_err()
            .then_some(sealed)
    }

    fn flag(&self, on: bool) {
        let folder = fs::File::open(&self.0).unwrap();
        if let Ok(mut flags) = ioctl_getflags(&folder) {
            flags.set(IFlags::IMMUTABLE, on);
            // Not every file system or user can: then the probe tells.
            ioctl_setflags(&folder, flags).unwrap_or_default();
        }
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.flag(false);
        fs::set_permissions(&self.0, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[tokio::test]
async fn what_we_may_not_remove_is_blocked() {
    let bench = FolderBench::new();
    bench.put("locked/k", b"one").await;
    let (object, ..) = fetched(bench.store(), "locked/k").await;
    let Some(_sealed) = Sealed::seal(bench.path("locked")) else {
        eprintln!("skipped: nothing binds this user");
        return;
    };
    let blocked = Removed::Blocked(Why::AccessDenied);
    assert_eq!(bench.store().remove(&object).await.unwrap(), blocked);
    let quarantined = bench.store().quarantine(&object, &id_of("k"), None).await;
    assert_eq!(quarantined.unwrap(), blocked);
    assert!(bench.path("locked/k").exists());
    assert_eq!(bench.quarantined(&id_of("k")).await, None);
    let left = fs::read_dir(bench.path(STAGING)).unwrap().count();
    assert_eq!(left, 0, "captures are left");
}

#[tokio::test]
async fn trouble_at_our_own_place_never_says_that_the_object_is_gone() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let (object, ..) = fetched(bench.store(), "k").await;
    // Told as blocked, not tried in silence for ever: it stays so until somebody acts.
    fs::write(bench.path(STAGING), b"").unwrap();
    let blocked = Removed::Blocked(Why::NotAFile);
    assert_eq!(bench.store().remove(&object).await.unwrap(), blocked);
    assert!(bench.path("k").exists());
    fs::remove_file(bench.path(STAGING)).unwrap();
    assert_eq!(
        bench.store().remove(&object).await.unwrap(),
        Removed::Removed
    );
    // Somebody tidies up.
    fs::remove_dir(bench.path(STAGING)).unwrap();
    bench.put("k", b"one").await;
    assert!(bench.store().remove(&object).await.is_err());
    assert!(bench.path("k").exists());
    assert_eq!(
        bench.store().remove(&object).await.unwrap(),
        Removed::Removed
    );
}

/// Replaces the file by the bytes given, one after the other, each in one step.
fn replace(path: &Path, states: [&[u8]; 2]) {
    for state in states {
        let part = path.with_extension("part");
        fs::write(&part, state).unwrap();
        fs::rename(&part, path).unwrap();
    }
}

/// Waits until a capture beyond the `known` ones is prepared, or `over`: then it is between
/// comparison and capture.
fn wait_for_capture(staging: &Path, known: usize, over: &AtomicBool) {
    let prepared = || fs::read_dir(staging).map_or(0, Iterator::count);
    while prepared() <= known && !over.load(Ordering::SeqCst) {
        std::hint::spin_loop();
    }
}

#[tokio::test]
async fn what_replaces_it_while_it_is_removed_is_never_lost() {
    let bench = FolderBench::new();
    let (path, staging) = (bench.path("k"), bench.path(STAGING));
    let mut superseded = 0;
    for _ in 0..50 {
        bench.put("k", b"one").await;
        let (object, ..) = fetched(bench.store(), "k").await;
        let known = fs::read_dir(&staging).map_or(0, Iterator::count);
        let over = Arc::new(AtomicBool::new(false));
        let (replaced, seen, end) = (path.clone(), staging.clone(), Arc::clone(&over));
        let writer = tokio::task::spawn_blocking(move || {
            wait_for_capture(&seen, known, &end);
            replace(&replaced, [b"two", b"three"]);
        });
        let removed = bench.store().remove(&object).await;
        over.store(true, Ordering::SeqCst);
        writer.await.unwrap();
        superseded += usize::from(removed.unwrap() == Removed::Superseded);
        assert_eq!(bench.get("k").await.as_deref(), Some(&b"three"[..]));
    }
    assert!(superseded > 0, "the two never met");
    // What was captured in between and had no way back is kept, and told.
    let kept = fs::read_dir(&staging).unwrap().count();
    let recovered = bench.store.recover().await.unwrap();
    assert_eq!((recovered.put_back, recovered.stranded.len()), (0, kept));
}

#[tokio::test]
async fn without_a_quarantine_nothing_is_moved() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    let store = FolderStore::open(&bench.path(""), bucket(), None).unwrap();
    let (object, ..) = fetched(&store, "k").await;
    let id: FindingId = id_of("k");
    assert!(store.quarantine(&object, &id, None).await.is_err());
    assert!(bench.path("k").exists());
}

#[test]
fn a_folder_that_cannot_serve_is_named_in_one_sentence() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), b"").unwrap();
    fs::create_dir(home.path().join("inbox")).unwrap();
    let check = |root: &str, quarantine: Option<&str>, expected: &str| {
        let quarantine = quarantine.map(|folder| home.path().join(folder));
        let opened = FolderStore::open(&home.path().join(root), bucket(), quarantine);
        let error = opened.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let named = error.contains(&home.path().join(root).display().to_string());
        assert!(named && !error.contains('\n'), "{error}");
    };
    check("absent", None, "no such folder");
    check("file", None, "is a file, not a folder");
    check("inbox", Some("inbox"), "inside the guarded folder");
    check("inbox", Some("inbox/deep/q"), "inside the guarded folder");
    assert!(!home.path().join("inbox/deep").exists(), "nothing was made");
    symlink(home.path().join("inbox"), home.path().join("link")).unwrap();
    check("inbox", Some("link/q"), "inside the guarded folder");
}
