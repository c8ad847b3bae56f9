//! The dead-letter queue of one or two queues, for those who look at it and send back.
//!
//! `StartMessageMoveTask` is not used: it moves everything, asks nobody whether that is of any use,
//! and takes parked attributes along.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::{
    Message, MessageAttributeValue, MessageSystemAttributeName as System,
    QueueAttributeName as Attribute,
};
use jiff::Timestamp;

use super::open::{Attributes, attributes};
use super::{
    LARGEST_MESSAGE, LONGEST_VISIBILITY, REDRIVEN, STRING, SqsQueue, short, whole_seconds,
};
use crate::aws::fault::{Fault, Told};
use crate::aws::{Clients, S3Overflow};
use crate::event::{Body, EntryError, MessageId, OwnPlace, ParkedPointer, QueueError, Receipt};
use crate::maintenance::dead_letters::{Backlog, DeadLetters, Parked, Source};

/// What the worker notes beside a message that it parks, and we ourselves.
const NOTED: [&str; 6] = [
    "reason",
    "error",
    "first_seen",
    "source_queue",
    "message_id",
    REDRIVEN,
];

/// The longest poll and the largest batch (API reference, `ReceiveMessage`).
const LONGEST_POLL: Duration = Duration::from_secs(20);
const LARGEST_BATCH: i32 = 10;

/// A dead-letter queue of Amazon SQS.
#[derive(Debug)]
pub struct SqsDeadLetters {
    /// The dead-letter queue itself; that it has dead letters of its own is refused.
    queue: SqsQueue,
    name: String,
    sources: Vec<Source>,
    overflow: Option<S3Overflow>,
}

