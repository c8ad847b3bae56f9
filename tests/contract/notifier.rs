//! The contract of `alert::Notifier`.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use aws_sdk_sqs::types::QueueAttributeName;
use s3_warden::alert::{Alert, AlertKind, Language, Notifier, NotifyError};
use s3_warden::aws::SnsNotifier;
use s3_warden::local::TerminalNotifier;
use s3_warden::verdict::Threat;
use serde_json::Value;

use crate::kit::{Emulator, Ground, Local, suite};

/// A ground that carries alerts.
trait NotifierGround: Ground {
    type Bench: NotifierBench;
    async fn make(&self) -> Self::Bench;
}

/// A notifier, and what it accepted.
trait NotifierBench: Send + Sync {
    fn notifier(&self) -> &dyn Notifier;
    /// The alerts that are durable now, oldest first.
    async fn accepted(&self) -> Vec<Value>;
}

struct LocalBench {
    _home: tempfile::TempDir,
    path: PathBuf,
    shown: Arc<Mutex<Vec<String>>>,
    notifier: TerminalNotifier,
}

impl NotifierGround for Local {
    type Bench = LocalBench;

    async fn make(&self) -> LocalBench {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/alerts.ndjson");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&shown);
        let show = Box::new(move |alert: &Alert| {
            sink.lock().unwrap().push(alert.event_title.clone());
        });
        let notifier = TerminalNotifier::open(&path, show).unwrap();
        LocalBench {
            _home: home,
            path,
            shown,
            notifier,
        }
    }
}

impl NotifierBench for LocalBench {
    fn notifier(&self) -> &dyn Notifier {
        &self.notifier
    }

    async fn accepted(&self) -> Vec<Value> {
        lines(&self.path)
    }
}

suite!(
    local,
    crate::kit::Local,
    tokio::test,
    [
        what_was_accepted_is_there,
        a_repetition_is_accepted_again,
        alerts_at_once_do_not_mix,
    ]
);

/// A topic of the emulator, and a queue subscribed to it that gets what programs get.
struct EmulatorBench {
    notifier: SnsNotifier,
    client: aws_sdk_sqs::Client,
    queue: String,
}

impl NotifierGround for Emulator {
    type Bench = EmulatorBench;

    async fn make(&self) -> EmulatorBench {
        let sdk = Self::sdk().await;
        let client = aws_sdk_sqs::Client::new(&sdk);
        let queue = client.create_queue().queue_name(Self::name("alerts"));
        let queue = queue.send().await.unwrap().queue_url.unwrap();
        let attributes = client
            .get_queue_attributes()
            .queue_url(&queue)
            .attribute_names(QueueAttributeName::QueueArn);
        let attributes = attributes.send().await.unwrap().attributes.unwrap();
        let sns = aws_sdk_sns::Client::new(&sdk);
        let topic = sns.create_topic().name(Self::name("topic"));
        let topic = topic.send().await.unwrap().topic_arn.unwrap();
        let subscribe = sns.subscribe().topic_arn(&topic).protocol("sqs");
        let subscribe = subscribe.endpoint(&attributes[&QueueAttributeName::QueueArn]);
        let subscribe = subscribe.attributes("RawMessageDelivery", "true");
        subscribe.send().await.unwrap();
        let notifier = SnsNotifier::open(&Self::clients().await, &topic, false).await;
        EmulatorBench {
            notifier: notifier.unwrap(),
            client,
            queue,
        }
    }
}

impl EmulatorBench {
    /// What lies in the queue, oldest first; it is taken out.
    async fn messages(&self) -> Vec<aws_sdk_sqs::types::Message> {
        let mut all = Vec::new();
        loop {
            let call = self.client.receive_message().queue_url(&self.queue);
            let call = call.max_number_of_messages(10).wait_time_seconds(1);
            let call = call.message_attribute_names("All");
            let more = call.send().await.unwrap().messages.unwrap_or_default();
            if more.is_empty() {
                return all;
            }
            all.extend(more);
        }
    }
}

impl NotifierBench for EmulatorBench {
    fn notifier(&self) -> &dyn Notifier {
        &self.notifier
    }

    async fn accepted(&self) -> Vec<Value> {
        let messages = self.messages().await.into_iter();
        messages
            .map(|message| serde_json::from_str(&message.body.unwrap()).unwrap())
            .collect()
    }
}

