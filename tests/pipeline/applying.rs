//! What was held is carried out by a person's word: each once, told, and never what has changed.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use s3_warden::action::{Outcome, Removal};
use s3_warden::alert::{Announcer, AnnouncerParts};
use s3_warden::app::ALERTS_FILE;
use s3_warden::clock::{Clock, TokioClock};
use s3_warden::event::{BucketName, FindingId, OwnPlace, Target};
use s3_warden::local::{FileDigests, FileLedger, FolderStore, MemoryTurns, TerminalNotifier};
use s3_warden::maintenance::{Applied, Applier, Entry, Obstacle, Report, Skip, holding};
use s3_warden::object::{
    Exposure, Fetched, Located, Mark, ObjectRef, ObjectStore, Removed, StoreError, Tagged, Why,
};
use s3_warden::record::{ALLOWANCE_VERSION, Allowance, Allowances, Finding, Halt, State, Switches};
use s3_warden::retry::Jitter;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::faults::Step;
use crate::faulty::Faulty;
use crate::ground::{Ground, bucket};
use crate::pictures::{Hue, picture};

const KEYS: [&str; 3] = ["a.png", "b.png", "c.png"];

/// A ground on which one of four pictures was removed and three are held, and nobody works.
async fn held(removal: Removal) -> Ground {
    let ground = Ground::new(|setup| {
        setup.policy.removal = Some(removal);
        setup.limits.deletions_per_minute = NonZeroU32::MIN;
    });
    let worker = ground.start().await;
    ground.put("first.png", &picture(Hue::Red, 9)).await;
    worker.idle().await;
    for (grain, key) in (0..).zip(KEYS) {
        ground.put(key, &picture(Hue::Red, grain)).await;
    }
    worker.finish().await;
    assert!(KEYS.iter().all(|key| ground.exists(key)));
    ground
}

impl Ground {
    /// Carries out what is held, as a process beside the service, once the breaker is closed.
    async fn applied(&self, per_minute: u32, stop: &CancellationToken) -> Report {
        self.close().await;
        self.applied_as(per_minute, stop, |_| {}).await
    }

    async fn close(&self) {
        let switches = self.switches().await;
        let breaker = switches.read().await.unwrap().breaker;
        if breaker.open_since.is_some() {
            let closed = switches.reset_breaker(breaker.generation, self.now()).await;
            assert_eq!(closed.unwrap().open_since, None);
        }
    }

    /// The same, by whatever is changed of it, and the breaker stays as it is.
    async fn applied_as(
        &self,
        per_minute: u32,
        stop: &CancellationToken,
        change: impl FnOnce(&mut Applier),
    ) -> Report {
        let ledger = Arc::new(FileLedger::open(&self.state()).await.unwrap());
        let quarantine = Some(self.quarantine());
        let store = FolderStore::open(&self.file(""), bucket(), quarantine.clone()).unwrap();
        let back = FolderStore::open(&self.file(""), bucket(), quarantine).unwrap();
        let file = self.state().join(ALERTS_FILE);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(self.now()));
        let turns = MemoryTurns::new(self.setup.alerts.max_per_minute, Arc::clone(&clock));
        let (announcer, announcing) = Announcer::new(AnnouncerParts {
            notifier: Arc::new(TerminalNotifier::open(&file, Box::new(|_| {})).unwrap()),
            turns: Arc::new(turns),
            digests: Arc::new(FileDigests::open(&self.state()).await.unwrap()),
            settings: self.setup.alerts,
            fleet_size: NonZeroU32::MIN,
            clock: Arc::clone(&clock),
            jitter: Jitter::fixed(1.0),
            watch: Arc::new(()),
        });
        let mut beside = JoinSet::new();
        beside.spawn(announcing);
        let mut applier = Applier {
            ledger: Arc::new(Faulty::new(Arc::clone(&ledger), &self.faults)),
            allowances: Arc::new(self.allowances()),
            store: Arc::new(Faulty::new(store, &self.faults)),
            quarantine: Arc::new(back),
            switches: Arc::new(self.switches().await),
            guarded: [bucket()].into(),
            own: Vec::new(),
            announcer,
            clock,
        };
        change(&mut applier);
        let since = self.switches().await.read().await.unwrap();
        let since = since.breaker.held_since().unwrap();
        let held = holding(&*ledger, since).await.unwrap().held;
        let most = NonZeroU32::new(per_minute).unwrap();
        applier.run(held, most, stop, |_| {}).await
    }

    /// How many are taken up again and unfinished.
    async fn begun(&self) -> usize {
        let ledger = FileLedger::open(&self.state()).await.unwrap();
        holding(&ledger, self.now()).await.unwrap().begun.len()
    }

    async fn apply(&self) -> Report {
        self.applied(6_000, &CancellationToken::new()).await
    }

    async fn of(&self, key: &str) -> Finding {
        let findings = self.findings().await;
        let found = findings
            .into_iter()
            .find(|it| it.key().is_some_and(|it| it.as_str() == key));
        found.unwrap()
    }
}