impl SqsDeadLetters {
    /// The dead-letter queues of these queues, each with the setting that it stands in and the
    /// dead-letter queue that is set where its redrive policy names none. Queues that share one come
    /// as one. Bodies that were too big are read below `records`.
    ///
    /// Calls `sqs:GetQueueAttributes` on all of them, and `sqs:GetQueueUrl` on dead-letter queues.
    ///
    /// # Errors
    /// As of [`SqsQueue::open`]; a queue has no dead-letter queue, or that one has itself one.
    pub async fn open(
        clients: &Clients,
        queues: &[(&'static str, &str, Option<&str>)],
        records: Option<OwnPlace>,
    ) -> Result<Vec<Self>, QueueError> {
        let mut all: Vec<Self> = Vec::new();
        for (setting, url, dead) in queues {
            let dead = dead.map(str::to_owned);
            let source = SqsQueue::open_as(clients, (setting, url), dead, Duration::MAX).await?;
            let Some(dead) = source.dead_letter_url() else {
                return Err(QueueError::Refused(format!(
                    "{url} has no dead-letter queue: give it a redrive policy, or set \
                     `queue.dead_letter_url`"
                )));
            };
            let named = Source {
                arn: source.arn.clone(),
                url: source.url.clone(),
            };
            if let Some(known) = all.iter_mut().find(|known| known.queue.url == dead) {
                known.sources.push(named);
                continue;
            }
            let attributes = attributes(&clients.sqs, dead).await?;
            let overflow = records.clone();
            let overflow = overflow.map(|place| S3Overflow::new(clients, place));
            all.push(Self::of(&source, dead, &attributes, named, overflow)?);
        }
        Ok(all)
    }

    fn of(
        source: &SqsQueue,
        url: &str,
        attributes: &Attributes,
        named: Source,
        overflow: Option<S3Overflow>,
    ) -> Result<Self, QueueError> {
        let policy = attributes.get(&Attribute::RedrivePolicy);
        if policy.is_some_and(|policy| !policy.is_empty()) {
            return Err(QueueError::Refused(format!(
                "{url} has a dead-letter queue itself: to look at a message is to receive it, which \
                 would move it on in the end; take the redrive policy off this queue"
            )));
        }
        let queue = SqsQueue {
            client: source.client.clone(),
            url: url.to_owned(),
            arn: attributes
                .get(&Attribute::QueueArn)
                .cloned()
                .unwrap_or_else(|| url.to_owned()),
            visibility: source.visibility,
            max_receives: None,
            dead_letters: None,
            overflow: None,
            jitter: source.jitter.clone(),
        };
        Ok(Self {
            name: url.rsplit('/').next().unwrap_or(url).to_owned(),
            queue,
            sources: vec![named],
            overflow,
        })
    }
}

#[async_trait]
impl DeadLetters for SqsDeadLetters {
    fn name(&self) -> &str {
        &self.name
    }

    fn sources(&self) -> &[Source] {
        &self.sources
    }

    async fn receive(&self, hidden: Duration, wait: Duration) -> Result<Vec<Parked>, QueueError> {
        let mut call = self
            .queue
            .client
            .receive_message()
            .queue_url(&self.queue.url)
            .max_number_of_messages(LARGEST_BATCH)
            .wait_time_seconds(whole_seconds(wait, LONGEST_POLL))
            .visibility_timeout(whole_seconds(hidden, LONGEST_VISIBILITY))
            .message_system_attribute_names(System::ApproximateReceiveCount)
            .message_system_attribute_names(System::SentTimestamp)
            .message_system_attribute_names(System::DeadLetterQueueSourceArn);
        for name in NOTED {
            call = call.message_attribute_names(name);
        }
        let answer = call.send().await;
        let answer =
            answer.map_err(|error| Fault::of("sqs:ReceiveMessage", &error, Told::Message))?;
        let messages = answer.messages.unwrap_or_default();
        Ok(messages.into_iter().filter_map(parked).collect())
    }

    async fn extend(&self, entries: &[(Receipt, Duration)]) -> Vec<Result<(), EntryError>> {
        self.queue.extend_all(entries).await
    }

    async fn fetch(&self, pointer: &ParkedPointer) -> Result<Option<Body>, QueueError> {
        match &self.overflow {
            Some(overflow) => overflow.fetch(pointer).await,
            None => Err(QueueError::Refused(
                "a message was too big for the queue, and its text lies in the records bucket: set \
                 `records.bucket`"
                    .to_owned(),
            )),
        }
    }

    async fn send(
        &self,
        source: &Source,
        body: &Body,
        redriven: u32,
    ) -> Result<MessageId, QueueError> {
        let count = redriven.to_string();
        let size = REDRIVEN.len() + STRING.len() + count.len() + body.as_str().len();
        let mut call = self
            .queue
            .client
            .send_message()
            .queue_url(&source.url)
            .message_body(body.as_str());
        // A message of the largest size has no room for it.
        if size <= LARGEST_MESSAGE {
            let value = MessageAttributeValue::builder()
                .data_type(STRING)
                .string_value(count)
                .build()
                .expect("an attribute has a type");
            call = call.message_attributes(REDRIVEN, value);
        }
        let sent = call.customize().config_override(short()).send().await;
        let sent = sent.map_err(|error| Fault::of("sqs:SendMessage", &error, Told::Code))?;
        Ok(MessageId(sent.message_id.unwrap_or_default()))
    }

    async fn remove(&self, receipts: &[Receipt]) -> Vec<Result<(), EntryError>> {
        self.queue.ack_all(receipts).await
    }

    async fn backlog(&self) -> Result<Backlog, QueueError> {
        let attributes = attributes(&self.queue.client, &self.queue.url).await?;
        let count = |name: Attribute| {
            let written = attributes.get(&name);
            written
                .and_then(|count| count.parse().ok())
                .unwrap_or_default()
        };
        Ok(Backlog {
            waiting: count(Attribute::ApproximateNumberOfMessages),
            hidden: count(Attribute::ApproximateNumberOfMessagesNotVisible),
            delayed: count(Attribute::ApproximateNumberOfMessagesDelayed),
        })
    }
}

/// A message as the port knows it. What SQS moved by itself says where from, and then the worker has
/// noted nothing: what stands beside it was written by whoever sent it. Anybody who may send to the
/// queue may still write anything: what is no time, number or ARN is none.
fn parked(message: Message) -> Option<Parked> {
    let receipt = Receipt(message.receipt_handle?);
    let system = |name| message.attributes.as_ref()?.get(&name).cloned();
    let moved_from = system(System::DeadLetterQueueSourceArn);
    let attributes = message.message_attributes.unwrap_or_default();
    let text = |name| text(&attributes, name);
    let noted = |name| text(name).filter(|_| moved_from.is_none());
    let body = message.body.unwrap_or_default();
    let reason = noted("reason");
    let pointer: Option<ParkedPointer> = reason
        .as_ref()
        .and_then(|_| serde_json::from_str(&body).ok());
    Some(Parked {
        id: MessageId(message.message_id.unwrap_or_default()),
        receipt,
        body: Body::new(body),
        error: noted("error"),
        first_seen: noted("first_seen").and_then(|time| time.parse().ok()),
        sent_at: system(System::SentTimestamp)
            .and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok())
            .unwrap_or_else(Timestamp::now),
        source_queue: noted("source_queue")
            .or(moved_from.clone())
            .filter(|arn| arn.starts_with("arn:")),
        original_id: noted("message_id"),
        receive_count: system(System::ApproximateReceiveCount)
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
        redriven: text(REDRIVEN)
            .and_then(|count| count.parse().ok())
            .unwrap_or_default(),
        pointer: pointer.filter(|pointer| pointer.s3_warden_parked == 1),
        reason,
    })
}

fn text(noted: &HashMap<String, MessageAttributeValue>, name: &str) -> Option<String> {
    noted.get(name)?.string_value.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::event::{BucketName, Place};

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:uploads";
    const DEAD: &str = "http://h/000000000000/dead";

    fn described(attributes: Value) -> Answer {
        Answer::new(200, json!({"Attributes": attributes}).to_string())
    }

    /// A queue's answers to being opened: itself, the URL of its dead letters, and those.
    fn source(arn: &str, dead: Value) -> Vec<Answer> {
        let policy = json!({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead",
            "maxReceiveCount": 20});
        vec![
            described(json!({"QueueArn": arn, "RedrivePolicy": policy.to_string()})),
            Answer::new(200, json!({"QueueUrl": DEAD}).to_string()),
            described(dead),
        ]
    }

    fn dead() -> Value {
        json!({"QueueArn": "arn:aws:sqs:us-east-1:000000000000:dead"})
    }

    async fn opened(
        answers: Vec<Answer>,
        queues: &[(&'static str, &str, Option<&str>)],
    ) -> (Scripted, Result<Vec<SqsDeadLetters>, QueueError>) {
        let service = Scripted::start(answers).await;
        let clients = service.clients().await;
        let records = OwnPlace {
            bucket: BucketName::new("records").unwrap(),
            prefix: "pii/".to_owned(),
        };
        let opened = SqsDeadLetters::open(&clients, queues, Some(records)).await;
        (service, opened)
    }

    /// Opened, and then answered so.
    async fn one(answers: impl IntoIterator<Item = Answer>) -> (Scripted, SqsDeadLetters) {
        let mut all = source(ARN, dead());
        all.push(described(dead()));
        all.extend(answers);
        let queues = [("queue.url", "http://h/000000000000/uploads", None)];
        let (service, opened) = opened(all, &queues).await;
        (service, opened.unwrap().remove(0))
    }

    #[tokio::test]
    async fn queues_that_share_dead_letters_have_them_once() {
        let events = "arn:aws:sqs:us-east-1:000000000000:events";
        let mut answers = source(ARN, dead());
        answers.push(described(dead()));
        answers.extend(source(events, dead()));
        let queues = [
            ("queue.url", "http://h/000000000000/uploads", None),
            ("queue.events_url", "http://h/000000000000/events", None),
        ];
        let (_service, opened) = opened(answers, &queues).await;
        let all = opened.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].name(), "dead");
        let arns: Vec<_> = all[0].sources().iter().map(|it| it.arn.as_str()).collect();
        assert_eq!(arns, [ARN, events]);
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_its_remedy() {
        async fn check(answers: Vec<Answer>, passes: bool, says: &[&str]) {
            let queues = [("queue.url", "http://h/000000000000/uploads", None)];
            let (_service, opened) = opened(answers, &queues).await;
            let error = opened.unwrap_err();
            let text = error.to_string();
            assert_eq!(
                matches!(error, QueueError::Unavailable(_)),
                passes,
                "{text}"
            );
            for part in says {
                assert!(text.contains(part), "{part} is not in {text}");
            }
        }
        let none = vec![described(json!({"QueueArn": ARN}))];
        check(
            none,
            false,
            &["no dead-letter queue", "queue.dead_letter_url"],
        )
        .await;
        let chained = json!({"RedrivePolicy": "{\"maxReceiveCount\":3}"});
        let mut answers = source(ARN, dead());
        answers.push(described(chained));
        check(
            answers,
            false,
            &["dead-letter queue itself", "redrive policy"],
        )
        .await;
        let missing = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#;
        check(vec![Answer::new(400, missing)], false, &["AWS_REGION"]).await;
        let denied = r#"{"__type":"AccessDeniedException"}"#;
        check(
            vec![Answer::new(403, denied)],
            false,
            &["sqs:GetQueueAttributes"],
        )
        .await;
        check(vec![Answer::new(503, "{}")], true, &["503"]).await;
    }

    #[tokio::test]
    async fn a_parked_message_is_read_with_all_that_was_noted() {
        let text = |value: &str| json!({"DataType": "String", "StringValue": value});
        let pointer = json!({"s3_warden_parked": 1, "bucket": "records", "key": "pii/parked/m",
            "bytes": 3, "sha256": "00"})
        .to_string();
        let noted = json!({"reason": text("not_json"), "error": text("a sentence"),
            "first_seen": text("2026-11-20T10:00:00Z"), "source_queue": text(ARN),
            "message_id": text("before"), "redriven": text("2")});
        let system = json!({"ApproximateReceiveCount": "3", "SentTimestamp": "1795326524123"});
        let mut moved = system.clone();
        moved["DeadLetterQueueSourceArn"] = ARN.into();
        let message = |id: &str, noted: &Value, system: &Value| {
            json!({"MessageId": id, "ReceiptHandle": "r", "Body": pointer,
                "Attributes": system, "MessageAttributes": noted})
        };
        let odd = json!({"first_seen": text("yesterday"), "source_queue": text("\u{1b}[2J"),
            "redriven": text("-1")});
        let answer = json!({"Messages": [
            message("parked", &noted, &system),
            message("moved", &noted, &moved),
            message("odd", &odd, &system),
        ]});
        let (service, queue) = one([Answer::new(200, answer.to_string())]).await;
        let hidden = Duration::from_secs(300);
        let came = queue.receive(hidden, Duration::from_secs(1)).await.unwrap();
        let [parked, moved, odd] = came.as_slice() else {
            panic!("{came:?}");
        };
        assert_eq!(parked.reason(), "not_json");
        assert_eq!(parked.since().to_string(), "2026-11-20T10:00:00Z");
        assert_eq!(parked.source_queue.as_deref(), Some(ARN));
        assert_eq!(parked.original_id.as_deref(), Some("before"));
        assert_eq!((parked.redriven, parked.receive_count), (2, 3));
        assert_eq!(parked.pointer.as_ref().unwrap().key, "pii/parked/m");
        // Whoever sent it wrote that; the worker never had it in hand.
        assert_eq!((moved.reason(), &moved.pointer), ("moved_by_sqs", &None));
        assert_eq!(moved.source_queue.as_deref(), Some(ARN));
        assert_eq!(moved.since().as_millisecond(), 1_795_326_524_123);
        assert_eq!(
            (odd.reason(), &odd.source_queue, odd.redriven),
            ("moved_by_sqs", &None, 0)
        );
        assert_eq!(odd.since().as_millisecond(), 1_795_326_524_123);
        let asked = service.asked().last().unwrap().json();
        assert_eq!(
            (&asked["QueueUrl"], &asked["VisibilityTimeout"]),
            (&DEAD.into(), &300.into())
        );
    }

    #[tokio::test]
    async fn what_is_sent_back_carries_its_count_and_nothing_else() {
        let sent = || Answer::new(200, r#"{"MessageId":"n"}"#);
        let refused = Answer::new(403, r#"{"__type":"AccessDeniedException"}"#);
        let throttled = Answer::new(400, r#"{"__type":"com.amazonaws.sqs#RequestThrottled"}"#);
        let (service, queue) = one([sent(), sent(), refused, throttled]).await;
        let source = queue.sources()[0].clone();
        let id = queue.send(&source, &Body::new("hello"), 2).await.unwrap();
        assert_eq!(id.0, "n");
        let asked = service.asked().last().unwrap().json();
        assert_eq!(asked["QueueUrl"], source.url);
        let count = json!({"redriven": {"DataType": "String", "StringValue": "2"}});
        assert_eq!(
            (&asked["MessageBody"], &asked["MessageAttributes"]),
            (&"hello".into(), &count)
        );
        // The largest message has no room for it.
        let largest = Body::new("x".repeat(LARGEST_MESSAGE - 14));
        queue.send(&source, &largest, 2).await.unwrap();
        let asked = service.asked().last().unwrap().json();
        assert!(asked.get("MessageAttributes").is_none());
        let body = Body::new("4111");
        let error = queue.send(&source, &body, 0).await.unwrap_err();
        assert!(matches!(&error, QueueError::Refused(why) if why.contains("sqs:SendMessage")));
        assert!(!error.to_string().contains("4111"));
        let error = queue.send(&source, &body, 0).await.unwrap_err();
        assert!(matches!(error, QueueError::Unavailable(_)), "{error}");
    }

    #[tokio::test]
    async fn only_bodies_that_we_put_there_are_fetched() {
        let whole = Body::new("the whole text");
        let place = |bucket: &str, key: &str| Place {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        };
        let stored = || Answer::new(200, whole.as_str()).header("etag", "\"e\"");
        let gone = Answer::new(404, "<Error><Code>NoSuchKey</Code></Error>");
        let (service, queue) = one([stored(), stored(), gone]).await;
        let before = service.asked().len();
        let good = ParkedPointer::new(good_place(), &whole);
        assert_eq!(queue.fetch(&good).await.unwrap(), Some(whole.clone()));
        let changed = ParkedPointer::new(good_place(), &Body::new("another text!!"));
        assert_eq!(queue.fetch(&changed).await.unwrap(), None);
        assert_eq!(queue.fetch(&good).await.unwrap(), None);
        assert_eq!(service.asked().len(), before + 3);
        for (bucket, key) in [
            ("guarded", "pii/parked/m1"),
            ("records", "parked/m1"),
            ("records", "pii/findings/x.json"),
        ] {
            let elsewhere = ParkedPointer::new(place(bucket, key), &whole);
            assert_eq!(
                queue.fetch(&elsewhere).await.unwrap(),
                None,
                "{bucket} {key}"
            );
        }
        assert_eq!(service.asked().len(), before + 3, "nothing else is read");
    }

    fn good_place() -> Place {
        Place {
            bucket: "records".to_owned(),
            key: "pii/parked/m1".to_owned(),
        }
    }
}
