//! The templates of `deploy/`, deployed to the emulator's `CloudFormation`, and a service that runs on
//! what they made, told nothing but what its deployed task definition tells.
//!
//! What the emulator does not do (IAM, KMS, encryption and lifecycle rules of buckets) is read from the
//! templates instead, and linted by `tests/run.sh`; only a real account can prove it.

mod made;
mod rules;
mod stack;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::client::Client;
use super::ground::{Ground, Made, Queue, REGION, another_id};
use super::objects::{Fate, clean, passport};
use super::outcome;
use super::scripts;
use super::until::until;
use stack::Stack;

/// Templates that are deployed here.
const DEPLOYED: [&str; 4] = [
    "intake.yaml",
    "events.yaml",
    "events-global.yaml",
    "service.yaml",
];

/// Templates that the emulator refuses, and in which words; they are linted only. One that it takes
/// one day is deployed above.
const REFUSED: [(&str, &str); 2] = [
    ("scaling.yaml", "AWS::ApplicationAutoScaling"),
    ("dashboard.yaml", "metric math"),
];

/// The names that operators choose.
struct Names {
    id: String,
    /// Tells the queue itself, and somebody else of other keys.
    uploads: String,
    /// Tells EventBridge.
    told: String,
    /// Made by the template.
    trial: String,
    quarantine: String,
    /// Holds the logs of trails.
    trails: String,
}

/// From an account with buckets to a service at work, and back.
pub(crate) async fn all(client: &Arc<Client>) {
    every_template_is_spoken_of();
    let names = Names::new();
    let other = names.buckets(client).await;
    let intake = intake(client, &names).await;
    let events = events(client, &names, &intake).await;
    futures::join!(
        notifications(client, &names, &other, &intake),
        made::check(client, &names, &intake, &events),
        rules::check(client, &names, &intake, &events),
    );

    let service = service(client, &names, &intake).await;
    refused(client, &names, &intake, &service).await;
    let variables = environment(client, &service).await;
    taken_over(&service, &variables).await;
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let ground = Ground::over(client, made_of(&names, &intake), names.id.clone()).await;
    let running = ground.run(&variables).await;
    uploads(&ground, &names).await;
    an_event(&ground, &events).await;
    parked(&ground).await;
    let ended = running.drain().await;
    for line in ended.lines {
        assert!(!line.contains("\"level\":\"ERROR\""), "{line}");
    }
    removed(&ground, &names, [service, events, intake]).await;
}

/// A template that is added is deployed, or named with what keeps it from being.
fn every_template_is_spoken_of() {
    let mut spoken: BTreeSet<_> = DEPLOYED.into();
    spoken.extend(REFUSED.map(|(name, _)| name));
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let template = name.ends_with(".yaml") && {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            text.contains("AWSTemplateFormatVersion")
        };
        assert!(
            !template || spoken.contains(name.as_str()),
            "deploy/{name} is neither deployed here nor named as refused"
        );
    }
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

impl Names {
    fn new() -> Self {
        let id = another_id();
        let named = |name: &str| format!("{name}-{id}");
        Self {
            uploads: named("uploads"),
            told: named("told"),
            trial: named("trial"),
            quarantine: named("quarantine"),
            trails: named("trails"),
            id,
        }
    }

    /// Makes the buckets that are there before anything is deployed; one of them tells somebody else
    /// already. Gives the ARN of that other queue.
    async fn buckets(&self, client: &Client) -> String {
        for name in [&self.uploads, &self.told] {
            client.s3("create_bucket", json!({"Bucket": name})).await;
        }
        let versioning =
            json!({"Bucket": self.uploads, "VersioningConfiguration": {"Status": "Enabled"}});
        client.s3("put_bucket_versioning", versioning).await;
        let name = format!("theirs-{}", self.id);
        client.sqs("create_queue", json!({"QueueName": name})).await;
        let arn = format!("arn:aws:sqs:{REGION}:{}:{name}", super::ground::ACCOUNT);
        let theirs = json!({"QueueConfigurations": [{
            "Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"],
        }]});
        let theirs = json!({"Bucket": self.uploads, "NotificationConfiguration": theirs});
        client
            .s3("put_bucket_notification_configuration", theirs)
            .await;
        arn
    }
}

async fn intake(client: &Arc<Client>, names: &Names) -> Stack {
    let name = format!("warden-{}", names.id);
    let given = [
        ("GuardedBuckets", names.uploads.as_str()),
        ("EventBridgeBuckets", &names.told),
        ("TrialBucketName", &names.trial),
        ("QuarantineBucketName", &names.quarantine),
        ("AlertEmail", "security@example.com"),
        ("CleanRecordsDays", "90"),
    ];
    Stack::create(client, &name, "intake.yaml", &given).await
}

