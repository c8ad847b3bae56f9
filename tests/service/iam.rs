//! The policies that are handed out, against the permissions that calls really needed.
//!
//! Every call of the scenarios passed the wire, which noted what AWS asks for it. Names of this run
//! are replaced by the placeholders of the policies, and then both sides must cover each other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ground::{ACCOUNT, Ground, MODEL, REGION};
use super::wire::{Permission, Wire, like};

/// The policies of `deploy/iam`: the worker's, and what it needs besides for a quarantine, for copies
/// of alerts, and for keys of the customer.
const POLICIES: [(&str, &str); 5] = [
    ("worker.json", include_str!("../../deploy/iam/worker.json")),
    (
        "quarantine.json",
        include_str!("../../deploy/iam/quarantine.json"),
    ),
    (
        "securityhub.json",
        include_str!("../../deploy/iam/securityhub.json"),
    ),
    (
        "eventbridge.json",
        include_str!("../../deploy/iam/eventbridge.json"),
    ),
    ("keys.json", include_str!("../../deploy/iam/keys.json")),
];

/// Where `*` in a name is no lack of precision: keys are anybody's, tasks are named by ECS, and the
/// profile of a geography chooses the region.
const WILD: [&str; 13] = [
    "arn:aws:s3:::UPLOADS_BUCKET/*",
    "arn:aws:s3:::QUARANTINE_BUCKET/*",
    "arn:aws:s3:::RECORDS_BUCKET/findings/*",
    "arn:aws:s3:::RECORDS_BUCKET/pending/*",
    "arn:aws:s3:::RECORDS_BUCKET/clean/*",
    "arn:aws:s3:::RECORDS_BUCKET/control/*",
    "arn:aws:s3:::RECORDS_BUCKET/allow/*",
    "arn:aws:s3:::RECORDS_BUCKET/parked/*",
    "arn:aws:s3:::RECORDS_BUCKET/spend/*",
    "arn:aws:s3:::RECORDS_BUCKET/digest/*",
    "arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/*",
    "arn:aws:bedrock:*::foundation-model/MODEL",
    "arn:aws:bedrock:*::foundation-model/FALLBACK",
];

/// What is needed only in moments that these scenarios do not have: by action, resource and moment.
const SELDOM: [(&str, &str, &str); 16] = [
    (
        "sqs:ChangeMessageVisibility",
        "arn:aws:sqs:REGION:ACCOUNT:EVENTS_QUEUE",
        "an event is in hand for half of its lease, or given back",
    ),
    (
        "s3:GetObject",
        "arn:aws:s3:::RECORDS_BUCKET/digest/*",
        "a window of the digest ends",
    ),
    (
        "s3:PutObject",
        "arn:aws:s3:::RECORDS_BUCKET/digest/*",
        "a window of the digest ends",
    ),
    (
        "securityhub:BatchImportFindings",
        "arn:aws:securityhub:REGION:ACCOUNT:product/ACCOUNT/default",
        "built with the feature `securityhub`, and alerts.security_hub is on",
    ),
    (
        "events:PutEvents",
        "arn:aws:events:REGION:ACCOUNT:event-bus/EVENT_BUS",
        "built with the feature `eventbridge`, and alerts.event_bus names a bus",
    ),
    (
        "s3:GetObject",
        "arn:aws:s3:::RECORDS_BUCKET/spend/*",
        "other tasks have spent on the same day",
    ),
    (
        "s3:GetObject",
        "arn:aws:s3:::RECORDS_BUCKET/parked/*",
        "a body that is too big was kept before, and parking it failed",
    ),
    (
        "bedrock:InvokeModel",
        "arn:aws:bedrock:REGION:ACCOUNT:inference-profile/PROFILE.FALLBACK",
        "the first model cannot be used",
    ),
    (
        "bedrock:InvokeModel",
        "arn:aws:bedrock:*::foundation-model/FALLBACK",
        "the first model cannot be used",
    ),
    (
        "s3:GetObject",
        "arn:aws:s3:::RECORDS_BUCKET/allow/*",
        "what is flagged was restored before: a person has allowed these bytes",
    ),
    (
        "ecs:UpdateTaskProtection",
        "arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/*",
        "the service runs on ECS, whose agent makes this call in the name of the task's role",
    ),
    (
        "ecs:GetTaskProtection",
        "arn:aws:ecs:REGION:ACCOUNT:task/CLUSTER/*",
        "the service runs on ECS, whose agent makes this call in the name of the task's role",
    ),
    (
        "kms:Decrypt",
        "arn:aws:kms:REGION:ACCOUNT:key/QUARANTINE_KEY",
        "the quarantine lies under a key of its own: S3 makes this call in the name of its caller",
    ),
    (
        "kms:GenerateDataKey",
        "arn:aws:kms:REGION:ACCOUNT:key/QUARANTINE_KEY",
        "the quarantine lies under a key of its own: S3 makes this call in the name of its caller",
    ),
    (
        "kms:Decrypt",
        "arn:aws:kms:REGION:ACCOUNT:key/KEY",
        "queues, topic or buckets lie under a key of the customer",
    ),
    (
        "kms:GenerateDataKey",
        "arn:aws:kms:REGION:ACCOUNT:key/KEY",
        "queues, topic or buckets lie under a key of the customer",
    ),
];

