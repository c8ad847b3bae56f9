//! Asks whoever runs us not to stop us now: between the intent to change something and the message
//! about it.
//!
//! Nothing is lost when a task is stopped then: what has begun is finished while it drains, and what
//! a kill leaves open another task finishes. Protection only spares people the delay. So it is asked
//! for as little as does that: while a finding is open in this task's hands ([`Protection::hold`]),
//! not while pictures are looked at; with few calls; and never for so long that a deployment or a
//! scale-in would wait for us (`rule`). No work ever waits for it or fails with it.

mod keeper;
mod rule;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

pub use keeper::Keeper;

/// Whoever runs this task and may stop it.
#[async_trait]
pub trait Protector: Send + Sync + std::fmt::Debug {
    /// Asks not to be stopped by a scale-in or a deployment for the next `minutes` (1 to 2880),
    /// whatever was asked for before. Never tries again by itself; may be dropped at any moment, and
    /// it is not known then what came of it.
    ///
    /// # Errors
    /// It was refused, nobody could be asked, or the answer is lost.
    async fn protect(&self, minutes: u16) -> Result<(), ProtectError>;

    /// Takes that back; as [`Protector::protect`].
    ///
    /// # Errors
    /// As for [`Protector::protect`].
    async fn release(&self) -> Result<(), ProtectError>;
}

/// Why we are not protected, or not released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtectError {
    /// A deployment waits for tasks like us to go: now is the time to let it.
    #[error("a deployment is waiting for protected tasks to end")]
    Blocked,
    /// It was refused, by this reason.
    #[error("task protection was refused: {0}")]
    Refused(String),
    /// Nobody could be asked: nothing has changed.
    #[error("{0}")]
    Unreachable(String),
    /// It was asked, and what came of it is not known.
    #[error("{0}")]
    Unknown(String),
}

impl ProtectError {
    /// The stable word for this error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Blocked => "deployment_blocked",
            Self::Refused(_) => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Sees what is asked, and how it stands. Its methods must not block.
pub trait ProtectionWatch: Send + Sync + std::fmt::Debug {
    /// As far as we know, we are protected or not.
    fn protected(&self, _protected: bool) {}

    /// Protection (`protect`) or its end (`release`) was asked for; the result is `ok` or the code of
    /// an error.
    fn asked(&self, _what: &'static str, _result: &'static str) {}
}

/// Nobody watches.
impl ProtectionWatch for () {}

/// Counts what must not be cut off. Clones count the same.
///
/// ```
/// use s3_warden::shutdown::protection::Protection;
///
/// let protection = Protection::default();
/// let (first, second) = (protection.hold(), protection.hold());
/// drop(first);
/// assert_eq!(protection.in_hand(), 1);
/// drop(second);
/// assert_eq!(protection.in_hand(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Protection(Arc<watch::Sender<usize>>);

impl Default for Protection {
    /// Nothing in hand; without a [`Keeper`] nobody is asked.
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Protection {
    /// Something must not be cut off, for as long as what comes back is kept.
    pub fn hold(&self) -> Open {
        self.0
            .send_modify(|in_hand| *in_hand = in_hand.saturating_add(1));
        Open(self.clone())
    }

    /// How many such things are in hand.
    pub fn in_hand(&self) -> usize {
        *self.0.borrow()
    }

    fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }
}

/// One thing that must not be cut off.
#[derive(Debug)]
#[must_use = "dropped, it may be cut off"]
pub struct Open(Protection);

impl Drop for Open {
    fn drop(&mut self) {
        let count = &self.0.0;
        count.send_modify(|in_hand| *in_hand = in_hand.saturating_sub(1));
    }
}
