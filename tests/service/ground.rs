//! Ground of its own for one service: guarded buckets, queues, topics, records and quarantine on the
//! emulator, a stand-in for Bedrock, and a recorder in front of the emulator.
//!
//! What operators would set up is set up by the real client, with the policies that AWS asks for,
//! although the emulator does not.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use s3_warden_standins::bedrock::Bedrock;

use serde_json::{Value, json};

use super::child::Service;
use super::client::{Client, given};
use super::until::until;
use super::wire::Wire;

/// The account of the emulator.
pub(crate) const ACCOUNT: &str = "000000000000";
pub(crate) const REGION: &str = "us-east-1";
/// The default model: a profile of the United States, and the model behind it.
pub(crate) const MODEL: &str = "us.anthropic.claude-haiku-5-5";

/// How news of a bucket come to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Straight from S3.
    Raw,
    /// Through an SNS topic, in its envelope.
    Topic,
    /// Through a rule of EventBridge. The emulator leaves out the version, which AWS tells.
    Rule,
    /// Not at all: the test tells.
    None,
}

/// What a bucket keeps of what is overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Versions {
    Never,
    Enabled,
    Suspended,
    /// Every version, and some may be locked.
    Locked,
}

/// A queue by its two names.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    pub(crate) url: String,
    pub(crate) arn: String,
    pub(crate) name: String,
}

#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) client: Arc<Client>,
    pub(crate) wire: Wire,
    pub(crate) bedrock: Bedrock,
    pub(crate) queue: Queue,
    pub(crate) dead: Queue,
    pub(crate) inbox: Queue,
    /// The queue of security events and its dead letters, where there is one.
    pub(crate) events: Option<(Queue, Queue)>,
    pub(crate) topic: String,
    pub(crate) records: String,
    pub(crate) quarantine: String,
    pub(crate) buckets: Vec<String>,
    id: String,
    alerts: Mutex<Vec<Value>>,
}

/// What operators have made for a service.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) queue: Queue,
    pub(crate) dead: Queue,
    pub(crate) events: Option<(Queue, Queue)>,
    pub(crate) topic: String,
    pub(crate) records: String,
    pub(crate) quarantine: String,
    pub(crate) buckets: Vec<String>,
}

/// An id that no other ground has, of this run or another.
pub(crate) fn another_id() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{number}", now.as_micros())
}

impl Ground {
    /// A ground without guarded buckets.
    pub(crate) async fn new(client: &Arc<Client>) -> Self {
        let client = Arc::clone(client);
        let id = another_id();
        let named = |name: &str| format!("{name}-{id}");
        // As long as may be: what is parked keeps the time at which it was first sent.
        let days = json!({"MessageRetentionPeriod": (14 * 86_400).to_string()});
        let dead = self::queue(&client, &named("dead"), days).await;
        let redrive = json!({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 20});
        let attributes = json!({"VisibilityTimeout": "30", "RedrivePolicy": redrive.to_string()});
        let queue = self::queue(&client, &named("uploads"), attributes).await;
        let topic = json!({"Name": named("alerts")});
        let topic = client.ok("sns", "create_topic", topic).await;
        let (records, quarantine) = (named("records"), named("quarantine"));
        futures::join!(
            client.s3("create_bucket", json!({"Bucket": records})),
            client.s3("create_bucket", json!({"Bucket": quarantine})),
        );
        client
            .s3("put_bucket_versioning", versioning(&records, "Enabled"))
            .await;
        let made = Made {
            queue,
            dead,
            events: None,
            topic: topic["TopicArn"].as_str().unwrap().to_owned(),
            records,
            quarantine,
            buckets: Vec::new(),
        };
        Self::over(&client, made, id).await
    }

    /// A ground over what somebody else has made, under an id that no other ground has.
    pub(crate) async fn over(client: &Arc<Client>, made: Made, id: String) -> Self {
        let client = Arc::clone(client);
        let inbox = self::queue(&client, &format!("inbox-{id}"), json!({})).await;
        let subscription = json!({
            "TopicArn": made.topic, "Protocol": "sqs", "Endpoint": inbox.arn,
            "Attributes": {"RawMessageDelivery": "true"},
        });
        client.ok("sns", "subscribe", subscription).await;
        Self {
            client,
            wire: Wire::start(&given("S3_WARDEN_TEST_ENDPOINT")).await,
            bedrock: Bedrock::start().await,
            queue: made.queue,
            dead: made.dead,
            inbox,
            events: made.events,
            topic: made.topic,
            records: made.records,
            quarantine: made.quarantine,
            buckets: made.buckets,
            id,
            alerts: Mutex::default(),
        }
    }

    /// A name that no other ground has.
    pub(crate) fn named(&self, name: &str) -> String {
        format!("{name}-{}", self.id)
    }

    /// Makes a bucket to guard, whose news come to the queue.
    pub(crate) async fn bucket(&mut self, name: &str, versions: Versions, route: Route) -> String {
        let bucket = self.named(name);
        let lock = versions == Versions::Locked;
        let made = json!({"Bucket": bucket, "ObjectLockEnabledForBucket": lock});
        self.client.s3("create_bucket", made).await;
        if versions != Versions::Never {
            self.version(&bucket, versions).await;
        }
        self.notify(&bucket, route).await;
        self.buckets.push(bucket.clone());
        bucket
    }

