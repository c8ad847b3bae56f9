//! One message as it was received.

use std::fmt;

use jiff::Timestamp;

/// The queue's own name for a message; the same at every receive of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub String);

/// The handle of one receive: new at every receive, and only the newest is good.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receipt(pub String);

/// The text of a message. Its `Debug` tells the length only: bodies name keys and people.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text. Not for logs.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

/// One message under lease.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The message.
    pub id: MessageId,
    /// This receive of it.
    pub receipt: Receipt,
    /// What it says.
    pub body: Body,
    /// How often it was received, this time included: 1 or more.
    pub receive_count: u32,
    /// When it was put on the queue.
    pub sent_at: Timestamp,
    /// How often it was sent back from the dead-letter queue; parking keeps the number, so that
    /// whoever looks there sees what goes round in circles.
    pub redriven: u32,
}
