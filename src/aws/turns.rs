//! The fleet's turns at alerts in one small object of the records: `control/alerts.json`.
//!
//! A turn is a conditional write over exactly what was read, so of two tasks that take one at the
//! same moment one loses and reads again. What was read or written last is remembered: a task alone
//! writes without reading, and while the remembered turns are too many already, more cannot be
//! fewer, so nothing is asked at all.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::Clients;
use super::records::{Over, Records, TRIES, Written, contended};
use super::task::TaskName;
use crate::alert::{SLACK, Taken, Turn, Turns};
use crate::clock::Clock;
use crate::event::{ETag, OwnPlace};
use crate::record::LedgerError;
use crate::retry::Jitter;

const KEY: &str = "control/alerts.json";

/// Tasks that wait for the same turn ask again within this time, and not all at one moment.
const SPREAD: Duration = Duration::from_millis(500);

/// So many turns in a row are taken in vain because the store was slow to write them.
const SLOW_TRIES: u32 = 3;

/// The turns in the records bucket.
#[derive(Debug)]
pub struct S3Turns {
    records: Records,
    task: TaskName,
    per_minute: u32,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
    known: Mutex<Option<(ETag, Taken)>>,
}

impl S3Turns {
    /// The turns at the place of the records, so many a minute for the fleet. Nothing is called yet.
    pub fn new(clients: &Clients, place: OwnPlace, per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        Self {
            records: Records::new(&clients.s3, place),
            task: TaskName::random(),
            per_minute,
            clock,
            jitter: Jitter::random(),
            known: Mutex::new(None),
        }
    }

    async fn read(&self) -> Result<Option<(ETag, Taken)>, LedgerError> {
        let Some(stored) = self.records.get(KEY).await? else {
            return Ok(None);
        };
        // What cannot be read would keep all alerts back until somebody looks: it is written anew.
        let taken = serde_json::from_slice(&stored.bytes).unwrap_or_default();
        Ok(Some((stored.etag, taken)))
    }

    fn recall(&self) -> Option<(ETag, Taken)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    fn learn(&self, known: Option<(ETag, Taken)>) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }
}

#[async_trait]
impl Turns for S3Turns {
    async fn take(&self) -> Result<Turn, LedgerError> {
        let mut known = self.recall();
        let (mut lost, mut slow) = (0, 0);
        while lost < TRIES && slow < SLOW_TRIES {
            let mut taken = known
                .as_ref()
                .map_or_else(Taken::default, |(_, t)| t.clone());
            let now = self.clock.now();
            if let Turn::Wait(wait) = taken.take(now, self.per_minute) {
                self.learn(known);
                return Ok(Turn::Wait(wait + SPREAD.mul_f64(self.jitter.unit())));
            }
            taken.note(self.task.short(), now);
            let began = Instant::now();
            let bytes = serde_json::to_vec(&taken).expect("times are plain JSON");
            let over = known
                .as_ref()
                .map_or(Over::Nothing, |(etag, _)| Over::This(etag));
            match self.records.put(KEY, bytes, over).await? {
                Written::Done(etag) => {
                    known = Some((etag, taken));
                    if began.elapsed() <= SLACK / 2 {
                        self.learn(known);
                        return Ok(Turn::Now);
                    }
                    // Used now it would stand in another second than the one it was taken in.
                    slow += 1;
                }
                Written::Lost => {
                    // What was remembered may simply be old: only a second loss means a crowd.
                    if lost > 0 {
                        self.records.give_way(lost).await;
                    }
                    lost += 1;
                    known = self.read().await?;
                }
            }
        }
        self.learn(known);
        Err(match slow {
            SLOW_TRIES => LedgerError::Unavailable(format!("record {KEY} is written too slowly")),
            _ => contended(KEY),
        })
    }
    fn takers(&self) -> usize {
        self.recall().map_or(0, |(_, taken)| taken.takers())
    }
}
