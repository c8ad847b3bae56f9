//! How text from outside (keys, principals, bucket names) is written where people read it.
//!
//! Whoever uploads chooses the key. It must not break lines, hide itself, turn the reading direction
//! of the text around it, or run as a command when somebody copies it into a shell.

use std::fmt::Write;

use super::KeyStyle;
use crate::event::Key;

/// Deeper folders are shown as this many: the depth of a masked key tells where to look, no more.
const MASKED_DEPTH: usize = 8;

/// Endings that a masked key may keep. A list, since what follows the last dot may be a name.
const ENDINGS: [&str; 22] = [
    "avif", "bmp", "gif", "heic", "heif", "htm", "html", "ico", "jfif", "jp2", "jpeg", "jpg",
    "jxl", "pdf", "png", "psd", "svg", "tif", "tiff", "txt", "webp", "zip",
];

/// More characters of a key are not shown. S3 allows 1,024 bytes ("Creating object key names",
/// Amazon S3 User Guide), so only keys that hold much to be written out are cut.
const MAX_KEY: usize = 1_100;

/// How much of a key tells that a text which was cut holds it.
const TELLING: usize = 24;

/// Shorter keys are looked for as whole texts only.
const SHORTEST: usize = 3;

/// A key as alerts show it.
pub(super) fn key(key: &Key, style: KeyStyle) -> String {
    match style {
        KeyStyle::Full => spelled(key.as_str()),
        KeyStyle::Masked => masked(key),
    }
}

/// A key with nothing in it that could be taken for the end of its line: besides what hides, every
/// blank is written as `\u{..}` that is no plain space, stands at an end or follows another. What
/// is written so already stays as it is.
pub(super) fn spelled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut after_blank = true;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let blank = c.is_whitespace();
        let padding = blank && (c != ' ' || after_blank || rest.peek().is_none());
        if padding || hides(c) {
            escape(&mut out, c);
        } else {
            out.push(c);
        }
        after_blank = blank;
    }
    cut(&out, MAX_KEY)
}

/// A text from a record that may quote the key, with the key as alerts show it.
pub(super) fn without(text: &str, key: Option<&Key>, style: KeyStyle) -> String {
    let Some(key) = key.filter(|_| style == KeyStyle::Masked) else {
        return text.to_owned();
    };
    let name = key.as_str();
    // So short a name is found in any word; as a whole text it still is the key.
    let text = if text == name || name.chars().count() >= SHORTEST {
        text.replace(name, &masked(key))
    } else {
        text.to_owned()
    };
    // What was cut may end in the middle of the key.
    let beginning: String = name.chars().take(TELLING).collect();
    match text
        .find(&beginning)
        .filter(|_| beginning.chars().count() == TELLING)
    {
        Some(at) => format!("{}{}", text.get(..at).unwrap_or_default(), masked(key)),
        None => text,
    }
}

/// The text with every character that is not seen, or changes how others are seen, written as
/// `\u{..}`.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) {
            escape(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

fn escape(out: &mut String, c: char) {
    write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a String takes all text");
}

/// A text of one line, at most `limit` characters of it: what hides is written out, and runs of
/// blanks become one, so that no padding makes the rest look like a line of its own.
pub(super) fn line(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() && !hides(c) {
            if !std::mem::replace(&mut blank, true) {
                out.push(' ');
            }
        } else {
            blank = false;
            out.push(c);
        }
    }
    cut(&visible(&out), limit)
}

/// The text, or its beginning and `…`: at most `limit` characters.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(limit.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// How many columns a text takes where every letter has one or two: those of Korean, Chinese and
/// Japanese have two (UAX #11, East Asian Width).
pub(super) fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c,
            '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}'
            | '\u{ffe0}'..='\u{ffe6}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

/// A number with its thousands set apart.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// US dollars with four significant digits.
pub(super) fn dollars(amount: f64) -> String {
    // Below a millionth of a dollar there is nothing to tell, and nothing is not a number.
    if amount.is_nan() || amount < 0.000_001 {
        return "$0".to_owned();
    }
    if amount >= 999.95 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive, and a cast stops at the largest number"
        )]
        let whole = amount.round() as u64;
        return format!("${}", number(whole));
    }
    let mut decimals = 1;
    let mut scaled = amount;
    while scaled < 99.995 && decimals < 9 {
        scaled *= 10.0;
        decimals += 1;
    }
    let text = format!("{amount:.decimals$}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, ""));
    let cents = cents.trim_end_matches('0');
    match cents.len() {
        0 => format!("${whole}"),
        1 if decimals > 1 => format!("${whole}.{cents}0"),
        _ => format!("${whole}.{cents}"),
    }
}

