//! SNS and STS in memory, speaking the query protocol.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use super::wire::{escaped, field};
use super::{ACCOUNT, REGION};
use crate::serve::{self, Reply};

/// A message that was published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Published {
    /// The topic's ARN.
    pub topic: String,
    /// The subject, or nothing.
    pub subject: String,
    /// The message as it was given: with `structure` `json`, a message per protocol.
    pub message: String,
    /// `json`, or nothing.
    pub structure: String,
    /// The string values of the attributes.
    pub attributes: BTreeMap<String, String>,
    /// When it was accepted, in milliseconds since the stand-in started.
    pub at_ms: u64,
}

/// Every topic and what was published.
#[derive(Debug)]
pub(super) struct Sns {
    started: Instant,
    all: Mutex<(Vec<String>, Vec<Published>)>,
}

impl Default for Sns {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            all: Mutex::default(),
        }
    }
}

type Form<'a> = &'a [(String, String)];

impl Sns {
    pub(super) fn create(&self, name: &str) -> String {
        let arn = format!("arn:aws:sns:{REGION}:{ACCOUNT}:{name}");
        self.lock().0.push(arn.clone());
        arn
    }

    pub(super) fn published(&self) -> Vec<Published> {
        self.lock().1.clone()
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<String>, Vec<Published>)> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn published_now(&self, form: Form<'_>, topic: &str, prefix: &str) -> Published {
        Published {
            at_ms: self.now_ms(),
            ..published(form, topic, prefix)
        }
    }

    pub(super) fn answer(&self, action: &str, form: Form<'_>) -> Reply {
        if action == "CreateTopic" {
            let arn = self.create(field(form, "Name").unwrap_or(""));
            return result(action, &format!("<TopicArn>{arn}</TopicArn>"));
        }
        let of = |name: &str| field(form, name).unwrap_or("").to_owned();
        let topic = of("TopicArn");
        let mut all = self.lock();
        if !all.0.contains(&topic) {
            return error(404, "NotFound", "Topic does not exist");
        }
        match action {
            "GetTopicAttributes" => result(
                action,
                &format!(
                    "<Attributes><entry><key>TopicArn</key><value>{topic}</value></entry><entry><key>Owner</key><value>{ACCOUNT}</value></entry></Attributes>"
                ),
            ),
            "Publish" => {
                let published = self.published_now(form, &topic, "");
                if let Err(message) = check(&published) {
                    return error(400, "InvalidParameter", message);
                }
                all.1.push(published);
                let id = id(all.1.len());
                result(action, &format!("<MessageId>{id}</MessageId>"))
            }
            "PublishBatch" => {
                let (mut done, mut failed) = (String::new(), String::new());
                for nth in 1..=10 {
                    let prefix = format!("PublishBatchRequestEntries.member.{nth}.");
                    let Some(entry) = field(form, &format!("{prefix}Id")) else {
                        break;
                    };
                    let entry = escaped(entry);
                    let published = self.published_now(form, &topic, &prefix);
                    match check(&published) {
                        Ok(()) => {
                            all.1.push(published);
                            let id = id(all.1.len());
                            done += &format!(
                                "<member><Id>{entry}</Id><MessageId>{id}</MessageId></member>"
                            );
                        }
                        Err(message) => {
                            failed += &format!(
                                "<member><Id>{entry}</Id><Code>InvalidParameter</Code><Message>{message}</Message><SenderFault>true</SenderFault></member>"
                            );
                        }
                    }
                }
                let body = format!("<Successful>{done}</Successful><Failed>{failed}</Failed>");
                result(action, &body)
            }
            _ => error(400, "InvalidAction", "the stand-in does not have this"),
        }
    }
}

/// Answers `GetCallerIdentity`.
pub(super) fn caller() -> Reply {
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Arn>arn:aws:iam::{ACCOUNT}:user/stand-in</Arn><UserId>STANDIN</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    serve::reply(200, "text/xml", body)
}

/// An error in the query protocol.
pub(super) fn error(status: u16, code: &str, message: &str) -> Reply {
    let (code, message) = (escaped(code), escaped(message));
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>stand-in</RequestId></ErrorResponse>"
    );
    serve::reply(status, "text/xml", body)
}

fn published(form: Form<'_>, topic: &str, prefix: &str) -> Published {
    let of = |name: &str| {
        let value = field(form, &format!("{prefix}{name}"));
        value.unwrap_or("").to_owned()
    };
    let mut attributes = BTreeMap::new();
    for nth in 1.. {
        let name = of(&format!("MessageAttributes.entry.{nth}.Name"));
        if name.is_empty() {
            break;
        }
        let value = of(&format!("MessageAttributes.entry.{nth}.Value.StringValue"));
        attributes.insert(name, value);
    }
    Published {
        topic: topic.to_owned(),
        subject: of("Subject"),
        message: of("Message"),
        structure: of("MessageStructure"),
        attributes,
        at_ms: 0,
    }
}

/// The rules that SNS keeps: a message, a short subject of one line, and a default per protocol.
fn check(published: &Published) -> Result<(), &'static str> {
    let subject = &published.subject;
    if subject.chars().count() >= 100 || subject.chars().any(char::is_control) {
        return Err("Invalid parameter: Subject");
    }
    if published.message.is_empty() {
        return Err("Invalid parameter: Empty message");
    }
    if published.message.len() > 262_144 {
        return Err("Invalid parameter: Message too long");
    }
    if published.structure == "json" {
        let parsed: Result<BTreeMap<String, String>, _> = serde_json::from_str(&published.message);
        if !parsed.is_ok_and(|protocols| protocols.contains_key("default")) {
            return Err(
                "Invalid parameter: Message Structure - No default entry in JSON message body",
            );
        }
    }
    Ok(())
}

fn result(action: &str, body: &str) -> Reply {
    let body = format!(
        "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><{action}Result>{body}</{action}Result><ResponseMetadata><RequestId>stand-in</RequestId></ResponseMetadata></{action}Response>"
    );
    serve::reply(200, "text/xml", body)
}

fn id(nth: usize) -> String {
    format!("00000000-0000-4000-9000-{nth:012x}")
}
