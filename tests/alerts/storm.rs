//! The storm guard under paused time: how much goes out, in which order, and that all of it does.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::alert::{AlertKind, TellError, Watch};
use s3_warden::clock::TokioClock;
use s3_warden::local::MemoryTurns;
use s3_warden::record::Finding;
use s3_warden::retry::Jitter;
use s3_warden::verdict::{Category, Confidence};
use tokio::time::{Instant, sleep};

use crate::announcer::{Bench, deleted, paused, settle};
use crate::carrier::{Carrier, Step};
use crate::finding::{Sample, flagged};
use crate::gone::Gone;

const BUCKETS: [&str; 20] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s",
    "t",
];

/// Turns for so many alerts a minute, for any number of benches.
fn turns(per_minute: u32) -> Arc<MemoryTurns> {
    let clock = TokioClock::starting_at(Timestamp::UNIX_EPOCH);
    Arc::new(MemoryTurns::new(per_minute, Arc::new(clock)))
}

pub(crate) fn slow(per_minute: u32) -> Bench {
    Bench::with(Carrier::default(), |parts| parts.turns = turns(per_minute))
}

/// No window of 60 seconds has more than it may, and no second more than ten.
#[track_caller]
pub(crate) fn check_rate(mut attempts: Vec<Instant>, per_minute: usize) {
    attempts.sort_unstable();
    for (most, seconds) in [(per_minute, 60), (10, 1)] {
        for pair in attempts.windows(most + 1) {
            let [first, .., last] = pair else {
                panic!("windows are as long as asked for");
            };
            let within = *last - *first;
            assert!(
                within >= Duration::from_secs(seconds),
                "more than {most} within {within:?}"
            );
        }
    }
}

fn ids(bench: &Bench) -> Vec<String> {
    let accepted = bench.carrier.accepted();
    let ids = accepted.into_iter().flat_map(|(_, alert, _)| {
        assert_eq!(alert.finding_ids.len() as u64, alert.count);
        assert!(alert.finding_ids.len() <= 1000);
        alert.finding_ids
    });
    ids.collect()
}

fn medium(bucket: &'static str, sequencer: u64) -> Finding {
    Sample {
        bucket,
        sequencer,
        verdict: flagged(&[Category::Face], Confidence::Medium),
        ..Sample::default()
    }
    .finding()
}

#[tokio::test(start_paused = true)]
async fn a_storm_stays_within_the_rate_and_all_of_it_is_told() {
    let mut bench = Bench::new(Carrier::default());
    for (nth, bucket) in (0..).zip(BUCKETS) {
        for wave in 0..5 {
            bench.submit_many(bucket, nth * 100 + wave * 20, 20);
            sleep(Duration::from_millis(500)).await;
        }
    }
    let answers = bench.answered().await;
    assert!(answers.iter().all(|(.., answer)| answer.is_ok()));
    let distinct: BTreeSet<_> = ids(&bench).into_iter().collect();
    assert_eq!(distinct.len(), 2_000);
    check_rate(bench.carrier.attempts(), 60);
}

#[tokio::test(start_paused = true)]
async fn several_tasks_share_one_rate() {
    let (shared, mut tasks, mut attempts) = (turns(12), Vec::new(), Vec::new());
    for task in 0..4 {
        let turns = Arc::clone(&shared);
        // What the settings say of the fleet plays no part.
        let mut bench = Bench::with(Carrier::default(), |parts| parts.turns = turns);
        for (nth, bucket) in (0..).zip(BUCKETS) {
            bench.submit(nth, &deleted(bucket, task * 100 + nth));
        }
        tasks.push(bench);
    }
    for task in &mut tasks {
        task.answered().await;
        attempts.extend(task.carrier.attempts());
    }
    assert!(attempts.len() >= 40, "{}", attempts.len());
    check_rate(attempts, 12);
}

/// A rate far below what comes: who waits too long comes again, as a message does, and is merged
/// with the others of its bucket.
#[tokio::test(start_paused = true)]
async fn a_backlog_above_the_rate_comes_to_its_end() {
    let mut bench = slow(3);
    let finding = |number: u64| deleted(BUCKETS[number as usize % 20], number);
    for number in 0..2_000 {
        bench.submit(number, &finding(number));
    }
    let (mut told, mut held) = (0, 0);
    while let Some(answer) = bench.answers.join_next().await {
        let (number, _, answer) = answer.unwrap();
        match answer {
            Ok(_) => told += 1,
            Err(error) => {
                assert_eq!(error, TellError::HeldTooLong);
                held += 1;
                bench.submit(number, &finding(number));
            }
        }
    }
    assert_eq!(told, 2_000);
    assert!(held > 0, "the rate was not too low");
    let ids = ids(&bench);
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (2_000, 2_000));
    check_rate(bench.carrier.attempts(), 3);
    assert!(bench.started.elapsed() < Duration::from_secs(15 * 60));
}

#[tokio::test(start_paused = true)]
async fn what_exceeds_an_alert_is_the_next() {
    let mut bench = Bench::new(Carrier::following([Step::Fail, Step::Fail]));
    bench.submit_many("in", 0, 2_500);
    let answers = bench.answered().await;
    assert!(answers.iter().all(|(.., answer)| answer.is_ok()));
    let distinct: BTreeSet<_> = ids(&bench).into_iter().collect();
    assert_eq!(distinct.len(), 2_500);
    assert_eq!(bench.carrier.counts().iter().sum::<u64>(), 2_500);
}

