//! What our role does, and what it never does.

use serde_json::json;

use super::*;

#[test]
fn our_role_in_guarded_buckets() {
    use Relation::{Misuse, Ours};
    let object = |bucket: &str| json!({"bucketName": bucket, "key": "a.png"});
    for name in [
        "GetObject",
        "HeadObject",
        "DeleteObject",
        "GetObjectTagging",
        "PutObjectTagging",
        "GetObjectAcl",
    ] {
        check("s3", name, object("guarded"), Ours);
        check("s3", name, object("guarded-2"), Misuse);
    }
    for name in [
        "HeadBucket",
        "ListObjects",
        "GetBucketVersioning",
        "GetBucketAcl",
        "GetBucketPolicyStatus",
        "GetBucketPublicAccessBlock",
    ] {
        check("s3", name, json!({"bucketName": "guarded"}), Ours);
        check("s3", name, json!({"bucketName": "other"}), Misuse);
    }
    for name in [
        "PutObject",
        "PutBucketPolicy",
        "PutBucketAcl",
        "PutObjectAcl",
        "DeleteBucket",
        "DeleteObjects",
        "CopyObject",
        "GetBucketPolicy",
    ] {
        check("s3", name, object("guarded"), Misuse);
    }
    check("s3", "ListBuckets", json!(null), Misuse);
}

#[test]
fn our_role_among_records_and_in_the_quarantine() {
    use Relation::{Misuse, Ours};
    let object = |bucket: &str, key: &str| json!({"bucketName": bucket, "key": key});
    let deleted = |key: &str, expected| {
        check("s3", "DeleteObject", object("records", key), expected);
    };
    deleted("warden/pending/x.json", Ours);
    deleted("warden/control/probe-1.json", Ours);
    for kept in [
        "warden/findings/date=2026-11-20/x.json",
        "warden/clean/x.json",
        "warden/parked/m1",
        "warden/spend/x",
        "warden/findings/pending/x.json",
        "warden/pending",
        "pending/x.json",
    ] {
        deleted(kept, Misuse);
    }
    check("s3", "DeleteObject", object("kept", "pictures/a.png"), Ours);
    for name in ["PutObject", "GetObject", "HeadObject"] {
        check(
            "s3",
            name,
            object("records", "warden/findings/x.json"),
            Ours,
        );
        check("s3", name, object("records", "findings/x.json"), Misuse);
        check("s3", name, object("records", "warden-2/x.json"), Misuse);
        check("s3", name, object("kept", "x"), Ours);
    }
    check(
        "s3",
        "PutObjectTagging",
        object("records", "warden/x"),
        Misuse,
    );
    check("s3", "PutObjectAcl", object("kept", "x"), Misuse);
    check(
        "s3",
        "GetBucketAcl",
        json!({"bucketName": "records"}),
        Misuse,
    );
    let list = |prefix: &str| json!({"bucketName": "records", "prefix": prefix, "list-type": "2"});
    check("s3", "ListObjects", list("warden/pending/"), Ours);
    check("s3", "ListObjects", list("war"), Misuse);
    let listed = |prefix: Value| json!({"bucketName": "records", "prefix": prefix});
    check(
        "s3",
        "ListObjects",
        listed(json!(["warden/pending/"])),
        Ours,
    );
    check(
        "s3",
        "ListObjects",
        listed(json!(["warden/pending/", ""])),
        Misuse,
    );
    check(
        "s3",
        "ListObjects",
        json!({"bucketName": "records"}),
        Misuse,
    );
    check("s3", "HeadBucket", json!({"bucketName": "kept"}), Ours);

    let copy = |to: &str, from: &str| json!({"bucketName": to, "key": "warden/id", "x-amz-copy-source": from});
    check(
        "s3",
        "CopyObject",
        copy("kept", "guarded/a%20b.png?versionId=3"),
        Ours,
    );
    check("s3", "CopyObject", copy("kept", "/guarded/a.png"), Ours);
    check("s3", "CopyObject", copy("kept", "other/a.png"), Misuse);
    check("s3", "CopyObject", copy("records", "guarded/a.png"), Misuse);
    check(
        "s3",
        "CopyObject",
        copy("elsewhere", "guarded/a.png"),
        Misuse,
    );
    check("s3", "CopyObject", object("kept", "x"), Misuse);
}

