//! `healthcheck`: asks the service on this machine whether it is healthy, for containers without a
//! shell and without `curl`.

use clap::Args;

use super::{Ink, Out, Refusal, exit};
use crate::config::{Operator, Sources};
use crate::ops;

/// Ask the service on this machine whether it is healthy; exits with 0 or 1
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "It asks at `ops.listen`, so it needs the same settings as the service.\n\
    Exit codes: 0 healthy, 1 unhealthy or no answer, 64 usage or configuration."
)]
pub struct Healthcheck {}

impl Healthcheck {
    pub(super) async fn run(self, sources: Sources, mut out: Out) -> anyhow::Result<u8> {
        let operator = Operator::load(sources).map_err(|errors| Refusal::settings(&errors))?;
        let Some(listen) = operator.ops.listen else {
            return Err(Refusal::usage(
                "ops.listen is empty, so nothing serves its health; give an address such as \
                 127.0.0.1:9090",
            )
            .into());
        };
        if listen.port() == 0 {
            return Err(Refusal::usage(
                "ops.listen has port 0, which another process cannot know; give a port such as \
                 9090",
            )
            .into());
        }
        match ops::check(listen).await {
            Ok(answer) => {
                out.line(answer)?;
                Ok(exit::DONE)
            }
            Err(error) => {
                out.line(out.paint(Ink::Bad, &error.to_string()))?;
                Ok(exit::UNHEALTHY)
            }
        }
    }
}
