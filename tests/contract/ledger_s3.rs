//! What only records in a bucket promise: every state that a kill leaves is put in order, tasks
//! that meet never undo each other, and few requests are made.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;
use s3_warden::action::{Mode, Outcome};
use s3_warden::aws::{Clients, S3Ledger};
use s3_warden::clock::Clock;
use s3_warden::event::{BucketName, OwnPlace};
use s3_warden::record::{Begun, Finding, Ledger, LedgerError, Query, State};

use crate::kit::{Emulator, at, clean, id_of, intent, intent_in};
use crate::ledger::records_place;
use crate::scripted_s3::{Asked, ScriptedS3, says};
use crate::store_s3::client;

const DAY: &str = "2026-08-22T10:00:00Z";

struct Home {
    place: OwnPlace,
    client: Client,
}

/// The machine's clock, so much ahead.
#[derive(Debug)]
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        Timestamp::now() + self.0
    }
}

impl Home {
    async fn new() -> Self {
        Self {
            place: records_place().await,
            client: client().await,
        }
    }

    async fn open(&self) -> S3Ledger {
        S3Ledger::new(&Emulator::clients().await, self.place.clone())
    }

    /// A task that comes so much later.
    async fn open_after(&self, later: Duration) -> S3Ledger {
        let clients = Emulator::clients().await;
        S3Ledger::with_clock(&clients, self.place.clone(), Arc::new(Ahead(later)))
    }

    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.place.prefix)
    }

    async fn put(&self, key: &str, bytes: &[u8]) {
        let put = self.client.put_object().bucket(self.place.bucket.as_str());
        let put = put
            .key(self.full(key))
            .body(ByteStream::from(bytes.to_vec()));
        put.send().await.unwrap();
    }

    async fn get(&self, key: &str) -> Option<Vec<u8>> {
        let get = self.client.get_object().bucket(self.place.bucket.as_str());
        let got = get.key(self.full(key)).send().await.ok()?;
        Some(got.body.collect().await.unwrap().to_vec())
    }

    async fn delete(&self, key: &str) {
        let delete = self.client.delete_object();
        let delete = delete.bucket(self.place.bucket.as_str());
        delete.key(self.full(key)).send().await.unwrap();
    }

    async fn keys(&self) -> Vec<String> {
        let list = self.client.list_objects_v2();
        let listed = list
            .bucket(self.place.bucket.as_str())
            .send()
            .await
            .unwrap();
        let own = |key: &str| key.strip_prefix(&self.place.prefix).unwrap().to_owned();
        let keys = listed.contents().iter();
        keys.map(|object| own(object.key().unwrap())).collect()
    }

    async fn is_marked(&self, key: &str) -> bool {
        self.get(&marker(key)).await.is_some()
    }
}

fn marker(key: &str) -> String {
    format!("pending/{}", id_of(key))
}

fn place_of(key: &str) -> String {
    format!("findings/date=2026-08-22/{}.json", id_of(key))
}

fn acted(key: &str) -> Finding {
    intent(key, DAY).acted(Outcome::Deleted, at(DAY))
}

fn announced(key: &str) -> Finding {
    acted(key).announced(Some("p1".to_owned()), at(DAY))
}

const HOURS: Duration = Duration::from_secs(2 * 3600);

#[tokio::test]
async fn the_layout_is_the_documented_one() {
    let home = Home::new().await;
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    ledger.note_clean(clean("c", DAY)).await;
    ledger.flush().await.unwrap();
    let stored: Finding = serde_json::from_slice(&home.get(&place_of("k")).await.unwrap()).unwrap();
    assert_eq!(stored, *intent("k", DAY).finding());
    assert!(home.is_marked("k").await);
    let keys = home.keys().await;
    assert_eq!(keys.len(), 3, "{keys:?}");
    let batch = keys
        .iter()
        .find(|key| key.starts_with("clean/date=2026-08-22/"));
    let batch = home.get(batch.unwrap()).await.unwrap();
    assert_eq!(batch.split(|byte| *byte == b'\n').count(), 2);
    ledger.advance(&announced("k")).await.unwrap();
    assert!(!home.is_marked("k").await);
}

#[tokio::test]
async fn killed_between_marker_and_intent() {
    let home = Home::new().await;
    home.open().await.begin(intent("k", DAY)).await.unwrap();
    home.delete(&place_of("k")).await;
    // Somebody may be about to write the intent: not yet.
    let ledger = home.open().await;
    assert!(ledger.open(10).await.unwrap().is_empty());
    assert!(home.is_marked("k").await);
    let later = home.open_after(HOURS).await;
    assert!(later.open(10).await.unwrap().is_empty());
    assert!(!home.is_marked("k").await);
    let begun = ledger.begin(intent("k", DAY)).await.unwrap();
    assert!(matches!(begun, Begun::Fresh(_)));
    assert!(home.is_marked("k").await);
}

