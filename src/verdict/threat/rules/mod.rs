//! Rules on single events: what a record says by itself, without a model.
//!
//! Rules are data (`config/threats.toml`, or a file of one's own), so that they can be read, argued
//! about and changed without a release. What a rule can ask is closed ([`condition`]): a record is
//! only ever compared, and none of it becomes part of a title or of a next step.

mod condition;
mod file;
mod form;
mod policy;
mod reading;
mod rule;
mod shown;
#[cfg(test)]
mod tests;

use std::path::Path;

use sha2::{Digest, Sha256};

pub(super) use shown::{cut, shown};

use rule::{Pattern, Rule};

use super::Floor;
use crate::event::{Activity, ActivityKind};
use crate::settings::{Problem, Problems};

/// The rules that are built in.
const BUILTIN: &str = include_str!("../../../../config/threats.toml");

/// Digits of the hash of a file: enough to tell two files apart in a finding.
const HASH_DIGITS: usize = 12;

/// Rules on single events.
#[derive(Clone, Debug)]
pub struct Rules {
    rules: Vec<Rule>,
    hash: String,
}

/// What a rule is about: for looking whether its events arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watched {
    /// The rule's id.
    pub rule: String,
    /// The services, as `eventSource` names them; a star at the end stands for anything.
    pub sources: Vec<String>,
    /// The calls, as `eventName` names them; a star likewise.
    pub names: Vec<String>,
}

/// A file of rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// It cannot be read.
    #[error("rules file {place} cannot be read; correct threats.rules, or leave it empty")]
    Unreadable {
        /// The file.
        place: String,
        /// Why.
        source: std::io::Error,
    },
    /// It has mistakes.
    #[error(
        "rules file {place} cannot be used: {}; correct it, or leave threats.rules empty",
        sentences(problems)
    )]
    Wrong {
        /// The file.
        place: String,
        /// All of its mistakes: the rule and its field, what is wrong and what to do.
        problems: Vec<Problem>,
    },
}

impl Rules {
    /// The rules that are built in.
    pub fn builtin() -> Self {
        Self::parse(BUILTIN, "built in").expect("the built-in rules are valid, as a test shows")
    }

    /// The rules in a file, or those built in where there is none.
    ///
    /// # Errors
    /// The file cannot be read or has mistakes; all of them are named at once.
    pub fn load(file: Option<&Path>) -> Result<Self, RulesError> {
        let Some(file) = file else {
            return Ok(Self::builtin());
        };
        let place = file.display().to_string();
        match std::fs::read_to_string(file) {
            Ok(text) => Self::parse(&text, &place),
            Err(source) => Err(RulesError::Unreadable { place, source }),
        }
    }

    fn parse(text: &str, place: &str) -> Result<Self, RulesError> {
        let mut problems = Problems::new();
        let rules = file::read(text, &mut problems);
        if !problems.is_empty() {
            return Err(RulesError::Wrong {
                place: place.to_owned(),
                problems: problems.into_vec(),
            });
        }
        let mut hash = hex::encode(Sha256::digest(text.as_bytes()));
        hash.truncate(HASH_DIGITS);
        Ok(Self { rules, hash })
    }

    /// What the rules are about, in their order.
    pub fn watched(&self) -> Vec<Watched> {
        let written = |patterns: &[Pattern]| patterns.iter().map(Pattern::written).collect();
        let watched = self.rules.iter().map(|rule| Watched {
            rule: rule.id.clone(),
            sources: written(&rule.sources),
            names: written(&rule.names),
        });
        watched.collect()
    }

    /// The first 12 hexadecimal digits of the SHA-256 of the file.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The floor of the highest level among the rules that match; of several on one level, that of
    /// the rule that stands first in the file. Only records of CloudTrail are matched.
    pub fn floor(&self, activity: &Activity) -> Option<Floor> {
        match activity.kind {
            ActivityKind::ApiCall | ActivityKind::ConsoleSignIn | ActivityKind::ServiceEvent => {}
            ActivityKind::Finding | ActivityKind::MalwareScan => return None,
        }
        let levels = self
            .rules
            .iter()
            .filter_map(|rule| Some((rule.level_of(activity)?, rule)));
        // `max_by_key` would take the last of several.
        let highest = levels.reduce(|first, next| if next.0 > first.0 { next } else { first });
        highest.map(|(level, rule)| rule.floor(level, activity))
    }
}

fn sentences(problems: &[Problem]) -> String {
    let sentences: Vec<_> = problems.iter().map(ToString::to_string).collect();
    sentences.join("; ")
}
