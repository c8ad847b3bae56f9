//! GuardDuty's findings and the results of its malware scans, as EventBridge delivers them.
//!
//! A finding comes again whenever it is updated: id and `updatedAt` together name one piece of
//! work. A scan result has no id of its own, so the event's id stands in; should GuardDuty report
//! one scan twice it is assessed twice, which is repetition and not silence. Field names are those
//! of "GuardDuty finding format" and "Monitoring S3 object scans with Amazon EventBridge" (Amazon
//! GuardDuty User Guide).

use serde_json::Value;

use super::fault::NoJob;
use super::fields::Fields;
use super::plan::Context;
use super::{Activity, ActivityKind, BucketName, Detail, Envelope, Identity, Job, Key, decode};

/// Who reports.
const SOURCE: &str = "aws.guardduty";

/// A finding, or an update of one.
pub(super) fn finding(event: Fields<'_>, context: &Context<'_>) -> Result<Job, NoJob> {
    let revision = event.need("/detail/updatedAt")?;
    Ok(Job::Assess(Activity {
        identity: Identity::GuardDuty {
            id: event.need("/detail/id")?.to_owned(),
            revision: revision.to_owned(),
        },
        // The same for every revision: the finding has one place in the records.
        happened_at: event
            .time("/detail/createdAt")
            .or_else(|| event.time("/detail/service/eventFirstSeen"))
            .or_else(|| event.time("/detail/updatedAt"))
            .or_else(|| event.time("/time"))
            .unwrap_or(context.sent_at),
        kind: ActivityKind::Finding,
        source: SOURCE.to_owned(),
        name: event.need("/detail/type")?.to_owned(),
        account: event.first(&["/detail/accountId", "/account"]),
        region: event.first(&["/detail/region", "/region"]),
        actor: event.first(&[
            "/detail/resource/accessKeyDetails/userName",
            "/detail/resource/accessKeyDetails/principalId",
        ]),
        ip: remote_address(event),
        error: None,
        severity: event.at("/detail/severity").and_then(|s| s.0.as_f64()),
        bucket: event
            .text("/detail/resource/s3BucketDetails/0/name")
            .and_then(BucketName::new),
        key: key(
            event,
            "/detail/resource/s3BucketDetails/0/s3ObjectDetails/0/key",
        ),
        detail: detail(event),
    }))
}

/// The result of a malware scan of one object.
pub(super) fn malware_scan(event: Fields<'_>, context: &Context<'_>) -> Result<Job, NoJob> {
    let status = event.need("/detail/scanStatus")?;
    let bucket = event.need_bucket("/detail/s3ObjectDetails/bucketName")?;
    Ok(Job::Assess(Activity {
        identity: Identity::GuardDuty {
            id: event.need("/id")?.to_owned(),
            revision: status.to_owned(),
        },
        happened_at: event.time("/time").unwrap_or(context.sent_at),
        kind: ActivityKind::MalwareScan,
        source: SOURCE.to_owned(),
        // A scan that was skipped or failed may say no more than that.
        name: event
            .text("/detail/scanResultDetails/scanResultStatus")
            .unwrap_or(status)
            .to_owned(),
        account: event.owned("/account"),
        region: event.owned("/region"),
        actor: None,
        ip: None,
        error: None,
        severity: None,
        bucket: Some(bucket),
        key: key(event, "/detail/s3ObjectDetails/objectKey"),
        detail: detail(event),
    }))
}

/// The address that acted, which stands where the kind of action says.
fn remote_address(event: Fields<'_>) -> Option<String> {
    [
        "awsApiCallAction",
        "networkConnectionAction",
        "kubernetesApiCallAction",
    ]
    .iter()
    .find_map(|action| {
        event.owned(&format!(
            "/detail/service/action/{action}/remoteIpDetails/ipAddressV4"
        ))
    })
}

/// A key that is only reported: an unusable one is left out, since the finding stands without it.
fn key(event: Fields<'_>, pointer: &str) -> Option<Key> {
    let written = event.text(pointer)?;
    decode::key(Envelope::GuardDuty, written).ok()
}

fn detail(event: Fields<'_>) -> Detail {
    Detail::new(event.0.get("detail").map_or(Value::Null, Value::clone))
}
