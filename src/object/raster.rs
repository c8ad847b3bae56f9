//! Pixels in memory: how decoded pictures become plain RGB, are turned, scaled and padded.
//!
//! Everything is brought to 8-bit RGB, because that is what detectors see. Transparent pixels are
//! laid over middle grey, from which black and white letters stand out alike; 16-bit, palette, grey and CMYK lose nothing that
//! a reader could see.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage, imageops};

use super::Unreadable;
use super::limits::{MIN_PIECE_EDGE, PADDED_EDGE};

const WHITE: Rgb<u8> = Rgb([255; 3]);

/// What a transparent pixel is seen on.
const BEHIND: u32 = 128;

/// Brings any decoded picture to RGB, transparency laid over grey.
pub(super) fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        Rgb([r, g, b].map(|value| over_grey(value, alpha)))
    })
}

/// One channel over grey, rounded.
fn over_grey(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    let mixed = (value * alpha + BEHIND * (255 - alpha) + 127) / 255;
    u8::try_from(mixed).unwrap_or(u8::MAX)
}

/// Turns a picture upright as its metadata ask.
pub(super) fn upright(picture: RgbImage, orientation: Orientation) -> RgbImage {
    if orientation == Orientation::NoTransforms {
        return picture;
    }
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    picture.into_rgb8()
}

/// A part of a picture and the size that it is brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Crop {
    /// Left edge in the source, in pixels.
    pub(super) x: u32,
    /// Upper edge in the source, in pixels.
    pub(super) y: u32,
    /// Width in the source, in pixels.
    pub(super) width: u32,
    /// Height in the source, in pixels.
    pub(super) height: u32,
    /// Width to bring it to.
    pub(super) to_width: u32,
    /// Height to bring it to.
    pub(super) to_height: u32,
}

/// Cuts out a part and scales it, then pads what came out too small for a model.
pub(super) fn cut(picture: &RgbImage, crop: Crop) -> Result<RgbImage, Unreadable> {
    let scaled = if (crop.width, crop.height) == (crop.to_width, crop.to_height) {
        imageops::crop_imm(picture, crop.x, crop.y, crop.width, crop.height).to_image()
    } else {
        scale(picture, crop).ok_or(Unreadable::Damaged)?
    };
    Ok(pad(scaled))
}

/// Lanczos, which keeps the strokes of small text. `None` only for a crop outside of the picture.
fn scale(picture: &RgbImage, crop: Crop) -> Option<RgbImage> {
    let source = ImageRef::new(
        picture.width(),
        picture.height(),
        picture.as_raw(),
        PixelType::U8x3,
    )
    .ok()?;
    let mut target = Image::new(crop.to_width, crop.to_height, PixelType::U8x3);
    let options = ResizeOptions::new().crop(
        f64::from(crop.x),
        f64::from(crop.y),
        f64::from(crop.width),
        f64::from(crop.height),
    );
    Resizer::new().resize(&source, &mut target, &options).ok()?;
    RgbImage::from_raw(crop.to_width, crop.to_height, target.into_vec())
}

/// Lays a picture with an edge under [`MIN_PIECE_EDGE`] on white.
fn pad(picture: RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    if width.min(height) >= MIN_PIECE_EDGE {
        return picture;
    }
    let mut sheet = RgbImage::from_pixel(width.max(PADDED_EDGE), height.max(PADDED_EDGE), WHITE);
    imageops::replace(&mut sheet, &picture, 0, 0);
    sheet
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{GrayAlphaImage, ImageBuffer, LumaA, Rgba, RgbaImage};

    #[test]
    fn alpha_lies_over_grey() {
        let clear = RgbaImage::from_pixel(2, 1, Rgba([10, 20, 30, 0]));
        assert_eq!(flatten(clear.into()).get_pixel(1, 0).0, [128; 3]);
        let solid = RgbaImage::from_pixel(1, 1, Rgba([10, 20, 30, 255]));
        assert_eq!(flatten(solid.into()).get_pixel(0, 0).0, [10, 20, 30]);
        let grey = GrayAlphaImage::from_pixel(1, 1, LumaA([0, 127]));
        assert_eq!(flatten(grey.into()).get_pixel(0, 0).0, [64; 3]);
        let deep: ImageBuffer<Rgba<u16>, _> =
            ImageBuffer::from_pixel(1, 1, Rgba([u16::MAX, 0, 0, u16::MAX]));
        assert_eq!(flatten(deep.into()).get_pixel(0, 0).0, [255, 0, 0]);
    }

    #[test]
    fn small_pieces_are_padded_and_others_are_not() {
        let sizes = [
            ((1, 1), (32, 32)),
            ((3, 100), (32, 100)),
            ((16, 16), (16, 16)),
        ];
        for ((width, height), expected) in sizes {
            let sheet = pad(RgbImage::new(width, height));
            assert_eq!(sheet.dimensions(), expected);
            assert_eq!(sheet.get_pixel(0, 0).0, [0; 3]);
        }
        assert_eq!(pad(RgbImage::new(1, 1)).get_pixel(31, 31).0, [255; 3]);
    }
}
