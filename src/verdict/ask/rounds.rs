//! Asking models until one has said something that counts.
//!
//! What is asked and how an answer is read is the [`Question`]'s; here stands what all questions
//! share: which model is asked and in which form, what is tried again and how often, the one repair
//! of an answer in a wrong form, and the sum of what it costs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::candidates::{Candidate, Candidates, Form};
use super::report::Flaw;
use crate::model::{
    Model, ModelError, ModelReply, ModelRequest, ModelSettings, RequestFault, unless_it_waits,
    waiting,
};
use crate::retry::{Backoff, Jitter};

/// How often one question is asked while the model throttles. The limiter slows down in between,
/// so that more tries only hold the message longer than its queue should wait.
const THROTTLED_TRIES: u32 = 6;

/// How often it is asked while the model fails or does not answer in time.
const FAILED_TRIES: u32 = 3;

/// The longest wait that a model is obeyed in while its message is held.
const MOST_HINT: Duration = Duration::from_secs(30);

/// Something to be asked.
pub(super) trait Question: Sync {
    /// What an answer comes to.
    type Answer: Send;

    /// The request that asks it; after an answer with a flaw the flaw is named.
    fn request(&self, model: &str, max_tokens: u32, form: Form, flaw: Option<Flaw>)
    -> ModelRequest;

    /// What an answer comes to, or what is wrong with its form.
    fn read(&self, reply: &ModelReply, form: Form) -> Result<Self::Answer, Flaw>;
}

/// How a question ended that a model has dealt with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome<A> {
    /// With a final word.
    Answer(A),
    /// The form of the answer was wrong twice.
    Malformed,
    /// A model that takes other requests of ours did not take this one.
    Rejected,
}

/// Nobody has dealt with it.
#[derive(Debug)]
pub(super) enum Nobody {
    /// No model can be used; why, each by name.
    Usable(String),
    /// The one that was asked failed, and there is no use in asking another.
    Answered { model: String, error: ModelError },
}

/// The models that may be asked, and how.
pub(super) struct Models {
    model: Arc<dyn Model>,
    pub(super) candidates: Candidates,
    max_tokens: u32,
    jitter: Jitter,
    stop: CancellationToken,
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("model", &self.model)
            .field("candidates", &self.candidates)
            .finish_non_exhaustive()
    }
}

impl Models {
    /// The models of the settings, in their order, asked through `model`.
    pub(super) fn new(model: Arc<dyn Model>, settings: &ModelSettings, jitter: Jitter) -> Self {
        Self {
            model,
            candidates: Candidates::new(&settings.models),
            max_tokens: settings.max_tokens,
            jitter,
            stop: CancellationToken::new(),
        }
    }

    /// From then on nothing is waited for: a question that would have to comes to nobody, as if it
    /// were throttled. A call under way comes to its end.
    pub(super) fn wait_until(&mut self, stop: CancellationToken) {
        self.stop = stop;
    }

    /// The id of the first.
    pub(super) fn first(&self) -> &str {
        let first = self.candidates.all().first();
        first.map_or("", |first| first.model.as_str())
    }

    /// Asks until a model has dealt with it; also answers which. What every call costs is added to
    /// `cost_usd`, also when this is given up on the way.
    pub(super) async fn ask<Q: Question>(
        &self,
        question: &Q,
        cost_usd: &mut f64,
    ) -> Result<(Outcome<Q::Answer>, String), Nobody> {
        for candidate in self.candidates.to_ask() {
            let model = || candidate.model.clone();
            match self.ask_one(candidate, question, cost_usd).await {
                Ok(outcome) => {
                    candidate.can();
                    return Ok((outcome, model()));
                }
                Err(ModelError::Unusable { why, .. }) => candidate.cannot(&why),
                Err(error) => {
                    return Err(Nobody::Answered {
                        model: model(),
                        error,
                    });
                }
            }
        }
        Err(Nobody::Usable(self.candidates.why_none()))
    }

    /// Asks one model until it has said something that counts.
    async fn ask_one<Q: Question>(
        &self,
        candidate: &Candidate,
        question: &Q,
        cost_usd: &mut f64,
    ) -> Result<Outcome<Q::Answer>, ModelError> {
        let mut form = candidate.form();
        let mut flaw: Option<Flaw> = None;
        loop {
            let request = question.request(&candidate.model, self.max_tokens, form, flaw);
            let reply = match self.call(&request).await {
                Ok(reply) => reply,
                Err(ModelError::Rejected { fault, message }) => {
                    let next = match fault {
                        RequestFault::Image | RequestFault::Other => None,
                        RequestFault::ForcedTool | RequestFault::Schema => candidate.refused(form),
                    };
                    match next {
                        Some(next) => form = next,
                        // It takes our requests, so it is what this one shows.
                        None if candidate.has_answered() => return Ok(Outcome::Rejected),
                        None => {
                            return Err(ModelError::Unusable {
                                model: candidate.model.clone(),
                                why: not_taken(fault, &message),
                            });
                        }
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            *cost_usd += reply.usage.usd;
            match (question.read(&reply, form), flaw) {
                (Ok(answer), _) => return Ok(Outcome::Answer(answer)),
                (Err(found), None) => flaw = Some(found),
                (Err(_), Some(_)) => return Ok(Outcome::Malformed),
            }
        }
    }

    /// Makes one call; tries again, a few times, what may pass.
    async fn call(&self, request: &ModelRequest) -> Result<ModelReply, ModelError> {
        let (mut throttled, mut failed) = (0, 0);
        loop {
            let error = match unless_it_waits(self.model.converse(request), &self.stop).await {
                Some(Ok(reply)) => return Ok(reply),
                Some(Err(error)) => error,
                None => return Err(ModelError::Throttled { after: None }),
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
            let wait = hint.map_or(jitter, |hint| hint.min(MOST_HINT) + jitter);
            let waited = waiting(tokio::time::sleep(wait));
            if unless_it_waits(waited, &self.stop).await.is_none() {
                return Err(error);
            }
        }
    }
}

/// The service refuses a request to a model that has never answered one: nobody is judged by it.
fn not_taken(fault: RequestFault, message: &str) -> String {
    let what = match fault {
        RequestFault::Image => "it takes no images of ours",
        _ => "it does not take our requests",
    };
    format!("{what} ({message}); choose another model.id")
}
