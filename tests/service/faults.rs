//! What goes wrong while a service runs: it pauses, says so, tries again, goes on; nothing is lost
//! and nothing good ends in the dead-letter queue.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use s3_warden_standins::bedrock::{Behaviour, Quota};

use super::child::Service;
use super::client::Client;
use super::ground::{Ground, MODEL, Route, Versions};
use super::objects::{Fate, Put, passport};
use super::outcome;
use super::wire::Refusal;

/// Every fault, side by side.
pub(crate) async fn all(client: &Arc<Client>) {
    futures::join!(
        credentials_expire(client),
        the_model_does_not_know_us_any_more(client),
        every_model_is_gone(client),
        the_first_model_is_gone(client),
        the_model_needs_a_profile(client),
        the_model_is_busy(client),
    );
}

async fn ground(client: &Arc<Client>) -> Ground {
    let mut ground = Ground::new(client).await;
    ground
        .bucket("guarded", Versions::Enabled, Route::Raw)
        .await;
    ground
}

async fn upload(ground: &Ground, key: &str, variant: u32) -> Put {
    let bucket = &ground.buckets[0];
    ground
        .put(bucket, key, passport(variant), Fate::Removed)
        .await
}

/// It works again: all is done and told, and the alert about the pause came as well.
async fn went_on(ground: &Ground, service: Service, puts: &[Put], words: &[&str], at_most: usize) {
    for put in puts {
        ground.gone(put).await;
    }
    service.ready().await;
    let paused = ground
        .alert("an alert about the pause", |alert| {
            alert["kind"] == "paused"
        })
        .await;
    let text = paused.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is missing: {paused:#}");
    }
    ground.settled().await;
    service.drain().await;
    let pauses = ground.alerts().await.into_iter();
    let pauses = pauses.filter(|alert| alert["kind"] == "paused").count();
    assert!(pauses <= at_most, "people are told {pauses} times");
    outcome::check(ground, puts, &BTreeSet::new()).await;
}

/// Nothing of AWS answers any more, so the alert has to wait, too.
async fn credentials_expire(client: &Arc<Client>) {
    let ground = ground(client).await;
    let service = ground.run(&[]).await;
    let first = upload(&ground, "before.png", 1).await;
    ground.gone(&first).await;
    outcome::told(&ground, &first).await;
    let expired = ground.wire.refuse("*", "*", Refusal::EXPIRED);
    let second = upload(&ground, "meanwhile.png", 2).await;
    service.is_ready(503).await;
    assert!(ground.has(&second).await);
    drop(expired);
    // Reading, records, queue and carrier of alerts fail and are mended one by one.
    let puts = [first, second];
    went_on(&ground, service, &puts, &["ExpiredToken"], 4).await;
}

async fn the_model_does_not_know_us_any_more(client: &Arc<Client>) {
    let ground = ground(client).await;
    let service = ground.run(&[]).await;
    ground.bedrock.behave(Behaviour::ExpiredCredentials);
    let put = upload(&ground, "passport.png", 1).await;
    mended_after_pausing(&ground, service, put, &["ExpiredToken", "renew"]).await;
}

/// Pauses, tells at once, and goes on when the model is honest again.
async fn mended_after_pausing(ground: &Ground, service: Service, put: Put, words: &[&str]) {
    service.is_ready(503).await;
    ground
        .alert("an alert about the pause", |alert| {
            alert["kind"] == "paused"
        })
        .await;
    assert!(ground.has(&put).await);
    ground.bedrock.behave(Behaviour::Honest);
    went_on(ground, service, &[put], words, 1).await;
}

async fn every_model_is_gone(client: &Arc<Client>) {
    let ground = ground(client).await;
    ground.bedrock.behave(Behaviour::EndOfLife);
    let service = ground.start(&[]);
    service.ready().await;
    service
        .mentions("the model did not answer at the start")
        .await;
    let put = upload(&ground, "passport.png", 1).await;
    let words = ["end of its life", "choose another", "model.id"];
    mended_after_pausing(&ground, service, put, &words).await;
}

async fn the_first_model_is_gone(client: &Arc<Client>) {
    let ground = ground(client).await;
    ground.bedrock.behave_for(MODEL, Behaviour::EndOfLife);
    let service = ground.run(&[]).await;
    service.mentions("a model cannot be used").await;
    let put = upload(&ground, "passport.png", 1).await;
    ground.gone(&put).await;
    let finding = outcome::told(&ground, &put).await;
    let judge = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    assert_eq!(finding["judgement"]["judge"]["name"], judge, "{finding:#}");
    ground.settled().await;
    service.drain().await;
    outcome::check(&ground, &[put], &BTreeSet::new()).await;
}

/// The remedy is named: the id that would answer.
async fn the_model_needs_a_profile(client: &Arc<Client>) {
    let ground = ground(client).await;
    let service = ground.start(&[
        ("WARDEN_MODEL__ID", "anthropic.claude-haiku-5-5"),
        ("WARDEN_MODEL__FALLBACKS", ""),
    ]);
    service.ready().await;
    let put = upload(&ground, "passport.png", 1).await;
    service.is_ready(503).await;
    let paused = ground
        .alert("an alert about the pause", |alert| {
            alert["kind"] == "paused"
        })
        .await;
    assert!(paused.to_string().contains(MODEL), "{paused:#}");
    let ended = service.drain().await;
    assert!(ended.lines.iter().any(|line| line.contains(MODEL)));
    let mended = ground.run(&[]).await;
    ground.gone(&put).await;
    ground.settled().await;
    mended.drain().await;
    outcome::check(&ground, &[put], &BTreeSet::new()).await;
}

/// A quota that lets through one at a time, and a storm on top: it takes longer, and that is all.
async fn the_model_is_busy(client: &Arc<Client>) {
    let ground = ground(client).await;
    let service = ground.run(&[]).await;
    ground.bedrock.latency(Duration::from_millis(50));
    ground.bedrock.quota(Quota {
        concurrent: Some(1),
        ..Quota::default()
    });
    ground.bedrock.next(3, Behaviour::Throttle);
    let keys: Vec<_> = (0..12).map(|number| format!("{number}.png")).collect();
    let puts = keys.iter().zip(0..);
    let puts = puts.map(|(key, variant)| upload(&ground, key, variant));
    let puts = join_all(puts).await;
    for put in &puts {
        ground.gone(put).await;
    }
    ground.settled().await;
    let throttled = ground.bedrock.sums().by_status.get("429").copied();
    assert!(throttled.is_some_and(|times| times >= 3), "{throttled:?}");
    assert!(service.get("/readyz").await.0 == 200, "busy is no fault");
    service.drain().await;
    outcome::check(&ground, &puts, &BTreeSet::new()).await;
}
