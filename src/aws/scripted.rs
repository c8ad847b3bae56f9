//! A service of AWS that gives the answers it is told to give, for tests over the real SDK.
//!
//! What an error of a service becomes in the SDK differs by protocol, so errors made by hand in
//! tests would prove little.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_types::retry::RetryConfig;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use tokio::task::JoinSet;

use super::Clients;

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    pub(super) fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) body: String,
}

impl Asked {
    /// The body, where it is JSON.
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

/// The service. It ends with this value.
#[derive(Debug)]
pub(super) struct Scripted {
    pub(super) endpoint: String,
    script: Arc<Script>,
    _serving: JoinSet<()>,
}

impl Scripted {
    /// A service that gives these answers in order, and none afterwards: it says 599 then.
    pub(super) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Arc::new(Script {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
        });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&script));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint,
            script,
            _serving: serving,
        }
    }

    /// Clients of it that ask once.
    pub(super) async fn clients(&self) -> Clients {
        let mut clients = Clients::at_endpoint(&self.endpoint, Some(&self.endpoint)).await;
        let once = RetryConfig::disabled();
        let sqs = clients.sqs.config().to_builder().retry_config(once.clone());
        clients.sqs = aws_sdk_sqs::Client::from_conf(sqs.build());
        let sns = clients.sns.config().to_builder().retry_config(once.clone());
        clients.sns = aws_sdk_sns::Client::from_conf(sns.build());
        clients.topics = clients.sns.clone();
        #[cfg(feature = "securityhub")]
        {
            let hub = clients.security_hub.config().to_builder();
            let hub = hub.retry_config(once.clone());
            clients.security_hub = aws_sdk_securityhub::Client::from_conf(hub.build());
        }
        #[cfg(feature = "eventbridge")]
        {
            let bus = clients.event_bridge.config().to_builder();
            let bus = bus.retry_config(once.clone());
            clients.event_bridge = aws_sdk_eventbridge::Client::from_conf(bus.build());
        }
        let s3 = clients.s3.config().to_builder().retry_config(once);
        clients.s3 = aws_sdk_s3::Client::from_conf(s3.build());
        clients
    }

    /// What was asked so far.
    pub(super) fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Arc<Script>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap();
    script.asked.lock().unwrap().push(Asked {
        path: parts.uri.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let next = script.answers.lock().unwrap().pop_front();
    let next = next.unwrap_or_else(|| Answer::new(599, "the script has no more answers"));
    let mut response = Response::builder().status(next.status);
    for (name, value) in &next.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(next.body)).unwrap()
}
