//! Where a page of a list ended, as text for whoever turns it.

use jiff::civil::Date;

use super::LedgerError;
use crate::event::FindingId;

/// Where a page ended; what comes next lies behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PageMark {
    /// Behind this finding.
    Finding(Date, FindingId),
    /// Behind this line, counted from 1, of this file of clean records.
    Clean(Date, String, usize),
}

impl PageMark {
    pub(crate) const fn date(&self) -> Date {
        match self {
            Self::Finding(date, _) | Self::Clean(date, ..) => *date,
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, LedgerError> {
        let mut parts = text.splitn(4, '/');
        let parsed = (|| {
            let date = parts.next()?.parse().ok()?;
            match parts.next()? {
                "finding" => Some(Self::Finding(date, parts.next()?.parse().ok()?)),
                "clean" => {
                    let name = parts.next()?.to_owned();
                    Some(Self::Clean(date, name, parts.next()?.parse().ok()?))
                }
                _ => None,
            }
        })();
        parsed.ok_or_else(|| LedgerError::Corrupt {
            id: "page mark".to_owned(),
            why: "it is not one that a page ended with".to_owned(),
        })
    }
}

impl std::fmt::Display for PageMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Finding(date, id) => write!(f, "{date}/finding/{id}"),
            Self::Clean(date, name, line) => write!(f, "{date}/clean/{name}/{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_nothing_else_is_one() {
        for mark in [
            "2026-08-22/finding/0123456789abcdef0123456789abcdef",
            "2026-08-22/clean/local-1.ndjson/7",
        ] {
            assert_eq!(PageMark::parse(mark).unwrap().to_string(), mark);
        }
        for other in [
            "",
            "2026-08-22",
            "2026-08-22/finding/x",
            "2026-08-22/clean/a",
        ] {
            assert!(PageMark::parse(other).is_err(), "{other}");
        }
    }
}
