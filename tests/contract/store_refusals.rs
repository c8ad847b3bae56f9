//! What S3 says instead of doing what it was asked, and what becomes of it: each refusal its own
//! outcome, nothing half done, and no word of a key or of a message in any error.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use axum::http::Method;
use axum::response::Response;
use futures::{StreamExt, stream};
use s3_warden::aws::{AwsSettings, Clients, S3Store};
use s3_warden::event::{BucketName, ETag, EventPin, Key, ObjectPin, OwnPlace, Target, VersionId};
use s3_warden::object::{
    Fetched, Located, Mark, ObjectRef, ObjectStore, Removed, StoreError, Tagged, Why,
};

use crate::kit::id_of;
use crate::scripted_s3::{Asked, ScriptedS3, refuses, says};
use crate::store::sha256;

const OWNER: &str = "123456789012";
pub(crate) const TAG: (&str, &str) = ("etag", "\"0123\"");
pub(crate) const DENIED: &str = "Access Denied";
pub(crate) const KMS: &str =
    "User: arn:aws:sts::1:assumed-role/w is not authorized to perform: kms:Decrypt";
const LOCKED: &str = "Access Denied because object protected by object lock.";
const MFA: &str = "Mfa Authentication must be used for this request";

pub(crate) async fn store(s3: &ScriptedS3, settings: AwsSettings) -> S3Store {
    let clients = Clients::at_endpoint(&s3.endpoint, None).await;
    let place = OwnPlace {
        bucket: BucketName::new("held").unwrap(),
        prefix: String::new(),
    };
    S3Store::new(&clients, settings, Some(place), 1_000)
}

fn owned() -> AwsSettings {
    AwsSettings {
        expected_bucket_owner: Some(OWNER.to_owned()),
        request_payer: true,
    }
}

pub(crate) fn target(pin: Option<EventPin>) -> Target {
    Target {
        bucket: BucketName::new("inbox").unwrap(),
        key: Key::new("jane doe.png"),
        pin,
    }
}

pub(crate) fn object(version: Option<&str>) -> ObjectRef {
    let Target { bucket, key, .. } = target(None);
    let pin = ObjectPin {
        version: version.and_then(VersionId::new),
        etag: ETag::new("0123").unwrap(),
    };
    ObjectRef { bucket, key, pin }
}

pub(crate) fn is_bucket(asked: &Asked) -> bool {
    asked.path.matches('/').count() == 1 || asked.path.ends_with('/')
}

/// Answers to questions about the bucket: never versioned, owner pays, ours.
pub(crate) fn plain_bucket(asked: &Asked) -> Option<Response> {
    let body = match asked.query.split('&').next().unwrap_or_default() {
        "versioning" => "<VersioningConfiguration/>",
        "requestPayment" => {
            "<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>"
        }
        _ => "",
    };
    is_bucket(asked).then(|| says(200, &[], body))
}

fn head_ok() -> Response {
    says(
        200,
        &[TAG, ("content-length", "3"), ("x-amz-version-id", "v1")],
        "",
    )
}

