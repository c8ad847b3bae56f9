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

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ports::Observer;
use super::vitals::{Pulse, Vitals, wait};
use crate::retry::Backoff;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, RETRY_AFTER_MILLIS, WAIT_NAME};

/// Probes start after 5 s and settle at one in 5 min: often enough to notice the mending, rarely
/// enough not to burn a message's receives while nobody has acted.
pub(crate) const PROBE: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));

/// A fault that nothing has met for this long counts as mended once other work succeeds: what met
/// it may be back in the queue, behind thousands that do not need it. Longer than any two probes
/// are apart.
const FORGET: Duration = Duration::from_secs(600);

/// A deferral is at least this long: the end of a day is not met in steps of a millisecond.
const SHORTEST: Duration = Duration::from_secs(1);

/// What work needs. Each fails, and is mended, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needed {
    Queue,
    /// Reading objects.
    Reading,
    /// Removing and tagging objects.
    Changing,
    Judge,
    Records,
    Carrier,
}

#[derive(Debug)]
struct Fault {
    why: String,
    met_at: Instant,
}

#[derive(Debug)]
struct Deferral {
    wait: &'static str,
    until: Instant,
}

#[derive(Debug)]
struct State {
    faults: BTreeMap<Needed, Fault>,
    /// The fault that people were told of.
    told: Option<Needed>,
    /// When people were last told of each: one that comes and goes is not told each time.
    told_at: BTreeMap<Needed, Instant>,
    /// When each has last worked.
    worked_at: BTreeMap<Needed, Instant>,
    probes: u32,
    next_probe: Instant,
    deferral: Option<Deferral>,
    /// People were told of a deferral, and nothing was judged since.
    deferral_told: bool,
    halted: bool,
}

/// Whether a message may be taken.
enum Gate {
    Open,
    Probe,
    Shut(&'static str, Option<Instant>),
}

impl State {
    /// Who takes a probe sets the next, so that there is one at a time however long it takes.
    fn gate(&mut self, now: Instant) -> Gate {
        self.deferral.take_if(|deferral| deferral.until <= now);
        if self.halted {
            return Gate::Shut(wait::HALTED, None);
        }
        if let Some(deferral) = &self.deferral {
            return Gate::Shut(deferral.wait, Some(deferral.until));
        }
        if self.faults.is_empty() {
            return Gate::Open;
        }
        if now < self.next_probe {
            return Gate::Shut(wait::PAUSED, Some(self.next_probe));
        }
        self.probes = self.probes.saturating_add(1);
        self.next_probe = now + PROBE.wait(self.probes, 1.0);
        Gate::Probe
    }
}

/// Whether work is taken.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
    observer: Arc<dyn Observer>,
    vitals: Vitals,
    alerts: mpsc::UnboundedSender<String>,
}

