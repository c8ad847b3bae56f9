//! What was done with objects, in English.

use super::English;
use crate::action::{Action, Outcome};
use crate::alert::phrases::{Deeds, UploadKind};
use crate::object::Why;

impl Deeds for English {
    fn done(&self, kind: UploadKind, outcome: Outcome, action: Option<Action>) -> String {
        match outcome {
            Outcome::Deleted => {
                "Deleted exactly what was uploaded; other versions under the same name, \
                 if there are any, were not touched. This cannot be undone: on purpose, nothing \
                 readable is kept. If it was a mistake, run `s3-warden restore --allow-only` \
                 with the finding's number, and ask the uploader for the file again."
                    .to_owned()
            }
            Outcome::Quarantined => {
                "Moved exactly what was uploaded to the quarantine, where it lies \
                 under the finding's number. To undo this, run `s3-warden restore` with that number: \
                 it puts the file back and remembers that it may stay."
                    .to_owned()
            }
            Outcome::Observed => {
                let would = match action {
                    Some(Action::Quarantine) => "moved to the quarantine",
                    _ => "deleted",
                };
                format!(
                    "Changed nothing; there is nothing to undo. Were s3-warden set to enforce, \
                     this would have been {would}."
                )
            }
            Outcome::Tagged => format!(
                "Marked with the tag `s3-warden` and left in place{}. To undo this, remove the \
                 tag.",
                why_left(kind)
            ),
            Outcome::TagFailed => format!(
                "Left in place{}. The tag `s3-warden` could not be set. There is nothing to undo.",
                why_left(kind)
            ),
            Outcome::Kept => format!(
                "Left in place{}. There is nothing to undo.",
                why_left(kind)
            ),
            Outcome::AlreadyGone => {
                "Found nothing left to remove: an earlier try of s3-warden removed \
                 it, or somebody else did. There is nothing to undo."
                    .to_owned()
            }
            Outcome::Superseded => {
                "Changed nothing, because something else lies under the same name \
                 now. There is nothing to undo."
                    .to_owned()
            }
            Outcome::Blocked { why } => format!(
                "Changed nothing: {}. There is nothing to undo.",
                why_blocked(why, action)
            ),
            Outcome::Held => {
                "Removed nothing: what was uploaded is still in its place. There is nothing to undo."
                    .to_owned()
            }
        }
    }
}

/// Why the policy left a file in place.
const fn why_left(kind: UploadKind) -> &'static str {
    match kind {
        UploadKind::Flagged => {
            ", because this kind of data, or this certainty, is not set to be removed"
        }
        UploadKind::Undecided => ", because what was not judged is never deleted",
        UploadKind::Unreadable => ", because what was not read is never deleted",
        UploadKind::Blocked | UploadKind::Held | UploadKind::Clean => "",
    }
}

const fn why_blocked(why: Why, action: Option<Action>) -> &'static str {
    match why {
        Why::AccessDenied if matches!(action, Some(Action::Quarantine)) => {
            "s3-warden has no permission to write in the quarantine, or none to delete here"
        }
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
