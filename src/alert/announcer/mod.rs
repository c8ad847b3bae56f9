//! Tells: takes findings, sends alerts, and answers each finding when its alert was accepted.
//!
//! A message is acknowledged only after its alert is out, so every submitter waits here. The first
//! alert of a kind and bucket goes out at once; what follows within the merge window becomes one
//! alert, and one acceptance answers all whom it covers. A carrier that fails is asked again with
//! backoff, each kind and bucket by itself; whoever has waited for `alerts.max_hold_seconds` is told
//! so and may come again later. Alerts may repeat; silence may not happen.
//!
//! Publishes are spaced evenly in each task, and the fleet's turns ([`Turns`]) keep a storm of all
//! tasks together within `alerts.max_per_minute`. Who waits for a turn goes on being merged; the
//! gravest goes first. An alert names at most 1,000 findings, and what is beyond is the next alert.
//!
//! Beside that the announcer counts what it is shown, and one task of the fleet tells of each window
//! in a digest ([`Digests`]).

mod counter;
mod digester;
mod group;
mod guard;
mod run;

use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;

use futures::future::OptionFuture;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Alert, AlertSettings, Digests, Notifier, PublicationId, Turns};
use crate::clock::Clock;
use crate::record::Finding;
use crate::retry::{Jitter, Reaction, Reacts};
use counter::Counter;
use digester::Digester;
use group::Waiter;
use run::Loop;

/// Commands on their way to the loop, which never waits for a carrier before it takes the next:
/// larger buys nothing, smaller makes submitters take turns.
const INBOX: usize = 64;

/// A finding was not told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// It waited for `alerts.max_hold_seconds`: release it as acted, it is announced later.
    #[error("alert was not accepted within alerts.max_hold_seconds; it is announced again later")]
    HeldTooLong,
    /// As above, and the carrier has refused it: somebody must act.
    #[error("alert carrier refuses: {0}")]
    Refused(String),
    /// The announcer has ended.
    #[error("announcer has stopped; the finding is announced after the next start")]
    Stopped,
    /// The finding asks for no alert.
    #[error("finding asks for no alert")]
    NothingToTell,
}

impl Reacts for TellError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::HeldTooLong | Self::Stopped => Reaction::Retry { after: None },
            Self::Refused(why) => Reaction::Stop(why.clone()),
            Self::NothingToTell => Reaction::Drop,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::HeldTooLong => "alert_held_too_long",
            Self::Refused(_) => "alert_refused",
            Self::Stopped => "announcer_stopped",
            Self::NothingToTell => "nothing_to_tell",
        }
    }
}

/// How a flush ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// Nothing waits any more.
    All,
    /// The deadline came first; what waits goes on waiting.
    Late,
}

enum Command {
    Tell(Box<Alert>, Waiter),
    Flush(oneshot::Sender<()>),
}

/// Is told how the announcer stands; must not wait.
pub trait Watch: Send + Sync + std::fmt::Debug {
    /// So many alerts are due and wait for a turn; told when that changes.
    fn waiting_for_turn(&self, alerts: usize);
}

/// Nobody is told.
impl Watch for () {
    fn waiting_for_turn(&self, _alerts: usize) {}
}

/// What the announcer works with.
#[derive(Clone, Debug)]
pub struct AnnouncerParts {
    /// Carries the alerts.
    pub notifier: Arc<dyn Notifier>,
    /// The fleet's turns at publishing.
    pub turns: Arc<dyn Turns>,
    /// What the fleet has counted.
    pub digests: Arc<dyn Digests>,
    /// How alerts are written and when they go out.
    pub settings: AlertSettings,
    /// How many tasks there are, as the settings say: only counts while the turns are not to be had.
    pub fleet_size: NonZeroU32,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Spreads retries and looks.
    pub jitter: Jitter,
    /// Who is told how it stands.
    pub watch: Arc<dyn Watch>,
}

/// The handle to the announcer; clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Announcer {
    inbox: mpsc::Sender<Command>,
    counter: Arc<Counter>,
    settings: AlertSettings,
    /// Dropped with the last handle: then the digester ends.
    _alive: Arc<DropGuard>,
}

impl Announcer {
    /// The handle, and the work: own it and run it to its end. It ends when all handles are dropped,
    /// every submitter is answered, which takes `max_hold` at most, and what was counted is written.
    /// Dropping it answers everybody with [`TellError::Stopped`].
    pub fn new(parts: AnnouncerParts) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (inbox, commands) = mpsc::channel(INBOX);
        let counter = Arc::new(Counter::new(parts.settings, Arc::clone(&parts.clock)));
        let ended = CancellationToken::new();
        let digester = Digester::new(&parts, Arc::clone(&counter), &inbox, ended.clone());
        let handle = Self {
            inbox,
            counter,
            settings: parts.settings,
            _alive: Arc::new(ended.drop_guard()),
        };
        let telling = Loop::new(parts, commands).run();
        let digesting = OptionFuture::from(digester.map(Digester::run));
        let work = async {
            tokio::join!(telling, digesting);
        };
        (handle, work)
    }

    /// Tells about a finding. The answer is the publication that covers it, or why there is none
    /// (yet). Nothing is sent before the future is first polled; dropping it afterwards takes the
    /// finding back, unless the carrier has it already.
    pub fn submit(
        &self,
        finding: &Finding,
    ) -> impl Future<Output = Result<PublicationId, TellError>> + Send + use<> {
        self.tell(Alert::about(finding, &self.settings))
    }

    /// Sends an alert that is about no finding. It is merged with others of its kind, waits its turn
    /// and is tried again like one about a finding.
    pub fn announce(
        &self,
        alert: Alert,
    ) -> impl Future<Output = Result<PublicationId, TellError>> + Send + use<> {
        self.tell(Some(alert))
    }

    /// Counts a finding that is at its end for the digest. Never waits; a finding that comes again
    /// is counted again.
    pub fn count(&self, finding: &Finding) {
        self.counter.count(finding);
    }

    fn tell(
        &self,
        alert: Option<Alert>,
    ) -> impl Future<Output = Result<PublicationId, TellError>> + Send + use<> {
        let inbox = self.inbox.clone();
        let alert = alert.map(Box::new);
        async move {
            let alert = alert.ok_or(TellError::NothingToTell)?;
            tell(inbox, *alert).await
        }
    }

    /// Closes the merge windows, also for what is submitted meanwhile, tries once more what is
    /// waiting for another try, and returns when nothing is left or at the deadline.
    pub async fn flush(&self, deadline: Instant) -> Flushed {
        let (reply, done) = oneshot::channel();
        let flushed = timeout_at(deadline, async {
            if self.inbox.send(Command::Flush(reply)).await.is_ok() {
                // An error means that the loop has ended: nothing is left there either.
                done.await.ok();
            }
        });
        match flushed.await {
            Ok(()) => Flushed::All,
            Err(_) => Flushed::Late,
        }
    }
}

/// Hands an alert to the loop and waits for the answer.
async fn tell(inbox: mpsc::Sender<Command>, alert: Alert) -> Result<PublicationId, TellError> {
    let (reply, answer) = oneshot::channel();
    let waiter = Waiter {
        since: Instant::now(),
        reply,
    };
    let sent = inbox.send(Command::Tell(Box::new(alert), waiter)).await;
    sent.map_err(|_| TellError::Stopped)?;
    // Held on to, the inbox would keep the loop from seeing that all handles are gone.
    drop(inbox);
    answer.await.unwrap_or(Err(TellError::Stopped))
}
