//! The wire between a service and the emulator: it notes which permissions each call needs, and can
//! hold or refuse chosen calls.
//!
//! Holding an answer after the emulator has acted is how the tests know the moment: the call has had
//! its effect, and the service does not know yet. Nothing in the service takes part in that.

mod permission;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response};
use s3_warden_standins::client::Client;
use s3_warden_standins::serve::{HangUp, Reply, Server};
use tokio::sync::watch;

pub(crate) use permission::Permission;

/// A proxy in front of the emulator.
#[derive(Debug)]
pub(crate) struct Wire {
    server: Server,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    client: Client,
    needed: Mutex<BTreeSet<Permission>>,
    read: Mutex<BTreeSet<String>>,
    rules: Mutex<Vec<Arc<Rule>>>,
}

/// Which calls are meant: those that need this action on a resource like this.
#[derive(Debug)]
struct Rule {
    action: String,
    resource: String,
    manner: Manner,
    /// How many matching calls have come so far.
    seen: watch::Sender<u32>,
    open: watch::Sender<bool>,
}

#[derive(Debug)]
enum Manner {
    /// The answer to the n-th such call, counted from 1, is kept back until the gate opens.
    HoldAnswer(u32),
    /// None of them reaches the emulator.
    Refuse(Refusal),
}

/// An answer in place of the emulator's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
}

impl Refusal {
    /// What services say to credentials that were good once.
    pub(crate) const EXPIRED: Self = Self {
        status: 403,
        code: "ExpiredToken",
    };
    /// What services say to who may not.
    pub(crate) const DENIED: Self = Self {
        status: 403,
        code: "AccessDenied",
    };
}

/// A rule while it is in force: dropping it lets go what it holds, and lifts it.
#[derive(Debug)]
pub(crate) struct Gate {
    rule: Arc<Rule>,
    shared: Arc<Shared>,
}

impl Wire {
    /// Starts on a free port, in front of `upstream`.
    pub(crate) async fn start(upstream: &str) -> Self {
        let shared = Arc::new(Shared {
            upstream: upstream.to_owned(),
            client: Client::default(),
            needed: Mutex::default(),
            read: Mutex::default(),
            rules: Mutex::default(),
        });
        let passing = Arc::clone(&shared);
        let server = Server::start(0, move |request| {
            let shared = Arc::clone(&passing);
            async move { shared.pass(request).await }
        })
        .await;
        Self { server, shared }
    }

    /// The value for `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Every permission that calls have needed so far.
    pub(crate) fn needed(&self) -> BTreeSet<Permission> {
        lock(&self.shared.needed).clone()
    }

    /// The objects whose bytes were asked for.
    pub(crate) fn read(&self) -> BTreeSet<String> {
        lock(&self.shared.read).clone()
    }

    /// Keeps back the answer to the `number`-th call (from 1) that needs `action` on a resource
    /// like `resource`, in which `*` stands for anything.
    pub(crate) fn hold(&self, action: &str, resource: &str, number: u32) -> Gate {
        self.add(action, resource, Manner::HoldAnswer(number))
    }

    /// Refuses such calls; `*` stands for anything in both.
    pub(crate) fn refuse(&self, action: &str, resource: &str, with: Refusal) -> Gate {
        self.add(action, resource, Manner::Refuse(with))
    }

