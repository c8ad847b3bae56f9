//! Into what a picture is cut, by its size alone.
//!
//! A picture whose longest edge is within the limit is shown whole. A larger one is scaled down,
//! unless it is a long screenshot (longer than 2:1 in either direction): scaling would make its text
//! unreadable, so it is cut along its long axis into tiles that overlap, and every row and column
//! lies in at least one tile. Text on a seam is whole in one of both neighbours as long as it is
//! smaller than the overlap.

use super::Limits;
use super::raster::Crop;

/// Longer than this is a long screenshot.
const LONG: u64 = 2;

/// One tenth of a tile is shared with its neighbour: about six lines of text at usual sizes.
const OVERLAP: f64 = 0.1;

/// The parts that are shown, in reading order; one part is the whole picture. Edges are at least 1.
pub(super) fn parts(width: u32, height: u32, limits: &Limits) -> Vec<Crop> {
    let (long, short) = (width.max(height), width.min(height));
    if long <= limits.max_edge || u64::from(long) <= LONG * u64::from(short) || limits.max_tiles < 2
    {
        return vec![whole(width, height, limits.max_edge)];
    }
    let (count, length) = tiles(long, short, limits);
    (0..count)
        .map(|index| tile(width, height, index, count, length, limits.max_edge))
        .collect()
}

/// The sizes in pixels in which a picture is shown to a model, one for each piece.
pub fn shown_sizes(width: u32, height: u32, limits: &Limits) -> Vec<(u32, u32)> {
    let parts = parts(width, height, limits);
    let sizes = parts.iter().map(|part| (part.to_width, part.to_height));
    sizes.collect()
}

/// The whole picture, scaled down to the limit where it is larger.
pub(super) fn whole(width: u32, height: u32, max_edge: u32) -> Crop {
    crop(0, 0, width, height, max_edge)
}

fn crop(x: u32, y: u32, width: u32, height: u32, max_edge: u32) -> Crop {
    let factor = (f64::from(max_edge) / f64::from(width.max(height))).min(1.0);
    Crop {
        x,
        y,
        width,
        height,
        to_width: scaled(width, factor).min(max_edge),
        to_height: scaled(height, factor).min(max_edge),
    }
}

/// How many tiles, and how long each is in pixels of the source.
///
/// A tile is as long as the limit where the short edge is within it, else it is square and scaled.
/// Where that makes more tiles than allowed, tiles are lengthened until they cover the picture.
fn tiles(long: u32, short: u32, limits: &Limits) -> (u32, u32) {
    let wanted = f64::from(limits.max_edge.max(short));
    let total = f64::from(long);
    let needed = ((total - wanted * OVERLAP) / (wanted * (1.0 - OVERLAP))).ceil();
    // Longer than any bound on tiles is a saturating cast, which the minimum then cuts.
    let count = (needed.max(2.0) as u32).min(limits.max_tiles);
    let covering = total / (f64::from(count) * (1.0 - OVERLAP) + OVERLAP);
    let length = covering.max(wanted).ceil().min(total);
    (count, length as u32)
}

/// The tile with this index: the first touches the start, the last touches the end.
fn tile(width: u32, height: u32, index: u32, count: u32, length: u32, max_edge: u32) -> Crop {
    let room = u64::from(width.max(height).saturating_sub(length));
    let last = u64::from(count.saturating_sub(1)).max(1);
    let start = u32::try_from(room * u64::from(index) / last).unwrap_or(0);
    if height >= width {
        crop(0, start, width, length, max_edge)
    } else {
        crop(start, 0, length, height, max_edge)
    }
}

/// An edge after scaling, at least one pixel.
pub(super) fn scaled(edge: u32, factor: f64) -> u32 {
    ((f64::from(edge) * factor).round() as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(width: u32, height: u32, expected: usize) {
        let parts = parts(width, height, &Limits::default());
        assert_eq!(parts.len(), expected, "{width}x{height}: {parts:?}");
    }

    #[test]
    fn only_long_and_large_pictures_are_cut() {
        check(1, 1, 1);
        check(2576, 1000, 1);
        check(8000, 4000, 1);
        check(4032, 3024, 1);
        check(1080, 2577, 2);
        check(1080, 9000, 4);
        check(9000, 1080, 4);
        check(1, 65_535, 8);
        check(3000, 6001, 3);
    }

    #[test]
    fn a_phone_screenshot_keeps_its_pixels() {
        for part in parts(1080, 9000, &Limits::default()) {
            assert_eq!((part.width, part.height), (part.to_width, part.to_height));
            assert_eq!((part.width, part.height), (1080, 2576));
        }
    }

    #[test]
    fn one_tile_means_scaling() {
        let limits = Limits {
            max_tiles: 1,
            ..Limits::default()
        };
        let parts = parts(1000, 10_000, &limits);
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].to_width, parts[0].to_height), (258, 2576));
    }

    proptest! {
        #[test]
        fn parts_cover_everything_within_the_limits(
            width in 1..70_000_u32,
            height in 1..70_000_u32,
            max_edge in 200..8_000_u32,
            max_tiles in 1..=20_u32,
        ) {
            let limits = Limits { max_edge, max_tiles, ..Limits::default() };
            let parts = parts(width, height, &limits);
            prop_assert!(!parts.is_empty() && parts.len() <= max_tiles as usize);
            let mut covered = (0, 0);
            for part in &parts {
                // No gap to what was covered so far, along either axis.
                prop_assert!(part.x <= covered.0 && part.y <= covered.1);
                prop_assert!(part.x == 0 && part.width == width || part.y == 0 && part.height == height);
                covered = (part.x + part.width, part.y + part.height);
                prop_assert!(covered.0 <= width && covered.1 <= height);
                prop_assert!((1..=max_edge).contains(&part.to_width));
                prop_assert!((1..=max_edge).contains(&part.to_height));
                prop_assert!(part.to_width <= part.width && part.to_height <= part.height);
                if parts.len() > 1 {
                    covered = if height >= width { (0, covered.1) } else { (covered.0, 0) };
                }
            }
            if parts.len() > 1 {
                prop_assert_eq!(covered.0.max(covered.1), width.max(height));
                let length = parts[0].width.max(parts[0].height);
                for pair in parts.windows(2) {
                    let step = (pair[1].x - pair[0].x).max(pair[1].y - pair[0].y);
                    prop_assert!(f64::from(length - step) >= f64::from(length) * OVERLAP - 2.0);
                }
            } else {
                prop_assert_eq!((parts[0].width, parts[0].height), (width, height));
            }
        }
    }
}