async fn fetched(script: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> String {
    let s3 = ScriptedS3::start(script).await;
    let store = store(&s3, AwsSettings::default()).await;
    match store.fetch(&target(None), 1_000).await {
        Ok(Fetched::Body { bytes, .. }) => format!("body of {}", bytes.len()),
        Ok(other) => format!("{other:?}"),
        Err(error) => told(&error),
    }
}

/// The kind of an error, whose text must not tell what keys and messages say.
pub(crate) fn told(error: &StoreError) -> String {
    let text = error.to_string();
    for secret in ["jane", "doe", "arn:", "Denied because", "secret"] {
        assert!(!text.contains(secret), "{text}");
    }
    match error {
        StoreError::Unavailable(_) => "unavailable".to_owned(),
        StoreError::Refused(_) => "refused".to_owned(),
    }
}

async fn check_fetch(status: u16, code: &'static str, message: &'static str, expected: &str) {
    let answer = fetched(move |asked| {
        plain_bucket(asked).unwrap_or_else(|| refuses(asked, status, code, message))
    });
    assert_eq!(answer.await, expected, "{code}");
}

#[tokio::test]
async fn every_refusal_of_a_read_is_its_own_outcome() {
    check_fetch(404, "NoSuchKey", "jane doe.png", "Missing").await;
    check_fetch(404, "NoSuchVersion", "", "Missing").await;
    check_fetch(404, "NoSuchBucket", "", "Missing").await;
    check_fetch(412, "PreconditionFailed", "", "Superseded").await;
    check_fetch(403, "AccessDenied", DENIED, "Denied(AccessDenied)").await;
    check_fetch(403, "AccessDenied", KMS, "Denied(KeyDenied)").await;
    check_fetch(400, "KMS.DisabledException", "", "Denied(KeyDenied)").await;
    check_fetch(403, "InvalidObjectState", "", "Denied(Archived)").await;
    check_fetch(400, "ExpiredToken", "secret", "refused").await;
    check_fetch(403, "InvalidAccessKeyId", "secret", "refused").await;
    check_fetch(301, "PermanentRedirect", "", "refused").await;
    check_fetch(400, "SomethingNew", "secret", "unavailable").await;
}

#[tokio::test]
async fn who_pays_and_who_owns_is_told_where_the_bucket_tells_it() {
    let payer = "<RequestPaymentConfiguration><Payer>Requester</Payer>\
                 </RequestPaymentConfiguration>";
    let answer = fetched(move |asked| match asked.query.as_str() {
        "requestPayment" => says(200, &[], payer),
        _ if is_bucket(asked) => says(200, &[], ""),
        _ => refuses(asked, 403, "AccessDenied", DENIED),
    });
    assert_eq!(answer.await, "Denied(RequesterPays)");

    let s3 = ScriptedS3::start(|asked| {
        let checked = asked.header("x-amz-expected-bucket-owner").is_some();
        if is_bucket(asked) && !checked {
            return says(200, &[], "");
        }
        refuses(asked, 403, "AccessDenied", DENIED)
    })
    .await;
    let store = store(&s3, owned()).await;
    for _ in 0..3 {
        let answer = store.fetch(&target(None), 10).await.unwrap();
        assert!(
            matches!(answer, Fetched::Denied(Why::OtherOwner)),
            "{answer:?}"
        );
    }
    let about_bucket = s3.asked().iter().filter(|asked| is_bucket(asked)).count();
    assert_eq!(about_bucket, 2, "asked once, then known: {:?}", s3.lines());
}

#[tokio::test]
async fn a_body_that_is_not_what_was_stored_is_never_judged() {
    let cut = fetched(|_| {
        let chunks = [
            Ok(Bytes::from_static(b"half")),
            Err(std::io::Error::other("cut")),
        ];
        says(
            200,
            &[TAG, ("content-length", "8")],
            Body::from_stream(stream::iter(chunks)),
        )
    });
    assert_eq!(cut.await, "unavailable");
    let wrong = fetched(|_| says(200, &[TAG, ("x-amz-checksum-crc32", "AAAAAA==")], "whole"));
    assert_eq!(wrong.await, "unavailable");
    assert_eq!(fetched(|_| says(200, &[TAG], "whole")).await, "body of 5");
    assert_eq!(fetched(|_| says(200, &[], "untagged")).await, "unavailable");
}

#[tokio::test]
async fn what_is_too_large_is_not_read() {
    let answer = fetched(|_| {
        let never = stream::pending::<Result<Bytes, std::io::Error>>();
        let size = ("content-length", "5497558138880");
        says(200, &[TAG, size], Body::from_stream(never.boxed()))
    });
    assert_eq!(answer.await, "TooLarge(5497558138880)");
}

#[tokio::test]
async fn every_request_names_the_owner_and_agrees_to_pay() {
    let s3 = ScriptedS3::start(
        |asked| match (asked.method.as_str(), asked.query.as_str()) {
            (_, query) if query.contains("tagging") => {
                says(200, &[], "<Tagging><TagSet/></Tagging>")
            }
            ("DELETE", _) => says(204, &[("x-amz-version-id", "v1")], ""),
            ("GET", _) => says(200, &[TAG], "one"),
            _ => plain_bucket(asked).unwrap_or_else(head_ok),
        },
    )
    .await;
    let store = store(&s3, owned()).await;
    let version = VersionId::new("v1").map(EventPin::Version);
    store.fetch(&target(version), 10).await.unwrap();
    let etag = ETag::new("0123").map(EventPin::ETag);
    store.fetch(&target(etag), 10).await.unwrap();
    store.locate(&target(None)).await.unwrap();
    store.remove(&object(Some("v1"))).await.unwrap();
    store
        .tag(&object(Some("v1")), Mark::Flagged)
        .await
        .unwrap_err();
    let asked = s3.asked();
    let (first, second) = (&asked[0], &asked[1]);
    assert!(first.query.contains("versionId=v1") && first.header("if-match").is_none());
    assert!(second.header("if-match") == Some("\"0123\"") && !second.query.contains("versionId"));
    for asked in &asked {
        assert_eq!(
            asked.header("x-amz-expected-bucket-owner"),
            Some(OWNER),
            "{asked:?}"
        );
        assert_eq!(
            asked.header("x-amz-request-payer"),
            Some("requester"),
            "{asked:?}"
        );
        let deletes = asked.method == Method::DELETE;
        let both = asked.query.contains("versionId") && asked.header("if-match").is_some();
        assert!(!(deletes && both), "{asked:?}");
    }
}

#[tokio::test]
async fn a_look_that_is_refused_without_a_word_is_explained() {
    #[track_caller]
    fn expect(located: &Result<Located, StoreError>, expected: &str) {
        let found = match located {
            Ok(located) => format!("{located:?}"),
            Err(error) => told(error),
        };
        assert_eq!(found, expected);
    }
    for (status, code, message, expected) in [
        (403, "AccessDenied", DENIED, "Denied(AccessDenied)"),
        (403, "AccessDenied", KMS, "Denied(KeyDenied)"),
        (400, "ExpiredToken", "", "refused"),
        (404, "", "", "Missing"),
    ] {
        let s3 = ScriptedS3::start(move |asked| {
            plain_bucket(asked).unwrap_or_else(|| refuses(asked, status, code, message))
        })
        .await;
        let store = store(&s3, AwsSettings::default()).await;
        expect(&store.locate(&target(None)).await, expected);
        let ranges = s3
            .asked()
            .into_iter()
            .filter(|asked| asked.method == Method::GET);
        let whole = ranges.filter(|asked| !is_bucket(asked) && asked.header("range").is_none());
        assert_eq!(whole.count(), 0, "nothing but one byte is asked for");
    }
}

async fn check_remove(
    head: &'static [(&'static str, &'static str)],
    message: &'static str,
    versioning: &'static str,
    expected: Why,
) {
    let s3 = ScriptedS3::start(move |asked| match asked.method.as_str() {
        "DELETE" => refuses(asked, 403, "AccessDenied", message),
        "GET" if asked.query.contains("versioning") => says(200, &[], versioning),
        _ if is_bucket(asked) => plain_bucket(asked).unwrap(),
        _ => says(200, &[&[TAG, ("content-length", "3")], head].concat(), ""),
    })
    .await;
    let store = store(&s3, AwsSettings::default()).await;
    let removed = store.remove(&object(Some("v1"))).await.unwrap();
    assert_eq!(removed, Removed::Blocked(expected), "{message}");
}

#[tokio::test]
async fn every_refusal_of_a_removal_is_its_own_outcome() {
    const PLAIN: &str = "<VersioningConfiguration><Status>Enabled</Status>\
                         </VersioningConfiguration>";
    const FACTOR: &str = "<VersioningConfiguration><Status>Enabled</Status>\
                          <MfaDelete>Enabled</MfaDelete></VersioningConfiguration>";
    const HELD: &[(&str, &str)] = &[("x-amz-object-lock-legal-hold", "ON")];
    const RETAINED: &[(&str, &str)] = &[
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        (
            "x-amz-object-lock-retain-until-date",
            "2999-01-01T00:00:00Z",
        ),
    ];
    const EXPIRED: &[(&str, &str)] = &[
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        (
            "x-amz-object-lock-retain-until-date",
            "2001-01-01T00:00:00Z",
        ),
    ];
    check_remove(&[], DENIED, PLAIN, Why::AccessDenied).await;
    check_remove(&[], LOCKED, PLAIN, Why::Locked).await;
    check_remove(HELD, DENIED, PLAIN, Why::Locked).await;
    check_remove(RETAINED, DENIED, PLAIN, Why::Locked).await;
    check_remove(EXPIRED, DENIED, PLAIN, Why::AccessDenied).await;
    check_remove(&[], DENIED, FACTOR, Why::MfaRequired).await;
    check_remove(&[], MFA, PLAIN, Why::MfaRequired).await;
}

#[tokio::test]
async fn a_conflict_is_tried_again_and_no_word_of_success_is_believed_unseen() {
    let tries = AtomicUsize::new(0);
    let s3 = ScriptedS3::start(move |asked| match asked.method.as_str() {
        "DELETE" if tries.fetch_add(1, Ordering::SeqCst) < 2 => {
            refuses(asked, 409, "ConditionalRequestConflict", "")
        }
        "DELETE" => says(204, &[], ""),
        _ => plain_bucket(asked).unwrap_or_else(|| says(200, &[TAG], "")),
    })
    .await;
    let store_of_conflicts = store(&s3, AwsSettings::default()).await;
    let removed = store_of_conflicts.remove(&object(None)).await.unwrap();
    assert_eq!(removed, Removed::Removed);

    // A version that stays although its removal was confirmed.
    let s3 = ScriptedS3::start(|asked| match asked.method.as_str() {
        "DELETE" => says(204, &[], ""),
        _ => head_ok(),
    })
    .await;
    let store_of_lies = store(&s3, AwsSettings::default()).await;
    let error = store_of_lies.remove(&object(Some("v1"))).await.unwrap_err();
    assert_eq!(told(&error), "unavailable");
}

/// A store whose copies are made of `copy`, and what it was asked.
async fn quarantined(
    copy: impl Fn(&Asked) -> Response + Send + Sync + 'static,
    size: &'static str,
) -> (Result<Removed, StoreError>, Vec<String>) {
    let copied = AtomicUsize::new(0);
    let s3 = ScriptedS3::start(move |asked| match asked.method.as_str() {
        "PUT" => {
            copied.store(1, Ordering::SeqCst);
            copy(asked)
        }
        "HEAD" if asked.path.starts_with("/held/") => says(404, &[], ""),
        "GET" if asked.path.starts_with("/held/") => says(200, &[TAG], "other bytes"),
        "HEAD" => says(200, &[TAG, ("content-length", size)], ""),
        _ => says(204, &[("x-amz-version-id", "v1")], ""),
    })
    .await;
    let store = store(&s3, AwsSettings::default()).await;
    let hash = sha256(b"one");
    let object = object(Some("v1"));
    let answer = store.quarantine(&object, &id_of("k"), Some(&hash)).await;
    (answer, s3.lines())
}

fn source_deleted(lines: &[String]) -> bool {
    lines.iter().any(|line| line.starts_with("DELETE /inbox/"))
}

#[tokio::test]
async fn a_copy_that_fails_in_any_way_leaves_the_source() {
    let done = |_: &Asked| {
        let body = "<CopyObjectResult><ETag>\"0123\"</ETag></CopyObjectResult>";
        says(200, &[("x-amz-version-id", "q1")], body)
    };
    let (answer, asked) = quarantined(done, "3").await;
    assert_eq!(answer.unwrap(), Removed::Blocked(Why::CopyDiffers));
    assert!(!source_deleted(&asked), "{asked:?}");
    let taken_back = asked
        .iter()
        .any(|line| line.starts_with("DELETE /held/") && line.contains("versionId=q1"));
    assert!(taken_back, "{asked:?}");

    let (answer, asked) = quarantined(done, "5368709121").await;
    assert_eq!(answer.unwrap(), Removed::Blocked(Why::TooBigToCopy));
    assert!(
        asked.iter().all(|line| line.starts_with("HEAD")),
        "{asked:?}"
    );

    // "Done", and an error in the body.
    let failed = |asked: &Asked| {
        let mut answer = refuses(asked, 500, "InternalError", "secret");
        *answer.status_mut() = axum::http::StatusCode::OK;
        answer
    };
    let (answer, asked) = quarantined(failed, "3").await;
    assert_eq!(told(&answer.unwrap_err()), "unavailable");
    assert!(!source_deleted(&asked), "{asked:?}");

    for (status, code, message, expected) in [
        (
            403,
            "AccessDenied",
            DENIED,
            Removed::Blocked(Why::AccessDenied),
        ),
        (403, "AccessDenied", KMS, Removed::Blocked(Why::KeyDenied)),
        (
            403,
            "InvalidObjectState",
            "",
            Removed::Blocked(Why::Archived),
        ),
        (412, "PreconditionFailed", "", Removed::Superseded),
        (404, "NoSuchVersion", "", Removed::AlreadyGone),
    ] {
        let refused = move |asked: &Asked| refuses(asked, status, code, message);
        let (answer, asked) = quarantined(refused, "3").await;
        assert_eq!(answer.unwrap(), expected, "{code}");
        assert!(!source_deleted(&asked), "{asked:?}");
    }
}

#[tokio::test]
async fn the_source_of_a_copy_is_pinned() {
    let s3 = ScriptedS3::start(|asked| match asked.method.as_str() {
        "PUT" => refuses(asked, 412, "PreconditionFailed", ""),
        "HEAD" if asked.path.starts_with("/held/") => says(404, &[], ""),
        _ => head_ok(),
    })
    .await;
    let store = store(&s3, owned()).await;
    let hash = sha256(b"one");
    let (object, id) = (object(Some("v1")), id_of("k"));
    let answer = store.quarantine(&object, &id, Some(&hash)).await;
    assert_eq!(answer.unwrap(), Removed::Superseded);
    let asked = s3.asked();
    let copy = asked
        .iter()
        .find(|asked| asked.method == Method::PUT)
        .unwrap();
    let header = |name| copy.header(name).unwrap_or_default();
    assert_eq!(
        header("x-amz-copy-source"),
        "inbox/jane%20doe.png?versionId=v1"
    );
    assert_eq!(header("x-amz-copy-source-if-match"), "\"0123\"");
    assert_eq!(header("x-amz-source-expected-bucket-owner"), OWNER);
    // The owner of the guarded buckets need not own the quarantine.
    assert_eq!(copy.header("x-amz-expected-bucket-owner"), None);
}

#[tokio::test]
async fn every_refusal_of_a_tag_is_an_answer() {
    for (status, code, message, expected) in [
        (
            403,
            "AccessDenied",
            DENIED,
            Tagged::Denied(Why::AccessDenied),
        ),
        (404, "NoSuchVersion", "", Tagged::Gone),
        (405, "MethodNotAllowed", "", Tagged::Gone),
        (400, "InvalidTag", "", Tagged::NoRoom),
        (501, "NotImplemented", "", Tagged::Unsupported),
    ] {
        let s3 = ScriptedS3::start(move |asked| match asked.method.as_str() {
            "PUT" => refuses(asked, status, code, message),
            _ if is_bucket(asked) => plain_bucket(asked).unwrap(),
            _ => says(200, &[], "<Tagging><TagSet/></Tagging>"),
        })
        .await;
        let store = store(&s3, AwsSettings::default()).await;
        let tagged = store.tag(&object(Some("v1")), Mark::Flagged).await.unwrap();
        assert_eq!(tagged, expected, "{code}");
    }
}
