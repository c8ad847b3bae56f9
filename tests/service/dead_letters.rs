//! What was parked, looked at and sent back by operators: each command is a process of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use s3_warden::event::{Body, ParkedPointer, Place};
use serde_json::{Value, json};

use super::client::Client;
use super::ground::{Ground, Queue, Route, Versions};
use super::iam;
use super::mending::{operator, wire};
use super::objects::{Fate, passport};
use super::outcome;
use super::races::news;
use super::until::until;
use super::wire::Wire;

/// The largest message that SQS takes, in bytes.
const LARGEST: usize = 1 << 20;

/// A ground, and the wire of its operators.
type At<'a> = (&'a Ground, &'a Wire);

/// One story: each step is the ground of the next.
pub(crate) async fn all(client: &Arc<Client>) {
    let mut ground = Ground::new(client).await;
    let guarded = ground
        .bucket("guarded", Versions::Enabled, Route::None)
        .await;
    let (events, events_dead) = ground.queue_of_events().await;
    let (ground, wire) = (ground, wire().await);
    let at = (&ground, &wire);
    let mut puts = Vec::new();
    for (key, variant) in [("moved.png", 1), ("older.png", 2), ("big.png", 3)] {
        let put = ground.put(&guarded, key, passport(variant), Fate::Removed);
        puts.push(put.await);
    }
    let [moved, older, big] = puts.as_slice() else {
        unreachable!("three were put");
    };
    // SQS gives this one up by itself: nobody who received it ever removed it.
    ground.send(&news(moved)).await;
    moved_by_sqs(&ground).await;
    // The worker parks these, the larger one by pointer.
    let service = ground.run(&[]).await;
    ground.send("4111 1111 1111 1111 is no JSON").await;
    ground.send(&"x".repeat(LARGEST)).await;
    parked(&ground, 3).await;
    service.drain().await;
    // These were parked by a worker that did not know such events yet, the larger by pointer.
    let uploads = (&ground.queue, &ground.dead);
    park(&ground, uploads, &news(older)).await;
    let whole = padded(&news(big));
    let place = Place {
        bucket: ground.records.clone(),
        key: "parked/before".to_owned(),
    };
    let kept = json!({"Bucket": place.bucket, "Key": place.key, "Body": whole});
    client.s3("put_object", kept).await;
    let pointer = ParkedPointer::new(place, &Body::new(whole));
    park(&ground, uploads, &serde_json::to_string(&pointer).unwrap()).await;
    // Somebody else writes there as well.
    let odd = json!({
        "QueueUrl": ground.dead.url, "MessageBody": "{\"s3_warden_parked\":1}",
        "MessageAttributes": attributes(&[("first_seen", "yesterday"), ("error", "a\u{202e}b")]),
    });
    client.sqs("send_message", odd).await;

    let listed = list(at, &[]).await;
    let counts = json!({"moved_by_sqs": 2, "not_json": 2, "unknown_event": 2});
    assert_eq!(listed["by_reason"], counts, "{listed:#}");
    assert!(!listed.to_string().contains("4111"), "{listed:#}");
    for put in &puts {
        let about = json!({
            "kind": "object", "bucket": guarded, "key": put.key, "event": null, "more": 0,
            "error": null,
        });
        let mut messages = listed["messages"].as_array().unwrap().iter();
        assert!(
            messages.any(|message| message["about"] == about),
            "{listed:#}"
        );
    }
    // Looking changes nothing: the next look sees the same.
    assert_eq!(ids(&list(at, &[]).await), ids(&listed));
    let some = list(at, &["--reason", "not_json", "--reason", "moved_by_sqs"]).await;
    assert_eq!(ids(&some).len(), 4);
    let none = list(at, &["--older-than", "1d"]).await;
    assert_eq!(none["messages"], json!([]));
    let some = list(at, &["--limit", "2"]).await;
    assert_eq!(ids(&some).len(), 2);
    assert_eq!(some["queues"][0]["ended"], "limit", "{some:#}");

    // While nobody guards the bucket, nothing of it is of use.
    let elsewhere = [("WARDEN_INTAKE__BUCKETS", "another-bucket")];
    let (code, kept) = redrive(at, &["--all"], &elsewhere).await;
    assert_eq!((code, &kept["sent"]), (0, &0.into()), "{kept:#}");
    assert_eq!((&kept["kept"], &kept["failed"]), (&6.into(), &0.into()));
    // What would happen after that is mended, and then just that.
    let (code, would) = redrive(at, &["--all", "--dry-run"], &[]).await;
    assert_eq!((code, &would["sent"]), (0, &3.into()), "{would:#}");
    assert_eq!(ground.backlog_of(&ground.dead).await, (6, 0));
    assert_eq!(ground.backlog().await, (0, 0), "nothing was sent");
    let (code, done) = redrive(at, &["--all"], &[]).await;
    assert_eq!((code, &done["sent"]), (0, &3.into()), "{done:#}");
    assert_eq!(ground.backlog_of(&ground.dead).await, (3, 0));
    assert_eq!(ground.backlog().await, (3, 0));
    let service = ground.run(&[]).await;
    for put in &puts {
        ground.gone(put).await;
    }
    ground.settled().await;

    // What is forced comes back, is not sent again by the same run, and says that it goes round in
    // circles, where it has room for that.
    let (code, done) = redrive(at, &["--force", "--all"], &[]).await;
    assert_eq!((code, &done["sent"]), (0, &3.into()), "{done:#}");
    parked(&ground, 3).await;
    let again = list(at, &[]).await;
    let again = again["messages"].as_array().unwrap().iter();
    let counts: Vec<_> = again.map(|message| message["redriven"].as_u64()).collect();
    assert_eq!(
        counts.iter().filter(|count| **count == Some(1)).count(),
        2,
        "{counts:?}"
    );
    service.drain().await;
    ground.dead_letters().await;

    let again = ground
        .put(&guarded, "again.png", passport(4), Fate::Removed)
        .await;
    killed_between(at, &news(&again)).await;
    let service = ground.run(&[]).await;
    ground.gone(&again).await;
    ground.settled().await;
    service.drain().await;
    // What happened in the account goes back to its own queue.
    park(&ground, (&events, &events_dead), &news(&again)).await;
    let watched = [("WARDEN_QUEUE__EVENTS_URL", events.url.as_str())];
    for (more, waiting) in [
        (&["--all", "--events", "--dry-run"][..], 0),
        (&["--all"], 1),
    ] {
        let (code, done) = redrive(at, more, &watched).await;
        assert_eq!((code, &done["sent"]), (0, &1.into()), "{done:#}");
        assert_eq!(ground.backlog_of(&events).await, (waiting, 0));
    }
    assert_eq!(ground.backlog_of(&events_dead).await, (0, 0));
    puts.push(again);
    outcome::check(&ground, &puts, &BTreeSet::new()).await;
    iam::check_dead_letters(&ground, &wire);
}

