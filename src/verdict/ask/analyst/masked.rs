//! What opens doors, taken out of a record before anything is made of it. Pure.
//!
//! Names tell it: that of a field (`masterUserPassword`), or the one that stands beside a value, as in
//! `{"name": "DB_PASSWORD", "value": ".."}`. JSON in texts is looked into, since requests carry whole
//! documents so. A secret under a name that says nothing of it is not seen.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Stands where a secret may have stood.
pub(super) const SECRET: &str = "(secret, left out)";

/// Stands where JSON in a text lies deeper than anybody looks.
const TOO_DEEP: &str = "(left out)";

/// How deep JSON may lie, and JSON text in JSON text.
const MOST_DEPTH: usize = 64;
const MOST_NESTED: usize = 3;

/// Fields of one object, or entries of one list, that are kept: one more than are shown, so that it is
/// seen that some are not.
const MOST_CHILDREN: usize = 65;

/// Characters of a name that are looked at.
const MOST_NAME_CHARS: usize = 512;

/// What the names of fields contain that may hold secrets, in lower case, without signs.
const SECRETS: [&str; 18] = [
    "accesskeyid",
    "apikey",
    "authorization",
    "authcode",
    "ciphertext",
    "connectionstring",
    "cookie",
    "credential",
    "passwd",
    "password",
    "passphrase",
    "plaintext",
    "privatekey",
    "secret",
    "securitytoken",
    "signature",
    "token",
    "userdata",
];

/// The same of names that stand beside their values: these are chosen by people, who shorten.
const BESIDE: [&str; 5] = ["accesskey", "dsn", "passcode", "pwd", "pass"];

/// Fields that hold variables of programs, which is where secrets are put.
const VARIABLES: [&str; 3] = ["environment", "environmentvariables", "envvars"];

/// What a name in a pair is called, without signs.
const NAMES: [&str; 9] = [
    "name",
    "key",
    "attributename",
    "fieldname",
    "optionname",
    "parameterkey",
    "parametername",
    "variable",
    "variablename",
];

/// A record without what may be secret.
pub(super) fn masked(record: &Value) -> Value {
    value(record, MOST_DEPTH, MOST_NESTED)
}

fn value(of: &Value, depth: usize, nested: usize) -> Value {
    match of {
        Value::Null | Value::Bool(_) | Value::Number(_) => of.clone(),
        Value::String(text) => json_in(text, nested).unwrap_or_else(|| of.clone()),
        // Deeper than a record is shown, and than a parser goes.
        Value::Array(_) | Value::Object(_) if depth == 0 => TOO_DEEP.into(),
        Value::Array(entries) => entries
            .iter()
            .take(MOST_CHILDREN)
            .map(|entry| value(entry, depth - 1, nested))
            .collect(),
        Value::Object(fields) => {
            let names_secret = fields.iter().any(|(name, beside)| {
                let beside = beside.as_str().map(plain);
                NAMES.contains(&plain(name).as_str())
                    && beside.is_some_and(|it| is_secret(&it) || holds(&BESIDE, &it))
            });
            let masked = fields.iter().take(MOST_CHILDREN).map(|(name, field)| {
                let plain = plain(name);
                // Truth values are none.
                let may_be = !matches!(field, Value::Null | Value::Bool(_));
                let is_beside = names_secret && plain.contains("value");
                let secret = may_be && (is_beside || is_secret(&plain));
                let field = match secret {
                    true => SECRET.into(),
                    false => value(field, depth - 1, nested),
                };
                (name.clone(), field)
            });
            Value::Object(masked.collect::<Map<_, _>>())
        }
    }
}

