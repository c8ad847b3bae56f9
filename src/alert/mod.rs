//! Whom we tell, and what: one message that a person can act on, and the same as data.
//!
//! The [`Announcer`] takes findings and answers each when an alert that covers it was accepted.

mod activity;
mod announcer;
mod chat;
mod compose;
mod digest;
mod digests;
mod english;
mod korean;
mod merge;
mod message;
mod notifier;
mod phrases;
mod service;
mod settings;
mod shown;
mod text;
mod topic;
mod turns;

pub use announcer::{Announcer, AnnouncerParts, Flushed, TellError, Watch};
pub use chat::chat;
pub use digest::{Digest, SLOWEST, Slow, Tally};
pub use digests::{CLAIM, Claim, Digests, Lease, Window};
pub use message::{
    ALERT_SCHEMA_VERSION, Alert, AlertKind, EventCount, EventFacts, FindingsQuery, MAX_EVENTS,
    MAX_FINDING_IDS, OutcomeCount, Stopped,
};
pub use notifier::{Notifier, NotifyError, PublicationId};
pub use settings::{AlertSettings, Clean, CopySettings, KeyStyle, Language, ModelText, RawAlerts};
pub use shown::quoted;
pub use text::{body, subject};
pub use topic::TopicArn;
pub use turns::{PER_SECOND, SKEW, SLACK, Taken, Turn, Turns};
