//! What people do to a running service by hand: look whether everything it needs is there, put
//! back what was parked, give back what was taken by mistake, do what was held; and what it costs.
//!
//! Here are the rules and the ports; what a person typed, and what they see of it, is in `commands`.

pub mod cost;
pub mod dead_letters;
pub mod doctor;
mod held;
mod holding;
mod restore;

pub use held::{Applied, Applier, Entry, Obstacle, Report, Skip};
pub use holding::{Holding, holding};
pub use restore::{CopyTrouble, RestoreError, Restored, Restorer, Unrestorable, Wish, restorable};
