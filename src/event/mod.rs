//! What happened: messages as received, and what they mean.
//!
//! A [`Delivery`] is one message under lease. [`plan()`] reads its body, whatever envelope it came
//! in, and says which [`Job`]s it asks for. Everything right of this room works on the typed
//! values made here: keys are decoded once, at this edge, and never again.

mod cloudtrail;
mod decode;
mod delivery;
mod fault;
mod fields;
mod filter;
mod fitness;
mod guardduty;
mod identity;
mod image_name;
mod job;
mod overflow;
mod plan;
mod principal;
mod queue;
mod request;
mod s3;
mod settings;
mod target;

#[cfg(test)]
mod tests;

pub use delivery::{Body, Delivery, MessageId, Receipt};
pub use filter::{Filter, Intake, OwnPlace, Skipped};
pub use fitness::{Redrive, Unclear, Unfit, unfit};
pub use identity::{FindingId, Identity};
pub use image_name::looks_like_image_name;
pub use job::{Activity, ActivityKind, Ask, Detail, Envelope, Job, Request, Upload, Uploader};
pub use overflow::{Overflow, ParkedPointer, Place};
pub use plan::{Ignored, Options, Plan, plan};
pub use principal::{Issuer, Principal};
pub use queue::{EntryError, Queue, QueueError};
pub use settings::{RawIntake, RawRequests};
pub use target::{BucketName, ETag, EventPin, Key, ObjectPin, Sequencer, Target, VersionId};
