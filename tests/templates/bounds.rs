//! Bounds of the platform that templates run into as lists of buckets grow or change: what another
//! stack imports stands still, and policies have a length.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::yaml::{Given, template, text};

const TEMPLATES: [&str; 6] = [
    "deploy/intake.yaml",
    "deploy/events.yaml",
    "deploy/events-global.yaml",
    "deploy/service.yaml",
    "deploy/scaling.yaml",
    "deploy/dashboard.yaml",
];

/// Characters of a managed policy, white space not counted ("IAM and AWS STS quotas", IAM User Guide).
const MANAGED: usize = 6144;
/// Characters of all inline policies of a role together (the same page).
const INLINE: usize = 10_240;
/// Bytes of the policy of a queue ("Amazon SQS policy quotas", Amazon SQS Developer Guide).
const OF_A_QUEUE: usize = 8192;
/// Characters of a pattern ("Amazon EventBridge quotas").
const PATTERN: usize = 2048;

/// Bytes of a template that is sent with the call, not put into a bucket first ("`CloudFormation` quotas").
const TEMPLATE: usize = 51_200;

/// Buckets with the longest names that fit into everything; descriptions of parameters say so.
const BUCKETS: usize = 12;

/// The same without policies for operators, and how many a pattern has room for.
const BUCKETS_OF_RULES: usize = 20;

/// Every import within a value.
fn imports(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) => {
            if let Some(name) = entries.get("Fn::ImportValue") {
                let name = text(&name["Fn::Sub"]);
                let (_, export) = name.split_once("}-").expect("the stack's name comes first");
                found.insert(export.to_owned());
            }
            entries.values().for_each(|it| imports(it, found));
        }
        Value::Array(entries) => entries.iter().for_each(|it| imports(it, found)),
        _ => {}
    }
}

#[test]
fn what_is_imported_can_stand_still() {
    let mut exported = BTreeSet::new();
    let mut imported = BTreeSet::new();
    for path in TEMPLATES {
        let template = template(path);
        imports(&template, &mut imported);
        for (name, output) in template["Outputs"].as_object().unwrap() {
            if output["Export"].is_null() {
                continue;
            }
            let export = text(&output["Export"]["Name"]["Fn::Sub"]);
            assert_eq!(export, format!("${{AWS::StackName}}-{name}"), "{path}");
            let value = &output["Value"];
            let source = value["Ref"].as_str().map(str::to_owned);
            let source = source.or_else(|| {
                let attribute = value["Fn::GetAtt"].as_str()?;
                Some(attribute.split('.').next()?.to_owned())
            });
            // A parameter changes, and a list of them; a resource keeps its name while it lives.
            let source = source.unwrap_or_default();
            assert!(
                template["Resources"][&source].is_object(),
                "{path}: {name} is exported, so {value} could never change"
            );
            exported.insert(name.clone());
        }
    }
    let unknown: Vec<_> = imported.difference(&exported).collect();
    assert!(unknown.is_empty(), "nobody exports {unknown:?}");
}

#[test]
fn templates_can_be_sent_with_the_call() {
    for path in TEMPLATES {
        let bytes = super::text(path).len();
        assert!(bytes <= TEMPLATE, "{path}: {bytes} of {TEMPLATE}");
    }
}

/// Values of about the longest kind.
fn long(buckets: usize) -> Given {
    let buckets: Vec<_> = (0..buckets).map(|at| format!("{at:0>63}")).collect();
    let mut given = super::rights::given(&[]);
    let stack = "s".repeat(40);
    let name = |service: &str, name: &str| {
        json!(format!(
            "arn:aws:{service}:ap-northeast-2:123456789012:{stack}-{name}"
        ))
    };
    let key = "arn:aws:kms:ap-northeast-2:123456789012:key/01234567-89ab-cdef-0123-456789abcdef";
    given.values.extend([
        ("GuardedBuckets", json!(buckets)),
        ("AWS::Region", json!("ap-northeast-2")),
        ("AWS::AccountId", json!("123456789012")),
        ("Geography", json!("global")),
        ("Model", json!("anthropic.claude-haiku-4-5-20251001-v1:0")),
        (
            "FallbackModel",
            json!("anthropic.claude-haiku-4-5-20251001-v1:0"),
        ),
        ("Cluster", json!(format!("{stack}-Cluster-0123456789ab"))),
        ("UploadQueueArn", name("sqs", "uploads")),
        ("EventsQueueArn", name("sqs", "events")),
        ("UploadDeadLetterQueueArn", name("sqs", "uploads-dead")),
        ("EventsDeadLetterQueueArn", name("sqs", "events-dead")),
        ("AlertTopicArn", name("sns", "alerts")),
        ("NewsTopicArns", json!([name("sns", "news")])),
        ("RecordsBucketName", json!("r".repeat(63))),
        ("QuarantineBucketName", json!("q".repeat(63))),
        ("QuarantineKeyArn", json!(key)),
        ("KeyArns", json!([key, key])),
    ]);
    given
}

