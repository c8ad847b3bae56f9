//! The announcer under paused time: who is answered, when, and by what.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::action::{Action, Outcome, Tell};
use s3_warden::alert::{
    Alert, AlertSettings, Announcer, AnnouncerParts, Flushed, PublicationId, Stopped, TellError,
};
use s3_warden::clock::{Clock, TokioClock};
use s3_warden::local::MemoryTurns;
use s3_warden::record::Finding;
use s3_warden::retry::{Jitter, Reaction, Reacts};
use s3_warden::verdict::Verdict;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::carrier::{Carrier, Step};
use crate::finding::Sample;
use crate::gone::Gone;

pub(crate) type Answer = Result<PublicationId, TellError>;

/// An announcer at work, and everybody who waits for it.
pub(crate) struct Bench {
    pub(crate) carrier: Arc<Carrier>,
    pub(crate) announcer: Option<Announcer>,
    pub(crate) answers: JoinSet<(u64, Instant, Answer)>,
    pub(crate) work: JoinSet<()>,
    pub(crate) started: Instant,
}

impl Bench {
    /// On records that do not keep digests: alerts go on without.
    pub(crate) fn new(carrier: Carrier) -> Self {
        Self::with(carrier, |_| {})
    }

    /// With other parts.
    pub(crate) fn with(carrier: Carrier, change: impl FnOnce(&mut AnnouncerParts)) -> Self {
        let carrier = Arc::new(carrier);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(Timestamp::UNIX_EPOCH));
        let settings = AlertSettings::default();
        let turns = MemoryTurns::new(settings.max_per_minute, Arc::clone(&clock));
        let mut parts = AnnouncerParts {
            notifier: Arc::clone(&carrier) as _,
            turns: Arc::new(turns),
            digests: Arc::new(Gone),
            settings,
            fleet_size: NonZeroU32::MIN,
            clock,
            jitter: Jitter::fixed(1.0),
            watch: Arc::new(()),
        };
        change(&mut parts);
        let (announcer, run) = Announcer::new(parts);
        let mut work = JoinSet::new();
        work.spawn(run);
        Self {
            carrier,
            announcer: Some(announcer),
            answers: JoinSet::new(),
            work,
            started: Instant::now(),
        }
    }

    pub(crate) fn submit(&mut self, number: u64, finding: &Finding) {
        let telling = self.announcer.as_ref().unwrap().submit(finding);
        self.answers.spawn(async move {
            let answer = telling.await;
            (number, Instant::now(), answer)
        });
    }

    /// Submits this many findings of one bucket, numbered on from `from`.
    pub(crate) fn submit_many(&mut self, bucket: &'static str, from: u64, count: u64) {
        for number in from..from + count {
            self.submit(number, &deleted(bucket, number));
        }
    }

    /// All answers in the order of their numbers, with the seconds at which they came.
    pub(crate) async fn answered(&mut self) -> Vec<(u64, f64, Answer)> {
        let mut all = Vec::new();
        while let Some(answer) = self.answers.join_next().await {
            let (number, at, answer) = answer.unwrap();
            all.push((number, (at - self.started).as_secs_f64(), answer));
        }
        all.sort_by_key(|(number, ..)| *number);
        all
    }

    /// Drops the handle and sees the loop end.
    pub(crate) async fn end(&mut self) {
        self.announcer = None;
        while let Some(ended) = self.work.join_next().await {
            ended.unwrap();
        }
    }
}

pub(crate) fn deleted(bucket: &'static str, sequencer: u64) -> Finding {
    Sample {
        bucket,
        sequencer,
        ..Sample::default()
    }
    .finding()
}

pub(crate) fn paused(why: &str) -> Alert {
    Alert::paused(
        Stopped::Uploads,
        why,
        Timestamp::UNIX_EPOCH,
        &AlertSettings::default(),
    )
}

/// Lets everything that can run now run, without moving the clock far.
pub(crate) async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

