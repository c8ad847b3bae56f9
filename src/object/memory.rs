//! How much memory objects under inspection may take together.
//!
//! What is bounded is the estimated peak of one object, not its raw size: the bytes as stored, and
//! the encoded pieces that go to a detector. The permit is taken before the read, by the event's
//! word for the size, and corrected once the size is known. Where an object alone is estimated
//! above the whole budget it gets all of it: it then runs alone, and `object.max_bytes` has already
//! bounded it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Permits are counted in blocks of this many bytes: a semaphore counts in `u32`.
const BLOCK: u64 = 16 * 1024;

/// A budget in bytes, first come, first served.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    blocks: Arc<Semaphore>,
    total: u32,
}

/// Held while an object's bytes are in memory.
#[derive(Debug)]
pub struct MemoryPermit(OwnedSemaphorePermit);

impl MemoryBudget {
    /// A budget of `bytes`, at least one block.
    pub fn new(bytes: u64) -> Self {
        let total = blocks(bytes).clamp(1, Semaphore::MAX_PERMITS.min(1 << 30) as u32);
        Self {
            blocks: Arc::new(Semaphore::new(total as usize)),
            total,
        }
    }

    /// Waits until `bytes` are free. Cancel safe.
    pub async fn take(&self, bytes: u64) -> MemoryPermit {
        let wanted = blocks(bytes).clamp(1, self.total);
        let permit = Arc::clone(&self.blocks).acquire_many_owned(wanted).await;
        MemoryPermit(permit.expect("the semaphore is never closed"))
    }

    /// The permit for what the object turned out to need. One that needs more than was thought gives
    /// back what it has and queues again: growing in place, two could wait for each other for ever.
    pub async fn correct(&self, mut permit: MemoryPermit, bytes: u64) -> MemoryPermit {
        let wanted = blocks(bytes).clamp(1, self.total) as usize;
        let held = permit.0.num_permits();
        if wanted > held {
            drop(permit);
            return self.take(bytes).await;
        }
        drop(permit.0.split(held - wanted));
        permit
    }

    /// How many bytes are taken.
    pub fn in_use(&self) -> u64 {
        u64::from(self.total).saturating_sub(self.blocks.available_permits() as u64) * BLOCK
    }
}

fn blocks(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BLOCK)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn waits_for_room_and_gives_it_back() {
        let budget = MemoryBudget::new(10 * BLOCK);
        let first = budget.take(8 * BLOCK).await;
        let second = budget.take(4 * BLOCK);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        let _first = budget.correct(first, 6 * BLOCK).await;
        let _second = second.await;
        assert_eq!(budget.in_use(), 10 * BLOCK);
    }

    #[tokio::test(start_paused = true)]
    async fn two_that_need_more_do_not_wait_for_each_other() {
        let budget = MemoryBudget::new(10 * BLOCK);
        let (first, second) = (budget.take(5 * BLOCK).await, budget.take(5 * BLOCK).await);
        let grow = |permit| async {
            drop(budget.correct(permit, 10 * BLOCK).await);
        };
        tokio::join!(grow(first), grow(second));
        assert_eq!(budget.in_use(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_larger_than_the_budget_runs_alone() {
        let budget = MemoryBudget::new(10 * BLOCK);
        let all = budget.take(u64::MAX).await;
        let next = budget.take(1);
        tokio::pin!(next);
        assert!(futures::poll!(&mut next).is_pending());
        drop(all);
        next.await;
    }
}
