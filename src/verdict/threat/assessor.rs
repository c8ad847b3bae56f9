//! Everything that is thought of an activity, in one: what we caused ourselves, what the rules say,
//! and what an analyst adds.
//!
//! Whatever an analyst answers, the floor stays: it is put back here, whoever the analyst is.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;

use super::guardduty;
use super::rules::shown;
use super::sparing::Sparing;
use super::{Analyst, Analyze, Assessment, Floor, Ourselves, Relation, Rules, ThreatSettings};
use super::{Unassessed, Words};
use crate::event::{Activity, ActivityKind};
use crate::telemetry::vocabulary::ERROR_CODE;
use crate::verdict::{Threat, floor};

/// The rule of a floor that no rule has made: the settings ask for every record.
const UNMATCHED: &str = "unmatched";

/// The rule of what our own role has never to do.
const OWN_ROLE_MISUSED: &str = "own_role_misused";

/// The longest summary, in characters; see [`Assessment::summary`].
const MAX_SUMMARY: usize = 400;

/// What code alone makes of an activity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// We have caused it ourselves.
    Ours,
    /// Nothing about it is worth a word.
    Unremarkable,
    /// It is worth at least this.
    Notable(Floor),
}

/// Assesses activities.
#[derive(Debug)]
pub struct Assessor {
    rules: Rules,
    ourselves: Arc<Ourselves>,
    analyze: Analyze,
    tell_from: Threat,
    analyst: Option<Arc<dyn Analyst>>,
    sparing: Sparing,
}

impl Assessor {
    /// An assessor by these rules; without an analyst, or where the settings want no model to be
    /// asked, the floor alone speaks.
    pub fn new(
        rules: Rules,
        ourselves: Arc<Ourselves>,
        settings: &ThreatSettings,
        analyst: Option<Arc<dyn Analyst>>,
    ) -> Self {
        Self {
            rules,
            ourselves,
            analyze: settings.analyze,
            tell_from: settings.tell_from,
            analyst: analyst.filter(|_| settings.ask_model),
            sparing: Sparing::new(settings),
        }
    }

    /// Looks at an activity by code alone. Pure; never panics, whatever the record holds.
    pub fn look(&self, activity: &Activity) -> Look {
        let by_code = match activity.kind {
            ActivityKind::Finding => Some(guardduty::finding(activity)),
            ActivityKind::MalwareScan => guardduty::malware_scan(activity),
            ActivityKind::ApiCall | ActivityKind::ConsoleSignIn | ActivityKind::ServiceEvent => {
                let misused = match self.ourselves.relation(activity) {
                    Relation::Ours => return Look::Ours,
                    Relation::Misuse => Some(misused(activity)),
                    Relation::Stranger | Relation::Unknown => None,
                };
                let matched = self.rules.floor(activity);
                // Of two on one level, the misuse says more.
                match (misused, matched) {
                    (Some(misused), Some(matched)) if matched.level <= misused.level => {
                        Some(misused)
                    }
                    (misused, matched) => matched.or(misused),
                }
            }
        };
        match (by_code, self.analyze) {
            (Some(floor), _) => Look::Notable(floor),
            (None, Analyze::Notable) => Look::Unremarkable,
            (None, Analyze::All) => Look::Notable(unmatched(activity)),
        }
    }

    /// Assesses an activity of which code alone says `at_least`. Never fails: where the analyst
    /// does not answer, or panics, the floor speaks alone, and says why. So it does where asking is
    /// spared; see `Sparing`.
    pub async fn assess(&self, activity: &Activity, at_least: Floor) -> Assessment {
        let Some(analyst) = &self.analyst else {
            return Assessment::alone(at_least, Unassessed::NotAsked);
        };
        let turn = match self.sparing.turn(activity, &at_least) {
            Ok(turn) => turn,
            Err(why) => return Assessment::alone(at_least, why),
        };
        let asked = AssertUnwindSafe(analyst.assess(activity, &at_least));
        match asked.catch_unwind().await {
            Ok(Ok(assessment)) => {
                turn.answered();
                kept(assessment, at_least)
            }
            Ok(Err(error)) => {
                turn.unanswered(error.why);
                Assessment {
                    cost_usd: dollars(error.cost_usd),
                    ..Assessment::alone(at_least, error.why)
                }
            }
            Err(_) => {
                turn.unanswered(Unassessed::Unavailable);
                tracing::error!(
                    { ERROR_CODE } = "analyst_panicked",
                    "the analyst panicked; only the rules speak of this activity"
                );
                Assessment::alone(at_least, Unassessed::Unavailable)
            }
        }
    }

