//! The contract of `record::Ledger`.

use std::time::Duration;

use s3_warden::action::{Mode, Outcome};
use s3_warden::aws::S3Ledger;
use s3_warden::event::{BucketName, Key, OwnPlace};
use s3_warden::local::FileLedger;
use s3_warden::record::{Begun, Finding, Ledger, Query, State};
use s3_warden::verdict::Threat;

use crate::kit::{Emulator, Ground, Local, at, clean, id_of, intent, intent_in, suite};
use crate::store_s3::client;

/// Shortly before midnight, and after it.
const LATE: &str = "2026-08-21T23:59:59Z";
const EARLY: &str = "2026-08-22T00:00:01Z";

/// A ground that has records.
pub(crate) trait LedgerGround: Ground {
    type Bench: LedgerBench;
    /// Empty records.
    async fn make(&self) -> Self::Bench;
}

/// Records, and a way to come back to them.
pub(crate) trait LedgerBench: Send + Sync {
    /// Whether clean records of the process before are found by their id; they are always listed.
    const FINDS_CLEAN_OF_OTHERS: bool;
    fn ledger(&self) -> &dyn Ledger;
    /// As after a restart: nothing in memory is left.
    async fn reopen(self) -> Self;
}

pub(crate) struct LocalBench {
    home: tempfile::TempDir,
    ledger: FileLedger,
}

impl LedgerGround for Local {
    type Bench = LocalBench;

    async fn make(&self) -> LocalBench {
        let home = tempfile::tempdir().unwrap();
        let ledger = FileLedger::open(home.path()).await.unwrap();
        LocalBench { home, ledger }
    }
}

impl LedgerBench for LocalBench {
    const FINDS_CLEAN_OF_OTHERS: bool = true;

    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn reopen(self) -> Self {
        let Self { home, ledger } = self;
        drop(ledger);
        let ledger = FileLedger::open(home.path()).await.unwrap();
        Self { home, ledger }
    }
}

/// Records in a bucket of their own.
pub(crate) struct BucketBench {
    place: OwnPlace,
    ledger: S3Ledger,
}

impl LedgerGround for Emulator {
    type Bench = BucketBench;

    async fn make(&self) -> BucketBench {
        let place = records_place().await;
        let ledger = S3Ledger::new(&Self::clients().await, place.clone());
        BucketBench { place, ledger }
    }
}

impl LedgerBench for BucketBench {
    const FINDS_CLEAN_OF_OTHERS: bool = false;

    fn ledger(&self) -> &dyn Ledger {
        &self.ledger
    }

    async fn reopen(self) -> Self {
        let Self { place, ledger } = self;
        drop(ledger);
        let ledger = S3Ledger::new(&Emulator::clients().await, place.clone());
        Self { place, ledger }
    }
}

/// A place for records in a new bucket.
pub(crate) async fn records_place() -> OwnPlace {
    let bucket = Emulator::name("records");
    let create = client().await.create_bucket().bucket(&bucket);
    create.send().await.unwrap();
    OwnPlace {
        bucket: BucketName::new(bucket).unwrap(),
        prefix: "warden/".to_owned(),
    }
}

/// All checks on one ground.
macro_rules! ledger_suite {
    ($module:ident, $ground:expr, $test:meta) => {
        suite!(
            $module,
            $ground,
            $test,
            [
                of_two_that_begin_one_is_fresh,
                a_begun_intent_is_resumed_as_written,
                what_was_acted_on_is_finished,
                a_stricter_decision_reopens_what_was_observed,
                of_two_that_reopen_one_is_fresh,
                advancing_may_be_repeated,
                advancing_never_goes_back,
                what_was_never_begun_is_written_and_listed,
                open_lists_what_is_not_announced,
                findings_lie_at_the_date_of_the_event,
                clean_records_are_found_and_listed_on_request,
                a_list_is_newest_date_first_and_complete_over_pages,
                a_query_narrows,
                everything_survives_a_restart,
            ]
        );
    };
}

