//! The settings of the policy, as written and as validated.
//!
//! `policy.mode` has no default: a tool that deletes is told so on purpose. What asks for a
//! quarantine that is not there is an error and never quietly something else: a file that somebody
//! wanted kept out of sight would otherwise stay where it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Mode, Policy, Response, Tagging};
use crate::settings::Problems;
use crate::verdict::{Category, Confidence};

/// What removal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// Delete exactly the judged state, for good.
    Delete,
    /// Move it to the quarantine, from where it can come back.
    Quarantine,
}

/// `[policy]` as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawPolicy {
    /// `policy.mode`: `observe` looks and tells, `enforce` also removes. No default.
    pub mode: Option<Mode>,
    /// `policy.removal`: whether removing means `delete` or `quarantine`. Default: `quarantine` where
    /// there is one, else `delete`.
    pub removal: Option<Removal>,
    /// `policy.remove`: the categories whose presence removes an object. Default: all but `face`,
    /// `name` and `other`.
    pub remove: Vec<Category>,
    /// `policy.remove_confidence`: the least confidence that removes. Default `medium`; below it an
    /// object is tagged and told.
    pub remove_confidence: Confidence,
    /// `policy.undecided`: what to do when there is no answer: `none`, `tag` (default) or
    /// `quarantine`. Never a deletion.
    pub undecided: Response,
    /// `policy.unreadable`: what to do with what could not be looked into: `none` (default, since
    /// most of it is no picture), `tag` or `quarantine`. Never a deletion.
    pub unreadable: Response,
    /// `policy.tag`: which verdicts are written onto the object as its tag `s3-warden`: `off`,
    /// `not_clean` (default), or `all`, which needs buckets with versioning.
    pub tag: Tagging,
}

impl Default for RawPolicy {
    fn default() -> Self {
        let mild = [Category::Face, Category::Name, Category::Other];
        Self {
            mode: None,
            removal: None,
            remove: Category::ALL
                .into_iter()
                .filter(|category| !mild.contains(category))
                .collect(),
            remove_confidence: Confidence::Medium,
            undecided: Response::Tag,
            unreadable: Response::None,
            tag: Tagging::NotClean,
        }
    }
}

impl RawPolicy {
    /// The policy, or `None` with at least one problem added. `has_quarantine` says whether a place
    /// for quarantined objects is configured.
    pub fn validate(&self, has_quarantine: bool, problems: &mut Problems) -> Option<Policy> {
        let mut wrong = Problems::new();
        if self.mode.is_none() {
            wrong.add(
                "policy.mode",
                "missing; say `observe` to look and tell, or `enforce` to remove as well",
            );
        }
        if self.remove.is_empty() {
            wrong.add(
                "policy.remove",
                "empty, so nothing would ever be removed; name at least one category, or set \
                 policy.mode to `observe` and leave this out",
            );
        }
        let asking = [
            (
                "policy.removal",
                "delete",
                self.removal == Some(Removal::Quarantine),
            ),
            (
                "policy.undecided",
                "tag",
                self.undecided == Response::Quarantine,
            ),
            (
                "policy.unreadable",
                "tag",
                self.unreadable == Response::Quarantine,
            ),
        ];
        for (key, instead, asks) in asking {
            if asks && !has_quarantine {
                wrong.add(
                    key,
                    format!("`quarantine` needs a quarantine; configure one, or say `{instead}`"),
                );
            }
        }
        let mode = self.mode.filter(|_| wrong.is_empty());
        for problem in wrong.into_vec() {
            problems.add(problem.key, problem.message);
        }
        mode.map(|mode| self.policy(mode, has_quarantine))
    }

    fn policy(&self, mode: Mode, has_quarantine: bool) -> Policy {
        let mut remove = self.remove.clone();
        remove.sort_unstable();
        remove.dedup();
        let mut policy = Policy {
            mode,
            quarantine: match self.removal {
                Some(removal) => removal == Removal::Quarantine,
                None => has_quarantine,
            },
            remove,
            remove_confidence: self.remove_confidence,
            undecided: self.undecided,
            unreadable: self.unreadable,
            tag: self.tag,
            hash: String::new(),
        };
        policy.hash = hash(&policy);
        policy
    }
}

