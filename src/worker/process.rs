//! One message, from receive to settlement.
//!
//! A message may ask for several pieces of work. All of them are tried; the message is acknowledged
//! when every one is done and told. What it holds that cannot be understood parks it, after the
//! rest was done. One panic is one failed message.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::assess::AssessWork;
use super::enforce::Standing;
use super::error::{Settlement, WorkError};
use super::inflight::Leader;
use super::inspect::{UploadWork, Worked};
use super::intact::Intact;
use super::lease::{Lease, LeaseEnd};
use super::pause::{Needed, PROBE, Pause};
use super::ports::Parts;
use super::tell::Teller;
use crate::event::{self, Delivery, Job, Queue};
use crate::record::{Finding, Intent};
use crate::retry::{Backoff, Reaction, Reason};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};

/// What has not worked for this long, for anybody, has a fault.
const LONG: Duration = Duration::from_secs(600);

/// When a message comes again that was held for as long as any may be.
const HELD_AGAIN: Duration = Duration::from_secs(300);

/// When an upload among events comes again that cannot be looked at until somebody acts: 20 receives
/// last for most of a day.
const AGAIN: Backoff = Backoff::new(Duration::from_secs(60), Duration::from_secs(3600));

/// Does whole messages.
#[derive(Clone, Debug)]
pub(crate) struct Processor {
    pub(crate) parts: Arc<Parts>,
    /// Where this lane's messages come from.
    pub(crate) queue: Arc<dyn Queue>,
    pub(crate) uploads: UploadWork,
    pub(crate) activities: AssessWork,
    pub(crate) teller: Teller,
    pub(crate) pause: Pause,
    /// Asked to stop: waiting ends, work goes on.
    pub(crate) stop: CancellationToken,
    pub(crate) options: event::Options,
    /// Places for uploads that come among events: they may wait long for what events do not need.
    pub(crate) aside: Option<Arc<Semaphore>>,
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
            tracing::error!({ ERROR_CODE } = "panic", "message failed");
            Settlement::Release("panic")
        });
        self.last_chance(delivery, settlement)
    }

    /// Parks by our own rule before the queue would do so without a reason: with one receive to
    /// spare where work has failed, at the very last where it only had to wait.
    pub(crate) fn last_chance(&self, delivery: &Delivery, settlement: Settlement) -> Settlement {
        let most = self.queue.max_receives().unwrap_or(u32::MAX);
        let received = delivery.receive_count;
        match settlement {
            Settlement::Defer { code, .. } if received >= most => Settlement::Park(Reason::new(
                code,
                format!(
                    "received {received} times, the last time it may be, and had to wait each \
                     time; redrive it once the wait is over"
                ),
            )),
            Settlement::Release("shutdown") if received < most => Settlement::Release("shutdown"),
            Settlement::Release(code) if received.saturating_add(1) >= most => {
                Settlement::Park(Reason::new(
                    "failed_too_often",
                    format!(
                        "received {received} times without success, last because of {code}; \
                         redrive it once the cause is mended"
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
        let plan = event::plan(delivery, &self.options);
        let mut unreadable = plan.unreadable.into_iter().next();
        let mut unfinished = None;
        let mut held = Some(held);
        let mut jobs = plan.jobs.iter().peekable();
        let mut set_aside = None;
        let mut assessed = None;
        let intact = Intact::default();
        while let Some(job) = jobs.peek().copied() {
            if let (Job::Inspect(_), Some(places), None) = (job, &self.aside, &set_aside) {
                match Arc::clone(places).try_acquire_owned() {
                    Ok(place) => {
                        set_aside = Some(place);
                        drop(held.take());
                    }
                    Err(_) => {
                        unfinished = Some(self.among_events(delivery, "uploads_wait"));
                        break;
                    }
                }
            }
            let before = assessed.take();
            match self.job((job, before), delivery, (lease, &intact)).await {
                Ok(Worked::Done) => {
                    intact.over();
                    jobs.next();
                }
                Ok(Worked::Tell(untold)) => {
                    jobs.next();
                    // Told at once: a removal must not stay untold while the next record waits,
                    // nor be led by us while we wait for work that others lead. After the last
                    // record only an alert is waited for, so the place goes to another message.
                    let place = jobs.peek().is_none().then(|| held.take()).flatten();
                    if let Err(settlement) = self.tell(untold, (lease, &intact), place).await {
                        return settlement;
                    }
                }
                Ok(Worked::TellThenAgain(finding, leader, before)) => {
                    assessed = before;
                    let untold = vec![(*finding, leader)];
                    if let Err(settlement) = self.tell(untold, (lease, &intact), None).await {
                        return settlement;
                    }
                }
                Err(Settlement::Park(reason)) => {
                    intact.over();
                    jobs.next();
                    unreadable = unreadable.or(Some(reason));
                }
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

    /// One piece of work, tried again while the message is ours and nobody asked to stop; with what
    /// came of assessing it, where that was done before.
    async fn job(
        &self,
        (job, assessed): (&Job, Option<Box<Intent>>),
        delivery: &Delivery,
        (lease, intact): (&Lease, &Intact),
    ) -> Result<Worked, Settlement> {
        let standing = Standing::Lease(lease, intact);
        let mut attempt = 0;
        let mut last = None;
        loop {
            let seen_before = attempt > 0 || delivery.receive_count > 1;
            let worked = match job {
                Job::Inspect(upload) => self.uploads.run(upload, seen_before, standing).await,
                Job::Assess(activity) => match (&self.parts.assessor, &assessed) {
                    (Some(_), Some(intent)) => {
                        let intent = Intent::clone(intent);
                        self.activities.again(activity, intent, standing).await
                    }
                    (Some(assessor), None) => {
                        self.activities.run(activity, assessor, standing).await
                    }
                    (None, _) => return Err(Settlement::Park(no_analyst())),
                },
                Job::Answer(_) => return Err(Settlement::Park(no_answers())),
            };
            let error = match worked {
                Ok(worked) => return Ok(worked),
                Err(error) => error,
            };
            if matches!(error, WorkError::LeaseOver(LeaseEnd::HeldTooLong)) {
                return Err(self.held_too_long(job, last));
            }
            let after = self.react(&error, attempt, delivery)?;
            last = Some((error.needed(), error.sorted().1));
            let wait = after.unwrap_or_else(|| {
                Backoff::SERVICE.wait_at_least_half(attempt, self.parts.jitter.unit())
            });
            attempt = attempt.saturating_add(1);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => return Err(Settlement::Release("shutdown")),
                end = lease.over() => return Err(match end {
                    LeaseEnd::Lost => Settlement::Forget,
                    LeaseEnd::HeldTooLong => self.held_too_long(job, last),
                }),
            }
        }
    }

    /// A message was in hand for as long as any may be, and nothing but waiting and failing of what
    /// it needs has kept it. Where that has worked for nobody meanwhile, it is a fault: taking more
    /// messages would only use up their receives. What an upload waits for without a word is its
    /// judge; an activity waits for others that do the same work, which is nobody's fault.
    fn held_too_long(&self, job: &Job, last: Option<(Needed, &'static str)>) -> Settlement {
        let waited = "held_too_long";
        let judge = matches!(job, Job::Inspect(_)).then_some((Needed::Judge, waited));
        let Some((needed, code)) = last.or(judge) else {
            return Settlement::Defer {
                code: waited,
                after: HELD_AGAIN,
            };
        };
        if !self.pause.worked_within(needed, LONG) {
            let why = format!(
                "{code}: what the work needs has failed for half an hour, for every message; look \
                 at the logs of the service"
            );
            self.pause.fault(needed, code, &why);
        }
        Settlement::Defer {
            code,
            after: HELD_AGAIN,
        }
    }

    /// What to do about an error: `Ok` is a wait before the next try.
    fn react(
        &self,
        error: &WorkError,
        attempt: u32,
        delivery: &Delivery,
    ) -> Result<Option<Duration>, Settlement> {
        let (reaction, code) = error.sorted();
        if let WorkError::LeaseOver(end) = error {
            return Err(over(*end, "held_too_long"));
        }
        match reaction {
            // What was left where it waited is not tried again by us.
            Reaction::Retry { .. } if self.stop.is_cancelled() => {
                Err(Settlement::Release("shutdown"))
            }
            Reaction::Retry { after } => {
                self.pause.trouble(error.needed(), code, error);
                tracing::debug!(
                    { ERROR_CODE } = code,
                    { ERROR_DETAIL } = %error,
                    "trying again"
                );
                Ok(after)
            }
            Reaction::Park(reason) => Err(Settlement::Park(reason)),
            Reaction::Drop => Err(Settlement::Ack),
            Reaction::Defer { wait, after } => {
                let why = format!("{error}; it goes on by itself in {}", spoken(after));
                self.pause.defer(wait, code, &why, after);
                Err(Settlement::Defer { code, after })
            }
            Reaction::Stop(why) => {
                // The message stays in hand as the probe: giving it back would burn its receives.
                let needed = error.needed();
                self.pause.fault(needed, code, &why);
                if self.pause.goes_on_without(needed) {
                    return Err(self.among_events(delivery, code));
                }
                Ok(Some(PROBE.wait(attempt, 1.0)))
            }
        }
    }

    /// An upload among events must not wait in a place until somebody has mended what it needs.
    fn among_events(&self, delivery: &Delivery, code: &'static str) -> Settlement {
        let again = delivery.receive_count.saturating_sub(1);
        let jitter = self.parts.jitter.unit();
        Settlement::Defer {
            code,
            after: AGAIN.wait_at_least_half(again, jitter),
        }
    }

    /// Tells what was acted on.
    async fn tell(
        &self,
        untold: Vec<(Finding, Leader)>,
        (lease, intact): (&Lease, &Intact),
        held: Option<OwnedSemaphorePermit>,
    ) -> Result<(), Settlement> {
        let (findings, leaders): (Vec<_>, Vec<_>) = untold.into_iter().unzip();
        for finding in &findings {
            intact.begins(finding, &self.parts.protection);
        }
        let place = self.teller.place().await;
        let settling = self.parts.vitals.settle();
        drop(held);
        let told = self.teller.tell(findings, lease, &self.stop).await;
        drop((place, settling));
        intact.over();
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

/// A time for people: to the hour, or where it is short to the minute.
fn spoken(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    if minutes < 120 {
        format!("about {minutes} min")
    } else {
        format!("about {} h", minutes.div_ceil(60))
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
