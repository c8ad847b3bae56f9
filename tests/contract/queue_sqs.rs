//! The queue of AWS: its ground for the suite of `queue`, and what only it promises.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::types::QueueAttributeName;
use s3_warden::aws::SqsQueue;
use s3_warden::event::{Body, MessageId, Overflow, ParkedPointer, Place, Queue, QueueError};
use s3_warden::retry::Reason;

use crate::kit::Emulator;
use crate::queue::{QueueBench, QueueGround, one};

/// A queue of the emulator with its dead-letter queue. Half of a lease of four seconds is enough for
/// the round trips of a busy machine.
pub(crate) struct EmulatorBench {
    queue: Arc<SqsQueue>,
    client: aws_sdk_sqs::Client,
    dead: String,
}

impl QueueGround for Emulator {
    type Bench = EmulatorBench;
    const VISIBILITY: Duration = Duration::from_secs(4);
    const EDGE: Duration = Duration::from_secs(2);
    // MiniStack lets the newest handle of a message extend a lease that ran out; SQS answers
    // `MessageNotInflight`.
    const LAPSES_AT_ONCE: bool = false;

    async fn make(&self) -> EmulatorBench {
        let client = aws_sdk_sqs::Client::new(&Self::sdk().await);
        let dead = create(&client, &Self::name("dead"), None).await;
        let attributes = client
            .get_queue_attributes()
            .queue_url(&dead)
            .attribute_names(QueueAttributeName::QueueArn);
        let attributes = attributes.send().await.unwrap().attributes.unwrap();
        let policy = serde_json::json!({
            "deadLetterTargetArn": attributes[&QueueAttributeName::QueueArn],
            "maxReceiveCount": 3,
        });
        let url = create(&client, &Self::name("queue"), Some(policy.to_string())).await;
        let clients = Self::clients().await;
        let queue = SqsQueue::open(&clients, &url, None, Self::VISIBILITY).await;
        EmulatorBench {
            queue: Arc::new(queue.unwrap()),
            client,
            dead,
        }
    }
}

async fn create(client: &aws_sdk_sqs::Client, name: &str, redrive: Option<String>) -> String {
    let mut call = client.create_queue().queue_name(name);
    if let Some(redrive) = redrive {
        call = call.attributes(QueueAttributeName::RedrivePolicy, redrive);
    }
    call.send().await.unwrap().queue_url.unwrap()
}

impl QueueBench for EmulatorBench {
    fn queue(&self) -> Arc<dyn Queue> {
        let queue: Arc<SqsQueue> = Arc::clone(&self.queue);
        queue
    }

    async fn send(&self, body: &str) {
        let call = self.client.send_message().queue_url(self.queue.url());
        call.message_body(body).send().await.unwrap();
    }

    /// Looked at without hiding them.
    async fn dead(&self) -> Vec<(String, Option<String>)> {
        let call = self.client.receive_message().queue_url(&self.dead);
        let call = call.max_number_of_messages(10).visibility_timeout(0);
        let letters = call.message_attribute_names("All").send().await.unwrap();
        let letters = letters.messages.unwrap_or_default().into_iter();
        letters
            .map(|letter| {
                let reason = letter
                    .message_attributes
                    .and_then(|attributes| attributes.get("reason")?.string_value.clone());
                (letter.body.unwrap(), reason)
            })
            .collect()
    }
}

#[tokio::test]
async fn a_missing_queue_is_named_with_the_remedy() {
    let url = format!("{}/000000000000/nobody-made-this", Emulator::endpoint());
    let clients = Emulator::clients().await;
    let opened = SqsQueue::open(&clients, &url, None, Emulator::VISIBILITY).await;
    let error = opened.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, QueueError::Refused(_)), "{text}");
    assert!(text.contains(&url) && text.contains("AWS_REGION"), "{text}");
}

#[tokio::test]
async fn a_message_of_the_largest_size_is_received_and_parked() {
    #[derive(Debug)]
    struct Shelf(Mutex<Vec<usize>>);

    #[async_trait]
    impl Overflow for Shelf {
        async fn keep(&self, _id: &MessageId, body: &Body) -> Result<Place, QueueError> {
            self.0.lock().unwrap().push(body.as_str().len());
            let (bucket, key) = ("records".to_owned(), "parked/m".to_owned());
            Ok(Place { bucket, key })
        }
    }

    let bench = Emulator.make().await;
    let shelf = Arc::new(Shelf(Mutex::default()));
    let overflow: Arc<dyn Overflow> = Arc::<Shelf>::clone(&shelf);
    let clients = Emulator::clients().await;
    let queue = SqsQueue::open(&clients, bench.queue.url(), None, Emulator::VISIBILITY).await;
    let queue = queue.unwrap().with_overflow(overflow);
    bench.send(&"x".repeat(1_048_576)).await;
    let delivery = one(&queue).await;
    let reason = Reason::new("not_json", "the message is not JSON");
    queue.park(&delivery, &reason).await.unwrap();
    assert_eq!(*shelf.0.lock().unwrap(), [1_048_576]);
    let dead = bench.dead().await;
    let pointer: ParkedPointer = serde_json::from_str(&dead[0].0).unwrap();
    assert_eq!(
        (pointer.bytes, pointer.key.as_str()),
        (1_048_576, "parked/m")
    );
    assert_eq!(dead[0].1.as_deref(), Some("not_json"));
}
