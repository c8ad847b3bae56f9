//! From stored bytes to what a detector looks at.
//!
//! What a model takes as it is goes through untouched: the bytes that are judged are the bytes that
//! are stored. Re-encoded is only what would be refused or misread: other formats, pictures over the
//! limits, animations, CMYK, and photos that stand upright only with the help of their EXIF
//! orientation, because models do not reliably apply it and sideways text is read badly. `width` and
//! `height` are always those of the upright picture.
//!
//! Bytes behind the end of a picture are tolerated and not looked at.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::decode::{self, Decoded, Pixels};
use super::encode;
use super::limits::{MAX_PIECE_BYTES, MIN_PIECE_EDGE};
use super::plan;
use super::raster::cut;
use super::{Format, Limits, Media, Part, Piece, Prepared, Unreadable};

/// Makes a picture ready for a detector. Blocking, and takes up to [`Limits::peak_bytes`]: in a
/// service go through [`Preparer`](super::Preparer).
///
/// A decoder that panics has met a damaged file.
///
/// # Errors
/// What is wrong with the object; the same bytes always give the same answer.
pub fn prepare(bytes: &Bytes, limits: &Limits) -> Result<Prepared, Unreadable> {
    if bytes.is_empty() {
        return Err(Unreadable::Empty);
    }
    let format = Format::sniff(bytes);
    let decoded = guarded(|| decode::decode(format, bytes, limits))?;
    let (width, height) = (decoded.width, decoded.height);
    Ok(Prepared {
        format,
        sha256: Sha256::digest(bytes).into(),
        width,
        height,
        pieces: guarded(|| pieces(format, bytes, decoded, limits))?,
    })
}

/// Width and height that the header of a picture claims, not turned upright, for
/// [`Limits::peak_bytes`]. `None` for other formats and for headers that are not understood.
pub fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let format = Format::sniff(bytes);
    guarded(|| decode::claimed_size(format, bytes).ok_or(Unreadable::Damaged)).ok()
}

/// Decodes a piece to pixels; its size is known, so nothing larger is decoded.
pub(super) fn decode_piece(piece: &Piece) -> Result<image::RgbImage, Unreadable> {
    let format = match piece.media {
        Media::Jpeg => Format::Jpeg,
        Media::Png => Format::Png,
        Media::Gif => Format::Gif,
        Media::Webp => Format::Webp,
    };
    // Twice the pixels, because memory for a decoder is granted by pixels and 16 bits with alpha
    // take more than the usual share.
    let limits = Limits {
        max_pixels: 2 * u64::from(piece.width) * u64::from(piece.height),
        ..Limits::default()
    };
    match guarded(|| decode::decode(format, &piece.bytes, &limits))?.pixels {
        Pixels::Still(picture) => Ok(picture),
        Pixels::Frames(pictures) => pictures.into_iter().next().ok_or(Unreadable::Damaged),
    }
}

/// Runs a decoder; a panic stays inside.
fn guarded<T>(work: impl FnOnce() -> Result<T, Unreadable>) -> Result<T, Unreadable> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Unreadable::Damaged))
}

fn pieces(
    format: Format,
    bytes: &Bytes,
    decoded: Decoded,
    limits: &Limits,
) -> Result<Vec<Piece>, Unreadable> {
    let (width, height) = (decoded.width, decoded.height);
    match decoded.pixels {
        Pixels::Frames(pictures) => {
            let of = u32::try_from(pictures.len()).unwrap_or(u32::MAX);
            (0..)
                .zip(pictures)
                .map(|(index, picture)| encode::piece(picture, Part::Frame { index, of }))
                .collect()
        }
        Pixels::Still(picture) => {
            if decoded.plain
                && let Some(piece) = untouched(format, bytes, width, height, limits)
            {
                return Ok(vec![piece]);
            }
            let parts = plan::parts(width, height, limits);
            let of = u32::try_from(parts.len()).unwrap_or(u32::MAX);
            (0..)
                .zip(parts)
                .map(|(index, crop)| {
                    let part = if of == 1 {
                        Part::Whole
                    } else {
                        Part::Tile { index, of }
                    };
                    encode::piece(cut(&picture, crop)?, part)
                })
                .collect()
        }
    }
}

/// The stored bytes themselves, where a model takes them.
fn untouched(
    format: Format,
    bytes: &Bytes,
    width: u32,
    height: u32,
    limits: &Limits,
) -> Option<Piece> {
    let media = match format {
        Format::Jpeg => Media::Jpeg,
        Format::Png => Media::Png,
        Format::Gif => Media::Gif,
        Format::Webp => Media::Webp,
        _ => return None,
    };
    let fits = bytes.len() <= MAX_PIECE_BYTES
        && width.max(height) <= limits.max_edge
        && width.min(height) >= MIN_PIECE_EDGE;
    fits.then(|| Piece {
        media,
        bytes: bytes.clone(),
        width,
        height,
        part: Part::Whole,
        untouched: true,
    })
}