    fn add(&self, action: &str, resource: &str, manner: Manner) -> Gate {
        let rule = Arc::new(Rule {
            action: action.to_owned(),
            resource: resource.to_owned(),
            manner,
            seen: watch::Sender::new(0),
            open: watch::Sender::new(false),
        });
        lock(&self.shared.rules).push(Arc::clone(&rule));
        Gate {
            rule,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Gate {
    /// Waits until so many calls have come: of a held answer, until the call has had its effect.
    pub(crate) async fn seen(&self, times: u32) {
        let mut seen = self.rule.seen.subscribe();
        let waiting = seen.wait_for(|seen| *seen >= times);
        let came = tokio::time::timeout(std::time::Duration::from_secs(60), waiting).await;
        let rule = (&self.rule.action, &self.rule.resource);
        came.unwrap_or_else(|_| panic!("{rule:?} was not called {times} times"))
            .expect("the rule is in force");
    }

    /// Waits until the answer is being held.
    pub(crate) async fn reached(&self) {
        match self.rule.manner {
            Manner::HoldAnswer(number) => self.seen(number).await,
            Manner::Refuse(_) => self.seen(1).await,
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        lock(&self.shared.rules).retain(|rule| !Arc::ptr_eq(rule, &self.rule));
        self.rule.open.send_replace(true);
    }
}

impl Shared {
    async fn pass(&self, request: Request<Bytes>) -> Result<Reply, HangUp> {
        let needed = permission::needed(&request);
        lock(&self.needed).extend(needed.iter().cloned());
        if request.method() == Method::GET {
            let bytes = ["s3:GetObject", "s3:GetObjectVersion"];
            let read = needed
                .iter()
                .filter(|it| bytes.contains(&it.action.as_str()));
            lock(&self.read).extend(read.map(|it| it.resource.clone()));
        }
        let rules: Vec<_> = lock(&self.rules)
            .iter()
            .filter(|rule| needed.iter().any(|permission| rule.means(permission)))
            .map(Arc::clone)
            .collect();
        for rule in &rules {
            if let Manner::Refuse(refusal) = rule.manner {
                rule.seen.send_modify(|seen| *seen += 1);
                return Ok(refused(&request, refusal));
            }
        }
        let answer = self.forward(request).await?;
        for rule in rules {
            rule.seen.send_modify(|seen| *seen += 1);
            let seen = *rule.seen.borrow();
            if matches!(rule.manner, Manner::HoldAnswer(number) if number == seen) {
                let mut open = rule.open.subscribe();
                // The rule lives as long as its gate, which opens before it goes.
                open.wait_for(|open| *open).await.map_err(|_| HangUp)?;
            }
        }
        Ok(answer)
    }

    async fn forward(&self, request: Request<Bytes>) -> Result<Reply, HangUp> {
        let is_head = request.method() == Method::HEAD;
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        head.uri = format!("{}{path}", self.upstream)
            .parse()
            .map_err(|_| HangUp)?;
        head.headers.remove("host");
        let answer = self.client.send(Request::from_parts(head, body)).await;
        // Who is not there hangs up.
        let (mut head, body) = answer.map_err(|_| HangUp)?.into_parts();
        head.headers.remove("transfer-encoding");
        head.headers.remove("connection");
        if !is_head {
            head.headers.remove("content-length");
        }
        Ok(Response::from_parts(head, Full::new(body)))
    }
}

impl Rule {
    fn means(&self, permission: &Permission) -> bool {
        like(&self.action, &permission.action) && like(&self.resource, &permission.resource)
    }
}

/// Whether a text is like a pattern, in which `*` stands for anything, as in policies of IAM.
pub(crate) fn like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A refusal in the words of the service that was called.
fn refused(request: &Request<Bytes>, refusal: Refusal) -> Reply {
    use s3_warden_standins::serve::{json, reply};
    let Refusal { status, code } = refusal;
    let said = "refused by the test";
    if request.headers().contains_key("x-amz-target") {
        let kind = format!("com.amazonaws.sqs#{code}");
        return json(
            status,
            &serde_json::json!({"__type": kind, "message": said}),
        );
    }
    let error = format!("<Error><Code>{code}</Code><Message>{said}</Message></Error>");
    match request.method() == Method::POST && request.uri().path() == "/" {
        true => {
            let body = format!("<ErrorResponse>{error}</ErrorResponse>");
            reply(status, "text/xml", body)
        }
        false => reply(status, "application/xml", error),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn patterns_are_those_of_policies() {
    for (pattern, text, fits) in [
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k/l", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b", false),
        ("*/findings/*", "b/findings/date=1/x", true),
        ("*", "", true),
        ("a", "ab", false),
        ("*b", "ab", true),
        ("a*b*c", "a-c", false),
    ] {
        assert_eq!(like(pattern, text), fits, "{pattern} {text}");
    }
}
