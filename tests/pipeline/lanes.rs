//! Events flow whatever stops uploads, and what stops both is told once.

use std::time::Duration;

use jiff::Timestamp;
use s3_warden::alert::{AlertKind, Stopped};
use s3_warden::record::{Halt, State, Switches};
use tokio::time::sleep;

use crate::detector::Turn;
use crate::events::{put, trail_stopped};
use crate::faults::Step;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::running::{Running, soon};
use crate::setup::Setup;
use crate::watcher::Seen;

const SOON: Duration = Duration::from_secs(10);

fn apart(change: impl FnOnce(&mut Setup)) -> Ground {
    Ground::new(|setup| {
        setup.events_apart = true;
        change(setup);
    })
}

/// Ten events are told within seconds, one after another.
async fn events_flow(ground: &Ground, worker: &Running) {
    for number in 0..10 {
        ground.tell(&trail_stopped(&format!("e-{number}"))).await;
        sleep(SOON).await;
        let findings = ground.findings().await.into_iter();
        let told = findings.filter(|it| it.activity().is_some() && it.state == State::Announced);
        assert_eq!(told.count(), number + 1, "{:?}", worker.seen.all());
    }
}

async fn uploads(ground: &Ground, count: u8) {
    for grain in 0..count {
        let key = format!("{grain}.png");
        ground.put(&key, &picture(Hue::Red, grain)).await;
    }
}

fn kinds(ground: &Ground) -> Vec<AlertKind> {
    let alerts = ground.alerts().into_iter();
    let kinds = alerts.map(|alert| alert.kind);
    kinds.filter(|kind| *kind != AlertKind::Threat).collect()
}