impl Pause {
    /// The second part yields the reasons that people have to be told, each once.
    pub(crate) fn new(
        observer: Arc<dyn Observer>,
        vitals: Vitals,
    ) -> (Self, mpsc::UnboundedReceiver<String>) {
        let (alerts, inbox) = mpsc::unbounded_channel();
        let state = State {
            faults: BTreeMap::new(),
            told: None,
            told_at: BTreeMap::new(),
            worked_at: BTreeMap::new(),
            probes: 0,
            next_probe: Instant::now(),
            deferral: None,
            deferral_told: false,
            halted: false,
        };
        let pause = Self {
            state: Arc::new(Mutex::new(state)),
            changed: Arc::default(),
            observer,
            vitals,
            alerts,
        };
        (pause, inbox)
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
            if state.faults.is_empty() {
                state.probes = 0;
                state.next_probe = now + PROBE.wait(0, 1.0);
            }
            let why = why.to_owned();
            state.faults.insert(needed, Fault { why, met_at: now });
        }
        tracing::error!(
            { ERROR_CODE } = code,
            { ERROR_DETAIL } = why,
            "paused: no work is taken until this is mended"
        );
        self.tell_of_faults();
    }

    /// All work of a kind has to wait, and ends its wait by the clock. Said once, until something
    /// was judged again.
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
        tracing::warn!(
            { WAIT_NAME } = wait,
            { ERROR_CODE } = code,
            { RETRY_AFTER_MILLIS } = u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
            "no work is taken for a while"
        );
        self.observer.deferred(wait, after);
        if tell {
            self.alert(why.to_owned());
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

    /// Whether an operator has told all tasks to take no work.
    pub(crate) fn is_halted(&self) -> bool {
        self.lock().halted
    }

    /// A probe found no message to try: the next may be taken at once.
    pub(crate) fn nothing_probed(&self) {
        {
            let mut state = self.lock();
            state.probes = state.probes.saturating_sub(1);
            state.next_probe = Instant::now();
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
            state.worked_at.insert(needed, Instant::now());
            if needed == Needed::Judge {
                state.deferral_told = false;
            }
            if state.faults.is_empty() {
                return;
            }
            let before = state.faults.len();
            state
                .faults
                .retain(|of, fault| *of != needed && fault.met_at.elapsed() < FORGET);
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
            let gate = self.lock().gate(Instant::now());
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

    /// Whether and why we are paused. While one fault that people know of stands, others join it;
    /// when it is mended and others are not, people are told of one of those.
    fn tell_of_faults(&self) {
        let (why, again) = {
            let mut state = self.lock();
            let told = state.told;
            if told.is_some_and(|told| state.faults.contains_key(&told)) {
                return;
            }
            let next = state.faults.iter().next();
            let (of, why) = next.map(|(of, fault)| (*of, fault.why.clone())).unzip();
            state.told = of;
            let now = Instant::now();
            let before = of.and_then(|of| state.told_at.get(&of).copied());
            let again = before.is_some_and(|before| now - before < FORGET);
            if let Some(of) = of.filter(|_| !again) {
                state.told_at.insert(of, now);
            }
            (why, again)
        };
        if why.is_none() {
            tracing::info!("going on: what was wrong is mended");
        }
        self.observer.paused(why.as_deref());
        self.vitals.paused(why.clone());
        if let Some(why) = why.filter(|_| !again) {
            self.alert(why);
        }
        self.changed.notify_waiters();
    }

    fn alert(&self, why: String) {
        // Nobody listens only while the service ends.
        if self.alerts.send(why).is_err() {
            tracing::debug!("nobody is left to tell about the pause");
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Unobserved;

    struct Paused {
        pause: Pause,
        vitals: Vitals,
        pulse: Pulse,
        stop: CancellationToken,
    }

    fn pause() -> (Paused, mpsc::UnboundedReceiver<String>) {
        let vitals = Vitals::new();
        let (pause, alerts) = Pause::new(Arc::new(Unobserved), vitals.clone());
        let paused = Paused {
            pause,
            pulse: vitals.pulse(wait::POLL),
            vitals,
            stop: CancellationToken::new(),
        };
        (paused, alerts)
    }

    impl Paused {
        fn admit(&self) -> impl Future<Output = Option<u8>> {
            self.pause.admit(&self.pulse, &self.stop)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_alert_for_one_fault_and_probes_that_grow_rarer() {
        let (at, mut alerts) = pause();
        let begun = Instant::now();
        let fault = |at: &Paused| {
            at.pause
                .fault(Needed::Judge, "detector_unusable", "the model is gone");
        };
        fault(&at);
        let mut probes = Vec::new();
        for _probe in 0..8 {
            fault(&at);
            assert_eq!(at.admit().await, Some(1));
            probes.push(begun.elapsed().as_secs());
        }
        assert_eq!(probes, [5, 15, 35, 75, 155, 315, 615, 915]);
        assert_eq!(alerts.try_recv(), Ok("the model is gone".to_owned()));
        assert!(alerts.try_recv().is_err(), "people are told once");
        assert_eq!(
            at.vitals.snapshot().paused.as_deref(),
            Some("the model is gone")
        );
        at.pause.succeeded(Needed::Judge);
        assert_eq!(at.admit().await, None);
        assert_eq!(at.vitals.snapshot().paused, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_mending_wakes_who_waits() {
        let (at, _alerts) = pause();
        at.pause.fault(Needed::Reading, "gone", "gone");
        let waiting = at.admit();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(at.vitals.snapshot().wait, wait::PAUSED);
        at.pause.succeeded(Needed::Reading);
        assert_eq!(waiting.await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_works_mends_nothing_else_until_that_is_long_ago() {
        let (at, mut alerts) = pause();
        at.pause.fault(Needed::Carrier, "refused", "nobody is told");
        at.pause.fault(Needed::Records, "refused", "no records");
        at.pause.succeeded(Needed::Judge);
        assert_eq!(alerts.try_recv(), Ok("nobody is told".to_owned()));
        assert!(alerts.try_recv().is_err(), "one pause, one alert");
        at.pause.succeeded(Needed::Carrier);
        assert_eq!(alerts.try_recv(), Ok("no records".to_owned()));
        assert_eq!(at.admit().await, Some(1), "the other still stands");
        tokio::time::advance(FORGET).await;
        at.pause.succeeded(Needed::Judge);
        assert_eq!(at.admit().await, None, "nothing has met it for long");
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_comes_and_goes_is_not_told_each_time() {
        let (at, mut alerts) = pause();
        for _round in 0..20 {
            at.pause.fault(Needed::Records, "refused", "no records");
            at.pause.succeeded(Needed::Records);
        }
        assert!(alerts.try_recv().is_ok() && alerts.try_recv().is_err());
        tokio::time::advance(FORGET).await;
        at.pause.fault(Needed::Records, "refused", "no records");
        assert!(alerts.try_recv().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deferral_ends_by_the_clock_and_is_said_once() {
        let (at, mut alerts) = pause();
        let begun = Instant::now();
        for _message in 0..3 {
            let after = Duration::from_secs(7200);
            at.pause.defer("budget", "budget_spent", "spent", after);
        }
        let waiting = at.admit();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(at.vitals.snapshot().wait, "budget");
        at.pause.succeeded(Needed::Reading);
        assert_eq!(waiting.await, None);
        assert_eq!(begun.elapsed().as_secs(), 7200);
        let soon = Duration::from_millis(3);
        at.pause.defer("budget", "budget_spent", "spent", soon);
        assert_eq!(at.admit().await, None);
        assert_eq!(begun.elapsed().as_secs(), 7201, "never in tiny steps");
        assert_eq!(alerts.try_recv(), Ok("spent".to_owned()));
        assert!(alerts.try_recv().is_err(), "said once");
        at.pause.succeeded(Needed::Judge);
        at.pause.defer("budget", "budget_spent", "again", soon);
        assert_eq!(alerts.try_recv(), Ok("again".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_halt_stands_before_everything_else() {
        let (at, mut alerts) = pause();
        at.pause.halt(true);
        at.pause.fault(Needed::Queue, "gone", "gone");
        let waiting = at.admit();
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(at.vitals.snapshot().wait, wait::HALTED);
        assert!(at.vitals.snapshot().halted);
        at.pause.halt(false);
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(at.vitals.snapshot().wait, wait::PAUSED);
        assert_eq!(waiting.await, Some(1));
        assert!(alerts.try_recv().is_ok() && alerts.try_recv().is_err());
    }
}
