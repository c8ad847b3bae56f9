//! A model that says what it is told to say, for tests.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{Ask, Content, Model, ModelError, ModelReply, ModelRequest, Stop, Tokens, Usage};

/// One turn of the conversation: what comes back, and after which time.
type Turn = Result<ModelReply, ModelError>;

/// How a model answers a request.
type Answering = Box<dyn FnMut(&ModelRequest) -> Turn + Send>;

/// A model that answers by a function, and remembers what it was asked.
pub(crate) struct Fake {
    answering: Mutex<Answering>,
    takes: Duration,
    asked: Mutex<Vec<ModelRequest>>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fake")
    }
}

impl Fake {
    /// Answers by a function, after some time.
    pub(crate) fn answering(
        takes: Duration,
        answer: impl FnMut(&ModelRequest) -> Turn + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            answering: Mutex::new(Box::new(answer)),
            takes,
            asked: Mutex::default(),
        })
    }

    /// Says these, in order, at once.
    pub(crate) fn saying(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        let mut turns: VecDeque<_> = turns.into_iter().collect();
        Self::answering(Duration::ZERO, move |_| {
            turns.pop_front().expect("asked more often than expected")
        })
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<ModelRequest> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl Model for Fake {
    async fn converse(&self, request: &ModelRequest) -> Turn {
        self.asked.lock().unwrap().push(request.clone());
        tokio::time::sleep(self.takes).await;
        (self.answering.lock().unwrap())(request)
    }
}

/// An answer of these parts, which cost so many tokens.
pub(crate) fn reply(stop: Stop, content: Vec<Content>, input: u64, output: u64) -> ModelReply {
    ModelReply {
        stop,
        content,
        usage: Usage {
            tokens: Tokens { input, output },
            usd: 0.0,
        },
    }
}

/// A call of the tool that was asked for.
pub(crate) fn tool(name: &str, input: Value) -> ModelReply {
    let name = name.to_owned();
    reply(
        Stop::ToolUse,
        vec![Content::Tool { name, input }],
        1_000,
        100,
    )
}

/// A text.
pub(crate) fn text(text: &str) -> ModelReply {
    reply(
        Stop::EndTurn,
        vec![Content::Text(text.to_owned())],
        1_000,
        100,
    )
}

/// A small request.
pub(crate) fn request(model: &str) -> ModelRequest {
    ModelRequest {
        model: model.to_owned(),
        system: String::new(),
        parts: Vec::new(),
        ask: Ask::Text,
        max_tokens: 1_000,
    }
}
