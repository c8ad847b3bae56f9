//! The rules of EventBridge, as they were deployed, against those of `config/threats.toml`: every name
//! that the service knows is brought to it, and nothing is that it does not know.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::client::Client;
use super::super::ground::{ACCOUNT, REGION};
use super::Names;
use super::stack::Stack;

/// The quota of one pattern ("Amazon EventBridge quotas").
const LONGEST: usize = 2048;

/// `eventSource` and `eventName`; a star at the end stands for anything.
type Pair = (String, String);

/// Compares names, and tries what the patterns take.
pub(super) async fn check(client: &Arc<Client>, names: &Names, intake: &Stack, events: &Stack) {
    let mut told = BTreeSet::new();
    for name in events.output("RuleNames").split(',') {
        let pattern = pattern(client, name).await;
        told.extend(pairs(&pattern["detail"]));
    }
    let known = known();
    let unheard: Vec<_> = known.difference(&told).collect();
    assert!(
        unheard.is_empty(),
        "deploy/events.yaml tells nothing of: {unheard:#?}"
    );
    let needless: Vec<_> = told.difference(&known).collect();
    assert!(
        needless.is_empty(),
        "no rule of config/threats.toml knows: {needless:#?}"
    );
    taken(client, names, intake, events).await;
    global(client, names, events).await;
}

/// What the built-in rules name.
fn known() -> BTreeSet<Pair> {
    let file: toml::Table = include_str!("../../../config/threats.toml")
        .parse()
        .unwrap();
    let words = |value: &toml::Value| match value {
        toml::Value::String(word) => vec![word.clone()],
        other => {
            let words = other.as_array().unwrap().iter();
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect()
        }
    };
    let rules = file["rule"].as_array().unwrap().iter();
    let pairs = rules.flat_map(|rule| {
        let names = words(&rule["name"]);
        let sources = words(&rule["source"]).into_iter();
        sources.flat_map(move |source| {
            let pairs = names.clone().into_iter();
            pairs.map(move |name| (source.clone(), name))
        })
    });
    pairs.collect()
}

/// What a pattern asks for. One of root asks for no name.
fn pairs(detail: &Value) -> BTreeSet<Pair> {
    if detail["userIdentity"]["type"] == json!(["Root"]) {
        return BTreeSet::from([("*".to_owned(), "*".to_owned())]);
    }
    let alternatives = match detail["$or"].as_array() {
        Some(alternatives) => alternatives.clone(),
        None => vec![detail.clone()],
    };
    let mut all = BTreeSet::new();
    for one in alternatives {
        for source in one["eventSource"].as_array().into_iter().flatten() {
            for name in one["eventName"].as_array().unwrap() {
                let name = match name["prefix"].as_str() {
                    Some(beginning) => format!("{beginning}*"),
                    None => name.as_str().unwrap().to_owned(),
                };
                all.insert((source.as_str().unwrap().to_owned(), name));
            }
        }
    }
    all
}

/// The pattern of a deployed rule.
async fn pattern(client: &Client, rule: &str) -> Value {
    let question = json!({"Name": rule});
    let stands = client.ok("events", "describe_rule", question).await;
    let text = stands["EventPattern"].as_str().unwrap();
    let pattern: Value = serde_json::from_str(text).unwrap();
    // CloudFormation sends it without the blanks.
    let length = pattern.to_string().len();
    assert!(length <= LONGEST, "{rule}: {length} characters");
    // Whoever may put events on the bus may not write a source of AWS.
    for source in pattern["source"].as_array().unwrap() {
        let named = source.as_str().or_else(|| source["prefix"].as_str());
        assert!(named.is_some_and(|it| it.starts_with("aws.")), "{pattern}");
    }
    // Reading is told of root only: the other state brings every Get, List and Describe.
    let every = stands["State"] == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
    let root = pattern["detail"]["userIdentity"]["type"] == json!(["Root"]);
    assert_eq!(every, root, "{rule}: {stands:#}");
    pattern
}

