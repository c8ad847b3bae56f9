//! Where text is: the detection network's map of probabilities, made into slanted rectangles.

use image::RgbImage;

use super::geometry::{Point, Slanted, smallest_round};
use super::net::{Net, NetError, Tensor};
use super::raster::{planes, resized, strip};

/// Long side that the network sees, in pixels. Larger costs memory and time with the area; smaller
/// loses the small print of a full page.
const LONG_SIDE: f32 = 1280.0;
/// Short side to which a small picture is enlarged: small letters are found and bounded better.
const SHORT_SIDE: f32 = 736.0;
/// More than this enlargement adds cost and no detail.
const MAX_ENLARGEMENT: f32 = 3.0;
/// The network halves its picture five times.
const GRID: f32 = 32.0;
/// Most pixels that the network sees at once: a million cost it some 150 MB.
const MAX_AREA: usize = 700_000;
/// Rows that neighbouring strips share on either side of their seam, a multiple of the grid and
/// more than a line of print is high, so that every line is seen whole.
const OVERLAP: usize = 64;
/// Above this a pixel belongs to text.
const PIXEL_THRESHOLD: f32 = 0.3;
/// Mean probability inside a rectangle below which it is no text.
const BOX_THRESHOLD: f32 = 0.6;
/// See [`Slanted::unclipped`]; what the network was trained for.
const UNCLIP_RATIO: f32 = 1.5;
/// Thinner cores, in pixels of the map, are specks.
const MIN_CORE: f32 = 3.0;
/// Most rectangles of one picture; the largest are kept. A page has fewer; noise may have thousands.
const MAX_BOXES: usize = 200;

/// Finds the lines of text, in the picture's own pixels.
pub(super) fn find(net: &dyn Net, picture: &RgbImage) -> Result<Vec<Slanted>, NetError> {
    let (width, height) = input_size(picture.width(), picture.height());
    let map = probabilities(net, &resized(picture, width, height))?;
    let (by_x, by_y) = (
        picture.width() as f32 / width as f32,
        picture.height() as f32 / height as f32,
    );
    let boxes = boxes(&map, width as usize);
    Ok(boxes
        .into_iter()
        .map(|found| found.scaled(by_x, by_y))
        .collect())
}

/// The network's map of a picture whose sides are multiples of its grid.
///
/// A large one goes through in strips that overlap, each giving the rows in its middle: the
/// network's memory goes with the area that it sees at once.
fn probabilities(net: &dyn Net, picture: &RgbImage) -> Result<Vec<f32>, NetError> {
    let (columns, rows) = (picture.width() as usize, picture.height() as usize);
    let strips = (columns * rows).div_ceil(MAX_AREA);
    let height = rows.div_ceil(strips).next_multiple_of(GRID as usize);
    let tables = tables();
    let mut map = Vec::with_capacity(columns * rows);
    for top in (0..rows).step_by(height) {
        let bottom = rows.min(top + height);
        let (from, to) = (top.saturating_sub(OVERLAP), rows.min(bottom + OVERLAP));
        let strip = strip(picture, from, to);
        let output = net.run(Tensor {
            shape: vec![1, 3, to - from, columns],
            data: planes(&strip, columns, &tables),
        })?;
        let wanted = (top - from) * columns..(bottom - from) * columns;
        match output.data.get(wanted) {
            Some(middle) if output.shape == [1, 1, to - from, columns] => map.extend(middle),
            _ => return Err(NetError(format!("a map of shape {:?}", output.shape))),
        }
    }
    Ok(map)
}

/// The size at which the network looks at a picture.
fn input_size(width: u32, height: u32) -> (u32, u32) {
    let (width, height) = (width.max(1) as f32, height.max(1) as f32);
    let enlarge = (SHORT_SIDE / width.min(height)).clamp(1.0, MAX_ENLARGEMENT);
    let scale = enlarge.min(LONG_SIDE / width.max(height));
    let side = |length: f32| ((length * scale / GRID).round().max(1.0) * GRID) as u32;
    (side(width), side(height))
}

/// Value of every byte in the planes that the network was trained with.
fn tables() -> [[f32; 256]; 3] {
    [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)].map(|(mean, deviation)| {
        let mut table = [0.0; 256];
        for (value, byte) in table.iter_mut().zip(0_u8..=255) {
            *value = (f32::from(byte) / 255.0 - mean) / deviation;
        }
        table
    })
}

/// The rectangles of a map, largest first.
fn boxes(map: &[f32], columns: usize) -> Vec<Slanted> {
    let mut found: Vec<Slanted> = components(map, columns)
        .iter_mut()
        .filter_map(|points| {
            let core = smallest_round(points)?;
            let thin = core.width.min(core.height) < MIN_CORE;
            let weak = || mean_inside(map, columns, &core) < BOX_THRESHOLD;
            (!thin && !weak()).then(|| core.unclipped(UNCLIP_RATIO))
        })
        .collect();
    let area = |of: &Slanted| of.width * of.height;
    found.sort_by(|a, b| area(b).total_cmp(&area(a)));
    found.truncate(MAX_BOXES);
    found
}

