//! A picture made ready for a detector.

use bytes::Bytes;

use super::prepare::decode_piece;
use super::{Format, Unreadable};

/// How a piece is encoded: the formats that detectors take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Media {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/gif`
    Gif,
    /// `image/webp`
    Webp,
}

impl Media {
    /// The media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// Which part of the picture a piece shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// One of several overlapping tiles, counted from 0 in reading order.
    Tile {
        /// Which one.
        index: u32,
        /// Of how many.
        of: u32,
    },
    /// One of several sampled frames of an animation (or pages), counted from 0.
    Frame {
        /// Which one.
        index: u32,
        /// Of how many sampled.
        of: u32,
    },
}

/// One encoded image that a detector looks at.
#[derive(Clone)]
pub struct Piece {
    /// Its encoding.
    pub media: Media,
    /// Its bytes: the stored ones themselves where `untouched`.
    pub bytes: Bytes,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// What it shows.
    pub part: Part,
    /// Whether `bytes` are the object's own, byte for byte.
    pub untouched: bool,
}

impl Piece {
    /// Decodes it, upright and opaque (transparency over middle grey), for detectors on this machine. Blocking; takes no more
    /// memory than its own size asks for.
    ///
    /// # Errors
    /// Only for a piece whose fields do not belong together: those from
    /// [`prepare`](super::prepare()) decode.
    pub fn decode(&self) -> Result<image::RgbImage, Unreadable> {
        decode_piece(self)
    }
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Piece")
            .field("media", &self.media)
            .field("bytes", &self.bytes.len())
            .field("width", &self.width)
            .field("height", &self.height)
            .field("part", &self.part)
            .field("untouched", &self.untouched)
            .finish()
    }
}

/// A picture made ready for a detector.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What the object is, by its first bytes.
    pub format: Format,
    /// SHA-256 of the object's bytes.
    pub sha256: [u8; 32],
    /// Width of the upright picture as stored, in pixels.
    pub width: u32,
    /// Height of the upright picture as stored, in pixels.
    pub height: u32,
    /// What to look at; never empty.
    pub pieces: Vec<Piece>,
}
