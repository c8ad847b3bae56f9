//! The figures of a storm, from what was published.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::{Options, alert, ids, objects};
use crate::aws::Published;

/// What one run has brought.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) processes: u32,
    pub(super) began_ms: u64,
    pub(super) published: Vec<Published>,
    pub(super) peaks: Vec<u64>,
    pub(super) exit_codes: Vec<Option<i32>>,
}

/// What one run has measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Services side by side.
    pub processes: u32,
    /// Uploads of the run.
    pub uploads: u64,
    /// How many of them hold personal data.
    pub flagged: u64,
    /// Messages that SNS accepted, by kind.
    pub published: BTreeMap<String, u64>,
    /// The most messages that any second had.
    pub most_in_a_second: usize,
    /// The most messages that any minute had.
    pub most_in_a_minute: usize,
    /// Distinct findings that alerts name.
    pub findings_covered: usize,
    /// How often an alert names a finding that an earlier one has named.
    pub findings_repeated: usize,
    /// The most findings that one alert names.
    pub most_in_an_alert: usize,
    /// From the first upload to the alert that names the last finding; none when some are missing.
    pub covered_after_ms: Option<u64>,
    /// Minutes that have a digest.
    pub windows_told: usize,
    /// The most digests that one minute has.
    pub most_digests_of_a_window: usize,
    /// Objects that all digests together count.
    pub objects_in_digests: u64,
    /// The most memory that any service had resident.
    pub peak_bytes_of_one: u64,
    /// The sum of what each had at most.
    pub peak_bytes_of_all: u64,
    /// The exit codes after SIGTERM; none when a signal ended one.
    pub exit_codes: Vec<Option<i32>>,
}

pub(super) fn figures(options: &Options, run: &Run) -> Figures {
    let mut published: BTreeMap<String, u64> = BTreeMap::new();
    let mut windows: BTreeMap<String, usize> = BTreeMap::new();
    let (mut seen, mut repeated, mut largest) = (BTreeSet::new(), 0, 0);
    let (mut covered_at, mut in_digests) = (None, 0);
    for message in &run.published {
        let alert = alert(message).unwrap_or(Value::Null);
        let text = |place: &str| alert.pointer(place).and_then(Value::as_str).unwrap_or("?");
        *published.entry(text("/kind").to_owned()).or_default() += 1;
        if alert.get("digest").is_some_and(|digest| !digest.is_null()) {
            *windows.entry(text("/digest/from").to_owned()).or_default() += 1;
            in_digests += objects(&alert);
        }
        let ids = ids(&alert);
        largest = largest.max(ids.len());
        for id in ids {
            repeated += usize::from(!seen.insert(id));
        }
        if seen.len() as u64 == options.flagged() {
            covered_at.get_or_insert(message.at_ms);
        }
    }
    let times: Vec<_> = run.published.iter().map(|message| message.at_ms).collect();
    Figures {
        processes: run.processes,
        uploads: options.objects,
        flagged: options.flagged(),
        published,
        most_in_a_second: most_within(&times, 1_000),
        most_in_a_minute: most_within(&times, 60_000),
        findings_covered: seen.len(),
        findings_repeated: repeated,
        most_in_an_alert: largest,
        covered_after_ms: covered_at.map(|at: u64| at.saturating_sub(run.began_ms)),
        windows_told: windows.len(),
        most_digests_of_a_window: windows.values().copied().max().unwrap_or(0),
        objects_in_digests: in_digests,
        peak_bytes_of_one: run.peaks.iter().copied().max().unwrap_or(0),
        peak_bytes_of_all: run.peaks.iter().sum(),
        exit_codes: run.exit_codes.clone(),
    }
}

/// The most of these times that lie within any stretch of so many milliseconds.
fn most_within(times: &[u64], stretch: u64) -> usize {
    let mut times = times.to_vec();
    times.sort_unstable();
    let from = |start: &u64| times.partition_point(|time| time < start);
    let within = |start: &u64| from(&(start + stretch)) - from(start);
    times.iter().map(within).max().unwrap_or(0)
}

