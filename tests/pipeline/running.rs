//! A worker at work, and what can be seen of it from outside: files, findings, alerts, letters.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use s3_warden::alert::Alert;
use s3_warden::app::{ALERTS_FILE, recorded};
use s3_warden::local::MemoryQueue;
use s3_warden::record::{Finding, Query, State};
use s3_warden::worker::{Drained, Vitals, Worker};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::ground::Ground;
use crate::watcher::{Seen, Watcher};

/// Longer than anything in these tests may take on the paused clock: what has not happened then
/// never will.
const FOR_EVER: Duration = Duration::from_secs(6 * 3600);

/// Waits for what a worker has to bring about.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(FOR_EVER, what).await.expect("it never happens")
}

/// A worker at work.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) seen: Arc<Watcher>,
    pub(crate) stop: CancellationToken,
    pub(crate) now: CancellationToken,
    pub(crate) vitals: Vitals,
    queues: [Arc<MemoryQueue>; 2],
    work: JoinSet<Drained>,
    announcing: JoinSet<()>,
}

impl Running {
    pub(crate) fn begin(
        worker: Worker,
        announcer: impl Future<Output = ()> + Send + 'static,
        seen: Arc<Watcher>,
        vitals: Vitals,
        ground: &Ground,
    ) -> Self {
        let (stop, now) = (CancellationToken::new(), CancellationToken::new());
        let mut announcing = JoinSet::new();
        announcing.spawn(announcer);
        let mut work = JoinSet::new();
        work.spawn(worker.run(stop.clone(), now.clone()));
        Self {
            seen,
            stop,
            now,
            vitals,
            queues: [Arc::clone(&ground.queue), Arc::clone(&ground.events)],
            work,
            announcing,
        }
    }

    /// Waits until every message is off the queue.
    pub(crate) async fn idle(&self) {
        for queue in &self.queues {
            let drained = timeout(FOR_EVER, queue.drained()).await;
            assert!(drained.is_ok(), "never idle: {:?}", self.seen.all());
        }
    }

    /// Waits until this was seen so many times.
    pub(crate) async fn until(&self, what: Seen, times: usize) {
        let seen = timeout(FOR_EVER, self.seen.until(what, times)).await;
        let all = self.seen.all();
        assert!(seen.is_ok(), "{what:?} was not seen {times} times: {all:?}");
    }

    /// Waits until it has stopped by itself, after `stop` was cancelled.
    pub(crate) async fn ended(mut self) -> Drained {
        let drained = timeout(FOR_EVER, self.work.join_next()).await;
        let drained = drained.expect("never ends").unwrap().unwrap();
        let told = timeout(FOR_EVER, self.announcing.join_next()).await;
        told.expect("the announcer never ends").unwrap().unwrap();
        drained
    }

    /// Asks it to stop, and waits.
    pub(crate) async fn stop(self) -> Drained {
        self.stop.cancel();
        self.ended().await
    }

    /// Waits until nothing is left to do, and stops.
    pub(crate) async fn finish(self) {
        self.idle().await;
        assert_eq!(self.stop().await, Drained::Clean);
    }
}

impl Ground {
    pub(crate) fn exists(&self, key: &str) -> bool {
        self.file(key).exists()
    }

    /// All findings that are no clean records.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let query = Query::default();
        recorded(&self.state(), query).await.unwrap()
    }

    /// The one finding, and that it has come to its end.
    pub(crate) async fn the_finding(&self) -> Finding {
        let mut findings = self.findings().await;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0].state, State::Announced);
        findings.remove(0)
    }

    /// How the findings ended, sorted.
    pub(crate) async fn outcomes(&self) -> Vec<&'static str> {
        let findings = self.findings().await.into_iter();
        let mut codes: Vec<_> = findings
            .map(|finding| finding.outcome.map_or("open", |outcome| outcome.code()))
            .collect();
        codes.sort_unstable();
        codes
    }

    /// Every alert that was accepted, in order.
    pub(crate) fn alerts(&self) -> Vec<Alert> {
        let lines = fs::read_to_string(self.state().join(ALERTS_FILE)).unwrap();
        let alerts = lines.lines().map(serde_json::from_str);
        alerts.collect::<Result<_, _>>().unwrap()
    }

    /// The findings that the alerts cover, in order: one that was told twice is there twice.
    pub(crate) fn told(&self) -> Vec<String> {
        let covered = self
            .alerts()
            .into_iter()
            .flat_map(|alert| alert.finding_ids);
        covered.collect()
    }

    /// That every finding was told, each just once.
    pub(crate) async fn assert_all_told_once(&self) {
        let mut told = self.told();
        told.sort_unstable();
        let findings = self.findings().await.into_iter();
        let mut wanted: Vec<_> = findings.map(|finding| finding.id.to_string()).collect();
        wanted.sort_unstable();
        assert_eq!(told, wanted);
    }

    /// The codes of the dead letters; `none` where the queue gave no reason.
    pub(crate) fn letters(&self) -> Vec<&'static str> {
        let letters = self.queue.dead_letters().into_iter();
        letters
            .map(|letter| letter.reason.map_or("none", |reason| reason.code))
            .collect()
    }
}