/// The text for a mail subject: printable ASCII, at most `limit` characters.
pub(super) fn ascii(text: &str, limit: usize) -> String {
    let shown = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    if text.chars().count() <= limit {
        return text.chars().map(shown).collect();
    }
    let kept = limit.saturating_sub(3);
    let mut out: String = text.chars().take(kept).map(shown).collect();
    out.push_str("...");
    out
}

/// The arguments `BUCKET KEY` for a POSIX shell, or `None` when the key is not shown as it is.
pub(super) fn arguments(bucket: &str, key: &str) -> Option<String> {
    if [bucket, key]
        .iter()
        .any(|t| t.contains("\\u{") || t.contains('…'))
    {
        return None;
    }
    // Without it a name that begins with a dash would be read as an option.
    let end = if bucket.starts_with('-') || key.starts_with('-') {
        "-- "
    } else {
        ""
    };
    Some(format!("{end}{} {}", quoted(bucket), quoted(key)))
}

/// One word for a POSIX shell, with quotes where it needs them.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn masked(key: &Key) -> String {
    let text = key.as_str();
    let depth = text.matches('/').count().min(MASKED_DEPTH);
    let ending = text
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .filter(|ending| ENDINGS.contains(&ending.as_str()))
        .map(|ending| format!(".{ending}"))
        .unwrap_or_default();
    format!("{}#{}{ending}", "…/".repeat(depth), key.digest())
}

