//! Alerts through a standard topic of Amazon SNS.
//!
//! One alert is one `Publish`: the announcer has merged what belongs together already, and each
//! alert is acknowledged by itself, so batches would only add a second layer of failures.

pub(super) mod message;

use async_trait::async_trait;
use aws_sdk_sns::types::MessageAttributeValue;

use self::message::{LARGEST, message, plainest, subject};
use super::Clients;
use super::fault::{Fault, Told};
use crate::alert::{Alert, Notifier, NotifyError, PublicationId};
use crate::telemetry::vocabulary::ERROR_DETAIL;

const PUBLISH: &str = "sns:Publish";

/// The attribute that holds free text where an event named the bucket.
const BUCKET: &str = "bucket";

/// A topic of Amazon SNS.
#[derive(Debug)]
pub struct SnsNotifier {
    client: aws_sdk_sns::Client,
    topic: String,
    /// The largest message that the topic takes, attributes included, in bytes.
    largest: usize,
    /// Whether subscriptions by HTTPS get the form for chat applications.
    chat: bool,
}

impl SnsNotifier {
    /// The topic with this ARN, after asking it what it is (`sns:GetTopicAttributes`). With `chat`,
    /// subscriptions by HTTPS get the form for chat applications in place of the alert's JSON.
    ///
    /// # Errors
    /// The topic does not answer ([`NotifyError::Unavailable`]), or it is missing, denied, FIFO, in
    /// another region or no topic at all ([`NotifyError::Refused`], with the remedy).
    pub async fn open(clients: &Clients, topic_arn: &str, chat: bool) -> Result<Self, NotifyError> {
        fits(topic_arn, clients.region())?;
        let answer = clients
            .topics
            .get_topic_attributes()
            .topic_arn(topic_arn)
            .send()
            .await
            .map_err(|e| {
                sorted(
                    &Fault::of("sns:GetTopicAttributes", &e, Told::Message),
                    topic_arn,
                )
            })?;
        let attributes = answer.attributes.unwrap_or_default();
        let largest = attributes
            .get("MaximumMessageSize")
            .and_then(|size| size.parse().ok());
        Ok(Self {
            client: clients.sns.clone(),
            topic: topic_arn.to_owned(),
            largest: largest.unwrap_or(LARGEST),
            chat,
        })
    }
}

impl SnsNotifier {
    async fn send(
        &self,
        subject: String,
        message: String,
        attributes: Vec<(&'static str, String)>,
    ) -> Result<PublicationId, Fault> {
        let attributes = attributes.into_iter();
        let attributes = attributes.map(|(name, text)| (name.to_owned(), value(text)));
        let answer = self
            .client
            .publish()
            .topic_arn(&self.topic)
            .subject(subject)
            .message_structure("json")
            .message(message)
            .set_message_attributes(Some(attributes.collect()))
            .send()
            .await
            .map_err(|e| Fault::of(PUBLISH, &e, Told::Code))?;
        let id = answer
            .message_id
            .ok_or_else(|| Fault::Unavailable(format!("{PUBLISH}: the answer names no message")))?;
        Ok(PublicationId(id))
    }
}

/// A topic that refuses one alert would, taken at its word, stop the whole service. So that alert is
/// sent once more in the form that leaves least to refuse.
#[async_trait]
impl Notifier for SnsNotifier {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let mut attributes = attributes(alert);
        let beside: usize = attributes
            .iter()
            .map(|(name, text)| weight(name, text))
            .sum();
        let room = self.largest.saturating_sub(beside);
        let whole = message(alert, room, self.chat);
        let sent = self.send(subject(alert), whole, attributes.clone()).await;
        let sent = match sent {
            Err(fault) if is_about_the_message(&fault) => {
                tracing::warn!(
                    { ERROR_DETAIL } = fault.sentence(),
                    "the topic refuses an alert: it is sent in its plainest form"
                );
                attributes.retain(|(name, _)| *name != BUCKET);
                let plain = plainest(alert, self.chat);
                self.send(subject(alert), plain, attributes).await
            }
            sent => sent,
        };
        sent.map_err(|fault| sorted(&fault, &self.topic))
    }
}

/// Whether a publish was refused for what it said (API reference, `Publish`, errors).
fn is_about_the_message(fault: &Fault) -> bool {
    let Fault::Answer { code, .. } = fault else {
        return false;
    };
    code.starts_with("InvalidParameter") || code.starts_with("ParameterValueInvalid")
}

/// What subscriptions filter by. Absent where an alert has none; far below the ten that reach a
/// queue with raw delivery.
fn attributes(alert: &Alert) -> Vec<(&'static str, String)> {
    let all = [
        ("threat_level", Some(alert.threat_level.as_str().to_owned())),
        ("kind", Some(alert.kind.as_str().to_owned())),
        (
            BUCKET,
            alert.s3_bucket.clone().filter(|bucket| !bucket.is_empty()),
        ),
        (
            "action",
            alert.action.map(|action| action.as_str().to_owned()),
        ),
    ];
    all.into_iter()
        .filter_map(|(name, text)| Some((name, text?)))
        .collect()
}

