//! One finding, and the way it goes: intent, acted, announced.
//!
//! The lifecycle is in the types: only an [`Intent`] can become acted, only a [`Finding`] that has
//! an outcome can be announced. No field holds a value that was read from the object.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{ActivityCase, Case, Content, ObjectCase};
use crate::action::{Decision, Mode, Outcome};
use crate::event::{BucketName, FindingId, Identity, Key};
use crate::verdict::{Threat, Verdict};

/// The version of the stored form. Readers take any version up to theirs.
pub const SCHEMA_VERSION: u32 = 1;

/// How far a finding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Decided, nothing done yet.
    Intent,
    /// Done, nobody told yet.
    Acted,
    /// Told.
    Announced,
}

/// When things happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When the object arrived, from the event. The finding's date and place derive from it.
    pub happened_at: Timestamp,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// When the outcome was known.
    pub acted_at: Option<Timestamp>,
    /// When an alert that covers it was accepted.
    pub announced_at: Option<Timestamp>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Its name.
    pub id: FindingId,
    /// What work it came from.
    pub identity: Identity,
    /// How far it has come.
    pub state: State,
    /// Counts the decisions taken on it: a later, stricter one starts a new round.
    pub revision: u32,
    /// What it is about, and what was thought of it.
    #[serde(flatten)]
    pub case: Case,
    /// What was decided.
    pub decision: Decision,
    /// How that ended; `None` exactly in state `intent`.
    pub outcome: Option<Outcome>,
    /// When.
    pub times: Times,
    /// The id under which the alert was accepted; `None` where nobody was to be told.
    pub publication: Option<String>,
}

impl Finding {
    /// The object that it is about, if it is about one.
    pub fn object(&self) -> Option<&ObjectCase> {
        match &self.case {
            Case::Object(case) => Some(case),
            Case::Activity(_) => None,
        }
    }

    /// The activity that it is about, if it is about one.
    pub fn activity(&self) -> Option<&ActivityCase> {
        match &self.case {
            Case::Object(_) => None,
            Case::Activity(case) => Some(case),
        }
    }

    /// The exact bytes that it is about, as far as they are known.
    pub fn content(&self) -> Option<Content> {
        self.case.content()
    }

    /// How bad it is.
    pub fn threat(&self) -> Threat {
        self.case.threat()
    }

    /// The bucket that it names.
    pub fn bucket(&self) -> Option<&BucketName> {
        self.case.bucket()
    }

    /// The key that it names.
    pub fn key(&self) -> Option<&Key> {
        self.case.key()
    }

    /// The date of its place in the records: the event's, in UTC.
    pub fn date(&self) -> Date {
        date_of(self.times.happened_at)
    }

    /// The finding at its end: told under the given publication, or `None` where nobody is told.
    #[must_use]
    pub fn announced(mut self, publication: Option<String>, now: Timestamp) -> Self {
        self.state = State::Announced;
        self.times.announced_at = Some(now);
        self.publication = publication;
        self
    }

    /// The finding as an intent again, when that is what it still is.
    pub fn into_intent(self) -> Option<Intent> {
        (self.state == State::Intent).then_some(Intent(self))
    }

    /// Whether this finding, at its end, may be taken up again where `policy` is in force: by a
    /// policy that removes, when only circumstances kept the object in place, or another policy.
    pub fn may_be_reopened(&self, mode: Mode, policy: &str) -> bool {
        let left = self.outcome.is_some_and(|outcome| {
            outcome.is_left_by_circumstance()
                || outcome.is_left_by_policy() && self.decision.policy != policy
        });
        let looked_at = self
            .object()
            .is_some_and(|case| case.judgement.verdict != Verdict::Clean);
        self.state == State::Announced && mode == Mode::Enforce && left && looked_at
    }

    /// Whether this finding, at its end, is told again because what it is about was reported anew
    /// (under another revision: the same report again is never news) and is now thought to be worse.
    pub fn is_surpassed_by(&self, identity: &Identity, now: Threat) -> bool {
        let reported_anew = self.activity().is_some() && self.identity != *identity;
        reported_anew && self.state == State::Announced && self.threat() < now
    }
}

/// The UTC date of a time: the place of a finding derives from it.
pub fn date_of(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// A decision that is to be carried out, not yet done.
#[derive(Clone, Debug, PartialEq)]
pub struct Intent(Finding);

impl Intent {
    /// An intent from all its parts.
    pub fn new(
        identity: Identity,
        case: Case,
        decision: Decision,
        times: (Timestamp, Timestamp),
    ) -> Self {
        let (happened_at, judged_at) = times;
        Self(Finding {
            schema_version: SCHEMA_VERSION,
            id: identity.finding_id(),
            identity,
            state: State::Intent,
            revision: 0,
            case,
            decision,
            outcome: None,
            times: Times {
                happened_at,
                judged_at,
                acted_at: None,
                announced_at: None,
            },
            publication: None,
        })
    }

    /// The same intent as the round after `earlier`.
    #[must_use]
    pub fn after(mut self, earlier: &Finding) -> Self {
        self.0.revision = earlier.revision.saturating_add(1);
        self
    }

    /// Whether it takes up again a finding that is at its end.
    pub fn reopens(&self, earlier: &Finding) -> bool {
        if self.0.activity().is_some() {
            return earlier.is_surpassed_by(&self.0.identity, self.0.threat());
        }
        let decision = &self.0.decision;
        decision.action.removes() && earlier.may_be_reopened(decision.mode, &decision.policy)
    }

    /// The same intent after a person has allowed what it is about: nothing is to be done any more.
    #[must_use]
    pub fn allowed(mut self, decision: Decision) -> Self {
        self.0.decision = decision;
        self
    }

    /// What it will be a finding of.
    pub fn finding(&self) -> &Finding {
        &self.0
    }

    /// Carried out.
    #[must_use]
    pub fn acted(mut self, outcome: Outcome, now: Timestamp) -> Finding {
        self.0.state = State::Acted;
        self.0.outcome = Some(outcome);
        self.0.times.acted_at = Some(now);
        self.0
    }
}
