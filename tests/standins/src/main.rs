//! The stand-ins as a program, for scripts: starts them, prints their URLs as a line of JSON, and
//! serves until it is ended.

use std::io::Write;
use std::process::ExitCode;

use s3_warden_standins::aws::Aws;
use s3_warden_standins::bedrock::Bedrock;
use s3_warden_standins::bench::{self, storm};
use serde::Serialize;
use serde_json::json;

const USAGE: &str = "usage: standins bedrock [--port PORT]
       standins aws [--port PORT]     S3, SQS, SNS and STS, and Bedrock on a port of its own";

/// The exit codes of the service, which scripts know already.
const WRONG_USAGE: u8 = 64;
const UNAVAILABLE: u8 = 69;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["bedrock", rest @ ..] if let Some(port) = port(rest) => {
            let bedrock = Bedrock::start_on(port).await;
            serve(&json!({"bedrock": bedrock.url()})).await
        }
        ["aws", rest @ ..] if let Some(port) = port(rest) => {
            let (aws, bedrock) = (Aws::start_on(port).await, Bedrock::start().await);
            serve(&json!({"aws": aws.url(), "bedrock": bedrock.url()})).await
        }
        ["bench", rest @ ..] => match bench::Options::parse(rest) {
            Ok(options) => {
                let figures = bench::run(&options).await;
                tell(figures, options.json, bench::table)
            }
            Err(wrong) => refuse(&wrong, bench::USAGE),
        },
        ["storm", rest @ ..] => match storm::Options::parse(rest) {
            Ok(options) => {
                let figures = storm::run(&options).await;
                tell(figures, options.json, storm::table)
            }
            Err(wrong) => refuse(&wrong, storm::USAGE),
        },
        _ => {
            let usage = format!("{USAGE}\n       {}\n       {}", bench::USAGE, storm::USAGE);
            fail(&usage, WRONG_USAGE)
        }
    }
}

fn refuse(wrong: &str, usage: &str) -> ExitCode {
    fail(&format!("{wrong}\nusage: {usage}"), WRONG_USAGE)
}

/// Prints figures, or why there are none.
fn tell<F: Serialize>(
    figures: Result<Vec<F>, String>,
    as_json: bool,
    table: impl Fn(&[F]) -> String,
) -> ExitCode {
    match figures {
        Ok(figures) if as_json => say(
            &mut std::io::stdout(),
            &json!(figures).to_string(),
            ExitCode::SUCCESS,
        ),
        Ok(figures) => say(&mut std::io::stdout(), &table(&figures), ExitCode::SUCCESS),
        Err(wrong) => fail(&wrong, UNAVAILABLE),
    }
}

fn fail(why: &str, code: u8) -> ExitCode {
    say(&mut std::io::stderr(), why, ExitCode::from(code))
}

/// The port that is asked for; 0, a free one, when none is.
fn port(arguments: &[&str]) -> Option<u16> {
    match arguments {
        [] => Some(0),
        ["--port", port] => port.parse().ok(),
        _ => None,
    }
}

/// Tells where it is and stays there.
async fn serve(urls: &serde_json::Value) -> ExitCode {
    let urls = urls.to_string();
    match say(&mut std::io::stdout(), &urls, ExitCode::SUCCESS) {
        ExitCode::SUCCESS => std::future::pending().await,
        failed => failed,
    }
}

fn say(out: &mut dyn Write, line: &str, code: ExitCode) -> ExitCode {
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
