//! From a target to a verdict: read, prepare, judge.
//!
//! Shared by the worker, `analyze` and everything else that looks at objects, so that there is one
//! answer to "what does s3-warden think of this". It changes nothing.
//!
//! Three things are waited for, each outside the others: memory before the read, a decoder thread
//! inside the preparer, and a judge's slot round the call alone, so that reading and decoding run
//! ahead of a slow judge and a waiting picture holds no slot. The time bound counts work and not
//! waiting: a throttled judge must not make pictures look guilty of taking long.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{
    DetectError, Detector, Judge, Opinion, Threat, UnreadableReason, Verdict, VerdictCache, floor,
    floor_of, severity_of,
};
use crate::event::Target;
use crate::model::Waits;
use crate::object::{
    Exposure, Facts, Fetched, Format, Located, MemoryBudget, MemoryPermit, ObjectRef, ObjectStore,
    Prepared, Preparer, StoreError, claimed_size,
};
use crate::retry::{Reaction, Reacts};

/// How long a store may take to tell who can read an object. Longer would keep what was found in
/// its place for the sake of a level; shorter would miss a store that is only busy.
const EXPOSURE_WITHIN: Duration = Duration::from_secs(3);

/// The bounds of an [`Inspector`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InspectorLimits {
    /// The largest object that is read, in bytes.
    pub max_bytes: u64,
    /// Judgements under way at once.
    pub concurrency: usize,
    /// Memory for objects under inspection, in bytes.
    pub memory_bytes: u64,
    /// Work on one object, waiting not counted.
    pub processing: Duration,
    /// Definite answers that are remembered.
    pub cache_entries: usize,
}

/// What came of looking at one target.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What we think.
    pub verdict: Verdict,
    /// How bad it is: the judge's level, never below the table's.
    pub threat: Threat,
    /// Who can read the object; asked of flagged ones only.
    pub exposure: Option<Exposure>,
    /// What was read, when something was.
    pub object: Option<ObjectRef>,
    /// What the store says about it.
    pub facts: Option<Facts>,
    /// What the bytes are.
    pub format: Option<Format>,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: Option<String>,
    /// Who judged.
    pub judge: Option<Judge>,
    /// What judging cost, in US dollars; nothing when the answer was remembered.
    pub cost_usd: f64,
    /// Whether the answer was remembered from the same bytes.
    pub cached: bool,
    /// How long reading, decoding and judging took, waiting for room not counted.
    pub took: Duration,
}

/// The looking failed; nothing is known about the object.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The judge failed.
    #[error(transparent)]
    Detect(#[from] DetectError),
    /// The work took longer than `limits.max_processing_seconds`.
    #[error("{step} took longer than limits.max_processing_seconds")]
    TooSlow {
        /// Which step ran into the bound.
        step: &'static str,
    },
}

impl Reacts for InspectError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Store(error) => error.reaction(),
            Self::Detect(error) => error.reaction(),
            Self::TooSlow { .. } => Reaction::Retry { after: None },
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Detect(error) => error.code(),
            Self::TooSlow { .. } => "processing_too_slow",
        }
    }
}

/// Looks at objects.
#[derive(Debug)]
pub struct Inspector {
    store: Arc<dyn ObjectStore>,
    preparer: Preparer,
    detector: Arc<dyn Detector>,
    memory: MemoryBudget,
    slots: Semaphore,
    cache: VerdictCache,
    limits: InspectorLimits,
}

