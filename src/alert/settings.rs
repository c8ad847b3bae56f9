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

/// Ten a second is what mail subscriptions take; a person takes less.
const MAX_PER_MINUTE: u32 = 600;

/// A week.
const MAX_DIGEST_MINUTES: u32 = 10_080;

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

/// The language of alerts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Korean.
    Ko,
}

/// What people are told of objects that are clean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Clean {
    /// Their number, in the digest.
    #[default]
    Digest,
    /// Each, merged like other alerts.
    Each,
    /// Nothing.
    Off,
}

/// Whether a model's own words about an activity reach people. What it says about a picture never
/// does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelText {
    /// They do not.
    Off,
    /// Without whatever the record does not show and code cannot tell from a value.
    #[default]
    Scrubbed,
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
    /// `alerts.language`: `en` (default) or `ko`; subjects of mails are English in both.
    pub language: Language,
    /// `alerts.max_per_minute`: alerts per minute of all tasks together; what is beyond is merged
    /// and sent later. Never more than 10 a second. 1 to 600, default 60.
    pub max_per_minute: u32,
    /// `alerts.digest_minutes`: how long a digest covers; windows count from the beginning of 1970
    /// UTC, so that lengths that divide a day begin at midnight. 0 sends none. At most 10080 (a
    /// week), default 1440 (a day).
    pub digest_minutes: u32,
    /// `alerts.clean`: what is told of clean objects: `digest` (default), `each` or `off`.
    pub clean: Clean,
    /// `alerts.model_text`: whether a model's own words about an activity are sent: `scrubbed`
    /// (default) or `off`.
    pub model_text: ModelText,
    /// `alerts.chat`: whether subscriptions by HTTPS get the form of Amazon Q Developer in chat
    /// applications instead of the alert's JSON. Default false.
    pub chat: bool,
    /// `alerts.security_hub`: whether findings are imported into AWS Security Hub as well; needs
    /// the feature `securityhub`. Default false.
    pub security_hub: bool,
    /// `alerts.event_bus`: the EventBridge bus, by name or ARN, that alerts are put to as well;
    /// needs the feature `eventbridge`. Empty by default.
    pub event_bus: String,
}

impl Default for RawAlerts {
    fn default() -> Self {
        Self {
            topic_arn: None,
            merge_seconds: 5,
            max_hold_seconds: 300,
            keys: KeyStyle::Full,
            language: Language::En,
            max_per_minute: 60,
            digest_minutes: 1440,
            clean: Clean::Digest,
            model_text: ModelText::Scrubbed,
            chat: false,
            security_hub: false,
            event_bus: String::new(),
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

    /// Where alerts are copied to, or `None` with at least one problem added.
    pub fn copies(&self, problems: &mut Problems) -> Option<CopySettings> {
        let bus = Some(&self.event_bus).filter(|bus| !bus.is_empty());
        let mut fits = true;
        for (key, wanted, built, feature) in [
            (
                "alerts.security_hub",
                self.security_hub,
                cfg!(feature = "securityhub"),
                "securityhub",
            ),
            (
                "alerts.event_bus",
                bus.is_some(),
                cfg!(feature = "eventbridge"),
                "eventbridge",
            ),
        ] {
            if wanted && !built {
                problems.add(
                    key,
                    format!(
                        "this program is built without it; build it with the feature `{feature}`"
                    ),
                );
                fits = false;
            }
        }
        if let Some(bus) = bus
            && !names_a_bus(bus)
        {
            problems.add(
                "alerts.event_bus",
                "is neither the name of an event bus nor its ARN; it looks like security, or \
                 arn:aws:events:REGION:ACCOUNT:event-bus/NAME",
            );
            fits = false;
        }
        fits.then(|| CopySettings {
            security_hub: self.security_hub,
            event_bus: bus.cloned(),
        })
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
        let rate_fits = (1..=MAX_PER_MINUTE).contains(&self.max_per_minute);
        if !rate_fits {
            problems.add(
                "alerts.max_per_minute",
                format!("out of range; from 1 to {MAX_PER_MINUTE}"),
            );
        }
        let digest_fits = self.digest_minutes <= MAX_DIGEST_MINUTES;
        if !digest_fits {
            problems.add(
                "alerts.digest_minutes",
                format!("too large; at most {MAX_DIGEST_MINUTES}"),
            );
        }
        let fits = merge_fits && hold_fits && ordered && rate_fits && digest_fits;
        fits.then_some(AlertSettings {
            merge: Duration::from_secs(self.merge_seconds),
            max_hold: Duration::from_secs(self.max_hold_seconds),
            keys: self.keys,
            language: self.language,
            max_per_minute: self.max_per_minute,
            digest: (self.digest_minutes > 0)
                .then(|| Duration::from_secs(u64::from(self.digest_minutes) * 60)),
            clean: self.clean,
            model_text: self.model_text,
            chat: self.chat,
        })
    }
}

/// Whether a text can be the name of an event bus, or its ARN (`EventBusName` of `PutEvents`, Amazon
/// EventBridge API reference).
fn names_a_bus(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=256).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"/.-_".contains(&b))
    };
    let parts: Vec<_> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "events", region, account, bus] => {
            partition.starts_with("aws")
                && !region.is_empty()
                && account.len() == 12
                && account.bytes().all(|b| b.is_ascii_digit())
                && bus.strip_prefix("event-bus/").is_some_and(is_name)
        }
        _ => is_name(text),
    }
}

