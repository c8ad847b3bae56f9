//! Names of things in S3, as typed values.
//!
//! Keys may hold names of people, so a [`Key`] has no `Display` and its `Debug` shows a digest: a
//! log line can tell two keys apart and cannot tell what they say.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The name of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BucketName(String);

impl BucketName {
    /// Wraps a name; not empty is all that is asked, since emulators and folders know other rules.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (!name.is_empty()).then_some(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of an object, decoded: any Unicode text.
///
/// ```
/// use s3_warden::event::Key;
///
/// let key = Key::new("passports/jane doe.png");
/// assert_eq!(key.as_str(), "passports/jane doe.png");
/// assert_eq!(format!("{key:?}"), format!("Key(#{}, 22 bytes)", key.digest()));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Wraps a decoded key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself. Not for logs or subjects: it may hold a name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Eight hexadecimal digits that stand for the key in logs.
    pub fn digest(&self) -> String {
        let mut hash = hex::encode(Sha256::digest(self.0.as_bytes()));
        hash.truncate(8);
        hash
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(#{}, {} bytes)", self.digest(), self.0.len())
    }
}

/// A version id as S3 made it. `null`, the name of what lies in an unversioned or suspended
/// bucket, is not one: it names whatever is there now, so it pins nothing.
///
/// ```
/// use s3_warden::event::VersionId;
///
/// assert_eq!(VersionId::new("3HL4kqtJlcpXroDT").unwrap().as_str(), "3HL4kqtJlcpXroDT");
/// assert_eq!(VersionId::new("null"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(String);

impl VersionId {
    /// `None` for the empty text and for `null`.
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (!id.is_empty() && id != "null").then_some(Self(id))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An entity tag without its quotes: an opaque token for one state of an object's bytes.
///
/// ```
/// use s3_warden::event::ETag;
///
/// assert_eq!(ETag::new("\"0cc175b9-2\"").unwrap().as_str(), "0cc175b9-2");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ETag(String);

impl ETag {
    /// Takes it with or without quotes; `None` when nothing is left.
    pub fn new(tag: &str) -> Option<Self> {
        let tag = tag.trim().trim_matches('"');
        (!tag.is_empty()).then(|| Self(tag.to_owned()))
    }

    /// The tag without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The order of events of one key, as S3 tells it: hexadecimal digits.
///
/// ```
/// use std::cmp::Ordering;
/// use s3_warden::event::Sequencer;
///
/// let earlier = Sequencer::new("0055aed6").unwrap();
/// let later = Sequencer::new("0055AED601").unwrap();
/// assert_eq!(earlier.compare_same_key(&later), Ordering::Less);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequencer(String);

impl Sequencer {
    /// `None` when empty or not hexadecimal.
    pub fn new(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        fits.then(|| Self(text.to_ascii_uppercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Which of two events of the **same key** came first: the shorter one is padded on the right
    /// with zeros, then both are compared as text (Amazon S3 User Guide, "Event message
    /// structure").
    pub fn compare_same_key(&self, other: &Self) -> Ordering {
        let width = self.0.len().max(other.0.len());
        format!("{:0<width$}", self.0).cmp(&format!("{:0<width$}", other.0))
    }
}

/// What an event says about which state of the object it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventPin {
    /// This version.
    Version(VersionId),
    /// Whatever is there, if it still has this tag.
    ETag(ETag),
}

/// What an event names: not yet read, perhaps not there any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The bucket.
    pub bucket: BucketName,
    /// The key, decoded.
    pub key: Key,
    /// Which state of it, when the event says so.
    pub pin: Option<EventPin>,
}

/// Exactly one state of an object, as the answer to a read told it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ObjectPin {
    /// The version, in a bucket that keeps versions.
    pub version: Option<VersionId>,
    /// The tag of the bytes that were read.
    pub etag: ETag,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_not_a_version() {
        assert_eq!(VersionId::new("null"), None);
        assert_eq!(VersionId::new(""), None);
        assert!(VersionId::new("3HL4kqtJlcpXroDTDmjVBH40Nrjfkd").is_some());
    }

    #[test]
    fn sequencers_are_padded_on_the_right() {
        let order = |a: &str, b: &str| {
            Sequencer::new(a)
                .unwrap()
                .compare_same_key(&Sequencer::new(b).unwrap())
        };
        assert_eq!(
            order("0055AED6DCD90281E5", "0055AED6DCD90281E6"),
            Ordering::Less
        );
        assert_eq!(order("00ab", "00AB00"), Ordering::Equal);
        assert_eq!(order("01", "0055AED6"), Ordering::Greater);
        assert_eq!(Sequencer::new("xyz"), None);
    }

    #[test]
    fn a_key_shows_no_letter_of_itself() {
        let shown = format!("{:?}", Key::new("passports/jane-doe.png"));
        assert!(
            !shown.contains("jane") && !shown.contains("passports"),
            "{shown}"
        );
    }

    #[test]
    fn an_etag_loses_its_quotes() {
        assert_eq!(ETag::new("\"abc\""), ETag::new("abc"));
        assert_eq!(ETag::new("\"\""), None);
    }
}
