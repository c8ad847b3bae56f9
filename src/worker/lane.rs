//! Lanes: a queue, the leases on its messages, the places for them, and who polls it.
//!
//! Security events must flow while uploads cannot: when the money is spent, the judge is gone or
//! thousands of pictures wait. So a queue of events gets a lane of its own with nothing in it that
//! uploads can fill. What both lanes do they do by the same hands: one upload that comes on both is
//! looked at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::WorkerSettings;
use super::assess::AssessWork;
use super::enforce::Enforcer;
use super::inspect::UploadWork;
use super::lease::LeaseKeeper;
use super::pause::{Lane, Pause};
use super::poll::Poller;
use super::ports::Parts;
use super::process::Processor;
use super::settle::Settler;
use super::tell::Teller;
use crate::event::Queue;

/// What all lanes share.
#[derive(Debug)]
pub(crate) struct Lanes<'a> {
    parts: &'a Arc<Parts>,
    settings: &'a WorkerSettings,
    pause: &'a Pause,
    uploads: UploadWork,
    tasks: TaskTracker,
    stop: CancellationToken,
    now: CancellationToken,
}

/// A lane, open: its loops are to be run.
pub(crate) struct Opened {
    pub(crate) poller: Poller,
    pub(crate) keeper: Arc<LeaseKeeper>,
    /// Ends when the poller and the last of its messages are gone.
    pub(crate) acknowledger: BoxFuture<'static, ()>,
    /// How long a received message stays hidden.
    pub(crate) visibility: Duration,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("poller", &self.poller)
            .finish_non_exhaustive()
    }
}

impl<'a> Lanes<'a> {
    pub(crate) fn new(
        parts: &'a Arc<Parts>,
        settings: &'a WorkerSettings,
        pause: &'a Pause,
        (tasks, stop, now): (TaskTracker, CancellationToken, CancellationToken),
    ) -> Self {
        // Whatever lane an upload comes by: what it needs fails and works for uploads.
        let enforcer = Enforcer::new(Arc::clone(parts), pause.clone());
        let clean = settings.alerts.clean == crate::alert::Clean::Each;
        let uploads = UploadWork::new(
            Arc::clone(parts),
            enforcer,
            pause.clone(),
            (settings.ask_first, clean),
        );
        Self {
            parts,
            settings,
            pause,
            uploads,
            tasks,
            stop,
            now,
        }
    }

    /// Opens the lane of a queue.
    pub(crate) fn open(&self, lane: Lane, queue: Arc<dyn Queue>) -> Opened {
        let (parts, limits) = (self.parts, &self.settings.limits);
        let pause = self.pause.of(lane);
        let visibility = queue.visibility();
        let keeper = LeaseKeeper::new(Arc::clone(&queue), limits.held_at_most);
        let (settler, acknowledger) = Settler::new(
            Arc::clone(&queue),
            Arc::clone(&parts.observer),
            parts.jitter.clone(),
        );
        let activities = AssessWork::new(
            Arc::clone(parts),
            Enforcer::new(Arc::clone(parts), pause.clone()),
            self.uploads.in_flight(),
            pause.clone(),
        );
        let aside = (lane == Lane::Events).then(|| Arc::new(Semaphore::new(limits.held)));
        let poller = Poller {
            processor: Processor {
                parts: Arc::clone(parts),
                queue,
                uploads: self.uploads.clone(),
                activities,
                teller: Teller::new(Arc::clone(parts), pause.clone(), limits.settling),
                pause: pause.clone(),
                stop: self.stop.clone(),
                options: self.settings.options.clone(),
                aside,
            },
            keeper: Arc::clone(&keeper),
            settler,
            pause,
            held: Arc::new(Semaphore::new(limits.held)),
            held_most: limits.held,
            wait: self.settings.queue.wait,
            tasks: self.tasks.clone(),
            stop: self.stop.clone(),
            now: self.now.clone(),
        };
        Opened {
            poller,
            keeper,
            acknowledger: Box::pin(acknowledger),
            visibility,
        }
    }
}
