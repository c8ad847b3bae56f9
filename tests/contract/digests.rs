//! The contract of `alert::Digests`.

use std::time::Duration;

use jiff::Timestamp;
use s3_warden::alert::{CLAIM, Claim, Digests, Tally, Window};
use s3_warden::aws::S3Digests;
use s3_warden::event::OwnPlace;
use s3_warden::local::FileDigests;

use crate::kit::{Emulator, Ground, Local, at, suite};
use crate::ledger::records_place;

const NOON: &str = "2026-08-22T12:00:00Z";

/// A ground that has counts.
pub(crate) trait DigestsGround: Ground {
    type Bench: DigestsBench;
    /// A place where nothing was counted.
    async fn make(&self) -> Self::Bench;
}

/// Counts, as tasks have them.
pub(crate) trait DigestsBench: Send + Sync {
    /// The counts in the hands of another task.
    async fn task(&self) -> Box<dyn Digests>;
}

pub(crate) struct FolderBench(tempfile::TempDir);

impl DigestsGround for Local {
    type Bench = FolderBench;

    async fn make(&self) -> FolderBench {
        FolderBench(tempfile::tempdir().unwrap())
    }
}

impl DigestsBench for FolderBench {
    async fn task(&self) -> Box<dyn Digests> {
        Box::new(FileDigests::open(self.0.path()).await.unwrap())
    }
}

pub(crate) struct BucketBench(OwnPlace);

impl DigestsGround for Emulator {
    type Bench = BucketBench;

    async fn make(&self) -> BucketBench {
        BucketBench(records_place().await)
    }
}

impl DigestsBench for BucketBench {
    async fn task(&self) -> Box<dyn Digests> {
        let clients = Emulator::clients().await;
        Box::new(S3Digests::new(&clients, self.0.clone()))
    }
}

/// All checks on one ground.
macro_rules! digests_suite {
    ($module:ident, $ground:expr) => {
        suite!(
            $module,
            $ground,
            tokio::test,
            [
                what_tasks_count_is_summed,
                a_restarted_task_counts_beside_its_predecessor,
                windows_are_listed_within_the_stretch_asked_for,
                windows_of_other_lengths_are_apart,
                one_claims_and_others_are_told_until_when,
                a_claim_is_renewed_by_its_holder_and_taken_over_when_it_ends,
                what_was_told_is_never_claimed_again,
                of_many_that_claim_at_once_one_has_it,
            ]
        );
    };
}

digests_suite!(local, crate::kit::Local);
digests_suite!(emulator, crate::kit::Emulator);

/// The nth minute after noon.
fn minute(nth: i64) -> Window {
    let from = at(NOON) + Duration::from_secs(60) * u32::try_from(nth).unwrap();
    Window::at(from, Duration::from_secs(60))
}

fn later(seconds: u64) -> Timestamp {
    at(NOON) + Duration::from_secs(seconds)
}

fn tally(flagged: u64) -> Tally {
    Tally {
        verdicts: [("flagged".to_owned(), flagged)].into(),
        cost_usd: 0.25,
        ..Tally::default()
    }
}

async fn what_tasks_count_is_summed(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let (one, two) = (bench.task().await, bench.task().await);
    let nothing = one.sum(minute(0)).await.unwrap();
    assert_eq!(nothing, (0, Tally::default()));
    for flagged in [1, 5, 5, 7] {
        one.write(minute(0), &tally(flagged)).await.unwrap();
    }
    two.write(minute(0), &tally(2)).await.unwrap();
    two.write(minute(1), &tally(40)).await.unwrap();
    // The last word about a window may come after the first about the next.
    two.write(minute(0), &tally(3)).await.unwrap();
    one.claim(minute(0), later(60)).await.unwrap();
    for task in [one, two] {
        let (tasks, sum) = task.sum(minute(0)).await.unwrap();
        assert_eq!((tasks, sum.verdicts["flagged"]), (2, 10));
        assert_eq!(sum.cost_usd, 0.5);
    }
}

