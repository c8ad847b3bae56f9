//! A carrier that follows a script, and remembers what it accepted.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;
use s3_warden::alert::{Alert, Notifier, NotifyError, PublicationId};
use tokio::time::Instant;

/// What the carrier does with one alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Accept,
    Fail,
    Refuse,
    Hang,
    Panic,
}

#[derive(Debug, Default)]
pub(crate) struct Carrier {
    /// At the end of the script everything is accepted.
    script: Mutex<VecDeque<Step>>,
    /// Alerts of this bucket hang for ever, whatever the script says.
    hangs_for: Option<&'static str>,
    /// Everything fails for ever.
    always: Option<Step>,
    accepted: Mutex<Vec<(Instant, Alert, PublicationId)>>,
    attempts: Mutex<Vec<Instant>>,
}

impl Carrier {
    pub(crate) fn following(script: impl IntoIterator<Item = Step>) -> Self {
        Self {
            script: Mutex::new(script.into_iter().collect()),
            ..Self::default()
        }
    }

    /// Does the same with everything, for ever.
    pub(crate) fn always(step: Step) -> Self {
        Self {
            always: Some(step),
            ..Self::default()
        }
    }

    /// Hangs for ever over the alerts of one bucket.
    pub(crate) fn hanging_for(bucket: &'static str) -> Self {
        Self {
            hangs_for: Some(bucket),
            ..Self::default()
        }
    }

    pub(crate) fn accepted(&self) -> Vec<(Instant, Alert, PublicationId)> {
        self.accepted.lock().unwrap().clone()
    }

    pub(crate) fn attempts(&self) -> Vec<Instant> {
        self.attempts.lock().unwrap().clone()
    }

    /// How many findings each accepted alert covered, in order.
    pub(crate) fn counts(&self) -> Vec<u64> {
        self.accepted()
            .iter()
            .map(|(_, alert, _)| alert.count)
            .collect()
    }
}

#[async_trait]
impl Notifier for Carrier {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        self.attempts.lock().unwrap().push(Instant::now());
        let next = self.script.lock().unwrap().pop_front();
        let mut step = self.always.or(next).unwrap_or(Step::Accept);
        if self.hangs_for.is_some() && alert.s3_bucket.as_deref() == self.hangs_for {
            step = Step::Hang;
        }
        match step {
            Step::Accept => {
                let mut accepted = self.accepted.lock().unwrap();
                let id = PublicationId(format!("p{}", accepted.len()));
                accepted.push((Instant::now(), alert.clone(), id.clone()));
                Ok(id)
            }
            Step::Fail => Err(NotifyError::Unavailable("scripted".to_owned())),
            Step::Refuse => Err(NotifyError::Refused("no permission".to_owned())),
            Step::Hang => std::future::pending().await,
            Step::Panic => panic!("scripted"),
        }
    }
}
