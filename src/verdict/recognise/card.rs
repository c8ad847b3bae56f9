//! Payment card numbers.
//!
//! Luhn lets one number in ten through, so it proves little: the run must have exactly the length
//! that its issuer uses (never a window inside a longer number), and only words of a card near it
//! make it a fact. Issuer ranges: ISO/IEC 7812 prefixes as the schemes publish them; Korean
//! domestic cards begin with 9. Visa numbers of 13 digits are no longer issued and look like
//! article numbers, so they are left out.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::{Page, Passage};
use super::vocabulary::{REFERENCE, compile, vocabulary};

/// A run of digits; a dot ties only without blanks, so that a sentence's end does not.
static RUN: LazyLock<Regex> =
    LazyLock::new(|| compile(r"[0-9]+(?:(?: {0,2}- {0,2}| {1,2}|\.)[0-9]+)*"));

static CARD_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "card",
        "card no",
        "card number",
        "cards",
        "credit card",
        "debit card",
        "cardholder",
        "card holder",
        "credit",
        "debit",
        "visa",
        "visa card",
        "mastercard",
        "maestro",
        "amex",
        "american express",
        "diners club",
        "discover",
        "jcb",
        "unionpay",
        "union pay",
        "valid thru",
        "valid from",
        "good thru",
        "month year",
        "expiry",
        "expires",
        "exp date",
        "expiration",
        "cvv",
        "cvc",
        "cvv2",
        "cvc2",
        "pan",
        "karte",
        "kartennummer",
        "karten nr",
        "kreditkarte",
        "kreditkartennummer",
        "girocard",
        "karteninhaber",
        "gultig bis",
        "prufnummer",
        "carte bancaire",
        "tarjeta",
        "카드",
        "카드번호",
        "신용카드",
        "체크카드",
        "유효기간",
        "卡号",
        "信用卡",
        "有效期",
    ])
});

/// Month and year, as printed under a card number.
static EXPIRY: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?:^|[^0-9/])(?:0[1-9]|1[0-2]) ?/ ?(?:20)?[2-4][0-9](?:$|[^0-9/])"));

/// Finds card numbers in one passage.
pub(super) fn find(page: &Page, passage: &Passage, sink: &mut Sink) {
    for run in RUN.find_iter(&passage.digits) {
        let Some(range) = trimmed(&passage.digits, run.range()) else {
            continue;
        };
        let text = passage.digits.get(range.clone()).unwrap_or_default();
        let number = fold::only_digits(text);
        let near = CARD_WORDS.is_match(&passage.words)
            || passage.labelled(range.start, &CARD_WORDS)
            || EXPIRY.is_match(&passage.digits);
        let whole = is_card(&number);
        let number = if whole || !near {
            number
        } else {
            without_code(text)
        };
        let alone = passage.stands_alone(&range)
            || (passage.labelled(range.start, &CARD_WORDS) && passage.stands_behind_word(&range));
        if !is_card(&number) || !alone {
            continue;
        }
        let on_page = CARD_WORDS.is_match(&page.whole.words);
        let strength = if passage.labelled(range.start, &REFERENCE) {
            Strength::Hint
        } else if near {
            Strength::SelfProving
        } else if on_page {
            Strength::Likely
        } else {
            Strength::Hint
        };
        sink.add(passage, range, Kind::PaymentCard, strength, &number);
    }
}

/// The run without a group that belongs to a date beside it (`4111 … 1111 12/27`).
fn trimmed(digits: &str, run: Range<usize>) -> Option<Range<usize>> {
    let mut range = run;
    if digits.get(range.end..)?.trim_start().starts_with('/') {
        let kept = digits.get(range.clone())?.rfind([' ', '-', '.'])?;
        range.end = range.start
            + digits
                .get(range.start..range.start + kept)?
                .trim_end()
                .len();
    }
    if digits.get(..range.start)?.ends_with('/') {
        let first = digits.get(range.clone())?.find([' ', '-', '.'])?;
        let rest = digits.get(range.start + first..range.end)?;
        range.start = range.end - rest.trim_start_matches([' ', '-', '.']).len();
    }
    Some(range)
}

