//! A service is killed at a moment that is known from outside, and a fresh one finds what it left.
//!
//! The wire holds back the answer to the call that marks the moment: the call has had its effect,
//! and the service that made it never learns. Messages of the dead come back when their visibility
//! has run out, on the emulator's clock, which is real.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, Put, clean, passport};
use super::outcome;
use super::races::news;
use super::until::until;

/// The writes of a finding, in order.
const WRITES: [&str; 3] = ["intent", "acted", "announced"];

/// Every kill, side by side.
pub(crate) async fn all(client: &Arc<Client>) {
    futures::join!(
        after_a_write(client, 1),
        after_a_write(client, 2),
        after_a_write(client, 3),
        with_the_object_gone(client),
        between_copy_and_removal(client, Versions::Enabled),
        between_copy_and_removal(client, Versions::Never),
        with_another_in_its_place(client),
        with_a_duplicate_elsewhere(client),
        with_the_queue_purged(client),
        with_two_at_once_and_nobody_killed(client),
    );
}

/// A ground with one bucket.
async fn ground(client: &Arc<Client>, versions: Versions) -> (Ground, String) {
    let mut ground = Ground::new(client).await;
    let bucket = ground.bucket("guarded", versions, Route::Raw).await;
    (ground, bucket)
}

/// Uploads a passport, and kills the service that looks at it at the `number`-th call that needs
/// `action` on a resource like `resource`.
async fn killed(
    ground: &Ground,
    bucket: &str,
    (action, resource, number): (&str, &str, u32),
) -> Put {
    let gate = ground.wire.hold(action, resource, number);
    let service = ground.run(&[]).await;
    let put = ground
        .put(bucket, "passport.png", passport(1), Fate::Removed)
        .await;
    gate.reached().await;
    service.kill().await;
    put
}

/// The state of the only finding.
async fn state(ground: &Ground) -> String {
    let findings = ground.findings().await;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings[0]["state"].as_str().unwrap().to_owned()
}

/// A fresh service brings it to its end: the object is gone, people were told, nothing is open.
async fn replaced(ground: &Ground, puts: &[Put]) {
    let fresh = ground.run(&[]).await;
    outcome::told(ground, &puts[0]).await;
    ground.settled().await;
    until("nothing is pending", async || {
        let open = ground.keys(&ground.records, "pending/").await;
        open.is_empty()
            .then_some(())
            .ok_or_else(|| format!("{open:?}"))
    })
    .await;
    fresh.drain().await;
    outcome::check(ground, puts, &BTreeSet::new()).await;
}

async fn after_a_write(client: &Arc<Client>, number: u32) {
    let (ground, bucket) = ground(client, Versions::Enabled).await;
    let write = ("s3:PutObject", "*/findings/*", number);
    let put = killed(&ground, &bucket, write).await;
    let index = usize::try_from(number).unwrap() - 1;
    assert_eq!(state(&ground).await, WRITES[index]);
    assert_eq!(
        ground.has(&put).await,
        number == 1,
        "only an intent comes before the act"
    );
    replaced(&ground, &[put]).await;
}

async fn with_the_object_gone(client: &Arc<Client>) {
    let (ground, bucket) = ground(client, Versions::Never).await;
    let put = killed(&ground, &bucket, ("s3:DeleteObject", "*/passport.png", 1)).await;
    assert!(!ground.has(&put).await);
    assert_eq!(state(&ground).await, "intent");
    replaced(&ground, &[put]).await;
}

