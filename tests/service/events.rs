//! What happens in an account, as EventBridge brings it to a queue of its own: told once and by how
//! bad it is, our own calls passed over, and uploads that nothing else tells looked at.

use std::sync::Arc;

use serde_json::{Value, json};

use super::child::Service;
use super::client::Client;
use super::ground::{ACCOUNT, Ground, Queue, REGION, Route, Versions};
use super::until::until;

/// Kinds of events that the rule lets through.
const KINDS: [&str; 4] = [
    "AWS API Call via CloudTrail",
    "AWS Console Sign In via CloudTrail",
    "GuardDuty Finding",
    "GuardDuty Malware Protection Object Scan Result",
];

/// A ground with a queue of events.
struct Watched {
    ground: Ground,
    events: Queue,
    dead: Queue,
    /// Without notifications of its own.
    quiet: String,
    /// The role that the service runs under: its name, its id, and a session of it.
    role: Role,
}

struct Role {
    name: String,
    id: String,
    session: Value,
}

/// Everything about events, on one ground.
pub(crate) async fn all(client: &Arc<Client>) -> Ground {
    let at = watched(client).await;
    let credentials = &at.role.session["Credentials"];
    let given = |name: &str| credentials[name].as_str().unwrap().to_owned();
    let service = at
        .ground
        .run(&[
            ("AWS_ACCESS_KEY_ID", &given("AccessKeyId")),
            ("AWS_SECRET_ACCESS_KEY", &given("SecretAccessKey")),
            ("AWS_SESSION_TOKEN", &given("SessionToken")),
            ("WARDEN_QUEUE__EVENTS_URL", &at.events.url),
            ("WARDEN_INTAKE__CLOUDTRAIL_UPLOADS", &at.quiet),
        ])
        .await;
    service.mentions("who we are is known").await;
    told_once(&at).await;
    worse_again(&at).await;
    ours_and_not_ours(&at, &service).await;
    an_upload_that_only_cloudtrail_tells(&at).await;
    what_is_not_understood(&at).await;
    emptied(&at.ground, &at.events).await;
    let ended = service.drain().await;
    assert!(ended.status.success(), "{:?}", ended.lines);
    let open = at.ground.keys(&at.ground.records, "pending/").await;
    assert!(open.is_empty(), "{open:?}");
    at.ground
}

async fn watched(client: &Arc<Client>) -> Watched {
    let mut ground = Ground::new(client).await;
    let quiet = ground
        .bucket("unnoticed", Versions::Enabled, Route::None)
        .await;
    let (events, dead) = ground.queue_of_events().await;
    let rule = ground.named("events");
    let pattern = json!({"detail-type": KINDS, "detail": {"run": [rule]}});
    let put = json!({"Name": rule, "EventPattern": pattern.to_string()});
    client.ok("events", "put_rule", put).await;
    let targets = json!({"Rule": rule, "Targets": [{"Id": "1", "Arn": events.arn}]});
    client.ok("events", "put_targets", targets).await;

    let name = ground.named("warden");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
    let role = client.ok("iam", "create_role", role).await;
    let session = json!({"RoleArn": role["Role"]["Arn"], "RoleSessionName": "task"});
    let session = client.ok("sts", "assume_role", session).await;
    let whole = session["AssumedRoleUser"]["AssumedRoleId"]
        .as_str()
        .unwrap();
    let id = whole.split(':').next().unwrap().to_owned();
    Watched {
        ground,
        events,
        dead,
        quiet,
        role: Role { name, id, session },
    }
}

impl Watched {
    /// Puts an event on the bus; the rule of this ground brings it to the queue.
    async fn happens(&self, kind: &str, mut detail: Value) {
        detail["run"] = self.ground.named("events").into();
        // Only AWS itself may say `aws.s3`; nothing is told apart by it.
        let entry = json!({
            "Source": "tests", "DetailType": kind, "Detail": detail.to_string(),
        });
        let put = json!({"Entries": [entry]});
        let answer = self.ground.client.ok("events", "put_events", put).await;
        assert_eq!(answer["FailedEntryCount"], 0, "{answer}");
    }

