//! The settings of models, as written and as validated.
//!
//! A fallback that is named without its geography takes the one of `model.id`: whoever moves the
//! first model to Europe must not find pictures in the United States because the default second one
//! stayed there.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::{geography, needs_profile};
use crate::settings::Problems;

/// The longest id that Amazon Bedrock takes (API reference, `Converse`, `modelId`).
const MAX_ID_CHARS: usize = 2048;

/// A list that is longer than this only delays the news that no model can be used.
const MAX_FALLBACKS: usize = 8;

/// `[model]` as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawModel {
    /// `model.id`: the model that judges, as the id or ARN of an inference profile. Default
    /// `us.anthropic.claude-haiku-5-5`: pictures stay in the Regions of the United States.
    pub id: String,
    /// `model.fallbacks`: who judges while the first cannot be used, in this order. An id without
    /// a geography takes that of `model.id`. Default Claude Haiku 4.5.
    pub fallbacks: Vec<String>,
    /// `model.max_tokens`: the longest answer. Quotas are charged with it when a call starts; an
    /// answer that is cut is undecided. 256 to 8192, default 1024: a verdict takes about 200.
    pub max_tokens: u32,
    /// `model.timeout_seconds`: how long one call may take. 5 to 300, default 60.
    pub timeout_seconds: u64,
    /// `model.requests_per_minute`: the account's quota, shared by all tasks. Default 0, not
    /// limited: then only throttling slows calls down.
    pub requests_per_minute: u32,
    /// `model.tokens_per_minute`: the account's quota of tokens, output weighted by the model's
    /// burndown factor, shared by all tasks. Default 0, not limited.
    pub tokens_per_minute: u32,
    /// `model.usd_per_day`: US dollars that all tasks together may spend on a day (UTC); then
    /// uploads wait for the next. Default 0, no budget.
    pub usd_per_day: f64,
    /// `model.prices`: a price table to use in place of the one built in. Default empty, built in.
    pub prices: String,
}

impl Default for RawModel {
    fn default() -> Self {
        Self {
            id: "us.anthropic.claude-haiku-5-5".to_owned(),
            fallbacks: vec!["anthropic.claude-haiku-4-5-20251001-v1:0".to_owned()],
            max_tokens: 1024,
            timeout_seconds: 60,
            requests_per_minute: 0,
            tokens_per_minute: 0,
            usd_per_day: 0.0,
            prices: String::new(),
        }
    }
}

/// `[model]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelSettings {
    /// The models in the order in which they are asked: the first, then the fallbacks. Never
    /// empty, none twice, fallbacks with their geography.
    pub models: Vec<String>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// How long one call may take; the adapter's attempt timeout.
    pub timeout: Duration,
    /// Requests a minute of all tasks together; `None` for no limit.
    pub requests_per_minute: Option<NonZeroU32>,
    /// Weighted tokens a minute of all tasks together; `None` for no limit.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// US dollars a day of all tasks together; `None` for no budget.
    pub usd_per_day: Option<f64>,
    /// The price table's file; `None` for the one built in.
    pub prices: Option<PathBuf>,
}

impl RawModel {
    /// Checks the section and notes every mistake; `None` when there was one.
    pub fn validate(self, problems: &mut Problems) -> Option<ModelSettings> {
        let mut wrong = Problems::new();
        for (key, id) in [("model.id", &self.id)]
            .into_iter()
            .chain(self.fallbacks.iter().map(|id| ("model.fallbacks", id)))
        {
            if !is_id(id) {
                wrong.add(
                    key,
                    "not an id: write the id of an inference profile, such as \
                     us.anthropic.claude-haiku-5-5, or its ARN",
                );
            }
        }
        if self.fallbacks.len() > MAX_FALLBACKS {
            wrong.add(
                "model.fallbacks",
                format!("at most {MAX_FALLBACKS} are tried"),
            );
        }
        let models = self.models();
        let distinct: BTreeSet<_> = models.iter().collect();
        if distinct.len() < models.len() {
            wrong.add(
                "model.fallbacks",
                "names a model twice; leave one of them out",
            );
        }
        if !(256..=8192).contains(&self.max_tokens) {
            wrong.add("model.max_tokens", "out of range; from 256 to 8192");
        }
        if !(5..=300).contains(&self.timeout_seconds) {
            wrong.add("model.timeout_seconds", "out of range; from 5 to 300");
        }
        if !(self.usd_per_day.is_finite() && (0.0..=1e6).contains(&self.usd_per_day)) {
            wrong.add(
                "model.usd_per_day",
                "out of range; from 0, which means no budget, to 1000000",
            );
        }
        let good = wrong.is_empty();
        for problem in wrong.into_vec() {
            problems.add(problem.key, problem.message);
        }
        good.then(|| ModelSettings {
            models,
            max_tokens: self.max_tokens,
            timeout: Duration::from_secs(self.timeout_seconds),
            requests_per_minute: NonZeroU32::new(self.requests_per_minute),
            tokens_per_minute: NonZeroU32::new(self.tokens_per_minute),
            usd_per_day: (self.usd_per_day > 0.0).then_some(self.usd_per_day),
            prices: (!self.prices.is_empty()).then(|| PathBuf::from(self.prices)),
        })
    }

