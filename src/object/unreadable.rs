//! Why bytes could not be made into a picture. These are answers about the object, not faults of
//! the service: nothing is retried, and none of them ever counts as clean.

use serde::{Deserialize, Serialize};

use super::Format;

/// Why bytes could not be made into a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// A format, or a rare kind of it, that is not looked into; which one, as its bytes tell.
    #[error("{0} is not a format that can be looked into")]
    Unsupported(Format),
    /// The bytes are not whole, or contradict themselves.
    #[error("the file is damaged")]
    Damaged,
    /// No bytes at all.
    #[error("the file is empty")]
    Empty,
    /// More pixels than `object.max_pixels`, by the file's own header, or an animation that is too
    /// long to be looked through.
    #[error("the picture has more pixels than object.max_pixels allows")]
    TooManyPixels,
}

impl Unreadable {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unsupported(_) => "unsupported",
            Self::Damaged => "damaged",
            Self::Empty => "empty",
            Self::TooManyPixels => "too_many_pixels",
        }
    }

    /// The format that is not looked into, where that is the reason.
    pub const fn format(self) -> Option<Format> {
        match self {
            Self::Unsupported(format) => Some(format),
            _ => None,
        }
    }
}
