//! Who loses a message changes nothing on its behalf any more.

use std::time::Duration;

use s3_warden::record::State;
use tokio::time::sleep;

use crate::detector::Turn;
use crate::faults::Step;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};

#[tokio::test(start_paused = true)]
async fn a_lease_lost_before_the_act_removes_nothing() {
    // No sweeper: it would finish the intent from the records.
    let ground = Ground::new(|setup| setup.sweep_after = Duration::from_secs(86_400));
    let records = ground.faults.hold(Step::Begin);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    records.reached_by(1).await;
    let polls = ground.faults.hold(Step::Receive);
    ground.faults.fail(Step::Extend);
    sleep(Duration::from_secs(300)).await;
    assert_eq!(ground.queue.stats().visible, 1, "the message is anybody's");
    records.open();
    sleep(Duration::from_secs(30)).await;
    assert_eq!(ground.findings().await[0].state, State::Intent);
    assert_eq!(ground.faults.calls(Step::Remove), 0);
    assert!(ground.exists("red.png"));

    ground.faults.mend(Step::Extend);
    polls.open();
    worker.finish().await;
    assert!(!ground.exists("red.png"));
    assert_eq!(ground.faults.calls(Step::Remove), 1);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_lost_while_looking_ends_the_looking() {
    let ground = Ground::new(|_| {});
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    ground.faults.fail(Step::Extend);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    sleep(Duration::from_secs(120)).await;
    // The gate stays shut: only the second receive can have done it.
    ground.faults.mend(Step::Extend);
    worker.finish().await;
    assert!(!ground.exists("red.png"));
    assert_eq!(ground.faults.calls(Step::Remove), 1);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_that_fail_are_tried_again() {
    use crate::faults::{Effect, When};

    let ground = Ground::new(|_| {});
    ground.faults.on(Step::Ack, When::Before, 2, Effect::Fail);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.start().await.finish().await;
    assert_eq!(ground.faults.calls(Step::Ack), 3);
    assert_eq!(ground.counted.receive_counts(), [1]);
    ground.assert_all_told_once().await;
}
