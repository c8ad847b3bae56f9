//! A port with faults: one decorator for all of them, around whatever adapter.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use s3_warden::alert::{Alert, Notifier, NotifyError, PublicationId};
use s3_warden::event::{Delivery, EntryError, FindingId, Queue, QueueError, Receipt, Target};
use s3_warden::object::{
    Exposure, Fetched, Located, Mark, ObjectRef, ObjectStore, Removed, StoreError, Tagged,
};
use s3_warden::record::{
    Allowance, Allowances, Begun, Content, Finding, FleetBreaker, Halt, Intent, Ledger,
    LedgerError, Page, Positions, Query, State, Switches,
};
use s3_warden::retry::Reason;

use crate::faults::{Faults, Injected, Step, When};

/// A port whose calls may go wrong.
#[derive(Debug)]
pub(crate) struct Faulty<P> {
    inner: P,
    faults: Arc<Faults>,
    /// The call that goes wrong when messages are received.
    receive: Step,
    /// How often each message that came had been received.
    receive_counts: Mutex<Vec<u32>>,
}

impl<P> Faulty<P> {
    pub(crate) fn new(inner: P, faults: &Arc<Faults>) -> Self {
        Self {
            inner,
            faults: Arc::clone(faults),
            receive: Step::Receive,
            receive_counts: Mutex::default(),
        }
    }

    /// The queue of events, whose receives fail by themselves.
    pub(crate) fn of_events(inner: P, faults: &Arc<Faults>) -> Self {
        Self {
            receive: Step::ReceiveEvents,
            ..Self::new(inner, faults)
        }
    }

    pub(crate) fn receive_counts(&self) -> Vec<u32> {
        self.receive_counts.lock().unwrap().clone()
    }

    async fn call<T, E: From<Injected>>(
        &self,
        step: Step,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        self.faults.meet(step, When::Before).await?;
        let answer = call.await?;
        self.faults.meet(step, When::After).await?;
        Ok(answer)
    }

    /// A call that answers for each of its entries.
    async fn each(
        &self,
        step: Step,
        entries: usize,
        call: impl Future<Output = Vec<Result<(), EntryError>>> + Send,
    ) -> Vec<Result<(), EntryError>> {
        let failed = vec![Err(EntryError::Failed("injected".to_owned())); entries];
        if self.faults.meet(step, When::Before).await.is_err() {
            return failed;
        }
        let answers = call.await;
        match self.faults.meet(step, When::After).await {
            Ok(()) => answers,
            Err(_) => failed,
        }
    }
}

impl From<Injected> for StoreError {
    fn from(injected: Injected) -> Self {
        match injected {
            Injected::Failed => Self::Unavailable("injected".to_owned()),
            Injected::Refused => Self::Refused("the credentials have expired".to_owned()),
        }
    }
}

impl From<Injected> for LedgerError {
    fn from(injected: Injected) -> Self {
        match injected {
            Injected::Failed => Self::Unavailable("injected".to_owned()),
            Injected::Refused => Self::Refused("the credentials have expired".to_owned()),
        }
    }
}

impl From<Injected> for NotifyError {
    fn from(injected: Injected) -> Self {
        match injected {
            Injected::Failed => Self::Unavailable("injected".to_owned()),
            Injected::Refused => Self::Refused("the credentials have expired".to_owned()),
        }
    }
}

