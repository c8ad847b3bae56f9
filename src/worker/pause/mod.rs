//! When no work is taken, and why: a fault, a deferral, an operator.
//!
//! A fatal fault does not end the service. Credentials that expired or a judge that is gone fail
//! every message alike; going on would burn the receives of good messages, and exiting would only
//! restart into the same fault. So polling stops and one alert is sent. Messages in hand stay in
//! hand and are tried again after a growing wait; beside them a single message is taken as a probe.
//! Each thing that work needs fails and is mended by itself: a clean picture says nothing about a
//! carrier of alerts.
//!
//! A deferral is nobody's fault (the money of the day is spent) and ends by the clock. A halt is an
//! operator's word and ends by another.
//!
//! Each [`Lane`] is stopped only by what its own work needs: uploads by all of it, events neither by
//! a judge that is gone nor by money that is spent. What both need fails once and is told once. A
//! halt stops both.

mod state;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::notices::Notice;
use super::ports::Observer;
use super::vitals::{Pulse, Vitals};
use crate::retry::Backoff;
use crate::telemetry::vocabulary::{
    ERROR_CODE, ERROR_DETAIL, FAILURE_COUNT, RETRY_AFTER_MILLIS, WAIT_NAME,
};

use self::state::{Deferral, Gate, State};
pub(crate) use self::state::{Lane, Needed};

/// Probes start after 5 s and settle at one in 5 min: often enough to notice the mending, rarely
/// enough not to burn a message's receives while nobody has acted.
pub(crate) const PROBE: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));

/// A fault that nothing has met for this long counts as mended once other work succeeds: what met
/// it may be back in the queue, behind thousands that do not need it. Longer than any two probes
/// are apart.
const FORGET: Duration = Duration::from_secs(600);

/// A trouble that comes and goes is said once in this time: a model that throttles one call of two
/// does so many times a second.
const SAY_AGAIN: Duration = Duration::from_secs(60);

/// A deferral is at least this long: the end of a day is not met in steps of a millisecond.
const SHORTEST: Duration = Duration::from_secs(1);

/// Whether work of one lane is taken; both lanes know of the same faults.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    lane: Lane,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    observer: Arc<dyn Observer>,
    vitals: Vitals,
    notices: mpsc::UnboundedSender<Notice>,
}

impl Pause {
    /// That of uploads. The second part yields what people have to be told, each once.
    pub(crate) fn new(
        observer: Arc<dyn Observer>,
        vitals: Vitals,
    ) -> (Self, mpsc::UnboundedReceiver<Notice>) {
        let (notices, inbox) = mpsc::unbounded_channel();
        let pause = Self {
            lane: Lane::Uploads,
            state: Arc::new(Mutex::new(State::new())),
            changed: Arc::default(),
            observer,
            vitals,
            notices,
        };
        (pause, inbox)
    }

    /// The same, seen by another lane.
    pub(crate) fn of(&self, lane: Lane) -> Self {
        Self {
            lane,
            ..self.clone()
        }
    }

    /// Whose it is.
    pub(crate) const fn lane(&self) -> Lane {
        self.lane
    }

    /// Something fails for every message alike. What else fails of it, be it work that had begun
    /// before or a probe, is the same fault: the next probe is set already.
    pub(crate) fn fault(&self, needed: Needed, code: &'static str, why: &str) {
        let now = Instant::now();
        {
            let mut state = self.lock();
            if let Some(fault) = state.faults.get_mut(&needed) {
                fault.met_at = now;
                return;
            }
            state.meet(needed, why, now);
        }
        tracing::error!(
            { ERROR_CODE } = code,
            { ERROR_DETAIL } = why,
            "paused: no work that needs this is taken until it is mended"
        );
        self.tell_of_faults();
    }

    /// Something failed and is tried again. Said once for each code, until this works.
    pub(crate) fn trouble(&self, needed: Needed, code: &'static str, error: &dyn Error) {
        if self.lock().trouble((needed, code), Instant::now()) {
            tracing::warn!(
                { ERROR_CODE } = code,
                { ERROR_DETAIL } = %error,
                "work fails and is tried again; said once until it works"
            );
        }
    }

    /// All uploads have to wait, and their wait ends by the clock. Said once, until something was
    /// judged again.
    pub(crate) fn defer(&self, wait: &'static str, code: &'static str, why: &str, after: Duration) {
        let until = Instant::now() + after.max(SHORTEST);
        let tell = {
            let mut state = self.lock();
            if state.deferral.is_some() {
                return;
            }
            state.deferral = Some(Deferral { wait, until });
            !std::mem::replace(&mut state.deferral_told, true)
        };
        // Whoever makes them wait has warned of it.
        tracing::info!(
            { WAIT_NAME } = wait,
            { ERROR_CODE } = code,
            { RETRY_AFTER_MILLIS } = u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            "no uploads are taken for a while"
        );
        self.observer.deferred(wait, after);
        if tell {
            self.say(Notice::of_deferral(wait, why, until));
        }
        self.changed.notify_waiters();
    }

