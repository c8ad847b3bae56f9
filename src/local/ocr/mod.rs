//! Reads text and finds faces on this machine, in pure Rust.
//!
//! [`Reader`] is PP-OCR's way: one network marks where lines are, another spells each of them.
//! [`FaceFinder`] is SeetaFace. Both block; neither touches the network or the disk after loading.
//! What a line says is never logged.

mod dictionary;
mod faces;
mod find;
mod geometry;
mod layout;
mod net;
#[cfg(test)]
mod pages;
mod raster;
mod reader;
mod spell;
mod weights;

pub use faces::FaceFinder;
pub use net::{Net, NetError, Tensor};
pub use raster::{Turn, turned};
pub use reader::{Reader, Reading};
pub use weights::{Source, Weights, WeightsError};
