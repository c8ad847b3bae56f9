//! Queues, asked of SQS.

use std::collections::HashMap;

use aws_sdk_sqs::types::QueueAttributeName as Attribute;

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::event::Redrive;
use crate::maintenance::doctor::{Answer, DeadLetters, Queue, SurveyError};

type Attributes = HashMap<Attribute, String>;

async fn attributes(clients: &Clients, url: &str) -> Answer<Attributes> {
    let ask = clients.sqs.get_queue_attributes().queue_url(url);
    let answer = ask.attribute_names(Attribute::All).send().await;
    let answer =
        answer.map_err(|error| failure("sqs:GetQueueAttributes", &error, Told::Message))?;
    let attributes = answer.attributes.unwrap_or_default();
    // All queues have one: without, something else has answered.
    match attributes.get(&Attribute::QueueArn) {
        Some(arn) if !arn.is_empty() => Ok(attributes),
        _ => Err(SurveyError::Odd(
            "sqs:GetQueueAttributes: no queue is named".to_owned(),
        )),
    }
}

fn number(attributes: &Attributes, name: &Attribute) -> u64 {
    let text = attributes.get(name).map(String::as_str);
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

pub(super) async fn queue(clients: &Clients, url: &str) -> Answer<Queue> {
    let attributes = attributes(clients, url).await?;
    let text = |name| attributes.get(&name).filter(|text| !text.is_empty());
    Ok(Queue {
        arn: text(Attribute::QueueArn).cloned().unwrap_or_default(),
        fifo: text(Attribute::FifoQueue).is_some_and(|it| it == "true"),
        visibility_seconds: number(&attributes, &Attribute::VisibilityTimeout),
        retention_seconds: number(&attributes, &Attribute::MessageRetentionPeriod),
        waiting: number(&attributes, &Attribute::ApproximateNumberOfMessages),
        delay_seconds: number(&attributes, &Attribute::DelaySeconds),
        // What is not understood gives nothing up, as far as anybody can tell.
        redrive: Redrive::of(text(Attribute::RedrivePolicy).map(String::as_str))
            .ok()
            .flatten(),
        key: text(Attribute::KmsMasterKeyId).cloned(),
        policy: text(Attribute::Policy).cloned(),
    })
}

pub(super) async fn dead_letters(
    clients: &Clients,
    arn: Option<&str>,
    url: Option<&str>,
) -> Answer<DeadLetters> {
    let url = match (arn, url) {
        (Some(arn), configured) => match (url_of(clients, arn).await, configured) {
            (Ok(url), _) => url,
            // What may not be asked may be configured, as for the service.
            (Err(_), Some(configured)) => configured.to_owned(),
            (Err(error), None) => return Err(error),
        },
        (None, Some(url)) => url.to_owned(),
        (None, None) => return Err(SurveyError::Odd("no dead-letter queue is named".to_owned())),
    };
    let attributes = attributes(clients, &url).await?;
    Ok(DeadLetters {
        arn: attributes
            .get(&Attribute::QueueArn)
            .cloned()
            .unwrap_or_default(),
        url,
        retention_seconds: number(&attributes, &Attribute::MessageRetentionPeriod),
        messages: number(&attributes, &Attribute::ApproximateNumberOfMessages)
            + number(
                &attributes,
                &Attribute::ApproximateNumberOfMessagesNotVisible,
            ),
    })
}

async fn url_of(clients: &Clients, arn: &str) -> Answer<String> {
    let mut parts = arn.split(':').skip(4);
    let (Some(account), Some(name)) = (parts.next(), parts.next()) else {
        return Err(SurveyError::Odd(format!("{arn} is no ARN of a queue")));
    };
    let ask = clients.sqs.get_queue_url().queue_name(name);
    let answer = ask.queue_owner_aws_account_id(account).send().await;
    let answer = answer.map_err(|error| failure("sqs:GetQueueUrl", &error, Told::Message))?;
    answer
        .queue_url
        .ok_or_else(|| SurveyError::Odd(format!("{arn}: SQS names no URL for it")))
}
