//! What a report about a picture comes to. Pure: two reports must agree, and neither may contradict
//! itself. What an answer says in free text is not taken over at all: it may repeat what it saw.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Form;
use super::prompt::SHEET;
use super::report::{Flaw, Level, Said, Unread, Word};
use crate::model::ModelReply;
use crate::verdict::{Category, Confidence, Opinion, UndecidedReason};

/// What an answer comes to: a final word, or a form that was not asked for.
pub(super) type Reading = Result<Opinion, Flaw>;

/// Reads an answer to a request of this form.
pub(super) fn read(reply: &ModelReply, form: Form) -> Reading {
    match SHEET.read(reply, form) {
        Ok(reports) => Ok(together(&reports)),
        Err(Unread::Cut) => Ok(Opinion::Undecided(UndecidedReason::Truncated)),
        Err(Unread::Refused) => Ok(Opinion::Undecided(UndecidedReason::Refused)),
        Err(Unread::Flawed(flaw)) => Err(flaw),
    }
}

/// A report as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    contains_pii: bool,
    categories: BTreeSet<Word<Category>>,
    confidence: Word<Confidence>,
    threat_level: Word<Level>,
    instructions_in_content: bool,
    #[serde(rename = "title")]
    _title: Said,
    #[serde(rename = "summary")]
    _summary: Said,
}

/// What reports say together: they must agree in everything that decides.
fn together(reports: &[Report]) -> Opinion {
    let Some((first, others)) = reports.split_first() else {
        return Opinion::Undecided(UndecidedReason::Malformed);
    };
    if others.iter().any(|other| other != first) {
        return Opinion::Undecided(UndecidedReason::Contradiction);
    }
    opinion(first)
}

fn opinion(report: &Report) -> Opinion {
    if report.contains_pii == report.categories.is_empty() {
        return Opinion::Undecided(UndecidedReason::Contradiction);
    }
    if report.contains_pii {
        return Opinion::Flagged {
            categories: report.categories.iter().map(|word| word.0).collect(),
            confidence: report.confidence.0,
            threat: report.threat_level.0.into(),
        };
    }
    if report.instructions_in_content {
        // Who obeys a picture says that nothing is in it.
        return Opinion::Undecided(UndecidedReason::InstructionsInContent);
    }
    Opinion::Clean
}