/// The copy is in the quarantine, and the source still in its place.
async fn between_copy_and_removal(client: &Arc<Client>, versions: Versions) {
    let (ground, bucket) = ground(client, versions).await;
    let moving = [
        ("WARDEN_POLICY__REMOVAL", "quarantine"),
        ("WARDEN_QUARANTINE__BUCKET", ground.quarantine.as_str()),
    ];
    let gate = ground
        .wire
        .hold("s3:PutObject", &format!("*{}/*", ground.quarantine), 1);
    let service = ground.run(&moving).await;
    let put = ground
        .put(&bucket, "passport.png", passport(1), Fate::Removed)
        .await;
    gate.reached().await;
    service.kill().await;
    drop(gate);
    assert!(ground.has(&put).await, "the source goes last");
    assert_eq!(ground.keys(&ground.quarantine, "").await.len(), 1);
    assert_eq!(state(&ground).await, "intent");
    let fresh = ground.run(&moving).await;
    let finding = outcome::told(&ground, &put).await;
    assert_eq!(finding["outcome"]["code"], "quarantined", "{finding:#}");
    ground.settled().await;
    fresh.drain().await;
    outcome::check(&ground, &[put], &BTreeSet::new()).await;
    let copies = ground.keys(&ground.quarantine, "").await;
    assert_eq!(copies, [outcome::id(&finding)], "exactly one copy");
    let alerts = ground.alerts().await;
    let told = alerts
        .iter()
        .filter(|alert| alert["finding_ids"].is_array());
    assert_eq!(told.count(), 1, "one story: {alerts:#?}");
}

/// What came to lie there since was not judged, and is not touched on behalf of what was.
async fn with_another_in_its_place(client: &Arc<Client>) {
    let (ground, bucket) = ground(client, Versions::Never).await;
    let put = killed(&ground, &bucket, ("s3:PutObject", "*/findings/*", 1)).await;
    let new = ground.put(&bucket, &put.key, clean(2), Fate::Left).await;
    replaced(&ground, &[put, new]).await;
    let findings = ground.findings().await;
    assert_eq!(
        findings[0]["outcome"]["code"], "superseded",
        "{findings:#?}"
    );
}

/// The first is stopped dead with its intent written; the second holds the same news.
async fn with_a_duplicate_elsewhere(client: &Arc<Client>) {
    let (ground, bucket) = ground(client, Versions::Enabled).await;
    let gate = ground.wire.hold("s3:PutObject", "*/findings/*", 1);
    let first = ground.run(&[]).await;
    let put = ground
        .put(&bucket, "passport.png", passport(1), Fate::Removed)
        .await;
    gate.reached().await;
    let second = ground.run(&[]).await;
    ground.send(&news(&put)).await;
    outcome::told(&ground, &put).await;
    ground.gone(&put).await;
    first.kill().await;
    ground.settled().await;
    second.drain().await;
    outcome::check(&ground, &[put], &BTreeSet::new()).await;
}

/// The same, but the first goes on when the second has done everything.
async fn with_two_at_once_and_nobody_killed(client: &Arc<Client>) {
    let (ground, bucket) = ground(client, Versions::Enabled).await;
    let gate = ground.wire.hold("s3:PutObject", "*/findings/*", 1);
    let first = ground.run(&[]).await;
    let put = ground
        .put(&bucket, "passport.png", passport(1), Fate::Removed)
        .await;
    gate.reached().await;
    let second = ground.run(&[]).await;
    ground.send(&news(&put)).await;
    outcome::told(&ground, &put).await;
    drop(gate);
    ground.settled().await;
    first.drain().await;
    second.drain().await;
    outcome::check(&ground, &[put], &BTreeSet::new()).await;
}

/// No message will ever come for it again, so it is finished from the records. That waits until
/// nobody can be working on it any more, so the finding is made an hour older.
async fn with_the_queue_purged(client: &Arc<Client>) {
    let (ground, bucket) = ground(client, Versions::Enabled).await;
    let removal = ("s3:DeleteObjectVersion", "*/passport.png", 1);
    let put = killed(&ground, &bucket, removal).await;
    let queue = json!({"QueueUrl": ground.queue.url});
    client.sqs("purge_queue", queue).await;
    until("the queue is purged", async || {
        let left = ground.backlog().await;
        (left == (0, 0))
            .then_some(())
            .ok_or_else(|| format!("{left:?}"))
    })
    .await;
    let keys = ground.keys(&ground.records, "findings/").await;
    let mut finding = ground.record(&keys[0]).await;
    assert_eq!(finding["state"], "intent");
    let judged_at: jiff::Timestamp = finding["times"]["judged_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let earlier = judged_at - jiff::SignedDuration::from_hours(1);
    finding["times"]["judged_at"] = earlier.to_string().into();
    let body = json!({"$json": finding});
    let older = json!({"Bucket": ground.records, "Key": keys[0], "Body": body});
    client.s3("put_object", older).await;
    replaced(&ground, &[put]).await;
}
