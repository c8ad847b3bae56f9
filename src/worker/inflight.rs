//! The same work arriving twice while it is being done is done once.
//!
//! Whoever comes first leads; a follower keeps its lease, takes no model slot and waits. When the
//! leader settles, its followers are settled with it. When the leader fails, one of them leads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::event::FindingId;

/// The work that is being done in this process.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight {
    // A receiver of the leader's channel: `true` is sent when the work is settled; a closed
    // channel without it means that the leader failed.
    work: Arc<Mutex<HashMap<FindingId, watch::Receiver<bool>>>>,
}

/// What joining gave.
#[derive(Debug)]
pub(crate) enum Joined {
    /// The work is ours to do.
    Leader(Leader),
    /// Somebody did it while we waited, and told about it.
    Settled,
}

impl InFlight {
    /// Leads the work, or waits for whoever does. Cancel safe.
    pub(crate) async fn join(&self, id: FindingId) -> Joined {
        loop {
            let mut running = match self.try_lead(id) {
                Ok(leader) => return Joined::Leader(leader),
                Err(running) => running,
            };
            if running.wait_for(|settled| *settled).await.is_ok() {
                return Joined::Settled;
            }
        }
    }

    /// Leads the work if nobody does.
    pub(crate) fn try_lead(&self, id: FindingId) -> Result<Leader, watch::Receiver<bool>> {
        let mut work = self.work.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = work.get(&id) {
            return Err(running.clone());
        }
        let (settled, receiver) = watch::channel(false);
        work.insert(id, receiver);
        Ok(Leader {
            id,
            in_flight: self.clone(),
            settled,
        })
    }
}

/// The right to do one piece of work. Dropped without [`Leader::settled`], a follower takes over.
#[derive(Debug)]
pub(crate) struct Leader {
    id: FindingId,
    in_flight: InFlight,
    settled: watch::Sender<bool>,
}

impl Leader {
    /// The work is done, and whoever had to be told was told.
    pub(crate) fn settled(self) {
        self.settled.send_replace(true);
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        // Removed before the channel closes: a follower that wakes must not find it again.
        self.in_flight
            .work
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Identity;

    fn id() -> FindingId {
        Identity::CloudTrail {
            event_id: "e".into(),
        }
        .finding_id()
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_settles_with_its_leader() {
        let in_flight = InFlight::default();
        let Joined::Leader(leader) = in_flight.join(id()).await else {
            panic!("must lead")
        };
        let follower = in_flight.join(id());
        tokio::pin!(follower);
        assert!(futures::poll!(&mut follower).is_pending());
        leader.settled();
        assert!(matches!(follower.await, Joined::Settled));
        assert!(
            in_flight.try_lead(id()).is_ok(),
            "settled work is forgotten"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_follower_takes_over_from_a_failed_leader() {
        let in_flight = InFlight::default();
        let Joined::Leader(leader) = in_flight.join(id()).await else {
            panic!("must lead")
        };
        let (first, second) = (in_flight.join(id()), in_flight.join(id()));
        tokio::pin!(first, second);
        assert!(futures::poll!(&mut first).is_pending());
        assert!(futures::poll!(&mut second).is_pending());
        drop(leader);
        let Joined::Leader(_heir) = first.await else {
            panic!("one must take over")
        };
        assert!(
            futures::poll!(&mut second).is_pending(),
            "only one may lead"
        );
    }
}
