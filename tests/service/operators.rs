//! What operators do beside a running service: pause and resume it, look at the breaker and close it,
//! ask for the story of an object. Each command is a process of its own that knows the records only.

use std::sync::Arc;

use serde_json::Value;
use tokio::process::Command;

use super::child::Service;
use super::client::Client;
use super::ground::{Ground, Route, Versions};
use super::objects::{Fate, clean, passport};
use super::outcome;
use super::until::until;

/// One story: each step is the ground of the next.
pub(crate) async fn all(client: &Arc<Client>) {
    let mut ground = Ground::new(client).await;
    let guarded = ground
        .bucket("guarded", Versions::Enabled, Route::Raw)
        .await;
    let ground = ground;
    let service = ground
        .run(&[("WARDEN_LIMITS__DELETIONS_PER_MINUTE", "1")])
        .await;

    let (code, paused) = command(&ground, &["pause", "--reason", "a drill", "--json"]).await;
    assert_eq!((code, &paused["paused"]), (0, &true.into()), "{paused}");
    assert_eq!(paused["halt"]["reason"], "a drill");
    // Not polling any more: whatever comes from now on waits in the queue.
    shows(&service, "/healthz", r#""wait":"halted""#).await;
    let first = ground
        .put(&guarded, "first.png", passport(1), Fate::Removed)
        .await;
    until("the message waits", async || match ground.backlog().await {
        (1, 0) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    let (code, resumed) = command(&ground, &["resume", "--json"]).await;
    assert_eq!((code, &resumed["paused"]), (0, &false.into()), "{resumed}");
    ground.gone(&first).await;

    // The second removal within a minute is one too many.
    let second = ground
        .put(&guarded, "second.png", passport(2), Fate::Told)
        .await;
    let held = outcome::told(&ground, &second).await;
    assert_eq!(held["outcome"]["code"], "held", "{held:#}");
    assert!(ground.has(&second).await, "what is held stays");
    until("the fleet knows of the breaker", async || {
        match command(&ground, &["breaker", "status", "--json"]).await {
            (2, status) if status["open"] == true => {
                let ids = &status["held"];
                assert_eq!(ids[0]["finding_id"], held["id"], "{status}");
                assert_eq!(ids.as_array().map(Vec::len), Some(1), "{status}");
                Ok(())
            }
            (code, status) => Err(format!("{code}: {status}")),
        }
    })
    .await;
    let (code, reset) = command(&ground, &["breaker", "reset", "--json"]).await;
    assert_eq!((code, &reset["open"]), (0, &false.into()), "{reset}");
    assert_eq!(reset["held"][0]["finding_id"], held["id"], "{reset}");
    shows(&service, "/metrics", "s3_warden_breaker_open 0").await;
    let third = ground
        .put(&guarded, "third.png", passport(3), Fate::Removed)
        .await;
    ground.gone(&third).await;

    let (code, story) = command(&ground, &["explain", &guarded, "second.png", "--json"]).await;
    assert_eq!((code, &story["id"]), (0, &held["id"]), "{story}");
    let nothing = ground
        .put(&guarded, "clean.png", clean(4), Fate::Left)
        .await;
    ground.settled().await;
    service.drain().await;
    assert!(ground.has(&nothing).await);
    // Clean verdicts are written when the service stops, at the latest.
    let (code, story) = command(&ground, &["explain", &guarded, "clean.png", "--json"]).await;
    let verdict = &story["judgement"]["verdict"];
    assert_eq!((code, verdict), (0, &"clean".into()), "{story}");
}

/// Waits until an answer of the ops endpoint has these words in it.
async fn shows(service: &Service, path: &str, words: &str) {
    until(words, async || {
        let (_, body) = service.get(path).await;
        body.contains(words).then_some(()).ok_or(body)
    })
    .await;
}

/// Runs a command with the environment of the ground: its exit code and what it printed.
async fn command(ground: &Ground, arguments: &[&str]) -> (i32, Value) {
    let home = tempfile::tempdir().unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_s3-warden"))
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .envs(ground.variables(&[("WARDEN_LOG", "warn")]))
        .output()
        .await
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let value = serde_json::from_str(&printed)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {printed}{said}"));
    (ran.status.code().unwrap(), value)
}
