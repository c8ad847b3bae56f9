//! Records that make no sense, are large or deep: something is said of them, and nothing panics.

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::{ActivityKind, Detail, Identity};

/// Built once: reading the rules takes longer than looking.
static ASSESSOR: LazyLock<Assessor> = LazyLock::new(|| assessor(Analyze::All, None));

/// Names that rules and scope know, so that random records get past the first comparison.
fn name() -> impl Strategy<Value = (String, String)> {
    let known = [
        ("s3", "PutBucketAcl"),
        ("s3", "PutBucketPolicy"),
        ("s3", "PutBucketPublicAccessBlock"),
        ("s3", "DeleteObjects"),
        ("s3", "GetObject"),
        ("s3", "CopyObject"),
        ("s3", "PutBucketLogging"),
        ("iam", "PutRolePolicy"),
        ("iam", "CreateRole"),
        ("kms", "Decrypt"),
        ("sqs", "SendMessage"),
        ("events", "PutEvents"),
        ("signin", "ConsoleLogin"),
        ("guardduty", "UpdateDetector"),
        ("ec2", "AuthorizeSecurityGroupIngress"),
        ("bedrock", "InvokeModel"),
    ];
    let known = prop::sample::select(known.to_vec());
    let known =
        known.prop_map(|(service, name)| (format!("{service}.amazonaws.com"), name.to_owned()));
    prop_oneof![4 => known, 1 => (".*", ".*")]
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "*",
        "Allow",
        "0.0.0.0/0",
        "Root",
        "AssumedRole",
        "111122223333",
        "{\"Statement\": [",
        "{\"Statement\": {\"Effect\": \"Allow\", \"Principal\": \"*\"}}",
        "[[[[",
        "%7B%22",
        "false",
        "",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    let fields = prop::sample::select(vec![
        "requestParameters",
        "userIdentity",
        "sessionContext",
        "sessionIssuer",
        "type",
        "accountId",
        "principalId",
        "arn",
        "bucketPolicy",
        "Statement",
        "Principal",
        "Condition",
        "delete",
        "objects",
        "PublicAccessBlockConfiguration",
        "policyDocument",
        "encryptionContext",
        "entries",
        "a~b/c",
    ]);
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((fields.clone(), inner), 0..8)
                .prop_map(|fields| fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

fn nonsense(source: String, name: String, kind: ActivityKind, detail: Value) -> Activity {
    Activity {
        identity: Identity::CloudTrail {
            event_id: "e-1".to_owned(),
        },
        happened_at: jiff::Timestamp::UNIX_EPOCH,
        kind,
        source,
        name,
        account: None,
        region: None,
        actor: None,
        ip: None,
        error: None,
        severity: Some(f64::NAN),
        bucket: None,
        key: None,
        detail: Detail::new(detail),
    }
}

const KINDS: [ActivityKind; 5] = [
    ActivityKind::ApiCall,
    ActivityKind::ConsoleSignIn,
    ActivityKind::ServiceEvent,
    ActivityKind::Finding,
    ActivityKind::MalwareScan,
];

proptest! {
    #[test]
    fn no_record_makes_it_panic_or_talk_much(
        (source, name) in name(),
        kind in prop::sample::select(KINDS.to_vec()),
        detail in any_json(),
    ) {
        let Look::Notable(floor) =
            ASSESSOR.look(&nonsense(source, name, kind, detail))
        else {
            return Ok(());
        };
        prop_assert!(floor.details.len() <= 8);
        prop_assert!(floor.details.values().all(|detail| detail.chars().count() <= 256));
        prop_assert!(floor.title.en.bytes().all(|b| (b' '..=b'~').contains(&b)));
    }
}

#[test]
fn large_and_deep_records_are_looked_at() {
    let look = |name: &str, parameters: Value| {
        let detail = json!({"requestParameters": parameters});
        let source = "s3.amazonaws.com".to_owned();
        let record = nonsense(source, name.to_owned(), ActivityKind::ApiCall, detail);
        match ASSESSOR.look(&record) {
            Look::Notable(floor) => floor.rule,
            other => panic!("{other:?}"),
        }
    };
    let keys = vec![json!({"key": "k".repeat(200)}); 1_000];
    assert_eq!(
        look("DeleteObjects", json!({"delete": {"objects": keys}})),
        "many_keys_deleted"
    );
    let text = "x".repeat(256 * 1024);
    assert_eq!(
        look("PutBucketPolicy", json!({"bucketPolicy": text})),
        "bucket_policy_changed"
    );
    // As deep as a record can come in; and text that would be deeper.
    let mut deep = json!("http://acs.amazonaws.com/groups/global/AllUsers");
    for _ in 0..120 {
        deep = json!([deep]);
    }
    assert_eq!(
        look("PutBucketAcl", json!({"AccessControlPolicy": deep})),
        "public_acl"
    );
    let brackets = "[".repeat(100_000);
    assert_eq!(
        look("PutBucketPolicy", json!({"bucketPolicy": brackets})),
        "bucket_policy_changed"
    );
}
