//! What happens to an object while the model looks at it: the stand-in for Bedrock holds its answers
//! until it has happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, Put, clean, passport};
use super::outcome;

/// Overwrites, deletes and repeats what is being judged.
pub(crate) async fn while_it_is_judged(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    let plain = ground.bucket("plain", Versions::Never, Route::Raw).await;
    let kept = ground.bucket("kept", Versions::Enabled, Route::Raw).await;
    let ground = ground;
    let service = ground.run(&[]).await;
    let hold = ground.bedrock.hold();
    let judged = |bucket: &str, key: &str, variant: u32| {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let ground = &ground;
        async move {
            ground
                .put(&bucket, &key, passport(variant), Fate::Removed)
                .await
        }
    };
    let (replaced, changed, withdrawn, below, hidden, twice) = futures::join!(
        judged(&plain, "replaced by a clean one.png", 1),
        judged(&plain, "replaced by another passport.png", 2),
        judged(&plain, "withdrawn.png", 3),
        judged(&kept, "below a clean one.png", 4),
        judged(&kept, "hidden by a marker.png", 5),
        judged(&kept, "told twice.png", 6),
    );
    ground.bedrock.arrived(6).await;
    let (new, other, on_top) = futures::join!(
        ground.put(&plain, &replaced.key, clean(7), Fate::Left),
        ground.put(&plain, &changed.key, passport(8), Fate::Removed),
        ground.put(&kept, &below.key, clean(9), Fate::Left),
    );
    ground.delete(&withdrawn).await;
    let marker = ground.delete(&hidden).await;
    // A duplicate of the news, as S3 and SQS deliver them at least once.
    ground.send(&news(&twice)).await;
    drop(hold);

    for put in [&other, &below, &hidden, &twice] {
        ground.gone(put).await;
    }
    ground.settled().await;
    service.drain().await;
    for (put, ended) in [
        (&replaced, vec!["superseded"]),
        // What replaced it may have been removed by then, or not.
        (&changed, vec!["superseded", "already_gone"]),
        (&withdrawn, vec!["already_gone"]),
        (&below, vec!["deleted"]),
        (&hidden, vec!["deleted"]),
        (&twice, vec!["deleted"]),
    ] {
        let findings = ground.findings().await;
        let about = findings.iter().filter(|finding| put.is_subject_of(finding));
        let outcomes: Vec<_> = about
            .map(|finding| finding["outcome"]["code"].as_str().unwrap())
            .collect();
        let as_it_may = outcomes.len() == 1 && outcomes.iter().all(|it| ended.contains(it));
        assert!(as_it_may, "{}: {outcomes:?}", put.key);
    }
    // Looked for on behalf of what it replaced, since S3 may tell of two writes as one, and told by
    // an event of its own: one of them has removed it.
    let findings = ground.findings().await;
    let mut about = findings
        .iter()
        .filter(|finding| other.is_subject_of(finding));
    assert!(
        about.any(|finding| finding["outcome"]["code"] == "deleted"),
        "{findings:#?}"
    );
    let puts = [
        replaced, changed, withdrawn, below, hidden, twice, new, other, on_top,
    ];
    outcome::check(&ground, &puts, &BTreeSet::from([marker])).await;
    ground
}

/// The event of an upload, as S3 words it, with as little as an event may have.
pub(crate) fn news(put: &Put) -> String {
    let mut object = json!({"key": put.key, "eTag": put.etag.trim_matches('"')});
    if put.version != "null" {
        object["versionId"] = put.version.clone().into();
    }
    let key: String = put
        .key
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'/' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            b' ' => "+".to_owned(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    object["key"] = key.into();
    let now = jiff::Timestamp::now().to_string();
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": now, "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": put.bucket}, "object": object},
    }]})
    .to_string()
}