#[test]
fn our_role_at_other_services() {
    use Relation::{Misuse, Ours, Unknown};
    let queue = |account: &str, name: &str| json!({"queueUrl": format!("https://sqs.eu-west-1.amazonaws.com/{account}/{name}")});
    check(
        "sqs",
        "ReceiveMessage",
        queue("111122223333", "uploads"),
        Ours,
    );
    check(
        "sqs",
        "DeleteMessageBatch",
        queue("111122223333", "events"),
        Ours,
    );
    check(
        "sqs",
        "ReceiveMessage",
        queue("444455556666", "uploads"),
        Misuse,
    );
    check(
        "sqs",
        "SendMessage",
        queue("111122223333", "uploads"),
        Misuse,
    );
    check(
        "sqs",
        "SendMessage",
        queue("111122223333", "uploads-dead"),
        Ours,
    );
    check(
        "sqs",
        "GetQueueUrl",
        json!({"queueName": "uploads-dead"}),
        Ours,
    );
    check(
        "sqs",
        "PurgeQueue",
        queue("111122223333", "uploads"),
        Misuse,
    );
    check(
        "sns",
        "Publish",
        json!({"topicArn": "arn:aws:sns:eu-west-1:111122223333:alerts"}),
        Ours,
    );
    check(
        "sns",
        "Publish",
        json!({"topicArn": "arn:aws:sns:eu-west-1:444455556666:alerts"}),
        Misuse,
    );
    check(
        "sns",
        "Publish",
        json!({"phoneNumber": "+10000000000"}),
        Misuse,
    );
    check(
        "sns",
        "Subscribe",
        json!({"topicArn": "arn:aws:sns:eu-west-1:111122223333:alerts"}),
        Misuse,
    );
    for model in [
        "us.anthropic.claude-haiku-5-5",
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-haiku-5-5",
        "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-5-5",
        "us.anthropic.claude-haiku-4-5-v1:0",
    ] {
        check("bedrock", "Converse", json!({"modelId": model}), Ours);
        check("bedrock", "InvokeModel", json!({"modelId": model}), Ours);
    }
    check(
        "bedrock",
        "InvokeModel",
        json!({"modelId": "us.anthropic.claude-opus-5"}),
        Misuse,
    );
    check(
        "bedrock",
        "InvokeModel",
        json!({"modelId": "haiku-5-5"}),
        Misuse,
    );
    check("bedrock", "DeleteGuardrail", json!({}), Misuse);
    check("sts", "GetCallerIdentity", json!(null), Ours);
    check("sts", "AssumeRole", json!({"roleArn": "x"}), Misuse);
    check(
        "events",
        "PutEvents",
        json!({"entries": [{"eventBusName": "security"}]}),
        Ours,
    );
    check(
        "events",
        "PutEvents",
        json!({"entries": [{"eventBusName": "security"}, {}]}),
        Misuse,
    );
    check("securityhub", "BatchImportFindings", json!(null), Ours);
    let tasks =
        |tasks: Value| json!({"cluster": "warden", "tasks": tasks, "protectionEnabled": true});
    let task = |cluster: &str| format!("arn:aws:ecs:eu-west-1:111122223333:task/{cluster}/0a1b2c");
    for name in ["UpdateTaskProtection", "GetTaskProtection"] {
        check("ecs", name, tasks(json!([task("warden")])), Ours);
        check("ecs", name, tasks(json!([task("other")])), Misuse);
        check("ecs", name, tasks(json!(["0a1b2c"])), Misuse);
        check("ecs", name, tasks(json!([])), Misuse);
        let several = json!([task("warden"), task("other")]);
        check("ecs", name, tasks(several), Misuse);
    }
    let stopped = json!({"cluster": "warden", "task": task("warden")});
    check("ecs", "StopTask", stopped, Misuse);
    check("iam", "CreateAccessKey", json!({}), Misuse);
    // Names in other services' clothes.
    check(
        "s3.evil",
        "GetObject",
        json!({"bucketName": "guarded", "key": "a"}),
        Misuse,
    );

    let context = |name: &str, arn: &str| json!({"encryptionContext": {name: arn}});
    check(
        "kms",
        "Decrypt",
        context("aws:s3:arn", "arn:aws:s3:::guarded/a.png"),
        Ours,
    );
    check(
        "kms",
        "GenerateDataKey",
        context("aws:s3:arn", "arn:aws:s3:::records"),
        Ours,
    );
    check(
        "kms",
        "Decrypt",
        context("aws:s3:arn", "arn:aws:s3:::other/a.png"),
        Misuse,
    );
    check(
        "kms",
        "Decrypt",
        context("aws:sqs:arn", "arn:aws:sqs:eu-west-1:111122223333:uploads"),
        Ours,
    );
    check("kms", "Decrypt", context("aws:ssm:arn", "x"), Misuse);
    check(
        "kms",
        "ScheduleKeyDeletion",
        context("aws:s3:arn", "arn:aws:s3:::guarded"),
        Misuse,
    );
    let us = ourselves(scope(), US, "AROAEXAMPLE:task-1");
    let mut who = our_session();
    who["invokedBy"] = json!("AWS Internal");
    let call = activity(who.clone(), "kms", "Decrypt", json!({}));
    assert_eq!(us.relation(&call), Unknown);
    // A service that acts for our role does what our role was told to do.
    let call = activity(
        who,
        "s3",
        "PutBucketPolicy",
        json!({"bucketName": "guarded"}),
    );
    assert_eq!(us.relation(&call), Misuse);
}

