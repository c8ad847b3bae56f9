//! The port to a model, and to the account of what models cost.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::civil::Date;

use crate::retry::{Reaction, Reacts};

/// How an image is encoded: what image blocks of Amazon Bedrock's `Converse` take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF; models look at its first frame.
    Gif,
    /// WebP.
    Webp,
}

/// A part of what the model is shown, in order. Its `Debug` tells lengths only.
#[derive(Clone)]
pub enum Part {
    /// Text.
    Text(String),
    /// An image, at most 3,750,000 bytes and 8,000 pixels on an edge (Amazon Bedrock API
    /// reference, `ImageBlock`).
    Image {
        /// Its encoding.
        kind: ImageKind,
        /// Its bytes; cloning shares them.
        bytes: Bytes,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Image {
                kind,
                bytes,
                width,
                height,
            } => write!(
                f,
                "Image({kind:?}, {} bytes, {width} x {height})",
                bytes.len()
            ),
        }
    }
}

/// In which form the answer is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The arguments of one tool, which the model has to call.
    Tool {
        /// The tool's name.
        name: String,
        /// What it is for.
        description: String,
        /// The JSON schema of its arguments.
        schema: serde_json::Value,
    },
    /// Text that is JSON of this schema.
    Schema {
        /// The schema's name.
        name: String,
        /// The JSON schema.
        schema: serde_json::Value,
    },
    /// Text.
    Text,
}

/// One question to one model.
#[derive(Clone, Debug)]
pub struct ModelRequest {
    /// The model's id, or the id or ARN of an inference profile.
    pub model: String,
    /// Who the model is and what it is to do.
    pub system: String,
    /// What it is shown, images last.
    pub parts: Vec<Part>,
    /// How it is to answer.
    pub ask: Ask,
    /// The longest answer, in tokens; always sent, since quotas are charged with it at the start.
    pub max_tokens: u32,
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read by the model, cached ones included.
    pub input: u64,
    /// Written by it.
    pub output: u64,
}

/// What one call used up, by the service's own account.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Its tokens.
    pub tokens: Tokens,
    /// Its price in US dollars, by the price table; filled in by the metering decorator.
    pub usd: f64,
}

/// A part of an answer; what a model thinks aloud is left out.
#[derive(Clone, PartialEq)]
pub enum Content {
    /// Text.
    Text(String),
    /// The arguments of a tool.
    Tool {
        /// The tool's name.
        name: String,
        /// Its arguments.
        input: serde_json::Value,
    },
}

/// Answers may quote what was shown: only lengths and names are told.
impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Tool { name, .. } => write!(f, "Tool({name})"),
        }
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stop {
    /// The model had said everything.
    EndTurn,
    /// It called a tool.
    ToolUse,
    /// `max_tokens` were used up: the answer may be cut anywhere.
    MaxTokens,
    /// The model or a filter refused.
    Refused,
    /// Anything else, such as output that the service could not read.
    Other,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelReply {
    /// Why it ended.
    pub stop: Stop,
    /// What it says; may be empty.
    pub content: Vec<Content>,
    /// What it used up.
    pub usage: Usage,
}

/// A model.
///
/// # Contract
/// - One call is one attempt: nothing is retried here.
/// - `Ok` is any answer that the service gave, also a refusal: whoever asked reads it.
/// - Dropping the future abandons the call; it may still be charged.
/// - Neither requests nor answers are logged.
#[async_trait]
pub trait Model: Send + Sync + fmt::Debug {
    /// Asks once.
    async fn converse(&self, request: &ModelRequest) -> Result<ModelReply, ModelError>;
}

/// Which part of a request a model does not take, where another form of it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestFault {
    /// It does not let itself be made to call a tool, or knows no tools.
    ForcedTool,
    /// It does not write by a schema.
    Schema,
    /// It does not take the image.
    Image,
    /// Anything else.
    Other,
}

/// A call failed.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Too many calls or tokens.
    #[error("model throttles us")]
    Throttled {
        /// The wait that it asked for.
        after: Option<Duration>,
    },
    /// It did not answer, or not in time, or failed.
    #[error("model unavailable: {0}")]
    Unavailable(String),
    /// This request will never be taken.
    #[error("model does not take the request ({fault:?}): {message}")]
    Rejected {
        /// Which part of it.
        fault: RequestFault,
        /// What the service says; never the request.
        message: String,
    },
    /// This model answers nobody, or not us, until somebody acts; another model may.
    #[error("model {model} cannot be used: {why}")]
    Unusable {
        /// Which model.
        model: String,
        /// Why, and what to do.
        why: String,
    },
    /// No model answers until somebody acts: credentials, permissions.
    #[error("models cannot be used: {0}")]
    Locked(String),
    /// The dollars of the day are spent.
    #[error("the budget of the day is spent")]
    Spent {
        /// How long until the next day (UTC) begins.
        until: Duration,
    },
}

impl Reacts for ModelError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Throttled { after } => Reaction::Retry { after: *after },
            Self::Unavailable(_) | Self::Rejected { .. } => Reaction::Retry { after: None },
            Self::Unusable { .. } | Self::Locked(_) => Reaction::Stop(self.to_string()),
            Self::Spent { until } => Reaction::Defer {
                wait: "budget",
                after: *until,
            },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "model_throttled",
            Self::Unavailable(_) => "model_unavailable",
            Self::Rejected { .. } => "model_rejected",
            Self::Unusable { .. } => "model_unusable",
            Self::Locked(_) => "model_locked",
            Self::Spent { .. } => "budget_spent",
        }
    }
}

/// The account of what models cost, shared by all tasks and kept over restarts.
///
/// # Contract
/// - `report` is idempotent: it replaces what this task said about this day before.
/// - A restarted task is another task: what it spent before stays in the account.
#[async_trait]
pub trait Spending: Send + Sync + fmt::Debug {
    /// Writes down what this task has spent on a day (UTC), in US dollars, and answers what all
    /// tasks together have, this one included.
    async fn report(&self, day: Date, own_usd: f64) -> Result<f64, SpendingError>;
}

/// The account failed.
#[derive(Debug, thiserror::Error)]
#[error("account of spending unavailable: {0}")]
pub struct SpendingError(pub String);