async fn events(client: &Arc<Client>, names: &Names, intake: &Stack) -> Stack {
    let name = format!("warden-events-{}", names.id);
    let given = [
        ("IntakeStack", intake.name.as_str()),
        ("ObjectEvents", "all"),
        ("TrailBuckets", &names.trails),
        ("QuarantineBucketName", &names.quarantine),
        ("CloudTrailUploadBuckets", &names.uploads),
    ];
    Stack::create(client, &name, "events.yaml", &given).await
}

/// The service's own stack, in a network that the account has.
async fn service(client: &Arc<Client>, names: &Names, intake: &Stack) -> Stack {
    let vpc = json!({"CidrBlock": "10.0.0.0/16"});
    let vpc = client.ok("ec2", "create_vpc", vpc).await;
    let vpc = vpc["Vpc"]["VpcId"].as_str().unwrap();
    let subnet = json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24"});
    let subnet = client.ok("ec2", "create_subnet", subnet).await;
    let image = format!("example.com/s3-warden@sha256:{}", "0".repeat(64));
    let given = [
        ("IntakeStack", intake.name.as_str()),
        ("GuardedBuckets", intake.output("GuardedBuckets")),
        ("Mode", "enforce"),
        ("Quarantine", "true"),
        ("Image", &image),
        ("VpcId", vpc),
        ("Subnets", subnet["Subnet"]["SubnetId"].as_str().unwrap()),
        ("UsdPerDay", "1000"),
    ];
    let name = format!("warden-service-{}", names.id);
    Stack::create(client, &name, "service.yaml", &given).await
}

/// That the emulator still refuses what it is said to refuse.
async fn refused(client: &Arc<Client>, names: &Names, intake: &Stack, service: &Stack) {
    let given = [
        ("IntakeStack", intake.name.as_str()),
        ("ServiceStack", &service.name),
    ];
    for (template, words) in REFUSED {
        let kind = template.trim_end_matches(".yaml");
        let name = format!("warden-{kind}-{}", names.id);
        let said = Stack::refusal(client, &name, template, &given).await;
        assert!(said.contains(words), "{template}: {said}");
    }
}

