//! The ground that a worker stands on: folders, a queue, a judge. It outlives the workers, as a
//! bucket and a queue do; each [`Ground::start`] is a new process in all but its memory.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use s3_warden::action::{Breaker, Guards};
use s3_warden::alert::{Announcer, AnnouncerParts};
use s3_warden::app::ALERTS_FILE;
use s3_warden::clock::{Clock, TokioClock};
use s3_warden::event::{BucketName, Filter, Intake, Key, Options, Queue, Sequencer};
use s3_warden::local::{
    FileAllowances, FileDigests, FileLedger, FileSwitches, FolderStore, MemoryQueue, MemoryTurns,
    QueueOptions, TerminalNotifier, notification,
};
use s3_warden::object::{ObjectSettings, Preparer, RawObject};
use s3_warden::retry::Jitter;
use s3_warden::settings::Problems;
use s3_warden::shutdown::protection::Protection;
use s3_warden::verdict::threat::{Assessor, Ourselves, OwnScope, Rules};
use s3_warden::verdict::{Inspector, InspectorLimits};
use s3_warden::worker::{Parts, Vitals, Worker, WorkerSettings};
use tempfile::TempDir;

use crate::analyst::Script;
use crate::detector::Scripted;
use crate::faults::Faults;
use crate::faulty::Faulty;
use crate::running::Running;
use crate::setup::Setup;
use crate::tagged::{TagBook, Tagging};
use crate::watcher::Watcher;

/// When the story begins, a minute before midnight.
const ORIGIN: &str = "2026-11-20T23:59:00Z";

/// The ground.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) setup: Setup,
    pub(crate) judge: Arc<Scripted>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) queue: Arc<MemoryQueue>,
    pub(crate) counted: Arc<Faulty<Arc<MemoryQueue>>>,
    pub(crate) tags: Arc<TagBook>,
    /// Where events go: the queue itself, unless they have one of their own.
    pub(crate) events: Arc<MemoryQueue>,
    pub(crate) analyst: Arc<Script>,
    /// Who this worker is, and what it works on.
    pub(crate) ourselves: Arc<Ourselves>,
    /// What must not be cut off, of all workers of this ground.
    pub(crate) protection: Protection,
    clock: Arc<dyn Clock>,
    home: PathBuf,
    writes: AtomicU64,
    _keep: Option<TempDir>,
}

impl Ground {
    pub(crate) fn new(change: impl FnOnce(&mut Setup)) -> Self {
        let keep = tempfile::tempdir().unwrap();
        let home = keep.path().to_owned();
        Self {
            _keep: Some(keep),
            ..Self::at(&home, change)
        }
    }

    /// On folders that somebody else keeps.
    pub(crate) fn at(home: &Path, change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup::default();
        change(&mut setup);
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(at(ORIGIN)));
        let queue = queue(&setup, &clock);
        let events = match setup.events_apart {
            true => self::queue(&setup, &clock),
            false => Arc::clone(&queue),
        };
        let faults = Arc::default();
        for folder in ["inbox", "state"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        Self {
            setup,
            judge: Arc::default(),
            counted: Arc::new(Faulty::new(Arc::clone(&queue), &faults)),
            faults,
            queue,
            tags: Arc::default(),
            events,
            analyst: Arc::default(),
            ourselves: Arc::new(Ourselves::new(scope())),
            protection: Protection::default(),
            clock,
            home: home.to_owned(),
            writes: AtomicU64::new(1),
            _keep: None,
        }
    }

