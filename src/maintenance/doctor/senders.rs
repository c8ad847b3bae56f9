//! Who may send to a queue, by its policy, read leniently: whatever could allow it counts.

use serde_json::Value;

use super::pattern::wild;

/// A service that brings messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    S3,
    Sns,
    EventBridge,
}

impl Sender {
    const ALL: [Self; 3] = [Self::S3, Self::Sns, Self::EventBridge];

    /// How policies call it.
    pub(super) const fn service(self) -> &'static str {
        match self {
            Self::S3 => "s3.amazonaws.com",
            Self::Sns => "sns.amazonaws.com",
            Self::EventBridge => "events.amazonaws.com",
        }
    }

    /// How people call it.
    pub(super) const fn called(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Sns => "SNS",
            Self::EventBridge => "EventBridge",
        }
    }
}

/// Which services a policy lets send at all; conditions are not judged.
pub(super) fn senders(policy: Option<&str>) -> Vec<Sender> {
    let policy = parsed(policy);
    let allowing = || several(policy.get("Statement")).filter(|it| allows_sending(it));
    let all = Sender::ALL.into_iter();
    all.filter(|who| allowing().any(|it| names(it, who.service())))
        .collect()
}

/// Whether a policy lets a service send to a queue in the name of a source: a bucket, a topic, a rule.
/// Of conditions only those on the ARN of the source are compared; others could hold.
pub(super) fn may_send(policy: Option<&str>, queue_arn: &str, who: Sender, source: &str) -> bool {
    let policy = parsed(policy);
    let statements = || {
        several(policy.get("Statement")).filter(|it| {
            let here = match it.get("Resource") {
                None => true,
                resource => several(resource).any(|it| like(it, queue_arn)),
            };
            here && names(it, who.service())
        })
    };
    // Which conditions hold is not known, so only what denies without any is sure to.
    let denied = statements().any(|it| denies_sending(it) && it.get("Condition").is_none());
    !denied && statements().any(|it| allows_sending(it) && from(it, source))
}

