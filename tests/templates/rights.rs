//! The rights that `service.yaml` gives against the policies of `deploy/iam`: the same statements, the
//! same words, with names filled in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::yaml::{Given, template, words};

/// Which resource of the template has which policies' statements.
const POLICIES: [(&str, &str); 5] = [
    ("TaskPolicy", "deploy/iam/worker.json"),
    ("QuarantinePolicy", "deploy/iam/quarantine.json"),
    ("SecurityHubPolicy", "deploy/iam/securityhub.json"),
    ("EventBridgePolicy", "deploy/iam/eventbridge.json"),
    ("KeysPolicy", "deploy/iam/keys.json"),
];

/// Everything that the template is told, by the words of the policies.
pub(crate) fn given(guarded: &[&str]) -> Given {
    let values = [
        ("AWS::Region", json!("REGION")),
        ("AWS::AccountId", json!("ACCOUNT")),
        ("GuardedBuckets", json!(guarded)),
        ("Geography", json!("PROFILE")),
        ("Model", json!("MODEL")),
        ("FallbackModel", json!("FALLBACK")),
        ("EventBusName", json!("EVENT_BUS")),
        ("Cluster", json!("CLUSTER")),
        ("KeyArns", json!(["arn:aws:kms:REGION:ACCOUNT:key/KEY"])),
        (
            "NewsTopicArns",
            json!(["arn:aws:sns:REGION:ACCOUNT:UPLOADS_TOPIC"]),
        ),
        (
            "UploadQueueArn",
            json!("arn:aws:sqs:REGION:ACCOUNT:UPLOADS_QUEUE"),
        ),
        (
            "EventsQueueArn",
            json!("arn:aws:sqs:REGION:ACCOUNT:EVENTS_QUEUE"),
        ),
        (
            "UploadDeadLetterQueueArn",
            json!("arn:aws:sqs:REGION:ACCOUNT:DEAD_LETTER_QUEUE"),
        ),
        (
            "EventsDeadLetterQueueArn",
            json!("arn:aws:sqs:REGION:ACCOUNT:EVENTS_DEAD_LETTER_QUEUE"),
        ),
        (
            "AlertTopicArn",
            json!("arn:aws:sns:REGION:ACCOUNT:ALERTS_TOPIC"),
        ),
        ("RecordsBucketName", json!("RECORDS_BUCKET")),
        ("QuarantineBucketName", json!("QUARANTINE_BUCKET")),
        (
            "QuarantineKeyArn",
            json!("arn:aws:kms:REGION:ACCOUNT:key/QUARANTINE_KEY"),
        ),
    ];
    Given {
        values: BTreeMap::from(values),
        mappings: Value::Null,
    }
}

/// A statement, so that order and the form of lists do not count.
#[derive(Debug, PartialEq)]
struct Statement {
    effect: String,
    actions: Vec<String>,
    resources: Vec<String>,
    condition: Value,
}

fn statements(policy: &Value) -> BTreeMap<String, Statement> {
    assert_eq!(policy["Version"], "2012-10-17");
    let sorted = |value: &Value| {
        let mut words = words(value);
        words.sort();
        words
    };
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .map(|it| {
            let statement = Statement {
                effect: it["Effect"].as_str().unwrap().to_owned(),
                actions: sorted(&it["Action"]),
                resources: sorted(&it["Resource"]),
                condition: it["Condition"].clone(),
            };
            (it["Sid"].as_str().unwrap().to_owned(), statement)
        })
        .collect()
}

#[test]
fn the_template_gives_what_the_policies_say() {
    let service = template("deploy/service.yaml");
    for (resource, file) in POLICIES {
        let resource = &service["Resources"][resource]["Properties"];
        let document = given(&["UPLOADS_BUCKET"]).worked_out(&resource["PolicyDocument"]);
        assert_eq!(
            statements(&document),
            statements(&super::json(file)),
            "{file}"
        );
    }
}

#[test]
fn no_policy_of_the_task_is_left_out() {
    let service = template("deploy/service.yaml");
    let resources = service["Resources"].as_object().unwrap().iter();
    let of_the_task = resources
        .filter(|(_, it)| it["Properties"]["Roles"] == json!([{ "Ref": "TaskRole" }]))
        .map(|(name, _)| name.as_str());
    let mut of_the_task: Vec<_> = of_the_task.collect();
    let mut known: Vec<_> = POLICIES.iter().map(|(name, _)| *name).collect();
    of_the_task.sort_unstable();
    known.sort_unstable();
    assert_eq!(of_the_task, known);
    let role = &service["Resources"]["TaskRole"]["Properties"];
    for other in ["Policies", "ManagedPolicyArns"] {
        assert!(role[other].is_null(), "the role has {other} beside");
    }
}

#[test]
fn each_guarded_bucket_is_named() {
    let service = template("deploy/service.yaml");
    let document = &service["Resources"]["TaskPolicy"]["Properties"]["PolicyDocument"];
    let document = given(&["one", "two"]).worked_out(document);
    let statements = statements(&document);
    assert_eq!(
        statements["LookAtGuardedBuckets"].resources,
        ["arn:aws:s3:::one", "arn:aws:s3:::two"]
    );
    assert_eq!(
        statements["ReadTagAndRemoveGuardedObjects"].resources,
        ["arn:aws:s3:::one/*", "arn:aws:s3:::two/*"]
    );
}