ledger_suite!(local, crate::kit::Local, tokio::test(start_paused = true));
ledger_suite!(emulator, crate::kit::Emulator, tokio::test);

fn acted(key: &str, time: &str) -> Finding {
    intent(key, time).acted(Outcome::Deleted, at(time))
}

fn announced(key: &str, time: &str) -> Finding {
    acted(key, time).announced(Some("p1".to_owned()), at(time))
}

async fn keys(ledger: &dyn Ledger, query: Query) -> Vec<String> {
    let page = ledger.list(&query).await.unwrap();
    let findings = page.findings.iter();
    findings
        .map(|finding| finding.key().unwrap().as_str().to_owned())
        .collect()
}

async fn of_two_that_begin_one_is_fresh(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    let begins = (0..8).map(|_| bench.ledger().begin(intent("k", EARLY)));
    let begun = futures::future::try_join_all(begins).await.unwrap();
    let fresh = |begun: &&Begun| matches!(begun, Begun::Fresh(_));
    assert_eq!(begun.iter().filter(fresh).count(), 1, "{begun:?}");
    let resumed = |begun: &&Begun| matches!(begun, Begun::Resumed(_));
    assert_eq!(begun.iter().filter(resumed).count(), 7, "{begun:?}");
}

async fn a_begun_intent_is_resumed_as_written(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    let first = intent("k", EARLY);
    bench.ledger().begin(first.clone()).await.unwrap();
    let second = intent_in(Mode::Observe, "k", EARLY);
    let begun = bench.ledger().begin(second).await.unwrap();
    assert_eq!(begun, Begun::Resumed(first));
}

async fn what_was_acted_on_is_finished(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    bench.ledger().begin(intent("k", EARLY)).await.unwrap();
    for finding in [acted("k", EARLY), announced("k", EARLY)] {
        bench.ledger().advance(&finding).await.unwrap();
        let begun = bench.ledger().begin(intent("k", EARLY)).await.unwrap();
        assert_eq!(begun, Begun::Finished(finding));
    }
}

async fn a_stricter_decision_reopens_what_was_observed(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    let observing = intent_in(Mode::Observe, "k", EARLY);
    bench.ledger().begin(observing.clone()).await.unwrap();
    let observed = observing
        .clone()
        .acted(Outcome::Observed, at(EARLY))
        .announced(Some("p1".to_owned()), at(EARLY));
    bench.ledger().advance(&observed).await.unwrap();
    let same = bench.ledger().begin(observing).await.unwrap();
    assert_eq!(same, Begun::Finished(observed.clone()));
    assert!(bench.ledger().open(10).await.unwrap().is_empty());

    let Begun::Fresh(intent) = bench.ledger().begin(intent("k", EARLY)).await.unwrap() else {
        panic!("enforcing takes it up again");
    };
    assert_eq!(intent.finding().revision, 1);
    assert_eq!(bench.ledger().open(10).await.unwrap().len(), 1);
    // News of the round before come late.
    bench.ledger().advance(&observed).await.unwrap();
    let kept = bench.ledger().find(&id_of("k"), observed.date()).await;
    assert_eq!(kept.unwrap().unwrap().state, State::Intent);
}

async fn of_two_that_reopen_one_is_fresh(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    let observing = intent_in(Mode::Observe, "k", EARLY);
    bench.ledger().begin(observing.clone()).await.unwrap();
    let observed = observing
        .acted(Outcome::Observed, at(EARLY))
        .announced(Some("p1".to_owned()), at(EARLY));
    bench.ledger().advance(&observed).await.unwrap();
    let begins = (0..8).map(|_| bench.ledger().begin(intent("k", EARLY)));
    let begun = futures::future::try_join_all(begins).await.unwrap();
    let fresh = |begun: &&Begun| matches!(begun, Begun::Fresh(_));
    assert_eq!(begun.iter().filter(fresh).count(), 1, "{begun:?}");
    let resumed = |begun: &&Begun| matches!(begun, Begun::Resumed(_));
    assert_eq!(begun.iter().filter(resumed).count(), 7, "{begun:?}");
    assert_eq!(bench.ledger().open(10).await.unwrap().len(), 1);
}

