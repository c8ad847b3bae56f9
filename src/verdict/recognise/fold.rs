//! One text, three views of it.
//!
//! Readers of pictures confuse `O` with `0` and `l` with `1`, drop spaces and accents, and return
//! full-width forms. What is right depends on what is looked for: a label is made of letters, a
//! number of digits. So a line is cleaned once, and then seen as words and as digits. Both views
//! keep every byte offset, so that a place found in one can be read in another.

use unicode_normalization::UnicodeNormalization;

/// Cleans one line: compatibility forms composed, accents dropped, dashes, quotes, blanks and mask
/// signs unified, control characters gone. At most `limit` characters come out.
pub(super) fn clean(raw: &str, limit: usize) -> String {
    let mut out = String::with_capacity(raw.len().min(limit));
    let kept = raw
        .chars()
        .take(limit)
        .nfkd()
        .filter(|c| !is_accent(*c))
        .nfc()
        .take(limit);
    for c in kept {
        match c {
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => out.push('-'),
            '\u{2018}' | '\u{2019}' | '\u{b4}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            '\u{b7}' => out.push('.'),
            '•' | '●' | '○' | '×' | '✱' | '∗' | '■' => out.push('*'),
            '〈' | '《' | '‹' | 'く' => out.push('<'),
            '«' => out.push_str("<<"),
            'ß' => out.push_str("ss"),
            '。' | '、' => out.push('.'),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// Accents of Latin letters. Japanese voicing marks are letters in their own right and stay.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// The view for words: ASCII in lower case, and a digit inside a word read as the letter it
/// resembles (`1BAN`, `c0m`), but never one that stands next to another digit.
pub(super) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        let near = [before, after].into_iter().flatten();
        let lone = near.clone().any(|n| n.is_ascii_alphabetic())
            && !near.clone().any(|n| n.is_ascii_digit());
        out.push(match c {
            '0' if lone => 'o',
            '1' | '|' if lone => 'l',
            '5' if lone => 's',
            c => c.to_ascii_lowercase(),
        });
        before = Some(c);
    }
    out
}

/// The view for numbers: in a token that is mostly digits, letters become the digits they resemble.
pub(super) fn digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut token = String::new();
    let mut before: Option<char> = None;
    for c in text.chars().map(Some).chain([None]) {
        if let Some(c) = c.filter(|c| c.is_ascii_alphanumeric() || *c == '|') {
            token.push(c);
            continue;
        }
        let joined = [before, c].into_iter().flatten().any(|n| "-./".contains(n));
        out.push_str(&fold_token(&token, joined));
        token.clear();
        before = c;
        out.extend(c);
    }
    out
}

/// Folds one token if it is a number with a few misread digits; `joined` says that a dash, dot or
/// slash ties it to its neighbour, so that two characters are enough to judge by.
fn fold_token(token: &str, joined: bool) -> String {
    let length = token.len();
    let digits = token.bytes().filter(u8::is_ascii_digit).count();
    let foldable = token.chars().all(|c| digit_like(c).is_some());
    if foldable && digits > 0 && digits * 2 >= length && (length > 2 || joined) {
        token.chars().filter_map(digit_like).collect()
    } else {
        token.to_owned()
    }
}

/// The digit that a character is or is taken for.
pub(super) const fn digit_like(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        'O' | 'o' => Some('0'),
        'I' | 'l' | '|' => Some('1'),
        'Z' => Some('2'),
        'S' => Some('5'),
        'B' => Some('8'),
        _ => None,
    }
}

/// The capital letter that a character is or is taken for.
pub(super) const fn letter_like(c: char) -> Option<char> {
    match c {
        'A'..='Z' => Some(c),
        'a'..='z' => Some(c.to_ascii_uppercase()),
        '0' => Some('O'),
        '1' | '|' => Some('I'),
        '2' => Some('Z'),
        '5' => Some('S'),
        '8' => Some('B'),
        _ => None,
    }
}

/// The character of base32 (`A` to `Z`, `2` to `7`) that a character is or is taken for.
pub(super) const fn letter_like_base32(c: char) -> Option<char> {
    match c {
        '2'..='7' => Some(c),
        c => letter_like(c),
    }
}

/// Only the digits of `text`.
pub(super) fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The digits of `text` as numbers.
pub(super) fn values(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_unifies_forms() {
        let check = |raw: &str, expected: &str| assert_eq!(clean(raw, 100), expected);
        check("４１１１　１１１１", "4111 1111");
        check("Führerschein – Straße", "Fuhrerschein - Strasse");
        check("900101‑1●●●●●●", "900101-1******");
        check("주민등록번호：", "주민등록번호:");
        check("P〈UTO«ANNA", "P<UTO<<ANNA");
        check("a\u{200b}b\tc", "ab c");
    }

    #[test]
    fn cleaning_is_bounded() {
        assert_eq!(clean(&"\u{fdfa}".repeat(1000), 10).chars().count(), 10);
    }

    #[test]
    fn words_read_stray_digits_as_letters() {
        let check = |text: &str, expected: &str| {
            assert_eq!(words(text), expected);
            assert_eq!(words(text).len(), text.len());
        };
        check("1BAN", "lban");
        check("gmail.c0m", "gmail.com");
        check("Tel010-1234", "tel010-1234");
        check("VAL1D THRU 05/27", "valld thru 05/27");
        check("번호 10", "번호 10");
    }

    #[test]
    fn digits_read_stray_letters_as_digits() {
        let check = |text: &str, expected: &str| {
            assert_eq!(digits(text), expected);
            assert_eq!(digits(text).len(), text.len());
        };
        check("9O0l01-1Z34S67", "900101-1234567");
        check("123-4S-6789", "123-45-6789");
        check("S3 BIS OIL", "S3 BIS OIL");
        check("4|11 llll", "4111 llll");
        check("deadB33f", "deadB33f");
    }
}
