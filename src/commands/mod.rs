//! The commands: one file each. A command takes built parts and an [`Out`], and returns an exit
//! code; what is wrong with its arguments or settings is one clear sentence.

mod activity_text;
#[cfg(feature = "local-detector")]
mod analyze;
mod breaker;
mod config;
mod cost;
#[cfg(feature = "local-detector")]
mod demo;
#[cfg(feature = "local-detector")]
mod demo_pictures;
mod dlq;
mod doctor;
#[cfg(feature = "local-detector")]
mod evaluate;
pub mod exit;
mod explain;
mod halt;
mod healthcheck;
mod held;
mod memory;
mod out;
mod restore;
mod restore_text;
mod run;
mod verdict_text;
#[cfg(feature = "local-detector")]
mod view;
#[cfg(feature = "local-detector")]
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use memory::return_memory;
pub use out::{Ink, Out, shown};

use crate::config::{ConfigErrors, Sources};
use crate::telemetry;

/// What to try first, or why it is not here.
#[cfg(feature = "local-detector")]
const FIRST: &str = "Start with `s3-warden demo`: it needs no account and no settings.";
#[cfg(not(feature = "local-detector"))]
const FIRST: &str = "Built without the local detector, which `demo`, `watch`, `analyze` and \
    `evaluate` need.";

/// Looks at every object that lands in a guarded bucket, removes what holds personal data, tells
/// people.
#[derive(Clone, Debug, Parser)]
#[command(name = "s3-warden", version, about, disable_help_subcommand = true)]
#[command(after_help = after_help())]
pub struct Cli {
    /// A settings file (TOML); may be given several times, later ones win
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Vec<PathBuf>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Guard a folder as if it were a bucket; observes unless --enforce
    #[cfg(feature = "local-detector")]
    Watch(watch::Watch),
    /// Show the whole thing on a temporary folder with sample pictures
    #[cfg(feature = "local-detector")]
    Demo(demo::Demo),
    /// Look at a file or a folder and say what it holds; changes nothing
    #[cfg(feature = "local-detector")]
    Analyze(analyze::Analyze),
    /// Tell the story of one object: event, verdict, rule, action, alert
    Explain(explain::Explain),
    /// Run the service: take notifications from SQS, look at each upload, act, tell
    Run(run::Run),
    /// Check everything that the service needs, and say how to mend what is wrong
    Doctor(doctor::Doctor),
    /// Tell all tasks of the service to take no work; what has begun is finished
    Pause(halt::Pause),
    /// Tell all tasks of the service to take work again
    Resume(halt::Resume),
    /// Look at the service's brake on removals, or close it
    Breaker(breaker::Breaker),
    /// Look at what was parked, and send it back once its cause is mended
    Dlq(dlq::Dlq),
    /// Estimate what looking at pictures costs, beside a hand-made workflow
    Cost(cost::Cost),
    /// Put a quarantined object back, and remember that it may stay
    Restore(restore::Restore),
    /// Ask the service on this machine whether it is healthy; exits with 0 or 1
    Healthcheck(healthcheck::Healthcheck),
    /// Show the settings in force, or their schema
    Config(config::ShowConfig),
    /// Measure the local detector on a folder of labelled pictures
    #[cfg(feature = "local-detector")]
    Evaluate(evaluate::Evaluate),
}

fn after_help() -> String {
    format!(
        "{FIRST}\n\
        Settings come from config files (--config), then from variables WARDEN_<SECTION>__<KEY>; \
        `s3-warden config` shows what is in force.\n\
        Exit codes: 0 done, 64 usage or configuration, 69 a needed service is unreachable, \
        70 a bug, 75 stopped before everything was finished."
    )
}

impl Command {
    /// The level of log lines where nobody says one.
    pub const fn log_level(&self) -> &'static str {
        match self {
            Self::Run(_) => telemetry::SERVICE,
            // Whatever is wrong is in its report.
            Self::Doctor(_) => "error",
            _ => telemetry::QUIET,
        }
    }

    /// Whether it decodes or judges pictures on this machine.
    const fn handles_pictures(&self) -> bool {
        match self {
            Self::Run(_) => true,
            #[cfg(feature = "local-detector")]
            Self::Watch(_) | Self::Demo(_) | Self::Analyze(_) | Self::Evaluate(_) => true,
            _ => false,
        }
    }
}

