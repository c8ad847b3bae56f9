//! `explain BUCKET KEY`: the lineage of one object, from its event to its alert. `explain FINDING`:
//! that of one finding, be it about an object or about an activity.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::restore_text::decision;
use super::verdict_text::{categories, deed, reason};
use super::{Ink, Out, Refusal, Surroundings, activity_text, exit, shown};
use crate::app;
use crate::config::{Operator, Sources};
use crate::event::{BucketName, FindingId, Key};
use crate::record::{Allowance, Allowances, Case, Finding, LedgerError, Query, date_of};
use crate::verdict::Verdict;

/// Tell the story of one object or finding: event, verdict, rule, action, alert
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Exit codes: 0 something is recorded, 2 nothing is, 64 usage or no records, 69 the \
    records cannot be reached."
)]
pub struct Explain {
    /// The bucket (of a guarded folder, its name), or with no key the id of a finding as alerts name
    /// it
    #[arg(value_name = "BUCKET|FINDING")]
    pub bucket: String,
    /// The key of the object
    pub key: Option<String>,
    /// Where the findings of a guarded folder lie, when it is not the usual place; findings of the
    /// service lie in records.bucket
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Only findings about events from this day on (UTC); of the service, unless said otherwise, of
    /// the last 30 days, and by the id of a finding of the last 95
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
        let Story {
            findings,
            place,
            allowances,
        } = match &self.key {
            Some(key) => {
                let bucket = BucketName::new(self.bucket.clone())
                    .ok_or_else(|| Refusal::usage("the bucket's name is empty"))?;
                let query = Query {
                    bucket: Some(bucket),
                    key: Some(Key::new(key.clone())),
                    clean: true,
                    from: self.since,
                    ..Query::default()
                };
                self.recorded(sources, surroundings, query).await?
            }
            None => self.by_id(sources, surroundings).await?,
        };
        if self.json {
            for finding in &findings {
                let found = allowed(&*allowances, finding).await;
                out.json(&Told {
                    finding,
                    allowance_unreadable: found.is_err(),
                    allowance: found.unwrap_or_default(),
                })?;
            }
            return Ok(if findings.is_empty() {
                exit::UNSURE
            } else {
                exit::DONE
            });
        }
        if findings.is_empty() {
            let what = match &self.key {
                Some(key) => format!("about {} in {}", shown(key), shown(&self.bucket)),
                None => format!("as finding {}", shown(&self.bucket)),
            };
            out.line(format!("Nothing is recorded {what} (records: {place})."))?;
            out.prose(
                Some(Ink::Faint),
                "Clean verdicts are written in batches: the latest of a watch or service that still runs may be missing.",
            )?;
            return Ok(exit::UNSURE);
        }
        for finding in &findings {
            tell(&mut out, finding)?;
            // The story is told all the same.
            let words = match allowed(&*allowances, finding).await {
                Ok(None) => continue,
                Ok(Some(allowance)) => decision(&allowance),
                Err(error) => format!("not readable: {error}"),
            };
            out.prose(None, &format!("  {:<10} {words}", "decision"))?;
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
    ) -> anyhow::Result<Story> {
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
            return Ok(Story {
                findings,
                place: format!("s3://{}/{}", place.bucket, place.prefix),
                allowances: allowances(&operator, surroundings).await?,
            });
        }
        let state = match &self.state {
            Some(state) => state.clone(),
            None => self.usual_place(surroundings)?,
        };
        let findings = app::recorded(&state, query).await.map_err(Refusal::usage)?;
        Ok(Story::at(&state, findings))
    }

    /// The finding of this id. It lies under the date of its event, which the id does not tell, so
    /// that every day is asked, the latest first.
    async fn by_id(&self, sources: Sources, surroundings: &Surroundings) -> anyhow::Result<Story> {
        let id: FindingId = self.bucket.parse().map_err(|_| {
            Refusal::usage(
                "give a bucket and a key, or alone the id of a finding: 32 hexadecimal digits",
            )
        })?;
        let operator = Operator::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        if let Some(state) = &self.state {
            let all = Query {
                clean: true,
                from: self.since,
                ..Query::default()
            };
            let mut findings = app::recorded(state, all).await.map_err(Refusal::usage)?;
            findings.retain(|finding| finding.id == id);
            return Ok(Story::at(state, findings));
        }
        let Some(place) = &operator.records else {
            return Err(Refusal::usage(
                "nobody says where findings lie: name the bucket with those of the service as \
                 records.bucket, or the place of those of a folder with --state DIR",
            )
            .into());
        };
        let records = app::records(&operator, surroundings.path_style())
            .await
            .map_err(Refusal::usage)?;
        // A clock that runs ahead dates an event tomorrow.
        let latest = date_of(Timestamp::now()).saturating_add(1.days());
        let found = app::find_back(&*records, &id, latest, self.since)
            .await
            .map_err(Refusal::unavailable)?;
        Ok(Story {
            findings: found.into_iter().collect(),
            place: format!("s3://{}/{}", place.bucket, place.prefix),
            allowances: allowances(&operator, surroundings).await?,
        })
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

/// One finding for a script.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    /// What a person has decided about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowance: Option<Allowance>,
    /// Whether that could not be read; left out where it could.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allowance_unreadable: bool,
}

