//! Where the body of a message goes that is too big to be parked whole.
//!
//! A dead-letter queue takes no more bytes than the queue itself, and a parked message carries its
//! reason besides. What does not fit is kept elsewhere, and a small [`ParkedPointer`] is parked in
//! its place: a message is never cut and never dropped for its size.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Body, MessageId, QueueError};

/// Where a body was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// The key in it.
    pub key: String,
}

/// Keeps bodies that are too big for the dead-letter queue.
///
/// # Contract
/// - `Ok` means durable.
/// - Safe to repeat: the same message goes to the same place.
#[async_trait]
pub trait Overflow: Send + Sync + std::fmt::Debug {
    /// Keeps a body.
    async fn keep(&self, id: &MessageId, body: &Body) -> Result<Place, QueueError>;
}

/// What is parked in place of a body that was put elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParkedPointer {
    /// Says what this is, and in which version: 1.
    pub s3_warden_parked: u32,
    /// The bucket with the body.
    pub bucket: String,
    /// Its key.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hex: whoever takes it back can tell that it is whole.
    pub sha256: String,
}

impl ParkedPointer {
    /// The pointer to a body at a place.
    pub fn new(place: Place, body: &Body) -> Self {
        Self {
            s3_warden_parked: 1,
            bucket: place.bucket,
            key: place.key,
            bytes: body.as_str().len() as u64,
            sha256: hex::encode(Sha256::digest(body.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_says_what_it_points_at() {
        let place = Place {
            bucket: "records".to_owned(),
            key: "parked/m1".to_owned(),
        };
        let pointer = ParkedPointer::new(place, &Body::new("abc"));
        let text = serde_json::to_string(&pointer).unwrap();
        let expected = concat!(
            r#"{"s3_warden_parked":1,"bucket":"records","key":"parked/m1","bytes":3,"#,
            r#""sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#
        );
        assert_eq!(text, expected);
    }
}
