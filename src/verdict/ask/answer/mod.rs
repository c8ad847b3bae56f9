//! Reading an answer. Pure, and strict: nothing is filled in, guessed or passed over.
//!
//! A lenient reader turns a confused model into a clean bill of health. So every field must be
//! there with its type, no category may be unknown, no field may be one that nobody asked for,
//! and two reports must agree. What an answer says in free text is not taken over at all: it may
//! repeat what it saw.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::{Deserializer, IntoDeserializer};

use super::Form;
use super::prompt::TOOL;
use crate::model::{Content, ModelReply, Stop};
use crate::verdict::{Category, Confidence, Opinion, Threat, UndecidedReason};

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

/// What an answer comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A final word.
    Opinion(Opinion),
    /// Not in the form that was asked for.
    Flawed(Flaw),
}

/// Reads an answer to a request of this form.
pub(super) fn read(reply: &ModelReply, form: Form) -> Reading {
    let undecided = |reason| Reading::Opinion(Opinion::Undecided(reason));
    match reply.stop {
        Stop::EndTurn | Stop::ToolUse => {}
        Stop::MaxTokens => return undecided(UndecidedReason::Truncated),
        Stop::Refused => return undecided(UndecidedReason::Refused),
        Stop::Other => return Reading::Flawed(Flaw::Unreadable),
    }
    let reports = match form {
        Form::Tool => of_tools(&reply.content),
        Form::Schema | Form::Words => of_text(&reply.content).map(|report| vec![report]),
    };
    match reports {
        Ok(reports) => Reading::Opinion(together(&reports)),
        Err(flaw) => Reading::Flawed(flaw),
    }
}

/// A report as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    contains_pii: bool,
    categories: BTreeSet<Word<Category>>,
    confidence: Word<Confidence>,
    threat_level: Word<Level>,
    instructions_in_content: bool,
    #[serde(rename = "title")]
    _title: Said,
    #[serde(rename = "summary")]
    _summary: Said,
}

/// The levels that a model may say: `critical` is not its to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Low,
    Medium,
    High,
}

/// One word of a list, written as a text and in no other of the ways that serde would take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Word<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::deserialize(text.into_deserializer()).map(Self)
    }
}

/// A text that has to be there and is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said;

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|_| Self)
    }
}

fn of_tools(content: &[Content]) -> Result<Vec<Report>, Flaw> {
    let calls = content.iter().filter_map(|part| match part {
        Content::Tool { name, input } => Some((name, input)),
        Content::Text(_) => None,
    });
    let reports = calls.map(|(name, input)| {
        if name != TOOL {
            return Err(Flaw::WrongTool);
        }
        // A list of the values without their names would do for serde.
        if !input.is_object() {
            return Err(Flaw::NotBySchema);
        }
        Report::deserialize(input).map_err(|_| Flaw::NotBySchema)
    });
    let reports = reports.collect::<Result<Vec<_>, _>>()?;
    if reports.is_empty() {
        return Err(Flaw::NoReport);
    }
    Ok(reports)
}

fn of_text(content: &[Content]) -> Result<Report, Flaw> {
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
    let mut objects = serde_json::Deserializer::from_str(json).into_iter::<Report>();
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

/// What reports say together: they must agree in everything that decides.
fn together(reports: &[Report]) -> Opinion {
    let Some((first, others)) = reports.split_first() else {
        return Opinion::Undecided(UndecidedReason::Malformed);
    };
    if others.iter().any(|other| other != first) {
        return Opinion::Undecided(UndecidedReason::Contradiction);
    }
    opinion(first)
}

fn opinion(report: &Report) -> Opinion {
    if report.contains_pii == report.categories.is_empty() {
        return Opinion::Undecided(UndecidedReason::Contradiction);
    }
    if report.contains_pii {
        return Opinion::Flagged {
            categories: report.categories.iter().map(|word| word.0).collect(),
            confidence: report.confidence.0,
            threat: match report.threat_level.0 {
                Level::Low => Threat::Low,
                Level::Medium => Threat::Medium,
                Level::High => Threat::High,
            },
        };
    }
    if report.instructions_in_content {
        // Who obeys a picture says that nothing is in it.
        return Opinion::Undecided(UndecidedReason::InstructionsInContent);
    }
    Opinion::Clean
}
