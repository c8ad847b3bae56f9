//! `evaluate`: what the local detector finds and what it wrongly flags, on labelled pictures.
//!
//! The figures of the README come from here. Labels are a file `labels.json` in the folder: an
//! array of objects with `file`, `pii` and, for the list of misses, `kind`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{Ink, Out, Refusal, exit, shown};
use crate::app;
use crate::config::{Config, Sources};
use crate::verdict::Verdict;

/// Measure the local detector on a folder of labelled pictures
#[derive(Clone, Debug, Args)]
pub struct Evaluate {
    /// The folder with the pictures and `labels.json`
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Debug, Deserialize)]
struct Label {
    file: String,
    pii: bool,
    #[serde(default)]
    kind: String,
}

/// What was measured.
#[derive(Debug, Default, Serialize)]
struct Figures {
    with: u64,
    without: u64,
    found: u64,
    falsely_flagged: u64,
    not_decided: u64,
    recall: f64,
    precision: f64,
    cpu_seconds_per_picture: f64,
    wall_seconds: f64,
    idle_memory_mb: Option<f64>,
    peak_memory_mb: Option<f64>,
    missed: Vec<String>,
    false_flags: Vec<String>,
}

impl Evaluate {
    pub(super) async fn run(self, sources: Sources, mut out: Out) -> anyhow::Result<u8> {
        let sources = sources.option("policy.mode", "observe", "evaluate").option(
            "intake.buckets",
            vec!["evaluate"],
            "evaluate",
        );
        let config = Config::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let labels = self.labels()?;
        let looker = app::Looker::new(&config).map_err(Refusal::usage)?;
        let inspector = Arc::new(looker.over(&self.folder).map_err(Refusal::usage)?);

        let (started, cpu) = (Instant::now(), cpu_time());
        let bar = out.bar(Some(labels.len() as u64), "judging");
        let judgements = futures::stream::iter(labels).map(|label| {
            let inspector = Arc::clone(&inspector);
            async move {
                let target = app::Looker::target(label.file.clone());
                let inspection = inspector.inspect(&target, None).await;
                anyhow::Ok((label, inspection.map_err(Refusal::unavailable)?.verdict))
            }
        });
        let mut judgements = std::pin::pin!(judgements.buffer_unordered(looker.at_once()));
        let mut figures = Figures {
            // Everything is built; the models are loaded with the first picture.
            idle_memory_mb: memory_mb("VmRSS:"),
            ..Figures::default()
        };
        while let Some((label, verdict)) = judgements.try_next().await? {
            bar.inc(1);
            figures.count(&label, &verdict);
        }
        bar.finish_and_clear();
        figures.close(started.elapsed(), cpu_time().saturating_sub(cpu));
        if self.json {
            out.json(&figures)?;
        } else {
            figures.print(&mut out)?;
        }
        Ok(exit::DONE)
    }

    fn labels(&self) -> anyhow::Result<Vec<Label>> {
        let path = self.folder.join("labels.json");
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Refusal::usage(format!(
                "{} cannot be read: {error}; it is an array of {{\"file\", \"pii\"}}",
                path.display()
            ))
        })?;
        let labels: Vec<Label> = serde_json::from_str(&text).map_err(|error| {
            Refusal::usage(format!(
                "{} is not a list of labels: {error}",
                path.display()
            ))
        })?;
        Ok(labels)
    }
}

impl Figures {
    fn count(&mut self, label: &Label, verdict: &Verdict) {
        let flagged = matches!(verdict, Verdict::Flagged { .. });
        let decided = flagged || matches!(verdict, Verdict::Clean);
        self.not_decided += u64::from(!decided);
        if label.pii {
            self.with += 1;
            self.found += u64::from(flagged);
            if !flagged {
                self.missed.push(format!(
                    "{} ({}, {})",
                    label.file,
                    label.kind,
                    verdict.as_str()
                ));
            }
        } else {
            self.without += 1;
            self.falsely_flagged += u64::from(flagged);
            if flagged {
                self.false_flags
                    .push(format!("{} ({})", label.file, label.kind));
            }
        }
    }

    fn close(&mut self, wall: Duration, cpu: Duration) {
        let all = (self.with + self.without).max(1) as f64;
        self.recall = self.found as f64 / self.with.max(1) as f64;
        self.precision = self.found as f64 / (self.found + self.falsely_flagged).max(1) as f64;
        self.cpu_seconds_per_picture = cpu.as_secs_f64() / all;
        self.wall_seconds = wall.as_secs_f64();
        self.peak_memory_mb = memory_mb("VmHWM:");
        self.missed.sort();
        self.false_flags.sort();
    }

    fn print(&self, out: &mut Out) -> std::io::Result<()> {
        let mut by_kind: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
        by_kind.insert("missed", self.missed.iter().collect());
        by_kind.insert("falsely flagged", self.false_flags.iter().collect());
        for (what, files) in by_kind {
            for file in files {
                out.line(format!("{} {}", out.paint(Ink::Warn, what), shown(file)))?;
            }
        }
        out.line(format!("pictures with personal data    {:>7}", self.with))?;
        out.line(format!("  found                        {:>7}", self.found))?;
        out.line(format!(
            "pictures without               {:>7}",
            self.without
        ))?;
        out.line(format!(
            "  falsely flagged              {:>7}",
            self.falsely_flagged
        ))?;
        out.line(format!(
            "neither flagged nor clean      {:>7}",
            self.not_decided
        ))?;
        out.line(format!(
            "recall                         {:>7.3}",
            self.recall
        ))?;
        out.line(format!(
            "precision                      {:>7.3}",
            self.precision
        ))?;
        out.line(format!(
            "CPU seconds per picture        {:>7.2}",
            self.cpu_seconds_per_picture
        ))?;
        out.line(format!(
            "wall seconds in all            {:>7.1}",
            self.wall_seconds
        ))?;
        for (name, figure) in [("idle", self.idle_memory_mb), ("peak", self.peak_memory_mb)] {
            let figure = figure.map_or("-".to_owned(), |figure| format!("{figure:.0}"));
            out.line(format!("{name} memory, MB                {figure:>7}"))?;
        }
        Ok(())
    }
}

/// The processor time that this process has taken.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// A line of what Linux tells about this process's memory (proc(5)): `VmRSS:` is what it holds,
/// `VmHWM:` the most that it has held at once.
fn memory_mb(name: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}
