//! The port to whoever judges a picture.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Category, Confidence, Threat, UndecidedReason};
use crate::object::Prepared;
use crate::retry::{Reaction, Reacts};

/// Who judged, in enough detail to judge the same again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Judge {
    /// The detector: `local`, or the model's id.
    pub name: String,
    /// Its version: for a model the hash of its prompt, for the local detector its own version.
    pub version: String,
}

/// A well-formed answer about one picture. It holds no value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Nothing found.
    Clean,
    /// Personal data.
    Flagged {
        /// Which kinds; never empty.
        categories: BTreeSet<Category>,
        /// How sure.
        confidence: Confidence,
        /// How bad the judge thinks it is, before floors.
        threat: Threat,
    },
    /// Looked at; no answer.
    Undecided(UndecidedReason),
}

/// An opinion, and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// What the judge thinks.
    pub opinion: Opinion,
    /// Who answered: with several models, the one that did.
    pub judge: Judge,
    /// What the answer cost, in US dollars.
    pub cost_usd: f64,
}

impl Judged {
    /// An opinion that was to be had for nothing.
    pub fn free(opinion: Opinion, judge: Judge) -> Self {
        Self {
            opinion,
            judge,
            cost_usd: 0.0,
        }
    }
}

/// Judges pictures.
///
/// # Contract
/// - `Err` is the service's fault, never the picture's: what is wrong with a picture is an
///   [`Opinion::Undecided`].
/// - An opinion never carries text of the picture.
/// - Cancel safe: dropping the future costs only the work already done.
#[async_trait]
pub trait Detector: Send + Sync + std::fmt::Debug {
    /// Judges one picture, all its pieces together.
    async fn judge(&self, picture: &Prepared) -> Result<Judged, DetectError>;

    /// Who judges, unless somebody has to stand in: answers are remembered under this name.
    fn judge_name(&self) -> Judge;
}

/// The detector itself failed.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// It may answer later.
    #[error("detector unavailable: {message}")]
    Unavailable {
        /// What happened.
        message: String,
        /// The wait that it asked for.
        after: Option<Duration>,
    },
    /// All are to wait: the money of the day is spent.
    #[error("detector waits: the budget of the day is spent")]
    Spent {
        /// How long.
        until: Duration,
    },
    /// It will not answer until somebody acts; the text says what to do.
    #[error("detector cannot work: {0}")]
    Unusable(String),
}

impl Reacts for DetectError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Unavailable { after, .. } => Reaction::Retry { after: *after },
            Self::Spent { until } => Reaction::Defer {
                wait: "budget",
                after: *until,
            },
            Self::Unusable(why) => Reaction::Stop(why.clone()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "detector_unavailable",
            Self::Spent { .. } => "budget_spent",
            Self::Unusable(_) => "detector_unusable",
        }
    }
}
