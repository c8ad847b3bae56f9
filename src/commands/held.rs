//! `breaker reset --apply-held`: closes the breaker and carries out what it held.

use std::num::NonZeroU32;

use clap::Args;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::breaker::closed;
use super::verdict_text::{categories, denied};
use super::{Ink, Out, Refusal, Surroundings, exit, shown};
use crate::action::{Action, Outcome};
use crate::app;
use crate::config::{Maintenance, Sources};
use crate::event::{BucketName, FindingId, Key};
use crate::maintenance::{Applied, Entry, Holding, Obstacle, Report, Skip, holding};
use crate::record::Finding;
use crate::shutdown;

/// How many held findings a list shows before it only counts.
const SHOWN: usize = 20;

/// What `--apply-held` may be told.
#[derive(Clone, Debug, Args)]
pub struct Held {
    /// Carry out what is held: objects are removed as was decided, people are told
    #[arg(long)]
    pub apply_held: bool,
    /// Only these findings
    #[arg(long, value_name = "ID", num_args = 1.., requires = "apply_held")]
    pub only: Vec<FindingId>,
    /// Only what was held since this time (RFC 3339) [default: all, of events up to 28 days before it
    /// opened, now or the last time]
    #[arg(long, value_name = "TIME", requires = "apply_held")]
    pub since: Option<Timestamp>,
    /// At most so many removals a minute, beside those of the service [default: half
    /// of what limits allow it]
    #[arg(long, value_name = "N", requires = "apply_held")]
    pub per_minute: Option<NonZeroU32>,
    /// Only list what would be removed; the breaker stays as it is
    #[arg(long, requires = "apply_held")]
    pub dry_run: bool,
}

impl Held {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        json: bool,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let settings = Maintenance::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let applying = app::applying(&settings, surroundings.path_style())
            .await
            .map_err(|error| Refusal::usage(format!("{error:#}")))?;
        let applier = applying.applier;
        let positions = applier.switches.read().await;
        let positions = positions.map_err(Refusal::unavailable)?;
        let before = positions.breaker;
        let since = self.since.or(before.held_since());
        let since = since.unwrap_or_else(Timestamp::now);
        let list = async || {
            let listed = holding(&*applier.ledger, since).await;
            listed.map_err(Refusal::unavailable)
        };
        let Holding { held, begun } = list().await?;
        let mut held = self.chosen(held)?;
        let quarantine = settings.quarantine.is_some();
        if held.iter().any(quarantines) && !quarantine {
            return Err(Refusal::usage(
                "quarantine.bucket: missing; some of what is held is to be moved there: name the \
                 bucket as the service has it",
            )
            .into());
        }
        if self.dry_run {
            return planned(&held, &begun, json, &mut out);
        }
        if positions.halt.is_some() {
            return Err(Refusal::usage(Obstacle::Paused).into());
        }
        // What cannot be done leaves the breaker as it is.
        applier.look(&held).await.map_err(Refusal::unavailable)?;
        let mut breaker = before;
        if before.open_since.is_some() {
            breaker = closed(&*applier.switches, before).await?;
            if !json {
                out.line(out.paint(Ink::Good, "Closed: removals go on from now."))?;
            }
            if self.only.is_empty() {
                // Between the list and the reset more may have been held.
                held = self.chosen(list().await?.held)?;
                held.retain(|finding| quarantine || !quarantines(finding));
            }
        }
        let signals = shutdown::signals()?;
        let tokens = shutdown::Tokens::default();
        let mut beside = JoinSet::new();
        let listened = tokens.clone();
        beside.spawn(async move { shutdown::conduct(signals, &listened).await });
        let mut announcing = JoinSet::new();
        announcing.spawn(applying.announcing);
        // The service goes on beside it.
        let half = settings.limits.deletions_per_minute.get() / 2;
        let half = NonZeroU32::new(half).unwrap_or(NonZeroU32::MIN);
        let per_minute = self.per_minute.unwrap_or(half);
        let bar = out.bar(u64::try_from(held.len()).ok(), "carried out");
        let report = tokio::select! {
            report = applier.run(held, per_minute, &tokens.drain, |_| bar.inc(1)) => report,
            // Asked a second time: what has begun is finished by the service.
            () = tokens.now.cancelled() => {
                bar.finish_and_clear();
                return Err(Refusal {
                    code: exit::DRAINED_LATE,
                    message: "stopped at once: what had begun is finished by the service; run it \
                              again for the rest"
                        .to_owned(),
                }
                .into());
            }
        };
        bar.finish_and_clear();
        beside.abort_all();
        if json {
            out.json(&described(breaker.generation, &report, &begun))?;
        } else {
            summary(&report, &begun, &mut out)?;
        }
        Ok(code_of(&report, &begun))
    }

    /// Those that are asked for, all of which have to be held.
    fn chosen(&self, mut held: Vec<Finding>) -> Result<Vec<Finding>, Refusal> {
        if let Some(since) = self.since {
            held.retain(|finding| finding.times.acted_at.is_some_and(|at| at >= since));
        }
        if self.only.is_empty() {
            return Ok(held);
        }
        let is_held = |id: &&FindingId| held.iter().any(|finding| finding.id == **id);
        let unknown: Vec<_> = self.only.iter().filter(|id| !is_held(id)).collect();
        if !unknown.is_empty() {
            let names: Vec<_> = unknown.iter().map(ToString::to_string).collect();
            return Err(Refusal::usage(format!(
                "not held: {}; `s3-warden breaker reset --apply-held --dry-run` lists what is",
                names.join(", ")
            )));
        }
        held.retain(|finding| self.only.contains(&finding.id));
        Ok(held)
    }
}

