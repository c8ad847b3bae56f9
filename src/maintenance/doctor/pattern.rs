//! Whether a pattern of EventBridge could let an event through that is known in part.
//!
//! Lenient on purpose: a field of which nothing is known, and a test that is not known here, could
//! fit. What this calls excluded is excluded; what it calls possible may still not come.
//! ("Amazon EventBridge event pattern syntax", Amazon EventBridge User Guide.)

use serde_json::{Map, Value};

/// What is known of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is this.
    Exact(String),
    /// It begins so.
    Begins(String),
}

impl Said {
    /// From a name in which a star at the end stands for anything.
    pub(super) fn of(name: &str) -> Self {
        match name.strip_suffix('*') {
            Some(begin) => Self::Begins(begin.to_owned()),
            None => Self::Exact(name.to_owned()),
        }
    }

    fn could(&self, exact: impl Fn(&str) -> bool, begins: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Exact(text) => exact(text),
            Self::Begins(text) => begins(text),
        }
    }
}

/// What is known of an event: fields by their dotted path, each with what it may be.
pub(super) type Sample<'a> = [(&'a str, Vec<Said>)];

/// Whether the pattern, which is JSON, could let such an event through.
pub(super) fn could_pass(pattern: &str, sample: &Sample<'_>) -> bool {
    match serde_json::from_str(pattern) {
        Ok(Value::Object(fields)) => object("", &fields, sample),
        _ => false,
    }
}

fn object(path: &str, fields: &Map<String, Value>, sample: &Sample<'_>) -> bool {
    fields.iter().all(|(name, wanted)| {
        let below = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        match wanted {
            Value::Array(several) if name == "$or" => several.iter().any(|one| {
                one.as_object()
                    .is_some_and(|fields| object(path, fields, sample))
            }),
            Value::Object(fields) => object(&below, fields, sample),
            Value::Array(tests) => field(&below, tests, sample),
            _ => false,
        }
    })
}

fn field(path: &str, tests: &[Value], sample: &Sample<'_>) -> bool {
    let Some((_, said)) = sample.iter().find(|(known, _)| *known == path) else {
        return true;
    };
    said.iter()
        .any(|said| tests.iter().any(|test| fits(said, test)))
}

fn fits(said: &Said, test: &Value) -> bool {
    match test {
        Value::String(text) => said.could(|it| it == text, |begin| text.starts_with(begin)),
        Value::Object(test) => test.iter().all(|(name, value)| named(said, name, value)),
        _ => false,
    }
}

fn named(said: &Said, name: &str, value: &Value) -> bool {
    // `prefix` and `suffix` take a text, or an object that says to pass over the case of letters.
    let inner = value.get("equals-ignore-case").unwrap_or(value);
    let text = inner.as_str().unwrap_or_default().to_ascii_lowercase();
    let lower = |it: &str| it.to_ascii_lowercase();
    match name {
        "equals-ignore-case" => {
            said.could(|it| lower(it) == text, |it| text.starts_with(&lower(it)))
        }
        "prefix" => said.could(
            |it| lower(it).starts_with(&text),
            |it| lower(it).starts_with(&text) || text.starts_with(&lower(it)),
        ),
        "suffix" => said.could(|it| lower(it).ends_with(&text), |_| true),
        "wildcard" => said.could(|it| wild(&text, &lower(it)), |_| true),
        "exists" => value == &Value::Bool(true),
        "anything-but" => !excluded(said, value),
        "numeric" | "cidr" => false,
        _ => true,
    }
}

/// Whether `anything-but` keeps this out.
fn excluded(said: &Said, value: &Value) -> bool {
    let Said::Exact(text) = said else {
        return false;
    };
    let is = |value: &Value| value.as_str() == Some(text);
    match value {
        Value::Array(several) => several.iter().any(is),
        Value::Object(test) => test.iter().any(|(name, value)| match value {
            Value::Array(several) => several.iter().any(|value| named(said, name, value)),
            value => named(said, name, value),
        }),
        value => is(value),
    }
}

/// The fields that a pattern looks at, by their dotted path, each with its tests; those of every branch
/// of an `$or`.
pub(super) fn fields(pattern: &str) -> Vec<(String, Vec<Value>)> {
    let mut found = Vec::new();
    if let Ok(Value::Object(fields)) = serde_json::from_str(pattern) {
        collect("", &fields, &mut found);
    }
    found
}

