//! The front door: arguments, telemetry, dispatch, exit code.

use std::io::{ErrorKind, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;

use clap::Parser;
use s3_warden::commands::{self, Cli, Out, Refusal, Surroundings, exit};
use s3_warden::telemetry;
use s3_warden::telemetry::vocabulary::{ERROR_CODE, PLACE};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; anything else is wrong usage.
            let asked = !error.use_stderr();
            return match error.print() {
                Ok(()) if asked => ExitCode::SUCCESS,
                _ => ExitCode::from(exit::USAGE),
            };
        }
    };
    commands::return_memory(&cli.command);
    let surroundings = Surroundings {
        variables: variables(),
    };
    let variable = |name: &str| surroundings.variable(name).map(str::to_owned);
    let level = cli.command.log_level();
    let _telemetry = match telemetry::init(variable, telemetry::Format::of_stderr(), level) {
        Ok(telemetry) => telemetry,
        Err(error) => return refuse(exit::USAGE, &error.to_string()),
    };
    // A payload may quote what was being worked on: only the place is told.
    panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        tracing::error!(
            { ERROR_CODE } = "panic",
            { PLACE } = place,
            "a bug: please report it with this place"
        );
    }));
    let plain = surroundings
        .variable("NO_COLOR")
        .is_some_and(|value| !value.is_empty())
        || surroundings.variable("TERM") == Some("dumb");
    let run = AssertUnwindSafe(|| run(cli, &surroundings, Out::of_process(plain)));
    match panic::catch_unwind(run) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => explain(&error),
        Err(_payload) => ExitCode::from(exit::BUG),
    }
}

fn run(cli: Cli, surroundings: &Surroundings, out: Out) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(commands::run(cli, surroundings, out))
}

/// One sentence on standard error, and the code that belongs to it.
fn explain(error: &anyhow::Error) -> ExitCode {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return refuse(refusal.code, &refusal.message);
    }
    let io = error.downcast_ref::<std::io::Error>();
    if io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) {
        // The reader of our output has enough.
        return ExitCode::SUCCESS;
    }
    refuse(exit::UNAVAILABLE, &format!("{error:#}"))
}

fn refuse(code: u8, message: &str) -> ExitCode {
    // Where standard error is closed as well, the exit code alone has to do.
    drop(writeln!(std::io::stderr(), "s3-warden: {message}"));
    ExitCode::from(code)
}

/// The environment. What is not Unicode is taken as far as it is: a wrong setting is then reported
/// as such, and other programs' variables are none of ours.
fn variables() -> Vec<(String, String)> {
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (lossy(name), lossy(value)))
        .collect()
}
