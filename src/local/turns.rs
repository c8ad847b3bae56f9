//! The turns at alerts of one process.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::alert::{Taken, Turn, Turns};
use crate::clock::Clock;
use crate::record::LedgerError;

/// The turns in memory: one process works on a folder at a time. Clones share them.
#[derive(Clone, Debug)]
pub struct MemoryTurns {
    per_minute: u32,
    clock: Arc<dyn Clock>,
    taken: Arc<Mutex<Taken>>,
}

impl MemoryTurns {
    /// So many turns a minute.
    pub fn new(per_minute: u32, clock: Arc<dyn Clock>) -> Self {
        Self {
            per_minute,
            clock,
            taken: Arc::default(),
        }
    }
}

#[async_trait]
impl Turns for MemoryTurns {
    async fn take(&self) -> Result<Turn, LedgerError> {
        let now = self.clock.now();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(taken.take(now, self.per_minute))
    }
}