/// Where alerts are copied to, beside the topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopySettings {
    /// Whether findings are imported into AWS Security Hub.
    pub security_hub: bool,
    /// The EventBridge bus that alerts are put to, by name or ARN.
    pub event_bus: Option<String>,
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
    /// In which language.
    pub language: Language,
    /// Alerts per minute of all tasks together.
    pub max_per_minute: u32,
    /// How long a digest covers; `None` is no digest.
    pub digest: Option<Duration>,
    /// What is told of clean objects.
    pub clean: Clean,
    /// Whether a model's own words about an activity are sent.
    pub model_text: ModelText,
    /// Whether subscriptions by HTTPS get the form for chat applications.
    pub chat: bool,
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

    #[track_caller]
    fn check_copies(security_hub: bool, event_bus: &str, keys: &[&str]) {
        let raw = RawAlerts {
            security_hub,
            event_bus: event_bus.to_owned(),
            ..RawAlerts::default()
        };
        let mut problems = Problems::new();
        let copies = raw.copies(&mut problems);
        let found: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(found, keys, "{event_bus}");
        assert_eq!(copies.is_some(), keys.is_empty(), "{event_bus}");
    }

    #[test]
    fn a_channel_that_is_not_built_in_is_refused() {
        check_copies(false, "", &[]);
        let hub: &[_] = match cfg!(feature = "securityhub") {
            true => &[],
            false => &["alerts.security_hub"],
        };
        check_copies(true, "", hub);
        let bus: &[_] = match cfg!(feature = "eventbridge") {
            true => &[],
            false => &["alerts.event_bus"],
        };
        check_copies(false, "security", bus);
    }

    #[test]
    fn a_bus_is_named_by_its_name_or_its_arn() {
        let arn = "arn:aws:events:eu-west-1:123456789012:event-bus/";
        for (text, fits) in [
            ("default", true),
            ("team/security.alerts_1-x", true),
            (&format!("{arn}security"), true),
            (
                "arn:aws-cn:events:cn-north-1:123456789012:event-bus/x",
                true,
            ),
            (arn, false),
            ("arn:aws:events:eu-west-1:1234:event-bus/x", false),
            ("arn:aws:events:eu-west-1:123456789012:rule/x", false),
            ("arn:aws:sns:eu-west-1:123456789012:alerts", false),
            ("a bus", false),
            (&"x".repeat(257), false),
        ] {
            assert_eq!(names_a_bus(text), fits, "{text}");
        }
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(AlertSettings::default().merge, Duration::from_secs(5));
        let read: RawAlerts = toml::from_str("keys = 'masked'").unwrap();
        assert_eq!(read.keys, KeyStyle::Masked);
        assert_eq!(read.max_hold_seconds, 300);
    }
}
