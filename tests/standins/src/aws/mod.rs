//! S3, SQS, SNS and STS in memory on one port, fast enough for measurements.
//!
//! It has the calls that the service makes and no more, and it can go wrong on demand: for the
//! next calls of an operation, with a status, late, or by hanging up before or after the work. A
//! call that it does not have is refused with 501 or the service's own error, never made up. Any
//! credentials will do.
//!
//! Over HTTP: `POST /_standin/trouble` takes a [`Trouble`], `GET /_standin/calls` gives the number
//! of calls by operation.

pub(crate) mod call;
mod faults;
mod s3;
mod sns;
mod sqs;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
pub use faults::{Mishap, Trouble};
use hyper::Request;
pub use s3::Versioning;
use serde_json::json;
pub use sns::Published;
use tokio::sync::Notify;

use call::{Call, header};

use crate::serve::{self, HangUp, Reply, Server};

/// The account that everything belongs to.
pub const ACCOUNT: &str = "000000000000";

/// The region that everything lies in.
pub const REGION: &str = "us-east-1";

/// Running stand-ins for S3, SQS, SNS and STS; dropping them ends them.
#[derive(Debug)]
pub struct Aws {
    server: Server,
    services: Arc<Services>,
}

#[derive(Debug, Default)]
struct Services {
    desk: Mutex<faults::Desk>,
    /// Told whenever a call arrives.
    called: Notify,
    s3: s3::S3,
    sns: sns::Sns,
    sqs: sqs::Sqs,
}

impl Aws {
    /// Starts on a free port, with nothing in it.
    ///
    /// # Panics
    ///
    /// When no port of the loopback interface can be bound.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts on a port; 0 takes a free one.
    ///
    /// # Panics
    ///
    /// When the port cannot be bound.
    pub async fn start_on(port: u16) -> Self {
        let services = Arc::new(Services::default());
        let shared = Arc::clone(&services);
        let server = Server::start(port, move |request| {
            let services = Arc::clone(&shared);
            async move { services.answer(request).await }
        })
        .await;
        Self { server, services }
    }

    /// Their base URL: the value for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Makes a queue and gives its URL.
    pub fn queue(&self, name: &str) -> String {
        self.services.sqs.create(name, &json!({}));
        format!("{}/{ACCOUNT}/{name}", self.url())
    }

    /// Makes a queue with a dead-letter queue, `NAME-dlq`, and gives the URLs of both. A message
    /// moves there on the receive after `most` receives.
    pub fn queue_with_dead_letters(&self, name: &str, most: u32) -> (String, String) {
        let dead = format!("{name}-dlq");
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{dead}");
        let policy = json!({"deadLetterTargetArn": arn, "maxReceiveCount": most}).to_string();
        let (url, dead) = (self.queue(name), self.queue(&dead));
        let attributes = json!({"RedrivePolicy": policy});
        self.services.sqs.create(name, &attributes);
        (url, dead)
    }

    /// Sends a message to a queue, by its name.
    pub fn send(&self, queue: &str, body: impl Into<String>) {
        self.services.sqs.send(queue, body.into());
    }

    /// Messages of a queue that can be received now, and those that are held or delayed.
    #[must_use]
    pub fn depth(&self, queue: &str) -> (usize, usize) {
        self.services.sqs.depth(queue)
    }

    /// Makes a topic and gives its ARN.
    pub fn topic(&self, name: &str) -> String {
        self.services.sns.create(name)
    }