    /// A call by somebody.
    async fn called(&self, id: &str, who: &Value, (source, name): (&str, &str), with: Value) {
        let detail = json!({
            "eventVersion": "1.11", "eventID": id, "eventSource": source, "eventName": name,
            "eventTime": "2026-11-20T10:15:30Z", "awsRegion": REGION,
            "sourceIPAddress": "192.0.2.10", "userAgent": "[s3-warden]",
            "userIdentity": who, "recipientAccountId": ACCOUNT, "requestParameters": with,
            "responseElements": {"x-amz-version-id": with_version(&with)},
        });
        self.happens("AWS API Call via CloudTrail", detail).await;
    }

    /// A session of our role, as CloudTrail writes it down.
    fn us(&self) -> Value {
        let (name, id) = (&self.role.name, &self.role.id);
        json!({
            "type": "AssumedRole", "principalId": format!("{id}:task"), "accountId": ACCOUNT,
            "arn": self.role.session["AssumedRoleUser"]["Arn"],
            "sessionContext": {"sessionIssuer": {
                "type": "Role", "principalId": id, "accountId": ACCOUNT, "userName": name,
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            }},
        })
    }

    /// Somebody whose session is called like ours, of a role that is not.
    fn impostor(&self) -> Value {
        let name = &self.role.name;
        json!({
            "type": "AssumedRole", "principalId": "AROAIMPOSTOR:task", "accountId": ACCOUNT,
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{name}/task"),
            "sessionContext": {"sessionIssuer": {
                "type": "Role", "principalId": "AROAIMPOSTOR", "accountId": ACCOUNT,
                "userName": name, "arn": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
            }},
        })
    }

    /// The findings about this event.
    async fn found(&self, id: &str) -> Vec<Value> {
        let findings = self.ground.findings().await.into_iter();
        let about = |finding: &Value| {
            finding["identity"]["event_id"] == id || finding["identity"]["id"] == id
        };
        findings.filter(about).collect()
    }

    /// Waits until this event has a finding that was told at least at this level.
    async fn told(&self, id: &str, level: &str) -> Value {
        let finding = until(&format!("{id} is told"), async || {
            let found = self.found(id).await;
            let told = found.iter().find(|finding| {
                finding["state"] == "announced" && finding["assessment"]["threat"] == level
            });
            told.cloned().ok_or_else(|| format!("{found:#?}"))
        })
        .await;
        let wanted = finding["id"].clone();
        self.ground
            .alert("its alert", |alert| {
                let ids = alert["finding_ids"].as_array().into_iter().flatten();
                alert["kind"] == "threat" && ids.into_iter().any(|id| *id == wanted)
            })
            .await;
        finding
    }

    async fn alerts_of(&self, finding: &Value) -> usize {
        let alerts = self.ground.alerts().await;
        let covered = alerts
            .iter()
            .filter_map(|alert| alert["finding_ids"].as_array());
        let covered = covered.flatten();
        covered.filter(|id| **id == finding["id"]).count()
    }
}

fn with_version(parameters: &Value) -> Value {
    parameters["version"].clone()
}

fn jane() -> Value {
    json!({
        "type": "IAMUser", "principalId": "AIDAJANE", "accountId": ACCOUNT, "userName": "jane",
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/jane"),
    })
}

const STOP: (&str, &str) = ("cloudtrail.amazonaws.com", "StopLogging");

async fn told_once(at: &Watched) {
    for _delivery in 0..3 {
        at.called("e-once", &jane(), STOP, json!({"name": "all"}))
            .await;
    }
    let finding = until("it is told", async || {
        let found = at.found("e-once").await;
        let told = found.iter().find(|finding| finding["state"] == "announced");
        told.cloned().ok_or_else(|| format!("{found:#?}"))
    })
    .await;
    let level = finding["assessment"]["threat"].as_str().unwrap();
    assert!(["high", "critical"].contains(&level), "{finding:#}");
    at.told("e-once", level).await;
    emptied(&at.ground, &at.events).await;
    assert_eq!(at.found("e-once").await.len(), 1);
    assert_eq!(at.alerts_of(&finding).await, 1);
}

