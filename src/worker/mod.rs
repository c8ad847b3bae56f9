//! The corridor: poll, lease, process, enforce, settle. It owns no rules.
//!
//! What a message means is said by `event`, what a picture is by `verdict`, what is done about it
//! by `action`; the worker carries each message through these rooms, keeps it leased meanwhile, and
//! lets go of it only when everything it asked for is done, written down and told.
//!
//! Three bounds are apart from each other: messages under lease (`limits.held`), judgements under
//! way (`limits.concurrency`, inside the inspector), memory (`limits.memory_bytes`, there too).
//! Messages that only wait for their alert have places of their own (`limits.settling`).

mod assess;
mod enforce;
mod error;
mod inflight;
mod inspect;
mod intact;
mod lane;
mod lease;
mod notices;
mod pause;
mod poll;
mod ports;
mod process;
mod settings;
mod settle;
mod steward;
mod sweep;
mod tag;
mod tell;
pub mod vitals;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alert::AlertSettings;
use crate::event::{Options, Queue};
use crate::retry::Reacts;
use crate::telemetry::vocabulary::{DRAINED_LATE, ERROR_CODE, ERROR_DETAIL, MESSAGE_COUNT};

use self::lane::{Lanes, Opened};
use self::notices::Wording;
use self::pause::{Lane, Pause};
use self::poll::Poller;
use self::steward::Steward;
use self::sweep::Sweeper;
use self::vitals::Bounds;

pub use self::ports::{Observer, Parts, Unobserved};
pub use self::settings::{Limits, QueueSettings, RawLimits, RawQueue};
pub use self::vitals::{OpenFindings, Snapshot, Vitals};

/// What the last calls of a shutdown may take, after its deadline.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// How often merge windows are closed while work drains: often against the seconds that a window
/// stays open, seldom against the work itself.
const FLUSH_AGAIN: Duration = Duration::from_millis(50);

/// How the worker works, beside what it is built from.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// Its bounds.
    pub limits: Limits,
    /// How it polls.
    pub queue: QueueSettings,
    /// Ask the records before every read. Where that is cheap it spares judging what was judged
    /// before a restart.
    pub ask_first: bool,
    /// How old an open finding must be before it is finished from the records: older than any
    /// message can be in another task's hands.
    pub sweep_after: Duration,
    /// What messages may ask for.
    pub options: Options,
    /// How people are told of the service itself.
    pub alerts: AlertSettings,
    /// The money of a day, in US dollars, where there is a bound.
    pub usd_per_day: Option<f64>,
}

/// How a worker ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Everything that had begun came to its end.
    Clean,
    /// Time ran out: what was unfinished went back to the queue.
    Late,
}

/// The worker.
#[derive(Debug)]
pub struct Worker {
    parts: Arc<Parts>,
    settings: WorkerSettings,
}

impl Worker {
    /// A worker; nothing runs yet.
    pub fn new(parts: Parts, settings: WorkerSettings) -> Self {
        Self {
            parts: Arc::new(parts),
            settings,
        }
    }

    /// Works until `stop`, then lets what has begun come to its end: within `limits.drain`, or
    /// until `now`. What is unfinished then goes back to the queue.
    ///
    /// # Panics
    /// A panic in one of its loops stops the service and is passed on; a panic in the work on one
    /// message is one failed message.
    pub async fn run(self, stop: CancellationToken, now: CancellationToken) -> Drained {
        let limits = &self.settings.limits;
        // Whatever ends this future, by return or by being dropped, ends its loops too.
        let ended = CancellationToken::new();
        let _end_on_drop = ended.clone().drop_guard();
        let tasks = TaskTracker::new();
        let mut loops = JoinSet::new();

        let (pause, notices) =
            Pause::new(Arc::clone(&self.parts.observer), self.parts.vitals.clone());
        let steward = Steward {
            parts: Arc::clone(&self.parts),
            pause: pause.clone(),
            known: CancellationToken::new(),
        };
        let opened = self.lanes(&pause, &tasks, &stop, &now);
        let visibility = opened.iter().map(|lane| lane.visibility).max();
        self.parts.vitals.begin(
            Bounds {
                longest_lease: limits.held_at_most + visibility.unwrap_or_default(),
            },
            Arc::clone(&self.parts.inspector),
            Arc::clone(&self.parts.breaker),
        );
        let wording = Wording {
            alerts: self.settings.alerts,
            usd_per_day: self.settings.usd_per_day,
        };
        loops.spawn(notices::tell(Arc::clone(&self.parts), wording, notices));
        let (following, until) = (steward.clone(), ended.clone());
        loops.spawn(async move { following.run(until).await });
        let mut acknowledging = JoinSet::new();
        let mut intake = JoinSet::new();
        for lane in opened {
            if lane.poller.pause.lane() == Lane::Uploads {
                let sweeper = self.sweeper(&lane.poller);
                let (known, until) = (steward.known.clone(), stop.clone());
                intake.spawn(async move { sweeper.run(known, until).await });
            }
            let (kept, until) = (lane.keeper, ended.clone());
            loops.spawn(async move { kept.run(until).await });
            acknowledging.spawn(lane.acknowledger);
            for _poll in 0..self.settings.queue.polls {
                intake.spawn(lane.poller.clone().run(steward.known.clone()));
            }
        }
        drop(pause);

        tokio::select! {
            () = stop.cancelled() => {}
            Some(ended) = intake.join_next() => rethrow(ended),
            Some(ended) = loops.join_next() => rethrow(ended),
        }
        self.parts.vitals.draining();
        let drained = self.drain(&mut intake, &tasks, &now).await;
        // The last settler is gone with the last task: the acknowledger empties its inbox and ends.
        drop(intake);
        // Side by side, so that all of it stays below the time a container gets to stop.
        let acknowledged = tokio::time::timeout(LAST_CALLS, join_all(&mut acknowledging));
        let ((), acknowledged, ()) =
            tokio::join!(self.last_word(&steward), acknowledged, self.flush());
        if acknowledged.is_err() {
            tracing::warn!("some acknowledgements were left to the queue");
        }
        tracing::info!({ DRAINED_LATE } = drained == Drained::Late, "stopped");
        drained
    }

