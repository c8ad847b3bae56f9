//! Tells what calls do, and puts their price to their tokens.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::model::{Answered, Meter, Model, ModelError, ModelReply, ModelRequest, Prices};
use crate::retry::Reacts;

/// A decorator that tells a [`Meter`] of every call and fills in `Usage::usd`.
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn Model>,
    prices: Arc<Prices>,
    meter: Arc<dyn Meter>,
}

impl Metered {
    /// Meters a model.
    pub fn new(inner: Arc<dyn Model>, prices: Arc<Prices>, meter: Arc<dyn Meter>) -> Self {
        Self {
            inner,
            prices,
            meter,
        }
    }
}

/// Tells that a call was abandoned, unless it ended before.
struct UnderWay<'a> {
    meter: &'a dyn Meter,
    model: &'a str,
    ended: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.meter.abandoned(self.model);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Model for Metered {
    async fn converse(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let model = request.model.as_str();
        let meter = self.meter.as_ref();
        let started = Instant::now();
        meter.started(model);
        let mut under_way = UnderWay {
            meter,
            model,
            ended: false,
        };
        let mut answer = self.inner.converse(request).await;
        under_way.ended = true;
        match &mut answer {
            Ok(reply) => {
                reply.usage.usd = self.prices.usd(model, reply.usage.tokens);
                meter.finished(&Answered {
                    model,
                    latency: started.elapsed(),
                    usage: reply.usage,
                });
            }
            Err(ModelError::Throttled { .. }) => meter.throttled(model),
            Err(error) => meter.failed(model, error.code()),
        }
        answer
    }
}
