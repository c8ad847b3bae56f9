//! The figures, as JSON or as a table.

use std::collections::BTreeMap;

use serde::Serialize;

/// What one run has measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Pictures in flight, as the service was told.
    pub in_flight: u32,
    /// Pictures of the run.
    pub objects: u64,
    /// How long the model took.
    pub model_ms: u64,
    /// The size of each picture.
    pub image_bytes: usize,
    /// From the start of the process to its first poll of the queue.
    pub first_poll_ms: f64,
    /// Pictures per second, from the first poll until the queue was empty.
    pub objects_per_second: f64,
    /// The same for the second half of them, when the service has found its pace.
    pub second_half_per_second: f64,
    /// CPU time of the process per picture, user and system.
    pub cpu_ms_per_object: f64,
    /// CPU time of the stand-ins per picture: it is taken from the same machine, so that the
    /// service could be faster by as much.
    pub standins_cpu_ms_per_object: f64,
    /// The most memory that the process had resident.
    pub peak_bytes: u64,
    /// The most requests that the model had at the same time.
    pub max_concurrent: u32,
    /// Requests per picture, by operation.
    pub requests_per_object: BTreeMap<String, f64>,
    /// From SIGTERM to the end of the process, under load.
    pub stopped_ms: f64,
    /// The exit code; none when a signal ended it.
    pub exit_code: Option<i32>,
    /// Messages of the second load that could be received at once when the process had ended.
    pub left_visible: usize,
    /// Messages that nobody can receive before their lease ends: zero when all were released.
    pub left_held: usize,
}

/// The figures of all runs for people.
#[must_use]
pub fn table(all: &[Figures]) -> String {
    let Some(first) = all.first() else {
        return String::new();
    };
    let mut lines = vec![format!(
        "{} pictures of {} KB, a model that takes {} ms",
        first.objects,
        first.image_bytes / 1_000,
        first.model_ms
    )];
    type Cell = fn(&Figures) -> String;
    let rows: [(&str, Cell); 11] = [
        ("in flight", |of| of.in_flight.to_string()),
        ("start to first poll, ms", |of| {
            format!("{:.0}", of.first_poll_ms)
        }),
        ("pictures per second", |of| {
            format!("{:.1}", of.objects_per_second)
        }),
        ("  in the second half", |of| {
            format!("{:.1}", of.second_half_per_second)
        }),
        ("CPU per picture, ms", |of| {
            format!("{:.2}", of.cpu_ms_per_object)
        }),
        ("CPU of the stand-ins, ms", |of| {
            format!("{:.2}", of.standins_cpu_ms_per_object)
        }),
        ("peak memory, MiB", |of| {
            format!("{:.0}", of.peak_bytes as f64 / 1_048_576.0)
        }),
        ("most model calls at once", |of| {
            of.max_concurrent.to_string()
        }),
        ("SIGTERM to exit, ms", |of| format!("{:.0}", of.stopped_ms)),
        ("exit code", |of| {
            of.exit_code
                .map_or("signal".to_owned(), |code| code.to_string())
        }),
        ("left: to receive, held", |of| {
            format!("{}, {}", of.left_visible, of.left_held)
        }),
    ];
    for (name, cell) in rows {
        lines.push(row(name, all.iter().map(cell)));
    }
    let total = |of: &Figures| {
        let counts = of.requests_per_object.values();
        format!("{:.2}", counts.fold(0.0, |sum, count| sum + count))
    };
    lines.push(row("requests per picture", all.iter().map(total)));
    let names = all.iter().flat_map(|of| of.requests_per_object.keys());
    let names: std::collections::BTreeSet<_> = names.collect();
    for name in names {
        let cell = |of: &Figures| {
            let count = of.requests_per_object.get(name);
            count.map_or_else(|| "-".to_owned(), |count| format!("{count:.2}"))
        };
        lines.push(row(&format!("  {name}"), all.iter().map(cell)));
    }
    lines.join("\n")
}

fn row(name: &str, cells: impl Iterator<Item = String>) -> String {
    let cells: String = cells.map(|cell| format!("{cell:>12}")).collect();
    format!("{name:<34}{cells}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_for_each_run() {
        let one = Figures {
            in_flight: 32,
            objects: 10,
            model_ms: 200,
            image_bytes: 301_000,
            first_poll_ms: 80.4,
            objects_per_second: 99.96,
            second_half_per_second: 120.0,
            cpu_ms_per_object: 8.0,
            standins_cpu_ms_per_object: 3.0,
            peak_bytes: 104_857_600,
            max_concurrent: 32,
            requests_per_object: [("s3:GetObject".to_owned(), 1.0)].into(),
            stopped_ms: 210.0,
            exit_code: Some(0),
            left_visible: 190,
            left_held: 0,
        };
        let mut two = one.clone();
        two.in_flight = 64;
        two.exit_code = None;
        two.requests_per_object.clear();
        let table = table(&[one, two]);
        let has = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let mut lines = table.lines().map(|of| of.split_whitespace());
            assert!(lines.any(|of| of.eq(words.iter().copied())), "{table}");
        };
        has("10 pictures of 301 KB, a model that takes 200 ms");
        has("in flight 32 64");
        has("pictures per second 100.0 100.0");
        has("exit code 0 signal");
        has("left: to receive, held 190, 0 190, 0");
        has("requests per picture 1.00 0.00");
        has("s3:GetObject 1.00 -");
    }
}
