//! `demo`: the main job on a folder of its own, with sample pictures, as it happens.
//!
//! Nothing is staged: the pictures go through the pipeline of `watch --enforce`, and what is
//! printed is what it found and did. The folder is left behind, so that a reader can look at the
//! findings and go on with the commands named at the end.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::demo_pictures::PICTURES;
use super::verdict_text::{categories, reason};
use super::view::{self, Row, Seen};
use super::watch::settings;
use super::{Ink, Out, Refusal, exit, joined, shown};
use crate::alert::{self, Alert};
use crate::app::{self, Place};
use crate::clock::SystemClock;
use crate::config::{Config, Sources};
use crate::record::Finding;
use crate::worker::Drained;

/// The folder that is guarded, and so the bucket.
const BUCKET: &str = "uploads";

/// How long after one picture the next is dropped: long enough to watch, short enough to wait for.
const APART: Duration = Duration::from_millis(150);

/// How alerts name the command that tells more.
const EXPLAIN: &str = "s3-warden explain";

/// Show the whole thing on a temporary folder with sample pictures
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Where to do it: a folder that is new or empty; a temporary one unless given
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Everything that the demo saw.
#[derive(Debug, Default)]
struct Story {
    rows: BTreeMap<String, Row>,
    announced: Vec<Finding>,
    settled: usize,
}

impl Demo {
    pub(super) async fn run(self, sources: Sources, mut out: Out) -> anyhow::Result<u8> {
        let home = self.home()?;
        let place = Place {
            folder: home.join(BUCKET),
            bucket: BUCKET.to_owned(),
            state: home.join("state"),
            quarantine: None,
        };
        std::fs::create_dir_all(&place.folder)
            .with_context(|| format!("{} cannot be made", place.folder.display()))?;
        let sources = settings(sources, &place, true);
        let config = Config::load(sources).map_err(|errors| Refusal::settings(&errors))?;

        out.line(format!(
            "A bucket at {}, guarded with enforcement on; {} sample pictures are dropped into it.",
            out.paint(Ink::Strong, &place.folder.display().to_string()),
            PICTURES.len()
        ))?;
        out.line("All people, numbers and documents in them are made up.\n")?;
        let started = Instant::now();
        let story = self.play(&config, &place, &mut out).await?;
        ending(&mut out, &config, &place, &story, started.elapsed())?;
        Ok(exit::DONE)
    }

    fn home(&self) -> anyhow::Result<PathBuf> {
        let Some(folder) = &self.folder else {
            let made = tempfile::Builder::new().prefix("s3-warden-demo-").tempdir();
            return Ok(made.context("no temporary folder can be made")?.keep());
        };
        let used = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        if used {
            let message = format!(
                "{} is not empty: the demo deletes what it finds there",
                folder.display()
            );
            return Err(Refusal::usage(message).into());
        }
        std::fs::create_dir_all(folder)
            .map_err(|error| Refusal::usage(format!("{}: {error}", folder.display())))?;
        Ok(folder.canonicalize()?)
    }

    /// Runs the pipeline until every picture is settled.
    async fn play(&self, config: &Config, place: &Place, out: &mut Out) -> anyhow::Result<Story> {
        // Its alerts are shown at the end, one of them whole.
        let (observer, _hear, seen) = view::eyes();
        let guarded = app::guard(config, place, observer, |_: &Alert| {}, SystemClock)
            .await
            .map_err(Refusal::usage)?;
        let (stop, now) = (CancellationToken::new(), CancellationToken::new());
        let mut running = JoinSet::new();
        running.spawn(guarded.run(stop.clone(), now));
        let mut dropping = JoinSet::new();
        dropping.spawn(drop_pictures(place.folder.clone()));

        let bar = out.bar(Some(PICTURES.len() as u64), "looking");
        let mut story = Story::default();
        let watched = tokio::select! {
            watched = story.watch(seen, out, &bar) => watched,
            Some(ended) = running.join_next() => {
                joined(ended)?;
                Err(anyhow::anyhow!("the pipeline ended before the last picture"))
            }
            Some(Ok(Err(error))) = dropping.join_next() => {
                Err(anyhow::Error::from(error).context("a sample picture cannot be written"))
            }
        };
        bar.finish_and_clear();
        stop.cancel();
        while let Some(ended) = running.join_next().await {
            anyhow::ensure!(
                joined(ended)? == Drained::Clean,
                "the pipeline did not drain in time"
            );
        }
        watched.map(|()| story)
    }
}

