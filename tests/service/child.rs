//! `s3-warden run` as a child process: started, listened to, asked over its ops endpoint, ended.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::until::until;

/// No step of a healthy service comes near; it only ends a run that hangs.
const GENEROUS: Duration = Duration::from_secs(60);

/// How many of its last lines are shown when a test fails.
const SHOWN: usize = 200;

/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinSet<()>,
    _home: TempDir,
}

/// How a service ended, and all that it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
}

impl Service {
    /// Starts it with nothing in its environment but these variables and a home of its own.
    pub(crate) fn start(variables: &[(String, String)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_s3-warden"))
            .arg("run")
            .env_clear()
            .env("HOME", home.path())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = Arc::default();
        let mut reader = JoinSet::new();
        reader.spawn(collect(child.stderr.take().unwrap(), Arc::clone(&lines)));
        Self {
            child,
            lines,
            reader,
            _home: home,
        }
    }

    /// What it has said so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }

    /// The first line that it has logged, or will, for which `wanted` has an answer.
    pub(crate) async fn says<T>(&self, what: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        until(what, async || {
            self.lines()
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok())
                .find_map(|line| wanted(&line))
                .ok_or_else(|| self.lines().join("\n"))
        })
        .await
    }

    /// Waits for a line with these words in it.
    pub(crate) async fn mentions(&self, words: &str) {
        until(words, async || {
            let lines = self.lines();
            let said = lines.iter().any(|line| line.contains(words));
            said.then_some(()).ok_or_else(|| lines.join("\n"))
        })
        .await;
    }

    /// Where its ops endpoint listens.
    async fn address(&self) -> String {
        self.says("the address of the ops endpoint", |line| {
            line["ops.address"].as_str().map(str::to_owned)
        })
        .await
    }

    /// Asks its ops endpoint: status and body. An endpoint that is not there yet is status 0.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let address = self.address().await;
        match timeout(GENEROUS, get(&address, path)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => (0, error.to_string()),
            Err(_) => panic!("{path}: no answer"),
        }
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        self.is_ready(200).await;
    }

    /// Waits until `/readyz` answers with this status, and gives its body.
    pub(crate) async fn is_ready(&self, status: u16) -> String {
        until(&format!("/readyz answers {status}"), async || {
            let (now, body) = self.get("/readyz").await;
            if now == status {
                return Ok(body);
            }
            Err(format!("{now} {body}\n{}", self.lines().join("\n")))
        })
        .await
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Ends it at once, as the kernel or the platform would: nothing of it runs any more.
    pub(crate) async fn kill(mut self) -> Vec<String> {
        self.child.kill().await.unwrap();
        self.lines()
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let status = timeout(GENEROUS, self.child.wait()).await;
        let status = status
            .unwrap_or_else(|_| panic!("the service hangs:\n{}", self.lines().join("\n")))
            .unwrap();
        while self.reader.join_next().await.is_some() {}
        Ended {
            status,
            lines: self.lines(),
        }
    }

    /// Asks it to stop, and waits until it has drained.
    pub(crate) async fn drain(self) -> Ended {
        self.signal("TERM").await;
        let ended = self.end().await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.lines.join("\n"));
        ended
    }
}

impl Drop for Service {
    /// A test that fails shows what its services have said last.
    #[expect(
        clippy::print_stderr,
        reason = "captured by the test harness, shown with a failure"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let lines = self.lines();
            let last = lines.len().saturating_sub(SHOWN);
            eprintln!(
                "a service said:\n{}",
                lines.get(last..).unwrap_or_default().join("\n")
            );
        }
    }
}

impl Ended {
    /// That it ended with this code, having said all of these words.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, words: &[&str]) {
        let said = self.lines.join("\n");
        assert_eq!(self.status.code(), Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "{word:?} is missing in:\n{said}");
        }
    }
}

async fn collect(from: ChildStderr, lines: Arc<Mutex<Vec<String>>>) {
    let mut from = BufReader::new(from).lines();
    while let Ok(Some(line)) = from.next_line().await {
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}

async fn get(address: &str, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status.unwrap_or(0), body.to_owned()))
}
