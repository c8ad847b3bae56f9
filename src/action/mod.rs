//! What we do about a verdict: a pure decision, and the guards round the doing.

mod breaker;
mod guards;
mod outcome;
mod policy;
mod settings;

pub use breaker::{Admission, Breaker, BreakerState, BreakerStatus};
pub use guards::{Gate, Guards, Refusal};
pub use outcome::Outcome;
pub use policy::{Action, Decision, Mode, Policy, Response, Tagging, Tell};
pub use settings::{RawPolicy, Removal};
