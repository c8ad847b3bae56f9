//! The body of a digest: what was counted, the number first, so that columns hold in every language.

use std::collections::BTreeMap;

use super::{Page, times};
use crate::action::Outcome;
use crate::alert::phrases::{Label, Looked};
use crate::alert::{Alert, Slow, Tally, shown};
use crate::object::Why;
use crate::verdict::Threat;

/// More buckets, or rules, are added up.
const SHOWN_NAMES: usize = 10;

/// Longer names of buckets and rules are cut.
const MAX_NAME: usize = 80;

/// Under this name stand the buckets that were not counted by name.
const OTHERS: &str = "*";

/// In the order in which they are shown: what is left to people first.
const OUTCOMES: [Outcome; 10] = [
    Outcome::Blocked {
        // The code is the same whatever the cause.
        why: Why::AccessDenied,
    },
    Outcome::Held,
    Outcome::Observed,
    Outcome::Deleted,
    Outcome::Quarantined,
    Outcome::AlreadyGone,
    Outcome::Superseded,
    Outcome::Tagged,
    Outcome::TagFailed,
    Outcome::Kept,
];

const LEVELS: [Threat; 4] = [Threat::Critical, Threat::High, Threat::Medium, Threat::Low];

pub(super) fn write(page: &mut Page, alert: &Alert) {
    times(page, alert, Label::Since, Label::Until);
    let Some(digest) = &alert.digest else {
        return;
    };
    page.fact(Label::Tasks, &shown::number(digest.tasks));
    page.fact(Label::Cost, &shown::dollars(digest.tally.cost_usd));
    tables(page, &digest.tally);
}

fn tables(page: &mut Page, tally: &Tally) {
    let phrases = page.phrases;
    let verdicts = Looked::ALL.map(|verdict| (verdict.code(), phrases.looked(verdict)));
    known(page, Label::Verdicts, &tally.verdicts, &verdicts);
    let outcomes = OUTCOMES.map(|outcome| (outcome.code(), phrases.ended(outcome)));
    known(page, Label::Outcomes, &tally.outcomes, &outcomes);
    let levels = LEVELS.map(|level| (level.as_str(), phrases.threat(level)));
    known(page, Label::Levels, &tally.levels, &levels);
    ranked(page, Label::Buckets, &tally.buckets);
    ranked(page, Label::Activities, &tally.activities);
    slowest(page, &tally.slowest);
}

/// Counts by a code, in the order of the words for it. A code without a word comes from a task of
/// another version and is shown with the others.
fn known(
    page: &mut Page,
    heading: Label,
    counts: &BTreeMap<String, u64>,
    words: &[(&'static str, &'static str)],
) {
    let familiar = words
        .iter()
        .filter_map(|(code, word)| Some(((*word).to_owned(), *counts.get(*code)?)));
    let strange = counts
        .iter()
        .filter(|(code, _)| !words.iter().any(|(known, _)| known == code))
        .map(|(code, count)| (page.phrases.another(&shown::line(code, MAX_NAME)), *count));
    let rows: Vec<_> = familiar
        .chain(strange)
        .filter(|(_, count)| *count > 0)
        .collect();
    if rows.is_empty() {
        return;
    }
    page.heading(heading);
    for (word, count) in rows {
        page.counted(&shown::number(count), &word);
    }
}

/// Counts by a name, the highest first, and the rest in one.
fn ranked(page: &mut Page, heading: Label, counts: &BTreeMap<String, u64>) {
    let named = counts.iter().filter(|(name, _)| *name != OTHERS);
    let mut rows: Vec<_> = named
        .map(|(name, count)| (name, *count))
        .filter(|(_, count)| *count > 0)
        .collect();
    rows.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let unnamed = counts.get(OTHERS).copied().unwrap_or_default();
    let rest = rows
        .iter()
        .skip(SHOWN_NAMES)
        .fold(unnamed, |sum, (_, count)| sum.saturating_add(*count));
    rows.truncate(SHOWN_NAMES);
    if rows.is_empty() && rest == 0 {
        return;
    }
    page.heading(heading);
    for (name, count) in rows {
        page.counted(&shown::number(count), &shown::line(name, MAX_NAME));
    }
    if rest > 0 {
        page.counted(&shown::number(rest), page.phrases.the_rest());
    }
}

fn slowest(page: &mut Page, slowest: &[Slow]) {
    if slowest.is_empty() {
        return;
    }
    page.heading(Label::Slowest);
    for slow in slowest {
        let seconds = format!("{}.{} s", slow.millis / 1_000, slow.millis % 1_000 / 100);
        let bucket = shown::line(&slow.bucket, MAX_NAME);
        // It may come from a task of another version.
        let key = shown::spelled(&slow.key);
        page.counted(&seconds, &format!("{bucket}  {key}"));
    }
}
