//! Giving back what was taken by mistake.
//!
//! The decision comes first: it is remembered before anything is put back, so that a service that
//! looks at the object again at the next moment already knows of it. Then the copy is put back over
//! nothing and read back; then, where that is asked for, the copy is ended. Each step may be
//! repeated, and finds what was done before: killed anywhere, a second run finishes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::action::{Action, Outcome};
use crate::object::{
    Kept, Mark, ObjectRef, ObjectStore, Over, PutBack, Quarantine, Returned, StoreError, Tagged,
};
use crate::record::{ALLOWANCE_VERSION, Allowance, Allowances, Content, Finding, LedgerError};
use crate::verdict::Verdict;

/// How long after a decision a task may still take what it began to take before it: it asks for
/// decisions directly before it acts, and moves the largest object within this time.
const SETTLED: Duration = Duration::from_secs(30 * 60);

/// What a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Who decides, as they say.
    pub by: String,
    /// Whose credentials are used, where there are any.
    pub caller: Option<String>,
    /// Why.
    pub why: String,
    /// Only remember the decision: nothing is put back.
    pub allow_only: bool,
    /// What may be done about something that lies under the key now.
    pub over: Over,
    /// End the copy once the object is back.
    pub end_copy: bool,
    /// Tag what lies there already as allowed.
    pub tag: bool,
}

/// Why a finding cannot be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrestorable {
    /// It is about no object.
    #[error("it is about an activity, not about an object: there is nothing to restore")]
    NoObject,
    /// Nothing was found in it.
    #[error("its object was found clean: nothing was taken, and nothing has to be allowed")]
    Clean,
    /// Its bytes were never read.
    #[error(
        "its bytes were never read, so no decision about them can be kept, and the service would \
         take the object away again; put it back by hand after changing what the policy does with \
         what it cannot read (policy.unreadable, object.max_bytes)"
    )]
    Unread,
    /// It was deleted.
    #[error(
        "it was deleted, and nothing of it was kept; remember the decision with --allow-only, and \
         have its owner upload it again"
    )]
    Deleted,
    /// It was never taken away.
    #[error(
        "it was not taken away, so there is nothing to put back; remember with --allow-only that it \
         may stay"
    )]
    StillThere,
    /// What became of it is not known yet.
    #[error(
        "the service is still at work on it; try again in a minute, or remember the decision now \
         with --allow-only"
    )]
    Unfinished,
    /// Whoever removed it was somebody else.
    #[error(
        "it was gone or replaced before it could be taken away, so nothing was kept; remember the \
         decision with --allow-only, and have its owner upload it again"
    )]
    NotOurs,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The decision that stands; another's, if somebody decided before.
    pub allowance: Allowance,
    /// What came of putting it back; `None` where only the decision was asked for.
    pub returned: Option<Returned>,
    /// Whether the copy was ended.
    pub copy_ended: bool,
    /// Why it was not, where that was asked for.
    pub copy_trouble: Option<CopyTrouble>,
    /// What came of tagging what lies there already, which nobody judges anew; `None` where nothing
    /// does, or it has no version of its own.
    pub tagged: Option<Result<Tagged, String>>,
}

/// Why a copy was not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyTrouble {
    /// Until then a task that began to take the same bytes before the decision may still do so, and
    /// the copy would be all that is left.
    TooSoon(Timestamp),
    /// It failed, or is nothing that may be ended; with what the store says.
    Failed(String),
}

