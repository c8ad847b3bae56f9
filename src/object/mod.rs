//! The thing itself: reading an object within bounds, and making of it what a detector can see.

mod decode;
mod encode;
mod format;
mod limits;
mod memory;
mod plan;
mod prepare;
mod prepared;
mod preparer;
mod quarantine;
mod raster;
mod settings;
mod sniff;
mod store;
#[cfg(test)]
mod tests;
mod unreadable;

pub use format::Format;
pub use limits::{Limits, MAX_PIECE_BYTES, MAX_PIECE_EDGE, MAX_PIECES};
pub use memory::{MemoryBudget, MemoryPermit};
pub use plan::shown_sizes;
pub use prepare::{claimed_size, prepare};
pub use prepared::{Media, Part, Piece, Prepared};
pub use preparer::Preparer;
pub use quarantine::{Kept, Over, PutBack, Quarantine, Returned, Side};
pub use settings::{ObjectSettings, RawObject};
pub use store::{
    Exposure, Facts, Fetched, Located, Mark, ObjectRef, ObjectStore, Removed, StoreError, Tagged,
    Why,
};
pub use unreadable::Unreadable;
