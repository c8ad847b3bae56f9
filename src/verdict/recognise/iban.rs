//! International bank account numbers (ISO 13616).
//!
//! Country, structure, length and the check by mod 97 leave chance one in some millions, so an IBAN
//! stands without a label. Structures are those of the SWIFT registry, written as there: a count and
//! `n` (digits), `a` (capitals) or `c` (either).

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::compile;

/// Two letters and two check digits, each as misread, at the beginning of a word or behind `IBAN`.
static START: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"(?:^|[^A-Za-z0-9]|(?i:[i1l|]ban))([A-Za-z][A-Za-z0158][ ]?[0-9OoIlSBZ]{2})")
});

/// `(country, structure of the part behind the check digits)`.
const STRUCTURES: &[(&str, &str)] = &[
    ("AD", "8n12c"),
    ("AE", "19n"),
    ("AL", "8n16c"),
    ("AT", "16n"),
    ("AZ", "4a20c"),
    ("BA", "16n"),
    ("BE", "12n"),
    ("BG", "4a6n8c"),
    ("BH", "4a14c"),
    ("BR", "23n1a1c"),
    ("BY", "4c4n16c"),
    ("CH", "5n12c"),
    ("CR", "18n"),
    ("CY", "8n16c"),
    ("CZ", "20n"),
    ("DE", "18n"),
    ("DK", "14n"),
    ("DO", "4c20n"),
    ("EE", "16n"),
    ("EG", "25n"),
    ("ES", "20n"),
    ("FI", "14n"),
    ("FO", "14n"),
    ("FR", "10n11c2n"),
    ("GB", "4a14n"),
    ("GE", "2a16n"),
    ("GI", "4a15c"),
    ("GL", "14n"),
    ("GR", "7n16c"),
    ("GT", "24c"),
    ("HR", "17n"),
    ("HU", "24n"),
    ("IE", "4a14n"),
    ("IL", "19n"),
    ("IQ", "4a15n"),
    ("IS", "22n"),
    ("IT", "1a10n12c"),
    ("JO", "4a4n18c"),
    ("KW", "4a22c"),
    ("KZ", "3n13c"),
    ("LB", "4n20c"),
    ("LC", "4a24c"),
    ("LI", "5n12c"),
    ("LT", "16n"),
    ("LU", "3n13c"),
    ("LV", "4a13c"),
    ("LY", "21n"),
    ("MC", "10n11c2n"),
    ("MD", "20c"),
    ("ME", "18n"),
    ("MK", "3n10c2n"),
    ("MR", "23n"),
    ("MT", "4a5n18c"),
    ("MU", "4a19n3a"),
    ("NL", "4a10n"),
    ("NO", "11n"),
    ("PK", "4a16c"),
    ("PL", "24n"),
    ("PS", "4a21c"),
    ("PT", "21n"),
    ("QA", "4a21c"),
    ("RO", "4a16c"),
    ("RS", "18n"),
    ("SA", "2n18c"),
    ("SC", "4a20n3a"),
    ("SE", "20n"),
    ("SI", "15n"),
    ("SK", "20n"),
    ("SM", "1a10n12c"),
    ("ST", "21n"),
    ("SV", "4a20n"),
    ("TL", "19n"),
    ("TN", "20n"),
    ("TR", "5n1n16c"),
    ("UA", "6n19c"),
    ("VA", "18n"),
    ("VG", "4a16n"),
    ("XK", "16n"),
];

/// Finds account numbers in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    let mut from = 0;
    while let Some(found) = START.captures_at(&passage.text, from) {
        let Some(start) = found.get(1) else { break };
        from = start.end();
        let rest = passage.text.get(start.start()..).unwrap_or_default();
        if let Some((number, length)) = account(rest) {
            let range = start.start()..start.start() + length;
            sink.add(passage, range, Kind::Iban, Strength::SelfProving, &number);
        }
    }
}

/// Reads a number at the beginning of `rest`: the number, and how many bytes it took.
fn account(rest: &str) -> Option<(String, usize)> {
    let mut letters = rest.chars().filter(|c| !is_separator(*c));
    let country: String = [letters.next(), letters.next()]
        .into_iter()
        .map(|c| c.and_then(fold::letter_like))
        .collect::<Option<String>>()?;
    let (_, structure) = STRUCTURES.iter().find(|(code, _)| *code == country)?;
    let classes = classes(structure);

    let mut plain = String::new();
    let mut folded = String::new();
    let mut length = 0;
    let mut signs = rest.char_indices().filter(|(_, c)| !is_separator(*c));
    for class in &classes {
        let (at, c) = signs.next()?;
        let read = match class {
            'n' => fold::digit_like(c)?,
            'a' => fold::letter_like(c)?,
            _ if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
            _ => return None,
        };
        plain.push(read);
        folded.push(if *class == 'c' {
            fold::digit_like(c).unwrap_or(read)
        } else {
            read
        });
        length = at + c.len_utf8();
    }
    let ends = rest
        .get(length..)?
        .chars()
        .next()
        .is_none_or(|c| !c.is_ascii_alphanumeric());
    let number = [plain, folded].into_iter().find(|number| mod_97(number))?;
    ends.then_some((number, length))
}

