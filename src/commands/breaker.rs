//! `breaker status`, `breaker reset`: the brake on removals, looked at and closed by a person.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::held::Held;
use super::{Ink, Out, Refusal, Surroundings, exit};
use crate::app;
use crate::config::{Operator, Sources};
use crate::maintenance::holding;
use crate::record::{FleetBreaker, Ledger, LedgerError, Switches};

/// How many held findings are shown before they are only counted.
const SHOWN: usize = 20;

/// What may be done about what is held.
const APPLY: &str =
    "`s3-warden breaker reset --apply-held` removes them; with --dry-run it lists them.";

/// Look at the brake on removals, or close it
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The breaker opens by itself when limits.deletions_per_minute is exceeded \
    and never closes by itself: until it is closed, flagged objects stay in place and are told.\n\
    Exit codes: 0 closed, 2 open (status), 64 usage or configuration, 69 the records cannot be \
    reached, 75 opened again meanwhile (reset)."
)]
pub struct Breaker {
    /// What to do
    #[command(subcommand)]
    pub what: What,
}

/// What to do with the breaker.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Say whether it is open, and what it holds
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Close it: removals go on from now, and with --apply-held those that were held are made up for
    #[command(
        after_help = "With --apply-held each held finding is looked at again; what was dealt with or \
        allowed meanwhile is left. Run a second time it goes on where it was cut short.\n\
        Under a bucket policy that locks what is not clean it needs the role which that leaves out.\n\
        Exit codes: 0 done, 2 some could not be removed, 64 usage or configuration, or paused, 69 the \
        records cannot be reached, or these credentials may not, 75 cut short or not finished."
    )]
    Reset {
        /// What to do about what was held
        #[command(flatten)]
        held: Held,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

impl Breaker {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        if let What::Reset { held, json } = &self.what
            && held.apply_held
        {
            let (held, json) = (held.clone(), *json);
            return held.run(sources, surroundings, json, out).await;
        }
        let operator = Operator::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let path_style = surroundings.path_style();
        let switches = app::switches(&operator, path_style)
            .await
            .map_err(Refusal::usage)?;
        match self.what {
            What::Status { json } => {
                let positions = switches.read().await.map_err(Refusal::unavailable)?;
                let records = app::records(&operator, path_style)
                    .await
                    .map_err(Refusal::usage)?;
                let held = held(&*records, positions.breaker)
                    .await
                    .map_err(Refusal::unavailable)?;
                status(&mut out, positions.breaker, &held, json)
            }
            What::Reset { json, .. } => {
                let before = switches.read().await.map_err(Refusal::unavailable)?;
                let records = app::records(&operator, path_style)
                    .await
                    .map_err(Refusal::usage)?;
                let held = held(&*records, before.breaker)
                    .await
                    .map_err(Refusal::unavailable)?;
                let breaker = closed(&*switches, before.breaker).await?;
                if json {
                    out.json(&described(breaker, &held))?;
                    return Ok(exit::DONE);
                }
                out.line(out.paint(Ink::Good, "Closed: removals go on from now."))?;
                if !held.is_empty() {
                    out.line(format!(
                        "Held meanwhile, and still in place: {}",
                        held.len()
                    ))?;
                    some(&mut out, &held)?;
                    out.prose(None, APPLY)?;
                }
                Ok(exit::DONE)
            }
        }
    }
}

/// Closes the breaker that was looked at, and no later one.
pub(super) async fn closed(
    switches: &dyn Switches,
    seen: FleetBreaker,
) -> Result<FleetBreaker, Refusal> {
    let reset = switches.reset_breaker(seen.generation, Timestamp::now());
    let breaker = reset.await.map_err(Refusal::unavailable)?;
    if breaker.open_since.is_some() {
        return Err(Refusal {
            code: exit::DRAINED_LATE,
            message:
                "somebody has closed it, and it has opened again meanwhile: look at what is held \
                      now (`s3-warden breaker status`), and run it again"
                    .to_owned(),
        });
    }
    Ok(breaker)
}

/// Which findings are held since it opened, now or the last time, as bucket and id.
async fn held(
    records: &dyn Ledger,
    breaker: FleetBreaker,
) -> Result<Vec<(String, String)>, LedgerError> {
    let Some(since) = breaker.held_since() else {
        return Ok(Vec::new());
    };
    let held = holding(records, since).await?.held;
    let named = held
        .iter()
        .filter_map(|finding| Some((finding.bucket()?.to_string(), finding.id.to_string())));
    Ok(named.collect())
}

/// The first of them.
fn some(out: &mut Out, held: &[(String, String)]) -> std::io::Result<()> {
    for (bucket, id) in held.iter().take(SHOWN) {
        out.line(format!("  {id}  {bucket}"))?;
    }
    if held.len() > SHOWN {
        let more = held.len() - SHOWN;
        out.line(format!("  and {more} more (--json lists them)"))?;
    }
    Ok(())
}

fn status(
    out: &mut Out,
    breaker: FleetBreaker,
    held: &[(String, String)],
    json: bool,
) -> anyhow::Result<u8> {
    let code = if breaker.open_since.is_some() {
        exit::UNSURE
    } else {
        exit::DONE
    };
    if json {
        out.json(&described(breaker, held))?;
        return Ok(code);
    }
    let Some(since) = breaker.open_since else {
        out.line(out.paint(Ink::Good, "Closed: what holds personal data is removed."))?;
        if !held.is_empty() {
            let line = format!("Held while it was open, and still in place: {}", held.len());
            out.line(out.paint(Ink::Warn, &line))?;
            some(out, held)?;
            out.prose(None, APPLY)?;
        }
        return Ok(code);
    };
    let since = since.strftime("%Y-%m-%d %H:%M:%S UTC");
    let sentence = format!("Open since {since}: nothing is removed.");
    out.line(out.paint(Ink::Bad, &sentence))?;
    out.line(format!("Held since then: {}", held.len()))?;
    some(out, held)?;
    out.prose(
        None,
        "Look at them, then close it with `s3-warden breaker reset`; with --apply-held that removes what \
         is held.",
    )?;
    Ok(code)
}

fn described(breaker: FleetBreaker, held: &[(String, String)]) -> serde_json::Value {
    let held: Vec<_> = held
        .iter()
        .map(|(bucket, id)| json!({ "bucket": bucket, "finding_id": id }))
        .collect();
    json!({
        "open": breaker.open_since.is_some(),
        "open_since": breaker.open_since,
        "generation": breaker.generation,
        "held": held,
    })
}
