//! German numbers of persons that carry a check digit: tax identification, pension insurance and
//! the serial number of an identity card.
//!
//! One check digit lets one number in ten through, so each also needs its label.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::{compile, vocabulary};

static ELEVEN: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[1-9][0-9] ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"));
static INSURANCE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[0-9]{2} ?[0-9]{6} ?[A-Z] ?[0-9]{3}"));
static CARD_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}[0-9]"));

static TAX_LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "steuer id",
        "steuer idnr",
        "steuer identifikationsnummer",
        "steueridentifikationsnummer",
        "steuerliche identifikationsnummer",
        "identifikationsnummer",
        "idnr",
        "id nr",
        "tin",
        "tax id",
        "tax identification number",
    ])
});
static INSURANCE_LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "sozialversicherungsnummer",
        "sozialversicherungs nr",
        "sv nummer",
        "sv nr",
        "rentenversicherungsnummer",
        "rentenversicherungs nr",
        "versicherungsnummer",
        "rvnr",
        "vsnr",
        "rv nummer",
    ])
});
static CARD_LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "ausweisnummer",
        "ausweis nr",
        "ausweis",
        "personalausweis",
        "personalausweisnummer",
        "personalausweis nr",
        "id card no",
        "identity card no",
        "identity card",
        "document no",
        "dokumentennummer",
        "dokument nr",
    ])
});

/// Shape, labels, check, and what it is when all three agree.
type Rule<'a> = (&'a Regex, &'a Regex, fn(&str) -> bool, Kind);

/// Finds labelled numbers in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    let rules: [Rule<'_>; 3] = [
        (&ELEVEN, &TAX_LABELS, is_tax, Kind::GermanTaxId),
        (
            &INSURANCE,
            &INSURANCE_LABELS,
            is_insurance,
            Kind::GermanInsurance,
        ),
        (&CARD_NUMBER, &CARD_LABELS, is_card, Kind::GermanIdNumber),
    ];
    for (shape, labels, valid, kind) in rules {
        for found in shape.find_iter(&passage.digits) {
            let number: String = found.as_str().chars().filter(|c| *c != ' ').collect();
            let fits = valid(&number)
                && passage.stands_behind_word(&found.range())
                && passage.labelled(found.start(), labels);
            if fits {
                sink.add(passage, found.range(), kind, Strength::SelfProving, &number);
            }
        }
    }
}

/// ISO 7064 mod 11,10; among the first ten digits one or two are repeated, not more (Federal
/// Central Tax Office).
fn is_tax(number: &str) -> bool {
    let digits = fold::values(number);
    let product = digits.iter().take(10).fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    let check = (11 - product) % 10;
    let first: Vec<u32> = digits.iter().take(10).copied().collect();
    let mut distinct = first.clone();
    distinct.sort_unstable();
    distinct.dedup();
    digits.last() == Some(&check) && (8..=9).contains(&distinct.len())
}

/// Area, birth `DDMMYY`, initial as two digits, serial; weights 2 1 2 5 7 1 2 1 2 1 2 1, digit sums.
fn is_insurance(number: &str) -> bool {
    let spelled: String = number
        .chars()
        .map(|c| {
            if c.is_ascii_uppercase() {
                format!("{:02}", c as u32 - 64)
            } else {
                c.into()
            }
        })
        .collect();
    let digits = fold::values(&spelled);
    let weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
    let sum: u32 = digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    let month: u32 = number
        .get(4..6)
        .and_then(|month| month.parse().ok())
        .unwrap_or_default();
    (1..=12).contains(&month) && digits.last() == Some(&(sum % 10))
}

/// Nine characters and a check digit by weights 7, 3, 1 as in ICAO 9303.
fn is_card(number: &str) -> bool {
    let values: Vec<u32> = number.chars().filter_map(|c| c.to_digit(36)).collect();
    let sum: u32 = values
        .iter()
        .take(9)
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(v, w)| v * w)
        .sum();
    values.last() == Some(&(sum % 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], kind: Kind, found: usize) {
        assert_eq!(strengths(rows, kind).len(), found, "{rows:?}");
    }

    #[test]
    fn tax_identification() {
        check(&["Steuer-ID: 86095742719"], Kind::GermanTaxId, 1);
        check(&["IdNr. 86 095 742 719"], Kind::GermanTaxId, 1);
        check(&["Steuer-ID|8609574271 9"], Kind::GermanTaxId, 0);
        check(&["86095742719"], Kind::GermanTaxId, 0);
        check(&["Steuer-ID: 86095742718"], Kind::GermanTaxId, 0);
    }

    #[test]
    fn pension_insurance() {
        check(
            &["Versicherungsnummer", "15 070649 C 103"],
            Kind::GermanInsurance,
            1,
        );
        check(&["SV-Nummer 15070649C104"], Kind::GermanInsurance, 0);
        check(&["15070649C103"], Kind::GermanInsurance, 0);
    }

    #[test]
    fn identity_card() {
        check(&["Ausweisnummer T220001293"], Kind::GermanIdNumber, 1);
        check(&["Ausweisnummer T220001294"], Kind::GermanIdNumber, 0);
        check(&["Typ T220001293"], Kind::GermanIdNumber, 0);
    }
}
