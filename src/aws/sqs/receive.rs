//! Taking messages.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as Attribute};
use jiff::Timestamp;

use super::{LONGEST_VISIBILITY, REDRIVEN, SqsQueue, whole_seconds};
use crate::aws::fault::{Fault, Told};
use crate::event::{Body, Delivery, MessageId, QueueError, Receipt};

/// The longest poll and the largest batch (API reference, `ReceiveMessage`).
const LONGEST_POLL: Duration = Duration::from_secs(20);
const LARGEST_BATCH: u8 = 10;

impl SqsQueue {
    pub(super) async fn receive_some(
        &self,
        max: u8,
        wait: Duration,
    ) -> Result<Vec<Delivery>, QueueError> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(max.clamp(1, LARGEST_BATCH).into())
            .wait_time_seconds(whole_seconds(wait, LONGEST_POLL))
            // Said at every call: leases are extended by what we believe it to be.
            .visibility_timeout(whole_seconds(self.visibility, LONGEST_VISIBILITY))
            // They come only if asked for by name.
            .message_system_attribute_names(Attribute::ApproximateReceiveCount)
            .message_system_attribute_names(Attribute::SentTimestamp)
            .message_attribute_names(REDRIVEN)
            .send()
            .await
            .map_err(|error| Fault::of("sqs:ReceiveMessage", &error, Told::Message))?;
        let messages = answer.messages.unwrap_or_default();
        Ok(messages.into_iter().filter_map(delivery).collect())
    }
}

/// A message as the port knows it. One without a handle could be neither settled nor extended; SQS
/// sends none such.
fn delivery(message: Message) -> Option<Delivery> {
    let receipt = Receipt(message.receipt_handle?);
    let attribute = |name| message.attributes.as_ref()?.get(&name).cloned();
    let receive_count = attribute(Attribute::ApproximateReceiveCount)
        .and_then(|count| count.parse().ok())
        .unwrap_or(1);
    let sent_at = attribute(Attribute::SentTimestamp)
        .and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok())
        .unwrap_or_else(Timestamp::now);
    let sent_back = message.message_attributes.as_ref();
    let redriven = sent_back
        .and_then(|all| all.get(REDRIVEN)?.string_value.as_ref()?.parse().ok())
        .unwrap_or_default();
    Some(Delivery {
        id: MessageId(message.message_id.unwrap_or_default()),
        receipt,
        body: Body::new(message.body.unwrap_or_default()),
        receive_count,
        sent_at,
        redriven,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::aws::sqs::open::tests::queue;
    use crate::event::Queue;

    #[tokio::test]
    async fn a_poll_asks_for_what_it_needs_and_reads_it() {
        let answer = r#"{"Messages":[{"MessageId":"m1","ReceiptHandle":"r1","Body":"hello",
            "Attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1795326524123"},
            "MessageAttributes":{"redriven":{"DataType":"String","StringValue":"2"}}}]}"#;
        let service = Scripted::start([Answer::new(200, answer)]).await;
        let queue = queue(&service).await;
        let wait = Duration::from_secs(30);
        let deliveries = queue.receive(200, wait).await.unwrap();
        assert_eq!(deliveries.len(), 1);
        let first = &deliveries[0];
        assert_eq!(
            (first.id.0.as_str(), first.receipt.0.as_str()),
            ("m1", "r1")
        );
        assert_eq!((first.body.as_str(), first.receive_count), ("hello", 3));
        assert_eq!(first.sent_at.as_millisecond(), 1_795_326_524_123);
        assert_eq!(first.redriven, 2);
        let asked = service.asked()[0].json();
        let expected = serde_json::json!({
            "QueueUrl": queue.url(),
            "MaxNumberOfMessages": 10,
            "WaitTimeSeconds": 20,
            "VisibilityTimeout": 120,
            "MessageSystemAttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
            "MessageAttributeNames": ["redriven"],
        });
        assert_eq!(asked, expected);
    }

    #[tokio::test]
    async fn failures_are_sorted_by_who_has_to_act() {
        async fn check(status: u16, code: &str, passes: bool, says: &str) {
            let body = format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"why"}}"#);
            let service = Scripted::start([Answer::new(status, body)]).await;
            let queue = queue(&service).await;
            let error = queue.receive(1, Duration::ZERO).await.unwrap_err();
            assert_eq!(
                matches!(error, QueueError::Unavailable(_)),
                passes,
                "{error}"
            );
            assert!(error.to_string().contains(says), "{error}");
        }
        check(400, "OverLimit", true, "OverLimit").await;
        check(400, "RequestThrottled", true, "RequestThrottled").await;
        check(400, "KmsThrottled", true, "KmsThrottled").await;
        check(500, "InternalFailure", true, "InternalFailure").await;
        check(400, "QueueDoesNotExist", false, "check the queue's URL").await;
        check(400, "AccessDeniedException", false, "grant this action").await;
        check(403, "ExpiredToken", false, "renew them").await;
        check(400, "KmsDisabled", false, "KMS key").await;
    }
}
