//! SQS in memory, speaking its JSON protocol.

mod store;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use store::Queue;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::ACCOUNT;
use crate::serve::{self, Reply};

/// Every queue.
#[derive(Debug, Default)]
pub(super) struct Sqs {
    queues: Mutex<BTreeMap<String, Queue>>,
    /// Told whenever a message may have become visible.
    news: Notify,
}

/// An error: the code of the JSON protocol, that of the older query protocol, and a message.
pub(super) struct Refusal(&'static str, &'static str, String);

impl Refusal {
    fn missing_queue() -> Self {
        Self(
            "QueueDoesNotExist",
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.".to_owned(),
        )
    }

    fn handle() -> Self {
        Self(
            "ReceiptHandleIsInvalid",
            "ReceiptHandleIsInvalid",
            "The input receipt handle is invalid.".to_owned(),
        )
    }

    fn parameter(message: &str) -> Self {
        Self(
            "InvalidParameterValue",
            "InvalidParameterValue",
            message.to_owned(),
        )
    }

    fn reply(&self) -> Reply {
        let body = json!({"__type": format!("com.amazonaws.sqs#{}", self.0), "message": self.2});
        let mut reply = serve::json(400, &body);
        let older = format!("{};Sender", self.1);
        serve::set_header(&mut reply, "x-amzn-query-error", &older);
        reply
    }

    /// As an entry of a batch.
    fn entry(&self, id: &Value) -> Value {
        json!({"Id": id, "SenderFault": true, "Code": self.1, "Message": self.2})
    }
}