fn collect(path: &str, fields: &Map<String, Value>, found: &mut Vec<(String, Vec<Value>)>) {
    for (name, wanted) in fields {
        let below = match path {
            "" => name.clone(),
            path => format!("{path}.{name}"),
        };
        match wanted {
            Value::Array(several) if name == "$or" => several
                .iter()
                .filter_map(Value::as_object)
                .for_each(|fields| collect(path, fields, found)),
            Value::Object(fields) => collect(&below, fields, found),
            Value::Array(tests) => found.push((below, tests.clone())),
            _ => {}
        }
    }
}

/// Whether a text fits a pattern in which a star stands for anything.
pub(super) fn wild(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pattern: &Value, name: &str, expected: bool) {
        let sample = [
            ("source", vec![Said::of("aws.s3")]),
            ("detail.eventName", vec![Said::of(name)]),
        ];
        assert_eq!(
            could_pass(&pattern.to_string(), &sample),
            expected,
            "{pattern} {name}"
        );
    }

    #[test]
    fn every_test_of_a_pattern_is_understood() {
        let by = |test: Value| json!({"detail": {"eventName": [test]}});
        for (test, name, expected) in [
            (json!("PutBucketAcl"), "PutBucketAcl", true),
            (json!("PutBucketAcl"), "PutObject", false),
            (json!("PutBucketAcl"), "Put*", true),
            (json!("PutBucketAcl"), "Delete*", false),
            (json!({"prefix": "Put"}), "PutObject", true),
            (json!({"prefix": "Put"}), "P*", true),
            (json!({"prefix": "Put"}), "GetObject", false),
            (
                json!({"prefix": {"equals-ignore-case": "put"}}),
                "PutX",
                true,
            ),
            (json!({"suffix": "Acl"}), "PutBucketAcl", true),
            (json!({"suffix": "Acl"}), "PutBucket", false),
            (json!({"suffix": "Acl"}), "PutB*", true),
            (json!({"wildcard": "Put*Acl"}), "PutBucketAcl", true),
            (json!({"wildcard": "Put*Acl"}), "PutBucketPolicy", false),
            (
                json!({"equals-ignore-case": "putobject"}),
                "PutObject",
                true,
            ),
            (json!({"anything-but": "PutObject"}), "PutObject", false),
            (json!({"anything-but": ["GetObject"]}), "PutObject", true),
            (
                json!({"anything-but": {"prefix": "Get"}}),
                "GetObject",
                false,
            ),
            (
                json!({"anything-but": {"prefix": ["Get", "Put"]}}),
                "PutObject",
                false,
            ),
            (
                json!({"anything-but": {"wildcard": "*Acl"}}),
                "PutObject",
                true,
            ),
            (json!({"exists": true}), "PutObject", true),
            (json!({"exists": false}), "PutObject", false),
            (json!({"numeric": ["=", 1]}), "PutObject", false),
            (json!({"a-later-test": 1}), "PutObject", true),
            (json!(7), "PutObject", false),
        ] {
            check(&by(test), name, expected);
        }
    }

    #[test]
    fn every_field_of_a_pattern_is_found_in_all_branches() {
        let pattern = json!({
            "source": ["aws.s3"],
            "detail": {"$or": [{"object": {"key": ["a"]}}, {"reason": ["PutObject", "b"]}]},
        });
        let found = fields(&pattern.to_string());
        let mut paths: Vec<_> = found
            .iter()
            .map(|(path, tests)| (path.as_str(), tests.len()))
            .collect();
        paths.sort_unstable();
        let expected = [
            ("detail.object.key", 1),
            ("detail.reason", 2),
            ("source", 1),
        ];
        assert_eq!(paths, expected);
        assert!(fields("{").is_empty());
    }

    #[test]
    fn unknown_fields_could_fit_and_known_ones_must() {
        check(&json!({"account": ["1"]}), "PutObject", true);
        check(&json!({"source": ["aws.iam"]}), "PutObject", false);
        let any = json!({"$or": [{"source": ["aws.iam"]}, {"detail": {"eventName": ["A"]}}]});
        check(&any, "A", true);
        check(&any, "B", false);
        check(&json!({"source": "aws.s3"}), "PutObject", false);
        check(&json!([]), "PutObject", false);
        assert!(!could_pass("{", &[]));
    }
}
