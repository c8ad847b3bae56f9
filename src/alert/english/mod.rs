//! Every sentence that people read in an alert, in English.
//!
//! One folder, so that another language is another folder of the same shape: words and labels in
//! one file, sentences here. All of it is built from
//! closed vocabularies: nothing that a model wrote and nothing that was read from an object gets
//! here. Written for people who know their bucket and not this program.

mod words;

use super::{AlertKind, OutcomeCount};
use crate::action::{Action, Outcome};
use crate::object::{Format, Why};
use crate::verdict::{UndecidedReason, UnreadableReason};
use words::format_name;
pub(super) use words::*;

/// Who uploaded it: as the event says, which anybody with the uploader's keys could be.
pub(in crate::alert) fn uploader(principal: &str, address: Option<&str>) -> String {
    if principal == UNKNOWN && address.is_none() {
        return UNKNOWN.to_owned();
    }
    let from = address.map(|address| format!(", from {address}"));
    format!(
        "{principal}{} (as the upload event says)",
        from.unwrap_or_default()
    )
}

/// Before what was done, where that is told of several files.
pub(in crate::alert) fn files(count: u64) -> String {
    if count == 1 {
        "1 file".to_owned()
    } else {
        format!("{count} files")
    }
}

/// After the ids that are shown.
pub(in crate::alert) fn more_findings(count: u64) -> String {
    format!("and {count} more in the records")
}

/// One line for a subject, without the bucket's name at its end.
pub(in crate::alert) fn title(kind: AlertKind, outcomes: &[OutcomeCount], count: u64) -> String {
    let many = count > 1;
    let only = match outcomes {
        [only] => Some(only.outcome),
        _ => None,
    };
    match kind {
        AlertKind::Flagged => {
            let end = match only {
                Some(Outcome::Deleted) => "deleted from",
                Some(Outcome::Quarantined) => "moved to quarantine from",
                Some(Outcome::AlreadyGone) => "already gone from",
                Some(Outcome::Superseded) => "already replaced in",
                Some(_) => "found and left in",
                None => "found in",
            };
            if many {
                format!("{count} files with personal data {end}")
            } else {
                format!("Personal data {end}")
            }
        }
        AlertKind::Blocked if many => {
            format!("{count} files with personal data could not be removed from")
        }
        AlertKind::Blocked => "Personal data could not be removed from".to_owned(),
        AlertKind::Held if many => format!("{count} removals of personal data on hold in"),
        AlertKind::Held => "Removal of personal data on hold in".to_owned(),
        AlertKind::Undecided if many => format!("{count} pictures need to be looked at in"),
        AlertKind::Undecided => "A picture needs to be looked at in".to_owned(),
        AlertKind::Unreadable if many => format!("{count} files could not be checked in"),
        AlertKind::Unreadable => "A file could not be checked in".to_owned(),
        AlertKind::Paused => "s3-warden has stopped checking uploads".to_owned(),
    }
}

/// What happened to one file with personal data.
pub(in crate::alert) fn flagged(outcome: Outcome) -> String {
    let end = match outcome {
        Outcome::Deleted => " and has been deleted",
        Outcome::Quarantined => " and has been moved to the quarantine",
        Outcome::Observed => " and is still there, because s3-warden is set to watch only",
        Outcome::Tagged | Outcome::TagFailed | Outcome::Kept => " and was left in place",
        Outcome::AlreadyGone => "; when s3-warden came to remove it, it was already gone",
        Outcome::Superseded => "; before it could be removed, something else took its place",
        Outcome::Blocked { .. } => " and could not be removed, so it is still there",
        Outcome::Held => {
            " and is still there: s3-warden has stopped removing, because it was about to remove \
             unusually many files"
        }
    };
    format!("A file with personal data was uploaded{end}.")
}

