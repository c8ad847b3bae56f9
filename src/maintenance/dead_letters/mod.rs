//! Dead letters: looked at without being touched, and sent back once their cause is mended.
//!
//! A queue has no way to look at a message without receiving it. So whoever looks holds everything
//! until the end, which is how each message is seen once, and then gives it all back ([`Hold`]).
//! Whoever sends back asks first whether the worker could use the message now ([`check()`]): what it
//! would only park again stays where it is. A message is sent before it is removed, so that the
//! worst that a kill can do is to leave a message twice; findings are known by their object and not
//! by their message, so that a duplicate removes and tells nothing twice.

mod check;
mod hold;
mod letter;
mod list;
mod redrive;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

pub use check::{Checked, Rules, Stay, check};
pub use hold::{Ended, Hold, MOST_HELD};
pub use letter::{About, Letter, MOVED_BY_SQS, Named, Wanted};
pub use list::{Listed, list};
pub use redrive::{Fate, Order, Redriven, redrive};

use crate::event::{Body, EntryError, MessageId, ParkedPointer, QueueError, Receipt};

/// A queue whose messages end in a dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its ARN, as parked messages name it.
    pub arn: String,
    /// Its URL.
    pub url: String,
}

/// A message in a dead-letter queue, as it was received.
#[derive(Clone, Debug)]
pub struct Parked {
    /// The message, as the dead-letter queue knows it.
    pub id: MessageId,
    /// This receive of it.
    pub receipt: Receipt,
    /// What lies there: the message itself, or a pointer to it.
    pub body: Body,
    /// The code of the worker's reason; `None` where SQS moved the message by itself.
    pub reason: Option<String>,
    /// The worker's sentence about it.
    pub error: Option<String>,
    /// When the message was first sent, as the worker noted it.
    pub first_seen: Option<Timestamp>,
    /// When it was put on the queue. What SQS moves keeps the time of its first send.
    pub sent_at: Timestamp,
    /// The ARN of the queue that it came from, where anybody says so.
    pub source_queue: Option<String>,
    /// The id that it had on that queue, where the worker noted it.
    pub original_id: Option<String>,
    /// How often it was received here, this time included.
    pub receive_count: u32,
    /// How often it was sent back before, as far as is known: parking by the worker forgets it.
    pub redriven: u32,
    /// Where the text lies that was too big to be parked whole. Only what the worker wrote itself
    /// is taken for a pointer: a text that merely looks like one is a text.
    pub pointer: Option<ParkedPointer>,
}

/// How many messages a queue has, as it believes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Ready to be received.
    pub waiting: u64,
    /// Received and hidden, by us or by anybody else.
    pub hidden: u64,
    /// Not ready yet.
    pub delayed: u64,
}

/// A dead-letter queue, and the queues that it belongs to.
///
/// # Contract
/// - At least once: a message may come twice, even while it is hidden.
/// - Nothing is retried here but what [`Queue`](crate::event::Queue) retries too.
#[async_trait]
pub trait DeadLetters: Send + Sync + std::fmt::Debug {
    /// Its name, for people.
    fn name(&self) -> &str;

    /// The queues whose messages end here; never empty.
    fn sources(&self) -> &[Source];

    /// Up to ten messages, hidden for `hidden`, waiting up to `wait` for the first. Not cancel safe.
    async fn receive(&self, hidden: Duration, wait: Duration) -> Result<Vec<Parked>, QueueError>;

    /// Sets for how long messages stay hidden, counted from now; zero gives them back. One result
    /// per entry, in order.
    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>>;

    /// The whole text that a pointer stands for; `None` where it is gone, or not what the pointer
    /// says. An error is about this text and not about the queue.
    async fn fetch(&self, pointer: &ParkedPointer) -> Result<Option<Body>, QueueError>;

    /// Sends a text to one of the sources, as the message that it was, noting how often that was
    /// done. On `Ok` it is there, under this id; on `Err` it may be.
    async fn send(
        &self,
        source: &Source,
        body: &Body,
        redriven: u32,
    ) -> Result<MessageId, QueueError>;

    /// Removes messages from the dead-letter queue for good. One result per entry, in order.
    async fn remove(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>>;

    /// How many messages there are, about.
    async fn backlog(&self) -> Result<Backlog, QueueError>;
}
