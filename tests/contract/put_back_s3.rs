//! Putting back into buckets: what the owner said of the object, versions, and conditions.

use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_s3::types::TaggingDirective;
use axum::http::Method;
use s3_warden::aws::AwsSettings;
use s3_warden::event::{BucketName, Key};
use s3_warden::object::{
    Mark, ObjectStore as _, Over, PutBack, Quarantine as _, Removed, Returned, Side, StoreError,
    Why,
};

use crate::kit::id_of;
use crate::put_back::taken;
use crate::scripted_s3::{Asked, ScriptedS3, refuses, says};
use crate::store::{StoreBench, StoreGround, fetched_in, sha256};
use crate::store_refusals::{DENIED, KMS, TAG, object, plain_bucket, store};
use crate::store_s3::{Buckets, PREFIX};

const ALL: [Buckets; 4] = [
    Buckets::Unversioned,
    Buckets::Versioned,
    Buckets::Suspended,
    Buckets::EnabledAfterUpload,
];

#[tokio::test]
async fn emulator_what_the_owner_said_returns_and_ours_does_not() {
    // The others: their versions are called `null`, and copied by that name the emulator forgets
    // their tags.
    for kind in [Buckets::Unversioned, Buckets::Versioned] {
        let bench = kind.make().await;
        let key = "a+b c%20/신분증.png";
        bench.put(key, b"one").await;
        let owners = [
            ("team".to_owned(), "hr & co".to_owned()),
            ("비고".to_owned(), "+".to_owned()),
        ];
        bench.set_tags(key, &owners).await;
        let (object, _, _) = fetched_in(bench.store(), bench.bucket(), key).await;
        bench.store.tag(&object, Mark::Flagged).await.unwrap();
        let id = id_of(key);
        let hash = sha256(b"one");
        bench
            .store
            .quarantine(&object, &id, Some(&hash))
            .await
            .unwrap();
        let wanted = PutBack {
            id,
            bucket: bench.bucket.clone(),
            key: Key::new(key),
            sha256: hash,
            size: None,
            over: Over::Nothing,
        };
        let returned = bench.store.put_back(&wanted).await.unwrap();
        assert!(
            matches!(returned, Returned::Back(_)),
            "{kind:?}: {returned:?}"
        );
        let head = bench.client.head_object().bucket(bench.bucket.as_str());
        let head = head.key(key).send().await.unwrap();
        assert_eq!(head.content_type(), Some("image/png"), "{kind:?}");
        let metadata: Vec<_> = head.metadata().unwrap().iter().collect();
        assert_eq!(
            metadata,
            [(&"team".to_owned(), &"hr".to_owned())],
            "{kind:?}"
        );
        let mut tags = bench.tags(&bench.bucket, key).await;
        tags.sort();
        assert_eq!(tags, owners, "{kind:?}");
    }
}

/// A key that ends with a slash is a key like any other.
#[tokio::test]
async fn emulator_a_trailing_slash_comes_back() {
    for kind in ALL {
        let bench = kind.make().await;
        let wanted = taken(&bench, "folder/", b"one").await;
        let returned = bench.store.put_back(&wanted).await.unwrap();
        assert!(
            matches!(returned, Returned::Back(_)),
            "{kind:?}: {returned:?}"
        );
        assert_eq!(bench.get("folder/").await.unwrap(), b"one");
    }
}

/// Where versioning is suspended, a delete marker of a version's own covers `null`, which any write
/// would replace.
#[tokio::test]
async fn emulator_what_a_marker_hides_is_not_written_over() {
    let bench = Buckets::Unversioned.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    bench.put_plainly("k", b"two").await;
    bench.set_versioning(true).await;
    bench.delete("k").await;
    bench.set_versioning(false).await;
    for over in [Over::Nothing, Over::Version] {
        let wanted = PutBack {
            over,
            ..wanted.clone()
        };
        let returned = bench.store.put_back(&wanted).await.unwrap();
        assert_eq!(returned, Returned::WouldBeLost);
    }
    assert_eq!(bench.states("k").await, [b"two".to_vec()]);
}

