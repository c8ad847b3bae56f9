//! Reads that a whole bucket denies: found at start where they can be, and never a reason to go
//! through everything that waits.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::response::Response;
use s3_warden::aws::AwsSettings;
use s3_warden::event::{BucketName, ETag, EventPin};
use s3_warden::object::{Fetched, ObjectStore, Removed, StoreError};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, filter};

use crate::scripted_s3::{Asked, ScriptedS3, refuses, says};
use crate::store_refusals::{DENIED, KMS, TAG, object, plain_bucket, store, target, told};

/// Encrypted with a key that only the owner of the object has.
const OWN_KEY: &str = "The object was stored using a form of Server Side Encryption.";

fn reads(_: &Asked) -> Response {
    says(200, &[TAG], "one")
}

fn denies(asked: &Asked) -> Response {
    refuses(asked, 403, "AccessDenied", DENIED)
}

fn denies_key(asked: &Asked) -> Response {
    refuses(asked, 403, "AccessDenied", KMS)
}

fn asks_for_key(asked: &Asked) -> Response {
    refuses(asked, 400, "InvalidRequest", OWN_KEY)
}

type Reply = fn(&Asked) -> Response;

/// What becomes of one read after the other, and the words of the last error.
async fn run(replies: Vec<Reply>) -> (Vec<String>, String) {
    let count = replies.len();
    let replies = Mutex::new(VecDeque::from(replies));
    let s3 = ScriptedS3::start(move |asked| {
        plain_bucket(asked).unwrap_or_else(|| replies.lock().unwrap().pop_front().unwrap()(asked))
    })
    .await;
    let store = store(&s3, AwsSettings::default()).await;
    let (mut outcomes, mut words) = (Vec::new(), String::new());
    for _ in 0..count {
        outcomes.push(match store.fetch(&target(None), 1_000).await {
            Ok(Fetched::Body { .. }) => "read".to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => {
                words = error.to_string();
                told(&error)
            }
        });
    }
    (outcomes, words)
}

#[tokio::test]
async fn the_fifth_denied_read_in_a_row_stops_until_one_succeeds() {
    const ACCESS: &str = "Denied(AccessDenied)";
    const KEY: &str = "Denied(KeyDenied)";
    let (outcomes, words) = run(vec![
        denies, denies, denies, denies, reads, denies, denies_key, denies, denies, denies, denies,
        reads, denies,
    ])
    .await;
    assert_eq!(
        outcomes,
        [
            ACCESS, ACCESS, ACCESS, ACCESS, "read", ACCESS, KEY, ACCESS, ACCESS, "refused",
            "refused", "read", ACCESS
        ]
    );
    assert!(
        words.contains("s3:GetObjectVersion") && words.contains("inbox"),
        "{words}"
    );
    let (outcomes, words) = run(vec![denies_key; 5]).await;
    assert_eq!(outcomes, [KEY, KEY, KEY, KEY, "refused"]);
    assert!(words.contains("kms:Decrypt"), "{words}");
    // Whose key never was ours says nothing about the others.
    assert_eq!(run(vec![asks_for_key; 7]).await.0, [KEY; 7]);
}

#[tokio::test]
async fn a_streak_is_of_one_bucket() {
    let s3 = ScriptedS3::start(|asked| plain_bucket(asked).unwrap_or_else(|| denies(asked))).await;
    let store = store(&s3, AwsSettings::default()).await;
    for n in 0..8 {
        let mut target = target(None);
        if n % 2 == 1 {
            target.bucket = BucketName::new("other").unwrap();
        }
        let read = store.fetch(&target, 1_000).await.unwrap();
        assert!(matches!(read, Fetched::Denied(_)), "{read:?}");
    }
    let error = store.fetch(&target(None), 1_000).await.unwrap_err();
    assert!(matches!(error, StoreError::Refused(_)), "{error}");
}

#[tokio::test]
async fn a_bucket_that_may_be_listed_but_not_read_is_found_at_start() {
    let probed = async |reply: Reply| {
        let s3 =
            ScriptedS3::start(move |asked| plain_bucket(asked).unwrap_or_else(|| reply(asked)))
                .await;
        let store = store(&s3, AwsSettings::default()).await;
        let buckets = [BucketName::new("inbox").unwrap()];
        let found = store.probe(&buckets, false, false).await;
        (found, s3.lines())
    };
    let (found, lines) = probed(|asked| refuses(asked, 404, "NoSuchKey", "")).await;
    found.unwrap();
    let asked = |line: &String| line.starts_with("GET /inbox/.s3-warden-probe/");
    assert_eq!(
        lines.iter().filter(|line| asked(line)).count(),
        1,
        "{lines:?}"
    );
    let (found, _) = probed(denies).await;
    let wrong = found.unwrap_err();
    let [error] = wrong.as_slice() else {
        panic!("{wrong:?}");
    };
    let words = error.to_string();
    for word in ["inbox", "s3:GetObject ", "s3:GetObjectVersion"] {
        assert!(words.contains(word), "{words}");
    }
}

#[tokio::test]
async fn a_bucket_that_never_kept_versions_is_read_by_one_call() {
    let s3 = ScriptedS3::start(reads).await;
    let store = store(&s3, AwsSettings::default()).await;
    let pin = ETag::new("0123").map(EventPin::ETag);
    store.fetch(&target(pin), 1_000).await.unwrap();
    assert_eq!(s3.lines(), ["GET /inbox/jane%20doe.png?"]);
}

/// Lines, as a log keeps them.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_marker_that_stays_is_told_without_the_words_of_the_answer() {
    let log = Lines::default();
    let writer = log.clone();
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(move || writer.clone())
        .with_filter(filter::filter_fn(|it| it.target().starts_with("s3_warden")));
    let _log = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
    // Versioning is turned on between look and delete.
    let s3 = ScriptedS3::start(|asked| match asked.method.as_str() {
        "DELETE" if asked.query.contains("versionId=m1") => {
            refuses(asked, 400, "SomethingNew", "secret jane doe.png")
        }
        "DELETE" if asked.query.contains("versionId=null") => {
            says(204, &[("x-amz-version-id", "null")], "")
        }
        "DELETE" => {
            let marker = [("x-amz-delete-marker", "true"), ("x-amz-version-id", "m1")];
            says(204, &marker, "")
        }
        _ => plain_bucket(asked).unwrap_or_else(|| says(200, &[TAG], "")),
    })
    .await;
    let store = store(&s3, AwsSettings::default()).await;
    let removed = store.remove(&object(None)).await.unwrap();
    assert_eq!(removed, Removed::Removed);
    let lines = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("a delete marker of ours is left"), "{lines}");
    assert!(lines.contains("store_unavailable"), "{lines}");
    for secret in ["secret", "jane", "Unavailable("] {
        assert!(!lines.contains(secret), "{lines}");
    }
}
