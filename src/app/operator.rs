//! What operators reach without running a service: the switches and the records on AWS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::aws::{Clients, S3Ledger, S3Switches};
use crate::config::Operator;
use crate::event::FindingId;
use crate::record::{Finding, Ledger, LedgerError, Query, Switches};

/// No model is called here; a client wants a bound all the same.
pub(super) const NO_MODEL: Duration = Duration::from_secs(1);

/// The switches of a fleet.
///
/// # Errors
/// Nobody says where the records lie, or no region is set.
pub async fn switches(operator: &Operator, path_style: bool) -> anyhow::Result<Arc<dyn Switches>> {
    let place = operator.records.clone().context(NO_RECORDS)?;
    let clients = Clients::connect(path_style, NO_MODEL).await?.for_records();
    Ok(Arc::new(S3Switches::new(&clients, place)))
}

/// The records of a fleet, for reading.
///
/// # Errors
/// Nobody says where the records lie, or no region is set.
pub async fn records(operator: &Operator, path_style: bool) -> anyhow::Result<Arc<dyn Ledger>> {
    let place = operator.records.clone().context(NO_RECORDS)?;
    let clients = Clients::connect(path_style, NO_MODEL).await?.for_records();
    Ok(Arc::new(S3Ledger::new(&clients, place)))
}

/// All findings that a query wants, page after page.
///
/// # Errors
/// The records failed.
pub async fn all(records: &dyn Ledger, mut query: Query) -> Result<Vec<Finding>, LedgerError> {
    let mut findings = Vec::new();
    loop {
        let page = records.list(&query).await?;
        findings.extend(page.findings);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(findings),
        }
    }
}

pub(super) const NO_RECORDS: &str = "records.bucket: missing; name the bucket with the findings of the service, in a file or as \
     WARDEN_RECORDS__BUCKET";

/// How many days are searched for an id. A finding lies under the day of its event, one of GuardDuty
/// under that on which GuardDuty made it; GuardDuty keeps findings, and updates them, for 90 days
/// ("Managing Amazon GuardDuty findings", Amazon GuardDuty User Guide).
const DAYS_OF_ID: i64 = 95;

/// How many days are asked at once.
const SIDE_BY_SIDE: usize = 16;

/// The finding of an id, on the latest day that has one: from `latest` back to `since`, or where
/// nothing is said, over 95 days.
///
/// # Errors
/// The records failed.
pub async fn find_back(
    records: &dyn Ledger,
    id: &FindingId,
    latest: Date,
    since: Option<Date>,
) -> Result<Option<Finding>, LedgerError> {
    let earliest = since.unwrap_or_else(|| latest.saturating_sub(DAYS_OF_ID.days()));
    let days = std::iter::successors(Some(latest), |day| day.yesterday().ok());
    let days = days.take_while(|day| *day >= earliest);
    // In the order of the days, however the answers come.
    let answers = futures::stream::iter(days).map(|day| records.find(id, day));
    let mut answers = std::pin::pin!(answers.buffered(SIDE_BY_SIDE));
    while let Some(found) = answers.try_next().await? {
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::civil::date;

    use super::*;
    use crate::action::{Action, Decision, Mode, Tell};
    use crate::event::{ActivityKind, Identity};
    use crate::local::FileLedger;
    use crate::record::{ActivityCase, Case, Intent, Reported};
    use crate::verdict::Threat;
    use crate::verdict::threat::{Assessment, Floor, Unassessed, Words};

    fn intent(happened_at: Timestamp) -> Intent {
        let words = || Words {
            en: "A finding".to_owned(),
            ko: "A finding".to_owned(),
        };
        let floor = Floor {
            level: Threat::High,
            rule: "guardduty".to_owned(),
            title: words(),
            next_step: words(),
            details: [].into(),
        };
        let activity = Reported {
            kind: ActivityKind::Finding,
            source: "aws.guardduty".to_owned(),
            name: "Exfiltration:S3/AnomalousBehavior".to_owned(),
            account: None,
            region: None,
            actor: None,
            ip: None,
            error: None,
            severity: Some(8.0),
            bucket: None,
            key: None,
        };
        let case = Case::Activity(Box::new(ActivityCase {
            activity,
            assessment: Assessment::alone(floor, Unassessed::NotAsked),
        }));
        let decision = Decision {
            action: Action::Keep,
            mode: Mode::Observe,
            tell: Tell::Now,
            rule: "guardduty".to_owned(),
            policy: "0123456789ab".to_owned(),
        };
        let identity = Identity::CloudTrail {
            event_id: "e".to_owned(),
        };
        Intent::new(identity, case, decision, (happened_at, happened_at))
    }

    #[tokio::test]
    async fn an_id_is_found_as_far_back_as_guardduty_goes_and_further_when_asked() {
        let home = tempfile::tempdir().unwrap();
        let records = FileLedger::open(home.path()).await.unwrap();
        let intent = intent("2026-03-01T12:00:00Z".parse().unwrap());
        let id = intent.finding().id;
        records.begin(intent).await.unwrap();
        for (latest, since, is_found) in [
            (date(2026, 3, 1), None, true),
            (date(2026, 4, 15), None, true),
            (date(2026, 6, 4), None, true),
            (date(2026, 6, 5), None, false),
            (date(2026, 9, 1), Some(date(2026, 3, 1)), true),
            (date(2026, 4, 15), Some(date(2026, 3, 2)), false),
            (date(2026, 2, 28), None, false),
        ] {
            let found = find_back(&records, &id, latest, since).await.unwrap();
            assert_eq!(found.is_some(), is_found, "{latest} {since:?}");
        }
    }
}