/// A quarantine that keeps versions: the copy that was compared is the one that goes back, and ended
/// it is gone for good.
#[tokio::test]
async fn emulator_of_a_versioned_quarantine_nothing_readable_is_left() {
    let bench = Buckets::Versioned.make().await;
    let versioning = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
        .build();
    let put = bench.client.put_bucket_versioning();
    let put = put.bucket(bench.quarantine.as_str());
    put.versioning_configuration(versioning)
        .send()
        .await
        .unwrap();
    let wanted = taken(&bench, "k", b"one").await;
    let returned = bench.store.put_back(&wanted).await.unwrap();
    assert!(matches!(returned, Returned::Back(_)), "{returned:?}");
    assert!(bench.store.end(&wanted.id, &wanted.sha256).await.unwrap());
    let list = bench.client.list_object_versions();
    let list = list.bucket(bench.quarantine.as_str()).prefix(PREFIX);
    let left = list.send().await.unwrap();
    assert!(left.versions().is_empty() && left.delete_markers().is_empty());
}

const ONE: &str = "one";

fn wanted() -> PutBack {
    PutBack {
        id: id_of("k"),
        bucket: BucketName::new("inbox").unwrap(),
        key: Key::new("jane doe.png"),
        sha256: sha256(ONE.as_bytes()),
        size: Some(3),
        over: Over::Nothing,
    }
}

/// What a healthy S3 answers about the quarantine's side; `None` about anything else.
fn quarantine(asked: &Asked) -> Option<axum::response::Response> {
    if !asked.path.starts_with("/held/") {
        return None;
    }
    let tag = ("etag", "\"c0ffee\"");
    Some(match (&asked.method, asked.query.contains("tagging")) {
        (&Method::GET, true) => says(
            200,
            &[],
            "<Tagging><TagSet><Tag><Key>s3-warden</Key><Value>flagged</Value></Tag>\
             <Tag><Key>team</Key><Value>hr</Value></Tag></TagSet></Tagging>",
        ),
        (&Method::HEAD, _) => says(200, &[tag, ("content-length", "3")], ""),
        _ => says(200, &[tag], ONE),
    })
}

#[tokio::test]
async fn it_is_written_over_nothing_and_read_back_by_its_tag() {
    let s3 = ScriptedS3::start(|asked| {
        if let Some(answer) = quarantine(asked) {
            return answer;
        }
        match (&asked.method, asked.query.as_str()) {
            (&Method::HEAD, _) => refuses(asked, 404, "", ""),
            (&Method::PUT, _) => says(
                200,
                &[],
                "<CopyObjectResult><ETag>\"new\"</ETag></CopyObjectResult>",
            ),
            (_, query) if query.contains("versioning") => {
                says(200, &[], "<VersioningConfiguration/>")
            }
            _ => says(200, &[("etag", "\"new\"")], ONE),
        }
    })
    .await;
    let settings = AwsSettings {
        expected_bucket_owner: Some("123456789012".to_owned()),
        request_payer: false,
    };
    let returned = store(&s3, settings).await.put_back(&wanted()).await;
    assert!(matches!(returned, Ok(Returned::Back(_))), "{returned:?}");
    let asked = s3.asked();
    let copy = asked.iter().find(|it| it.method == Method::PUT).unwrap();
    assert_eq!(copy.path, "/inbox/jane%20doe.png");
    assert_eq!(copy.header("if-none-match"), Some("*"));
    assert_eq!(
        copy.header("x-amz-copy-source-if-match"),
        Some("\"c0ffee\"")
    );
    assert_eq!(
        copy.header("x-amz-expected-bucket-owner"),
        Some("123456789012")
    );
    assert_eq!(
        copy.header("x-amz-tagging-directive"),
        Some(TaggingDirective::Replace.as_str())
    );
    assert_eq!(copy.header("x-amz-tagging"), Some("team=hr"));
    let last = asked.last().unwrap();
    assert_eq!(
        (&last.method, last.header("if-match")),
        (&Method::GET, Some("\"new\""))
    );
}