/// Single events, with the rule that takes them, or not.
async fn taken(client: &Client, names: &Names, intake: &Stack, events: &Stack) {
    let records = intake.output("RecordsBucketName");
    let anyone = || json!({"type": "AWSAccount", "accountId": "ANONYMOUS_PRINCIPAL"});
    let ours = || json!({"type": "IAMUser", "accountId": ACCOUNT});
    let stranger = || json!({"type": "IAMUser", "accountId": "999999999999"});
    let root = |invoked: Value| json!({"type": "Root", "accountId": ACCOUNT, "invokedBy": invoked});
    let bucket = |name: &str| json!({"bucketName": name});
    let cases = [
        ("IdentityChanges", iam("aws.iam", "CreateAccessKey"), true),
        ("IdentityChanges", iam("aws.iam", "GetUser"), false),
        // What somebody has put on the bus who is not AWS.
        ("IdentityChanges", iam("tests", "CreateAccessKey"), false),
        (
            "BucketChanges",
            s3("PutBucketPolicy", ours(), bucket("any")),
            true,
        ),
        // Whoever opens the records is told; single objects there are not.
        (
            "BucketChanges",
            s3("PutBucketPolicy", ours(), bucket(records)),
            true,
        ),
        (
            "BucketChanges",
            s3("PutObject", ours(), bucket("any")),
            false,
        ),
        (
            "ObjectWrites",
            s3("PutObjectAcl", ours(), bucket("any")),
            true,
        ),
        (
            "ObjectWrites",
            s3("PutObjectAcl", ours(), bucket(records)),
            false,
        ),
        (
            "ObjectWrites",
            s3("PutObjectAcl", ours(), bucket(&names.quarantine)),
            false,
        ),
        (
            "ObjectWrites",
            s3("DeleteObjects", ours(), bucket(&names.trails)),
            false,
        ),
        (
            "ObjectWrites",
            s3("GetObject", ours(), bucket("any")),
            false,
        ),
        (
            "ObjectsFromOutside",
            s3("GetObject", anyone(), bucket("any")),
            true,
        ),
        (
            "ObjectsFromOutside",
            s3("GetObjectAcl", stranger(), bucket("any")),
            true,
        ),
        (
            "ObjectsFromOutside",
            s3("GetObject", ours(), bucket("any")),
            false,
        ),
        (
            "ObjectsFromOutside",
            s3("PutObject", stranger(), bucket(&names.trails)),
            false,
        ),
        (
            "ObjectsFromOutside",
            s3("GetObject", anyone(), bucket(records)),
            false,
        ),
        (
            "Uploads",
            s3("PutObject", ours(), bucket(&names.uploads)),
            true,
        ),
        ("Uploads", s3("PutObject", ours(), bucket("any")), false),
        (
            "WatchersChanged",
            call("cloudtrail", "StopLogging", ours(), Value::Null),
            true,
        ),
        (
            "WatchersChanged",
            call("guardduty", "StopLogging", ours(), Value::Null),
            false,
        ),
        (
            "NetworksAndKeys",
            call("kms", "ScheduleKeyDeletion", ours(), Value::Null),
            true,
        ),
        (
            "RootUse",
            call("s3", "ListBuckets", root(Value::Null), Value::Null),
            false,
        ),
        (
            "RootUse",
            call("s3", "ListBuckets", without_invoker(), Value::Null),
            true,
        ),
        (
            "RootUse",
            call(
                "s3",
                "ListBuckets",
                root(json!("rds.amazonaws.com")),
                Value::Null,
            ),
            false,
        ),
        (
            "SignIns",
            sign_in("AWS Console Sign In via CloudTrail", "ConsoleLogin"),
            true,
        ),
        (
            "SignIns",
            sign_in("AWS Console Sign In via CloudTrail", "SwitchRole"),
            false,
        ),
        (
            "GuardDutyFindings",
            guard_duty("GuardDuty Finding", json!({"severity": 8})),
            true,
        ),
        (
            "GuardDutyMalwareScans",
            scanned(json!({"scanResultStatus": "THREATS_FOUND"})),
            true,
        ),
        (
            "GuardDutyMalwareScans",
            scanned(json!({"scanResultStatus": "NO_THREATS_FOUND"})),
            false,
        ),
        ("GuardDutyMalwareScans", scanned(Value::Null), true),
    ];
    let mut untried: BTreeSet<_> = events.output("RuleNames").split(',').collect();
    for (rule, event, expected) in cases {
        let rule = events.named(rule);
        let pattern = pattern(client, rule).await;
        let question = json!({"EventPattern": pattern.to_string(), "Event": event.to_string()});
        let answer = client.ok("events", "test_event_pattern", question).await;
        assert_eq!(answer["Result"], expected, "{rule}: {event:#}");
        if expected {
            untried.remove(rule);
        }
    }
    assert!(untried.is_empty(), "tried with no event: {untried:?}");
}

