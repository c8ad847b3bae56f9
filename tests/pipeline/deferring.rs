//! What only has to wait goes back to the queue, and no receives are burnt meanwhile.

use std::time::Duration;

use s3_warden::alert::AlertKind;
use tokio::time::{Instant, sleep};

use crate::detector::Turn;
use crate::faults::Step;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};
use crate::watcher::Seen;

const HOURS: Duration = Duration::from_secs(5 * 3600);

async fn five(ground: &Ground) {
    for grain in 0..5 {
        let key = format!("{grain}.png");
        ground.put(&key, &picture(Hue::Red, grain)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_budget_of_the_day_stops_polling_until_the_next() {
    let ground = Ground::new(|setup| setup.max_receives = Some(3));
    ground.judge.always(Turn::Spent(HOURS));
    five(&ground).await;
    let began = Instant::now();
    let worker = ground.start().await;
    worker.until(Seen::Released("budget_spent"), 5).await;
    let polls = ground.faults.calls(Step::Receive);
    sleep(HOURS - Duration::from_secs(60)).await;
    // One poll may have been under way.
    assert!(ground.faults.calls(Step::Receive) <= polls + 1);
    assert_eq!(worker.seen.count(Seen::Deferred("budget")), 1);
    let standing = worker.vitals.snapshot();
    assert_eq!((standing.wait, standing.stuck), ("budget", false));
    let alerts = ground.alerts();
    let kinds: Vec<_> = alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, [AlertKind::BudgetSpent], "said once");
    let until = alerts[0].ends_at.unwrap().as_second() - ground.now().as_second();
    assert!((0..=120).contains(&until), "{alerts:?}");
    assert_eq!(ground.judge.asked(), 5);

    ground.judge.always(Turn::Answer);
    worker.finish().await;
    assert!(began.elapsed() >= HOURS);
    assert_eq!(ground.outcomes().await, ["deleted"; 5]);
    assert_eq!(
        ground.counted.receive_counts(),
        [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_waited_at_each_receive_is_parked_only_at_its_last() {
    let ground = Ground::new(|setup| setup.max_receives = Some(3));
    ground.judge.always(Turn::Spent(Duration::from_secs(3600)));
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.start().await.finish().await;
    assert_eq!(ground.counted.receive_counts(), [1, 2, 3]);
    assert_eq!(ground.letters(), ["budget_spent"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_longer_than_any_delay_of_the_queue_is_cut_for_the_message_only() {
    let ground = Ground::new(|_| {});
    let day = Duration::from_secs(23 * 3600);
    ground.judge.then([Turn::Spent(day)]);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let began = Instant::now();
    let worker = ground.start().await;
    worker.until(Seen::Released("budget_spent"), 1).await;
    sleep(Duration::from_secs(11 * 3600 + 60)).await;
    assert_eq!(ground.queue.stats().visible, 1, "SQS takes no longer delay");
    sleep(Duration::from_secs(11 * 3600)).await;
    assert_eq!(ground.counted.receive_counts(), [1]);
    worker.finish().await;
    assert!(began.elapsed() >= day);
    assert_eq!(ground.counted.receive_counts(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_throttles_for_twenty_minutes_costs_no_receive() {
    throttled(Duration::from_secs(20 * 60), &[1; 5]).await;
}

#[tokio::test(start_paused = true)]
async fn a_model_that_throttles_for_an_hour_parks_nothing() {
    let mut counts = vec![1; 5];
    counts.extend([2; 5]);
    throttled(Duration::from_secs(55 * 60), &counts).await;
}

async fn throttled(how_long: Duration, counts: &[u32]) {
    let ground = Ground::new(|setup| setup.max_receives = Some(5));
    ground.judge.always(Turn::Unavailable(None));
    five(&ground).await;
    let worker = ground.start().await;
    sleep(how_long).await;
    ground.judge.always(Turn::Answer);
    worker.finish().await;
    assert!(ground.letters().is_empty(), "{how_long:?}");
    assert_eq!(ground.counted.receive_counts(), counts, "{how_long:?}");
    assert_eq!(ground.outcomes().await, ["deleted"; 5]);
    ground.assert_all_told_once().await;
}
