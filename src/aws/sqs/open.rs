//! What a queue is, asked before the first message is taken.

use std::collections::HashMap;
use std::time::Duration;

use super::{DeadLetters, LARGEST_MESSAGE, LONGEST_VISIBILITY, SqsQueue, short};
use crate::aws::Clients;
use crate::aws::fault::{Fault, Told};
use crate::event::{QueueError, Redrive, Unfit, unfit};
use crate::retry::Jitter;
use crate::telemetry::vocabulary::QUEUE_URL;
use aws_sdk_sqs::types::QueueAttributeName as Attribute;

pub(super) type Attributes = HashMap<Attribute, String>;

/// After how many receives we park where a dead-letter queue is configured and the queue itself has
/// no count.
const RECEIVES: u32 = 20;

impl SqsQueue {
    /// The queue at `url`, after asking it what it is. Received messages stay hidden for
    /// `visibility` (whole seconds, 1 s to 12 h). What cannot be worked on goes to the dead-letter
    /// queue of its redrive policy, or, where that names none, to `dead_letter_url`; without either
    /// the queue works and a warning is logged.
    ///
    /// Calls `sqs:GetQueueAttributes` on both queues and `sqs:GetQueueUrl` on the dead-letter queue.
    ///
    /// # Errors
    /// The queue, or its dead-letter queue, does not answer ([`QueueError::Unavailable`]), is
    /// missing, denied, FIFO or in another region ([`QueueError::Refused`], with the remedy).
    pub async fn open(
        clients: &Clients,
        url: &str,
        dead_letter_url: Option<String>,
        visibility: Duration,
    ) -> Result<Self, QueueError> {
        Self::open_as(clients, ("queue.url", url), dead_letter_url, visibility).await
    }

