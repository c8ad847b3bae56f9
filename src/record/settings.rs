//! The settings of the records: where findings and switches lie.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{BucketName, OwnPlace};
use crate::settings::Problems;

/// `[records]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawRecords {
    /// The bucket for findings and switches; it must not be guarded itself. No default.
    pub bucket: Option<String>,
    /// What the keys of all records begin with; empty by default.
    pub prefix: String,
}

impl RawRecords {
    /// Where records lie, if somebody says so; `None` with a problem added is a mistake.
    pub fn validate(self, problems: &mut Problems) -> Option<Option<OwnPlace>> {
        place("records", self.bucket, self.prefix, problems)
    }
}

/// `[quarantine]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawQuarantine {
    /// The bucket that removed objects are moved to instead of being deleted; it must not be
    /// guarded itself. No default.
    pub bucket: Option<String>,
    /// What the keys of all quarantined objects begin with; empty by default.
    pub prefix: String,
}

impl RawQuarantine {
    /// Where quarantined objects go, if somewhere; `None` with a problem added is a mistake.
    pub fn validate(self, problems: &mut Problems) -> Option<Option<OwnPlace>> {
        place("quarantine", self.bucket, self.prefix, problems)
    }
}

fn place(
    section: &str,
    bucket: Option<String>,
    prefix: String,
    problems: &mut Problems,
) -> Option<Option<OwnPlace>> {
    let before = problems.iter().count();
    // A key that begins with a slash, or a prefix that runs into the names, is hardly ever meant.
    if prefix.starts_with('/') || !(prefix.is_empty() || prefix.ends_with('/')) {
        problems.add(
            format!("{section}.prefix"),
            "has to end with a slash and must not begin with one, for example `warden/`",
        );
    }
    let bucket = bucket.filter(|name| !name.is_empty());
    if bucket
        .as_ref()
        .is_some_and(|name| name.contains([':', '/', '*']) || name.contains(char::is_whitespace))
    {
        problems.add(
            format!("{section}.bucket"),
            "is no name of a bucket; give the name alone, without s3:// or an ARN",
        );
    }
    (problems.iter().count() == before)
        .then(|| BucketName::new(bucket?).map(|bucket| OwnPlace { bucket, prefix }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bucket: &str, prefix: &str, keys: &[&str]) {
        let raw = RawRecords {
            bucket: Some(bucket.to_owned()),
            prefix: prefix.to_owned(),
        };
        let mut problems = Problems::new();
        let place = raw.validate(&mut problems);
        let found: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(found, keys);
        assert_eq!(place.is_some(), keys.is_empty());
    }

    #[test]
    fn a_place_is_a_name_and_a_folder() {
        check("records", "", &[]);
        check("records", "warden/", &[]);
        check("s3://records", "", &["records.bucket"]);
        check(
            "records/x",
            "/warden",
            &["records.prefix", "records.bucket"],
        );
        check("records", "warden", &["records.prefix"]);
    }

    #[test]
    fn nothing_said_is_nowhere() {
        let mut problems = Problems::new();
        assert_eq!(RawRecords::default().validate(&mut problems), Some(None));
        assert!(problems.is_empty());
    }
}
