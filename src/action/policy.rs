//! Verdict and policy in, decision out: pure, so that every line of the table can be tested.
//!
//! The default table (design, "Decide"): personal data that hurts (identity documents, financial,
//! health, credentials, contact data) at medium or high confidence is removed; a face, a name or
//! `other` alone, or any low confidence, is tagged and told. What was not decided or could not be
//! read is never deleted: at most moved to the quarantine, from where it can come back. Whatever
//! would leave its place is told at once: nothing disappears in silence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::{Category, Confidence, UnreadableReason, Verdict};

/// Whether anything is changed at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Look and tell; change nothing but the verdict tag.
    Observe,
    /// Remove what the table says.
    Enforce,
}

/// What the policy asks to be done for one kind of verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Nothing.
    None,
    /// Set the verdict tag.
    Tag,
    /// Move to the quarantine.
    Quarantine,
}

/// Which verdicts are written onto the object as the tag `s3-warden`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tagging {
    /// None.
    Off,
    /// All that stay in place and are not clean.
    NotClean,
    /// All, clean ones and those not looked at by settings as well; needs versions.
    All,
}

/// What is to be done with the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Leave it alone.
    Keep,
    /// Set the verdict tag.
    Tag,
    /// Move exactly this state to the quarantine.
    Quarantine,
    /// Delete exactly this state.
    Delete,
}

impl Action {
    /// Whether the object leaves its place.
    pub const fn removes(self) -> bool {
        matches!(self, Self::Delete | Self::Quarantine)
    }

    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Tag => "tag",
            Self::Quarantine => "quarantine",
            Self::Delete => "delete",
        }
    }
}

/// Whom we tell, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// At once; the message is acknowledged only when the alert is out.
    Now,
    /// It is only remembered.
    Remember,
}

/// The rule of what a person has allowed.
const ALLOWED: &str = "allowed";

/// What the policy decided, and by which of its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// What the rule asks for.
    pub action: Action,
    /// The mode at the time: in `observe` an action that removes is not carried out.
    pub mode: Mode,
    /// Whom to tell.
    pub tell: Tell,
    /// The rule's stable name, for `explain`.
    pub rule: String,
    /// Hash of the policy in force.
    pub policy: String,
}

impl Decision {
    /// Whether a person has decided it, against the judge.
    pub fn is_allowed(&self) -> bool {
        self.rule == ALLOWED
    }
}

/// The validated policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether anything is changed.
    pub mode: Mode,
    /// Removal moves to the quarantine instead of deleting. That one is there was checked with the
    /// settings.
    pub quarantine: bool,
    /// Categories whose presence, at `remove_confidence` or above, removes.
    pub remove: Vec<Category>,
    /// The least confidence that removes.
    pub remove_confidence: Confidence,
    /// What is done with what could not be decided.
    pub undecided: Response,
    /// What is done with what could not be read.
    pub unreadable: Response,
    /// Which verdicts become a tag.
    pub tag: Tagging,
    /// First hexadecimal digits of the SHA-256 over all of the above, for the record.
    pub hash: String,
}

impl Policy {
    /// Decides. `named_an_image` says whether the key's ending calls the object an image: what
    /// cannot be read is told at once only when people would take it for a picture.
    pub fn decide(&self, verdict: &Verdict, named_an_image: bool) -> Decision {
        let (action, tell, rule) = match verdict {
            Verdict::Clean => (Action::Keep, Tell::Remember, "clean"),
            Verdict::Missing | Verdict::Superseded => (Action::Keep, Tell::Remember, "gone"),
            Verdict::Flagged {
                categories,
                confidence,
            } => {
                let grave = categories
                    .iter()
                    .any(|category| self.remove.contains(category));
                if !grave {
                    (Action::Tag, Tell::Now, "flagged_mild_categories")
                } else if *confidence < self.remove_confidence {
                    (Action::Tag, Tell::Now, "flagged_low_confidence")
                } else {
                    (self.removal(), Tell::Now, "flagged_remove")
                }
            }
            Verdict::Undecided { .. } => (answer(self.undecided), Tell::Now, "undecided"),
            Verdict::Unreadable { reason } => {
                let action = answer(self.unreadable);
                // What we may not read is no property of the upload: somebody has to look.
                let denied = matches!(reason, UnreadableReason::Denied(_));
                let tell = if named_an_image || denied || action.removes() {
                    Tell::Now
                } else {
                    Tell::Remember
                };
                (action, tell, "unreadable")
            }
        };
        let action = match (action, self.tag) {
            (Action::Tag, Tagging::Off) => Action::Keep,
            (action, _) => action,
        };
        Decision {
            action,
            mode: self.mode,
            tell,
            rule: rule.to_owned(),
            policy: self.hash.clone(),
        }
    }

