//! Topics and who reads them, asked of SNS. Addresses stay here.

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::maintenance::doctor::{Answer, Subscription, Topic};

/// Pages of 100 subscriptions that are read at most: more readers are no question any more.
const PAGES: usize = 10;

/// How the ARN of a subscription begins that somebody said yes to. Others have a word in its place:
/// `PendingConfirmation`.
const CONFIRMED: &str = "arn:";

pub(super) async fn topic(clients: &Clients, arn: &str) -> Answer<Topic> {
    let ask = clients.topics.get_topic_attributes().topic_arn(arn);
    let answer = ask.send().await;
    let answer = answer.map_err(|error| failure("sns:GetTopicAttributes", &error, Told::Message));
    let attributes = answer?.attributes.unwrap_or_default();
    let key = attributes.get("KmsMasterKeyId");
    Ok(Topic {
        key: key.filter(|key| !key.is_empty()).cloned(),
    })
}

pub(super) async fn subscriptions(clients: &Clients, arn: &str) -> Answer<Vec<Subscription>> {
    let mut found = Vec::new();
    let mut next = None;
    for _ in 0..PAGES {
        let ask = clients.topics.list_subscriptions_by_topic().topic_arn(arn);
        let answer = ask.set_next_token(next).send().await;
        let answer = answer
            .map_err(|error| failure("sns:ListSubscriptionsByTopic", &error, Told::Message))?;
        // One that was deleted is listed for a while, and waits for nobody.
        let all = answer.subscriptions().iter();
        let all = all.filter(|it| it.subscription_arn() != Some("Deleted"));
        found.extend(all.map(|it| {
            let protocol = it.protocol().unwrap_or_default().to_owned();
            let queue = (protocol == "sqs").then(|| it.endpoint().map(str::to_owned));
            Subscription {
                confirmed: it
                    .subscription_arn()
                    .is_some_and(|arn| arn.starts_with(CONFIRMED)),
                queue_arn: queue.flatten(),
                protocol,
            }
        }));
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    Ok(found)
}
