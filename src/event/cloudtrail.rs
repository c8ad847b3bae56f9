//! CloudTrail records, as EventBridge delivers them.
//!
//! A record is a signal, and by itself no reason to look at an object: delivery is best effort and
//! late, and the upload itself is told by S3. Only for buckets that have no notifications, which are
//! listed by name, the record of a picture's upload asks for a look as well. Field names are those
//! of "CloudTrail record contents" (AWS CloudTrail User Guide).

use super::fault::NoJob;
use super::fields::Fields;
use super::plan::Context;
use super::{
    Activity, ActivityKind, BucketName, Detail, Envelope, EventPin, Identity, Job, Key, Target,
    Upload, Uploader, VersionId, decode, looks_like_image_name,
};

/// Where the actor's name may stand, the most telling first.
const ACTOR: [&str; 6] = [
    "/detail/userIdentity/arn",
    "/detail/userIdentity/userName",
    "/detail/userIdentity/principalId",
    "/detail/userIdentity/invokedBy",
    "/detail/userIdentity/accountId",
    "/detail/userIdentity/type",
];

/// The calls that put an object into a bucket ("Amazon S3 CloudTrail events", Amazon S3 User Guide).
const UPLOADS: [&str; 4] = [
    "PutObject",
    "CopyObject",
    "CompleteMultipartUpload",
    "PostObject",
];

/// Where a record may say what an uploader calls the bytes.
const CONTENT_TYPE: [&str; 3] = [
    "/detail/requestParameters/content-type",
    "/detail/requestParameters/Content-Type",
    "/detail/requestParameters/contentType",
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
            event_id: event_id(event)?,
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
            .or_else(|| failed_sign_in(kind, event)),
        severity: None,
        bucket: event
            .parameter("/detail/requestParameters/bucketName")
            .and_then(BucketName::new),
        key: event
            .parameter("/detail/requestParameters/key")
            .and_then(|key| decode::key(Envelope::CloudTrail, key).ok()),
        detail: Detail::new(
            event
                .at("/detail")
                .map_or_else(Default::default, |d| d.0.clone()),
        ),
    }))
}

/// What names the action. One that concerns two accounts, such as a read of a bucket by somebody from
/// another account, is recorded in both, each with an `eventID` of its own: `sharedEventID` is the same
/// in both, and one action is one piece of work.
fn event_id(event: Fields<'_>) -> Result<String, NoJob> {
    let own = event.need("/detail/eventID")?;
    let id = event.text("/detail/sharedEventID").unwrap_or(own);
    Ok(id.to_owned())
}

/// The answer to a sign-in, or to another request at its page, where it was a refusal: it stands
/// under the name of the event.
fn failed_sign_in(kind: ActivityKind, event: Fields<'_>) -> Option<String> {
    let name = event.text("/detail/eventName")?;
    let answer = event
        .at("/detail/responseElements")?
        .0
        .get(name)?
        .as_str()?;
    let failed = kind == ActivityKind::ConsoleSignIn && answer == "Failure";
    failed.then(|| answer.to_owned())
}

/// The upload that a record tells, where nothing else would tell it: a call that succeeded and put a
/// picture, by its name or by what its uploader calls it, into a bucket that is listed.
pub(super) fn upload(
    activity: &Activity,
    event: Fields<'_>,
    context: &Context<'_>,
) -> Option<Upload> {
    let puts = activity.kind == ActivityKind::ApiCall
        && activity.source == "s3.amazonaws.com"
        && UPLOADS.contains(&activity.name.as_str())
        && activity.error.is_none();
    if !puts {
        return None;
    }
    let (bucket, key) = match (activity.bucket.clone(), activity.key.clone()) {
        (Some(bucket), Some(key)) => (bucket, key),
        // A form upload names its key in the form.
        _ => object_of(event)?,
    };
    let called_image = event
        .first(&CONTENT_TYPE)
        .is_some_and(|called| called.to_ascii_lowercase().starts_with("image/"));
    let listed = context.options.cloudtrail_uploads.contains(&bucket);
    if !listed || !(called_image || looks_like_image_name(key.as_str())) {
        return None;
    }
    let version = event
        .text("/detail/responseElements/x-amz-version-id")
        .and_then(VersionId::new);
    let identity = match &version {
        Some(version) => Identity::Version {
            bucket: bucket.clone(),
            key: key.clone(),
            version: version.clone(),
        },
        None => Identity::Write {
            bucket: bucket.clone(),
            key: key.clone(),
            etag: None,
            sequencer: None,
            time: activity.happened_at,
        },
    };
    Some(Upload {
        target: Target {
            bucket,
            key,
            pin: version.map(EventPin::Version),
        },
        identity,
        happened_at: activity.happened_at,
        // The bytes that went over the wire are not always those of the object.
        size: None,
        region: activity.region.clone(),
        uploader: Uploader {
            principal: activity.actor.clone(),
            ip: activity.ip.clone(),
        },
        via: Envelope::CloudTrail,
    })
}

/// The object among the resources that a record names.
fn object_of(event: Fields<'_>) -> Option<(BucketName, Key)> {
    let resources = event.at("/detail/resources")?.0.as_array()?;
    resources.iter().map(Fields).find_map(|resource| {
        if resource.text("/type") != Some("AWS::S3::Object") {
            return None;
        }
        let (_, path) = resource.text("/ARN")?.split_once(":::")?;
        let (bucket, key) = path.split_once('/')?;
        let key = decode::key(Envelope::CloudTrail, key).ok()?;
        Some((BucketName::new(bucket)?, key))
    })
}
