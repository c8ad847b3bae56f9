//! The least threat level of a verdict.
//!
//! A judge may raise a level and never lower it below this table, so that a model that was talked
//! into calling a passport harmless changes nothing. The level depends on the worst category found
//! and on how sure the judge is; it rises with both and falls with neither:
//!
//! | Categories | low | medium | high confidence |
//! | --- | --- | --- | --- |
//! | credentials: usable by whoever reads them, until they are changed | medium | high | critical |
//! | identity documents, resident number, card, bank account, health | medium | high | high |
//! | address, phone, e-mail, date of birth, signature | low | medium | medium |
//! | face, name, other | low | low | low |
//!
//! For a flagged object who can read it counts as well: see [`severity`](super::severity()).
//!
//! What was not decided or not read has a level too: `high` when the picture gives orders to its
//! judge (somebody tries to get past it), `medium` when a picture may be there that nobody has
//! seen, `low` when there is probably none (empty, damaged, text) or only the local detector's
//! limits stand in the way.

use std::collections::BTreeSet;

use super::{Category, Confidence, Threat, UndecidedReason, UnreadableReason, Verdict};
use crate::object::Format;

/// The least level of these categories at this confidence; `Low` for none.
pub fn threat_of(categories: &BTreeSet<Category>, confidence: Confidence) -> Threat {
    categories
        .iter()
        .map(|category| level(*category, confidence))
        .max()
        .unwrap_or(Threat::Low)
}

/// The least level of a verdict.
pub fn floor_of(verdict: &Verdict) -> Threat {
    match verdict {
        Verdict::Flagged {
            categories,
            confidence,
        } => threat_of(categories, *confidence),
        Verdict::Undecided { reason } => undecided(*reason),
        Verdict::Unreadable { reason } => unreadable(*reason),
        Verdict::Clean | Verdict::Missing | Verdict::Superseded => Threat::Low,
    }
}

/// The level that counts: what the judge thinks, but never below the table's.
pub fn floor(judged: Threat, at_least: Threat) -> Threat {
    judged.max(at_least)
}

const fn level(category: Category, confidence: Confidence) -> Threat {
    match category {
        Category::Credentials => match confidence {
            Confidence::Low => Threat::Medium,
            Confidence::Medium => Threat::High,
            Confidence::High => Threat::Critical,
        },
        Category::GovernmentId
        | Category::Passport
        | Category::DrivingLicence
        | Category::ResidentNumber
        | Category::FinancialCard
        | Category::BankAccount
        | Category::Health => match confidence {
            Confidence::Low => Threat::Medium,
            Confidence::Medium | Confidence::High => Threat::High,
        },
        Category::Address
        | Category::Phone
        | Category::Email
        | Category::DateOfBirth
        | Category::Signature => match confidence {
            Confidence::Low => Threat::Low,
            Confidence::Medium | Confidence::High => Threat::Medium,
        },
        Category::Face | Category::Name | Category::Other => Threat::Low,
    }
}

const fn undecided(reason: UndecidedReason) -> Threat {
    match reason {
        UndecidedReason::InstructionsInContent => Threat::High,
        UndecidedReason::Contradiction
        | UndecidedReason::Refused
        | UndecidedReason::Malformed
        | UndecidedReason::Truncated
        | UndecidedReason::Rejected => Threat::Medium,
        UndecidedReason::NothingFound => Threat::Low,
    }
}

const fn unreadable(reason: UnreadableReason) -> Threat {
    match reason {
        UnreadableReason::Denied(_)
        | UnreadableReason::TooLarge
        | UnreadableReason::TooManyPixels => Threat::Medium,
        UnreadableReason::Unsupported(format) => match format {
            Format::Text | Format::Html | Format::Unknown => Threat::Low,
            _ => Threat::Medium,
        },
        UnreadableReason::Damaged | UnreadableReason::Empty => Threat::Low,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::object::Why;

    const CONFIDENCES: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];

    #[track_caller]
    fn check(category: Category, levels: [Threat; 3]) {
        let found = CONFIDENCES.map(|confidence| threat_of(&[category].into(), confidence));
        assert_eq!(found, levels, "{category}");
    }

    #[test]
    fn the_table_is_as_documented() {
        use Threat::{Critical, High, Low, Medium};
        check(Category::Credentials, [Medium, High, Critical]);
        for category in [
            Category::GovernmentId,
            Category::Passport,
            Category::DrivingLicence,
            Category::ResidentNumber,
            Category::FinancialCard,
            Category::BankAccount,
            Category::Health,
        ] {
            check(category, [Medium, High, High]);
        }
        for category in [
            Category::Address,
            Category::Phone,
            Category::Email,
            Category::DateOfBirth,
            Category::Signature,
        ] {
            check(category, [Low, Medium, Medium]);
        }
        for category in [Category::Face, Category::Name, Category::Other] {
            check(category, [Low, Low, Low]);
        }
    }

    #[test]
    fn no_verdict_has_a_level_too() {
        let undecided = |reason| floor_of(&Verdict::Undecided { reason });
        let unreadable = |reason| floor_of(&Verdict::Unreadable { reason });
        assert_eq!(
            undecided(UndecidedReason::InstructionsInContent),
            Threat::High
        );
        assert_eq!(undecided(UndecidedReason::Refused), Threat::Medium);
        assert_eq!(undecided(UndecidedReason::NothingFound), Threat::Low);
        assert_eq!(
            unreadable(UnreadableReason::Unsupported(Format::Heic)),
            Threat::Medium
        );
        assert_eq!(
            unreadable(UnreadableReason::Unsupported(Format::Text)),
            Threat::Low
        );
        assert_eq!(
            unreadable(UnreadableReason::Denied(Why::KeyDenied)),
            Threat::Medium
        );
        assert_eq!(unreadable(UnreadableReason::Empty), Threat::Low);
        assert_eq!(floor_of(&Verdict::Clean), Threat::Low);
    }

    fn categories() -> impl Strategy<Value = BTreeSet<Category>> {
        prop::collection::btree_set(prop::sample::select(Category::ALL.to_vec()), 0..8)
    }

    proptest! {
        #[test]
        fn more_categories_or_more_confidence_never_lower_it(
            some in categories(),
            more in categories(),
            low in 0..3_usize,
            up in 0..3_usize,
        ) {
            let all: BTreeSet<_> = some.union(&more).copied().collect();
            let confidence = CONFIDENCES[low];
            let surer = CONFIDENCES[(low + up).min(2)];
            prop_assert!(threat_of(&some, confidence) <= threat_of(&all, surer));
        }

        #[test]
        fn a_judge_raises_and_never_lowers(a in 0..4_usize, b in 0..4_usize) {
            let levels = [Threat::Low, Threat::Medium, Threat::High, Threat::Critical];
            let counted = floor(levels[a], levels[b]);
            prop_assert!(counted >= levels[b] && counted >= levels[a]);
            prop_assert!(counted == levels[a] || counted == levels[b]);
        }
    }
}