/// Blanks and signs that separate groups; also the joints of boxes and rows.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '-' | '.')
}

/// One class per character, country and check digits included.
fn classes(structure: &str) -> Vec<char> {
    let mut out = vec!['a', 'a', 'n', 'n'];
    let mut count = 0;
    for c in structure.chars() {
        match c.to_digit(10) {
            Some(digit) => count = count * 10 + digit as usize,
            None => {
                out.extend(std::iter::repeat_n(c, count));
                count = 0;
            }
        }
    }
    out
}

/// The check of ISO 7064: the number with its first four characters moved to the end, letters as 10
/// to 35, leaves 1 when divided by 97.
fn mod_97(number: &str) -> bool {
    let (head, tail) = number.split_at_checked(4).unwrap_or((number, ""));
    let check = head
        .get(2..)
        .and_then(|digits| digits.parse::<u32>().ok())
        .unwrap_or_default();
    let rest = tail
        .chars()
        .chain(head.chars())
        .filter_map(|c| c.to_digit(36))
        .fold(0, |sum, digit| {
            let shift = if digit > 9 { 100 } else { 10 };
            (sum * shift + digit) % 97
        });
    (2..=98).contains(&check) && rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], found: usize) {
        assert_eq!(strengths(rows, Kind::Iban).len(), found, "{rows:?}");
    }

    #[test]
    fn examples_of_the_registry() {
        for iban in [
            "AD1200012030200359100100",
            "AE070331234567890123456",
            "AT611904300234573201",
            "BE68539007547034",
            "BG80BNBG96611020345678",
            "BR1800360305000010009795493C1",
            "CH9300762011623852957",
            "CR05015202001026284066",
            "CY17002001280000001200527600",
            "CZ6508000000192000145399",
            "DE89370400440532013000",
            "DK5000400440116243",
            "EE382200221020145685",
            "ES9121000418450200051332",
            "FI2112345600000785",
            "FR1420041010050500013M02606",
            "GB82WEST12345698765432",
            "GR1601101250000000012300695",
            "HR1210010051863000160",
            "HU42117730161111101800000000",
            "IE29AIBK93115212345678",
            "IL620108000000099999999",
            "IS140159260076545510730339",
            "IT60X0542811101000000123456",
            "KW81CBKU0000000000001234560101",
            "LB62099900000001001901229114",
            "LI21088100002324013AA",
            "LT121000011101001000",
            "LU280019400644750000",
            "LV80BANK0000435195001",
            "MC5811222000010123456789030",
            "MT84MALT011000012345MTLCAST001S",
            "NL91ABNA0417164300",
            "NO9386011117947",
            "PL61109010140000071219812874",
            "PT50000201231234567890154",
            "RO49AAAA1B31007593840000",
            "RS35260005601001611379",
            "SA0380000000608010167519",
            "SE4550000000058398257466",
            "SI56263300012039086",
            "SK3112000000198742637541",
            "TR330006100519786457841326",
            "UA213223130000026007233566001",
        ] {
            check(&[iban], 1);
        }
    }

    #[test]
    fn as_a_reader_returns_it() {
        check(&["IBAN: DE89 3704 0044 0532 0130 00 BIC COBADEFFXXX"], 1);
        check(&["1BAN DE89 37O4 0044 O532 0130 00"], 1);
        check(&["IBANDE89370400440532013000"], 1);
        check(&["de89 3704 0044 0532 0130 00"], 1);
        check(&["DE 89 3704 0044 0532 0130 00"], 1);
        check(&["DE89 3704 0044", "0532 0130 00"], 1);
        check(&["DE89 3704 0044|0532 0130 00"], 1);
        check(&["G882 WEST 1234 5698 7654 32", "x"], 1);
    }

    #[test]
    fn what_is_no_account() {
        check(&["DE89 3704 0044 0532 0130 01"], 0);
        check(&["DE893704004405320130001"], 0);
        check(&["XDE89370400440532013000"], 0);
        check(&["DE123456789"], 0);
        check(&["RR123456785KR"], 0);
        check(&["DE00370400440532013000"], 0);
    }
}