    /// Turns versions on or off.
    pub(crate) async fn version(&self, bucket: &str, versions: Versions) {
        let status = match versions {
            Versions::Enabled | Versions::Locked => "Enabled",
            Versions::Never | Versions::Suspended => "Suspended",
        };
        self.client
            .s3("put_bucket_versioning", versioning(bucket, status))
            .await;
    }

    async fn notify(&self, bucket: &str, route: Route) {
        let events = json!(["s3:ObjectCreated:*"]);
        let configuration = match route {
            Route::Raw => json!({
                "QueueConfigurations": [{"QueueArn": self.queue.arn, "Events": events}],
            }),
            Route::None => json!({}),
            Route::Topic => {
                let topic = json!({"Name": format!("news-{bucket}")});
                let topic = self.client.ok("sns", "create_topic", topic).await;
                let arn = &topic["TopicArn"];
                let subscription =
                    json!({"TopicArn": arn, "Protocol": "sqs", "Endpoint": self.queue.arn});
                self.client.ok("sns", "subscribe", subscription).await;
                json!({"TopicConfigurations": [{"TopicArn": arn, "Events": events}]})
            }
            Route::Rule => {
                let pattern = json!({
                    "source": ["aws.s3"], "detail-type": ["Object Created"],
                    "detail": {"bucket": {"name": [bucket]}},
                });
                let rule = json!({"Name": bucket, "EventPattern": pattern.to_string()});
                self.client.ok("events", "put_rule", rule).await;
                let targets =
                    json!({"Rule": bucket, "Targets": [{"Id": "1", "Arn": self.queue.arn}]});
                let answer = self.client.ok("events", "put_targets", targets).await;
                assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
                json!({"EventBridgeConfiguration": {}})
            }
        };
        let notification = json!({"Bucket": bucket, "NotificationConfiguration": configuration});
        self.client
            .s3("put_bucket_notification_configuration", notification)
            .await;
    }

