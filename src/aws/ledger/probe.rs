//! Whether a bucket can hold records, and decisions of people be read: tried with an object of our
//! own, which is removed again, and with a name that no decision has.

use super::layout::PENDING;
use crate::aws::records::{Over, Records, Which, Written};
use crate::aws::task::TaskName;
use crate::event::ETag;
use crate::record::LedgerError;

pub(super) async fn probe(records: &Records, task: &TaskName) -> Result<(), LedgerError> {
    let which = Which {
        prefix: PENDING,
        folders: true,
        ..Which::default()
    };
    // Without s3:ListBucket a missing record would look forbidden instead of missing.
    records.list(which).await?;
    // What people have allowed is asked for only once something is found, which is late to learn
    // that it may not be read.
    records.get("allow/probe.json").await?;
    let key = format!("control/probe-{task}.json");
    let body = || b"{}".to_vec();
    let Written::Done(etag) = records.put(&key, body(), Over::Nothing).await? else {
        return Err(unconditional(records, "If-None-Match"));
    };
    let other = ETag::new("00000000000000000000000000000000").expect("the tag is not empty");
    let again = records.put(&key, body(), Over::Nothing).await;
    let over_other = records.put(&key, body(), Over::This(&other)).await;
    // Whatever came of it, our object does not stay.
    let read = records.get(&key).await?;
    let now = read.map_or(etag, |stored| stored.etag);
    records.delete(&key, &now).await?;
    match (again?, over_other?) {
        (Written::Done(_), _) => Err(unconditional(records, "If-None-Match")),
        (_, Written::Done(_)) => Err(unconditional(records, "If-Match")),
        (Written::Lost, Written::Lost) => Ok(()),
    }
}

fn unconditional(records: &Records, header: &str) -> LedgerError {
    LedgerError::Refused(format!(
        "bucket {}: it does not honour conditional writes ({header}), and without them two tasks \
         would overwrite each other's records: use a bucket on Amazon S3, or on a store that has them",
        records.bucket()
    ))
}