suite!(
    emulator,
    crate::kit::Emulator,
    tokio::test,
    [
        what_was_accepted_is_there,
        a_repetition_is_accepted_again,
        alerts_at_once_do_not_mix,
    ]
);

/// What only a topic promises.
mod on_a_topic {
    use super::*;

    #[tokio::test]
    async fn subscriptions_can_filter_by_attributes() {
        let bench = Emulator.make().await;
        bench.notifier().publish(&alert("one")).await.unwrap();
        let messages = bench.messages().await;
        let attributes = messages[0].message_attributes.as_ref().unwrap();
        let text = |name: &str| attributes[name].string_value.clone().unwrap();
        assert_eq!(text("threat_level"), "high");
        assert_eq!(text("kind"), "flagged");
        assert_eq!(text("bucket"), "inbox");
        assert!(!attributes.contains_key("action"), "it has none");
    }

    #[tokio::test]
    async fn a_topic_that_is_missing_is_named_with_the_remedy() {
        let clients = Emulator::clients().await;
        let arn = "arn:aws:sns:us-east-1:000000000000:nobody-made-this";
        let error = SnsNotifier::open(&clients, arn, false).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, NotifyError::Refused(_)), "{text}");
        assert!(
            text.contains(arn) && text.contains("alerts.topic_arn"),
            "{text}"
        );
    }
}

fn alert(title: &str) -> Alert {
    Alert {
        event_title: title.to_owned(),
        summarize: "a passport was found and removed,\nin two lines".to_owned(),
        s3_bucket: Some("inbox".to_owned()),
        is_image_upload: true,
        media_type: Some("image/png".to_owned()),
        verdict: Some("flagged".to_owned()),
        next_step: "nothing".to_owned(),
        ..Alert::blank(AlertKind::Flagged, Threat::High, Language::En)
    }
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn what_was_accepted_is_there(ground: &impl NotifierGround) {
    let bench = ground.make().await;
    let first = bench.notifier().publish(&alert("one")).await.unwrap();
    let second = bench.notifier().publish(&alert("two")).await.unwrap();
    assert_ne!(first, second);
    let accepted = bench.accepted().await;
    assert_eq!(accepted.len(), 2);
    let read: Alert = serde_json::from_value(accepted[1].clone()).unwrap();
    assert_eq!(read, alert("two"));
}

async fn a_repetition_is_accepted_again(ground: &impl NotifierGround) {
    let bench = ground.make().await;
    let first = bench.notifier().publish(&alert("one")).await.unwrap();
    let second = bench.notifier().publish(&alert("one")).await.unwrap();
    assert_ne!(first, second);
    assert!(!bench.accepted().await.is_empty());
}

async fn alerts_at_once_do_not_mix(ground: &impl NotifierGround) {
    let bench = ground.make().await;
    let titles: Vec<String> = (0..20).map(|number| format!("a{number}")).collect();
    let alerts: Vec<Alert> = titles.iter().map(|title| alert(title)).collect();
    let publications = alerts.iter().map(|alert| bench.notifier().publish(alert));
    let mut ids = futures::future::try_join_all(publications).await.unwrap();
    ids.sort_by(|a, b| a.0.cmp(&b.0));
    ids.dedup();
    assert_eq!(ids.len(), 20);
    assert_eq!(bench.accepted().await.len(), 20);
}

#[tokio::test]
async fn each_accepted_alert_is_shown_once() {
    let bench = Local.make().await;
    bench.notifier().publish(&alert("one")).await.unwrap();
    assert_eq!(*bench.shown.lock().unwrap(), ["one"]);
}

#[tokio::test]
async fn half_a_line_of_a_kill_is_cut_off() {
    let bench = Local.make().await;
    bench.notifier().publish(&alert("one")).await.unwrap();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&bench.path)
        .unwrap();
    file.write_all(b"{\"schema_version\":1,\"ki").unwrap();
    let again = TerminalNotifier::open(&bench.path, Box::new(|_| {})).unwrap();
    let id = again.publish(&alert("two")).await.unwrap();
    assert!(id.0.starts_with("2-"), "{id:?}");
    assert_eq!(lines(&bench.path).len(), 2);
}

#[test]
fn a_file_that_cannot_be_opened_is_named() {
    let home = tempfile::tempdir().unwrap();
    let error = TerminalNotifier::open(home.path(), Box::new(|_| {})).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&home.path().display().to_string()), "{text}");
}
