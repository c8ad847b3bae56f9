//! What happened in a while, counted: the data of a digest.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::shown;
use super::{AlertSettings, Clean};
use crate::record::Finding;
use crate::verdict::Verdict;

/// How many of the slowest objects are kept.
pub const SLOWEST: usize = 5;

/// So many buckets are counted by name. Events may name any bucket of any account, and whoever
/// sends them must not make a digest grow without end.
const MOST_BUCKETS: usize = 100;

/// The name under which all further buckets are counted; no bucket is called so.
const OTHER_BUCKETS: &str = "*";

/// What the tasks of a fleet have counted in one window. Names of counts are the stable codes of
/// verdicts, outcomes and levels. What a task of another version has not counted is none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct Tally {
    /// Objects, by verdict.
    pub verdicts: BTreeMap<String, u64>,
    /// Objects, by what became of them.
    pub outcomes: BTreeMap<String, u64>,
    /// Activities, and objects that are neither clean nor gone, by level.
    pub levels: BTreeMap<String, u64>,
    /// The same by the bucket that they name; beyond the first hundred under `*`.
    pub buckets: BTreeMap<String, u64>,
    /// Activities that were assessed, by rule.
    pub activities: BTreeMap<String, u64>,
    /// What judging cost, in US dollars.
    pub cost_usd: f64,
    /// The objects that took longest to judge, the slowest first; at most [`SLOWEST`].
    pub slowest: Vec<Slow>,
}

impl Tally {
    /// Counts a finding, whatever people are told of it: totals are of everything.
    pub(super) fn count(&mut self, finding: &Finding, settings: &AlertSettings) {
        self.cost_usd += finding.case.cost_usd();
        let mut worth_a_look = true;
        if let Some(case) = finding.activity() {
            add(&mut self.activities, &case.assessment.floor.rule, 1);
        }
        if let Some(case) = finding.object() {
            let verdict = &case.judgement.verdict;
            add(&mut self.verdicts, verdict.as_str(), 1);
            if let Some(outcome) = finding.outcome {
                add(&mut self.outcomes, outcome.code(), 1);
            }
            self.rank(Slow {
                bucket: shown::visible(case.subject.bucket.as_str()),
                key: shown::key(&case.subject.key, settings.keys),
                millis: case.judgement.millis,
            });
            worth_a_look = matches!(
                verdict,
                Verdict::Flagged { .. } | Verdict::Undecided { .. } | Verdict::Unreadable { .. }
            );
        }
        if worth_a_look {
            add(&mut self.levels, finding.threat().as_str(), 1);
            if let Some(bucket) = finding.bucket() {
                self.add_bucket(&shown::visible(bucket.as_str()), 1);
            }
        }
    }

    /// Takes in what somebody else has counted.
    pub fn merge(&mut self, other: Self) {
        let mine = [
            &mut self.verdicts,
            &mut self.outcomes,
            &mut self.levels,
            &mut self.activities,
        ];
        let theirs = [
            other.verdicts,
            other.outcomes,
            other.levels,
            other.activities,
        ];
        for (mine, theirs) in mine.into_iter().zip(theirs) {
            for (name, count) in theirs {
                add(mine, &name, count);
            }
        }
        for (bucket, count) in other.buckets {
            self.add_bucket(&bucket, count);
        }
        self.cost_usd += other.cost_usd;
        for slow in other.slowest {
            self.rank(slow);
        }
    }

    /// Whether there is nothing to tell of: no activity, and no object but clean ones that nobody
    /// wants to hear of.
    pub fn is_silent(&self, settings: &AlertSettings) -> bool {
        let untold =
            |verdict: &str| settings.clean == Clean::Off && verdict == Verdict::Clean.as_str();
        self.verdicts.keys().all(|verdict| untold(verdict)) && self.activities.is_empty()
    }

    fn add_bucket(&mut self, bucket: &str, count: u64) {
        let known = self.buckets.contains_key(bucket) || self.buckets.len() < MOST_BUCKETS;
        add(
            &mut self.buckets,
            if known { bucket } else { OTHER_BUCKETS },
            count,
        );
    }

    /// Keeps the slowest; of equally slow ones those that came first.
    fn rank(&mut self, slow: Slow) {
        let place = self.slowest.partition_point(|s| s.millis >= slow.millis);
        self.slowest.insert(place, slow);
        self.slowest.truncate(SLOWEST);
    }
}

fn add(counts: &mut BTreeMap<String, u64>, name: &str, count: u64) {
    match counts.get_mut(name) {
        Some(sum) => *sum = sum.saturating_add(count),
        None => {
            counts.insert(name.to_owned(), count);
        }
    }
}

/// An object that took long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(!default)]
pub struct Slow {
    /// Its bucket.
    pub bucket: String,
    /// Its key as alerts show keys.
    pub key: String,
    /// How long judging took, in milliseconds; waiting not counted.
    pub millis: u64,
}

/// A digest: a window, and what was counted in it by how many tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Digest {
    /// The window's beginning.
    pub from: Timestamp,
    /// Its end.
    pub until: Timestamp,
    /// How many starts of tasks have counted: a task that was started anew within the window counts
    /// once more.
    pub tasks: u64,
    /// What they counted together.
    pub tally: Tally,
}
