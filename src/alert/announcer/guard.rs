//! The storm guard of one task: it takes a turn of the fleet before each publish.
//!
//! While the turns cannot be had, the task goes on by its own share of the rate, evenly spaced:
//! alerts that come slowly are better than none. The share is that of one task of as many as the
//! settings say or as were seen to take turns, whichever are more, so that the shares of all keep to
//! the rate, also to ten in a second; each begins at a random moment, so that tasks that lost the
//! turns together do not publish together. What is sent so is not among the fleet's turns: for a
//! minute after they are lost, and once more after they are back, the fleet may publish up to twice
//! what it may. More tasks than either number says publish more.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, timeout};

use crate::alert::{AlertSettings, PER_SECOND, Turn, Turns};
use crate::record::LedgerError;
use crate::retry::{Jitter, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// Turns that have not answered by then have failed: alerts wait while they are asked.
const ASK: Duration = Duration::from_secs(10);

/// Turns that failed are asked again after this; in between nobody waits for them.
const ALONE: Duration = Duration::from_secs(30);

/// A minute, of which a share of the rate is a part.
const MINUTE: Duration = Duration::from_secs(60);

pub(super) struct StormGuard {
    turns: Arc<dyn Turns>,
    per_minute: u32,
    fleet_size: NonZeroU32,
    jitter: Jitter,
    asking: Option<BoxFuture<'static, Result<Turn, LedgerError>>>,
    /// A turn is in hand.
    granted: bool,
    /// Nothing is asked before.
    not_before: Option<Instant>,
    /// The turns have failed, and the task goes by its share.
    alone: Option<Alone>,
    /// When the newest publish began.
    last: Option<Instant>,
    /// The failure was said.
    said: bool,
}

/// A task that is left to itself.
#[derive(Clone, Copy, Debug)]
struct Alone {
    /// Until then nobody asks for turns.
    until: Instant,
    /// It publishes nothing before: a random part of the gap after the turns were lost.
    from: Instant,
    /// Between two publishes.
    gap: Duration,
}

impl StormGuard {
    pub(super) fn new(
        turns: Arc<dyn Turns>,
        settings: &AlertSettings,
        fleet_size: NonZeroU32,
        jitter: Jitter,
    ) -> Self {
        Self {
            turns,
            per_minute: settings.max_per_minute.max(1),
            fleet_size,
            jitter,
            asking: None,
            granted: false,
            not_before: None,
            alone: None,
            last: None,
            said: false,
        }
    }

    /// Something is due: tries to get a turn for it.
    pub(super) fn want(&mut self, now: Instant) {
        if self.granted || self.asking.is_some() || self.not_before.is_some_and(|at| now < at) {
            return;
        }
        self.not_before = None;
        if let Some(alone) = self.alone.filter(|alone| now < alone.until) {
            let next = self
                .last
                .map_or(alone.from, |last| alone.from.max(last + alone.gap));
            self.granted = next <= now;
            self.not_before = (!self.granted).then_some(next);
            return;
        }
        let turns = Arc::clone(&self.turns);
        self.asking = Some(Box::pin(async move {
            match timeout(ASK, turns.take()).await {
                Ok(answer) => answer,
                Err(_) => Err(LedgerError::Unavailable(format!(
                    "no turn within {} s",
                    ASK.as_secs()
                ))),
            }
        }));
    }

    pub(super) const fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Waits for what is asked; for ever when nothing is. Dropping it loses nothing.
    pub(super) async fn answer(&mut self) -> Result<Turn, LedgerError> {
        let Some(asking) = &mut self.asking else {
            return std::future::pending().await;
        };
        let answer = asking.await;
        self.asking = None;
        answer
    }

    /// Takes in what the turns have answered.
    pub(super) fn hear(&mut self, answer: Result<Turn, LedgerError>, now: Instant) {
        match answer {
            Ok(turn) => {
                if std::mem::replace(&mut self.said, false) {
                    tracing::info!("the fleet's turns at alerts are kept again");
                }
                self.alone = None;
                match turn {
                    Turn::Now => self.granted = true,
                    Turn::Wait(wait) => self.not_before = Some(now + wait),
                }
            }
            Err(error) => {
                self.go_alone(now);
                if !std::mem::replace(&mut self.said, true) {
                    tracing::warn!(
                        { ERROR_CODE } = error.code(),
                        { ERROR_DETAIL } = %error,
                        "the fleet's turns at alerts are not to be had: this task goes on by its \
                         share of alerts.max_per_minute"
                    );
                }
            }
        }
    }

    /// The moment to begin is chosen once, when the turns are lost: chosen at each failure, it would
    /// move away again and again.
    fn go_alone(&mut self, now: Instant) {
        let seen = u32::try_from(self.turns.takers()).unwrap_or(u32::MAX);
        let fleet = f64::from(self.fleet_size.get().max(seen));
        let minute = MINUTE.as_secs_f64() / f64::from(self.per_minute);
        let second = 1.0 / PER_SECOND as f64;
        let gap = Duration::from_secs_f64(fleet * minute.max(second));
        let from = self.alone.map(|alone| alone.from);
        self.alone = Some(Alone {
            until: now + ALONE,
            from: from.unwrap_or_else(|| now + gap.mul_f64(self.jitter.unit())),
            gap,
        });
    }

    /// Uses the turn in hand, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let taken = std::mem::take(&mut self.granted);
        if taken {
            self.last = Some(now);
        }
        taken
    }

    /// A turn that nobody wants any more is spent: used later, it would be one too many there.
    pub(super) fn drop_turn(&mut self) {
        self.granted = false;
    }

    /// Until when nothing is asked.
    pub(super) const fn not_before(&self) -> Option<Instant> {
        self.not_before
    }
}
