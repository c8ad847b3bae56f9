//! Reads templates as `CloudFormation` does: its short tags (`!Sub`) become the long form (`Fn::Sub`),
//! and functions are worked out with values that a test gives.

use std::collections::BTreeMap;

use saphyr::{LoadableYamlNode, ScalarOwned, YamlOwned};
use serde_json::{Map, Value, json};

/// The documents of a file of this project.
pub(crate) fn documents(path: &str) -> Vec<Value> {
    let text = super::text(path);
    let loaded = YamlOwned::load_from_str(&text);
    let loaded = loaded.unwrap_or_else(|error| panic!("{path}: {error}"));
    loaded.iter().map(plain).collect()
}

/// A template of this project.
pub(crate) fn template(path: &str) -> Value {
    let mut documents = documents(path);
    assert_eq!(documents.len(), 1, "{path}");
    documents.remove(0)
}

fn plain(node: &YamlOwned) -> Value {
    match node {
        YamlOwned::Value(scalar) => match scalar {
            ScalarOwned::Null => Value::Null,
            ScalarOwned::Boolean(value) => json!(value),
            ScalarOwned::Integer(value) => json!(value),
            ScalarOwned::FloatingPoint(value) => json!(value.into_inner()),
            ScalarOwned::String(value) => json!(value),
        },
        YamlOwned::Sequence(nodes) => nodes.iter().map(plain).collect(),
        YamlOwned::Mapping(entries) => {
            let entries = entries.iter();
            let named = entries.map(|(name, node)| (text(&plain(name)), plain(node)));
            Value::Object(named.collect())
        }
        YamlOwned::Tagged(tag, node) => tagged(&tag.suffix, plain(node)),
        other => panic!("not expected in a template: {other:?}"),
    }
}

fn tagged(tag: &str, value: Value) -> Value {
    match tag {
        "Ref" | "Condition" => json!({ tag: value }),
        "GetAtt" => json!({ "Fn::GetAtt": value }),
        _ => json!({ format!("Fn::{tag}"): value }),
    }
}

/// What a template stands on in a test.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Parameters, pseudo parameters, resources (`Cluster`), attributes (`LogGroup.Arn`), and the
    /// exports of other stacks by their names without the stack's.
    pub(crate) values: BTreeMap<&'static str, Value>,
    /// What `Fn::FindInMap` looks in.
    pub(crate) mappings: Value,
}

impl Given {
    /// A value with its functions worked out. Conditions hold, so that all that there may be is seen.
    pub(crate) fn worked_out(&self, value: &Value) -> Value {
        match value {
            Value::Array(entries) => {
                let entries = entries.iter().map(|it| self.worked_out(it));
                entries.filter(|it| !it.is_null()).collect()
            }
            Value::Object(entries) => self.object(entries),
            other => other.clone(),
        }
    }

    fn object(&self, entries: &Map<String, Value>) -> Value {
        let only = entries.iter().next().filter(|_| entries.len() == 1);
        match only {
            Some((name, inner)) if name == "Ref" => self.known(&text(inner)),
            Some((name, inner)) if name == "Fn::GetAtt" => self.known(&text(inner)),
            Some((name, inner)) if name == "Fn::If" => self.worked_out(&inner[1]),
            Some((name, inner)) if name == "Fn::ImportValue" => {
                let export = text(&inner["Fn::Sub"]);
                let (_, export) = export
                    .split_once("}-")
                    .expect("the stack's name comes first");
                self.known(export)
            }
            Some((name, inner)) if name == "Fn::Sub" => self.substituted(inner),
            Some((name, inner)) if name == "Fn::Join" => {
                let words = self.worked_out(&inner[1]);
                let words: Vec<_> = words.as_array().unwrap().iter().map(text).collect();
                json!(words.join(&text(&inner[0])))
            }
            Some((name, inner)) if name == "Fn::Split" => {
                let whole = text(&self.worked_out(&inner[1]));
                whole.split(&text(&inner[0])).collect()
            }
            Some((name, inner)) if name == "Fn::FindInMap" => {
                let keys = self.worked_out(inner);
                let keys: Vec<_> = keys.as_array().unwrap().iter().map(text).collect();
                let found = keys.iter().fold(&self.mappings, |map, key| &map[key]);
                assert!(!found.is_null(), "no mapping {keys:?}");
                found.clone()
            }
            _ => {
                let entries = entries.iter();
                let entries = entries.map(|(name, it)| (name.clone(), self.worked_out(it)));
                Value::Object(entries.collect())
            }
        }
    }

    fn known(&self, name: &str) -> Value {
        if name == "AWS::NoValue" {
            return Value::Null;
        }
        let known = self.values.get(name).cloned();
        known.unwrap_or_else(|| panic!("the test gives no value for {name}"))
    }

    fn substituted(&self, inner: &Value) -> Value {
        let (pattern, locals) = match inner {
            Value::Array(both) => (text(&both[0]), self.worked_out(&both[1])),
            pattern => (text(pattern), Value::Null),
        };
        let mut made = String::new();
        let mut rest = pattern.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').expect("the brace is closed");
            made.push_str(before);
            match locals.get(name) {
                Some(local) => made.push_str(&text(local)),
                None => made.push_str(&text(&self.known(name))),
            }
            rest = after;
        }
        made.push_str(rest);
        json!(made)
    }
}

/// A scalar as `CloudFormation` hands it on: everything is text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        other => panic!("not a scalar: {other}"),
    }
}

/// One or several words.
pub(crate) fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(entries) => entries.iter().flat_map(words).collect(),
        one => vec![text(one)],
    }
}

#[test]
fn functions_are_worked_out() {
    let given = Given {
        values: BTreeMap::from([("Names", json!(["a", "b"])), ("Other", json!("x"))]),
        mappings: json!({ "Size": { "small": { "Cpu": 512 } } }),
    };
    let check = |value: Value, expected: Value| assert_eq!(given.worked_out(&value), expected);
    let list = json!({ "Fn::Join": [",arn:", { "Ref": "Names" }] });
    check(
        json!({ "Fn::Split": [",", { "Fn::Sub": ["arn:${It}", { "It": list }] }] }),
        json!(["arn:a", "arn:b"]),
    );
    check(json!({ "Fn::Sub": "${Other}!" }), json!("x!"));
    check(
        json!({ "Fn::ImportValue": { "Fn::Sub": "${Stack}-Other" } }),
        json!("x"),
    );
    check(
        json!([{ "Fn::If": ["Held", 1, { "Ref": "AWS::NoValue" }] }, { "Ref": "AWS::NoValue" }]),
        json!([1]),
    );
    check(
        json!({ "Fn::FindInMap": ["Size", "small", "Cpu"] }),
        json!(512),
    );
    assert_eq!(
        plain(&YamlOwned::load_from_str("a: !GetAtt B.C").unwrap()[0]),
        json!({ "a": { "Fn::GetAtt": "B.C" } })
    );
}
