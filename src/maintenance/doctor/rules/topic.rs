//! Whom alerts reach. Addresses are nobody's business here: only kinds are counted.

use std::collections::BTreeMap;

use super::{Scene, after};
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::{Subscription, SurveyError, Topic};
use crate::maintenance::doctor::wanted::name_of;

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    let facts = &scene.facts.topic;
    let name = name_of(scene.wanted.topic.as_str());
    let cause = facts.topic.as_ref().err();
    let topic = match &facts.topic {
        Ok(topic) => topic,
        Err(error) => {
            let missing = "create the topic, or correct alerts.topic_arn";
            rows.push(scene.failed(Check::Topic, name, error, missing));
            rows.push(Row::behind(Check::TopicKey, name, Check::Topic));
            rows.push(published(name));
            read_by(scene, name, cause, rows);
            return;
        }
    };
    rows.push(Row::ok(Check::Topic, name, "there"));
    rows.push(key(name, topic));
    rows.push(published(name));
    read_by(scene, name, cause, rows);
}

/// The rows that depend on who has subscribed.
fn read_by(scene: &Scene<'_>, name: &str, cause: Option<&SurveyError>, rows: &mut Vec<Row>) {
    let answer = &scene.facts.topic.subscriptions;
    let mut about = match answer {
        Ok(all) => vec![readers(scene, name, all), confirmations(name, all)],
        Err(error) => vec![
            scene.failed(
                Check::Subscriptions,
                name,
                error,
                "create the topic, or correct alerts.topic_arn",
            ),
            Row::behind(Check::Confirmations, name, Check::Subscriptions),
        ],
    };
    if scene.wanted.chat {
        about.push(match answer {
            Ok(all) => chat(name, all),
            Err(_) => Row::behind(Check::Chat, name, Check::Subscriptions),
        });
    }
    let about = about.into_iter();
    rows.extend(about.map(|row| after(Check::Topic, cause, answer, row)));
}

/// Whoever publishes needs the key; its policy is not asked for.
fn key(name: &str, topic: &Topic) -> Row {
    let check = Check::TopicKey;
    match topic.key.as_deref() {
        None => Row::ok(check, name, "no KMS key"),
        Some(key) if key.ends_with("alias/aws/sns") => Row::of(
            Status::Warning,
            check,
            name,
            "encrypted with alias/aws/sns, which CloudWatch cannot use: alarms reach nobody here",
            "use no key or one of your own whose policy lets cloudwatch.amazonaws.com use \
             kms:GenerateDataKey and kms:Decrypt, or send alarms to another topic (OpsTopicArn of \
             deploy/dashboard.yaml)",
        ),
        Some(_) => Row::of(
            Status::NotChecked,
            check,
            name,
            "a KMS key of your own, whose policy is not asked for",
            "see that the service may use kms:GenerateDataKey and kms:Decrypt on it \
             (deploy/iam/keys.json), and that its policy lets cloudwatch.amazonaws.com do so",
        ),
    }
}

fn published(name: &str) -> Row {
    Row::of(
        Status::NotChecked,
        Check::Publish,
        name,
        "nothing was published: people would get it",
        "the service has sns:Publish by deploy/iam/worker.json; to see one alert arrive, put an object \
         there that has to go",
    )
}

/// `2 email, 1 sqs`.
fn kinds<'a>(subscriptions: impl Iterator<Item = &'a Subscription>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for subscription in subscriptions {
        *counts.entry(subscription.protocol.as_str()).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(kind, n)| format!("{n} {kind}"))
        .collect();
    counts.join(", ")
}

fn readers(scene: &Scene<'_>, name: &str, subscriptions: &[Subscription]) -> Row {
    let confirmed = || subscriptions.iter().filter(|it| it.confirmed);
    if confirmed().count() == 0 {
        return Row::of(
            Status::Problem,
            Check::Subscriptions,
            name,
            "nobody is subscribed: alerts reach nobody",
            format!(
                "aws sns subscribe --topic-arn {} --protocol email --notification-endpoint ADDRESS, \
                 and follow the link in the mail",
                scene.wanted.topic
            ),
        );
    }
    let mail = confirmed().any(|it| it.protocol.starts_with("email"));
    let note = if mail { "" } else { "; no mail among them" };
    let finding = format!("{}{note}", kinds(confirmed()));
    Row::ok(Check::Subscriptions, name, finding)
}

fn confirmations(name: &str, subscriptions: &[Subscription]) -> Row {
    let open = || subscriptions.iter().filter(|it| !it.confirmed);
    if open().count() == 0 {
        return Row::ok(Check::Confirmations, name, "all are confirmed");
    }
    Row::of(
        Status::Problem,
        Check::Confirmations,
        name,
        format!("{} wait for a yes", kinds(open())),
        "have them follow the link that SNS has sent (for 3 days), or subscribe them again; delete \
         what nobody confirms",
    )
}

fn chat(name: &str, subscriptions: &[Subscription]) -> Row {
    let https = subscriptions
        .iter()
        .any(|it| it.confirmed && it.protocol == "https");
    if https {
        return Row::ok(
            Check::Chat,
            name,
            "an https subscription gets the form for chats",
        );
    }
    Row::of(
        Status::Problem,
        Check::Chat,
        name,
        "alerts.chat is on, and nobody is subscribed by https",
        "add the topic to a channel in Amazon Q Developer in chat applications, or set alerts.chat \
         to false",
    )
}