fn value(text: String) -> MessageAttributeValue {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(text)
        .build()
        .expect("an attribute has a type")
}

/// What an attribute counts towards the size of a message: name, type and value.
fn weight(name: &str, text: &str) -> usize {
    name.len() + "String".len() + text.len()
}

/// What can be told from the ARN alone.
fn fits(arn: &str, region: &str) -> Result<(), NotifyError> {
    let parts: Vec<&str> = arn.split(':').collect();
    let [_, _, "sns", there, _, name] = parts.as_slice() else {
        return Err(NotifyError::Refused(format!(
            "`alerts.topic_arn` is no ARN of a topic: give it as SNS shows it, such as \
             arn:aws:sns:{region}:123456789012:s3-warden"
        )));
    };
    if name.ends_with(".fifo") {
        return Err(NotifyError::Refused(format!(
            "{arn} is a FIFO topic, to which no mail can be subscribed: give `alerts.topic_arn` a \
             standard topic"
        )));
    }
    if *there != region {
        return Err(NotifyError::Refused(format!(
            "{arn} is in {there}, and the service runs in {region}: give `alerts.topic_arn` a topic \
             in {region}, or set AWS_REGION={there}"
        )));
    }
    Ok(())
}

fn sorted(fault: &Fault, topic: &str) -> NotifyError {
    let sentence = format!("{topic}: {}", fault.sentence());
    if fault.is_passing() {
        return NotifyError::Unavailable(sentence);
    }
    let remedy = match fault {
        Fault::Answer { code, .. } if code.starts_with("NotFound") => {
            "; no such topic in this account and region: check `alerts.topic_arn`"
        }
        Fault::Answer { code, .. } | Fault::Denied(code)
            if code.to_ascii_lowercase().contains("kms") =>
        {
            "; the topic's KMS key cannot be used: enable it, and let our role use it \
             (kms:Decrypt, kms:GenerateDataKey)"
        }
        _ => "",
    };
    NotifyError::Refused(format!("{sentence}{remedy}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::aws::sns::message::tests::alert;

    const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:alerts";

    fn topic(attributes: &str) -> Answer {
        Answer::new(
            200,
            format!(
                "<GetTopicAttributesResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                 <GetTopicAttributesResult><Attributes>{attributes}</Attributes>\
                 </GetTopicAttributesResult></GetTopicAttributesResponse>"
            ),
        )
    }

    fn published(id: &str) -> Answer {
        Answer::new(
            200,
            format!(
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                 <PublishResult><MessageId>{id}</MessageId></PublishResult></PublishResponse>"
            ),
        )
    }

    fn refused(status: u16, code: &str) -> Answer {
        Answer::new(
            status,
            format!(
                "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error>\
                 <Type>Sender</Type><Code>{code}</Code><Message>why</Message></Error>\
                 <RequestId>r</RequestId></ErrorResponse>"
            ),
        )
    }

    /// The fields of the form that was asked with.
    fn form(body: &str) -> std::collections::BTreeMap<String, String> {
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            let bytes = percent_encoding::percent_decode_str(&text);
            bytes.decode_utf8().unwrap().into_owned()
        };
        let pairs = body.split('&').map(|pair| pair.split_once('=').unwrap());
        pairs
            .map(|(name, value)| (decode(name), decode(value)))
            .collect()
    }

    #[tokio::test]
    async fn an_alert_is_published_with_subject_texts_and_attributes() {
        let service = Scripted::start([topic(""), published("p1")]).await;
        let clients = service.clients().await;
        let notifier = SnsNotifier::open(&clients, TOPIC, true).await.unwrap();
        let alert = alert();
        let id = notifier.publish(&alert).await.unwrap();
        assert_eq!(id, PublicationId("p1".to_owned()));
        let form = form(&service.asked()[1].body);
        assert_eq!(form["TopicArn"], TOPIC);
        assert_eq!(form["MessageStructure"], "json");
        assert_eq!(form["Subject"], crate::alert::subject(&alert));
        let texts: serde_json::Value = serde_json::from_str(&form["Message"]).unwrap();
        let data: Alert = serde_json::from_str(texts["default"].as_str().unwrap()).unwrap();
        assert_eq!(data, alert);
        assert_eq!(texts["email"], crate::alert::body(&alert));
        assert_eq!(texts["https"], crate::alert::chat(&alert).to_string());
        let names: Vec<_> = (1..=4)
            .map(|n| form[&format!("MessageAttributes.entry.{n}.Name")].as_str())
            .collect();
        for name in ["threat_level", "kind", "bucket", "action"] {
            assert!(names.contains(&name), "{names:?}");
        }
    }

    #[tokio::test]
    async fn an_alert_that_is_refused_is_sent_in_its_plainest_form() {
        async fn check(last: Answer, accepted: bool) {
            let refusal = refused(400, "InvalidParameter");
            let service = Scripted::start([topic(""), refusal, last]).await;
            let clients = service.clients().await;
            let notifier = SnsNotifier::open(&clients, TOPIC, true).await.unwrap();
            let odd = Alert {
                s3_bucket: Some("수상한 \u{fffe} 버킷".to_owned()),
                ..alert()
            };
            let sent = notifier.publish(&odd).await;
            match sent {
                Ok(id) if accepted => assert_eq!(id.0, "p2"),
                Err(NotifyError::Refused(_)) if !accepted => {}
                sent => panic!("{sent:?}"),
            }
            let asked = service.asked();
            assert_eq!(asked.len(), 3, "twice and no more");
            let whole = form(&asked[1].body);
            assert!(whole.values().any(|value| value == "bucket"));
            let plain = form(&asked[2].body);
            assert!(
                plain
                    .values()
                    .all(|value| value.is_ascii() && value != "bucket")
            );
            let texts: serde_json::Value = serde_json::from_str(&plain["Message"]).unwrap();
            let data: Alert = serde_json::from_str(texts["default"].as_str().unwrap()).unwrap();
            assert_eq!(data, odd, "data lose nothing by it");
            assert!(texts["email"].as_str().unwrap().is_ascii());
        }
        check(published("p2"), true).await;
        check(refused(400, "InvalidParameter"), false).await;
    }

    #[tokio::test]
    async fn one_turn_is_one_publish_and_a_start_asks_again() {
        let busy = || refused(503, "ServiceUnavailable");
        let answers = [busy(), topic(""), busy(), published("p1")];
        let service = Scripted::start(answers).await;
        let clients = Clients::at_endpoint(&service.endpoint, None).await;
        let notifier = SnsNotifier::open(&clients, TOPIC, false).await.unwrap();
        let sent = notifier.publish(&alert()).await;
        assert!(matches!(sent, Err(NotifyError::Unavailable(_))), "{sent:?}");
        assert_eq!(service.asked().len(), 3);
    }

    #[test]
    fn what_an_alert_lacks_is_no_attribute() {
        let mut alert = alert();
        alert.s3_bucket = Some(String::new());
        alert.action = None;
        let expected = [
            ("threat_level", "high".to_owned()),
            ("kind", "flagged".to_owned()),
        ];
        assert_eq!(attributes(&alert), expected);
    }

    #[tokio::test]
    async fn a_topic_says_how_much_it_takes() {
        let entry = "<entry><key>MaximumMessageSize</key><value>20000</value></entry>";
        let service = Scripted::start([topic(entry), topic("")]).await;
        let clients = service.clients().await;
        assert_eq!(
            SnsNotifier::open(&clients, TOPIC, false)
                .await
                .unwrap()
                .largest,
            20_000
        );
        assert_eq!(
            SnsNotifier::open(&clients, TOPIC, false)
                .await
                .unwrap()
                .largest,
            LARGEST
        );
    }

    #[tokio::test]
    async fn failures_are_sorted_by_who_has_to_act() {
        async fn check(status: u16, code: &str, passes: bool, says: &str) {
            let service = Scripted::start(vec![refused(status, code); 3]).await;
            let clients = service.clients().await;
            let opened = SnsNotifier::open(&clients, TOPIC, false).await.unwrap_err();
            let notifier = SnsNotifier {
                client: clients.sns,
                topic: TOPIC.to_owned(),
                largest: LARGEST,
                chat: false,
            };
            let published = notifier.publish(&alert()).await.unwrap_err();
            for error in [opened, published] {
                assert_eq!(
                    matches!(error, NotifyError::Unavailable(_)),
                    passes,
                    "{error}"
                );
                assert!(error.to_string().contains(says), "{error}");
            }
        }
        check(404, "NotFound", false, "check `alerts.topic_arn`").await;
        check(403, "AuthorizationError", false, "grant this action").await;
        check(403, "InvalidClientTokenId", false, "renew them").await;
        check(400, "KMSDisabled", false, "KMS key").await;
        check(400, "KMSAccessDenied", false, "KMS key").await;
        check(400, "KMSThrottling", true, "KMSThrottling").await;
        check(400, "Throttled", true, "Throttled").await;
        check(500, "InternalError", true, "InternalError").await;
        check(400, "InvalidParameter", false, "InvalidParameter").await;
    }

    #[test]
    fn arns_are_checked_before_anything_is_asked() {
        let check = |arn: &str, says: Option<&str>| match (fits(arn, "us-east-1"), says) {
            (Ok(()), None) => {}
            (Err(NotifyError::Refused(text)), Some(says)) if text.contains(says) => {}
            (result, _) => panic!("{arn}: {result:?}"),
        };
        check(TOPIC, None);
        check("alerts", Some("no ARN"));
        check("arn:aws:sqs:us-east-1:123456789012:alerts", Some("no ARN"));
        check(&format!("{TOPIC}:5f0c"), Some("no ARN"));
        check(&format!("{TOPIC}.fifo"), Some("FIFO"));
        let elsewhere = "arn:aws:sns:eu-west-1:123456789012:alerts";
        check(elsewhere, Some("AWS_REGION=eu-west-1"));
        check(elsewhere, Some("runs in us-east-1"));
    }
}
