//! What people are told of the service itself: that it is paused, that the money of the day is
//! spent, that the breaker has opened.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::ports::Parts;
use crate::alert::{Alert, AlertSettings, Stopped, TellError};
use crate::retry::{Reaction, Reacts};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// The wait whose end is the next day's money.
const BUDGET: &str = "budget";

/// Something that people have to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    /// This work is not taken until somebody acts, for this reason.
    Paused { stopped: Stopped, why: String },
    /// The money of the day is spent: uploads wait until then.
    BudgetSpent { until: Instant },
    /// The breaker of the fleet has opened here.
    BreakerOpen,
}

impl Notice {
    /// What is said when uploads are put off.
    pub(crate) fn of_deferral(wait: &'static str, why: &str, until: Instant) -> Self {
        match wait {
            BUDGET => Self::BudgetSpent { until },
            _ => Self::Paused {
                stopped: Stopped::Uploads,
                why: why.to_owned(),
            },
        }
    }
}

/// Tells people. What stops the work may stop alerts as well (both need credentials), so each notice
/// is handed over again until it is accepted: the announcer waits in between.
pub(crate) async fn tell(
    parts: Arc<Parts>,
    wording: Wording,
    mut inbox: mpsc::UnboundedReceiver<Notice>,
) {
    while let Some(notice) = inbox.recv().await {
        let mut said = false;
        let alert = wording.alert(&notice, &parts);
        while let Err(error) = parts.announcer.announce(alert.clone()).await {
            if error.reaction() == Reaction::Drop || error == TellError::Stopped {
                break;
            }
            if !std::mem::replace(&mut said, true) {
                tracing::warn!(
                    { ERROR_CODE } = error.code(),
                    { ERROR_DETAIL } = %error,
                    "nobody is told how the service stands yet, tried again"
                );
            }
        }
    }
}

/// What the texts of notices hang on.
#[derive(Clone, Debug)]
pub(crate) struct Wording {
    pub(crate) alerts: AlertSettings,
    /// The money of a day, in US dollars.
    pub(crate) usd_per_day: Option<f64>,
}

impl Wording {
    fn alert(&self, notice: &Notice, parts: &Parts) -> Alert {
        let now = parts.clock.now();
        let events_apart = parts.events.is_some();
        match notice {
            Notice::Paused { stopped, why } => {
                // Without a queue of their own nobody may have asked for events at all.
                let stopped = if events_apart {
                    *stopped
                } else {
                    Stopped::Uploads
                };
                Alert::paused(stopped, why, now, &self.alerts)
            }
            Notice::BudgetSpent { until } => {
                let left = until.saturating_duration_since(Instant::now());
                let until = now.checked_add(left).unwrap_or(now);
                let budget = (self.usd_per_day, events_apart);
                Alert::budget_spent(budget, until, now, &self.alerts)
            }
            Notice::BreakerOpen => {
                let status = parts.breaker.status();
                let since = status.open_since.unwrap_or(now);
                Alert::breaker_open(status.limit.get(), since, &self.alerts)
            }
        }
    }
}
