//! One object, one judgement, one removal, one alert: whatever the queue does.

use std::time::Duration;

use s3_warden::app::recorded;
use s3_warden::record::Query;
use tokio::time::advance;

use crate::ground::{Ground, at};
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

#[tokio::test(start_paused = true)]
async fn what_is_flagged_goes_and_what_is_clean_stays() {
    let ground = Ground::new(|_| {});
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.put("green.png", &picture(Hue::Green, 0)).await;
    ground.place("unseen.png", &picture(Hue::Red, 1));
    ground.start().await.finish().await;
    assert!(!ground.exists("red.png") && ground.exists("green.png"));
    assert!(
        ground.exists("unseen.png"),
        "only what was judged is removed"
    );
    assert_eq!(ground.outcomes().await, ["deleted"]);
    ground.assert_all_told_once().await;
    let query = Query {
        clean: true,
        ..Query::default()
    };
    let all = recorded(&ground.state(), query).await.unwrap();
    assert_eq!(
        all.len(),
        2,
        "the clean one is written down at the latest by the drain"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_again() {
    let ground = Ground::new(|_| {});
    let worker = ground.start().await;
    for _time in 0..2 {
        ground.put("card.png", &picture(Hue::Red, 0)).await;
        worker.idle().await;
        assert!(!ground.exists("card.png"));
    }
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted", "deleted"]);
    assert_eq!(ground.alerts().len(), 2);
    ground.assert_all_told_once().await;
    assert_eq!(ground.judge.asked(), 1, "the same bytes are paid once");
}

#[tokio::test(start_paused = true)]
async fn redelivery_across_midnight() {
    let ground = Ground::new(|_| {});
    let event = ground.put("card.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    worker.idle().await;
    advance(Duration::from_secs(120)).await;
    assert!(ground.now() > at("2026-11-21T00:00:00Z"));
    // The same bytes lie there again, and of this write no event has come yet.
    ground.place("card.png", &picture(Hue::Red, 0));
    ground.queue.send(event.clone()).await;
    worker.finish().await;
    assert!(ground.now() < at("2026-11-21T00:10:00Z"));

    ground.queue.send(event).await;
    let another = ground.start().await;
    another.idle().await;
    assert_eq!(another.seen.count(Seen::Announced), 0);
    another.finish().await;
    let finding = ground.the_finding().await;
    assert_eq!(finding.date().to_string(), "2026-11-20");
    assert_eq!(ground.told().len(), 1);
    assert!(ground.exists("card.png"), "one event, one removal");
}

#[tokio::test(start_paused = true)]
async fn a_known_clean_object_is_not_judged_again() {
    let ground = Ground::new(|setup| setup.ask_first = true);
    let event = ground.put("green.png", &picture(Hue::Green, 0)).await;
    ground.start().await.finish().await;
    ground.queue.send(event).await;
    let worker = ground.start().await;
    worker.until(Seen::PassedOver("already_settled"), 1).await;
    worker.finish().await;
    assert_eq!(ground.judge.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_before_it_is_read_needs_no_alert() {
    let ground = Ground::new(|_| {});
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    std::fs::remove_file(ground.file("red.png")).unwrap();
    let worker = ground.start().await;
    worker.until(Seen::Looked("missing"), 1).await;
    worker.finish().await;
    assert!(ground.findings().await.is_empty());
    assert!(ground.alerts().is_empty() && ground.letters().is_empty());
}

#[tokio::test(start_paused = true)]
async fn disk_full_while_writing_an_intent_deletes_nothing() {
    use crate::faults::Step;

    let ground = Ground::new(|_| {});
    ground.faults.fail(Step::Begin);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert!(ground.faults.calls(Step::Begin) > 5, "it is tried again");
    assert_eq!(ground.faults.calls(Step::Remove), 0);
    assert!(ground.exists("red.png") && ground.alerts().is_empty());
    ground.faults.mend(Step::Begin);
    worker.finish().await;
    assert!(!ground.exists("red.png"));
    assert_eq!(
        ground.the_finding().await.outcome.unwrap().code(),
        "deleted"
    );
    ground.assert_all_told_once().await;
}
