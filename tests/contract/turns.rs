//! The contract of `alert::Turns`.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::alert::{Turn, Turns};
use s3_warden::aws::S3Turns;
use s3_warden::clock::{Clock, SystemClock, TokioClock};
use s3_warden::event::OwnPlace;
use s3_warden::local::MemoryTurns;

use crate::kit::{Emulator, Ground, Local, suite};
use crate::ledger::records_place;

/// A ground that has turns.
pub(crate) trait TurnsGround: Ground {
    type Bench: TurnsBench;
    /// So many turns a minute, of which none was taken.
    async fn make(&self, per_minute: u32) -> Self::Bench;
}

/// Turns, as tasks have them.
pub(crate) trait TurnsBench: Send + Sync {
    /// The turns in the hands of another task.
    async fn task(&self) -> Box<dyn Turns>;
}

impl TurnsGround for Local {
    type Bench = MemoryTurns;

    async fn make(&self, per_minute: u32) -> MemoryTurns {
        let clock = TokioClock::starting_at(Timestamp::UNIX_EPOCH);
        MemoryTurns::new(per_minute, Arc::new(clock))
    }
}

impl TurnsBench for MemoryTurns {
    async fn task(&self) -> Box<dyn Turns> {
        Box::new(self.clone())
    }
}

pub(crate) struct BucketBench {
    place: OwnPlace,
    per_minute: u32,
}

impl BucketBench {
    async fn at(&self, clock: Arc<dyn Clock>) -> S3Turns {
        let clients = Emulator::clients().await;
        S3Turns::new(&clients, self.place.clone(), self.per_minute, clock)
    }
}

impl TurnsGround for Emulator {
    type Bench = BucketBench;

    async fn make(&self, per_minute: u32) -> BucketBench {
        BucketBench {
            place: records_place().await,
            per_minute,
        }
    }
}

impl TurnsBench for BucketBench {
    async fn task(&self) -> Box<dyn Turns> {
        Box::new(self.at(Arc::new(SystemClock)).await)
    }
}

/// All checks on one ground.
macro_rules! turns_suite {
    ($module:ident, $ground:expr, $test:meta) => {
        suite!(
            $module,
            $ground,
            $test,
            [
                one_task_takes_what_there_is_and_then_waits,
                a_task_sees_what_others_have_taken,
                of_many_at_once_no_more_get_one_than_there_are,
                after_the_wait_there_are_turns_again,
            ]
        );
    };
}

turns_suite!(local, crate::kit::Local, tokio::test(start_paused = true));
turns_suite!(emulator, crate::kit::Emulator, tokio::test);

/// The wait that is answered, which must be one.
#[track_caller]
fn wait(turn: Turn) -> Duration {
    match turn {
        Turn::Wait(wait) => wait,
        Turn::Now => panic!("a turn too many"),
    }
}

async fn one_task_takes_what_there_is_and_then_waits(ground: &impl TurnsGround) {
    let bench = ground.make(3).await;
    let task = bench.task().await;
    for _ in 0..3 {
        assert_eq!(task.take().await.unwrap(), Turn::Now);
    }
    for _ in 0..2 {
        let wait = wait(task.take().await.unwrap());
        assert!(wait > Duration::from_secs(50), "{wait:?}");
        assert!(wait < Duration::from_secs(66), "{wait:?}");
    }
}

async fn a_task_sees_what_others_have_taken(ground: &impl TurnsGround) {
    let bench = ground.make(2).await;
    let (one, two) = (bench.task().await, bench.task().await);
    assert_eq!(one.take().await.unwrap(), Turn::Now);
    assert_eq!(two.take().await.unwrap(), Turn::Now);
    wait(one.take().await.unwrap());
    wait(two.take().await.unwrap());
    wait(bench.task().await.take().await.unwrap());
}

async fn of_many_at_once_no_more_get_one_than_there_are(ground: &impl TurnsGround) {
    let bench = ground.make(5).await;
    let mut tasks = Vec::new();
    for _ in 0..8 {
        tasks.push(bench.task().await);
    }
    let mut now = 0;
    for _round in 0..2 {
        let takes = tasks.iter().map(|task| task.take());
        let answers = futures::future::try_join_all(takes).await.unwrap();
        now += answers.iter().filter(|turn| **turn == Turn::Now).count();
    }
    assert_eq!(now, 5);
}

async fn after_the_wait_there_are_turns_again(ground: &impl TurnsGround) {
    // More than ten a second are never given: that wait is the short one.
    let bench = ground.make(600).await;
    let task = bench.task().await;
    let mut taken = 0;
    let short = loop {
        match task.take().await.unwrap() {
            Turn::Now => taken += 1,
            Turn::Wait(wait) => break wait,
        }
        assert!(taken <= 10, "a turn too many");
    };
    assert!(short < Duration::from_secs(3), "{short:?}");
    ground.advance(short).await;
    assert_eq!(task.take().await.unwrap(), Turn::Now);
}

/// What somebody else has written there must not silence the fleet.
#[tokio::test]
async fn what_cannot_be_read_is_written_anew() {
    let bench = Emulator.make(1).await;
    let client = aws_sdk_s3::Client::new(&Emulator::sdk().await);
    let put = client.put_object().bucket(bench.place.bucket.as_str());
    let key = format!("{}control/alerts.json", bench.place.prefix);
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"[");
    put.key(key).body(body).send().await.unwrap();
    let task = bench.task().await;
    assert_eq!(task.take().await.unwrap(), Turn::Now);
    wait(bench.task().await.take().await.unwrap());
}

#[tokio::test]
async fn a_task_whose_clock_is_behind_takes_no_more() {
    let bench = Emulator.make(1).await;
    let ahead = bench.at(Arc::new(SystemClock)).await;
    assert_eq!(ahead.take().await.unwrap(), Turn::Now);
    let past = Timestamp::now() - Duration::from_secs(30);
    let behind = bench.at(Arc::new(TokioClock::starting_at(past))).await;
    let wait = wait(behind.take().await.unwrap());
    assert!(wait > Duration::from_secs(90), "{wait:?}");
}
