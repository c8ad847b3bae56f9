//! Objects that landed, as S3 tells it: by event notification and by EventBridge.
//!
//! Both describe the same write with other names and another spelling of the key. What comes out is
//! the same [`Upload`] with the same identity, so a bucket that reports both ways is judged once.

use super::fault::{Fault, NoJob};
use super::fields::{Fields, missing};
use super::plan::Context;
use super::{
    ETag, Envelope, EventPin, Identity, Ignored, Job, Sequencer, Target, Upload, Uploader,
    VersionId, decode,
};

/// Where each fact stands in one kind of record.
struct Layout {
    via: Envelope,
    bucket: &'static str,
    key: &'static str,
    version: &'static str,
    etag: &'static str,
    sequencer: &'static str,
    size: &'static str,
    time: &'static str,
    region: &'static str,
    principal: &'static str,
    ip: &'static str,
}

/// A record of an event notification ("Event message structure", Amazon S3 User Guide).
const NOTIFICATION: Layout = Layout {
    via: Envelope::S3Notification,
    bucket: "/s3/bucket/name",
    key: "/s3/object/key",
    version: "/s3/object/versionId",
    etag: "/s3/object/eTag",
    sequencer: "/s3/object/sequencer",
    size: "/s3/object/size",
    time: "/eventTime",
    region: "/awsRegion",
    principal: "/userIdentity/principalId",
    ip: "/requestParameters/sourceIPAddress",
};

/// An event on EventBridge ("EventBridge event message structure", Amazon S3 User Guide).
const EVENTBRIDGE: Layout = Layout {
    via: Envelope::EventBridge,
    bucket: "/detail/bucket/name",
    key: "/detail/object/key",
    version: "/detail/object/version-id",
    etag: "/detail/object/etag",
    sequencer: "/detail/object/sequencer",
    size: "/detail/object/size",
    time: "/time",
    region: "/region",
    principal: "/detail/requester",
    ip: "/detail/source-ip-address",
};

/// One record of an S3 event notification.
pub(super) fn notification(record: Fields<'_>, context: &Context<'_>) -> Result<Job, NoJob> {
    if record.at("/s3").is_none() {
        return Err(Fault::UnknownEnvelope.into());
    }
    record.check_major("/eventVersion", "2")?;
    let name = record.need("/eventName")?;
    // Some stores write the name as it stands in the settings of a notification.
    let name = name.strip_prefix("s3:").unwrap_or(name);
    match name.split(':').next().unwrap_or(name) {
        "ObjectCreated" => upload(record, &NOTIFICATION, context),
        // The one that lost its bytes is gone as well.
        "ObjectRemoved" | "LifecycleExpiration" | "ReducedRedundancyLostObject" => {
            Err(Ignored::ObjectRemoved.into())
        }
        "ObjectRestore" => Err(Ignored::ObjectRestored.into()),
        "ObjectTagging" | "ObjectAcl" | "ObjectAnnotation" | "ObjectRetention" => {
            Err(Ignored::ObjectMarked.into())
        }
        "LifecycleTransition" | "IntelligentTiering" => Err(Ignored::ObjectMoved.into()),
        "Replication" => Err(Ignored::Replication.into()),
        _ => Err(Fault::UnknownEvent.into()),
    }
}

/// An `Object Created` event.
pub(super) fn object_created(event: Fields<'_>, context: &Context<'_>) -> Result<Job, NoJob> {
    event.check_major("/detail/event-version", "1")?;
    upload(event, &EVENTBRIDGE, context)
}

fn upload(record: Fields<'_>, layout: &Layout, context: &Context<'_>) -> Result<Job, NoJob> {
    let bucket = record.need_bucket(layout.bucket)?;
    let written = record
        .raw_text(layout.key)
        .ok_or_else(|| missing(layout.key))?;
    let key = decode::key(layout.via, written)?;
    let size = record.count(layout.size);
    if size == Some(0) && key.as_str().ends_with('/') {
        return Err(Ignored::FolderMarker.into());
    }
    let version = record.text(layout.version).and_then(VersionId::new);
    let etag = record.text(layout.etag).and_then(ETag::new);
    // A wrong or missing time is no reason to leave an object unseen.
    let happened_at = record.time(layout.time).unwrap_or(context.sent_at);
    let identity = match &version {
        Some(version) => Identity::Version {
            bucket: bucket.clone(),
            key: key.clone(),
            version: version.clone(),
        },
        None => Identity::Write {
            bucket: bucket.clone(),
            key: key.clone(),
            etag: etag.clone(),
            sequencer: record.text(layout.sequencer).and_then(Sequencer::new),
            time: happened_at,
        },
    };
    let pin = version
        .map(EventPin::Version)
        .or_else(|| etag.map(EventPin::ETag));
    Ok(Job::Inspect(Upload {
        target: Target { bucket, key, pin },
        identity,
        happened_at,
        size,
        region: record.owned(layout.region),
        uploader: Uploader {
            principal: record.owned(layout.principal),
            ip: record.owned(layout.ip),
        },
        via: layout.via,
    }))
}