#[tokio::test(start_paused = true)]
async fn the_gravest_goes_first_then_who_has_waited_longest() {
    let mut bench = slow(1);
    bench.submit(0, &deleted("first", 0));
    settle().await;
    for (number, finding) in [medium("m1", 1), medium("m2", 2), deleted("h1", 3)]
        .iter()
        .enumerate()
    {
        bench.submit(number as u64 + 1, finding);
        settle().await;
    }
    let announcer = bench.announcer.clone().unwrap();
    let paused = tokio::join!(announcer.announce(paused("no credentials")), async {
        bench.answered().await;
    });
    assert!(paused.0.is_ok());
    let accepted = bench.carrier.accepted();
    let order = accepted
        .iter()
        .map(|(_, alert, _)| alert.s3_bucket.as_deref().unwrap_or(alert.kind.as_str()));
    let order: Vec<_> = order.collect();
    assert_eq!(order, ["first", "paused", "h1", "m1", "m2"]);
}

#[tokio::test(start_paused = true)]
async fn the_less_grave_does_not_wait_for_ever() {
    let mut bench = slow(1);
    bench.submit(0, &deleted("first", 0));
    settle().await;
    bench.submit(1, &medium("meek", 1));
    for (number, bucket) in (2..).zip(BUCKETS) {
        bench.submit(number, &deleted(bucket, number));
        sleep(Duration::from_secs(20)).await;
    }
    let accepted = bench.carrier.accepted();
    let meek = accepted
        .iter()
        .find(|(_, alert, _)| alert.s3_bucket.as_deref() == Some("meek"));
    let (at, ..) = meek.expect("told");
    assert!(*at - bench.started < Duration::from_secs(300));
}

#[tokio::test(start_paused = true)]
async fn while_it_waits_it_is_merged() {
    let mut bench = slow(1);
    bench.submit_many("in", 0, 1);
    for number in 1..60 {
        sleep(Duration::from_secs(1)).await;
        bench.submit_many("in", number, 1);
    }
    bench.answered().await;
    assert_eq!(bench.carrier.counts(), [1, 59]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_publish_has_spent_its_turn() {
    let mut bench = Bench::with(Carrier::following([Step::Fail; 3]), |parts| {
        parts.turns = turns(2);
    });
    bench.submit_many("in", 0, 1);
    let answers = bench.answered().await;
    assert!(answers[0].2.is_ok(), "{answers:?}");
    check_rate(bench.carrier.attempts(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_the_turns_each_task_goes_by_its_share() {
    let mut bench = Bench::with(Carrier::default(), |parts| {
        parts.turns = Arc::new(Gone);
        parts.fleet_size = NonZeroU32::new(4).unwrap();
        parts.jitter = Jitter::fixed(0.5);
    });
    for (nth, bucket) in (0..).zip(BUCKETS) {
        bench.submit_many(bucket, nth, 1);
    }
    let answers = bench.answered().await;
    assert!(answers.iter().all(|(.., answer)| answer.is_ok()));
    let attempts = bench.carrier.attempts();
    let first = attempts[0] - bench.started;
    assert_eq!(first.as_secs(), 2, "not all tasks at once");
    for pair in attempts.windows(2) {
        // 60 a minute, a quarter of it.
        assert_eq!((pair[1] - pair[0]).as_secs(), 4);
    }
}

#[derive(Debug, Default)]
struct Gauge(Mutex<Vec<usize>>);

impl Watch for Gauge {
    fn waiting_for_turn(&self, alerts: usize) {
        self.0.lock().unwrap().push(alerts);
    }
}

#[tokio::test(start_paused = true)]
async fn how_many_wait_is_told() {
    let gauge = Arc::new(Gauge::default());
    let watch = Arc::clone(&gauge) as _;
    let mut bench = Bench::with(Carrier::default(), |parts| {
        parts.turns = turns(1);
        parts.watch = watch;
    });
    for (number, bucket) in (0..).zip(["a", "b", "c"]) {
        bench.submit_many(bucket, number, 1);
        sleep(Duration::from_secs(1)).await;
    }
    bench.answered().await;
    let told = gauge.0.lock().unwrap().clone();
    assert_eq!(told.iter().max(), Some(&2));
    assert_eq!(told.last(), Some(&0));
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_is_over_is_told_of_once() {
    // The eighth failure comes after 51.5 s, the ninth after 71.5 s.
    for (failures, expected) in [
        (8, vec![AlertKind::Flagged, AlertKind::Recovered]),
        (6, vec![AlertKind::Flagged]),
    ] {
        let mut bench = Bench::new(Carrier::following(vec![Step::Fail; failures]));
        bench.submit_many("in", 0, 1);
        bench.answered().await;
        bench.submit_many("other", 1, 1);
        bench.answered().await;
        bench.end().await;
        let accepted = bench.carrier.accepted();
        let mut kinds: Vec<_> = accepted.iter().map(|(_, alert, _)| alert.kind).collect();
        assert_eq!(kinds.pop(), Some(AlertKind::Flagged), "the other bucket's");
        assert_eq!(kinds, expected, "{failures} failures");
    }
}
