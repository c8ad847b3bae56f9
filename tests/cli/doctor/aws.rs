//! An AWS in which everything is in order, but for what a case twists.
//!
//! It answers exactly the calls that the doctor makes, each known by its action as IAM names it and
//! by what it is about. A call that it does not know is answered with 501, and so shows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use hyper::Request;
use s3_warden_standins::serve::{HangUp, Reply, Server, reply, set_header};
use serde_json::json;
use tokio::sync::Notify;

use super::answers::{
    attributes, encryption, listing, notifications, profile, public_block, quotas, rule, s3,
    subscriptions, to_queue, to_topic, topic, versioning, xml,
};
use super::wire::{call_of, refused};

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/warden-task/task-1";

/// What is not in order.
#[derive(Clone, Debug)]
pub(crate) enum Twist {
    /// Calls of this action about this are refused: status and code.
    Refuse(&'static str, String, u16, &'static str),
    /// They are answered with this instead.
    Say(&'static str, String, String),
    /// They are answered well, with this header too.
    Header(&'static str, String, &'static str, &'static str),
    /// The clock of AWS is ahead by so many seconds.
    Clock(i64),
    /// A write is never kept out.
    Overwrites,
    /// The records' bucket keeps no versions.
    Unversioned,
    /// They are done, and the connection breaks instead of an answer.
    Lost(&'static str, String),
    /// They are neither done nor answered, from the one of this number on.
    Hangs(&'static str, String, usize),
}

/// An action, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) about: String,
}

#[derive(Debug)]
struct World {
    region: String,
    twists: Vec<Twist>,
    calls: Mutex<BTreeMap<Call, usize>>,
    /// The paths that are written and not removed.
    written: Mutex<BTreeSet<String>>,
    /// Told whenever a call comes that hangs.
    hanging: Notify,
}

/// What becomes of a request.
enum Fate {
    Answered(Reply),
    Lost,
    Hangs,
}

/// The server; ends when dropped.
#[derive(Debug)]
pub(crate) struct Aws {
    server: Server,
    world: Arc<World>,
}

impl Aws {
    pub(crate) async fn start(region: &str, twists: Vec<Twist>) -> Self {
        let world = Arc::new(World {
            region: region.to_owned(),
            twists,
            calls: Mutex::default(),
            written: Mutex::default(),
            hanging: Notify::new(),
        });
        let answering = Arc::clone(&world);
        let server = Server::start(0, move |request| {
            let world = Arc::clone(&answering);
            async move {
                match world.fate(&request) {
                    Fate::Answered(reply) => Ok(reply),
                    Fate::Lost => Err(HangUp),
                    Fate::Hangs => {
                        world.hanging.notify_one();
                        std::future::pending().await
                    }
                }
            }
        })
        .await;
        Self { server, world }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> BTreeSet<Call> {
        self.world.calls.lock().unwrap().keys().cloned().collect()
    }

    /// What was written and not removed.
    pub(crate) fn left(&self) -> BTreeSet<String> {
        self.world.written.lock().unwrap().clone()
    }

    /// Waits for a call that hangs.
    pub(crate) async fn hangs(&self) {
        self.world.hanging.notified().await;
    }
}

impl World {
    fn fate(&self, request: &Request<Bytes>) -> Fate {
        let call = call_of(request);
        let number = {
            let mut calls = self.calls.lock().unwrap();
            let number = calls.entry(call.clone()).or_default();
            *number += 1;
            *number
        };
        let hangs = self.twists.iter().any(|twist| {
            matches!(twist, Twist::Hangs(action, about, from)
                if is(&call, action, about) && number >= *from)
        });
        if hangs {
            return Fate::Hangs;
        }
        let reply = self.answer(&call, request);
        let is_lost =
            |twist: &Twist| matches!(twist, Twist::Lost(action, about) if is(&call, action, about));
        match self.twists.iter().any(is_lost) {
            true => Fate::Lost,
            false => Fate::Answered(reply),
        }
    }

    fn answer(&self, call: &Call, request: &Request<Bytes>) -> Reply {
        let mut reply = self.reply(call, request);
        for twist in &self.twists {
            match twist {
                Twist::Header(action, about, name, value) if is(call, action, about) => {
                    set_header(&mut reply, name, value);
                }
                Twist::Clock(ahead) => {
                    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(*ahead);
                    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                    set_header(&mut reply, "date", &date);
                }
                _ => {}
            }
        }
        reply
    }

    fn reply(&self, call: &Call, request: &Request<Bytes>) -> Reply {
        for twist in &self.twists {
            match twist {
                Twist::Refuse(action, about, status, code) if is(call, action, about) => {
                    return refused(request, call, *status, code);
                }
                Twist::Say(action, about, body) if is(call, action, about) => {
                    return reply(200, "text/plain", body.clone());
                }
                _ => {}
            }
        }
        if call.action == "s3:PutObject" && !self.may_write(call, request) {
            return refused(request, call, 412, "PreconditionFailed");
        }
        if call.action.starts_with("s3:DeleteObject") {
            self.written.lock().unwrap().remove(request.uri().path());
        }
        if call.action == "s3:ListBucketVersions" {
            let query = request.uri().query().unwrap_or_default();
            return reply(200, "text/plain", self.versions(&call.about, query));
        }
        let Some(body) = self.in_order(call) else {
            return refused(request, call, 501, "NotImplemented");
        };
        let mut reply = reply(200, "text/plain", body);
        set_header(&mut reply, "x-amz-bucket-region", &self.region);
        set_header(&mut reply, "etag", "\"9a0364b9e99bb480dd25e1f0284c8555\"");
        let versioned = !self
            .twists
            .iter()
            .any(|it| matches!(it, Twist::Unversioned));
        let tried = call.action == "s3:PutObject" && call.about == "records/probe" && versioned;
        if tried || call.action.starts_with("s3:GetObject") {
            set_header(&mut reply, "x-amz-version-id", "v1");
        }
        reply
    }

    /// Whether a condition lets a write happen.
    fn may_write(&self, call: &Call, request: &Request<Bytes>) -> bool {
        let overwrites = self.twists.iter().any(|it| matches!(it, Twist::Overwrites));
        let is_new = self
            .written
            .lock()
            .unwrap()
            .insert(request.uri().path().to_owned());
        let has = |name: &str| request.headers().contains_key(name);
        let kept_out = has("if-match") || (has("if-none-match") && !is_new);
        overwrites || call.about != "records/probe" || !kept_out
    }

    /// The versions of the only key that is asked for.
    fn versions(&self, bucket: &str, query: &str) -> String {
        let prefix = query.split('&').find_map(|it| it.strip_prefix("prefix="));
        let key = prefix.unwrap_or_default().replace("%2F", "/");
        let is_there = self
            .written
            .lock()
            .unwrap()
            .contains(&format!("/{bucket}/{key}"));
        let unversioned = self
            .twists
            .iter()
            .any(|it| matches!(it, Twist::Unversioned));
        let id = match bucket {
            "records" if !unversioned => "v1",
            _ => "null",
        };
        let version = format!("<Version><Key>{key}</Key><VersionId>{id}</VersionId></Version>");
        s3("ListVersionsResult", if is_there { &version } else { "" })
    }

    fn queue(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{name}", self.region)
    }

    /// The answer where everything is in order.
    fn in_order(&self, call: &Call) -> Option<String> {
        let about = call.about.as_str();
        Some(match call.action.as_str() {
            "sts:GetCallerIdentity" => xml(
                "GetCallerIdentity",
                "https://sts.amazonaws.com/doc/2011-06-15/",
                &format!("<Arn>{ROLE}</Arn><UserId>AROA:task</UserId><Account>{ACCOUNT}</Account>"),
            ),
            "sqs:GetQueueAttributes" => attributes(&self.region, about, &[]),
            "sqs:GetQueueUrl" => {
                json!({"QueueUrl": format!("http://sqs/{ACCOUNT}/{about}")}).to_string()
            }
            "sns:GetTopicAttributes" => topic(""),
            "sns:ListSubscriptionsByTopic" if about == "news" => {
                subscriptions(&[("sqs", &self.queue("uploads"), true)])
            }
            "sns:ListSubscriptionsByTopic" => subscriptions(&[
                ("email", "someone@example.com", true),
                ("https", "https://chat.example.com", true),
            ]),
            "s3:GetBucketVersioning" => versioning("<Status>Enabled</Status>"),
            "s3:GetBucketNotification" => match about {
                "scans" => notifications("<EventBridgeConfiguration/>"),
                "drops" => to_topic(&format!("arn:aws:sns:{}:{ACCOUNT}:news", self.region)),
                _ => to_queue(&self.queue("uploads"), &["s3:ObjectCreated:*"], ""),
            },
            "s3:GetBucketObjectLockConfiguration" => s3("ObjectLockConfiguration", ""),
            "s3:ListBucket" if about.ends_with("?list") => listing(about),
            "s3:ListBucket" | "s3:PutObject" | "s3:DeleteObject" | "s3:DeleteObjectVersion" => {
                String::new()
            }
            "s3:GetObject" | "s3:GetObjectVersion" => match about {
                "records/control/halt.json" => "null".to_owned(),
                "records/control/breaker.json" => {
                    json!({"generation": 0, "open_since": null}).to_string()
                }
                _ => "x".to_owned(),
            },
            "s3:GetBucketPublicAccessBlock" => public_block(true),
            "s3:GetBucketPolicyStatus" => s3("PolicyStatus", "<IsPublic>false</IsPublic>"),
            "s3:GetEncryptionConfiguration" => encryption("aws:kms", "arn:aws:kms:r:a:key/1"),
            "s3:GetLifecycleConfiguration" => s3(
                "LifecycleConfiguration",
                "<Rule><ID>old</ID><Status>Enabled</Status><Filter/>\
                 <Expiration><Days>30</Days></Expiration></Rule>",
            ),
            "bedrock:GetInferenceProfile" => profile("ACTIVE"),
            "bedrock:GetModelInvocationLoggingConfiguration" => "{}".to_owned(),
            "servicequotas:ListServiceQuotas" => quotas(4_000_000, 1000),
            "events:ListRuleNamesByTarget" => match about {
                "events" => json!({"RuleNames": ["security"]}).to_string(),
                _ => json!({"RuleNames": ["scans"]}).to_string(),
            },
            "events:DescribeRule" => match about {
                "security" => rule(
                    about,
                    "ENABLED",
                    &json!({"detail-type": [
                        "AWS API Call via CloudTrail", "AWS Service Event via CloudTrail",
                        "AWS Console Sign In via CloudTrail",
                    ]}),
                ),
                _ => rule(
                    about,
                    "ENABLED",
                    &json!({
                        "source": ["aws.s3"], "detail-type": ["Object Created"],
                        "detail": {"bucket": {"name": ["scans"]}},
                    }),
                ),
            },
            _ => return None,
        })
    }
}

fn is(call: &Call, action: &str, about: &str) -> bool {
    call.action == action && call.about == about
}