#[tokio::test]
async fn somebody_who_is_faster_is_left_alone() {
    // Nothing there at the first look, something at the moment of the copy, and at the next look.
    let looks = AtomicUsize::new(0);
    let s3 = ScriptedS3::start(move |asked| {
        if let Some(answer) = quarantine(asked) {
            return answer;
        }
        match asked.method {
            Method::HEAD if looks.fetch_add(1, Ordering::SeqCst) == 0 => {
                refuses(asked, 404, "", "")
            }
            Method::HEAD => says(200, &[("etag", "\"theirs\""), ("content-length", "9")], ""),
            Method::PUT => refuses(asked, 412, "PreconditionFailed", "at least one"),
            _ => says(200, &[], "<VersioningConfiguration/>"),
        }
    })
    .await;
    let returned = store(&s3, AwsSettings::default()).await;
    let returned = returned.put_back(&wanted()).await.unwrap();
    assert_eq!(returned, Returned::Occupied);
    let writes = s3.asked().into_iter().filter(|it| it.method == Method::PUT);
    assert_eq!(writes.count(), 1);
}

#[tokio::test]
async fn what_was_written_wrongly_and_may_not_be_removed_is_said() {
    let looks = AtomicUsize::new(0);
    let s3 = ScriptedS3::start(move |asked| {
        if let Some(answer) = quarantine(asked) {
            return answer;
        }
        match asked.method {
            Method::HEAD if looks.fetch_add(1, Ordering::SeqCst) == 0 => {
                refuses(asked, 404, "", "")
            }
            Method::HEAD => says(200, &[("etag", "\"new\""), ("content-length", "3")], ""),
            Method::PUT => says(
                200,
                &[],
                "<CopyObjectResult><ETag>\"new\"</ETag></CopyObjectResult>",
            ),
            Method::DELETE => refuses(asked, 403, "AccessDenied", DENIED),
            _ if asked.query.contains("versioning") => says(200, &[], "<VersioningConfiguration/>"),
            _ => says(200, &[("etag", "\"new\"")], "two"),
        }
    })
    .await;
    let store = store(&s3, AwsSettings::default()).await;
    let failed = store.put_back(&wanted()).await.unwrap_err();
    assert!(matches!(failed, StoreError::Refused(_)), "{failed}");
    assert!(failed.to_string().contains("by hand"), "{failed}");
}

/// The copy was made now, and something else took the place of what was judged before it could be
/// removed, or after: the answer to our own removal may be lost, and another may be at the same. The
/// copy is all that is left.
#[tokio::test]
async fn a_copy_of_what_was_replaced_is_never_taken_back() {
    for (status, code) in [(412, "PreconditionFailed"), (500, "InternalError")] {
        for sha256 in [Some(sha256(ONE.as_bytes())), None] {
            let (copied, replaced) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let s3 = ScriptedS3::start(move |asked| {
                let is_copied = copied.load(Ordering::SeqCst) > 0;
                let is_replaced = replaced.load(Ordering::SeqCst) > 0;
                let held = asked.path.starts_with("/held/");
                let head = |tag| says(200, &[("etag", tag), ("content-length", "3")], "");
                match asked.method {
                    Method::HEAD if held && !is_copied => refuses(asked, 404, "", ""),
                    Method::HEAD if held => head("\"0123\""),
                    Method::HEAD if is_replaced => head("\"new\""),
                    Method::HEAD => head("\"0123\""),
                    Method::PUT => {
                        copied.store(1, Ordering::SeqCst);
                        let body = "<CopyObjectResult><ETag>\"0123\"</ETag></CopyObjectResult>";
                        says(200, &[], body)
                    }
                    Method::GET if held => says(200, &[TAG], ONE),
                    Method::DELETE if !held => match replaced.swap(1, Ordering::SeqCst) {
                        0 => refuses(asked, status, code, ""),
                        _ => refuses(asked, 412, "PreconditionFailed", ""),
                    },
                    _ => plain_bucket(asked).unwrap_or_else(|| says(204, &[], "")),
                }
            })
            .await;
            let store = store(&s3, AwsSettings::default()).await;
            let (object, id) = (object(None), id_of("k"));
            let moved = store.quarantine(&object, &id, sha256.as_deref()).await;
            assert_eq!(moved.unwrap(), Removed::Removed, "{code}");
            let lines = s3.lines();
            let taken_back = lines.iter().any(|line| line.starts_with("DELETE /held/"));
            assert!(!taken_back, "{lines:?}");
        }
    }
}

