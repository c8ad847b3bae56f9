//! `deploy/tag-existing.sh`, which marks what lay in a bucket before it was guarded: every version, whatever
//! its key looks like to a shell or to the AWS CLI, and no tag of anybody's is lost. What has a finding is
//! left.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::Client;
use super::ground::another_id;
use super::scripts;

/// Keys that are options, files, words, ends of lines or other alphabets to somebody on the way.
const KEYS: [&str; 5] = [
    "-x",
    "ends in a line break\n",
    "file://x",
    "\u{d55c}\u{ad6d}\u{c5b4} \u{c774}\u{b984}.png",
    "it's \"quoted\" $HOME \\ `id`",
];
/// Says it, does it, and does it once.
pub(crate) async fn all(client: &Client) {
    let bucket = format!("marked-{}", another_id());
    let made = json!({"Bucket": bucket});
    client.s3("create_bucket", made).await;
    let versioning = json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Enabled"}});
    client.s3("put_bucket_versioning", versioning).await;
    let owned = put(client, &bucket, KEYS[0], "owner=ours").await;
    let mut ours = Vec::new();
    for key in KEYS {
        ours.push((key, put(client, &bucket, key, "").await));
    }
    let judged = put(client, &bucket, "judged", "s3-warden=flagged").await;
    let ten: Vec<_> = (0..10).map(|at| format!("t{at}=v")).collect();
    let full = put(client, &bucket, "full", &ten.join("&")).await;

    let held = put(client, &bucket, "held", "").await;
    let unread = put(client, &bucket, "unread", "").await;
    let elsewhere = "another-bucket";
    let folder = findings(&[
        (&bucket, "held", Some(held.as_str())),
        (&bucket, "unread", None),
        (&bucket, KEYS[1], Some("another-version")),
        (elsewhere, KEYS[2], None),
    ]);
    let findings = folder.path().to_str().unwrap();

    // The emulator's clock is a real one, and a version counts from the second after its own.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let all = ["--settled", "0", "--before", &now];
    let with = |words: &[&str]| {
        let words = all.iter().chain(words).map(|it| (*it).to_owned());
        words.collect::<Vec<_>>()
    };
    let none = mark(&["--before", "2000-01-01T00:00:00Z", &bucket]).await;
    assert_eq!(none, (Some(0), vec![0, 0, 0, 0, 0, 0]));
    let said = mark(&with(&["--prefix", "file://", &bucket])).await;
    assert_eq!(said, (Some(0), vec![1, 1, 0, 0, 0, 0]));
    assert_eq!(
        tags(client, &bucket, "file://x", &ours[2].1).await,
        json!([])
    );

    // One has as many tags as there may be.
    let write = ["--write", "--findings", findings, &bucket];
    let done = mark(&with(&write)).await;
    assert_eq!(done, (Some(1), vec![10, 6, 1, 2, 0, 1]));
    for (key, version) in [("held", &held), ("unread", &unread)] {
        assert_eq!(tags(client, &bucket, key, version).await, json!([]));
    }
    let allowed = json!({"Key": "s3-warden", "Value": "allowed"});
    for (key, version) in &ours {
        assert_eq!(
            tags(client, &bucket, key, version).await,
            json!([allowed]),
            "{key:?}"
        );
    }
    let both = json!([{"Key": "owner", "Value": "ours"}, allowed]);
    assert_eq!(tags(client, &bucket, KEYS[0], &owned).await, both);
    let flagged = json!([{"Key": "s3-warden", "Value": "flagged"}]);
    assert_eq!(tags(client, &bucket, "judged", &judged).await, flagged);
    let kept = tags(client, &bucket, "full", &full).await;
    assert_eq!(kept.as_array().unwrap().len(), 10, "{kept}");

    let again = [&["--prefix", "-x"], write.as_slice()].concat();
    let again = mark(&with(&again)).await;
    assert_eq!(again, (Some(0), vec![2, 0, 2, 0, 0, 0]));
    let nowhere = mark(&with(&["not-here-at-all"])).await;
    assert_eq!(nowhere.0, Some(69));
    for wrong in [
        &["--before", "yesterday", "bucket"] as &[_],
        &["--before", "2026-02-30T00:00:00Z", "bucket"],
        &["--before", "2999-01-01T00:00:00Z", "bucket"],
        // It may be about to be judged.
        &["--before", &now, "bucket"],
        // What was found before would be allowed by the way.
        &["--before", "2026-01-01T00:00:00Z", "--write", "bucket"],
        &["--all", "bucket"],
        &[],
    ] {
        assert_eq!(mark(wrong).await.0, Some(64), "{wrong:?}");
    }
}

/// A copy of findings about these versions; without one where nothing could be read.
fn findings(about: &[(&str, &str, Option<&str>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let day = folder.path().join("date=2026-11-20");
    std::fs::create_dir(&day).unwrap();
    for (at, (bucket, key, version)) in about.iter().enumerate() {
        let object = version.map(|id| json!({"pin": {"version": id}}));
        let finding = json!({"subject": {"bucket": bucket, "key": key, "object": object}});
        std::fs::write(day.join(format!("{at}.json")), finding.to_string()).unwrap();
    }
    // One about no object.
    std::fs::write(
        day.join("activity.json"),
        json!({"activity": {}}).to_string(),
    )
    .unwrap();
    folder
}

/// Uploads with tags, written as in an address; gives the version.
async fn put(client: &Client, bucket: &str, key: &str, tags: &str) -> String {
    let body = json!({"$text": key});
    let with = json!({"Bucket": bucket, "Key": key, "Body": body, "Tagging": tags});
    let put = client.s3("put_object", with).await;
    put["VersionId"].as_str().unwrap().to_owned()
}

async fn tags(client: &Client, bucket: &str, key: &str, version: &str) -> Value {
    let which = json!({"Bucket": bucket, "Key": key, "VersionId": version});
    let mut answer = client.s3("get_object_tagging", which).await;
    answer["TagSet"].take()
}

/// Its exit code, and the numbers that it ends with: looked at, marked or to mark, marked before, with a
/// finding, gone, failed.
async fn mark(words: &[impl AsRef<str>]) -> (Option<i32>, Vec<u64>) {
    let given = words.iter().map(AsRef::as_ref);
    let words: Vec<_> = ["deploy/tag-existing.sh"]
        .into_iter()
        .chain(given)
        .collect();
    let output = scripts::run(&words).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers = said
        .lines()
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok());
    (output.status.code(), numbers.collect())
}