/// Pixels of one row that belong together: from `start` up to, without, `end`.
#[derive(Clone, Copy)]
struct Run {
    start: usize,
    end: usize,
    label: usize,
}

/// The outline points of every connected patch above the threshold.
fn components(map: &[f32], columns: usize) -> Vec<Vec<Point>> {
    let mut labels = Labels::default();
    let mut outline: Vec<(usize, [Point; 4])> = Vec::new();
    let mut above: Vec<Run> = Vec::new();
    for (row, values) in map.chunks_exact(columns).enumerate() {
        let mut here = runs(values);
        for run in &mut here {
            // Diagonal neighbours touch.
            let touching = above
                .iter()
                .filter(|other| other.start <= run.end && run.start <= other.end);
            let joined = touching
                .map(|other| other.label)
                .reduce(|a, b| labels.join(a, b));
            run.label = joined.unwrap_or_else(|| labels.fresh());
            let (left, right) = (run.start as f32, run.end as f32);
            let (top, bottom) = (row as f32, row as f32 + 1.0);
            let corners = [(left, top), (right, top), (left, bottom), (right, bottom)];
            outline.push((run.label, corners.map(|(x, y)| Point { x, y })));
        }
        above = here;
    }
    let mut patches: Vec<Vec<Point>> = vec![Vec::new(); labels.parents.len()];
    for (label, corners) in outline {
        if let Some(points) = patches.get_mut(labels.root(label)) {
            points.extend(corners);
        }
    }
    patches.retain(|points| !points.is_empty());
    patches
}

fn runs(values: &[f32]) -> Vec<Run> {
    let mut found = Vec::new();
    let mut start = None;
    for (column, value) in values.iter().enumerate() {
        if *value > PIXEL_THRESHOLD {
            start.get_or_insert(column);
        } else if let Some(start) = start.take() {
            found.push(Run {
                start,
                end: column,
                label: 0,
            });
        }
    }
    if let Some(start) = start {
        found.push(Run {
            start,
            end: values.len(),
            label: 0,
        });
    }
    found
}

/// Which labels mean the same patch.
#[derive(Default)]
struct Labels {
    parents: Vec<usize>,
}

impl Labels {
    fn fresh(&mut self) -> usize {
        let label = self.parents.len();
        self.parents.push(label);
        label
    }

    fn root(&self, mut label: usize) -> usize {
        // A parent is always smaller, so that this ends.
        while let Some(parent) = self
            .parents
            .get(label)
            .copied()
            .filter(|parent| *parent < label)
        {
            label = parent;
        }
        label
    }

    fn join(&mut self, a: usize, b: usize) -> usize {
        let (a, b) = (self.root(a), self.root(b));
        if let Some(parent) = self.parents.get_mut(a.max(b)) {
            *parent = a.min(b);
        }
        a.min(b)
    }
}