/// Answers to HEAD have no code: a quarantine that is not there must not look like one that has
/// ended its copy.
#[tokio::test]
async fn emulator_a_quarantine_that_is_not_there_is_said_to_be_missing() {
    let bench = Buckets::Versioned.make().await;
    let wanted = taken(&bench, "k", b"one").await;
    let delete = bench.client.delete_object();
    let delete = delete.bucket(bench.quarantine.as_str());
    let delete = delete.key(format!("{PREFIX}{}", wanted.id));
    delete.send().await.unwrap();
    assert_eq!(bench.store.kept(&wanted.id).await.unwrap(), None);
    let delete = bench.client.delete_bucket();
    let delete = delete.bucket(bench.quarantine.as_str());
    delete.send().await.unwrap();
    let errors = [
        bench.store.kept(&wanted.id).await.unwrap_err(),
        bench.store.put_back(&wanted).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        assert!(error.to_string().contains(bench.quarantine.as_str()));
    }
}

#[tokio::test]
async fn a_copy_of_another_length_is_not_read() {
    let s3 =
        ScriptedS3::start(|asked| quarantine(asked).unwrap_or_else(|| refuses(asked, 404, "", "")))
            .await;
    let longer = PutBack {
        size: Some(4),
        ..wanted()
    };
    let store = store(&s3, AwsSettings::default()).await;
    let returned = store.put_back(&longer).await.unwrap();
    assert_eq!(returned, Returned::CopyDiffers);
    let asked = s3.asked();
    assert!(
        asked.iter().all(|it| it.method == Method::HEAD),
        "{asked:?}"
    );
}

#[tokio::test]
async fn whoever_refuses_is_named() {
    #[track_caller]
    fn check(returned: &Result<Returned, StoreError>, side: Side, why: Why) {
        assert!(
            matches!(returned, Ok(Returned::Denied(at, because)) if (*at, *because) == (side, why)),
            "{returned:?}"
        );
    }
    for (message, why) in [(DENIED, Why::AccessDenied), (KMS, Why::KeyDenied)] {
        let s3 = ScriptedS3::start(move |asked| match (quarantine(asked), &asked.method) {
            (Some(_), &Method::GET) if !asked.query.contains("tagging") => {
                refuses(asked, 403, "AccessDenied", message)
            }
            (Some(answer), _) => answer,
            _ => refuses(asked, 404, "NoSuchKey", ""),
        })
        .await;
        let returned = store(&s3, AwsSettings::default()).await;
        check(&returned.put_back(&wanted()).await, Side::Quarantine, why);
        let s3 = ScriptedS3::start(move |asked| match (quarantine(asked), &asked.method) {
            (Some(answer), _) => answer,
            (_, &Method::PUT) => refuses(asked, 403, "AccessDenied", message),
            (_, &Method::HEAD) => refuses(asked, 404, "", ""),
            _ => says(200, &[], "<VersioningConfiguration/>"),
        })
        .await;
        let returned = store(&s3, AwsSettings::default()).await;
        check(&returned.put_back(&wanted()).await, Side::Bucket, why);
    }
}
