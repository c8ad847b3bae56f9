//! Pixels back to a file that models take.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::limits::MAX_PIECE_BYTES;
use super::plan::{scaled, whole};
use super::raster::cut;
use super::{Media, Part, Piece, Unreadable};

/// Pixels up to which a lossless file is tried: screenshots, which compress well and whose small
/// text suffers most from JPEG. Photos of that size fail the next bound and cost one try.
const LOSSLESS_PIXELS: u64 = 3_000_000;

/// Bytes up to which a lossless file is kept; larger ones are photos, which JPEG shows as well.
const LOSSLESS_BYTES: usize = 1_000_000;

/// JPEG quality, and what is tried when the file comes out too long for a model.
const QUALITIES: [u8; 3] = [90, 75, 60];

/// Makes a piece of pixels, as long as a model takes at most: lossless while small, else JPEG, and
/// if that does not fit, in lower quality, then in smaller size.
pub(super) fn piece(mut picture: RgbImage, part: Part) -> Result<Piece, Unreadable> {
    loop {
        let (width, height) = picture.dimensions();
        if let Some((media, bytes)) = fitting(&picture)? {
            return Ok(Piece {
                media,
                bytes: Bytes::from(bytes),
                width,
                height,
                part,
                untouched: false,
            });
        }
        let smaller = scaled(width.max(height), 0.75);
        picture = cut(&picture, whole(width, height, smaller))?;
    }
}

fn fitting(picture: &RgbImage) -> Result<Option<(Media, Vec<u8>)>, Unreadable> {
    let (width, height) = picture.dimensions();
    if u64::from(width) * u64::from(height) <= LOSSLESS_PIXELS {
        let mut bytes = Vec::new();
        write(picture, PngEncoder::new(&mut bytes))?;
        if bytes.len() <= LOSSLESS_BYTES {
            return Ok(Some((Media::Png, bytes)));
        }
    }
    for quality in QUALITIES {
        let mut bytes = Vec::new();
        write(picture, JpegEncoder::new_with_quality(&mut bytes, quality))?;
        if bytes.len() <= MAX_PIECE_BYTES {
            return Ok(Some((Media::Jpeg, bytes)));
        }
    }
    Ok(None)
}

/// Encoders fail only for sizes outside of their format, which pieces never have.
fn write(picture: &RgbImage, encoder: impl ImageEncoder) -> Result<(), Unreadable> {
    let (width, height) = picture.dimensions();
    encoder
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .map_err(|_| Unreadable::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_lossless_and_noise_becomes_jpeg() {
        let plain = RgbImage::from_pixel(400, 300, image::Rgb([250; 3]));
        let made = piece(plain, Part::Whole).unwrap();
        assert_eq!(
            (made.media, made.width, made.height),
            (Media::Png, 400, 300)
        );
        let mut seed = 1_u32;
        let noise = RgbImage::from_fn(700, 600, |_, _| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = seed.to_be_bytes();
            image::Rgb([a, b, c])
        });
        let made = piece(noise, Part::Whole).unwrap();
        assert_eq!(
            (made.media, made.width, made.height),
            (Media::Jpeg, 700, 600)
        );
        assert!(!made.untouched && made.bytes.len() <= MAX_PIECE_BYTES);
    }
}
