//! Tests of the whole way from bytes to pieces: one outcome per kind of file, and hostile bytes.

mod build;
mod hostile;
mod outcomes;
mod pieces;

use bytes::Bytes;

use super::{Limits, Prepared, Unreadable};

/// A committed file of `tests/fixtures/`; in its folder `files/`, `manifest.json` says what each is.
fn fixture(name: &str) -> Bytes {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let place = if name.contains('/') { "" } else { "files/" };
    Bytes::from(std::fs::read(format!("{folder}/{place}{name}")).unwrap())
}

/// With the limits of the defaults.
fn prepare(bytes: impl Into<Bytes>) -> Result<Prepared, Unreadable> {
    super::prepare(&bytes.into(), &Limits::default())
}