    /// An operator has told all tasks to take no work, or to go on.
    pub(crate) fn halt(&self, halted: bool) {
        if std::mem::replace(&mut self.lock().halted, halted) == halted {
            return;
        }
        if halted {
            tracing::info!("halted by an operator: no work is taken, what has begun is finished");
        } else {
            tracing::info!("going on: an operator has lifted the halt");
        }
        self.vitals.halted(halted);
        self.observer.halted(halted);
        self.changed.notify_waiters();
    }

    /// Whether a fault keeps us from taking work.
    pub(crate) fn is_faulty(&self) -> bool {
        !self.lock().faults.is_empty()
    }

    /// Whether this lane goes on without something, and its messages that need it come again later.
    pub(crate) const fn goes_on_without(&self, needed: Needed) -> bool {
        !self.lane.needs(needed)
    }

    /// Whether an operator has told all tasks to take no work.
    pub(crate) fn is_halted(&self) -> bool {
        self.lock().halted
    }

    /// A probe found no message to try: the next may be taken at once.
    pub(crate) fn nothing_probed(&self) {
        {
            let mut state = self.lock();
            let probing = state.probing(self.lane);
            probing.probes = probing.probes.saturating_sub(1);
            probing.next = Instant::now();
        }
        self.changed.notify_waiters();
    }

    /// Whether this has worked for anybody so lately.
    pub(crate) fn worked_within(&self, needed: Needed, lately: Duration) -> bool {
        let at = self.lock().worked_at.get(&needed).copied();
        at.is_some_and(|at| at.elapsed() < lately)
    }

    /// This works: whatever was wrong with it is mended.
    pub(crate) fn succeeded(&self, needed: Needed) {
        {
            let mut state = self.lock();
            for (code, failures) in state.over(needed) {
                tracing::info!(
                    { ERROR_CODE } = code,
                    { FAILURE_COUNT } = failures,
                    "what failed works again"
                );
            }
            state.worked_at.insert(needed, Instant::now());
            if needed == Needed::Judge {
                state.deferral_told = false;
            }
            if state.faults.is_empty() {
                return;
            }
            let before = state.faults.len();
            // What this lane does not need it cannot know to be mended.
            let lane = self.lane;
            state.faults.retain(|of, fault| {
                *of != needed && (fault.met_at.elapsed() < FORGET || !lane.needs(*of))
            });
            if state.faults.len() == before {
                return;
            }
        }
        self.tell_of_faults();
        self.changed.notify_waiters();
    }

    /// Waits until work may be taken, and says how much: `None` is no limit, `Some(1)` a probe.
    pub(crate) async fn admit(&self, pulse: &Pulse, stop: &CancellationToken) -> Option<u8> {
        loop {
            let changed = self.changed.notified();
            let gate = self.lock().gate(self.lane, Instant::now());
            let (wait, until) = match gate {
                Gate::Open => return None,
                Gate::Probe => return Some(1),
                Gate::Shut(wait, until) => (wait, until),
            };
            let over = async {
                match until {
                    Some(until) => tokio::time::sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            let waiting = async {
                tokio::select! {
                    () = changed => false,
                    () = over => false,
                    () = stop.cancelled() => true,
                }
            };
            if pulse.during(wait, waiting).await {
                return Some(1);
            }
        }
    }

    /// Whether and why we are paused. While a fault that people know of stands, others that stop
    /// nothing more join it; when it is mended and others are not, people are told of those.
    fn tell_of_faults(&self) {
        let mut news = Vec::new();
        let why = {
            let mut state = self.lock();
            let State { told, faults, .. } = &mut *state;
            told.retain(|of| faults.contains_key(of));
            let now = Instant::now();
            while let Some(of) = state.untold() {
                state.told.insert(of);
                let last = state.told_at.get(&of).copied();
                if last.is_some_and(|last| now - last < FORGET) {
                    continue;
                }
                state.told_at.insert(of, now);
                let why = state.faults.get(&of).map(|fault| fault.why.clone());
                news.extend(why.map(|why| Notice::Paused {
                    stopped: of.stops(),
                    why,
                }));
            }
            let why = state.why();
            if state.shown == why {
                return;
            }
            state.shown.clone_from(&why);
            why
        };
        if why.is_none() {
            tracing::info!("going on: what was wrong is mended");
        }
        self.observer.paused(why.as_deref());
        self.vitals.paused(why);
        for notice in news {
            self.say(notice);
        }
        self.changed.notify_waiters();
    }

    /// Has people told.
    pub(crate) fn say(&self, notice: Notice) {
        // Nobody listens only while the service ends.
        if self.notices.send(notice).is_err() {
            tracing::debug!("nobody is left to tell about the service");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
