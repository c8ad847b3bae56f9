//! Messages that are none, or ask for nothing: parked with a reason, or done with.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, clean, passport};
use super::outcome;
use super::races::news;
use super::until::until;

/// The largest message that SQS takes, in bytes.
const LARGEST: usize = 1 << 20;

/// Sends all of them between good ones.
pub(crate) async fn whatever_is_sent(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    let guarded = ground
        .bucket("guarded", Versions::Enabled, Route::Raw)
        .await;
    let quiet = ground.bucket("quiet", Versions::Never, Route::None).await;
    let ground = ground;
    let service = ground.run(&[]).await;
    let stranger = ground.named("stranger");
    client
        .s3("create_bucket", json!({"Bucket": stranger}))
        .await;
    let not_ours = ground
        .put(&stranger, "passport.png", passport(1), Fate::Left)
        .await;
    // Told with the least that an event may have, and no size.
    let bare = ground
        .put(&quiet, "bare + event.png", passport(2), Fate::Removed)
        .await;
    let good = ground
        .put(&guarded, "good.png", passport(3), Fate::Removed)
        .await;
    let clean = ground
        .put(&guarded, "clean.png", clean(4), Fate::Left)
        .await;
    let garbage = "x".repeat(LARGEST);
    let marker = "4111 1111 1111 1111 is not to be repeated";
    let bad_key = news(&bare).replace("bare", "%FFbare");
    let huge = news(&bare).replace(
        "eventTime",
        &format!("{}\": 1, \"eventTime", "y".repeat(1000)),
    );
    let test = json!({
        "Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-22T05:58:47.000Z",
        "Bucket": guarded, "RequestId": "r", "HostId": "h",
    });
    for body in [
        marker,
        &garbage,
        "{}",
        &bad_key,
        // These are fine.
        &news(&bare),
        &huge,
        &test.to_string(),
        &news(&not_ours),
    ] {
        ground.send(body).await;
    }
    ground.gone(&bare).await;
    ground.gone(&good).await;
    ground.settled().await;
    let dead = dead_letters(&ground, 4).await;
    for message in &dead {
        for name in ["reason", "error", "first_seen", "source_queue"] {
            let value = &message["MessageAttributes"][name]["StringValue"];
            assert!(value.is_string(), "{name} is no attribute of {message:#}");
        }
    }
    let with_body = |body: &str| dead.iter().filter(|it| it["Body"] == body).count();
    assert_eq!(with_body(marker), 1);
    assert_eq!(with_body("{}"), 1);
    assert_eq!(with_body(&bad_key), 1);
    assert!(ground.has(&not_ours).await, "nobody guards it");
    let ended = service.drain().await;
    let said = ended.lines.join("\n");
    assert!(
        !said.contains("4111") && !said.contains("xxxx"),
        "bodies are never logged:\n{said}"
    );
    outcome::check(&ground, &[bare, good, clean], &BTreeSet::new()).await;
    ground
}

/// Waits until so many messages were parked.
async fn dead_letters(ground: &Ground, count: usize) -> Vec<Value> {
    let mut dead = Vec::new();
    until(&format!("{count} messages are parked"), async || {
        dead.extend(ground.dead_letters().await);
        match dead.len() == count {
            true => Ok(()),
            false => Err(format!("{} are", dead.len())),
        }
    })
    .await;
    dead
}
