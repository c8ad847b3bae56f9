//! Sixteen tasks that lose the fleet's turns together, under paused time.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3_warden::alert::{Turn, Turns};
use s3_warden::record::LedgerError;
use s3_warden::retry::Jitter;
use tokio::time::sleep;

use crate::announcer::{Bench, deleted};
use crate::carrier::Carrier;
use crate::gone::Gone;
use crate::storm::check_rate;

const TASKS: u32 = 16;

/// Turns that fail, by somebody who has seen so many tasks take them before.
#[derive(Debug)]
struct Lost(usize);

#[async_trait]
impl Turns for Lost {
    async fn take(&self) -> Result<Turn, LedgerError> {
        Gone.take().await
    }

    fn takers(&self) -> usize {
        self.0
    }
}

/// What sixteen tasks publish within five minutes, each with more to tell than it may.
async fn check(turns: Arc<dyn Turns>, fleet_size: u32, per_minute: usize) {
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let turns = Arc::clone(&turns);
        let mut bench = Bench::with(Carrier::default(), |parts| {
            parts.turns = turns;
            parts.fleet_size = NonZeroU32::new(fleet_size).unwrap();
            parts.settings.max_per_minute = u32::try_from(per_minute).unwrap();
            parts.jitter = Jitter::fixed(f64::from(task) / f64::from(TASKS));
        });
        for number in 0..100 {
            let bucket: &str = format!("bucket-{number}").leak();
            bench.submit(number, &deleted(bucket, number));
        }
        tasks.push(bench);
    }
    sleep(Duration::from_secs(290)).await;
    let attempts: Vec<_> = tasks.iter().flat_map(|it| it.carrier.attempts()).collect();
    let few = per_minute * 4;
    assert!(
        attempts.len() >= few.min(1_500),
        "{} alerts",
        attempts.len()
    );
    check_rate(attempts, per_minute);
}

#[tokio::test(start_paused = true)]
async fn a_fleet_that_loses_the_turns_keeps_to_the_rate() {
    check(Arc::new(Gone), TASKS, 60).await;
    check(Arc::new(Gone), TASKS, 600).await;
    // Fewer a minute than tasks: a share is less than one.
    check(Arc::new(Gone), TASKS, 12).await;
}

#[tokio::test(start_paused = true)]
async fn who_was_seen_counts_where_the_setting_is_wrong() {
    check(Arc::new(Lost(16)), 1, 60).await;
    check(Arc::new(Lost(16)), 1, 600).await;
}
