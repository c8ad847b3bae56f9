//! What operators switch, and what the fleet agrees on, is followed; a restart does not forget it.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::record::{Halt, Switches};
use tokio::time::sleep;

use crate::detector::Turn;
use crate::faults::{Effect, Step, When};
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

const SOON: Duration = Duration::from_secs(10);

fn halt() -> Option<Halt> {
    Some(Halt {
        since: Timestamp::UNIX_EPOCH,
        by: "ops".to_owned(),
        reason: Some("moving house".to_owned()),
    })
}

async fn red(ground: &Ground, grain: u8) -> String {
    let key = format!("{grain}.png");
    ground.put(&key, &picture(Hue::Red, grain)).await;
    key
}

fn brittle() -> Ground {
    Ground::new(|setup| setup.limits.deletions_per_minute = NonZeroU32::MIN)
}

#[tokio::test(start_paused = true)]
async fn a_halt_stops_polling_and_lets_work_in_hand_go_on() {
    let ground = Ground::new(|_| {});
    let switches = ground.switches().await;
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    let first = red(&ground, 0).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    switches.set_halt(halt()).await.unwrap();
    worker.until(Seen::Halted(true), 1).await;
    sleep(SOON).await;
    let polls = ground.faults.calls(Step::Receive);
    let second = red(&ground, 1).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(ground.faults.calls(Step::Receive), polls);
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.halted), ("halted", true));
    assert_eq!((standing.stuck, standing.paused), (false, None));
    gate.open();
    worker.until(Seen::Acknowledged, 1).await;
    assert!(!ground.exists(&first) && ground.exists(&second));

    switches.set_halt(None).await.unwrap();
    worker.until(Seen::Halted(false), 1).await;
    worker.finish().await;
    assert!(!ground.exists(&second));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_starts_under_a_halt_takes_nothing_and_finishes_nothing() {
    // An intent that somebody left behind would be finished by the sweeper.
    let ground = Ground::new(|_| {});
    let removal = ground.faults.hold(Step::Remove);
    red(&ground, 0).await;
    let worker = ground.start().await;
    removal.reached_by(1).await;
    worker.now.cancel();
    worker.stop().await;
    ground.faults.mend(Step::Remove);
    ground.switches().await.set_halt(halt()).await.unwrap();
    let ground = ground.without_messages();
    red(&ground, 1).await;
    let polls = ground.faults.calls(Step::Receive);
    let worker = ground.start().await;
    sleep(Duration::from_secs(600)).await;
    assert_eq!(ground.faults.calls(Step::Receive), polls);
    assert!(ground.exists("0.png") && ground.exists("1.png"));
    assert!(worker.seen.count(Seen::Open(1)) >= 9, "reported meanwhile");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn switches_that_cannot_be_read_hold_the_first_poll_only() {
    let ground = Ground::new(|_| {});
    ground.faults.fail(Step::Switches);
    let key = red(&ground, 0).await;
    let worker = ground.start().await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(ground.faults.calls(Step::Receive), 0);
    let tries = ground.faults.calls(Step::Switches);
    assert!((5..40).contains(&tries), "{tries}: again, and not at once");
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.started), ("switches", false));
    assert!(!standing.stuck);
    ground.faults.mend(Step::Switches);
    worker.until(Seen::Acknowledged, 1).await;
    assert!(!ground.exists(&key) && worker.vitals.snapshot().started);

    let switches = ground.switches().await;
    switches.set_halt(halt()).await.unwrap();
    worker.until(Seen::Halted(true), 1).await;
    ground.faults.fail(Step::Switches);
    sleep(SOON).await;
    red(&ground, 1).await;
    sleep(Duration::from_secs(600)).await;
    assert!(ground.exists("1.png"), "the last position known holds");
    assert_eq!(worker.seen.count(Seen::Paused), 0);
    ground.faults.mend(Step::Switches);
    switches.set_halt(None).await.unwrap();
    worker.finish().await;
    assert!(!ground.exists("1.png"));
}

#[tokio::test(start_paused = true)]
async fn switches_that_refuse_at_the_start_are_told_to_people() {
    let ground = Ground::new(|_| {});
    ground
        .faults
        .on(Step::Switches, When::Before, 5, Effect::Refuse);
    red(&ground, 0).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    worker.until(Seen::GoesOn, 1).await;
    worker.finish().await;
    assert!(!ground.exists("0.png"));
    let paused = s3_warden::alert::AlertKind::Paused;
    let told = ground.alerts();
    assert_eq!(told.iter().filter(|alert| alert.kind == paused).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_told_at_once_and_outlives_the_task() {
    let ground = brittle();
    let switches = ground.switches().await;
    let work = ground.faults.hold(Step::OpenBreaker);
    for grain in 0..3 {
        red(&ground, grain).await;
    }
    let worker = ground.start().await;
    worker.until(Seen::Acted("held"), 1).await;
    let asked = tokio::time::Instant::now();
    work.reached_by(1).await;
    assert!(
        asked.elapsed() < Duration::from_secs(1),
        "not at the next look"
    );
    work.open();
    worker.idle().await;
    assert!(switches.read().await.unwrap().breaker.open_since.is_some());
    worker.stop().await;

    // Another task, long after: nothing is left in any window.
    sleep(Duration::from_secs(24 * 3600)).await;
    let key = red(&ground, 7).await;
    let worker = ground.start().await;
    worker.idle().await;
    assert!(ground.exists(&key), "removals are held still");
    assert!(
        worker
            .vitals
            .snapshot()
            .breaker
            .unwrap()
            .open_since
            .is_some()
    );

    assert_eq!(
        switches
            .reset_breaker(0, ground.now())
            .await
            .unwrap()
            .generation,
        1
    );
    sleep(SOON).await;
    let key = red(&ground, 8).await;
    worker.finish().await;
    assert!(!ground.exists(&key), "a person has reset it");
}

#[tokio::test(start_paused = true)]
async fn a_breaker_opened_by_the_last_work_of_a_task_stays_open() {
    let ground = brittle();
    ground
        .faults
        .on(Step::OpenBreaker, When::Before, 1, Effect::Fail);
    for grain in 0..2 {
        red(&ground, grain).await;
    }
    let worker = ground.start().await;
    worker.until(Seen::Acted("held"), 1).await;
    worker.stop().await;
    let positions = ground.switches().await.read().await.unwrap();
    assert!(positions.breaker.open_since.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_another_task_opens_opens_here() {
    let ground = Ground::new(|_| {});
    let switches = ground.switches().await;
    let worker = ground.start().await;
    let now = ground.now();
    switches.open_breaker(0, now).await.unwrap();
    sleep(SOON).await;
    let key = red(&ground, 0).await;
    worker.finish().await;
    assert!(ground.exists(&key));
    assert_eq!(ground.outcomes().await, ["held"]);
}