async fn what_was_never_begun_is_written_and_listed(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    bench.ledger().advance(&acted("k", EARLY)).await.unwrap();
    assert_eq!(bench.ledger().open(10).await.unwrap(), [acted("k", EARLY)]);
    let told = announced("k", EARLY);
    bench.ledger().advance(&told).await.unwrap();
    assert!(bench.ledger().open(10).await.unwrap().is_empty());
    let found = bench.ledger().find(&told.id, told.date()).await.unwrap();
    assert_eq!(found, Some(told));
}

async fn advancing_may_be_repeated(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    bench.ledger().begin(intent("k", EARLY)).await.unwrap();
    for finding in [acted("k", EARLY), announced("k", EARLY)] {
        for _ in 0..2 {
            bench.ledger().advance(&finding).await.unwrap();
            let found = bench.ledger().find(&finding.id, finding.date()).await;
            assert_eq!(found.unwrap(), Some(finding.clone()));
        }
    }
}

async fn advancing_never_goes_back(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    bench.ledger().begin(intent("k", EARLY)).await.unwrap();
    let told = announced("k", EARLY);
    bench.ledger().advance(&told).await.unwrap();
    bench.ledger().advance(&acted("k", EARLY)).await.unwrap();
    let found = bench.ledger().find(&told.id, told.date()).await.unwrap();
    assert_eq!(found, Some(told));
    assert!(bench.ledger().open(10).await.unwrap().is_empty());
}

async fn open_lists_what_is_not_announced(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    for (key, time) in [("young", EARLY), ("old", LATE), ("told", LATE)] {
        bench.ledger().begin(intent(key, time)).await.unwrap();
    }
    bench.ledger().advance(&acted("old", LATE)).await.unwrap();
    bench
        .ledger()
        .advance(&announced("told", LATE))
        .await
        .unwrap();
    let open = bench.ledger().open(10).await.unwrap();
    let shown: Vec<_> = open
        .iter()
        .map(|finding| (finding.key().unwrap().as_str(), finding.state))
        .collect();
    assert_eq!(shown, [("old", State::Acted), ("young", State::Intent)]);
    let oldest = bench.ledger().open(1).await.unwrap();
    assert_eq!(oldest[0].key().unwrap().as_str(), "old");
}

async fn findings_lie_at_the_date_of_the_event(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    let begun = intent("k", LATE);
    bench.ledger().begin(begun.clone()).await.unwrap();
    // Judged and acted on after midnight: the place is still that of the event.
    let finding = begun.acted(Outcome::Deleted, at(EARLY));
    bench.ledger().advance(&finding).await.unwrap();
    let find = |date| bench.ledger().find(&finding.id, date);
    assert!(
        find(at(LATE).to_zoned(jiff::tz::TimeZone::UTC).date())
            .await
            .unwrap()
            .is_some()
    );
    let next_day = at(EARLY).to_zoned(jiff::tz::TimeZone::UTC).date();
    assert_eq!(find(next_day).await.unwrap(), None);
}

async fn clean_records_are_found_and_listed_on_request(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    let record = clean("c", EARLY);
    bench.ledger().note_clean(record.clone()).await;
    bench.ledger().begin(intent("k", EARLY)).await.unwrap();
    for flushed in [false, true] {
        let found = bench.ledger().find(&record.id, record.date()).await;
        assert_eq!(found.unwrap().as_ref(), Some(&record), "flushed: {flushed}");
        bench.ledger().flush().await.unwrap();
    }
    assert_eq!(keys(bench.ledger(), Query::default()).await, ["k"]);
    let all = Query {
        clean: true,
        ..Query::default()
    };
    assert_eq!(keys(bench.ledger(), all).await, ["k", "c"]);
}

