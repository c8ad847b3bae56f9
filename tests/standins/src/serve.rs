//! One HTTP server on a free port of the loopback interface, as every stand-in needs it.
//!
//! It stands on hyper alone, because a stand-in must be able to do what no well-behaved server
//! does: take a request and then close the connection without a word. Every task belongs to the
//! [`Server`]; dropping it ends them all and frees the port.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A whole answer, ready to be sent.
pub type Reply = Response<Full<Bytes>>;

/// The connection is closed, and the caller gets no answer at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the stand-in hangs up, as it was told to")
    }
}

impl std::error::Error for HangUp {}

impl From<Infallible> for HangUp {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Owns the accepting task, which owns the connections.
    _tasks: JoinSet<()>,
}

impl Server {
    /// Serves `handle` on `port` of 127.0.0.1; 0 takes a free one.
    ///
    /// # Panics
    ///
    /// When the port cannot be bound.
    pub async fn start<H, F>(port: u16, handle: H) -> Self
    where
        H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Result<Reply, HangUp>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .expect("a port of the loopback interface can be bound");
        let address = listener.local_addr().expect("a bound listener has a name");
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, handle));
        Self {
            address,
            _tasks: tasks,
        }
    }

    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept<H, F>(listener: TcpListener, handle: H)
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Reply, HangUp>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that was gone before it was taken is its caller's affair.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(serve(stream, handle.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve<H, F>(stream: TcpStream, handle: H)
where
    H: Fn(Request<Bytes>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Reply, HangUp>> + Send + 'static,
{
    // Small answers must not wait for more to come; a refusal costs only that.
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request: Request<Incoming>| {
        let handle = handle.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
            handle(Request::from_parts(head, body)).await
        }
    });
    // An error here is a hang-up of either side, which both of them notice by themselves.
    let _ended = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An answer of a kind, with a body.
#[must_use]
pub fn reply(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()));
    set_status(&mut reply, status);
    set_header(&mut reply, "content-type", content_type);
    reply
}

/// An answer that carries JSON.
#[must_use]
pub fn json(status: u16, body: &serde_json::Value) -> Reply {
    reply(status, "application/json", body.to_string())
}

/// Gives an answer a status; what is no status becomes 500.
pub fn set_status(reply: &mut Reply, status: u16) {
    *reply.status_mut() =
        hyper::StatusCode::from_u16(status).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
}

/// Sets one header; a value that HTTP can't carry is left out, as a server would drop it.
pub fn set_header(reply: &mut Reply, name: &'static str, value: &str) {
    if let Ok(value) = hyper::header::HeaderValue::from_str(value) {
        reply.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn ask(server: &Server, path: &str) -> String {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn answers_or_hangs_up() {
        let server = Server::start(0, |request| async move {
            match request.uri().path() {
                "/silent" => Err(HangUp),
                path => Ok(reply(200, "text/plain", path.to_owned())),
            }
        })
        .await;
        assert!(ask(&server, "/hello").await.ends_with("/hello"));
        assert_eq!(ask(&server, "/silent").await, "");
        let address = server.address;
        drop(server);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
