//! The analyst that asks a model.
//!
//! Of an answer only two things are taken: the level, which counts where it is above the floor, and
//! the summary, scrubbed. Bucket, key, title and next step are code's own: no answer can point anybody
//! at another object.

mod masked;
mod question;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use self::question::{Assess, Reply, TEXT_BYTES};
use super::rounds::{Models, Nobody, Outcome};
use crate::event::Activity;
use crate::model::{Model, ModelError, ModelSettings, Prices};
use crate::retry::Jitter;
use crate::verdict::Judge;
use crate::verdict::recognise::gives_orders;
use crate::verdict::threat::{
    Analyst, AnalystError, Assessment, Floor, SummaryLanguage, Unassessed, scrub,
};

/// The longest that an event waits for its model, waits for limits and other tries included. The
/// floor is known by then, and whoever must act on it must not wait minutes behind pictures that
/// share the account's quota. Answers of this size take seconds.
const LONGEST: Duration = Duration::from_secs(30);

/// What becomes of the model's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnalystText {
    /// The language that summaries are wanted in; `None` keeps none of the model's words.
    pub summaries: Option<SummaryLanguage>,
}

impl AnalystText {
    /// The language that a model is asked to write in, whether or not that is kept.
    fn language(self) -> SummaryLanguage {
        self.summaries.unwrap_or(SummaryLanguage::English)
    }
}

/// Assesses activities by asking a model.
///
/// The model is asked through its limits: this tries again, they say when. It gives up after 30
/// seconds, all waiting included; the floor then speaks alone.
#[derive(Debug)]
pub struct ModelAnalyst {
    models: Models,
    text: AnalystText,
    hash: String,
}

impl ModelAnalyst {
    /// An analyst that asks the models of the settings, in their order, through `model`.
    pub fn new(
        model: Arc<dyn Model>,
        settings: &ModelSettings,
        text: AnalystText,
        jitter: Jitter,
    ) -> Self {
        Self {
            models: Models::new(model, settings, jitter),
            text,
            hash: question::hash(text.language()),
        }
    }

    /// As it is, but that nothing is waited for once `stop` is cancelled: the floor then speaks alone.
    /// A call under way comes to its end.
    #[must_use]
    pub fn waiting_until(mut self, stop: CancellationToken) -> Self {
        self.models.wait_until(stop);
        self
    }

    /// The most tokens of quota that one question can take, for the limits.
    pub fn largest_request(settings: &ModelSettings, prices: &Prices) -> u64 {
        let each = settings
            .models
            .iter()
            .map(|model| prices.largest_request(model, 0, TEXT_BYTES, settings.max_tokens));
        each.max().unwrap_or_default()
    }

    /// The model's words as far as they may be shown. Where the record itself gives orders nothing
    /// of them is: whoever wrote the orders may have dictated the words.
    fn summary(
        &self,
        summarize: &str,
        activity: &Activity,
        floor: &Floor,
        record: &str,
    ) -> Option<String> {
        let language = self.text.summaries?;
        if gives_orders(record) {
            return None;
        }
        scrub(summarize, activity, floor, language)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Analyst for ModelAnalyst {
    async fn assess(&self, activity: &Activity, floor: &Floor) -> Result<Assessment, AnalystError> {
        let question = Assess::of(activity, floor, self.text.language());
        let mut cost_usd = 0.0;
        let asked = self.models.ask(&question, &mut cost_usd);
        let asked = tokio::time::timeout(LONGEST, asked).await;
        let (why, message) = match asked {
            Ok(Ok((Outcome::Answer(Reply::Report { level, summarize }), model))) => {
                let judge = Judge {
                    name: model,
                    version: self.hash.clone(),
                };
                let summary = self.summary(&summarize, activity, floor, &question.texts());
                return Ok(Assessment {
                    summary,
                    cost_usd,
                    ..Assessment::judged(floor.clone(), level, judge)
                });
            }
            Ok(Ok((outcome, model))) => {
                let (why, what) = unanswered(&outcome);
                (why, format!("model {model} {what}"))
            }
            Ok(Err(nobody)) => failed(nobody),
            Err(_elapsed) => {
                let message = format!("no answer within {} seconds", LONGEST.as_secs());
                (Unassessed::Unavailable, message)
            }
        };
        Err(AnalystError {
            why,
            message,
            cost_usd,
        })
    }
}

/// Why a model has said nothing that counts.
fn unanswered(outcome: &Outcome<Reply>) -> (Unassessed, &'static str) {
    match outcome {
        Outcome::Answer(Reply::Refused) => (Unassessed::Refused, "declined to answer"),
        Outcome::Rejected => (Unassessed::Refused, "does not take the request"),
        Outcome::Answer(Reply::Cut) => (
            Unassessed::Malformed,
            "was cut off; raise model.max_tokens if that happens often",
        ),
        Outcome::Answer(Reply::Report { .. }) | Outcome::Malformed => {
            (Unassessed::Malformed, "gave no usable answer twice")
        }
    }
}

fn failed(nobody: Nobody) -> (Unassessed, String) {
    match nobody {
        Nobody::Usable(why) => (Unassessed::Unusable, why),
        Nobody::Answered { error, .. } => {
            let why = match error {
                ModelError::Spent { .. } => Unassessed::Spent,
                ModelError::Unusable { .. } | ModelError::Locked(_) => Unassessed::Unusable,
                ModelError::Throttled { .. }
                | ModelError::Unavailable(_)
                | ModelError::Rejected { .. } => Unassessed::Unavailable,
            };
            (why, error.to_string())
        }
    }
}
