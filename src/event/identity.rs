//! Which piece of work a message asks for, so that the same work is known again.
//!
//! S3 and SQS deliver at least once. Two messages about the same state of an object are the same
//! work; the same bytes uploaded again are new work. The [`FindingId`] is derived from the identity
//! alone and dates come from the event, so a redelivery after midnight finds the same place.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{BucketName, ETag, Key, MessageId, Sequencer, VersionId};

/// What makes one piece of work itself and no other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Identity {
    /// One version of an object.
    Version {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: Key,
        /// The version.
        version: VersionId,
    },
    /// One write to a bucket without versions. `sequencer` tells two writes of the same bytes
    /// apart; where an event has none, its time stands in.
    Write {
        /// The bucket.
        bucket: BucketName,
        /// The key.
        key: Key,
        /// The tag of the bytes, when the event told it.
        etag: Option<ETag>,
        /// The order of the write, when the event told it.
        sequencer: Option<Sequencer>,
        /// When it happened; part of the identity only when `sequencer` is absent.
        time: Timestamp,
    },
    /// An action that CloudTrail recorded, by its `sharedEventID` where it has one: the same action is
    /// then seen from two accounts.
    CloudTrail {
        /// `sharedEventID`, else `eventID`.
        event_id: String,
    },
    /// A GuardDuty finding in one of its revisions.
    GuardDuty {
        /// The finding's id.
        id: String,
        /// `updatedAt`, as it was written.
        revision: String,
    },
    /// A request of a person or program, by its message.
    Request {
        /// The message's id.
        message: String,
    },
}

impl Identity {
    /// The identity of a request.
    pub fn request(message: &MessageId) -> Self {
        Self::Request {
            message: message.0.clone(),
        }
    }

    /// The id of the finding that this work leads to.
    pub fn finding_id(&self) -> FindingId {
        let mut hash = Sha256::new();
        // Every part goes in with its length: ("ab", "c") and ("a", "bc") must differ.
        let mut part = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        match self {
            Self::Version {
                bucket,
                key,
                version,
            } => {
                part("version");
                part(bucket.as_str());
                part(key.as_str());
                part(version.as_str());
            }
            Self::Write {
                bucket,
                key,
                etag,
                sequencer,
                time,
            } => {
                part("write");
                part(bucket.as_str());
                part(key.as_str());
                part(etag.as_ref().map_or("", ETag::as_str));
                match sequencer {
                    Some(sequencer) => part(sequencer.as_str()),
                    None => part(&format!("at {time}")),
                }
            }
            Self::CloudTrail { event_id } => {
                part("cloudtrail");
                part(event_id);
            }
            // Every revision leads to the same finding, which knows how bad it was told to be.
            Self::GuardDuty { id, revision: _ } => {
                part("guardduty");
                part(id);
            }
            Self::Request { message } => {
                part("request");
                part(message);
            }
        }
        let digest = hash.finalize();
        let mut short = [0_u8; 16];
        short.copy_from_slice(digest.get(..16).expect("SHA-256 has 32 bytes"));
        FindingId(short)
    }
}

/// The name of a finding: 128 bits of the SHA-256 of its [`Identity`], written as 32 hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FindingId([u8; 16]);

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FindingId({self})")
    }
}

impl FromStr for FindingId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0_u8; 16];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| format!("`{text}` is not a finding id: 32 hexadecimal digits wanted"))?;
        Ok(Self(bytes))
    }
}

impl Serialize for FindingId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FindingId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(etag: &str, sequencer: Option<&str>, time: i64) -> FindingId {
        Identity::Write {
            bucket: BucketName::new("b").unwrap(),
            key: Key::new("k"),
            etag: ETag::new(etag),
            sequencer: sequencer.and_then(Sequencer::new),
            time: Timestamp::from_second(time).unwrap(),
        }
        .finding_id()
    }

    #[test]
    fn the_same_bytes_written_again_are_new_work() {
        assert_ne!(write("e", Some("01"), 0), write("e", Some("02"), 0));
        assert_ne!(write("e", None, 1), write("e", None, 2));
    }

    #[test]
    fn a_redelivery_after_midnight_is_the_same_work() {
        assert_eq!(
            write("e", Some("01"), 86_399),
            write("e", Some("01"), 86_401)
        );
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let version = |key: &str, version: &str| {
            Identity::Version {
                bucket: BucketName::new("b").unwrap(),
                key: Key::new(key),
                version: VersionId::new(version).unwrap(),
            }
            .finding_id()
        };
        assert_ne!(version("ab", "c"), version("a", "bc"));
    }

    #[test]
    fn an_id_reads_back() {
        let id = write("e", Some("01"), 0);
        assert_eq!(id.to_string().parse::<FindingId>(), Ok(id));
        assert!("xyz".parse::<FindingId>().is_err());
    }
}
