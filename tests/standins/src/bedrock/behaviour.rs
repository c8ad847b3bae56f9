//! How the stand-in behaves: honest unless told otherwise, for all models, for one, or once.
//!
//! Everything here can be set from Rust and, as JSON, with `POST /_standin/behave`.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// What the model, or the service around it, does with a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Looks at the pixels and says what it sees, in the form that it was asked for.
    #[default]
    Honest,
    /// Answers that there is nothing, without decoding a picture: for measurements of the caller.
    Blind,
    /// Finds a passport in a picture whose bytes hold this text, and nothing in others, without
    /// decoding them: for measurements of the caller that need something found.
    Marked(String),
    /// 429 `ThrottlingException`.
    Throttle,
    /// 429 `ModelNotReadyException`.
    NotReady,
    /// 500 `InternalServerException`.
    ServerError,
    /// 503 `ServiceUnavailableException`.
    Unavailable,
    /// 424 `ModelErrorException`.
    ModelError,
    /// 408 `ModelTimeoutException`.
    ModelTimeout,
    /// 400 `ValidationException`: the picture could not be processed.
    Invalid,
    /// Never answers.
    TimeOut,
    /// Closes the connection instead of answering.
    HangUp,
    /// Stops with `content_filtered` (`refusal` over `InvokeModel`) and says nothing.
    Refuse,
    /// Stops with the unlisted reason `refusal`, with a sentence instead of an answer.
    Refusal,
    /// Stops with `guardrail_intervened`.
    Guardrail,
    /// Stops with `max_tokens` within the answer.
    Truncate,
    /// Answers something else than it was asked for.
    Nonsense(Nonsense),
    /// Says that there is no personal data, and names the categories that it found.
    Contradict,
    /// 404 `ResourceNotFoundException`: this version of the model is no more.
    EndOfLife,
    /// 403 `AccessDeniedException`: the account has no access to the model.
    NotGranted,
    /// 404 `ResourceNotFoundException`: the use-case form of the provider is missing.
    FormMissing,
    /// 403 `ExpiredTokenException`.
    ExpiredCredentials,
    /// Honest, but refuses a forced tool with a 400.
    RefuseTools,
    /// Honest, but refuses a forced tool and a JSON schema with a 400.
    RefuseToolsAndSchemas,
    /// Honest, and repeats these values in every free text of its answer, as if it had read them.
    Echo(Vec<String>),
    /// Obeys orders in the picture or in the text: then there is nothing to see.
    Gullible,
}

/// The ways of answering something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nonsense {
    /// Uses a tool that it was not given.
    WrongTool,
    /// Says a sentence where a tool or JSON was asked for.
    Text,
    /// Writes JSON that does not parse.
    InvalidJson,
    /// Invents a category.
    UnknownCategory,
    /// Gives a word for the truth value and a number for the list.
    WrongTypes,
    /// Leaves out all fields.
    Empty,
    /// Answers rightly, but wraps the JSON into prose and a code fence (a text is asked for), or
    /// adds a sentence before the tool.
    Chatty,
}

/// The quota of an account: what is above it is answered with 429.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Starts within any 60 seconds; `None` is no bound.
    pub starts_per_minute: Option<u32>,
    /// Requests at the same time; `None` is no bound.
    pub concurrent: Option<u32>,
}

/// Behaviour for the next requests, whatever is set otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Only for this model; `None` is any.
    #[serde(default)]
    pub model: Option<String>,
    /// For so many requests.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub behaviour: Behaviour,
}

fn once() -> u32 {
    1
}

/// What `POST /_standin/behave` takes; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    /// Forget everything that was set before, and all recorded requests.
    pub reset: bool,
    /// For all models that have none of their own.
    pub behaviour: Option<Behaviour>,
    /// For single models, by the id that is asked for.
    pub models: BTreeMap<String, Behaviour>,
    /// Added to the end of the script.
    pub script: Vec<Step>,
    /// How long an answer takes, in milliseconds.
    pub latency_ms: Option<u64>,
    /// The quota of the account; an empty one lifts it.
    pub quota: Option<Quota>,
}

/// All that is set.
#[derive(Debug, Default)]
pub(super) struct Manners {
    pub(super) latency_ms: u64,
    pub(super) quota: Quota,
    behaviour: Behaviour,
    models: BTreeMap<String, Behaviour>,
    script: VecDeque<Step>,
}

impl Manners {
    pub(super) fn change(&mut self, change: Change) {
        if change.reset {
            *self = Self::default();
        }
        if let Some(behaviour) = change.behaviour {
            self.behaviour = behaviour;
        }
        self.models.extend(change.models);
        self.script.extend(change.script);
        self.latency_ms = change.latency_ms.unwrap_or(self.latency_ms);
        self.quota = change.quota.unwrap_or(self.quota);
    }

    /// What happens to the next request for a model: the script first, then the model's own.
    pub(super) fn next(&mut self, model: &str) -> Behaviour {
        let of_model = |step: &Step| step.model.as_deref().is_none_or(|only| only == model);
        self.script.retain(|step| step.times > 0);
        if let Some(step) = self.script.iter_mut().find(|step| of_model(step)) {
            step.times -= 1;
            return step.behaviour.clone();
        }
        let own = self.models.get(model).unwrap_or(&self.behaviour);
        own.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_comes_before_model_and_model_before_all() {
        let mut manners = Manners::default();
        let json = r#"{"behaviour": "blind", "models": {"m": {"echo": ["secret"]}},
            "script": [{"model": "m", "times": 2, "behaviour": {"nonsense": "wrong_tool"}},
                       {"behaviour": "hang_up"}]}"#;
        manners.change(serde_json::from_str(json).unwrap());
        assert_eq!(manners.next("other"), Behaviour::HangUp);
        assert_eq!(manners.next("other"), Behaviour::Blind);
        for _ in 0..2 {
            let nonsense = Behaviour::Nonsense(Nonsense::WrongTool);
            assert_eq!(manners.next("m"), nonsense);
        }
        assert_eq!(manners.next("m"), Behaviour::Echo(vec!["secret".into()]));
        assert!(serde_json::from_str::<Change>(r#"{"behavior": "blind"}"#).is_err());
    }
}