impl Story {
    async fn watch(
        &mut self,
        mut seen: UnboundedReceiver<Seen>,
        out: &mut Out,
        bar: &indicatif::ProgressBar,
    ) -> anyhow::Result<()> {
        while self.settled < PICTURES.len() {
            let Some(next) = seen.recv().await else { break };
            view::show(out, bar, &next, false)?;
            match next {
                Seen::Looked(row) | Seen::Acted(row) => {
                    bar.inc(1);
                    self.rows.insert(row.key.clone(), row);
                }
                Seen::Announced(finding) => self.announced.push(*finding),
                Seen::Acknowledged | Seen::Parked(_) => self.settled += 1,
                Seen::PassedOver | Seen::Told(_) | Seen::Paused(_) => {}
            }
        }
        Ok(())
    }
}

/// Each picture appears whole, under its name, as an upload does.
async fn drop_pictures(folder: PathBuf) -> std::io::Result<()> {
    for (name, bytes) in PICTURES {
        tokio::fs::write(folder.join(name), bytes).await?;
        tokio::time::sleep(APART).await;
    }
    Ok(())
}

fn ending(
    out: &mut Out,
    config: &Config,
    place: &Place,
    story: &Story,
    took: Duration,
) -> anyhow::Result<()> {
    out.line("")?;
    let rows = PICTURES
        .iter()
        .filter_map(|(name, _)| story.rows.get(*name));
    let rows = rows.map(|row| {
        vec![
            shown(&row.key),
            row.verdict.as_str().to_owned(),
            reason(&row.verdict).unwrap_or_else(|| categories(&row.verdict)),
            row.deed.clone(),
            format!("{:.1} s", row.millis as f64 / 1000.0),
        ]
    });
    out.table(
        &[
            "Object",
            "Verdict",
            "What it holds, or why not",
            "Action",
            "Time",
        ],
        rows.collect(),
    )?;

    let gravest = story
        .announced
        .iter()
        .max_by_key(|finding| finding.threat());
    let alert = gravest.and_then(|finding| Alert::about(finding, &config.alerts));
    if let Some(alert) = alert {
        out.line(format!(
            "\n{}",
            out.paint(Ink::Strong, "One of the alerts, as its reader sees it")
        ))?;
        out.line(format!("Subject: {}\n", alert::subject(&alert)))?;
        // The reader of a real alert finds the records in their usual place; these lie elsewhere.
        let here = format!("{EXPLAIN} {}", state_option(place));
        for line in alert::body(&alert).lines() {
            let line = format!("  {}", line.replace(EXPLAIN, &here));
            if line.contains(EXPLAIN) {
                // A command is copied whole.
                out.line(line)?;
            } else {
                out.prose(None, &line)?;
            }
        }
    }
    let removed = story.rows.values().filter(|row| row.removed).count();
    out.line(format!(
        "\n{} pictures in {:.1} s: {removed} removed, {} left in the bucket.",
        story.rows.len(),
        took.as_secs_f64(),
        left_in(&place.folder)
    ))?;
    out.prose(None, app::LOCAL_BLIND_SPOTS)?;
    next_steps(out, place, gravest)
}

fn next_steps(out: &mut Out, place: &Place, finding: Option<&Finding>) -> anyhow::Result<()> {
    out.line(format!("\n{}", out.paint(Ink::Strong, "Where things are")))?;
    out.line(format!(
        "  findings  {}",
        place.state.join("findings").display()
    ))?;
    out.line(format!(
        "  alerts    {}",
        place.state.join(app::ALERTS_FILE).display()
    ))?;
    out.line(format!("  bucket    {}", place.folder.display()))?;
    out.line(format!("\n{}", out.paint(Ink::Strong, "What to run next")))?;
    if let Some(key) = finding.and_then(Finding::key) {
        out.line(format!(
            "  {} explain {} {BUCKET} {}",
            program(),
            state_option(place),
            alert::quoted(&shown(key.as_str()))
        ))?;
    }
    for (arguments, what) in [
        ("watch DIR", "guard a folder of yours, observing only"),
        ("analyze --pii DIR", "look once, change nothing"),
    ] {
        out.line(format!("  {} {arguments:<20} ({what})", program()))?;
    }
    Ok(())
}

/// How this program was called: as long as it is not installed, its name alone finds nothing.
fn program() -> String {
    let name = std::env::args_os().next().unwrap_or_default();
    let name = shown(&name.to_string_lossy());
    if name.is_empty() {
        "s3-warden".to_owned()
    } else {
        alert::quoted(&name)
    }
}

/// The option by which `explain` finds the records of this demo, for a shell.
fn state_option(place: &Place) -> String {
    format!(
        "--state {}",
        alert::quoted(&place.state.display().to_string())
    )
}

fn left_in(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .count()
}