pub(in crate::alert) fn undecided(reason: UndecidedReason) -> String {
    let why = match reason {
        UndecidedReason::InstructionsInContent => {
            "it contains text that gives orders to automatic checks, which may be an attempt to \
             slip something past them"
        }
        UndecidedReason::Contradiction => "the automatic check contradicted itself",
        UndecidedReason::NothingFound => {
            "the check on this machine found nothing, but it is set not to call that clean, since \
             it does not see everything"
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

pub(in crate::alert) fn unreadable(reason: UnreadableReason) -> String {
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

/// What happened to several.
pub(in crate::alert) fn many(kind: AlertKind, outcomes: &[OutcomeCount], count: u64) -> String {
    let start = match kind {
        AlertKind::Flagged => format!("{count} files with personal data were uploaded"),
        AlertKind::Blocked => {
            return format!(
                "{count} files with personal data were uploaded and could not be removed, so they \
                 are still there."
            );
        }
        AlertKind::Held => {
            return format!(
                "{count} files with personal data were uploaded and are still there: s3-warden has \
                 stopped removing, because it was about to remove unusually many files."
            );
        }
        AlertKind::Undecided => {
            format!("{count} pictures were uploaded that s3-warden could not judge")
        }
        AlertKind::Unreadable => format!("{count} files were uploaded that could not be checked"),
        AlertKind::Paused => format!("s3-warden has stopped checking uploads {count} times"),
    };
    let parts: Vec<_> = outcomes
        .iter()
        .map(|part| {
            let number = if part.count == count {
                "all".to_owned()
            } else {
                part.count.to_string()
            };
            format!("{number} {}", ended(part.outcome, part.count > 1))
        })
        .collect();
    format!("{start}: {}.", parts.join(", "))
}

/// What happened when the service stopped. `why` comes from the code that stopped it.
pub(in crate::alert) fn paused(why: &str) -> String {
    format!("s3-warden has stopped checking uploads: {why}.")
}

/// The word of the facts for a file in this state, after a number.
const fn ended(outcome: Outcome, many: bool) -> &'static str {
    match (outcome, many) {
        (Outcome::Deleted, false) => "was deleted",
        (Outcome::Deleted, true) => "were deleted",
        (Outcome::Quarantined, false) => "was moved to the quarantine",
        (Outcome::Quarantined, true) => "were moved to the quarantine",
        (Outcome::AlreadyGone, false) => "was already gone",
        (Outcome::AlreadyGone, true) => "were already gone",
        (Outcome::Superseded, false) => "was replaced by something else",
        (Outcome::Superseded, true) => "were replaced by something else",
        (Outcome::Blocked { .. }, _) => "could not be removed",
        (Outcome::Held, false) => "is on hold",
        (Outcome::Held, true) => "are on hold",
        (Outcome::Observed, false) => "would have been removed",
        (Outcome::Observed, true) => "would have been removed",
        (Outcome::Tagged | Outcome::TagFailed | Outcome::Kept, false) => "was left in place",
        (Outcome::Tagged | Outcome::TagFailed | Outcome::Kept, true) => "were left in place",
    }
}

/// How many files a next step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::alert) enum Files {
    /// One.
    One,
    /// Several, all of which ended in the same way.
    Several,
    /// Some of several.
    SomeOf,
}

/// What to do now. `secrets` says that passwords or keys were among what was found.
pub(in crate::alert) fn next_step(
    kind: AlertKind,
    outcome: Outcome,
    secrets: bool,
    files: Files,
) -> String {
    let it = if files == Files::One { "it" } else { "them" };
    let file = match files {
        Files::One => "the file",
        Files::Several => "the files",
        Files::SomeOf => "those that are still there",
    };
    let step = match (kind, outcome) {
        (AlertKind::Paused, _) => return PAUSED_STEP.to_owned(),
        (_, Outcome::Blocked { why }) => return secrets_first(secrets, &why_step(why, file)),
        (AlertKind::Flagged, Outcome::Deleted) => {
            "Nothing is left to remove. Tell the uploader, and find out who could read the bucket in \
             the meantime."
                .to_owned()
        }
        (_, Outcome::Quarantined | Outcome::Deleted) => {
            format!("Look at {it} in the quarantine and decide: keep {it} somewhere safe, or delete {it} for good.")
        }
        (_, Outcome::AlreadyGone | Outcome::Superseded) => {
            "You need not do anything: what lies there now, if anything, is checked by itself."
                .to_owned()
        }
        (_, Outcome::Held) => format!(
            "Check now whether so many such files are to be expected. If they are, ask whoever runs \
             s3-warden to reset its breaker; if not, stop the uploads. Until then, remove {file} yourself if \
             {it} must not stay."
        )
        .replace("them must", "they must"),
        (
            _,
            Outcome::Observed | Outcome::Tagged | Outcome::TagFailed | Outcome::Kept,
        ) => format!("Look at {file} and delete {it} if personal data must not be there."),
    };
    secrets_first(secrets, &step)
}

/// What to do now about a file that was not read and was left where it is.
pub(in crate::alert) fn unreadable_step(reason: UnreadableReason) -> String {
    let then = match reason {
        UnreadableReason::Empty => {
            return "You need not do anything: an empty file holds no data. Tell the uploader if it \
                    should have held some."
                .to_owned();
        }
        UnreadableReason::Unsupported(format) if format.is_picture() => {
            " If there are more to come, ask the uploader for JPEG or PNG."
        }
        UnreadableReason::Unsupported(_) => "",
        UnreadableReason::Damaged => " If it cannot be opened, ask the uploader to send it again.",
        UnreadableReason::TooLarge => {
            " If such files are usual, raise the setting object.max_bytes."
        }
        UnreadableReason::TooManyPixels => {
            " If such files are usual, raise the setting object.max_pixels."
        }
        UnreadableReason::Denied(Why::AccessDenied) => {
            " Give the role of s3-warden the right to read in this bucket (s3:GetObject, \
             s3:GetObjectVersion), or nothing there is checked."
        }
        UnreadableReason::Denied(Why::KeyDenied) => {
            " Let the role of s3-warden use the encryption key (kms:Decrypt), or nothing encrypted \
             with it is checked."
        }
        UnreadableReason::Denied(Why::RequesterPays) => {
            " Turn on the setting aws.request_payer if s3-warden may pay for requests, or nothing \
             there is checked."
        }
        UnreadableReason::Denied(Why::OtherOwner) => {
            " Find out who owns the bucket; if it is the right one, correct the setting \
             aws.expected_bucket_owner, or nothing there is checked."
        }
        UnreadableReason::Denied(_) => "",
    };
    format!("Look at the file yourself and delete it if personal data must not be there.{then}")
}

fn secrets_first(secrets: bool, step: &str) -> String {
    if secrets {
        format!(
            "Change the passwords or access keys that could be read: treat them as known to \
             others. {step}"
        )
    } else {
        step.to_owned()
    }
}

const PAUSED_STEP: &str = "Fix the cause named here. New uploads wait in the queue meanwhile and \
     are checked afterwards; s3-warden goes on by itself once it can.";

/// What was done, and how to undo it or why that cannot be.
pub(in crate::alert) fn done(kind: AlertKind, outcome: Outcome, action: Option<Action>) -> String {
    match outcome {
        Outcome::Deleted => {
            "Deleted exactly what was uploaded; other versions under the same name, \
             if there are any, were not touched. This cannot be undone: on purpose, nothing \
             readable is kept. If it was a mistake, ask the uploader for the file again."
                .to_owned()
        }
        Outcome::Quarantined => "Moved exactly what was uploaded to the quarantine, where it lies \
             under the finding's number. To undo this, copy it from there to a place that \
             s3-warden does not guard; put back here, it would be judged again."
            .to_owned(),
        Outcome::Observed => {
            let would = match action {
                Some(Action::Quarantine) => "moved to the quarantine",
                _ => "deleted",
            };
            format!(
                "Changed nothing; there is nothing to undo. Were s3-warden set to enforce, the file \
                 would have been {would}."
            )
        }
        Outcome::Tagged => format!(
            "Marked the file with the tag `s3-warden` and left it in place{}. To undo this, remove \
             the tag.",
            why_left(kind)
        ),
        Outcome::TagFailed => format!(
            "Left the file in place{}. The tag `s3-warden` could not be set on it. There is nothing \
             to undo.",
            why_left(kind)
        ),
        Outcome::Kept => format!(
            "Left the file in place{}. There is nothing to undo.",
            why_left(kind)
        ),
        Outcome::AlreadyGone => {
            "Found nothing left to remove: an earlier try of s3-warden removed \
             it, or somebody else did. There is nothing to undo."
                .to_owned()
        }
        Outcome::Superseded => "Changed nothing, because something else lies under the same name \
             now. There is nothing to undo."
            .to_owned(),
        Outcome::Blocked { why } => format!(
            "Changed nothing: {}. There is nothing to undo.",
            why_blocked(why)
        ),
        Outcome::Held => {
            "Removed nothing: it is still where it was uploaded. There is nothing to undo."
                .to_owned()
        }
    }
}

/// Why the policy left a file in place.
const fn why_left(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Flagged => {
            ", because this kind of data, or this certainty, is not set to be removed"
        }
        AlertKind::Undecided => ", because what was not judged is never deleted",
        AlertKind::Unreadable => ", because what was not read is never deleted",
        AlertKind::Blocked | AlertKind::Held | AlertKind::Paused => "",
    }
}

const fn why_blocked(why: Why) -> &'static str {
    match why {
        Why::AccessDenied => "s3-warden has no permission for the removal",
        Why::RequesterPays => "whoever asks this bucket for something pays, and s3-warden may not",
        Why::OtherOwner => "the bucket belongs to another account than the settings name",
        Why::KeyDenied => "s3-warden may not use the key that the file is encrypted with",
        Why::Archived => "the file lies in an archive and would have to be restored first",
        Why::Locked => "a retention period or a legal hold protects the file",
        Why::MfaRequired => "the bucket asks for a second factor before anything is deleted",
        Why::TooBigToCopy => "the file is too big to be copied to the quarantine in one piece",
        Why::NotAFile => "this is not an ordinary file inside the bucket",
        Why::CopyDiffers => "the copy in the quarantine was not the same as the original",
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

fn why_step(why: Why, file: &str) -> String {
    match why {
        Why::AccessDenied => format!(
            "Delete {file} yourself now, and give the role of s3-warden the right to delete in this \
             bucket (s3:DeleteObject, s3:DeleteObjectVersion)."
        ),
        Why::RequesterPays => format!(
            "Delete {file} yourself now, and turn on the setting aws.request_payer if s3-warden may \
             pay for requests."
        ),
        Why::OtherOwner => format!(
            "Find out now who owns the bucket and whether {file} is yours at all; if the bucket is \
             the right one, correct the setting aws.expected_bucket_owner."
        ),
        Why::KeyDenied => format!(
            "Delete {file} yourself now, and let the role of s3-warden use the encryption key \
             (kms:Decrypt, kms:GenerateDataKey)."
        ),
        Why::Archived => format!("Delete {file} yourself: that needs no restoring."),
        Why::Locked => format!(
            "Restrict now who may read {file}, and ask whoever set the retention period or legal \
             hold whether it can be lifted."
        ),
        Why::MfaRequired => format!(
            "Restrict now who may read {file}, and ask the owner of the bucket to delete with the \
             second factor; nobody else can."
        ),
        Why::TooBigToCopy => format!("Restrict now who may read {file}, and move it yourself."),
        Why::NotAFile => format!("Look at {file} yourself and remove what does not belong there."),
        Why::CopyDiffers => format!(
            "Look at {file} yourself now and remove what must not stay; if this comes again, the \
             quarantine needs looking after."
        ),
    }
}
