//! What `restore` shows, to people and to scripts.

use jiff::Timestamp;
use serde::Serialize;

use super::explain::moment;
use super::verdict_text::{categories, deed, denied};
use super::{Ink, Out, shown};
use crate::event::{BucketName, FindingId, Key, ObjectPin};
use crate::maintenance::{CopyTrouble, Restored};
use crate::object::{Kept, Returned, Side, Tagged};
use crate::record::{Allowance, Finding};

/// Nothing is there to be put back, at the place that was looked at.
pub(super) fn nothing_kept(place: Option<&str>) -> String {
    let place = place.map(|place| format!(" ({})", shown(place)));
    format!(
        "Nothing is kept under this finding{}: the quarantine's lifecycle, or an earlier restore, has \
         ended its copy, it was gone before it could be taken away, or the service has another \
         quarantine.bucket or quarantine.prefix. If the object is missing, remember the decision with \
         --allow-only, and have its owner upload it again.",
        place.unwrap_or_default()
    )
}

/// Another decision stood before.
pub(super) const DECIDED_BEFORE: &str =
    "That was decided before, and stays: the reason and name given now are not kept.";

/// Failed after the decision.
pub(super) const REMEMBERED: &str =
    "the decision is remembered: restore again, or take it back with --revoke";

/// What a decision that is taken back leaves behind.
pub(super) const REVOKED: &str = "These bytes are judged again when they are next uploaded under this key. What lies \
    there now stays, with its tag s3-warden=allowed where it has one: to have it judged, let its owner upload it again.";

/// What it is about.
pub(super) fn headline(finding: &Finding, out: &mut Out) -> std::io::Result<()> {
    let key = finding.key().map_or("", |key| key.as_str());
    let bucket = finding.bucket().map_or("", |bucket| bucket.as_str());
    out.line(out.paint(Ink::Strong, &format!("{} in {bucket}", shown(key))))?;
    let holds = finding
        .object()
        .map(|case| categories(&case.judgement.verdict));
    out.line(format!(
        "  finding   {} ({}; {})",
        finding.id,
        holds.unwrap_or_default(),
        deed(finding)
    ))
}

/// What the quarantine keeps.
pub(super) fn keeping(kept: &Kept) -> String {
    format!(
        "{} ({} bytes, since {})",
        kept.place,
        kept.size,
        moment(kept.since)
    )
}

/// Who decided what, and why.
pub(super) fn decision(allowance: &Allowance) -> String {
    let caller = allowance.caller.as_deref();
    let caller = caller.map(|caller| format!(" ({})", shown(caller)));
    format!(
        "allowed by {}{} at {}: {}",
        shown(&allowance.by),
        caller.unwrap_or_default(),
        moment(allowance.at),
        shown(&allowance.why)
    )
}

/// Why it is not back, and the remedy.
pub(super) fn trouble(finding: &Finding, returned: &Returned, place: Option<&str>) -> String {
    match returned {
        Returned::Back(_) | Returned::There(_) => String::new(),
        Returned::Occupied => {
            "Not put back: something else lies under this key now, and was not touched. Move it away, \
             or where the bucket keeps versions use --overwrite."
                .to_owned()
        }
        Returned::WouldBeLost => {
            "Not put back: something else lies under this key, and would be lost, since the bucket \
             keeps no versions. Move it away first."
                .to_owned()
        }
        Returned::Replaced => {
            "It was put back, and somebody has replaced or removed it before it could be compared. \
             Look at what lies there now."
                .to_owned()
        }
        Returned::NothingKept => nothing_kept(place),
        Returned::CopyDiffers => {
            "Not put back: what lies in the quarantine under this finding is not what was judged. Look \
             at it by hand."
                .to_owned()
        }
        Returned::Denied(side, why) => {
            let at = match side {
                Side::Quarantine => "the quarantine".to_owned(),
                Side::Bucket => {
                    let bucket = finding.bucket().map_or("", |bucket| bucket.as_str());
                    format!("bucket {bucket}")
                }
            };
            format!(
                "Not put back: {at} refuses ({}). Grant what deploy/iam/operator.json lists to whoever \
                 restores, look for a denying bucket or key policy, and restore it again.",
                denied(*why)
            )
        }
    }
}