/// What the tasks of the deployed service would get to know.
async fn environment(client: &Client, service: &Stack) -> Vec<(String, String)> {
    let question = json!({"taskDefinition": service.named("TaskDefinition")});
    let answer = client.ok("ecs", "describe_task_definition", question).await;
    let containers = &answer["taskDefinition"]["containerDefinitions"];
    let variables = containers[0]["environment"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variables = variables.map(|it| (text(&it["name"]), text(&it["value"])));
    variables.collect()
}

/// That operators who follow the runbook tell their commands what the service was told.
async fn taken_over(service: &Stack, variables: &[(String, String)]) {
    let runbook = include_str!("../../../deploy/RUNBOOK.md");
    let (_, after) = runbook.split_once("**Its settings.**").unwrap();
    let (_, after) = after.split_once("```sh\n").unwrap();
    let (lines, _) = after.split_once("```").unwrap();
    let lines = lines.replace("s3-warden-service", &service.name);
    let output = scripts::run(&["-euc", &lines]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let said: BTreeSet<_> = said.lines().map(str::to_owned).collect();
    let told = variables.iter();
    let told: BTreeSet<_> = told
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(said, told, "{}", String::from_utf8_lossy(&output.stderr));
}

fn made_of(names: &Names, intake: &Stack) -> Made {
    let queue = |which: &str| Queue {
        url: intake.output(&format!("{which}Url")).to_owned(),
        arn: intake.output(&format!("{which}Arn")).to_owned(),
        name: intake.output(&format!("{which}Name")).to_owned(),
    };
    let buckets = intake.output("GuardedBuckets").split(',');
    let buckets: Vec<_> = buckets.map(str::to_owned).collect();
    assert_eq!(buckets, [names.uploads.as_str(), &names.told, &names.trial]);
    Made {
        queue: queue("UploadQueue"),
        dead: queue("UploadDeadLetterQueue"),
        events: Some((queue("EventsQueue"), queue("EventsDeadLetterQueue"))),
        topic: intake.output("AlertTopicArn").to_owned(),
        records: intake.output("RecordsBucketName").to_owned(),
        quarantine: intake.output("QuarantineBucketName").to_owned(),
        buckets,
    }
}

/// The step that is left to operators: it adds, keeps what is there, and may be repeated.
async fn notifications(client: &Client, names: &Names, other: &str, intake: &Stack) {
    let command = intake.output("NotifyCommand");
    let queue = intake.output("UploadQueueArn");
    let filtered = format!("{command} --prefix in=1/ --suffix .png");
    assert_eq!(notify(&filtered).await, (0, "done".to_owned()));
    assert_eq!(notify(&filtered).await, (0, "stands already".to_owned()));
    let now = configured(client, &names.uploads).await;
    // As S3 wants it, which takes and passes over what it cannot match.
    let rules = &now["QueueConfigurations"][1]["Filter"]["Key"]["FilterRules"];
    let values: Vec<_> = rules
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["Value"])
        .collect();
    assert_eq!(values, ["in%3D1/", ".png"], "{now}");
    // An entry that is not what is asked for is left.
    assert_eq!(notify(command).await.0, 1);
    let elsewhere = command.replace(queue, other);
    assert_eq!(notify(&elsewhere).await.0, 1);
    let remove_theirs = format!(
        "deploy/notify.sh --remove --queue-arn {other} {}",
        names.uploads
    );
    assert_eq!(notify(&remove_theirs).await.0, 1);
    let after = configured(client, &names.uploads).await;
    assert_eq!(after["QueueConfigurations"], now["QueueConfigurations"]);
    let replaced = command.replace("--queue-arn", "--replace --queue-arn");
    assert_eq!(notify(&replaced).await, (0, "done".to_owned()));
    let theirs = json!({"Id": "theirs", "QueueArn": other, "Events": ["s3:ObjectRemoved:*"]});
    let remove = format!(
        "deploy/notify.sh --region {REGION} --remove --queue-arn {queue} {}",
        names.uploads
    );
    assert_eq!(notify(&remove).await, (0, "done".to_owned()));
    let now = configured(client, &names.uploads).await;
    assert_eq!(now["QueueConfigurations"], json!([theirs]), "{now}");
    let (code, said) = notify(&format!("{command} --dry-run")).await;
    assert_eq!((code, said.contains(queue)), (0, true), "{said}");
    let now = configured(client, &names.uploads).await;
    assert_eq!(now["QueueConfigurations"], json!([theirs]), "{now}");
    assert_eq!(notify(command).await, (0, "done".to_owned()));
    let ours = json!({"Id": "s3-warden", "QueueArn": queue, "Events": ["s3:ObjectCreated:*"]});
    let now = configured(client, &names.uploads).await;
    assert_eq!(now["QueueConfigurations"], json!([theirs, ours]), "{now}");
    assert!(now["EventBridgeConfiguration"].is_null(), "{now}");

    let eventbridge = intake.output("NotifyEventBridgeCommand");
    assert_eq!(notify(eventbridge).await, (0, "done".to_owned()));
    let now = configured(client, &names.told).await;
    assert!(now["EventBridgeConfiguration"].is_object(), "{now}");

    for (wrong, code) in [
        ("deploy/notify.sh --queue-arn uploads bucket", 64),
        ("deploy/notify.sh --eventbridge", 64),
        ("deploy/notify.sh --remove bucket", 64),
        (format!("{command} --prefix a*").as_str(), 64),
        (format!("{command} --prefix a%20b").as_str(), 64),
        ("deploy/notify.sh --all bucket", 64),
        ("deploy/notify.sh --eventbridge not-here-at-all", 1),
    ] {
        assert_eq!(notify(wrong).await.0, code, "{wrong}");
    }
}

/// Runs a line of the documentation: exit code, and what it said of its last bucket.
async fn notify(line: &str) -> (i32, String) {
    let words: Vec<_> = line.split(' ').collect();
    let output = scripts::run(&words).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let said = said.trim().split_once(": ").map(|(_, said)| said);
    (
        output.status.code().unwrap(),
        said.unwrap_or_default().to_owned(),
    )
}

async fn configured(client: &Client, bucket: &str) -> Value {
    let question = json!({"Bucket": bucket});
    client
        .s3("get_bucket_notification_configuration", question)
        .await
}

/// Whatever way their buckets tell, uploads are judged, moved, recorded and told.
async fn uploads(ground: &Ground, names: &Names) {
    let puts = futures::join!(
        ground.put(&names.uploads, "a passport.png", passport(1), Fate::Removed),
        ground.put(&names.uploads, "clean.png", clean(2), Fate::Left),
        ground.put(
            &names.told,
            "told + passport.png",
            passport(3),
            Fate::Removed
        ),
        ground.put(&names.trial, "tried.png", passport(4), Fate::Removed),
        ground.put(&names.trial, "clean.png", clean(5), Fate::Left),
    );
    let puts = [puts.0, puts.1, puts.2, puts.3, puts.4];
    for put in puts.iter().filter(|put| put.fate == Fate::Removed) {
        ground.gone(put).await;
        let finding = outcome::told(ground, put).await;
        assert_eq!(finding["outcome"]["code"], "quarantined", "{finding:#}");
        let id = outcome::id(&finding);
        ground
            .alert("its alert came through the topic", |alert| {
                let ids = alert["finding_ids"].as_array().into_iter().flatten();
                ids.into_iter().any(|told| *told == id.as_str())
            })
            .await;
    }
    ground.settled().await;
    outcome::check(ground, &puts, &BTreeSet::new()).await;
    let held = ground.keys(&names.quarantine, "").await;
    assert_eq!(held.len(), 3, "{held:?}");
}

/// An event takes the deployed rule to the deployed queue. Nobody but AWS may write a source such as
/// `aws.iam`, and the bus says so; so the rule takes one of ours instead, and is else as it was.
async fn an_event(ground: &Ground, events: &Stack) {
    let rule = events.named("IdentityChanges");
    let detail = json!({
        "eventVersion": "1.11", "eventID": format!("e-{}", rule), "eventSource": "iam.amazonaws.com",
        "eventName": "AttachRolePolicy", "eventTime": "2026-11-20T10:15:30Z", "awsRegion": REGION,
        "sourceIPAddress": "192.0.2.10", "userAgent": "console",
        "userIdentity": {"type": "IAMUser", "userName": "jane", "accountId": "000000000000"},
        "recipientAccountId": "000000000000", "eventType": "AwsApiCall",
        "requestParameters": {
            "roleName": "app", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
        },
    });
    let put = async |source: &str| {
        let entry = json!({
            "Source": source, "DetailType": "AWS API Call via CloudTrail",
            "Detail": detail.to_string(),
        });
        let put = json!({"Entries": [entry]});
        ground.client.ok("events", "put_events", put).await
    };
    let forged = put("aws.iam").await;
    let code = &forged["Entries"][0]["ErrorCode"];
    assert_eq!(code, "NotAuthorizedForSourceException", "{forged}");

    let question = json!({"Name": rule});
    let stands = ground.client.ok("events", "describe_rule", question).await;
    let mut pattern: Value =
        serde_json::from_str(stands["EventPattern"].as_str().unwrap()).unwrap();
    pattern["source"] = json!(["tests"]);
    let loosened = json!({"Name": rule, "EventPattern": pattern.to_string()});
    ground.client.ok("events", "put_rule", loosened).await;
    let sent = put("tests").await;
    assert_eq!(sent["FailedEntryCount"], 0, "{sent}");
    let alert = ground
        .alert("the event is told", |alert| alert["kind"] == "threat")
        .await;
    let level = alert["threat_level"].as_str().unwrap();
    assert!(["high", "critical"].contains(&level), "{alert:#}");
    let (queue, _) = ground.events.as_ref().unwrap();
    until("the queue of events is empty", async || {
        match ground.backlog_of(queue).await {
            (0, 0) => Ok(()),
            (waiting, held) => Err(format!("{waiting} waiting, {held} in flight")),
        }
    })
    .await;
}

/// What is not understood lies in the deployed dead-letter queue of its lane, with the reason.
async fn parked(ground: &Ground) {
    ground.send("no message of ours").await;
    let (events, dead) = ground.events.as_ref().unwrap();
    let body = json!({"QueueUrl": events.url, "MessageBody": "no event either"});
    ground.client.sqs("send_message", body).await;
    for (which, expected) in [
        (&ground.dead, "no message of ours"),
        (dead, "no event either"),
    ] {
        let letters = until(&format!("{} has a letter", which.name), async || {
            let letters = ground.letters(which).await;
            (!letters.is_empty())
                .then_some(letters)
                .ok_or_else(|| "nothing there".to_owned())
        })
        .await;
        assert_eq!(letters.len(), 1, "{letters:#?}");
        assert_eq!(letters[0]["Body"], expected);
        let reason = letters[0]["MessageAttributes"].to_string();
        assert!(reason.contains("not_json"), "{reason}");
    }
}

/// With the stacks go queues, topic and rules; what people may still need stays.
async fn removed(ground: &Ground, names: &Names, stacks: [Stack; 3]) {
    let findings = ground.findings().await.len();
    assert!(findings > 3, "{findings}");
    let held = ground.keys(&ground.quarantine, "").await;
    let [_, _, intake] = &stacks;
    let rule = intake.named("UploadRule").to_owned();
    for stack in stacks {
        stack.delete().await;
    }
    assert_eq!(ground.findings().await.len(), findings);
    assert_eq!(ground.keys(&ground.quarantine, "").await, held);
    assert_eq!(ground.keys(&names.trial, "").await, ["clean.png"]);
    let question = json!({"QueueUrl": ground.queue.url, "AttributeNames": ["All"]});
    let gone = ground.client.call("sqs", "get_queue_attributes", question);
    assert!(gone.await.is_err(), "the queue of uploads is still there");
    let question = json!({"Name": rule});
    let gone = ground.client.call("events", "describe_rule", question);
    assert!(gone.await.is_err(), "a rule is still there");
}
