//! What the service costs.

use super::{ANSWER_TOKENS, Basis, Bill, Item, Tasks, Workload};
use crate::model::Tokens;
use crate::object::shown_sizes;
use crate::verdict::ask::ModelDetector;

/// How often AWS is asked for something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requests {
    /// Of SQS.
    pub sqs: f64,
    /// Of S3, as dear as a PUT.
    pub put: f64,
    /// Of S3, as dear as a GET.
    pub get: f64,
    /// Publishes to SNS.
    pub publish: f64,
    /// Bytes that are logged.
    pub log_bytes: f64,
}

/// For every picture, as measured under load.
///
/// `sqs`: the notification that S3 sends, 0.10 polls and 0.11 batches of removals, each of which
/// brings ten; `get` is the picture; `put` the batched records of clean ones, about 500 in one.
/// Nothing is logged of a single picture unless something is wrong.
pub const PER_PICTURE: Requests = Requests {
    sqs: 1.21,
    put: 0.002,
    get: 1.0,
    publish: 0.0,
    log_bytes: 0.0,
};

/// For a flagged picture beside that.
///
/// Intent, pending mark and two advances of the finding are
/// written; the ledger is read before the act, and of the exposure of bucket and object four things
/// are asked; the removal, and that of the pending mark, are free. Its alert is published by itself;
/// in a burst many share one. The log has a few lines.
pub const FLAGGED: Requests = Requests {
    sqs: 0.0,
    put: 4.0,
    get: 5.0,
    publish: 1.0,
    log_bytes: 2_000.0,
};

/// Processor time of a picture, measured, in seconds.
pub(super) const CPU_SECONDS: f64 = 0.015;

/// A poll that brings nothing waits so many seconds (`queue.wait_seconds`).
const IDLE_POLL_SECONDS: f64 = 20.0;

/// What a task logs in a minute without work: its vitals.
const IDLE_LOG_BYTES: f64 = 600.0;

const SECONDS_PER_DAY: f64 = 86_400.0;

/// What the service costs for a workload.
pub fn service(work: &Workload, basis: Basis<'_>) -> Bill {
    let rates = basis.rates;
    let tokens = tokens(work, basis);
    let flagged = |each: fn(&Requests) -> f64| each(&PER_PICTURE) + work.flagged * each(&FLAGGED);
    let publishes = flagged(|requests| requests.publish);
    let mails = publishes * f64::from(work.mails);
    let hour = an_hour(&work.tasks, basis);
    let worked = CPU_SECONDS / 3_600.0 / work.tasks.vcpu;
    let gigabyte = 1e9;
    let each = vec![
        (Item::Model, basis.prices.usd(&work.model, tokens)),
        (
            Item::Queue,
            rates.sqs_request.of(flagged(|requests| requests.sqs)),
        ),
        (
            Item::Storage,
            rates.s3_put.of(flagged(|requests| requests.put))
                + rates.s3_get.of(flagged(|requests| requests.get)),
        ),
        (Item::Compute, hour * worked),
        (
            Item::Alerts,
            rates.sns_publish.of(publishes) + rates.sns_mail.of(mails),
        ),
        (
            Item::Logs,
            rates
                .logs_gb
                .of(flagged(|requests| requests.log_bytes) / gigabyte),
        ),
    ];
    let seconds = f64::from(work.days) * SECONDS_PER_DAY * f64::from(work.tasks.count);
    let busy = worked * 3_600.0 * work.images as f64;
    let idle = (seconds - busy).max(0.0);
    let standby = hour * idle / 3_600.0
        + rates.sqs_request.of(idle / IDLE_POLL_SECONDS)
        + rates.logs_gb.of(seconds / 60.0 * IDLE_LOG_BYTES / gigabyte);
    Bill { each, standby }
}

/// The tokens of one look, by the estimate that the limits use.
pub fn tokens(work: &Workload, basis: Basis<'_>) -> Tokens {
    let (width, height) = work.pixels;
    let shown = shown_sizes(width, height, basis.limits);
    Tokens {
        input: ModelDetector::question_tokens(basis.prices, &work.model, &shown),
        output: ANSWER_TOKENS,
    }
}

/// One task for an hour.
fn an_hour(tasks: &Tasks, basis: Basis<'_>) -> f64 {
    let rates = basis.rates;
    let (vcpu, gb) = match tasks.arm {
        true => (&rates.fargate_arm_vcpu, &rates.fargate_arm_gb),
        false => (&rates.fargate_x86_vcpu, &rates.fargate_x86_gb),
    };
    vcpu.of(tasks.vcpu) + gb.of(tasks.gb)
}
