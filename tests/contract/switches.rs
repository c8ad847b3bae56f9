//! The contract of `record::Switches`.

use s3_warden::aws::S3Switches;
use s3_warden::event::OwnPlace;
use s3_warden::local::FileSwitches;
use s3_warden::record::{FleetBreaker, Halt, Positions, Switches};

use crate::kit::{Emulator, Ground, Local, at, suite};
use crate::ledger::records_place;

const EARLY: &str = "2026-08-22T10:00:00Z";
const LATE: &str = "2026-08-22T11:00:00Z";

/// A ground that has switches.
pub(crate) trait SwitchesGround: Ground {
    type Bench: SwitchesBench;
    /// Switches that were never set.
    async fn make(&self) -> Self::Bench;
}

/// Switches, and those of another task.
pub(crate) trait SwitchesBench: Send + Sync {
    fn switches(&self) -> &dyn Switches;
    /// The same switches, as another process has them.
    async fn other(&self) -> Box<dyn Switches>;
}

pub(crate) struct FolderBench {
    home: tempfile::TempDir,
    switches: FileSwitches,
}

impl SwitchesGround for Local {
    type Bench = FolderBench;

    async fn make(&self) -> FolderBench {
        let home = tempfile::tempdir().unwrap();
        let switches = FileSwitches::open(home.path()).await.unwrap();
        FolderBench { home, switches }
    }
}

impl SwitchesBench for FolderBench {
    fn switches(&self) -> &dyn Switches {
        &self.switches
    }

    async fn other(&self) -> Box<dyn Switches> {
        Box::new(FileSwitches::open(self.home.path()).await.unwrap())
    }
}

pub(crate) struct BucketBench {
    place: OwnPlace,
    switches: S3Switches,
}

impl SwitchesGround for Emulator {
    type Bench = BucketBench;

    async fn make(&self) -> BucketBench {
        let place = records_place().await;
        let switches = S3Switches::new(&Self::clients().await, place.clone());
        BucketBench { place, switches }
    }
}

impl SwitchesBench for BucketBench {
    fn switches(&self) -> &dyn Switches {
        &self.switches
    }

    async fn other(&self) -> Box<dyn Switches> {
        let clients = Emulator::clients().await;
        Box::new(S3Switches::new(&clients, self.place.clone()))
    }
}

/// All checks on one ground.
macro_rules! switches_suite {
    ($module:ident, $ground:expr) => {
        suite!(
            $module,
            $ground,
            tokio::test,
            [
                what_was_never_set_reads_as_its_default,
                a_pause_is_seen_by_others_until_it_is_lifted,
                an_open_breaker_stays_open_until_it_is_reset,
                the_breaker_of_another_generation_is_left_alone,
                of_many_resets_none_is_lost,
                many_that_open_it_agree_on_one_time,
            ]
        );
    };
}

switches_suite!(local, crate::kit::Local);
switches_suite!(emulator, crate::kit::Emulator);

fn halt(reason: &str) -> Halt {
    Halt {
        since: at(EARLY),
        by: "jane".to_owned(),
        reason: Some(reason.to_owned()),
    }
}

async fn what_was_never_set_reads_as_its_default(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let read = bench.switches().read().await.unwrap();
    assert_eq!(read, Positions::default());
    bench.switches().set_halt(None).await.unwrap();
    let read = bench.switches().read().await.unwrap();
    assert_eq!(read, Positions::default());
}

async fn a_pause_is_seen_by_others_until_it_is_lifted(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let other = bench.other().await;
    for set in [
        Some(halt("a")),
        Some(halt("a")),
        Some(halt("b")),
        None,
        None,
    ] {
        bench.switches().set_halt(set.clone()).await.unwrap();
        assert_eq!(other.read().await.unwrap().halt, set);
    }
    other.set_halt(Some(halt("c"))).await.unwrap();
    let read = bench.switches().read().await.unwrap();
    assert_eq!(read.halt, Some(halt("c")));
    assert_eq!(read.breaker, FleetBreaker::default());
}

async fn an_open_breaker_stays_open_until_it_is_reset(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let open = FleetBreaker {
        generation: 0,
        open_since: Some(at(EARLY)),
    };
    for since in [EARLY, LATE] {
        let stands = bench.switches().open_breaker(0, at(since)).await.unwrap();
        assert_eq!(stands, open, "the earlier time stands");
    }
    let other = bench.other().await;
    assert_eq!(other.read().await.unwrap().breaker, open);
    let closed = FleetBreaker {
        generation: 1,
        open_since: None,
    };
    assert_eq!(other.reset_breaker().await.unwrap(), closed);
    assert_eq!(bench.switches().read().await.unwrap().breaker, closed);
}

async fn the_breaker_of_another_generation_is_left_alone(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    bench.switches().reset_breaker().await.unwrap();
    for generation in [0, 2] {
        let stands = bench.switches().open_breaker(generation, at(EARLY)).await;
        let closed = FleetBreaker {
            generation: 1,
            open_since: None,
        };
        assert_eq!(stands.unwrap(), closed);
    }
    let opened = bench.switches().open_breaker(1, at(EARLY)).await.unwrap();
    assert_eq!(opened.open_since, Some(at(EARLY)));
}

async fn of_many_resets_none_is_lost(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let other = bench.other().await;
    let resets = (0..6).map(|n| {
        if n % 2 == 0 {
            bench.switches().reset_breaker()
        } else {
            other.reset_breaker()
        }
    });
    let stands = futures::future::try_join_all(resets).await.unwrap();
    let mut generations: Vec<u64> = stands.iter().map(|stands| stands.generation).collect();
    generations.sort_unstable();
    assert_eq!(generations, [1, 2, 3, 4, 5, 6]);
}

async fn many_that_open_it_agree_on_one_time(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let opens = (0..8).map(|n| {
        let since = at(&format!("2026-08-22T10:00:0{n}Z"));
        bench.switches().open_breaker(0, since)
    });
    let stands = futures::future::try_join_all(opens).await.unwrap();
    let read = bench.switches().read().await.unwrap().breaker;
    assert!(read.open_since.is_some());
    assert!(stands.iter().all(|stands| *stands == read), "{stands:?}");
}
