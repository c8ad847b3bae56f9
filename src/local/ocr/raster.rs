//! Pixels: resizing, turning, and cutting a slanted rectangle out straight.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, RgbImage};

use super::geometry::Slanted;

/// How far a picture is turned, clockwise, before it is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// As it is.
    #[default]
    Upright,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

/// The picture turned clockwise.
#[must_use]
pub fn turned(picture: RgbImage, turn: Turn) -> RgbImage {
    // Through `DynamicImage`: its methods are compiled with the crate, optimised.
    let picture = DynamicImage::ImageRgb8(picture);
    match turn {
        Turn::Upright => picture,
        Turn::Quarter => picture.rotate90(),
        Turn::Half => picture.rotate180(),
        Turn::ThreeQuarters => picture.rotate270(),
    }
    .into_rgb8()
}

/// The picture at another size, which must not be zero. Shrinking averages; growing interpolates.
pub(super) fn resized(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let mut out = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let source = ImageRef::new(
        picture.width(),
        picture.height(),
        picture.as_raw(),
        PixelType::U8x3,
    );
    let done = source
        .ok()
        .and_then(|source| Resizer::new().resize(&source, &mut out, &options).ok())
        .and_then(|()| RgbImage::from_raw(width, height, out.into_vec()));
    // Only an empty picture can fail, and resizing nothing gives nothing.
    done.unwrap_or_else(|| RgbImage::new(width, height))
}

/// The picture, shrunk if need be so that its long side is at most `limit`.
pub(super) fn at_most(picture: &RgbImage, limit: u32) -> Cow<'_, RgbImage> {
    let (width, height) = picture.dimensions();
    let long = width.max(height);
    if long <= limit {
        return Cow::Borrowed(picture);
    }
    let side = |length: u32| (u64::from(length) * u64::from(limit) / u64::from(long)).max(1);
    let side = |length| u32::try_from(side(length)).unwrap_or(limit);
    Cow::Owned(resized(picture, side(width), side(height)))
}

/// The rows of a picture from `from` up to, without, `to`.
pub(super) fn strip(picture: &RgbImage, from: usize, to: usize) -> RgbImage {
    let stride = picture.width() as usize * 3;
    let rows = picture
        .as_raw()
        .get(from * stride..to * stride)
        .unwrap_or_default();
    let height = u32::try_from(to - from).unwrap_or(0);
    RgbImage::from_raw(picture.width(), height, rows.to_vec())
        .unwrap_or_else(|| RgbImage::new(picture.width(), height))
}

/// What lies in the rectangle, straightened.
pub(super) fn cut(picture: &RgbImage, rectangle: &Slanted) -> RgbImage {
    // Below half a degree a level cut is truer than interpolation: it keeps the pixels.
    if rectangle.angle.abs() < 0.009 {
        level_cut(picture, rectangle)
    } else {
        slanted_cut(picture, rectangle)
    }
}

fn level_cut(picture: &RgbImage, rectangle: &Slanted) -> RgbImage {
    let span = |centre: f32, length: f32, limit: u32| {
        let from = (centre - length / 2.0)
            .floor()
            .clamp(0.0, limit.saturating_sub(1) as f32);
        let to = (centre + length / 2.0)
            .ceil()
            .clamp(from + 1.0, limit as f32);
        (from as usize, to as usize)
    };
    let (left, right) = span(rectangle.centre.x, rectangle.width, picture.width());
    let (top, bottom) = span(rectangle.centre.y, rectangle.height, picture.height());
    let mut data = Vec::with_capacity((right - left) * (bottom - top) * 3);
    let stride = picture.width() as usize * 3;
    for row in picture.as_raw().chunks_exact(stride).take(bottom).skip(top) {
        data.extend_from_slice(row.get(left * 3..right * 3).unwrap_or_default());
    }
    let (width, height) = ((right - left) as u32, (bottom - top) as u32);
    RgbImage::from_raw(width, height, data).unwrap_or_else(|| RgbImage::new(width, height))
}

fn slanted_cut(picture: &RgbImage, rectangle: &Slanted) -> RgbImage {
    let (width, height) = (
        rectangle.width.round().max(1.0),
        rectangle.height.round().max(1.0),
    );
    let (sin, cos) = rectangle.angle.sin_cos();
    let mut data = Vec::with_capacity((width * height) as usize * 3);
    let (right, bottom) = (picture.width() - 1, picture.height() - 1);
    let raw = picture.as_raw();
    let stride = picture.width() as usize * 3;
    for row in 0..height as u32 {
        let down = row as f32 + 0.5 - height / 2.0;
        for column in 0..width as u32 {
            let along = column as f32 + 0.5 - width / 2.0;
            let x = rectangle.centre.x + along * cos - down * sin - 0.5;
            let y = rectangle.centre.y + along * sin + down * cos - 0.5;
            let x = x.clamp(0.0, right as f32);
            let y = y.clamp(0.0, bottom as f32);
            let (left, top) = (x as u32, y as u32);
            let (part_x, part_y) = (x - left as f32, y - top as f32);
            let at = top as usize * stride + left as usize * 3;
            let next = if left < right { 3 } else { 0 };
            let below = if top < bottom { stride } else { 0 };
            for channel in at..at + 3 {
                let sample = |index: usize| f32::from(raw.get(index).copied().unwrap_or(0));
                let upper = mix(sample(channel), sample(channel + next), part_x);
                let lower = mix(
                    sample(channel + below),
                    sample(channel + below + next),
                    part_x,
                );
                data.push((mix(upper, lower, part_y) + 0.5) as u8);
            }
        }
    }
    let (width, height) = (width as u32, height as u32);
    RgbImage::from_raw(width, height, data).unwrap_or_else(|| RgbImage::new(width, height))
}

