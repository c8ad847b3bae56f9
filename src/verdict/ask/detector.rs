//! The detector that asks a model.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::answer::{Flaw, Reading, read};
use super::candidates::{Candidate, Candidates, Form};
use super::prompt::{self, HASH, MOST_IMAGES, TEXT_BYTES};
use super::silence::Silence;
use super::trial;
use crate::model::{
    Model, ModelError, ModelReply, ModelRequest, ModelSettings, Prices, RequestFault, waiting,
};
use crate::object::Prepared;
use crate::retry::{Backoff, Jitter};
use crate::verdict::{DetectError, Detector, Judge, Judged, Opinion, UndecidedReason};

/// How often one question is asked while the model throttles. The limiter slows down in between,
/// so that more tries only hold the message longer than its queue should wait.
const THROTTLED_TRIES: u32 = 6;

/// How often it is asked while the model fails or does not answer in time.
const FAILED_TRIES: u32 = 3;

/// Judges pictures by asking a model.
///
/// The model is asked through its limits: this tries again, they say when.
pub struct ModelDetector {
    model: Arc<dyn Model>,
    candidates: Candidates,
    max_tokens: u32,
    silence: Silence,
    jitter: Jitter,
}

impl fmt::Debug for ModelDetector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelDetector")
            .field("model", &self.model)
            .field("candidates", &self.candidates)
            .finish_non_exhaustive()
    }
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
}

/// How asking one model ended without an answer.
enum NoAnswer {
    /// This model can't be used.
    Unusable(String),
    /// It said nothing, as often as it was asked.
    Silent(DetectError),
    /// No use in asking another.
    Failed(DetectError),
}

impl ModelDetector {
    /// A detector that asks the models of the settings, in their order, through `model`.
    pub fn new(model: Arc<dyn Model>, settings: &ModelSettings, jitter: Jitter) -> Self {
        Self {
            model,
            candidates: Candidates::new(&settings.models),
            max_tokens: settings.max_tokens,
            silence: Silence::default(),
            jitter,
        }
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

    /// Asks once about a small picture of its own, to learn which model answers and in which form.
    /// Costs what one small picture costs.
    ///
    /// # Errors
    /// As for judging: no model can be used, the budget is spent, or none answers now.
    pub async fn probe(&self) -> Result<Probed, DetectError> {
        let judged = self.judge(&trial::picture()).await?;
        let answered = judged.judge.name;
        let mut before = self.candidates.all().iter();
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
        })
    }

    /// Asks one model until it has said something that counts.
    async fn ask(
        &self,
        candidate: &Candidate,
        picture: &Prepared,
        cost_usd: &mut f64,
    ) -> Result<Opinion, NoAnswer> {
        let mut form = candidate.form();
        let mut flaw: Option<Flaw> = None;
        loop {
            let request = prompt::request(&candidate.model, self.max_tokens, form, picture, flaw);
            let reply = match self.call(&request).await {
                Ok(reply) => reply,
                Err(ModelError::Rejected { fault, message }) => {
                    let next = match fault {
                        RequestFault::Image | RequestFault::Other => None,
                        RequestFault::ForcedTool | RequestFault::Schema => candidate.refused(form),
                    };
                    match next {
                        Some(next) => form = next,
                        // It takes our requests, so it is this picture.
                        None if candidate.has_answered() => {
                            return Ok(Opinion::Undecided(UndecidedReason::Rejected));
                        }
                        None => return Err(NoAnswer::Unusable(not_taken(fault, &message))),
                    }
                    continue;
                }
                Err(error) => return Err(no_answer(error)),
            };
            *cost_usd += reply.usage.usd;
            match (read(&reply, form), flaw) {
                (Reading::Opinion(opinion), _) => return Ok(opinion),
                (Reading::Flawed(found), None) => flaw = Some(found),
                (Reading::Flawed(_), Some(_)) => {
                    return Ok(Opinion::Undecided(UndecidedReason::Malformed));
                }
            }
        }
    }

    /// Asks one question; tries again, a few times, what may pass.
    async fn call(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let (mut throttled, mut failed) = (0, 0);
        loop {
            let error = match self.model.converse(request).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let (tries, most, hint) = match &error {
                ModelError::Throttled { after } => (&mut throttled, THROTTLED_TRIES, *after),
                ModelError::Unavailable(_) => (&mut failed, FAILED_TRIES, None),
                _ => return Err(error),
            };
            *tries += 1;
            if *tries >= most {
                return Err(error);
            }
            let jitter = Backoff::SERVICE.wait(*tries - 1, self.jitter.unit());
            waiting(tokio::time::sleep(
                hint.map_or(jitter, |hint| hint.min(MOST_HINT) + jitter),
            ))
            .await;
        }
    }

    fn judge_of(model: &str) -> Judge {
        Judge {
            name: model.to_owned(),
            version: HASH.clone(),
        }
    }
}

/// The longest wait that a model is obeyed in while its message is held.
const MOST_HINT: Duration = Duration::from_secs(30);

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Detector for ModelDetector {
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError> {
        let mut cost_usd = 0.0;
        if picture.pieces.is_empty() || picture.pieces.len() > MOST_IMAGES {
            let rejected = Opinion::Undecided(UndecidedReason::Rejected);
            return Ok(Judged::free(rejected, self.judge_name()));
        }
        for candidate in self.candidates.to_ask() {
            match self.ask(candidate, picture, &mut cost_usd).await {
                Ok(opinion) => {
                    candidate.can();
                    self.silence.broken();
                    return Ok(Judged {
                        opinion,
                        judge: Self::judge_of(&candidate.model),
                        cost_usd,
                    });
                }
                Err(NoAnswer::Unusable(why)) => candidate.cannot(&why),
                Err(NoAnswer::Silent(error)) => {
                    if self.silence.is_the_pictures(&picture.sha256) {
                        return Ok(Judged {
                            opinion: Opinion::Undecided(UndecidedReason::Rejected),
                            judge: Self::judge_of(&candidate.model),
                            cost_usd,
                        });
                    }
                    return Err(error);
                }
                Err(NoAnswer::Failed(error)) => return Err(error),
            }
        }
        Err(DetectError::Unusable(self.candidates.why_none()))
    }

    fn judge_name(&self) -> Judge {
        let first = self.candidates.all().first();
        Self::judge_of(first.map_or("", |first| first.model.as_str()))
    }
}

fn no_answer(error: ModelError) -> NoAnswer {
    let message = error.to_string();
    NoAnswer::Failed(match error {
        ModelError::Unusable { why, .. } => return NoAnswer::Unusable(why),
        ModelError::Throttled { after } => DetectError::Unavailable { message, after },
        ModelError::Unavailable(_) | ModelError::Rejected { .. } => {
            return NoAnswer::Silent(DetectError::Unavailable {
                message,
                after: None,
            });
        }
        ModelError::Locked(_) => DetectError::Unusable(message),
        ModelError::Spent { until } => DetectError::Spent { until },
    })
}

/// The service refuses a request to a model that has never answered one: nobody is judged by it.
fn not_taken(fault: RequestFault, message: &str) -> String {
    let what = match fault {
        RequestFault::Image => "it takes no images of ours",
        _ => "it does not take our requests",
    };
    format!("{what} ({message}); choose another model.id")
}
