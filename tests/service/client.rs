//! The other side of the service: `client.py`, a real client of AWS in a process of its own.
//!
//! Everything that the tests set up, upload and look at goes through it, so that nothing of ours
//! answers for itself.

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// No call to the emulator comes near; it only ends a run that hangs.
const GENEROUS: Duration = Duration::from_secs(60);

/// AWS said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The code, such as `NoSuchKey`; of an error that AWS has not told, its Python class.
    pub(crate) code: String,
    /// The HTTP status; 0 where AWS did not answer.
    pub(crate) status: u64,
    /// The whole sentence.
    pub(crate) message: String,
}

type Answer = Result<Value, Refused>;
type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

/// A running client.
#[derive(Debug)]
pub(crate) struct Client {
    requests: mpsc::UnboundedSender<String>,
    waiting: Waiting,
    next: AtomicU64,
    _child: Child,
    _tasks: JoinSet<()>,
}

/// A variable that `tests/emulator.sh` sets.
///
/// # Panics
/// When it is not set, and says how to get it: a test that cannot run has failed.
pub(crate) fn given(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set; run `tests/emulator.sh -- cargo test --test service`")
    })
}

impl Client {
    pub(crate) fn start() -> Arc<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/client.py");
        let mut child = Command::new(given("S3_WARDEN_TEST_PYTHON"))
            .arg(script)
            .env_clear()
            .env("S3_WARDEN_TEST_ENDPOINT", given("S3_WARDEN_TEST_ENDPOINT"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the Python of the emulator runs");
        let (requests, outgoing) = mpsc::unbounded_channel();
        let waiting = Waiting::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(write(child.stdin.take().unwrap(), outgoing));
        let answers = BufReader::new(child.stdout.take().unwrap()).lines();
        tasks.spawn(read(answers, Arc::clone(&waiting)));
        Arc::new(Self {
            requests,
            waiting,
            next: AtomicU64::new(1),
            _child: child,
            _tasks: tasks,
        })
    }

    /// Calls an operation of a service by its boto3 name.
    pub(crate) async fn call(&self, service: &str, call: &str, with: Value) -> Answer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (tell, told) = oneshot::channel();
        lock(&self.waiting).insert(id, tell);
        let request = json!({"id": id, "service": service, "call": call, "with": with});
        self.requests.send(request.to_string()).unwrap();
        let answer = timeout(GENEROUS, told).await;
        answer
            .unwrap_or_else(|_| panic!("{service} {call}: no answer"))
            .unwrap_or_else(|_| panic!("{service} {call}: the client is gone; see its traceback"))
    }

    /// Calls an operation that has to succeed.
    pub(crate) async fn ok(&self, service: &str, call: &str, with: Value) -> Value {
        let shown: String = with.to_string().chars().take(300).collect();
        let answer = self.call(service, call, with).await;
        answer.unwrap_or_else(|refused| panic!("{service} {call} {shown}: {refused:?}"))
    }

    pub(crate) async fn s3(&self, call: &str, with: Value) -> Value {
        self.ok("s3", call, with).await
    }

    pub(crate) async fn sqs(&self, call: &str, with: Value) -> Value {
        self.ok("sqs", call, with).await
    }
}

async fn write(mut to: ChildStdin, mut requests: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = requests.recv().await {
        line.push('\n');
        if to.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(mut from: Lines<BufReader<ChildStdout>>, waiting: Waiting) {
    while let Ok(Some(line)) = from.next_line().await {
        let mut reply: Value = serde_json::from_str(&line).expect("the client answers JSON");
        let id = reply["id"].as_u64().expect("an answer has its number");
        let answer = match reply["error"].take() {
            Value::Null => Ok(reply["ok"].take()),
            error => Err(Refused {
                code: error["code"].as_str().unwrap_or_default().to_owned(),
                status: error["status"].as_u64().unwrap_or_default(),
                message: error["message"].as_str().unwrap_or_default().to_owned(),
            }),
        };
        if let Some(tell) = lock(&waiting).remove(&id) {
            // Who asked may have given up.
            tell.send(answer).unwrap_or_default();
        }
    }
    // Whoever still waits hears that nobody will answer.
    lock(&waiting).clear();
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
