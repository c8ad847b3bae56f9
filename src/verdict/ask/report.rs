//! The report that a model is asked to fill in: how it is asked for in each form, and how it is read.
//!
//! Reading is strict: nothing is filled in, guessed or passed over. A lenient reader turns a
//! confused model into a clean bill of health. So every field must be there with its type, no word
//! may be unknown, and no field may be one that nobody asked for. What an answer says in free text
//! may repeat what the model saw: it is [`Said`] and gone, unless whoever asked takes care of it.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Form;
use crate::model::{Ask, Content, ModelReply, ModelRequest, Part, Stop};
use crate::verdict::Threat;

/// What is added where the form of the answer has to be told in words.
pub(super) const AS_JSON: &str = "Answer with one JSON object and nothing else: no other text, no \
                                  second object. It follows this JSON schema:";

/// What has to be filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sheet {
    /// Who the model is and what it is to do; nothing of the outside world is in it.
    pub(super) system: &'static str,
    /// The tool, and the name of the schema.
    pub(super) name: &'static str,
    /// What the tool is for.
    pub(super) purpose: &'static str,
    /// The JSON schema of an answer.
    pub(super) schema: &'static Value,
}

impl Sheet {
    /// The request that shows these parts and asks for the report in this form.
    pub(super) fn request(
        &self,
        model: &str,
        max_tokens: u32,
        form: Form,
        parts: Vec<Part>,
    ) -> ModelRequest {
        ModelRequest {
            model: model.to_owned(),
            system: match form {
                Form::Tool | Form::Schema => self.system.to_owned(),
                Form::Words => format!("{}\n{AS_JSON}\n{}\n", self.system, self.schema),
            },
            parts,
            ask: match form {
                Form::Tool => Ask::Tool {
                    name: self.name.to_owned(),
                    description: self.purpose.to_owned(),
                    schema: self.schema.clone(),
                },
                Form::Schema => Ask::Schema {
                    name: self.name.to_owned(),
                    schema: self.schema.clone(),
                },
                Form::Words => Ask::Text,
            },
            max_tokens,
        }
    }

    /// The reports in an answer to such a request; never empty.
    pub(super) fn read<R: DeserializeOwned>(
        &self,
        reply: &ModelReply,
        form: Form,
    ) -> Result<Vec<R>, Unread> {
        match reply.stop {
            Stop::EndTurn | Stop::ToolUse => {}
            Stop::MaxTokens => return Err(Unread::Cut),
            Stop::Refused => return Err(Unread::Refused),
            Stop::Other => return Err(Unread::Flawed(Flaw::Unreadable)),
        }
        let reports = match form {
            Form::Tool => of_tools(&reply.content, self.name),
            Form::Schema | Form::Words => of_text(&reply.content).map(|report| vec![report]),
        };
        reports.map_err(Unread::Flawed)
    }
}

/// The version of a judge: the first 12 hexadecimal digits of the SHA-256 over all that decides about
/// an answer, but for what is shown and the model.
pub(super) fn version(all: &Value) -> String {
    let mut digest = hex::encode(Sha256::digest(all.to_string()));
    digest.truncate(12);
    digest
}

/// What follows a question that is asked for the second time: the flaw is named, not quoted.
pub(super) fn repair(flaw: Flaw, again: &str) -> String {
    format!(
        "You were asked this before, and your report could not be used: {}. {again} and report in \
         the given form.",
        flaw.told()
    )
}

/// Why no report was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The answer was cut off by the longest length that is allowed.
    Cut,
    /// The model or a filter refused.
    Refused,
    /// It is not in the form that was asked for.
    Flawed(Flaw),
}

/// What was wrong with the form of an answer. Closed, so that saying it repeats no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Flaw {
    /// There was none.
    NoReport,
    /// Another tool was called.
    WrongTool,
    /// More than one object, or text beside it.
    NotOneObject,
    /// No JSON, or not by the schema.
    NotBySchema,
    /// The service could not read it.
    Unreadable,
}

impl Flaw {
    /// All of them.
    pub(super) const ALL: [Self; 5] = [
        Self::NoReport,
        Self::WrongTool,
        Self::NotOneObject,
        Self::NotBySchema,
        Self::Unreadable,
    ];

    /// What the model is told.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::NoReport => "there was no report in it",
            Self::WrongTool => "it called a tool that does not exist",
            Self::NotOneObject => "it was not exactly one JSON object without other text",
            Self::NotBySchema => {
                "a field was missing, was not in the schema, or had a value that the schema does \
                 not allow"
            }
            Self::Unreadable => "it was broken off or not well formed",
        }
    }
}

/// The levels that a model may say: `critical` is not its to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    Low,
    Medium,
    High,
}

impl From<Level> for Threat {
    fn from(level: Level) -> Self {
        match level {
            Level::Low => Self::Low,
            Level::Medium => Self::Medium,
            Level::High => Self::High,
        }
    }
}

/// One word of a list, written as a text and in no other of the ways that serde would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::deserialize(text.into_deserializer()).map(Self)
    }
}

/// A text that has to be there and is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said;

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

fn of_tools<R: DeserializeOwned>(content: &[Content], tool: &str) -> Result<Vec<R>, Flaw> {
    let calls = content.iter().filter_map(|part| match part {
        Content::Tool { name, input } => Some((name, input)),
        Content::Text(_) => None,
    });
    let reports = calls.map(|(name, input)| {
        if name != tool {
            return Err(Flaw::WrongTool);
        }
        // A list of the values without their names would do for serde.
        if !input.is_object() {
            return Err(Flaw::NotBySchema);
        }
        R::deserialize(input).map_err(|_| Flaw::NotBySchema)
    });
    let reports = reports.collect::<Result<Vec<_>, _>>()?;
    if reports.is_empty() {
        return Err(Flaw::NoReport);
    }
    Ok(reports)
}

fn of_text<R: DeserializeOwned>(content: &[Content]) -> Result<R, Flaw> {
    let mut texts = Vec::new();
    for part in content {
        match part {
            Content::Text(text) if text.trim().is_empty() => {}
            Content::Text(text) => texts.push(text.as_str()),
            Content::Tool { .. } => return Err(Flaw::WrongTool),
        }
    }
    if texts.is_empty() {
        return Err(Flaw::NoReport);
    }
    let all = texts.concat();
    let json = without_fence(all.trim());
    if !json.starts_with('{') {
        return Err(Flaw::NotOneObject);
    }
    // Read as text, not as a tree: there a field that is written twice would be the last one.
    let mut objects = serde_json::Deserializer::from_str(json).into_iter::<R>();
    let first = match objects.next() {
        Some(Ok(first)) => first,
        Some(Err(error)) if error.is_data() => return Err(Flaw::NotBySchema),
        _ => return Err(Flaw::NotOneObject),
    };
    let rest = json.get(objects.byte_offset()..).unwrap_or_default();
    if !rest.trim().is_empty() {
        return Err(Flaw::NotOneObject);
    }
    Ok(first)
}

/// What stands inside one code fence that goes round the whole text, or the text.
fn without_fence(text: &str) -> &str {
    let inside = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    let Some(inside) = inside else { return text };
    match inside.split_once('\n') {
        Some((language, body)) if matches!(language.trim(), "" | "json" | "JSON") => body.trim(),
        _ => text,
    }
}
