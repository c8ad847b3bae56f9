//! The doctor: whether everything that the service needs is there and set up as it should be.
//!
//! Three steps that know nothing of one another: a [`Survey`] answers plain questions, [`ask()`] puts
//! all of them side by side, and the rules turn facts into rows. Only the survey calls anything, so
//! every rule can be read and tested as a table. A question that is not answered costs the rows that
//! depend on it and no other: whoever sets a service up has to see everything that is wrong at once.

mod ask;
mod grants;
mod pattern;
mod report;
mod rules;
mod senders;
mod survey;
mod wanted;

pub use ask::{Facts, GuardedFacts, OwnFacts, QueueFacts, TopicFacts, ask};
pub use grants::policy_of;
pub use report::{Area, Check, Counts, Report, Row, Status};
pub use rules::{rows, unseen};
pub use survey::{
    Answer, Asker, Conditions, DeadLetters, DeliveryRule, Encryption, Expiry, Invocations,
    Notifications, Pending, Profile, Public, Queue, Quota, Read, Route, RouteKind, Skew,
    Subscription, Survey, SurveyError, Topic, Trial, TrialFault, Tried, Versions, Written,
};
pub use wanted::Wanted;
