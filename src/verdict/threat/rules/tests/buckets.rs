//! Rules on buckets and objects.

use serde_json::{Value, json};

use super::{Row, call, with};

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

fn s3(name: &str, parameters: Value) -> Value {
    let mut parameters = parameters;
    parameters["bucketName"] = json!("guarded-bucket");
    call("s3", name, parameters)
}

pub(super) fn object(name: &str) -> Value {
    s3(name, json!({"key": "a.png"}))
}

fn grants(uri: &str) -> Value {
    json!({"AccessControlPolicy": {"AccessControlList": {"Grant": [
        {"Grantee": {"xsi:type": "CanonicalUser", "ID": "79a59df9"}, "Permission": "FULL_CONTROL"},
        {"Grantee": {"xsi:type": "Group", "URI": uri}, "Permission": "READ"},
    ]}}})
}

fn policy(principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::guarded-bucket/*"}]})
}

fn block(settings: Value) -> Value {
    json!({"publicAccessBlock": "", "PublicAccessBlockConfiguration": settings})
}

fn all_blocked() -> Value {
    json!({"BlockPublicAcls": true, "IgnorePublicAcls": "true",
           "BlockPublicPolicy": true, "RestrictPublicBuckets": true})
}

fn blocked_but(name: &str, value: Value) -> Value {
    let mut settings = all_blocked();
    settings[name] = value;
    block(settings)
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = access();
    rows.extend(protection());
    rows
}

fn access() -> Vec<Row> {
    let acl = |name: &str| s3(name, json!({"x-amz-acl": ["public-read"]}));
    let settings = "PutBucketPublicAccessBlock";
    vec![
        Row(
            "public_acl",
            vec![
                acl("PutBucketAcl"),
                acl("PutObjectAcl"),
                acl("CreateBucket"),
                s3(
                    "PutBucketAcl",
                    json!({"acl": "", "x-amz-acl": "public-read-write"}),
                ),
                s3("PutBucketAcl", grants(ALL_USERS)),
                s3(
                    "PutBucketAcl",
                    json!({"AccessControlPolicy": grants(ALL_USERS).to_string()}),
                ),
                s3(
                    "PutObjectAcl",
                    grants("http://acs.amazonaws.com/groups/global/AuthenticatedUsers"),
                ),
            ],
            vec![
                s3("PutBucketAcl", json!({"x-amz-acl": "private"})),
                s3(
                    "PutBucketAcl",
                    json!({"acl": "", "x-amz-acl": ["bucket-owner-full-control"]}),
                ),
                s3(
                    "PutBucketAcl",
                    grants("http://acs.amazonaws.com/groups/s3/LogDelivery"),
                ),
                acl("PutObject"),
                s3("GetObject", json!({"x-amz-acl": "public-read"})),
                s3("PutBucketAcl", json!({"x-amz-acl": {"public-read": 1}})),
            ],
        ),
        Row(
            "public_acl_on_upload",
            vec![
                acl("PutObject"),
                acl("CopyObject"),
                acl("CreateMultipartUpload"),
                s3("PutObject", json!({"x-amz-acl": "authenticated-read"})),
                s3(
                    "PutObject",
                    json!({"x-amz-grant-read": format!("uri=\"{ALL_USERS}\"")}),
                ),
            ],
            vec![
                s3("PutObject", json!({"x-amz-acl": "private"})),
                s3("PutObject", json!({"key": ALL_USERS})),
                acl("PutObjectAcl"),
            ],
        ),
        Row(
            "public_policy",
            vec![
                s3(
                    "PutBucketPolicy",
                    json!({"bucketPolicy": policy(json!("*")), "policy": ""}),
                ),
                s3(
                    "PutBucketPolicy",
                    json!({"bucketPolicy": policy(json!({"AWS": "*"})).to_string()}),
                ),
                s3(
                    "PutAccessPointPolicy",
                    json!({"policy": policy(json!("*")).to_string()}),
                ),
            ],
            vec![
                s3(
                    "PutBucketPolicy",
                    json!({"bucketPolicy": policy(json!({"AWS": "111122223333"}))}),
                ),
                s3(
                    "PutBucketPolicy",
                    json!({"bucketPolicy": "{\"Statement\": [{\"Effect\": \"All"}),
                ),
                s3("PutBucketPolicy", json!({})),
            ],
        ),
        Row(
            "public_access_block_deleted",
            vec![
                s3(
                    "DeleteBucketPublicAccessBlock",
                    json!({"publicAccessBlock": ""}),
                ),
                s3("DeletePublicAccessBlock", json!({})),
                call(
                    "s3",
                    "DeleteAccountPublicAccessBlock",
                    json!({"accountId": "111122223333"}),
                ),
                call("s3-control", "DeleteAccountPublicAccessBlock", json!(null)),
            ],
            vec![
                s3("GetBucketPublicAccessBlock", json!({})),
                s3(settings, json!({})),
            ],
        ),
        Row(
            "public_access_block_weakened",
            vec![
                s3(settings, blocked_but("BlockPublicAcls", json!(false))),
                s3(settings, blocked_but("IgnorePublicAcls", json!("false"))),
                s3(settings, blocked_but("BlockPublicPolicy", json!(null))),
                s3(
                    "PutPublicAccessBlock",
                    blocked_but("RestrictPublicBuckets", json!(false)),
                ),
                call(
                    "s3-control",
                    "PutAccountPublicAccessBlock",
                    blocked_but("BlockPublicAcls", json!(false)),
                ),
                s3(
                    settings,
                    block(json!({"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"})),
                ),
            ],
            vec![s3(settings, block(all_blocked())), s3(settings, json!({}))],
        ),
        Row(
            "public_access_block_unknown",
            vec![
                s3(settings, json!({"publicAccessBlock": ""})),
                s3("PutPublicAccessBlock", block(json!(null))),
                call("s3-control", "PutAccountPublicAccessBlock", json!(null)),
            ],
            vec![
                s3(settings, block(all_blocked())),
                s3(settings, block(json!({"BlockPublicAcls": 7}))),
            ],
        ),
        Row(
            "acl_enabled",
            vec![
                s3(
                    "PutBucketOwnershipControls",
                    json!({"OwnershipControls": {"Rule": {"ObjectOwnership": "ObjectWriter"}}}),
                ),
                s3(
                    "PutBucketOwnershipControls",
                    json!({"OwnershipControls": {"Rule": [{"ObjectOwnership": "BucketOwnerPreferred"}]}}),
                ),
            ],
            vec![s3(
                "PutBucketOwnershipControls",
                json!({"OwnershipControls": {"Rule": {"ObjectOwnership": "BucketOwnerEnforced"}}}),
            )],
        ),
        Row(
            "bucket_policy_deleted",
            vec![s3("DeleteBucketPolicy", json!({"policy": ""}))],
            vec![s3("GetBucketPolicy", json!({"policy": ""}))],
        ),
        Row(
            "bucket_policy_changed",
            vec![
                s3("PutBucketPolicy", json!({})),
                s3("PutAccessPointPolicy", json!({})),
                s3("DeleteAccessPointPolicy", json!({})),
            ],
            vec![
                s3("GetBucketPolicy", json!({})),
                call("sqs", "PutBucketPolicy", json!({})),
            ],
        ),
    ]
}

fn protection() -> Vec<Row> {
    let versioning = |set: Value| {
        s3(
            "PutBucketVersioning",
            json!({"VersioningConfiguration": set}),
        )
    };
    let logging = |set: Value| {
        s3(
            "PutBucketLogging",
            json!({"BucketLoggingStatus": set, "logging": ""}),
        )
    };
    let keys = |count: usize| vec![json!({"key": "a"}); count];
    vec![
        Row(
            "bucket_encryption_removed",
            vec![s3("DeleteBucketEncryption", json!({"encryption": ""}))],
            vec![s3("GetBucketEncryption", json!({"encryption": ""}))],
        ),
        Row(
            "bucket_encryption_changed",
            vec![s3(
                "PutBucketEncryption",
                json!({"ServerSideEncryptionConfiguration": {}}),
            )],
            vec![s3("DeleteBucketEncryption", json!({}))],
        ),
        Row(
            "access_logging_stopped",
            vec![logging(
                json!({"xmlns": "http://s3.amazonaws.com/doc/2006-03-01/"}),
            )],
            vec![
                logging(json!({"LoggingEnabled": {"TargetBucket": "logs"}})),
                logging(json!("")),
                s3("PutBucketLogging", json!({})),
            ],
        ),
        Row(
            "access_logging_changed",
            vec![
                logging(json!({"LoggingEnabled": {"TargetBucket": "logs"}})),
                logging(json!("")),
            ],
            vec![s3("GetBucketLogging", json!({}))],
        ),
        Row(
            "versioning_suspended",
            vec![versioning(json!({"Status": "Suspended"}))],
            vec![
                versioning(json!({"Status": "Enabled"})),
                versioning(json!({})),
                versioning(json!(7)),
            ],
        ),
        Row(
            "mfa_delete_disabled",
            vec![versioning(
                json!({"Status": "Enabled", "MfaDelete": "Disabled"}),
            )],
            vec![versioning(
                json!({"Status": "Enabled", "MfaDelete": "Enabled"}),
            )],
        ),
        Row(
            "versioning_unknown",
            vec![
                versioning(json!(null)),
                versioning(json!({})),
                s3("PutBucketVersioning", json!({})),
            ],
            vec![versioning(json!({"Status": "Enabled"}))],
        ),
        Row(
            "object_lock_changed",
            vec![
                s3("PutBucketObjectLockConfiguration", json!({})),
                s3("PutObjectLockConfiguration", json!({})),
            ],
            vec![s3("GetBucketObjectLockConfiguration", json!({}))],
        ),
        Row(
            "replication_changed",
            vec![
                s3("PutBucketReplication", json!({})),
                s3("DeleteBucketReplication", json!({})),
            ],
            vec![s3("GetBucketReplication", json!({}))],
        ),
        Row(
            "lifecycle_changed",
            vec![
                s3("PutBucketLifecycle", json!({})),
                s3("PutBucketLifecycleConfiguration", json!({})),
                s3("DeleteBucketLifecycle", json!({})),
                s3("DeleteBucketLifecycleConfiguration", json!({})),
            ],
            vec![s3("GetBucketLifecycle", json!({}))],
        ),
        Row(
            "notifications_changed",
            vec![
                s3(
                    "PutBucketNotification",
                    json!({"NotificationConfiguration": {}}),
                ),
                s3("PutBucketNotificationConfiguration", json!({})),
            ],
            vec![s3("GetBucketNotification", json!({}))],
        ),
        Row(
            "bucket_deleted",
            vec![s3("DeleteBucket", json!({}))],
            vec![
                s3("DeleteBucketTagging", json!({})),
                s3("CreateBucket", json!({})),
            ],
        ),
        Row(
            "many_keys_deleted",
            vec![
                s3("DeleteObjects", json!({"delete": {"objects": keys(100)}})),
                s3("DeleteObjects", json!({"Delete": {"Object": keys(1000)}})),
            ],
            vec![
                s3("DeleteObjects", json!({"delete": {"objects": keys(99)}})),
                s3("DeleteObjects", json!({"delete": ""})),
                s3(
                    "DeleteObjects",
                    json!({"delete": {"objects": {"key": "a"}}}),
                ),
            ],
        ),
        Row(
            "many_keys_deleted_by_size",
            vec![
                of_size(json!({"delete": ""}), json!(8_000)),
                of_size(json!({"delete": ""}), json!("88000")),
            ],
            vec![
                of_size(json!({"delete": ""}), json!(7_999)),
                of_size(json!({"delete": ""}), json!(null)),
                of_size(json!({"delete": {"objects": keys(3)}}), json!(88_000)),
            ],
        ),
        Row(
            "keys_deleted_in_bulk",
            vec![
                of_size(json!({"delete": ""}), json!(7_999)),
                s3(
                    "DeleteObjects",
                    json!({"delete": "", "x-id": "DeleteObjects"}),
                ),
                s3("DeleteObjects", json!({"delete": {"objects": 0}})),
                call("s3", "DeleteObjects", json!("no object")),
            ],
            vec![
                s3("DeleteObjects", json!({"delete": {"objects": keys(3)}})),
                s3("DeleteObjects", json!({"Delete": {"Object": {"Key": "a"}}})),
                of_size(json!({"delete": ""}), json!(8_000)),
                object("DeleteObject"),
            ],
        ),
    ]
}

/// A deletion of many, with the bytes of its request.
fn of_size(parameters: Value, bytes: Value) -> Value {
    let call = s3("DeleteObjects", parameters);
    with(
        call,
        "additionalEventData",
        json!({"bytesTransferredIn": bytes}),
    )
}
