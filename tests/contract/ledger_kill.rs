//! What only the file ledger promises: every state that a kill leaves on the disk is put in order.
//!
//! Each test lays out by hand what lies there after a kill between two steps.

use std::fs;
use std::path::{Path, PathBuf};

use s3_warden::action::Outcome;
use s3_warden::local::FileLedger;
use s3_warden::record::{Begun, Finding, Ledger, LedgerError, Query, State};

use crate::kit::{at, clean, id_of, intent};

const DAY: &str = "2026-08-22T10:00:00Z";

struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn open(&self) -> FileLedger {
        FileLedger::open(self.folder.path()).await.unwrap()
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn marker(&self, key: &str) -> PathBuf {
        self.path(&format!("pending/{}", id_of(key)))
    }

    fn finding(&self, key: &str) -> PathBuf {
        self.path(&format!("findings/date=2026-08-22/{}.json", id_of(key)))
    }
}

fn acted(key: &str) -> Finding {
    intent(key, DAY).acted(Outcome::Deleted, at(DAY))
}

fn announced(key: &str) -> Finding {
    acted(key).announced(Some("p1".to_owned()), at(DAY))
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn the_layout_is_the_documented_one() {
    let home = Home::new();
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    ledger.note_clean(clean("c", DAY)).await;
    ledger.flush().await.unwrap();
    assert_eq!(fs::read_to_string(home.marker("k")).unwrap(), DAY);
    let stored: Finding = serde_json::from_slice(&fs::read(home.finding("k")).unwrap()).unwrap();
    assert_eq!(stored, *intent("k", DAY).finding());
    let batch = fs::read_to_string(home.path("clean/date=2026-08-22/local-1.ndjson")).unwrap();
    assert_eq!(batch.lines().count(), 1);
    ledger.advance(&announced("k")).await.unwrap();
    assert!(!home.marker("k").exists());
    assert_eq!(count(&home.path("tmp")), 0);
}

#[tokio::test]
async fn killed_before_the_marker_had_its_name() {
    let home = Home::new();
    drop(home.open().await);
    fs::write(home.path("tmp/0"), b"2026-08").unwrap();
    let ledger = home.open().await;
    assert_eq!(count(&home.path("tmp")), 0);
    assert!(ledger.open(10).await.unwrap().is_empty());
    let begun = ledger.begin(intent("k", DAY)).await.unwrap();
    assert!(matches!(begun, Begun::Fresh(_)));
}

#[tokio::test]
async fn killed_between_marker_and_intent() {
    let home = Home::new();
    drop(home.open().await);
    fs::write(home.marker("k"), DAY).unwrap();
    let ledger = home.open().await;
    // The intent was never promised, so nothing was done.
    assert!(ledger.open(10).await.unwrap().is_empty());
    assert!(!home.marker("k").exists());
    let begun = ledger.begin(intent("k", DAY)).await.unwrap();
    assert!(matches!(begun, Begun::Fresh(_)));
    assert!(home.marker("k").exists());
}

#[tokio::test]
async fn killed_between_two_names_of_one_file() {
    let home = Home::new();
    home.open().await.begin(intent("k", DAY)).await.unwrap();
    fs::hard_link(home.finding("k"), home.path("tmp/0")).unwrap();
    let ledger = home.open().await;
    assert_eq!(count(&home.path("tmp")), 0);
    assert_eq!(ledger.open(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn killed_between_announced_and_its_marker() {
    let home = Home::new();
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    ledger.advance(&announced("k")).await.unwrap();
    drop(ledger);
    fs::write(home.marker("k"), DAY).unwrap();
    let ledger = home.open().await;
    assert!(ledger.open(10).await.unwrap().is_empty());
    assert!(!home.marker("k").exists());
    // The same, settled by the repetition that follows a kill.
    fs::write(home.marker("k"), DAY).unwrap();
    ledger.advance(&announced("k")).await.unwrap();
    assert!(!home.marker("k").exists());
}

#[tokio::test]
async fn a_marker_that_cannot_be_read_hides_nothing() {
    let home = Home::new();
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    ledger.advance(&acted("k")).await.unwrap();
    fs::write(home.marker("k"), b"\xff\xfe").unwrap();
    let open = ledger.open(10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].state, State::Acted);
}

#[tokio::test]
async fn a_damaged_record_is_said_and_not_in_the_way() {
    let home = Home::new();
    let ledger = home.open().await;
    ledger.begin(intent("bad", DAY)).await.unwrap();
    ledger.begin(intent("good", DAY)).await.unwrap();
    fs::write(home.finding("bad"), b"{\"secret\": tru").unwrap();
    let finding = intent("bad", DAY).finding().clone();
    let errors = [
        ledger.begin(intent("bad", DAY)).await.unwrap_err(),
        ledger.advance(&acted("bad")).await.unwrap_err(),
        ledger.find(&finding.id, finding.date()).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(&finding.id.to_string()), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
    assert_eq!(ledger.open(10).await.unwrap().len(), 1);
    let page = ledger.list(&Query::default()).await.unwrap();
    assert_eq!(page.findings.len(), 1);
}

#[tokio::test]
async fn damaged_clean_records_do_not_hide_the_others() {
    let home = Home::new();
    let ledger = home.open().await;
    ledger.note_clean(clean("c", DAY)).await;
    ledger.flush().await.unwrap();
    drop(ledger);
    let batch = home.path("clean/date=2026-08-22/local-1.ndjson");
    let whole = fs::read_to_string(&batch).unwrap();
    fs::write(&batch, format!("{{\"id\":\n{whole}{{\"half")).unwrap();
    let ledger = home.open().await;
    let record = clean("c", DAY);
    let found = ledger.find(&record.id, record.date()).await.unwrap();
    assert_eq!(found, Some(record));
}

#[tokio::test]
async fn a_full_batch_is_written_without_being_asked() {
    let home = Home::new();
    let ledger = home.open().await;
    for number in 0..300 {
        ledger.note_clean(clean(&format!("c{number}"), DAY)).await;
    }
    drop(ledger);
    let query = Query {
        clean: true,
        limit: 1_000,
        ..Query::default()
    };
    // A kill loses what was not in a batch, and nothing else.
    let page = home.open().await.list(&query).await.unwrap();
    assert_eq!(page.findings.len(), 256);
}

#[tokio::test]
async fn two_processes_do_not_share_a_folder() {
    let home = Home::new();
    let first = home.open().await;
    let second = FileLedger::open(home.folder.path()).await.unwrap_err();
    assert!(matches!(second, LedgerError::Refused(_)), "{second}");
    let named = second.to_string();
    assert!(
        named.contains(&home.folder.path().display().to_string()),
        "{named}"
    );
    drop(first);
    home.open().await;
}

#[tokio::test]
async fn an_intent_that_cannot_be_written_leaves_nothing() {
    let home = Home::new();
    let ledger = home.open().await;
    // A file where the folder of the day is needed: writing fails for every user.
    fs::write(home.path("findings/date=2026-08-22"), b"").unwrap();
    let failed = ledger.begin(intent("k", DAY)).await.unwrap_err();
    assert!(matches!(failed, LedgerError::Unavailable(_)), "{failed}");
    assert!(!home.marker("k").exists());
    assert_eq!(count(&home.path("tmp")), 0);
}

#[tokio::test]
async fn an_intent_without_its_marker_is_never_written() {
    let home = Home::new();
    let ledger = home.open().await;
    fs::remove_dir(home.path("pending")).unwrap();
    fs::write(home.path("pending"), b"").unwrap();
    assert!(ledger.begin(intent("k", DAY)).await.is_err());
    assert!(!home.finding("k").exists());
}
