//! What operators reach without running a service: the switches and the records on AWS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::aws::{Clients, S3Ledger, S3Switches};
use crate::config::Operator;
use crate::record::{Finding, Ledger, LedgerError, Query, Switches};

/// No model is called here; a client wants a bound all the same.
const NO_MODEL: Duration = Duration::from_secs(1);

/// The switches of a fleet.
///
/// # Errors
/// Nobody says where the records lie, or no region is set.
pub async fn switches(operator: &Operator, path_style: bool) -> anyhow::Result<Arc<dyn Switches>> {
    let place = operator.records.clone().context(NO_RECORDS)?;
    let clients = Clients::connect(path_style, NO_MODEL).await?;
    Ok(Arc::new(S3Switches::new(&clients, place)))
}

/// The records of a fleet, for reading.
///
/// # Errors
/// Nobody says where the records lie, or no region is set.
pub async fn records(operator: &Operator, path_style: bool) -> anyhow::Result<Arc<dyn Ledger>> {
    let place = operator.records.clone().context(NO_RECORDS)?;
    let clients = Clients::connect(path_style, NO_MODEL).await?;
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

const NO_RECORDS: &str = "records.bucket: missing; name the bucket with the findings of the service, in a file or as \
     WARDEN_RECORDS__BUCKET";
