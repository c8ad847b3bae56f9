//! `analyze`: look at files and say what they hold. It changes nothing.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures::{Stream, StreamExt};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use walkdir::WalkDir;

use super::verdict_text::{categories, reason};
use super::view::verdict;
use super::{Ink, Out, Refusal, exit, shown};
use crate::app;
use crate::config::{Config, Sources};
use crate::object::Why;
use crate::retry::Reacts;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL};
use crate::verdict::{
    Category, Confidence, Inspection, Inspector, Threat, UnreadableReason, Verdict,
};

/// How many files the walk may be ahead of the looking: it only keeps the lookers busy.
const AHEAD: usize = 64;

/// Look at a file or a folder and say what it holds; changes nothing
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Links inside a folder are not followed. Exit codes: 0 all clean, 1 something flagged, \
    2 nothing flagged, and something undecided, unreadable or missing, 64 usage or configuration."
)]
pub struct Analyze {
    /// A file, or a folder with all files below it
    #[arg(required = true, value_name = "FILE|DIR")]
    pub targets: Vec<PathBuf>,
    /// Look for personal data (the default)
    #[arg(long)]
    pub pii: bool,
    /// Print one JSON object per line and file
    #[arg(long)]
    pub json: bool,
}

/// One file's answer, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Answer {
    target: String,
    verdict: &'static str,
    categories: BTreeSet<Category>,
    confidence: Option<Confidence>,
    threat_level: Option<Threat>,
    reason: Option<String>,
    millis: u64,
}

/// How often each verdict fell.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    clean: u64,
    flagged: u64,
    unsure: u64,
}

impl Analyze {
    pub(super) async fn run(self, sources: Sources, mut out: Out) -> anyhow::Result<u8> {
        // Nothing is acted on, so the two settings without a default need none here.
        let sources = sources.option("policy.mode", "observe", "analyze").option(
            "intake.buckets",
            vec!["analyze"],
            "analyze",
        );
        let config = Config::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let looker = app::Looker::new(&config).map_err(Refusal::usage)?;
        let mut tally = Tally::default();
        if !self.json {
            out.line(out.paint(Ink::Faint, "VERDICT    SURE    TIME     FILE"))?;
        }
        for target in &self.targets {
            self.one(target, &looker, &mut tally, &mut out).await?;
        }
        if !self.json {
            out.line(format!(
                "{} looked at: {} clean, {} flagged, {} undecided, unreadable or missing",
                tally.clean + tally.flagged + tally.unsure,
                tally.clean,
                tally.flagged,
                tally.unsure
            ))?;
            out.prose(Some(Ink::Faint), app::LOCAL_BLIND_SPOTS)?;
        }
        Ok(match tally {
            Tally { flagged: 1.., .. } => exit::FLAGGED,
            Tally { unsure: 1.., .. } => exit::UNSURE,
            Tally { .. } => exit::DONE,
        })
    }

