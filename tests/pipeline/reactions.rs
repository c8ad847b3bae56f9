//! How a message leaves: by what its parts, and the errors it met, ask for.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::detector::Turn;
use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

/// A message alone: where it ends, after how many receives.
async fn check(body: &str, parked: &[&str]) {
    let ground = Ground::new(|setup| setup.assesses = false);
    ground.queue.send(body).await;
    let worker = ground.start().await;
    worker.finish().await;
    assert_eq!(ground.letters(), parked, "{body}");
    assert_eq!(ground.counted.receive_counts(), [1], "{body}");
    assert_eq!(ground.judge.asked(), 0, "{body}");
    let letters = ground.queue.dead_letters();
    assert!(letters.iter().all(|letter| letter.body.as_str() == body));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_for_us_is_parked_with_its_reason() {
    check("no JSON", &["not_json"]).await;
    check("{}", &["unknown_envelope"]).await;
    let request = include_str!("../fixtures/events/request-inspect.json");
    check(request, &["requests_disabled"]).await;
    let finding = include_str!("../fixtures/events/guardduty-finding.json");
    check(finding, &["assessment_disabled"]).await;
    let call = include_str!("../fixtures/events/cloudtrail-put-bucket-policy.json");
    check(call, &["assessment_disabled"]).await;
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_nothing_is_acknowledged() {
    check(include_str!("../fixtures/events/s3-test-event.json"), &[]).await;
    let elsewhere = include_str!("../fixtures/events/s3-put-2.1.json");
    check(elsewhere, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn one_bad_record_costs_none_of_the_good() {
    let ground = Ground::new(|_| {});
    let mut message = json!({ "Records": [{ "eventName": "ObjectCreated:Put" }] });
    for key in ["a.png", "b.png"] {
        let red = picture(Hue::Red, key.as_bytes()[0]);
        ground.place(key, &red);
        let event = ground.event(key, red.len());
        let mut event: serde_json::Value = serde_json::from_str(&event).unwrap();
        let records = message["Records"].as_array_mut().unwrap();
        records.push(event["Records"][0].take());
    }
    ground.queue.send(message.to_string()).await;
    let worker = ground.start().await;
    worker.finish().await;
    assert!(!ground.exists("a.png") && !ground.exists("b.png"));
    assert_eq!(ground.outcomes().await, ["deleted", "deleted"]);
    ground.assert_all_told_once().await;
    assert_eq!(ground.letters().len(), 1);
    assert_eq!(ground.counted.receive_counts(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_one_failed_message() {
    let ground = Ground::new(|setup| setup.limits.concurrency = 1);
    ground.judge.then([Turn::Panic]);
    for grain in 0..4 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Red, grain))
            .await;
    }
    let worker = ground.start().await;
    worker.until(Seen::Acknowledged, 3).await;
    assert_eq!(worker.seen.count(Seen::Released("panic")), 1);
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted"; 4]);
    ground.assert_all_told_once().await;
    let counts = ground.counted.receive_counts();
    assert_eq!((counts.len(), counts.iter().max()), (5, Some(&2)));
}

#[tokio::test(start_paused = true)]
async fn what_fails_too_often_is_parked_before_the_queue_gives_it_up() {
    let ground = Ground::new(|setup| setup.max_receives = Some(4));
    ground.judge.always(Turn::Panic);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.start().await.finish().await;
    assert_eq!(ground.letters(), ["failed_too_often"]);
    assert_eq!(ground.counted.receive_counts(), [1, 2, 3]);
    let letter = ground.queue.dead_letters().remove(0);
    assert!(letter.reason.unwrap().detail.contains("panic"));
    assert!(ground.exists("red.png"), "nothing unjudged is removed");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_parked_comes_again() {
    let ground = Ground::new(|_| {});
    ground.faults.fail(Step::Park);
    ground.queue.send("no JSON").await;
    let worker = ground.start().await;
    worker.until(Seen::Released("park_failed"), 2).await;
    ground.faults.mend(Step::Park);
    worker.finish().await;
    assert_eq!(ground.letters(), ["not_json"]);
}

#[tokio::test(start_paused = true)]
async fn polls_that_fail_are_tried_again() {
    let ground = Ground::new(|_| {});
    ground.faults.fail(Step::Receive);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    sleep(Duration::from_secs(120)).await;
    let polls = ground.faults.calls(Step::Receive);
    assert!((5..30).contains(&polls), "{polls}: again, and not at once");
    ground.faults.mend(Step::Receive);
    worker.finish().await;
    assert!(!ground.exists("red.png"));
}

#[tokio::test(start_paused = true)]
async fn an_act_whose_answer_is_lost_is_repeated_harmlessly() {
    use crate::faults::{Effect, When};

    for step in [
        Step::Begin,
        Step::Remove,
        Step::Acted,
        Step::Publish,
        Step::Announced,
    ] {
        let ground = Ground::new(|_| {});
        ground.faults.on(step, When::After, 1, Effect::Fail);
        ground.put("red.png", &picture(Hue::Red, 0)).await;
        ground.start().await.finish().await;
        assert!(!ground.exists("red.png"), "{step:?}");
        let finding = ground.the_finding().await;
        assert!(ground.told().contains(&finding.id.to_string()), "{step:?}");
        assert!(ground.letters().is_empty(), "{step:?}");
    }
}