/// The figures of all runs for people.
#[must_use]
pub fn table(all: &[Figures]) -> String {
    let Some(first) = all.first() else {
        return String::new();
    };
    let mut lines = vec![format!(
        "{} uploads of which {} hold personal data",
        first.uploads, first.flagged
    )];
    type Cell = fn(&Figures) -> String;
    let rows: [(&str, Cell); 14] = [
        ("services", |of| of.processes.to_string()),
        ("messages published", |of| {
            of.published.values().sum::<u64>().to_string()
        }),
        ("  most in a second", |of| of.most_in_a_second.to_string()),
        ("  most in a minute", |of| of.most_in_a_minute.to_string()),
        ("findings covered", |of| of.findings_covered.to_string()),
        ("  named again", |of| of.findings_repeated.to_string()),
        ("  most in one alert", |of| of.most_in_an_alert.to_string()),
        ("all covered after, s", |of| {
            of.covered_after_ms.map_or("never".to_owned(), |ms| {
                format!("{:.1}", ms as f64 / 1_000.0)
            })
        }),
        ("minutes with a digest", |of| of.windows_told.to_string()),
        ("  most digests of one", |of| {
            of.most_digests_of_a_window.to_string()
        }),
        ("  objects in them", |of| of.objects_in_digests.to_string()),
        ("peak memory of one, MiB", |of| mib(of.peak_bytes_of_one)),
        ("  of all, MiB", |of| mib(of.peak_bytes_of_all)),
        ("exit codes other than 0", |of| {
            let failed = of.exit_codes.iter().filter(|code| **code != Some(0));
            failed.count().to_string()
        }),
    ];
    for (name, cell) in rows {
        lines.push(row(name, all.iter().map(cell)));
    }
    let kinds: BTreeSet<_> = all.iter().flat_map(|of| of.published.keys()).collect();
    for kind in kinds {
        let cell = |of: &Figures| of.published.get(kind).unwrap_or(&0).to_string();
        lines.push(row(&format!("messages: {kind}"), all.iter().map(cell)));
    }
    lines.join("\n")
}

fn mib(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1_048_576.0)
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:>12}")).collect();
    format!("{name:<34}{cells}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(at_ms: u64, alert: &Value) -> Published {
        Published {
            message: json!({"default": alert.to_string(), "email": "text"}).to_string(),
            at_ms,
            ..Published::default()
        }
    }

    #[test]
    fn figures_are_those_of_what_was_published() {
        let options = Options::parse(&["--warden", "w", "--objects", "15"]).unwrap();
        let flagged = |ids: &[&str]| json!({"kind": "flagged", "finding_ids": ids, "digest": null});
        let digest = |from: &str, clean: u64| {
            let tally = json!({"verdicts": {"clean": clean, "flagged": 1}});
            json!({"kind": "digest", "finding_ids": [], "digest": {"from": from, "tally": tally}})
        };
        let run = Run {
            processes: 2,
            began_ms: 500,
            published: vec![
                message(1_000, &flagged(&["a"])),
                message(1_999, &flagged(&["a", "b"])),
                message(2_000, &flagged(&["c"])),
                message(61_000, &digest("t0", 11)),
                message(61_500, &digest("t0", 11)),
                message(122_000, &digest("t1", 0)),
            ],
            peaks: vec![3 << 20, 2 << 20],
            exit_codes: vec![Some(0), None],
        };
        let figures = figures(&options, &run);
        assert_eq!(figures.published["flagged"], 3);
        assert_eq!(figures.most_in_a_second, 2);
        assert_eq!(figures.most_in_a_minute, 4);
        assert_eq!(
            (figures.findings_covered, figures.findings_repeated),
            (3, 1)
        );
        assert_eq!(figures.covered_after_ms, Some(1_500));
        let digests = (figures.windows_told, figures.most_digests_of_a_window);
        assert_eq!((digests, figures.objects_in_digests), ((2, 2), 25));
        let table = table(&[figures]);
        for line in [
            "all covered after, s 1.5",
            "of all, MiB 5",
            "exit codes other than 0 1",
            "messages: digest 3",
        ] {
            let words = line.split_whitespace();
            let mut lines = table.lines().map(str::split_whitespace);
            assert!(lines.any(|of| of.eq(words.clone())), "{line}: {table}");
        }
    }
}