fn rounded(answers: &[(u64, f64, Answer)]) -> Vec<(u64, u64, bool)> {
    answers
        .iter()
        .map(|(number, at, answer)| (*number, at.round() as u64, answer.is_ok()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_at_once_and_the_rest_as_one() {
    let mut bench = Bench::new(Carrier::default());
    bench.submit_many("in", 0, 1);
    settle().await;
    assert_eq!(bench.carrier.counts(), [1]);
    bench.submit_many("in", 1, 7);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(bench.carrier.counts(), [1], "the window is still open");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(bench.carrier.counts(), [1, 7]);
    let answers = bench.answered().await;
    assert_eq!(answers[0].2, Ok(PublicationId("p0".to_owned())));
    for (_, at, answer) in &answers[1..] {
        assert_eq!(
            (answer, at.round() as u64),
            (&Ok(PublicationId("p1".to_owned())), 5)
        );
    }
    // After a quiet window the next is a first again.
    sleep(Duration::from_secs(6)).await;
    bench.submit_many("in", 8, 1);
    settle().await;
    assert_eq!(bench.carrier.counts(), [1, 7, 1]);
}

#[tokio::test(start_paused = true)]
async fn kinds_and_buckets_are_not_mixed() {
    let mut bench = Bench::new(Carrier::default());
    bench.submit_many("in", 0, 1);
    bench.submit_many("other", 1, 1);
    let held = Sample {
        bucket: "in",
        outcome: Outcome::Held,
        ..Sample::default()
    };
    bench.submit(2, &held.finding());
    assert_eq!(
        rounded(&bench.answered().await),
        [(0, 0, true), (1, 0, true), (2, 0, true)]
    );
    assert_eq!(bench.carrier.counts(), [1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_failing_carrier_is_asked_again() {
    let mut bench = Bench::new(Carrier::following([Step::Fail, Step::Panic, Step::Fail]));
    bench.submit_many("in", 0, 1);
    settle().await;
    bench.submit_many("in", 1, 2);
    let answers = bench.answered().await;
    assert!(
        answers.iter().all(|(.., answer)| answer.is_ok()),
        "{answers:?}"
    );
    // What came during the failures joined the alert that was waiting.
    assert_eq!(bench.carrier.counts(), [3]);
    let attempts = bench.carrier.attempts();
    let waits: Vec<_> = attempts
        .windows(2)
        .map(|w| (w[1] - w[0]).as_millis())
        .collect();
    assert_eq!(waits, [500, 1000, 2000]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_carrier_holds_up_only_its_own() {
    let mut bench = Bench::new(Carrier::hanging_for("stuck"));
    bench.submit_many("stuck", 0, 2);
    bench.submit_many("in", 2, 1);
    let answers = bench.answered().await;
    let wanted = [(0, 300, false), (1, 300, false), (2, 0, true)];
    assert_eq!(rounded(&answers), wanted);
    assert_eq!(answers[0].2, Err(TellError::HeldTooLong));
    let reaction = TellError::HeldTooLong.reaction();
    assert_eq!(reaction, Reaction::Retry { after: None });
}

#[tokio::test(start_paused = true)]
async fn each_waits_for_its_own_time_and_no_longer() {
    let mut bench = Bench::new(Carrier::always(Step::Fail));
    bench.submit_many("in", 0, 1);
    sleep(Duration::from_secs(100)).await;
    bench.submit_many("in", 1, 1);
    assert_eq!(
        rounded(&bench.answered().await),
        [(0, 300, false), (1, 400, false)]
    );
    // Nobody waits, nothing is tried any more.
    let attempts = bench.carrier.attempts().len();
    sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.carrier.attempts().len(), attempts);
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_refuses_is_said_to_refuse() {
    let mut bench = Bench::new(Carrier::always(Step::Refuse));
    bench.submit_many("in", 0, 1);
    let answers = bench.answered().await;
    let refused = TellError::Refused("no permission".to_owned());
    assert_eq!(answers[0].2, Err(refused.clone()));
    assert_eq!(
        refused.reaction(),
        Reaction::Stop("no permission".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_goes_out_early() {
    let mut bench = Bench::new(Carrier::default());
    bench.submit_many("in", 0, 1);
    settle().await;
    bench.submit_many("in", 1, 1000);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(bench.carrier.counts(), [1, 1000]);
}

#[tokio::test(start_paused = true)]
async fn publishes_are_spaced() {
    const BUCKETS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    let mut bench = Bench::new(Carrier::default());
    for (number, bucket) in BUCKETS.into_iter().enumerate() {
        bench.submit_many(bucket, number as u64, 1);
    }
    bench.answered().await;
    let attempts = bench.carrier.attempts();
    assert_eq!(attempts.len(), 6);
    for pair in attempts.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(100));
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_closes_the_windows() {
    let mut bench = Bench::new(Carrier::default());
    bench.submit_many("in", 0, 1);
    settle().await;
    bench.submit_many("in", 1, 3);
    settle().await;
    let announcer = bench.announcer.clone().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    assert_eq!(announcer.flush(deadline).await, Flushed::All);
    assert_eq!(bench.carrier.counts(), [1, 3]);
    assert!(bench.started.elapsed() < Duration::from_secs(1));
    assert_eq!(bench.answered().await.len(), 4);
    // With nothing to do it is done.
    let soon = Instant::now() + Duration::from_millis(1);
    assert_eq!(announcer.flush(soon).await, Flushed::All);
}

#[tokio::test(start_paused = true)]
async fn a_flush_gives_up_at_its_deadline() {
    let mut bench = Bench::new(Carrier::always(Step::Hang));
    bench.submit_many("in", 0, 1);
    settle().await;
    let announcer = bench.announcer.clone().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    assert_eq!(announcer.flush(deadline).await, Flushed::Late);
    assert_eq!(Instant::now(), deadline);
}

#[tokio::test(start_paused = true)]
async fn a_flush_tries_once_more_what_waits_for_another_try() {
    let mut bench = Bench::new(Carrier::following([Step::Fail; 6]));
    bench.submit_many("in", 0, 1);
    // The sixth failure came after 15.5 s; the next try would come at 31.5 s.
    sleep(Duration::from_secs(20)).await;
    assert_eq!(bench.carrier.attempts().len(), 6);
    let announcer = bench.announcer.clone().unwrap();
    let deadline = Instant::now() + Duration::from_secs(1);
    assert_eq!(announcer.flush(deadline).await, Flushed::All);
    assert_eq!(bench.carrier.counts(), [1]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_all_are_answered() {
    let mut bench = Bench::new(Carrier::default());
    bench.submit_many("in", 0, 1);
    settle().await;
    bench.submit_many("in", 1, 3);
    settle().await;
    bench.end().await;
    // Nothing more can come, so the window is not waited for.
    assert!(bench.started.elapsed() < Duration::from_secs(1));
    assert_eq!(bench.carrier.counts(), [1, 3]);
    let answers = bench.answered().await;
    assert!(answers.iter().all(|(.., answer)| answer.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_loop_leaves_nobody_waiting() {
    let mut bench = Bench::new(Carrier::always(Step::Hang));
    bench.submit_many("in", 0, 2);
    settle().await;
    bench.work.abort_all();
    for (.., answer) in bench.answered().await {
        assert_eq!(answer, Err(TellError::Stopped));
    }
    bench.submit_many("in", 2, 1);
    assert_eq!(bench.answered().await[0].2, Err(TellError::Stopped));
}

#[tokio::test(start_paused = true)]
async fn a_finding_that_asks_for_none_gets_none() {
    let mut bench = Bench::new(Carrier::default());
    let clean = Sample {
        verdict: Verdict::Clean,
        action: Action::Keep,
        tell: Tell::Remember,
        outcome: Outcome::Kept,
        ..Sample::default()
    };
    bench.submit(0, &clean.finding());
    assert_eq!(bench.answered().await[0].2, Err(TellError::NothingToTell));
    assert_eq!(TellError::NothingToTell.reaction(), Reaction::Drop);
    assert!(bench.carrier.attempts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_like_the_rest() {
    let bench = Bench::new(Carrier::following([Step::Fail]));
    let announcer = bench.announcer.as_ref().unwrap();
    let told = announcer.announce(paused("the store refuses us")).await;
    assert!(told.is_ok());
    let (_, alert, _) = bench.carrier.accepted().remove(0);
    assert!(alert.summarize.contains("the store refuses us"));
    assert_eq!(alert.happened_at, Some(Timestamp::UNIX_EPOCH));
}
