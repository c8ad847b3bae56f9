//! The language of conditions. It is small and closed on purpose: what a rule looks at can be read
//! off the file, and no record can make it do anything else.

use serde_json::Value;

use super::policy::Claim;
use super::reading::{Pointer, any_text, count, each, is_public_cidr};

/// One condition on a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// What stands at one of these fields at least passes the test.
    At { fields: Vec<Pointer>, test: Test },
    /// Nothing stands at any of these fields.
    Absent(Vec<Pointer>),
    /// The caller belongs to another account than the one it happened in, and both are told.
    CrossAccount,
    /// One of these holds.
    Any(Vec<Self>),
    /// This does not hold. A field that is missing passes no test, so its negation holds.
    Not(Box<Self>),
}

/// A test of a value that is there.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// It, or an entry of it, is one of these.
    AnyOf(Vec<Scalar>),
    /// A text in or below it contains one of these.
    Contains(Vec<String>),
    /// It is there.
    Present,
    /// It is, or counts, at least so many.
    AtLeast(u64),
    /// A text in or below it is a range of addresses as wide as the internet.
    PublicCidr,
    /// It is a policy document of which this is true.
    Policy(Claim),
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(String),
    Flag(bool),
    Number(i64),
}

impl Condition {
    /// Whether a record is so.
    pub(super) fn holds(&self, record: &Value) -> bool {
        match self {
            Self::At { fields, test } => fields
                .iter()
                .filter_map(|field| field.read(record))
                .any(|value| test.passes(&value)),
            Self::Absent(fields) => fields.iter().all(|field| field.read(record).is_none()),
            Self::CrossAccount => is_cross_account(record),
            Self::Any(conditions) => conditions.iter().any(|condition| condition.holds(record)),
            Self::Not(condition) => !condition.holds(record),
        }
    }
}

impl Test {
    fn passes(&self, value: &Value) -> bool {
        match self {
            Self::AnyOf(wanted) => each(value)
                .iter()
                .any(|found| wanted.iter().any(|wanted| wanted.is(found))),
            Self::Contains(parts) => any_text(value, |text| {
                parts.iter().any(|part| text.contains(part.as_str()))
            }),
            Self::Present => true,
            Self::AtLeast(least) => count(value).is_some_and(|count| count >= *least),
            Self::PublicCidr => any_text(value, is_public_cidr),
            Self::Policy(claim) => claim.holds(value),
        }
    }
}

impl Scalar {
    /// Flags and numbers are often written as text.
    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(wanted), Value::String(found)) => wanted == found,
            (Self::Flag(wanted), Value::Bool(found)) => wanted == found,
            (Self::Flag(wanted), Value::String(found)) => {
                found.eq_ignore_ascii_case(if *wanted { "true" } else { "false" })
            }
            (Self::Number(wanted), Value::Number(found)) => found.as_i64() == Some(*wanted),
            (Self::Number(wanted), Value::String(found)) => found.parse() == Ok(*wanted),
            _ => false,
        }
    }
}

/// Accounts are 12 digits: anonymous callers and services, which have none, are no other account.
fn is_cross_account(record: &Value) -> bool {
    let account = |pointer| {
        let text = record.pointer(pointer).and_then(Value::as_str)?;
        let is_account = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        is_account.then_some(text)
    };
    match (
        account("/userIdentity/accountId"),
        account("/recipientAccountId"),
    ) {
        (Some(caller), Some(owner)) => caller != owner,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(field: &str, test: Test) -> Condition {
        Condition::At {
            fields: vec![Pointer::parse(field).unwrap()],
            test,
        }
    }

    #[track_caller]
    fn check(condition: &Condition, holds: &[Value], fails: &[Value]) {
        for record in holds {
            assert!(condition.holds(record), "{condition:?} {record}");
        }
        for record in fails {
            assert!(!condition.holds(record), "{condition:?} {record}");
        }
    }

    #[test]
    fn values_are_compared_as_what_they_mean() {
        check(
            &at("/a", Test::AnyOf(vec![Scalar::Text("x".to_owned())])),
            &[json!({"a": "x"}), json!({"a": ["y", "x"]})],
            &[
                json!({"a": "X"}),
                json!({"a": {"b": "x"}}),
                json!({}),
                json!(7),
            ],
        );
        check(
            &at("/a", Test::AnyOf(vec![Scalar::Flag(false)])),
            &[json!({"a": false}), json!({"a": "False"})],
            &[
                json!({"a": true}),
                json!({"a": 0}),
                json!({"a": null}),
                json!({}),
            ],
        );
        check(
            &at("/a", Test::AnyOf(vec![Scalar::Number(7)])),
            &[json!({"a": 7}), json!({"a": "7"})],
            &[json!({"a": 7.5}), json!({"a": "7 "})],
        );
    }

    #[test]
    fn a_missing_field_passes_no_test() {
        let tests = [
            Test::AnyOf(vec![Scalar::Text(String::new())]),
            Test::Contains(vec![String::new()]),
            Test::Present,
            Test::AtLeast(0),
            Test::PublicCidr,
            Test::Policy(Claim::OpenToAnyone),
        ];
        for test in tests {
            let condition = at("/a", test);
            check(
                &condition,
                &[],
                &[json!({}), json!({"a": null}), json!({"a": ""})],
            );
            let negated = Condition::Not(Box::new(condition));
            check(&negated, &[json!({}), json!(null)], &[]);
        }
        let absent = Condition::Absent(vec![Pointer::parse("/a").unwrap()]);
        check(&absent, &[json!({}), json!({"a": ""})], &[json!({"a": 0})]);
    }

    #[test]
    fn accounts_differ_only_where_both_are_told() {
        let record = |caller: Value, owner: Value| json!({"userIdentity": {"accountId": caller}, "recipientAccountId": owner});
        check(
            &Condition::CrossAccount,
            &[record(json!("444455556666"), json!("111122223333"))],
            &[
                record(json!("111122223333"), json!("111122223333")),
                record(json!("anonymous"), json!("111122223333")),
                record(json!("ANONYMOUS_PRINCIPAL"), json!("111122223333")),
                record(json!(444455556666_u64), json!("111122223333")),
                record(json!("444455556666"), json!(null)),
                json!({}),
            ],
        );
    }
}
