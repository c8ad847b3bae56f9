//! The policies for operators in `service.yaml`, which are made of `deploy/iam/operator.json` and
//! `doctor.json`, with names filled in. `UPDATE_GOLDEN=1` writes them anew.

use serde_json::{Map, Value, json};

use super::yaml::{text, words};

const BEGIN: &str = "  # operators: begin\n";
const END: &str = "  # operators: end\n";

/// What becomes a policy: its file, the resource, and what it is for.
const POLICIES: [(&str, &str, &str); 2] = [
    (
        "deploy/iam/operator.json",
        "OperatorPolicy",
        "s3-warden: pause, resume, breaker, explain, restore, dlq. For a role of operators, never the service's.",
    ),
    (
        "deploy/iam/doctor.json",
        "DoctorPolicy",
        "s3-warden: what only doctor asks. For a role of operators, never the service's.",
    ),
];

/// Whole ARNs that the intake stack exports.
const EXPORTED: [(&str, &str); 6] = [
    ("arn:aws:sqs:REGION:ACCOUNT:UPLOADS_QUEUE", "UploadQueueArn"),
    ("arn:aws:sqs:REGION:ACCOUNT:EVENTS_QUEUE", "EventsQueueArn"),
    (
        "arn:aws:sqs:REGION:ACCOUNT:DEAD_LETTER_QUEUE",
        "UploadDeadLetterQueueArn",
    ),
    (
        "arn:aws:sqs:REGION:ACCOUNT:EVENTS_DEAD_LETTER_QUEUE",
        "EventsDeadLetterQueueArn",
    ),
    ("arn:aws:sns:REGION:ACCOUNT:ALERTS_TOPIC", "AlertTopicArn"),
    (
        "arn:aws:kms:REGION:ACCOUNT:key/QUARANTINE_KEY",
        "QuarantineKeyArn",
    ),
];

/// Words within ARNs, and what stands for them.
const WORDS: [(&str, &str); 8] = [
    ("REGION", "${AWS::Region}"),
    ("ACCOUNT", "${AWS::AccountId}"),
    ("PROFILE", "${Geography}"),
    ("MODEL", "${Model}"),
    ("FALLBACK", "${FallbackModel}"),
    ("RECORDS_BUCKET", "${Records}"),
    ("QUARANTINE_BUCKET", "${Quarantined}"),
    ("CLUSTER", "${Cluster}"),
];

/// Keys of the customer, of which there may be none and several.
const KEYS: &str = "arn:aws:kms:REGION:ACCOUNT:key/KEY";

/// Topics that pass news on, of which there may be none and several.
const NEWS: &str = "arn:aws:sns:REGION:ACCOUNT:UPLOADS_TOPIC";

fn import(export: &str) -> Value {
    json!({ "Fn::ImportValue": { "Fn::Sub": format!("${{IntakeStack}}-{export}") } })
}

/// One resource, with names filled in.
fn resource(arn: &str) -> Value {
    if let Some((_, export)) = EXPORTED.iter().find(|(known, _)| *known == arn) {
        return import(export);
    }
    let filled = WORDS.iter().fold(arn.to_owned(), |filled, (word, name)| {
        filled.replace(word, name)
    });
    let imported = [
        ("Records", "RecordsBucketName"),
        ("Quarantined", "QuarantineBucketName"),
    ];
    let used = imported
        .iter()
        .filter(|(name, _)| filled.contains(&format!("${{{name}}}")));
    let used: Map<_, _> = used
        .map(|(name, export)| ((*name).to_owned(), import(export)))
        .collect();
    match (filled.contains("${"), used.is_empty()) {
        (false, _) => json!(filled),
        (true, true) => json!({ "Fn::Sub": filled }),
        (true, false) => json!({ "Fn::Sub": [filled, used] }),
    }
}

/// One ARN for each guarded bucket: `list` is what stands between their names.
fn guarded(arn: &str) -> Value {
    let (before, after) = arn.split_once("UPLOADS_BUCKET").unwrap();
    let names = json!({ "Fn::Join": [format!("{after},{before}"), { "Ref": "GuardedBuckets" }] });
    let whole = json!({ "Fn::Sub": [format!("{before}${{Names}}{after}"), { "Names": names }] });
    json!({ "Fn::Split": [",", whole] })
}