/// Controls, line separators, the characters that Unicode calls default-ignorable or bidirectional
/// controls (UAX #9, `DerivedCoreProperties.txt`), fillers among them, and what stands for no
/// character at all: the replacements, and the noncharacters (Unicode Standard, 23.7).
fn hides(c: char) -> bool {
    c.is_control()
        || u32::from(c) & 0xfffe == 0xfffe
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{fdd0}'..='\u{fdef}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffd}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_hides_is_written_out() {
        assert_eq!(visible("a/b c.png"), "a/b c.png");
        assert_eq!(visible("증명서/여권.png"), "증명서/여권.png");
        assert_eq!(visible("a\r\nBcc: x"), "a\\u{d}\\u{a}Bcc: x");
        assert_eq!(visible("gnp.\u{202e}exe"), "gnp.\\u{202e}exe");
        assert_eq!(visible("a\u{200b}b\u{feff}"), "a\\u{200b}b\\u{feff}");
        for nothing in [
            "\u{fdd0}",
            "\u{fdef}",
            "\u{fffc}",
            "\u{fffd}",
            "\u{ffff}",
            "\u{10fffe}",
        ] {
            assert!(
                visible(nothing).starts_with("\\u{"),
                "{}",
                nothing.escape_unicode()
            );
        }
    }

    #[test]
    fn a_key_has_no_padding() {
        let check = |text: &str, shown: &str| {
            assert_eq!(key(&Key::new(text), KeyStyle::Full), shown);
            assert_eq!(spelled(shown), shown, "once is enough");
            let copied = arguments("in", shown).is_some();
            assert_eq!(copied, text == shown, "{shown}");
        };
        check("my file (2).png", "my file (2).png");
        check("여권 사본.png", "여권 사본.png");
        check("a  b", "a \\u{20}b");
        check("a\u{a0}\u{3000}b", "a\\u{a0}\\u{3000}b");
        check("a \u{a0}b", "a \\u{a0}b");
        check(" a ", "\\u{20}a\\u{20}");
        check(
            "a.png   Threat level  low",
            "a.png \\u{20}\\u{20}Threat level \\u{20}low",
        );
    }

    #[test]
    fn a_masked_key_keeps_depth_and_known_ending() {
        let mask = |text: &str| key(&Key::new(text), KeyStyle::Masked);
        let digest = |text: &str| Key::new(text).digest();
        let deep = "forms/2026/jane-doe.PNG";
        assert_eq!(mask(deep), format!("…/…/#{}.png", digest(deep)));
        assert_eq!(mask("jane.doe"), format!("#{}", digest("jane.doe")));
        assert_eq!(mask("a.b/jane"), format!("…/#{}", digest("a.b/jane")));
    }

    #[test]
    fn a_line_is_one_line_without_padding() {
        assert_eq!(line("a\u{3000}\u{a0}  b", 9), "a b");
        assert_eq!(line("a\r\nb", 99), "a\\u{d}\\u{a}b");
        assert_eq!(line("가나다라", 3), "가나…");
        assert_eq!(line("가나다", 3), "가나다");
    }

    #[test]
    fn columns_are_counted_as_they_are_seen() {
        assert_eq!(width("From"), 4);
        assert_eq!(width("출발지 IP"), 9);
        assert_eq!(width("［ＡＢ］"), 8);
    }

    #[test]
    fn numbers_are_grouped_and_money_is_short() {
        let counted = [0, 12, 999, 1_000, 1_234_567].map(number);
        assert_eq!(counted, ["0", "12", "999", "1,000", "1,234,567"]);
        let check = |amount: f64, text: &str| assert_eq!(dollars(amount), text);
        check(0.0, "$0");
        check(f64::NAN, "$0");
        check(-1.0, "$0");
        check(0.000_123_46, "$0.0001235");
        check(0.012, "$0.012");
        check(0.5, "$0.50");
        check(9.999_96, "$10");
        check(12.345_6, "$12.35");
        check(123.456, "$123.5");
        check(999.96, "$1,000");
        check(12_345.6, "$12,346");
    }

    #[test]
    fn a_quoted_key_is_masked_like_the_key() {
        let check = |text: &str, key: &str, kept: &str| {
            let key = Key::new(key);
            let shown = without(text, Some(&key), KeyStyle::Masked);
            assert_eq!(shown, kept.replace('K', &masked(&key)));
            assert_eq!(without(text, Some(&key), KeyStyle::Full), text);
            assert_eq!(without(text, None, KeyStyle::Masked), text);
        };
        check("arn:aws:s3:::in/jane.png", "jane.png", "arn:aws:s3:::in/K");
        check("a", "a", "K");
        check("public-read", "a", "public-read");
        let long = "people/jane-doe/and/many/more/folders/passport.png";
        let cut: String = long.chars().take(40).collect();
        check(&format!("in/{cut}"), long, "in/K");
        check("in/people/", long, "in/people/");
    }

    #[test]
    fn a_copied_command_runs_nothing_else() {
        let args = |key| arguments("in", key).unwrap();
        assert_eq!(args("a/b-c_d.png"), "in a/b-c_d.png");
        assert_eq!(args("my file.png"), "in 'my file.png'");
        assert_eq!(args("x'; rm -rf ~; '"), r"in 'x'\''; rm -rf ~; '\'''");
        assert_eq!(args("$(id).png"), "in '$(id).png'");
        assert_eq!(args("--help"), "-- in --help");
        assert_eq!(arguments("in", &visible("a\u{202e}b")), None);
        let masked = key(&Key::new("a/b.png"), KeyStyle::Masked);
        assert_eq!(arguments("in", &masked), None);
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(hides));
        }

        #[test]
        fn a_key_is_one_run_of_text(
            parts in prop::collection::vec(
                prop_oneof![any::<String>(), "\\s{1,4}", "[\u{a0}\u{2003}\u{3000} ]{1,40}"], 1..6),
        ) {
            let text = parts.concat();
            let shown = key(&Key::new(text), KeyStyle::Full);
            prop_assert!(!shown.chars().any(|c| hides(c) || c.is_whitespace() && c != ' '));
            prop_assert!(!shown.contains("  ") && shown.trim() == shown, "{:?}", shown);
            prop_assert_eq!(spelled(&shown), shown);
        }

        #[test]
        fn a_subject_is_short_plain_ascii(text in any::<String>(), limit in 3..120_usize) {
            let shown = ascii(&text, limit);
            prop_assert!(shown.chars().all(|c| matches!(c, ' '..='~')), "{:?}", shown);
            prop_assert!(shown.len() <= limit);
        }

        #[test]
        fn a_masked_key_shows_nothing_of_the_name(name in "[a-z]{4,12}", ending in "[g-z]{1,12}") {
            let shown = key(&Key::new(format!("{name}/{name}.{ending}")), KeyStyle::Masked);
            prop_assert!(!shown.contains(&name), "{}", shown);
        }
    }
}
