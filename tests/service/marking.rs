//! `deploy/tag-existing.sh`, which marks what lay in a bucket before it was guarded: every version, whatever
//! its key looks like to a shell or to the AWS CLI, and no tag of anybody's is lost.

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
/// Later than everything.
const ALL: &str = "2999-01-01T00:00:00Z";

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

    let none = mark(&["--before", "2000-01-01T00:00:00Z", &bucket]).await;
    assert_eq!(none, (Some(0), vec![0, 0, 0, 0, 0]));
    let said = mark(&["--before", ALL, "--prefix", "file://", &bucket]).await;
    assert_eq!(said, (Some(0), vec![1, 1, 0, 0, 0]));
    assert_eq!(
        tags(client, &bucket, "file://x", &ours[2].1).await,
        json!([])
    );

    // One has as many tags as there may be.
    let done = mark(&["--before", ALL, "--write", &bucket]).await;
    assert_eq!(done, (Some(1), vec![8, 6, 1, 0, 1]));
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

    let again = mark(&["--before", ALL, "--prefix", "-x", "--write", &bucket]).await;
    assert_eq!(again, (Some(0), vec![2, 0, 2, 0, 0]));
    for wrong in [
        &["--before", "yesterday", "bucket"] as &[_],
        &["--all", "bucket"],
        &[],
    ] {
        assert_eq!(mark(wrong).await.0, Some(64), "{wrong:?}");
    }
    let nowhere = mark(&["--before", ALL, "not-here-at-all"]).await;
    assert_eq!(nowhere.0, Some(69));
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

/// Its exit code, and the numbers that it ends with: looked at, marked or to mark, marked before, gone,
/// failed.
async fn mark(words: &[&str]) -> (Option<i32>, Vec<u64>) {
    let words: Vec<_> = ["deploy/tag-existing.sh"]
        .iter()
        .chain(words)
        .copied()
        .collect();
    let output = scripts::run(&words).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let numbers = said
        .lines()
        .filter_map(|line| line.rsplit(' ').next()?.parse().ok());
    (output.status.code(), numbers.collect())
}
