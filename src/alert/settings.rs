//! The settings of alerts, as written and as validated.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TopicArn;
use crate::settings::Problems;

/// Longer, and people would read of the second upload of a burst too late to stop the tenth.
const MAX_MERGE_SECONDS: u64 = 60;

/// No message is held longer than 30 minutes, so an alert that waits longer waits for nobody.
const MAX_HOLD_SECONDS: u64 = 1800;

/// How keys are written into alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyStyle {
    /// The whole key.
    #[default]
    Full,
    /// Folder depth, a digest and the ending: for buckets whose keys hold names of people.
    Masked,
}

/// `[alerts]` as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawAlerts {
    /// `alerts.topic_arn`: the SNS topic that the service publishes alerts to. No default.
    pub topic_arn: Option<String>,
    /// `alerts.merge_seconds`: the first alert of a kind and bucket goes out at once; what follows
    /// within this time is merged into one. 0 to 60, default 5.
    pub merge_seconds: u64,
    /// `alerts.max_hold_seconds`: how long work waits for its alert when alerts cannot be sent; then
    /// it goes back to the queue and is announced later. 10 to 1800, default 300.
    pub max_hold_seconds: u64,
    /// `alerts.keys`: `full` (default), or `masked` where keys may hold names of people.
    pub keys: KeyStyle,
}

impl Default for RawAlerts {
    fn default() -> Self {
        Self {
            topic_arn: None,
            merge_seconds: 5,
            max_hold_seconds: 300,
            keys: KeyStyle::Full,
        }
    }
}

impl RawAlerts {
    /// The topic, if somebody names one; `None` with a problem added is a mistake.
    pub fn topic(&self, problems: &mut Problems) -> Option<Option<TopicArn>> {
        let Some(written) = self.topic_arn.as_ref().filter(|arn| !arn.is_empty()) else {
            return Some(None);
        };
        match written.parse() {
            Ok(topic) => Some(Some(topic)),
            Err(why) => {
                problems.add("alerts.topic_arn", why);
                None
            }
        }
    }

    /// The settings, or `None` with at least one problem added.
    pub fn validate(&self, problems: &mut Problems) -> Option<AlertSettings> {
        let merge_fits = self.merge_seconds <= MAX_MERGE_SECONDS;
        if !merge_fits {
            problems.add(
                "alerts.merge_seconds",
                format!("too large; at most {MAX_MERGE_SECONDS}"),
            );
        }
        let hold_fits = (10..=MAX_HOLD_SECONDS).contains(&self.max_hold_seconds);
        if !hold_fits {
            problems.add(
                "alerts.max_hold_seconds",
                format!("out of range; from 10 to {MAX_HOLD_SECONDS}"),
            );
        }
        let ordered = self.merge_seconds < self.max_hold_seconds;
        if merge_fits && hold_fits && !ordered {
            problems.add(
                "alerts.max_hold_seconds",
                "not longer than alerts.merge_seconds, so merged alerts would never be waited for; \
                 make it longer",
            );
        }
        (merge_fits && hold_fits && ordered).then_some(AlertSettings {
            merge: Duration::from_secs(self.merge_seconds),
            max_hold: Duration::from_secs(self.max_hold_seconds),
            keys: self.keys,
        })
    }
}

/// The validated settings of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlertSettings {
    /// The window within which alerts of one kind and bucket are merged.
    pub merge: Duration,
    /// How long a submitter waits for its alert at most.
    pub max_hold: Duration,
    /// How keys are written.
    pub keys: KeyStyle,
}

impl Default for AlertSettings {
    fn default() -> Self {
        RawAlerts::default()
            .validate(&mut Problems::new())
            .expect("the defaults are valid, as a test shows")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(merge_seconds: u64, max_hold_seconds: u64, keys: &[&str]) {
        let raw = RawAlerts {
            merge_seconds,
            max_hold_seconds,
            ..RawAlerts::default()
        };
        let mut problems = Problems::new();
        let settings = raw.validate(&mut problems);
        let found: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(found, keys);
        assert_eq!(settings.is_some(), keys.is_empty());
    }

    #[test]
    fn bounds_are_kept_and_all_mistakes_told() {
        check(5, 300, &[]);
        check(0, 10, &[]);
        check(60, 1800, &[]);
        check(61, 300, &["alerts.merge_seconds"]);
        check(5, 9, &["alerts.max_hold_seconds"]);
        check(30, 30, &["alerts.max_hold_seconds"]);
        check(
            600,
            u64::MAX,
            &["alerts.merge_seconds", "alerts.max_hold_seconds"],
        );
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(AlertSettings::default().merge, Duration::from_secs(5));
        let read: RawAlerts = toml::from_str("keys = 'masked'").unwrap();
        assert_eq!(read.keys, KeyStyle::Masked);
        assert_eq!(read.max_hold_seconds, 300);
    }
}
