//! What a policy document allows, as far as that can be told from the document alone.
//!
//! What narrows a statement that names everyone follows "The meaning of public" (Blocking public
//! access to your Amazon S3 storage, Amazon S3 User Guide): a condition on who calls or from where,
//! with fixed values.

use serde_json::{Map, Value};

use super::reading::{each, parsed, range};

/// What may be asked about a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// A statement allows everyone something, and nothing narrows it.
    OpenToAnyone,
    /// A statement allows every action on every resource.
    AllowsEverything,
}

/// Keys of conditions that narrow who may call, lowercase.
const NARROWING: [&str; 17] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpcsourceip",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
];

/// Conditions that hold only for what they name, lowercase and without `ForAnyValue:`. Those that
/// also hold where the key is missing (`..IfExists`, `ForAllValues:`) or are negated narrow nothing.
const POSITIVE: [&str; 6] = [
    "arnequals",
    "arnlike",
    "ipaddress",
    "stringequals",
    "stringequalsignorecase",
    "stringlike",
];

impl Claim {
    /// The words of the file of rules.
    pub(super) const ALL: [(&'static str, Self); 2] = [
        ("open_to_anyone", Self::OpenToAnyone),
        ("allows_everything", Self::AllowsEverything),
    ];

    /// Whether a document, as an object or as text, is so. A document that cannot be read is not.
    pub(super) fn holds(self, document: &Value) -> bool {
        let read = parsed(document);
        let document = read.as_ref().unwrap_or(document);
        each(document).iter().any(|document| {
            let read = parsed(document);
            let document = read.as_ref().unwrap_or(document);
            let statements = field(document, "Statement").map_or(&[][..], each);
            let mut allowing = statements
                .iter()
                .filter(|statement| is_word(field(statement, "Effect"), "allow"));
            allowing.any(|statement| match self {
                Self::OpenToAnyone => names_everyone(statement) && !is_narrowed(statement),
                Self::AllowsEverything => {
                    allows_all(statement, "Action", "NotAction")
                        && allows_all(statement, "Resource", "NotResource")
                }
            })
        })
    }
}

fn names_everyone(statement: &Value) -> bool {
    // Everyone but those named.
    if field(statement, "NotPrincipal").is_some() {
        return true;
    }
    match field(statement, "Principal") {
        Some(Value::Object(kinds)) => kinds.values().any(has_star),
        Some(principal) => has_star(principal),
        None => false,
    }
}

fn allows_all(statement: &Value, positive: &str, negated: &str) -> bool {
    field(statement, positive).is_some_and(has_star) || field(statement, negated).is_some()
}

/// Whether a value, or an entry of it, is nothing but a star.
fn has_star(value: &Value) -> bool {
    let stars = |text: &str| matches!(text.trim(), "*" | "*:*");
    each(value).iter().any(|v| v.as_str().is_some_and(stars))
}

fn is_narrowed(statement: &Value) -> bool {
    let Some(Value::Object(conditions)) = field(statement, "Condition") else {
        return false;
    };
    conditions.iter().any(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let operator = operator.strip_prefix("foranyvalue:").unwrap_or(&operator);
        POSITIVE.contains(&operator) && keys.as_object().is_some_and(narrows)
    })
}

fn narrows(keys: &Map<String, Value>) -> bool {
    keys.iter().any(|(key, values)| {
        let values = each(values);
        NARROWING.contains(&key.to_ascii_lowercase().as_str())
            && !values.is_empty()
            && values.iter().all(|v| v.as_str().is_some_and(is_fixed))
    })
}

/// Whether a value names somebody or some place, and not all. A pattern does where it names an
/// account or an organisation.
fn is_fixed(value: &str) -> bool {
    if let Some((is_v6, length)) = range(value) {
        return length >= if is_v6 { 32 } else { 8 };
    }
    let account = |part: &str| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit());
    let names = |part: &str| account(part) || (part.starts_with("o-") && !part.contains('*'));
    !value.is_empty() && (!value.contains(['*', '?']) || value.split([':', '/']).any(names))
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    fields.get(name).or_else(|| {
        let same = |(found, _): &(&String, _)| found.eq_ignore_ascii_case(name);
        fields.iter().find(same).map(|(_, value)| value)
    })
}

