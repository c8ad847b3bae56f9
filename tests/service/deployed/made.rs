//! What stands after the deployment, as the services of the emulator report it; and what the emulator
//! leaves out, as the templates say it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::client::Client;
use super::super::ground::{ACCOUNT, REGION};
use super::stack::Stack;
use super::{Names, folder};

/// 7 days in front of 14: what SQS moves keeps the time at which it was first sent.
const RETENTION: (&str, &str) = ("604800", "1209600");

/// Everything that can be looked at.
pub(super) async fn check(client: &Client, names: &Names, intake: &Stack, events: &Stack) {
    let upload_rule = format!(
        "arn:aws:events:{REGION}:{ACCOUNT}:rule/{}",
        intake.named("UploadRule")
    );
    let bucket = |name: &str| format!("arn:aws:s3:::{name}");
    let rules = events.output("RuleNames").split(',');
    let rules: BTreeSet<_> = rules
        .map(|name| format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"))
        .collect();
    let (s3, bus) = ("s3.amazonaws.com", "events.amazonaws.com");
    let uploads = [
        (s3, BTreeSet::from([bucket(&names.uploads)])),
        (s3, BTreeSet::from([bucket(&names.trial)])),
        (bus, BTreeSet::from([upload_rule.clone()])),
    ];
    let dead_uploads = [(bus, BTreeSet::from([upload_rule]))];
    let from_rules = [(bus, rules)];
    queue(client, intake, "UploadQueue", &uploads).await;
    queue(client, intake, "UploadDeadLetterQueue", &dead_uploads).await;
    queue(client, intake, "EventsQueue", &from_rules).await;
    queue(client, intake, "EventsDeadLetterQueue", &from_rules).await;
    topic(client, intake).await;
    buckets(client, names, intake).await;
    key(client, names, intake).await;
    templates(client).await;
}

/// A queue: times, redrive, encryption, and exactly who may send.
async fn queue(client: &Client, intake: &Stack, name: &str, senders: &[(&str, BTreeSet<String>)]) {
    let url = intake.output(&format!("{name}Url"));
    let question = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let answer = client.sqs("get_queue_attributes", question).await;
    let all = &answer["Attributes"];
    let arn = &all["QueueArn"];
    assert_eq!(all["VisibilityTimeout"], "120", "{name}: {all:#}");
    assert_eq!(
        all["ReceiveMessageWaitTimeSeconds"], "20",
        "{name}: {all:#}"
    );
    assert_eq!(all["SqsManagedSseEnabled"], "true", "{name}: {all:#}");
    assert!(all["KmsMasterKeyId"].is_null(), "{name}: {all:#}");
    let (live, dead) = RETENTION;
    if let Some(source) = name.strip_suffix("DeadLetterQueue") {
        assert_eq!(all["MessageRetentionPeriod"], dead, "{name}: {all:#}");
        let source = intake.output(&format!("{source}QueueArn"));
        let allowed = json!({"redrivePermission": "byQueue", "sourceQueueArns": [source]});
        assert_eq!(document(&all["RedriveAllowPolicy"]), allowed, "{name}");
    } else {
        assert_eq!(all["MessageRetentionPeriod"], live, "{name}: {all:#}");
        let kind = name.trim_end_matches("Queue");
        let dead = intake.output(&format!("{kind}DeadLetterQueueArn"));
        let mut redrive = document(&all["RedrivePolicy"]);
        // CloudFormation and its emulator differ in whether a number is one.
        redrive["maxReceiveCount"] = redrive["maxReceiveCount"].to_string().into();
        let count = redrive["maxReceiveCount"]
            .as_str()
            .unwrap()
            .trim_matches('"');
        assert_eq!(
            (&redrive["deadLetterTargetArn"], count),
            (&json!(dead), "20")
        );
    }
    let policy = document(&all["Policy"]);
    only_encrypted(&policy, name);
    let allowed = allowed(&policy);
    assert_eq!(allowed.len(), senders.len(), "{name}: {policy:#}");
    for (statement, (service, sources)) in allowed.iter().zip(senders) {
        assert_eq!(
            statement["Principal"],
            json!({"Service": service}),
            "{name}"
        );
        assert_eq!(statement["Action"], "sqs:SendMessage", "{name}");
        assert_eq!(statement["Resource"], *arn, "{name}");
        let condition = &statement["Condition"];
        let account = json!({"aws:SourceAccount": ACCOUNT});
        assert_eq!(condition["StringEquals"], account, "{name}");
        let named = words(&condition["ArnEquals"]["aws:SourceArn"]);
        assert_eq!(named, *sources, "{name}");
    }
}

/// The topic: who may publish, and the address that is subscribed.
async fn topic(client: &Client, intake: &Stack) {
    let arn = intake.output("AlertTopicArn");
    let question = json!({"TopicArn": arn});
    let answer = client
        .ok("sns", "get_topic_attributes", question.clone())
        .await;
    let policy = document(&answer["Attributes"]["Policy"]);
    only_encrypted(&policy, "the topic");
    let allowed = allowed(&policy);
    let principals: Vec<_> = allowed.iter().map(|it| it["Principal"].clone()).collect();
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let expected = [
        json!({"AWS": root}),
        json!({"Service": "cloudwatch.amazonaws.com"}),
    ];
    assert_eq!(principals, expected, "{policy:#}");
    assert_eq!(
        allowed[1]["Condition"]["StringEquals"],
        json!({"aws:SourceAccount": ACCOUNT})
    );
    let answer = client
        .ok("sns", "list_subscriptions_by_topic", question)
        .await;
    let mut subscriptions = answer["Subscriptions"].as_array().unwrap().iter();
    let mail = subscriptions.find(|it| it["Protocol"] == "email");
    let mail = mail.unwrap_or_else(|| panic!("{answer:#}"));
    assert_eq!(mail["Endpoint"], "security@example.com");
}

/// The buckets that the templates make: private, and reached by encrypted transport only.
async fn buckets(client: &Client, names: &Names, intake: &Stack) {
    let records = intake.output("RecordsBucketName");
    for bucket in [records, &names.quarantine, &names.trial] {
        let which = json!({"Bucket": bucket});
        let access = client.s3("get_public_access_block", which.clone()).await;
        let access = access["PublicAccessBlockConfiguration"]
            .as_object()
            .unwrap();
        assert_eq!(access.len(), 4, "{bucket}: {access:?}");
        assert!(
            access.values().all(|on| *on == true),
            "{bucket}: {access:?}"
        );
        let versioning = client.s3("get_bucket_versioning", which.clone()).await;
        // What has expired in the quarantine is to be gone.
        let kept = (bucket != names.quarantine).then(|| json!("Enabled"));
        assert_eq!(versioning["Status"], json!(kept), "{bucket}");
        if bucket != names.trial {
            let policy = client.s3("get_bucket_policy", which).await;
            only_encrypted(&document(&policy["Policy"]), bucket);
        }
    }
}

/// The quarantine's key: it is renewed, and used through S3 for that bucket only.
async fn key(client: &Client, names: &Names, intake: &Stack) {
    let which = json!({"KeyId": intake.output("QuarantineKeyArn")});
    let rotation = client
        .ok("kms", "get_key_rotation_status", which.clone())
        .await;
    assert_eq!(rotation["KeyRotationEnabled"], true, "{rotation}");
    let policy = client.ok("kms", "get_key_policy", which).await;
    let policy = document(&policy["Policy"]);
    let uses = ["kms:Decrypt", "kms:GenerateDataKey"];
    for statement in policy["Statement"].as_array().unwrap() {
        let actions = words(&statement["Action"]);
        assert!(actions.iter().all(|it| !it.contains('*')), "{statement:#}");
        if !actions.iter().any(|it| uses.contains(&it.as_str())) {
            continue;
        }
        let condition = &statement["Condition"];
        let through = &condition["StringEquals"]["kms:ViaService"];
        assert_eq!(*through, format!("s3.{REGION}.amazonaws.com"));
        let context = &condition["ArnLike"]["kms:EncryptionContext:aws:s3:arn"];
        assert_eq!(*context, format!("arn:aws:s3:::{}", names.quarantine));
    }
}

/// What holds of every template, read from it: the emulator keeps neither the encryption nor the owner
/// nor the lifecycle of buckets that `CloudFormation` makes.
async fn templates(client: &Client) {
    let mut policied = BTreeSet::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if !text.contains("AWSTemplateFormatVersion") {
            continue;
        }
        let template = client
            .ok("template", "read", json!({"Path": path.to_str().unwrap()}))
            .await;
        described(&template, &name);
        for (logical, resource) in template["Resources"].as_object().unwrap() {
            let what = format!("{name}: {logical}");
            let properties = &resource["Properties"];
            match resource["Type"].as_str().unwrap() {
                "AWS::S3::Bucket" => bucket(resource, &what),
                "AWS::SQS::Queue" => {
                    let encrypted = &properties["SqsManagedSseEnabled"];
                    assert!(!encrypted.is_null(), "{what} is not encrypted");
                }
                "AWS::SQS::QueuePolicy" => {
                    only_encrypted(&properties["PolicyDocument"], &what);
                    for queue in properties["Queues"].as_array().unwrap() {
                        // A second policy would replace the first without a word.
                        let new = policied.insert(exported(queue, &name));
                        assert!(new, "{what}: {queue} has another policy already");
                    }
                }
                _ => {}
            }
        }
    }
    let expected = [
        "UploadQueue",
        "UploadDeadLetterQueue",
        "EventsQueue",
        "EventsDeadLetterQueue",
    ];
    for queue in expected {
        assert!(
            policied.contains(queue),
            "{queue} has no policy: {policied:?}"
        );
    }
}

