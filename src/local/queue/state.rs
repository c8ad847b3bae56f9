//! What the queue holds, and how a message moves: visible, hidden, visible again or gone.
//!
//! Pure but for the time that is handed in: nothing here waits, locks or writes.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::QueueOptions;
use crate::event::{Body, Delivery, EntryError, MessageId, Receipt};

/// All messages of a queue.
#[derive(Debug, Default)]
pub(super) struct State {
    messages: HashMap<u64, Message>,
    /// In order of arrival.
    visible: VecDeque<u64>,
    /// Hidden ones, by when they come back.
    hidden: BTreeSet<(Instant, u64)>,
    next_id: u64,
    next_receive: u64,
}

#[derive(Debug)]
struct Message {
    body: Body,
    sent_at: Timestamp,
    receives: u32,
    /// The number of the newest receive: what its receipt tells.
    receive: u64,
    hidden_until: Option<Instant>,
}

/// What one look brought.
#[derive(Debug)]
pub(super) struct Taken {
    /// Received now.
    pub(super) deliveries: Vec<Delivery>,
    /// Without receives left; hidden until they are removed.
    pub(super) exhausted: Vec<Delivery>,
}

impl State {
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Visible ones and those in flight.
    pub(super) fn count(&self, now: Instant) -> (usize, usize) {
        let in_flight = self.hidden.iter().filter(|(until, _)| *until > now).count();
        (self.messages.len() - in_flight, in_flight)
    }

    pub(super) fn add(&mut self, body: Body, sent_at: Timestamp) -> MessageId {
        let id = self.next_id;
        self.next_id += 1;
        self.messages.insert(
            id,
            Message {
                body,
                sent_at,
                receives: 0,
                receive: 0,
                hidden_until: None,
            },
        );
        self.visible.push_back(id);
        name_of(id)
    }

    /// Receives up to `max` messages.
    pub(super) fn take(&mut self, max: usize, now: Instant, options: &QueueOptions) -> Taken {
        self.bring_back(now);
        let mut taken = Taken {
            deliveries: Vec::new(),
            exhausted: Vec::new(),
        };
        while taken.deliveries.len() < max {
            let Some(id) = self.visible.pop_front() else {
                break;
            };
            let Some(message) = self.messages.get_mut(&id) else {
                continue;
            };
            let spent = options
                .max_receives
                .is_some_and(|most| message.receives >= most);
            if !spent {
                message.receives = message.receives.saturating_add(1);
            }
            self.next_receive += 1;
            message.receive = self.next_receive;
            let until = now + options.visibility;
            message.hidden_until = Some(until);
            self.hidden.insert((until, id));
            let delivery = Delivery {
                id: name_of(id),
                receipt: Receipt(format!("{id}:{}", message.receive)),
                body: message.body.clone(),
                receive_count: message.receives,
                sent_at: message.sent_at,
                redriven: 0,
            };
            if spent {
                taken.exhausted.push(delivery);
            } else {
                taken.deliveries.push(delivery);
            }
        }
        taken
    }

    /// When the next hidden message comes back.
    pub(super) fn next_return(&self) -> Option<Instant> {
        self.hidden.first().map(|(until, _)| *until)
    }

    /// Sets what is left of a lease.
    pub(super) fn extend(
        &mut self,
        receipt: &Receipt,
        left: Duration,
        now: Instant,
    ) -> Result<(), EntryError> {
        let id = self.current(receipt).ok_or(EntryError::Gone)?;
        let message = self.messages.get_mut(&id).ok_or(EntryError::Gone)?;
        let until = message.hidden_until.filter(|until| *until > now);
        let until = until.ok_or(EntryError::Gone)?;
        self.hidden.remove(&(until, id));
        if left.is_zero() {
            message.hidden_until = None;
            self.visible.push_back(id);
        } else {
            message.hidden_until = Some(now + left);
            self.hidden.insert((now + left, id));
        }
        Ok(())
    }

    /// Removes a message for good. One that is gone already is removed as was asked; one that was
    /// received again since is somebody else's.
    pub(super) fn remove(&mut self, receipt: &Receipt) -> Result<(), EntryError> {
        let (id, _) = parse(receipt).ok_or(EntryError::Gone)?;
        if self.messages.contains_key(&id) && !self.holds(receipt) {
            return Err(EntryError::Gone);
        }
        self.forget(receipt);
        Ok(())
    }

    /// Removes a message if this is its newest receipt.
    pub(super) fn forget(&mut self, receipt: &Receipt) {
        if let Some(id) = self.current(receipt)
            && let Some(message) = self.messages.remove(&id)
        {
            match message.hidden_until {
                Some(until) => {
                    self.hidden.remove(&(until, id));
                }
                None => self.visible.retain(|visible| *visible != id),
            }
        }
    }

    /// Whether this is the newest receipt of a message that is there.
    pub(super) fn holds(&self, receipt: &Receipt) -> bool {
        self.current(receipt).is_some()
    }

    fn current(&self, receipt: &Receipt) -> Option<u64> {
        let (id, receive) = parse(receipt)?;
        let message = self.messages.get(&id)?;
        (message.receive == receive).then_some(id)
    }

    fn bring_back(&mut self, now: Instant) {
        while let Some((until, id)) = self.hidden.first().copied() {
            if until > now {
                return;
            }
            self.hidden.remove(&(until, id));
            if let Some(message) = self.messages.get_mut(&id) {
                message.hidden_until = None;
                self.visible.push_back(id);
            }
        }
    }
}

fn name_of(id: u64) -> MessageId {
    MessageId(format!("local-{id}"))
}

fn parse(receipt: &Receipt) -> Option<(u64, u64)> {
    let (id, receive) = receipt.0.split_once(':')?;
    Some((id.parse().ok()?, receive.parse().ok()?))
}
