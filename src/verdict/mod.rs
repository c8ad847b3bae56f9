//! What we think: of a picture ([`Verdict`], the port [`Detector`]) and of an activity ([`threat`]).

pub mod ask;
mod cache;
mod detector;
mod floor;
mod inspector;
pub mod recognise;
mod settings;
mod severity;
pub mod threat;
mod vocabulary;

pub use cache::VerdictCache;
pub use detector::{DetectError, Detector, Judge, Judged, Opinion};
pub use floor::{floor, floor_of, threat_of};
pub use inspector::{InspectError, Inspection, Inspector, InspectorLimits};
pub use settings::{RawVerdict, SecondLook, VerdictSettings};
pub use severity::{severity, severity_of};
pub use vocabulary::{Category, Confidence, Threat, UndecidedReason, UnreadableReason, Verdict};
