//! Measures a storm: many uploads within a short time, of which some hold personal data, and a
//! fleet of services that tell of them.
//!
//! Every picture is distinct; the stand-in for the model finds a passport in those that hold a mark.
//! All of them lie in one bucket, which is the hardest case for one task and the easiest for people.
//! The services are told that they are one (`limits.fleet_size`), whatever their number: the bounds
//! must not hang on that. A digest covers a minute. What is measured, for each number of services:
//!
//! - alerts, by kind, and how many any second and any minute had, by the times at which the
//!   stand-in for SNS accepted them;
//! - how many findings all alerts together name, how often one was named again, and how long it
//!   took from the first upload until all were named;
//! - how many digests each minute had, and how many objects they counted together;
//! - the most memory that a service had resident, and the sum over all.

mod options;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use options::{Options, USAGE};
pub use report::{Figures, table};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::child::Child;
use super::load::{Load, MARK};
use super::{INTAKE, QUEUE, RECORDS, TOPIC, left};
use crate::aws::{Aws, Published, Versioning};
use crate::bedrock::{Bedrock, Behaviour};

/// So often a second uploads are sent.
const STEPS_PER_SECOND: u64 = 10;

/// How long after its end a minute's digest may come: the service's grace, its turn, and time for
/// the last claim.
const DIGEST_COMES: Duration = Duration::from_secs(150);

/// Runs the storm once for each number of services, in order.
///
/// # Errors
///
/// In words: a service did not start, ended early (with the end of its log), or all took longer
/// than allowed.
pub async fn run(options: &Options) -> Result<Vec<Figures>, String> {
    let load = Load::paint(1);
    let mut all = Vec::new();
    for processes in &options.processes {
        all.push(measure(options, &load, *processes).await?);
    }
    Ok(all)
}

async fn measure(options: &Options, load: &Load, processes: u32) -> Result<Figures, String> {
    let aws = Aws::start().await;
    let bedrock = Bedrock::start().await;
    bedrock.behave(Behaviour::Marked(MARK.to_owned()));
    bedrock.latency(Duration::from_millis(options.model_ms));
    aws.bucket(INTAKE, Versioning::Enabled);
    aws.bucket(RECORDS, Versioning::Off);
    let (queue, _dead) = aws.queue_with_dead_letters(QUEUE, 20);
    let topic = aws.topic(TOPIC);
    let settings = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
        ("WARDEN_QUEUE__URL", queue),
        ("WARDEN_ALERTS__TOPIC_ARN", topic),
        ("WARDEN_ALERTS__DIGEST_MINUTES", "1".to_owned()),
        ("WARDEN_RECORDS__BUCKET", RECORDS.to_owned()),
        ("WARDEN_INTAKE__BUCKETS", INTAKE.to_owned()),
        ("WARDEN_POLICY__MODE", "enforce".to_owned()),
        // Nothing is held: the breaker has figures of its own.
        ("WARDEN_LIMITS__DELETIONS_PER_MINUTE", "100000".to_owned()),
        ("WARDEN_OPS__LISTEN", "127.0.0.1:0".to_owned()),
    ];
    let limit = Duration::from_secs(options.limit_seconds);
    let mut children = Vec::new();
    for _process in 0..processes {
        children.push(Child::start(&options.warden, &settings, &options.env)?);
    }
    let polled = aws.called("sqs:ReceiveMessage", u64::from(processes));
    all_alive(&mut children, "first polls", limit, polled).await?;

    let began_ms = aws.now_ms();
    let wanted = options.flagged();
    let storm = async {
        send(options, load, &aws).await;
        left(&aws, 0).await;
        while covered(&aws).len() as u64 != wanted {
            sleep(Duration::from_millis(100)).await;
        }
    };
    all_alive(&mut children, "alerts about all", limit, storm).await?;
    let quiet = async {
        let until = Instant::now() + DIGEST_COMES;
        while counted(&aws) < options.objects && Instant::now() < until {
            sleep(Duration::from_millis(500)).await;
        }
    };
    all_alive(&mut children, "digests", limit, quiet).await?;

    let mut peaks = Vec::new();
    for child in &children {
        peaks.push(child.peak_bytes()?);
        child.terminate().await?;
    }
    let mut exit_codes = Vec::new();
    for child in &mut children {
        let ended = tokio::time::timeout(limit, child.ended()).await;
        exit_codes.push(ended.map_err(|_| "a service does not end after SIGTERM".to_owned())??);
    }
    Ok(report::figures(
        options,
        &report::Run {
            processes,
            began_ms,
            published: aws.published(),
            peaks,
            exit_codes,
        },
    ))
}

/// Sends the uploads evenly.
async fn send(options: &Options, load: &Load, aws: &Aws) {
    let steps = (options.send_seconds * STEPS_PER_SECOND).max(1);
    let began = Instant::now();
    for step in 0..steps {
        let at = |step| options.objects * step / steps;
        load.send_marked(aws, at(step)..at(step + 1), |number| {
            options.is_flagged(number)
        });
        let next = Duration::from_millis(1_000 / STEPS_PER_SECOND)
            * u32::try_from(step + 1).unwrap_or(u32::MAX);
        tokio::time::sleep_until(began + next).await;
    }
}

/// Waits for something as long as all services live.
async fn all_alive(
    children: &mut [Child],
    what: &str,
    limit: Duration,
    done: impl Future<Output = ()>,
) -> Result<(), String> {
    let until = Instant::now() + limit;
    tokio::pin!(done);
    loop {
        tokio::select! {
            biased;
            () = &mut done => return Ok(()),
            () = sleep(Duration::from_millis(500)) => {
                for child in &mut *children {
                    child.still_runs()?;
                }
                if Instant::now() > until {
                    return Err(format!("no {what} within {} s", limit.as_secs()));
                }
            }
        }
    }
}

/// The alert in a message: its JSON.
fn alert(published: &Published) -> Option<Value> {
    let texts: BTreeMap<String, String> = serde_json::from_str(&published.message).ok()?;
    serde_json::from_str(texts.get("default")?).ok()
}

/// The findings that an alert names.
fn ids(alert: &Value) -> Vec<String> {
    let ids = alert.get("finding_ids").and_then(Value::as_array);
    let ids = ids.into_iter().flatten().filter_map(Value::as_str);
    ids.map(str::to_owned).collect()
}

/// The findings that alerts have named so far.
fn covered(aws: &Aws) -> BTreeSet<String> {
    let published = aws.published();
    let alerts = published.iter().filter_map(alert);
    alerts.flat_map(|alert| ids(&alert)).collect()
}

/// The objects that digests have counted so far.
fn counted(aws: &Aws) -> u64 {
    let published = aws.published();
    let alerts = published.iter().filter_map(alert);
    alerts.map(|alert| objects(&alert)).sum()
}

/// The objects that an alert counts, if it is a digest.
fn objects(alert: &Value) -> u64 {
    let verdicts = alert.pointer("/digest/tally/verdicts");
    let counts = verdicts.and_then(Value::as_object).into_iter().flatten();
    counts.filter_map(|(_, count)| count.as_u64()).sum()
}
