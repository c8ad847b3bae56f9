//! Where records lie, and how they read.

use jiff::civil::Date;

use crate::event::FindingId;
use crate::record::{Finding, LedgerError, SCHEMA_VERSION};

pub(super) const FINDINGS: &str = "findings/";
pub(super) const PENDING: &str = "pending/";
pub(super) const CLEAN: &str = "clean/";

/// The folder of a date below [`FINDINGS`] or [`CLEAN`].
pub(super) fn folder(room: &str, date: Date) -> String {
    format!("{room}date={date}/")
}

/// The date of such a folder, by its name alone.
pub(super) fn date_of_folder(name: &str) -> Option<Date> {
    name.strip_prefix("date=")?.parse().ok()
}

pub(super) fn finding_key(id: &FindingId, date: Date) -> String {
    format!("{}{id}.json", folder(FINDINGS, date))
}

pub(super) fn marker_key(id: &FindingId) -> String {
    format!("{PENDING}{id}")
}

/// The finding that a key names, in whatever room.
pub(super) fn id_of_key(key: &str) -> Option<FindingId> {
    let (_, name) = key.rsplit_once('/')?;
    name.strip_suffix(".json").unwrap_or(name).parse().ok()
}

/// Reads a finding; `name` is what an error calls it.
pub(super) fn parse(bytes: &[u8], name: &str) -> Result<Finding, LedgerError> {
    let corrupt = |why: String| LedgerError::Corrupt {
        id: name.to_owned(),
        why,
    };
    let finding: Finding = serde_json::from_slice(bytes).map_err(|error| {
        // Not the parser's words: they may repeat what the record holds.
        let kind = error.classify();
        corrupt(format!("{kind:?} error in line {}", error.line()).to_lowercase())
    })?;
    if finding.schema_version > SCHEMA_VERSION {
        return Err(corrupt(format!(
            "a newer s3-warden wrote it (version {} of the form, this one reads {SCHEMA_VERSION})",
            finding.schema_version
        )));
    }
    Ok(finding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_documented_layout() {
        let id: FindingId = "0123456789abcdef0123456789abcdef".parse().unwrap();
        let date: Date = "2026-08-22".parse().unwrap();
        let key = finding_key(&id, date);
        assert_eq!(
            key,
            "findings/date=2026-08-22/0123456789abcdef0123456789abcdef.json"
        );
        assert_eq!(id_of_key(&key), Some(id));
        assert_eq!(id_of_key(&marker_key(&id)), Some(id));
        assert_eq!(id_of_key("findings/date=2026-08-22/notes.txt"), None);
        assert_eq!(date_of_folder("date=2026-08-22"), Some(date));
        assert_eq!(date_of_folder("date=soon"), None);
    }
}