    /// From which level people are told at once.
    pub fn tell_from(&self) -> Threat {
        self.tell_from
    }

    /// Which rules are in use: the hash of their file, see [`Rules::hash`].
    pub fn hash(&self) -> &str {
        self.rules.hash()
    }
}

/// An analyst's answer, held to its contract.
fn kept(assessment: Assessment, at_least: Floor) -> Assessment {
    let cost_usd = dollars(assessment.cost_usd);
    let Some(judge) = assessment.judge else {
        // Nobody stands for what it says, so nothing of it counts.
        let why = assessment.unassessed.unwrap_or(Unassessed::Malformed);
        return Assessment {
            cost_usd,
            ..Assessment::alone(at_least, why)
        };
    };
    Assessment {
        threat: floor(assessment.threat, at_least.level),
        floor: at_least,
        judge: Some(judge),
        unassessed: None,
        summary: assessment.summary.as_deref().and_then(one_line),
        cost_usd,
    }
}

/// A text on one line and of bounded length; `None` when nothing is left.
fn one_line(text: &str) -> Option<String> {
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let cut: String = spaced.take(MAX_SUMMARY).collect();
    let cut = cut.trim();
    (!cut.is_empty()).then(|| cut.to_owned())
}

/// A sum that can be added up.
fn dollars(sum: f64) -> f64 {
    if sum.is_finite() { sum.max(0.0) } else { 0.0 }
}

fn unmatched(activity: &Activity) -> Floor {
    Floor {
        level: Threat::Low,
        rule: UNMATCHED.to_owned(),
        title: Words {
            en: "Activity that no rule speaks of".to_owned(),
            ko: "어떤 규칙에도 해당하지 않는 활동".to_owned(),
        },
        next_step: Words {
            en: "Nothing needs to be done unless you do not recognise it.".to_owned(),
            ko: "모르는 활동이 아니라면 조치할 것이 없습니다.".to_owned(),
        },
        details: what_was_done(activity),
    }
}

fn misused(activity: &Activity) -> Floor {
    Floor {
        level: Threat::High,
        rule: OWN_ROLE_MISUSED.to_owned(),
        title: Words {
            en: "The credentials of s3-warden were used for something it never does".to_owned(),
            ko: "s3-warden의 자격 증명이 s3-warden이 하지 않는 작업에 사용됨".to_owned(),
        },
        next_step: Words {
            en: "Assume that the credentials are stolen: revoke the active sessions of the role (or \
                 deactivate the access key), restart the service, and find out who can get at them. \
                 If a person did this with the role on purpose, give that person a role of their own."
                .to_owned(),
            ko: "자격 증명이 유출된 것으로 간주하십시오. 역할의 활성 세션을 취소하고(또는 액세스 키를 \
                 비활성화하고) 서비스를 다시 시작한 다음, 누가 자격 증명에 접근할 수 있는지 확인하십시오. \
                 담당자가 의도적으로 이 역할을 사용했다면 별도의 역할을 부여하십시오."
                .to_owned(),
        },
        details: what_was_done(activity),
    }
}

/// The call and the bucket, for want of a rule that knows more.
fn what_was_done(activity: &Activity) -> BTreeMap<String, String> {
    let fields = [
        ("service", "/eventSource"),
        ("action", "/eventName"),
        ("bucket", "/requestParameters/bucketName"),
        ("error", "/errorCode"),
    ];
    shown(activity, fields)
}
