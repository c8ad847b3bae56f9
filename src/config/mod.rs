//! From files, variables and options to validated settings, with all mistakes told at once.
//!
//! Four layers, each replacing the one before it value by value: the defaults that are built in
//! (`config/default.toml`), the files given with `--config`, variables `WARDEN_<SECTION>__<KEY>`,
//! and options of the command line. Every room owns its settings; this room puts them together,
//! checks the layers against the types, and remembers for each value where it came from.
//!
//! It refuses to guess. A key or a variable that it does not know is a mistake, because a mistyped
//! `policy.mode` must not end in a tool that deletes by a default. It reads the environment from an
//! argument, never by itself.

mod catalogue;
mod layers;
mod nearest;
mod problem;
mod rooms;
mod service;
mod settled;
mod value;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use toml::Value;

pub use problem::{ConfigErrors, ConfigProblem, Origin};
pub use rooms::{Config, RawConfig};
pub use service::{Maintenance, Operator};

use crate::telemetry::LOG_VARIABLE;
use catalogue::Catalogue;
use layers::Read;
use settled::Settled;

/// The built-in layer: every setting with its default and a sentence about it.
const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Variables that begin like ours and are no settings.
const RESERVED: [&str; 1] = [LOG_VARIABLE];

/// Where settings come from beside the defaults.
///
/// ```
/// use s3_warden::config::{Config, Sources};
///
/// let sources = Sources::default()
///     .environment([("WARDEN_LIMITS__DRAIN_SECOND".to_owned(), "5".to_owned())]);
/// let errors = Config::load(sources).unwrap_err().to_string();
/// assert!(errors.contains("did you mean WARDEN_LIMITS__DRAIN_SECONDS"));
/// ```
#[derive(Clone, Default)]
pub struct Sources {
    purpose: Purpose,
    files: Vec<PathBuf>,
    environment: Vec<(String, String)>,
    options: Vec<(String, Value, String)>,
}

/// What settings are read for: it decides what has to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A folder of this machine.
    #[default]
    Folder,
    /// The service on AWS: queue, topic and records have to be named.
    Service,
    /// To be shown.
    Show,
}

/// Values may be secret: only names are shown.
impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let options: Vec<_> = self.options.iter().map(|(key, ..)| key).collect();
        f.debug_struct("Sources")
            .field("purpose", &self.purpose)
            .field("files", &self.files)
            .field("variables", &self.environment.len())
            .field("options", &options)
            .finish()
    }
}

impl Sources {
    /// Says what the settings are for.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Where settings come from, in short, for people: files, and how many variables of ours.
    pub fn summary(&self) -> String {
        let files = self.files.iter().map(|path| path.display().to_string());
        let ours = self.environment.iter();
        let ours = ours.filter(|(name, _)| name.starts_with("WARDEN_")).count();
        let variables = match ours {
            0 => "no variable WARDEN_*".to_owned(),
            1 => "1 variable WARDEN_*".to_owned(),
            several => format!("{several} variables WARDEN_*"),
        };
        let all: Vec<_> = files.chain([variables]).collect();
        all.join(", ")
    }

    /// Adds a TOML file; it is read by [`Config::load`] and replaces what files before it say.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Adds variables, usually all of the process: those of others are passed over.
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Sets one value from the command line: its dotted key, the value with its type, and the
    /// option that asked for it, as people write it (`--enforce`).
    #[must_use]
    pub fn option(
        mut self,
        key: impl Into<String>,
        value: impl Into<Value>,
        option: impl Into<String>,
    ) -> Self {
        self.options.push((key.into(), value.into(), option.into()));
        self
    }
}

/// Reads and merges all layers for a type; the typed value holds what could be read.
fn settle<T>(defaults: &str, sources: Sources) -> (T, Settled)
where
    T: DeserializeOwned + Default + JsonSchema,
{
    let catalogue = Catalogue::of::<T>();
    let mut read = Read::default();
    read.text(&catalogue, None, defaults);
    for path in &sources.files {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => read.text(&catalogue, Some(&name), &text),
            Err(error) => read.problems.push(ConfigProblem {
                key: None,
                origin: Some(Origin::File { name, line: 0 }),
                message: format!("cannot be read: {error}"),
            }),
        }
    }
    let mut environment = sources.environment;
    environment.sort();
    let variables = environment.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    read.variables(&catalogue, variables, &RESERVED);
    for (key, value, option) in sources.options {
        let path: Vec<_> = key.split('.').map(str::to_owned).collect();
        read.leaf(&catalogue, &path, value, Origin::Option(option));
    }
    let mut settled = Settled::new(catalogue, read);
    (settled.typed(), settled)
}

#[cfg(test)]
mod default_file;
#[cfg(test)]
mod tests;
