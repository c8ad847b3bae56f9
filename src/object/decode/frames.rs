//! Which frames of an animation are looked at.
//!
//! Taking every n-th frame would miss a text that is shown for a moment, so the whole animation is
//! looked through once with a coarse eye: the first frame is taken, then again and again the one
//! that differs most from all taken so far. Frames that look alike are not sent twice; a slow scroll
//! is sampled about evenly. A second pass decodes the chosen frames. An animation that is too long
//! for that comes back as having too many pixels: what was not looked through is never clean.

use image::{ImageError, RgbImage, RgbaImage};

use super::{Decoded, Pixels, reason};
use crate::object::plan::whole;
use crate::object::raster::{cut, flatten};
use crate::object::{Format, Limits, Unreadable};

/// Composited frames, each as large as the canvas.
pub(super) type Frames<'a> = Box<dyn Iterator<Item = Result<RgbImage, Unreadable>> + 'a>;

/// Cells per edge of the coarse picture. Fewer would lose a short line of text; more cost time.
const CELLS: u32 = 32;

/// A frame counts as another one when the cells differ by so much in sum: one cell by four levels.
const DIFFERENT: u32 = 4;

/// The mean brightness of each cell.
type Glance = Vec<u8>;

/// Samples an animation. `open` starts it from its first frame; it is called twice.
pub(super) fn sample<'a>(
    width: u32,
    height: u32,
    count: usize,
    limits: &Limits,
    open: impl Fn() -> Result<Frames<'a>, Unreadable>,
) -> Result<Decoded, Unreadable> {
    if !limits.allow_frames(width, height, count) {
        return Err(Unreadable::TooManyPixels);
    }
    // The count was taken from the file, which may lie to the decoder in another way.
    let glances = open()?
        .take(count)
        .map(|frame| frame.map(|frame| glance(&frame)))
        .collect::<Result<Vec<_>, _>>()?;
    let chosen = choose(&glances, limits.max_frames as usize);
    let crop = whole(width, height, limits.max_edge);
    let pictures = open()?
        .enumerate()
        .take(chosen.last().map_or(0, |last| last + 1))
        .filter(|(index, frame)| frame.is_err() || chosen.contains(index))
        .map(|(_, frame)| cut(&frame?, crop))
        .collect::<Result<Vec<_>, _>>()?;
    if pictures.is_empty() {
        return Err(Unreadable::Damaged);
    }
    Ok(Decoded {
        width,
        height,
        pixels: Pixels::Frames(pictures),
        plain: false,
    })
}

/// The frames of a decoder from `image`.
pub(super) fn of_image<'a>(
    animation: image::Frames<'a>,
    format: Format,
) -> impl Iterator<Item = Result<RgbImage, Unreadable>> + 'a {
    animation.map(move |frame: Result<image::Frame, ImageError>| {
        let canvas: RgbaImage = frame.map_err(|error| reason(&error, format))?.into_buffer();
        Ok(flatten(canvas.into()))
    })
}

/// A still picture, then frames.
pub(super) fn first_then<'a>(
    first: Decoded,
    rest: impl Iterator<Item = Result<RgbImage, Unreadable>> + 'a,
) -> impl Iterator<Item = Result<RgbImage, Unreadable>> + 'a {
    let pictures = match first.pixels {
        Pixels::Still(picture) => vec![picture],
        Pixels::Frames(pictures) => pictures,
    };
    pictures.into_iter().map(Ok).chain(rest)
}

fn glance(frame: &RgbImage) -> Glance {
    let (width, height) = frame.dimensions();
    let cells = (CELLS * CELLS) as usize;
    let (mut sums, mut counts) = (vec![0_u64; cells], vec![0_u64; cells]);
    for (y, row) in frame.rows().enumerate() {
        let line = (y as u64 * u64::from(CELLS) / u64::from(height.max(1))) * u64::from(CELLS);
        for (x, pixel) in row.enumerate() {
            let cell = line + x as u64 * u64::from(CELLS) / u64::from(width.max(1));
            let cell = usize::try_from(cell).unwrap_or(usize::MAX);
            if let (Some(sum), Some(count)) = (sums.get_mut(cell), counts.get_mut(cell)) {
                let [r, g, b] = pixel.0.map(u64::from);
                *sum += r + 2 * g + b;
                *count += 4;
            }
        }
    }
    let means = sums.iter().zip(&counts).map(|(&sum, &count)| {
        sum.checked_div(count)
            .and_then(|mean| u8::try_from(mean).ok())
            .unwrap_or(0)
    });
    means.collect()
}

fn distance(one: &Glance, other: &Glance) -> u32 {
    one.iter()
        .zip(other)
        .map(|(&a, &b)| u32::from(a.abs_diff(b)))
        .sum()
}

/// Indices of the frames to look at, ascending: the first, then the one farthest from all chosen.
fn choose(glances: &[Glance], most: usize) -> Vec<usize> {
    let mut chosen = Vec::new();
    let mut nearest = vec![u32::MAX; glances.len()];
    let mut next = (!glances.is_empty()).then_some(0);
    while let Some(index) = next {
        chosen.push(index);
        if chosen.len() >= most {
            break;
        }
        let Some(latest) = glances.get(index) else {
            break;
        };
        for (near, glance) in nearest.iter_mut().zip(glances) {
            *near = (*near).min(distance(glance, latest));
        }
        next = nearest
            .iter()
            .enumerate()
            .max_by_key(|&(_, &near)| near)
            .filter(|&(_, &near)| near >= DIFFERENT)
            .map(|(index, _)| index);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(brightness: &[u8], most: usize, expected: &[usize]) {
        let glances: Vec<Glance> = brightness.iter().map(|&value| vec![value; 4]).collect();
        assert_eq!(choose(&glances, most), expected, "{brightness:?}");
    }

    #[test]
    fn what_differs_is_chosen() {
        check(&[], 4, &[]);
        check(&[5], 4, &[0]);
        check(&[5, 5, 5, 5], 4, &[0]);
        check(&[5, 5, 5, 5, 5, 5, 90, 5], 4, &[0, 6]);
        check(&[0, 9, 1, 200, 2, 100], 3, &[0, 3, 5]);
        check(&[0, 10, 20, 30, 40, 50, 60, 70, 80], 3, &[0, 4, 8]);
        check(&[0, 200], 1, &[0]);
    }

    #[test]
    fn a_short_line_of_text_is_noticed() {
        let blank = RgbImage::from_pixel(640, 480, image::Rgb([255; 3]));
        let mut text = blank.clone();
        for x in 100..160 {
            for y in 200..212 {
                if (x + y) % 3 == 0 {
                    text.put_pixel(x, y, image::Rgb([0; 3]));
                }
            }
        }
        assert!(distance(&glance(&blank), &glance(&text)) > DIFFERENT);
    }
}
