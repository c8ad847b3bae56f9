//! The documents under `deploy/` that are handed out as they are: IAM policies in JSON, whose shape
//! nothing checks before somebody pastes them into an account.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{fail_on, source};

/// What a statement may hold. Of an identity's policy, no principal.
const PARTS: [&str; 5] = ["Sid", "Effect", "Action", "Resource", "Condition"];
/// What one of a resource may hold besides.
const PRINCIPALS: [&str; 2] = ["Principal", "NotPrincipal"];

/// Sentences about what is wrong with a policy.
fn broken(path: &str, text: &str) -> Vec<String> {
    let policy: Value = match serde_json::from_str(text) {
        Ok(policy) => policy,
        Err(error) => return vec![format!("{path}: is no JSON: {error}")],
    };
    let mut found = Vec::new();
    let mut say = |what: String| found.push(format!("{path}: {what}"));
    for key in policy.as_object().into_iter().flat_map(Map::keys) {
        if !["Version", "Id", "Statement"].contains(&key.as_str()) {
            say(format!("a policy has no {key}"));
        }
    }
    // Without it, variables in a policy are taken by their letters.
    if part(&policy, "Version") != "2012-10-17" {
        say("its version is not 2012-10-17".to_owned());
    }
    let statements = part(&policy, "Statement")
        .as_array()
        .cloned()
        .unwrap_or_default();
    if statements.is_empty() {
        say("it has no list of statements".to_owned());
    }
    let mut seen = BTreeSet::new();
    for statement in &statements {
        let sid = part(statement, "Sid").as_str().unwrap_or_default();
        // "IAM JSON policy elements: Sid" (AWS IAM User Guide).
        if sid.is_empty() || !sid.chars().all(|c| c.is_ascii_alphanumeric()) {
            say(format!("{sid:?} is no Sid: letters and digits only"));
        }
        if !seen.insert(sid) {
            say(format!("{sid} stands twice"));
        }
        for what in wrong(path, statement) {
            say(format!("{sid}: {what}"));
        }
    }
    found
}

fn wrong(path: &str, statement: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let of_a_resource = path.ends_with("bucket-policy.json");
    for key in statement.as_object().into_iter().flat_map(Map::keys) {
        let known =
            PARTS.contains(&key.as_str()) || (of_a_resource && PRINCIPALS.contains(&key.as_str()));
        if !known {
            found.push(format!("{key} does not belong here"));
        }
    }
    if of_a_resource != PRINCIPALS.iter().any(|it| !part(statement, it).is_null()) {
        found.push("a principal stands in policies of resources, and only there".to_owned());
    }
    let effect = part(statement, "Effect");
    if effect != "Allow" && effect != "Deny" {
        found.push(format!("{effect} is no effect"));
    }
    let actions = words(part(statement, "Action"));
    if actions.is_empty() {
        found.push("it is about no action".to_owned());
    }
    for action in &actions {
        let (service, name) = action.split_once(':').unwrap_or_default();
        let letters = |text: &str, more: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            !text.is_empty() && text.chars().all(fits)
        };
        if !letters(service, "-") || !letters(name, "*") || (effect == "Allow" && name == "*") {
            found.push(format!("{action} is no action, or every one"));
        }
    }
    let resources = words(part(statement, "Resource"));
    if resources.is_empty() {
        found.push("it is about no resource".to_owned());
    }
    for resource in &resources {
        let arn = resource.starts_with("arn:") && resource.split(':').count() >= 6;
        if !arn && resource != "*" {
            found.push(format!("{resource} is no ARN"));
        }
    }
    let operators = part(statement, "Condition");
    if !operators.is_null() && !operators.as_object().is_some_and(nested) {
        found.push("a condition is operators with keys".to_owned());
    }
    found
}

/// What stands under a name, or null.
fn part<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.get(name).unwrap_or(&Value::Null)
}

/// Operator, then key, then one value or a list.
fn nested(operators: &Map<String, Value>) -> bool {
    let keys = |keys: &Map<String, Value>| {
        !keys.is_empty() && keys.values().all(|value| !words(value).is_empty())
    };
    !operators.is_empty()
        && operators
            .values()
            .all(|it| it.as_object().is_some_and(keys))
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::String(word) => vec![word.clone()],
        other => {
            let words = other.as_array().into_iter().flatten();
            let words = words.map(|word| word.as_str().map(str::to_owned));
            words.collect::<Option<_>>().unwrap_or_default()
        }
    }
}

#[test]
fn policies_are_policies() {
    let mut read = 0;
    let mut found = Vec::new();
    for path in source::files("deploy") {
        if path.ends_with(".json") {
            let text = std::fs::read_to_string(source::root().join(&path)).unwrap();
            found.extend(broken(&path, &text));
            read += 1;
        }
    }
    assert!(read >= 4, "the reader has lost its eyes: {read} policies");
    fail_on(&found);
}

#[test]
fn each_fault_is_said() {
    let good = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "A", "Effect": "Allow",
        "Action": "s3:GetObject", "Resource": ["arn:aws:s3:::B/*"],
        "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}]}"#;
    assert_eq!(broken("a.json", good), Vec::<String>::new());
    for (from, to, said) in [
        ("{\"Version\"", "\"Version\"", "no JSON"),
        ("2012-10-17", "2008-10-17", "version"),
        ("\"Sid\": \"A\"", "\"Sid\": \"A b\"", "Sid"),
        ("Allow", "allow", "no effect"),
        ("s3:GetObject", "GetObject", "no action"),
        ("s3:GetObject", "s3:*", "every one"),
        ("\"Action\"", "\"Actions\"", "does not belong"),
        (
            "\"Effect\"",
            "\"Principal\": \"*\", \"Effect\"",
            "principal",
        ),
        ("arn:aws:s3:::B/*", "B/*", "no ARN"),
        ("{\"aws:SourceAccount\": \"1\"}", "[]", "condition"),
    ] {
        let found = broken("a.json", &good.replacen(from, to, 1));
        let told = found.iter().any(|sentence| sentence.contains(said));
        assert!(told, "{to}: {found:?}");
    }
}
