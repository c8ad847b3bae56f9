//! Asking a model what a picture shows.
//!
//! The picture and nothing else is shown: no bucket, key or uploader, which would be one more place
//! to hide orders in, and would make an answer about bytes an answer about a place. The answer is
//! taken only when it is well formed and does not contradict itself; everything else is undecided,
//! with its reason. A model is asked once more when its answer had a wrong form, and other models
//! are asked when one cannot be used.

mod analyst;
mod answer;
mod candidates;
mod detector;
mod gate;
mod local_check;
mod prompt;
mod report;
mod rounds;
mod silence;
#[cfg(test)]
mod tests;
mod trial;

pub use analyst::{AnalystText, ModelAnalyst};
pub use candidates::Form;
pub use detector::{ModelDetector, ProbeError, Probed};
pub use gate::{Gate, Gated};
pub use local_check::LocalCheck;
