//! What is wrong when a service is to start: said at once, all of it, each with its remedy, and by
//! an exit code that tells settings from surroundings.

use std::sync::Arc;

use futures::future::{LocalBoxFuture, join_all};
use serde_json::json;

use super::child::Service;
use super::client::Client;
use super::ground::{ACCOUNT, Ground, REGION, Route, Versions};
use super::wire::Refusal;

/// The settings are wrong.
const USAGE: i32 = 64;
/// Something that is needed cannot be reached.
const UNAVAILABLE: i32 = 69;

/// What differs from a good start, and how it is refused.
struct Case {
    code: i32,
    variables: Vec<(&'static str, String)>,
    words: &'static [&'static str],
}

/// Every refusal, and the one start that only warns, side by side.
pub(crate) async fn all(client: &Arc<Client>) {
    let mut ground = Ground::new(client).await;
    let bucket = ground.bucket("guarded", Versions::Never, Route::Raw).await;
    let ground = ground;
    let mut starts = refusals(&ground, &bucket);
    starts.push(Box::pin(nothing_is_set()));
    starts.push(Box::pin(records_are_denied(client)));
    starts.push(Box::pin(credentials_have_expired(client)));
    starts.push(Box::pin(no_dead_letter_queue(&ground)));
    join_all(starts).await;
}

/// Starts that differ from a good one by some variables.
fn refusals<'a>(ground: &'a Ground, bucket: &'a str) -> Vec<LocalBoxFuture<'a, ()>> {
    let url = |name: &str| ground.queue.url.replace(&ground.queue.name, name);
    let topic = |region: &str| format!("arn:aws:sns:{region}:{ACCOUNT}:nobody");
    let cases = [
        Case {
            code: USAGE,
            variables: vec![
                ("WARDEN_QUEUE__VISIBILITY_SECONDS", "5".to_owned()),
                ("WARDEN_POLICY__MODE", "remove".to_owned()),
                ("WARDEN_QUEUE__ULR", "x".to_owned()),
                ("WARDEN_ALERTS__TOPIC_ARN", "alerts".to_owned()),
            ],
            words: &[
                "queue.visibility_seconds",
                "policy.mode",
                "queue.ulr",
                "alerts.topic_arn",
            ],
        },
        Case {
            code: USAGE,
            variables: vec![("WARDEN_QUARANTINE__BUCKET", bucket.to_owned())],
            words: &["quarantine.bucket", "guarded too"],
        },
        Case {
            code: USAGE,
            variables: vec![("WARDEN_POLICY__TAG", "all".to_owned())],
            words: &["policy.tag", "enable versioning", "not_clean"],
        },
        Case {
            code: USAGE,
            variables: vec![("WARDEN_ALERTS__TOPIC_ARN", topic("eu-west-1"))],
            words: &["alerts.topic_arn", "eu-west-1", REGION],
        },
        Case {
            code: USAGE,
            variables: vec![("AWS_REGION", String::new())],
            words: &["AWS_REGION is empty"],
        },
        Case {
            code: UNAVAILABLE,
            variables: vec![("WARDEN_QUEUE__URL", url("no-queue"))],
            words: &["queue.url", "no-queue"],
        },
        Case {
            code: UNAVAILABLE,
            variables: vec![
                ("WARDEN_QUEUE__URL", url("no-queue")),
                ("WARDEN_ALERTS__TOPIC_ARN", topic(REGION)),
                ("WARDEN_RECORDS__BUCKET", ground.named("no-records")),
                ("WARDEN_INTAKE__BUCKETS", ground.named("no-uploads")),
            ],
            words: &[
                "4 things are in the way",
                "queue.url",
                "alerts.topic_arn",
                "records.bucket",
                "no-uploads",
            ],
        },
        Case {
            code: UNAVAILABLE,
            variables: vec![("AWS_ENDPOINT_URL", "http://127.0.0.1:9".to_owned())],
            words: &["no connection"],
        },
    ];
    let refused = cases.into_iter().map(|case| {
        let start: LocalBoxFuture<'a, ()> = Box::pin(async move {
            let Case {
                code,
                words,
                variables,
            } = case;
            let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, v.as_str())).collect();
            ground.start(&variables).end().await.refused(code, words);
        });
        start
    });
    refused.collect()
}

/// All that has no default is asked for in one go.
async fn nothing_is_set() {
    let words = [
        "queue.url",
        "alerts.topic_arn",
        "records.bucket",
        "intake.buckets",
        "policy.mode",
    ];
    Service::start(&[]).end().await.refused(USAGE, &words);
}

async fn records_are_denied(client: &Arc<Client>) {
    let mut ground = Ground::new(client).await;
    ground.bucket("guarded", Versions::Never, Route::Raw).await;
    let records = format!("*:::{}/*", ground.records);
    let _denied = ground
        .wire
        .refuse("s3:PutObject", &records, Refusal::DENIED);
    let words = ["records.bucket", "s3:PutObject", "grant", &ground.records];
    ground.start(&[]).end().await.refused(UNAVAILABLE, &words);
}

async fn credentials_have_expired(client: &Arc<Client>) {
    let mut ground = Ground::new(client).await;
    ground.bucket("guarded", Versions::Never, Route::Raw).await;
    let _expired = ground.wire.refuse("*", "*", Refusal::EXPIRED);
    let words = ["ExpiredToken", "renew"];
    ground.start(&[]).end().await.refused(UNAVAILABLE, &words);
}

/// It is told, and the service runs all the same.
async fn no_dead_letter_queue(ground: &Ground) {
    let alone = json!({"QueueName": ground.named("alone")});
    let alone = ground.client.sqs("create_queue", alone).await;
    let url = alone["QueueUrl"].as_str().unwrap();
    let service = ground.run(&[("WARDEN_QUEUE__URL", url)]).await;
    service
        .says("a warning", |line| {
            let message = line["message"].as_str()?;
            (line["level"] == "WARN" && message.contains("dead-letter")).then_some(())
        })
        .await;
    service.drain().await;
}