impl From<Injected> for QueueError {
    fn from(injected: Injected) -> Self {
        match injected {
            Injected::Failed => Self::Unavailable("injected".to_owned()),
            Injected::Refused => Self::Refused("the credentials have expired".to_owned()),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: ObjectStore> ObjectStore for Faulty<P> {
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        self.call(Step::Fetch, self.inner.fetch(target, cap)).await
    }

    async fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        self.inner.locate(target).await
    }

    async fn remove(&self, object: &ObjectRef) -> Result<Removed, StoreError> {
        self.call(Step::Remove, self.inner.remove(object)).await
    }

    async fn quarantine(
        &self,
        object: &ObjectRef,
        id: &FindingId,
        sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        let call = self.inner.quarantine(object, id, sha256);
        self.call(Step::Quarantine, call).await
    }

    async fn tag(&self, object: &ObjectRef, mark: Mark) -> Result<Tagged, StoreError> {
        self.call(Step::Tag, self.inner.tag(object, mark)).await
    }

    async fn exposure(&self, object: &ObjectRef) -> Exposure {
        self.inner.exposure(object).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Ledger> Ledger for Faulty<Arc<P>> {
    async fn begin(&self, intent: Intent) -> Result<Begun, LedgerError> {
        self.call(Step::Begin, self.inner.begin(intent)).await
    }

    async fn find(&self, id: &FindingId, date: Date) -> Result<Option<Finding>, LedgerError> {
        self.call(Step::Find, self.inner.find(id, date)).await
    }

    async fn advance(&self, finding: &Finding) -> Result<(), LedgerError> {
        let step = match finding.state {
            State::Intent | State::Acted => Step::Acted,
            State::Announced => Step::Announced,
        };
        self.call(step, self.inner.advance(finding)).await
    }

    async fn note_clean(&self, finding: Finding) {
        self.inner.note_clean(finding).await;
    }

    async fn flush(&self) -> Result<(), LedgerError> {
        self.inner.flush().await
    }

    async fn open(&self, limit: usize) -> Result<Vec<Finding>, LedgerError> {
        self.call(Step::Open, self.inner.open(limit)).await
    }

    async fn list(&self, query: &Query) -> Result<Page, LedgerError> {
        self.inner.list(query).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Switches> Switches for Faulty<P> {
    async fn read(&self) -> Result<Positions, LedgerError> {
        self.call(Step::Switches, self.inner.read()).await
    }

    async fn set_halt(&self, halt: Option<Halt>) -> Result<(), LedgerError> {
        self.inner.set_halt(halt).await
    }

    async fn open_breaker(
        &self,
        generation: u64,
        since: Timestamp,
    ) -> Result<FleetBreaker, LedgerError> {
        let call = self.inner.open_breaker(generation, since);
        self.call(Step::OpenBreaker, call).await
    }

    async fn reset_breaker(
        &self,
        generation: u64,
        now: Timestamp,
    ) -> Result<FleetBreaker, LedgerError> {
        self.inner.reset_breaker(generation, now).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Allowances> Allowances for Faulty<P> {
    async fn allow(&self, allowance: &Allowance) -> Result<Allowance, LedgerError> {
        self.inner.allow(allowance).await
    }

    async fn find(&self, content: &Content) -> Result<Option<Allowance>, LedgerError> {
        self.call(Step::Allowed, self.inner.find(content)).await
    }

    async fn revoke(&self, content: &Content) -> Result<Option<Allowance>, LedgerError> {
        self.inner.revoke(content).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Notifier> Notifier for Faulty<P> {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        self.call(Step::Publish, self.inner.publish(alert)).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Queue> Queue for Faulty<Arc<P>> {
    async fn receive(&self, max: u8, wait: Duration) -> Result<Vec<Delivery>, QueueError> {
        let received = self
            .call(self.receive, self.inner.receive(max, wait))
            .await?;
        let counts = received.iter().map(|delivery| delivery.receive_count);
        self.receive_counts.lock().unwrap().extend(counts);
        Ok(received)
    }

    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>> {
        self.each(Step::Extend, entries.len(), self.inner.extend(entries))
            .await
    }

    async fn ack(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>> {
        self.each(Step::Ack, receipts.len(), self.inner.ack(receipts))
            .await
    }

    async fn park(&self, delivery: &Delivery, reason: &Reason) -> Result<(), QueueError> {
        self.call(Step::Park, self.inner.park(delivery, reason))
            .await
    }

    fn visibility(&self) -> Duration {
        self.inner.visibility()
    }

    fn max_receives(&self) -> Option<u32> {
        self.inner.max_receives()
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_before_a_call_spares_it_and_one_after_loses_its_answer() {
    use crate::faults::Effect;
    use s3_warden::clock::SystemClock;
    use s3_warden::local::{MemoryQueue, QueueOptions};

    let faults = Arc::new(Faults::default());
    let plain = MemoryQueue::new(QueueOptions::default(), Arc::new(SystemClock));
    let plain = Arc::new(plain);
    let queue = Faulty::new(Arc::clone(&plain), &faults);
    plain.send("{}").await;
    faults.on(Step::Receive, When::Before, 1, Effect::Fail);
    assert!(queue.receive(1, Duration::ZERO).await.is_err());
    assert_eq!(plain.stats().visible, 1);
    let received = queue.receive(1, Duration::ZERO).await.unwrap();
    assert_eq!(queue.receive_counts(), [1]);
    let receipt = received[0].receipt.clone();
    faults.on(Step::Ack, When::After, 1, Effect::Fail);
    let failed = queue.ack(&[receipt.clone(), receipt]).await;
    assert_eq!(
        failed,
        vec![Err(EntryError::Failed("injected".to_owned())); 2]
    );
    assert_eq!(plain.stats().in_flight, 0, "it was acked all the same");
}
