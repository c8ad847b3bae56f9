//! The bounds of the work, each by itself.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::detector::Turn;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

/// Longer than several visibility periods.
const LONG: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn no_more_judgements_at_once_than_allowed() {
    let ground = Ground::new(|setup| {
        setup.limits.concurrency = 3;
        setup.limits.held = 23;
    });
    let gate = Gate::shut();
    ground.judge.always(Turn::Wait(gate.clone()));
    for grain in 0..12 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Green, grain))
            .await;
    }
    let worker = ground.start().await;
    gate.reached_by(3).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(gate.came(), 3);
    assert_eq!(
        ground.queue.stats().in_flight,
        12,
        "reading runs ahead of the judge"
    );
    gate.open();
    worker.finish().await;
    assert_eq!((ground.judge.asked(), ground.judge.most()), (12, 3));
}

#[tokio::test(start_paused = true)]
async fn no_more_messages_are_held_than_allowed() {
    let ground = Ground::new(|setup| setup.limits.held = 4);
    let gate = Gate::shut();
    ground.judge.always(Turn::Wait(gate.clone()));
    for grain in 0..9 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Green, grain))
            .await;
    }
    let worker = ground.start().await;
    gate.reached_by(4).await;
    sleep(LONG).await;
    let stats = ground.queue.stats();
    assert_eq!((stats.in_flight, stats.visible), (4, 5));
    gate.open();
    worker.finish().await;
    assert_eq!(ground.counted.receive_counts(), [1; 9]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_judge_costs_no_receives_and_parks_nothing() {
    let ground = Ground::new(|setup| setup.max_receives = Some(3));
    let hint = Some(Duration::from_secs(90));
    ground.judge.then(vec![Turn::Unavailable(hint); 10]);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let began = Instant::now();
    ground.start().await.finish().await;
    assert!(
        began.elapsed() >= Duration::from_secs(900),
        "the hint is obeyed"
    );
    assert_eq!(ground.judge.asked(), 11);
    assert_eq!(ground.counted.receive_counts(), [1]);
    assert!(ground.letters().is_empty() && !ground.exists("red.png"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_judge_costs_no_receives() {
    let ground = Ground::new(|setup| {
        setup.limits.concurrency = 1;
        setup.limits.processing = LONG * 2;
        setup.max_receives = Some(3);
    });
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    for grain in 0..5 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Green, grain))
            .await;
    }
    let worker = ground.start().await;
    gate.reached_by(1).await;
    sleep(LONG).await;
    gate.open();
    worker.finish().await;
    assert_eq!(ground.counted.receive_counts(), [1; 5]);
    assert!(ground.letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_slot_is_no_work() {
    let ground = Ground::new(|setup| {
        setup.limits.concurrency = 1;
        setup.limits.processing = Duration::from_secs(30);
    });
    // Each judgement but the last takes nearly all its time; waiting adds up beyond it.
    let gates: Vec<_> = (0..3).map(|_| Gate::shut()).collect();
    ground.judge.then(gates.iter().cloned().map(Turn::Wait));
    for grain in 0..4 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Green, grain))
            .await;
    }
    let worker = ground.start().await;
    for gate in gates {
        gate.reached_by(1).await;
        sleep(Duration::from_secs(25)).await;
        gate.open();
    }
    worker.finish().await;
    assert_eq!(ground.judge.asked(), 4, "nobody was asked twice");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_too_long_is_released_with_a_delay() {
    let ground = Ground::new(|setup| setup.limits.held_at_most = Duration::from_secs(120));
    // Not a multiple of the heartbeat: the end of the patience must meet it waiting.
    let hint = Some(Duration::from_secs(25));
    ground.judge.always(Turn::Unavailable(hint));
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker
        .until(Seen::Released("detector_unavailable"), 1)
        .await;
    assert_eq!(ground.counted.receive_counts(), [1]);
    // The first delay of a message is at least two and a half seconds.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(ground.counted.receive_counts(), [1]);
    assert!(ground.exists("red.png"));
    ground.judge.always(Turn::Answer);
    worker.finish().await;
    assert_eq!(ground.counted.receive_counts(), [1, 2]);
    ground.assert_all_told_once().await;
}
