//! The detector that asks a model.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::answer;
use super::candidates::{Candidate, Form};
use super::prompt::{self, HASH, MOST_IMAGES, TEXT_BYTES};
use super::report::Flaw;
use super::rounds::{Models, Nobody, Outcome, Question};
use super::silence::Silence;
use super::trial;
use crate::model::{Model, ModelError, ModelReply, ModelRequest, ModelSettings, Prices};
use crate::object::{Format, Media, Part, Piece, Prepared};
use crate::retry::Jitter;
use crate::verdict::{DetectError, Detector, Judge, Judged, Opinion, UndecidedReason};

/// Judges pictures by asking a model.
///
/// The model is asked through its limits: this tries again, they say when.
#[derive(Debug)]
pub struct ModelDetector {
    models: Models,
    silence: Silence,
}

/// What a trial found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// The model that answers.
    pub model: String,
    /// In which form it is asked.
    pub form: Form,
    /// Models before it that cannot be used, each with why.
    pub unusable: Vec<(String, String)>,
    /// Why it came to no verdict about a picture on which there is nothing, where it did not.
    pub undecided: Option<UndecidedReason>,
}

/// Why a trial found no model that answers.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// None can be used; each by name, with why.
    #[error("{0}")]
    Unusable(String),
    /// The one that was asked did not answer.
    #[error("{0}")]
    Failed(ModelError),
}

impl From<ProbeError> for DetectError {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Unusable(why) => Self::Unusable(why),
            ProbeError::Failed(error) => failed(error),
        }
    }
}

impl ModelDetector {
    /// A detector that asks the models of the settings, in their order, through `model`.
    pub fn new(model: Arc<dyn Model>, settings: &ModelSettings, jitter: Jitter) -> Self {
        Self {
            models: Models::new(model, settings, jitter),
            silence: Silence::default(),
        }
    }

    /// As it is, but that nothing is waited for once `stop` is cancelled: a question that would have
    /// to is then for later. A call under way comes to its end.
    #[must_use]
    pub fn waiting_until(mut self, stop: CancellationToken) -> Self {
        self.models.wait_until(stop);
        self
    }

    /// The most tokens of quota that one question about a picture of so many pieces can take, for
    /// the limits.
    pub fn largest_request(settings: &ModelSettings, prices: &Prices, pieces: u32) -> u64 {
        let each = settings.models.iter().map(|model| {
            let images = pieces.min(MOST_IMAGES as u32);
            prices.largest_request(model, images, TEXT_BYTES, settings.max_tokens)
        });
        each.max().unwrap_or_default()
    }

    /// The tokens that a model reads for one question about a picture that is shown in pieces of
    /// these sizes, by the estimate of the limits. For estimates of cost.
    pub fn question_tokens(prices: &Prices, model: &str, shown: &[(u32, u32)]) -> u64 {
        let of = u32::try_from(shown.len()).unwrap_or(u32::MAX);
        let pieces = (0..of).zip(shown).map(|(index, (width, height))| Piece {
            media: Media::Jpeg,
            bytes: Bytes::new(),
            width: *width,
            height: *height,
            part: match of {
                1 => Part::Whole,
                of => Part::Tile { index, of },
            },
            untouched: false,
        });
        let picture = Prepared {
            format: Format::Jpeg,
            sha256: [0; 32],
            width: 1,
            height: 1,
            pieces: pieces.collect(),
        };
        prices.input_tokens(&prompt::request(model, 0, Form::Tool, &picture, None))
    }

    /// Asks once about a small picture of its own, to learn which model answers and in which form.
    /// Costs what one small picture costs.
    ///
    /// # Errors
    /// No model can be used, the budget is spent, or none answers now.
    pub async fn probe(&self) -> Result<Probed, ProbeError> {
        let picture = trial::picture();
        let asked = self.models.ask(&Shown(&picture), &mut 0.0).await;
        let (outcome, answered) = asked.map_err(|nobody| match nobody {
            Nobody::Usable(why) => ProbeError::Unusable(why),
            Nobody::Answered { error, .. } => ProbeError::Failed(error),
        })?;
        let undecided = match opinion(outcome) {
            Opinion::Undecided(reason) => Some(reason),
            _ => None,
        };
        let mut before = self.models.candidates.all().iter();
        let mut unusable = Vec::new();
        let candidate = before.find(|candidate| {
            if let Some(why) = candidate.why_not() {
                unusable.push((candidate.model.clone(), why));
            }
            candidate.model == answered
        });
        Ok(Probed {
            model: answered,
            form: candidate.map_or(Form::Tool, Candidate::form),
            unusable,
            undecided,
        })
    }

    fn judge_of(model: &str) -> Judge {
        Judge {
            name: model.to_owned(),
            version: HASH.clone(),
        }
    }
}

/// What a picture shows.
struct Shown<'a>(&'a Prepared);

impl Question for Shown<'_> {
    type Answer = Opinion;

    fn request(
        &self,
        model: &str,
        max_tokens: u32,
        form: Form,
        flaw: Option<Flaw>,
    ) -> ModelRequest {
        prompt::request(model, max_tokens, form, self.0, flaw)
    }

    fn read(&self, reply: &ModelReply, form: Form) -> answer::Reading {
        answer::read(reply, form)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Detector for ModelDetector {
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError> {
        let mut cost_usd = 0.0;
        if picture.pieces.is_empty() || picture.pieces.len() > MOST_IMAGES {
            let rejected = Opinion::Undecided(UndecidedReason::Rejected);
            return Ok(Judged::free(rejected, self.judge_name()));
        }
        let (opinion, model) = match self.models.ask(&Shown(picture), &mut cost_usd).await {
            Ok((outcome, model)) => {
                self.silence.broken();
                (opinion(outcome), model)
            }
            Err(Nobody::Answered { model, error }) => {
                let silent = matches!(error, ModelError::Unavailable(_));
                if !silent || !self.silence.is_the_pictures(&picture.sha256) {
                    return Err(failed(error));
                }
                (Opinion::Undecided(UndecidedReason::Rejected), model)
            }
            Err(Nobody::Usable(why)) => return Err(DetectError::Unusable(why)),
        };
        Ok(Judged {
            opinion,
            judge: Self::judge_of(&model),
            cost_usd,
        })
    }

    fn judge_name(&self) -> Judge {
        Self::judge_of(self.models.first())
    }
}

fn opinion(outcome: Outcome<Opinion>) -> Opinion {
    match outcome {
        Outcome::Answer(opinion) => opinion,
        Outcome::Malformed => Opinion::Undecided(UndecidedReason::Malformed),
        Outcome::Rejected => Opinion::Undecided(UndecidedReason::Rejected),
    }
}

fn failed(error: ModelError) -> DetectError {
    let message = error.to_string();
    match error {
        ModelError::Throttled { after } => DetectError::Unavailable { message, after },
        ModelError::Unavailable(_) | ModelError::Rejected { .. } => DetectError::Unavailable {
            message,
            after: None,
        },
        ModelError::Unusable { .. } | ModelError::Locked(_) => DetectError::Unusable(message),
        ModelError::Spent { until } => DetectError::Spent { until },
    }
}