impl Inspector {
    /// An inspector over a store, a preparer and a judge.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        preparer: Preparer,
        detector: Arc<dyn Detector>,
        limits: InspectorLimits,
    ) -> Self {
        Self {
            store,
            preparer,
            detector,
            memory: MemoryBudget::new(limits.memory_bytes),
            slots: Semaphore::new(limits.concurrency.max(1)),
            cache: VerdictCache::new(limits.cache_entries),
            limits,
        }
    }

    /// How many bytes objects under inspection take now, by their estimated peaks.
    pub fn memory_in_use(&self) -> u64 {
        self.memory.in_use()
    }

    /// Looks at one target. `size` is the event's word for its length, when it has one.
    pub async fn inspect(
        &self,
        target: &Target,
        size: Option<u64>,
    ) -> Result<Inspection, InspectError> {
        let mut work = WorkClock {
            left: self.limits.processing,
            worked: Duration::ZERO,
        };
        let mut inspection = self.look(target, size, &mut work).await?;
        inspection.took = work.worked;
        Ok(inspection)
    }

    async fn look(
        &self,
        target: &Target,
        size: Option<u64>,
        work: &mut WorkClock,
    ) -> Result<Inspection, InspectError> {
        if size.is_some_and(|size| size > self.limits.max_bytes)
            && let Some(inspection) = self.refused_by_size(target, work).await?
        {
            return Ok(inspection);
        }
        let (memory, object, bytes, facts) = match self.read(target, size, work).await? {
            Read::Body(memory, object, bytes, facts) => (memory, object, bytes, facts),
            Read::Ended(inspection) => return Ok(*inspection),
        };
        let format = Format::sniff(&bytes);
        // Not bounded in time: it may wait for a thread, and `object.max_pixels` bounds the work.
        let decoding = Instant::now();
        let prepared = self.preparer.prepare(bytes.clone()).await;
        let mut inspection = match prepared {
            Ok(picture) => {
                drop(bytes);
                work.worked += decoding.elapsed();
                self.judge(&picture, work).await?
            }
            Err(unreadable) => {
                // So that people can say of exactly these bytes that they may stay.
                let sha256 = sha256_of(bytes).await;
                work.worked += decoding.elapsed();
                Inspection {
                    sha256: Some(sha256),
                    ..Inspection::unreadable(unreadable.into())
                }
            }
        };
        // The bytes are gone: others need the room while the store is asked.
        drop(memory);
        if matches!(inspection.verdict, Verdict::Flagged { .. }) {
            let exposure = self.exposure(&object).await;
            let at_least = severity_of(&inspection.verdict, exposure);
            inspection.threat = floor(inspection.threat, at_least);
            inspection.exposure = Some(exposure);
        }
        Ok(Inspection {
            object: Some(object),
            facts: Some(facts),
            format: Some(format),
            ..inspection
        })
    }

    /// Who can read the object. Each asks for itself, also where the verdict was remembered: the
    /// same bytes may lie in the open and under lock.
    async fn exposure(&self, object: &ObjectRef) -> Exposure {
        let asked = tokio::time::timeout(EXPOSURE_WITHIN, self.store.exposure(object));
        asked.await.unwrap_or(Exposure::Unknown)
    }

    /// Reads the target, or what is there now: two writes to a key without versions may yield one
    /// event only, so what replaced the event's object is looked at under its own pin.
    async fn read(
        &self,
        target: &Target,
        size: Option<u64>,
        work: &mut WorkClock,
    ) -> Result<Read, InspectError> {
        let cap = self.limits.max_bytes;
        let peak = |size| self.preparer.limits().peak_bytes(size, None);
        let mut memory = self.memory.take(peak(size.unwrap_or(cap).min(cap))).await;
        let mut fetched = work.run("reading", self.store.fetch(target, cap)).await??;
        let mut read = target.clone();
        if matches!(fetched, Fetched::Superseded) {
            // Its size is not the event's: give the room back and wait for what it may need.
            drop(memory);
            memory = self.memory.take(peak(cap)).await;
            read.pin = None;
            fetched = work.run("reading", self.store.fetch(&read, cap)).await??;
        }
        Ok(match fetched {
            Fetched::Body {
                object,
                bytes,
                facts,
            } => {
                let size = bytes.len() as u64;
                let peak = self
                    .preparer
                    .limits()
                    .peak_bytes(size, claimed_size(&bytes));
                let memory = self.memory.correct(memory, peak).await;
                Read::Body(memory, object, bytes, facts)
            }
            Fetched::TooLarge(_) => {
                let pinned = self.refused_by_size(&read, work).await?;
                let unpinned = || Inspection::unreadable(UnreadableReason::TooLarge);
                Read::Ended(Box::new(pinned.unwrap_or_else(unpinned)))
            }
            Fetched::Denied(why) => Read::Ended(Box::new(Inspection::unreadable(
                UnreadableReason::Denied(why),
            ))),
            Fetched::Missing => Read::Ended(Box::new(Inspection::gone(Verdict::Missing))),
            Fetched::Superseded => Read::Ended(Box::new(Inspection::gone(Verdict::Superseded))),
        })
    }

    /// An object that is too large to be read is pinned all the same, so that it can be tagged or
    /// moved. `None` when what is there is not too large, or not what the event meant.
    async fn refused_by_size(
        &self,
        target: &Target,
        work: &mut WorkClock,
    ) -> Result<Option<Inspection>, InspectError> {
        let located = work.run("looking", self.store.locate(target)).await??;
        let refused = Inspection::unreadable(UnreadableReason::TooLarge);
        Ok(match located {
            Located::There { object, facts } if facts.size > self.limits.max_bytes => {
                Some(Inspection {
                    object: Some(object),
                    facts: Some(facts),
                    ..refused
                })
            }
            Located::There { .. } | Located::Superseded => None,
            Located::Missing => Some(Inspection::gone(Verdict::Missing)),
            // Its size alone keeps it from being read; that it cannot be pinned either is no news.
            Located::Denied(_) => Some(refused),
        })
    }

    async fn judge(
        &self,
        picture: &Prepared,
        work: &mut WorkClock,
    ) -> Result<Inspection, InspectError> {
        let mut ran_out = false;
        let ask = async {
            let _slot = self
                .slots
                .acquire()
                .await
                .expect("the slots are never closed");
            let judged = work.run("judging", self.detector.judge(picture)).await;
            judged.unwrap_or_else(|error| {
                ran_out = true;
                Err(DetectError::Unavailable {
                    message: error.to_string(),
                    after: None,
                })
            })
        };
        let answer = self.cache.judge(self.detector.as_ref(), picture, ask).await;
        if ran_out {
            return Err(InspectError::TooSlow { step: "judging" });
        }
        let (judged, cached) = answer?;
        let (verdict, threat) = match judged.opinion {
            Opinion::Clean => (Verdict::Clean, Threat::Low),
            Opinion::Flagged {
                categories,
                confidence,
                threat,
            } => (
                Verdict::Flagged {
                    categories,
                    confidence,
                },
                threat,
            ),
            Opinion::Undecided(reason) => (Verdict::Undecided { reason }, Threat::Low),
        };
        let threat = floor(threat, floor_of(&verdict));
        Ok(Inspection {
            threat,
            sha256: Some(hex::encode(picture.sha256)),
            judge: Some(judged.judge),
            cost_usd: judged.cost_usd,
            cached,
            ..Inspection::gone(verdict)
        })
    }
}