/// The first 12 hexadecimal digits of the SHA-256 over the policy as a JSON list in a fixed order:
/// enough to tell two policies apart in the records. The first entry numbers the rules themselves:
/// the same settings under other rules are another policy.
fn hash(policy: &Policy) -> String {
    let canonical = serde_json::json!([
        "rules 1",
        policy.mode,
        policy.quarantine,
        policy.remove,
        policy.remove_confidence,
        policy.undecided,
        policy.unreadable,
        policy.tag,
    ]);
    let mut digest = hex::encode(Sha256::digest(canonical.to_string()));
    digest.truncate(12);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw() -> RawPolicy {
        RawPolicy {
            mode: Some(Mode::Enforce),
            ..RawPolicy::default()
        }
    }

    #[track_caller]
    fn check(raw: &RawPolicy, has_quarantine: bool, keys: &[&str]) {
        let mut problems = Problems::new();
        let policy = raw.validate(has_quarantine, &mut problems);
        let found: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(found, keys);
        assert_eq!(policy.is_some(), keys.is_empty());
    }

    #[test]
    fn where_there_is_a_quarantine_removing_means_it_unless_said_otherwise() {
        let removes_to = |removal, there| {
            let raw = RawPolicy { removal, ..raw() };
            let policy = raw.validate(there, &mut Problems::new());
            policy.map(|policy| policy.quarantine)
        };
        assert_eq!(removes_to(None, true), Some(true));
        assert_eq!(removes_to(None, false), Some(false));
        assert_eq!(removes_to(Some(Removal::Delete), true), Some(false));
        assert_eq!(removes_to(Some(Removal::Quarantine), false), None);
    }

    #[test]
    fn a_mode_must_be_said() {
        check(&RawPolicy::default(), false, &["policy.mode"]);
        check(&raw(), false, &[]);
    }

    #[test]
    fn every_wish_for_a_missing_quarantine_is_reported() {
        let raw = RawPolicy {
            removal: Some(Removal::Quarantine),
            undecided: Response::Quarantine,
            unreadable: Response::Quarantine,
            ..raw()
        };
        check(&raw, true, &[]);
        check(
            &raw,
            false,
            &["policy.removal", "policy.undecided", "policy.unreadable"],
        );
    }

    #[test]
    fn removing_no_category_is_a_mistake() {
        let raw = RawPolicy {
            mode: None,
            remove: Vec::new(),
            ..raw()
        };
        check(&raw, false, &["policy.mode", "policy.remove"]);
    }

    #[test]
    fn an_empty_table_reads_as_the_default() {
        let read: RawPolicy = toml::from_str("").unwrap();
        assert_eq!(read, RawPolicy::default());
        let read: RawPolicy = toml::from_str("mode = 'enforce'\nremove = ['face']").unwrap();
        assert_eq!(read.remove, [Category::Face]);
    }

    #[test]
    fn the_hash_tells_policies_apart_and_ignores_order() {
        let hash = |change: fn(&mut RawPolicy)| {
            let mut changed = raw();
            change(&mut changed);
            changed.validate(true, &mut Problems::new()).unwrap().hash
        };
        let plain = hash(|_| ());
        assert_eq!(plain.len(), 12);
        let same: [fn(&mut RawPolicy); 2] = [
            |raw| raw.remove.reverse(),
            |raw| raw.remove.push(Category::Passport),
        ];
        for change in same {
            assert_eq!(hash(change), plain);
        }
        let others: [fn(&mut RawPolicy); 6] = [
            |raw| raw.mode = Some(Mode::Observe),
            |raw| raw.removal = Some(Removal::Delete),
            |raw| raw.remove.push(Category::Face),
            |raw| raw.remove_confidence = Confidence::High,
            |raw| raw.undecided = Response::None,
            |raw| raw.unreadable = Response::Tag,
        ];
        let mut seen = vec![plain];
        for change in others {
            let other = hash(change);
            assert!(!seen.contains(&other));
            seen.push(other);
        }
    }
}
