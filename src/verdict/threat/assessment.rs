//! The vocabulary of assessments.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::{Judge, Threat, floor};

/// The same words in every language that alerts are written in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Korean.
    pub ko: String,
}

/// The least that is said of an activity, made by code alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Floor {
    /// The least level.
    pub level: Threat,
    /// A stable name of the rule that matched, or of what stands in for one.
    pub rule: String,
    /// One line on what happened. Printable ASCII in English, since it goes into subjects of mails;
    /// it quotes nothing of the record.
    pub title: Words,
    /// What a person should do, in a sentence or two; quotes nothing of the record.
    pub next_step: Words,
    /// What the record says in the fields that the rule shows, by their names. Data from outside:
    /// to be escaped where it is shown. At most 8, each at most 256 characters.
    pub details: BTreeMap<String, String>,
}

/// Why no model has said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unassessed {
    /// None is set up to be asked, or asking was spared: the level tells nobody at once, the same
    /// was asked about lately, or the questions of the minute are used up.
    NotAsked,
    /// None answered in time, or all throttled us; or so lately that none was tried.
    Unavailable,
    /// The money of the day is spent.
    Spent,
    /// None can be used until somebody acts.
    Unusable,
    /// It declined to answer.
    Refused,
    /// It gave no usable answer, or its answer was cut.
    Malformed,
}

impl Unassessed {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Unavailable => "unavailable",
            Self::Spent => "spent",
            Self::Unusable => "unusable",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
        }
    }
}

/// What came out of assessing one activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// What code alone says.
    pub floor: Floor,
    /// The level that counts; never below the floor's.
    pub threat: Threat,
    /// Who assessed beyond the floor; absent when only the floor speaks.
    pub judge: Option<Judge>,
    /// Why only the floor speaks; absent when a model has answered.
    pub unassessed: Option<Unassessed>,
    /// What the model says in its own words, scrubbed: no value that the record does not show
    /// anyway, one line, at most 400 characters. Absent where none is wanted or nothing is left.
    pub summary: Option<String>,
    /// What asking cost at least, in US dollars: a call that was given up midway may be charged and is
    /// not counted.
    pub cost_usd: f64,
}

impl Assessment {
    /// Only the floor speaks.
    pub fn alone(floor: Floor, why: Unassessed) -> Self {
        Self {
            threat: floor.level,
            floor,
            judge: None,
            unassessed: Some(why),
            summary: None,
            cost_usd: 0.0,
        }
    }

    /// A model has answered; its level counts where it is above the floor's.
    pub fn judged(floor: Floor, level: Threat, judge: Judge) -> Self {
        Self {
            threat: self::floor(level, floor.level),
            floor,
            judge: Some(judge),
            unassessed: None,
            summary: None,
            cost_usd: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::threat::testing::floor;

    #[test]
    fn a_judgement_is_never_below_its_floor() {
        use Threat::{Critical, High, Low, Medium};
        for (least, said, expected) in [
            (High, Low, High),
            (Critical, High, Critical),
            (Low, Medium, Medium),
            (Medium, Medium, Medium),
        ] {
            let judge = Judge {
                name: "model".to_owned(),
                version: "1".to_owned(),
            };
            let found = Assessment::judged(floor(least), said, judge);
            assert_eq!((found.threat, found.floor), (expected, floor(least)));
        }
    }
}
