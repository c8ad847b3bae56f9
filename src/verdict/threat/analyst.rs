//! The port to whoever assesses an activity.

use async_trait::async_trait;

use super::{Assessment, Floor, Unassessed};
use crate::event::Activity;

/// Assesses activities.
///
/// # Contract
/// - The level of an assessment is never below that of `floor`.
/// - A model's own words are scrubbed before they leave the analyst.
/// - `Err` means that only the floor can speak; whoever asked goes on with it.
/// - Cancel safe: dropping the future costs only the work already done.
#[async_trait]
pub trait Analyst: Send + Sync + std::fmt::Debug {
    /// Assesses one activity of which code alone says `floor`.
    async fn assess(&self, activity: &Activity, floor: &Floor) -> Result<Assessment, AnalystError>;
}

/// Nobody could be asked.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("analyst does not answer ({}): {message}", .why.code())]
pub struct AnalystError {
    /// Why.
    pub why: Unassessed,
    /// In words; nothing of the record or of an answer.
    pub message: String,
    /// What was spent in vain, in US dollars.
    pub cost_usd: f64,
}
