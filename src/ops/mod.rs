//! What operators' machines ask of a running service: is it alive, is it ready, what are its
//! numbers.
//!
//! Everything here is read-only and small: the answers come from the worker's signs of life and
//! from counters in memory, never from a call to somebody else. So a slow queue or a model that is
//! gone cannot make health checks slow; what they say about the work is in the answers.

mod alerts;
mod calls;
mod check;
mod copies;
mod health;
mod metrics;
mod minute;
pub mod names;
mod server;
mod settings;
mod watching;

pub use alerts::CountedNotifier;
pub use check::{CheckError, check};
pub use copies::{Channel, Copied};
pub use health::{Health, Readiness, health, readiness};
pub use metrics::Metrics;
pub use minute::Minute;
pub use server::{Ops, OpsError};
pub use settings::{OpsSettings, RawOps};
