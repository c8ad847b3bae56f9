//! Parking: to the dead-letter queue with a reason, then off the queue.

use std::collections::HashMap;

use aws_sdk_sqs::types::MessageAttributeValue;

use super::{DeadLetters, REDRIVEN, STRING, SqsQueue, short};
use crate::aws::fault::{Fault, Told};
use crate::event::{Delivery, EntryError, ParkedPointer, QueueError};
use crate::retry::Reason;

/// Reasons are sentences; longer ones are cut.
const LONGEST_TEXT: usize = 1_024;

impl SqsQueue {
    pub(super) async fn park_one(
        &self,
        delivery: &Delivery,
        reason: &Reason,
    ) -> Result<(), QueueError> {
        let Some(dead_letters) = &self.dead_letters else {
            return Err(QueueError::Refused(format!(
                "{} has no dead-letter queue, so nothing can be parked: give the queue a redrive \
                 policy, or set `queue.dead_letter_url`",
                self.url
            )));
        };
        let attributes = self.attributes(delivery, reason);
        let size = delivery.body.as_str().len() + size(&attributes);
        let body = if size <= dead_letters.largest {
            delivery.body.as_str().to_owned()
        } else {
            self.pointer(delivery, size, dead_letters).await?
        };
        self.client
            .send_message()
            .queue_url(&dead_letters.url)
            .message_body(body)
            .set_message_attributes(Some(values(attributes)))
            .customize()
            .config_override(short())
            .send()
            .await
            .map_err(|error| Fault::of("sqs:SendMessage", &error, Told::Code))?;
        let acked = self.ack_all(std::slice::from_ref(&delivery.receipt)).await;
        match acked.into_iter().next() {
            Some(Err(EntryError::Failed(why))) => Err(QueueError::Unavailable(format!(
                "parked, but still in the queue: {why}"
            ))),
            // A lease that is over: the message comes again, and may be parked again.
            _ => Ok(()),
        }
    }

    /// Puts the body elsewhere and answers what is parked in its place.
    async fn pointer(
        &self,
        delivery: &Delivery,
        size: usize,
        dead_letters: &DeadLetters,
    ) -> Result<String, QueueError> {
        let Some(overflow) = &self.overflow else {
            return Err(QueueError::Refused(format!(
                "a message of {size} bytes with its reason does not fit into the dead-letter queue \
                 (at most {}), and there is no records bucket to put it into: raise the queue's \
                 MaximumMessageSize, or set `records.bucket`",
                dead_letters.largest
            )));
        };
        let place = overflow.keep(&delivery.id, &delivery.body).await?;
        Ok(pointer_text(&ParkedPointer::new(place, &delivery.body)))
    }

    fn attributes(&self, delivery: &Delivery, reason: &Reason) -> Vec<(&'static str, String)> {
        let mut attributes = vec![
            ("reason", reason.code.to_owned()),
            ("error", plain(&reason.detail)),
            ("first_seen", delivery.sent_at.to_string()),
            ("source_queue", self.arn.clone()),
            ("message_id", plain(&delivery.id.0)),
        ];
        if delivery.redriven > 0 {
            attributes.push((REDRIVEN, delivery.redriven.to_string()));
        }
        attributes
    }
}

fn pointer_text(pointer: &ParkedPointer) -> String {
    serde_json::to_string(pointer).expect("strings and numbers are JSON")
}

/// Text that SQS takes: not empty, no control characters, bounded.
fn plain(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| {
            if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') {
                ' '
            } else {
                c
            }
        })
        .take(LONGEST_TEXT)
        .collect();
    if plain.trim().is_empty() {
        "-".to_owned()
    } else {
        plain
    }
}

