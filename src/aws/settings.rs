//! The settings of this room: what holds for all calls to AWS. Region, credentials and endpoints are
//! not among them: those come from the usual AWS variables, profiles and roles.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;

/// `[aws]` as written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawAws {
    /// The account (12 digits) that has to own the guarded buckets; a bucket of the same name that
    /// somebody else owns is then refused. Empty (the default) does not ask.
    pub expected_bucket_owner: String,
    /// Whether we agree to pay for requests to buckets whose requester pays; default false.
    pub request_payer: bool,
}

/// `[aws]`, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// The account that has to own the guarded buckets.
    pub expected_bucket_owner: Option<String>,
    /// Whether we agree to pay for requests.
    pub request_payer: bool,
}

impl RawAws {
    /// The settings, or `None` with at least one problem added.
    pub fn validate(self, problems: &mut Problems) -> Option<AwsSettings> {
        let owner = self.expected_bucket_owner;
        let account = owner.len() == 12 && owner.bytes().all(|b| b.is_ascii_digit());
        if !owner.is_empty() && !account {
            problems.add(
                "aws.expected_bucket_owner",
                "is no account; give the 12 digits of the account that owns the guarded buckets",
            );
            return None;
        }
        Some(AwsSettings {
            expected_bucket_owner: (!owner.is_empty()).then_some(owner),
            request_payer: self.request_payer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_twelve_digits_or_nothing() {
        for (owner, fits) in [
            ("", true),
            ("123456789012", true),
            ("1234-5678-9012", false),
            ("12345678901", false),
        ] {
            let raw = RawAws {
                expected_bucket_owner: owner.to_owned(),
                request_payer: false,
            };
            let mut problems = Problems::new();
            assert_eq!(raw.validate(&mut problems).is_some(), fits, "{owner}");
            assert_eq!(problems.is_empty(), fits);
        }
    }
}
