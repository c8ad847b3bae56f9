//! How S3 wants the prefix and suffix of a notification written: not as keys are, but percent-encoded,
//! with a plus for a space. A filter written otherwise is taken, and passes nothing on.
//!
//! "Configuring event notifications using object key name filtering", Amazon S3 User Guide. Which
//! characters stay as they are is the list of safe characters of "Naming Amazon S3 objects" there; the
//! slash stands in every example of the first page.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is encoded. The space is, and becomes a plus afterwards, when every other plus is `%2B`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'!')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// A filter for what keys begin or end with.
pub(super) fn of_keys(keys: &str) -> String {
    utf8_percent_encode(keys, ENCODED)
        .to_string()
        .replace("%20", "+")
}

/// What keys begin or end with that such a filter passes on.
pub(super) fn to_keys(filter: &str) -> String {
    let spaces = filter.replace('+', " ");
    percent_decode_str(&spaces).decode_utf8_lossy().into_owned()
}

/// Whether a filter holds nothing that S3 wants encoded. What need not be may be.
pub(super) fn is_encoded(filter: &str) -> bool {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || "/!-_.*'()+%".contains(c);
    let is_hex = |two: &[u8]| two.iter().all(u8::is_ascii_hexdigit);
    let mut encoded = filter.split('%').skip(1);
    filter.chars().all(may_stand)
        && encoded.all(|after| after.as_bytes().get(..2).is_some_and(is_hex))
}