    /// What a person has allowed stays, and nobody is told.
    pub fn allowed(&self) -> Decision {
        Decision {
            action: Action::Keep,
            mode: self.mode,
            tell: Tell::Remember,
            rule: ALLOWED.to_owned(),
            policy: self.hash.clone(),
        }
    }

    const fn removal(&self) -> Action {
        if self.quarantine {
            Action::Quarantine
        } else {
            Action::Delete
        }
    }
}

/// Never a deletion, whatever the settings say.
const fn answer(response: Response) -> Action {
    match response {
        Response::None => Action::Keep,
        Response::Tag => Action::Tag,
        Response::Quarantine => Action::Quarantine,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::action::RawPolicy;
    use crate::object::{Format, Why};
    use crate::settings::Problems;
    use crate::verdict::UndecidedReason;

    /// The default table, carried out; with a quarantine at hand.
    fn policy(change: impl FnOnce(&mut RawPolicy)) -> Policy {
        let mut raw = RawPolicy {
            mode: Some(Mode::Enforce),
            removal: Some(crate::action::Removal::Delete),
            ..RawPolicy::default()
        };
        change(&mut raw);
        let mut problems = Problems::new();
        let policy = raw.validate(true, &mut problems);
        policy.unwrap_or_else(|| panic!("{problems:?}"))
    }

    fn flagged(categories: &[Category], confidence: Confidence) -> Verdict {
        Verdict::Flagged {
            categories: categories.iter().copied().collect(),
            confidence,
        }
    }

    fn undecided() -> Verdict {
        Verdict::Undecided {
            reason: UndecidedReason::Refused,
        }
    }

    fn unreadable() -> Verdict {
        Verdict::Unreadable {
            reason: UnreadableReason::Damaged,
        }
    }

    #[track_caller]
    fn check(policy: &Policy, verdict: &Verdict, image: bool, wanted: (Action, Tell, &str)) {
        let decision = policy.decide(verdict, image);
        let got = (decision.action, decision.tell, decision.rule.as_str());
        assert_eq!(got, wanted, "{verdict:?}, named an image: {image}");
        assert_eq!(
            (decision.mode, &decision.policy),
            (policy.mode, &policy.hash)
        );
    }

    #[test]
    fn what_hurts_is_removed_from_medium_confidence_on() {
        use Confidence::{High, Low, Medium};
        let table = policy(|_| ());
        let removed = (Action::Delete, Tell::Now, "flagged_remove");
        let unsure = (Action::Tag, Tell::Now, "flagged_low_confidence");
        let mild = (Action::Tag, Tell::Now, "flagged_mild_categories");
        for category in Category::ALL {
            let gentle = matches!(category, Category::Face | Category::Name | Category::Other);
            let sure = if gentle { mild } else { removed };
            check(&table, &flagged(&[category], High), true, sure);
            check(&table, &flagged(&[category], Medium), false, sure);
            let guess = if gentle { mild } else { unsure };
            check(&table, &flagged(&[category], Low), true, guess);
        }
        let both = flagged(&[Category::Face, Category::Passport], High);
        check(&table, &both, true, removed);
        let mild_only = flagged(&[Category::Face, Category::Name, Category::Other], High);
        check(&table, &mild_only, true, mild);
    }

    #[test]
    fn removal_goes_to_the_quarantine_when_it_is_set_so() {
        let table = policy(|raw| raw.removal = Some(crate::action::Removal::Quarantine));
        let wanted = (Action::Quarantine, Tell::Now, "flagged_remove");
        check(
            &table,
            &flagged(&[Category::Email], Confidence::High),
            true,
            wanted,
        );
    }

    #[test]
    fn nothing_is_done_about_what_is_clean_or_gone() {
        let table = policy(|_| ());
        check(
            &table,
            &Verdict::Clean,
            true,
            (Action::Keep, Tell::Remember, "clean"),
        );
        for gone in [Verdict::Missing, Verdict::Superseded] {
            check(&table, &gone, true, (Action::Keep, Tell::Remember, "gone"));
        }
    }

    #[test]
    fn what_was_not_judged_is_answered_as_set() {
        for (response, action) in [
            (Response::None, Action::Keep),
            (Response::Tag, Action::Tag),
            (Response::Quarantine, Action::Quarantine),
        ] {
            let table = policy(|raw| (raw.undecided, raw.unreadable) = (response, response));
            check(
                &table,
                &undecided(),
                false,
                (action, Tell::Now, "undecided"),
            );
            check(
                &table,
                &unreadable(),
                true,
                (action, Tell::Now, "unreadable"),
            );
            // What leaves its place is never only remembered.
            let tell = if action.removes() {
                Tell::Now
            } else {
                Tell::Remember
            };
            check(&table, &unreadable(), false, (action, tell, "unreadable"));
        }
    }

    #[test]
    fn without_tags_what_would_be_tagged_is_kept_and_told_all_the_same() {
        let table = policy(|raw| {
            raw.tag = Tagging::Off;
            raw.unreadable = Response::Tag;
        });
        let mild = flagged(&[Category::Face], Confidence::High);
        let wanted = (Action::Keep, Tell::Now, "flagged_mild_categories");
        check(&table, &mild, true, wanted);
        check(
            &table,
            &undecided(),
            true,
            (Action::Keep, Tell::Now, "undecided"),
        );
        let unread = (Action::Keep, Tell::Remember, "unreadable");
        check(&table, &unreadable(), false, unread);
        let grave = flagged(&[Category::Passport], Confidence::High);
        check(
            &table,
            &grave,
            true,
            (Action::Delete, Tell::Now, "flagged_remove"),
        );
    }

    fn any_verdict() -> impl Strategy<Value = Verdict> {
        let categories =
            prop::collection::btree_set(prop::sample::select(Category::ALL.to_vec()), 1..6);
        let confidence =
            prop::sample::select(vec![Confidence::Low, Confidence::Medium, Confidence::High]);
        prop_oneof![
            Just(Verdict::Clean),
            Just(Verdict::Missing),
            Just(Verdict::Superseded),
            (categories, confidence).prop_map(|(categories, confidence)| Verdict::Flagged {
                categories,
                confidence
            }),
            prop::sample::select(vec![
                UndecidedReason::InstructionsInContent,
                UndecidedReason::Contradiction,
                UndecidedReason::NothingFound,
                UndecidedReason::Refused,
                UndecidedReason::Malformed,
                UndecidedReason::Truncated,
                UndecidedReason::Rejected,
            ])
            .prop_map(|reason| Verdict::Undecided { reason }),
            prop::sample::select(vec![
                UnreadableReason::Unsupported(Format::Pdf),
                UnreadableReason::Damaged,
                UnreadableReason::Empty,
                UnreadableReason::TooLarge,
                UnreadableReason::TooManyPixels,
                UnreadableReason::Denied(Why::AccessDenied),
            ])
            .prop_map(|reason| Verdict::Unreadable { reason }),
        ]
    }

    fn any_policy() -> impl Strategy<Value = Policy> {
        let response =
            || prop::sample::select(vec![Response::None, Response::Tag, Response::Quarantine]);
        let remove: BTreeSet<_> = Category::ALL.into();
        (
            prop::bool::ANY,
            prop::sample::subsequence(remove.into_iter().collect::<Vec<_>>(), 1..16),
            prop::sample::select(vec![Confidence::Low, Confidence::High]),
            (response(), response()),
        )
            .prop_map(
                |(quarantine, remove, confidence, (undecided, unreadable))| {
                    policy(|raw| {
                        if quarantine {
                            raw.removal = Some(crate::action::Removal::Quarantine);
                        }
                        raw.remove = remove;
                        raw.remove_confidence = confidence;
                        (raw.undecided, raw.unreadable) = (undecided, unreadable);
                    })
                },
            )
    }

    proptest! {
        #[test]
        fn only_what_was_flagged_is_ever_deleted(
            policy in any_policy(), verdict in any_verdict(), image in prop::bool::ANY,
        ) {
            let decision = policy.decide(&verdict, image);
            if decision.action == Action::Delete {
                let flagged = matches!(verdict, Verdict::Flagged { .. });
                prop_assert!(flagged, "{:?}", verdict);
            }
            if decision.action.removes() {
                prop_assert_eq!(decision.tell, Tell::Now);
            }
            if matches!(verdict, Verdict::Clean | Verdict::Missing | Verdict::Superseded) {
                prop_assert_eq!(decision.action, Action::Keep);
            }
        }

        #[test]
        fn the_mode_changes_nothing_but_itself(
            enforce in any_policy(), verdict in any_verdict(), image in prop::bool::ANY,
        ) {
            let observe = Policy { mode: Mode::Observe, ..enforce.clone() };
            let mut decision = observe.decide(&verdict, image);
            prop_assert_eq!(decision.mode, Mode::Observe);
            decision.mode = Mode::Enforce;
            prop_assert_eq!(decision, enforce.decide(&verdict, image));
        }
    }
}
