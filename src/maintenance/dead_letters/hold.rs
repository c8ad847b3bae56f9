//! Everything of a dead-letter queue, held while it is looked at.
//!
//! What was received stays hidden until [`Hold::give_back`], so that nothing is seen twice and the
//! end of the queue can be told. Should the process be killed, the queue itself gives everything
//! back when [`HIDDEN`] is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{DeadLetters, Parked};
use crate::event::{EntryError, MessageId, QueueError, Receipt};

/// For how long messages are hidden at a time. Shorter, and long listings would spend their time on
/// extending; longer, and a kill would hide everything from the next look for longer.
pub(super) const HIDDEN: Duration = Duration::from_secs(300);

/// How often leases are looked at: often enough that none ends between, and not with every poll,
/// which for a hundred thousand would be most of the work.
const LOOK: Duration = Duration::from_secs(10);

/// How long one poll waits. Polls that wait ask all of the servers that hold a queue; what does not
/// wait may miss messages (Amazon SQS Developer Guide, "Short and long polling").
const WAIT: Duration = Duration::from_secs(1);

/// So many polls that bring nothing, one after the other, are the end of the queue...
const QUIET: u32 = 2;

/// ...or so many, where the queue itself believes that there is more.
const QUIET_AGAINST_COUNT: u32 = 6;

/// How many messages are held at once: SQS lets 120,000 of a queue be in flight, and others may
/// hold some.
pub const MOST_HELD: usize = 100_000;

/// The held messages of one dead-letter queue.
#[derive(Debug)]
pub struct Hold<'q> {
    queue: &'q dyn DeadLetters,
    held: BTreeMap<MessageId, Lease>,
    /// What came before.
    seen: BTreeSet<MessageId>,
    /// What was sent back and is not to come again; where it does, its removal was lost.
    done: BTreeSet<MessageId>,
    /// When leases are looked at next.
    look: Instant,
}

#[derive(Debug)]
struct Lease {
    receipt: Receipt,
    until: Instant,
}

/// Why no more is received.
#[derive(Debug)]
pub enum Ended {
    /// There is no more.
    Empty {
        /// About so many more do not come: they are hidden by somebody else, or delayed.
        elsewhere: u64,
    },
    /// So many as were asked for.
    Enough,
    /// No more can be held at once.
    Full,
    /// Somebody wants us to stop.
    Interrupted,
    /// The queue failed.
    Failed(QueueError),
}

impl<'q> Hold<'q> {
    /// Nothing is held yet.
    pub fn new(queue: &'q dyn DeadLetters) -> Self {
        Self {
            queue,
            held: BTreeMap::new(),
            seen: BTreeSet::new(),
            done: BTreeSet::new(),
            look: Instant::now() + LOOK,
        }
    }

    /// The next messages; none of them came before.
    ///
    /// # Errors
    /// Why there are none.
    pub async fn next(&mut self, stop: &CancellationToken) -> Result<Vec<Parked>, Ended> {
        let mut quiet = 0;
        loop {
            if stop.is_cancelled() {
                return Err(Ended::Interrupted);
            }
            if self.held.len() >= MOST_HELD {
                return Err(Ended::Full);
            }
            self.keep().await;
            let came = self.queue.receive(HIDDEN, WAIT).await;
            let came = came.map_err(Ended::Failed)?;
            let fresh = self.take(came).await;
            if !fresh.is_empty() {
                return Ok(fresh);
            }
            quiet += 1;
            if quiet < QUIET {
                continue;
            }
            let backlog = self.queue.backlog().await.map_err(Ended::Failed)?;
            if backlog.waiting == 0 || quiet >= QUIET_AGAINST_COUNT {
                let ours = self.held.len() as u64;
                let hidden = backlog.hidden.saturating_sub(ours);
                let elsewhere = backlog.waiting + hidden + backlog.delayed;
                return Err(Ended::Empty { elsewhere });
            }
        }
    }

    /// Notes what came, and answers what is new of it.
    async fn take(&mut self, came: Vec<Parked>) -> Vec<Parked> {
        let until = Instant::now() + HIDDEN;
        let mut fresh = Vec::new();
        for parked in came {
            if self.done.contains(&parked.id) {
                // It was sent back; only its removal was lost, which is repeated.
                self.queue.remove(&[parked.receipt]).await;
                continue;
            }
            let receipt = parked.receipt.clone();
            let lease = Lease { receipt, until };
            self.held.insert(parked.id.clone(), lease);
            if self.seen.insert(parked.id.clone()) {
                fresh.push(parked);
            }
        }
        fresh
    }

    /// Extends what is past the half of its lease.
    pub async fn keep(&mut self) {
        let now = Instant::now();
        if now < self.look {
            return;
        }
        self.look = now + LOOK;
        let due: Vec<_> = self
            .held
            .iter()
            .filter(|(_, lease)| lease.until.saturating_duration_since(now) < HIDDEN / 2)
            .map(|(id, lease)| (id.clone(), (lease.receipt.clone(), HIDDEN)))
            .collect();
        if due.is_empty() {
            return;
        }
        let (ids, entries): (Vec<_>, Vec<_>) = due.into_iter().unzip();
        let answers = self.queue.extend(&entries).await;
        for (id, answer) in ids.into_iter().zip(answers) {
            match answer {
                Ok(()) => {
                    if let Some(lease) = self.held.get_mut(&id) {
                        lease.until = now + HIDDEN;
                    }
                }
                Err(EntryError::Gone) => drop(self.held.remove(&id)),
                // It is tried again at the next turn, for as long as the lease lasts.
                Err(EntryError::Failed(_)) => {}
            }
        }
    }

    /// The receipt of a message that is ours for a good while, or nothing.
    pub fn receipt(&self, id: &MessageId) -> Option<Receipt> {
        let lease = self.held.get(id)?;
        let left = lease.until.saturating_duration_since(Instant::now());
        (left > HIDDEN / 4).then(|| lease.receipt.clone())
    }

    /// A message was sent back; `removed` says whether it is off the dead-letter queue too.
    pub fn done(&mut self, id: &MessageId, removed: bool) {
        self.done.insert(id.clone());
        if removed {
            self.held.remove(id);
        }
    }

    /// Gives everything back that is still held; answers how many messages could not be, which come
    /// back by themselves within five minutes.
    pub async fn give_back(self) -> usize {
        let entries: Vec<_> = self
            .held
            .into_values()
            .map(|lease| (lease.receipt, Duration::ZERO))
            .collect();
        let answers = self.queue.extend(&entries).await;
        let failed =
            |answer: &&Result<(), EntryError>| matches!(answer, Err(EntryError::Failed(_)));
        answers.iter().filter(failed).count()
    }
}
