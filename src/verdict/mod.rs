//! What we think of a picture: the vocabulary of verdicts, and the port to whoever judges.

pub mod ask;
mod cache;
mod detector;
mod floor;
mod inspector;
pub mod recognise;
mod settings;
mod vocabulary;

pub use cache::VerdictCache;
pub use detector::{DetectError, Detector, Judge, Judged, Opinion};
pub use floor::{floor, floor_of, threat_of};
pub use inspector::{InspectError, Inspection, Inspector, InspectorLimits};
pub use settings::{RawVerdict, SecondLook, VerdictSettings};
pub use vocabulary::{Category, Confidence, Threat, UndecidedReason, UnreadableReason, Verdict};