/// The longest reason that is kept, in characters: it is read by people, with every finding.
const LONGEST_REASON: usize = 1_000;

/// A reason in somebody's words.
fn reason(written: &str) -> Result<String, String> {
    let written = written.trim();
    if !written.chars().any(char::is_alphanumeric) {
        return Err("say why, for those who ask later".to_owned());
    }
    if written.chars().count() > LONGEST_REASON {
        return Err(format!("say it in {LONGEST_REASON} characters at most"));
    }
    Ok(written.to_owned())
}

/// What a command is given by the process.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment's variables.
    pub variables: Vec<(String, String)>,
}

impl Surroundings {
    /// One variable.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The user of this terminal, as the environment names them.
    fn user(&self) -> String {
        let named = ["USER", "LOGNAME"]
            .into_iter()
            .find_map(|name| self.variable(name));
        named.unwrap_or("unknown").to_owned()
    }

    /// Whether buckets are named in the path: endpoints other than S3's own ask for it.
    fn path_style(&self) -> bool {
        ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
            .into_iter()
            .any(|name| self.variable(name).is_some_and(|url| !url.is_empty()))
    }

    /// The layers of settings that do not depend on the command.
    fn sources(&self, files: &[PathBuf]) -> Sources {
        let sources = Sources::default().environment(self.variables.iter().cloned());
        files.iter().fold(sources, Sources::file)
    }
}

/// Why a command did not do what it was asked to, with its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The exit code.
    pub code: u8,
    /// What is wrong, and the remedy.
    pub message: String,
}

impl Refusal {
    /// Wrong usage or configuration.
    pub fn usage(message: impl ToString) -> Self {
        Self {
            code: exit::USAGE,
            message: message.to_string(),
        }
    }

    /// Mistakes in the settings, each on its line.
    pub fn settings(errors: &ConfigErrors) -> Self {
        let count = errors.problems().len();
        if count == 1 {
            return Self::usage(errors);
        }
        let lines: Vec<_> = errors.problems().iter().map(ToString::to_string).collect();
        Self::usage(format!(
            "{count} mistakes in the settings:\n  {}",
            lines.join("\n  ")
        ))
    }

    /// Something that is needed cannot be reached.
    pub fn unavailable(message: impl ToString) -> Self {
        Self {
            code: exit::UNAVAILABLE,
            message: message.to_string(),
        }
    }
}

/// Runs one command.
///
/// # Errors
/// A [`Refusal`], or what went wrong with writing the result.
pub async fn run(cli: Cli, surroundings: &Surroundings, out: Out) -> anyhow::Result<u8> {
    let sources = surroundings.sources(&cli.config);
    match cli.command {
        #[cfg(feature = "local-detector")]
        Command::Watch(watch) => watch.run(sources, surroundings, out).await,
        #[cfg(feature = "local-detector")]
        Command::Demo(demo) => demo.run(sources, out).await,
        #[cfg(feature = "local-detector")]
        Command::Analyze(analyze) => analyze.run(sources, out).await,
        Command::Explain(explain) => explain.run(sources, surroundings, out).await,
        Command::Run(run) => run.run(sources, surroundings).await,
        Command::Doctor(doctor) => doctor.run(sources, surroundings, out).await,
        Command::Pause(pause) => pause.run(sources, surroundings, out).await,
        Command::Resume(resume) => resume.run(sources, surroundings, out).await,
        Command::Breaker(breaker) => breaker.run(sources, surroundings, out).await,
        Command::Dlq(dlq) => dlq.run(sources, surroundings, out).await,
        Command::Cost(cost) => cost.run(sources, out),
        Command::Restore(restore) => restore.run(sources, surroundings, out).await,
        Command::Healthcheck(healthcheck) => healthcheck.run(sources, out).await,
        Command::Config(config) => config.run(sources, out),
        #[cfg(feature = "local-detector")]
        Command::Evaluate(evaluate) => evaluate.run(sources, out).await,
    }
}

/// The result of a task; a panic in it goes on in us, so that it ends as a bug and quotes nothing.
#[cfg(feature = "local-detector")]
fn joined<T>(ended: Result<anyhow::Result<T>, tokio::task::JoinError>) -> anyhow::Result<T> {
    match ended {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(error.into()),
    }
}
