//! What may stay of a model's own words about an activity. Pure.
//!
//! A record is written by whoever made the call, and a model that read it may repeat any of it: a
//! name, a number, a link, an order to whoever reads the alert. So words are let through, not filtered
//! out: plain lower-case words, words that every text about AWS has, and the few fields that the alert
//! shows anyway. Anything else becomes `[...]`. Where too much of a summary is masked, where it
//! addresses its reader, or where a recogniser of personal data still sees something, nothing is left
//! of it: the alert says what happened in code's own words.
//!
//! What this cannot see: a value that is spelt in plain lower-case words (a first name in lower case, a
//! number in words), in Korean summaries a name in Hangul, and a plain sentence that is not true.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;

use super::Floor;
use super::known::{BEGINNINGS, NAMES};
use crate::event::{Activity, BucketName};
use crate::verdict::recognise::{Bounds, TextLine, gives_orders, recognise};

/// The language that a model's summaries are wanted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SummaryLanguage {
    /// English.
    English,
    /// Korean.
    Korean,
}

/// The longest summary, in characters.
const MAX_SUMMARY_CHARS: usize = 400;

/// Characters of the model's text that are looked at.
const MOST_CHARS: usize = 2_000;

/// The longest field of a record that may be repeated, in bytes.
const MOST_FIELD_BYTES: usize = 128;

/// Stands for what was not let through.
const MASK: &str = "[...]";

/// The longest word of Hangul, in syllables, with its particles.
const MOST_SYLLABLES: usize = 12;

/// A plain word: lower case, parts of a length that words have.
static PLAIN: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^[a-z]{1,18}(?:-[a-z]{1,18}){0,3}(?:'(?:s|t|d|m|re|ll|ve))?$"));

/// Fields of a record that may be repeated consist of this.
static FIELD: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Za-z0-9][A-Za-z0-9.:/_-]*$"));

/// What addresses the reader or tells what to do: that is said by code, not by the model.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?ix) \b(?: you | your | yours | please | kindly | click | visit | download | e-?mail
            | call\ (?:us|me|this|the\ number) | contact | reply | forward )\b
        | \bno\ (?:further\ |immediate\ |other\ )?(?:action|response|alert|alarm|concern|threat|risk)
        | \b(?:can|may|should|must)\ (?:safely\ )?be\ (?:ignored|dismissed|closed|disregarded|deleted)
        | \b(?:nothing\ to\ (?:see|do|worry) | safe\ to\ ignore | false\ (?:alarm|positive))
        | (?:하세요|하십시오|해\ ?주세요|바랍니다|마세요|마십시오|무시해도|클릭)",
    )
});

fn regex(source: &str) -> Regex {
    Regex::new(source).expect("the pattern is a constant that the tests compile")
}

/// What may be shown of a model's words about an activity: one line of at most
/// 400 printable characters, ASCII and in Korean summaries Hangul. `None` where
/// nothing is left that says anything.
///
/// Scrubbing what was scrubbed changes nothing.
pub fn scrub(
    said: &str,
    activity: &Activity,
    floor: &Floor,
    language: SummaryLanguage,
) -> Option<String> {
    let text = one_line(said);
    if gives_orders(&text) || ADDRESS.is_match(&text) {
        return None;
    }
    let shown = Shown::of(activity, floor, language);
    let mut words = masked(&text, |core, first| shown.lets(core, first));
    if is_recognised(&text_of(&words)?) {
        // Something that the record shows is also what a recogniser takes for a value.
        words = masked(&text, |core, first| {
            shown.without_fields().lets(core, first)
        });
    }
    let text = text_of(&words)?;
    let safe = !is_recognised(&text) && !gives_orders(&text) && !ADDRESS.is_match(&text);
    safe.then_some(text)
}

/// What a word of a summary is held against.
struct Shown<'a> {
    fields: Vec<&'a str>,
    korean: bool,
}

impl<'a> Shown<'a> {
    fn of(activity: &'a Activity, floor: &'a Floor, language: SummaryLanguage) -> Self {
        let fields = [
            Some(activity.source.as_str()),
            Some(activity.name.as_str()),
            activity.region.as_deref(),
            activity.account.as_deref(),
            activity.bucket.as_ref().map(BucketName::as_str),
            Some(floor.rule.as_str()),
        ];
        let safe = |field: &&str| {
            field.len() <= MOST_FIELD_BYTES && FIELD.is_match(field) && !field.contains("://")
        };
        Self {
            fields: fields.into_iter().flatten().filter(safe).collect(),
            korean: language == SummaryLanguage::Korean,
        }
    }

