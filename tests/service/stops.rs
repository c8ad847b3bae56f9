//! Stopping: what has begun is finished, what has not goes back, and the exit code says which.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, Put, passport};
use super::outcome;
use super::until::until;

/// More than can be judged at once.
const UPLOADS: u32 = 30;

/// Every way to stop, side by side.
pub(crate) async fn all(client: &Arc<Client>) {
    futures::join!(
        draining_under_load(client),
        asked_twice(client),
        out_of_time(client)
    );
}

async fn ground(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    ground
        .bucket("guarded", Versions::Enabled, Route::Raw)
        .await;
    ground
}

async fn load(ground: &Ground, uploads: u32) -> Vec<Put> {
    let puts = (0..uploads).map(async |number| {
        let (bucket, key) = (&ground.buckets[0], format!("{number}.png"));
        let body = passport(number);
        ground.put(bucket, &key, body, Fate::Removed).await
    });
    join_all(puts).await
}

/// With a slow model and more in hand than it can judge at once.
async fn draining_under_load(client: &Arc<Client>) {
    let ground = ground(client).await;
    let puts = load(&ground, UPLOADS).await;
    ground.bedrock.latency(Duration::from_secs(1));
    let service = ground
        .run(&[
            ("WARDEN_LIMITS__CONCURRENCY", "4"),
            ("WARDEN_LIMITS__HELD", "12"),
        ])
        .await;
    ground.bedrock.arrived(5).await;
    service.drain().await;
    // What it had in hand is done and told, or was given back at once: nothing is left in flight.
    let (waiting, held) = ground.backlog().await;
    assert_eq!(held, 0, "{waiting} waiting");
    let findings = ground.findings().await;
    assert!(
        findings
            .iter()
            .all(|finding| finding["state"] == "announced"),
        "{findings:#?}"
    );
    assert!(
        !findings.is_empty() && waiting > 0,
        "it was stopped under load"
    );
    assert_eq!(
        findings.len() + usize::try_from(waiting).unwrap(),
        puts.len()
    );
    ground.bedrock.latency(Duration::ZERO);
    let next = ground.run(&[]).await;
    for put in &puts {
        ground.gone(put).await;
    }
    ground.settled().await;
    next.drain().await;
    outcome::check(&ground, &puts, &BTreeSet::new()).await;
}

/// A second signal means now, whatever is in hand.
async fn asked_twice(client: &Arc<Client>) {
    let ground = ground(client).await;
    let service = ground.run(&[]).await;
    let hold = ground.bedrock.hold();
    let puts = load(&ground, 2).await;
    // The first was the service's own try of the model.
    ground.bedrock.arrived(3).await;
    service.signal("TERM").await;
    service.is_ready(503).await;
    service.signal("INT").await;
    let ended = service.end().await;
    assert_eq!(ended.status.code(), Some(75), "{}", ended.lines.join("\n"));
    drop(hold);
    finished_by_another(&ground, &puts).await;
}

/// What is not done by the deadline goes back, and the exit code tells.
async fn out_of_time(client: &Arc<Client>) {
    let ground = ground(client).await;
    let service = ground.run(&[("WARDEN_LIMITS__DRAIN_SECONDS", "1")]).await;
    let hold = ground.bedrock.hold();
    let puts = load(&ground, 2).await;
    // The first was the service's own try of the model.
    ground.bedrock.arrived(3).await;
    service.signal("TERM").await;
    let ended = service.end().await;
    assert_eq!(ended.status.code(), Some(75), "{}", ended.lines.join("\n"));
    drop(hold);
    finished_by_another(&ground, &puts).await;
}

async fn finished_by_another(ground: &Ground, puts: &[Put]) {
    // Given back, not left to run out: no emulator's clock has to be waited for.
    until("the messages are back", async || {
        let backlog = ground.backlog().await;
        let back = u64::try_from(puts.len()).unwrap();
        (backlog == (back, 0))
            .then_some(())
            .ok_or_else(|| format!("{backlog:?}"))
    })
    .await;
    let next = ground.run(&[]).await;
    for put in puts {
        ground.gone(put).await;
    }
    ground.settled().await;
    next.drain().await;
    outcome::check(ground, puts, &BTreeSet::new()).await;
}
