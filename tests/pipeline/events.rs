//! Events as EventBridge would send them, with what a test is about.

use serde_json::{Value, json};

use crate::ground::{Ground, bucket};

/// When the events happened.
const HAPPENED: &str = "2026-11-20T10:15:30Z";

/// A CloudTrail record of a call that succeeded.
pub(crate) fn call(id: &str, source: &str, name: &str, parameters: &Value) -> String {
    record(id, "AWS API Call via CloudTrail", |detail| {
        detail["eventSource"] = source.into();
        detail["eventName"] = name.into();
        detail["requestParameters"] = parameters.clone();
    })
}

/// Somebody stops a trail: `high` by the rules.
pub(crate) fn trail_stopped(id: &str) -> String {
    let trail = json!({"name": "arn:aws:cloudtrail:eu-central-1:111122223333:trail/all"});
    call(id, "cloudtrail.amazonaws.com", "StopLogging", &trail)
}

/// Somebody lists buckets: no rule speaks of it.
pub(crate) fn buckets_listed(id: &str) -> String {
    call(id, "s3.amazonaws.com", "ListBuckets", &json!({}))
}

/// Somebody puts an object into the guarded folder.
pub(crate) fn put(id: &str, key: &str) -> String {
    let object = json!({"bucketName": bucket().as_str(), "key": key});
    call(id, "s3.amazonaws.com", "PutObject", &object)
}

/// Root signs in without a second factor.
pub(crate) fn root_signs_in(id: &str) -> String {
    record(id, "AWS Console Sign In via CloudTrail", |detail| {
        detail["userIdentity"] = json!({
            "type": "Root", "arn": "arn:aws:iam::111122223333:root", "accountId": "111122223333",
        });
        detail["eventSource"] = "signin.amazonaws.com".into();
        detail["eventName"] = "ConsoleLogin".into();
        detail["responseElements"] = json!({"ConsoleLogin": "Success"});
        detail["additionalEventData"] = json!({"MFAUsed": "No"});
    })
}

/// A record, changed.
pub(crate) fn record(id: &str, kind: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE",
            "arn": "arn:aws:iam::111122223333:user/jane.doe", "accountId": "111122223333",
            "userName": "jane.doe",
        },
        "eventTime": HAPPENED,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "192.0.2.10",
        "eventID": id,
        "recipientAccountId": "111122223333",
    });
    change(&mut detail);
    bridged(kind, &detail)
}

/// A GuardDuty finding in one of its revisions.
pub(crate) fn guardduty(id: &str, revision: u8, severity: f64) -> String {
    bridged(
        "GuardDuty Finding",
        &json!({
            "schemaVersion": "2.0",
            "accountId": "111122223333",
            "region": "eu-central-1",
            "id": id,
            "type": "Exfiltration:S3/AnomalousBehavior",
            "resource": {"resourceType": "AccessKey"},
            "service": {"serviceName": "guardduty", "count": revision},
            "severity": severity,
            "createdAt": "2026-11-20T09:05:00.000Z",
            "updatedAt": format!("2026-11-20T10:15:{revision:02}.000Z"),
            "title": "Unusual reads",
            "description": "Objects were read from an unusual address.",
        }),
    )
}

/// The result of a malware scan.
pub(crate) fn malware_found(id: &str, key: &str) -> String {
    let detail = json!({
        "schemaVersion": "1.0",
        "scanStatus": "COMPLETED",
        "s3ObjectDetails": {"bucketName": bucket().as_str(), "objectKey": key, "eTag": "e"},
        "scanResultDetails": {"scanResultStatus": "THREATS_FOUND", "threats": [{"name": "EICAR"}]},
    });
    let mut event: Value = serde_json::from_str(&bridged(
        "GuardDuty Malware Protection Object Scan Result",
        &detail,
    ))
    .unwrap();
    event["id"] = id.into();
    event.to_string()
}

fn bridged(kind: &str, detail: &Value) -> String {
    json!({
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": "aws.any",
        "account": "111122223333",
        "time": HAPPENED,
        "region": "eu-central-1",
        "detail": detail,
    })
    .to_string()
}

impl Ground {
    /// Sends an event to where events go.
    pub(crate) async fn tell(&self, event: &str) {
        self.events.send(event).await;
    }
}
