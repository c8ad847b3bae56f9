//! The agent of Amazon ECS, which every task of it can reach without credentials.
//!
//! It sets task protection with the task's own role ("Amazon ECS task scale-in protection endpoint",
//! Amazon ECS Developer Guide), and says which task we are ("task metadata endpoint version 4",
//! there). It is no service of the SDK: plain HTTP on a link-local address, past every proxy.
//!
//! The path of its address holds an id that stands for the task, so it is never shown.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::{Method, Request, Uri, header};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::shutdown::protection::{ProtectError, Protector};

/// Where protection is set, below the agent's address.
const STATE: &str = "/task-protection/v1/state";

/// Where the task is told, below the address of its metadata.
const TASK: &str = "/task";

/// More is no answer of the agent, in bytes.
const LONGEST: usize = 64 * 1024;

/// The reason of a refusal while a deployment waits ("API failure reasons", Amazon ECS Developer
/// Guide).
const BLOCKED: &str = "DEPLOYMENT_BLOCKED";

/// The address that the agent has put into our environment is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "{variable} holds no http:// address: Amazon ECS sets it; leave it out where there is no agent"
)]
pub struct AgentAddressError {
    variable: &'static str,
}

/// The agent, at one of its addresses.
#[derive(Clone)]
pub struct EcsAgent {
    host: String,
    port: u16,
    path: String,
}

impl fmt::Debug for EcsAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcsAgent")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl EcsAgent {
    /// The variable with the address at which protection is set.
    pub const ADDRESS: &'static str = "ECS_AGENT_URI";

    /// The variable with the address of the task's metadata.
    pub const METADATA_ADDRESS: &'static str = "ECS_CONTAINER_METADATA_URI_V4";

    /// The agent at the address that this variable holds. Nothing is called yet.
    ///
    /// # Errors
    /// It is no `http://` address.
    pub fn at(variable: &'static str, address: &str) -> Result<Self, AgentAddressError> {
        let wrong = || AgentAddressError { variable };
        let uri: Uri = address.trim().parse().map_err(|_| wrong())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
        // An address of IPv6 stands in brackets, which a connection does not want.
        let host = host.ok_or_else(wrong)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(80),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The ARN of this task, asked at the address of its metadata. Bounded by whoever waits.
    ///
    /// # Errors
    /// It cannot be reached, or answers something else.
    pub async fn task_arn(&self) -> Result<String, ProtectError> {
        #[derive(Deserialize)]
        struct Task {
            #[serde(rename = "TaskARN")]
            arn: String,
        }
        let (_, body) = self.ask(Method::GET, TASK, Bytes::new()).await?;
        let task: Task = serde_json::from_slice(&body).map_err(|_| strange())?;
        Ok(task.arn)
    }

    async fn set(&self, body: String, protected: bool) -> Result<(), ProtectError> {
        let (status, body) = self.ask(Method::PUT, STATE, body.into()).await?;
        read(status, &body, protected)
    }

    /// One request on a connection of its own: they are minutes apart.
    async fn ask(
        &self,
        method: Method,
        below: &str,
        body: Bytes,
    ) -> Result<(u16, Bytes), ProtectError> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(|error| {
            ProtectError::Unreachable(format!(
                "the agent of Amazon ECS cannot be reached: {}",
                error.kind()
            ))
        })?;
        let lost = |_| {
            ProtectError::Unknown("the agent of Amazon ECS has broken off without a word".into())
        };
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{below}", self.path))
            .header(header::HOST, format!("{}:{}", self.host, self.port))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .body(Full::new(body))
            .map_err(|_| ProtectError::Unreachable("the agent's address is no address".into()))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(lost)?;
            let status = response.status().as_u16();
            let body = Limited::new(response.into_body(), LONGEST).collect().await;
            let body = body.map_err(|_| strange())?;
            Ok((status, body.to_bytes()))
        };
        tokio::pin!(connection);
        tokio::pin!(exchange);
        tokio::select! {
            answer = &mut exchange => answer,
            // The connection may be over before its last bytes were looked at.
            _ = &mut connection => exchange.await,
        }
    }
}

#[async_trait]
impl Protector for EcsAgent {
    async fn protect(&self, minutes: u16) -> Result<(), ProtectError> {
        let body = format!(r#"{{"ProtectionEnabled":true,"ExpiresInMinutes":{minutes}}}"#);
        self.set(body, true).await
    }

    async fn release(&self) -> Result<(), ProtectError> {
        self.set(r#"{"ProtectionEnabled":false}"#.to_owned(), false)
            .await
    }
}

/// An answer of the protection endpoint: one of these, and with an error another status than 200.
#[derive(Deserialize)]
struct Answer {
    protection: Option<State>,
    failure: Option<Failure>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct State {
    #[serde(rename = "ProtectionEnabled")]
    enabled: bool,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(rename = "Reason")]
    reason: String,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "Code")]
    code: String,
}

/// What an answer says. Of its words only codes are taken: messages name ARNs and requests.
fn read(status: u16, body: &[u8], protected: bool) -> Result<(), ProtectError> {
    let answer: Answer = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(_) if status == 200 => return Err(strange()),
        Err(_) => return Err(failed(status, None)),
    };
    if let Some(failure) = answer.failure {
        return Err(match failure.reason.as_str() {
            BLOCKED => ProtectError::Blocked,
            reason => ProtectError::Refused(explained(reason)),
        });
    }
    match (status, answer.protection) {
        (200, Some(state)) if state.enabled == protected => Ok(()),
        (200, _) if answer.error.is_none() => Err(strange()),
        _ => Err(failed(status, answer.error)),
    }
}

/// A status that is no success: the agent passes on those of ECS.
fn failed(status: u16, refusal: Option<Refusal>) -> ProtectError {
    let code = refusal.map_or_else(
        || format!("status {status}"),
        |refusal| explained(&refusal.code),
    );
    match status {
        400..=499 => ProtectError::Refused(code),
        _ => ProtectError::Unknown(format!("the agent of Amazon ECS has failed: {code}")),
    }
}

/// A code with its remedy, where one is known. Codes are words: what is none is not repeated.
fn explained(code: &str) -> String {
    let is_word = |code: &str| code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match code {
        "TASK_NOT_VALID" => "TASK_NOT_VALID: only tasks of an ECS service can be protected; set \
                             ecs.protection_max_minutes to 0 for others"
            .to_owned(),
        "AccessDeniedException" => "AccessDeniedException: allow the task's role \
                                    ecs:UpdateTaskProtection on its own tasks"
            .to_owned(),
        code if code.len() <= 64 && is_word(code) => code.to_owned(),
        _ => "for a reason that is no code".to_owned(),
    }
}

fn strange() -> ProtectError {
    ProtectError::Unknown("what answers does not answer like the agent of Amazon ECS".to_owned())
}

#[cfg(test)]
mod tests;