/// Why the copy is still there.
pub(super) fn copy_trouble(trouble: &CopyTrouble) -> String {
    match trouble {
        CopyTrouble::TooSoon(until) => format!(
            "a task that began before the decision may still take the same bytes; run the same \
             again after {}",
            moment(*until)
        ),
        CopyTrouble::Failed(why) => shown(why),
    }
}

/// Whether the tag says now that it is allowed.
pub(super) const fn is_tagged(tagged: &Result<Tagged, String>) -> bool {
    matches!(tagged, Ok(Tagged::Tagged))
}

/// What is to be said of the tag of what lies there already: nobody judges it anew.
pub(super) fn tagging(restored: &Restored) -> Option<(Ink, &'static str)> {
    match (&restored.returned, &restored.tagged) {
        (Some(Returned::There(_)) | None, Some(Ok(Tagged::Tagged))) => {
            Some((Ink::Good, "It is tagged s3-warden=allowed."))
        }
        (Some(Returned::There(_)), _) | (None, Some(_)) => Some((
            Ink::Warn,
            "Its tag s3-warden was not changed. Where a bucket policy lets only what is tagged be \
             read, restore it with a role that may set the tag, or have its owner upload it again: then \
             it is judged anew, and tagged.",
        )),
        _ => None,
    }
}

/// What came of it, for a script.
pub(super) const fn result_code(returned: &Returned) -> &'static str {
    match returned {
        Returned::Back(_) => "back",
        Returned::There(_) => "already_there",
        Returned::Occupied => "occupied",
        Returned::WouldBeLost => "would_be_lost",
        Returned::Replaced => "replaced",
        Returned::NothingKept => "nothing_kept",
        Returned::CopyDiffers => "copy_differs",
        Returned::Denied(..) => "denied",
    }
}

/// What is known and done, for a script.
#[derive(Serialize)]
pub(super) struct Described<'a> {
    pub(super) finding_id: FindingId,
    pub(super) bucket: Option<&'a BucketName>,
    pub(super) key: Option<&'a Key>,
    /// The decision that stands, or stood until it was revoked.
    pub(super) allowance: Option<&'a Allowance>,
    /// What the quarantine keeps.
    pub(super) copy: Option<Copy<'a>>,
    /// Where a copy was looked for, where there is none.
    pub(super) looked_at: Option<&'a str>,
    pub(super) dry_run: bool,
    pub(super) result: &'static str,
    /// The state that lies there now.
    pub(super) object: Option<&'a ObjectPin>,
    pub(super) copy_removed: bool,
    /// Why not, where that was asked for.
    pub(super) copy_trouble: Option<String>,
    /// Whether what lies there already has the tag `allowed` now; `null` where none was to be set.
    pub(super) tagged: Option<bool>,
}

/// A copy in the quarantine.
#[derive(Serialize)]
pub(super) struct Copy<'a> {
    place: &'a str,
    size: u64,
    since: Timestamp,
}

impl<'a> Described<'a> {
    pub(super) fn of(
        finding: &'a Finding,
        allowance: Option<&'a Allowance>,
        kept: Option<&'a Kept>,
        result: &'static str,
    ) -> Self {
        Self {
            finding_id: finding.id,
            bucket: finding.bucket(),
            key: finding.key(),
            allowance,
            copy: kept.map(|kept| Copy {
                place: &kept.place,
                size: kept.size,
                since: kept.since,
            }),
            looked_at: None,
            dry_run: false,
            result,
            object: None,
            copy_removed: false,
            copy_trouble: None,
            tagged: None,
        }
    }
}