/// The policy of operators.
const OPERATOR: [(&str, &str); 1] = [(
    "operator.json",
    include_str!("../../deploy/iam/operator.json"),
)];

/// What operators need for dead letters alone, which have a story of their own.
const OF_DEAD_LETTERS: [&str; 3] = ["ReadDeadLetters", "SendBack", "ReadParkedBodies"];

/// What operators need only in moments that the stories do not have.
const SELDOM_BY_HAND: [(&str, &str, &str); 8] = [
    (
        "s3:DeleteObject",
        "arn:aws:s3:::QUARANTINE_BUCKET/*",
        "a quarantine without versions: a copy ends there, or what doctor tried",
    ),
    (
        "s3:DeleteObject",
        "arn:aws:s3:::RECORDS_BUCKET/allow/*",
        "a decision is taken back, by hand",
    ),
    (
        "kms:Decrypt",
        "arn:aws:kms:REGION:ACCOUNT:key/QUARANTINE_KEY",
        "the quarantine lies under a key of the customer",
    ),
    (
        "kms:GenerateDataKey",
        "arn:aws:kms:REGION:ACCOUNT:key/QUARANTINE_KEY",
        "the quarantine lies under a key of the customer",
    ),
    (
        "kms:Decrypt",
        "arn:aws:kms:REGION:ACCOUNT:key/KEY",
        "queues, topic or buckets lie under a key of the customer",
    ),
    (
        "kms:GenerateDataKey",
        "arn:aws:kms:REGION:ACCOUNT:key/KEY",
        "queues, topic or buckets lie under a key of the customer",
    ),
    (
        "s3:ListBucket",
        "arn:aws:s3:::UPLOADS_BUCKET",
        "always, and never called: without it S3 says \"forbidden\" of what is not there",
    ),
    (
        "s3:ListBucket",
        "arn:aws:s3:::QUARANTINE_BUCKET",
        "the same of a copy that has ended",
    ),
];

/// A statement of a policy.
struct Statement {
    file: &'static str,
    sid: String,
    allows: bool,
    actions: Vec<String>,
    resources: Vec<String>,
}

/// Compares the policies with everything that services on these grounds have called.
pub(crate) fn check(grounds: &[Ground]) {
    let needed = grounds.iter().flat_map(needed).collect();
    let statements = compare(&POLICIES, needed, &SELDOM, |_| true);
    retention_is_never_gone_round(&statements, "worker.json");
}

/// Compares the policy of operators with everything that they have called, each on a wire of their
/// own; what only dead letters need is not asked for here.
pub(crate) fn check_operators(stories: &[(&Ground, &Wire)]) {
    let others = |sid: &str| !OF_DEAD_LETTERS.contains(&sid);
    let statements = compare(&OPERATOR, by_hand(stories), &SELDOM_BY_HAND, others);
    retention_is_never_gone_round(&statements, "operator.json");
}

/// The same of who looks at dead letters and sends them back: all that is theirs must be needed.
pub(crate) fn check_dead_letters(ground: &Ground, wire: &Wire) {
    let theirs = |sid: &str| OF_DEAD_LETTERS.contains(&sid);
    compare(&OPERATOR, by_hand(&[(ground, wire)]), &[], theirs);
}

fn by_hand(stories: &[(&Ground, &Wire)]) -> BTreeSet<Permission> {
    let needed = stories.iter().flat_map(|(ground, wire)| {
        let needed = wire.needed().into_iter();
        needed.map(|permission| Permission {
            resource: placed(ground, &permission.resource),
            ..permission
        })
    });
    needed.collect()
}