    /// Everything that was published, in order.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.services.sns.published()
    }

    /// The time now as [`Published::at_ms`] counts it.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.services.sns.now_ms()
    }

    /// Makes a bucket, or changes its versioning.
    pub fn bucket(&self, name: &str, versioning: Versioning) {
        self.services.s3.create(name, versioning);
    }

    /// Puts an object and gives its `ETag`, without quotes, and the id of its version (`null` where
    /// none are kept); `None` without such a bucket.
    pub fn put(&self, bucket: &str, key: &str, body: impl Into<Bytes>) -> Option<(String, String)> {
        self.services.s3.put(bucket, key, body.into())
    }

    /// What can still be read under a key in any version, newest first.
    #[must_use]
    pub fn readable(&self, bucket: &str, key: &str) -> Vec<Bytes> {
        self.services.s3.versions(bucket, key)
    }

    /// The keys of a bucket that are there now.
    #[must_use]
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        self.services.s3.keys(bucket)
    }

    /// Lets the next `times` calls of an operation, such as `s3:GetObject`, go wrong.
    pub fn trouble(&self, operation: &str, times: u32, mishap: Mishap) {
        let trouble = Trouble {
            operation: operation.to_owned(),
            times,
            mishap,
        };
        self.services.desk(|desk| desk.add(trouble));
    }

    /// How often each operation was called since the start or the last [`Aws::forget`].
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.services.desk(|desk| desk.calls.clone())
    }

    /// Waits until an operation was called so often.
    pub async fn called(&self, operation: &str, times: u64) {
        loop {
            let called = self.services.called.notified();
            let so_far = self.calls().get(operation).copied().unwrap_or(0);
            if so_far >= times {
                return;
            }
            called.await;
        }
    }

    /// Forgets the counts and the troubles to come.
    pub fn forget(&self) {
        self.services.desk(faults::Desk::reset);
    }
}

impl Services {
    fn desk<T>(&self, act: impl FnOnce(&mut faults::Desk) -> T) -> T {
        act(&mut self.desk.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Reply, HangUp> {
        match request.uri().path() {
            "/_standin/calls" => {
                let calls = self.desk(|desk| desk.calls.clone());
                return Ok(serve::json(200, &json!(calls)));
            }
            "/_standin/trouble" => {
                let trouble = serde_json::from_slice(request.body());
                return Ok(match trouble {
                    Ok(trouble) => {
                        self.desk(|desk| desk.add(trouble));
                        serve::json(200, &json!({"ok": true}))
                    }
                    Err(error) => serve::json(400, &json!({"error": error.to_string()})),
                });
            }
            _ => {}
        }
        let call = Call::of(&request);
        let mishap = self.desk(|desk| desk.call(&call.name()));
        self.called.notify_waiters();
        match &mishap {
            Some(Mishap::Status { status, code }) => return Ok(refused(&call, *status, code)),
            Some(Mishap::HangUp) => return Err(HangUp),
            Some(Mishap::Delay { ms }) => {
                tokio::time::sleep(Duration::from_millis(*ms)).await;
            }
            Some(Mishap::DropAfter) | None => {}
        }
        let reply = self.work(&call, &request).await;
        match mishap {
            Some(Mishap::DropAfter) => Err(HangUp),
            _ => Ok(reply),
        }
    }

    async fn work(&self, call: &Call, request: &Request<Bytes>) -> Reply {
        match call {
            Call::Sqs { operation, body } => {
                let host = header(request, "host").unwrap_or("127.0.0.1");
                let base = format!("http://{host}");
                self.sqs.answer(operation, body, &base).await
            }
            Call::Query { action, .. } if action == "GetCallerIdentity" => sns::caller(),
            Call::Query { action, form } => self.sns.answer(action, form),
            Call::S3(s3) => self.s3.answer(s3, request),
            Call::Bedrock { .. } => serve::json(
                404,
                &json!({"message": "models are served on another port: see AWS_ENDPOINT_URL_BEDROCK_RUNTIME"}),
            ),
        }
    }
}

/// An error that was ordered, as the service that is called words errors.
fn refused(call: &Call, status: u16, code: &str) -> Reply {
    let message = "as the test ordered";
    match call {
        Call::Sqs { .. } => {
            let kind = format!("com.amazonaws.sqs#{code}");
            let mut reply = serve::json(status, &json!({"__type": kind, "message": message}));
            serve::set_header(&mut reply, "x-amzn-query-error", &format!("{code};Sender"));
            reply
        }
        Call::S3(_) => {
            let code = wire::escaped(code);
            let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            serve::reply(status, "application/xml", body)
        }
        Call::Query { .. } | Call::Bedrock { .. } => sns::error(status, code, message),
    }
}
