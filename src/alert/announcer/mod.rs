//! Tells: takes findings, sends alerts, and answers each finding when its alert was accepted.
//!
//! A message is acknowledged only after its alert is out, so every submitter waits here. The first
//! alert of a kind and bucket goes out at once; what follows within the merge window becomes one
//! alert, and one acceptance answers all whom it covers. A carrier that fails is asked again with
//! backoff, each kind and bucket by itself; whoever has waited for `alerts.max_hold_seconds` is told
//! so and may come again later. Alerts may repeat; silence may not happen.
//!
//! Publishes are spaced evenly for this one process. A guard against storms of a whole fleet is not
//! this room's work.

mod group;
mod run;

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Alert, AlertSettings, Notifier, PublicationId};
use crate::clock::Clock;
use crate::record::Finding;
use crate::retry::{Jitter, Reaction, Reacts};
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

/// The handle to the announcer; clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Announcer {
    inbox: mpsc::Sender<Command>,
    settings: AlertSettings,
    clock: Arc<dyn Clock>,
}

impl Announcer {
    /// The handle, and the loop that does the work: own it and run it to its end. It ends when all
    /// handles are dropped and every submitter is answered, which takes `max_hold` at most. Dropping
    /// the loop answers everybody with [`TellError::Stopped`].
    pub fn new(
        notifier: Arc<dyn Notifier>,
        settings: AlertSettings,
        clock: Arc<dyn Clock>,
        jitter: Jitter,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (inbox, commands) = mpsc::channel(INBOX);
        let handle = Self {
            inbox,
            settings,
            clock,
        };
        let work = Loop::new(notifier, settings, jitter, commands);
        (handle, work.run())
    }

    /// Tells about a finding. The answer is the publication that covers it, or why there is none
    /// (yet). Nothing is sent before the future is first polled; dropping it afterwards only means
    /// that nobody hears the answer.
    pub fn submit(
        &self,
        finding: &Finding,
    ) -> impl Future<Output = Result<PublicationId, TellError>> + Send + use<> {
        self.tell(Alert::about(finding, &self.settings))
    }

    /// Tells that the service has stopped taking work; `why` is the sentence of the error that
    /// stopped it.
    pub fn announce_paused(
        &self,
        why: &str,
    ) -> impl Future<Output = Result<PublicationId, TellError>> + Send + use<> {
        self.tell(Some(Alert::paused(why, self.clock.now())))
    }

    fn tell(
        &self,
        alert: Option<Alert>,
    ) -> impl Future<Output = Result<PublicationId, TellError>> + Send + use<> {
        let inbox = self.inbox.clone();
        let alert = alert.map(Box::new);
        async move {
            let alert = alert.ok_or(TellError::NothingToTell)?;
            let (reply, answer) = oneshot::channel();
            let waiter = Waiter {
                since: Instant::now(),
                reply,
            };
            let sent = inbox.send(Command::Tell(alert, waiter)).await;
            sent.map_err(|_| TellError::Stopped)?;
            // Held on to, the inbox would keep the loop from seeing that all handles are gone.
            drop(inbox);
            answer.await.unwrap_or(Err(TellError::Stopped))
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
