//! Credentials that expire while the service runs: it pauses, says so as soon as it can, probes,
//! and goes on by itself.

use std::time::Duration;

use s3_warden::alert::AlertKind;
use tokio::time::sleep;

use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

async fn three(ground: &Ground) {
    for grain in 0..3 {
        let key = format!("{grain}.png");
        ground.put(&key, &picture(Hue::Red, grain)).await;
    }
}

fn pauses_told(ground: &Ground) -> usize {
    let alerts = ground.alerts();
    let paused = |kind| kind == AlertKind::Paused;
    alerts.iter().filter(|alert| paused(alert.kind)).count()
}

/// These calls are refused for a while, and alerts may be too.
async fn check(steps: &[Step], silent: bool) {
    let ground = Ground::new(|setup| setup.max_receives = Some(5));
    for step in steps {
        ground.faults.refuse(*step);
    }
    if silent {
        ground.faults.refuse(Step::Publish);
    }
    three(&ground).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    sleep(Duration::from_secs(20 * 60)).await;
    let standing = worker.vitals.snapshot();
    assert!(standing.paused.is_some() && !standing.stuck, "{steps:?}");
    assert_eq!(pauses_told(&ground), usize::from(!silent), "{steps:?}");
    let tried: usize = steps.iter().map(|step| ground.faults.calls(*step)).sum();
    assert!(tried < 60, "{steps:?}: {tried} calls in twenty minutes");

    for step in steps {
        ground.faults.mend(*step);
    }
    ground.faults.mend(Step::Publish);
    worker.until(Seen::GoesOn, 1).await;
    worker.idle().await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(worker.vitals.snapshot().paused, None, "{steps:?}");
    assert_eq!(pauses_told(&ground), 1, "{steps:?}: told when it can be");
    worker.finish().await;
    // The removal was done, and the word about it was lost.
    let lost = steps.contains(&Step::Acted);
    let outcome = if lost { "already_gone" } else { "deleted" };
    assert_eq!(ground.outcomes().await, [outcome; 3], "{steps:?}");
    assert!(ground.letters().is_empty(), "{steps:?}");
    let most = ground.counted.receive_counts().into_iter().max();
    assert_eq!(most, Some(1), "{steps:?}: no receive is burnt");
}

#[tokio::test(start_paused = true)]
async fn each_thing_that_work_needs() {
    for step in [
        Step::Receive,
        Step::Fetch,
        Step::Begin,
        Step::Remove,
        Step::Acted,
        Step::Announced,
    ] {
        check(&[step], false).await;
        check(&[step], true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn everything_at_once_is_one_pause() {
    check(&[Step::Receive, Step::Fetch, Step::Begin], false).await;
    check(&[Step::Fetch, Step::Begin], true).await;
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_refuses_pauses_the_service() {
    let ground = Ground::new(|setup| setup.max_receives = Some(5));
    ground.faults.refuse(Step::Publish);
    three(&ground).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    assert_eq!(
        ground.outcomes().await,
        ["deleted"; 3],
        "nothing waits to be removed"
    );
    // What is judged meanwhile proves nothing about the carrier.
    ground.put("green.png", &picture(Hue::Green, 0)).await;
    worker.until(Seen::Looked("clean"), 1).await;
    sleep(Duration::from_secs(300)).await;
    assert!(worker.vitals.snapshot().paused.is_some());
    assert_eq!(worker.seen.count(Seen::GoesOn), 0);
    assert!(ground.alerts().is_empty());

    ground.faults.mend(Step::Publish);
    worker.until(Seen::GoesOn, 1).await;
    worker.until(Seen::Announced, 3).await;
    worker.finish().await;
    assert_eq!(pauses_told(&ground), 1);
    assert_eq!(ground.counted.receive_counts(), [1; 4]);
}