/// The first sixteen digits of `4-4-4-4-3`: a card number with its security code behind it.
fn without_code(text: &str) -> String {
    let groups: Vec<&str> = text
        .split([' ', '-', '.'])
        .filter(|group| !group.is_empty())
        .collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    if lengths == [4, 4, 4, 4, 3] {
        groups.iter().take(4).copied().collect()
    } else {
        String::new()
    }
}

/// Issuer, length and check digit agree.
fn is_card(number: &str) -> bool {
    issued(number) && luhn(number)
}

fn luhn(number: &str) -> bool {
    let sum: u32 = fold::values(number)
        .into_iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            1 if digit > 4 => digit * 2 - 9,
            1 => digit * 2,
            _ => digit,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// True when some scheme issues numbers that begin like this and are this long.
fn issued(number: &str) -> bool {
    let lead = number
        .get(..6)
        .and_then(|lead| lead.parse::<u32>().ok())
        .unwrap_or_default();
    let long = number.len();
    match lead {
        340_000..=349_999 | 370_000..=379_999 => long == 15,
        300_000..=305_999 | 360_000..=369_999 | 380_000..=399_999 => long == 14,
        352_800..=358_999 => long == 16,
        220_000..=220_499 | 222_100..=272_099 | 510_000..=559_999 => long == 16,
        400_000..=499_999 | 620_000..=629_999 | 810_000..=829_999 => long == 16 || long == 19,
        500_000..=509_999 | 560_000..=589_999 | 630_000..=639_999 | 670_000..=679_999 => {
            long == 16 || long == 18 || long == 19
        }
        601_100..=601_199 | 644_000..=659_999 | 600_000..=609_999 => long == 16,
        900_000..=999_999 => long == 16,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(rows: &[&str], expected: Option<Strength>) {
        assert_eq!(
            strengths(rows, Kind::PaymentCard).first().copied(),
            expected,
            "{rows:?}"
        );
    }

    #[test]
    fn card_words_make_it_a_fact() {
        let sure = Some(Strength::SelfProving);
        check(&["Card number 4111 1111 1111 1111"], sure);
        check(&["VISA", "4012-8888-8888-1881"], sure);
        check(&["5555555555554444 12/27"], sure);
        check(&["Karten-Nr.: 5105105105105100"], sure);
        check(&["AMEX 3782 822463 10005"], sure);
        check(&["Kreditkarte|3056 930902 5904"], sure);
        check(&["4111 1111 1111 1111", "VALID THRU 08/29"], sure);
        check(&["CARD 4111 1111 1111 1111 123"], sure);
        check(&["Cardnumber", "4l11 1I11 1111 111l"], sure);
        check(&["card 4111 11111111 1111"], sure);
        check(&["card 4111 - 1111 - 1111 - 1111"], sure);
        check(&["card ４１１１ １１１１ １１１１ １１１１"], sure);
    }

    #[test]
    fn words_far_away_make_it_likely() {
        check(
            &["My bank card", "text", "text", "4111111111111111"],
            Some(Strength::Likely),
        );
    }

    #[test]
    fn alone_it_is_a_hint() {
        check(&["4111 1111 1111 1111"], Some(Strength::Hint));
        check(
            &["Order no. 4111111111111111", "paid by visa"],
            Some(Strength::Hint),
        );
    }

    #[test]
    fn what_is_no_card_number() {
        check(&["card 4111 1111 1111 1112"], None);
        check(&["card 41111111111111110"], None);
        check(&["card 1234 5678 9012 3452"], None);
        check(&["card id-4111111111111111"], None);
        check(&["card 12 4111 1111 1111 1111"], None);
        check(&["card 4111 1111 1111 1111-7"], None);
        check(&["card **** **** **** 1111"], None);
        check(&["card 0000 0000 0000 0000"], None);
    }
}
