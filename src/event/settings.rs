//! The settings of this room: what is taken in, and whether requests are.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BucketName, Intake, Options};
use crate::settings::Problems;

/// The `intake` section as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RawIntake {
    /// Names of the guarded buckets; there is no default, and an empty list never means all.
    #[schemars(length(min = 1))]
    pub buckets: Vec<String>,
    /// Only keys that begin with one of these are looked at; empty (the default) means every key.
    pub prefixes: Vec<String>,
    /// Only keys that end in one of these are looked at, whatever the case of their letters; empty
    /// (the default) means every key. What an object is, is told by its bytes, so leave this empty
    /// unless cost matters more than being sure.
    pub suffixes: Vec<String>,
    /// Keys that begin with one of these are never looked at; empty by default.
    pub exclude_prefixes: Vec<String>,
    /// Guarded buckets whose uploads are told by CloudTrail, for want of notifications of their own;
    /// they are guarded whether `intake.buckets` names them or not. Empty by default.
    pub cloudtrail_uploads: Vec<String>,
}

impl RawIntake {
    /// Checks the section and notes every mistake; `None` when there was one.
    pub fn validate(self, problems: &mut Problems) -> Option<Intake> {
        let buckets = self.valid_buckets(problems);
        let mut fine = buckets.is_some();
        for (key, texts) in [
            ("intake.prefixes", &self.prefixes),
            ("intake.suffixes", &self.suffixes),
            ("intake.exclude_prefixes", &self.exclude_prefixes),
        ] {
            if texts.iter().any(String::is_empty) {
                problems.add(key, "an empty text matches every key; leave it out");
                fine = false;
            }
        }
        for prefix in &self.prefixes {
            let covers =
                |excluded: &&String| !excluded.is_empty() && prefix.starts_with(excluded.as_str());
            if let Some(excluded) = self.exclude_prefixes.iter().find(covers) {
                problems.add(
                    "intake.prefixes",
                    format!(
                        "`{prefix}` can never match, since `intake.exclude_prefixes` has `{excluded}`; remove one"
                    ),
                );
                fine = false;
            }
        }
        let told = valid_list(
            "intake.cloudtrail_uploads",
            &self.cloudtrail_uploads,
            problems,
        );
        let fine = fine && told.is_some();
        let told = told.unwrap_or_default();
        buckets.filter(|_| fine).map(|mut buckets| Intake {
            buckets: {
                buckets.extend(told.iter().cloned());
                buckets
            },
            cloudtrail_uploads: told,
            prefixes: self.prefixes,
            suffixes: self.suffixes,
            exclude_prefixes: self.exclude_prefixes,
        })
    }

    fn valid_buckets(&self, problems: &mut Problems) -> Option<BTreeSet<BucketName>> {
        const KEY: &str = "intake.buckets";
        if self.buckets.is_empty() && self.cloudtrail_uploads.is_empty() {
            problems.add(
                KEY,
                "name the buckets to guard; there is no default, and empty never means all",
            );
            return None;
        }
        valid_list(KEY, &self.buckets, problems)
    }
}

fn valid_list(key: &str, all: &[String], problems: &mut Problems) -> Option<BTreeSet<BucketName>> {
    let mut buckets = BTreeSet::new();
    let mut fine = true;
    for written in all {
        match bucket(written) {
            Ok(bucket) => {
                buckets.insert(bucket);
            }
            Err(why) => {
                problems.add(key, format!("`{written}` {why}"));
                fine = false;
            }
        }
    }
    fine.then_some(buckets)
}

/// One bucket's name. Only what cannot be a name anywhere is refused: emulators and folders know
/// other rules than S3.
fn bucket(written: &str) -> Result<BucketName, &'static str> {
    if written.contains('*') {
        return Err("is a pattern; name each bucket");
    }
    if written.contains([':', '/']) {
        return Err("is an address; give the bucket's name alone");
    }
    if written.contains(char::is_whitespace) {
        return Err("contains a space; give one name per entry");
    }
    BucketName::new(written).ok_or("is empty; give a bucket's name")
}

/// The `requests` section as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct RawRequests {
    /// Whether on-demand requests are read from the queue; default false. No worker answers them, so
    /// that they are parked either way.
    pub enabled: bool,
}

impl RawRequests {
    /// Checks the section; nothing in it can be wrong by itself.
    pub fn validate(self, _problems: &mut Problems) -> Option<Options> {
        Some(Options {
            requests_enabled: self.enabled,
            ..Options::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A section in TOML, and the mistakes in it.
    #[track_caller]
    fn check(section: &str, expected: &[&str]) {
        let raw: RawIntake = toml::from_str(section).unwrap();
        let mut problems = Problems::new();
        let valid = raw.validate(&mut problems);
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(lines, expected, "{section}");
        assert_eq!(valid.is_some(), expected.is_empty(), "{section}");
    }

    #[test]
    fn every_mistake_is_named() {
        check("buckets = ['guarded', 'b.2']", &[]);
        check(
            "buckets = ['guarded', 'guarded']\nprefixes = ['a/', 'a/b/']",
            &[],
        );
        check(
            "",
            &[
                "intake.buckets: name the buckets to guard; there is no default, and empty never means all",
            ],
        );
        check(
            "buckets = ['*', 's3://x', 'a b', '']",
            &[
                "intake.buckets: `*` is a pattern; name each bucket",
                "intake.buckets: `s3://x` is an address; give the bucket's name alone",
                "intake.buckets: `a b` contains a space; give one name per entry",
                "intake.buckets: `` is empty; give a bucket's name",
            ],
        );
        check(
            "buckets = []\nprefixes = ['']\nsuffixes = ['']\nexclude_prefixes = ['']",
            &[
                "intake.buckets: name the buckets to guard; there is no default, and empty never means all",
                "intake.prefixes: an empty text matches every key; leave it out",
                "intake.suffixes: an empty text matches every key; leave it out",
                "intake.exclude_prefixes: an empty text matches every key; leave it out",
            ],
        );
        check(
            "buckets = ['guarded']\nprefixes = ['in/cache/', 'in/']\nexclude_prefixes = ['in/cache/']",
            &[
                "intake.prefixes: `in/cache/` can never match, since `intake.exclude_prefixes` has `in/cache/`; remove one",
            ],
        );
    }

    #[test]
    fn the_schema_refuses_an_empty_list_of_buckets() {
        let schema = schemars::schema_for!(RawIntake);
        let least = schema.pointer("/properties/buckets/minItems");
        assert_eq!(least, Some(&1.into()));
        // The environment may bring the list, so the file need not.
        assert_eq!(schema.get("required"), None);
    }

    #[test]
    fn requests_are_off_unless_asked_for() {
        let options = |section: &str| {
            let raw: RawRequests = toml::from_str(section).unwrap();
            raw.validate(&mut Problems::new())
        };
        let off = Options {
            requests_enabled: false,
            ..Options::default()
        };
        let on = Options {
            requests_enabled: true,
            ..Options::default()
        };
        assert_eq!(options(""), Some(off));
        assert_eq!(options("enabled = true"), Some(on));
    }
}
