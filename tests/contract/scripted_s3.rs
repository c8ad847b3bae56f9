//! An S3 that says what a test tells it to, for the refusals that no emulator makes.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Method, path, and what tells one question from another.
    pub(crate) fn line(&self) -> String {
        let query = self.query.split('&').filter(|it| !it.starts_with("x-id="));
        let query = query.collect::<Vec<_>>().join("&");
        let copy = if self.headers.contains_key("x-amz-copy-source") {
            " copy"
        } else {
            ""
        };
        format!("{} {}?{query}{copy}", self.method, self.path)
    }
}

type Script = dyn Fn(&Asked) -> Response + Send + Sync;

#[derive(Clone)]
struct Shared {
    script: Arc<Script>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The server; ends when dropped.
pub(crate) struct ScriptedS3 {
    pub(crate) endpoint: String,
    shared: Shared,
    _serving: JoinSet<()>,
}

impl ScriptedS3 {
    pub(crate) async fn start(script: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Shared {
            script: Arc::new(script),
            asked: Arc::default(),
        };
        let app = Router::new().fallback(answer).with_state(shared.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint,
            shared,
            _serving: serving,
        }
    }

    /// Everything that was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::line).collect()
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let asked = Asked {
        method: request.method().clone(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().unwrap_or_default().to_owned(),
        headers: request.headers().clone(),
    };
    let answer = (shared.script)(&asked);
    shared.asked.lock().unwrap().push(asked);
    answer
}

/// An answer with headers and a body.
pub(crate) fn says(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// A refusal as S3 words it; none of the words in answers to HEAD.
pub(crate) fn refuses(asked: &Asked, status: u16, code: &str, message: &str) -> Response {
    if asked.method == Method::HEAD {
        return says(status, &[], "");
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code>\
         <Message>{message}</Message><RequestId>R1</RequestId></Error>"
    );
    says(status, &[("content-type", "application/xml")], body)
}