/// A text of JSON without what may be secret; `None` where it is no JSON, or has nothing of it.
fn json_in(text: &str, nested: usize) -> Option<Value> {
    let start = text.trim_start();
    // As IAM writes policies in answers.
    let decoded = match start.get(..3) {
        Some("%7B" | "%7b" | "%5B" | "%5b") => percent_decode_str(start).decode_utf8().ok()?,
        _ => start.into(),
    };
    if !decoded.starts_with(['{', '[', '"']) {
        return None;
    }
    let Some(deeper) = nested.checked_sub(1) else {
        return Some(TOO_DEEP.into());
    };
    let inner: Value = serde_json::from_str(&decoded).ok()?;
    let masked = value(&inner, MOST_DEPTH, deeper);
    (masked != inner).then(|| Value::String(masked.to_string()))
}

fn is_secret(plain: &str) -> bool {
    holds(&SECRETS, plain) || VARIABLES.contains(&plain)
}

fn holds(words: &[&str], plain: &str) -> bool {
    words.iter().any(|word| plain.contains(word))
}

/// A name in lower case, without signs.
fn plain(name: &str) -> String {
    let name = name.chars().take(MOST_NAME_CHARS);
    let known = name.filter(char::is_ascii_alphanumeric);
    known.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A record whose secret is `hush`, and whatever else has to stay.
    #[track_caller]
    fn check(record: &Value, stays: &[&str]) {
        let masked = masked(record).to_string();
        assert!(!masked.contains("hush"), "{masked}");
        for text in stays {
            assert!(masked.contains(text), "{text} in {masked}");
        }
    }

    #[test]
    fn a_value_is_masked_by_the_name_beside_it() {
        for record in [
            json!({"name": "DB_PASSWORD", "value": "hush", "type": "stays"}),
            json!([{"value": ["hush"], "Name": "api-key", "type": "stays"}]),
            json!({"parameterKey": "MasterPwd", "parameterValue": "hush", "x": "stays"}),
            json!({"ParameterName": "/prod/db/secret", "Value": {"deep": "hush"}, "x": "stays"}),
            json!({"key": "AWS_ACCESS_KEY", "resolvedValue": "hush", "x": "stays"}),
        ] {
            check(&record, &["stays"]);
        }
        let harmless = json!({"key": "team", "value": "payments", "name": "password"});
        check(&harmless, &["team"]);
        let harmless = json!({"key": "team", "value": "payments", "enabled": true});
        assert_eq!(masked(&harmless), harmless);
    }

    #[test]
    fn variables_of_programs_are_left_out() {
        check(
            &json!({"functionName": "stays", "environment": {"variables": {"STAGE": "hush"}}}),
            &["stays"],
        );
        check(
            &json!({"containers": [{"image": "stays", "environment": [{"name": "A", "value": "hush"}]}]}),
            &["stays"],
        );
        let harmless = json!({"environmentName": "prod"});
        assert_eq!(masked(&harmless), harmless);
    }

    #[test]
    fn json_in_texts_is_looked_into() {
        let inner = json!({"masterPassword": "hush", "engine": "stays"}).to_string();
        check(&json!({"template": inner}), &["stays"]);
        check(
            &json!({"outer": json!({"template": inner}).to_string()}),
            &["stays"],
        );
        check(&json!({"list": format!("  [{inner}]")}), &["stays"]);
        let quoted = Value::from(inner.as_str()).to_string();
        check(&json!({ "quoted": quoted }), &["stays"]);
        let encoded = inner.replace('{', "%7B").replace('"', "%22");
        check(&json!({ "policyDocument": encoded }), &["stays"]);
        let mut deep = inner;
        for _ in 0..8 {
            deep = json!({ "deeper": deep }).to_string();
        }
        check(&json!({ "document": deep }), &["deeper"]);
        // What holds nothing of it stays as it was written.
        let plain = json!({"document": "{ \"b\": 1,  \"a\": 2 }", "broken": "{\"a\": "});
        assert_eq!(masked(&plain), plain);
    }

    #[test]
    fn depth_costs_no_stack() {
        let mut deep = json!("hush");
        for _ in 0..120 {
            deep = json!([deep]);
        }
        check(&deep, &[TOO_DEEP]);
    }
}