fn parsed(policy: Option<&str>) -> Value {
    policy
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

/// Whether the conditions of a statement on the ARN of a source let this one in.
fn from(statement: &Value, source: &str) -> bool {
    let conditions = statement.get("Condition").and_then(Value::as_object);
    conditions.into_iter().flatten().all(|(operator, keys)| {
        let operator = operator.to_ascii_lowercase();
        let operator = operator.strip_suffix("ifexists").unwrap_or(&operator);
        let exact = match operator {
            "stringequals" => true,
            "arnequals" | "arnlike" | "stringlike" => false,
            _ => return true,
        };
        let keys = keys.as_object();
        let mut wanted = keys
            .into_iter()
            .flatten()
            .filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"));
        wanted.all(|(_, values)| {
            several(Some(values)).any(|value| match exact {
                true => value == source,
                false => like(value, source),
            })
        })
    })
}

/// Whether a text fits a value in which a star stands for anything. A question mark, which stands for
/// any one character, is rare: what has one could fit.
fn like(value: &Value, text: &str) -> bool {
    let pattern = value.as_str().unwrap_or_default();
    pattern.contains('?') || wild(pattern, text)
}

/// A value that may stand alone or in a list.
fn several(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let list = match value {
        Some(Value::Array(list)) => list.as_slice(),
        Some(alone) => std::slice::from_ref(alone),
        None => &[],
    };
    list.iter()
}

fn allows_sending(statement: &Value) -> bool {
    is_about_sending(statement, "Allow")
}

fn denies_sending(statement: &Value) -> bool {
    is_about_sending(statement, "Deny")
}

fn is_about_sending(statement: &Value, effect: &str) -> bool {
    let action = |action: &Value| {
        let action = action.as_str().unwrap_or_default().to_ascii_lowercase();
        matches!(
            action.as_str(),
            "*" | "sqs:*" | "sqs:send*" | "sqs:sendmessage" | "sqs:sendmessage*"
        )
    };
    statement.get("Effect").and_then(Value::as_str) == Some(effect)
        && several(statement.get("Action")).any(action)
}

fn names(statement: &Value, service: &str) -> bool {
    let Some(principal) = statement.get("Principal") else {
        return false;
    };
    if principal == "*" || several(principal.get("AWS")).any(|who| who == "*") {
        return true;
    }
    several(principal.get("Service")).any(|who| who == service || who == "*")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(policy: &Value, expected: &[&str]) {
        let found = senders(Some(&policy.to_string())).into_iter();
        let found: Vec<_> = found.map(Sender::called).collect();
        assert_eq!(found, expected, "{policy}");
    }

    #[test]
    fn whatever_could_allow_a_service_counts() {
        let statement = |principal: Value, action: Value, effect: &str| json!({"Statement": [{"Effect": effect, "Principal": principal, "Action": action}]});
        let s3 = || json!({"Service": "s3.amazonaws.com"});
        check(&statement(s3(), json!("SQS:SendMessage"), "Allow"), &["S3"]);
        check(&statement(s3(), json!(["sqs:*"]), "Allow"), &["S3"]);
        check(&statement(s3(), json!("sqs:ReceiveMessage"), "Allow"), &[]);
        check(&statement(s3(), json!("sqs:SendMessage"), "Deny"), &[]);
        let both = json!({"Service": ["events.amazonaws.com", "sns.amazonaws.com"]});
        check(
            &statement(both, json!("sqs:SendMessage"), "Allow"),
            &["SNS", "EventBridge"],
        );
        let all = ["S3", "SNS", "EventBridge"];
        check(&statement(json!("*"), json!("*"), "Allow"), &all);
        check(&statement(json!({"AWS": "*"}), json!("*"), "Allow"), &all);
        let alone = json!({"Statement": {"Effect": "Allow", "Principal": s3(), "Action": "sqs:SendMessage"}});
        check(&alone, &["S3"]);
    }

    #[test]
    fn what_is_no_policy_lets_nobody() {
        for text in ["", "{", "[]", "{\"Statement\": 1}", "null"] {
            assert!(senders(Some(text)).is_empty(), "{text}");
        }
        assert!(senders(None).is_empty());
    }

    #[test]
    fn only_the_source_that_is_named_may_send() {
        const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:uploads";
        let statement = |condition: Value| {
            json!({"Statement": [{
                "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"},
                "Action": "sqs:SendMessage", "Resource": QUEUE, "Condition": condition,
            }]})
        };
        let check = |condition: Value, expected: bool| {
            let policy = statement(condition).to_string();
            let found = may_send(Some(&policy), QUEUE, Sender::S3, "arn:aws:s3:::pictures");
            assert_eq!(found, expected, "{policy}");
        };
        let arn = "arn:aws:s3:::pictures";
        check(json!({}), true);
        check(json!({"ArnEquals": {"aws:SourceArn": arn}}), true);
        check(
            json!({"ArnEquals": {"AWS:sourcearn": ["arn:aws:s3:::other", arn]}}),
            true,
        );
        check(
            json!({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::other"}}),
            false,
        );
        check(
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:pic*"}}),
            true,
        );
        check(
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:doc*"}}),
            false,
        );
        check(
            json!({"ArnLikeIfExists": {"aws:SourceArn": "arn:aws:s3:*:*:doc*"}}),
            false,
        );
        check(json!({"StringLike": {"aws:SourceArn": "*:picture?"}}), true);
        check(
            json!({"StringEquals": {"aws:SourceArn": "arn:aws:s3:::pic*"}}),
            false,
        );
        check(
            json!({"StringEquals": {"aws:SourceAccount": "111122223333"}}),
            true,
        );
        let both = json!({
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "ArnEquals": {"aws:SourceArn": "arn:aws:s3:::other"},
        });
        check(both, false);
        let with = |more: Value| {
            let mut policy = statement(json!({}));
            policy["Statement"].as_array_mut().unwrap().push(more);
            may_send(Some(&policy.to_string()), QUEUE, Sender::S3, arn)
        };
        let nobody = json!({"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage"});
        assert!(!with(nobody.clone()));
        let mut unsafe_ways = nobody.clone();
        unsafe_ways["Condition"] = json!({"Bool": {"aws:SecureTransport": "false"}});
        assert!(with(unsafe_ways), "it may not hold");
        let mut elsewhere = nobody;
        elsewhere["Resource"] = json!("arn:aws:sqs:eu-west-1:111122223333:other");
        assert!(with(elsewhere));
        let policy = statement(json!({})).to_string();
        let other = "arn:aws:sqs:eu-west-1:111122223333:other";
        assert!(!may_send(Some(&policy), other, Sender::S3, arn));
        assert!(!may_send(Some(&policy), QUEUE, Sender::Sns, arn));
        assert!(!may_send(None, QUEUE, Sender::S3, arn));
    }
}
