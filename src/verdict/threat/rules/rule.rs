//! One rule, and what it says of an activity.

use super::condition::Condition;
use super::reading::Pointer;
use super::shown;
use crate::event::Activity;
use crate::verdict::Threat;
use crate::verdict::threat::{Floor, Words};

/// What stands before the title when the call has failed.
const ATTEMPTED: [&str; 2] = ["Failed attempt: ", "시도 실패: "];

/// What a failed call is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Failed {
    /// One level less, and at least `low`: nothing has changed, but somebody has tried.
    #[default]
    Lower,
    /// As much as one that succeeded; its title is the same, since failing is what it tells.
    Same,
    /// `low`: many fail for no reason that matters.
    Lowest,
    /// Nothing: the rule does not match.
    Ignore,
}

impl Failed {
    /// The words of the file.
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("lower", Self::Lower),
        ("same", Self::Same),
        ("lowest", Self::Lowest),
        ("ignore", Self::Ignore),
    ];
}

/// A name, or the beginning of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Exact(String),
    Prefix(String),
}

impl Pattern {
    /// From the file: a star may stand at the end. `None` when one stands elsewhere, or nothing does.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (name, prefix) = match text.strip_suffix('*') {
            Some(begin) => (begin, true),
            None => (text, false),
        };
        let fits = !text.is_empty() && !name.contains('*');
        fits.then(|| match prefix {
            true => Self::Prefix(name.to_owned()),
            false => Self::Exact(name.to_owned()),
        })
    }

    /// As it stands in the file.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Exact(name) => name.clone(),
            Self::Prefix(begin) => format!("{begin}*"),
        }
    }

    pub(super) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exact(exact) => name == exact,
            Self::Prefix(begin) => name.starts_with(begin),
        }
    }
}

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) sources: Vec<Pattern>,
    pub(super) names: Vec<Pattern>,
    pub(super) when: Vec<Condition>,
    pub(super) failed: Failed,
    pub(super) level: Threat,
    pub(super) title: Words,
    pub(super) next_step: Words,
    pub(super) show: Vec<(String, Pointer)>,
}

impl Rule {
    /// The level of an activity by this rule; `None` where it does not match.
    pub(super) fn level_of(&self, activity: &Activity) -> Option<Threat> {
        let named = self.sources.iter().any(|s| s.fits(&activity.source))
            && self.names.iter().any(|n| n.fits(&activity.name));
        let level = match (activity.error.is_some(), self.failed) {
            (false, _) | (true, Failed::Same) => self.level,
            (true, Failed::Lower) => one_lower(self.level),
            (true, Failed::Lowest) => Threat::Low,
            (true, Failed::Ignore) => return None,
        };
        let record = activity.detail.value();
        (named && self.when.iter().all(|condition| condition.holds(record))).then_some(level)
    }

    /// What the rule says of an activity that it matches.
    pub(super) fn floor(&self, level: Threat, activity: &Activity) -> Floor {
        let attempted = activity.error.is_some() && self.failed != Failed::Same;
        let title = match attempted {
            true => Words {
                en: format!("{}{}", ATTEMPTED[0], self.title.en),
                ko: format!("{}{}", ATTEMPTED[1], self.title.ko),
            },
            false => self.title.clone(),
        };
        let details = self
            .show
            .iter()
            .filter_map(|(name, pointer)| Some((name.clone(), shown::read(activity, pointer)?)));
        Floor {
            level,
            rule: self.id.clone(),
            title,
            next_step: self.next_step.clone(),
            details: details.collect(),
        }
    }
}

const fn one_lower(level: Threat) -> Threat {
    match level {
        Threat::Critical => Threat::High,
        Threat::High => Threat::Medium,
        Threat::Medium | Threat::Low => Threat::Low,
    }
}
