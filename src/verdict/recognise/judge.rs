//! From hits to an opinion.
//!
//! | What was found | Verdict |
//! | --- | --- |
//! | something self-proving | flagged, high confidence |
//! | something likely | flagged, medium |
//! | a face | flagged, medium |
//! | a face and the words of a document | flagged as that document too, medium |
//! | a name or an address, and a hint of another category | flagged, low |
//! | hints of one category, or of numbers only | not flagged |
//! | nothing to flag, but orders to the judge | undecided |
//!
//! Categories are those of what was likely or better. Hints of words (a name, an address, health, a
//! document) are added once something flags; hints of numbers never are, because a look-alike must
//! not put a card into an alert.

use std::collections::BTreeSet;

use super::finding::{Findings, Kind, Strength};
use crate::verdict::{Category, Confidence, Opinion, Threat, UndecidedReason};

/// From this many distinct hits on, the picture is a list of people and one level worse.
const A_LIST: usize = 8;

/// What the findings and the number of faces mean together.
#[must_use]
pub fn opinion(findings: &Findings, faces: usize) -> Opinion {
    let best = findings.hits.iter().map(|hit| hit.strength).max();
    let confidence = match best {
        Some(Strength::SelfProving) => Confidence::High,
        Some(Strength::Likely) => Confidence::Medium,
        _ if faces > 0 => Confidence::Medium,
        _ if corroborated(findings) => Confidence::Low,
        _ if findings.instructions_in_content => {
            return Opinion::Undecided(UndecidedReason::InstructionsInContent);
        }
        _ => return Opinion::Clean,
    };
    let categories = categories(findings, faces);
    let threat = threat(&categories, findings);
    Opinion::Flagged {
        categories,
        confidence,
        threat,
    }
}

/// Hints of words, which say more together than alone.
const fn is_of_words(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::LabelledName
            | Kind::PostalAddress
            | Kind::HealthWords
            | Kind::PassportWords
            | Kind::IdCardWords
            | Kind::LicenceWords
    )
}

/// A name or an address next to a hint of something else.
fn corroborated(findings: &Findings) -> bool {
    let kinds: BTreeSet<Category> = findings.hits.iter().map(super::Hit::category).collect();
    let personal = kinds.contains(&Category::Name) || kinds.contains(&Category::Address);
    personal && kinds.len() > 1
}

fn categories(findings: &Findings, faces: usize) -> BTreeSet<Category> {
    let mut out: BTreeSet<Category> = findings
        .hits
        .iter()
        .filter(|hit| hit.strength >= Strength::Likely || is_of_words(hit.kind))
        .map(super::Hit::category)
        .collect();
    if faces > 0 {
        out.insert(Category::Face);
    }
    out
}

/// How bad each category is when it leaks, the worst one counting.
fn threat(categories: &BTreeSet<Category>, findings: &Findings) -> Threat {
    let worst = categories.iter().map(|category| match category {
        Category::Credentials
        | Category::GovernmentId
        | Category::Passport
        | Category::DrivingLicence
        | Category::ResidentNumber
        | Category::FinancialCard => Threat::High,
        Category::BankAccount | Category::Health | Category::DateOfBirth => Threat::Medium,
        Category::Email | Category::Phone | Category::Address => Threat::Medium,
        Category::Face | Category::Name | Category::Signature | Category::Other => Threat::Low,
    });
    let worst = worst.max().unwrap_or(Threat::Low);
    let firm = findings
        .hits
        .iter()
        .filter(|hit| hit.strength >= Strength::Likely)
        .count();
    match worst {
        Threat::Low if firm >= A_LIST => Threat::Medium,
        Threat::Medium if firm >= A_LIST => Threat::High,
        worst => worst,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::Hit;

    fn check(hits: &[(Kind, Strength)], faces: usize, expected: Option<(&[Category], Confidence)>) {
        let hits = hits.iter().map(|(kind, strength)| Hit {
            kind: *kind,
            strength: *strength,
            bounds: None,
        });
        let findings = Findings {
            hits: hits.collect(),
            instructions_in_content: false,
        };
        let found = match opinion(&findings, faces) {
            Opinion::Flagged {
                categories,
                confidence,
                ..
            } => Some((categories, confidence)),
            Opinion::Clean => None,
            Opinion::Undecided(reason) => panic!("{reason:?}"),
        };
        let expected = expected.map(|(list, sure)| (list.iter().copied().collect(), sure));
        assert_eq!(found, expected, "{findings:?} with {faces} faces");
    }

    #[test]
    fn the_table_holds() {
        use Category as C;
        use Confidence::{High, Low, Medium};
        use Strength::{Hint, Likely, SelfProving};
        check(&[], 0, None);
        check(
            &[(Kind::Iban, SelfProving)],
            0,
            Some((&[C::BankAccount], High)),
        );
        check(&[(Kind::Phone, Likely)], 0, Some((&[C::Phone], Medium)));
        check(&[], 2, Some((&[C::Face], Medium)));
        check(
            &[(Kind::IdCardWords, Hint)],
            1,
            Some((&[C::GovernmentId, C::Face], Medium)),
        );
        check(&[(Kind::IdCardWords, Hint)], 0, None);
        check(&[(Kind::PaymentCard, Hint)], 0, None);
        check(&[(Kind::PaymentCard, Hint), (Kind::Phone, Hint)], 0, None);
        check(
            &[(Kind::LabelledName, Hint), (Kind::LabelledName, Hint)],
            0,
            None,
        );
        check(
            &[(Kind::LabelledName, Hint), (Kind::PostalAddress, Hint)],
            0,
            Some((&[C::Name, C::Address], Low)),
        );
        check(
            &[
                (Kind::Email, SelfProving),
                (Kind::PaymentCard, Hint),
                (Kind::LabelledName, Hint),
            ],
            0,
            Some((&[C::Name, C::Email], High)),
        );
    }

    #[test]
    fn orders_alone_leave_it_open_and_never_hide_data() {
        let mut findings = Findings {
            hits: Vec::new(),
            instructions_in_content: true,
        };
        assert_eq!(
            opinion(&findings, 0),
            Opinion::Undecided(UndecidedReason::InstructionsInContent)
        );
        findings.hits.push(Hit {
            kind: Kind::Iban,
            strength: Strength::SelfProving,
            bounds: None,
        });
        assert!(matches!(opinion(&findings, 0), Opinion::Flagged { .. }));
    }

    #[test]
    fn a_list_of_people_is_worse() {
        let phone = Hit {
            kind: Kind::Phone,
            strength: Strength::Likely,
            bounds: None,
        };
        let check = |count: usize, expected: Threat| {
            let findings = Findings {
                hits: vec![phone; count],
                instructions_in_content: false,
            };
            let Opinion::Flagged { threat, .. } = opinion(&findings, 0) else {
                panic!("{count}")
            };
            assert_eq!(threat, expected, "{count}");
        };
        check(1, Threat::Medium);
        check(A_LIST, Threat::High);
    }
}
