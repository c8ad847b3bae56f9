//! The keeper beside work, on the paused clock.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;

use crate::shutdown::protection::{Keeper, ProtectError, Protection, ProtectionWatch, Protector};

/// Notes every call with its second, and answers as it is told to.
#[derive(Debug)]
struct Runner {
    begun: Instant,
    calls: Mutex<Vec<(u64, Option<u16>)>>,
    answer: Mutex<Option<Result<(), ProtectError>>>,
    stands: Mutex<Vec<bool>>,
    results: Mutex<Vec<(&'static str, &'static str)>>,
}

impl Runner {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            calls: Mutex::default(),
            answer: Mutex::new(Some(Ok(()))),
            stands: Mutex::default(),
            results: Mutex::default(),
        })
    }

    /// `None` never answers.
    fn answers(&self, answer: Option<Result<(), ProtectError>>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn calls(&self) -> Vec<(u64, Option<u16>)> {
        self.calls.lock().unwrap().clone()
    }

    async fn called(&self, minutes: Option<u16>) -> Result<(), ProtectError> {
        let second = self.begun.elapsed().as_secs();
        self.calls.lock().unwrap().push((second, minutes));
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Protector for Runner {
    async fn protect(&self, minutes: u16) -> Result<(), ProtectError> {
        self.called(Some(minutes)).await
    }

    async fn release(&self) -> Result<(), ProtectError> {
        self.called(None).await
    }
}

impl ProtectionWatch for Runner {
    fn protected(&self, protected: bool) {
        let mut stands = self.stands.lock().unwrap();
        if stands.last() != Some(&protected) {
            stands.push(protected);
        }
    }

    fn asked(&self, what: &'static str, result: &'static str) {
        self.results.lock().unwrap().push((what, result));
    }
}

struct Kept {
    runner: Arc<Runner>,
    protection: Protection,
    drain: CancellationToken,
    ended: CancellationToken,
    keeping: JoinSet<()>,
}

impl Kept {
    fn for_minutes(minutes: u64) -> Self {
        let runner = Runner::new();
        let protection = Protection::default();
        let (drain, ended) = (CancellationToken::new(), CancellationToken::new());
        let keeper = Keeper::new(
            Arc::clone(&runner) as _,
            Duration::from_secs(minutes * 60),
            protection.clone(),
            Arc::clone(&runner) as _,
        );
        let mut keeping = JoinSet::new();
        keeping.spawn(keeper.run(drain.clone(), ended.clone()));
        Self {
            runner,
            protection,
            drain,
            ended,
            keeping,
        }
    }

    /// How long it took to end.
    async fn end(mut self) -> Duration {
        let asked = Instant::now();
        self.ended.cancel();
        self.keeping.join_next().await.unwrap().unwrap();
        asked.elapsed()
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn from_the_first_in_hand_until_a_while_after_the_last() {
    let kept = Kept::for_minutes(10);
    sleep(seconds(100)).await;
    let first = kept.protection.hold();
    sleep(seconds(8)).await;
    let second = kept.protection.hold();
    drop(first);
    sleep(seconds(8)).await;
    drop(second);
    sleep(seconds(100)).await;
    assert_eq!(kept.runner.calls(), [(100, Some(10)), (131, None)]);
    assert_eq!(*kept.runner.stands.lock().unwrap(), [false, true, false]);
    let results = kept.runner.results.lock().unwrap().clone();
    assert_eq!(results, [("protect", "ok"), ("release", "ok")]);
    let runner = Arc::clone(&kept.runner);
    assert_eq!(kept.end().await, Duration::ZERO);
    assert_eq!(runner.calls().len(), 2, "nothing was left to be released");
}

#[tokio::test(start_paused = true)]
async fn under_a_load_without_gaps_a_deployment_gets_its_turn() {
    let kept = Kept::for_minutes(10);
    let mut work = Vec::from([kept.protection.hold()]);
    for _second in 0..3 * 720 {
        // Never a moment without work.
        work.push(kept.protection.hold());
        drop(work.remove(0));
        sleep(seconds(1)).await;
    }
    let rows = [0, 720, 1440].map(|begins| [(begins, Some(10)), (begins + 600, None)]);
    let mut calls = kept.runner.calls();
    calls.truncate(6);
    assert_eq!(calls, rows.concat());
}

#[tokio::test(start_paused = true)]
async fn while_it_drains_it_keeps_what_is_in_hand_and_lets_go_at_once_then() {
    let kept = Kept::for_minutes(10);
    let work = kept.protection.hold();
    sleep(seconds(30)).await;
    kept.drain.cancel();
    sleep(seconds(40)).await;
    assert_eq!(kept.runner.calls(), [(0, Some(10))]);
    drop(work);
    sleep(seconds(1)).await;
    assert_eq!(kept.runner.calls(), [(0, Some(10)), (70, None)]);
    let work = kept.protection.hold();
    sleep(seconds(100)).await;
    drop(work);
    assert_eq!(
        kept.runner.calls().len(),
        2,
        "nothing is asked for any more"
    );
    kept.end().await;
}

#[tokio::test(start_paused = true)]
async fn at_the_end_it_is_taken_back_whatever_is_in_hand() {
    let kept = Kept::for_minutes(10);
    let _left_over = kept.protection.hold();
    sleep(seconds(3)).await;
    let runner = Arc::clone(&kept.runner);
    kept.end().await;
    assert_eq!(runner.calls(), [(0, Some(10)), (3, None)]);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_never_answers_holds_nobody_up() {
    let kept = Kept::for_minutes(10);
    kept.runner.answers(None);
    let work = kept.protection.hold();
    sleep(seconds(3)).await;
    drop(work);
    sleep(seconds(60)).await;
    let results = kept.runner.results.lock().unwrap().clone();
    assert_eq!(results[0], ("protect", "unknown"));
    assert!(results.contains(&("release", "unknown")), "{results:?}");
    assert!(!kept.runner.stands.lock().unwrap().contains(&true));
    // One call under way, and the last one: each has its bound.
    assert!(kept.end().await <= seconds(10));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_said_once_until_something_succeeds() {
    let (lines, _guard) = Lines::listen();
    let kept = Kept::for_minutes(10);
    let gone = || Some(Err(ProtectError::Unreachable("gone".to_owned())));
    kept.runner.answers(gone());
    let work = kept.protection.hold();
    sleep(seconds(3600)).await;
    let tries = kept.runner.calls().len();
    assert!((12..=20).contains(&tries), "{tries}");
    assert_eq!(lines.count("could not be set"), 1);
    kept.runner.answers(Some(Ok(())));
    sleep(seconds(300)).await;
    assert_eq!(kept.runner.stands.lock().unwrap().last(), Some(&true));
    drop(work);
    sleep(seconds(200)).await;
    kept.runner.answers(gone());
    let _work = kept.protection.hold();
    sleep(seconds(300)).await;
    assert_eq!(lines.count("could not be set"), 2);
    kept.end().await;
}

/// The lines that are logged on this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn listen() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let writer = lines.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
        let registry = tracing_subscriber::registry().with(layer);
        (lines, tracing::subscriber::set_default(registry))
    }

    fn count(&self, words: &str) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains(words)).count()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
