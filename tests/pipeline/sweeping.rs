//! What no message will ever finish is finished from the records.

use std::time::Duration;

use s3_warden::action::Mode;
use s3_warden::record::State;
use tokio::time::sleep;

use crate::events::trail_stopped;
use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::setup::Setup;
use crate::watcher::Seen;

/// A ground whose worker got stuck at `step` with a flagged object, was told to leave at once, and
/// whose message is lost; its event is handed back.
async fn left_at(step: Step, change: impl FnOnce(&mut Setup)) -> (Ground, String) {
    let ground = Ground::new(change);
    let gate = ground.faults.hold(step);
    let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.put("green.png", &picture(Hue::Green, 0)).await;
    let worker = ground.start().await;
    worker.until(Seen::Looked("clean"), 1).await;
    gate.reached_by(1).await;
    worker.now.cancel();
    worker.stop.cancel();
    worker.ended().await;
    ground.faults.mend(step);
    (ground.without_messages(), event)
}

#[tokio::test(start_paused = true)]
async fn an_acted_finding_is_told() {
    let (ground, _) = left_at(Step::Publish, |_| {}).await;
    assert_eq!(ground.findings().await[0].state, State::Acted);
    let told_before = ground.alerts().len();
    let worker = ground.start().await;
    worker.until(Seen::Announced, 1).await;
    worker.finish().await;
    assert_eq!(
        ground.the_finding().await.outcome.unwrap().code(),
        "deleted"
    );
    assert_eq!(ground.alerts().len(), told_before + 1);
    assert!(ground.exists("green.png"));
    assert_eq!(ground.judge.asked(), 2, "never judged again");
}

#[tokio::test(start_paused = true)]
async fn an_open_intent_is_carried_out() {
    let (ground, _) = left_at(Step::Remove, |_| {}).await;
    assert!(ground.exists("red.png"));
    assert_eq!(ground.findings().await[0].state, State::Intent);
    let worker = ground.start().await;
    worker.until(Seen::Announced, 1).await;
    worker.finish().await;
    assert!(!ground.exists("red.png") && ground.exists("green.png"));
    assert_eq!(
        ground.the_finding().await.outcome.unwrap().code(),
        "deleted"
    );
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn an_open_intent_is_not_carried_out_by_who_only_observes() {
    let (mut ground, _) = left_at(Step::Remove, |_| {}).await;
    ground.setup.policy.mode = Some(Mode::Observe);
    let worker = ground.start().await;
    worker.until(Seen::Announced, 1).await;
    worker.finish().await;
    assert!(ground.exists("red.png"));
    assert_eq!(
        ground.the_finding().await.outcome.unwrap().code(),
        "observed"
    );
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_only_observed_so_is_enforced_under_the_first_policy_again() {
    let (mut ground, event) = left_at(Step::Remove, |setup| setup.ask_first = true).await;
    ground.setup.policy.mode = Some(Mode::Observe);
    let worker = ground.start().await;
    worker.until(Seen::Announced, 1).await;
    worker.finish().await;

    ground.setup.policy.mode = Some(Mode::Enforce);
    ground.queue.send(event).await;
    ground.start().await.finish().await;
    assert!(!ground.exists("red.png"));
    let removed = ground.the_finding().await;
    assert_eq!(
        (removed.outcome.unwrap().code(), removed.revision),
        ("deleted", 1)
    );
}

#[tokio::test(start_paused = true)]
async fn young_findings_are_left_to_their_message() {
    let (ground, _) = left_at(Step::Remove, |setup| {
        setup.sweep_after = Duration::from_secs(600);
    })
    .await;
    let worker = ground.start().await;
    sleep(Duration::from_secs(500)).await;
    assert!(ground.exists("red.png"));
    sleep(Duration::from_secs(200)).await;
    assert!(!ground.exists("red.png"));
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_finding_in_hand_is_not_taken_up() {
    let ground = Ground::new(|_| {});
    let gate = ground.faults.hold(Step::Remove);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    sleep(Duration::from_secs(300)).await;
    assert_eq!(gate.came(), 1, "several sweeps went by");
    gate.open();
    worker.finish().await;
    assert_eq!(ground.faults.calls(Step::Remove), 1);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn while_a_fault_stands_untold_events_do_not_wait_behind_objects() {
    let ground = Ground::new(|setup| {
        setup.events_apart = true;
        setup.sweep_after = Duration::from_secs(600);
    });
    // Two objects and, after them, an event are left by a worker that is gone; their messages too.
    let removing = ground.faults.hold(Step::Remove);
    for (key, grain) in [("red.png", 0), ("other.png", 1)] {
        ground.put(key, &picture(Hue::Red, grain)).await;
    }
    let worker = ground.start().await;
    removing.reached_by(2).await;
    let publishing = ground.faults.hold(Step::Publish);
    ground.tell(&trail_stopped("e-1")).await;
    publishing.reached_by(1).await;
    worker.now.cancel();
    worker.stop().await;
    for step in [Step::Remove, Step::Publish] {
        ground.faults.mend(step);
    }
    let ground = ground.without_messages();

    ground.faults.refuse(Step::Remove);
    ground.put("third.png", &picture(Hue::Red, 2)).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    sleep(Duration::from_secs(1000)).await;
    let findings = ground.findings().await;
    let told = findings.iter().find(|it| it.activity().is_some());
    assert_eq!(told.unwrap().state, State::Announced, "objects are stuck");
    // One stuck object is not all that is ever tried again.
    ground.faults.mend(Step::Remove);
    worker.finish().await;
}