/// Characters of documents, written without white space.
fn length(given: &Given, documents: &[&Value]) -> usize {
    let written = documents
        .iter()
        .map(|it| given.worked_out(it).to_string().len());
    written.sum()
}

#[test]
fn policies_of_the_service_have_room_for_so_many_buckets() {
    let service = template("deploy/service.yaml");
    let document = |name: &str| &service["Resources"][name]["Properties"]["PolicyDocument"];
    let of_the_task = [
        "TaskPolicy",
        "QuarantinePolicy",
        "SecurityHubPolicy",
        "EventBridgePolicy",
        "KeysPolicy",
    ]
    .map(document);
    for (documents, buckets, most) in [
        (of_the_task.as_slice(), BUCKETS_OF_RULES, INLINE),
        (&[document("OperatorPolicy")], BUCKETS, MANAGED),
        (&[document("DoctorPolicy")], BUCKETS, MANAGED),
    ] {
        let made = length(&long(buckets), documents);
        assert!(made <= most, "{made} of {most}");
    }
    said("deploy/service.yaml", &[BUCKETS, BUCKETS_OF_RULES]);
}

#[test]
fn the_way_in_has_room_for_so_many_buckets() {
    let buckets = long(BUCKETS_OF_RULES).values["GuardedBuckets"].clone();
    let joined: Vec<_> = buckets.as_array().unwrap().iter().map(text).collect();
    let joined = json!(joined.join(","));
    let mut given = long(0);
    let queue = given.values["UploadQueueArn"].clone();
    given.values.extend([
        ("GuardedBuckets", joined.clone()),
        ("EventBridgeBuckets", joined.clone()),
        ("CloudTrailUploadBuckets", joined.clone()),
        ("TrailBuckets", joined),
        ("NewsTopicArns", given.values["AlertTopicArn"].clone()),
        ("TrialBucketName", json!("t".repeat(63))),
        ("AWS::Partition", json!("aws")),
        ("UploadQueue.Arn", queue.clone()),
        ("UploadRule.Arn", queue),
    ]);
    let intake = &template("deploy/intake.yaml")["Resources"];
    let policy = &intake["UploadQueuePolicy"]["Properties"]["PolicyDocument"];
    let made = length(&given, &[policy]);
    assert!(made <= OF_A_QUEUE, "{made}");

    let events = &template("deploy/events.yaml")["Resources"];
    for (name, rule) in [
        ("UploadRule", &intake["UploadRule"]),
        ("Uploads", &events["Uploads"]),
        ("ObjectWrites", &events["ObjectWrites"]),
        ("ObjectsFromOutside", &events["ObjectsFromOutside"]),
    ] {
        let mut pattern = given.worked_out(&rule["Properties"]["EventPattern"]);
        let made = pattern.to_string().len();
        assert!(made <= PATTERN, "{name}: {made}");
        // What is worked out is the choice `all`; `guarded` names these instead.
        if let Some(asked) = pattern["detail"]["requestParameters"].as_object_mut() {
            asked.insert("bucketName".to_owned(), buckets.clone());
            let made = pattern.to_string().len();
            assert!(made <= PATTERN, "{name}: {made}");
        }
    }
    said("deploy/intake.yaml", &[BUCKETS, BUCKETS_OF_RULES]);
    said("deploy/events.yaml", &[BUCKETS_OF_RULES]);
}

/// That people are told how many fit.
#[track_caller]
fn said(path: &str, bounds: &[usize]) {
    let described = text(&template(path)["Parameters"]["GuardedBuckets"]["Description"]);
    assert!(described.contains("with the longest names"), "{path}");
    for most in bounds {
        let told = described
            .split([' ', ',', '.'])
            .any(|it| it == most.to_string());
        assert!(told, "{path}: {most}: {described}");
    }
}