async fn worse_again(at: &Watched) {
    for (revision, severity) in [("1", 5.0), ("2", 5.5), ("3", 9.5)] {
        let detail = json!({
            "schemaVersion": "2.0", "accountId": ACCOUNT, "region": REGION, "id": "g-worse",
            "type": "Exfiltration:S3/AnomalousBehavior", "severity": severity,
            "resource": {"resourceType": "AccessKey"}, "service": {"serviceName": "guardduty"},
            "createdAt": "2026-11-20T09:05:00.000Z",
            "updatedAt": format!("2026-11-20T10:15:0{revision}.000Z"),
        });
        at.happens("GuardDuty Finding", detail).await;
        emptied(&at.ground, &at.events).await;
    }
    let finding = at.told("g-worse", "critical").await;
    let told = at.alerts_of(&finding).await;
    // The stand-in for the model may have found the first worse than GuardDuty did.
    assert!((1..=2).contains(&told), "{told}");
}

async fn ours_and_not_ours(at: &Watched, service: &Service) {
    let delete = ("s3.amazonaws.com", "DeleteObject");
    let object = json!({"bucketName": at.quiet, "key": "a.png"});
    at.called("e-ours", &at.us(), delete, object).await;
    until("our own call is passed over", async || {
        let (_, metrics) = service.get("/metrics").await;
        let counted = metrics.lines().any(|line| {
            line.starts_with("s3_warden_activities_passed_over_total")
                && line.contains("own_activity")
        });
        counted.then_some(()).ok_or(metrics)
    })
    .await;
    assert!(at.found("e-ours").await.is_empty());
    // Our role does what we never do; somebody looks like us; somebody says to be us.
    at.called("e-stolen", &at.us(), STOP, json!({"name": "all"}))
        .await;
    at.called("e-impostor", &at.impostor(), STOP, json!({"name": "all"}))
        .await;
    for id in ["e-stolen", "e-impostor"] {
        until(&format!("{id} is told"), async || {
            let found = at.found(id).await;
            let told = found.iter().any(|finding| {
                let level = finding["assessment"]["threat"].as_str().unwrap();
                finding["state"] == "announced" && ["high", "critical"].contains(&level)
            });
            told.then_some(()).ok_or_else(|| format!("{found:#?}"))
        })
        .await;
    }
}

async fn an_upload_that_only_cloudtrail_tells(at: &Watched) {
    let body = json!({"$png": {"kind": "passport", "variant": 77}});
    let put = json!({"Bucket": at.quiet, "Key": "scan +1.png", "Body": body});
    let version = at.ground.client.s3("put_object", put).await["VersionId"].clone();
    assert!(version.is_string(), "the bucket keeps versions");
    let with = json!({"bucketName": at.quiet, "key": "scan +1.png", "version": version});
    let call = ("s3.amazonaws.com", "PutObject");
    at.called("e-put", &jane(), call, with).await;
    until("it is removed", async || {
        let listed = json!({"Bucket": at.quiet});
        let listed = at.ground.client.s3("list_object_versions", listed).await;
        let left = listed["Versions"]
            .as_array()
            .is_some_and(|it| !it.is_empty());
        (!left).then_some(()).ok_or_else(|| listed.to_string())
    })
    .await;
    at.ground
        .alert("the removal is told", |alert| {
            alert["kind"] == "flagged" && alert["s3_key"] == "scan +1.png"
        })
        .await;
}

async fn what_is_not_understood(at: &Watched) {
    let detail = json!({"eventVersion": "2.0", "eventID": "e-new"});
    at.happens("AWS API Call via CloudTrail", detail).await;
    let letters = until("it is parked", async || {
        let letters = at.ground.letters(&at.dead).await;
        if letters.is_empty() {
            return Err("nothing there".to_owned());
        }
        Ok(letters)
    })
    .await;
    let reason = letters[0]["MessageAttributes"].to_string();
    assert!(reason.contains("unsupported_version"), "{reason}");
    assert!(
        at.ground.dead_letters().await.is_empty(),
        "each has its own"
    );
}

/// Waits until nothing is on this queue any more.
async fn emptied(ground: &Ground, queue: &Queue) {
    until("the queue of events is empty", async || {
        match ground.backlog_of(queue).await {
            (0, 0) => Ok(()),
            (waiting, held) => Err(format!("{waiting} waiting, {held} in flight")),
        }
    })
    .await;
}
