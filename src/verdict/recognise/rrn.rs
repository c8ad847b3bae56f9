//! Korean resident and foreigner registration numbers: `YYMMDD-SNNNNNC`.
//!
//! `S` tells century, sex and whether a foreigner; `C` checks the rest. Numbers given out since
//! October 2020 carry no check digit, so for them the date alone must do: such a number is likely,
//! not proven. A corporate number has the same shape (`110111-…`), with its own check.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::{REFERENCE, compile, vocabulary};

static PLAIN: LazyLock<Regex> =
    LazyLock::new(|| compile(r"([0-9]{6})([ ]?[-~_=.][ ]?|[ ]|)([0-9]{7})"));

/// Everything behind the first digit of the second half is hidden.
static MASKED: LazyLock<Regex> =
    LazyLock::new(|| compile(r"([0-9]{6}) ?[-~] ?([1-8])[0-9]? ?(?:\*{4,6}|[Xx]{5,6}|#{5,6})"));

static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "rrn",
        "resident registration",
        "resident registration number",
        "resident registration no",
        "resident no",
        "resident number",
        "alien registration no",
        "foreigner registration no",
        "arc no",
        "korean id",
        "personal id",
        "주민등록번호",
        "주민번호",
        "주민등록",
        "주민",
        "외국인등록번호",
        "등록번호",
        "住民登录番号",
        "住民登錄番號",
    ])
});

/// No living person is older, and corporate numbers of Seoul (`110111-1…`) would be.
const FIRST_YEAR: u32 = 1915;
/// A number cannot have been given out to somebody not yet born; a constant, because the recognisers
/// know no clock. When it is passed, the youngest are missed, nobody is flagged wrongly.
const LAST_YEAR: u32 = 2032;
/// Births since then have no check digit (year and month).
const UNCHECKED_SINCE: (u32, u32) = (2020, 10);

/// Finds registration numbers in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    for found in MASKED.captures_iter(&passage.digits) {
        let (Some(all), Some(date), Some(kind)) = (found.get(0), found.get(1), found.get(2)) else {
            continue;
        };
        let referenced = passage.labelled(all.start(), &REFERENCE);
        if birth(date.as_str(), kind.as_str()).is_some() && !referenced {
            sink.add(
                passage,
                all.range(),
                Kind::KoreanRrn,
                Strength::Likely,
                all.as_str(),
            );
        }
    }
    for found in PLAIN.captures_iter(&passage.digits) {
        let (Some(all), Some(tie)) = (found.get(0), found.get(2)) else {
            continue;
        };
        let number = fold::only_digits(all.as_str());
        let labelled = passage.labelled(all.start(), &LABELS);
        let alone = passage.stands_alone(&all.range())
            || (labelled && passage.stands_behind_word(&all.range()));
        if !alone || (!labelled && passage.labelled(all.start(), &REFERENCE)) {
            continue;
        }
        if let Some(strength) = weigh(&number, labelled, tie.as_str()) {
            sink.add(passage, all.range(), Kind::KoreanRrn, strength, &number);
        }
    }
}

/// How much the thirteen digits prove, given a label and what stands between the halves.
fn weigh(number: &str, labelled: bool, tie: &str) -> Option<Strength> {
    let (date, rest) = number.split_at_checked(6)?;
    let born = birth(date, rest.get(..1)?)?;
    let checked = checks(number);
    let tied = !tie.trim().is_empty();
    if labelled {
        return Some(if checked {
            Strength::SelfProving
        } else {
            Strength::Likely
        });
    }
    match (tied, checked) {
        (true, _) if is_corporate(number) => Some(Strength::Hint),
        (true, true) => Some(Strength::SelfProving),
        (true, false) if born >= UNCHECKED_SINCE => Some(Strength::Likely),
        (false, true) if tie == " " => Some(Strength::Likely),
        _ => None,
    }
}

/// Year and month of birth, when the date exists and somebody born then can be alive.
fn birth(date: &str, kind: &str) -> Option<(u32, u32)> {
    let century = match kind {
        "1" | "2" | "5" | "6" => 1900,
        "3" | "4" | "7" | "8" => 2000,
        _ => return None,
    };
    let year = century + date.get(..2)?.parse::<u32>().ok()?;
    let month = date.get(2..4)?.parse::<u32>().ok()?;
    let day = date.get(4..6)?.parse::<u32>().ok()?;
    let exists = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    (exists.is_ok() && (FIRST_YEAR..=LAST_YEAR).contains(&year)).then_some((year, month))
}

/// The check digit: weights 2 to 9 and 2 to 5, complement to 11; foreigners' is two higher.
fn checks(number: &str) -> bool {
    let digits = fold::values(number);
    let weights = [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5];
    let sum: u32 = digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit * weight)
        .sum();
    let foreign = digits.get(6).is_some_and(|kind| (5..=8).contains(kind));
    let base = if foreign { 13 } else { 11 };
    digits.last() == Some(&((base - sum % 11) % 10))
}

/// A corporate registration number: registry offices begin with 10 to 29, the fifth and sixth digits
/// name the kind of body, and weights 1 and 2 by turns give the check digit.
fn is_corporate(number: &str) -> bool {
    let digits = fold::values(number);
    let sum: u32 = digits
        .iter()
        .take(12)
        .zip([1, 2].into_iter().cycle())
        .map(|(d, w)| d * w)
        .sum();
    let body = number
        .get(4..6)
        .is_some_and(|body| matches!(body, "11" | "12" | "13" | "14" | "15" | "21" | "22" | "31"));
    let office = number.starts_with(['1', '2']);
    office && body && digits.last() == Some(&((10 - sum % 10) % 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], expected: Option<Strength>) {
        assert_eq!(
            strengths(rows, Kind::KoreanRrn).first().copied(),
            expected,
            "{rows:?}"
        );
    }

    #[test]
    fn a_good_check_digit_proves() {
        let sure = Some(Strength::SelfProving);
        check(&["900101-1234568"], sure);
        check(&["9OO101 - 1234568"], sure);
        check(&["주민등록번호 900101-1234568"], sure);
        check(&["早印 900101-1234568 x"], sure);
        check(&["ID|900101-1234568"], sure);
        check(&["RRN 9001011234568"], sure);
        check(&["850315-5123450"], sure);
    }

    #[test]
    fn without_check_digit_it_is_likely() {
        let likely = Some(Strength::Likely);
        check(&["201105-3234568"], likely);
        check(&["900101-1******"], likely);
        check(&["900101-1●●●●●●"], likely);
        check(&["900101-1XXXXXX"], likely);
        check(&["주민번호 900101-1234567"], likely);
        check(&["900101 1234568"], likely);
    }

    #[test]
    fn what_is_no_registration_number() {
        check(&["900101-1234567"], None);
        check(&["901301-1234567"], None);
        check(&["900230-1234567"], None);
        check(&["900101-9234567"], None);
        check(&["LOT 900101-1234568"], None);
        check(&["Lot|900101-1234568"], None);
        check(&["9001011234568"], None);
        check(&["110111-1707178"], None);
        check(&["670415-8829931"], None);
        check(&["12900101-1234568"], None);
        check(&["900101-1234568-01"], None);
        check(&["214-88-12345"], None);
    }

    #[test]
    fn a_number_that_may_be_a_company_is_only_a_hint() {
        let number = (0..10).map(|last| format!("200111-422222{last}"));
        let company = number
            .into_iter()
            .find(|n| is_corporate(&fold::only_digits(n)))
            .unwrap();
        check(&[&company], Some(Strength::Hint));
    }
}
