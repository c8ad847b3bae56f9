//! Not more calls and tokens in a minute than the account may have.
//!
//! A service that counts tokens counts what a call *may* use when it starts, and what it has used
//! when it ends (Amazon Bedrock User Guide, "Token burndown"). So a call takes its estimate out of
//! a bucket before it starts: the input, and the larger of the longest answer and the expected one
//! times the burndown factor. Afterwards the difference to the service's own count is settled.
//!
//! The limits are the account's; each task gets its share by the size of the fleet. A bucket holds
//! ten seconds' worth, or the largest call where that is more: a full minute's worth would let two
//! minutes' worth through in the first one.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::bucket::Bucket;
use crate::model::{
    Meter, Model, ModelError, ModelReply, ModelRequest, ModelSettings, Prices, Tokens, waiting,
};

/// The name of this wait, as health and metrics show it.
const WAIT: &str = "model_pace";

/// A bucket holds the supply of this part of a minute.
const BURST_PART: f64 = 6.0;

/// The part of the longest answer that is expected before anything is known.
const FIRST_GUESS: f64 = 0.25;

/// How much a new answer moves the expectation.
const LEARNING: f64 = 0.1;

/// A decorator that holds calls back until the limits of the account have room for them.
#[derive(Debug)]
pub struct Paced {
    inner: Arc<dyn Model>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    prices: Arc<Prices>,
    meter: Arc<dyn Meter>,
    /// The part of `max_tokens` that answers use.
    expected: Mutex<f64>,
}

/// A limit is too small to let every call through.
#[derive(Debug, thiserror::Error)]
#[error(
    "model.tokens_per_minute gives each of {fleet_size} tasks {share} tokens a minute, and one call may take {largest}; raise it to the account's quota, set 0 for no limit, or lower object.max_tiles, object.max_edge or model.max_tokens"
)]
pub struct PaceError {
    fleet_size: u32,
    share: u64,
    largest: u64,
}

impl Paced {
    /// Limits a model as the settings say, for one task of `fleet_size`. `largest` is the most
    /// tokens of quota that one call can take, see
    /// [`Prices::largest_request`](crate::model::Prices::largest_request).
    ///
    /// # Errors
    /// A call of `largest` tokens would never fit. The text names the remedy.
    pub fn new(
        inner: Arc<dyn Model>,
        settings: &ModelSettings,
        fleet_size: NonZeroU32,
        largest: u64,
        prices: Arc<Prices>,
        meter: Arc<dyn Meter>,
    ) -> Result<Self, PaceError> {
        let share = |limit: NonZeroU32| f64::from(limit.get()) / f64::from(fleet_size.get());
        let tokens = settings.tokens_per_minute.map(share);
        if let Some(share) = tokens
            && share < largest as f64
        {
            return Err(PaceError {
                fleet_size: fleet_size.get(),
                share: share as u64,
                largest,
            });
        }
        Ok(Self {
            inner,
            requests: settings
                .requests_per_minute
                .map(|limit| bucket(share(limit), 1)),
            tokens: tokens.map(|share| bucket(share, largest)),
            prices,
            meter,
            expected: Mutex::new(FIRST_GUESS),
        })
    }

    /// What a call takes out of the bucket before it starts.
    fn reservation(&self, request: &ModelRequest) -> u64 {
        let longest = f64::from(request.max_tokens);
        let burndown = f64::from(self.prices.of(&request.model).burndown);
        let expected = *self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let output = longest.max(longest * expected * burndown);
        self.prices.input_tokens(request) + output as u64
    }

    /// What it has used up.
    fn used(&self, request: &ModelRequest, tokens: Tokens) -> u64 {
        let burndown = u64::from(self.prices.of(&request.model).burndown);
        tokens.input + tokens.output.saturating_mul(burndown)
    }

    fn learn(&self, request: &ModelRequest, tokens: Tokens) {
        let part = tokens.output as f64 / f64::from(request.max_tokens.max(1));
        let mut expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        *expected += LEARNING * (part.min(1.0) - *expected);
    }
}

/// A bucket for a share of a minute's limit that holds one call of `largest` at least.
fn bucket(per_minute: f64, largest: u64) -> Bucket {
    let burst = ((per_minute / BURST_PART) as u64).max(largest).max(1);
    let burst = u32::try_from(burst).unwrap_or(u32::MAX);
    Bucket::new(
        per_minute,
        NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN),
    )
}

/// Tokens out of a bucket, settled at the end, also when nobody waits for it.
struct Taken<'a> {
    bucket: &'a Bucket,
    amount: u64,
    used: u64,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.bucket.settle(self.amount, self.used);
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Model for Paced {
    async fn converse(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let reserved = self.reservation(request);
        let held = async {
            let taken = match &self.tokens {
                Some(bucket) => {
                    bucket.take(reserved).await;
                    Some(Taken {
                        bucket,
                        amount: reserved,
                        used: 0,
                    })
                }
                None => None,
            };
            if let Some(requests) = &self.requests {
                requests.take(1).await;
            }
            taken
        };
        let (mut taken, waited) = waiting(held).await;
        self.meter.waited(WAIT, waited);
        if let Some(taken) = &mut taken {
            // From here on it may be used, whether or not somebody waits for the answer.
            taken.used = reserved;
        }
        let answer = self.inner.converse(request).await;
        let used = match &answer {
            Ok(reply) => {
                self.learn(request, reply.usage.tokens);
                self.used(request, reply.usage.tokens)
            }
            // Nobody has read it.
            Err(
                ModelError::Throttled { .. }
                | ModelError::Rejected { .. }
                | ModelError::Unusable { .. }
                | ModelError::Locked(_)
                | ModelError::Spent { .. },
            ) => 0,
            // Somebody may still be reading it.
            Err(ModelError::Unavailable(_)) => reserved,
        };
        if let Some(taken) = &mut taken {
            taken.used = used;
        }
        answer
    }
}
