//! The files under `tests/fixtures/events`, each with the plan it leads to.

/// One row: the name of a file, its text, and the plan it leads to.
pub(super) struct Row(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static [&'static str],
);

macro_rules! row {
    ($name:literal, $($line:expr),+ $(,)?) => {
        Row(
            $name,
            include_str!(concat!("../../../tests/fixtures/events/", $name, ".json")),
            &[$($line),+],
        )
    };
}

pub(super) const TABLE: &[Row] = &[
    row!(
        "cloudtrail-console-sign-in-failed",
        "assess ConsoleSignIn signin.amazonaws.com ConsoleLogin by arn:aws:iam::111122223333:root from 192.0.2.10 error Failure severity None on - - in 111122223333 eu-central-1 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "cloudtrail-put-bucket-policy",
        "assess ApiCall s3.amazonaws.com PutBucketPolicy by arn:aws:iam::111122223333:user/jane.doe from 192.0.2.10 error - severity None on guarded-bucket - in 111122223333 eu-central-1 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "cloudtrail-put-object-denied",
        "assess ApiCall s3.amazonaws.com PutObject by arn:aws:iam::111122223333:user/jane.doe from 192.0.2.10 error AccessDenied severity None on guarded-bucket passports/jane+doe%20.png in 111122223333 eu-central-1 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "cloudtrail-service-event",
        "assess ServiceEvent kms.amazonaws.com RotateKey by kms.amazonaws.com from kms.amazonaws.com error - severity None on - - in 111122223333 eu-central-1 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "cloudtrail-version-2",
        "unreadable unsupported_version detail/eventVersion",
    ),
    row!(
        "cloudtrail-without-event-id",
        "unreadable missing_field detail/eventID",
    ),
    row!(
        "eventbridge-object-created",
        "inspect guarded-bucket `passports/jane-doe.png` version 3HL4kq of 48211 by EventBridge from eu-central-1 111122223333 192.0.2.10 at 2026-11-20T10:15:30Z",
    ),
    row!("eventbridge-object-created-key-empty", "unreadable bad_key",),
    row!(
        "eventbridge-object-created-unversioned",
        "inspect guarded-bucket `a+b c%20.txt` etag 0cc175 of 48211 by EventBridge from eu-central-1 111122223333 192.0.2.10 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "eventbridge-object-created-version-2",
        "unreadable unsupported_version detail/event-version",
    ),
    row!("eventbridge-object-deleted", "ignored object_removed",),
    row!(
        "eventbridge-object-restore-completed",
        "ignored object_restored",
    ),
    row!(
        "eventbridge-object-storage-class-changed",
        "ignored object_moved",
    ),
    row!("eventbridge-object-tags-added", "ignored object_marked",),
    row!("eventbridge-unknown", "unreadable unknown_event",),
    row!(
        "guardduty-finding",
        "assess Finding aws.guardduty Exfiltration:S3/AnomalousBehavior by jane.doe from 198.51.100.7 error - severity Some(8.9) on guarded-bucket - in 111122223333 eu-central-1 at 2026-11-20T09:05:00Z",
    ),
    row!(
        "guardduty-finding-malicious-file",
        "assess Finding aws.guardduty Object:S3/MaliciousFile by - from - error - severity Some(9.0) on guarded-bucket passports/jane-doe.png in 111122223333 eu-central-1 at 2026-11-20T09:05:00Z",
    ),
    row!(
        "guardduty-finding-without-revision",
        "unreadable missing_field detail/updatedAt",
    ),
    row!(
        "guardduty-malware-failed",
        "assess MalwareScan aws.guardduty FAILED by - from - error - severity None on guarded-bucket passports/jane-doe.png in 111122223333 eu-central-1 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "guardduty-malware-threats-found",
        "assess MalwareScan aws.guardduty THREATS_FOUND by - from - error - severity None on guarded-bucket passports/jane-doe.png in 111122223333 eu-central-1 at 2026-11-20T10:15:30Z",
    ),
    row!(
        "request-inspect",
        "answer inspect guarded-bucket `passports/jane+doe.png` version 3HL4kq at 2026-11-20T12:00:00Z",
    ),
    row!(
        "request-inspect-unpinned",
        "answer inspect guarded-bucket `passports/jane+doe.png` no pin at 2026-11-20T12:00:00Z",
    ),
    row!("request-unknown-kind", "unreadable unknown_request inspect",),
    row!(
        "request-version-2",
        "unreadable unsupported_version version",
    ),
    row!("request-without-key", "unreadable missing_field key",),
    row!(
        "s3-bare-minimum",
        "inspect guarded-bucket `passports/jane-doe.png` no pin of ? by S3Notification from - - - at 2026-11-20T12:00:00Z",
    ),
    row!(
        "s3-folder-marker",
        "inspect guarded-bucket `passports/` etag 0cc175 of 7 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "inspect guarded-bucket `empty.png` etag 0cc175 of 0 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "ignored folder_marker",
    ),
    row!("s3-key-bad-percent", "unreadable bad_key_encoding",),
    row!("s3-key-bad-utf8", "unreadable bad_key_encoding",),
    row!("s3-key-empty", "unreadable bad_key",),
    row!(
        "s3-key-encoded",
        "inspect guarded-bucket `scans/a+b c%20 신분증.jpg` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
    ),
    row!("s3-key-too-long", "unreadable bad_key",),
    row!(
        "s3-not-created",
        "ignored object_removed",
        "ignored object_removed",
        "ignored object_removed",
        "ignored object_removed",
        "ignored object_restored",
        "ignored object_restored",
        "ignored object_marked",
        "ignored object_marked",
        "ignored object_marked",
        "ignored object_marked",
        "ignored object_moved",
        "ignored object_moved",
        "ignored replication",
    ),
    row!(
        "s3-odd-optional-fields",
        "inspect guarded-bucket `passports/jane-doe.png` no pin of ? by S3Notification from eu-central-1 - - at 2026-11-20T12:00:00Z",
    ),
    row!(
        "s3-post-copy-multipart",
        "inspect guarded-bucket `passports/jane-doe.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "inspect guarded-bucket `passports/jane-doe.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "inspect guarded-bucket `passports/jane-doe.png` etag d41d8c of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "inspect guarded-bucket `passports/jane-doe.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
    ),
    row!(
        "s3-put-2.1",
        "inspect guarded-bucket `passports/jane-doe.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
    ),
    row!(
        "s3-put-2.6-versioned",
        "inspect guarded-bucket `passports/jane-doe.png` version 3HL4kq of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
    ),
    row!("s3-records-empty", "unreadable no_records Records",),
    row!("s3-records-not-a-list", "unreadable missing_field Records",),
    row!("s3-records-too-many", "unreadable too_many_records",),
    row!("s3-records-twice", "unreadable duplicate_field Records",),
    row!(
        "s3-several-records",
        "inspect guarded-bucket `passports/jane-doe.png` version 3HL4kq of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "inspect guarded-bucket `last.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
        "ignored object_removed",
        "unreadable bad_key_encoding",
        "unreadable unsupported_version eventVersion",
        "unreadable missing_field s3/bucket/name",
        "unreadable missing_field s3/object/key",
        "unreadable missing_field eventName",
        "unreadable unknown_envelope",
        "unreadable unknown_envelope",
        "unreadable unknown_event",
    ),
    row!("s3-test-event", "ignored test_event",),
    row!(
        "s3-version-null",
        "inspect guarded-bucket `passports/jane-doe.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
    ),
    row!(
        "sns-eventbridge-object-created",
        "inspect guarded-bucket `my+card.png` version 3HL4kq of 48211 by EventBridge from eu-central-1 111122223333 192.0.2.10 at 2026-11-20T10:15:30Z",
    ),
    row!("sns-not-json", "unreadable not_json",),
    row!(
        "sns-s3-put",
        "inspect guarded-bucket `my card.png` etag 0cc175 of 48211 by S3Notification from eu-central-1 AWS:AIDAEXAMPLEJANE 192.0.2.10 at 2026-11-20T10:15:30.123Z",
    ),
    row!(
        "sns-subscription-confirmation",
        "unreadable subscription_notice",
    ),
    row!("sns-test-event", "ignored test_event",),
    row!("sns-too-deep", "unreadable too_deep",),
    row!(
        "sns-unsubscribe-confirmation",
        "unreadable subscription_notice",
    ),
    row!("unknown-object", "unreadable unknown_envelope",),
];
