//! Digests in English.

use super::{English, noun};
use crate::action::Outcome;
use crate::alert::phrases::{Digests, Looked, Names, Sums};
use crate::alert::shown::number;

impl Digests for English {
    fn digest_title(&self, sums: &Sums) -> String {
        let mut parts = Vec::new();
        if sums.checked > 0 || sums.activities == 0 {
            parts.push(format!("{} checked", self.files(sums.checked)));
            parts.push(format!("{} with personal data", number(sums.flagged)));
        }
        if sums.activities > 0 {
            parts.push(events(sums.activities));
        }
        format!("s3-warden digest: {}", parts.join(", "))
    }

    fn digest(&self, sums: &Sums, lasted: &str) -> String {
        if sums.checked == 0 && sums.activities > 0 {
            let events = events(sums.activities);
            return format!("In {lasted} s3-warden saw {events} and checked no files.");
        }
        let files = self.files(sums.checked);
        let found = match (sums.checked, sums.flagged) {
            (0, _) => String::new(),
            (1, 0) => " and found no personal data in it".to_owned(),
            (_, 0) => " and found no personal data in them".to_owned(),
            (1, _) => " and found personal data in it".to_owned(),
            (_, flagged) => format!(" and found personal data in {}", number(flagged)),
        };
        let events = match sums.activities {
            0 => String::new(),
            count => format!(", and saw {}", events(count)),
        };
        format!("In {lasted} s3-warden checked {files}{found}{events}.")
    }

    fn digest_step(&self, sums: &Sums) -> String {
        let grave = [(sums.critical, "critical"), (sums.high, "high")];
        let grave: Vec<_> = grave
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, level)| format!("{} {level}", number(count)))
            .collect();
        let grave = match sums.critical.saturating_add(sums.high) {
            0 => None,
            1 => Some(format!(
                "{} finding: make sure that somebody has dealt with it.",
                grave.join(" and ")
            )),
            _ => Some(format!(
                "{} findings: make sure that somebody has dealt with each.",
                grave.join(" and ")
            )),
        };
        if sums.nothing_open() {
            let calm = sums.flagged == 0 && sums.activities == 0;
            return match grave {
                Some(grave) => grave,
                None if calm => "You need not do anything.".to_owned(),
                None => "You were told at once of what could not wait; nothing else is left to do."
                    .to_owned(),
            };
        }
        let left = if sums.left.or_fewer { "up to " } else { "" };
        let open = [
            (sums.blocked, "could not be removed", "could not be removed"),
            (sums.held, "is on hold", "are on hold"),
            (
                sums.observed,
                "would have been removed and is still there",
                "would have been removed and are still there",
            ),
            (sums.unsure, "could not be checked", "could not be checked"),
        ];
        let mut parts: Vec<_> = open
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, one, many)| format!("{} {}", self.files(count), noun(count, one, many)))
            .collect();
        if sums.left.count > 0 {
            parts.push(format!(
                "{left}{} with personal data {} left in place",
                self.files(sums.left.count),
                noun(sums.left.count, "was", "were"),
            ));
        }
        let open = format!("Still open: {}.", parts.join(", "));
        match grave {
            Some(grave) => format!("{grave} {open}"),
            None => open,
        }
    }

    fn looked(&self, verdict: Looked) -> &'static str {
        match verdict {
            Looked::Flagged => "with personal data",
            Looked::Undecided => "looked at, not judged",
            Looked::Unreadable => "could not be read",
            Looked::Clean => "clean",
        }
    }

    fn ended(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Deleted => "deleted",
            Outcome::Quarantined => "moved to the quarantine",
            Outcome::AlreadyGone => "already gone",
            Outcome::Superseded => "replaced by something else",
            Outcome::Blocked { .. } => "could not be removed",
            Outcome::Held => "on hold",
            Outcome::Observed => "would have been removed",
            Outcome::Tagged => "tagged and left in place",
            Outcome::TagFailed => "left in place, could not be tagged",
            Outcome::Kept => "left in place",
        }
    }

    fn another(&self, code: &str) -> String {
        format!("other ({code})")
    }

    fn the_rest(&self) -> &'static str {
        "all others"
    }
}

fn events(count: u64) -> String {
    format!(
        "{} security {}",
        number(count),
        noun(count, "event", "events")
    )
}
