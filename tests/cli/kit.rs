//! A home of its own for each test, and the binary run in it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// No step of a healthy run comes near; it only ends a run that hangs.
const GENEROUS: Duration = Duration::from_secs(120);

/// A temporary home with a folder to guard in it.
pub(crate) struct Home {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as one JSON object per line.
    pub(crate) fn json(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// Standard output as one JSON document.
    pub(crate) fn json_document(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }

    /// That it ended with this code.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// That it refused in one sentence that has these words, and did nothing else.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        let ran = self.ended(code);
        assert_eq!(ran.err.trim_end().lines().count(), 1, "{ran:#?}");
        for word in words {
            assert!(ran.err.contains(word), "{word} is missing: {ran:#?}");
        }
        assert_eq!(ran.out, "", "{ran:#?}");
    }
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("inbox")).unwrap();
        Self {
            dir,
            variables: Vec::new(),
        }
    }

    /// Sets a variable for every process of this home.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in the home, made absolute.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(path)
    }

    /// Puts a file of `tests/fixtures` into the guarded folder, whole at once.
    pub(crate) fn put(&self, fixture: &str, name: &str) {
        let place = self.at("inbox").join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        let part = self.at("part");
        std::fs::copy(fixture_at(fixture), &part).unwrap();
        std::fs::rename(part, place).unwrap();
    }

    /// Whether a file lies in the guarded folder.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.at("inbox").join(name).exists()
    }

    /// Every file below a path of the home, with its bytes as text.
    pub(crate) fn files(&self, below: &str) -> Vec<(PathBuf, String)> {
        let files = walkdir::WalkDir::new(self.at(below)).into_iter();
        files
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| {
                let bytes = std::fs::read(entry.path()).unwrap();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                (entry.into_path(), text)
            })
            .collect()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.at("."))
            .env("XDG_STATE_HOME", self.at("xdg"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the binary to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(BINARY).args(arguments)).await
    }

    /// Runs a line of shell in which `$BIN` is the binary.
    pub(crate) async fn shell(&self, line: &str) -> Ran {
        let path = std::env::var("PATH").unwrap();
        let mut command = self.command("sh");
        command.env("PATH", path).env("BIN", BINARY);
        self.finish(command.args(["-c", line])).await
    }

    async fn finish(&self, command: &mut Command) -> Ran {
        let ended = timeout(GENEROUS, command.output()).await;
        let output = ended.expect("the process hangs").unwrap();
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts the binary and leaves it running.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(BINARY).args(arguments).spawn().unwrap();
        let (tell, lines) = mpsc::unbounded_channel();
        let mut readers = JoinSet::new();
        readers.spawn(read(child.stdout.take().unwrap(), tell.clone()));
        readers.spawn(read(child.stderr.take().unwrap(), tell));
        Running {
            child,
            lines,
            seen: String::new(),
            _readers: readers,
        }
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_s3-warden");

/// A file of `tests/fixtures`.
pub(crate) fn fixture_at(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

async fn read(side: impl AsyncRead + Unpin, tell: mpsc::UnboundedSender<String>) {
    let mut lines = BufReader::new(side).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        // The test may have ended.
        tell.send(line).unwrap_or_default();
    }
}

/// A process that runs.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    seen: String,
    _readers: JoinSet<()>,
}

impl Running {
    /// Waits for a line, on either side, that has these words.
    pub(crate) async fn says(&mut self, words: &str) {
        loop {
            let line = timeout(GENEROUS, self.lines.recv()).await;
            let Some(line) = line.expect("the process says nothing more") else {
                panic!("{words:?} was never said:\n{}", self.seen)
            };
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(words) {
                return;
            }
        }
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Waits for the end: how it ended, and all it said.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        let status = timeout(GENEROUS, self.child.wait()).await;
        let status = status.expect("the process hangs").unwrap();
        while let Some(line) = self.lines.recv().await {
            self.seen.push_str(&line);
            self.seen.push('\n');
        }
        (status, self.seen)
    }
}
