//! Whom we tell, and what: one message that a person can act on, and the same as data.
//!
//! The [`Announcer`] takes findings and answers each when an alert that covers it was accepted.

mod announcer;
mod compose;
mod english;
mod message;
mod notifier;
mod settings;
mod shown;
mod text;
mod topic;

pub use announcer::{Announcer, Flushed, TellError};
pub use message::{ALERT_SCHEMA_VERSION, Alert, AlertKind, MAX_FINDING_IDS, OutcomeCount};
pub use notifier::{Notifier, NotifyError, PublicationId};
pub use settings::{AlertSettings, KeyStyle, RawAlerts};
pub use shown::quoted;
pub use text::{body, subject};
pub use topic::TopicArn;