fn mix(from: f32, to: f32, part: f32) -> f32 {
    from + (to - from) * part
}

/// Adds the picture as three planes of `width * height`, blue first: `table` gives the value of
/// each byte in each plane. What is wider than the picture is 0.
///
/// Blue first because the networks were trained on pictures read that way.
pub(super) fn planes(picture: &RgbImage, width: usize, tables: &[[f32; 256]; 3]) -> Vec<f32> {
    let height = picture.height() as usize;
    let mut data = vec![0.0; 3 * width * height];
    let stride = picture.width() as usize * 3;
    if stride == 0 || width * height == 0 {
        return data;
    }
    let channels = data
        .chunks_exact_mut(width * height)
        .zip(tables)
        .zip([2, 1, 0]);
    for ((plane, table), channel) in channels {
        for (to, from) in plane
            .chunks_exact_mut(width)
            .zip(picture.as_raw().chunks_exact(stride))
        {
            let bytes = from.iter().skip(channel).step_by(3);
            for (value, byte) in to.iter_mut().zip(bytes) {
                *value = table.get(usize::from(*byte)).copied().unwrap_or(0.0);
            }
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::super::geometry::Point;
    use super::*;

    fn gradient() -> RgbImage {
        RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * 4) as u8, (y * 5) as u8, 7]))
    }

    #[test]
    fn a_level_cut_keeps_the_pixels() {
        let picture = gradient();
        let centre = Point { x: 20.0, y: 15.0 };
        let cut = cut(
            &picture,
            &Slanted {
                centre,
                width: 10.0,
                height: 6.0,
                angle: 0.0,
            },
        );
        assert_eq!(cut.dimensions(), (10, 6));
        assert_eq!(cut.get_pixel(0, 0), picture.get_pixel(15, 12));
        assert_eq!(cut.get_pixel(9, 5), picture.get_pixel(24, 17));
    }

    #[test]
    fn a_slanted_cut_straightens() {
        // Along +30 degrees, the first channel grows by 4 cos 30 a pixel, the second by 5 sin 30.
        let picture = gradient();
        let centre = Point { x: 32.0, y: 24.0 };
        let angle = 30.0_f32.to_radians();
        let cut = cut(
            &picture,
            &Slanted {
                centre,
                width: 20.0,
                height: 8.0,
                angle,
            },
        );
        let (first, last) = (cut.get_pixel(0, 4), cut.get_pixel(19, 4));
        let grown = |channel: usize| f32::from(last.0[channel]) - f32::from(first.0[channel]);
        assert!(
            (grown(0) - 19.0 * 4.0 * angle.cos()).abs() < 2.0,
            "{}",
            grown(0)
        );
        assert!(
            (grown(1) - 19.0 * 5.0 * angle.sin()).abs() < 2.0,
            "{}",
            grown(1)
        );
    }

    #[test]
    fn a_cut_beyond_the_edge_stays_inside() {
        let centre = Point { x: 63.0, y: 47.0 };
        for angle in [0.0, 0.3] {
            let cut = cut(
                &gradient(),
                &Slanted {
                    centre,
                    width: 30.0,
                    height: 10.0,
                    angle,
                },
            );
            assert!(cut.width() >= 1 && cut.height() >= 1);
        }
    }

    #[test]
    fn planes_are_blue_first_and_padded_with_zero() {
        let picture = RgbImage::from_pixel(2, 1, image::Rgb([10, 20, 30]));
        let mut table = [0.0; 256];
        for (value, byte) in table.iter_mut().zip(0_u8..=255) {
            *value = f32::from(byte);
        }
        let data = planes(&picture, 3, &[table; 3]);
        assert_eq!(data, [30.0, 30.0, 0.0, 20.0, 20.0, 0.0, 10.0, 10.0, 0.0]);
    }

    #[test]
    fn a_large_picture_shrinks_to_the_limit() {
        let shrunk = at_most(&RgbImage::new(400, 100), 200).into_owned();
        assert_eq!(shrunk.dimensions(), (200, 50));
        assert_eq!(
            at_most(&RgbImage::new(90, 100), 200).dimensions(),
            (90, 100)
        );
    }

    #[test]
    fn turns_go_clockwise() {
        let mut picture = RgbImage::new(3, 2);
        picture.put_pixel(0, 0, image::Rgb([9, 9, 9]));
        let at = |turn, x, y| turned(picture.clone(), turn).get_pixel(x, y).0[0];
        assert_eq!(at(Turn::Quarter, 1, 0), 9);
        assert_eq!(at(Turn::Half, 2, 1), 9);
        assert_eq!(at(Turn::ThreeQuarters, 0, 2), 9);
    }
}
