//! Digests under paused time: who counts, who tells, and what a kill costs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::action::{Action, Outcome, Tell};
use s3_warden::alert::{AlertKind, Clean, Digest, KeyStyle};
use s3_warden::clock::{Clock, TokioClock};
use s3_warden::local::FileDigests;
use s3_warden::record::Finding;
use s3_warden::verdict::Verdict;
use tokio::time::sleep;

use crate::announcer::{Bench, deleted};
use crate::carrier::{Carrier, Step};
use crate::finding::Sample;

const MINUTE: Duration = Duration::from_secs(60);

/// A fleet: one folder, one clock.
struct Fleet {
    home: tempfile::TempDir,
    clock: TokioClock,
}

impl Fleet {
    fn new() -> Self {
        let origin: Timestamp = "2026-03-03T14:00:00Z".parse().unwrap();
        Self {
            home: tempfile::tempdir().unwrap(),
            clock: TokioClock::starting_at(origin),
        }
    }

    /// A task that tells of every minute.
    async fn task(&self, carrier: Carrier) -> Bench {
        self.task_with(carrier, Clean::Digest, MINUTE).await
    }

    async fn task_with(&self, carrier: Carrier, clean: Clean, length: Duration) -> Bench {
        let digests = open(self.home.path()).await;
        let clock: Arc<dyn Clock> = Arc::new(self.clock);
        Bench::with(carrier, |parts| {
            parts.digests = Arc::new(digests);
            parts.clock = clock;
            parts.settings.digest = Some(length);
            parts.settings.clean = clean;
            parts.settings.keys = KeyStyle::Masked;
        })
    }
}

async fn open(folder: &Path) -> FileDigests {
    FileDigests::open(folder).await.unwrap()
}

fn count(bench: &Bench, findings: &[Finding]) {
    for finding in findings {
        bench.announcer.as_ref().unwrap().count(finding);
    }
}

fn clean(bucket: &'static str) -> Finding {
    Sample {
        bucket,
        verdict: Verdict::Clean,
        action: Action::Keep,
        tell: Tell::Remember,
        outcome: Outcome::Kept,
        ..Sample::default()
    }
    .finding()
}

/// Every digest that was accepted.
fn digests(bench: &Bench) -> Vec<Digest> {
    let accepted = bench.carrier.accepted().into_iter();
    let digests = accepted.filter_map(|(_, alert, _)| {
        assert_eq!(alert.kind, AlertKind::Digest);
        alert.digest
    });
    digests.collect()
}

/// Ends a task as a kill does.
async fn kill(bench: &mut Bench) {
    bench.work.abort_all();
    while bench.work.join_next().await.is_some() {}
}

#[tokio::test(start_paused = true)]
async fn one_task_tells_what_all_have_counted() {
    let fleet = Fleet::new();
    let mut tasks = Vec::new();
    for _task in 0..3 {
        tasks.push(fleet.task(Carrier::default()).await);
    }
    for task in &tasks {
        count(task, &[deleted("in", 1), clean("in"), clean("other")]);
    }
    sleep(5 * MINUTE).await;
    let told: Vec<_> = tasks.iter().flat_map(digests).collect();
    let [digest] = told.as_slice() else {
        panic!("not one digest: {told:?}");
    };
    assert_eq!(digest.from, "2026-03-03T14:00:00Z".parse().unwrap());
    assert_eq!(digest.until, "2026-03-03T14:01:00Z".parse().unwrap());
    assert_eq!(digest.tasks, 3);
    let tally = &digest.tally;
    assert_eq!(tally.verdicts["flagged"], 3);
    assert_eq!(tally.verdicts["clean"], 6);
    assert_eq!(tally.outcomes["deleted"], 3);
    assert_eq!(tally.outcomes["kept"], 6);
    assert_eq!(
        tally.levels.values().sum::<u64>(),
        3,
        "clean ones have none"
    );
    assert_eq!(tally.buckets, [("in".to_owned(), 3)].into());
    assert_eq!(tally.slowest.len(), 5);
    assert!(!tally.slowest[0].key.contains("scan 17"), "keys are masked");
}

