//! The port to whoever carries alerts.

use async_trait::async_trait;

use super::Alert;
use crate::retry::{Reaction, Reacts};

/// The name under which a carrier accepted an alert.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicationId(pub String);

/// Carries alerts.
///
/// # Contract
/// - `Ok` means accepted for delivery: durable with the carrier, not merely sent.
/// - May be repeated; readers may then see an alert twice.
/// - Implementations do not retry: the announcer does.
#[async_trait]
pub trait Notifier: Send + Sync + std::fmt::Debug {
    /// Hands over one alert.
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError>;
}

/// An alert could not be handed over.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Worth another try.
    #[error("alert carrier unavailable: {0}")]
    Unavailable(String),
    /// The carrier refuses us or this alert for good.
    #[error("alert carrier refused: {0}")]
    Refused(String),
}

impl Reacts for NotifyError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Unavailable(_) => Reaction::Retry { after: None },
            Self::Refused(why) => Reaction::Stop(why.clone()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "notifier_unavailable",
            Self::Refused(_) => "notifier_refused",
        }
    }
}
