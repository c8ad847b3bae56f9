//! The policies that are handed out, against the calls that the doctor really makes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::aws::Call;

const DOCTOR: &str = include_str!("../../../deploy/iam/doctor.json");
/// What operators have besides; the service's own policies are for nobody else.
const OPERATOR: &str = include_str!("../../../deploy/iam/operator.json");

/// What is called to try the model, over a wire of its own.
const MODEL: [&str; 2] = [
    "arn:aws:bedrock:REGION:ACCOUNT:inference-profile/PROFILE.MODEL",
    "arn:aws:bedrock:*::foundation-model/MODEL",
];

/// Compares everything that was called with the policies: each call is granted by one of them, and
/// what the doctor's own grants is called, and granted by no other.
pub(crate) fn check(calls: &BTreeSet<Call>) {
    // Whoever has credentials may ask whose they are.
    let mut calls: Vec<_> = calls
        .iter()
        .filter(|call| !call.action.starts_with("sts:"))
        .map(|call| (call.action.clone(), place(call)))
        .collect();
    // A write that must not go over anything else needs both rights, and is one call.
    let tried = "arn:aws:s3:::RECORDS_BUCKET/probe/*".to_owned();
    assert!(calls.contains(&("s3:PutObject".to_owned(), tried.clone())));
    calls.push(("s3:GetObject".to_owned(), tried));
    // So does a call through a profile.
    calls.extend(MODEL.map(|it| ("bedrock:InvokeModel".to_owned(), it.to_owned())));
    let own = grants(DOCTOR);
    let others = grants(OPERATOR);
    for call in &calls {
        assert!(
            own.contains(call) || others.contains(call),
            "called and not granted: {call:?}"
        );
    }
    for grant in &own {
        assert!(
            !others.contains(grant),
            "operators have it already: {grant:?}"
        );
        // The fallback is asked about as the first model is, and no case in order has one.
        let asked = (grant.0.clone(), grant.1.replace("FALLBACK", "MODEL"));
        assert!(
            calls.contains(&asked),
            "granted and never called: {grant:?}"
        );
    }
}

/// Actions on resources.
fn grants(text: &str) -> BTreeSet<(String, String)> {
    let policy: Value = serde_json::from_str(text).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let words = |value: &Value| -> Vec<String> {
        let list = value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()]);
        list.iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    };
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| {
            let (actions, resources) = (words(&statement["Action"]), words(&statement["Resource"]));
            let pairs = actions.into_iter().flat_map(move |action| {
                let resources = resources.clone().into_iter();
                resources.map(move |resource| (action.clone(), resource))
            });
            pairs.collect::<Vec<_>>()
        })
        .collect()
}

/// What a call is about, in the placeholders of the policies.
fn place(call: &Call) -> String {
    let about = call.about.as_str();
    let (service, operation) = call.action.split_once(':').unwrap();
    let queue = |name: &str| format!("arn:aws:sqs:REGION:ACCOUNT:{name}");
    let bucket = |name: &str, below: &str| format!("arn:aws:s3:::{name}{below}");
    match (service, about) {
        ("sqs", "uploads") => queue("UPLOADS_QUEUE"),
        ("sqs", "events") => queue("EVENTS_QUEUE"),
        ("sqs", "uploads-dead") => queue("DEAD_LETTER_QUEUE"),
        ("sqs", "events-dead") => queue("EVENTS_DEAD_LETTER_QUEUE"),
        ("sns", "alerts") => "arn:aws:sns:REGION:ACCOUNT:ALERTS_TOPIC".to_owned(),
        ("sns", "news") => "arn:aws:sns:REGION:ACCOUNT:UPLOADS_TOPIC".to_owned(),
        ("events", _) if operation == "ListRuleNamesByTarget" => "*".to_owned(),
        ("events", _) => "arn:aws:events:REGION:ACCOUNT:rule/*".to_owned(),
        ("bedrock", "") | ("servicequotas", _) => "*".to_owned(),
        ("bedrock", _) => {
            "arn:aws:bedrock:REGION:ACCOUNT:inference-profile/PROFILE.MODEL".to_owned()
        }
        ("s3", about) => {
            let name = about.split(['?', '/']).next().unwrap();
            let on_objects = operation.contains("Object") && !operation.contains("ObjectLock");
            match (name, on_objects) {
                ("records", true) if about == "records/probe" => {
                    bucket("RECORDS_BUCKET", "/probe/*")
                }
                ("records", true) => bucket("RECORDS_BUCKET", "/control/*"),
                ("records", false) => bucket("RECORDS_BUCKET", ""),
                ("vault", true) => bucket("QUARANTINE_BUCKET", "/*"),
                ("vault", false) => bucket("QUARANTINE_BUCKET", ""),
                (_, true) => bucket("UPLOADS_BUCKET", "/*"),
                (_, false) => bucket("UPLOADS_BUCKET", ""),
            }
        }
        _ => panic!("a call that is not expected: {call:?}"),
    }
}
