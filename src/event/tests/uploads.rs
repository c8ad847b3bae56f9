//! Uploads that are told by CloudTrail alone: which records ask for a look, and at what.

use serde_json::{Value, json};

use super::*;

/// A record of a successful upload into the listed bucket, changed.
fn record(change: impl FnOnce(&mut Value)) -> String {
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/jane.doe"},
        "eventTime": "2026-11-20T10:15:30Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutObject",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.10",
        "requestParameters": {"bucketName": "listed", "key": "a+b %20.PNG"},
        "responseElements": {"x-amz-version-id": "3HL4kqtJvjVBH40Nrjfkd"},
        "eventID": "11112222-3333-4444-5555-666677778888",
    });
    change(&mut detail);
    json!({
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.s3",
        "time": "2026-11-20T10:15:31Z",
        "detail": detail,
    })
    .to_string()
}

fn jobs(body: &str) -> Vec<Job> {
    let options = Options {
        cloudtrail_uploads: BTreeSet::from([BucketName::new("listed").unwrap()]),
        ..Options::default()
    };
    plan(&delivery(body), &options).jobs
}

fn uploads(body: &str) -> Vec<Upload> {
    let jobs = jobs(body);
    assert!(
        matches!(jobs.first(), Some(Job::Assess(_))),
        "what was done is assessed, and first"
    );
    let uploads = jobs.into_iter().skip(1).map(|job| match job {
        Job::Inspect(upload) => upload,
        other => panic!("{other:?}"),
    });
    uploads.collect()
}

#[test]
fn the_version_that_was_written_is_looked_at() {
    let found = uploads(&record(|_| ()));
    let [upload] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(upload.target.key.as_str(), "a+b %20.PNG", "verbatim");
    assert_eq!(
        target(&upload.target),
        "listed `a+b %20.PNG` version 3HL4kq"
    );
    assert!(matches!(upload.identity, Identity::Version { .. }));
    assert_eq!(upload.via, Envelope::CloudTrail);
    assert_eq!(
        upload.uploader.principal.as_deref(),
        Some("arn:aws:iam::111122223333:user/jane.doe")
    );
    assert_eq!(upload.uploader.ip.as_deref(), Some("192.0.2.10"));
    assert_eq!(upload.happened_at.to_string(), "2026-11-20T10:15:30Z");
}

#[test]
fn without_a_version_the_time_tells_writes_apart() {
    let unversioned = |time: &str| {
        let found = uploads(&record(|detail| {
            detail["responseElements"] = Value::Null;
            detail["eventTime"] = time.into();
        }));
        found[0].identity.finding_id()
    };
    let (one, another) = ("2026-11-20T10:15:30Z", "2026-11-20T10:15:31Z");
    assert_eq!(unversioned(one), unversioned(one));
    assert_ne!(unversioned(one), unversioned(another));
}

#[track_caller]
fn check(change: impl FnOnce(&mut Value), looked_at: usize) {
    let body = record(change);
    assert_eq!(uploads(&body).len(), looked_at, "{body}");
}

#[test]
fn only_pictures_that_were_put_into_listed_buckets_are_looked_at() {
    for name in ["CopyObject", "CompleteMultipartUpload", "PostObject"] {
        check(|detail| detail["eventName"] = name.into(), 1);
    }
    for name in ["GetObject", "DeleteObject", "UploadPart", "PutObjectAcl"] {
        check(|detail| detail["eventName"] = name.into(), 0);
    }
    let key = |key: &'static str| {
        move |detail: &mut Value| detail["requestParameters"]["key"] = key.into()
    };
    check(key("notes.txt"), 0);
    check(key("no ending"), 0);
    check(
        |detail| {
            key("no ending")(detail);
            detail["requestParameters"]["Content-Type"] = "Image/PNG".into();
        },
        1,
    );
    check(|detail| detail["errorCode"] = "AccessDenied".into(), 0);
    check(
        |detail| detail["requestParameters"]["bucketName"] = "other".into(),
        0,
    );
    check(
        |detail| detail["eventSource"] = "s3-outposts.amazonaws.com".into(),
        0,
    );
}

#[test]
fn a_form_upload_is_found_among_the_resources() {
    check(
        |detail| {
            detail["eventName"] = "PostObject".into();
            detail["requestParameters"] = json!({"bucketName": "listed"});
            detail["resources"] = json!([
                {"type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::listed"},
                {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::listed/form/a.png"},
            ]);
        },
        1,
    );
    check(
        |detail| {
            detail["eventName"] = "PostObject".into();
            detail["requestParameters"] = json!({"bucketName": "listed"});
        },
        0,
    );
}

#[test]
fn where_none_is_listed_a_record_asks_for_no_look() {
    let jobs = plan(&delivery(&record(|_| ())), &Options::default()).jobs;
    assert!(matches!(jobs.as_slice(), [Job::Assess(_)]), "{jobs:?}");
}
