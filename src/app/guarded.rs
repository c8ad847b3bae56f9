//! The pipeline over a folder.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ends::worked;
use super::looker::Looker;
use super::state::{ALERTS_FILE, BUCKET_FILE, QUARANTINE_FILE, plainly};
use crate::action::{Breaker, Guards};
use crate::alert::{Alert, Announcer, AnnouncerParts, Notifier};
use crate::clock::Clock;
use crate::config::Config;
use crate::event::{BucketName, Filter, Queue};
use crate::local::{
    FileAllowances, FileDigests, FileLedger, FileSwitches, FolderSource, FolderStore, MemoryQueue,
    MemoryTurns, Progress, QueueOptions, TerminalNotifier,
};
use crate::object::ObjectStore;
use crate::record::Ledger;
use crate::retry::Jitter;
use crate::shutdown::protection::Protection;
use crate::telemetry::vocabulary::{OBJECT_KEY_DIGEST, PLACE};
use crate::verdict::Inspector;
use crate::worker::{Drained, Observer, Parts, Vitals, Worker, WorkerSettings};

/// After how many receives the queue in this process gives a message up.
const MAX_RECEIVES: u32 = 20;

/// How long the announcer may take to answer everybody after the worker has ended.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// How many messages wait in this process's queue: the walk through a large folder waits for room.
const QUEUE_ROOM: usize = 1000;

/// A guarded folder and what belongs to it.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder, absolute.
    pub folder: PathBuf,
    /// The name under which it is a bucket.
    pub bucket: String,
    /// Where findings and alerts are kept.
    pub state: PathBuf,
    /// Where removed objects go, if they are not deleted.
    pub quarantine: Option<PathBuf>,
}

/// The pipeline over a folder, built and not yet running.
pub struct Guarded {
    worker: Worker,
    source: FolderSource,
    store: FolderStore,
    queue: Arc<MemoryQueue>,
    announcing: BoxFuture<'static, ()>,
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// Builds the pipeline over a folder. `show` is handed every alert as it goes out.
///
/// # Errors
/// The folder, its state or the quarantine cannot be used, or the detector cannot be built: one
/// sentence that says which and what to do.
pub async fn guard(
    config: &Config,
    place: &Place,
    observer: Arc<dyn Observer>,
    show: impl Fn(&Alert) + Send + Sync + 'static,
    clock: impl Clock + 'static,
) -> anyhow::Result<Guarded> {
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let bucket = BucketName::new(place.bucket.clone()).context("the folder has no name")?;
    let folder = folder_at(&place.folder)?;
    // Findings inside would be looked at, which makes findings, without end.
    anyhow::ensure!(
        !settled_path(&place.state)?.starts_with(&folder),
        "the state folder {} lies inside the guarded folder; choose another with --state",
        place.state.display()
    );
    anyhow::ensure!(
        place.state.is_dir() || !place.state.exists(),
        "the state folder {} is a file; choose another with --state",
        place.state.display()
    );
    let quarantine = place.quarantine.clone().or(config.local.quarantine.clone());
    let store = FolderStore::open(&folder, bucket.clone(), quarantine.clone())?;
    let ledger = FileLedger::open(&place.state).await.map_err(plainly)?;
    let switches = FileSwitches::open(&place.state).await.map_err(plainly)?;
    let digests = FileDigests::open(&place.state).await.map_err(plainly)?;
    claim(place, &folder)?;
    if let Some(quarantine) = &quarantine {
        note_quarantine(place, quarantine)?;
    }
    let notifier = TerminalNotifier::open(&place.state.join(ALERTS_FILE), Box::new(show))?;
    let options = QueueOptions {
        visibility: config.queue.visibility,
        max_receives: Some(MAX_RECEIVES),
        capacity: QUEUE_ROOM,
        dead_letters: Some(place.state.join("parked.ndjson")),
    };
    let queue = Arc::new(MemoryQueue::new(options, Arc::clone(&clock)));
    let settle = config.local.settle;
    let source = FolderSource::open(&place.folder, bucket, settle, Arc::clone(&clock))?;

    let looker = Looker::new(config)?;
    let inspector = Inspector::new(
        Arc::new(store.clone()),
        looker.preparer,
        looker.detector,
        looker.limits,
    );
    let notifier: Arc<dyn Notifier> = Arc::new(notifier);
    let turns = MemoryTurns::new(config.alerts.max_per_minute, Arc::clone(&clock));
    let (announcer, announcing) = Announcer::new(AnnouncerParts {
        notifier,
        turns: Arc::new(turns),
        digests: Arc::new(digests),
        settings: config.alerts,
        fleet_size: NonZeroU32::MIN,
        clock: Arc::clone(&clock),
        jitter: Jitter::random(),
        watch: Arc::new(()),
    });
    let guarded = config.intake.buckets.iter().cloned();
    let parts = Parts {
        queue: Arc::clone(&queue) as Arc<dyn Queue>,
        events: None,
        store: Arc::new(store.clone()) as Arc<dyn ObjectStore>,
        ledger: Arc::new(ledger) as Arc<dyn Ledger>,
        allowances: Arc::new(FileAllowances::new(&place.state)),
        inspector: Arc::new(inspector),
        // A folder has no account whose records could come.
        assessor: None,
        announcer,
        filter: Filter::new(config.intake.clone(), Vec::new()),
        policy: config.policy.clone(),
        guards: Guards::new(config.policy.mode, guarded, []),
        breaker: Arc::new(Breaker::new(
            config.limits.deletions_per_minute,
            Arc::clone(&clock),
        )),
        switches: Arc::new(switches),
        vitals: Vitals::new(),
        // Nobody runs us who would stop us.
        protection: Protection::default(),
        clock,
        jitter: Jitter::random(),
        observer,
    };
    let mut queue_settings = config.queue.clone();
    // A poll in this process costs nothing, and a stop waits for the one that runs.
    queue_settings.wait = Duration::from_secs(1);
    let settings = WorkerSettings {
        limits: config.limits.clone(),
        queue: queue_settings,
        ask_first: true,
        // Nobody else works on this state folder: it is locked.
        sweep_after: Duration::ZERO,
        options: config.requests.clone(),
        alerts: config.alerts,
        usd_per_day: None,
    };
    let worker = Worker::new(parts, settings);
    Ok(Guarded {
        worker,
        source,
        store,
        queue,
        announcing: Box::pin(announcing),
    })
}

impl Guarded {
    /// What the source has found so far, now and from now on.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.source.progress()
    }