/// It could not be restored, this time.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The decision could not be remembered; nothing was done.
    #[error("the decision could not be remembered: {0}")]
    Records(#[from] LedgerError),
    /// The quarantine or the bucket failed. The decision is remembered.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// What a finding is about, where it can be restored, or only allowed.
///
/// # Errors
/// Why not, with what to do instead.
pub fn restorable(finding: &Finding, allow_only: bool) -> Result<Content, Unrestorable> {
    let case = finding.object().ok_or(Unrestorable::NoObject)?;
    if case.judgement.verdict == Verdict::Clean {
        return Err(Unrestorable::Clean);
    }
    let content = finding.content().ok_or(Unrestorable::Unread)?;
    if allow_only {
        return Ok(content);
    }
    match finding.outcome {
        Some(Outcome::Quarantined) => Ok(content),
        Some(Outcome::Deleted) => Err(Unrestorable::Deleted),
        // A try that was cut short may have left a copy; the quarantine tells.
        Some(Outcome::AlreadyGone | Outcome::Superseded)
            if finding.decision.action == Action::Quarantine =>
        {
            Ok(content)
        }
        Some(Outcome::AlreadyGone | Outcome::Superseded) => Err(Unrestorable::NotOurs),
        Some(
            Outcome::Kept
            | Outcome::Observed
            | Outcome::Tagged
            | Outcome::TagFailed
            | Outcome::Blocked { .. }
            | Outcome::Held,
        ) => Err(Unrestorable::StillThere),
        None => Err(Unrestorable::Unfinished),
    }
}

/// Restores findings.
#[derive(Clone, Debug)]
pub struct Restorer {
    /// Where decisions are remembered.
    pub allowances: Arc<dyn Allowances>,
    /// What was quarantined.
    pub quarantine: Arc<dyn Quarantine>,
    /// Where objects lie.
    pub store: Arc<dyn ObjectStore>,
}

impl Restorer {
    /// What is known before anything is done: the decision that stands already, and what is kept.
    ///
    /// # Errors
    /// The records or the quarantine failed.
    pub async fn look(
        &self,
        finding: &Finding,
        content: &Content,
    ) -> Result<(Option<Allowance>, Option<Kept>), RestoreError> {
        let allowance = self.allowances.find(content).await?;
        Ok((allowance, self.quarantine.kept(&finding.id).await?))
    }

    /// What putting it back would answer where it cannot be done, or need not; `None`: it would be
    /// tried. Nothing is changed.
    ///
    /// # Errors
    /// The quarantine or the bucket failed.
    pub async fn would(
        &self,
        finding: &Finding,
        content: &Content,
        over: Over,
    ) -> Result<Option<Returned>, RestoreError> {
        let wanted = wanted(finding, content.clone(), over);
        Ok(self.quarantine.would_put_back(&wanted).await?)
    }

    /// Allows `content`, which is what `finding` is about, and puts it back.
    ///
    /// # Errors
    /// A step failed; those before it are done. Repeated, it goes on from there.
    pub async fn restore(
        &self,
        finding: &Finding,
        content: Content,
        wish: &Wish,
        now: Timestamp,
    ) -> Result<Restored, RestoreError> {
        let allowance = self.allow(finding, content.clone(), wish, now).await?;
        let mut restored = Restored {
            allowance,
            returned: None,
            copy_ended: false,
            copy_trouble: None,
            tagged: None,
        };
        if wish.allow_only {
            restored.tagged = self.tag(left_in_place(finding), wish).await;
            return Ok(restored);
        }
        let wanted = wanted(finding, content, wish.over);
        let returned = self.quarantine.put_back(&wanted).await?;
        if let Returned::There(object) = &returned {
            restored.tagged = self.tag(Some(object), wish).await;
        }
        if wish.end_copy && matches!(returned, Returned::Back(_) | Returned::There(_)) {
            let settled = settled(finding, &restored.allowance, &returned);
            restored.copy_trouble = match settled.filter(|settled| now < *settled) {
                Some(settled) => Some(CopyTrouble::TooSoon(settled)),
                // Whatever becomes of the copy, the object is back, and that is to be heard.
                None => self.end(&wanted).await.err().map(CopyTrouble::Failed),
            };
            restored.copy_ended = restored.copy_trouble.is_none();
        }
        restored.returned = Some(returned);
        Ok(restored)
    }

    async fn end(&self, wanted: &PutBack) -> Result<(), String> {
        match self.quarantine.end(&wanted.id, &wanted.sha256).await {
            Ok(true) => Ok(()),
            Ok(false) => Err("it is not what was judged, or not there any more".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Tags what lies there as allowed, and only by a version of its own. Never fails: the decision
    /// stands without it.
    async fn tag(&self, object: Option<&ObjectRef>, wish: &Wish) -> Option<Result<Tagged, String>> {
        let object = object.filter(|object| wish.tag && object.pin.version.is_some())?;
        let tagged = self.store.tag(object, Mark::Allowed).await;
        Some(tagged.map_err(|error| error.to_string()))
    }

    async fn allow(
        &self,
        finding: &Finding,
        content: Content,
        wish: &Wish,
        now: Timestamp,
    ) -> Result<Allowance, LedgerError> {
        let allowance = Allowance {
            schema_version: ALLOWANCE_VERSION,
            content,
            finding: finding.id,
            by: wish.by.clone(),
            caller: wish.caller.clone(),
            why: wish.why.clone(),
            at: now,
        };
        self.allowances.allow(&allowance).await
    }
}

fn wanted(finding: &Finding, content: Content, over: Over) -> PutBack {
    PutBack {
        id: finding.id,
        bucket: content.bucket,
        key: content.key,
        sha256: content.sha256,
        size: finding.object().and_then(|case| case.subject.size),
        over,
    }
}

/// Until when what lies there could still be taken by a task that knew nothing of the decision, be
/// it that another has carried out the same finding meanwhile; `None` where it cannot: what is back
/// has another version than what was judged.
fn settled(finding: &Finding, allowance: &Allowance, returned: &Returned) -> Option<Timestamp> {
    let versioned = |object: &ObjectRef| object.pin.version.is_some();
    let judged = finding.object()?.subject.object.as_ref();
    if let Returned::Back(object) = returned
        && versioned(object)
        && judged.is_some_and(versioned)
    {
        return None;
    }
    let acted_at = finding.times.acted_at.unwrap_or(allowance.at);
    let settled = allowance.at.max(acted_at).saturating_add(SETTLED);
    Some(settled.unwrap_or(Timestamp::MAX))
}

/// The object, where the service has left it in its place.
fn left_in_place(finding: &Finding) -> Option<&ObjectRef> {
    let is_left = !matches!(
        finding.outcome?,
        Outcome::Quarantined | Outcome::Deleted | Outcome::AlreadyGone | Outcome::Superseded
    );
    let object = finding.object()?.subject.object.as_ref();
    object.filter(|_| is_left)
}
