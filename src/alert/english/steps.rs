//! What to do now about objects, in English.

use super::English;
use crate::action::{Action, Outcome};
use crate::alert::phrases::{Files, Steps, UploadKind};
use crate::object::Why;
use crate::verdict::UnreadableReason;

impl Steps for English {
    fn next_step(
        &self,
        kind: UploadKind,
        outcome: Outcome,
        action: Option<Action>,
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
            (UploadKind::Clean, _) => "You need not do anything.".to_owned(),
            (_, Outcome::Blocked { why }) => self.blocked_step(kind, why, action, files),
            (UploadKind::Flagged, Outcome::Deleted) => {
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
                 s3-warden to run `s3-warden breaker reset --apply-held`, which removes {file} and lets \
                 later ones be removed again; if not, stop the uploads."
            ),
            (
                _,
                Outcome::Observed | Outcome::Tagged | Outcome::TagFailed | Outcome::Kept,
            ) => format!("Look at {file} and delete {it} if personal data must not be there."),
        };
        secrets_first(secrets, &step)
    }

    fn variously_blocked(&self, kind: UploadKind, secrets: bool) -> String {
        let step = if kind.is_judged() {
            "Restrict now who may read the files; what else to do depends on the cause, and is \
             listed with each."
        } else {
            "Look at the files now; what to do if personal data must not be there depends on the \
             cause, and is listed with each."
        };
        secrets_first(secrets, step)
    }

    fn blocked_step(
        &self,
        kind: UploadKind,
        why: Why,
        action: Option<Action>,
        files: Files,
    ) -> String {
        let (file, it) = match files {
            Files::One => ("the file", "it"),
            Files::Several => ("the files", "them"),
            Files::SomeOf => ("those that are still there", "them"),
        };
        let judged = kind.is_judged();
        let remove = if judged {
            format!("Delete {file} yourself now")
        } else {
            format!(
                "Look at {file} yourself now, and remove {it} if personal data must not be there"
            )
        };
        let restrict = if judged {
            format!("Restrict now who may read {file}")
        } else {
            format!(
                "Look at {file} yourself now; if personal data must not be there, restrict who \
                 may read {it}"
            )
        };
        match why {
            Why::AccessDenied => format!("{remove}. {}", rights(action, files)),
            Why::RequesterPays => format!(
                "{remove}. Turn on the setting aws.request_payer if s3-warden may pay for requests."
            ),
            Why::OtherOwner => format!(
                "Find out now who owns the bucket and whether {file} {} yours at all; if the \
                 bucket is the right one, correct the setting aws.expected_bucket_owner.",
                if files == Files::One { "is" } else { "are" },
            ),
            Why::KeyDenied => format!(
                "{remove}. Let the role of s3-warden use the encryption key (kms:Decrypt, \
                 kms:GenerateDataKey)."
            ),
            Why::Archived => format!("{remove}; to delete needs no restoring."),
            Why::Locked => format!(
                "{restrict}, and ask whoever set the retention period or legal hold whether it \
                 can be lifted."
            ),
            Why::MfaRequired => format!(
                "{restrict}, and ask the owner of the bucket to delete with the second factor; \
                 nobody else can."
            ),
            Why::TooBigToCopy => format!("{restrict}, and move {it} yourself."),
            Why::NotAFile => {
                format!("Look at {file} yourself and remove what does not belong there.")
            }
            Why::CopyDiffers => format!(
                "Look at {file} yourself now and remove what must not stay; if this comes again, \
                 the quarantine needs looking after."
            ),
        }
    }

    fn unreadable_step(&self, reason: UnreadableReason) -> String {
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
            UnreadableReason::Damaged => {
                " If it cannot be opened, ask the uploader to send it again."
            }
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

/// Which rights the role lacks: a move to the quarantine is written there before it is deleted here,
/// and either may have been denied.
fn rights(action: Option<Action>, files: Files) -> &'static str {
    match action {
        Some(Action::Quarantine) => {
            "Give the role of s3-warden both rights that moving to the quarantine takes: to write \
             in the quarantine bucket (s3:PutObject, s3:PutObjectTagging), and to delete in this \
             one (s3:DeleteObject, s3:DeleteObjectVersion)."
        }
        None if files != Files::One => {
            "Give the role of s3-warden the right to delete in this bucket (s3:DeleteObject, \
             s3:DeleteObjectVersion) and, where files are to be moved to the quarantine, the right \
             to write in its bucket (s3:PutObject, s3:PutObjectTagging)."
        }
        _ => {
            "Give the role of s3-warden the right to delete in this bucket (s3:DeleteObject, \
             s3:DeleteObjectVersion)."
        }
    }
}
