//! One queue: messages, their leases, and the rule of the dead-letter queue.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::aws::{ACCOUNT, REGION, wire};

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    id: u64,
    body: String,
    attributes: Value,
    sent: SystemTime,
    first_received: Option<SystemTime>,
    received: u64,
    visible: Instant,
}

/// A queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    messages: BTreeMap<u64, Message>,
    /// Messages by the time from which they can be received.
    visible: BTreeSet<(Instant, u64)>,
    made: u64,
    set: BTreeMap<String, String>,
}

/// How a change of visibility ended.
pub(super) enum Changed {
    Done,
    /// The message is gone, or was received again.
    Unknown,
    /// The lease has ended.
    Visible,
}

/// What of a message is asked for beside its body.
pub(super) struct Wanted {
    system: Vec<String>,
    own: bool,
}

impl Wanted {
    pub(super) fn of(body: &Value) -> Self {
        let names = |key: &str| {
            let names = body.get(key).and_then(Value::as_array);
            let names = names.into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let mut system = names("MessageSystemAttributeNames");
        system.extend(names("AttributeNames"));
        let own = !names("MessageAttributeNames").is_empty();
        Self { system, own }
    }

    fn has(&self, name: &str) -> bool {
        self.system.iter().any(|of| of == name || of == "All")
    }
}

impl Message {
    /// As a receive tells it.
    pub(super) fn told(&self, wanted: &Wanted) -> Value {
        let first = self.first_received.unwrap_or(self.sent);
        let system = [
            ("ApproximateReceiveCount", self.received.to_string()),
            ("SentTimestamp", wire::millis(self.sent).to_string()),
            (
                "ApproximateFirstReceiveTimestamp",
                wire::millis(first).to_string(),
            ),
            ("SenderId", ACCOUNT.to_owned()),
        ];
        let system: Map<_, _> = system
            .into_iter()
            .filter(|(name, _)| wanted.has(name))
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        let mut told = json!({
            "MessageId": name(self.id),
            "ReceiptHandle": format!("receipt-{}-{}", self.id, self.received),
            "MD5OfBody": hex::encode(Md5::digest(&self.body)),
            "Body": self.body,
        });
        if let Some(told) = told.as_object_mut() {
            if !system.is_empty() {
                told.insert("Attributes".to_owned(), Value::Object(system));
            }
            let has_own = self
                .attributes
                .as_object()
                .is_some_and(|all| !all.is_empty());
            if wanted.own && has_own {
                told.insert("MessageAttributes".to_owned(), self.attributes.clone());
            }
        }
        told
    }
}

impl Queue {
    pub(super) fn set(&mut self, attributes: &Value) {
        for (name, value) in attributes.as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or("").to_owned();
            self.set.insert(name.clone(), value);
        }
    }

