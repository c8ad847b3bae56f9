//! A fatal fault does not end the service: it pauses, says so once, and probes.
//!
//! Credentials that expired or a judge that is gone fail every message alike. Going on would burn
//! the receives of good messages; exiting would only restart into the same fault. So polling stops
//! and one alert is sent. Messages in hand stay in hand and are tried again after a growing wait;
//! beside them a single message is taken as a probe. The first success ends the pause.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ports::Observer;
use crate::retry::Backoff;

/// Probes start after 5 s and settle at one in 5 min: often enough to notice the mending, rarely
/// enough not to burn a message's receives while nobody has acted.
pub(crate) const PROBE: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_secs(300));

#[derive(Debug)]
struct Fault {
    probes: u32,
    next_probe: Instant,
}

impl Fault {
    /// Takes the probe that is due, or says when one will be. Who takes it sets the next, so that
    /// there is one at a time however long it takes.
    fn take_probe(&mut self) -> Result<(), Instant> {
        let now = Instant::now();
        if now < self.next_probe {
            return Err(self.next_probe);
        }
        self.probes = self.probes.saturating_add(1);
        self.next_probe = now + PROBE.wait(self.probes, 1.0);
        Ok(())
    }
}

/// Whether work is taken.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    fault: Arc<Mutex<Option<Fault>>>,
    changed: Arc<Notify>,
    observer: Arc<dyn Observer>,
    alerts: mpsc::UnboundedSender<String>,
}

impl Pause {
    /// The second part yields, once per fault, the reason that people have to be told.
    pub(crate) fn new(observer: Arc<dyn Observer>) -> (Self, mpsc::UnboundedReceiver<String>) {
        let (alerts, inbox) = mpsc::unbounded_channel();
        (
            Self {
                fault: Arc::default(),
                changed: Arc::default(),
                observer,
                alerts,
            },
            inbox,
        )
    }

    /// Something fails for every message alike. What else fails of it, be it work that had begun
    /// before or a probe, is the same fault: the next probe is set already.
    pub(crate) fn fault(&self, code: &'static str, why: &str) {
        {
            let mut fault = self.lock();
            if fault.is_some() {
                return;
            }
            *fault = Some(Fault {
                probes: 0,
                next_probe: Instant::now() + PROBE.wait(0, 1.0),
            });
        }
        tracing::error!(
            error.code = code,
            why,
            "paused: no work is taken until this is mended"
        );
        self.observer.paused(Some(why));
        // Nobody listens only while the service ends.
        if self.alerts.send(why.to_owned()).is_err() {
            tracing::debug!("nobody is left to tell about the pause");
        }
        self.changed.notify_waiters();
    }

    /// A probe found no message to try: the next may be taken at once.
    pub(crate) fn nothing_probed(&self) {
        if let Some(fault) = self.lock().as_mut() {
            fault.probes = fault.probes.saturating_sub(1);
            fault.next_probe = Instant::now();
        }
        self.changed.notify_waiters();
    }

    /// A piece of work came to its end: whatever was wrong is mended.
    pub(crate) fn succeeded(&self) {
        let ended = self.lock().take();
        if ended.is_some() {
            tracing::info!("going on: work succeeds again");
            self.observer.paused(None);
            self.changed.notify_waiters();
        }
    }

    /// Waits until work may be taken, and says how much: `None` is no limit, `Some(1)` a probe.
    pub(crate) async fn admit(&self, stop: &CancellationToken) -> Option<u8> {
        loop {
            let changed = self.changed.notified();
            let next_probe = match self.lock().as_mut() {
                None => return None,
                Some(fault) => match fault.take_probe() {
                    Ok(()) => return Some(1),
                    Err(next_probe) => next_probe,
                },
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(next_probe) => {}
                () = stop.cancelled() => return Some(1),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::Unobserved;

    #[tokio::test(start_paused = true)]
    async fn one_alert_for_one_fault_and_probes_that_grow_rarer() {
        let (pause, mut alerts) = Pause::new(Arc::new(Unobserved));
        let (stop, begun) = (CancellationToken::new(), Instant::now());
        pause.fault("detector_unusable", "the model is gone");
        let mut probes = Vec::new();
        for _probe in 0..8 {
            pause.fault("detector_unusable", "the model is gone");
            assert_eq!(pause.admit(&stop).await, Some(1));
            probes.push(begun.elapsed().as_secs());
        }
        assert_eq!(probes, [5, 15, 35, 75, 155, 315, 615, 915]);
        assert_eq!(alerts.try_recv(), Ok("the model is gone".to_owned()));
        assert!(alerts.try_recv().is_err(), "people are told once");
        pause.succeeded();
        assert_eq!(pause.admit(&stop).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_success_wakes_who_waits() {
        let (pause, _alerts) = Pause::new(Arc::new(Unobserved));
        let stop = CancellationToken::new();
        pause.fault("gone", "gone");
        let waiting = pause.admit(&stop);
        tokio::pin!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        pause.succeeded();
        assert_eq!(waiting.await, None);
    }
}
