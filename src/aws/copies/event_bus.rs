//! Alerts onto a bus of EventBridge, as events that rules can match.
//!
//! Source `s3-warden`, detail type `s3-warden Alert`, and as detail the alert's JSON, whose form is
//! `config/alert.schema.json`. The bucket is named as a resource; the key only in the detail, as
//! alerts show keys. An event that would be too big is shortened as a message of SNS is.

use async_trait::async_trait;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;

use super::{entry_failed, sorted};
use crate::alert::{Alert, Notifier, NotifyError, PublicationId, TopicArn};
use crate::aws::Clients;
use crate::aws::fault::{Fault, Told};
use crate::aws::sns::message::{STEPS, shortened};

const CALL: &str = "events:PutEvents";

const SOURCE: &str = "s3-warden";

const DETAIL_TYPE: &str = "s3-warden Alert";

/// An entry is smaller than this, in bytes of its detail, source, detail type and resources
/// ("Calculating `PutEvents` event entry size", Amazon EventBridge User Guide).
const LARGEST: usize = 256 * 1024;

/// A bus of EventBridge.
#[derive(Debug)]
pub struct EventBus {
    client: aws_sdk_eventbridge::Client,
    bus: String,
    partition: String,
}

impl EventBus {
    /// Nothing is called yet. `bus` is its name or ARN; `topic` says in which partition buckets are.
    pub fn new(clients: &Clients, bus: &str, topic: &TopicArn) -> Self {
        Self {
            client: clients.event_bridge.clone(),
            bus: bus.to_owned(),
            partition: topic.partition().to_owned(),
        }
    }
}

#[async_trait]
impl Notifier for EventBus {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let entry = entry(alert, &self.bus, &self.partition);
        let answer = self.client.put_events().entries(entry).send().await;
        let answer = answer.map_err(|error| {
            let fault = Fault::of(CALL, &error, Told::Code);
            sorted(
                &fault,
                "; look whether there is such a bus (alerts.event_bus), and grant this action on \
                 it to our role (deploy/iam/eventbridge.json)",
            )
        })?;
        // A call that succeeds may have taken nothing.
        let entry = answer.entries().first();
        let id = entry.and_then(|it| it.event_id());
        match (answer.failed_entry_count(), id) {
            (0, Some(id)) => Ok(PublicationId(id.to_owned())),
            _ => Err(entry_failed(CALL, entry.and_then(|it| it.error_code()))),
        }
    }
}

fn entry(alert: &Alert, bus: &str, partition: &str) -> PutEventsRequestEntry {
    let bucket = alert.s3_bucket.as_ref();
    let resource = bucket.map(|bucket| format!("arn:{partition}:s3:::{bucket}"));
    let beside = SOURCE.len() + DETAIL_TYPE.len() + resource.as_ref().map_or(0, String::len);
    PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(SOURCE)
        .detail_type(DETAIL_TYPE)
        .detail(detail(alert, LARGEST.saturating_sub(beside)))
        .set_resources(resource.map(|resource| vec![resource]))
        .build()
}

/// The alert's JSON in less than so many bytes.
fn detail(alert: &Alert, room: usize) -> String {
    let mut text = serde_json::to_string(alert).expect("an alert is JSON");
    for (entries, chars) in STEPS {
        if text.len() < room {
            break;
        }
        let shorter = shortened(alert, entries, chars);
        text = serde_json::to_string(&shorter).expect("an alert is JSON");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::aws::sns::message::tests::{alert, filled};

    const BUS: &str = "arn:aws:events:us-east-1:123456789012:event-bus/security";

    async fn bus(answers: Vec<Answer>) -> (Scripted, EventBus) {
        let service = Scripted::start(answers).await;
        let clients = service.clients().await;
        let topic = "arn:aws:sns:us-east-1:123456789012:alerts".parse().unwrap();
        (service, EventBus::new(&clients, BUS, &topic))
    }

    fn failed(code: &str) -> Answer {
        let entry = json!({"ErrorCode": code, "ErrorMessage": "about jane doe.png"});
        let body = json!({"FailedEntryCount": 1, "Entries": [entry]});
        Answer::new(200, body.to_string())
    }

    fn refused(status: u16, code: &str) -> Answer {
        Answer::new(status, json!({"__type": code, "message": "no"}).to_string())
    }

    #[tokio::test]
    async fn an_event_carries_the_alert() {
        let accepted = json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e1"}]});
        let (service, bus) = bus(vec![Answer::new(200, accepted.to_string())]).await;
        let id = bus.publish(&alert()).await.unwrap();
        assert_eq!(id.0, "e1");
        let asked = service.asked();
        let entries = asked[0].json();
        let [entry] = entries["Entries"].as_array().unwrap().as_slice() else {
            panic!("one event: {entries}");
        };
        assert_eq!(entry["Source"], "s3-warden");
        assert_eq!(entry["DetailType"], "s3-warden Alert");
        assert_eq!(entry["EventBusName"], BUS);
        assert_eq!(entry["Resources"], json!(["arn:aws:s3:::inbox"]));
        let detail: Alert = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
        assert_eq!(detail, alert());
    }

    #[tokio::test]
    async fn failures_are_failures_also_in_an_answer_of_success() {
        let check = async |answer: Answer, passes: bool, says: &str| {
            let (_service, bus) = bus(vec![answer]).await;
            let error = bus.publish(&alert()).await.unwrap_err();
            let passing = matches!(error, NotifyError::Unavailable(_));
            assert_eq!(passing, passes, "{error}");
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.to_string().contains("jane"), "{error}");
        };
        check(failed("ThrottlingException"), true, "Throttling").await;
        check(failed("InternalFailure"), true, "InternalFailure").await;
        check(failed("MalformedDetail"), false, "MalformedDetail").await;
        let nothing = json!({"FailedEntryCount": 0, "Entries": []}).to_string();
        check(Answer::new(200, nothing), false, "unknown").await;
        check(
            refused(400, "ResourceNotFoundException"),
            false,
            "alerts.event_bus",
        )
        .await;
        check(
            refused(400, "AccessDeniedException"),
            false,
            "eventbridge.json",
        )
        .await;
        check(refused(500, "InternalException"), true, "InternalException").await;
    }

    #[test]
    fn an_event_full_of_everything_is_never_too_big() {
        for text in ["\u{1}", "é", "\"\\"] {
            let large = filled(&text.repeat(6_000), 150);
            let entry = entry(&large, "security", "aws");
            let resources: usize = entry.resources().iter().map(String::len).sum();
            let size = entry.detail().unwrap().len() + SOURCE.len() + DETAIL_TYPE.len() + resources;
            assert!(size < LARGEST, "{size} bytes");
        }
    }

    #[test]
    fn an_event_is_never_too_big() {
        let long = "é".repeat(200_000);
        let large = Alert {
            summarize: long.clone(),
            s3_key: Some(long.clone()),
            uploader: Some(long),
            count: 7,
            ..alert()
        };
        let entry = entry(&large, "security", "aws");
        let detail = entry.detail().unwrap();
        let size = detail.len() + SOURCE.len() + DETAIL_TYPE.len() + entry.resources()[0].len();
        assert!(size < LARGEST, "{size} bytes");
        let kept: Value = serde_json::from_str(detail).unwrap();
        assert_eq!(kept["count"], 7);
    }
}