async fn a_list_is_newest_date_first_and_complete_over_pages(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    for day in [20, 22, 21] {
        let time = format!("2026-08-{day}T12:00:00Z");
        for number in 0..5 {
            let key = format!("{day}/{number}");
            bench.ledger().begin(intent(&key, &time)).await.unwrap();
            let record = clean(&format!("{day}/clean{number}"), &time);
            bench.ledger().note_clean(record).await;
            bench.ledger().flush().await.unwrap();
        }
    }
    for limit in [1, 3, 4, 10, 30, 31] {
        let mut query = Query {
            clean: true,
            limit,
            ..Query::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = bench.ledger().list(&query).await.unwrap();
            assert!(page.findings.len() <= limit);
            listed.extend(page.findings);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        let dates: Vec<_> = listed.iter().map(Finding::date).collect();
        assert!(
            dates.is_sorted_by(|a, b| a >= b),
            "limit {limit}: {dates:?}"
        );
        let mut ids: Vec<_> = listed.iter().map(|finding| finding.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((listed.len(), ids.len()), (30, 30), "limit {limit}");
    }
}

async fn a_query_narrows(ground: &impl LedgerGround) {
    let bench = ground.make().await;
    bench.ledger().begin(intent("a", LATE)).await.unwrap();
    bench.ledger().begin(intent("b", EARLY)).await.unwrap();
    bench.ledger().advance(&acted("b", EARLY)).await.unwrap();
    let check = async |query: Query, expected: &[&str]| {
        assert_eq!(
            keys(bench.ledger(), query.clone()).await,
            expected,
            "{query:?}"
        );
    };
    let all = Query::default;
    let early = at(EARLY).to_zoned(jiff::tz::TimeZone::UTC).date();
    check(all(), &["b", "a"]).await;
    let by_key = Some(Key::new("a"));
    check(
        Query {
            key: by_key,
            ..all()
        },
        &["a"],
    )
    .await;
    let from = Some(early);
    check(Query { from, ..all() }, &["b"]).await;
    let until = early.yesterday().ok();
    check(Query { until, ..all() }, &["a"]).await;
    let state = Some(State::Acted);
    check(Query { state, ..all() }, &["b"]).await;
    let at_least = Some(Threat::Critical);
    check(Query { at_least, ..all() }, &[]).await;
}

async fn everything_survives_a_restart(ground: &impl LedgerGround) {
    let mut bench = ground.make().await;
    bench.ledger().begin(intent("intent", LATE)).await.unwrap();
    bench.ledger().begin(intent("acted", EARLY)).await.unwrap();
    bench
        .ledger()
        .advance(&acted("acted", EARLY))
        .await
        .unwrap();
    let record = clean("c", EARLY);
    bench.ledger().note_clean(record.clone()).await;
    bench.ledger().flush().await.unwrap();
    for _ in 0..2 {
        bench = bench.reopen().await;
        let open = bench.ledger().open(10).await.unwrap();
        assert_eq!(open.len(), 2);
        let resumed = bench.ledger().begin(intent("intent", LATE)).await.unwrap();
        assert_eq!(resumed, Begun::Resumed(intent("intent", LATE)));
        let found = bench.ledger().find(&record.id, record.date()).await;
        if finds_clean_of_others(&bench) {
            assert_eq!(found.unwrap().as_ref(), Some(&record));
        }
        let listed = keys(
            bench.ledger(),
            Query {
                clean: true,
                ..Query::default()
            },
        );
        assert!(listed.await.contains(&"c".to_owned()));
        // A batch of the next process goes to a file of its own.
        let more = clean("more", EARLY);
        bench.ledger().note_clean(more).await;
        bench.ledger().flush().await.unwrap();
        ground.advance(Duration::from_secs(1)).await;
    }
}

const fn finds_clean_of_others<B: LedgerBench>(_bench: &B) -> bool {
    B::FINDS_CLEAN_OF_OTHERS
}
