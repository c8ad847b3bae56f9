//! How bad a flagged object is: what was found, how sure the judge is, and who can read it.
//!
//! A pure function. What is found where everybody can read it counts one level more, at any
//! confidence: a guess about a passport is no smaller for lying in the open. The level rises with
//! each argument and falls with none:
//!
//! | Categories | not public, or not known: low, medium, high confidence | public: low, medium, high confidence |
//! | --- | --- | --- |
//! | credentials | medium, high, critical | high, critical, critical |
//! | identity documents, resident number, card, bank account, health | medium, high, high | high, critical, critical |
//! | address, phone, e-mail, date of birth, signature | low, medium, medium | medium, high, high |
//! | face, name, other | low, low, low | low, low, low |
//!
//! - Of several categories the worst counts, each by its own row.
//! - A face or a name by itself is as often meant to be seen, and most so in public places: websites
//!   would raise an alarm with every portrait. They stay low.
//! - What is not known raises nothing: a store that may not be asked must not make everything worse
//!   than it is, and gives no comfort either, since what is known to be private counts no less.

use std::collections::BTreeSet;

use super::{Category, Confidence, Threat, Verdict, floor_of, threat_of};
use crate::object::Exposure;

/// The least level of these categories at this confidence, seen by whom `exposure` says; `Low` for
/// none.
///
/// ```
/// use s3_warden::object::Exposure;
/// use s3_warden::verdict::{Category, Confidence, Threat, severity};
///
/// let found = [Category::Passport].into();
/// let level = |exposure| severity(&found, Confidence::High, exposure);
/// assert_eq!(level(Exposure::NotPublic), Threat::High);
/// assert_eq!(level(Exposure::Public), Threat::Critical);
/// ```
pub fn severity(
    categories: &BTreeSet<Category>,
    confidence: Confidence,
    exposure: Exposure,
) -> Threat {
    let private = threat_of(categories, confidence);
    match exposure {
        Exposure::Unknown | Exposure::NotPublic => private,
        Exposure::Public => {
            let rising = categories.iter().copied().filter(|it| rises(*it));
            let rising: BTreeSet<_> = rising.collect();
            match rising.is_empty() {
                true => private,
                false => raised(threat_of(&rising, confidence)).max(private),
            }
        }
    }
}

/// The least level of a verdict; who can read the object counts where something was found.
pub fn severity_of(verdict: &Verdict, exposure: Exposure) -> Threat {
    match verdict {
        Verdict::Flagged {
            categories,
            confidence,
        } => severity(categories, *confidence, exposure),
        other => floor_of(other),
    }
}

/// Whether it is worse where everybody can read it.
const fn rises(category: Category) -> bool {
    !matches!(category, Category::Face | Category::Name | Category::Other)
}

const fn raised(level: Threat) -> Threat {
    match level {
        Threat::Low => Threat::Medium,
        Threat::Medium => Threat::High,
        Threat::High | Threat::Critical => Threat::Critical,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIDENCES: [Confidence; 3] = [Confidence::Low, Confidence::Medium, Confidence::High];
    const EXPOSURES: [Exposure; 3] = [Exposure::Unknown, Exposure::NotPublic, Exposure::Public];
    const LEVELS: [Threat; 4] = [Threat::Low, Threat::Medium, Threat::High, Threat::Critical];

    #[track_caller]
    fn check(category: Category, private: [Threat; 3], public: [Threat; 3]) {
        let levels = |exposure| {
            CONFIDENCES.map(|confidence| severity(&[category].into(), confidence, exposure))
        };
        assert_eq!(levels(Exposure::Unknown), private, "{category}");
        assert_eq!(levels(Exposure::NotPublic), private, "{category}");
        assert_eq!(levels(Exposure::Public), public, "{category}");
    }

    #[test]
    fn the_table_is_as_documented() {
        use Threat::{Critical, High, Low, Medium};
        for category in Category::ALL {
            let (private, public) = match category {
                Category::Credentials => ([Medium, High, Critical], [High, Critical, Critical]),
                Category::GovernmentId
                | Category::Passport
                | Category::DrivingLicence
                | Category::ResidentNumber
                | Category::FinancialCard
                | Category::BankAccount
                | Category::Health => ([Medium, High, High], [High, Critical, Critical]),
                Category::Address
                | Category::Phone
                | Category::Email
                | Category::DateOfBirth
                | Category::Signature => ([Low, Medium, Medium], [Medium, High, High]),
                Category::Face | Category::Name | Category::Other => ([Low; 3], [Low; 3]),
            };
            check(category, private, public);
        }
    }

    #[test]
    fn a_face_beside_something_does_not_hide_it() {
        let both = [Category::Face, Category::Phone].into();
        let level = severity(&both, Confidence::Medium, Exposure::Public);
        assert_eq!(level, Threat::High);
        let nothing = BTreeSet::new();
        let level = severity(&nothing, Confidence::High, Exposure::Public);
        assert_eq!(level, Threat::Low);
    }

    #[test]
    fn who_can_read_it_counts_only_where_something_was_found() {
        let clean = severity_of(&Verdict::Clean, Exposure::Public);
        assert_eq!(clean, Threat::Low);
    }

    fn categories() -> impl Strategy<Value = BTreeSet<Category>> {
        prop::collection::btree_set(prop::sample::select(Category::ALL.to_vec()), 0..8)
    }

    fn step(level: Threat) -> usize {
        LEVELS.iter().position(|it| *it == level).unwrap()
    }

    proptest! {
        #[test]
        fn it_falls_with_no_argument(
            some in categories(),
            more in categories(),
            (low, surer) in (0..3_usize, 0..3_usize),
            (few, all) in (0..3_usize, 0..3_usize),
        ) {
            let union: BTreeSet<_> = some.union(&more).copied().collect();
            let lesser = severity(&some, CONFIDENCES[low], EXPOSURES[few]);
            let greater = severity(
                &union,
                CONFIDENCES[(low + surer).min(2)],
                EXPOSURES[(few + all).min(2)],
            );
            prop_assert!(lesser <= greater);
        }

        #[test]
        fn the_public_is_one_step_at_most_and_the_unknown_none(
            some in categories(),
            confidence in prop::sample::select(CONFIDENCES.to_vec()),
        ) {
            let level = |exposure| severity(&some, confidence, exposure);
            prop_assert_eq!(level(Exposure::Unknown), level(Exposure::NotPublic));
            prop_assert_eq!(level(Exposure::NotPublic), threat_of(&some, confidence));
            let rise = step(level(Exposure::Public)) - step(level(Exposure::NotPublic));
            prop_assert!(rise <= 1);
        }
    }
}