/// What the records say, where they lie, and what people have decided about it.
struct Story {
    findings: Vec<Finding>,
    place: String,
    allowances: Arc<dyn Allowances>,
}

impl Story {
    fn at(state: &Path, findings: Vec<Finding>) -> Self {
        Self {
            findings,
            place: state.display().to_string(),
            allowances: app::allowances_at(state),
        }
    }
}

async fn allowances(
    operator: &Operator,
    surroundings: &Surroundings,
) -> Result<Arc<dyn Allowances>, Refusal> {
    let allowances = app::allowances(operator, surroundings.path_style()).await;
    allowances.map_err(Refusal::usage)
}

/// What a person has decided about what a finding is about.
async fn allowed(
    allowances: &dyn Allowances,
    finding: &Finding,
) -> Result<Option<Allowance>, LedgerError> {
    let judged = finding.object().map(|case| &case.judgement.verdict);
    let Some(content) = finding
        .content()
        .filter(|_| judged != Some(&Verdict::Clean))
    else {
        return Ok(None);
    };
    allowances.find(&content).await
}

fn tell(out: &mut Out, finding: &Finding) -> std::io::Result<()> {
    let Finding {
        decision, times, ..
    } = finding;
    let case = match &finding.case {
        Case::Object(case) => case,
        Case::Activity(case) => return activity_text::tell(out, finding, case),
    };
    let (subject, judgement) = (&case.subject, &case.judgement);
    out.line(out.paint(
        Ink::Strong,
        &format!("{} in {}", shown(subject.key.as_str()), subject.bucket),
    ))?;
    let mut row = |name: &str, text: String| out.line(format!("  {name:<10} {text}"));
    row(
        "finding",
        format!("{} (revision {})", finding.id, finding.revision),
    )?;
    let by = case.uploaded_by.principal.as_deref().map(shown);
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
    row("alert", alert(finding))
}

/// Whether and when people were told.
pub(super) fn alert(finding: &Finding) -> String {
    match (&finding.publication, finding.times.announced_at) {
        (Some(publication), Some(at)) => format!("{publication} at {}", moment(at)),
        (None, Some(_)) => "none: this is only remembered".to_owned(),
        _ => "not sent yet".to_owned(),
    }
}

/// A time to the second: finer is only in `--json`.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

pub(super) const fn mode(finding: &Finding) -> &'static str {
    match finding.decision.mode {
        crate::action::Mode::Observe => "observe",
        crate::action::Mode::Enforce => "enforce",
    }
}