/// A queue by its name in the template that makes it, whichever template speaks of it.
fn exported(queue: &Value, template: &str) -> String {
    if let Some(name) = queue["Ref"].as_str() {
        let own = template == "intake.yaml";
        return if own {
            name.to_owned()
        } else {
            format!("{template}: {name}")
        };
    }
    let import = queue["Fn::ImportValue"]["Fn::Sub"].as_str();
    let import = import.unwrap_or_else(|| panic!("{template}: {queue}"));
    let name = import.trim_start_matches("${IntakeStack}-");
    name.trim_end_matches("Url").to_owned()
}

fn described(template: &Value, name: &str) {
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let parameters = template["Parameters"].as_object().unwrap();
    // A template with few parameters may leave them to the alphabet.
    if let Some(groups) = interface["ParameterGroups"].as_array() {
        let grouped = groups.iter().flat_map(|group| words(&group["Parameters"]));
        let grouped: BTreeSet<_> = grouped.collect();
        let all: BTreeSet<_> = parameters.keys().cloned().collect();
        assert_eq!(grouped, all, "{name}: every parameter stands in a group");
    }
    let outputs = template["Outputs"].as_object().into_iter().flatten();
    for (logical, what) in parameters.iter().chain(outputs) {
        let says = what["Description"].as_str().unwrap_or_default();
        assert!(!says.is_empty(), "{name}: {logical} is not described");
    }
}