/// SHA-256 in hexadecimal, on a thread that may be kept busy.
async fn sha256_of(bytes: Bytes) -> String {
    let work = tokio::task::spawn_blocking(move || hex::encode(Sha256::digest(&bytes)));
    match work.await {
        Ok(sha256) => sha256,
        // The runtime is going down: whoever waits for the answer is being dropped as well.
        Err(_) => std::future::pending().await,
    }
}

enum Read {
    Body(MemoryPermit, ObjectRef, Bytes, Facts),
    Ended(Box<Inspection>),
}

impl Inspection {
    fn unreadable(reason: UnreadableReason) -> Self {
        let verdict = Verdict::Unreadable { reason };
        Self {
            threat: floor_of(&verdict),
            ..Self::gone(verdict)
        }
    }

    /// An inspection of something that is not there.
    pub fn of_missing() -> Self {
        Self::gone(Verdict::Missing)
    }

    /// An inspection that knows nothing but its verdict.
    fn gone(verdict: Verdict) -> Self {
        Self {
            verdict,
            threat: Threat::Low,
            exposure: None,
            object: None,
            facts: None,
            format: None,
            sha256: None,
            judge: None,
            cost_usd: 0.0,
            cached: false,
            took: Duration::ZERO,
        }
    }
}

/// How often one looks whether work that waits goes on, at most.
const LEAST_LOOK: Duration = Duration::from_millis(100);

/// Counts the time that is spent working. What is [waited](crate::model::waiting) in between, for
/// the limits of a model above all, is not.
struct WorkClock {
    left: Duration,
    worked: Duration,
}

impl WorkClock {
    async fn run<T>(
        &mut self,
        step: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, InspectError> {
        let started = Instant::now();
        let waits = Waits::default();
        let worked = || started.elapsed().saturating_sub(waits.total());
        let done = {
            let work = waits.count(work);
            tokio::pin!(work);
            loop {
                let left = self.left.saturating_sub(worked());
                tokio::select! {
                    biased;
                    done = &mut work => break Ok(done),
                    // While it waits nothing is used up, and what is left stays what it is.
                    () = tokio::time::sleep(left.max(LEAST_LOOK)) => {}
                }
                if worked() >= self.left {
                    break Err(InspectError::TooSlow { step });
                }
            }
        };
        let worked = worked();
        self.worked += worked;
        self.left = self.left.saturating_sub(worked);
        done
    }
}
