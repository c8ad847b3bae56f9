//! The port to a store of objects.
//!
//! What may be changed is named by an [`ObjectRef`] alone, and one of those comes only from a
//! successful [`ObjectStore::fetch`] (or from the record of one): what was not read cannot be removed.

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{BucketName, EventPin, FindingId, Key, ObjectPin, Target};
use crate::retry::{Reaction, Reacts};

/// Exactly one state of one object. The only thing that can be removed, tagged or quarantined.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: Key,
    /// Which state, from the answer to the read.
    pub pin: ObjectPin,
}

impl ObjectRef {
    /// Where exactly this state is looked for.
    pub fn target(&self) -> Target {
        let pin = match &self.pin.version {
            Some(version) => EventPin::Version(version.clone()),
            None => EventPin::ETag(self.pin.etag.clone()),
        };
        Target {
            bucket: self.bucket.clone(),
            key: self.key.clone(),
            pin: Some(pin),
        }
    }
}

/// What the store says about an object beside its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Length in bytes.
    pub size: u64,
    /// The declared media type; never believed, only reported.
    pub content_type: Option<String>,
    /// When this state was written.
    pub modified_at: Timestamp,
}

/// Why a store would not let us read or change an object, for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// We lack the permission.
    AccessDenied,
    /// Whoever asks for it pays, and we did not agree to.
    RequesterPays,
    /// The bucket belongs to another account than it should.
    OtherOwner,
    /// The key that the object is encrypted with is not ours to use.
    KeyDenied,
    /// It lies in an archive class and would have to be restored first.
    Archived,
    /// A retention period or legal hold protects it.
    Locked,
    /// The bucket asks for a second factor to delete.
    MfaRequired,
    /// Too big for one copy call.
    TooBigToCopy,
    /// It is not an ordinary file inside the bucket (link, device, folder).
    NotAFile,
    /// Copy and original were not the same bytes.
    CopyDiffers,
}

/// The answer to a read.
#[derive(Clone, Debug)]
pub enum Fetched {
    /// The whole object.
    Body {
        /// What was read, pinned.
        object: ObjectRef,
        /// The bytes.
        bytes: Bytes,
        /// What the store says about it.
        facts: Facts,
    },
    /// Longer than the cap, by its own account (bytes); it was not read.
    TooLarge(u64),
    /// Nothing is there, or the pinned version is gone.
    Missing,
    /// Something else is there now than the event meant.
    Superseded,
    /// We may not read it.
    Denied(Why),
}

/// The answer to a look that reads no bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// It is there.
    There {
        /// What is there, pinned.
        object: ObjectRef,
        /// What the store says about it.
        facts: Facts,
    },
    /// Nothing is there, or the pinned version is gone.
    Missing,
    /// Something else is there now than the event meant.
    Superseded,
    /// We may not look, or it cannot be pinned.
    Denied(Why),
}

/// The answer to a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// It is gone, and it was us.
    Removed,
    /// It was gone already.
    AlreadyGone,
    /// Other bytes lie under the key now; nothing was touched.
    Superseded,
    /// The store refused; nothing was touched.
    Blocked(Why),
}

/// The verdict tag of an object (`s3-warden`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Nothing was found.
    Clean,
    /// Personal data was found.
    Flagged,
    /// No answer could be had.
    Undecided,
    /// It could not be looked into.
    Unreadable,
    /// Not looked at, by settings.
    Skipped,
    /// A person has allowed it.
    Allowed,
}

impl Mark {
    /// The tag's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Flagged => "flagged",
            Self::Undecided => "undecided",
            Self::Unreadable => "unreadable",
            Self::Skipped => "skipped",
            Self::Allowed => "allowed",
        }
    }
}

/// The answer to tagging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// The tag is set.
    Tagged,
    /// The owner's tags leave no room.
    NoRoom,
    /// The object is gone or another.
    Gone,
    /// This store has no tags, or none of this kind for this object.
    Unsupported,
    /// We may not.
    Denied(Why),
}

/// Whether others than the owner can read an object. Ordered by how bad that is.
///
/// ```
/// use s3_warden::object::Exposure;
///
/// assert!(Exposure::Unknown < Exposure::NotPublic && Exposure::NotPublic < Exposure::Public);
/// ```
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// The store does not tell. Nothing follows from that, in either direction.
    #[default]
    Unknown,
    /// Nobody is let in without a name.
    NotPublic,
    /// Everybody is, or everybody who has an account with the provider.
    Public,
}

impl Exposure {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotPublic => "not_public",
            Self::Public => "public",
        }
    }
}

/// A store of objects.
///
/// # Contract
/// - An [`ObjectRef`] is honoured exactly: no call changes another state of the object.
/// - Every call may be repeated; a repeated removal answers [`Removed::AlreadyGone`]. Of several at
///   the same moment more than one may answer [`Removed::Removed`], where the store cannot tell who
///   it was.
/// - A move to the quarantine that finds its source gone, or something else in the place of a state
///   without a version, and under the finding's id a copy with the hash that was judged, answers
///   [`Removed::Removed`]: a try before may have moved it. That copy is never taken back.
/// - Errors are the store's trouble only; what is the object's (gone, locked, denied) is an answer.
#[async_trait]
pub trait ObjectStore: Send + Sync + std::fmt::Debug {
    /// Reads the whole object, at most `cap` bytes. The caller holds the permit for that memory.
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError>;

    /// Pins what is there without reading it: for objects that are too large to be read.
    async fn locate(&self, target: &Target) -> Result<Located, StoreError>;

    /// Removes exactly this state, for good: nothing readable is left of it in this store.
    async fn remove(&self, object: &ObjectRef) -> Result<Removed, StoreError>;

    /// Moves exactly this state to the quarantine, under the finding's id: copied, compared with
    /// what was judged, then removed. Blocked or failed half-way, the source is still there.
    /// `sha256` is that of the bytes that were judged, in hexadecimal; `None` when none were read:
    /// then the copy is compared with the source as far as the store tells.
    async fn quarantine(
        &self,
        object: &ObjectRef,
        id: &FindingId,
        sha256: Option<&str>,
    ) -> Result<Removed, StoreError>;

    /// Sets the verdict tag on exactly this state, leaving other tags as they are. [`Mark::Clean`]
    /// and [`Mark::Allowed`] are set only on a version: what lies under a bare key may be other bytes
    /// at the next moment, and would be called clean.
    async fn tag(&self, object: &ObjectRef, mark: Mark) -> Result<Tagged, StoreError>;

    /// Whether others can read exactly this state, as far as the store tells cheaply. Best effort:
    /// what cannot be learnt is [`Exposure::Unknown`] and never an error, since no verdict may wait
    /// for it or fail by it. The caller bounds it in time and asks once; dropping it half-way is
    /// harmless.
    async fn exposure(&self, object: &ObjectRef) -> Exposure;
}

/// The store itself failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or asked us to slow down.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// It refuses us for good.
    #[error("store refused: {0}")]
    Refused(String),
}

impl Reacts for StoreError {
    fn reaction(&self) -> Reaction {
        match self {
            Self::Unavailable(_) => Reaction::Retry { after: None },
            Self::Refused(why) => Reaction::Stop(why.clone()),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "store_unavailable",
            Self::Refused(_) => "store_refused",
        }
    }
}
