//! A disk that takes no more bytes: writes fail, nothing half-written is left, nothing is deleted.
//!
//! A real one, as far as the process can tell: a child of this test runs under a file size limit of
//! zero, so that files can be made and every byte written to one is refused.

use std::fs;
use std::path::Path;
use std::process::Command;

use s3_warden::local::FileLedger;
use s3_warden::object::ObjectStore;
use s3_warden::record::{Begun, Ledger, LedgerError};

use crate::kit::{id_of, intent};
use crate::store::{FolderBench, StoreBench, fetched};

const DAY: &str = "2026-08-22T10:00:00Z";
/// Names the folder in which the child works.
const HOME: &str = "WARDEN_TEST_DISK_FULL";

/// Runs the ignored test `name` of this module in a child that can't write.
fn without_room(name: &str, home: &Path) {
    let limited = "trap '' XFSZ; ulimit -f 0; exec \"$0\" --ignored --exact \"$1\" --nocapture";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .arg(format!("disk_full::{name}"))
        .env(HOME, home)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{complained}");
    assert!(said.contains("1 passed"), "the child ran no test: {said}");
}

fn home() -> std::path::PathBuf {
    std::env::var_os(HOME).unwrap().into()
}

fn files_below(folder: &Path) -> Vec<String> {
    walkdir::WalkDir::new(folder)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn an_intent_is_refused_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    drop(FileLedger::open(home.path()).await.unwrap());
    without_room("child_begins", home.path());
    assert_eq!(files_below(home.path()), ["lock"]);
    // With room again the same work begins as if nothing had been.
    let ledger = FileLedger::open(home.path()).await.unwrap();
    let begun = ledger.begin(intent("k", DAY)).await.unwrap();
    assert!(matches!(begun, Begun::Fresh(_)));
}

#[tokio::test]
#[ignore = "runs in a child without room for files"]
async fn child_begins() {
    let ledger = FileLedger::open(&home()).await.unwrap();
    let failed = ledger.begin(intent("k", DAY)).await.unwrap_err();
    assert!(matches!(failed, LedgerError::Unavailable(_)), "{failed}");
    assert!(ledger.open(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn neither_removal_nor_quarantine_touches_the_source() {
    let bench = FolderBench::new();
    bench.put("k", b"one").await;
    without_room("child_removes", bench.home.path());
    assert_eq!(bench.get("k").await.as_deref(), Some(&b"one"[..]));
    assert!(files_below(&bench.home.path().join("quarantine")).is_empty());
    assert_eq!(files_below(&bench.path("")), ["k"]);
}

#[tokio::test]
#[ignore = "runs in a child without room for files"]
async fn child_removes() {
    let home = home();
    let quarantine = Some(home.join("quarantine"));
    let inbox = home.join("inbox");
    let store = s3_warden::local::FolderStore::open(&inbox, crate::kit::bucket(), quarantine);
    let store = store.unwrap();
    let (object, ..) = fetched(&store, "k").await;
    assert!(store.quarantine(&object, &id_of("k"), None).await.is_err());
    // The note of a capture cannot be written, so nothing is captured.
    assert!(store.remove(&object).await.is_err());
    assert!(fs::exists(inbox.join("k")).unwrap());
}