impl Sqs {
    pub(super) fn create(&self, name: &str, attributes: &Value) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(name.to_owned()).or_default().set(attributes);
    }

    /// Puts a message on a queue; without such a queue nothing happens.
    pub(super) fn send(&self, name: &str, body: String) {
        drop(self.with(name, |queue| {
            queue.send(body, &json!({}), Duration::ZERO, Instant::now());
            Ok(json!({}))
        }));
        self.news.notify_waiters();
    }

    /// Messages that are visible or delayed, and messages that somebody holds.
    pub(super) fn depth(&self, name: &str) -> (usize, usize) {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get(name);
        queue.map_or((0, 0), |queue| queue.depth(Instant::now()))
    }

    pub(super) async fn answer(&self, operation: &str, body: &Value, base: &str) -> Reply {
        let answered = match operation {
            "ReceiveMessage" => self.receive(body).await,
            _ => self.at_once(operation, body, base),
        };
        match answered {
            Ok(answer) => {
                let mut reply = serve::json(200, &answer);
                serve::set_header(&mut reply, "content-type", "application/x-amz-json-1.0");
                reply
            }
            Err(refusal) => refusal.reply(),
        }
    }

    fn at_once(&self, operation: &str, body: &Value, base: &str) -> Result<Value, Refusal> {
        let named = body.get("QueueName").and_then(Value::as_str);
        let url = |name: &str| format!("{base}/{ACCOUNT}/{name}");
        match (operation, named) {
            ("CreateQueue", Some(name)) => {
                let none = json!({});
                self.create(name, body.get("Attributes").unwrap_or(&none));
                return Ok(json!({"QueueUrl": url(name)}));
            }
            ("GetQueueUrl", Some(name)) => {
                self.with(name, |_| Ok(Value::Null))?;
                return Ok(json!({"QueueUrl": url(name)}));
            }
            _ => {}
        }
        let name = queue_name(body);
        let now = Instant::now();
        match operation {
            "GetQueueAttributes" => self.with(name, |queue| {
                Ok(json!({"Attributes": queue.attributes(name, now)}))
            }),
            "SetQueueAttributes" => self.with(name, |queue| {
                queue.set(body.get("Attributes").unwrap_or(&Value::Null));
                Ok(json!({}))
            }),
            "PurgeQueue" => self.with(name, |queue| {
                queue.purge();
                Ok(json!({}))
            }),
            "SendMessage" => self.with(name, |queue| send(queue, body, now)),
            "SendMessageBatch" => self.batch(name, body, |queue, entry| send(queue, entry, now)),
            "DeleteMessage" => self.with(name, |queue| delete(queue, body)),
            "DeleteMessageBatch" => self.batch(name, body, delete),
            "ChangeMessageVisibility" => self.with(name, |queue| change(queue, body, now)),
            "ChangeMessageVisibilityBatch" => {
                self.batch(name, body, |queue, entry| change(queue, entry, now))
            }
            _ => Err(Refusal(
                "UnsupportedOperation",
                "AWS.SimpleQueueService.UnsupportedOperation",
                format!("the stand-in does not have {operation}"),
            )),
        }
    }

    fn with(
        &self,
        name: &str,
        act: impl FnOnce(&mut Queue) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(name).ok_or_else(Refusal::missing_queue)?;
        let answer = act(queue);
        drop(queues);
        // Sent or released: whoever polls looks again.
        self.news.notify_waiters();
        answer
    }

    fn batch(
        &self,
        name: &str,
        body: &Value,
        act: impl Fn(&mut Queue, &Value) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let entries = body.get("Entries").and_then(Value::as_array);
        let entries = entries.map_or(&[][..], Vec::as_slice);
        if entries.is_empty() || entries.len() > 10 {
            let (code, older) = match entries.is_empty() {
                true => (
                    "EmptyBatchRequest",
                    "AWS.SimpleQueueService.EmptyBatchRequest",
                ),
                false => (
                    "TooManyEntriesInBatchRequest",
                    "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
                ),
            };
            let message = "a batch has 1 to 10 entries".to_owned();
            return Err(Refusal(code, older, message));
        }
        self.with(name, |queue| {
            let (mut done, mut failed) = (Vec::new(), Vec::new());
            for entry in entries {
                let id = entry.get("Id").unwrap_or(&Value::Null);
                match act(queue, entry) {
                    Ok(Value::Object(mut answer)) => {
                        answer.insert("Id".to_owned(), id.clone());
                        done.push(Value::Object(answer));
                    }
                    Ok(_) => done.push(json!({"Id": id})),
                    Err(refusal) => failed.push(refusal.entry(id)),
                }
            }
            Ok(json!({"Successful": done, "Failed": failed}))
        })
    }

    /// Waits for a message as long as the caller, or the queue, says.
    async fn receive(&self, body: &Value) -> Result<Value, Refusal> {
        let name = queue_name(body);
        let number = |key: &str| body.get(key).and_then(Value::as_u64);
        let most = number("MaxNumberOfMessages").unwrap_or(1);
        if !(1..=10).contains(&most) {
            return Err(Refusal::parameter("MaxNumberOfMessages must be 1 to 10"));
        }
        let visibility = number("VisibilityTimeout").map(Duration::from_secs);
        let wait = number("WaitTimeSeconds").unwrap_or(0).min(20);
        let until = Instant::now() + Duration::from_secs(wait);
        loop {
            let news = self.news.notified();
            let (messages, next) = self.take(name, most, visibility, body)?;
            let now = Instant::now();
            if !messages.is_empty() || now >= until {
                return Ok(match messages.is_empty() {
                    true => json!({}),
                    false => json!({"Messages": messages}),
                });
            }
            let wake = next.map_or(until, |next| next.min(until));
            tokio::select! {
                () = news => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Takes what is visible, and moves what came back too often to its dead-letter queue.
    fn take(
        &self,
        name: &str,
        most: u64,
        visibility: Option<Duration>,
        body: &Value,
    ) -> Result<(Vec<Value>, Option<Instant>), Refusal> {
        let now = Instant::now();
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(name).ok_or_else(Refusal::missing_queue)?;
        let (taken, dead) = queue.receive(most, visibility, now);
        let wanted = store::Wanted::of(body);
        let messages = taken.iter().map(|message| message.told(&wanted)).collect();
        let next = queue.next();
        let target = queue.dead_letters();
        if let Some(target) = target.and_then(|target| queues.get_mut(&target)) {
            for message in dead {
                target.adopt(message, now);
            }
        }
        Ok((messages, next))
    }
}

fn send(queue: &mut Queue, body: &Value, now: Instant) -> Result<Value, Refusal> {
    let text = body.get("MessageBody").and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Refusal::parameter("MessageBody is missing or empty"))?;
    if text.len() > 1_048_576 {
        return Err(Refusal::parameter(
            "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.",
        ));
    }
    let delay = body.get("DelaySeconds").and_then(Value::as_u64);
    let none = json!({});
    let attributes = body.get("MessageAttributes").unwrap_or(&none);
    let delay = Duration::from_secs(delay.unwrap_or(0));
    let (id, digest) = queue.send(text.to_owned(), attributes, delay, now);
    Ok(json!({"MessageId": id, "MD5OfMessageBody": digest}))
}

fn delete(queue: &mut Queue, body: &Value) -> Result<Value, Refusal> {
    queue.delete(handle(body)?);
    Ok(json!({}))
}

fn change(queue: &mut Queue, body: &Value, now: Instant) -> Result<Value, Refusal> {
    let seconds = body.get("VisibilityTimeout").and_then(Value::as_u64);
    let seconds = seconds.filter(|seconds| *seconds <= 43_200);
    let seconds = seconds.ok_or_else(|| Refusal::parameter("VisibilityTimeout is 0 to 43200"))?;
    match queue.change(handle(body)?, now + Duration::from_secs(seconds), now) {
        store::Changed::Done => Ok(json!({})),
        store::Changed::Unknown => Err(Refusal::parameter(
            "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
        )),
        store::Changed::Visible => Err(Refusal(
            "MessageNotInflight",
            "AWS.SimpleQueueService.MessageNotInflight",
            "The message referred to isn't in flight.".to_owned(),
        )),
    }
}

/// The message and the receive that a receipt handle stands for.
fn handle(body: &Value) -> Result<(u64, u64), Refusal> {
    let text = body.get("ReceiptHandle").and_then(Value::as_str);
    let parts = text.and_then(|text| text.strip_prefix("receipt-")?.split_once('-'));
    let parsed = parts.and_then(|(id, nth)| Some((id.parse().ok()?, nth.parse().ok()?)));
    parsed.ok_or_else(Refusal::handle)
}

/// A queue is named by the end of its URL.
fn queue_name(body: &Value) -> &str {
    let url = body.get("QueueUrl").and_then(Value::as_str).unwrap_or("");
    url.rsplit('/').next().unwrap_or("")
}