    pub(super) fn attributes(&self, name: &str, now: Instant) -> Value {
        let (visible, held) = self.depth(now);
        let mut all: Map<_, _> = self
            .set
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        let standard = [
            ("QueueArn", format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")),
            ("ApproximateNumberOfMessages", visible.to_string()),
            ("ApproximateNumberOfMessagesNotVisible", held.to_string()),
            ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
            ("VisibilityTimeout", "30".to_owned()),
            ("MessageRetentionPeriod", "345600".to_owned()),
            ("MaximumMessageSize", "1048576".to_owned()),
        ];
        for (name, value) in standard {
            all.entry(name).or_insert_with(|| json!(value));
        }
        Value::Object(all)
    }

    pub(super) fn depth(&self, now: Instant) -> (usize, usize) {
        let visible = self.visible.range(..=(now, u64::MAX)).count();
        (visible, self.messages.len() - visible)
    }

    pub(super) fn purge(&mut self) {
        self.messages.clear();
        self.visible.clear();
    }

    /// Puts a message on the queue, and gives its id and the digest of its body.
    pub(super) fn send(
        &mut self,
        body: String,
        attributes: &Value,
        delay: Duration,
        now: Instant,
    ) -> (String, String) {
        let digest = hex::encode(Md5::digest(&body));
        let message = Message {
            id: 0,
            body,
            attributes: attributes.clone(),
            sent: SystemTime::now(),
            first_received: None,
            received: 0,
            visible: now + delay,
        };
        (name(self.insert(message)), digest)
    }

    /// Takes a message that came back too often to another queue.
    pub(super) fn adopt(&mut self, mut message: Message, now: Instant) {
        message.visible = now;
        self.insert(message);
    }

    fn insert(&mut self, mut message: Message) -> u64 {
        self.made += 1;
        message.id = self.made;
        self.visible.insert((message.visible, message.id));
        self.messages.insert(message.id, message);
        self.made
    }

    /// Takes up to `most` visible messages, and those that were received too often already.
    pub(super) fn receive(
        &mut self,
        most: u64,
        visibility: Option<Duration>,
        now: Instant,
    ) -> (Vec<Message>, Vec<Message>) {
        let (mut taken, mut dead) = (Vec::new(), Vec::new());
        let bound = self.most_receives();
        let lease = visibility.unwrap_or_else(|| self.lease());
        while (taken.len() as u64) < most
            && let Some(&(visible, id)) = self.visible.first()
            && visible <= now
        {
            self.visible.remove(&(visible, id));
            let Some(mut message) = self.messages.remove(&id) else {
                continue;
            };
            if bound.is_some_and(|bound| message.received >= bound) {
                dead.push(message);
                continue;
            }
            message.received += 1;
            message.first_received.get_or_insert_with(SystemTime::now);
            message.visible = now + lease;
            self.visible.insert((message.visible, id));
            self.messages.insert(id, message.clone());
            taken.push(message);
        }
        (taken, dead)
    }

    /// When the next message becomes visible.
    pub(super) fn next(&self) -> Option<Instant> {
        self.visible.first().map(|(visible, _)| *visible)
    }

    /// Deletes a message by its newest handle; an old handle succeeds and deletes nothing.
    pub(super) fn delete(&mut self, (id, nth): (u64, u64)) {
        if self.messages.get(&id).is_some_and(|of| of.received == nth)
            && let Some(message) = self.messages.remove(&id)
        {
            self.visible.remove(&(message.visible, id));
        }
    }

    /// Lets a message become visible at another time.
    pub(super) fn change(
        &mut self,
        (id, nth): (u64, u64),
        until: Instant,
        now: Instant,
    ) -> Changed {
        let Some(message) = self.messages.get_mut(&id) else {
            return Changed::Unknown;
        };
        if message.received != nth {
            return Changed::Unknown;
        }
        if message.visible <= now {
            return Changed::Visible;
        }
        self.visible.remove(&(message.visible, id));
        message.visible = until;
        self.visible.insert((until, id));
        Changed::Done
    }

    fn lease(&self) -> Duration {
        let set = self.set.get("VisibilityTimeout");
        Duration::from_secs(set.and_then(|set| set.parse().ok()).unwrap_or(30))
    }

    /// The name of the dead-letter queue.
    pub(super) fn dead_letters(&self) -> Option<String> {
        let policy = self.redrive()?;
        let arn = policy.get("deadLetterTargetArn")?.as_str()?;
        arn.rsplit(':').next().map(str::to_owned)
    }

    fn most_receives(&self) -> Option<u64> {
        let most = self.redrive()?.get("maxReceiveCount")?.clone();
        most.as_u64().or_else(|| most.as_str()?.parse().ok())
    }

    fn redrive(&self) -> Option<Value> {
        serde_json::from_str(self.set.get("RedrivePolicy")?).ok()
    }
}

/// The id of a message in the form of AWS: a UUID.
fn name(id: u64) -> String {
    format!("00000000-0000-4000-8000-{id:012x}")
}
