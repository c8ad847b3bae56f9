//! Bodies of messages that are too big for the dead-letter queue, kept in the records bucket.

use async_trait::async_trait;

use super::Clients;
use super::records::{Over, Records, Written, contended};
use crate::event::{Body, MessageId, Overflow, OwnPlace, ParkedPointer, Place, QueueError};
use crate::record::LedgerError;

/// Where bodies lie.
const FOLDER: &str = "parked/";

/// Keeps bodies under `parked/<message id>`. Bodies may name keys: the records bucket is private.
#[derive(Clone, Debug)]
pub struct S3Overflow {
    records: Records,
    place: OwnPlace,
}

impl S3Overflow {
    /// In the records bucket.
    pub fn new(clients: &Clients, place: OwnPlace) -> Self {
        Self {
            records: Records::new(&clients.s3, place.clone()),
            place,
        }
    }
}

#[async_trait]
impl Overflow for S3Overflow {
    async fn keep(&self, id: &MessageId, body: &Body) -> Result<Place, QueueError> {
        let key = format!("{FOLDER}{}", id.0);
        let bytes = body.as_str().as_bytes().to_vec();
        self.write(&key, bytes).await.map_err(failure)?;
        Ok(Place {
            bucket: self.place.bucket.to_string(),
            key: format!("{}{key}", self.place.prefix),
        })
    }
}

impl S3Overflow {
    /// The body that a pointer stands for; `None` where it is gone, is not what was put there, or
    /// where the pointer shows to a place that bodies are never put: whoever can write to a queue
    /// must not make us read elsewhere.
    pub(super) async fn fetch(&self, pointer: &ParkedPointer) -> Result<Option<Body>, QueueError> {
        let ours = pointer.bucket == self.place.bucket.as_str();
        let key = pointer.key.strip_prefix(&self.place.prefix);
        let Some(key) = key.filter(|key| ours && key.starts_with(FOLDER)) else {
            return Ok(None);
        };
        let stored = self.records.get(key).await.map_err(failure)?;
        let body = stored.and_then(|stored| String::from_utf8(stored.bytes.into()).ok());
        let body = body.map(Body::new).filter(|body| {
            let place = Place {
                bucket: pointer.bucket.clone(),
                key: pointer.key.clone(),
            };
            ParkedPointer::new(place, body) == *pointer
        });
        Ok(body)
    }

    async fn write(&self, key: &str, bytes: Vec<u8>) -> Result<(), LedgerError> {
        if let Written::Done(_) = self.records.put(key, bytes, Over::Nothing).await? {
            return Ok(());
        }
        // Kept before, for the same message: that is the same body. Or somebody writes just now.
        match self.records.get(key).await? {
            Some(_) => Ok(()),
            None => Err(contended(key)),
        }
    }
}

fn failure(error: LedgerError) -> QueueError {
    match error {
        LedgerError::Refused(why) => QueueError::Refused(why),
        error => QueueError::Unavailable(error.to_string()),
    }
}
