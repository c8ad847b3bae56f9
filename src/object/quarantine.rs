//! The port to what was quarantined: looking a copy up, and putting it back.
//!
//! Moving something there is the [store's](super::ObjectStore::quarantine); this is the way back,
//! which only people take.

use async_trait::async_trait;
use jiff::Timestamp;

use super::{ObjectRef, StoreError, Why};
use crate::event::{BucketName, FindingId, Key};

/// A copy in the quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies, for people to find it.
    pub place: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was put there.
    pub since: Timestamp,
}

/// What may be done about something that lies under the key now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nothing: it stays.
    Nothing,
    /// It becomes an older version. Only where the bucket keeps versions.
    Version,
}

/// What is to be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutBack {
    /// The finding that it was quarantined for.
    pub id: FindingId,
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: Key,
    /// SHA-256 of the bytes that were judged, in lowercase hexadecimal.
    pub sha256: String,
    /// How many bytes that were, where it is known: another length need not be read.
    pub size: Option<u64>,
    /// What may be done about what lies there now.
    pub over: Over,
}

/// Whose refusal it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The quarantine's.
    Quarantine,
    /// The guarded bucket's.
    Bucket,
}

/// How putting back ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    /// It lies there again: written now, read back and compared.
    Back(ObjectRef),
    /// The same bytes lie there already; nothing was written.
    There(ObjectRef),
    /// Something else lies under the key; it was not touched.
    Occupied,
    /// As above, and the bucket keeps no versions: it would be lost.
    WouldBeLost,
    /// It was put back, and somebody has replaced or removed it before it could be read back.
    Replaced,
    /// Nothing is kept under this finding.
    NothingKept,
    /// What is kept is not what was judged; nothing was put back.
    CopyDiffers,
    /// We may not; nothing was put back.
    Denied(Side, Why),
}

/// What was quarantined.
///
/// # Contract
/// - Nothing that lies under the key is ever changed, but by [`Over::Version`], which hides it behind
///   a newer version.
/// - `put_back` compares what is kept with what was judged before it writes anything, and reads back
///   exactly what it has written. It may be repeated: what lies there already is
///   [`Returned::There`].
/// - What the owner said of the object (media type, metadata, tags) returns with it as far as the
///   store keeps it; what we have added does not.
/// - The copy stays, until `end` or its lifecycle ends it.
/// - A quarantine that is not there at all is an error, never "nothing kept".
#[async_trait]
pub trait Quarantine: Send + Sync + std::fmt::Debug {
    /// Where what is kept under a finding lies, or would, for people; `None` without a quarantine.
    fn place(&self, id: &FindingId) -> Option<String>;

    /// What is kept under a finding, if anything is.
    async fn kept(&self, id: &FindingId) -> Result<Option<Kept>, StoreError>;

    /// What putting it back would answer where it cannot be done or need not; `None`: it would be
    /// tried. Reads what `put_back` reads first, and changes nothing.
    async fn would_put_back(&self, wanted: &PutBack) -> Result<Option<Returned>, StoreError>;

    /// Puts it back.
    async fn put_back(&self, wanted: &PutBack) -> Result<Returned, StoreError>;

    /// Ends what is kept under a finding if its bytes have this SHA-256; `false` when nothing is, or
    /// something else. For good where the quarantine keeps no versions.
    async fn end(&self, id: &FindingId, sha256: &str) -> Result<bool, StoreError>;
}
