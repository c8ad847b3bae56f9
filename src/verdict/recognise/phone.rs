//! Telephone numbers.
//!
//! Bare groups of digits are as often order numbers, so a number needs a label or a mark of its
//! form: `+`, an area code in brackets, or the Korean mobile prefix. Numbers that anybody may call
//! (toll-free, Korean 15xx and 16xx lines, hotlines) belong to nobody.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::{REFERENCE, compile, vocabulary};

/// Digits in groups, with the signs that telephone numbers are written with.
static SHAPE: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"\+? ?\(?\+?[0-9]{1,5}\)?(?:(?: ?[-./] ?| {1,2}|)\(?[0-9]{1,8}\)?){1,6}")
});

/// Korean mobile numbers, with or without the country code. The prefixes 011 to 019 are closed, and
/// `011-234-5678` is as well an order number.
static KOREAN_MOBILE: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"^(?:\+?82 ?[-.]? ?\(?0?\)?|0)10(?: ?[-.)] ?| )?[0-9]{4}(?: ?[-.] ?| )?[0-9]{4}$")
});

/// The same inside a sentence. Hangul behind the number (`이에요`) is read as rings and strokes, which
/// must not count as its digits.
static KOREAN_IN_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"(?:^|[^0-9A-Za-z./-])(010 ?- ?[0-9]{4} ?- ?[0-9]{4})[01]{0,3}(?:$|[^0-9./-])")
});

/// Seoul and Internet lines of Korea; other area codes look like order numbers.
static KOREAN_LINE: LazyLock<Regex> =
    LazyLock::new(|| compile(r"^0(?:2-[0-9]{3,4}|70-[0-9]{4})-[0-9]{4}$"));

/// An area code in brackets, then a number: `(212) 555-0143`, `(030) 901820`.
static BRACKETED: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^\((?:[2-9][0-9]{2}\) ?[2-9][0-9]{2} ?[-. ] ?[0-9]{4}|0[0-9]{1,4}\) ?[0-9][-./ 0-9]{4,10})$",
    )
});

/// A plus sign, a country code and groups.
static INTERNATIONAL: LazyLock<Regex> = LazyLock::new(|| compile(r"^\+ ?[1-9][-./() 0-9]{8,20}$"));

static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "phone",
        "phone no",
        "phone number",
        "telephone",
        "telephone no",
        "tel",
        "tel no",
        "tel nr",
        "telefon",
        "telefonnummer",
        "telefon nr",
        "mobile",
        "mobile no",
        "mobile phone",
        "mobile number",
        "mobil",
        "mobilnummer",
        "mobiltelefon",
        "mobilfunk",
        "cell",
        "cell phone",
        "cellphone",
        "handy",
        "handynummer",
        "handy nr",
        "rufnummer",
        "whatsapp",
        "contact no",
        "contact number",
        "call me",
        "home phone",
        "work phone",
        "privat",
        "연락처",
        "전화",
        "전화번호",
        "휴대폰",
        "휴대전화",
        "핸드폰",
        "电话",
        "手机",
        "電話",
    ])
});

/// Lines that an organisation answers.
static SERVICE_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "hotline",
        "support",
        "service",
        "customer",
        "customer service",
        "customer care",
        "kundenservice",
        "kundendienst",
        "servicenummer",
        "helpline",
        "helpdesk",
        "call center",
        "call us",
        "emergency",
        "notruf",
        "fax",
        "telefax",
        "고객센터",
        "대표전화",
        "팩스",
        "switchboard",
        "zentrale",
        "toll free",
    ])
});

/// Toll-free, shared-cost and service numbers: Korea 15xx, 16xx, 18xx and 080; North America 800 and
/// its siblings; Germany 0800, 0180, 0137, 0900; Britain 0800, 0808, 084x, 03xx.
static SERVICE: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?:(?:82)?1[568][0-9]{6}|(?:82|0)?80[0-9]{7,8}|1?8(?:00|33|44|55|66|77|88)[2-9][0-9]{6}|(?:49|0)(?:800|180|137|900)[0-9]{5,8}|(?:44|0)(?:80[08]|84[345])[0-9]{6,7}|443[03][0-9]{8})$",
    )
});

