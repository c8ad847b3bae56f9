//! The process that is measured.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::aws::REGION;

/// Ticks of the clock in `/proc/PID/stat` per second: what Linux shows to every program,
/// whatever the kernel's own clock does.
const TICKS: u64 = 100;

/// Lines of the log that a failure shows.
const LOG_LINES: usize = 20;

/// A running service; it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: tokio::process::Child,
    id: u32,
    log: PathBuf,
}

impl Child {
    /// Starts it in an environment of its own, with output to a file.
    pub(super) fn start(
        warden: &Path,
        settings: &[(&'static str, String)],
        more: &[(String, String)],
    ) -> Result<Self, String> {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let nth = STARTED.fetch_add(1, Ordering::Relaxed);
        let log = format!("standins-bench-{}-{nth}.log", std::process::id());
        let log = std::env::temp_dir().join(log);
        let file = File::create(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        let errors = file.try_clone().map_err(|e| e.to_string())?;
        let mut command = Command::new(warden);
        command
            .arg("run")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", "standin")
            .env("AWS_SECRET_ACCESS_KEY", "standin")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .envs(settings.iter().map(|(name, value)| (*name, value)))
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .kill_on_drop(true);
        let process = command
            .spawn()
            .map_err(|e| format!("{} does not start: {e}", warden.display()))?;
        let id = process.id().ok_or("the service ended at once")?;
        Ok(Self { process, id, log })
    }

    /// Waits for something that the service brings about, as long as it lives.
    pub(super) async fn while_alive(
        &mut self,
        what: &str,
        limit: Duration,
        done: impl Future<Output = ()>,
    ) -> Result<(), String> {
        let failed = tokio::select! {
            biased;
            () = done => return Ok(()),
            ended = self.process.wait() => match ended {
                Ok(status) => format!("the service ended before the {what}: {status}"),
                Err(error) => error.to_string(),
            },
            () = tokio::time::sleep(limit) => {
                format!("no {what} within {} s", limit.as_secs())
            }
        };
        Err(format!("{failed}\n{}", self.end_of_log()))
    }

    /// An error, with the end of its log, when it has ended.
    pub(super) fn still_runs(&mut self) -> Result<(), String> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(format!("a service ended: {status}\n{}", self.end_of_log())),
            Err(error) => Err(error.to_string()),
        }
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let end = lines.len().saturating_sub(LOG_LINES);
        lines.get(end..).unwrap_or_default().join("\n")
    }

    /// CPU time so far, user and system.
    pub(super) fn cpu(&self) -> Result<Duration, String> {
        let stat = self.proc("stat")?;
        cpu(&stat).ok_or_else(|| "/proc/PID/stat has another form".to_owned())
    }

    /// The most memory that it ever had resident.
    pub(super) fn peak_bytes(&self) -> Result<u64, String> {
        let status = self.proc("status")?;
        peak(&status).ok_or_else(|| "/proc/PID/status has no VmHWM".to_owned())
    }

    fn proc(&self, file: &str) -> Result<String, String> {
        let path = format!("/proc/{}/{file}", self.id);
        std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"))
    }

    /// Sends SIGTERM. The shell's own `kill` does it: not every machine has a program for it.
    pub(super) async fn terminate(&self) -> Result<(), String> {
        let kill = format!("kill -TERM {}", self.id);
        let sent = Command::new("sh").arg("-c").arg(kill).status();
        match timeout(Duration::from_secs(10), sent).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            _ => Err("SIGTERM could not be sent".to_owned()),
        }
    }

    /// Waits for its end, and gives its exit code; `None` when a signal ended it.
    pub(super) async fn ended(&mut self) -> Result<Option<i32>, String> {
        let status = self.process.wait().await.map_err(|e| e.to_string())?;
        if status.success() {
            // Only a failure leaves its log behind.
            std::fs::remove_file(&self.log).map_err(|e| e.to_string())?;
        }
        Ok(status.code())
    }
}

/// CPU time of this process so far: what the stand-ins cost on the same machine.
pub(super) fn own_cpu() -> Result<Duration, String> {
    let path = "/proc/self/stat";
    let stat = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    cpu(&stat).ok_or_else(|| format!("{path} has another form"))
}

/// User and system time from `/proc/PID/stat`. The name in brackets may hold anything.
fn cpu(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(')')?;
    // Fields 14 and 15 of the line; the third is the first behind the name.
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / TICKS))
}

/// The high-water mark of resident memory from `/proc/PID/status`.
fn peak(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_read_as_the_manual_says() {
        let stat = "77 (a) b c) S 1 77 77 0 -1 4194560 900 0 0 0 250 31 0 0 20 0 5 0 100 1 2";
        assert_eq!(cpu(stat), Some(Duration::from_millis(2_810)));
        assert_eq!(cpu("nothing"), None);
        let status = "Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak(status), Some(2_097_152));
    }
}
