//! The buckets of our own.

use s3_warden::maintenance::doctor::Check;

use super::{Case, refuse, say};
use crate::doctor::answers::{encryption, listed, public_block, s3, versioning};
use crate::doctor::aws::Twist;

pub(super) fn quarantine() -> Vec<Case> {
    let ends = |rule: &str| {
        let rule = format!("<Rule><ID>r</ID><Status>Enabled</Status>{rule}</Rule>");
        say(
            "s3:GetLifecycleConfiguration",
            "vault",
            s3("LifecycleConfiguration", &rule),
        )
    };
    vec![
        Case::new(Check::QuarantineBucket, "vault", "problem")
            .says("not there", "quarantine.bucket")
            .behind(&[
                Check::QuarantinePublic,
                Check::QuarantineKey,
                Check::QuarantineLifecycle,
                Check::QuarantineWrite,
            ])
            .with(refuse("s3:ListBucket", "vault", 404, "NoSuchBucket")),
        Case::new(Check::QuarantinePublic, "vault", "problem")
            .says("public", "put-public-access-block --bucket vault")
            .with(say(
                "s3:GetBucketPublicAccessBlock",
                "vault",
                public_block(false),
            ))
            .with(say(
                "s3:GetBucketPolicyStatus",
                "vault",
                s3("PolicyStatus", "<IsPublic>TRUE</IsPublic>"),
            )),
        Case::new(Check::QuarantineKey, "vault", "warning")
            .says("no KMS key", "KMS key")
            .with(say(
                "s3:GetEncryptionConfiguration",
                "vault",
                encryption("AES256", ""),
            )),
        Case::new(Check::QuarantineLifecycle, "vault", "warning")
            .says("nothing ever expires", "lifecycle rule")
            .with(refuse(
                "s3:GetLifecycleConfiguration",
                "vault",
                404,
                "NoSuchLifecycleConfiguration",
            )),
        Case::new(Check::QuarantineWrite, "vault", "problem")
            .says("nothing was written", "a proxy")
            .behind(&[Check::QuarantineLifecycle])
            .with(say("s3:ListBucketVersions", "vault", s3("ListVersionsResult", ""))),
        Case::new(Check::QuarantineWrite, "vault", "problem")
            .says("KMS key", "kms:GenerateDataKey")
            .behind(&[Check::QuarantineLifecycle])
            .with(refuse("s3:PutObject", "vault", 403, "KmsDenied")),
        Case::new(Check::QuarantineLifecycle, "vault", "warning")
            .says("nothing ever expires", "lifecycle rule")
            .with(ends("<Filter/><Expiration><ExpiredObjectDeleteMarker>true\
                </ExpiredObjectDeleteMarker></Expiration>")),
        Case::new(Check::QuarantineLifecycle, "vault", "warning")
            .says("every object of quarantine.prefix", "lifecycle rule")
            .with(ends(
                "<Filter><Prefix>elsewhere/</Prefix></Filter><Expiration><Days>30</Days></Expiration>",
            )),
        Case::new(Check::QuarantineLifecycle, "vault", "warning")
            .says("every object of quarantine.prefix", "lifecycle rule")
            .with(ends("<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>\
                <Expiration><Days>30</Days></Expiration>")),
        Case::new(Check::QuarantineLifecycle, "vault", "warning")
            .says("old ones never expire", "lifecycle rule")
            .with(Twist::Header("s3:PutObject", "vault".to_owned(), "x-amz-version-id", "v1")),
    ]
}

pub(super) fn records() -> Vec<Case> {
    let old = listed("pending/0123", "2026-01-01T00:00:00Z", 9);
    let halt = "{\"since\": \"2026-11-22T10:00:00Z\", \"by\": \"a person\", \"reason\": null}";
    let open = "{\"generation\": 3, \"open_since\": \"2026-11-22T10:00:00Z\"}";
    vec![
        Case::new(Check::RecordsBucket, "records", "problem")
            .says("not there", "records.bucket")
            .behind(&[
                Check::ConditionalWrites,
                Check::RecordsVersioning,
                Check::RecordsEncryption,
                Check::RecordsPublic,
                Check::PendingFindings,
                Check::Switches,
            ])
            .with(refuse("s3:ListBucket", "records", 404, "NoSuchBucket")),
        Case::new(Check::ConditionalWrites, "records", "problem")
            .says("was not", "If-None-Match")
            .with(Twist::Overwrites),
        Case::new(Check::ConditionalWrites, "records", "problem")
            .says("does not know s3:PutObject", "If-None-Match")
            .with(refuse(
                "s3:PutObject",
                "records/probe",
                501,
                "NotImplemented",
            )),
        Case::new(Check::RecordsVersioning, "records", "warning")
            .says("off", "put-bucket-versioning --bucket records")
            .with(say("s3:GetBucketVersioning", "records", versioning(""))),
        Case::new(Check::RecordsEncryption, "records", "warning")
            .says("no default encryption", "AES256")
            .with(refuse(
                "s3:GetEncryptionConfiguration",
                "records",
                404,
                "ServerSideEncryptionConfigurationNotFoundError",
            )),
        Case::new(Check::RecordsPublic, "records", "warning")
            .says("not blocked", "put-public-access-block --bucket records")
            .with(refuse(
                "s3:GetBucketPublicAccessBlock",
                "records",
                404,
                "NoSuchPublicAccessBlockConfiguration",
            )),
        Case::new(Check::PendingFindings, "records", "warning")
            .says("1 open, 1 of them", "/readyz")
            .with(say("s3:ListBucket", "records?list", old)),
        Case::new(Check::Switches, "records", "warning")
            .says("paused since 2026-11-22 10:00 UTC", "s3-warden resume")
            .with(say("s3:GetObject", "records/control/halt.json", halt)),
        Case::new(Check::Switches, "records", "warning")
            .says("breaker is open since", "s3-warden breaker reset")
            .with(say("s3:GetObject", "records/control/breaker.json", open)),
    ]
}
