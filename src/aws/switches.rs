//! The switches of a fleet, beside its findings: `control/halt.json` and `control/breaker.json`.
//!
//! Each is read, changed and written back over exactly what was read; who loses reads again. So of
//! two changes at one moment the later one is made on top of the earlier one, and none is lost.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Clients;
use super::records::{Over, Records, TRIES, Written, contended};
use crate::event::OwnPlace;
use crate::record::{FleetBreaker, Halt, LedgerError, Positions, Switches};

const HALT: &str = "control/halt.json";
const BREAKER: &str = "control/breaker.json";

/// The switches in the records bucket.
#[derive(Clone, Debug)]
pub struct S3Switches {
    records: Records,
}

impl S3Switches {
    /// The switches at the place of the records. Nothing is called yet.
    pub fn new(clients: &Clients, place: OwnPlace) -> Self {
        Self {
            records: Records::new(&clients.s3, place),
        }
    }

    async fn get<T: DeserializeOwned + Default>(&self, key: &str) -> Result<T, LedgerError> {
        match self.records.get(key).await? {
            Some(stored) => parse(key, &stored.bytes),
            None => Ok(T::default()),
        }
    }

    /// Changes a switch; `change` answers `None` when it stands as it should.
    async fn change<T>(&self, key: &str, change: impl Fn(&T) -> Option<T>) -> Result<T, LedgerError>
    where
        T: DeserializeOwned + Serialize + Default,
    {
        for attempt in 0..TRIES {
            let stored = self.records.get(key).await?;
            let (stands, over) = match &stored {
                Some(stored) => (parse(key, &stored.bytes)?, Over::This(&stored.etag)),
                None => (T::default(), Over::Nothing),
            };
            let Some(changed) = change(&stands) else {
                return Ok(stands);
            };
            let bytes = serde_json::to_vec_pretty(&changed).expect("a switch is plain JSON");
            if let Written::Done(_) = self.records.put(key, bytes, over).await? {
                return Ok(changed);
            }
            self.records.give_way(attempt).await;
        }
        Err(contended(key))
    }
}

#[async_trait]
impl Switches for S3Switches {
    async fn read(&self) -> Result<Positions, LedgerError> {
        let (halt, breaker) = futures::try_join!(self.get(HALT), self.get(BREAKER))?;
        Ok(Positions { halt, breaker })
    }

    /// A lifted pause stays as `null`: a removal could not be told from one that is under way.
    async fn set_halt(&self, halt: Option<Halt>) -> Result<(), LedgerError> {
        let set = |stands: &Option<Halt>| (*stands != halt).then(|| halt.clone());
        self.change(HALT, set).await.map(|_| ())
    }

    async fn open_breaker(
        &self,
        generation: u64,
        since: Timestamp,
    ) -> Result<FleetBreaker, LedgerError> {
        let open = |stands: &FleetBreaker| {
            let opens = stands.generation == generation && stands.open_since.is_none();
            opens.then(|| stands.opened(since))
        };
        self.change(BREAKER, open).await
    }

    async fn reset_breaker(
        &self,
        generation: u64,
        now: Timestamp,
    ) -> Result<FleetBreaker, LedgerError> {
        let close =
            |stands: &FleetBreaker| (stands.generation == generation).then(|| stands.closed(now));
        self.change(BREAKER, close).await
    }
}

fn parse<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, LedgerError> {
    serde_json::from_slice(bytes).map_err(|error| LedgerError::Corrupt {
        id: key.to_owned(),
        why: format!("{:?} error in line {}", error.classify(), error.line()).to_lowercase(),
    })
}
