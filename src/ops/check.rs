//! Asks a running service on this machine whether it is healthy: for containers without a shell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A health check that takes longer has failed: containers allow a few seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// More is no answer of ours, in bytes.
const LONGEST: usize = 64 * 1024;

/// The service is not healthy, as far as can be told.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Nobody answers.
    #[error(
        "nobody answers at {0}: is the service running, and does ops.listen say the same there?"
    )]
    NoAnswer(SocketAddr),
    /// It says so.
    #[error("unhealthy: {0}")]
    Unhealthy(String),
    /// Somebody else listens there, or the answer was cut off.
    #[error("{0} does not answer like this service")]
    Strange(SocketAddr),
}

/// Asks for `/healthz`. What comes back is the answer in JSON.
///
/// # Errors
/// Nobody answers within 3 s, or what answers is not healthy or not this service.
pub async fn check(listen: SocketAddr) -> Result<String, CheckError> {
    let address = reachable(listen);
    let asked = timeout(PATIENCE, ask(address)).await;
    asked.unwrap_or(Err(CheckError::NoAnswer(address)))
}

async fn ask(address: SocketAddr) -> Result<String, CheckError> {
    let stream = TcpStream::connect(address).await;
    let stream = stream.map_err(|_| CheckError::NoAnswer(address))?;
    let strange = |_| CheckError::Strange(address);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(strange)?;
    let request = Request::get("/healthz")
        .header(header::HOST, address.to_string())
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .expect("the request is well formed");
    let exchange = async {
        let response = sender.send_request(request).await.map_err(strange)?;
        let good = response.status().is_success();
        let body = Limited::new(response.into_body(), LONGEST).collect().await;
        let bytes = body.map_err(|_| CheckError::Strange(address))?.to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Anybody may answer on this port, and many do so with a status: ours says what it waits for.
        let answer: serde_json::Value =
            serde_json::from_str(&text).map_err(|_| CheckError::Strange(address))?;
        let ours = answer.get("waiting_seconds").is_some_and(|it| it.is_u64());
        match answer.get("status").and_then(|status| status.as_str()) {
            Some("ok") if good && ours => Ok(text),
            Some("unhealthy") if ours => Err(CheckError::Unhealthy(text)),
            _ => Err(CheckError::Strange(address)),
        }
    };
    tokio::pin!(connection);
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        // The connection may be over before its last bytes were looked at.
        _ = &mut connection => exchange.await,
    }
}

/// Where one listens on all addresses, the loopback one answers.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
