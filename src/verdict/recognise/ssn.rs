//! Social security numbers of the United States: `AAA-GG-SSSS`.
//!
//! They carry no check digit and share their shape with part numbers, so only a label makes one.
//! Never issued: area 000, 666 and 9xx, group 00, serial 0000, and two numbers that were printed in
//! advertisements (Social Security Administration).

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::{compile, vocabulary};

static SHAPE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"([0-9]{3})( ?[-.] ?| |)([0-9]{2})( ?[-.] ?| |)([0-9]{4})"));

static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "ssn",
        "ssns",
        "ss no",
        "ss number",
        "social",
        "social security",
        "social security no",
        "social security number",
        "social sec no",
        "soc sec",
        "soc sec no",
        "soc sec number",
        "sozialversicherungsnummer usa",
    ])
});

const PRINTED: [&str; 2] = ["078051120", "219099999"];

/// Finds labelled numbers in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    for found in SHAPE.find_iter(&passage.digits) {
        let number = fold::only_digits(found.as_str());
        let fits = is_issued(&number)
            && passage.stands_behind_word(&found.range())
            && passage.labelled(found.start(), &LABELS);
        if fits {
            sink.add(
                passage,
                found.range(),
                Kind::UsSsn,
                Strength::SelfProving,
                &number,
            );
        }
    }
}

fn is_issued(number: &str) -> bool {
    let area = number.get(..3).unwrap_or_default();
    let group = number.get(3..5).unwrap_or_default();
    let serial = number.get(5..).unwrap_or_default();
    !matches!(area, "000" | "666")
        && !area.starts_with('9')
        && group != "00"
        && serial != "0000"
        && !PRINTED.contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], found: usize) {
        assert_eq!(strengths(rows, Kind::UsSsn).len(), found, "{rows:?}");
    }

    #[test]
    fn a_label_makes_it() {
        check(&["SSN: 512-34-6789"], 1);
        check(&["SSN;5l2-34-6789"], 1);
        check(&["Social Security Number|512 34 6789"], 1);
        check(&["SOCIAL SECURITY", "512-34-6789"], 1);
        check(&["SSN 512346789"], 1);
        check(&["Name|SSN", "A|512-34-6789", "B|513-34-6789"], 2);
    }

    #[test]
    fn what_is_no_such_number() {
        check(&["512-34-6789"], 0);
        check(&["Part no. 512-34-6789"], 0);
        check(&["SSN 000-34-6789"], 0);
        check(&["SSN 666-34-6789"], 0);
        check(&["SSN 912-34-6789"], 0);
        check(&["SSN 512-00-6789"], 0);
        check(&["SSN 512-34-0000"], 0);
        check(&["SSN 078-05-1120"], 0);
        check(&["SSN 512-34-67890"], 0);
    }
}
