//! What a picture may cost, and what a piece may measure.
//!
//! The bounds on pieces are those of the image block of Amazon Bedrock's `Converse` for current
//! models: 3.75 MB and 8,000 x 8,000 pixels per image, 20 images per request. A piece outside them
//! would be refused by the model after we paid for the upload.

/// Bytes that one piece may have.
pub const MAX_PIECE_BYTES: usize = 3_750_000;

/// Pixels that one edge of a piece may have, whatever the settings say.
pub const MAX_PIECE_EDGE: u32 = 8_000;

/// Pieces that one request can carry.
pub const MAX_PIECES: u32 = 20;

/// A piece with an edge under this many pixels is padded with white to [`PADDED_EDGE`], because
/// models refuse or misread such pictures. Real pictures are larger; tracking pixels are not.
pub(super) const MIN_PIECE_EDGE: u32 = 16;

/// Smallest edge of a padded piece, in pixels.
pub(super) const PADDED_EDGE: u32 = 32;

/// Bytes per pixel that a decoder may hold for its output; 16 bits in three channels fit.
const DECODED_BYTES_PER_PIXEL: u64 = 6;

/// Bytes per pixel at the worst moment of any decoder: a progressive JPEG holds coefficients (6) and
/// output (3), a PNG of 16 bits with alpha 8 and a copy of 4, a HEIC planes of 32 bits (measured: 9,
/// and up to 16 with transparency).
const PEAK_BYTES_PER_PIXEL: u64 = 16;

/// Pixels per stored byte assumed before a header was read. Photos have 3 to 8; screenshots more,
/// which is why the estimate is corrected once the header is known.
const PIXELS_PER_BYTE: u64 = 8;

/// How often `max_pixels` an animation may have over all its frames. At the default of 100 million
/// it is about five seconds of work; a higher factor lets one upload hold a thread for longer.
const ANIMATION_FACTOR: u64 = 5;

/// Frames that are looked through at most, however small they are.
pub(super) const MAX_ANIMATION_FRAMES: usize = 10_000;

/// What a picture may cost and into what it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels of the picture as stored; checked against the header before anything is decoded.
    pub max_pixels: u64,
    /// Longest edge of a piece, in pixels.
    pub max_edge: u32,
    /// Tiles that one long screenshot is cut into at most.
    pub max_tiles: u32,
    /// Frames or pages that are sampled at most.
    pub max_frames: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 100_000_000,
            max_edge: 2576,
            max_tiles: 8,
            max_frames: 4,
        }
    }
}

impl Limits {
    /// Whether a picture of this size may be decoded.
    pub(super) fn allow(&self, width: u32, height: u32) -> bool {
        u64::from(width) * u64::from(height) <= self.max_pixels
    }

    /// Whether an animation of so many frames may be looked through.
    pub(super) fn allow_frames(&self, width: u32, height: u32, frames: usize) -> bool {
        let pixels = u64::from(width) * u64::from(height);
        frames <= MAX_ANIMATION_FRAMES
            && pixels.saturating_mul(frames as u64)
                <= self.max_pixels.saturating_mul(ANIMATION_FACTOR)
    }

    /// Bytes that a decoder may allocate. A small floor, so that limits set low for a test leave
    /// room for tables and line buffers.
    pub(super) fn decoder_bytes(&self) -> u64 {
        (self.max_pixels.saturating_mul(DECODED_BYTES_PER_PIXEL)).max(16 << 20)
    }

    /// The most memory, in bytes, that preparing an object may take beside the pieces that come
    /// out: its own bytes, and per pixel what the hungriest decoder needs.
    ///
    /// Before the header is known (`size_in_pixels` is `None`) the pixels are guessed from the
    /// length, never above `max_pixels`: a guess for a queue of permits, not a bound. With the
    /// header it is a bound.
    pub fn peak_bytes(&self, size_hint: u64, size_in_pixels: Option<(u32, u32)>) -> u64 {
        let pixels = match size_in_pixels {
            Some((width, height)) => u64::from(width) * u64::from(height),
            None => size_hint.saturating_mul(PIXELS_PER_BYTE),
        };
        let pixels = pixels.min(self.max_pixels);
        size_hint.saturating_add(pixels.saturating_mul(PEAK_BYTES_PER_PIXEL))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peak_never_counts_more_pixels_than_may_be_decoded() {
        let limits = Limits::default();
        assert_eq!(limits.peak_bytes(1_000, None), 1_000 + 8_000 * 16);
        assert_eq!(
            limits.peak_bytes(10, Some((4_000, 3_000))),
            10 + 192_000_000
        );
        let bomb = limits.peak_bytes(500, Some((u32::MAX, u32::MAX)));
        assert_eq!(bomb, 500 + 1_600_000_000);
        assert_eq!(limits.peak_bytes(u64::MAX, None), u64::MAX);
    }

    #[test]
    fn long_animations_are_refused() {
        let limits = Limits::default();
        assert!(limits.allow_frames(1_000, 1_000, 500));
        assert!(!limits.allow_frames(1_000, 1_000, 501));
        assert!(!limits.allow_frames(1, 1, 100_000));
        assert!(!limits.allow_frames(u32::MAX, u32::MAX, usize::MAX));
    }
}
