//! Reading fields of records that others write: by path, tolerant to everything that is not asked
//! for.
//!
//! Records gain fields with every minor version, and one odd optional field must not cost us the
//! rest: what is absent, `null`, empty or of another type counts as not there. Only the fields
//! without which a record means nothing are needed, and their absence is named.

use jiff::Timestamp;
use serde_json::Value;

use super::BucketName;
use super::fault::Fault;

/// A JSON value, read by JSON pointers.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a Value);

impl<'a> Fields<'a> {
    /// What stands at a pointer.
    pub(super) fn at(self, pointer: &str) -> Option<Self> {
        self.0.pointer(pointer).map(Self)
    }

    /// A text, which may be empty.
    pub(super) fn raw_text(self, pointer: &str) -> Option<&'a str> {
        self.0.pointer(pointer).and_then(Value::as_str)
    }

    /// A text that says something.
    pub(super) fn text(self, pointer: &str) -> Option<&'a str> {
        self.raw_text(pointer).filter(|text| !text.is_empty())
    }

    /// A text that says something, or the only entry of a list: CloudTrail writes some parameters as `["x"]`.
    pub(super) fn parameter(self, pointer: &str) -> Option<&'a str> {
        let found = self.0.pointer(pointer)?;
        let text = match found {
            Value::Array(entries) => match entries.as_slice() {
                [only] => only.as_str(),
                _ => None,
            },
            found => found.as_str(),
        };
        text.filter(|text| !text.is_empty())
    }

    /// A text that says something, owned.
    pub(super) fn owned(self, pointer: &str) -> Option<String> {
        self.text(pointer).map(str::to_owned)
    }

    /// The first of several that says something.
    pub(super) fn first(self, pointers: &[&str]) -> Option<String> {
        pointers.iter().find_map(|pointer| self.owned(pointer))
    }

    /// A text without which the record means nothing.
    pub(super) fn need(self, pointer: &'static str) -> Result<&'a str, Fault> {
        self.text(pointer).ok_or_else(|| missing(pointer))
    }

    /// A bucket without which the record means nothing.
    pub(super) fn need_bucket(self, pointer: &'static str) -> Result<BucketName, Fault> {
        BucketName::new(self.need(pointer)?).ok_or_else(|| missing(pointer))
    }

    /// A whole number that is not negative.
    pub(super) fn count(self, pointer: &str) -> Option<u64> {
        self.0.pointer(pointer).and_then(Value::as_u64)
    }

    /// A time in RFC 3339.
    pub(super) fn time(self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer).and_then(|text| text.parse().ok())
    }

    /// Checks the major part of a version `major.minor`. AWS raises it for changes that break
    /// readers, and for nothing else; a record without a version is taken for a known one, since
    /// other stores leave it out.
    pub(super) fn check_major(self, pointer: &'static str, major: &str) -> Result<(), Fault> {
        match self.text(pointer) {
            Some(version) if version.split('.').next() != Some(major) => {
                Err(Fault::UnsupportedVersion(name(pointer)))
            }
            _ => Ok(()),
        }
    }
}

/// The fault of a field that is not there.
pub(super) fn missing(pointer: &'static str) -> Fault {
    Fault::MissingField(name(pointer))
}

/// A pointer without its leading slash.
fn name(pointer: &'static str) -> &'static str {
    pointer.strip_prefix('/').unwrap_or(pointer)
}
