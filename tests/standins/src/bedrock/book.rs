//! What was asked and what came back, for tests to read.

use std::collections::BTreeMap;

use serde::Serialize;

use super::behaviour::Behaviour;
use crate::pictures::Seen;

/// Requests that are kept in full; counts go on beyond.
const KEPT: usize = 20_000;

/// Which API was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /model/{id}/converse`
    Converse,
    /// `POST /model/{id}/invoke`
    InvokeModel,
}

/// The form in which the answer was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A tool that must be used.
    ForcedTool,
    /// Tools that may be used.
    Tool,
    /// Text that satisfies a JSON schema.
    Schema,
    /// Text.
    Prompt,
}

/// One picture of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PictureFacts {
    /// What the caller called it: `jpeg`, `png`, `gif` or `webp`.
    pub format: String,
    /// Its size in bytes, before base64.
    pub bytes: usize,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// One request, and how it ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Asked {
    /// Counts from 1, in order of arrival.
    pub number: u64,
    /// The model's id as it was asked for, decoded.
    pub model: String,
    /// Which API.
    pub api: Api,
    /// How the stand-in behaved.
    pub behaviour: Behaviour,
    /// The form; `None` for a body that could not be read, or was not, because of a fault.
    pub form: Option<Form>,
    /// The tool that the answer had to use.
    pub tool: Option<String>,
    /// The pictures, in order.
    pub pictures: Vec<PictureFacts>,
    /// Whether a picture was the last block.
    pub picture_last: bool,
    /// All system prompts.
    pub system: String,
    /// All text of the messages.
    pub text: String,
    /// The limit of the answer; `None` was not set, which reserves the model's maximum.
    pub max_tokens: Option<u64>,
    /// What was seen in all pictures together; `None` when nobody looked.
    pub seen: Option<Seen>,
    /// The HTTP status; `None` while it is being answered, and for a hang-up.
    pub status: Option<u16>,
    /// The error's code.
    pub error: Option<String>,
    /// The reason to stop, as Converse words it.
    pub stop_reason: Option<String>,
    /// Tokens charged for the request.
    pub input_tokens: u64,
    /// Tokens charged for the answer.
    pub output_tokens: u64,
}

impl Asked {
    /// Whether the request says this anywhere in its text.
    #[must_use]
    pub fn mentions(&self, text: &str) -> bool {
        self.system.contains(text) || self.text.contains(text)
    }
}

/// Sums over all requests, beyond those that are kept in full.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// All requests.
    pub requests: u64,
    /// Most requests at the same time.
    pub max_concurrent: u32,
    /// By model.
    pub by_model: BTreeMap<String, u64>,
    /// By HTTP status, or `hang_up`.
    pub by_status: BTreeMap<String, u64>,
    /// By the form that was asked for.
    pub by_form: BTreeMap<Form, u64>,
    /// All tokens charged for requests.
    pub input_tokens: u64,
    /// All tokens charged for answers.
    pub output_tokens: u64,
}

#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) sums: Sums,
    pub(super) asked: Vec<Asked>,
}

impl Book {
    /// Notes the beginning of a request, and gives its number.
    pub(super) fn begin(&mut self, model: &str, api: Api, behaviour: Behaviour) -> u64 {
        self.sums.requests += 1;
        *self.sums.by_model.entry(model.to_owned()).or_default() += 1;
        let number = self.sums.requests;
        if self.asked.len() < KEPT {
            self.asked.push(Asked {
                number,
                model: model.to_owned(),
                api,
                behaviour,
                form: None,
                tool: None,
                pictures: Vec::new(),
                picture_last: false,
                system: String::new(),
                text: String::new(),
                max_tokens: None,
                seen: None,
                status: None,
                error: None,
                stop_reason: None,
                input_tokens: 0,
                output_tokens: 0,
            });
        }
        number
    }

    /// Adds to what is known of a request.
    pub(super) fn note(&mut self, number: u64, add: impl FnOnce(&mut Asked)) {
        // Requests end out of order, but are few enough to look for from the end.
        if let Some(asked) = self.asked.iter_mut().rfind(|asked| asked.number == number) {
            add(asked);
        }
    }
}