fn is_word(value: Option<&Value>, word: &str) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(claim: Claim, statement: &Value, expected: bool) {
        for document in [
            json!({"Version": "2012-10-17", "Statement": [statement]}),
            json!({"Statement": statement}),
            json!([{"Statement": statement}]),
            json!(json!({"Statement": statement}).to_string()),
            json!([json!({"Statement": [{"Effect": "Deny"}, statement]}).to_string()]),
        ] {
            assert_eq!(claim.holds(&document), expected, "{document}");
        }
    }

    fn open(principal: &Value, condition: &Value, expected: bool) {
        let statement = json!({
            "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*", "Condition": condition,
        });
        check(Claim::OpenToAnyone, &statement, expected);
    }

    #[test]
    fn everyone_is_named_in_several_ways() {
        for principal in [
            json!("*"),
            json!({"AWS": "*"}),
            json!({"AWS": ["arn:aws:iam::111122223333:root", "*"]}),
            json!(["*"]),
        ] {
            open(&principal, &json!(null), true);
        }
        for principal in [
            json!({"AWS": "arn:aws:iam::111122223333:root"}),
            json!({"Service": "cloudtrail.amazonaws.com"}),
            json!(7),
            json!(null),
        ] {
            open(&principal, &json!(null), false);
        }
        check(
            Claim::OpenToAnyone,
            &json!({"Effect": "Allow", "NotPrincipal": {"AWS": "x"}, "Action": "*"}),
            true,
        );
        check(
            Claim::OpenToAnyone,
            &json!({"Effect": "Deny", "Principal": "*", "Action": "*"}),
            false,
        );
    }

    #[test]
    fn only_conditions_on_the_caller_narrow() {
        for narrow in [
            json!({"StringEquals": {"aws:PrincipalOrgID": "o-abc123"}}),
            json!({"StringEquals": {"AWS:SourceVpce": ["vpce-1", "vpce-2"]}}),
            json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}),
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:111122223333:*"}}),
            json!({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-abc123/*"}}),
            json!({"Bool": {"aws:SecureTransport": "true"},
                   "StringEquals": {"aws:PrincipalAccount": "111122223333"}}),
        ] {
            open(&json!("*"), &narrow, false);
        }
        for wide in [
            json!({}),
            json!([]),
            json!({"Bool": {"aws:SecureTransport": "true"}}),
            json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-abc123"}}),
            json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-abc123"}}),
            json!({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-abc123"}}),
            json!({"StringLike": {"aws:PrincipalOrgID": "*"}}),
            json!({"StringLike": {"aws:PrincipalOrgID": "o-*"}}),
            json!({"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}),
            json!({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "0.0.0.0/1"]}}),
            json!({"StringLike": {"aws:UserAgent": "backup"}}),
            json!({"StringEquals": {"aws:SourceVpc": []}}),
            json!({"StringEquals": {"aws:SourceVpc": 7}}),
        ] {
            open(&json!("*"), &wide, true);
        }
    }

    #[test]
    fn everything_is_every_action_on_every_resource() {
        let everything = |action: Value, resource: Value, expected| {
            let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
            check(Claim::AllowsEverything, &statement, expected);
        };
        everything(json!("*"), json!("*"), true);
        everything(json!(["s3:Get*", "*"]), json!(["*"]), true);
        everything(json!("*:*"), json!("*"), true);
        everything(json!("s3:*"), json!("*"), false);
        everything(json!("*"), json!("arn:aws:s3:::b/*"), false);
        check(
            Claim::AllowsEverything,
            &json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
            true,
        );
        check(
            Claim::AllowsEverything,
            &json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
            false,
        );
    }

    #[test]
    fn what_is_no_policy_claims_nothing() {
        for document in [
            json!(null),
            json!(""),
            json!("{"),
            json!([]),
            json!({"Statement": 7}),
        ] {
            for (_, claim) in Claim::ALL {
                assert!(!claim.holds(&document), "{document}");
            }
        }
    }
}