    /// One argument: a file, or all files of a folder in the order of their names.
    async fn one(
        &self,
        target: &Path,
        looker: &app::Looker,
        tally: &mut Tally,
        out: &mut Out,
    ) -> anyhow::Result<()> {
        // What is named is meant, also through a link; links that are found are not followed.
        let real = match target.canonicalize() {
            Ok(real) => real,
            Err(error) => return self.report(&Answered::without(target, &error), tally, out),
        };
        let whole_folder = real.is_dir();
        let root = match real.parent() {
            Some(parent) if !whole_folder => parent.to_owned(),
            _ => real.clone(),
        };
        let inspector = Arc::new(looker.over(&root).map_err(Refusal::usage)?);
        let mut walks = JoinSet::new();
        let files = if whole_folder {
            walk(target.to_owned(), &mut walks).left_stream()
        } else {
            let name = real.strip_prefix(&root).unwrap_or(&real).to_owned();
            let file = Found {
                shown: target.to_owned(),
                below: Ok(name),
            };
            futures::stream::iter([file]).right_stream()
        };
        let bar = out.bar(None, "looking");
        let looks = files.map(|file| {
            let inspector = Arc::clone(&inspector);
            async move { look(&inspector, file).await }
        });
        let mut answers = std::pin::pin!(looks.buffered(looker.at_once()));
        while let Some(answered) = answers.next().await {
            bar.inc(1);
            bar.suspend(|| self.report(&answered, tally, out))?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn report(&self, answered: &Answered, tally: &mut Tally, out: &mut Out) -> anyhow::Result<()> {
        let inspection = &answered.inspection;
        match inspection.verdict {
            Verdict::Clean => tally.clean += 1,
            Verdict::Flagged { .. } => tally.flagged += 1,
            _ => tally.unsure += 1,
        }
        let answer = Answer::of(answered);
        if self.json {
            return Ok(out.json(&answer)?);
        }
        let sure = answer.confidence.map_or("-", Confidence::as_str);
        let detail = answer.reason.clone();
        let detail = detail.unwrap_or_else(|| categories(&inspection.verdict));
        let detail = if detail == "-" {
            String::new()
        } else {
            format!("  {detail}")
        };
        let seconds = inspection.took.as_secs_f64();
        let line = format!(
            "{} {sure:<7} {seconds:>5.1} s  {}{}",
            verdict(out, &inspection.verdict),
            shown(&answer.target),
            out.paint(Ink::Faint, &detail)
        );
        Ok(out.line(line)?)
    }
}

impl Answer {
    fn of(answered: &Answered) -> Self {
        let inspection = &answered.inspection;
        let (categories, confidence) = match &inspection.verdict {
            Verdict::Flagged {
                categories,
                confidence,
            } => (categories.clone(), Some(*confidence)),
            _ => (BTreeSet::new(), None),
        };
        let judged = matches!(
            inspection.verdict,
            Verdict::Flagged { .. } | Verdict::Undecided { .. } | Verdict::Unreadable { .. }
        );
        Self {
            target: answered.file.display().to_string(),
            verdict: inspection.verdict.as_str(),
            categories,
            confidence,
            threat_level: judged.then_some(inspection.threat),
            reason: match answered.why {
                Some(why) => Some(why.to_owned()),
                None => reason(&inspection.verdict),
            },
            millis: u64::try_from(inspection.took.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// A file that was found: how it is shown, and its path below the folder that is looked into, or
/// why it cannot be looked at.
#[derive(Debug)]
struct Found {
    shown: PathBuf,
    below: Result<PathBuf, std::io::Error>,
}

/// What came of one file.
#[derive(Debug)]
struct Answered {
    file: PathBuf,
    inspection: Inspection,
    /// A reason in place of the verdict's own.
    why: Option<&'static str>,
}

impl Answered {
    /// The system does not let us get at it.
    fn without(file: &Path, error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self {
                file: file.to_owned(),
                inspection: Inspection::of_missing(),
                why: None,
            },
            ErrorKind::PermissionDenied => Self::unreadable(file, None),
            _ => Self::unreadable(file, Some("cannot be opened")),
        }
    }

    /// It is there, and nothing is known about it.
    fn unreadable(file: &Path, why: Option<&'static str>) -> Self {
        let mut inspection = Inspection::of_missing();
        inspection.verdict = Verdict::Unreadable {
            reason: UnreadableReason::Denied(Why::AccessDenied),
        };
        inspection.threat = Threat::Medium;
        Self {
            file: file.to_owned(),
            inspection,
            why,
        }
    }
}

/// All files and links below a folder; links are not followed, the store says what it thinks of
/// them. What cannot be walked is found too: a folder that is passed over would look clean.
fn walk(folder: PathBuf, walks: &mut JoinSet<()>) -> impl Stream<Item = Found> + use<> {
    let (found, mut files) = mpsc::channel(AHEAD);
    walks.spawn_blocking(move || {
        for entry in WalkDir::new(&folder).sort_by_file_name() {
            let file = match entry {
                // The folder itself may have been named through a link.
                Ok(entry) if entry.file_type().is_dir() || entry.depth() == 0 => continue,
                Ok(entry) => {
                    let below = entry.path().strip_prefix(&folder);
                    Found {
                        below: Ok(below.unwrap_or(entry.path()).to_owned()),
                        shown: entry.into_path(),
                    }
                }
                Err(error) => Found {
                    shown: error.path().unwrap_or(&folder).to_owned(),
                    below: Err(error.into()),
                },
            };
            // Nobody waits for more: the looking has ended.
            if found.blocking_send(file).is_err() {
                return;
            }
        }
    });
    futures::stream::poll_fn(move |context| files.poll_recv(context))
}

/// Looks at one file. What goes wrong with it is its own answer, and the others are looked at.
async fn look(inspector: &Inspector, found: Found) -> Answered {
    let file = found.shown;
    let below = match found.below {
        Ok(below) => below,
        Err(error) => return Answered::without(&file, &error),
    };
    let Some(key) = below.to_str() else {
        return Answered::unreadable(&file, Some("its name is not UTF-8"));
    };
    let target = app::Looker::target(key.to_owned());
    match inspector.inspect(&target, None).await {
        Ok(inspection) => Answered {
            file,
            inspection,
            why: None,
        },
        Err(error) => {
            tracing::warn!({ ERROR_CODE } = error.code(), { ERROR_DETAIL } = %error, "a file could not be looked at");
            Answered::unreadable(&file, Some(error.code()))
        }
    }
}
