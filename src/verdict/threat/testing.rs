//! An activity and its floor, for tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Floor, Words};
use crate::event::{Activity, ActivityKind, BucketName, Detail, Identity};
use crate::verdict::Threat;

/// Somebody has replaced the policy of the bucket `intake-eu`; the record says what is given.
pub(crate) fn activity(record: Value) -> Activity {
    Activity {
        identity: Identity::CloudTrail {
            event_id: "e-1".to_owned(),
        },
        happened_at: Timestamp::UNIX_EPOCH,
        kind: ActivityKind::ApiCall,
        source: "s3.amazonaws.com".to_owned(),
        name: "PutBucketPolicy".to_owned(),
        account: Some("123456789012".to_owned()),
        region: Some("eu-central-1".to_owned()),
        actor: Some("arn:aws:iam::123456789012:user/jane.doe".to_owned()),
        ip: Some("203.0.113.9".to_owned()),
        error: None,
        severity: None,
        bucket: BucketName::new("intake-eu"),
        key: None,
        detail: Detail::new(record),
    }
}

/// What code alone says of it, at a level.
pub(crate) fn floor(level: Threat) -> Floor {
    let words = Words {
        en: "Bucket policy changed".to_owned(),
        ko: "버킷 정책이 변경되었습니다".to_owned(),
    };
    Floor {
        level,
        rule: "bucket_policy_changed".to_owned(),
        title: words.clone(),
        next_step: words,
        details: BTreeMap::new(),
    }
}
