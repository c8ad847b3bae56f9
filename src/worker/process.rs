//! One message, from receive to settlement.
//!
//! A message may ask for several pieces of work. All of them are tried; the message is acknowledged
//! when every one is done and told. What it holds that cannot be understood parks it, after the
//! rest was done. One panic is one failed message.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::enforce::Standing;
use super::error::{Settlement, WorkError};
use super::inflight::Leader;
use super::inspect::{UploadWork, Worked};
use super::lease::{Lease, LeaseEnd};
use super::pause::{PROBE, Pause};
use super::ports::Parts;
use super::tell::Teller;
use crate::event::{self, Delivery, Job};
use crate::record::Finding;
use crate::retry::{Backoff, Reaction, Reason};

/// Does whole messages.
#[derive(Clone, Debug)]
pub(crate) struct Processor {
    pub(crate) parts: Arc<Parts>,
    pub(crate) uploads: UploadWork,
    pub(crate) teller: Teller,
    pub(crate) pause: Pause,
    /// Asked to stop: waiting ends, work goes on.
    pub(crate) stop: CancellationToken,
    pub(crate) options: event::Options,
}

impl Processor {
    /// Does one message and says how it is to be settled. `held` is given up as soon as only
    /// alerts are waited for.
    pub(crate) async fn process(
        &self,
        delivery: &Delivery,
        lease: &Lease,
        held: OwnedSemaphorePermit,
    ) -> Settlement {
        let work = AssertUnwindSafe(self.work(delivery, lease, held)).catch_unwind();
        let settlement = work.await.unwrap_or_else(|_payload| {
            // The payload may quote anything; the panic hook has already told where it was.
            tracing::error!(
                message.id = delivery.id.0,
                error.code = "panic",
                "message failed"
            );
            Settlement::Release("panic")
        });
        self.last_chance(delivery, settlement)
    }

    /// Parks by our own rule before the queue would do so without a reason.
    fn last_chance(&self, delivery: &Delivery, settlement: Settlement) -> Settlement {
        let last = self
            .parts
            .queue
            .max_receives()
            .is_some_and(|most| delivery.receive_count.saturating_add(1) >= most);
        match settlement {
            Settlement::Release(code) if last && code != "shutdown" => {
                Settlement::Park(Reason::new(
                    "failed_too_often",
                    format!(
                        "received {} times without success, last because of {code}; redrive it \
                         once the cause is mended",
                        delivery.receive_count
                    ),
                ))
            }
            other => other,
        }
    }

    async fn work(
        &self,
        delivery: &Delivery,
        lease: &Lease,
        held: OwnedSemaphorePermit,
    ) -> Settlement {
        let plan = event::plan(delivery, self.options);
        let mut unreadable = plan.unreadable.into_iter().next();
        let mut unfinished = None;
        let mut held = Some(held);
        let last = plan.jobs.len().saturating_sub(1);
        for (number, job) in plan.jobs.iter().enumerate() {
            match self.job(job, delivery, lease).await {
                Ok(Worked::PassedOver) => {}
                Ok(Worked::Done) => self.pause.succeeded(),
                Ok(Worked::Tell(untold)) => {
                    self.pause.succeeded();
                    // Told at once: a removal must not stay untold while the next record waits,
                    // nor be led by us while we wait for work that others lead. After the last
                    // record only an alert is waited for, so the place goes to another message.
                    let place = if number == last { held.take() } else { None };
                    if let Err(settlement) = self.tell(untold, lease, place).await {
                        return settlement;
                    }
                }
                Err(Settlement::Park(reason)) => unreadable = unreadable.or(Some(reason)),
                Err(other) => {
                    unfinished = Some(other);
                    break;
                }
            }
        }
        match (unfinished, unreadable) {
            (Some(settlement), _) => settlement,
            (None, Some(reason)) => Settlement::Park(reason),
            (None, None) => Settlement::Ack,
        }
    }

    /// One piece of work, tried again while the message is ours and nobody asked to stop.
    async fn job(
        &self,
        job: &Job,
        delivery: &Delivery,
        lease: &Lease,
    ) -> Result<Worked, Settlement> {
        let upload = match job {
            Job::Inspect(upload) => upload,
            Job::Assess(_) => return Err(Settlement::Park(no_analyst())),
            Job::Answer(_) => return Err(Settlement::Park(no_answers())),
        };
        let standing = Standing::Lease(lease);
        let mut attempt = 0;
        loop {
            let seen_before = attempt > 0 || delivery.receive_count > 1;
            let error = match self.uploads.run(upload, seen_before, standing).await {
                Ok(worked) => return Ok(worked),
                Err(error) => error,
            };
            let after = self.react(&error, attempt)?;
            let wait = after.unwrap_or_else(|| {
                Backoff::SERVICE.wait_at_least_half(attempt, self.parts.jitter.unit())
            });
            attempt = attempt.saturating_add(1);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return Err(Settlement::Release("shutdown")),
                end = lease.over() => return Err(over(end, error.sorted().1)),
            }
        }
    }

    /// What to do about an error: `Ok` is a wait before the next try.
    fn react(
        &self,
        error: &WorkError,
        attempt: u32,
    ) -> Result<Option<std::time::Duration>, Settlement> {
        let (reaction, code) = error.sorted();
        if let WorkError::LeaseOver(end) = error {
            return Err(over(*end, "held_too_long"));
        }
        match reaction {
            Reaction::Retry { after } => {
                tracing::debug!(error.code = code, %error, "trying again");
                Ok(after)
            }
            Reaction::Park(reason) => Err(Settlement::Park(reason)),
            Reaction::Drop => Err(Settlement::Ack),
            Reaction::Stop(why) => {
                // The message stays in hand as the probe: giving it back would burn its receives.
                self.pause.fault(code, &why);
                Ok(Some(PROBE.wait(attempt, 1.0)))
            }
        }
    }

    /// Tells what was acted on.
    async fn tell(
        &self,
        untold: Vec<(Finding, Leader)>,
        lease: &Lease,
        held: Option<OwnedSemaphorePermit>,
    ) -> Result<(), Settlement> {
        let (findings, leaders): (Vec<_>, Vec<_>) = untold.into_iter().unzip();
        let place = self.teller.place().await;
        drop(held);
        let told = self.teller.tell(findings, lease).await;
        drop(place);
        told?;
        for leader in leaders {
            leader.settled();
        }
        Ok(())
    }
}

/// A message whose lease is over: lost, it is another's; held too long, it is given back.
const fn over(end: LeaseEnd, code: &'static str) -> Settlement {
    match end {
        LeaseEnd::Lost => Settlement::Forget,
        LeaseEnd::HeldTooLong => Settlement::Release(code),
    }
}

fn no_analyst() -> Reason {
    Reason::new(
        "assessment_disabled",
        "this worker judges uploads only, not account activity",
    )
}

fn no_answers() -> Reason {
    Reason::new(
        "requests_disabled",
        "this worker answers no on-demand requests",
    )
}