    /// Whether a word passes; `first` begins a sentence.
    fn lets(&self, word: &str, first: bool) -> bool {
        let of_record = |run: &str| {
            let owner = run.strip_suffix("'s").unwrap_or(run);
            self.fields.contains(&owner)
        };
        let begins = first && BEGINNINGS.contains(word.to_ascii_lowercase().as_str());
        begins
            || self.each(word, |run| {
                PLAIN.is_match(run) || is_name(run) || of_record(run)
            })
    }

    /// The same for words that show nothing of the record.
    fn without_fields(&self) -> Self {
        Self {
            fields: Vec::new(),
            korean: self.korean,
        }
    }

    /// Whether all runs of a word pass: particles stand behind foreign words without a blank.
    fn each(&self, word: &str, passes: impl Fn(&str) -> bool) -> bool {
        runs(word).into_iter().all(|run| {
            if run.chars().all(is_hangul) {
                return self.korean && run.chars().count() <= MOST_SYLLABLES;
            }
            passes(run.trim_matches(is_sign))
        })
    }
}

fn is_name(word: &str) -> bool {
    NAMES.contains(word)
}

/// One line without characters that are not seen: letters without accents, blanks as one blank, and
/// nothing beyond ASCII but letters and digits of other scripts.
fn one_line(said: &str) -> String {
    let chars = said
        .chars()
        .take(MOST_CHARS)
        .nfkd()
        .take(MOST_CHARS)
        .filter_map(|c| match c {
            '\u{2018}' | '\u{2019}' => Some('\''),
            '\u{2010}'..='\u{2015}' => Some('-'),
            c if c.is_whitespace() => Some(' '),
            c if c.is_ascii() => (!c.is_ascii_control()).then_some(c),
            c => c.is_alphanumeric().then_some(c),
        });
    let text: String = chars.nfc().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of a text, each as it is shown: the signs before it, itself or the mask, the signs
/// behind it.
fn masked(text: &str, lets: impl Fn(&str, bool) -> bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut first = true;
    let mut chars = 0;
    for token in text.split(' ') {
        let (before, core, behind) = parts(token);
        if core.is_empty() {
            continue;
        }
        let masked = core == MASK || !lets(core, first);
        let word = if masked {
            // A bracket that was opened inside of what is masked is not closed behind it.
            let open = |c: char| c != ')' || !before.is_empty();
            let behind: String = behind.chars().filter(|c| open(*c)).collect();
            format!("{before}{MASK}{behind}")
        } else {
            format!("{before}{core}{behind}")
        };
        chars += word.chars().count() + 1;
        if chars > MAX_SUMMARY_CHARS {
            break;
        }
        first = behind.contains(['.', '!', '?']);
        words.push(word);
    }
    words
}

/// A token, cut into what may stand before a word, the word, and what may stand behind it.
fn parts(token: &str) -> (&str, &str, &str) {
    let (before, rest) = match token.strip_prefix('(') {
        Some(rest) => ("(", rest),
        None => ("", token),
    };
    let core = rest.trim_end_matches(|c| is_sign(c) && c != '(');
    let behind = rest.strip_prefix(core).unwrap_or_default();
    let behind = match behind.char_indices().nth(2) {
        Some((end, _)) => behind.get(..end).unwrap_or_default(),
        None => behind,
    };
    (before, core, behind)
}

fn is_sign(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')')
}

const fn is_hangul(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}')
}

/// Neighbouring characters that are all Hangul or all not.
fn runs(word: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_hangul(c) != is_hangul(first));
        let (run, behind) = rest.split_at(end.unwrap_or(rest.len()));
        runs.push(run);
        rest = behind;
    }
    runs
}

/// The words as a text, unless more than a third of them are masked.
fn text_of(words: &[String]) -> Option<String> {
    let masks = words.iter().filter(|word| word.contains(MASK)).count();
    (!words.is_empty() && masks * 3 <= words.len()).then(|| words.join(" "))
}

/// Whether a recogniser of personal data sees something, also across blanks.
fn is_recognised(text: &str) -> bool {
    let joined: String = text.split(' ').collect();
    [text.to_owned(), joined].into_iter().any(|text| {
        let line = TextLine {
            text,
            score: 1.0,
            bounds: Bounds::default(),
        };
        !recognise(&[line]).hits.is_empty()
    })
}

#[cfg(test)]
mod tests;
