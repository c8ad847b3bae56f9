//! The policy for guarded buckets, held against requests.
//!
//! It only ever denies, so what is asked is: does a statement deny this? The conditions that it uses are
//! worked out as the IAM User Guide has them ("Condition operators": a missing key makes a negated
//! operator true, `ForAnyValue` false, and `Null` is about presence). Which keys S3 puts into a request
//! is S3's, and only an account proves it; the runbook says what is open.

use serde_json::Value;

const WORKER: &str = "arn:aws:iam::ACCOUNT:role/WORKER_ROLE";
const BREAK_GLASS: &str = "arn:aws:iam::ACCOUNT:role/BREAK_GLASS_ROLE";
const SOMEBODY: &str = "arn:aws:iam::ACCOUNT:role/somebody";

/// What a request is about.
#[derive(Clone, Copy, Debug, Default)]
struct Request<'a> {
    action: &'a str,
    /// `None`: nobody (an anonymous request).
    by: Option<&'a str>,
    /// The value of our tag on the object.
    tag: Option<&'a str>,
    /// The keys of the tags that the request sets.
    sets: &'a [&'a str],
    /// It copies.
    copies: bool,
}

impl Request<'_> {
    /// The values of a condition key; none where the request does not have it.
    fn values(&self, key: &str) -> Vec<&str> {
        match key {
            "s3:ExistingObjectTag/s3-warden" => self.tag.into_iter().collect(),
            "aws:PrincipalArn" => self.by.into_iter().collect(),
            "s3:RequestObjectTagKeys" => self.sets.to_vec(),
            "s3:x-amz-copy-source" => self.copies.then_some("other/key").into_iter().collect(),
            other => panic!("the policy asks for {other}"),
        }
    }

    fn meets(&self, operator: &str, key: &str, wanted: &Value) -> bool {
        let wanted = super::yaml::words(wanted);
        let values = self.values(key);
        let is = |value: &&str| wanted.iter().any(|it| it == value);
        match operator {
            "StringNotEquals" | "ArnNotEquals" => !values.iter().any(is),
            "ForAnyValue:StringEqualsIgnoreCase" => values
                .iter()
                .any(|value| wanted.iter().any(|it| it.eq_ignore_ascii_case(value))),
            "Null" => values.is_empty() == (wanted == ["true"]),
            other => panic!("the policy uses {other}"),
        }
    }

    fn denied_by(&self, statement: &Value) -> bool {
        assert_eq!(statement["Effect"], "Deny");
        assert_eq!(statement["Principal"], "*");
        assert_eq!(statement["Resource"], "arn:aws:s3:::UPLOADS_BUCKET/*");
        let acts = super::yaml::words(&statement["Action"]);
        let conditions = statement["Condition"].as_object().into_iter().flatten();
        acts.iter().any(|it| it == self.action)
            && conditions
                .flat_map(|(operator, keys)| {
                    let keys = keys.as_object().unwrap().iter();
                    keys.map(move |(key, wanted)| (operator, key, wanted))
                })
                .all(|(operator, key, wanted)| self.meets(operator, key, wanted))
    }
}

#[track_caller]
fn check(request: Request<'_>, denied: bool) {
    let policy = super::json("deploy/bucket-policy.json");
    let statements = policy["Statement"].as_array().unwrap();
    let by: Vec<_> = statements
        .iter()
        .filter(|it| request.denied_by(it))
        .collect();
    assert_eq!(!by.is_empty(), denied, "{request:?}: {by:?}");
}

#[test]
fn only_what_is_clean_or_allowed_can_be_read() {
    for action in ["s3:GetObject", "s3:GetObjectVersion"] {
        for by in [None, Some(SOMEBODY), Some("arn:aws:iam::ACCOUNT:root")] {
            for (tag, denied) in [
                (None, true),
                (Some("flagged"), true),
                (Some("undecided"), true),
                (Some("unreadable"), true),
                (Some("skipped"), true),
                (Some("Clean"), true),
                (Some("clean"), false),
                (Some("allowed"), false),
            ] {
                check(
                    Request {
                        action,
                        by,
                        tag,
                        ..Request::default()
                    },
                    denied,
                );
            }
        }
        for by in [WORKER, BREAK_GLASS] {
            for tag in [None, Some("flagged")] {
                check(
                    Request {
                        action,
                        by: Some(by),
                        tag,
                        ..Request::default()
                    },
                    false,
                );
            }
        }
    }
}

#[test]
fn nobody_else_writes_the_verdict() {
    let actions = [
        "s3:PutObject",
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
    ];
    for action in actions {
        for (sets, denied) in [
            (&["s3-warden"] as &[_], true),
            (&["owner", "s3-warden"], true),
            (&["S3-Warden"], true),
            (&["owner"], false),
            (&[], false),
        ] {
            let request = Request {
                action,
                by: Some(SOMEBODY),
                sets,
                ..Request::default()
            };
            check(request, denied);
            check(
                Request {
                    by: None,
                    ..request
                },
                denied,
            );
            for by in [WORKER, BREAK_GLASS] {
                check(
                    Request {
                        by: Some(by),
                        ..request
                    },
                    false,
                );
            }
        }
    }
}

#[test]
fn nobody_else_changes_the_tags_of_what_is_judged() {
    for action in [
        "s3:PutObjectTagging",
        "s3:PutObjectVersionTagging",
        "s3:DeleteObjectTagging",
        "s3:DeleteObjectVersionTagging",
    ] {
        for tag in ["clean", "flagged"] {
            // Tags are written as a whole: without ours among them, ours would be gone.
            let sets = &["owner"] as &[_];
            let request = Request {
                action,
                tag: Some(tag),
                sets,
                ..Request::default()
            };
            check(
                Request {
                    by: Some(SOMEBODY),
                    ..request
                },
                true,
            );
            check(
                Request {
                    by: Some(WORKER),
                    ..request
                },
                false,
            );
            check(
                Request {
                    by: Some(BREAK_GLASS),
                    ..request
                },
                false,
            );
            check(
                Request {
                    by: Some(SOMEBODY),
                    tag: None,
                    ..request
                },
                false,
            );
        }
    }
}

#[test]
fn a_copy_or_a_replica_brings_no_verdict_along() {
    let copy = Request {
        action: "s3:PutObject",
        copies: true,
        ..Request::default()
    };
    check(
        Request {
            by: Some(SOMEBODY),
            ..copy
        },
        true,
    );
    check(
        Request {
            by: Some(BREAK_GLASS),
            ..copy
        },
        false,
    );
    for by in [SOMEBODY, BREAK_GLASS, WORKER] {
        let tags = "s3:ReplicateTags";
        check(
            Request {
                action: tags,
                by: Some(by),
                ..Request::default()
            },
            true,
        );
    }
}

#[test]
fn uploads_go_on_and_the_policy_can_be_taken_away() {
    for action in [
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
    ] {
        check(
            Request {
                action,
                by: Some(SOMEBODY),
                ..Request::default()
            },
            false,
        );
    }
}