fn quarantines(finding: &Finding) -> bool {
    finding.decision.action == Action::Quarantine
}

fn planned(held: &[Finding], begun: &[Finding], json: bool, out: &mut Out) -> anyhow::Result<u8> {
    if json {
        let held: Vec<_> = held.iter().map(named).collect();
        let begun: Vec<_> = begun.iter().map(named).collect();
        out.json(&json!({ "dry_run": true, "held": held, "begun": begun }))?;
        return Ok(exit::DONE);
    }
    unfinished(begun, out)?;
    if held.is_empty() {
        out.line("Nothing is held.")?;
        return Ok(exit::DONE);
    }
    let rows = held.iter().take(SHOWN).map(|finding| {
        let holds = finding
            .object()
            .map(|case| categories(&case.judgement.verdict));
        vec![
            finding.id.to_string(),
            finding
                .bucket()
                .map(ToString::to_string)
                .unwrap_or_default(),
            finding
                .key()
                .map(|key| shown(key.as_str()))
                .unwrap_or_default(),
            holds.unwrap_or_default(),
            finding.decision.action.as_str().to_owned(),
        ]
    });
    let header = ["finding", "bucket", "key", "holds", "would"];
    out.table(&header, rows.collect())?;
    if held.len() > SHOWN {
        let more = held.len() - SHOWN;
        out.line(format!("and {more} more (--json lists them)"))?;
    }
    let note = "Nothing was done (--dry-run); the breaker stays as it is.";
    out.line(out.paint(Ink::Faint, note))?;
    Ok(exit::DONE)
}

/// What an earlier run has begun.
fn unfinished(begun: &[Finding], out: &mut Out) -> std::io::Result<()> {
    if begun.is_empty() {
        return Ok(());
    }
    let line = format!(
        "{} begun before and not finished: the service finishes them within the hour.",
        begun.len()
    );
    out.line(out.paint(Ink::Warn, &line))
}

fn summary(report: &Report, begun: &[Finding], out: &mut Out) -> std::io::Result<()> {
    unfinished(begun, out)?;
    if report.entries.is_empty() && report.left.is_empty() {
        return out.line("Nothing was held.");
    }
    let mut counts: Vec<(String, Ink, usize)> = Vec::new();
    for entry in &report.entries {
        let (words, ink) = words(&entry.applied);
        match counts.iter_mut().find(|(known, ..)| *known == words) {
            Some((.., count)) => *count += 1,
            None => counts.push((words, ink, 1)),
        }
    }
    for (words, ink, count) in counts {
        let line = format!("{count:>6}  {words}");
        out.line(out.paint(ink, &line))?;
    }
    for entry in &report.entries {
        if let Applied::Begun(why) | Applied::Failed(why) = &entry.applied {
            let line = format!("  {}  {why}", entry.finding.id);
            out.prose(Some(Ink::Bad), &line)?;
        }
    }
    if report.untold > 0 {
        let line = format!("{} not told yet: the service tells of them.", report.untold);
        out.line(out.paint(Ink::Warn, &line))?;
    }
    if let Some(obstacle) = &report.obstacle {
        out.prose(Some(Ink::Bad), &format!("Stopped: {obstacle}."))?;
    }
    if !report.left.is_empty() {
        let line = format!(
            "{} left as they were; run the same again to go on.",
            report.left.len()
        );
        out.line(out.paint(Ink::Warn, &line))?;
    }
    Ok(())
}

