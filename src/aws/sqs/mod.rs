//! A standard queue of Amazon SQS.
//!
//! [`SqsQueue::open`] asks the queue what it is before the first message is taken, so that what is
//! wrong with it is said at the start and not by the first upload. FIFO queues are refused: S3 does
//! not send to them, and one slow picture would hold up all messages of its group.

mod batch;
mod dead_letters;
mod open;
mod park;
mod receive;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_smithy_types::timeout::TimeoutConfig;

pub use dead_letters::SqsDeadLetters;

use super::fault::Fault;
use crate::event::{Delivery, EntryError, Overflow, Queue, QueueError, Receipt};
use crate::retry::{Jitter, Reason};

/// Everything but a poll is answered in milliseconds. The SDK asks up to three times; longer than
/// this together, and the heartbeat of all leases would wait for one lost answer.
const SHORT_ATTEMPT: Duration = Duration::from_secs(5);
const SHORT_OPERATION: Duration = Duration::from_secs(12);

/// The longest visibility (API reference, `ChangeMessageVisibility`).
const LONGEST_VISIBILITY: Duration = Duration::from_secs(43_200);

/// The largest message with its attributes (API reference, `SendMessage`), in bytes.
const LARGEST_MESSAGE: usize = 1_048_576;

/// How often a message was sent back from the dead-letter queue, as an attribute of the message.
const REDRIVEN: &str = "redriven";

/// The type of all our attributes.
const STRING: &str = "String";

/// A queue of Amazon SQS.
#[derive(Debug)]
pub struct SqsQueue {
    client: aws_sdk_sqs::Client,
    url: String,
    arn: String,
    visibility: Duration,
    max_receives: Option<u32>,
    dead_letters: Option<DeadLetters>,
    overflow: Option<Arc<dyn Overflow>>,
    jitter: Jitter,
}

/// The queue for what cannot be worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DeadLetters {
    url: String,
    /// The largest message that it takes, attributes included, in bytes.
    largest: usize,
}

impl SqsQueue {
    /// Puts what is too big for the dead-letter queue there; without it such a message cannot be
    /// parked and stays in the queue.
    #[must_use]
    pub fn with_overflow(mut self, overflow: Arc<dyn Overflow>) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// The URL of the queue.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of the dead-letter queue, where there is one.
    pub fn dead_letter_url(&self) -> Option<&str> {
        Some(&self.dead_letters.as_ref()?.url)
    }
}

#[async_trait]
impl Queue for SqsQueue {
    /// A poll takes whole seconds, at most 20: `wait` is rounded up and cut.
    async fn receive(&self, max: u8, wait: Duration) -> Result<Vec<Delivery>, QueueError> {
        self.receive_some(max, wait).await
    }

    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>> {
        self.extend_all(entries).await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>> {
        self.ack_all(receipts).await
    }

    /// Without a dead-letter queue nothing can be parked: the error names the remedy, and the
    /// message stays in the queue until it is given one or the message's retention ends.
    async fn park(&self, delivery: &Delivery, reason: &Reason) -> Result<(), QueueError> {
        self.park_one(delivery, reason).await
    }

    fn visibility(&self) -> Duration {
        self.visibility
    }

    fn max_receives(&self) -> Option<u32> {
        self.max_receives
    }
}

/// Whole seconds, rounded up: a lease may be longer than was asked, never shorter.
fn whole_seconds(duration: Duration, most: Duration) -> i32 {
    let seconds = duration.as_millis().div_ceil(1000);
    let seconds = seconds.min(most.as_secs().into());
    i32::try_from(seconds).expect("SQS knows no times above 43,200 s")
}

/// The configuration of every call but the poll.
fn short() -> aws_sdk_sqs::config::Builder {
    aws_sdk_sqs::Config::builder().timeout_config(
        TimeoutConfig::builder()
            .operation_attempt_timeout(SHORT_ATTEMPT)
            .operation_timeout(SHORT_OPERATION)
            .build(),
    )
}

impl From<Fault> for QueueError {
    fn from(fault: Fault) -> Self {
        if fault.is_passing() {
            Self::Unavailable(fault.sentence())
        } else {
            Self::Refused(refusal(&fault))
        }
    }
}

/// Why no call will succeed until somebody acts, with the remedy.
fn refusal(fault: &Fault) -> String {
    let sentence = fault.sentence();
    let remedy = match fault {
        Fault::Answer { code, .. } if is_missing(code) => {
            "; no such queue in this account and region: check the queue's URL and AWS_REGION"
        }
        Fault::Answer { code, .. } if code.to_ascii_lowercase().starts_with("kms") => {
            "; the queue's KMS key cannot be used: enable it, and let our role use it \
             (kms:Decrypt, kms:GenerateDataKey)"
        }
        _ => "",
    };
    format!("{sentence}{remedy}")
}

fn is_missing(code: &str) -> bool {
    [
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
    ]
    .contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds_rounded_up_and_bounded() {
        let check = |millis, most, expected| {
            let most = Duration::from_secs(most);
            let seconds = whole_seconds(Duration::from_millis(millis), most);
            assert_eq!(seconds, expected, "{millis} ms");
        };
        check(0, 20, 0);
        check(1, 20, 1);
        check(1_000, 20, 1);
        check(1_001, 20, 2);
        check(3_600_000, 20, 20);
        let longest = whole_seconds(Duration::MAX, LONGEST_VISIBILITY);
        assert_eq!(longest, 43_200);
    }
}
