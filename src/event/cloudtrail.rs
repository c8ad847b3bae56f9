//! CloudTrail records, as EventBridge delivers them.
//!
//! A record is a signal and never the trigger of a look at an object: delivery is best effort and
//! late, and the upload itself is told by S3. Field names are those of "CloudTrail record contents"
//! (AWS CloudTrail User Guide).

use super::fault::NoJob;
use super::fields::Fields;
use super::plan::Context;
use super::{Activity, ActivityKind, BucketName, Detail, Envelope, Identity, Job, decode};

/// Where the actor's name may stand, the most telling first.
const ACTOR: [&str; 6] = [
    "/detail/userIdentity/arn",
    "/detail/userIdentity/userName",
    "/detail/userIdentity/principalId",
    "/detail/userIdentity/invokedBy",
    "/detail/userIdentity/accountId",
    "/detail/userIdentity/type",
];

/// One record.
pub(super) fn record(
    kind: ActivityKind,
    event: Fields<'_>,
    context: &Context<'_>,
) -> Result<Job, NoJob> {
    event.check_major("/detail/eventVersion", "1")?;
    Ok(Job::Assess(Activity {
        identity: Identity::CloudTrail {
            event_id: event.need("/detail/eventID")?.to_owned(),
        },
        happened_at: event
            .time("/detail/eventTime")
            .or_else(|| event.time("/time"))
            .unwrap_or(context.sent_at),
        kind,
        source: event.need("/detail/eventSource")?.to_owned(),
        name: event.need("/detail/eventName")?.to_owned(),
        account: event.first(&["/detail/recipientAccountId", "/account"]),
        region: event.first(&["/detail/awsRegion", "/region"]),
        actor: event.first(&ACTOR),
        ip: event.owned("/detail/sourceIPAddress"),
        // A console sign-in has no `errorCode`: it says `Failure` and why.
        error: event
            .first(&["/detail/errorCode", "/detail/errorMessage"])
            .or_else(|| failed_sign_in(event)),
        severity: None,
        bucket: event
            .text("/detail/requestParameters/bucketName")
            .and_then(BucketName::new),
        key: event
            .text("/detail/requestParameters/key")
            .and_then(|key| decode::key(Envelope::CloudTrail, key).ok()),
        detail: Detail::new(
            event
                .at("/detail")
                .map_or_else(Default::default, |d| d.0.clone()),
        ),
    }))
}

/// The answer to a sign-in, where it was a refusal.
fn failed_sign_in(event: Fields<'_>) -> Option<String> {
    event
        .owned("/detail/responseElements/ConsoleLogin")
        .filter(|answer| answer == "Failure")
}
