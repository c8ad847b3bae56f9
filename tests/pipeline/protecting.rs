//! A task asks not to be stopped exactly while a finding is between intent and announced.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use s3_warden::alert::Clean;
use s3_warden::shutdown::protection::{Keeper, ProtectError, Protector};
use s3_warden::worker::Drained;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::detector::Turn;
use crate::faults::Step;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::running::Running;
use crate::watcher::Seen;

const A_WHILE: Duration = Duration::from_secs(20);

/// Whoever runs the task: notes whether it is asked for protection.
#[derive(Debug, Default)]
struct Runner(Mutex<Vec<bool>>);

impl Runner {
    fn asked(&self) -> Vec<bool> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Protector for Runner {
    async fn protect(&self, _minutes: u16) -> Result<(), ProtectError> {
        self.0.lock().unwrap().push(true);
        Ok(())
    }

    async fn release(&self) -> Result<(), ProtectError> {
        self.0.lock().unwrap().push(false);
        Ok(())
    }
}

/// A keeper beside a worker, as the service runs it.
struct Kept {
    runner: Arc<Runner>,
    ended: CancellationToken,
    keeping: JoinSet<()>,
}

impl Kept {
    fn beside(ground: &Ground, worker: &Running) -> Self {
        let runner = Arc::<Runner>::default();
        let keeper = Keeper::new(
            Arc::clone(&runner) as _,
            Duration::from_secs(600),
            ground.protection.clone(),
            Arc::new(()),
        );
        let ended = CancellationToken::new();
        let mut keeping = JoinSet::new();
        keeping.spawn(keeper.run(worker.stop.clone(), ended.clone()));
        Self {
            runner,
            ended,
            keeping,
        }
    }

    /// What was asked for in all.
    async fn end(mut self) -> Vec<bool> {
        self.ended.cancel();
        self.keeping.join_next().await.unwrap().unwrap();
        self.runner.asked()
    }
}

#[tokio::test(start_paused = true)]
async fn from_just_before_the_intent_until_it_is_written_down_as_announced() {
    let ground = Ground::new(|_| {});
    let judging = Gate::shut();
    ground.judge.then([Turn::Wait(judging.clone())]);
    let steps = [
        Step::Begin,
        Step::Remove,
        Step::Acted,
        Step::Publish,
        Step::Announced,
    ];
    let gates = steps.map(|step| ground.faults.hold(step));
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    let kept = Kept::beside(&ground, &worker);
    judging.reached_by(1).await;
    sleep(A_WHILE).await;
    assert_eq!(ground.protection.in_hand(), 0, "it is only looked at");
    assert!(kept.runner.asked().is_empty());
    judging.open();
    for (step, gate) in steps.into_iter().zip(&gates) {
        gate.reached_by(1).await;
        sleep(A_WHILE).await;
        assert_eq!(ground.protection.in_hand(), 1, "{step:?}");
        assert_eq!(kept.runner.asked(), [true], "{step:?}");
        gate.open();
    }
    worker.until(Seen::Announced, 1).await;
    worker.idle().await;
    assert_eq!(ground.protection.in_hand(), 0);
    assert_eq!(kept.runner.asked(), [true], "it lingers");
    sleep(A_WHILE).await;
    assert_eq!(kept.runner.asked(), [true, false]);
    worker.finish().await;
    assert_eq!(kept.end().await, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn clean_pictures_never_ask() {
    for clean in [Clean::Digest, Clean::Each] {
        let ground = Ground::new(|setup| setup.alerts.clean = clean);
        let worker = ground.start().await;
        let kept = Kept::beside(&ground, &worker);
        let publishing = ground.faults.hold(Step::Publish);
        for grain in 0..5 {
            let key = format!("{grain}.png");
            ground.put(&key, &picture(Hue::Green, grain)).await;
        }
        worker.until(Seen::Looked("clean"), 5).await;
        sleep(A_WHILE).await;
        assert_eq!(ground.protection.in_hand(), 0, "{clean:?}");
        publishing.open();
        worker.finish().await;
        assert!(kept.end().await.is_empty(), "{clean:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_lasts_through_tries_and_ends_when_the_message_goes_back() {
    let ground = Ground::new(|setup| setup.sweep_after = Duration::from_secs(86_400));
    ground.faults.fail(Step::Remove);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    for _look in 0..20 {
        sleep(Duration::from_secs(7)).await;
        assert_eq!(ground.protection.in_hand(), 1, "between two tries too");
    }
    // Held for as long as any message may be, and given back.
    sleep(Duration::from_secs(1800 - 140 + 30)).await;
    assert_eq!(worker.seen.count(Seen::Announced), 0);
    assert_eq!(ground.protection.in_hand(), 0);
    ground.faults.mend(Step::Remove);
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted"]);

    let ground = Ground::new(|setup| setup.sweep_after = Duration::from_secs(86_400));
    ground.faults.fail(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker.until(Seen::Released("alert_held_too_long"), 1).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ground.protection.in_hand(), 0, "acted, and given back");
    ground.faults.mend(Step::Publish);
    worker.finish().await;
    assert_eq!(ground.protection.in_hand(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_finishes_from_the_records_asks_too() {
    let ground = Ground::new(|_| {});
    let gate = ground.faults.hold(Step::Remove);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let first = ground.start().await;
    gate.reached_by(1).await;
    first.now.cancel();
    assert_eq!(first.stop().await, Drained::Late);
    assert_eq!(ground.protection.in_hand(), 0, "it is gone");
    ground.faults.mend(Step::Remove);
    let ground = ground.without_messages();
    let publishing = ground.faults.hold(Step::Publish);
    let second = ground.start().await;
    publishing.reached_by(1).await;
    assert_eq!(ground.protection.in_hand(), 1);
    publishing.open();
    second.until(Seen::Announced, 1).await;
    second.finish().await;
    assert_eq!(ground.protection.in_hand(), 0);
}

/// As a task is stopped whose Spot capacity is taken back: by an ordinary SIGTERM, protected or not.
#[tokio::test(start_paused = true)]
async fn a_drain_is_the_same_with_protection() {
    let mut took = Vec::new();
    for protected in [false, true] {
        let ground = Ground::new(|_| {});
        let publishing = ground.faults.hold(Step::Publish);
        ground.put("red.png", &picture(Hue::Red, 0)).await;
        let worker = ground.start().await;
        let kept = protected.then(|| Kept::beside(&ground, &worker));
        publishing.reached_by(1).await;
        sleep(A_WHILE).await;
        worker.stop.cancel();
        sleep(A_WHILE).await;
        if let Some(kept) = &kept {
            assert_eq!(kept.runner.asked(), [true], "kept while it is in hand");
        }
        publishing.open();
        let asked = Instant::now();
        assert_eq!(worker.ended().await, Drained::Clean);
        took.push(asked.elapsed());
        ground.assert_all_told_once().await;
        assert_eq!(ground.queue.stats().in_flight, 0);
        if let Some(kept) = kept {
            assert_eq!(kept.end().await, [true, false]);
        }
    }
    assert_eq!(took[0], took[1]);
}