fn results(report: &Report) -> Vec<Applied> {
    let entries = report.entries.iter();
    entries.map(|entry| entry.applied.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_held_is_removed_and_told_together() {
    for (removal, outcome) in [
        (Removal::Delete, Outcome::Deleted),
        (Removal::Quarantine, Outcome::Quarantined),
    ] {
        let ground = held(removal).await;
        let before = ground.alerts().len();
        let report = ground.apply().await;
        assert_eq!(results(&report), vec![Applied::Acted(outcome); 3]);
        assert_eq!((report.left.len(), report.untold), (0, 0));
        for key in KEYS {
            assert!(!ground.exists(key), "{key}");
            let finding = ground.of(key).await;
            assert_eq!((finding.outcome, finding.revision), (Some(outcome), 1));
            assert_eq!(finding.state, State::Announced);
            assert!(finding.publication.is_some());
        }
        let alerts = ground.alerts().split_off(before);
        assert!(alerts.len() < KEYS.len(), "merged: {alerts:#?}");
        let told: Vec<_> = alerts.iter().flat_map(|it| &it.finding_ids).collect();
        let each: BTreeSet<_> = told.iter().collect();
        assert_eq!((told.len(), each.len()), (3, 3), "each once");
        // Nothing is held any more.
        assert!(ground.apply().await.entries.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_or_was_allowed_since_is_left() {
    let ground = held(Removal::Delete).await;
    let allowed = ground.of("a.png").await;
    let allowance = Allowance {
        schema_version: ALLOWANCE_VERSION,
        content: allowed.content().unwrap(),
        finding: allowed.id,
        by: "jane".to_owned(),
        caller: None,
        why: "a sample".to_owned(),
        at: ground.now(),
    };
    ground.allowances().allow(&allowance).await.unwrap();
    ground.place("b.png", &picture(Hue::Green, 1));
    let report = ground.apply().await;
    let result = |key: &str| {
        let is = |entry: &&Entry| entry.finding.key().is_some_and(|it| it.as_str() == key);
        let entry = report.entries.iter().find(is).unwrap();
        entry.applied.clone()
    };
    assert_eq!(result("a.png"), Applied::Skipped(Skip::Allowed));
    assert_eq!(result("b.png"), Applied::Acted(Outcome::Superseded));
    assert_eq!(result("c.png"), Applied::Acted(Outcome::Deleted));
    assert!(ground.exists("a.png") && ground.exists("b.png") && !ground.exists("c.png"));
    assert_eq!(ground.of("a.png").await, allowed);
}

#[tokio::test(start_paused = true)]
async fn it_goes_no_faster_than_it_may_and_stops_when_asked() {
    let ground = held(Removal::Delete).await;
    let stop = CancellationToken::new();
    let stopping = async {
        tokio::time::sleep(Duration::from_secs(45)).await;
        stop.cancel();
    };
    let began = Instant::now();
    // One every half minute: at once, and then at thirty seconds.
    let (report, ()) = tokio::join!(ground.applied(2, &stop), stopping);
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!((report.entries.len(), report.left.len()), (2, 1));
    assert_eq!(report.untold, 0, "what had begun is told");
    let left = KEYS.iter().filter(|key| ground.exists(key)).count();
    assert_eq!(left, 1);
    let report = ground.apply().await;
    assert_eq!(results(&report), [Applied::Acted(Outcome::Deleted)]);
}

/// The process ends between intent and removal, or between removal and outcome: the service goes on.
#[tokio::test(start_paused = true)]
async fn what_it_leaves_half_done_is_finished_by_the_service() {
    for step in [Step::Remove, Step::Acted] {
        let ground = held(Removal::Delete).await;
        ground.faults.fail(step);
        let report = ground.apply().await;
        let begun = |applied: &Applied| matches!(applied, Applied::Begun(_));
        assert!(results(&report).iter().all(begun), "{report:#?}");
        for key in KEYS {
            let finding = ground.of(key).await;
            assert_eq!((finding.state, finding.revision), (State::Intent, 1));
        }
        ground.faults.mend(step);
        // Not again by us: it is the service's now, and said to be.
        assert!(ground.apply().await.entries.is_empty());
        assert_eq!(ground.begun().await, KEYS.len());
        let mut ground = ground.without_messages();
        ground.setup.limits.deletions_per_minute = NonZeroU32::new(100).unwrap();
        let worker = ground.start().await;
        tokio::time::sleep(Duration::from_secs(90)).await;
        worker.finish().await;
        for key in KEYS {
            assert!(!ground.exists(key), "{key}");
            let finding = ground.of(key).await;
            assert_eq!(finding.state, State::Announced, "{finding:#?}");
            assert!(ground.told().contains(&finding.id.to_string()));
        }
    }
}

/// A store that refuses all that changes something, as it does with weak credentials; or refuses
/// altogether, as for a quarantine that is not there.
#[derive(Debug)]
struct Refusing(FolderStore, bool);

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for Refusing {
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        self.0.fetch(target, cap).await
    }

    async fn locate(&self, _target: &Target) -> Result<Located, StoreError> {
        Ok(Located::Denied(Why::AccessDenied))
    }

    async fn remove(&self, _object: &ObjectRef) -> Result<Removed, StoreError> {
        if self.1 {
            return Err(StoreError::Refused("no such place".to_owned()));
        }
        Ok(Removed::Blocked(Why::AccessDenied))
    }

    async fn quarantine(
        &self,
        _object: &ObjectRef,
        _id: &FindingId,
        _sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        if self.1 {
            return Err(StoreError::Refused("no such place".to_owned()));
        }
        Ok(Removed::Blocked(Why::KeyDenied))
    }

    async fn tag(&self, object: &ObjectRef, mark: Mark) -> Result<Tagged, StoreError> {
        self.0.tag(object, mark).await
    }

    async fn exposure(&self, object: &ObjectRef) -> Exposure {
        self.0.exposure(object).await
    }
}

/// What weak credentials may not says nothing of what the service may: one finding is begun, which
/// the service finishes, and all others are still held.
#[tokio::test(start_paused = true)]
async fn weak_credentials_use_up_nothing() {
    let removals = [Removal::Delete, Removal::Quarantine].into_iter();
    for (removal, altogether) in removals.flat_map(|it| [(it, false), (it, true)]) {
        let ground = held(removal).await;
        ground.close().await;
        let told = ground.told();
        let stop = CancellationToken::new();
        let inbox = FolderStore::open(&ground.file(""), bucket(), None).unwrap();
        let refusing = Arc::new(Refusing(inbox, altogether));
        let report = ground
            .applied_as(6_000, &stop, |applier| applier.store = refusing)
            .await;
        let results = results(&report);
        let stopped = match (&report.obstacle, results.as_slice()) {
            (Some(Obstacle::Refused(_)), [Applied::Refused(_)]) => !altogether,
            (Some(Obstacle::Store(_)), [Applied::Barred(_)]) => altogether,
            _ => false,
        };
        assert!(stopped, "{report:#?}");
        assert_eq!((report.left.len(), ground.told()), (2, told));
        assert_eq!(ground.begun().await, 1);
        // With the right ones the others are still to be had.
        let report = ground.apply().await;
        assert_eq!(report.entries.len(), 2, "{report:#?}");
    }
}

/// Looked at before the breaker is closed.
#[tokio::test(start_paused = true)]
async fn weak_credentials_are_seen_before_anything_is_begun() {
    let ground = held(Removal::Delete).await;
    let held = [ground.of("a.png").await];
    let stop = CancellationToken::new();
    stop.cancel();
    for refuses in [false, true] {
        let inbox = FolderStore::open(&ground.file(""), bucket(), None).unwrap();
        let mut applier = None;
        let changed = |it: &mut Applier| {
            if refuses {
                it.store = Arc::new(Refusing(inbox, false));
            }
            applier = Some(it.clone());
        };
        ground.applied_as(1, &stop, changed).await;
        let looked = applier.unwrap().look(&held).await;
        assert_eq!(looked.is_err(), refuses, "{looked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_the_breaker_opens_again_or_a_colleague_pauses() {
    for pauses in [false, true] {
        let ground = held(Removal::Delete).await;
        ground.close().await;
        let stop = CancellationToken::new();
        let switching = async {
            tokio::time::sleep(Duration::from_secs(45)).await;
            let switches = ground.switches().await;
            if pauses {
                let halt = Halt {
                    since: ground.now(),
                    by: "joe".to_owned(),
                    reason: None,
                };
                switches.set_halt(Some(halt)).await.unwrap();
            } else {
                let generation = switches.read().await.unwrap().breaker.generation;
                let opened = switches.open_breaker(generation, ground.now()).await;
                assert!(opened.unwrap().open_since.is_some());
            }
        };
        // One every half minute: at once, at thirty seconds, and no more.
        let (report, ()) = tokio::join!(ground.applied_as(2, &stop, |_| {}), switching);
        let wanted = if pauses {
            Obstacle::Paused
        } else {
            Obstacle::Open
        };
        assert_eq!(report.obstacle, Some(wanted), "{report:#?}");
        assert_eq!((report.entries.len(), report.left.len()), (2, 1));
        assert_eq!(KEYS.iter().filter(|key| ground.exists(key)).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_guards_are_asked() {
    let ground = held(Removal::Delete).await;
    ground.close().await;
    let stop = CancellationToken::new();
    let elsewhere = |applier: &mut Applier| {
        applier.guarded = [BucketName::new("elsewhere").unwrap()].into();
    };
    let report = ground.applied_as(6_000, &stop, elsewhere).await;
    assert_eq!(
        results(&report),
        vec![Applied::Skipped(Skip::NotGuarded); 3]
    );
    let ours = |applier: &mut Applier| {
        applier.own = vec![OwnPlace {
            bucket: bucket(),
            prefix: "a".to_owned(),
        }];
        // Where no setting names what is guarded, the finding does.
        applier.guarded.clear();
    };
    let report = ground.applied_as(6_000, &stop, ours).await;
    let skipped = results(&report);
    let skipped = skipped
        .iter()
        .filter(|it| **it == Applied::Skipped(Skip::NotGuarded));
    assert_eq!(skipped.count(), 1);
    assert!(ground.exists("a.png") && !ground.exists("b.png"));
}

/// A backlog of days opens the breaker on old events, of which the records know by their days.
#[tokio::test(start_paused = true)]
async fn what_waited_for_weeks_before_it_was_held_is_found() {
    let ground = held(Removal::Delete).await;
    let ledger = FileLedger::open(&ground.state()).await.unwrap();
    let days = |days: i64| SignedDuration::from_hours(24 * days);
    for (later, found) in [(0, 3), (27, 3), (30, 0)] {
        let at = ground.now() + days(later);
        let holding = holding(&ledger, at).await.unwrap();
        assert_eq!(holding.held.len(), found, "{later} days later");
    }
}
