//! Rules on what watches, and on who gets in.

use serde_json::{Value, json};

use super::{Row, by_root, call, with};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = watches();
    rows.extend(entries());
    rows
}

fn watches() -> Vec<Row> {
    let gd = |name: &str, parameters: Value| call("guardduty", name, parameters);
    let plain = |service: &str, names: &[&str]| -> Vec<Value> {
        names
            .iter()
            .map(|name| call(service, name, json!({})))
            .collect()
    };
    vec![
        Row(
            "trail_stopped",
            plain("cloudtrail", &["StopLogging", "DeleteTrail"]),
            plain(
                "cloudtrail",
                &["StartLogging", "CreateTrail", "StopLoggingX"],
            ),
        ),
        Row(
            "event_data_store_stopped",
            plain(
                "cloudtrail",
                &["DeleteEventDataStore", "StopEventDataStoreIngestion"],
            ),
            plain("cloudtrail", &["StartEventDataStoreIngestion"]),
        ),
        Row(
            "trail_changed",
            plain(
                "cloudtrail",
                &["UpdateTrail", "PutEventSelectors", "PutInsightSelectors"],
            ),
            plain("cloudtrail", &["GetEventSelectors"]),
        ),
        Row(
            "detector_deleted",
            plain("guardduty", &["DeleteDetector"]),
            vec![
                gd("GetDetector", json!({})),
                call("guarddutyX", "DeleteDetector", json!({})),
            ],
        ),
        Row(
            "detector_disabled",
            vec![
                gd("UpdateDetector", json!({"enable": false})),
                gd("UpdateDetector", json!({"enable": "false"})),
            ],
            vec![
                gd("UpdateDetector", json!({"enable": true})),
                gd("UpdateDetector", json!({})),
                gd("UpdateDetector", json!({"enable": 0})),
            ],
        ),
        Row(
            "detector_weakened",
            vec![
                gd(
                    "UpdateDetector",
                    json!({"features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]}),
                ),
                gd(
                    "UpdateDetector",
                    json!({"dataSources": {"s3Logs": {"enable": false}}}),
                ),
                gd(
                    "UpdateMemberDetectors",
                    json!({"features": [{"name": "S3_DATA_EVENTS", "status": "DISABLED"}]}),
                ),
                gd(
                    "UpdateOrganizationConfiguration",
                    json!({"features": [{"autoEnable": "NONE"}]}),
                ),
            ],
            vec![
                gd(
                    "UpdateDetector",
                    json!({"features": [{"name": "S3_DATA_EVENTS", "status": "ENABLED"}]}),
                ),
                gd(
                    "UpdateDetector",
                    json!({"findingPublishingFrequency": "SIX_HOURS"}),
                ),
            ],
        ),
        Row(
            "findings_suppressed",
            vec![
                gd("CreateFilter", json!({"action": "ARCHIVE"})),
                gd("UpdateFilter", json!({"action": "ARCHIVE"})),
            ],
            vec![
                gd("CreateFilter", json!({"action": "NOOP"})),
                gd("CreateFilter", json!({})),
            ],
        ),
        Row(
            "findings_archived",
            plain("guardduty", &["ArchiveFindings"]),
            plain("guardduty", &["UnarchiveFindings"]),
        ),
        Row(
            "trusted_addresses_changed",
            plain(
                "guardduty",
                &[
                    "CreateIPSet",
                    "UpdateIPSet",
                    "CreateTrustedEntitySet",
                    "UpdateTrustedEntitySet",
                ],
            ),
            plain("guardduty", &["CreateThreatIntelSet"]),
        ),
        Row(
            "members_left",
            plain(
                "guardduty",
                &[
                    "StopMonitoringMembers",
                    "DisassociateMembers",
                    "DeleteMembers",
                    "DisassociateFromMasterAccount",
                    "DisassociateFromAdministratorAccount",
                    "DisableOrganizationAdminAccount",
                ],
            ),
            plain("guardduty", &["StartMonitoringMembers"]),
        ),
        Row(
            "guardduty_plan_changed",
            plain(
                "guardduty",
                &[
                    "DeletePublishingDestination",
                    "UpdatePublishingDestination",
                    "DeleteMalwareProtectionPlan",
                    "UpdateMalwareProtectionPlan",
                ],
            ),
            plain("guardduty", &["CreatePublishingDestination"]),
        ),
        Row(
            "config_recorder_stopped",
            plain(
                "config",
                &[
                    "StopConfigurationRecorder",
                    "DeleteConfigurationRecorder",
                    "DeleteDeliveryChannel",
                ],
            ),
            plain("config", &["StartConfigurationRecorder"]),
        ),
        Row(
            "security_service_disabled",
            [
                plain(
                    "securityhub",
                    &["DisableSecurityHub", "DisableSecurityHubV2"],
                ),
                plain("macie2", &["DisableMacie"]),
                plain("access-analyzer", &["DeleteAnalyzer"]),
            ]
            .concat(),
            plain("securityhub", &["EnableSecurityHub", "BatchImportFindings"]),
        ),
        Row(
            "event_rule_removed",
            plain("events", &["DisableRule", "DeleteRule", "RemoveTargets"]),
            [
                plain("events", &["EnableRule"]),
                plain("wafv2", &["DeleteRule"]),
            ]
            .concat(),
        ),
    ]
}

fn sign_in(kind: &str, answer: &str, mfa: Option<&str>) -> Value {
    let record = call("signin", "ConsoleLogin", json!(null));
    let record = with(record, "eventType", json!("AwsConsoleSignIn"));
    let record = with(record, "responseElements", json!({"ConsoleLogin": answer}));
    let record = with(record, "additionalEventData", json!({"MFAUsed": mfa}));
    with(
        record,
        "userIdentity",
        json!({"type": kind, "accountId": "111122223333"}),
    )
}

/// Something about the root user that is recorded like a sign-in.
fn about_root(name: &str) -> Value {
    let record = by_root(call("signin", name, json!(null)));
    let record = with(record, "eventType", json!("AwsConsoleSignIn"));
    with(record, "responseElements", json!({name: "Success"}))
}

fn entries() -> Vec<Row> {
    let (no, yes) = (Some("No"), Some("Yes"));
    let message = with(
        sign_in("IAMUser", "Failure", no),
        "errorMessage",
        json!("Failed authentication"),
    );
    vec![
        Row(
            "root_sign_in_without_mfa",
            vec![sign_in("Root", "Success", no)],
            vec![
                sign_in("Root", "Success", None),
                sign_in("Root", "Success", yes),
                sign_in("Root", "Failure", no),
                sign_in("IAMUser", "Success", no),
            ],
        ),
        Row(
            "root_sign_in",
            vec![
                sign_in("Root", "Success", yes),
                sign_in("Root", "Success", no),
            ],
            vec![
                sign_in("Root", "Failure", no),
                sign_in("IAMUser", "Success", yes),
            ],
        ),
        Row(
            "root_password_recovery_requested",
            vec![about_root("PasswordRecoveryRequested")],
            vec![
                about_root("PasswordRecoveryCompleted"),
                with(
                    about_root("PasswordRecoveryRequested"),
                    "userIdentity",
                    json!({"type": "IAMUser"}),
                ),
            ],
        ),
        Row(
            "root_credentials_changed",
            vec![
                about_root("PasswordRecoveryCompleted"),
                about_root("PasswordUpdated"),
                about_root("EmailUpdated"),
            ],
            vec![
                about_root("PasswordRecoveryRequested"),
                with(
                    about_root("PasswordUpdated"),
                    "userIdentity",
                    json!({"type": "IAMUser"}),
                ),
            ],
        ),
        Row(
            "root_sign_in_failed",
            vec![sign_in("Root", "Failure", no)],
            vec![
                sign_in("Root", "Success", no),
                sign_in("IAMUser", "Failure", no),
            ],
        ),
        Row(
            "sign_in_without_mfa",
            vec![sign_in("IAMUser", "Success", no)],
            vec![
                sign_in("IAMUser", "Success", yes),
                sign_in("IAMUser", "Success", None),
                sign_in("IAMUser", "Failure", no),
                sign_in("AssumedRole", "Success", no),
                sign_in("Root", "Success", no),
            ],
        ),
        Row(
            "sign_in_failed",
            vec![
                sign_in("IAMUser", "Failure", no),
                message,
                sign_in("SAMLUser", "Failure", None),
            ],
            vec![
                sign_in("IAMUser", "Success", no),
                sign_in("Root", "Failure", no),
            ],
        ),
        Row(
            "root_use",
            vec![
                by_root(call("s3", "ListBuckets", json!(null))),
                by_root(call("support", "CreateCase", json!({}))),
                about_root("GetSigninToken"),
            ],
            vec![
                about_root("CheckMfa"),
                call("s3", "ListBuckets", json!(null)),
                by_root(sign_in("IAMUser", "Success", yes)),
                with(
                    by_root(call("kms", "RotateKey", json!(null))),
                    "eventType",
                    json!("AwsServiceEvent"),
                ),
                with(
                    call("s3", "ListBuckets", json!(null)),
                    "userIdentity",
                    json!({"type": "Root", "invokedBy": "support.amazonaws.com"}),
                ),
                with(
                    call("s3", "ListBuckets", json!(null)),
                    "userIdentity",
                    json!({"type": "IAMUser", "userName": "Root", "arn": "arn:aws:iam::111122223333:root"}),
                ),
            ],
        ),
    ]
}
