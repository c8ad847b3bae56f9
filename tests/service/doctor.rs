//! `s3-warden doctor` as a child process over the emulator: what is there is found, in text and as
//! JSON, and what is not is told.
//!
//! What the emulator answers otherwise than AWS, or not at all, is left out here; the answers of AWS
//! are those of a stand-in (`tests/cli/doctor`).

use std::process::{Output, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::process::Command;

use super::client::{Client, given};
use super::ground::{Ground, Route, Versions};

/// What the emulator does not answer as AWS does: policy status, profiles of models, and quotas, on
/// which other rows depend.
const NOT_EMULATED: [&str; 5] = [
    "quarantine_public",
    "records_public",
    "inference_profile",
    "tokens_per_minute",
    "requests_per_minute",
];

/// All that the doctor is asked here.
pub(crate) async fn all(client: &Arc<Client>) {
    let mut ground = Ground::new(client).await;
    let raw = ground.bucket("raw", Versions::Enabled, Route::Raw).await;
    let by_topic = ground.bucket("topic", Versions::Never, Route::Topic).await;
    let by_rule = ground.bucket("rule", Versions::Enabled, Route::Rule).await;
    let silent = ground
        .bucket("silent", Versions::Enabled, Route::None)
        .await;
    let service = [
        "s3.amazonaws.com",
        "sns.amazonaws.com",
        "events.amazonaws.com",
    ];
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": ground.queue.arn,
        "Principal": {"Service": service},
    }]});
    let attributes = json!({
        "QueueUrl": ground.queue.url, "Attributes": {"Policy": policy.to_string()},
    });
    client.sqs("set_queue_attributes", attributes).await;
    let put = json!({"Bucket": raw, "Key": "a b+c.txt", "Body": "x"});
    client.s3("put_object", put).await;

    let found = examine(&ground, &["--json"]).await;
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    let row = |check: &str, resource: &str| -> (String, String) {
        let rows = report["rows"].as_array().unwrap().iter();
        let mut rows = rows.filter(|row| row["check"] == check);
        let row = rows.find(|row| resource.is_empty() || row["resource"] == resource);
        let row = row.unwrap_or_else(|| panic!("{check} of {resource}: {report:#}"));
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        (text("status"), text("finding"))
    };
    #[track_caller]
    fn check(row: (String, String), status: &str, words: &str) {
        assert_eq!(row.0, status, "{row:?}");
        assert!(row.1.contains(words), "{words:?}: {row:?}");
    }
    check(row("notifications", &raw), "ok", "straight to the queue");
    check(row("notifications", &by_topic), "ok", "through a topic");
    check(
        row("notifications", &by_rule),
        "ok",
        "through the EventBridge rule",
    );
    check(row("notifications", &silent), "problem", "tells nobody");
    check(
        row("notification_scope", &silent),
        "not_checked",
        "depends on",
    );
    check(row("versioning", &raw), "ok", "on");
    check(row("versioning", &by_topic), "warning", "off");
    check(row("read_grant", &raw), "ok", "one object was read");
    check(row("read_grant", &by_topic), "not_checked", "no object");
    check(row("object_lock", &raw), "ok", "off");
    check(row("queue", &ground.queue.name), "ok", "waiting");
    check(row("redrive", &ground.queue.name), "ok", "20 receives");
    check(row("dead_letters", &ground.queue.name), "ok", "14 d");
    check(row("conditional_writes", ""), "ok", "kept out");
    check(row("records_versioning", ""), "ok", "on");
    check(row("pending_findings", ""), "ok", "0 open");
    check(row("switches", ""), "ok", "working");
    check(row("subscriptions", ""), "ok", "1 sqs");
    check(row("quarantine_write", ""), "ok", "written and removed");
    check(
        row("queue_policy", ""),
        "ok",
        "S3, SNS, EventBridge may send",
    );
    check(row("memory", ""), "not_checked", "not seen from here");
    check(row("event_rules", ""), "warning", "no security events come");
    check(row("model_call", ""), "ok", "answers");
    check(row("clock", ""), "ok", "AWS");
    let rows = report["rows"].as_array().unwrap().iter();
    let problems = rows.filter(|row| row["status"] == "problem");
    let mut others = problems.filter(|row| {
        let check = row["check"].as_str().unwrap();
        !NOT_EMULATED.contains(&check)
    });
    assert_eq!(others.next().unwrap()["resource"], silent.as_str());
    assert!(others.next().is_none(), "{report:#}");
    nothing_stays(&ground).await;

    let text = examine(&ground, &[]).await;
    assert_eq!(text.status.code(), Some(1));
    let text = String::from_utf8(text.stdout).unwrap();
    let command = format!("deploy/notify.sh --queue-arn {} {silent}", ground.queue.arn);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.starts_with("Settings: those of this shell: "),
        "{text}"
    );
    for part in [command.as_str(), "Mend the problems, then ask again"] {
        assert!(words.contains(part), "{part:?}:\n{text}");
    }
}

async fn examine(ground: &Ground, more: &[&str]) -> Output {
    let endpoint = given("S3_WARDEN_TEST_ENDPOINT");
    let variables = ground.variables(&[
        ("AWS_ENDPOINT_URL", &endpoint),
        ("WARDEN_QUARANTINE__BUCKET", &ground.quarantine),
    ]);
    Command::new(env!("CARGO_BIN_EXE_s3-warden"))
        .args(["doctor", "--call-model"])
        .args(more)
        .env_clear()
        .envs(variables)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

/// What was written to try is gone again, with every version and marker.
async fn nothing_stays(ground: &Ground) {
    for bucket in [&ground.records, &ground.quarantine] {
        let listed = json!({"Bucket": bucket});
        let listed = ground.client.s3("list_object_versions", listed).await;
        let tried = |key: &Value| key["Key"].as_str().unwrap().contains("probe");
        for kind in ["Versions", "DeleteMarkers"] {
            let keys = listed[kind].as_array().cloned().unwrap_or_default();
            assert!(!keys.iter().any(tried), "{keys:?}");
        }
    }
}
