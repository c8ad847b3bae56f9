//! Rules on who comes to objects from outside.

use serde_json::{Value, json};

use super::buckets::object;
use super::{Row, by_root, with};

const READS: [&str; 7] = [
    "GetObject",
    "GetObjectTagging",
    "HeadObject",
    "ListObjects",
    "ListObjectVersions",
    "ListBucketVersions",
    "SelectObjectContent",
];

/// The same calls by somebody who has not signed in.
fn anonymous(names: &[&str]) -> Vec<Value> {
    let shapes = [
        json!({"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}),
        json!({"type": "AWSAccount", "principalId": "ANONYMOUS_PRINCIPAL", "accountId": "anonymous"}),
    ];
    let all = names
        .iter()
        .flat_map(|name| shapes.iter().map(|who| (*name, who.clone())));
    all.map(|(name, who)| with(object(name), "userIdentity", who))
        .collect()
}

/// The same calls by somebody of this account.
fn by_account(names: &[&str], account: Value) -> Vec<Value> {
    let who = json!({"type": "AWSAccount", "principalId": "AIDAOTHER", "accountId": account});
    let calls = names.iter().map(|name| object(name));
    calls
        .map(|call| with(call, "userIdentity", who.clone()))
        .collect()
}

/// Services, strangers without an account, and ourselves cross no border.
fn no_border(name: &str) -> Vec<Value> {
    let service = json!({"type": "AWSService", "accountId": "444455556666"});
    vec![
        object(name),
        with(object(name), "userIdentity", service),
        with(object(name), "userIdentity", json!({"type": "AWSAccount"})),
        with(object(name), "userIdentity", json!(7)),
        with(
            by_account(&[name], json!("444455556666")).remove(0),
            "recipientAccountId",
            json!(null),
        ),
    ]
}

/// A session of another account that a service goes on with, as it tells of itself.
fn forwarded(name: &str) -> Value {
    let who =
        json!({"type": "AssumedRole", "accountId": "444455556666", "invokedBy": "x.amazonaws.com"});
    with(object(name), "userIdentity", who)
}

pub(super) fn rows() -> Vec<Row> {
    let writes = [
        "PutObject",
        "PutObjectAcl",
        "DeleteObject",
        "DeleteObjects",
        "CopyObject",
        "CreateMultipartUpload",
        "CompleteMultipartUpload",
        "UploadPart",
        "UploadPartCopy",
        "RestoreObject",
    ];
    let across: Vec<_> = writes
        .into_iter()
        .filter(|n| !["CreateMultipartUpload", "UploadPart", "UploadPartCopy"].contains(n))
        .collect();
    let named = |name: &str| {
        with(
            object(name),
            "userIdentity",
            json!({"type": "IAMUser", "userName": "anonymous", "arn": "ANONYMOUS_PRINCIPAL"}),
        )
    };
    vec![
        Row(
            "anonymous_write",
            anonymous(&writes),
            vec![
                object("PutObject"),
                named("PutObject"),
                anonymous(&["GetObject"]).remove(0),
            ],
        ),
        Row(
            "anonymous_read",
            anonymous(&READS),
            vec![
                object("GetObject"),
                named("GetObject"),
                anonymous(&["PutObject"]).remove(0),
                by_root(object("GetObject")),
            ],
        ),
        Row(
            "cross_account_write",
            [
                by_account(&across, json!("444455556666")),
                vec![forwarded("PutObject")],
            ]
            .concat(),
            {
                let mut misses = no_border("PutObject");
                misses.extend(by_account(&["GetObject"], json!("444455556666")));
                misses.extend(anonymous(&["PutObject"]));
                misses
            },
        ),
        Row(
            "cross_account_read",
            [
                by_account(&READS, json!("444455556666")),
                vec![forwarded("GetObject")],
            ]
            .concat(),
            {
                let mut misses = no_border("GetObject");
                misses.extend(by_account(&["PutObject"], json!("444455556666")));
                misses.extend(anonymous(&["GetObject"]));
                misses.extend(by_account(&["GetObject"], json!(444_455_556_666_u64)));
                misses
            },
        ),
    ]
}