    /// The environment of a service on this ground: what is given here comes last and wins.
    pub(crate) fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let buckets = self.buckets.join(",");
        let (wire, bedrock) = (self.wire.url(), self.bedrock.url());
        let own = [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_ENDPOINT_URL", &wire),
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &bedrock),
            ("WARDEN_LOG", "info,s3_warden=debug"),
            ("WARDEN_QUEUE__URL", &self.queue.url),
            // As short as may be: a killed service's messages come back after this.
            ("WARDEN_QUEUE__VISIBILITY_SECONDS", "10"),
            ("WARDEN_QUEUE__WAIT_SECONDS", "2"),
            ("WARDEN_ALERTS__TOPIC_ARN", &self.topic),
            ("WARDEN_ALERTS__MERGE_SECONDS", "1"),
            ("WARDEN_RECORDS__BUCKET", &self.records),
            ("WARDEN_INTAKE__BUCKETS", &buckets),
            ("WARDEN_POLICY__MODE", "enforce"),
            // So that its account is written too.
            ("WARDEN_MODEL__USD_PER_DAY", "1000"),
            ("WARDEN_OPS__LISTEN", "127.0.0.1:0"),
        ];
        let mut all: Vec<(String, String)> = Vec::new();
        for (name, value) in own.iter().chain(more) {
            all.retain(|(other, _)| other != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        all
    }

    /// Starts a service on this ground.
    pub(crate) fn start(&self, more: &[(&str, &str)]) -> Service {
        Service::start(&self.variables(more))
    }

    /// Starts a service and waits until it is ready and has tried the model.
    pub(crate) async fn run(&self, more: &[(&str, &str)]) -> Service {
        let service = self.start(more);
        service.ready().await;
        service.mentions("the model answers").await;
        service
    }

    /// Sends a message to the queue as somebody would who is not S3.
    pub(crate) async fn send(&self, body: &str) {
        let message = json!({"QueueUrl": self.queue.url, "MessageBody": body});
        self.client.sqs("send_message", message).await;
    }

    /// Waits until nothing is on the queue any more, neither waiting nor in somebody's hands.
    pub(crate) async fn settled(&self) {
        until("the queue is empty", async || match self.backlog().await {
            (0, 0) => Ok(()),
            (waiting, held) => Err(format!("{waiting} waiting, {held} in flight")),
        })
        .await;
    }

    /// How many messages wait, and how many are in somebody's hands.
    pub(crate) async fn backlog(&self) -> (u64, u64) {
        self.backlog_of(&self.queue).await
    }

    /// The same of another queue.
    pub(crate) async fn backlog_of(&self, queue: &Queue) -> (u64, u64) {
        let question = json!({"QueueUrl": queue.url, "AttributeNames": ["All"]});
        let answer = self.client.sqs("get_queue_attributes", question).await;
        let count = |name: &str| -> u64 {
            let count = answer["Attributes"][name].as_str();
            count.and_then(|count| count.parse().ok()).unwrap_or(0)
        };
        (
            count("ApproximateNumberOfMessages") + count("ApproximateNumberOfMessagesDelayed"),
            count("ApproximateNumberOfMessagesNotVisible"),
        )
    }

    /// Every alert so far, as it came to the queue that is subscribed to the topic, with its
    /// message attributes under `attributes`.
    pub(crate) async fn alerts(&self) -> Vec<Value> {
        let new = take(&self.client, &self.inbox).await;
        let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        alerts.extend(new.into_iter().map(|message| {
            let body = message["Body"].as_str().unwrap();
            let mut alert: Value = serde_json::from_str(body).expect("an alert is JSON");
            alert["attributes"] = message["MessageAttributes"].clone();
            alert
        }));
        alerts.clone()
    }

    /// Waits for an alert that `wanted` takes.
    pub(crate) async fn alert(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, async || {
            let alerts = self.alerts().await;
            let found = alerts.iter().find(|alert| wanted(alert));
            found.cloned().ok_or_else(|| format!("{alerts:#?}"))
        })
        .await
    }

    /// The ids of all findings that alerts speak of.
    pub(crate) async fn announced(&self) -> BTreeSet<String> {
        let alerts = self.alerts().await;
        let ids = alerts
            .iter()
            .filter_map(|alert| alert["finding_ids"].as_array())
            .flatten();
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Takes what came to the dead-letter queue.
    pub(crate) async fn dead_letters(&self) -> Vec<Value> {
        self.letters(&self.dead).await
    }

    /// Takes what came to another queue.
    pub(crate) async fn letters(&self, queue: &Queue) -> Vec<Value> {
        take(&self.client, queue).await
    }

    /// A queue beside those that every ground has.
    pub(crate) async fn another_queue(&self, name: &str, attributes: Value) -> Queue {
        queue(&self.client, &self.named(name), attributes).await
    }

    /// Makes the queue of security events, with dead letters of its own.
    pub(crate) async fn queue_of_events(&mut self) -> (Queue, Queue) {
        let days = json!({"MessageRetentionPeriod": (14 * 86_400).to_string()});
        let dead = self.another_queue("events-dead", days).await;
        let redrive = json!({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 20});
        let attributes = json!({"RedrivePolicy": redrive.to_string()});
        let events = self.another_queue("events", attributes).await;
        self.events = Some((events.clone(), dead.clone()));
        (events, dead)
    }

    /// The keys of a bucket that begin so.
    pub(crate) async fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let question = json!({"Bucket": bucket, "Prefix": prefix});
        let answer = self.client.s3("list_objects_v2", question).await;
        assert_ne!(answer["IsTruncated"], true, "too many for one page");
        let keys = answer["Contents"].as_array().into_iter().flatten();
        keys.map(|object| object["Key"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Every finding, as the records hold it; they lie by the date of the event.
    pub(crate) async fn findings(&self) -> Vec<Value> {
        let keys = self.keys(&self.records, "findings/date=").await;
        let read = keys.into_iter().map(async |key| {
            let date = key.split('/').nth(1).unwrap().trim_start_matches("date=");
            let finding = self.record(&key).await;
            let happened = finding["times"]["happened_at"].as_str().unwrap();
            assert!(happened.starts_with(date), "{key}: {happened}");
            finding
        });
        join_all(read).await
    }

    /// One JSON document of the records.
    pub(crate) async fn record(&self, key: &str) -> Value {
        let question = json!({"Bucket": self.records, "Key": key});
        let answer = self.client.s3("get_object", question).await;
        serde_json::from_str(answer["Body"]["text"].as_str().unwrap()).unwrap()
    }
}

fn versioning(bucket: &str, status: &str) -> Value {
    json!({"Bucket": bucket, "VersioningConfiguration": {"Status": status}})
}

/// Makes a queue that S3, SNS and EventBridge may send to.
async fn queue(client: &Client, name: &str, mut attributes: Value) -> Queue {
    let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}");
    let senders = [
        "s3.amazonaws.com",
        "sns.amazonaws.com",
        "events.amazonaws.com",
    ];
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": senders}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }]});
    attributes["Policy"] = policy.to_string().into();
    let made = json!({"QueueName": name, "Attributes": attributes});
    let made = client.sqs("create_queue", made).await;
    let url = made["QueueUrl"].as_str().unwrap().to_owned();
    Queue {
        url,
        arn,
        name: name.to_owned(),
    }
}

/// Takes everything off a queue.
async fn take(client: &Client, queue: &Queue) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let receive = json!({
            "QueueUrl": queue.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0,
            "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"],
        });
        let answer = client.sqs("receive_message", receive).await;
        let Some(messages) = answer["Messages"]
            .as_array()
            .filter(|some| !some.is_empty())
        else {
            return all;
        };
        for message in messages {
            let handle = json!({"QueueUrl": queue.url, "ReceiptHandle": message["ReceiptHandle"]});
            client.sqs("delete_message", handle).await;
            all.push(message.clone());
        }
    }
}