#[tokio::test(start_paused = true)]
async fn each_window_is_told_and_quiet_ones_are_not() {
    let fleet = Fleet::new();
    let task = fleet.task(Carrier::default()).await;
    for minutes in [1, 3, 1] {
        count(&task, &[deleted("in", 1)]);
        sleep(minutes * MINUTE).await;
    }
    sleep(2 * MINUTE).await;
    let starts = digests(&task).into_iter().map(|digest| digest.from);
    let minute = |n| {
        format!("2026-03-03T14:0{n}:00Z")
            .parse::<Timestamp>()
            .unwrap()
    };
    assert_eq!(
        starts.collect::<Vec<_>>(),
        [minute(0), minute(1), minute(4)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_kill_costs_the_last_half_minute_and_a_drain_nothing() {
    let fleet = Fleet::new();
    let mut killed = fleet.task(Carrier::default()).await;
    let mut drained = fleet.task(Carrier::default()).await;
    count(&killed, &[deleted("in", 1), deleted("in", 2)]);
    sleep(Duration::from_secs(31)).await;
    count(&killed, &[deleted("in", 3)]);
    count(&drained, &[deleted("in", 4)]);
    kill(&mut killed).await;
    drained.end().await;
    sleep(2 * MINUTE).await;
    let next = fleet.task(Carrier::default()).await;
    sleep(MINUTE).await;
    let told = digests(&next);
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].tasks, told[0].tally.verdicts["flagged"]), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_nobody_told_is_told_within_reach() {
    // 200 windows of a minute are looked back at.
    for (later, expected) in [(190, 1), (210, 0)] {
        let fleet = Fleet::new();
        let mut first = fleet.task(Carrier::default()).await;
        count(&first, &[deleted("in", 1)]);
        first.end().await;
        assert!(digests(&first).is_empty(), "its window is not over");
        sleep(later * MINUTE).await;
        let next = fleet.task(Carrier::default()).await;
        sleep(MINUTE).await;
        assert_eq!(digests(&next).len(), expected, "{later} minutes later");
    }
}

#[tokio::test(start_paused = true)]
async fn who_dies_while_telling_is_replaced() {
    let fleet = Fleet::new();
    let mut hanging = fleet.task(Carrier::always(Step::Hang)).await;
    count(&hanging, &[deleted("in", 1)]);
    sleep(3 * MINUTE).await;
    let other = fleet.task(Carrier::default()).await;
    // The claim is held as long as its holder lives, however long the carrier takes.
    sleep(4 * MINUTE).await;
    assert!(digests(&other).is_empty());
    kill(&mut hanging).await;
    sleep(4 * MINUTE).await;
    assert!(digests(&other).is_empty(), "the claim is not over");
    sleep(2 * MINUTE).await;
    assert_eq!(digests(&other).len(), 1);
    sleep(10 * MINUTE).await;
    assert_eq!(digests(&other).len(), 1, "and once");
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_the_carrier_only_delays_it() {
    let fleet = Fleet::new();
    let task = fleet.task(Carrier::following([Step::Fail; 4])).await;
    count(&task, &[deleted("in", 1)]);
    sleep(4 * MINUTE).await;
    assert_eq!(digests(&task).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn clean_objects_alone_are_told_unless_nobody_wants_to_know() {
    for (setting, expected) in [(Clean::Digest, 1), (Clean::Each, 1), (Clean::Off, 0)] {
        let fleet = Fleet::new();
        let task = fleet.task_with(Carrier::default(), setting, MINUTE).await;
        count(&task, &[clean("in")]);
        sleep(3 * MINUTE).await;
        assert_eq!(digests(&task).len(), expected, "{setting:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn clean_objects_count_also_where_they_alone_are_not_told() {
    let fleet = Fleet::new();
    let task = fleet
        .task_with(Carrier::default(), Clean::Off, MINUTE)
        .await;
    count(&task, &[clean("in"), clean("in"), deleted("in", 1)]);
    sleep(3 * MINUTE).await;
    let told = digests(&task);
    assert_eq!(told.len(), 1);
    let tally = &told[0].tally;
    assert_eq!((tally.verdicts["clean"], tally.verdicts["flagged"]), (2, 1));
    assert_eq!(tally.outcomes["kept"], 2);
}

#[tokio::test(start_paused = true)]
async fn the_longest_window_is_told_of() {
    const WEEK: Duration = Duration::from_secs(10_080 * 60);
    let fleet = Fleet::new();
    let task = fleet
        .task_with(Carrier::default(), Clean::Digest, WEEK)
        .await;
    count(&task, &[deleted("in", 1)]);
    // Weeks begin on Thursdays, as 1970 did; this is a Tuesday.
    sleep(48 * 60 * MINUTE).await;
    let told = digests(&task);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].until, "2026-03-05T00:00:00Z".parse().unwrap());
}
