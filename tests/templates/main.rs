//! The templates of `deploy` against what they speak of: the policies, the settings, the log, the
//! runbook. What a linter sees is not looked at here, and nothing is deployed.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the helpers of tests fail as tests do; clippy only excuses the tests themselves"
)]

mod bounds;
mod bucket_policy;
mod cover;
mod image;
mod operators;
mod rights;
mod runbook;
mod settings;
mod watching;
mod yaml;

use std::path::Path;

/// A file of this project.
fn text(path: &str) -> String {
    let whole = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&whole).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A JSON file of this project.
fn json(path: &str) -> serde_json::Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
