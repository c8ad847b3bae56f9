//! As many calls as the service takes, without knowing how many that is.
//!
//! Quotas are shared with whoever else uses the account, and change. What is held is the rate at
//! which calls *start*: a service that is slow to answer needs more calls under way, not fewer, so
//! concurrency is only a ceiling. A throttled call is an error; whoever asked tries again, through
//! this limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::time::Instant;

use super::aimd::Aimd;
use crate::model::{Meter, Model, ModelError, ModelReply, ModelRequest, waiting};

/// The name of this wait, as health and metrics show it.
const WAIT: &str = "model_throttle";

/// A decorator that starts calls at a rate that falls when the service throttles.
#[derive(Debug)]
pub struct Adaptive {
    inner: Arc<dyn Model>,
    rate: Mutex<Aimd>,
    /// Held by the one whose turn it is.
    front: tokio::sync::Mutex<()>,
    meter: Arc<dyn Meter>,
}

impl Adaptive {
    /// Nothing is held back before the first throttling.
    pub fn new(inner: Arc<dyn Model>, meter: Arc<dyn Meter>) -> Self {
        Self {
            inner,
            rate: Mutex::new(Aimd::new(Instant::now())),
            front: tokio::sync::Mutex::default(),
            meter,
        }
    }

    /// Waits for the turn and takes it; answers when that was. Cancel safe: a turn that is not
    /// taken is not lost.
    async fn turn(&self) -> Instant {
        let _front = self.front.lock().await;
        loop {
            let now = Instant::now();
            let wait = {
                let mut rate = self.lock();
                let wait = rate.wait(now);
                if wait.is_zero() {
                    rate.started(now);
                    return now;
                }
                wait
            };
            // The rate may be another one when this has passed.
            tokio::time::sleep(wait).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Aimd> {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Model for Adaptive {
    async fn converse(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let (started, waited) = waiting(self.turn()).await;
        self.meter.waited(WAIT, waited);
        let answer = self.inner.converse(request).await;
        let now = Instant::now();
        let mut rate = self.lock();
        if let Err(ModelError::Throttled { after }) = &answer {
            rate.throttled(started, *after, now);
        }
        let per_second = rate.rate(now);
        drop(rate);
        self.meter.start_rate(per_second);
        answer
    }
}
