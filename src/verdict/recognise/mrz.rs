//! Machine readable zones of travel documents (ICAO 9303 parts 3 to 6).
//!
//! The second line holds three check digits of its own; its length suffers most from a bad reader,
//! so only the front of it is taken, where every field has a fixed place. Letters and digits are
//! folded per field. The first line alone (`P<UTOERIKSSON<<ANNA`) has no check digit: whole it is
//! likely, in part a hint.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::{Page, Passage};
use super::vocabulary::compile;

/// Document number, check, nationality, birth, check, sex, expiry, check: TD3, TD2 and visas.
const LONG_FRONT: usize = 28;
/// Birth, check, sex, expiry, check, nationality: the second line of TD1.
const SHORT_FRONT: usize = 18;
/// A TD3 line has 44 characters, one of TD2 36; a reader drops a few.
const PASSPORT_LENGTH: usize = 40;

/// From this length on, and filled up at its end, a first line is likely what it looks like.
const FILLED_LENGTH: usize = 30;

/// A line that looks like the first of a passport: names with fillers between them.
static FIRST_LINE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^[P][A-Z<][A-Z0-9<]{3}[A-Z0-9]+<{1,3}[A-Z0-9<]{3,}$"));
/// The same of a card or a TD2 document, or the line of names of TD1.
static CARD_LINE: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"^(?:[ACI1][A-Z<][A-Z0-9<]{3}[A-Z0-9<]{9}[0-9O]|[A-Z]{2,}<<[A-Z]+<{4,})")
});

/// Finds zones, line by line.
pub(super) fn find(page: &Page, passage: &Passage, sink: &mut Sink) {
    if passage.text.contains(['\n', '\t']) {
        return;
    }
    let line = squeezed(&passage.text);
    let all = 0..passage.text.len();
    if line.contains("<<") && FIRST_LINE.is_match(&line) {
        let filled = line.len() >= FILLED_LENGTH && line.ends_with("<<<<<");
        let strength = if filled {
            Strength::Likely
        } else {
            Strength::Hint
        };
        sink.add(
            passage,
            all.clone(),
            Kind::PassportMrz,
            strength,
            "first line",
        );
    } else if line.contains("<<") && CARD_LINE.is_match(&line) {
        sink.add(
            passage,
            all.clone(),
            Kind::IdMrz,
            Strength::Hint,
            "card line",
        );
    }
    if let Some((number, strength)) = long_line(&line) {
        let passport = page
            .whole
            .text
            .lines()
            .any(|line| FIRST_LINE.is_match(&squeezed(line)));
        let kind = if passport || line.len() >= PASSPORT_LENGTH {
            Kind::PassportMrz
        } else {
            Kind::IdMrz
        };
        sink.add(passage, all.clone(), kind, strength, &number);
    }
    if let Some((birth, strength)) = short_line(&line) {
        sink.add(passage, all, Kind::IdMrz, strength, &birth);
    }
}

/// Capitals, digits and fillers only; a line with other signs is no zone and comes out empty.
fn squeezed(text: &str) -> String {
    let line: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-' && *c != '.')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let plain = line
        .chars()
        .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '<');
    if plain { line } else { String::new() }
}

/// The second line of a passport, visa or TD2 card.
fn long_line(line: &str) -> Option<(String, Strength)> {
    if line.len() < LONG_FRONT {
        return None;
    }
    let nationality = nation(line.get(10..13)?)?;
    let birth = date(line.get(13..19)?)?;
    let expiry = date(line.get(21..27)?)?;
    sex(line.get(20..21)?)?;
    let document = line.get(..9)?;
    let document_holds = variants(document)
        .iter()
        .any(|number| holds(number, line, 9));
    let good = [
        document_holds,
        holds(&birth, line, 19),
        holds(&expiry, line, 27),
    ];
    let strength = match good.iter().filter(|good| **good).count() {
        3 => Strength::SelfProving,
        2 if line.contains('<') || !nationality.is_empty() => Strength::Likely,
        _ => return None,
    };
    Some((format!("{document}{birth}"), strength))
}

/// The second line of a TD1 card.
fn short_line(line: &str) -> Option<(String, Strength)> {
    if line.len() < SHORT_FRONT {
        return None;
    }
    let birth = date(line.get(..6)?)?;
    let expiry = date(line.get(8..14)?)?;
    sex(line.get(7..8)?)?;
    nation(line.get(15..18)?)?;
    let filled = line.get(18..)?.contains("<<");
    let good = holds(&birth, line, 6) && holds(&expiry, line, 14);
    let strength = if filled {
        Strength::SelfProving
    } else {
        Strength::Likely
    };
    good.then_some((birth, strength))
}

