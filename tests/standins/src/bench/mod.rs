//! Measures the service: a process of its own between the stand-ins, with a model that answers
//! after a fixed time.
//!
//! Every picture is distinct and clean, so that nothing comes from a cache and nothing is removed.
//! The stand-in for the model does not look at the pictures: on a small machine its eyes would
//! cost more than the service. What is measured, for each number of pictures in flight:
//!
//! - from the start of the process to its first poll of the queue;
//! - from there until the queue is empty: pictures per second, CPU time per picture (user and
//!   system, as `/proc` tells them), peak memory (`VmHWM`), requests per picture by operation;
//! - with a second load: from SIGTERM to the end of the process, its exit code, and what is left
//!   in the queue.

mod child;
mod load;
mod options;
mod report;
pub mod storm;

use std::collections::BTreeMap;
use std::time::Duration;

pub use options::{Options, USAGE};
pub use report::{Figures, table};
use tokio::time::{Instant, timeout};

use crate::aws::{Aws, Versioning};
use crate::bedrock::{Bedrock, Behaviour};
use child::Child;
use load::Load;

/// The queue that the service polls.
const QUEUE: &str = "bench-uploads";
/// The bucket with the pictures.
const INTAKE: &str = "bench-intake";
/// The bucket of its memory.
const RECORDS: &str = "bench-records";
/// The topic of its alerts.
const TOPIC: &str = "bench-alerts";

/// Runs the benchmark once for each number in flight, in order.
///
/// # Errors
///
/// In words: the process did not start, ended early (with the end of its log), or took longer
/// than allowed.
pub async fn run(options: &Options) -> Result<Vec<Figures>, String> {
    let load = Load::paint(options.image_kb);
    let mut all = Vec::new();
    for in_flight in &options.in_flight {
        all.push(measure(options, &load, *in_flight).await?);
    }
    Ok(all)
}

async fn measure(options: &Options, load: &Load, in_flight: u32) -> Result<Figures, String> {
    let aws = Aws::start().await;
    let bedrock = Bedrock::start().await;
    bedrock.behave(Behaviour::Blind);
    bedrock.latency(Duration::from_millis(options.model_ms));
    aws.bucket(INTAKE, Versioning::Enabled);
    aws.bucket(RECORDS, Versioning::Off);
    let (queue, _dead) = aws.queue_with_dead_letters(QUEUE, 5);
    let topic = aws.topic(TOPIC);
    load.send(&aws, 0..options.objects);

    let settings = [
        ("AWS_ENDPOINT_URL", aws.url()),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
        ("WARDEN_QUEUE__URL", queue),
        ("WARDEN_ALERTS__TOPIC_ARN", topic),
        ("WARDEN_RECORDS__BUCKET", RECORDS.to_owned()),
        ("WARDEN_INTAKE__BUCKETS", INTAKE.to_owned()),
        ("WARDEN_POLICY__MODE", "enforce".to_owned()),
        ("WARDEN_LIMITS__CONCURRENCY", in_flight.to_string()),
        ("WARDEN_OPS__LISTEN", "127.0.0.1:0".to_owned()),
    ];
    let began = Instant::now();
    let mut child = Child::start(&options.warden, &settings, &options.env)?;
    let limit = Duration::from_secs(options.limit_seconds);
    child
        .while_alive("first poll", limit, aws.called("sqs:ReceiveMessage", 1))
        .await?;
    let first_poll = began.elapsed();
    let (cpu_before, before) = (child.cpu()?, calls(&aws, &bedrock));
    let own_before = child::own_cpu()?;

    let working = Instant::now();
    let half = options.objects / 2;
    child
        .while_alive("half of the queue", limit, left(&aws, half))
        .await?;
    let first_half = working.elapsed();
    child
        .while_alive("empty queue", limit, left(&aws, 0))
        .await?;
    let worked = working.elapsed();
    let cpu = child.cpu()?.saturating_sub(cpu_before);
    let own = child::own_cpu()?.saturating_sub(own_before);
    let peak_bytes = child.peak_bytes()?;
    let mut requests = calls(&aws, &bedrock);
    for (operation, count) in before {
        *requests.entry(operation).or_default() -= count;
    }
    requests.retain(|_, count| *count > 0);
    let max_concurrent = bedrock.sums().max_concurrent;

    // The second load: stop it when a good part of the slots is taken.
    let so_far = bedrock.sums().requests;
    let more = u64::from(in_flight) * 8;
    load.send(&aws, options.objects..options.objects + more);
    let busy = bedrock.arrived(so_far + u64::from(in_flight) * 2);
    child.while_alive("second load", limit, busy).await?;
    let stopping = Instant::now();
    child.terminate().await?;
    let exit_code = timeout(limit, child.ended())
        .await
        .map_err(|_| "the service does not end after SIGTERM".to_owned())??;
    let stopped = stopping.elapsed();
    let (visible, held) = aws.depth(QUEUE);
    Ok(Figures {
        in_flight,
        objects: options.objects,
        model_ms: options.model_ms,
        image_bytes: load.bytes(),
        first_poll_ms: millis(first_poll),
        objects_per_second: options.objects as f64 / worked.as_secs_f64(),
        second_half_per_second: half as f64 / worked.saturating_sub(first_half).as_secs_f64(),
        cpu_ms_per_object: millis(cpu) / options.objects as f64,
        standins_cpu_ms_per_object: millis(own) / options.objects as f64,
        peak_bytes,
        max_concurrent,
        requests_per_object: requests
            .into_iter()
            .map(|(operation, count)| (operation, count as f64 / options.objects as f64))
            .collect(),
        stopped_ms: millis(stopped),
        exit_code,
        left_visible: visible,
        left_held: held,
    })
}

/// Every call so far, of all services.
fn calls(aws: &Aws, bedrock: &Bedrock) -> BTreeMap<String, u64> {
    let mut calls = aws.calls();
    let asked = bedrock.sums().requests;
    calls.insert("bedrock:Converse".to_owned(), asked);
    calls
}

/// Waits until no more than so many messages are in the queue or held by anybody.
async fn left(aws: &Aws, most: u64) {
    let over = |(visible, held): (usize, usize)| (visible + held) as u64 > most;
    while over(aws.depth(QUEUE)) {
        // A few milliseconds of a run that takes seconds.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