/// Finds numbers in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    for found in KOREAN_IN_TEXT.captures_iter(&passage.digits) {
        let Some(number) = found.get(1) else { continue };
        if !passage.labelled(number.start(), &REFERENCE) {
            let digits = fold::only_digits(number.as_str());
            sink.add(
                passage,
                number.range(),
                Kind::Phone,
                Strength::Likely,
                &digits,
            );
        }
    }
    for found in SHAPE.find_iter(&passage.digits) {
        let text = found.as_str().trim();
        let digits = fold::only_digits(text);
        if !(8..=15).contains(&digits.len()) || SERVICE.is_match(&digits) || is_date(text) {
            continue;
        }
        let start = found.start();
        let labelled = passage.labelled(start, &LABELS);
        let alone = passage.stands_alone(&found.range())
            || (labelled && passage.stands_behind_word(&found.range()));
        let barred = !alone
            || passage.labelled(start, &SERVICE_WORDS)
            || (!labelled && passage.labelled(start, &REFERENCE));
        if barred {
            continue;
        }
        let tied = text.contains(['-', '.', ' ', ')']);
        let marked = BRACKETED.is_match(text)
            || (INTERNATIONAL.is_match(text) && !is_sum(text))
            || KOREAN_LINE.is_match(text)
            || (tied && KOREAN_MOBILE.is_match(text));
        let strength = if marked || (labelled && is_plausible(text, &digits)) {
            Strength::Likely
        } else if KOREAN_MOBILE.is_match(text) {
            Strength::Hint
        } else {
            continue;
        };
        sink.add(passage, found.range(), Kind::Phone, strength, &digits);
    }
}

/// `+12 500 000`: a change with its thousands in groups, not a number to call.
fn is_sum(text: &str) -> bool {
    let groups: Vec<&str> = text.split([' ', '.']).collect();
    let thousands = groups.iter().skip(1).all(|group| group.len() == 3);
    let digits = fold::only_digits(text).len();
    if groups.len() < 2 {
        digits < 11
    } else {
        thousands && digits < 10 && !text.contains(['-', '(', '/'])
    }
}

/// A date, with or without a time behind it.
fn is_date(text: &str) -> bool {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        compile(
            r"^(?:(?:19|20)[0-9]{2} ?[-./] ?[01]?[0-9] ?[-./] ?[0-3]?[0-9]|[0-3]?[0-9] ?[-./] ?[0-3]?[0-9] ?[-./] ?(?:19|20)[0-9]{2})(?:[^0-9].*)?$",
        )
    });
    DATE.is_match(text)
}

/// What a label may turn into a number: a form that is dialled, with a trunk zero, a country code or
/// groups.
fn is_plausible(text: &str, digits: &str) -> bool {
    let repeated = digits.chars().all(|c| digits.starts_with(c));
    !repeated && (digits.starts_with('0') || text.starts_with(['+', '(']) || digits.len() >= 9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], expected: Option<Strength>) {
        assert_eq!(
            strengths(rows, Kind::Phone).first().copied(),
            expected,
            "{rows:?}"
        );
    }

    #[test]
    fn marked_or_labelled() {
        for row in [
            "010-2234-5678",
            "010 2234 5678",
            "01O-2l34-5678",
            "010 - 2234 - 5678",
            "+82 10-2234-5678",
            "+82-10-2234-5678",
            "Tel 011-234-5678",
            "02-312-4567",
            "(212) 555-0143",
            "(212)555-0143",
            "+1 212-555-0143",
            "+1 (212) 555-0143",
            "+49 176 04069013",
            "+49 (0)30 901820",
            "+44 20 7946 0958",
            "+4917604069013",
            "(030) 901820",
            "Tel. 030/901820",
            "Mobil: 0176 4069013",
            "Phone 212-555-0143",
            "Phone;2125550143",
            "TEL:02-312-4567",
            "rnobile 01764069013",
            "Handy 0151 23456789",
            "연락처 031-312-4567",
        ] {
            check(&[row], Some(Strength::Likely));
        }
        check(&["Telefon", "+49 176 04069013"], Some(Strength::Likely));
        check(&["Name|Phone", "A|212-555-0143"], Some(Strength::Likely));
        check(&["01022345678"], Some(Strength::Hint));
        check(&["H世=010-0722-8932 0|0F"], Some(Strength::Likely));
        check(&["010-1740-09350|0"], Some(Strength::Likely));
        check(&["州010-0811-625100"], Some(Strength::Likely));
    }

    #[test]
    fn nobodys_number() {
        for row in [
            "555-123-4567",
            "Order 555-123-4567",
            "Order|010-2234-5678",
            "1588-1234",
            "Tel 1544-9709",
            "080-123-4567",
            "Tel. 0800 1234567",
            "Phone 1-800-555-0199",
            "+49 800 1234567",
            "Hotline 030/901820",
            "Fax (212) 555-0143",
            "Call us 212-555-0143",
            "+12 500 000",
            "+12.5",
            "+1234567890",
            "UTC+0900",
            "2026-11-22 10:00",
            "Phone 2026-11-22",
            "214-88-12345",
            "10.0.12.134",
            "1.234.567,89",
            "4111 1111 1111 1111",
            "phone 0000000000",
            "id 010-2234-56789",
        ] {
            check(&[row], None);
        }
        check(&["Ref.", "792-671-7269"], None);
        check(&["Call us", "1544-9709"], None);
    }
}
