//! What happened to objects, in English.

use super::words::format_name;
use super::{English, noun};
use crate::action::Outcome;
use crate::alert::OutcomeCount;
use crate::alert::phrases::{Digests, Names, UploadKind, Uploads};
use crate::alert::shown::number;
use crate::object::{Format, Why};
use crate::verdict::{UndecidedReason, UnreadableReason};

impl Uploads for English {
    fn upload_title(
        &self,
        kind: UploadKind,
        outcomes: &[OutcomeCount],
        count: u64,
        bucket: &str,
    ) -> String {
        let many = count > 1;
        let number = number(count);
        let title = match kind {
            UploadKind::Flagged => {
                let end = flagged_title(outcomes);
                if many {
                    format!("{number} files with personal data {end}")
                } else {
                    format!("Personal data {end}")
                }
            }
            UploadKind::Blocked if many => {
                format!("{number} files with personal data could not be removed from")
            }
            UploadKind::Blocked => "Personal data could not be removed from".to_owned(),
            UploadKind::Held if many => format!("{number} removals of personal data on hold in"),
            UploadKind::Held => "Removal of personal data on hold in".to_owned(),
            UploadKind::Undecided if many => {
                format!("{number} pictures need to be looked at in")
            }
            UploadKind::Undecided => "A picture needs to be looked at in".to_owned(),
            UploadKind::Unreadable if many => format!("{number} files could not be checked in"),
            UploadKind::Unreadable => "A file could not be checked in".to_owned(),
            UploadKind::Clean if many => format!("{number} files without personal data in"),
            UploadKind::Clean => "No personal data in a file in".to_owned(),
        };
        format!("{title} bucket {bucket}")
    }

    fn flagged(&self, outcome: Outcome) -> String {
        let end = match outcome {
            Outcome::Deleted => " and has been deleted",
            Outcome::Quarantined => " and has been moved to the quarantine",
            Outcome::Observed => " and is still there, because s3-warden is set to watch only",
            Outcome::Tagged | Outcome::TagFailed | Outcome::Kept => " and was left in place",
            Outcome::AlreadyGone => "; when s3-warden came to remove it, it was already gone",
            Outcome::Superseded => "; before it could be removed, something else took its place",
            Outcome::Blocked { .. } => " and could not be removed, so it is still there",
            Outcome::Held => {
                " and is still there: s3-warden has stopped removing, because it was about to \
                 remove unusually many files"
            }
        };
        format!("A file with personal data was uploaded{end}.")
    }

    fn undecided(&self, reason: UndecidedReason) -> String {
        let why = match reason {
            UndecidedReason::InstructionsInContent => {
                "it contains text that gives orders to automatic checks, which may be an attempt \
                 to slip something past them"
            }
            UndecidedReason::Contradiction => "the automatic check contradicted itself",
            UndecidedReason::NothingFound => {
                "the check on this machine found nothing, but it is set not to call that clean, \
                 since it does not see everything"
            }
            UndecidedReason::Refused => "the automatic check declined to look at it",
            UndecidedReason::Malformed => "the automatic check gave no usable answer",
            UndecidedReason::Truncated => {
                "the answer of the automatic check was longer than s3-warden is set to allow"
            }
            UndecidedReason::Rejected => "the automatic check does not take this picture",
        };
        format!("A picture was uploaded that s3-warden could not judge: {why}.")
    }

    fn unreadable(&self, reason: UnreadableReason) -> String {
        let why = match reason {
            UnreadableReason::Unsupported(Format::Unknown) => "its type is not known".to_owned(),
            UnreadableReason::Unsupported(format) => {
                format!(
                    "it is {}, a type that s3-warden does not open",
                    format_name(format)
                )
            }
            UnreadableReason::Damaged => "it is damaged or incomplete".to_owned(),
            UnreadableReason::Empty => "it is empty".to_owned(),
            UnreadableReason::TooLarge => "it is larger than s3-warden is set to read".to_owned(),
            UnreadableReason::TooManyPixels => {
                "it has more pixels than s3-warden is set to open".to_owned()
            }
            UnreadableReason::Denied(why) => why_not_read(why).to_owned(),
        };
        format!("A file was uploaded that could not be checked: {why}.")
    }

    fn clean(&self) -> String {
        "A file was uploaded and checked, and no personal data was found in it.".to_owned()
    }

    fn many(&self, kind: UploadKind, outcomes: &[OutcomeCount], count: u64) -> String {
        let files = self.files(count);
        let start = match kind {
            UploadKind::Flagged => format!("{files} with personal data were uploaded"),
            UploadKind::Blocked => {
                return format!(
                    "{files} with personal data were uploaded and could not be removed, so they \
                     are still there."
                );
            }
            UploadKind::Held => {
                return format!(
                    "{files} with personal data were uploaded and are still there: s3-warden has \
                     stopped removing, because it was about to remove unusually many files."
                );
            }
            UploadKind::Undecided => format!(
                "{} pictures were uploaded that s3-warden could not judge",
                number(count)
            ),
            UploadKind::Unreadable => format!("{files} were uploaded that could not be checked"),
            UploadKind::Clean => {
                return format!(
                    "{files} were uploaded and checked, and no personal data was found in them."
                );
            }
        };
        let parts: Vec<_> = outcomes
            .iter()
            .map(|part| {
                let all = part.count == count;
                let counted = if all {
                    "all".to_owned()
                } else {
                    number(part.count)
                };
                let verb = verb(part.outcome, part.count);
                format!("{counted} {verb}{}", self.ended(part.outcome))
            })
            .collect();
        format!("{start}: {}.", parts.join(", "))
    }
}

/// How a title ends, up to the word `bucket`.
fn flagged_title(outcomes: &[OutcomeCount]) -> &'static str {
    let removed =
        |part: &OutcomeCount| matches!(part.outcome, Outcome::Deleted | Outcome::Quarantined);
    if !outcomes.is_empty() && outcomes.iter().all(removed) {
        return "removed from";
    }
    match outcomes {
        [only] => match only.outcome {
            Outcome::AlreadyGone => "already gone from",
            Outcome::Superseded => "already replaced in",
            _ => "found and left in",
        },
        _ => "found in",
    }
}

/// What stands before the words of [`Digests::ended`] where they say what was done.
const fn verb(outcome: Outcome, count: u64) -> &'static str {
    match outcome {
        Outcome::Deleted
        | Outcome::Quarantined
        | Outcome::AlreadyGone
        | Outcome::Superseded
        | Outcome::Tagged
        | Outcome::TagFailed
        | Outcome::Kept => noun(count, "was ", "were "),
        Outcome::Held => noun(count, "is ", "are "),
        Outcome::Blocked { .. } | Outcome::Observed => "",
    }
}

const fn why_not_read(why: Why) -> &'static str {
    match why {
        Why::AccessDenied => "s3-warden has no permission to read it",
        Why::RequesterPays => "whoever reads in this bucket pays, and s3-warden may not",
        Why::OtherOwner => "its bucket belongs to another account than the settings name",
        Why::KeyDenied => "s3-warden may not use the key that it is encrypted with",
        Why::Archived => "it lies in an archive and would have to be restored first",
        Why::NotAFile => "it is not an ordinary file inside the bucket",
        Why::Locked | Why::MfaRequired | Why::TooBigToCopy | Why::CopyDiffers => {
            "the storage does not let s3-warden read it"
        }
    }
}
