//! Rectangles that may lie aslant: the smallest one round a set of points, and its growth.
//!
//! Coordinates are continuous: pixel 0 reaches from 0.0 to 1.0, so that a rectangle can be carried
//! from one scale to another by a multiplication. Text on a photographed card is rarely level; a
//! level box round it would hold parts of its neighbours.

use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

/// A point in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// A rectangle turned about its centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Slanted {
    pub(super) centre: Point,
    /// Length along `angle`, in pixels.
    pub(super) width: f32,
    /// Length across `angle`, in pixels.
    pub(super) height: f32,
    /// Radians, clockwise on the screen, from -45 to 45 degrees.
    pub(super) angle: f32,
}

impl Slanted {
    /// Whether it stands rather than lies: text in it runs up or down.
    pub(super) fn is_tall(&self) -> bool {
        self.height >= self.width * 1.5
    }

    /// The corners, clockwise from the upper left.
    pub(super) fn corners(&self) -> [Point; 4] {
        let (sin, cos) = self.angle.sin_cos();
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(across, down)| {
            let (u, v) = (across * self.width, down * self.height);
            Point {
                x: self.centre.x + u * cos - v * sin,
                y: self.centre.y + u * sin + v * cos,
            }
        })
    }

    /// Grown on every side by `ratio` times area over perimeter.
    ///
    /// The network marks a shrunk core of every line, by this rule with a smaller ratio: growing
    /// gives the letters their edges back.
    pub(super) fn unclipped(self, ratio: f32) -> Self {
        let perimeter = 2.0 * (self.width + self.height);
        if perimeter <= 0.0 {
            return self;
        }
        let by = self.width * self.height * ratio / perimeter;
        Self {
            width: self.width + 2.0 * by,
            height: self.height + 2.0 * by,
            ..self
        }
    }

    /// Carried to a picture that is `by` times as large. Both sides are scaled alike: their
    /// scales differ only by the rounding to the network's grid.
    pub(super) fn scaled(self, by_x: f32, by_y: f32) -> Self {
        let by = (by_x * by_y).sqrt();
        Self {
            centre: Point {
                x: self.centre.x * by_x,
                y: self.centre.y * by_y,
            },
            width: self.width * by,
            height: self.height * by,
            angle: self.angle,
        }
    }
}

/// The rectangle of the smallest area that holds all points; `None` for fewer than three points
/// that are not on one line.
pub(super) fn smallest_round(points: &mut Vec<Point>) -> Option<Slanted> {
    let hull = convex_hull(points);
    let mut best: Option<(f32, Slanted)> = None;
    let following = hull.iter().cycle().skip(1);
    for (from, to) in hull.iter().zip(following) {
        let angle = (to.y - from.y).atan2(to.x - from.x);
        let candidate = round_at(&hull, angle);
        let area = candidate.width * candidate.height;
        if area > 0.0 && best.is_none_or(|(least, _)| area < least) {
            best = Some((area, candidate));
        }
    }
    best.map(|(_, rectangle)| rectangle)
}

/// The rectangle round all points with one side along `angle`.
fn round_at(points: &[Point], angle: f32) -> Slanted {
    let (sin, cos) = angle.sin_cos();
    let (mut left, mut right) = (f32::INFINITY, f32::NEG_INFINITY);
    let (mut top, mut bottom) = (f32::INFINITY, f32::NEG_INFINITY);
    for point in points {
        let along = point.x * cos + point.y * sin;
        let across = point.y * cos - point.x * sin;
        left = left.min(along);
        right = right.max(along);
        top = top.min(across);
        bottom = bottom.max(across);
    }
    let (along, across) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let (mut width, mut height, mut angle) = (right - left, bottom - top, angle);
    let centre = Point {
        x: along * cos - across * sin,
        y: along * sin + across * cos,
    };
    // The same rectangle has four names; the one nearest to level is the one that reads.
    while angle > FRAC_PI_4 {
        angle -= FRAC_PI_2;
        std::mem::swap(&mut width, &mut height);
    }
    while angle <= -FRAC_PI_4 {
        angle += FRAC_PI_2;
        std::mem::swap(&mut width, &mut height);
    }
    Slanted {
        centre,
        width,
        height,
        angle,
    }
}

/// Andrew's monotone chain, in order round the hull, without points on its edges.
fn convex_hull(points: &mut Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    points.dedup();
    let mut lower = half_hull(points.iter());
    let mut upper = half_hull(points.iter().rev());
    // The last point of each half is the first of the other.
    lower.pop();
    upper.pop();
    lower.append(&mut upper);
    lower
}

fn half_hull<'a>(points: impl Iterator<Item = &'a Point>) -> Vec<Point> {
    let mut hull: Vec<Point> = Vec::new();
    for point in points {
        while let [.., before, last] = hull.as_slice() {
            let turn = (last.x - before.x) * (point.y - before.y)
                - (last.y - before.y) * (point.x - before.x);
            if turn > 0.0 {
                break;
            }
            hull.pop();
        }
        hull.push(*point);
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slanted(width: f32, height: f32, degrees: f32) -> Slanted {
        let centre = Point { x: 100.0, y: 80.0 };
        Slanted {
            centre,
            width,
            height,
            angle: degrees.to_radians(),
        }
    }

    #[test]
    fn the_smallest_rectangle_is_found_at_any_angle() {
        for degrees in [-44.0_f32, -30.0, -8.0, 0.0, 3.0, 14.0, 44.0] {
            let wanted = slanted(60.0, 12.0, degrees);
            let mut points = wanted.corners().to_vec();
            points.push(wanted.centre);
            let found = smallest_round(&mut points).unwrap();
            assert!((found.width - 60.0).abs() < 0.01, "{degrees}: {found:?}");
            assert!((found.height - 12.0).abs() < 0.01, "{degrees}: {found:?}");
            assert!(
                (found.angle.to_degrees() - degrees).abs() < 0.1,
                "{degrees}: {found:?}"
            );
            assert!(
                (found.centre.x - 100.0).abs() < 0.01,
                "{degrees}: {found:?}"
            );
        }
    }

    #[test]
    fn a_steep_line_stands() {
        let mut points = slanted(12.0, 60.0, 5.0).corners().to_vec();
        let found = smallest_round(&mut points).unwrap();
        assert!(found.is_tall(), "{found:?}");
        assert!((found.height - 60.0).abs() < 0.01, "{found:?}");
    }

    #[test]
    fn points_on_one_line_have_no_rectangle() {
        let mut points: Vec<_> = (0..5_u8)
            .map(|n| Point {
                x: n.into(),
                y: n.into(),
            })
            .collect();
        assert_eq!(smallest_round(&mut points), None);
        assert_eq!(smallest_round(&mut Vec::new()), None);
    }

    #[test]
    fn growth_is_area_over_perimeter_on_every_side() {
        // 40 x 10: area 400, perimeter 100, ratio 1.5: 6 pixels on each side.
        let grown = slanted(40.0, 10.0, 7.0).unclipped(1.5);
        assert!((grown.width - 52.0).abs() < 0.001, "{grown:?}");
        assert!((grown.height - 22.0).abs() < 0.001, "{grown:?}");
        assert_eq!(grown.centre, Point { x: 100.0, y: 80.0 });
    }
}
