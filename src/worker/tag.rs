//! The verdict tag, where the policy wants it beside or after an action.
//!
//! A tag is a courtesy to whoever lists a bucket: it never changes an outcome. Where an owner's tags
//! leave no room, or we may not, that is said once and counted; the records say the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::pause::{Needed, Pause};
use super::ports::Parts;
use crate::action::{Outcome, Tagging};
use crate::event::Target;
use crate::object::{Located, Mark, ObjectRef, StoreError, Tagged};
use crate::record::Finding;
use crate::retry::Reacts;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, FINDING_ID, TAG};
use crate::verdict::Verdict;

/// Sets verdict tags.
#[derive(Clone, Debug)]
pub(crate) struct Tagger {
    parts: Arc<Parts>,
    pause: Pause,
    said: Arc<Said>,
}

#[derive(Debug, Default)]
struct Said {
    no_room: AtomicBool,
    denied: AtomicBool,
}

impl Tagger {
    pub(crate) fn new(parts: Arc<Parts>, pause: Pause) -> Self {
        Self {
            parts,
            pause,
            said: Arc::default(),
        }
    }

    /// Sets one tag.
    pub(crate) async fn set(&self, object: &ObjectRef, mark: Mark) -> Result<Tagged, StoreError> {
        let tagged = self.parts.store.tag(object, mark).await?;
        self.pause.succeeded(Needed::Changing);
        self.parts.observer.tagged(mark, tagged);
        match tagged {
            Tagged::NoRoom if !self.said.no_room.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    { TAG } = mark.as_str(),
                    "an object has no room for the verdict tag; from now on this is only counted"
                );
            }
            Tagged::Denied(why) if !self.said.denied.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    { TAG } = mark.as_str(),
                    { ERROR_DETAIL } = ?why,
                    "the verdict tag may not be set; grant s3:PutObjectTagging and its version, \
                     or set policy.tag to `off`; from now on this is only counted"
                );
            }
            _ => {}
        }
        Ok(tagged)
    }

    /// What is clean is tagged where everything is, and only by a version of its own: without one,
    /// the tag might be put on what is there next.
    pub(crate) async fn clean(&self, object: Option<&ObjectRef>) -> Result<(), StoreError> {
        let versioned = object.filter(|object| object.pin.version.is_some());
        if let Some(object) = versioned.filter(|_| self.parts.policy.tag == Tagging::All) {
            self.set(object, Mark::Clean).await?;
        }
        Ok(())
    }

    /// What a guarded bucket holds and settings pass over is tagged where everything is, and only by
    /// a version of its own.
    pub(crate) async fn skipped(&self, target: &Target) -> Result<(), StoreError> {
        if self.parts.policy.tag != Tagging::All {
            return Ok(());
        }
        let located = self.parts.store.locate(target).await?;
        if let Located::There { object, .. } = located
            && object.pin.version.is_some()
        {
            self.set(&object, Mark::Skipped).await?;
        }
        Ok(())
    }

    /// What a person has allowed is tagged as that, and only by a version of its own: under a bare
    /// key it may be other bytes at the next moment.
    pub(crate) async fn allowed(&self, finding: &Finding) -> Result<(), StoreError> {
        let object = finding
            .object()
            .and_then(|case| case.subject.object.as_ref());
        let wanted = finding.decision.is_allowed() && self.parts.policy.tag != Tagging::Off;
        let versioned = object.filter(|object| wanted && object.pin.version.is_some());
        if let Some(object) = versioned {
            self.set(object, Mark::Allowed).await?;
        }
        Ok(())
    }

    /// What should have left its place and did not is tagged as what it is. Best effort.
    pub(crate) async fn left_in_place(&self, finding: &Finding) {
        let Some(case) = finding.object() else {
            return;
        };
        let mark = match finding.outcome {
            Some(Outcome::Observed | Outcome::Held | Outcome::Blocked { .. }) => {
                mark_of(&case.judgement.verdict)
            }
            _ => None,
        };
        let (Some(object), Some(mark)) = (&case.subject.object, mark) else {
            return;
        };
        if self.parts.policy.tag == Tagging::Off {
            return;
        }
        if let Err(error) = self.set(object, mark).await {
            tracing::debug!(
                { FINDING_ID } = %finding.id,
                { ERROR_CODE } = error.code(),
                { ERROR_DETAIL } = %error,
                "left without its tag"
            );
        }
    }
}

/// The tag of what was looked at; `None` where nothing was there.
pub(crate) const fn mark_of(verdict: &Verdict) -> Option<Mark> {
    match verdict {
        Verdict::Clean => Some(Mark::Clean),
        Verdict::Flagged { .. } => Some(Mark::Flagged),
        Verdict::Undecided { .. } => Some(Mark::Undecided),
        Verdict::Unreadable { .. } => Some(Mark::Unreadable),
        Verdict::Missing | Verdict::Superseded => None,
    }
}
