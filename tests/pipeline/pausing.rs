//! What fails for every message alike pauses the service: said once, probed, ended by a success.

use std::time::Duration;

use s3_warden::alert::AlertKind;
use tokio::time::sleep;

use crate::detector::Turn;
use crate::faults::Step;
use crate::ground::Ground;
use crate::injection::sinks::Lines;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

#[tokio::test(start_paused = true)]
async fn a_judge_that_cannot_work_pauses_the_service() {
    let ground = Ground::new(|setup| setup.limits.held = 1);
    ground.judge.always(Turn::Unusable);
    for grain in 0..5 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Red, grain))
            .await;
    }
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    sleep(Duration::from_secs(1800)).await;
    let probes = ground.judge.asked();
    assert!((5..20).contains(&probes), "{probes} in half an hour");
    let polls = ground.faults.calls(Step::Receive);
    assert!(polls < 40, "{polls}: polling has stopped");
    let stats = ground.queue.stats();
    assert_eq!(stats.visible + stats.in_flight, 5, "the messages wait");
    let kinds: Vec<_> = ground.alerts().iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::Paused], "said once");

    ground.judge.always(Turn::Answer);
    worker.until(Seen::GoesOn, 1).await;
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted"; 5]);
    assert!(ground.letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn messages_that_fail_together_are_one_fault() {
    let ground = Ground::new(|_| {});
    ground.judge.then(vec![Turn::Unusable; 8]);
    for grain in 0..8 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Red, grain))
            .await;
    }
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    // The first probe comes after five seconds, however many had failed.
    sleep(Duration::from_secs(15)).await;
    assert_eq!(worker.seen.count(Seen::GoesOn), 1);
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted"; 8]);
}

#[tokio::test(start_paused = true)]
async fn a_message_in_hand_stays_in_hand() {
    let ground = Ground::new(|_| {});
    ground.judge.always(Turn::Unusable);
    ground.put("first.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    sleep(Duration::from_secs(1200)).await;
    assert_eq!(
        worker.seen.count(Seen::Released("detector_unusable")),
        0,
        "its receives are not burnt"
    );
    let probes = ground.judge.asked();
    assert!((5..20).contains(&probes), "{probes} in twenty minutes");

    ground.judge.always(Turn::Answer);
    worker.until(Seen::GoesOn, 1).await;
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_tried_again_for_minutes_is_said_once_and_its_end_too() {
    let ground = Ground::new(|_| {});
    let (lines, _listening) = Lines::listen();
    let said = |level: &str, message: &str| {
        let text = lines.text();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &serde_json::Value| {
                line["level"] == level && line["fields"]["message"] == message
            })
            .count()
    };
    ground.judge.always(Turn::Unavailable(None));
    for grain in 0..3 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Red, grain))
            .await;
    }
    let worker = ground.start().await;
    sleep(Duration::from_secs(300)).await;
    assert!(ground.judge.asked() > 30);
    let failing = "work fails and is tried again; said once until it works";
    assert_eq!(said("WARN", failing), 1);
    let works = "what failed works again";
    assert_eq!(said("INFO", works), 0);
    ground.judge.always(Turn::Answer);
    worker.finish().await;
    assert_eq!((said("WARN", failing), said("INFO", works)), (1, 1));
}
