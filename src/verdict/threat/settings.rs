//! The settings of assessing activities.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;
use crate::verdict::Threat;

/// Which activities are assessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Analyze {
    /// What matches a rule, and every GuardDuty finding.
    #[default]
    Notable,
    /// Every record.
    All,
}

/// `[threats]` as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawThreats {
    /// `threats.analyze`: `notable` (default) assesses what matches a rule and every GuardDuty
    /// finding, `all` every record that comes in. With `notable` a model is never asked about what is
    /// below `threats.tell_from`, but for GuardDuty findings; with `all` it is, at most 10 times a
    /// minute.
    pub analyze: Analyze,
    /// `threats.tell_from`: from which level people are told at once; what is below is counted in
    /// the digest. Default `medium`.
    pub tell_from: Threat,
    /// `threats.ask_model`: whether a model is asked beyond the rules. Default true. It is asked at
    /// most 10 times a minute and 4 at once about what people are told of at once, and about the same
    /// (rule, call, account, bucket, caller and error) once in 10 minutes; after three silences in a
    /// row not for a minute. The rules speak alone of everything else.
    pub ask_model: bool,
    /// `threats.rules`: a file of rules to use in place of the built-in one (config/threats.toml).
    /// Empty by default.
    pub rules: String,
}

impl Default for RawThreats {
    fn default() -> Self {
        Self {
            analyze: Analyze::Notable,
            tell_from: Threat::Medium,
            ask_model: true,
            rules: String::new(),
        }
    }
}

/// `[threats]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreatSettings {
    /// Which activities are assessed.
    pub analyze: Analyze,
    /// From which level people are told at once.
    pub tell_from: Threat,
    /// Whether a model is asked beyond the rules.
    pub ask_model: bool,
    /// A file of rules in place of the built-in one.
    pub rules: Option<PathBuf>,
}

impl RawThreats {
    /// Checks the section; nothing in it can be wrong by itself. The file of rules is read later.
    pub fn validate(self, _problems: &mut Problems) -> Option<ThreatSettings> {
        Some(ThreatSettings {
            analyze: self.analyze,
            tell_from: self.tell_from,
            ask_model: self.ask_model,
            rules: Some(PathBuf::from(self.rules)).filter(|path| !path.as_os_str().is_empty()),
        })
    }
}
