//! `breaker status`, `breaker reset`: the brake on removals, looked at and closed by a person.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Ink, Out, Refusal, Surroundings, exit};
use crate::action::Outcome;
use crate::app;
use crate::config::{Operator, Sources};
use crate::record::{FleetBreaker, Ledger, LedgerError, Query, date_of};

/// Look at the brake on removals, or close it
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The breaker opens by itself when limits.deletions_per_minute is exceeded \
    and never closes by itself: until it is closed, flagged objects stay in place and are told.\n\
    Exit codes: 0 closed, 2 open (status), 64 usage or configuration, 69 the records cannot be \
    reached."
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
    /// Close it: removals go on from now
    Reset {
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
            What::Reset { json } => {
                let before = switches.read().await.map_err(Refusal::unavailable)?;
                let records = app::records(&operator, path_style)
                    .await
                    .map_err(Refusal::usage)?;
                // Asked before it is closed: afterwards nobody knows since when it was open.
                let held = held(&*records, before.breaker)
                    .await
                    .map_err(Refusal::unavailable)?;
                let breaker = switches
                    .reset_breaker()
                    .await
                    .map_err(Refusal::unavailable)?;
                if json {
                    out.json(&described(breaker, &held))?;
                    return Ok(exit::DONE);
                }
                out.line(out.paint(Ink::Good, "Closed: removals go on from now."))?;
                if !held.is_empty() {
                    out.line("These were held and stay in place; remove them by hand:")?;
                    for (bucket, id) in &held {
                        out.line(format!("  {id}  {bucket}"))?;
                    }
                }
                Ok(exit::DONE)
            }
        }
    }
}

/// Which findings are held since it opened, as bucket and id.
async fn held(
    records: &dyn Ledger,
    breaker: FleetBreaker,
) -> Result<Vec<(String, String)>, LedgerError> {
    let Some(since) = breaker.open_since else {
        return Ok(Vec::new());
    };
    // An object may have arrived the day before the breaker opened on it.
    let query = Query {
        from: date_of(since).yesterday().ok(),
        ..Query::default()
    };
    let held = app::all(records, query)
        .await?
        .into_iter()
        .filter(|finding| {
            let after = finding.times.acted_at.is_some_and(|at| at >= since);
            finding.outcome == Some(Outcome::Held) && after
        });
    Ok(held
        .filter_map(|finding| Some((finding.bucket()?.to_string(), finding.id.to_string())))
        .collect())
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
        return Ok(code);
    };
    let since = since.strftime("%Y-%m-%d %H:%M:%S UTC");
    let sentence = format!("Open since {since}: nothing is removed.");
    out.line(out.paint(Ink::Bad, &sentence))?;
    out.line(format!("Held since then: {}", held.len()))?;
    for (bucket, id) in held.iter().take(20) {
        out.line(format!("  {id}  {bucket}"))?;
    }
    if held.len() > 20 {
        out.line(format!(
            "  and {} more (--json lists them)",
            held.len() - 20
        ))?;
    }
    out.line("Look at them, then close it with `s3-warden breaker reset`.")?;
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
