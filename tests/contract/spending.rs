//! The contract of `model::Spending`.

use jiff::civil::Date;
use s3_warden::aws::S3Spending;
use s3_warden::event::OwnPlace;
use s3_warden::model::Spending;

use crate::kit::{Emulator, Ground, suite};
use crate::ledger::records_place;

/// A ground that has an account.
pub(crate) trait SpendingGround: Ground {
    type Bench: SpendingBench;
    /// An empty account.
    async fn make(&self) -> Self::Bench;
}

/// An account, as tasks have it.
pub(crate) trait SpendingBench: Send + Sync {
    /// The account in the hands of another task.
    async fn task(&self) -> Box<dyn Spending>;
}

pub(crate) struct BucketBench {
    place: OwnPlace,
}

impl SpendingGround for Emulator {
    type Bench = BucketBench;

    async fn make(&self) -> BucketBench {
        BucketBench {
            place: records_place().await,
        }
    }
}

impl SpendingBench for BucketBench {
    async fn task(&self) -> Box<dyn Spending> {
        let clients = Emulator::clients().await;
        Box::new(S3Spending::new(&clients, self.place.clone()))
    }
}

suite!(
    emulator,
    crate::kit::Emulator,
    tokio::test,
    [
        tasks_see_what_all_have_spent,
        a_report_replaces_the_one_before,
        a_restarted_task_is_another_one,
        days_are_counted_apart,
        many_at_once_lose_nothing,
    ]
);

fn day(number: i8) -> Date {
    Date::new(2026, 8, number).unwrap()
}

async fn tasks_see_what_all_have_spent(ground: &impl SpendingGround) {
    let bench = ground.make().await;
    let (one, two) = (bench.task().await, bench.task().await);
    assert_eq!(one.report(day(1), 0.0).await.unwrap(), 0.0);
    assert_eq!(one.report(day(1), 1.5).await.unwrap(), 1.5);
    assert_eq!(two.report(day(1), 0.25).await.unwrap(), 1.75);
    assert_eq!(one.report(day(1), 2.0).await.unwrap(), 2.25);
    assert_eq!(two.report(day(1), 0.25).await.unwrap(), 2.25);
}

async fn a_report_replaces_the_one_before(ground: &impl SpendingGround) {
    let bench = ground.make().await;
    let one = bench.task().await;
    for usd in [1.0, 1.0, 3.0, 3.0] {
        assert_eq!(one.report(day(1), usd).await.unwrap(), usd);
    }
}

async fn a_restarted_task_is_another_one(ground: &impl SpendingGround) {
    let bench = ground.make().await;
    let before = bench.task().await;
    before.report(day(1), 4.0).await.unwrap();
    drop(before);
    let after = bench.task().await;
    assert_eq!(after.report(day(1), 0.5).await.unwrap(), 4.5);
}

async fn days_are_counted_apart(ground: &impl SpendingGround) {
    let bench = ground.make().await;
    let one = bench.task().await;
    assert_eq!(one.report(day(1), 4.0).await.unwrap(), 4.0);
    assert_eq!(one.report(day(2), 1.0).await.unwrap(), 1.0);
    // The last word about yesterday comes late.
    assert_eq!(one.report(day(1), 5.0).await.unwrap(), 5.0);
    assert_eq!(one.report(day(2), 1.5).await.unwrap(), 1.5);
}

async fn many_at_once_lose_nothing(ground: &impl SpendingGround) {
    let bench = ground.make().await;
    let mut tasks = Vec::new();
    for _ in 0..6 {
        tasks.push(bench.task().await);
    }
    let reports = tasks.iter().map(|task| task.report(day(1), 1.0));
    futures::future::try_join_all(reports).await.unwrap();
    assert_eq!(tasks[0].report(day(1), 1.0).await.unwrap(), 6.0);
}