async fn a_restarted_task_counts_beside_its_predecessor(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let before = bench.task().await;
    before.write(minute(0), &tally(4)).await.unwrap();
    drop(before);
    let after = bench.task().await;
    after.write(minute(0), &tally(1)).await.unwrap();
    let (tasks, sum) = after.sum(minute(0)).await.unwrap();
    assert_eq!((tasks, sum.verdicts["flagged"]), (2, 5));
}

async fn windows_are_listed_within_the_stretch_asked_for(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let (one, two) = (bench.task().await, bench.task().await);
    for nth in [3, 0, 2] {
        one.write(minute(nth), &tally(1)).await.unwrap();
        two.write(minute(nth), &tally(1)).await.unwrap();
    }
    one.told(minute(2), later(180)).await.unwrap();
    let listed = |from, until| two.windows(later(from), later(until));
    let all = [minute(0), minute(2), minute(3)];
    assert_eq!(listed(0, 240).await.unwrap(), all);
    assert_eq!(listed(0, 239).await.unwrap(), all[..2]);
    assert_eq!(listed(1, 240).await.unwrap(), all[1..]);
    assert_eq!(listed(60, 120).await.unwrap(), []);
}

async fn windows_of_other_lengths_are_apart(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let task = bench.task().await;
    let hour = Window::at(at(NOON), Duration::from_secs(3600));
    assert_eq!(hour.from, minute(0).from);
    task.write(hour, &tally(9)).await.unwrap();
    task.write(minute(0), &tally(1)).await.unwrap();
    let windows = task.windows(later(0), later(3600)).await.unwrap();
    assert_eq!(windows, [minute(0), hour]);
    assert_eq!(task.sum(hour).await.unwrap().1.verdicts["flagged"], 9);
}

async fn one_claims_and_others_are_told_until_when(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let (one, two) = (bench.task().await, bench.task().await);
    assert_eq!(one.claim(minute(0), later(60)).await.unwrap(), Claim::Ours);
    let theirs = Claim::Theirs(later(60) + CLAIM);
    assert_eq!(two.claim(minute(0), later(90)).await.unwrap(), theirs);
    assert_eq!(two.claim(minute(1), later(90)).await.unwrap(), Claim::Ours);
}

async fn a_claim_is_renewed_by_its_holder_and_taken_over_when_it_ends(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let (one, two) = (bench.task().await, bench.task().await);
    for seconds in [60, 300] {
        let claim = one.claim(minute(0), later(seconds)).await.unwrap();
        assert_eq!(claim, Claim::Ours);
    }
    let ends = later(300) + CLAIM;
    let early = two.claim(minute(0), later(599)).await.unwrap();
    assert_eq!(early, Claim::Theirs(ends));
    assert_eq!(two.claim(minute(0), ends).await.unwrap(), Claim::Ours);
    let now_theirs = one.claim(minute(0), ends).await.unwrap();
    assert_eq!(now_theirs, Claim::Theirs(ends + CLAIM));
}

async fn what_was_told_is_never_claimed_again(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let (one, two) = (bench.task().await, bench.task().await);
    one.claim(minute(0), later(60)).await.unwrap();
    // Who told a moment too late has told all the same.
    two.claim(minute(0), later(900)).await.unwrap();
    for _ in 0..2 {
        one.told(minute(0), later(901)).await.unwrap();
    }
    for task in [&one, &two] {
        let claim = task.claim(minute(0), later(9_000)).await.unwrap();
        assert_eq!(claim, Claim::Told);
    }
}

async fn of_many_that_claim_at_once_one_has_it(ground: &impl DigestsGround) {
    let bench = ground.make().await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        tasks.push(bench.task().await);
    }
    for now in [later(60), later(60) + CLAIM] {
        let claims = tasks.iter().map(|task| task.claim(minute(0), now));
        let claims = futures::future::try_join_all(claims).await.unwrap();
        let ours = claims.iter().filter(|claim| **claim == Claim::Ours);
        assert_eq!(ours.count(), 1, "{claims:?}");
    }
}