fn words(applied: &Applied) -> (String, Ink) {
    match applied {
        Applied::Acted(outcome) => {
            let ink = match outcome {
                Outcome::Blocked { .. } => Ink::Bad,
                Outcome::Deleted | Outcome::Quarantined => Ink::Good,
                _ => Ink::Faint,
            };
            (outcome.code().replace('_', " "), ink)
        }
        Applied::Skipped(Skip::InHand) => (
            "left: somebody has dealt with it, or is at it".to_owned(),
            Ink::Faint,
        ),
        Applied::Skipped(Skip::Allowed) => ("left: allowed meanwhile".to_owned(), Ink::Faint),
        Applied::Skipped(Skip::Untold) => (
            "left: people are not told yet that it is held; try again in a minute".to_owned(),
            Ink::Warn,
        ),
        Applied::Begun(_) | Applied::Barred(_) => (
            "begun and not finished: the service goes on with it".to_owned(),
            Ink::Bad,
        ),
        Applied::Skipped(Skip::NotGuarded) => (
            "left: not in a guarded bucket (intake.buckets), or in a place of the service"
                .to_owned(),
            Ink::Warn,
        ),
        Applied::Refused(why) => (
            format!(
                "begun and refused ({}): the service goes on with it",
                denied(*why)
            ),
            Ink::Bad,
        ),
        Applied::Failed(_) => ("not begun: the records failed".to_owned(), Ink::Bad),
    }
}

fn code_of(report: &Report, begun: &[Finding]) -> u8 {
    let blocked = |entry: &Entry| matches!(entry.applied, Applied::Acted(Outcome::Blocked { .. }));
    let whole = |entry: &Entry| {
        matches!(
            entry.applied,
            Applied::Acted(_) | Applied::Skipped(Skip::InHand | Skip::Allowed)
        )
    };
    let nothing_left = report.left.is_empty() && report.untold == 0 && begun.is_empty();
    if matches!(
        report.obstacle,
        Some(Obstacle::Refused(_) | Obstacle::Store(_))
    ) {
        exit::UNAVAILABLE
    } else if !nothing_left || report.obstacle.is_some() || !report.entries.iter().all(whole) {
        exit::DRAINED_LATE
    } else if report.entries.iter().any(blocked) {
        exit::UNSURE
    } else {
        exit::DONE
    }
}

fn described(generation: u64, report: &Report, begun: &[Finding]) -> Value {
    let entries = report.entries.iter().map(|entry| {
        let (result, detail) = match &entry.applied {
            Applied::Acted(outcome) => (outcome.code(), None),
            Applied::Skipped(Skip::InHand) => ("in_hand", None),
            Applied::Skipped(Skip::Allowed) => ("allowed", None),
            Applied::Skipped(Skip::Untold) => ("untold", None),
            Applied::Begun(why) | Applied::Barred(why) => ("begun", Some(why.as_str())),
            Applied::Failed(why) => ("failed", Some(why.as_str())),
            Applied::Skipped(Skip::NotGuarded) => ("not_guarded", None),
            Applied::Refused(why) => ("refused", Some(denied(*why))),
        };
        Named {
            result: Some(result),
            detail,
            ..named(&entry.finding)
        }
    });
    let left: Vec<_> = report.left.iter().map(named).collect();
    json!({
        "open": report.obstacle == Some(Obstacle::Open),
        "generation": generation,
        "applied": entries.collect::<Vec<_>>(),
        "untold": report.untold,
        "left": left,
        "begun": begun.iter().map(named).collect::<Vec<_>>(),
        "stopped": report.obstacle.as_ref().map(ToString::to_string),
    })
}

/// One held finding for a script.
#[derive(Serialize)]
struct Named<'a> {
    finding_id: FindingId,
    bucket: Option<&'a BucketName>,
    key: Option<&'a Key>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

fn named(finding: &Finding) -> Named<'_> {
    Named {
        finding_id: finding.id,
        bucket: finding.bucket(),
        key: finding.key(),
        result: None,
        detail: None,
    }
}