    fn models(&self) -> Vec<String> {
        let place = geography(&self.id).0;
        let fallbacks = self.fallbacks.iter().map(|id| match place {
            Some(place) if needs_profile(id) => format!("{place}.{id}"),
            _ => id.clone(),
        });
        std::iter::once(self.id.clone()).chain(fallbacks).collect()
    }
}

impl ModelSettings {
    /// What will probably not work, or not as meant, in sentences that name the remedy. Nothing
    /// here can be known for sure without asking the service, so none of it is an error.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let first = self.models.first().and_then(|id| geography(id).0);
        for (n, id) in self.models.iter().enumerate() {
            let key = if n == 0 {
                "model.id"
            } else {
                "model.fallbacks"
            };
            let place = geography(id).0;
            if needs_profile(id) {
                warnings.push(format!(
                    "{key}: {id} is a base id, which the service takes only through an inference \
                     profile; put the geography of your Region before it, for example us.{id} or \
                     eu.{id}"
                ));
            } else if place == Some("global") {
                warnings.push(format!(
                    "{key}: {id} may send pictures to any Region of the world; a profile of your \
                     geography keeps them there"
                ));
            } else if place.is_some() && first.is_some() && place != first {
                warnings.push(format!(
                    "{key}: {id} sends pictures to another geography than model.id; leave its \
                     prefix out to stay in one"
                ));
            }
        }
        warnings
    }
}

fn is_id(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '-' | '_');
    !text.is_empty() && text.len() <= MAX_ID_CHARS && text.chars().all(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section in TOML, and the mistakes in it.
    #[track_caller]
    fn check(section: &str, expected: &[&str]) -> Option<ModelSettings> {
        let raw: RawModel = toml::from_str(section).unwrap();
        let mut problems = Problems::new();
        let valid = raw.validate(&mut problems);
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(keys, expected, "{section}");
        assert_eq!(valid.is_some(), expected.is_empty(), "{section}");
        valid
    }

    #[test]
    fn nothing_said_means_two_models_and_no_limit() {
        let settings = check("", &[]).unwrap();
        assert_eq!(
            settings.models,
            [
                "us.anthropic.claude-haiku-5-5",
                "us.anthropic.claude-haiku-4-5-20251001-v1:0"
            ]
        );
        assert_eq!(settings.timeout, Duration::from_secs(60));
        assert_eq!(settings.requests_per_minute, None);
        assert_eq!(settings.usd_per_day, None);
        assert_eq!(settings.prices, None);
        assert_eq!(settings.warnings(), Vec::<String>::new());
    }

    #[test]
    fn fallbacks_stay_in_the_geography_of_the_first() {
        let settings = check("id = 'eu.anthropic.claude-haiku-5-5'", &[]).unwrap();
        let second = &settings.models[1];
        assert!(
            second.starts_with("eu.anthropic.claude-haiku-4-5"),
            "{second}"
        );
        assert!(settings.warnings().is_empty());
        let other = check("fallbacks = ['eu.anthropic.claude-haiku-4-5']", &[]).unwrap();
        let warnings = other.warnings();
        assert!(warnings[0].contains("another geography"), "{warnings:?}");
    }

    #[test]
    fn a_base_id_is_warned_of_with_its_remedy() {
        let settings = check("id = 'anthropic.claude-haiku-5-5'\nfallbacks = []", &[]).unwrap();
        let warnings = settings.warnings();
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].contains("us.anthropic.claude-haiku-5-5"),
            "{warnings:?}"
        );
        let global = check(
            "id = 'global.anthropic.claude-haiku-5-5'\nfallbacks = []",
            &[],
        );
        assert_eq!(global.unwrap().warnings().len(), 1);
    }

    #[test]
    fn every_mistake_is_noted() {
        check("id = ''", &["model.id"]);
        check("id = 'two words'", &["model.id"]);
        check("fallbacks = ['a b', '']", &["model.fallbacks"; 2]);
        check("id = 'a'\nfallbacks = ['a']", &["model.fallbacks"]);
        check(
            "id = 'a'\nfallbacks = ['b','c','d','e','f','g','h','i','j']",
            &["model.fallbacks"],
        );
        check(
            "max_tokens = 0\ntimeout_seconds = 4\nusd_per_day = -1.0",
            &[
                "model.max_tokens",
                "model.timeout_seconds",
                "model.usd_per_day",
            ],
        );
        check("usd_per_day = nan", &["model.usd_per_day"]);
        check("usd_per_day = inf", &["model.usd_per_day"]);
        check(
            "requests_per_minute = 60\ntokens_per_minute = 1\nusd_per_day = 0.5",
            &[],
        );
    }
}
