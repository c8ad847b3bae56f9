//! Dates of birth: a date behind a label that says so.
//!
//! Without its label a date is any date. Readers that know no Hangul return the Korean label as
//! something else, or as the Chinese characters that it resembles in sense; only the latter help.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::{compile, vocabulary};

const MONTHS: &str =
    "(?:jan|feb|mar|marz|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]{0,6}";

/// Dates with a year, in the word view: `1985-03-12`, `1985년 3월 12일`, `12.03.1985`, `03/12/85`,
/// `12 March 1985`, `March 12, 1985`.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    compile(&format!(
        r"(?:(?:19|20)[0-9]{{2}} ?[^0-9a-z\s] ?[0-9]{{1,2}} ?[^0-9a-z\s] ?[0-9]{{1,2}}|(?:19|20)[0-9]{{2}} [0-9]{{2}} [0-9]{{2}}|[0-9]{{1,2}} ?[-./,] ?[0-9]{{1,2}} ?[-./,] ?(?:19|20)?[0-9]{{2}}|[0-9]{{1,2}} [0-9]{{1,2}} (?:19|20)[0-9]{{2}}|[0-9]{{1,2}}(?:st|nd|rd|th)?[ .-]{{0,2}}{MONTHS}[ .,-]{{0,2}}(?:19|20)[0-9]{{2}}|{MONTHS}[ .]{{0,2}}[0-9]{{1,2}}(?:st|nd|rd|th)?[ ,.]{{0,2}}(?:19|20)[0-9]{{2}})"
    ))
});

static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "date of birth",
        "birth date",
        "birthdate",
        "birthday",
        "dob",
        "d o b",
        "born",
        "born on",
        "date birth",
        "birth",
        "geburtsdatum",
        "geburtstag",
        "geb",
        "geb datum",
        "geb am",
        "geboren",
        "geboren am",
        "gebdatum",
        "geburtsdat",
        "tag der geburt",
        "date de naissance",
        "fecha de nacimiento",
        "data di nascita",
        "data de nascimento",
        "생년월일",
        "생일",
        "출생",
        "출생일",
        "生年月日",
        "出生日期",
        "出生",
    ])
});

/// Finds labelled dates in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    for found in DATE.find_iter(&dated(passage)) {
        let fits = passage.stands_behind_word(&found.range())
            && passage.labelled(found.start(), &LABELS)
            && in_range(found.as_str());
        if fits {
            let value = fold::only_digits(found.as_str());
            sink.add(
                passage,
                found.range(),
                Kind::LabelledDateOfBirth,
                Strength::Likely,
                &value,
            );
        }
    }
}

/// The number view in lower case, for the names of months.
fn dated(passage: &Passage) -> String {
    passage.digits.to_ascii_lowercase()
}

/// Groups that can be a day and a month, whichever comes first.
fn in_range(text: &str) -> bool {
    let mut small = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|group| !group.is_empty() && group.len() < 3)
        .filter_map(|group| group.parse::<u32>().ok())
        .take(3);
    let year_last_short = text
        .split(|c: char| !c.is_ascii_digit())
        .all(|group| group.len() < 3);
    let first = small.next();
    let second = small.next();
    let possible = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    match (first, second) {
        (Some(first), Some(second)) => possible(first, second) || possible(second, first),
        (Some(day), None) => possible(day, 1) && !year_last_short,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], found: usize) {
        assert_eq!(
            strengths(rows, Kind::LabelledDateOfBirth).len(),
            found,
            "{rows:?}"
        );
    }

    #[test]
    fn labelled_dates() {
        for row in [
            "Date of birth: 12.03.1985",
            "DOB 03/12/1985",
            "D.O.B.|1985-03-12",
            "Geb. 12.03.85",
            "Geburtsdatum;15.11.1967",
            "born 12 March 1985",
            "Birth date: March 12, 1985",
            "Geburtstag 3. Marz 1985",
            "Geburtstag 3. März 1985",
            "생년월일 1985년 3월 12일",
            "生年月日 1985.03.12",
            "Dateofbirth12.03.1985",
            "Date 0f b1rth 12 MAR 1985",
            "Date of birth 12 03 1985",
            "geb. am 12.O3.1985",
        ] {
            check(&[row], 1);
        }
        check(&["Date of birth", "02/28/1963"], 1);
        check(&["Geburtsdatum", "15.11.1967"], 1);
        check(&["Name|Birthday", "A|1985-03-12", "B|1986-03-12"], 2);
    }

    #[test]
    fn other_dates() {
        for row in [
            "12.03.1985",
            "Date: 12.03.1985",
            "Date of issue 12.03.1985",
            "born in 1985",
            "DOB 45.13.1985",
            "Date of birth 1.2.3.4",
            "Geburtsdatum TT.MM.JJJJ",
            "stillborn 12.03.1985",
            "Date of birth 12.03.19851",
        ] {
            check(&[row], 0);
        }
    }
}
