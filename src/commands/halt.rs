//! `pause`, `resume`: whether the service takes work, switched by a person.

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::{Ink, Out, Refusal, Surroundings, exit, reason, shown};
use crate::app;
use crate::config::{Operator, Sources};
use crate::record::{Halt, Positions};

/// How soon tasks look at the switches.
const SOON: &str = "Every task follows within a few seconds.";

/// Tell all tasks to take no work; what has begun is finished
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "The queue keeps what arrives meanwhile. `s3-warden resume` goes on.\n\
    Exit codes: 0 done, 64 usage or configuration, 69 the records cannot be reached."
)]
pub struct Pause {
    /// Why, for those who find the service paused
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
    /// Who pauses it [default: the user of this terminal]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Tell all tasks to take work again
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "A pause that the service took by itself, such as for expired credentials, \
    ends by itself when its cause is mended.\n\
    Exit codes: 0 done, 64 usage or configuration, 69 the records cannot be reached."
)]
pub struct Resume {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Pause {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let halt = Halt {
            since: Timestamp::now(),
            by: self.by.clone().unwrap_or_else(|| surroundings.user()),
            reason: self.reason.clone(),
        };
        let positions = set(sources, surroundings, Some(halt)).await?;
        if self.json {
            out.json(&switched(&positions))?;
            return Ok(exit::DONE);
        }
        if let Some(halt) = &positions.halt {
            let reason = halt
                .reason
                .as_deref()
                .map(|why| format!(": {}", shown(why)));
            let line = format!(
                "Paused by {}{}.",
                shown(&halt.by),
                reason.unwrap_or_default()
            );
            out.prose(Some(Ink::Warn), &line)?;
        }
        out.line(format!("{SOON} `s3-warden resume` goes on."))?;
        Ok(exit::DONE)
    }
}

impl Resume {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
        mut out: Out,
    ) -> anyhow::Result<u8> {
        let positions = set(sources, surroundings, None).await?;
        if self.json {
            out.json(&switched(&positions))?;
            return Ok(exit::DONE);
        }
        out.line(out.paint(Ink::Good, "Not paused."))?;
        out.line(SOON)?;
        Ok(exit::DONE)
    }
}

/// Sets the pause and reads back how the switches stand.
async fn set(
    sources: Sources,
    surroundings: &Surroundings,
    halt: Option<Halt>,
) -> Result<Positions, Refusal> {
    let operator = Operator::load(sources).map_err(|errors| Refusal::settings(&errors))?;
    let switches = app::switches(&operator, surroundings.path_style())
        .await
        .map_err(Refusal::usage)?;
    switches
        .set_halt(halt)
        .await
        .map_err(Refusal::unavailable)?;
    switches.read().await.map_err(Refusal::unavailable)
}

fn switched(positions: &Positions) -> serde_json::Value {
    json!({ "paused": positions.halt.is_some(), "halt": positions.halt })
}