/// Readings of a document number, which mixes letters and digits: as read, all digits behind the
/// first one or two characters, and all letters as digits.
fn variants(number: &str) -> Vec<String> {
    let folded = |keep: usize| -> String {
        number
            .chars()
            .enumerate()
            .map(|(at, c)| {
                if at < keep {
                    c
                } else {
                    fold::digit_like(c).unwrap_or(c)
                }
            })
            .collect()
    };
    vec![number.to_owned(), folded(2), folded(1), folded(0)]
}

/// The digit at `at` is the check digit of `field`: weights 7, 3, 1, letters from 10, fillers 0.
fn holds(field: &str, line: &str, at: usize) -> bool {
    let check = line
        .chars()
        .nth(at)
        .and_then(fold::digit_like)
        .and_then(|c| c.to_digit(10));
    let sum: u32 = field
        .chars()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(c, weight)| c.to_digit(36).unwrap_or_default() * weight)
        .sum();
    check == Some(sum % 10)
}

/// Six digits that are a date; day and month may be unknown (`00` or fillers are not taken).
fn date(field: &str) -> Option<String> {
    let digits: String = field.chars().map(fold::digit_like).collect::<Option<_>>()?;
    let month: u32 = digits.get(2..4)?.parse().ok()?;
    let day: u32 = digits.get(4..6)?.parse().ok()?;
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(digits)
}

/// Three letters, or fewer and fillers (`D<<`).
fn nation(field: &str) -> Option<String> {
    let letters: String = field
        .chars()
        .map(|c| {
            if c == '<' {
                Some(c)
            } else {
                fold::letter_like(c)
            }
        })
        .collect::<Option<_>>()?;
    letters
        .starts_with(|c: char| c.is_ascii_uppercase())
        .then(|| letters.replace('<', ""))
}

fn sex(field: &str) -> Option<()> {
    matches!(field, "M" | "F" | "X" | "<").then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::hits;

    fn check(rows: &[&str], expected: Option<(Kind, Strength)>) {
        let found = hits(rows)
            .into_iter()
            .filter(|(kind, _)| matches!(kind, Kind::PassportMrz | Kind::IdMrz))
            .max_by_key(|(_, strength)| *strength);
        assert_eq!(found, expected, "{rows:?}");
    }

    const FIRST: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
    const SECOND: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

    #[test]
    fn specimens_of_icao_9303() {
        let passport = Some((Kind::PassportMrz, Strength::SelfProving));
        let card = Some((Kind::IdMrz, Strength::SelfProving));
        check(&[FIRST, SECOND], passport);
        check(&[SECOND], passport);
        check(
            &[
                "I<UTOD231458907<<<<<<<<<<<<<<<",
                "7408122F1204159UTO<<<<<<<<<<<6",
                "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
            ],
            card,
        );
        check(
            &[
                "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
                "D231458907UTO7408122F1204159<<<<<<<6",
            ],
            card,
        );
    }

    #[test]
    fn as_a_reader_returns_it() {
        let passport = Some((Kind::PassportMrz, Strength::SelfProving));
        check(
            &[FIRST, "L898902C36UTO74O8122F12O4159ZE184226B<<<10"],
            passport,
        );
        check(&[FIRST, "L8989O2C36UT07408122F1204159ZE184226B"], passport);
        check(
            &[FIRST, "L898902C36 UTO 7408122F 1204159 ZE184226B<<<<<10"],
            passport,
        );
        check(
            &["x", "l898902c36uto7408122f1204159ze184226b<<<<<10"],
            passport,
        );
        check(
            &["L898903C36UTO7408122F1204159ZE184226B<<<<<10"],
            Some((Kind::PassportMrz, Strength::Likely)),
        );
    }

    #[test]
    fn the_first_line_proves_nothing() {
        check(&[FIRST], Some((Kind::PassportMrz, Strength::Likely)));
        check(
            &["P〈KORKIM《MINJUN〈〈〈〈〈〈〈〈〈"],
            Some((Kind::PassportMrz, Strength::Hint)),
        );
    }

    #[test]
    fn what_is_no_zone() {
        check(&["PLEASE READ THE WHOLE MANUAL BEFORE USE"], None);
        check(&["L898903C36UTO7408132F1204159ZE184226B<<<<<10"], None);
        check(&["ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGH"], None);
        check(&["<<<<<<<< HEAD"], None);
    }
}
