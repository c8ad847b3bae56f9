//! A dead-letter queue in memory, for tests: messages are hidden, come back, and may fail.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Backlog, DeadLetters, Parked, Source};
use crate::event::{Body, EntryError, MessageId, ParkedPointer, QueueError, Receipt};

/// The queue that its messages came from.
pub(super) const SOURCE: &str = "arn:aws:sqs:us-east-1:000000000000:uploads";

/// What is wrong with the queue.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Receives that are answered before one fails.
    pub(super) receives: Option<usize>,
    /// Answers to the next sends.
    pub(super) sends: VecDeque<Option<bool>>,
    /// Nothing can be removed.
    pub(super) removes: bool,
    /// Keys of texts that cannot be fetched.
    pub(super) fetches: Vec<&'static str>,
    /// What is sent comes back at once.
    pub(super) comes_back: Option<By>,
}

/// Who brings a message back.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// A worker, as a message of its own.
    Worker,
    /// SQS, as the same message.
    Sqs,
}

#[derive(Debug, Default)]
struct State {
    messages: BTreeMap<MessageId, (Parked, Instant, u32)>,
    bodies: BTreeMap<String, Body>,
    sent: Vec<(String, String, u32)>,
    faults: Faults,
    receives: usize,
    most_in_flight: usize,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Memory {
    state: Mutex<State>,
    sources: Vec<Source>,
}

/// A message with a text, parked for a reason.
pub(super) fn letter(id: &str, reason: Option<&str>, body: &str) -> Parked {
    Parked {
        id: MessageId(id.to_owned()),
        receipt: Receipt(String::new()),
        body: Body::new(body),
        reason: reason.map(str::to_owned),
        error: reason.map(|_| "a sentence".to_owned()),
        first_seen: None,
        sent_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        source_queue: Some(SOURCE.to_owned()),
        original_id: Some(format!("before-{id}")),
        receive_count: 0,
        redriven: 0,
        pointer: None,
    }
}

/// The news of an upload.
pub(super) fn news(bucket: &str, key: &str) -> String {
    serde_json::json!({"Records": [{
        "eventVersion": "2.1", "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key, "size": 9}},
    }]})
    .to_string()
}

impl Memory {
    pub(super) fn with(letters: impl IntoIterator<Item = Parked>) -> Self {
        let now = Instant::now();
        let messages = letters
            .into_iter()
            .map(|letter| (letter.id.clone(), (letter, now, 0)));
        let state = State {
            messages: messages.collect(),
            ..State::default()
        };
        let source = Source {
            arn: SOURCE.to_owned(),
            url: "http://h/0/uploads".to_owned(),
        };
        Self {
            state: Mutex::new(state),
            sources: vec![source],
        }
    }

    pub(super) fn failing(self, faults: Faults) -> Self {
        self.state.lock().unwrap().faults = faults;
        self
    }

    pub(super) fn keeping(self, key: &str, body: &str) -> Self {
        let mut state = self.state.lock().unwrap();
        state.bodies.insert(key.to_owned(), Body::new(body));
        drop(state);
        self
    }

    /// The texts that were sent back, in order, each with its count.
    pub(super) fn sent(&self) -> Vec<(String, u32)> {
        let state = self.state.lock().unwrap();
        let sent = state.sent.iter();
        sent.map(|(_, body, count)| (body.clone(), *count))
            .collect()
    }

    /// The ids that are left, and those of them that are hidden now.
    pub(super) fn left(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state.lock().unwrap();
        let now = Instant::now();
        let ids = |hidden_only: bool| {
            let chosen = state
                .messages
                .iter()
                .filter(|(_, (_, until, _))| !hidden_only || *until > now);
            chosen.map(|(id, _)| id.0.clone()).collect()
        };
        (ids(false), ids(true))
    }

    pub(super) fn most_in_flight(&self) -> usize {
        self.state.lock().unwrap().most_in_flight
    }