/// Both sides must cover each other: all that was needed is granted, and all is needed that the
/// statements grant which `asked` takes by their Sid.
fn compare(
    policies: &[(&'static str, &str)],
    mut needed: BTreeSet<Permission>,
    seldom: &[(&str, &str, &str)],
    asked: impl Fn(&str) -> bool,
) -> Vec<Statement> {
    let statements: Vec<_> = policies
        .iter()
        .flat_map(|(file, text)| statements(file, text))
        .collect();
    // Whoever has credentials may ask whose they are ("GetCallerIdentity", AWS STS API reference).
    needed.retain(|permission| permission.action != "sts:GetCallerIdentity");
    let allowed = |permission: &Permission| {
        let mut meaning = statements.iter().filter(|it| it.means(permission));
        meaning.clone().any(|it| it.allows) && meaning.all(|it| it.allows)
    };
    let missing: Vec<_> = needed.iter().filter(|it| !allowed(it)).collect();
    assert!(missing.is_empty(), "called and not granted: {missing:#?}");

    let mut unused = Vec::new();
    let granted = statements.iter().filter(|it| it.allows && asked(&it.sid));
    for statement in granted {
        for action in &statement.actions {
            for resource in &statement.resources {
                let used = needed
                    .iter()
                    .any(|it| it.action == *action && like(resource, &it.resource));
                let seldom = seldom
                    .iter()
                    .any(|(seldom, on, _)| seldom == action && on == resource);
                if !used && !seldom {
                    unused.push(format!(
                        "{} {}: {action} on {resource}",
                        statement.file, statement.sid
                    ));
                }
            }
        }
    }
    assert!(unused.is_empty(), "granted and never needed: {unused:#?}");
    names_are_named(&statements);
    statements
}

fn names_are_named(statements: &[Statement]) {
    for statement in statements.iter().filter(|it| it.allows) {
        for action in &statement.actions {
            assert!(!action.contains('*'), "{}: {action}", statement.sid);
        }
        for resource in &statement.resources {
            let named = !resource.contains('*') || WILD.contains(&resource.as_str());
            assert!(named, "{}: {resource} could be a name", statement.sid);
        }
    }
}

/// What is locked stays, whatever else a role that uses this policy may be allowed.
fn retention_is_never_gone_round(statements: &[Statement], file: &str) {
    let denied = statements.iter().any(|it| {
        !it.allows
            && it.actions == ["s3:BypassGovernanceRetention"]
            && it.resources == ["*"]
            && it.file == file
    });
    assert!(
        denied,
        "no statement denies the bypass of governance retention"
    );
}

impl Statement {
    fn means(&self, permission: &Permission) -> bool {
        self.actions
            .iter()
            .any(|action| like(action, &permission.action))
            && self
                .resources
                .iter()
                .any(|resource| like(resource, &permission.resource))
    }
}

fn statements(file: &'static str, text: &str) -> Vec<Statement> {
    let policy: Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    assert_eq!(policy["Version"], "2012-10-17", "{file}");
    let words = |value: &Value| match value {
        Value::String(word) => vec![word.clone()],
        other => {
            let words = other.as_array().into_iter().flatten();
            words
                .map(|word| word.as_str().unwrap().to_owned())
                .collect()
        }
    };
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .map(|statement| Statement {
            file,
            sid: statement["Sid"].as_str().unwrap().to_owned(),
            allows: statement["Effect"] == "Allow",
            actions: words(&statement["Action"]),
            resources: words(&statement["Resource"]),
        })
        .collect()
}

/// What a service needed on a ground, in the placeholders of the policies.
fn needed(ground: &Ground) -> Vec<Permission> {
    let mut all: Vec<_> = ground.wire.needed().into_iter().collect();
    for asked in ground.bedrock.requests() {
        let (geography, model) = asked.model.split_once('.').unwrap();
        assert_eq!((geography, asked.model.as_str()), ("us", MODEL));
        for resource in [
            format!("arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/PROFILE.MODEL"),
            format!("arn:aws:bedrock:{REGION}::foundation-model/MODEL"),
        ] {
            all.push(Permission {
                action: "bedrock:InvokeModel".to_owned(),
                resource,
            });
        }
        assert!(!model.is_empty());
    }
    // Who we are may be asked by anybody ("GetCallerIdentity", AWS STS API reference).
    all.retain(|it| it.action != "sts:GetCallerIdentity");
    for permission in &mut all {
        permission.resource = placed(ground, &permission.resource);
    }
    all
}

fn placed(ground: &Ground, resource: &str) -> String {
    let mut names = Vec::new();
    // Of names where one holds another, the longer first.
    if let Some((events, dead)) = &ground.events {
        names.push((&dead.name, "EVENTS_DEAD_LETTER_QUEUE"));
        names.push((&events.name, "EVENTS_QUEUE"));
    }
    names.extend([
        (&ground.records, "RECORDS_BUCKET"),
        (&ground.quarantine, "QUARANTINE_BUCKET"),
        (&ground.queue.name, "UPLOADS_QUEUE"),
        (&ground.dead.name, "DEAD_LETTER_QUEUE"),
    ]);
    names.extend(
        ground
            .buckets
            .iter()
            .map(|bucket| (bucket, "UPLOADS_BUCKET")),
    );
    let mut resource = resource.to_owned();
    if resource == ground.topic {
        return "arn:aws:sns:REGION:ACCOUNT:ALERTS_TOPIC".to_owned();
    }
    for (name, placeholder) in names {
        resource = resource.replace(name.as_str(), placeholder);
    }
    let account = format!(":{REGION}:{ACCOUNT}:");
    resource.replace(&account, ":REGION:ACCOUNT:")
}
