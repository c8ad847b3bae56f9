//! A stop loses nothing and takes nothing along.

use std::time::Duration;

use s3_warden::worker::Drained;
use tokio::time::{Instant, sleep};

use crate::detector::Turn;
use crate::faults::Step;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

#[tokio::test(start_paused = true)]
async fn what_has_begun_is_finished() {
    let ground = Ground::new(|_| {});
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    worker.stop.cancel();
    // Longer than the visibility: the heartbeat goes on.
    sleep(Duration::from_secs(90)).await;
    ground.put("late.png", &picture(Hue::Red, 1)).await;
    gate.open();
    assert_eq!(worker.ended().await, Drained::Clean);
    assert!(!ground.exists("red.png") && ground.exists("late.png"));
    let stats = ground.queue.stats();
    assert_eq!(
        (stats.in_flight, stats.visible),
        (0, 1),
        "acked, and nothing new taken"
    );
    assert_eq!(ground.counted.receive_counts(), [1]);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_unfinished_at_the_deadline_goes_back_at_once() {
    let ground = Ground::new(|setup| setup.limits.drain = Duration::from_secs(40));
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    let asked = Instant::now();
    assert_eq!(worker.stop().await, Drained::Late);
    assert_eq!(asked.elapsed().as_secs(), 40);
    assert_eq!(
        ground.queue.stats().visible,
        1,
        "nobody has to wait for its visibility"
    );
    assert!(ground.exists("red.png") && ground.findings().await.is_empty());

    ground.start().await.finish().await;
    assert!(!ground.exists("red.png"));
    assert_eq!(ground.counted.receive_counts(), [1, 2]);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_wish_means_now() {
    let ground = Ground::new(|_| {});
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    worker.stop.cancel();
    sleep(Duration::from_secs(3)).await;
    let asked = Instant::now();
    worker.now.cancel();
    assert_eq!(worker.ended().await, Drained::Late);
    assert!(asked.elapsed() < Duration::from_secs(1));
    assert_eq!(ground.queue.stats().visible, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_running_poll_still_brings_goes_back() {
    let ground = Ground::new(|setup| setup.queue.wait = Duration::from_secs(20));
    let worker = ground.start().await;
    sleep(Duration::from_secs(5)).await;
    worker.stop.cancel();
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.until(Seen::Released("shutdown"), 1).await;
    assert_eq!(worker.ended().await, Drained::Clean);
    assert_eq!(
        ground.faults.calls(Step::Receive),
        1,
        "nothing is polled after a stop"
    );
    assert_eq!(ground.queue.stats().visible, 1);
    assert_eq!(ground.judge.asked(), 0);
    assert!(ground.exists("red.png"));
}

#[tokio::test(start_paused = true)]
async fn waiting_to_try_again_ends_with_a_stop() {
    let ground = Ground::new(|_| {});
    ground
        .judge
        .always(Turn::Unavailable(Some(Duration::from_secs(600))));
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    sleep(Duration::from_secs(30)).await;
    let asked = Instant::now();
    assert_eq!(worker.stop().await, Drained::Clean);
    assert!(asked.elapsed() < Duration::from_secs(5));
    assert_eq!(ground.queue.stats().visible, 1);
}

#[tokio::test(start_paused = true)]
async fn merge_windows_close() {
    let ground = Ground::new(|setup| setup.alerts.merge = Duration::from_secs(60));
    ground.put("first.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker.until(Seen::Announced, 1).await;
    ground.put("second.png", &picture(Hue::Red, 1)).await;
    worker.until(Seen::Acted("deleted"), 2).await;
    let asked = Instant::now();
    assert_eq!(worker.stop().await, Drained::Clean);
    assert!(asked.elapsed() < Duration::from_secs(10));
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn alerts_that_cannot_go_out_stay_acted() {
    let ground = Ground::new(|setup| setup.limits.drain = Duration::from_secs(20));
    ground.faults.fail(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker.until(Seen::Acted("deleted"), 1).await;
    assert_eq!(worker.stop().await, Drained::Late);
    assert_eq!(
        ground.queue.stats().visible,
        1,
        "released, not acknowledged"
    );
    ground.faults.mend(Step::Publish);
    ground.start().await.finish().await;
    assert_eq!(
        (ground.judge.asked(), ground.faults.calls(Step::Remove)),
        (1, 1)
    );
    ground.assert_all_told_once().await;
}