    /// Somebody else takes a message, so that our receipt is the older one.
    pub(super) fn snatch(&self, id: &str) {
        let mut state = self.state.lock().unwrap();
        let message = state.messages.get_mut(&MessageId(id.to_owned())).unwrap();
        message.2 += 1;
    }
}

impl State {
    /// The message that a receipt still holds.
    fn held(&self, receipt: &Receipt) -> Option<MessageId> {
        let (id, number) = receipt.0.rsplit_once('#')?;
        let id = MessageId(id.to_owned());
        let (_, until, receives) = self.messages.get(&id)?;
        let ours = receives.to_string() == number && *until > Instant::now();
        ours.then_some(id)
    }
}

#[async_trait]
impl DeadLetters for Memory {
    fn name(&self) -> &str {
        "dead"
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    async fn receive(&self, hidden: Duration, wait: Duration) -> Result<Vec<Parked>, QueueError> {
        let came = {
            let mut state = self.state.lock().unwrap();
            if state.faults.receives == Some(state.receives) {
                return Err(QueueError::Unavailable("OverLimit".to_owned()));
            }
            state.receives += 1;
            let now = Instant::now();
            let ready = state.messages.values_mut().filter(|it| it.1 <= now);
            let came: Vec<_> = ready
                .take(10)
                .map(|(parked, until, receives)| {
                    *until = now + hidden;
                    *receives += 1;
                    let mut parked = parked.clone();
                    parked.receipt = Receipt(format!("{}#{receives}", parked.id.0));
                    parked
                })
                .collect();
            let in_flight = state.messages.values().filter(|it| it.1 > now).count();
            state.most_in_flight = state.most_in_flight.max(in_flight);
            came
        };
        if came.is_empty() {
            tokio::time::sleep(wait).await;
        }
        Ok(came)
    }

    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>> {
        let mut state = self.state.lock().unwrap();
        let one = |(receipt, left): &(Receipt, Duration)| {
            let id = state.held(receipt).ok_or(EntryError::Gone)?;
            let message = state.messages.get_mut(&id).ok_or(EntryError::Gone)?;
            message.1 = Instant::now() + *left;
            Ok(())
        };
        entries.iter().map(one).collect()
    }

    async fn fetch(&self, pointer: &ParkedPointer) -> Result<Option<Body>, QueueError> {
        let state = self.state.lock().unwrap();
        if state.faults.fetches.contains(&pointer.key.as_str()) {
            return Err(QueueError::Refused("AccessDenied".to_owned()));
        }
        Ok(state.bodies.get(&pointer.key).cloned())
    }

    async fn send(
        &self,
        source: &Source,
        body: &Body,
        redriven: u32,
    ) -> Result<MessageId, QueueError> {
        let mut state = self.state.lock().unwrap();
        match state.faults.sends.pop_front().flatten() {
            Some(true) => return Err(QueueError::Refused("AccessDenied".to_owned())),
            Some(false) => return Err(QueueError::Unavailable("RequestThrottled".to_owned())),
            None => {}
        }
        let text = body.as_str().to_owned();
        let sent = MessageId(format!("sent-{}", state.sent.len()));
        let back = state.faults.comes_back.map(|by| match by {
            By::Worker => Parked {
                original_id: Some(sent.0.clone()),
                redriven,
                ..letter(&format!("again-{}", sent.0), Some("denied"), &text)
            },
            By::Sqs => Parked {
                original_id: None,
                redriven,
                ..letter(&sent.0, None, &text)
            },
        });
        let back = back.map(|back| (back.id.clone(), (back, Instant::now(), 0)));
        state.messages.extend(back);
        state.sent.push((source.url.clone(), text, redriven));
        Ok(sent)
    }

    async fn remove(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>> {
        let mut state = self.state.lock().unwrap();
        if state.faults.removes {
            return vec![Err(EntryError::Failed("InternalError".to_owned())); receipts.len()];
        }
        let one = |receipt: &Receipt| {
            let id = state.held(receipt).ok_or(EntryError::Gone)?;
            state.messages.remove(&id);
            Ok(())
        };
        receipts.iter().map(one).collect()
    }

    async fn backlog(&self) -> Result<Backlog, QueueError> {
        let state = self.state.lock().unwrap();
        let now = Instant::now();
        let hidden = state.messages.values().filter(|it| it.1 > now).count();
        Ok(Backlog {
            waiting: (state.messages.len() - hidden) as u64,
            hidden: hidden as u64,
            delayed: 0,
        })
    }
}