#[tokio::test(start_paused = true)]
async fn events_flow_while_the_money_of_the_day_is_spent() {
    let ground = apart(|_| {});
    ground
        .judge
        .always(Turn::Spent(Duration::from_secs(5 * 3600)));
    uploads(&ground, 5).await;
    let worker = ground.start().await;
    worker.until(Seen::Deferred("budget"), 1).await;
    events_flow(&ground, &worker).await;
    assert_eq!(kinds(&ground), [AlertKind::BudgetSpent], "said once");
    let alerts = ground.alerts().into_iter();
    let said: Vec<_> = alerts.map(|alert| alert.summarize).collect();
    let flow = said.iter().any(|it| it.contains("reported all the same"));
    assert!(flow, "{said:?}");
    assert!(
        ground
            .findings()
            .await
            .iter()
            .all(|it| it.object().is_none())
    );
    ground.judge.always(Turn::Answer);
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn events_flow_while_the_judge_is_gone() {
    let ground = apart(|_| {});
    ground.judge.always(Turn::Unusable);
    uploads(&ground, 5).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    events_flow(&ground, &worker).await;
    assert!(worker.vitals.snapshot().paused.is_some(), "not ready");
    ground.judge.always(Turn::Answer);
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn events_flow_while_buckets_cannot_be_read_or_changed() {
    for step in [Step::Fetch, Step::Remove] {
        let ground = apart(|_| {});
        ground.faults.refuse(step);
        uploads(&ground, 3).await;
        let worker = ground.start().await;
        worker.until(Seen::Paused, 1).await;
        events_flow(&ground, &worker).await;
        ground.faults.mend(step);
        worker.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_flow_while_the_breaker_holds_removals() {
    let ground = apart(|setup| setup.limits.deletions_per_minute = std::num::NonZeroU32::MIN);
    uploads(&ground, 3).await;
    let worker = ground.start().await;
    worker.until(Seen::Acted("held"), 2).await;
    events_flow(&ground, &worker).await;
    worker.finish().await;
    let opened = kinds(&ground).into_iter();
    let opened = opened.filter(|kind| *kind == AlertKind::BreakerOpen);
    assert_eq!(opened.count(), 1, "said once");
}

#[tokio::test(start_paused = true)]
async fn events_flow_while_uploads_fill_all_their_places() {
    let ground = apart(|setup| setup.limits.held = 2);
    let gate = Gate::shut();
    ground.judge.always(Turn::Wait(gate.clone()));
    uploads(&ground, 6).await;
    let worker = ground.start().await;
    soon(gate.reached_by(1)).await;
    events_flow(&ground, &worker).await;
    gate.open();
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn uploads_that_come_among_events_do_not_hold_them_up() {
    let ground = apart(|setup| {
        setup.told_by_cloudtrail = true;
        setup.limits.held = 4;
    });
    let gate = Gate::shut();
    ground.judge.always(Turn::Wait(gate.clone()));
    for grain in 0..20 {
        let key = format!("{grain}.png");
        ground.place(&key, &picture(Hue::Red, grain));
        ground.tell(&put(&format!("put-{grain}"), &key)).await;
    }
    let worker = ground.start().await;
    soon(gate.reached_by(1)).await;
    events_flow(&ground, &worker).await;
    gate.open();
    worker.finish().await;
    assert!(ground.events.dead_letters().is_empty());
    for grain in 0..20 {
        assert!(!ground.exists(&format!("{grain}.png")), "{grain}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_told_by_cloudtrail_is_looked_at_and_removed() {
    for apart in [true, false] {
        let ground = Ground::new(|setup| {
            setup.told_by_cloudtrail = true;
            setup.events_apart = apart;
        });
        ground.place("red.png", &picture(Hue::Red, 0));
        ground.place("notes.txt", b"no picture");
        ground.tell(&put("put-1", "red.png")).await;
        ground.tell(&put("put-2", "notes.txt")).await;
        ground.start().await.finish().await;
        assert!(!ground.exists("red.png") && ground.exists("notes.txt"));
        assert_eq!(ground.outcomes().await, ["deleted"]);
        assert_eq!(
            ground
                .the_finding()
                .await
                .object()
                .unwrap()
                .uploaded_by
                .ip
                .as_deref(),
            Some("192.0.2.10")
        );
        ground.assert_all_told_once().await;
    }
    // Where nothing is listed, a record is no reason to look.
    let ground = self::apart(|_| {});
    ground.place("red.png", &picture(Hue::Red, 0));
    ground.tell(&put("put-1", "red.png")).await;
    ground.start().await.finish().await;
    assert!(ground.exists("red.png") && ground.judge.asked() == 0);
}

#[tokio::test(start_paused = true)]
async fn an_upload_among_events_that_has_to_wait_comes_again() {
    for turn in [Turn::Unusable, Turn::Spent(Duration::from_secs(3600))] {
        let ground = apart(|setup| setup.told_by_cloudtrail = true);
        ground.judge.always(turn);
        ground.place("red.png", &picture(Hue::Red, 0));
        ground.tell(&put("put-1", "red.png")).await;
        let worker = ground.start().await;
        while worker.seen.count(Seen::Paused) + worker.seen.count(Seen::Deferred("budget")) == 0 {
            sleep(Duration::from_secs(1)).await;
        }
        events_flow(&ground, &worker).await;
        assert_eq!(worker.vitals.snapshot().in_hand, 0, "given back");
        ground.judge.always(Turn::Answer);
        worker.finish().await;
        assert!(!ground.exists("red.png"));
        assert!(ground.events.dead_letters().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_both_need_stops_both_and_is_told_once() {
    let ground = apart(|_| {});
    ground.faults.refuse(Step::Begin);
    uploads(&ground, 2).await;
    ground.tell(&trail_stopped("e-1")).await;
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    sleep(Duration::from_secs(3)).await;
    let before = worker.seen.count(Seen::Received);
    for number in 0..50 {
        ground.tell(&trail_stopped(&format!("more-{number}"))).await;
        let red = picture(Hue::Red, number);
        ground.put(&format!("more-{number}.png"), &red).await;
    }
    sleep(Duration::from_secs(600)).await;
    let probes = worker.seen.count(Seen::Received) - before;
    assert!((4..20).contains(&probes), "{probes}: each lane probes");
    ground.faults.mend(Step::Begin);
    worker.finish().await;
    assert_eq!(worker_kinds(&ground), [AlertKind::Paused]);
}

/// Alerts about the service itself.
fn worker_kinds(ground: &Ground) -> Vec<AlertKind> {
    let about = [AlertKind::Paused, AlertKind::BudgetSpent];
    let kinds = kinds(ground).into_iter();
    kinds.filter(|kind| about.contains(kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_queue_of_events_that_is_gone_is_seen_and_stops_nothing_else() {
    let ground = apart(|_| {});
    ground.faults.refuse(Step::ReceiveEvents);
    let worker = ground.start().await;
    worker.until(Seen::Paused, 1).await;
    uploads(&ground, 3).await;
    sleep(SOON).await;
    assert_eq!(ground.outcomes().await, ["deleted"; 3], "uploads go on");
    let standing = worker.vitals.snapshot();
    assert!(standing.paused.is_some() && !standing.stuck, "{standing:?}");
    assert_eq!(worker_kinds(&ground), [AlertKind::Paused]);
    let alerts = ground.alerts();
    let told = alerts.iter().find(|alert| alert.kind == AlertKind::Paused);
    let told = told.unwrap();
    assert_eq!(told.stopped, Some(Stopped::Events));
    assert!(told.subject.contains("security events"), "{}", told.subject);
    assert!(!told.subject.contains("uploads"), "{}", told.subject);
    ground.faults.mend(Step::ReceiveEvents);
    ground.tell(&trail_stopped("e-1")).await;
    worker.until(Seen::GoesOn, 1).await;
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_halt_stops_both() {
    let ground = apart(|_| {});
    let switches = ground.switches().await;
    let worker = ground.start().await;
    let halt = Halt {
        since: Timestamp::UNIX_EPOCH,
        by: "ops".to_owned(),
        reason: None,
    };
    switches.set_halt(Some(halt)).await.unwrap();
    worker.until(Seen::Halted(true), 1).await;
    sleep(SOON).await;
    uploads(&ground, 1).await;
    ground.tell(&trail_stopped("e-1")).await;
    sleep(Duration::from_secs(3600)).await;
    assert!(ground.findings().await.is_empty());
    switches.set_halt(None).await.unwrap();
    worker.finish().await;
    assert_eq!(ground.findings().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_of_their_own_events_wait_with_uploads_and_people_are_told() {
    let ground = Ground::new(|_| {});
    let day = Duration::from_secs(5 * 3600);
    ground.judge.always(Turn::Spent(day));
    uploads(&ground, 1).await;
    let worker = ground.start().await;
    worker.until(Seen::Deferred("budget"), 1).await;
    sleep(SOON).await;
    ground.tell(&trail_stopped("e-1")).await;
    sleep(Duration::from_secs(3600)).await;
    assert!(ground.findings().await.is_empty(), "it waits");
    let alerts = ground.alerts();
    let said = alerts.iter().map(|alert| alert.summarize.as_str());
    let said: Vec<_> = said.collect();
    assert!(said[0].contains("wait with them"), "{said:?}");
    ground.judge.always(Turn::Answer);
    worker.finish().await;
}
