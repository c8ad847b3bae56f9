//! Verdicts and outcomes in the few words that fit a line.

use crate::action::Outcome;
use crate::object::Why;
use crate::record::Finding;
use crate::verdict::{UnreadableReason, Verdict};

/// The categories of a verdict, or a dash.
pub(super) fn categories(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Flagged { categories, .. } => {
            let words: Vec<_> = categories
                .iter()
                .map(|category| category.as_str())
                .collect();
            words.join(", ")
        }
        _ => "-".to_owned(),
    }
}

/// Why there is no answer, as a stable code; a format goes with its name.
pub(super) fn reason(verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Undecided { reason } => Some(reason.code().to_owned()),
        Verdict::Unreadable {
            reason: UnreadableReason::Unsupported(format),
        } => Some(format!("unsupported: {}", format.name())),
        Verdict::Unreadable {
            reason: UnreadableReason::Denied(why),
        } => Some(format!("denied: {}", denied(*why))),
        Verdict::Unreadable { reason } => Some(reason.code().to_owned()),
        _ => None,
    }
}

/// Why the store does not let us read something.
pub(super) const fn denied(why: Why) -> &'static str {
    match why {
        Why::AccessDenied => "no permission",
        Why::RequesterPays => "the requester pays",
        Why::OtherOwner => "another owner",
        Why::KeyDenied => "no permission for its encryption key",
        Why::Archived => "archived",
        Why::Locked => "locked",
        Why::MfaRequired => "asks for a second factor",
        Why::TooBigToCopy => "too big to copy",
        Why::NotAFile => "not an ordinary file",
        Why::CopyDiffers => "the copy differs",
    }
}

/// What was done, in a word or two.
pub(super) fn deed(finding: &Finding) -> String {
    match finding.outcome {
        None => "about to act".to_owned(),
        Some(Outcome::Observed) => "observed only".to_owned(),
        Some(Outcome::Kept) if finding.decision.is_allowed() => "kept, as allowed".to_owned(),
        Some(Outcome::Kept) => "kept".to_owned(),
        Some(Outcome::Blocked { .. }) => "not removed".to_owned(),
        Some(other) => other.code().replace('_', " "),
    }
}
