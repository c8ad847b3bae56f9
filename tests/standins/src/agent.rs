//! The agent of Amazon ECS, as a task reaches it: task protection and the task's metadata.
//!
//! It answers in the shapes of `ecs-agent/tmds` in amazon-ecs-agent, remembers every call and how
//! things stand, and misbehaves on demand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use hyper::{Method, Request};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::serve::{HangUp, Reply, Server, json, reply};

/// The ARN of the task that this agent runs.
pub const TASK_ARN: &str = "arn:aws:ecs:us-east-1:000000000000:task/warden/0123456789abcdef";

/// The id that stands for the container in the paths of the agent, and is no business of logs.
pub const CONTAINER: &str = "fedcba98-7654-container";

/// How it answers calls about protection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Mood {
    /// Does as it is asked.
    #[default]
    Well,
    /// A failure of the API, by its reason: status 200 all the same.
    Failure(String),
    /// An error of the API, by status and code.
    Error(u16, String),
    /// This status and this body.
    Says(u16, String),
    /// Takes the call, does as it is asked, and closes the connection without an answer.
    HangsUp,
    /// Takes the call, does as it is asked, and never answers.
    Silent,
}

/// A call about protection, in the order in which they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its path.
    pub path: String,
    /// What was asked for.
    pub body: Value,
}

impl Call {
    /// Whether it asks for protection.
    #[must_use]
    pub fn protects(&self) -> bool {
        self.body.get("ProtectionEnabled") == Some(&Value::Bool(true))
    }
}

#[derive(Debug, Default)]
struct State {
    mood: Mood,
    calls: Vec<Call>,
    protected: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    more: Notify,
}

/// The agent. It ends with this value.
#[derive(Debug)]
pub struct Agent {
    server: Server,
    shared: Arc<Shared>,
}

impl Agent {
    /// An agent that is well.
    pub async fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let heard = Arc::clone(&shared);
        let server = Server::start(0, move |request| {
            let heard = Arc::clone(&heard);
            async move { heard.answer(request).await }
        })
        .await;
        Self { server, shared }
    }

    /// What a task finds in `ECS_AGENT_URI`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}/api/{CONTAINER}", self.server.url())
    }

    /// What a task finds in `ECS_CONTAINER_METADATA_URI_V4`.
    #[must_use]
    pub fn metadata(&self) -> String {
        format!("{}/v4/{CONTAINER}", self.server.url())
    }

    /// From now on it answers so.
    pub fn feels(&self, mood: Mood) {
        self.shared.lock().mood = mood;
    }

    /// Every call about protection so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.clone()
    }

    /// Whether the task is protected.
    #[must_use]
    pub fn protected(&self) -> bool {
        self.shared.lock().protected
    }

    /// Waits until so many calls have come, in all.
    pub async fn called(&self, count: usize) {
        loop {
            let more = self.shared.more.notified();
            if self.shared.lock().calls.len() >= count {
                return;
            }
            more.await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Bytes>) -> Result<Reply, HangUp> {
        let path = request.uri().path().to_owned();
        if path == format!("/v4/{CONTAINER}/task") {
            let task = json!({"Cluster": "warden", "TaskARN": TASK_ARN, "Family": "warden"});
            return Ok(json(200, &task));
        }
        if path != format!("/api/{CONTAINER}/task-protection/v1/state") {
            return Ok(reply(404, "text/plain", "404 page not found"));
        }
        if request.method() != Method::PUT {
            return Ok(reply(405, "text/plain", ""));
        }
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let mood = {
            let mut state = self.lock();
            state.calls.push(Call {
                path,
                body: body.clone(),
            });
            state.mood.clone()
        };
        let answer = self.by(mood, &body).await;
        self.more.notify_waiters();
        answer
    }

    async fn by(&self, mood: Mood, body: &Value) -> Result<Reply, HangUp> {
        let error = |status: u16, code: &str| {
            let error = json!({"Arn": TASK_ARN, "Code": code, "Message": "it was refused"});
            json(status, &json!({"requestID": "r-1", "error": error}))
        };
        match mood {
            Mood::Failure(reason) => {
                let failure = json!({"Arn": TASK_ARN, "Reason": reason, "Detail": null});
                return Ok(json(200, &json!({"failure": failure})));
            }
            Mood::Error(status, code) => return Ok(error(status, &code)),
            Mood::Says(status, text) => return Ok(reply(status, "text/plain", text)),
            Mood::Well | Mood::HangsUp | Mood::Silent => {}
        }
        let minutes = body.get("ExpiresInMinutes").map(Value::as_u64);
        let fits = minutes.is_none_or(|minutes| minutes.is_some_and(|it| (1..=2880).contains(&it)));
        let enabled = body.get("ProtectionEnabled").and_then(Value::as_bool);
        let (Some(enabled), true) = (enabled, fits) else {
            return Ok(error(400, "InvalidParameterException"));
        };
        self.lock().protected = enabled;
        match mood {
            Mood::HangsUp => return Err(HangUp),
            Mood::Silent => {
                self.more.notify_waiters();
                return std::future::pending().await;
            }
            Mood::Well | Mood::Failure(_) | Mood::Error(..) | Mood::Says(..) => {}
        }
        let mut protection = json!({"ProtectionEnabled": enabled, "TaskArn": TASK_ARN});
        if enabled && let Some(entries) = protection.as_object_mut() {
            entries.insert("ExpirationDate".to_owned(), "2026-11-20T12:00:00Z".into());
        }
        Ok(json(200, &json!({"protection": protection})))
    }
}
