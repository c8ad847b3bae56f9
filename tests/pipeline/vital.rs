//! The signs of life tell waiting from being stuck.

use std::time::Duration;

use tokio::time::sleep;

use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

#[tokio::test(start_paused = true)]
async fn an_idle_worker_is_alive_and_a_poll_that_hangs_is_seen() {
    let ground = Ground::new(|_| {});
    let worker = ground.start().await;
    sleep(Duration::from_secs(3600)).await;
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.stuck), ("poll", false));
    assert!(standing.started && standing.in_hand == 0);

    let gate = ground.faults.hold(Step::Receive);
    gate.reached_by(1).await;
    sleep(Duration::from_secs(80)).await;
    assert!(
        !worker.vitals.snapshot().stuck,
        "its timeouts may still end it"
    );
    sleep(Duration::from_secs(20)).await;
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.stuck), ("poll", true));
    gate.open();
    ground.faults.mend(Step::Receive);
    sleep(Duration::from_secs(5)).await;
    assert!(!worker.vitals.snapshot().stuck);
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn work_that_hangs_beyond_its_longest_lease_is_seen() {
    let ground = Ground::new(|setup| {
        setup.limits.held = 2;
        setup.sweep_after = Duration::from_secs(86_400);
    });
    let gate = ground.faults.hold(Step::Remove);
    for grain in 0..3 {
        let key = format!("{grain}.png");
        ground.put(&key, &picture(Hue::Red, grain)).await;
    }
    let worker = ground.start().await;
    gate.reached_by(2).await;
    let longest = worker.vitals.snapshot().longest_lease;
    assert_eq!(longest, Duration::from_secs(1800 + 60));
    sleep(longest - Duration::from_secs(5)).await;
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.in_hand), ("room", 2));
    assert!(!standing.stuck && !standing.work_is_too_old());
    sleep(Duration::from_secs(10)).await;
    let standing = worker.vitals.snapshot();
    assert!(standing.work_is_too_old(), "{standing:?}");
    assert!(!standing.stuck, "the loop itself is well");
    gate.open();
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_in_hand_settling_and_draining_is_shown() {
    let ground = Ground::new(|_| {});
    let carrier = ground.faults.hold(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    carrier.reached_by(1).await;
    sleep(Duration::from_secs(7)).await;
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.in_hand, standing.settling), (1, 1));
    assert!(standing.oldest >= Some(Duration::from_secs(7)));
    assert_eq!(worker.seen.count(Seen::Received), 1);
    worker.stop.cancel();
    sleep(Duration::from_secs(2)).await;
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.draining), ("draining", true));
    assert!(!standing.stuck);
    carrier.open();
    worker.ended().await;
    assert_eq!(ground.outcomes().await, ["deleted"]);
}
