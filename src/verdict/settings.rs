//! The settings of judging.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;

/// Whether a second look is taken on this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondLook {
    /// Never.
    #[default]
    Off,
    /// At what the model calls clean.
    OnClean,
}

/// `[verdict]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawVerdict {
    /// `verdict.local_check`: whether what the model calls clean is read on this machine as well,
    /// where a number with a valid check digit overrules it. `off` (default), or `on_clean`, which
    /// costs about two seconds of a processor core for each picture.
    pub local_check: SecondLook,
}

/// `[verdict]`, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictSettings {
    /// Whether a second look is taken on this machine.
    pub local_check: SecondLook,
}

impl RawVerdict {
    /// Checks the section and notes every mistake; `None` when there was one.
    pub fn validate(self, problems: &mut Problems) -> Option<VerdictSettings> {
        let possible = cfg!(feature = "local-detector") || self.local_check == SecondLook::Off;
        if !possible {
            problems.add(
                "verdict.local_check",
                "this program is built without the local detector; say `off`, or build it with \
                 the feature `local-detector`",
            );
        }
        possible.then_some(VerdictSettings {
            local_check: self.local_check,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_is_off_unless_asked_for() {
        let read = |text| -> RawVerdict { toml::from_str(text).unwrap() };
        let settings = read("").validate(&mut Problems::new()).unwrap();
        assert_eq!(settings.local_check, SecondLook::Off);
        let on = read("local_check = 'on_clean'");
        let mut problems = Problems::new();
        let valid = on.validate(&mut problems);
        assert_eq!(valid.is_some(), cfg!(feature = "local-detector"));
        assert_eq!(problems.is_empty(), valid.is_some());
        assert!(toml::from_str::<RawVerdict>("local_check = 'always'").is_err());
    }
}