/// The same message, as large as SQS takes any.
fn padded(news: &str) -> String {
    let mut padded: Value = serde_json::from_str(news).unwrap();
    padded["padding"] = "".into();
    let room = LARGEST - padded.to_string().len();
    padded["padding"] = "x".repeat(room).into();
    padded.to_string()
}

fn attributes(all: &[(&str, &str)]) -> Value {
    let all = all.iter().map(|(name, value)| {
        let attribute = json!({"DataType": "String", "StringValue": value});
        ((*name).to_owned(), attribute)
    });
    Value::Object(all.collect())
}

/// Puts a message of a queue where and as a worker parks it.
async fn park(ground: &Ground, (queue, dead): (&Queue, &Queue), body: &str) {
    let noted = attributes(&[
        ("reason", "unknown_event"),
        ("error", "an event of an unknown type"),
        ("first_seen", "2026-11-22T10:00:00Z"),
        ("source_queue", &queue.arn),
        ("message_id", "before"),
    ]);
    let message = json!({
        "QueueUrl": dead.url, "MessageBody": body, "MessageAttributes": noted,
    });
    ground.client.sqs("send_message", message).await;
}

/// Receives what waits until the queue gives it up.
async fn moved_by_sqs(ground: &Ground) {
    let receive = json!({
        "QueueUrl": ground.queue.url, "MaxNumberOfMessages": 1, "VisibilityTimeout": 0,
    });
    until("SQS has moved the message", async || {
        ground.client.sqs("receive_message", receive.clone()).await;
        match ground.backlog_of(&ground.dead).await {
            (1, _) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

async fn parked(ground: &Ground, count: usize) {
    until(
        &format!("{count} messages are parked"),
        async || match ground.backlog_of(&ground.dead).await {
            (waiting, 0) if waiting == count as u64 => Ok(()),
            other => Err(format!("{other:?}")),
        },
    )
    .await;
}

async fn list(at: At<'_>, more: &[&str]) -> Value {
    let (code, listed) = dlq(at, &[&["list", "--json"], more].concat(), &[]).await;
    assert_eq!(code, 0, "{listed:#}");
    assert_eq!(at.0.backlog_of(&at.0.dead).await.1, 0, "all is given back");
    listed
}

fn ids(listed: &Value) -> BTreeSet<String> {
    let messages = listed["messages"].as_array().unwrap().iter();
    let ids = messages.map(|message| message["id"].as_str().unwrap().to_owned());
    ids.collect()
}

async fn redrive(at: At<'_>, more: &[&str], with: &[(&str, &str)]) -> (i32, Value) {
    dlq(at, &[&["redrive", "--json"], more].concat(), with).await
}

async fn dlq((ground, wire): At<'_>, more: &[&str], with: &[(&str, &str)]) -> (i32, Value) {
    let mut command = operator(ground, wire, &[&["dlq"], more].concat());
    let ran = command.envs(with.iter().copied()).output().await.unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    let printed = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{more:?}: {error}: {said}"));
    (ran.status.code().unwrap(), printed)
}

/// Begins to send two messages back, and is killed when the first lies in both queues.
async fn killed_between((ground, wire): At<'_>, body: &str) {
    let uploads = (&ground.queue, &ground.dead);
    park(ground, uploads, body).await;
    park(ground, uploads, body).await;
    let sent = wire.hold("sqs:SendMessage", &ground.queue.arn, 1);
    let slowly = [
        "dlq",
        "redrive",
        "--reason",
        "unknown_event",
        "--per-second",
        "1",
    ];
    let mut child = operator(ground, wire, &slowly).spawn().unwrap();
    sent.reached().await;
    child.kill().await.unwrap();
    drop(sent);
    assert_eq!(ground.backlog().await, (1, 0), "it was sent");
    // Both are still there, hidden until the queue gives them back: the emulator's clock is not ours
    // to move.
    assert_eq!(
        ground.backlog_of(&ground.dead).await,
        (0, 2),
        "none was removed"
    );
}
