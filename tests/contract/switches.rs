//! The contract of `record::Switches`.

use s3_warden::aws::S3Switches;
use s3_warden::event::OwnPlace;
use s3_warden::local::FileSwitches;
use s3_warden::record::{FleetBreaker, Halt, Opening, Positions, Switches};

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
                the_last_opening_is_remembered_until_the_next,
                of_many_resets_one_is_done,
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
        open_since: Some(at(EARLY)),
        ..FleetBreaker::default()
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
        last: Some(Opening {
            since: at(EARLY),
            until: at(LATE),
        }),
    };
    assert_eq!(other.reset_breaker(0, at(LATE)).await.unwrap(), closed);
    assert_eq!(bench.switches().read().await.unwrap().breaker, closed);
}

async fn the_breaker_of_another_generation_is_left_alone(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    bench.switches().reset_breaker(0, at(LATE)).await.unwrap();
    for generation in [0, 2] {
        let stands = bench.switches().open_breaker(generation, at(EARLY)).await;
        let closed = FleetBreaker {
            generation: 1,
            ..FleetBreaker::default()
        };
        assert_eq!(stands.unwrap(), closed);
    }
    let opened = bench.switches().open_breaker(1, at(EARLY)).await.unwrap();
    assert_eq!(opened.open_since, Some(at(EARLY)));
    for generation in [0, 2] {
        let stands = bench.switches().reset_breaker(generation, at(LATE)).await;
        assert_eq!(stands.unwrap(), opened, "nobody has looked at this one");
    }
}

async fn of_many_resets_one_is_done(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let other = bench.other().await;
    let resets = (0..6).map(|n| {
        if n % 2 == 0 {
            bench.switches().reset_breaker(0, at(LATE))
        } else {
            other.reset_breaker(0, at(LATE))
        }
    });
    let stands = futures::future::try_join_all(resets).await.unwrap();
    let generations: Vec<u64> = stands.iter().map(|stands| stands.generation).collect();
    assert_eq!(generations, [1; 6]);
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

async fn the_last_opening_is_remembered_until_the_next(ground: &impl SwitchesGround) {
    let bench = ground.make().await;
    let switches = bench.switches();
    let never = switches.reset_breaker(0, at(EARLY)).await.unwrap();
    assert_eq!((never.last, never.held_since()), (None, None));
    let opened = switches.open_breaker(1, at(EARLY)).await.unwrap();
    assert_eq!(opened.held_since(), Some(at(EARLY)));
    let first = Some(Opening {
        since: at(EARLY),
        until: at(LATE),
    });
    for generation in [1, 2] {
        let closed = switches.reset_breaker(generation, at(LATE)).await.unwrap();
        assert_eq!((closed.last, closed.open_since), (first, None));
        assert_eq!(closed.held_since(), Some(at(EARLY)));
    }
    let read = bench.other().await.read().await.unwrap().breaker;
    assert_eq!((read.last, read.generation), (first, 3));
    let again = switches.open_breaker(3, at(LATE)).await.unwrap();
    assert_eq!((again.held_since(), again.last), (Some(at(LATE)), first));
}
