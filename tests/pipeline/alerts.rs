//! A message is acknowledged when its alert is out, and not before.

use std::num::NonZeroU32;
use std::time::Duration;

use s3_warden::record::State;
use tokio::time::sleep;

use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

#[tokio::test(start_paused = true)]
async fn an_ack_waits_for_its_alert() {
    let ground = Ground::new(|_| {});
    let carrier = ground.faults.hold(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    carrier.reached_by(1).await;
    // Shorter than the announcer's patience with one publish, longer than any batch of acks.
    sleep(Duration::from_secs(20)).await;
    assert!(!ground.exists("red.png"), "the removal does not wait");
    assert_eq!(ground.queue.stats().in_flight, 1, "the message does");
    assert_eq!(ground.findings().await[0].state, State::Acted);
    assert_eq!(ground.faults.calls(Step::Ack), 0);
    carrier.open();
    worker.finish().await;
    assert_eq!(ground.counted.receive_counts(), [1]);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn an_alert_held_too_long_is_told_later_and_never_judged_again() {
    let ground = Ground::new(|setup| {
        setup.alerts.max_hold = Duration::from_secs(30);
        // No sweeper: the message itself must bring it to its end.
        setup.sweep_after = Duration::from_secs(86_400);
        setup.limits.cache_entries = 0;
    });
    ground.faults.fail(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker.until(Seen::Released("alert_held_too_long"), 2).await;
    let open = ground.findings().await;
    assert_eq!((open.len(), open[0].state), (1, State::Acted));
    ground.faults.mend(Step::Publish);
    worker.finish().await;
    assert_eq!(
        ground.the_finding().await.outcome.unwrap().code(),
        "deleted"
    );
    assert_eq!(
        (ground.judge.asked(), ground.faults.calls(Step::Remove)),
        (1, 1)
    );
    assert_eq!(ground.told().len(), 1);
    assert!(ground.letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waits_for_its_alert_takes_no_place_of_others() {
    let ground = Ground::new(|setup| setup.limits.held = 1);
    let carrier = ground.faults.hold(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.put("green.png", &picture(Hue::Green, 0)).await;
    let worker = ground.start().await;
    carrier.reached_by(1).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(worker.seen.count(Seen::Looked("clean")), 1);
    carrier.open();
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_told_in_few_alerts_that_cover_all() {
    let ground =
        Ground::new(|setup| setup.limits.deletions_per_minute = NonZeroU32::new(1000).unwrap());
    for grain in 0..20 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Red, grain))
            .await;
    }
    ground.start().await.finish().await;
    assert!(ground.alerts().len() <= 3, "{}", ground.alerts().len());
    ground.assert_all_told_once().await;
}
