//! Which of the policies in `deploy/iam` grants what was denied.

use super::report::{Area, Check};

/// What only the doctor asks, by what it asks it about.
const DOCTORS: [(Area, &[&str]); 8] = [
    (
        Area::Buckets,
        &[
            "s3:GetBucketNotification",
            "s3:GetBucketObjectLockConfiguration",
            "sns:ListSubscriptionsByTopic",
        ],
    ),
    (Area::Records, OWN_BUCKETS),
    (Area::Quarantine, OWN_BUCKETS),
    (Area::Alerts, &["sns:ListSubscriptionsByTopic"]),
    (
        Area::Model,
        &[
            "bedrock:GetInferenceProfile",
            "bedrock:GetModelInvocationLoggingConfiguration",
            "bedrock:InvokeModel",
        ],
    ),
    (Area::Quotas, &["servicequotas:ListServiceQuotas"]),
    (
        Area::Events,
        &["events:ListRuleNamesByTarget", "events:DescribeRule"],
    ),
    (Area::Limits, &[]),
];

const OWN_BUCKETS: &[&str] = &[
    "s3:ListBucketVersions",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketPolicyStatus",
    "s3:GetLifecycleConfiguration",
];

/// The file of `deploy/iam` that lets an operator do for a check what was denied.
///
/// Operators have a role of their own, never the service's, so the service's policies are not named.
pub fn policy_of(check: Check, action: &str) -> &'static str {
    let doctors = DOCTORS
        .iter()
        .any(|(of, actions)| *of == check.area() && actions.contains(&action));
    // Trials among the records lie under a prefix of their own, which only the doctor may write to.
    if doctors || check == Check::ConditionalWrites {
        "deploy/iam/doctor.json"
    } else {
        "deploy/iam/operator.json"
    }
}
