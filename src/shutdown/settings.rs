//! The settings of how we live on Amazon ECS.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;

/// The longest that AWS protects a task, in minutes: 48 hours ("`UpdateTaskProtection`", Amazon ECS
/// API reference).
const LONGEST: u64 = 2880;

/// `[ecs]` as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawEcs {
    /// `ecs.protection_max_minutes`: how long a task asks in a row not to be stopped by a scale-in
    /// or a deployment, 0 to 2880; default 10. 0 never asks.
    pub protection_max_minutes: u64,
}

impl Default for RawEcs {
    fn default() -> Self {
        Self {
            protection_max_minutes: 10,
        }
    }
}

/// `[ecs]`, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EcsSettings {
    /// How long a task asks in a row not to be stopped; zero never asks.
    pub protected_at_most: Duration,
}

impl RawEcs {
    /// The settings, or `None` with a problem added.
    pub fn validate(&self, problems: &mut Problems) -> Option<EcsSettings> {
        let minutes = self.protection_max_minutes;
        if minutes > LONGEST {
            problems.add(
                "ecs.protection_max_minutes",
                format!(
                    "{minutes} is out of range: choose a value from 0 to {LONGEST}; deployments \
                     and scale-in wait for it, and 0 never protects"
                ),
            );
            return None;
        }
        Some(EcsSettings {
            protected_at_most: Duration::from_secs(minutes * 60),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(minutes: u64, seconds: Option<u64>) {
        let raw = RawEcs {
            protection_max_minutes: minutes,
        };
        let mut problems = Problems::new();
        let settings = raw.validate(&mut problems);
        let found = settings.map(|it| it.protected_at_most.as_secs());
        assert_eq!(found, seconds, "{minutes}");
        assert_eq!(problems.is_empty(), seconds.is_some(), "{minutes}");
    }

    #[test]
    fn as_long_as_aws_protects_and_no_longer() {
        check(RawEcs::default().protection_max_minutes, Some(600));
        check(0, Some(0));
        check(1, Some(60));
        check(2880, Some(172_800));
        check(2881, None);
        check(u64::MAX, None);
    }
}
