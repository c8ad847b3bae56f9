//! What the worker does, as a person at a terminal sees it.
//!
//! The worker's observer only hands events over; everything slow (drawing, writing) happens here,
//! on the side of the command.

use std::io;
use std::sync::Arc;

use indicatif::ProgressBar;
use serde::Serialize;
use tokio::sync::mpsc;

use super::verdict_text::{categories, deed, reason};
use super::{Ink, Out, shown};
use crate::action::Outcome;
use crate::alert::{self, Alert};
use crate::event::Upload;
use crate::record::Finding;
use crate::retry::Reason;
use crate::verdict::{Inspection, Verdict};
use crate::worker::Observer;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// An object was looked at and nothing had to be done.
    Looked(Row),
    /// A finding came to its outcome.
    Acted(Row),
    /// A finding was announced.
    Announced(Box<Finding>),
    /// An alert is out; this is its subject.
    Told(String),
    /// An upload needed no look.
    PassedOver,
    /// A message was parked.
    Parked(Reason),
    /// A message is off the queue.
    Acknowledged,
    /// Work is not taken (why), or is again.
    Paused(Option<String>),
}

/// One object on one line.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) verdict: Verdict,
    pub(super) deed: String,
    pub(super) removed: bool,
    pub(super) millis: u64,
}

/// Hands over what the worker does.
#[derive(Debug)]
struct Eyes(mpsc::UnboundedSender<Seen>);

impl Eyes {
    fn tell(&self, seen: Seen) {
        // The command has ended: nobody looks any more, and nothing is lost by it.
        drop(self.0.send(seen));
    }
}

impl Observer for Eyes {
    fn looked(&self, upload: &Upload, inspection: &Inspection) {
        self.tell(Seen::Looked(Row {
            key: upload.target.key.as_str().to_owned(),
            verdict: inspection.verdict.clone(),
            deed: "kept".to_owned(),
            removed: false,
            millis: u64::try_from(inspection.took.as_millis()).unwrap_or(u64::MAX),
        }));
    }

    fn acted(&self, finding: &Finding) {
        let Some(case) = finding.object() else {
            return;
        };
        let row = Row {
            key: case.subject.key.as_str().to_owned(),
            verdict: case.judgement.verdict.clone(),
            deed: deed(finding),
            removed: matches!(
                finding.outcome,
                Some(Outcome::Deleted | Outcome::Quarantined)
            ),
            millis: case.judgement.millis,
        };
        self.tell(Seen::Acted(row));
    }

    fn announced(&self, finding: &Finding) {
        self.tell(Seen::Announced(Box::new(finding.clone())));
    }

    fn passed_over(&self, _upload: &Upload, _code: &'static str) {
        self.tell(Seen::PassedOver);
    }

    fn parked(&self, reason: &Reason) {
        self.tell(Seen::Parked(reason.clone()));
    }

    fn acknowledged(&self) {
        self.tell(Seen::Acknowledged);
    }

    fn paused(&self, why: Option<&str>) {
        self.tell(Seen::Paused(why.map(str::to_owned)));
    }
}

/// An observer, what is to be handed every alert, and what the two see.
pub(super) fn eyes() -> (
    Arc<dyn Observer>,
    impl Fn(&Alert) + Send + Sync + 'static,
    mpsc::UnboundedReceiver<Seen>,
) {
    let (tell, seen) = mpsc::unbounded_channel();
    let ears = Eyes(tell.clone());
    let hear = move |alert: &Alert| ears.tell(Seen::Told(alert::subject(alert)));
    (Arc::new(Eyes(tell)), hear, seen)
}

/// What a whole run came to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    clean: u64,
    flagged: u64,
    unsure: u64,
    removed: u64,
    known: u64,
    parked: u64,
}

impl Tally {
    /// Counts one thing that happened.
    pub(super) fn count(&mut self, seen: &Seen) {
        match seen {
            Seen::Looked(row) | Seen::Acted(row) => {
                match row.verdict {
                    Verdict::Clean => self.clean += 1,
                    Verdict::Flagged { .. } => self.flagged += 1,
                    _ => self.unsure += 1,
                }
                self.removed += u64::from(row.removed);
            }
            Seen::PassedOver => self.known += 1,
            Seen::Parked(_) => self.parked += 1,
            Seen::Announced(_) | Seen::Told(_) | Seen::Acknowledged | Seen::Paused(_) => {}
        }
    }

    /// All of it in one sentence.
    pub(super) fn sentence(&self) -> String {
        let looked = self.clean + self.flagged + self.unsure;
        let mut sentence = format!(
            "{looked} looked at: {} clean, {} flagged, {} undecided or unreadable; {} removed",
            self.clean, self.flagged, self.unsure, self.removed
        );
        if self.known > 0 {
            sentence.push_str(&format!("; {} needed no look", self.known));
        }
        if self.parked > 0 {
            sentence.push_str(&format!("; {} parked", self.parked));
        }
        sentence
    }
}

/// One line about one object: verdict, time, deed, key, and what it holds or why there is no
/// answer.
pub(super) fn line(out: &Out, row: &Row) -> String {
    let detail = reason(&row.verdict).unwrap_or_else(|| categories(&row.verdict));
    let detail = if detail == "-" {
        String::new()
    } else {
        format!("  {detail}")
    };
    format!(
        "{} {:>5.1} s  {:<14} {}{}",
        verdict(out, &row.verdict),
        row.millis as f64 / 1000.0,
        row.deed,
        shown(&row.key),
        out.paint(Ink::Faint, &detail)
    )
}

/// Writes what happened: a line, or JSON. Announcements and acknowledgements are not shown.
pub(super) fn show(out: &mut Out, bar: &ProgressBar, seen: &Seen, json: bool) -> io::Result<()> {
    let text = match seen {
        Seen::Looked(row) | Seen::Acted(row) if json => {
            return bar.suspend(|| out.json(&JsonRow::of(row)));
        }
        Seen::Looked(row) | Seen::Acted(row) => line(out, row),
        Seen::Parked(reason) => out.paint(Ink::Warn, &format!("parked     {reason}")),
        Seen::Told(subject) => out.paint(Ink::Faint, &format!("told       {subject}")),
        Seen::Paused(Some(why)) => out.paint(Ink::Bad, &format!("paused     {}", shown(why))),
        Seen::Paused(None) => out.paint(Ink::Good, "going on"),
        Seen::Announced(_) | Seen::PassedOver | Seen::Acknowledged => return Ok(()),
    };
    if json {
        return Ok(());
    }
    bar.suspend(|| out.line(text))
}

/// One object as `watch --json` prints it.
#[derive(Debug, Serialize)]
struct JsonRow<'a> {
    key: &'a str,
    #[serde(flatten)]
    verdict: &'a Verdict,
    deed: &'a str,
    millis: u64,
}

impl<'a> JsonRow<'a> {
    fn of(row: &'a Row) -> Self {
        Self {
            key: &row.key,
            verdict: &row.verdict,
            deed: &row.deed,
            millis: row.millis,
        }
    }
}

/// The word of a verdict in its colour, padded so that lines stand under each other.
pub(super) fn verdict(out: &Out, verdict: &Verdict) -> String {
    let ink = match verdict {
        Verdict::Clean => Ink::Good,
        Verdict::Flagged { .. } => Ink::Bad,
        Verdict::Undecided { .. } | Verdict::Unreadable { .. } => Ink::Warn,
        Verdict::Missing | Verdict::Superseded => Ink::Faint,
    };
    out.paint(ink, &format!("{:<10}", verdict.as_str()))
}
