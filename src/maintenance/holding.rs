//! What is held, and what somebody has begun to carry out of it.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::action::{Mode, Outcome};
use crate::record::{Finding, Ledger, LedgerError, Query, State, date_of};

/// How many days before a removal is held its event may have happened: a queue and its dead-letter
/// queue keep messages for 14 days each at most ("Amazon SQS message quotas", Amazon SQS Developer
/// Guide).
const OLDEST_EVENT: i64 = 28;

/// What is held, and what somebody has begun to carry out of it.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// The held findings, those of the oldest events first.
    pub held: Vec<Finding>,
    /// Those that were taken up again and are not at their end: the service finishes them.
    pub begun: Vec<Finding>,
}

/// Everything that is held, of the events that may have come in since `held_at`. Findings lie under
/// the day of their event, and an event may have waited long before its removal was held.
///
/// # Errors
/// The records failed.
pub async fn holding(records: &dyn Ledger, held_at: Timestamp) -> Result<Holding, LedgerError> {
    let mut query = Query {
        from: earliest(held_at),
        ..Query::default()
    };
    let mut holding = Holding::default();
    loop {
        let page = records.list(&query).await?;
        for finding in page.findings {
            if finding.outcome == Some(Outcome::Held) {
                holding.held.push(finding);
            } else if is_begun(&finding) {
                holding.begun.push(finding);
            }
        }
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    for findings in [&mut holding.held, &mut holding.begun] {
        findings.sort_by_key(|finding| (finding.times.happened_at, finding.id));
    }
    Ok(holding)
}

fn earliest(held_at: Timestamp) -> Option<Date> {
    date_of(held_at).checked_sub(OLDEST_EVENT.days()).ok()
}

/// Only what is taken up again has a later revision than the first.
fn is_begun(finding: &Finding) -> bool {
    finding.revision > 0
        && finding.state != State::Announced
        && finding.decision.mode == Mode::Enforce
        && finding.decision.action.removes()
}
