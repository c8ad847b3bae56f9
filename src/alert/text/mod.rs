//! An alert as a person reads it: the subject and the body of a mail. No sentence stands here; all
//! of them stand in the folders of the languages.
//!
//! Whatever an alert holds, each fact takes one line that begins with its label: every line goes
//! out through one place, which leaves no character in it that ends a line, hides or turns others.

mod activity;
mod digest;
mod upload;

use super::phrases::{self, Label, Phrases, Topic};
use super::{Alert, AlertKind, shown};

/// Amazon SNS takes subjects of fewer than 100 characters, ASCII, without line breaks (API
/// reference, `Publish`).
const MAX_SUBJECT: usize = 99;

/// In columns; wide enough for every label in every language, and a blank.
const LABEL_WIDTH: usize = 14;

/// In columns; wide enough for numbers of a digest.
const COUNT_WIDTH: usize = 9;

/// More ids would bury the message; the records hold them all.
const SHOWN_IDS: usize = 10;

/// The subject: level and title, in English whatever the language. It never holds a key.
pub fn subject(alert: &Alert) -> String {
    let level = alert.threat_level.as_str().to_ascii_uppercase();
    shown::ascii(&format!("[{level}] {}", alert.subject), MAX_SUBJECT)
}

/// The body. Its first line says what happened and what to do now.
pub fn body(alert: &Alert) -> String {
    let mut page = Page::new(alert);
    page.line(&format!("{} {}", alert.summarize, alert.next_step));
    page.blank();
    match alert.topic() {
        Topic::Upload(kind) => upload::write(&mut page, alert, kind),
        Topic::Activity => activity::write(&mut page, alert),
        Topic::Service(_) => service(&mut page, alert),
        Topic::Digest => digest::write(&mut page, alert),
    }
    page.text
}

/// The text so far.
struct Page {
    text: String,
    phrases: &'static dyn Phrases,
}

impl Page {
    fn new(alert: &Alert) -> Self {
        Self {
            text: String::new(),
            phrases: phrases::of(alert.language),
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(shown::visible(line).trim_end());
        self.text.push('\n');
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, label: Label) {
        self.blank();
        self.line(&format!("{}:", self.phrases.label(label)));
    }

    fn fact(&mut self, label: Label, value: &str) {
        self.labelled(self.phrases.label(label), value);
    }

    /// A fact that is told even where it is not known.
    fn fact_or_unknown(&mut self, label: Label, value: Option<&str>) {
        let known = value.filter(|value| !value.trim().is_empty());
        self.fact(label, known.unwrap_or(self.phrases.unknown()));
    }

    fn labelled(&mut self, label: &str, value: &str) {
        let gap = LABEL_WIDTH.saturating_sub(shown::width(label)).max(1);
        self.line(&format!("{label}{}{value}", " ".repeat(gap)));
    }

    /// A number and what it counts.
    fn counted(&mut self, count: &str, what: &str) {
        self.line(&format!("{count:>COUNT_WIDTH$}  {what}"));
    }
}

fn service(page: &mut Page, alert: &Alert) {
    page.fact(Label::Threat, page.phrases.threat(alert.threat_level));
    let (begun, over) = match alert.kind {
        AlertKind::Paused => (Label::StoppedAt, Label::Until),
        AlertKind::BreakerOpen => (Label::OpenedAt, Label::Until),
        AlertKind::BudgetSpent => (Label::StoppedAt, Label::GoesOnAt),
        _ => (Label::Since, Label::SentAgainAt),
    };
    times(page, alert, begun, over);
}

fn times(page: &mut Page, alert: &Alert, begun: Label, over: Label) {
    for (label, time) in [(begun, alert.happened_at), (over, alert.ends_at)] {
        if let Some(time) = time {
            page.fact(label, &page.phrases.time(time));
        }
    }
}

/// The findings that are covered, and the command that tells the history of the one shown.
fn references(page: &mut Page, alert: &Alert, command: Option<&str>) {
    if alert.finding_ids.is_empty() {
        return;
    }
    page.blank();
    let label = match alert.count {
        1 => Label::Finding,
        _ => Label::Findings,
    };
    let label = page.phrases.label(label);
    for (place, id) in alert.finding_ids.iter().take(SHOWN_IDS).enumerate() {
        page.labelled(if place == 0 { label } else { "" }, id);
    }
    let listed = alert.finding_ids.len().min(SHOWN_IDS) as u64;
    if alert.count > listed {
        let place = place(page.phrases, alert);
        let left = alert.count.saturating_sub(listed);
        page.labelled("", &page.phrases.more_findings(left, place.as_deref()));
    }
    if let Some(command) = command {
        page.fact(Label::History, command);
    }
}

/// Where in the records all findings lie that are covered.
fn place(phrases: &dyn Phrases, alert: &Alert) -> Option<String> {
    let query = alert.findings_query.as_ref()?;
    let folder = |time: jiff::Timestamp| time.strftime("findings/date=%Y-%m-%d/").to_string();
    let (first, last) = (folder(query.from), folder(query.until));
    Some(if first == last {
        first
    } else {
        phrases.places(&first, &last)
    })
}
