//! On-demand requests: a person or a program asks for one thing.
//!
//! Requests say what is to be done instead of what has happened, so whoever can write to the queue
//! can make us work. They are off unless `requests.enabled`, and their shape is marked so that
//! nothing else is ever taken for one.

use super::fault::{Fault, NoJob};
use super::fields::{Fields, missing};
use super::plan::Context;
use super::{Ask, Envelope, EventPin, Identity, Job, Request, Target, VersionId, decode};

/// The version of the shape that [`plan()`](super::plan()) documents.
const VERSION: u64 = 1;

/// One request.
pub(super) fn request(fields: Fields<'_>, context: &Context<'_>) -> Result<Job, NoJob> {
    if !context.options.requests_enabled {
        return Err(Fault::RequestsDisabled.into());
    }
    if fields.count("/version") != Some(VERSION) {
        return Err(Fault::UnsupportedVersion("version").into());
    }
    let ask = match fields.need("/kind")? {
        "inspect" => Ask::Inspect(target(fields)?),
        _ => return Err(Fault::UnknownRequest.into()),
    };
    Ok(Job::Answer(Request {
        identity: Identity::request(context.message),
        happened_at: context.sent_at,
        ask,
    }))
}

fn target(fields: Fields<'_>) -> Result<Target, Fault> {
    let written = fields.raw_text("/key").ok_or_else(|| missing("/key"))?;
    Ok(Target {
        bucket: fields.need_bucket("/bucket")?,
        key: decode::key(Envelope::Request, written)?,
        pin: fields
            .text("/version_id")
            .and_then(VersionId::new)
            .map(EventPin::Version),
    })
}
