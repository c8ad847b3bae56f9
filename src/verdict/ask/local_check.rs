//! A second look, by rules, at what a model calls clean.
//!
//! A model can be talked into "clean", or overlook a line; a number with a valid check digit is a
//! fact. Only that fact counts: what the second finds overrules, and that it finds nothing, or
//! cannot decide, says nothing about what the first has seen.

use std::sync::Arc;

use async_trait::async_trait;

use crate::object::Prepared;
use crate::verdict::{DetectError, Detector, Judge, Judged, Opinion, UndecidedReason};

/// A detector whose `Clean` is checked by a second one.
#[derive(Debug)]
pub struct LocalCheck {
    first: Arc<dyn Detector>,
    second: Arc<dyn Detector>,
}

impl LocalCheck {
    /// The first judges; the second is asked about what the first calls clean.
    pub fn new(first: Arc<dyn Detector>, second: Arc<dyn Detector>) -> Self {
        Self { first, second }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Detector for LocalCheck {
    /// When the second fails, so does this: whoever asked for the check does not want to hear
    /// "clean" without it.
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError> {
        let first = self.first.judge(picture).await?;
        if first.opinion != Opinion::Clean {
            return Ok(first);
        }
        let second = self.second.judge(picture).await?;
        let cost_usd = first.cost_usd + second.cost_usd;
        let decides = match second.opinion {
            // Text that gives orders to the judge is why the judge may have said "clean".
            Opinion::Flagged { .. }
            | Opinion::Undecided(UndecidedReason::InstructionsInContent) => second,
            Opinion::Clean | Opinion::Undecided(_) => first,
        };
        Ok(Judged {
            cost_usd,
            ..decides
        })
    }

    /// Both: with another check the same picture may be judged otherwise.
    fn judge_name(&self) -> Judge {
        let (first, second) = (self.first.judge_name(), self.second.judge_name());
        Judge {
            name: first.name,
            version: format!(
                "{}, checked by {} {}",
                first.version, second.name, second.version
            ),
        }
    }
}