/// Mean of the map over the pixels whose centre lies in the rectangle.
fn mean_inside(map: &[f32], columns: usize, rectangle: &Slanted) -> f32 {
    let corners = rectangle.corners();
    let low = |of: fn(&Point) -> f32| corners.iter().map(of).fold(f32::INFINITY, f32::min);
    let high = |of: fn(&Point) -> f32| corners.iter().map(of).fold(0.0, f32::max);
    let (left, right) = (
        low(|p| p.x).max(0.0) as usize,
        high(|p| p.x).ceil() as usize,
    );
    let (top, bottom) = (
        low(|p| p.y).max(0.0) as usize,
        high(|p| p.y).ceil() as usize,
    );
    let (sin, cos) = rectangle.angle.sin_cos();
    let (mut sum, mut count) = (0.0, 0.0);
    for (row, values) in map.chunks_exact(columns).enumerate().take(bottom).skip(top) {
        let down = row as f32 + 0.5 - rectangle.centre.y;
        for (column, value) in values.iter().enumerate().take(right).skip(left) {
            let across = column as f32 + 0.5 - rectangle.centre.x;
            let along = across * cos + down * sin;
            let aside = down * cos - across * sin;
            if along.abs() <= rectangle.width / 2.0 && aside.abs() <= rectangle.height / 2.0 {
                sum += value;
                count += 1.0;
            }
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: usize = 120;
    const ROWS: usize = 80;

    /// Gives every pixel its own blue value, and notes how many rows it saw at once.
    #[derive(Debug, Default)]
    struct Echo(std::sync::Mutex<Vec<usize>>);

    impl Net for Echo {
        fn run(&self, input: Tensor) -> Result<Tensor, NetError> {
            let (rows, columns) = (input.shape[2], input.shape[3]);
            self.0.lock().unwrap().push(rows);
            Ok(Tensor {
                shape: vec![1, 1, rows, columns],
                data: input.data[..rows * columns].to_vec(),
            })
        }
    }

    #[test]
    fn strips_make_the_map_of_the_whole() {
        let picture = RgbImage::from_fn(1280, 1184, |x, y| {
            image::Rgb([0, 0, (x / 7 + y / 5 * 3) as u8])
        });
        let echo = Echo::default();
        let map = probabilities(&echo, &picture).unwrap();
        assert_eq!(map, planes(&picture, 1280, &tables())[..1280 * 1184]);
        assert_eq!(
            *echo.0.lock().unwrap(),
            [416 + OVERLAP, 416 + 2 * OVERLAP, 352 + OVERLAP]
        );

        let small = Echo::default();
        probabilities(&small, &RgbImage::new(928, 736)).unwrap();
        assert_eq!(*small.0.lock().unwrap(), [736]);
    }

    /// A map with `value` inside the rectangles.
    fn map(rectangles: &[(Slanted, f32)]) -> Vec<f32> {
        let mut map = vec![0.05; COLUMNS * ROWS];
        for (index, pixel) in map.iter_mut().enumerate() {
            let (x, y) = (
                (index % COLUMNS) as f32 + 0.5,
                (index / COLUMNS) as f32 + 0.5,
            );
            for (rectangle, value) in rectangles {
                let (sin, cos) = rectangle.angle.sin_cos();
                let (x, y) = (x - rectangle.centre.x, y - rectangle.centre.y);
                let inside = (x * cos + y * sin).abs() < rectangle.width / 2.0
                    && (y * cos - x * sin).abs() < rectangle.height / 2.0;
                if inside {
                    *pixel = *value;
                }
            }
        }
        map
    }

    fn core(x: f32, y: f32, width: f32, height: f32, degrees: f32) -> Slanted {
        Slanted {
            centre: Point { x, y },
            width,
            height,
            angle: degrees.to_radians(),
        }
    }

    #[test]
    fn lines_come_out_as_grown_rectangles() {
        let (level, aslant) = (
            core(60.0, 20.0, 80.0, 6.0, 0.0),
            core(50.0, 55.0, 60.0, 8.0, 12.0),
        );
        let found = boxes(&map(&[(level, 0.9), (aslant, 0.9)]), COLUMNS);
        assert_eq!(found.len(), 2, "{found:?}");
        for (found, core) in found.iter().zip([aslant, level]) {
            let wanted = core.unclipped(UNCLIP_RATIO);
            assert!((found.centre.x - wanted.centre.x).abs() < 1.0, "{found:?}");
            assert!((found.centre.y - wanted.centre.y).abs() < 1.0, "{found:?}");
            assert!(
                (found.width - wanted.width).abs() < 3.5,
                "{found:?} {wanted:?}"
            );
            assert!(
                (found.height - wanted.height).abs() < 3.5,
                "{found:?} {wanted:?}"
            );
            assert!(
                (found.angle - core.angle).to_degrees().abs() < 2.0,
                "{found:?}"
            );
        }
    }

    #[test]
    fn weak_patches_and_specks_are_no_text() {
        let weak = core(60.0, 20.0, 80.0, 8.0, 0.0);
        let speck = core(60.0, 60.0, 30.0, 2.0, 0.0);
        assert_eq!(boxes(&map(&[(weak, 0.5), (speck, 0.9)]), COLUMNS), []);
        assert_eq!(boxes(&map(&[(weak, 0.7)]), COLUMNS).len(), 1);
    }

    #[test]
    fn arms_that_meet_below_are_one_patch() {
        // A U: two runs a row, joined in the last rows.
        let parts = [
            core(20.5, 30.0, 9.0, 40.0, 0.0),
            core(90.5, 30.0, 9.0, 40.0, 0.0),
            core(55.5, 52.0, 79.0, 6.0, 0.0),
        ];
        let patches = components(&map(&parts.map(|part| (part, 0.9))), COLUMNS);
        assert_eq!(patches.len(), 1);
    }

    #[test]
    fn noise_is_capped() {
        let mut dots = vec![0.05; 400 * 400];
        for (index, pixel) in dots.iter_mut().enumerate() {
            if index % 400 % 10 < 5 && index / 400 % 10 < 5 {
                *pixel = 0.9;
            }
        }
        assert_eq!(boxes(&dots, 400).len(), MAX_BOXES);
    }

    #[test]
    fn the_network_sees_multiples_of_its_grid() {
        for (given, seen) in [
            ((1000, 700), (1056, 736)),
            ((640, 400), (1184, 736)),
            ((4000, 3000), (1280, 960)),
            ((3000, 100), (1280, 32)),
            ((100, 100), (288, 288)),
            ((1, 1), (32, 32)),
        ] {
            assert_eq!(input_size(given.0, given.1), seen, "{given:?}");
        }
    }
}