#[test]
fn what_is_switched_off_we_do_not_do() {
    let us = ourselves(OwnScope::default(), US, "AROAEXAMPLE:task-1");
    for (service, name, parameters) in [
        (
            "events",
            "PutEvents",
            json!({"entries": [{"eventBusName": "security"}]}),
        ),
        ("securityhub", "BatchImportFindings", json!(null)),
        (
            "ecs",
            "UpdateTaskProtection",
            json!({"tasks": ["arn:aws:ecs:eu-west-1:111122223333:task/warden/0a1b2c"]}),
        ),
        (
            "sns",
            "Publish",
            json!({"topicArn": "arn:aws:sns:eu-west-1:111122223333:alerts"}),
        ),
        (
            "s3",
            "GetObject",
            json!({"bucketName": "guarded", "key": "a"}),
        ),
    ] {
        let call = activity(our_session(), service, name, parameters);
        assert_eq!(us.relation(&call), Relation::Misuse, "{service} {name}");
    }
}

#[test]
fn refusals_of_our_own_work_are_ours() {
    let us = ourselves(scope(), US, "AROAEXAMPLE:task-1");
    let refused = |parameters: Value| {
        let mut call = activity(our_session(), "s3", "GetObject", parameters);
        call.error = Some("AccessDenied".to_owned());
        us.relation(&call)
    };
    assert_eq!(
        refused(json!({"bucketName": "guarded", "key": "a"})),
        Relation::Ours
    );
    assert_eq!(
        refused(json!({"bucketName": "other", "key": "a"})),
        Relation::Misuse
    );
    // A refused call may say nothing of what it was about; one that succeeded has to.
    assert_eq!(refused(json!(null)), Relation::Unknown);
    check("s3", "GetObject", json!(null), Relation::Misuse);
}

#[test]
fn what_services_and_watchers_report_is_no_call_of_ours() {
    let us = ourselves(scope(), US, "AROAEXAMPLE:task-1");
    let mut event = read_by(our_session());
    event.kind = ActivityKind::ServiceEvent;
    assert_eq!(us.relation(&event), Relation::Stranger);
    event.kind = ActivityKind::Finding;
    assert_eq!(us.relation(&event), Relation::Unknown);
}
