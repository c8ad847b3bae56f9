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

/// A key as alerts show it.
pub(super) fn key(key: &Key, style: KeyStyle) -> String {
    match style {
        KeyStyle::Full => visible(key.as_str()),
        KeyStyle::Masked => masked(key),
    }
}

/// The text with every character that is not seen, or changes how others are seen, written as
/// `\u{..}`.
pub(super) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) {
            write!(out, "\\u{{{:x}}}", u32::from(c)).expect("a String takes all text");
        } else {
            out.push(c);
        }
    }
    out
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

/// Controls, line separators, and the characters that Unicode calls default-ignorable or
/// bidirectional controls (UAX #9, `DerivedCoreProperties.txt`), fillers among them.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
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
