//! `config`: the settings in force, each with where it comes from.

use clap::Args;

use super::{Out, Refusal, exit};
use crate::config::{Config, Purpose, Sources};

/// Show the settings in force, or their schema
#[derive(Clone, Debug, Args)]
pub struct ShowConfig {
    /// Print the JSON schema of a settings file instead
    #[arg(long)]
    pub schema: bool,
}

impl ShowConfig {
    pub(super) fn run(self, sources: Sources, mut out: Out) -> anyhow::Result<u8> {
        if self.schema {
            out.line(serde_json::to_string_pretty(&Config::schema())?)?;
            return Ok(exit::DONE);
        }
        match Config::survey(sources.purpose(Purpose::Show)) {
            Ok(config) => {
                out.line(config.effective().trim_end())?;
                Ok(exit::DONE)
            }
            // Who asks what is in force wants to see it also while something is missing.
            Err((effective, errors)) => {
                out.line(effective.trim_end())?;
                Err(Refusal::settings(&errors).into())
            }
        }
    }
}