    /// Clean records are best effort: what cannot be written in time is judged again.
    async fn flush(&self) {
        match tokio::time::timeout(LAST_CALLS, self.parts.ledger.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(
                { ERROR_CODE } = error.code(),
                { ERROR_DETAIL } = %error,
                "clean records not written"
            ),
            Err(_) => tracing::warn!("clean records not written in time"),
        }
    }

    /// A breaker that the last work has opened stays open for whoever comes after us.
    async fn last_word(&self, steward: &Steward) {
        if self.parts.breaker.state().open_since.is_none() {
            return;
        }
        let told = tokio::time::timeout(LAST_CALLS, steward.look()).await;
        if !matches!(told, Ok(Ok(()))) {
            tracing::warn!("the breaker is open here, and the switches may not say so");
        }
    }

    /// Intake ends, work comes to its end, merge windows close.
    async fn drain(
        &self,
        intake: &mut JoinSet<()>,
        tasks: &TaskTracker,
        now: &CancellationToken,
    ) -> Drained {
        tracing::info!(
            { MESSAGE_COUNT } = tasks.len(),
            "stopping: finishing what has begun"
        );
        tasks.close();
        let finished = async {
            let (parts, work) = (&self.parts, async {
                join_all(intake).await;
                tasks.wait().await;
            });
            tokio::pin!(work);
            // Alerts that wait for others to merge with go out now, also those that the work
            // still brings.
            loop {
                tokio::select! {
                    () = &mut work => break,
                    _ = parts.announcer.flush(Instant::now() + FLUSH_AGAIN) => {
                        tokio::time::sleep(FLUSH_AGAIN).await;
                    }
                }
            }
        };
        let deadline = self.settings.limits.drain;
        let drained = tokio::select! {
            () = finished => return Drained::Clean,
            () = tokio::time::sleep(deadline) => Drained::Late,
            () = now.cancelled() => Drained::Late,
        };
        now.cancel();
        intake.abort_all();
        // Only giving back is left, one call for each message.
        let given_back = tokio::time::timeout(LAST_CALLS, tasks.wait()).await;
        if given_back.is_err() {
            tracing::warn!("some messages were not given back: they come again by themselves");
        }
        drained
    }

    /// That of uploads, and where events have a queue of their own, that of events.
    fn lanes(
        &self,
        pause: &Pause,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        now: &CancellationToken,
    ) -> Vec<Opened> {
        let lanes = Lanes::new(
            &self.parts,
            &self.settings,
            pause,
            (tasks.clone(), stop.clone(), now.clone()),
        );
        let queues = [
            (Lane::Uploads, Some(&self.parts.queue)),
            (Lane::Events, self.parts.events.as_ref()),
        ];
        let open = |(lane, queue): (Lane, Option<&Arc<dyn Queue>>)| {
            Some(lanes.open(lane, Arc::clone(queue?)))
        };
        queues.into_iter().filter_map(open).collect()
    }

    fn sweeper(&self, poller: &Poller) -> Sweeper {
        Sweeper {
            parts: Arc::clone(&self.parts),
            enforcer: poller.processor.uploads.enforcer(),
            teller: poller.processor.teller.clone(),
            in_flight: poller.processor.uploads.in_flight(),
            pause: poller.pause.clone(),
            after: self.settings.sweep_after,
        }
    }
}

async fn join_all(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        rethrow(ended);
    }
}

/// A loop that panicked is a bug of ours: it must not look like a quiet end.
fn rethrow(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}