fn bucket(resource: &Value, what: &str) {
    // What a first deployment that fails has made goes with it, or the next could not take its name.
    let kept = ("RetainExceptOnCreate", "Retain");
    assert_eq!(resource["DeletionPolicy"], kept.0, "{what}");
    assert_eq!(resource["UpdateReplacePolicy"], kept.1, "{what}");
    let properties = &resource["Properties"];
    let encryption = &properties["BucketEncryption"]["ServerSideEncryptionConfiguration"];
    assert!(encryption.is_array(), "{what} is not encrypted");
    let owner = json!([{"ObjectOwnership": "BucketOwnerEnforced"}]);
    assert_eq!(properties["OwnershipControls"]["Rules"], owner, "{what}");
    let access = properties["PublicAccessBlockConfiguration"].as_object();
    assert!(access.is_some_and(|it| it.len() == 4), "{what}");
}

/// That a policy denies everybody who does not come by TLS.
fn only_encrypted(policy: &Value, of: &str) {
    let statements = policy["Statement"].as_array().unwrap();
    let denied = statements.iter().any(|it| {
        it["Effect"] == "Deny"
            && it["Principal"] == "*"
            && it["Condition"] == json!({"Bool": {"aws:SecureTransport": "false"}})
    });
    assert!(denied, "{of}: {policy:#}");
}

fn allowed(policy: &Value) -> Vec<Value> {
    let statements = policy["Statement"].as_array().unwrap().iter();
    let allowed = statements.filter(|it| it["Effect"] == "Allow");
    allowed.cloned().collect()
}

/// JSON inside of a text.
fn document(text: &Value) -> Value {
    let text = text
        .as_str()
        .unwrap_or_else(|| panic!("{text} is no document"));
    serde_json::from_str(text).unwrap()
}

/// One word or a list of them.
fn words(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(word) => BTreeSet::from([word.clone()]),
        other => {
            let words = other.as_array().into_iter().flatten();
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect()
        }
    }
}
