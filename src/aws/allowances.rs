//! What people have allowed, beside the findings: `allow/<digest>.json`, one object per decision.

use async_trait::async_trait;

use super::Clients;
use super::records::{Over, Records, TRIES, Written, contended};
use crate::event::OwnPlace;
use crate::record::{Allowance, Allowances, Content, LedgerError, parse_allowance};

/// The decisions in the records bucket.
#[derive(Clone, Debug)]
pub struct S3Allowances {
    records: Records,
}

impl S3Allowances {
    /// The decisions at the place of the records. Nothing is called yet.
    pub fn new(clients: &Clients, place: OwnPlace) -> Self {
        Self {
            records: Records::new(&clients.s3, place),
        }
    }
}

#[async_trait]
impl Allowances for S3Allowances {
    async fn allow(&self, allowance: &Allowance) -> Result<Allowance, LedgerError> {
        let key = key_of(&allowance.content);
        let bytes = serde_json::to_vec_pretty(allowance).expect("a decision is plain JSON");
        for attempt in 0..TRIES {
            let written = self.records.put(&key, bytes.clone(), Over::Nothing).await?;
            if let Written::Done(_) = written {
                return Ok(allowance.clone());
            }
            if let Some(stands) = self.find(&allowance.content).await? {
                return Ok(stands);
            }
            self.records.give_way(attempt).await;
        }
        Err(contended(&key))
    }

    async fn find(&self, content: &Content) -> Result<Option<Allowance>, LedgerError> {
        let key = key_of(content);
        let stored = self.records.get(&key).await?;
        stored
            .map(|stored| parse_allowance(&stored.bytes, content, &key))
            .transpose()
    }

    async fn revoke(&self, content: &Content) -> Result<Option<Allowance>, LedgerError> {
        let key = key_of(content);
        for attempt in 0..TRIES {
            let Some(stored) = self.records.get(&key).await? else {
                return Ok(None);
            };
            let allowance = parse_allowance(&stored.bytes, content, &key)?;
            // Only what was read: somebody may have revoked it, and somebody else allowed it anew.
            if self.records.delete(&key, &stored.etag).await? {
                return Ok(Some(allowance));
            }
            self.records.give_way(attempt).await;
        }
        Err(contended(&key))
    }
}

fn key_of(content: &Content) -> String {
    format!("allow/{}.json", content.digest())
}
