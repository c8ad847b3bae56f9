//! The same work at once is done once.

use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::detector::Turn;
use crate::faults::Step;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

/// One message with the records of several.
fn together(events: &[&str]) -> String {
    let records = events.iter().flat_map(|event| {
        let mut event: Value = serde_json::from_str(event).unwrap();
        let Value::Array(records) = event["Records"].take() else {
            panic!("a notification has records")
        };
        records
    });
    serde_json::json!({ "Records": records.collect::<Vec<_>>() }).to_string()
}

#[tokio::test(start_paused = true)]
async fn the_same_message_twice_at_once_is_one_judgement() {
    let ground = Ground::new(|setup| setup.limits.cache_entries = 0);
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.queue.send(event).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(
        ground.queue.stats().in_flight,
        2,
        "the follower keeps its lease"
    );
    gate.open();
    worker
        .until(Seen::PassedOver("same_work_in_flight"), 1)
        .await;
    worker.finish().await;
    assert_eq!(
        (ground.judge.asked(), ground.faults.calls(Step::Remove)),
        (1, 1)
    );
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn a_follower_is_not_acknowledged_before_the_alert() {
    let ground = Ground::new(|_| {});
    let carrier = ground.faults.hold(Step::Publish);
    let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.queue.send(event).await;
    let worker = ground.start().await;
    carrier.reached_by(1).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(ground.queue.stats().in_flight, 2);
    carrier.open();
    worker.finish().await;
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn a_follower_takes_over_from_a_leader_that_fails() {
    let ground = Ground::new(|_| {});
    let gate = Gate::shut();
    // The leader waits until the follower is there, and then fails for good.
    ground.judge.then([Turn::WaitAndPanic(gate.clone())]);
    let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.queue.send(event).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(ground.judge.asked(), 1);
    gate.open();
    worker.until(Seen::Acknowledged, 1).await;
    assert!(!ground.exists("red.png"), "the heir did the work");
    assert_eq!(
        ground.counted.receive_counts(),
        [1, 1],
        "at once, not when the other came again"
    );
    assert_eq!(worker.seen.count(Seen::Released("panic")), 1);
    worker.finish().await;
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn one_message_may_name_the_same_write_twice() {
    let ground = Ground::new(|_| {});
    let red = picture(Hue::Red, 0);
    ground.place("red.png", &red);
    let event = ground.event("red.png", red.len());
    ground.queue.send(together(&[&event, &event])).await;
    let worker = ground.start().await;
    worker.until(Seen::Acknowledged, 1).await;
    assert_eq!(
        ground.counted.receive_counts(),
        [1],
        "it did not wait for itself"
    );
    worker.finish().await;
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn two_messages_that_name_the_same_writes_do_not_wait_for_each_other() {
    let ground = Ground::new(|_| {});
    let events: Vec<_> = ["a.png", "b.png"]
        .into_iter()
        .zip(0..)
        .map(|(key, grain)| {
            let red = picture(Hue::Red, grain);
            ground.place(key, &red);
            ground.event(key, red.len())
        })
        .collect();
    ground.queue.send(together(&[&events[0], &events[1]])).await;
    ground.queue.send(together(&[&events[1], &events[0]])).await;
    let worker = ground.start().await;
    worker.until(Seen::Acknowledged, 2).await;
    assert_eq!(ground.counted.receive_counts(), [1, 1]);
    worker.finish().await;
    ground.assert_all_told_once().await;
}