#[tokio::test]
async fn a_stray_marker_that_is_taken_up_again_is_not_swept_away() {
    let home = Home::new().await;
    home.open().await.begin(intent("k", DAY)).await.unwrap();
    let stray = home.get(&marker("k")).await.unwrap();
    home.delete(&place_of("k")).await;
    // Begun anew over the stray marker, which is written anew with it.
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    assert_ne!(home.get(&marker("k")).await.unwrap(), stray);
    assert_eq!(ledger.open(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn killed_between_announced_and_its_marker() {
    let home = Home::new().await;
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    let marker_bytes = home.get(&marker("k")).await.unwrap();
    for repeats in [false, true] {
        ledger.advance(&announced("k")).await.unwrap();
        home.put(&marker("k"), &marker_bytes).await;
        let ledger = home.open().await;
        if repeats {
            // Settled by the repetition that follows a kill.
            ledger.advance(&announced("k")).await.unwrap();
        } else {
            assert!(ledger.open(10).await.unwrap().is_empty());
        }
        assert!(!home.is_marked("k").await);
    }
}

#[tokio::test]
async fn killed_before_a_round_was_written_anew() {
    let home = Home::new().await;
    let ledger = home.open().await;
    let observing = intent_in(Mode::Observe, "k", DAY);
    ledger.begin(observing.clone()).await.unwrap();
    let observed = observing
        .acted(Outcome::Observed, at(DAY))
        .announced(None, at(DAY));
    ledger.advance(&observed).await.unwrap();
    // Killed between the marker of the next round and its intent.
    ledger.begin(intent("k", DAY)).await.unwrap();
    home.put(&place_of("k"), &serde_json::to_vec(&observed).unwrap())
        .await;
    let young = home.open().await;
    assert!(young.open(10).await.unwrap().is_empty());
    assert!(home.is_marked("k").await, "its intent may be about to come");
    let later = home.open_after(HOURS).await;
    assert!(later.open(10).await.unwrap().is_empty());
    assert!(!home.is_marked("k").await);
}

#[tokio::test]
async fn late_news_of_an_earlier_round_leave_the_marker_of_this_one() {
    let home = Home::new().await;
    let (early, late) = (home.open().await, home.open().await);
    let observing = intent_in(Mode::Observe, "k", DAY);
    early.begin(observing.clone()).await.unwrap();
    let observed = observing
        .acted(Outcome::Observed, at(DAY))
        .announced(None, at(DAY));
    late.advance(&observed).await.unwrap();
    let begun = late.begin(intent("k", DAY)).await.unwrap();
    assert!(matches!(begun, Begun::Fresh(_)));
    // Still believes to know what is there, and its marker.
    early.advance(&observed).await.unwrap();
    assert!(home.is_marked("k").await);
    let open = late.open(10).await.unwrap();
    assert_eq!((open.len(), open[0].revision), (1, 1));
}

#[tokio::test]
async fn the_end_of_a_round_leaves_the_marker_of_the_next() {
    let home = Home::new().await;
    for knows_marker in [true, false] {
        let ledger = home.open().await;
        ledger.begin(intent("k", DAY)).await.unwrap();
        // Somebody is about to begin the next round.
        let next = format!("{{\"happened_at\":\"{DAY}\",\"revision\":1,\"written_at\":\"{DAY}\"}}");
        home.put(&marker("k"), next.as_bytes()).await;
        let ledger = if knows_marker {
            ledger
        } else {
            home.open().await
        };
        ledger.advance(&announced("k")).await.unwrap();
        assert!(home.is_marked("k").await, "{knows_marker}");
        home.delete(&place_of("k")).await;
        home.delete(&marker("k")).await;
    }
}

#[tokio::test]
async fn a_marker_that_cannot_be_read_hides_nothing() {
    let home = Home::new().await;
    let ledger = home.open().await;
    ledger.begin(intent("k", DAY)).await.unwrap();
    ledger.advance(&acted("k")).await.unwrap();
    home.put(&marker("k"), b"\xff\xfe").await;
    let open = home.open().await.open(10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].state, State::Acted);
    ledger.advance(&announced("k")).await.unwrap();
    assert!(!home.is_marked("k").await);
}

#[tokio::test]
async fn a_damaged_record_is_said_and_not_in_the_way() {
    let home = Home::new().await;
    let ledger = home.open().await;
    ledger.begin(intent("bad", DAY)).await.unwrap();
    ledger.begin(intent("good", DAY)).await.unwrap();
    home.put(&place_of("bad"), b"{\"secret\": tru").await;
    let ledger = home.open().await;
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
async fn a_record_of_a_newer_form_is_not_misread() {
    let home = Home::new().await;
    let mut finding = announced("k");
    finding.schema_version += 1;
    home.put(&place_of("k"), &serde_json::to_vec(&finding).unwrap())
        .await;
    let found = home.open().await.find(&finding.id, finding.date()).await;
    let text = found.unwrap_err().to_string();
    assert!(text.contains("newer s3-warden"), "{text}");
}

#[tokio::test]
async fn damaged_clean_records_do_not_hide_the_others() {
    let home = Home::new().await;
    let whole = serde_json::to_string(&clean("c", DAY)).unwrap();
    let lines = format!("{{\"id\":\n{whole}\n{{\"half");
    home.put(
        "clean/date=2026-08-22/other-000001.ndjson",
        lines.as_bytes(),
    )
    .await;
    let query = Query {
        clean: true,
        ..Query::default()
    };
    let page = home.open().await.list(&query).await.unwrap();
    assert_eq!(page.findings, [clean("c", DAY)]);
}

#[tokio::test]
async fn a_full_batch_is_one_object_and_written_without_being_asked() {
    let home = Home::new().await;
    let ledger = home.open().await;
    for number in 0..501 {
        ledger.note_clean(clean(&format!("c{number}"), DAY)).await;
    }
    let keys = home.keys().await;
    assert_eq!(keys.len(), 1, "{keys:?}");
    let query = Query {
        clean: true,
        limit: 1_000,
        ..Query::default()
    };
    let page = home.open().await.list(&query).await.unwrap();
    assert_eq!(page.findings.len(), 500);
    ledger.flush().await.unwrap();
    ledger.flush().await.unwrap();
    assert_eq!(home.keys().await.len(), 2);
}

#[tokio::test]
async fn few_requests_are_made() {
    let s3 = ScriptedS3::start(|asked| match asked.method.as_str() {
        "PUT" => says(200, &[("etag", "\"0123\"")], ""),
        _ => says(204, &[], ""),
    })
    .await;
    let clients = Clients::at_endpoint(&s3.endpoint, None).await;
    let place = OwnPlace {
        bucket: BucketName::new("records").unwrap(),
        prefix: String::new(),
    };
    let ledger = S3Ledger::new(&clients, place);
    for number in 0..500 {
        assert!(s3.asked().is_empty(), "a clean object costs no request");
        ledger.note_clean(clean(&format!("c{number}"), DAY)).await;
    }
    assert_eq!(s3.asked().len(), 1, "{:?}", s3.lines());
    ledger.begin(intent("k", DAY)).await.unwrap();
    ledger.advance(&acted("k")).await.unwrap();
    ledger.advance(&announced("k")).await.unwrap();
    let asked = s3.asked().split_off(1);
    let order: Vec<String> = asked
        .iter()
        .map(|asked| {
            let room = asked.path.split('/').nth(2).unwrap();
            format!("{} {room}", asked.method)
        })
        .collect();
    let expected = [
        "PUT pending",
        "PUT findings",
        "PUT findings",
        "PUT findings",
        "DELETE pending",
    ];
    assert_eq!(order, expected);
    // None is blind.
    let condition = |asked: &Asked| {
        let none = asked.header("if-none-match") == Some("*");
        none || asked.header("if-match") == Some("\"0123\"")
    };
    assert!(asked.iter().all(condition), "{asked:?}");
}

#[tokio::test]
async fn a_clean_record_is_written_in_time() {
    let home = Home::new().await;
    let ledger = home.open().await;
    // Only the wait for a batch to fill is skipped; the emulator answers in its own time.
    tokio::time::pause();
    ledger.note_clean(clean("c", DAY)).await;
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(61)).await;
    tokio::time::resume();
    let mut written = Vec::new();
    while written.is_empty() {
        tokio::task::yield_now().await;
        written = home.keys().await;
    }
    assert_eq!(written.len(), 1);
}

#[tokio::test]
async fn the_probe_leaves_nothing_and_names_a_missing_bucket() {
    let home = Home::new().await;
    home.open().await.probe().await.unwrap();
    assert!(home.keys().await.is_empty());
    let delete = home.client.delete_bucket();
    delete
        .bucket(home.place.bucket.as_str())
        .send()
        .await
        .unwrap();
    let error = home.open().await.probe().await.unwrap_err();
    assert!(matches!(error, LedgerError::Refused(_)), "{error}");
    let text = error.to_string();
    assert!(text.contains(home.place.bucket.as_str()), "{text}");
    assert!(text.contains("records.bucket"), "{text}");
}
