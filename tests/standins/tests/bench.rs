//! The benchmark on a service of a few lines: this very program, called again.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::Request;
use s3_warden_standins::bench::{self, Options};
use s3_warden_standins::client::Client;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

fn options(program: PathBuf) -> Options {
    let program = program.to_string_lossy().into_owned();
    let arguments = "--objects 12 --in-flight 1 --model-ms 1 --image-kb 20 --limit-seconds 60";
    let mut all = vec!["--warden", &program];
    all.extend(arguments.split_whitespace());
    Options::parse(&all).expect("the arguments are good")
}

/// What the benchmark starts: a service that takes one message after the other. The benchmark
/// calls a program with the argument `run`, which is a filter for a program of tests; without
/// its settings there is nothing to do.
#[tokio::test]
async fn run() {
    let setting = |name: &str| std::env::var(name).ok();
    let Some(queue) = setting("WARDEN_QUEUE__URL") else {
        return;
    };
    let aws = setting("AWS_ENDPOINT_URL").unwrap();
    let model = setting("AWS_ENDPOINT_URL_BEDROCK_RUNTIME").unwrap();
    let mut stop = signal(SignalKind::terminate()).unwrap();
    loop {
        tokio::select! {
            _ = stop.recv() => return,
            done = one(&aws, &model, &queue) => done.unwrap(),
        }
    }
}

/// Receives, reads, asks, deletes.
async fn one(aws: &str, model: &str, queue: &str) -> Result<(), String> {
    let client = Client::default();
    let poll = json!({"QueueUrl": queue, "WaitTimeSeconds": 1});
    let got = sqs(&client, aws, "ReceiveMessage", &poll).await?;
    let Some(message) = got.pointer("/Messages/0") else {
        return Ok(());
    };
    let event = message.get("Body").and_then(Value::as_str).unwrap_or("");
    let event: Value = serde_json::from_str(event).map_err(|e| e.to_string())?;
    let text = |name: &str| {
        let value = event.pointer(&format!("/Records/0/s3/{name}"));
        value.and_then(Value::as_str).unwrap_or("")
    };
    let (bucket, key) = (text("bucket/name"), text("object/key"));
    let url = format!(
        "{aws}/{bucket}/{key}?versionId={}",
        text("object/versionId")
    );
    let get = Request::get(url).body(Bytes::new());
    let picture = client.send(get.map_err(|e| e.to_string())?).await?;
    let bytes = STANDARD.encode(picture.body());
    let content = json!([{"image": {"format": "jpeg", "source": {"bytes": bytes}}}]);
    let body = json!({"messages": [{"role": "user", "content": content}]});
    let url = format!("{model}/model/us.anthropic.claude-haiku-5-5/converse");
    let (status, answer) = client.post(&url, &body).await?;
    if status != 200 {
        return Err(answer.to_string());
    }
    let receipt = message.get("ReceiptHandle");
    let done = json!({"QueueUrl": queue, "ReceiptHandle": receipt});
    sqs(&client, aws, "DeleteMessage", &done).await.map(drop)
}

async fn sqs(client: &Client, aws: &str, operation: &str, body: &Value) -> Result<Value, String> {
    let request = Request::post(aws)
        .header("x-amz-target", format!("AmazonSQS.{operation}"))
        .body(Bytes::from(body.to_string()));
    let answer = client.send(request.map_err(|e| e.to_string())?).await?;
    serde_json::from_slice(answer.body()).map_err(|e| e.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn measures_a_service_from_start_to_end() {
    let this = std::env::current_exe().unwrap();
    let all = bench::run(&options(this)).await.unwrap();
    let [figures] = all.as_slice() else {
        panic!("one run was asked for");
    };
    for call in ["s3:GetObject", "bedrock:Converse", "sqs:DeleteMessage"] {
        let each = figures.requests_per_object[call];
        // The first may be through before the count of the start is taken.
        assert!((0.8..=1.0).contains(&each), "{call}: {each}");
    }
    assert_eq!((figures.max_concurrent, figures.exit_code), (1, Some(0)));
    assert!(figures.objects_per_second > 0.0 && figures.peak_bytes > 1_000_000);
    assert!(
        figures.left_visible + figures.left_held > 0,
        "it was stopped under load"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_ends_early_is_reported() {
    let failed = bench::run(&options("false".into())).await.unwrap_err();
    assert!(failed.contains("ended before the first poll"), "{failed}");
    let mut missing = options("/nowhere/at-all".into());
    missing.limit_seconds = Duration::from_secs(1).as_secs();
    let failed = bench::run(&missing).await.unwrap_err();
    assert!(failed.contains("does not start"), "{failed}");
}
