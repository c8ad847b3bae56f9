//! `explain BUCKET KEY`: the lineage of one object, from its event to its alert.

use std::path::PathBuf;

use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::verdict_text::{categories, deed, reason};
use super::{Ink, Out, Refusal, Surroundings, exit, shown};
use crate::app;
use crate::config::{Operator, Sources};
use crate::event::{BucketName, Key};
use crate::record::{Finding, Query, date_of};

/// Tell the story of one object: event, verdict, rule, action, alert
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 something is recorded, 2 nothing is, 64 usage or no records, 69 the \
    records cannot be reached."
)]
pub struct Explain {
    /// The bucket; of a guarded folder, its name
    pub bucket: String,
    /// The key of the object
    pub key: String,
    /// Where the findings of a guarded folder lie, when it is not the usual place; findings of the
    /// service lie in records.bucket
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Only findings about events from this day on (UTC); of the service, unless said otherwise, of
    /// the last 30 days
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub since: Option<Date>,
    /// Print one JSON finding per line
    #[arg(long)]
    pub json: bool,
}

impl Explain {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let bucket = BucketName::new(self.bucket.clone())
            .ok_or_else(|| Refusal::usage("the bucket's name is empty"))?;
        let key = Some(Key::new(self.key.clone()));
        let query = Query {
            bucket: Some(bucket),
            key,
            clean: true,
            from: self.since,
            ..Query::default()
        };
        let (findings, place) = self.recorded(sources, surroundings, query).await?;
        if self.json {
            for finding in &findings {
                out.json(finding)?;
            }
            return Ok(if findings.is_empty() {
                exit::UNSURE
            } else {
                exit::DONE
            });
        }
        if findings.is_empty() {
            out.line(format!(
                "Nothing is recorded about {} in {} (records: {place}).",
                shown(&self.key),
                shown(&self.bucket),
            ))?;
            out.prose(
                Some(Ink::Faint),
                "Clean verdicts are written in batches: the latest of a watch or service that still runs may be missing.",
            )?;
            return Ok(exit::UNSURE);
        }
        for finding in &findings {
            tell(&mut out, finding)?;
        }
        Ok(exit::DONE)
    }

    /// What the records say, and where they lie: in a folder that is named, else in the bucket of
    /// the service, else in the usual place of a folder of this name.
    async fn recorded(
        &self,
        sources: Sources,
        surroundings: &Surroundings,
        mut query: Query,
    ) -> anyhow::Result<(Vec<Finding>, String)> {
        let operator = Operator::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        if let (None, Some(place)) = (&self.state, &operator.records) {
            let records = app::records(&operator, surroundings.path_style())
                .await
                .map_err(Refusal::usage)?;
            // The records have no index by key: every finding of these days is read.
            let a_month_ago = date_of(Timestamp::now()).checked_sub(30.days()).ok();
            query.from = query.from.or(a_month_ago);
            let findings = app::all(&*records, query)
                .await
                .map_err(Refusal::unavailable)?;
            return Ok((findings, format!("s3://{}/{}", place.bucket, place.prefix)));
        }
        let state = match &self.state {
            Some(state) => state.clone(),
            None => self.usual_place(surroundings)?,
        };
        let findings = app::recorded(&state, query).await.map_err(Refusal::usage)?;
        Ok((findings, state.display().to_string()))
    }

    /// The one place of state that belongs to a folder of this name.
    fn usual_place(&self, surroundings: &Surroundings) -> Result<PathBuf, Refusal> {
        let known = app::states_of(
            surroundings.variable("XDG_STATE_HOME"),
            surroundings.variable("HOME"),
            &self.bucket,
        );
        match known.as_slice() {
            [only] => Ok(only.clone()),
            [] => Err(Refusal::usage(format!(
                "no records of a folder named {} were found: name their place with --state DIR, or the \
                 bucket with the findings of the service as records.bucket",
                shown(&self.bucket)
            ))),
            several => {
                let places: Vec<_> = several.iter().map(|p| p.display().to_string()).collect();
                Err(Refusal::usage(format!(
                    "several folders named {} have records: choose one with --state, of {}",
                    shown(&self.bucket),
                    places.join(", ")
                )))
            }
        }
    }
}

fn tell(out: &mut Out, finding: &Finding) -> std::io::Result<()> {
    let Finding {
        subject,
        judgement,
        decision,
        times,
        ..
    } = finding;
    out.line(out.paint(
        Ink::Strong,
        &format!("{} in {}", shown(subject.key.as_str()), subject.bucket),
    ))?;
    let mut row = |name: &str, text: String| out.line(format!("  {name:<10} {text}"));
    row(
        "finding",
        format!("{} (revision {})", finding.id, finding.revision),
    )?;
    let by = finding.uploaded_by.principal.as_deref().map(shown);
    row(
        "event",
        format!(
            "arrived {}{}{}",
            moment(times.happened_at),
            by.map(|by| format!(", by {by}")).unwrap_or_default(),
            subject
                .size
                .map(|size| format!(", {size} bytes"))
                .unwrap_or_default()
        ),
    )?;
    if let Some(object) = &subject.object {
        let version = object
            .pin
            .version
            .as_ref()
            .map_or("none", |version| version.as_str());
        row(
            "read",
            format!("ETag {}, version {version}", object.pin.etag.as_str()),
        )?;
    }
    let why = reason(&judgement.verdict)
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    row(
        "verdict",
        format!(
            "{}{why}, threat level {}",
            judgement.verdict.as_str(),
            judgement.threat
        ),
    )?;
    if !matches!(categories(&judgement.verdict).as_str(), "-") {
        row("holds", categories(&judgement.verdict))?;
    }
    if let Some(judge) = &judgement.judge {
        let remembered = if judgement.cached {
            ", remembered from the same bytes"
        } else {
            ""
        };
        row(
            "judged by",
            format!(
                "{} {} in {} ms{remembered}",
                judge.name, judge.version, judgement.millis
            ),
        )?;
    }
    row(
        "rule",
        format!(
            "{} of policy {}, in mode {}",
            decision.rule,
            decision.policy,
            mode(finding)
        ),
    )?;
    let when = times
        .acted_at
        .map(|at| format!(" at {}", moment(at)))
        .unwrap_or_default();
    row(
        "action",
        format!("{} -> {}{when}", decision.action.as_str(), deed(finding)),
    )?;
    let alert = match (&finding.publication, times.announced_at) {
        (Some(publication), Some(at)) => format!("{publication} at {}", moment(at)),
        (None, Some(_)) => "none: this is only remembered".to_owned(),
        _ => "not sent yet".to_owned(),
    };
    row("alert", alert)
}

/// A time to the second: finer is only in `--json`.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

const fn mode(finding: &Finding) -> &'static str {
    match finding.decision.mode {
        crate::action::Mode::Observe => "observe",
        crate::action::Mode::Enforce => "enforce",
    }
}
