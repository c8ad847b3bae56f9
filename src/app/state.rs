//! Where the state of guarded folders lies, and what its records say.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::local::FileRecords;
use crate::record::{Finding, LedgerError, Query};

/// The file in the state folder that alerts are appended to, one JSON object per line.
pub const ALERTS_FILE: &str = "alerts.ndjson";

/// Names the bucket that a state folder belongs to.
pub(super) const BUCKET_FILE: &str = "bucket";

/// Names the folder that removed objects went to, where there was one.
pub(super) const QUARANTINE_FILE: &str = "quarantine";

/// What the records of a guarded folder say, also while a pipeline is running on it.
///
/// # Errors
/// There are none at this place, or they cannot be read.
pub async fn recorded(state: &Path, mut query: Query) -> anyhow::Result<Vec<Finding>> {
    let records = FileRecords::open(state).await.map_err(plainly)?;
    let mut findings = Vec::new();
    loop {
        let page = records.list(&query).await.map_err(plainly)?;
        findings.extend(page.findings);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return Ok(findings),
        }
    }
}

/// What the records say to a person at a terminal, who does not care which port said it.
pub(super) fn plainly(error: LedgerError) -> anyhow::Error {
    match error {
        LedgerError::Refused(why) | LedgerError::Unavailable(why) => anyhow::anyhow!(why),
        corrupt @ LedgerError::Corrupt { .. } => corrupt.into(),
    }
}

/// Where the state of a guarded folder lies unless somebody says otherwise.
///
/// That is below `$XDG_STATE_HOME/s3-warden` (XDG Base Directory Specification), by the folder's
/// name and a digest of its path. `None` when neither variable is set.
pub fn state_of(xdg_state: Option<&str>, home: Option<&str>, folder: &Path) -> Option<PathBuf> {
    let mut digest = hex::encode(Sha256::digest(folder.as_os_str().as_encoded_bytes()));
    digest.truncate(8);
    let name = folder
        .file_name()
        .map_or("root".into(), |name| name.to_string_lossy());
    Some(states(xdg_state, home)?.join(format!("{name}-{digest}")))
}

/// All states that belong to folders with this name.
pub fn states_of(xdg_state: Option<&str>, home: Option<&str>, bucket: &str) -> Vec<PathBuf> {
    let Some(states) = states(xdg_state, home) else {
        return Vec::new();
    };
    let entries = std::fs::read_dir(states).into_iter().flatten().flatten();
    let named = entries.map(|entry| entry.path()).filter(|state| {
        std::fs::read_to_string(state.join(BUCKET_FILE))
            .is_ok_and(|claimed| claimed.lines().next() == Some(bucket))
    });
    let mut named: Vec<_> = named.collect();
    named.sort();
    named
}

fn states(xdg_state: Option<&str>, home: Option<&str>) -> Option<PathBuf> {
    let given = |value: Option<&str>| {
        value
            .filter(|v| Path::new(v).is_absolute())
            .map(PathBuf::from)
    };
    let base = given(xdg_state).or_else(|| Some(given(home)?.join(".local/state")));
    Some(base?.join("s3-warden"))
}
