//! What we think of a picture: the vocabulary of verdicts, and the port to whoever judges.

mod cache;
mod detector;
mod floor;
mod inspector;
pub mod recognise;
mod vocabulary;

pub use cache::VerdictCache;
pub use detector::{DetectError, Detector, Judge, Opinion};
pub use floor::{floor, floor_of, threat_of};
pub use inspector::{InspectError, Inspection, Inspector, InspectorLimits};
pub use vocabulary::{Category, Confidence, Threat, UndecidedReason, UnreadableReason, Verdict};
