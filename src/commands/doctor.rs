//! `doctor`: everything that the service needs, checked, and how to mend what is wrong.

use std::fmt::Write as _;

use clap::Args;
use tokio::task::JoinSet;

use super::{Ink, Out, Refusal, Surroundings, exit, shown};
use crate::app::{self, Examined, StartError, Viewpoint};
use crate::config::{Config, Purpose, Sources};
use crate::maintenance::doctor::{Area, Counts, Report, Row, Status};
use crate::shutdown;

/// What containers have in their environment on Amazon ECS and on Kubernetes.
const CLUSTERS: [&str; 2] = ["ECS_CONTAINER_METADATA_URI_V4", "KUBERNETES_SERVICE_HOST"];

/// Check everything that the service needs, and say how to mend what is wrong
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "It judges the settings that are set here, as `run` would read them, with the \
    rights of whoever asks: give it the service's settings, or it tells nothing of the service. \
    Nothing is changed that stays: a small object of ours is written to records and quarantine and \
    removed again, and named where it cannot be. SIGTERM or Ctrl-C stops the questions and removes it; \
    a second one stops at once.\n\
    It needs the rights of operators (deploy/iam/operator.json) and those of \
    deploy/iam/doctor.json; what is denied shows as such, and hides nothing else. Do not run it \
    with the service's role: that is told as misuse.\n\
    Exit codes: 0 no problem, 1 at least one problem, 64 usage or configuration, 75 stopped."
)]
pub struct Doctor {
    /// Show a model one small picture of ours, to see whether it answers; costs less than a cent
    #[arg(long)]
    pub call_model: bool,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Doctor {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let summary = sources.summary();
        let config = Config::load(sources.purpose(Purpose::Service))
            .map_err(|errors| Refusal::settings(&errors))?;
        let bar = out.bar(None, "asking AWS");
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        let in_cluster = CLUSTERS
            .iter()
            .any(|name| surroundings.variable(name).is_some_and(|it| !it.is_empty()));
        let of = if in_cluster {
            "this container"
        } else {
            "this shell"
        };
        let view = Viewpoint {
            path_style: surroundings.path_style(),
            call_model: self.call_model,
            in_cluster,
            settings: format!("those of {of}: {summary}"),
        };
        let signals = shutdown::signals()?;
        let tokens = shutdown::Tokens::default();
        let mut beside = JoinSet::new();
        let listened = tokens.clone();
        beside.spawn(async move { shutdown::conduct(signals, &listened).await });
        let examined = tokio::select! {
            examined = app::examine(&config, view, &tokens.drain) => examined,
            () = tokens.now.cancelled() => {
                bar.finish_and_clear();
                return Err(stopped("at once: objects of ours may stay under probe/ in the records \
                    and under .s3-warden-probe/ in the quarantine").into());
            }
        };
        bar.finish_and_clear();
        let report = match examined {
            Ok(Examined::Whole(report)) => report,
            Ok(Examined::Stopped(left)) if left.is_empty() => {
                return Err(stopped("before everything was asked; nothing of ours stays").into());
            }
            Ok(Examined::Stopped(left)) => {
                let left = left.join(", ");
                return Err(stopped(&format!(
                    "before everything was asked; this may stay: {left}"
                ))
                .into());
            }
            Err(error) => match error.downcast_ref::<StartError>() {
                Some(mistake) => return Err(Refusal::usage(mistake).into()),
                None => return Err(error),
            },
        };
        if self.json {
            out.json(&report)?;
        } else {
            tell(&mut out, &report)?;
        }
        Ok(match report.counts.problem {
            0 => exit::DONE,
            _ => exit::PROBLEMS,
        })
    }
}

fn stopped(how: &str) -> Refusal {
    Refusal {
        code: exit::DRAINED_LATE,
        message: format!("stopped {how}"),
    }
}

fn tell(out: &mut Out, report: &Report) -> std::io::Result<()> {
    out.prose(None, &first_line(report))?;
    out.line("")?;
    let mut area: Option<Area> = None;
    for row in &report.rows {
        if area != Some(row.area) {
            if area.is_some() {
                out.line("")?;
            }
            out.line(out.paint(Ink::Strong, row.area.title()))?;
            area = Some(row.area);
        }
        line(out, row)?;
    }
    out.line("")?;
    let ink = match report.counts {
        Counts {
            problem: 0,
            warning: 0,
            ..
        } => Ink::Good,
        Counts { problem: 0, .. } => Ink::Warn,
        _ => Ink::Bad,
    };
    out.prose(Some(ink), &last_line(report.counts))
}

fn line(out: &mut Out, row: &Row) -> std::io::Result<()> {
    let ink = match row.status {
        Status::Ok => Ink::Good,
        Status::NotChecked => Ink::Faint,
        Status::Warning => Ink::Warn,
        Status::Problem => Ink::Bad,
    };
    let status = out.paint(ink, row.status.word());
    let gap = " ".repeat(13 - row.status.word().len());
    let about = row.resource.as_ref().map(|it| format!(" ({})", shown(it)));
    let (check, about) = (row.check.name(), about.unwrap_or_default());
    let finding = shown(&row.finding);
    out.prose(None, &format!("  {status}{gap}{check}{about}: {finding}"))?;
    // What waits for another row has its remedy there.
    let remedy = row.remedy.as_ref().filter(|_| !row.is_behind());
    if let Some(remedy) = remedy {
        out.prose(None, &format!("               -> {}", shown(remedy)))?;
    }
    Ok(())
}

/// Whose settings were judged, and by whose rights: neither has to be the service's.
fn first_line(report: &Report) -> String {
    let settings = shown(&report.settings);
    match &report.asked_as {
        Some(who) => format!("Settings: {settings}. Rights: those of {}.", shown(who)),
        None => format!("Settings: {settings}. Rights: whose they are is not known."),
    }
}

/// How it came out, and what to do next.
fn last_line(counts: Counts) -> String {
    let mut line = String::new();
    let parts = [
        (counts.ok, "ok", "ok"),
        (counts.warning, "warning", "warnings"),
        (counts.problem, "problem", "problems"),
        (counts.not_checked, "not checked", "not checked"),
    ];
    for (count, one, several) in parts.into_iter().filter(|(count, ..)| *count > 0) {
        let comma = if line.is_empty() { "" } else { ", " };
        let what = if count == 1 { one } else { several };
        // Writing to a text never fails.
        let _ok = write!(line, "{comma}{count} {what}");
    }
    let next = match counts {
        Counts {
            problem: 0,
            warning: 0,
            ..
        } => "Nothing is in the way: start it with `s3-warden run`.",
        Counts { problem: 0, .. } => "Nothing is in the way; look at the warnings.",
        _ => "Mend the problems, then ask again with `s3-warden doctor`.",
    };
    format!("{line}. {next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_counts_and_says_what_is_next() {
        let counts = |ok, warning, problem, not_checked| Counts {
            ok,
            warning,
            problem,
            not_checked,
        };
        assert_eq!(
            last_line(counts(40, 0, 0, 1)),
            "40 ok, 1 not checked. Nothing is in the way: start it with `s3-warden run`."
        );
        assert_eq!(
            last_line(counts(1, 1, 0, 0)),
            "1 ok, 1 warning. Nothing is in the way; look at the warnings."
        );
        let bad = last_line(counts(1, 2, 3, 0));
        assert!(
            bad.starts_with("1 ok, 2 warnings, 3 problems. Mend"),
            "{bad}"
        );
    }
}