    /// The same ground after somebody has purged the queue.
    pub(crate) fn without_messages(mut self) -> Self {
        self.queue = queue(&self.setup, &self.clock);
        self.counted = Arc::new(Faulty::new(Arc::clone(&self.queue), &self.faults));
        self.events = match self.setup.events_apart {
            true => queue(&self.setup, &self.clock),
            false => Arc::clone(&self.queue),
        };
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn file(&self, key: &str) -> PathBuf {
        self.home.join("inbox").join(key)
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.home.join("state")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.home.join("quarantine")
    }

    /// Writes a file, and nobody is told.
    pub(crate) fn place(&self, key: &str, bytes: &[u8]) {
        fs::write(self.file(key), bytes).unwrap();
    }

    /// What S3 would say about a new write of this key.
    pub(crate) fn event(&self, key: &str, size: usize) -> String {
        let write = self.writes.fetch_add(1, Ordering::SeqCst);
        let sequencer = Sequencer::new(&format!("{write:016X}")).unwrap();
        let size = u64::try_from(size).unwrap();
        notification(
            &bucket(),
            &Key::new(key),
            size,
            None,
            &sequencer,
            self.now(),
        )
    }

    /// Writes a file and sends its event; the event is handed back to be sent again.
    pub(crate) async fn put(&self, key: &str, bytes: &[u8]) -> String {
        self.place(key, bytes);
        let event = self.event(key, bytes.len());
        self.queue.send(event.clone()).await;
        event
    }

    /// The switches of this ground, as another process sees them.
    pub(crate) async fn switches(&self) -> FileSwitches {
        FileSwitches::open(&self.state()).await.unwrap()
    }

    /// What people have allowed, as another process sees it.
    pub(crate) fn allowances(&self) -> FileAllowances {
        FileAllowances::new(&self.state())
    }

    /// A worker on this ground, wired as the service wires it, and running.
    pub(crate) async fn start(&self) -> Running {
        let ledger = FileLedger::open(&self.state()).await.unwrap();
        self.start_on(&Arc::new(ledger)).await
    }

    /// Two workers that share the records, as tasks of one fleet do.
    pub(crate) async fn start_two(&self) -> [Running; 2] {
        let ledger = Arc::new(FileLedger::open(&self.state()).await.unwrap());
        [self.start_on(&ledger).await, self.start_on(&ledger).await]
    }

    async fn start_on(&self, ledger: &Arc<FileLedger>) -> Running {
        let quarantine = Some(self.quarantine());
        let store = FolderStore::open(&self.home.join("inbox"), bucket(), quarantine).unwrap();
        store.recover().await.unwrap();
        let store = Tagging::new(Faulty::new(store, &self.faults), &self.tags);
        let store = Arc::new(store);
        let switches = FileSwitches::open(&self.state()).await.unwrap();
        let vitals = Vitals::new();
        let file = self.state().join(ALERTS_FILE);
        let notifier = TerminalNotifier::open(&file, Box::new(|_| {})).unwrap();
        let alerts = self.setup.alerts;
        let (announcer, announcing) = Announcer::new(AnnouncerParts {
            notifier: Arc::new(Faulty::new(notifier, &self.faults)),
            turns: Arc::new(MemoryTurns::new(
                alerts.max_per_minute,
                Arc::clone(&self.clock),
            )),
            digests: Arc::new(FileDigests::open(&self.state()).await.unwrap()),
            settings: alerts,
            fleet_size: NonZeroU32::MIN,
            clock: Arc::clone(&self.clock),
            jitter: Jitter::fixed(1.0),
            watch: Arc::new(()),
        });
        let limits = &self.setup.limits;
        let inspector = Inspector::new(
            Arc::clone(&store) as _,
            Preparer::new(&object()),
            Arc::clone(&self.judge) as _,
            InspectorLimits {
                max_bytes: object().max_bytes,
                concurrency: limits.concurrency,
                memory_bytes: limits.memory_bytes,
                processing: limits.processing,
                cache_entries: limits.cache_entries,
            },
        );
        let policy = self.setup.policy.validate(true, &mut Problems::new());
        let policy = policy.unwrap();
        let removals = limits.deletions_per_minute;
        let watcher = Arc::new(Watcher::new(Arc::clone(&self.clock)));
        let intake = Intake {
            buckets: [bucket()].into(),
            prefixes: Vec::new(),
            suffixes: self.setup.suffixes.clone(),
            exclude_prefixes: Vec::new(),
            cloudtrail_uploads: self.told_by_cloudtrail(),
        };
        let threats = self.setup.threats.clone().validate(&mut Problems::new());
        let assessor = Assessor::new(
            Rules::builtin(),
            Arc::clone(&self.ourselves),
            &threats.unwrap(),
            Some(Arc::clone(&self.analyst) as _),
        );
        let events = self.setup.events_apart.then(|| {
            let events = Arc::clone(&self.events);
            Arc::new(Faulty::of_events(events, &self.faults)) as Arc<dyn Queue>
        });
        let parts = Parts {
            queue: Arc::clone(&self.counted) as _,
            events,
            assessor: self.setup.assesses.then(|| Arc::new(assessor)),
            store,
            ledger: Arc::new(Faulty::new(Arc::clone(ledger), &self.faults)),
            allowances: Arc::new(Faulty::new(self.allowances(), &self.faults)),
            inspector: Arc::new(inspector),
            announcer,
            filter: Filter::new(intake, Vec::new()),
            guards: Guards::new(policy.mode, [bucket()], []),
            policy,
            breaker: Arc::new(Breaker::new(removals, Arc::clone(&self.clock))),
            switches: Arc::new(Faulty::new(switches, &self.faults)),
            vitals: vitals.clone(),
            protection: self.protection.clone(),
            clock: Arc::clone(&self.clock),
            jitter: Jitter::fixed(1.0),
            observer: Arc::clone(&watcher) as _,
        };
        let settings = WorkerSettings {
            limits: limits.clone(),
            queue: self.setup.queue.clone(),
            ask_first: self.setup.ask_first,
            sweep_after: self.setup.sweep_after,
            options: Options {
                cloudtrail_uploads: self.told_by_cloudtrail(),
                ..Options::default()
            },
            alerts: self.setup.alerts,
            usd_per_day: Some(25.0),
        };
        Running::begin(
            Worker::new(parts, settings),
            announcing,
            watcher,
            vitals,
            self,
        )
    }
}

impl Ground {
    fn told_by_cloudtrail(&self) -> BTreeSet<BucketName> {
        let told = self.setup.told_by_cloudtrail;
        told.then(bucket).into_iter().collect()
    }
}

/// What the workers of a ground work on.
fn scope() -> OwnScope {
    OwnScope {
        buckets: [bucket()].into(),
        ..OwnScope::default()
    }
}

/// The name of the guarded folder.
pub(crate) fn bucket() -> BucketName {
    BucketName::new("inbox").unwrap()
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn queue(setup: &Setup, clock: &Arc<dyn Clock>) -> Arc<MemoryQueue> {
    let options = QueueOptions {
        visibility: setup.queue.visibility,
        max_receives: setup.max_receives,
        capacity: 1000,
        dead_letters: None,
    };
    Arc::new(MemoryQueue::new(options, Arc::clone(clock)))
}

fn object() -> ObjectSettings {
    let raw = RawObject {
        decode_threads: 2,
        ..RawObject::default()
    };
    raw.validate(&mut Problems::new()).unwrap()
}
