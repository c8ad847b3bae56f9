//! `run`: the service on AWS.

use clap::Args;
use tokio::task::JoinSet;

use super::{Refusal, Surroundings, exit};
use crate::app::{self, StartError};
use crate::config::{Config, Purpose, Sources};
use crate::shutdown;
use crate::worker::Drained;

/// Run the service: take notifications from SQS, look at each upload, act, tell
#[derive(Clone, Copy, Debug, Args)]
#[command(
    after_help = "Needed: queue.url, alerts.topic_arn, records.bucket, intake.buckets and \
    policy.mode, in a file or as WARDEN_<SECTION>__<KEY>; region and credentials as for every AWS \
    program.\n\
    Logs go to standard error, as JSON unless that is a terminal (WARDEN_LOG sets the level).\n\
    SIGTERM or Ctrl-C finishes what has begun; a second one stops at once.\n\
    Exit codes: 0 stopped, 64 configuration, 69 something needed is unreachable at the start, 70 a \
    bug, 75 stopped before everything was finished."
)]
pub struct Run {}

impl Run {
    pub(super) async fn run(
        self,
        sources: Sources,
        surroundings: &Surroundings,
    ) -> anyhow::Result<u8> {
        let config = Config::load(sources.purpose(Purpose::Service))
            .map_err(|errors| Refusal::settings(&errors))?;
        let signals = shutdown::signals()?;
        let tokens = shutdown::Tokens::default();
        let mut beside = JoinSet::new();
        let listened = tokens.clone();
        beside.spawn(async move { shutdown::conduct(signals, &listened).await });
        let given = app::Given {
            path_style: surroundings.path_style(),
            agent: surroundings.variable(app::AGENT_ADDRESS),
            metadata: surroundings.variable(app::METADATA_ADDRESS),
        };
        let served = Box::pin(app::serve(&config, given, &tokens)).await;
        match served {
            Ok(Drained::Clean) => Ok(exit::DONE),
            Ok(Drained::Late) => Ok(exit::DRAINED_LATE),
            Err(error) => match error.downcast_ref::<StartError>() {
                Some(error @ StartError::Settings(_)) => Err(Refusal::usage(error).into()),
                Some(error @ StartError::Unreachable(_)) => Err(Refusal::unavailable(error).into()),
                None => Err(error),
            },
        }
    }
}