/// What attributes count towards the size of a message: name, type and value.
fn size(attributes: &[(&'static str, String)]) -> usize {
    let sizes = attributes
        .iter()
        .map(|(name, value)| name.len() + STRING.len() + value.len());
    sizes.sum()
}

fn values(
    attributes: impl IntoIterator<Item = (&'static str, String)>,
) -> HashMap<String, MessageAttributeValue> {
    let value = |text| {
        MessageAttributeValue::builder()
            .data_type(STRING)
            .string_value(text)
            .build()
            .expect("an attribute has a type")
    };
    attributes
        .into_iter()
        .map(|(name, text)| (name.to_owned(), value(text)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::aws::sqs::open::tests::{queue, queue_with_dead_letters};
    use crate::event::{Body, MessageId, Overflow, Place, Queue, Receipt};

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<(MessageId, usize)>>);

    #[async_trait]
    impl Overflow for Kept {
        async fn keep(&self, id: &MessageId, body: &Body) -> Result<Place, QueueError> {
            self.0
                .lock()
                .unwrap()
                .push((id.clone(), body.as_str().len()));
            Ok(Place {
                bucket: "records".to_owned(),
                key: format!("parked/{}", id.0),
            })
        }
    }

    fn delivery(body: impl Into<String>) -> Delivery {
        Delivery {
            id: MessageId("m1".to_owned()),
            receipt: Receipt("r1".to_owned()),
            body: Body::new(body),
            receive_count: 1,
            sent_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            redriven: 0,
        }
    }

    fn reason() -> Reason {
        Reason::new("bad_key", "the key is\u{7} empty")
    }

    fn sent() -> Answer {
        Answer::new(200, r#"{"MessageId":"d1"}"#)
    }

    fn deleted() -> Answer {
        Answer::new(200, r#"{"Successful":[{"Id":"0"}],"Failed":[]}"#)
    }

    fn text(sent: &Value, name: &str) -> String {
        let attribute = &sent["MessageAttributes"][name];
        assert_eq!(attribute["DataType"], "String");
        attribute["StringValue"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn what_is_parked_says_why_and_whence() {
        let service = Scripted::start([sent(), deleted()]).await;
        let queue = queue_with_dead_letters(&service, 1_048_576).await;
        queue.park(&delivery("body"), &reason()).await.unwrap();
        let asked = service.asked();
        let sent = asked[0].json();
        assert_eq!(sent["QueueUrl"], queue.dead_letter_url().unwrap());
        assert_eq!(sent["MessageBody"], "body");
        assert_eq!(text(&sent, "reason"), "bad_key");
        assert_eq!(text(&sent, "error"), "the key is  empty");
        assert_eq!(text(&sent, "first_seen"), "2026-11-22T10:00:00Z");
        assert_eq!(
            text(&sent, "source_queue"),
            "arn:aws:sqs:us-east-1:000000000000:q"
        );
        assert_eq!(text(&sent, "message_id"), "m1");
        assert!(sent["MessageAttributes"].get("redriven").is_none());
        assert_eq!(asked[1].json()["Entries"][0]["ReceiptHandle"], "r1");
    }

    #[tokio::test]
    async fn what_was_sent_back_before_says_how_often() {
        let service = Scripted::start([sent(), deleted()]).await;
        let queue = queue_with_dead_letters(&service, 1_048_576).await;
        let again = Delivery {
            redriven: 3,
            ..delivery("body")
        };
        queue.park(&again, &reason()).await.unwrap();
        assert_eq!(text(&service.asked()[0].json(), "redriven"), "3");
    }

    #[tokio::test]
    async fn nothing_is_acked_that_was_not_parked() {
        let refused = Answer::new(400, r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}"#);
        let service = Scripted::start([refused]).await;
        let queue = queue_with_dead_letters(&service, 1_048_576).await;
        let error = queue.park(&delivery("body"), &reason()).await.unwrap_err();
        assert!(matches!(error, QueueError::Refused(_)), "{error}");
        assert_eq!(service.asked().len(), 1);
    }

    #[tokio::test]
    async fn without_dead_letters_the_remedy_is_named_and_nothing_happens() {
        let service = Scripted::start([]).await;
        let queue = queue(&service).await;
        let error = queue.park(&delivery("body"), &reason()).await.unwrap_err();
        assert!(
            error.to_string().contains("queue.dead_letter_url"),
            "{error}"
        );
        assert!(service.asked().is_empty());
    }

    #[tokio::test]
    async fn a_lease_that_is_over_does_not_undo_a_park() {
        let gone = json!({"Successful": [], "Failed": [
            {"Id": "0", "Code": "ReceiptHandleIsInvalid", "SenderFault": true}
        ]});
        let service = Scripted::start([sent(), Answer::new(200, gone.to_string())]).await;
        let queue = queue_with_dead_letters(&service, 1_048_576).await;
        queue.park(&delivery("body"), &reason()).await.unwrap();
    }

    #[tokio::test]
    async fn a_park_whose_delete_fails_is_no_park() {
        let service = Scripted::start([sent(), Answer::new(500, "{}")]).await;
        let queue = queue_with_dead_letters(&service, 1_048_576).await;
        let error = queue.park(&delivery("body"), &reason()).await.unwrap_err();
        assert!(matches!(error, QueueError::Unavailable(_)), "{error}");
    }

    #[tokio::test]
    async fn what_fits_to_the_byte_is_parked_whole_and_one_more_by_pointer() {
        let service = Scripted::start([sent(), deleted(), sent(), deleted()]).await;
        let kept = Arc::new(Kept::default());
        let overflow: Arc<dyn Overflow> = Arc::<Kept>::clone(&kept);
        let queue = queue_with_dead_letters(&service, 2_000)
            .await
            .with_overflow(overflow);
        let beside = size(&queue.attributes(&delivery(""), &reason()));
        let fits = "é".repeat((2_000 - beside) / 2) + if beside % 2 == 1 { "x" } else { "" };
        assert_eq!(fits.len() + beside, 2_000);
        queue
            .park(&delivery(fits.clone()), &reason())
            .await
            .unwrap();
        assert!(kept.0.lock().unwrap().is_empty());
        let bigger = fits + "x";
        queue
            .park(&delivery(bigger.clone()), &reason())
            .await
            .unwrap();
        let expected = (MessageId("m1".to_owned()), bigger.len());
        assert_eq!(*kept.0.lock().unwrap(), [expected]);
        let asked = service.asked();
        let body = asked[2].json()["MessageBody"].as_str().unwrap().to_owned();
        let pointer: ParkedPointer = serde_json::from_str(&body).unwrap();
        let place = (pointer.bucket.as_str(), pointer.key.as_str());
        assert_eq!(place, ("records", "parked/m1"));
        assert_eq!(pointer.bytes, bigger.len() as u64);
        assert_eq!(text(&asked[2].json(), "reason"), "bad_key");
    }

    #[tokio::test]
    async fn without_a_place_for_it_a_big_message_stays() {
        let service = Scripted::start([]).await;
        let queue = queue_with_dead_letters(&service, 2_000).await;
        let big = delivery("x".repeat(3_000));
        let error = queue.park(&big, &reason()).await.unwrap_err();
        assert!(error.to_string().contains("records.bucket"), "{error}");
        assert!(service.asked().is_empty());
    }

    #[test]
    fn reasons_are_text_that_sqs_takes() {
        assert_eq!(plain("a\u{0}b\nc\u{ffff}d"), "a b c d");
        assert_eq!(plain(""), "-");
        assert_eq!(plain(&"é".repeat(5_000)).chars().count(), LONGEST_TEXT);
    }
}
