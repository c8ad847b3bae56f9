//! What we think of an activity: the least that code alone says of it, and what a model adds.
//!
//! A record is first held against rules ([`Rules`]): these see single fields and cannot be talked
//! into anything. What we have caused ourselves is told apart by who called ([`Ourselves`]). An
//! [`Analyst`] may find it worse, never better. Where no analyst answers, the floor speaks alone,
//! and says so. [`Assessor`] is all of this in one.

mod analyst;
mod assessment;
mod assessor;
mod guardduty;
mod known;
mod ourselves;
mod rules;
mod scrub;
mod settings;
mod sparing;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use analyst::{Analyst, AnalystError};
pub use assessment::{Assessment, Floor, Unassessed, Words};
pub use assessor::{Assessor, Look};
pub use ourselves::{Caller, Ourselves, OwnScope, Relation};
pub use rules::{Rules, RulesError, Watched};
pub use scrub::{SummaryLanguage, scrub};
pub use settings::{Analyze, RawThreats, ThreatSettings};
