//! How the boxes of a page lie: which way up it stands, how it slopes, what to read first.

use super::geometry::Slanted;
use crate::verdict::recognise::Bounds;

/// Shape of an identifier's line: this many times as long as high.
const TYPICAL_RATIO: f32 = 10.0;

/// Whether the page seems to lie on its side.
pub(super) fn mostly_tall(boxes: &[Slanted]) -> bool {
    let tall = boxes.iter().filter(|found| found.is_tall()).count();
    let long = boxes
        .iter()
        .filter(|found| found.width >= found.height * 1.5)
        .count();
    tall > long
}

/// How far the shape of a box is from that of an identifier.
pub(super) fn unlikeness(found: &Slanted) -> f32 {
    let (long, short) = (found.width.max(found.height), found.width.min(found.height));
    (long / short.max(1.0) / TYPICAL_RATIO).ln().abs()
}

/// The angle of the page: the middle one of its longer lines.
pub(super) fn slope(boxes: &[Slanted]) -> f32 {
    let long = boxes
        .iter()
        .filter(|found| found.width >= found.height * 3.0);
    let mut angles: Vec<f32> = long.map(|found| found.angle).collect();
    angles.sort_by(f32::total_cmp);
    angles.get(angles.len() / 2).copied().unwrap_or(0.0)
}

/// Where a line would be were the page level: lines of one row have one height then.
pub(super) fn bounds(found: &Slanted, slope: f32) -> Bounds {
    let (sin, cos) = slope.sin_cos();
    let x = found.centre.x * cos + found.centre.y * sin;
    let y = found.centre.y * cos - found.centre.x * sin;
    Bounds {
        x: x - found.width / 2.0,
        y: y - found.height / 2.0,
        width: found.width,
        height: found.height,
    }
}

#[cfg(test)]
mod tests {
    use super::super::geometry::Point;
    use super::*;

    fn sized(width: f32, height: f32) -> Slanted {
        Slanted {
            centre: Point { x: 0.0, y: 0.0 },
            width,
            height,
            angle: 0.0,
        }
    }

    #[test]
    fn rows_of_a_slanted_page_have_one_height() {
        let slope = 8.0_f32.to_radians();
        let at = |along: f32| Slanted {
            centre: Point {
                x: 100.0 + along * slope.cos(),
                y: 100.0 + along * slope.sin(),
            },
            width: 60.0,
            height: 12.0,
            angle: slope,
        };
        let (left, right) = (bounds(&at(0.0), slope), bounds(&at(300.0), slope));
        assert!((left.y - right.y).abs() < 0.01, "{left:?} {right:?}");
        assert!(
            (right.x - left.x - 300.0).abs() < 0.01,
            "{left:?} {right:?}"
        );
    }

    #[test]
    fn a_page_lies_when_more_lines_stand() {
        let (level, standing, square) = (sized(90.0, 10.0), sized(10.0, 90.0), sized(10.0, 9.0));
        assert!(mostly_tall(&[standing, standing, level, square, square]));
        assert!(!mostly_tall(&[standing, level, square]));
        assert!(!mostly_tall(&[]));
    }

    #[test]
    fn an_identifier_is_long_but_not_a_sentence() {
        let (word, number, sentence) = (sized(30.0, 10.0), sized(110.0, 10.0), sized(800.0, 10.0));
        assert!(unlikeness(&number) < unlikeness(&word));
        assert!(unlikeness(&number) < unlikeness(&sentence));
        assert_eq!(unlikeness(&sized(10.0, 110.0)), unlikeness(&number));
    }
}