    /// The same for a queue whose URL stands in another setting: errors name that one.
    ///
    /// # Errors
    /// As of [`SqsQueue::open`].
    pub async fn open_as(
        clients: &Clients,
        (setting, url): (&'static str, &str),
        dead_letter_url: Option<String>,
        visibility: Duration,
    ) -> Result<Self, QueueError> {
        let client = clients.sqs.clone();
        fits(url, setting, clients.region())?;
        let attributes = attributes(&client, url).await?;
        let arn = attributes
            .get(&Attribute::QueueArn)
            .cloned()
            .unwrap_or_else(|| url.to_owned());
        let redrive = attributes.get(&Attribute::RedrivePolicy);
        let redrive = Redrive::of(redrive.map(String::as_str))
            .map_err(|unclear| QueueError::Refused(unclear.to_string()))?;
        let dead_letters = match (&redrive, dead_letter_url) {
            (Some(redrive), configured) => Some(url_of(&client, &redrive.arn, configured).await?),
            (None, configured) => configured,
        };
        let dead_letters = match dead_letters {
            Some(dead) => Some(dead_letters_at(clients, &dead, &arn, &attributes).await?),
            None => {
                tracing::warn!(
                    { QUEUE_URL } = url,
                    "the queue has no dead-letter queue: what cannot be worked on comes again and \
                     again until it expires; give the queue a redrive policy, or set \
                     `queue.dead_letter_url`"
                );
                None
            }
        };
        Ok(Self {
            client,
            url: url.to_owned(),
            arn,
            visibility: visibility.clamp(Duration::from_secs(1), LONGEST_VISIBILITY),
            max_receives: redrive
                .and_then(|redrive| redrive.max_receives)
                .or(dead_letters.is_some().then_some(RECEIVES)),
            dead_letters,
            overflow: None,
            jitter: Jitter::random(),
        })
    }
}

/// What can be told from the URL alone, with the remedy.
fn fits(url: &str, setting: &str, region: &str) -> Result<(), QueueError> {
    let why = match unfit(url, region) {
        None => return Ok(()),
        Some(Unfit::NoUrl) => format!(
            "`{setting}` is no URL: give it as SQS shows it, such as \
             https://sqs.{region}.amazonaws.com/123456789012/uploads"
        ),
        Some(Unfit::Fifo) => format!(
            "{url} is a FIFO queue: S3 does not send to those, and one slow object would hold up \
             its group; give `{setting}` a standard queue"
        ),
        Some(Unfit::Elsewhere(other)) => format!(
            "{url} is in {other}, and the service runs in {region}: set AWS_REGION={other}, or \
             give `{setting}` a queue in {region}"
        ),
    };
    Err(QueueError::Refused(why))
}

pub(super) async fn attributes(
    client: &aws_sdk_sqs::Client,
    url: &str,
) -> Result<Attributes, QueueError> {
    let answer = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(Attribute::All)
        .customize()
        .config_override(short())
        .send()
        .await
        .map_err(|error| Fault::of("sqs:GetQueueAttributes", &error, Told::Message))
        .map_err(|fault| about(url, fault.into()))?;
    Ok(answer.attributes.unwrap_or_default())
}

/// Which of the two queues an error is about.
fn about(queue: &str, error: QueueError) -> QueueError {
    match error {
        QueueError::Unavailable(why) => QueueError::Unavailable(format!("{queue}: {why}")),
        QueueError::Refused(why) => QueueError::Refused(format!("{queue}: {why}")),
    }
}

/// The URL of the queue with this ARN. What may not be asked may be configured.
async fn url_of(
    client: &aws_sdk_sqs::Client,
    arn: &str,
    configured: Option<String>,
) -> Result<String, QueueError> {
    let mut parts = arn.split(':').skip(4);
    let (Some(account), Some(name)) = (parts.next(), parts.next()) else {
        return Err(QueueError::Refused(format!("{arn} is no ARN of a queue")));
    };
    let answer = client
        .get_queue_url()
        .queue_name(name)
        .queue_owner_aws_account_id(account)
        .customize()
        .config_override(short())
        .send()
        .await;
    match (answer, configured) {
        (Ok(answer), configured) => match answer.queue_url.or(configured) {
            Some(url) => Ok(url),
            None => Err(QueueError::Unavailable(format!(
                "{arn}: SQS names no URL for it"
            ))),
        },
        (Err(_), Some(configured)) => Ok(configured),
        (Err(error), None) => {
            let fault = Fault::of("sqs:GetQueueUrl", &error, Told::Message);
            let remedy = "; this is the dead-letter queue of the redrive policy";
            let error = match QueueError::from(fault) {
                QueueError::Refused(why) => QueueError::Refused(format!(
                    "{why}{remedy}: mend the policy, or set `queue.dead_letter_url`"
                )),
                QueueError::Unavailable(why) => QueueError::Unavailable(format!("{why}{remedy}")),
            };
            Err(about(arn, error))
        }
    }
}

async fn dead_letters_at(
    clients: &Clients,
    url: &str,
    source_arn: &str,
    source: &Attributes,
) -> Result<DeadLetters, QueueError> {
    fits(url, "queue.dead_letter_url", clients.region())?;
    let attributes = attributes(&clients.sqs, url).await?;
    if attributes
        .get(&Attribute::QueueArn)
        .is_some_and(|arn| arn == source_arn)
    {
        return Err(QueueError::Refused(format!(
            "{url} is the queue itself: what is parked would come back at once; give \
             `queue.dead_letter_url` another queue"
        )));
    }
    let number =
        |attributes: &Attributes, name| -> Option<u64> { attributes.get(&name)?.parse().ok() };
    let kept = |attributes| number(attributes, Attribute::MessageRetentionPeriod);
    // The queue moves messages with their first date, so they would expire on arrival.
    if let (Some(here), Some(there)) = (kept(source), kept(&attributes))
        && there <= here
    {
        tracing::warn!(
            { QUEUE_URL } = url,
            "the dead-letter queue keeps messages no longer than the queue itself: raise its \
             MessageRetentionPeriod, best to 14 days"
        );
    }
    let largest = number(&attributes, Attribute::MaximumMessageSize)
        .and_then(|bytes| usize::try_from(bytes).ok())
        .map_or(LARGEST_MESSAGE, |bytes| bytes.min(LARGEST_MESSAGE));
    Ok(DeadLetters {
        url: url.to_owned(),
        largest,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::aws::scripted::{Answer, Scripted};
    use crate::event::Queue;

    const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:q";
    const DEAD_ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

    fn described(attributes: Value) -> Answer {
        Answer::new(200, json!({"Attributes": attributes}).to_string())
    }

    fn with_policy(count: Value) -> Answer {
        let policy = json!({"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": count});
        described(json!({"QueueArn": ARN, "RedrivePolicy": policy.to_string()}))
    }

    fn found(service_url: &str) -> Answer {
        Answer::new(200, json!({"QueueUrl": service_url}).to_string())
    }

    fn dead(attributes: Value) -> Answer {
        let mut all = json!({"QueueArn": DEAD_ARN, "MaximumMessageSize": "2048"});
        all.as_object_mut()
            .unwrap()
            .extend(attributes.as_object().unwrap().clone());
        described(all)
    }

    /// A queue without dead letters whose calls a service answers.
    pub(in crate::aws::sqs) async fn queue(service: &Scripted) -> SqsQueue {
        let client = service.clients().await.sqs;
        SqsQueue {
            client,
            url: "http://127.0.0.1/000000000000/q".to_owned(),
            arn: ARN.to_owned(),
            visibility: Duration::from_secs(120),
            max_receives: None,
            dead_letters: None,
            overflow: None,
            jitter: Jitter::fixed(0.0),
        }
    }

    pub(in crate::aws::sqs) async fn queue_with_dead_letters(
        service: &Scripted,
        largest: usize,
    ) -> SqsQueue {
        let dead_letters = DeadLetters {
            url: "http://127.0.0.1/000000000000/dead".to_owned(),
            largest,
        };
        SqsQueue {
            dead_letters: Some(dead_letters),
            ..queue(service).await
        }
    }

    async fn open(
        answers: impl IntoIterator<Item = Answer>,
        dead_letter_url: Option<&str>,
    ) -> Result<SqsQueue, QueueError> {
        let service = Scripted::start(answers).await;
        let clients = service.clients().await;
        let url = "https://sqs.us-east-1.amazonaws.com/000000000000/q";
        let dead_letter_url = dead_letter_url.map(str::to_owned);
        SqsQueue::open(&clients, url, dead_letter_url, Duration::from_secs(90)).await
    }

    #[tokio::test]
    async fn the_redrive_policy_tells_dead_letters_and_receives() {
        for count in [json!(7), json!("7")] {
            let answers = [
                with_policy(count),
                found("http://h/0/dead"),
                dead(json!({})),
            ];
            let queue = open(answers, Some("http://h/0/other")).await.unwrap();
            assert_eq!(queue.max_receives(), Some(7));
            assert_eq!(queue.dead_letter_url(), Some("http://h/0/dead"));
            assert_eq!(queue.dead_letters.as_ref().unwrap().largest, 2048);
            assert_eq!(queue.visibility(), Duration::from_secs(90));
        }
    }

    #[tokio::test]
    async fn a_configured_dead_letter_queue_serves_where_there_is_no_policy() {
        let answers = [described(json!({"QueueArn": ARN})), dead(json!({}))];
        let queue = open(answers, Some("http://h/0/other")).await.unwrap();
        assert_eq!(queue.max_receives(), Some(20));
        assert_eq!(queue.dead_letter_url(), Some("http://h/0/other"));
    }

    #[tokio::test]
    async fn a_configured_dead_letter_queue_serves_where_the_url_may_not_be_asked() {
        let denied = Answer::new(400, r#"{"__type":"AccessDeniedException"}"#);
        let answers = [with_policy(json!(3)), denied, dead(json!({}))];
        let queue = open(answers, Some("http://h/0/other")).await.unwrap();
        assert_eq!(queue.max_receives(), Some(3));
        assert_eq!(queue.dead_letter_url(), Some("http://h/0/other"));
    }

    #[tokio::test]
    async fn a_queue_without_dead_letters_is_no_error() {
        let queue = open([described(json!({"QueueArn": ARN}))], None)
            .await
            .unwrap();
        assert_eq!(queue.dead_letter_url(), None);
    }

    #[tokio::test]
    async fn what_is_wrong_is_said_with_its_remedy() {
        async fn check(answers: Vec<Answer>, dead: Option<&str>, says: &[&str]) {
            let error = open(answers, dead).await.unwrap_err();
            assert!(matches!(error, QueueError::Refused(_)), "{error}");
            let text = error.to_string();
            for part in says {
                assert!(text.contains(part), "{part} is not in {text}");
            }
        }
        let refused =
            |code| Answer::new(400, format!(r#"{{"__type":"com.amazonaws.sqs#{code}"}}"#));
        let missing = || refused("QueueDoesNotExist");
        check(vec![missing()], None, &["/000000000000/q", "AWS_REGION"]).await;
        let denied = vec![refused("AccessDeniedException")];
        check(denied, None, &["sqs:GetQueueAttributes", "deploy/iam"]).await;
        let gone = vec![with_policy(json!(3)), missing()];
        check(gone, None, &[DEAD_ARN, "queue.dead_letter_url"]).await;
        let plain = || described(json!({"QueueArn": ARN}));
        let itself = vec![plain(), plain()];
        check(
            itself,
            Some("http://h/0/q"),
            &["itself", "queue.dead_letter_url"],
        )
        .await;
        check(vec![plain()], Some("http://h/0/dead.fifo"), &["FIFO"]).await;
        let odd = described(json!({"QueueArn": ARN, "RedrivePolicy": "{}"}));
        check(vec![odd], None, &["redrive policy"]).await;
    }

    #[tokio::test]
    async fn a_service_that_is_down_is_no_refusal() {
        let error = open([Answer::new(503, "{}")], None).await.unwrap_err();
        assert!(matches!(error, QueueError::Unavailable(_)), "{error}");
    }

    #[test]
    fn urls_are_checked_before_anything_is_asked() {
        let check =
            |url: &str, says: Option<&str>| match (fits(url, "queue.url", "eu-west-1"), says) {
                (Ok(()), None) => {}
                (Err(QueueError::Refused(text)), Some(says)) if text.contains(says) => {}
                (result, _) => panic!("{url}: {result:?}"),
            };
        check("https://sqs.eu-west-1.amazonaws.com/1/q", None);
        check(
            "https://sqs.us-east-1.amazonaws.com/1/q",
            Some("AWS_REGION=us-east-1"),
        );
        check("uploads", Some("no URL"));
        check("https://sqs.eu-west-1.amazonaws.com/1/q.fifo", Some("FIFO"));
    }
}
