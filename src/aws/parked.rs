//! Bodies of messages that are too big for the dead-letter queue, kept in the records bucket.

use async_trait::async_trait;

use super::Clients;
use super::records::{Over, Records, Written, contended};
use crate::event::{Body, MessageId, Overflow, OwnPlace, Place, QueueError};
use crate::record::LedgerError;

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
        let key = format!("parked/{}", id.0);
        let bytes = body.as_str().as_bytes().to_vec();
        self.write(&key, bytes).await.map_err(|error| match error {
            LedgerError::Refused(why) => QueueError::Refused(why),
            error => QueueError::Unavailable(error.to_string()),
        })?;
        Ok(Place {
            bucket: self.place.bucket.to_string(),
            key: format!("{}{key}", self.place.prefix),
        })
    }
}

impl S3Overflow {
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
