//! The line of every minute: the few numbers that alarms hang on, where nothing reads `/metrics`.
//!
//! `CloudWatch` makes metrics of log lines by the names of their fields ([`VITALS_FIELDS`]), for the
//! price of the log alone. Everything on the line is known already: nothing is asked for it, so it
//! comes also while the queue, the records and AWS do not answer. That is when it is needed.
//!
//! [`VITALS_FIELDS`]: crate::telemetry::vocabulary::VITALS_FIELDS

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::model::limits::Budget;
use crate::telemetry::vocabulary::{
    BREAKER_OPEN, BUDGET_SPENT_RATIO, HALTED, MESSAGES_HELD, OLDEST_OPEN_SECONDS, OPEN_FINDINGS,
    PAUSED, SECONDS_SINCE_POLL, VITALS,
};
use crate::worker::Vitals;

/// How often the line is written: the shortest period of an alarm on it.
const EVERY: Duration = Duration::from_secs(60);

/// The first line waits so long at most for a service that is ready and knows its open findings.
/// Before that, zeros would say that all is well.
const FIRST_BY: Duration = Duration::from_secs(50);

/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Writes the line.
#[derive(Clone, Debug)]
pub struct Minute {
    vitals: Vitals,
    budget: Option<Arc<Budget>>,
}

impl Minute {
    /// Of a service with these signs of life, and this budget if there is one.
    pub fn new(vitals: Vitals, budget: Option<Arc<Budget>>) -> Self {
        Self { vitals, budget }
    }

    /// Writes it within the first minute, as soon as the service is ready, and then every minute,
    /// until `ended`: also while work drains.
    pub async fn run(self, ended: CancellationToken) {
        let writing = async {
            let begun = Instant::now();
            while !self.is_known() && begun.elapsed() < FIRST_BY {
                sleep(LOOK).await;
            }
            let mut every = interval(EVERY);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                self.write();
            }
        };
        tokio::select! {
            () = writing => {}
            () = ended.cancelled() => {}
        }
    }

    fn is_known(&self) -> bool {
        let standing = self.vitals.snapshot();
        standing.started && standing.open_findings.is_some()
    }

    fn write(&self) {
        let standing = self.vitals.snapshot();
        // Left out until they are known: zero would say that all is well, and end an alarm on what
        // the task before has said.
        let open = standing.open_findings;
        let looked = standing.started;
        let breaker = standing.breaker.filter(|_| looked);
        let paused = standing.paused.is_some();
        let spent = match &self.budget {
            Some(budget) => budget.spent_ratio(),
            None => Some(0.0),
        };
        tracing::info!(
            { OPEN_FINDINGS } = open.map(|it| number(it.count)),
            { OLDEST_OPEN_SECONDS } = open.map(|it| it.oldest.as_secs()),
            { BREAKER_OPEN } = breaker.map(|it| u64::from(it.open_since.is_some())),
            { PAUSED } = (paused || looked).then_some(u64::from(paused)),
            { HALTED } = looked.then_some(u64::from(standing.halted)),
            { SECONDS_SINCE_POLL } = standing.since_poll.as_secs(),
            { BUDGET_SPENT_RATIO } = spent,
            { MESSAGES_HELD } = number(standing.in_hand),
            "{VITALS}"
        );
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