fn without_invoker() -> Value {
    json!({"type": "Root", "accountId": ACCOUNT})
}

fn event(source: &str, kind: &str, detail: Value) -> Value {
    json!({
        "version": "0", "id": "1", "source": source, "detail-type": kind, "account": ACCOUNT,
        "time": "2026-11-20T10:15:30Z", "region": REGION, "resources": [], "detail": detail,
    })
}

fn call(service: &str, name: &str, who: Value, with: Value) -> Value {
    let detail = json!({
        "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "userIdentity": who,
        "requestParameters": with, "awsRegion": REGION,
    });
    event(
        &format!("aws.{service}"),
        "AWS API Call via CloudTrail",
        detail,
    )
}

fn s3(name: &str, who: Value, with: Value) -> Value {
    call("s3", name, who, with)
}

fn iam(source: &str, name: &str) -> Value {
    let mut event = call("iam", name, json!({"type": "IAMUser"}), Value::Null);
    event["source"] = source.into();
    event
}

fn sign_in(kind: &str, name: &str) -> Value {
    let detail = json!({
        "eventSource": "signin.amazonaws.com", "eventName": name, "awsRegion": REGION,
        "userIdentity": {"type": "IAMUser", "accountId": ACCOUNT},
    });
    event("aws.signin", kind, detail)
}

fn guard_duty(kind: &str, detail: Value) -> Value {
    event("aws.guardduty", kind, detail)
}

fn scanned(result: Value) -> Value {
    let mut detail = json!({"scanStatus": "COMPLETED"});
    if !result.is_null() {
        detail["scanResultDetails"] = result;
    }
    guard_duty("GuardDuty Malware Protection Object Scan Result", detail)
}

/// What us-east-1 sends on is what the rules at home take, and it goes one way.
async fn global(client: &Arc<Client>, names: &Names, events: &Stack) {
    let name = format!("warden-global-{}", names.id);
    let here = [("HomeRegion", REGION)];
    let refused = Stack::begin(client, &name, "events-global.yaml", &here).await;
    let refused = refused.unwrap_err().message;
    assert!(refused.contains("needless"), "{refused}");

    let home = "eu-west-1";
    let stack = Stack::create(client, &name, "events-global.yaml", &[("HomeRegion", home)]).await;
    let mut sent = BTreeSet::new();
    for rule in stack.output("RuleNames").split(',') {
        let pattern = pattern(client, rule).await;
        let not_home = json!([{"anything-but": home}]);
        assert_eq!(pattern["detail"]["awsRegion"], not_home, "{pattern}");
        sent.extend(pairs(&pattern["detail"]));
        let question = json!({"Rule": rule});
        let targets = client.ok("events", "list_targets_by_rule", question).await;
        let targets = targets["Targets"].as_array().unwrap();
        let bus = format!("arn:aws:events:{home}:{ACCOUNT}:event-bus/default");
        assert_eq!(targets.len(), 1, "{targets:#?}");
        assert_eq!(targets[0]["Arn"], bus);
        assert!(targets[0]["DeadLetterConfig"]["Arn"].is_string());
        the_role_does_nothing_else(client, targets[0]["RoleArn"].as_str().unwrap(), &bus).await;
    }
    let mut taken = BTreeSet::new();
    for rule in ["IdentityChanges", "SignIns", "RootUse"] {
        let pattern = pattern(client, events.named(rule)).await;
        taken.extend(pairs(&pattern["detail"]));
    }
    assert_eq!(
        sent, taken,
        "events-global.yaml and events.yaml name the same"
    );
    stack.delete().await;
}

async fn the_role_does_nothing_else(client: &Client, arn: &str, bus: &str) {
    let name = arn.rsplit('/').next().unwrap();
    let which = json!({"RoleName": name});
    let policies = client.ok("iam", "list_role_policies", which).await;
    assert_eq!(policies["PolicyNames"].as_array().unwrap().len(), 1);
    let which = json!({"RoleName": name, "PolicyName": policies["PolicyNames"][0]});
    let policy = client.ok("iam", "get_role_policy", which).await;
    let statements = &policy["PolicyDocument"]["Statement"];
    assert_eq!(statements.as_array().map(Vec::len), Some(1), "{policy:#}");
    assert_eq!(statements[0]["Action"], "events:PutEvents");
    assert_eq!(statements[0]["Resource"], bus);
}
