//! What the hand-made workflow costs that the service replaces: CloudTrail, EventBridge, Step
//! Functions, a summary by a model, Lambda with a second call about the picture, a delete, and a mail
//! about every upload.
//!
//! It is a sketch of such workflows and no measurement. Where it was not clear what one needs, the
//! smaller number was taken.

use super::{Basis, Bill, Item, Workload};
use crate::model::{Prices, Tokens};

/// States that are entered for each upload: summary, reading it, choice (a picture?), check of the
/// picture, choice (personal data?), message. Where something is deleted, one more.
pub const TRANSITIONS: f64 = 6.0;

/// The record of CloudTrail and the prompt about it, in bytes, and the tokens of the summary.
pub(super) const SUMMARY_BYTES: usize = 3_000;
/// Tokens of the summary, title and level included.
pub(super) const SUMMARY_TOKENS: u64 = 300;

/// The prompt about the picture, in bytes, and the tokens of `true` or `false` in JSON.
pub(super) const CHECK_BYTES: usize = 300;
/// Tokens of `true` or `false` in JSON.
pub(super) const CHECK_TOKENS: u64 = 10;

/// The function that reads the picture and waits for the model: memory in GB, and seconds.
pub(super) const FUNCTION: (f64, f64) = (0.5, 2.0);

/// What a call of the function logs (its own lines, and those of Lambda), in bytes.
pub(super) const LOG_BYTES: f64 = 500.0;

/// What it costs for a workload. It stands by for nothing.
pub fn workflow(work: &Workload, basis: Basis<'_>) -> Bill {
    let rates = basis.rates;
    let text = Prices::text_tokens;
    let (width, height) = work.pixels;
    let picture = basis.prices.of(&work.model).images.tokens(width, height);
    let tokens = Tokens {
        input: text(SUMMARY_BYTES) + text(CHECK_BYTES) + picture,
        output: SUMMARY_TOKENS + CHECK_TOKENS,
    };
    let (gb, seconds) = FUNCTION;
    let each = vec![
        (Item::Model, basis.prices.usd(&work.model, tokens)),
        (
            Item::Queue,
            rates.cloudtrail_data_event.of(1.0) + rates.eventbridge_event.of(1.0),
        ),
        (
            Item::Steps,
            rates.step_transition.of(TRANSITIONS + work.flagged),
        ),
        (Item::Storage, rates.s3_get.of(1.0)),
        (
            Item::Compute,
            rates.lambda_request.of(1.0) + rates.lambda_gb_second.of(gb * seconds),
        ),
        (
            Item::Alerts,
            rates.sns_publish.of(1.0) + rates.sns_mail.of(work.mails.into()),
        ),
        (Item::Logs, rates.logs_gb.of(LOG_BYTES / 1e9)),
    ];
    Bill { each, standby: 0.0 }
}