    /// Resolves when everything that was there is handed over and settled.
    pub fn idle(&self) -> impl Future<Output = ()> + Send + 'static {
        let (mut progress, queue) = (self.source.progress(), Arc::clone(&self.queue));
        async move {
            let whole = |at: &Progress| at.walked && at.settling == 0;
            // The source has ended by itself: whoever runs it says why.
            if progress.wait_for(whole).await.is_ok() {
                queue.drained().await;
            }
        }
    }

    /// Works until `stop`; see [`Worker::run`].
    ///
    /// # Errors
    /// What an earlier run left half-done cannot be put back.
    pub async fn run(
        self,
        stop: CancellationToken,
        now: CancellationToken,
    ) -> anyhow::Result<Drained> {
        let recovered = self.store.recover().await?;
        for stranded in &recovered.stranded {
            tracing::warn!(
                { OBJECT_KEY_DIGEST } = %stranded.key.digest(),
                { PLACE } = stranded.place,
                "an object that was replaced while it was being removed is kept here"
            );
        }
        let mut announcing = JoinSet::new();
        announcing.spawn(self.announcing);
        let mut working = JoinSet::new();
        let (until, give_up) = (stop.clone(), now);
        working.spawn(self.worker.run(until, give_up));
        let mut ended = None;
        let sourced = tokio::select! {
            sourced = self.source.run(&self.queue, stop.clone()) => sourced,
            // First of the two by a quick drain, or by a bug of ours, which goes on in us.
            first = worked(&mut working, &mut announcing) => {
                ended = Some(first?);
                Ok(())
            }
        };
        // Where the folder cannot be watched any more, there is nothing left to wait for.
        stop.cancel();
        let drained = match ended {
            Some(drained) => drained,
            None => worked(&mut working, &mut announcing).await?,
        };
        // The worker held the last handles: the announcer ends when it has answered everyone. What
        // was cut short waits for no answer, and an alert that will not go out is told later.
        let answered = async { while announcing.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_ANSWERS, answered).await.is_err() {
            tracing::warn!("some alerts are not out: they are announced at the next start");
        }
        sourced?;
        Ok(drained)
    }
}

/// The folder itself, absolute and without links, so that it has one name.
///
/// # Errors
/// It is not there, is no folder, or may not be read.
pub fn folder_at(path: &Path) -> anyhow::Result<PathBuf> {
    FolderStore::resolve(path).map_err(Into::into)
}

/// A path, which need not exist yet, in absolute words and without links as far as it exists.
fn settled_path(path: &Path) -> std::io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    for there in absolute.ancestors() {
        if let (Ok(real), Ok(rest)) = (there.canonicalize(), absolute.strip_prefix(there)) {
            return Ok(real.join(rest));
        }
    }
    Ok(absolute)
}

/// Notes which folder the state belongs to. Under another folder its open findings would be
/// finished as if their objects were gone.
fn claim(place: &Place, folder: &Path) -> anyhow::Result<()> {
    let file = place.state.join(BUCKET_FILE);
    let claimed = format!("{}\n{}\n", place.bucket, folder.display());
    match std::fs::read_to_string(&file) {
        Ok(known) if known == claimed => return Ok(()),
        Ok(known) => anyhow::bail!(
            "the state folder {} belongs to the folder {}; choose another with --state",
            place.state.display(),
            known.lines().nth(1).unwrap_or("of another name")
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{} cannot be read", file.display()));
        }
    }
    std::fs::write(&file, claimed).with_context(|| format!("{} cannot be written", file.display()))
}

/// Notes where removed objects go, for whoever gives one back. A run without a quarantine says
/// nothing of what an earlier one has put there.
fn note_quarantine(place: &Place, quarantine: &Path) -> anyhow::Result<()> {
    let file = place.state.join(QUARANTINE_FILE);
    let noted = format!("{}\n", settled_path(quarantine)?.display());
    if std::fs::read_to_string(&file).is_ok_and(|known| known == noted) {
        return Ok(());
    }
    std::fs::write(&file, noted).with_context(|| format!("{} cannot be written", file.display()))
}