/// One statement as text, with the resources below each other.
fn statement(statement: &Value) -> String {
    let arns = words(&statement["Resource"]);
    let resources = match arns.as_slice() {
        [only] if only.contains("UPLOADS_BUCKET") => format!(" {}", guarded(only)),
        [only] if only == KEYS => format!(" {}", json!({ "Ref": "KeyArns" })),
        [only] if only == NEWS => format!(" {}", json!({ "Ref": "NewsTopicArns" })),
        several => {
            let lists = several.iter().any(|it| it.contains("UPLOADS_BUCKET"));
            assert!(
                !lists,
                "guarded buckets need a statement of their own: {statement}"
            );
            let lines = several.iter().map(|it| format!("\n  - {}", resource(it)));
            lines.collect()
        }
    };
    let (sid, effect) = (text(&statement["Sid"]), text(&statement["Effect"]));
    let actions: String = words(&statement["Action"])
        .iter()
        .map(|action| format!("\n  - {action}"))
        .collect();
    let known = ["Sid", "Effect", "Action", "Resource"];
    let keys = statement.as_object().unwrap().keys();
    for key in keys {
        assert!(
            known.contains(&key.as_str()),
            "{sid}: {key} is not carried over"
        );
    }
    let made = format!("Sid: {sid}\nEffect: {effect}\nAction:{actions}\nResource:{resources}");
    let conditions = [
        ("HasQuarantine", "QUARANTINE"),
        ("HasKeys", KEYS),
        ("HasNewsTopics", NEWS),
    ];
    for (condition, word) in conditions {
        let needing = arns.iter().filter(|it| it.contains(word)).count();
        if needing > 0 {
            assert_eq!(
                needing,
                arns.len(),
                "{sid}: {word} needs a statement of its own"
            );
            let made = entry(&made, 2);
            let choice = format!("Fn::If:\n  - {condition}\n{made}  - Ref: AWS::NoValue");
            return entry(&choice, 10);
        }
    }
    entry(&made, 10)
}

/// An entry of a list, at this depth.
fn entry(lines: &str, depth: usize) -> String {
    let mut made = String::new();
    for (at, line) in lines.lines().enumerate() {
        let begin = if at == 0 { "- " } else { "  " };
        made.push_str(&format!("{:depth$}{begin}{line}\n", ""));
    }
    made
}

/// The resources, as text of the template.
fn made() -> String {
    let mut made = String::new();
    for (file, name, purpose) in POLICIES {
        let policy = super::json(file);
        let version = &policy["Version"];
        let statements = policy["Statement"].as_array().unwrap().iter();
        let statements: String = statements.map(statement).collect();
        made.push_str(&format!(
            "  # {file}
  {name}:
    Type: AWS::IAM::ManagedPolicy
    Condition: HasOperatorPolicies
    Properties:
      Description: \"{purpose}\"
      PolicyDocument:
        Version: {version}
        Statement:
{statements}
"
        ));
    }
    made
}

#[test]
fn operators_get_what_their_policies_say() {
    let template = super::text("deploy/service.yaml");
    let (before, rest) = template.split_once(BEGIN).expect("the begin is marked");
    let (stands, after) = rest.split_once(END).expect("the end is marked");
    let made = made();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let whole = format!("{before}{BEGIN}{made}{END}{after}");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/service.yaml");
        std::fs::write(path, whole).unwrap();
        return;
    }
    assert_eq!(stands, made, "run with UPDATE_GOLDEN=1 and read it");
}

#[test]
fn what_is_made_is_read_back_as_the_policies_are() {
    let given = super::rights::given(&["UPLOADS_BUCKET"]);
    for (file, name, _) in POLICIES {
        let document = super::yaml::template("deploy/service.yaml")["Resources"][name]
            ["Properties"]["PolicyDocument"]
            .clone();
        let made = given.worked_out(&document);
        let statements = made["Statement"].as_array().unwrap();
        let policy = super::json(file);
        let expected = policy["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), expected.len());
        for (made, expected) in statements.iter().zip(expected) {
            assert_eq!(words(&made["Action"]), words(&expected["Action"]), "{file}");
            assert_eq!(made["Effect"], expected["Effect"], "{file}");
            assert_eq!(
                words(&made["Resource"]),
                words(&expected["Resource"]),
                "{file}"
            );
        }
    }
}
