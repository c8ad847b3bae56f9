//! The picture language: how tests paint what the stand-in for Bedrock shall see.
//!
//! A picture is a dull background, a panel in the middle whose colour says what it "holds", and
//! bands across the whole width below it. All that counts is the share of an image that has one
//! of these colours (red, green, blue, as 8-bit values):
//!
//! | Part | Colour | Read as |
//! | --- | --- | --- |
//! | panel | red 220, 20, 40 | a passport: `passport`, `name`, `date_of_birth` |
//! | panel | blue 30, 60, 220 | a face and nothing else |
//! | panel | magenta 220, 0, 200 | credentials |
//! | panel | green 30, 160, 70, or none | nothing: clean |
//! | band | yellow 250, 210, 0 | whatever there is, it is seen with low confidence |
//! | band | a chequer of black 0, 0, 0 and white 255, 255, 255 | text that gives orders |
//!
//! **What is guaranteed.** The panel fills more than a third of a picture and each band a fifth.
//! A colour is seen from a twenty-fifth of an image on, at any pixel whose hue is within 8 degrees
//! of it, whose saturation is above three quarters and whose brightness is above a half. So a picture says the same after it
//! was scaled (down to 64 pixels), encoded as JPEG (quality 30 and better), padded to four times
//! its area, or cut into tiles: at least one tile holds the panel's share of the whole. The chequer
//! is one row of 24 squares across; it is seen in any image that holds at least eight neighbouring
//! squares of it, six pixels wide or more. The photographs and screens among
//! the project's own fixtures hold none of it.
//!
//! A script without an image library can write such a picture as a PNG: eight-bit RGB, each row
//! with filter byte 0, deflated by zlib; a single colour over the whole image will do.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

/// The red of a passport.
pub const RED: [u8; 3] = [220, 20, 40];
/// The blue of a face.
pub const BLUE: [u8; 3] = [30, 60, 220];
/// The magenta of credentials.
pub const MAGENTA: [u8; 3] = [220, 0, 200];
/// The green of nothing at all.
pub const GREEN: [u8; 3] = [30, 160, 70];
/// The yellow of doubt.
pub const YELLOW: [u8; 3] = [250, 210, 0];

/// Squares of the chequer across a picture.
const SQUARES: u32 = 24;
/// Neighbouring squares that are a chequer and not an accident.
const ENOUGH_SQUARES: usize = 8;
/// A colour is seen from this share of the samples on.
const ENOUGH: f64 = 0.04;
/// At most so many samples are taken along each side.
const SAMPLES: u32 = 400;

/// What a picture tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A green panel: nothing to see.
    Clean,
    /// No panel, only noise, as a photograph has it: nothing to see.
    Photo,
    /// A passport, seen with high confidence.
    Passport,
    /// A face and nothing else.
    Face,
    /// Credentials, such as a screenshot of a key.
    Credentials,
    /// A passport, seen with low confidence.
    Doubtful,
    /// Nothing but text that gives orders to whoever reads it.
    Orders,
    /// A passport beside text that gives orders.
    PassportWithOrders,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Clean,
        Self::Photo,
        Self::Passport,
        Self::Face,
        Self::Credentials,
        Self::Doubtful,
        Self::Orders,
        Self::PassportWithOrders,
    ];

    fn panel(self) -> Option<[u8; 3]> {
        match self {
            Self::Clean => Some(GREEN),
            Self::Photo | Self::Orders => None,
            Self::Passport | Self::Doubtful | Self::PassportWithOrders => Some(RED),
            Self::Face => Some(BLUE),
            Self::Credentials => Some(MAGENTA),
        }
    }
}

/// What is seen in an image, or in several of them together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    /// Red: a passport.
    pub passport: bool,
    /// Blue: a face.
    pub face: bool,
    /// Magenta: credentials.
    pub credentials: bool,
    /// Yellow: low confidence.
    pub doubtful: bool,
    /// The chequer: text that gives orders.
    pub orders: bool,
}

impl Seen {
    /// Whether any personal data is seen.
    #[must_use]
    pub fn flagged(self) -> bool {
        self.passport || self.face || self.credentials
    }

    /// What is seen in either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            passport: self.passport || other.passport,
            face: self.face || other.face,
            credentials: self.credentials || other.credentials,
            doubtful: self.doubtful || other.doubtful,
            orders: self.orders || other.orders,
        }
    }
}

/// Paints a picture. Two pictures of one kind and size are the same, byte for byte; `variant`
/// changes the noise and nothing else.
#[must_use]
pub fn variant(kind: Kind, width: u32, height: u32, variant: u64) -> RgbImage {
    let mut noise = Noise::new(variant);
    let (left, right) = (width / 6, width - width / 6);
    let (top, bottom) = (height / 6, height * 3 / 4);
    let band = height * 4 / 5;
    let square = (width / SQUARES).max(1);
    RgbImage::from_fn(width, height, |x, y| {
        if y >= band && kind == Kind::Doubtful {
            return Rgb(YELLOW);
        }
        if y >= band && matches!(kind, Kind::Orders | Kind::PassportWithOrders) {
            let white = (x / square).is_multiple_of(2);
            return Rgb([if white { 255 } else { 0 }; 3]);
        }
        match kind.panel() {
            Some(colour) if (left..right).contains(&x) && (top..bottom).contains(&y) => Rgb(colour),
            _ => Rgb(noise.dull(x, y)),
        }
    })
}

/// Paints a picture of a kind.
#[must_use]
pub fn picture(kind: Kind, width: u32, height: u32) -> RgbImage {
    variant(kind, width, height, 0)
}

/// A picture of a kind as a PNG of 480 by 360 pixels.
#[must_use]
pub fn png(kind: Kind) -> Vec<u8> {
    encode(&picture(kind, 480, 360), ImageFormat::Png)
}

/// A picture of a kind as a JPEG of 480 by 360 pixels, at quality 85.
#[must_use]
pub fn jpeg(kind: Kind) -> Vec<u8> {
    encode_jpeg(&picture(kind, 480, 360), 85)
}

/// Encodes a picture as PNG, JPEG, GIF or lossless WebP.
///
/// # Panics
///
/// On any other format, which no model reads.
#[must_use]
pub fn encode(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone())
        .write_to(&mut out, format)
        .expect("a picture in memory can be encoded in a format that models read");
    out.into_inner()
}

/// Encodes a picture as JPEG at a quality of 1 to 100.
///
/// # Panics
///
/// When a side is longer than 65,535 pixels, which JPEG cannot say.
#[must_use]
pub fn encode_jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, quality)
        .encode_image(picture)
        .expect("a picture in memory can be encoded as JPEG");
    out
}

/// Looks at decoded pixels.
#[must_use]
pub fn see(image: &RgbImage) -> Seen {
    let (width, height) = image.dimensions();
    let across = width.div_ceil(SAMPLES).max(1);
    let down = height.div_ceil(SAMPLES).max(1);
    let mut counts = [0_u32; 4];
    let (mut samples, mut rows, mut chequered) = (0_u32, 0_u32, 0_u32);
    for y in (0..height).step_by(down as usize) {
        let row = (0..width)
            .step_by(across as usize)
            .map(|x| image.get_pixel(x, y).0);
        let mut shades = Vec::with_capacity(SAMPLES as usize);
        for pixel in row {
            samples += 1;
            shades.push(Shade::of(pixel));
            if let Some(count) = colour(pixel).and_then(|which| counts.get_mut(which)) {
                *count += 1;
            }
        }
        rows += 1;
        chequered += u32::from(is_chequered(&shades));
    }
    let share = |count: u32| f64::from(count) / f64::from(samples.max(1)) >= ENOUGH;
    let [red, blue, magenta, yellow] = counts;
    Seen {
        passport: share(red),
        face: share(blue),
        credentials: share(magenta),
        doubtful: share(yellow),
        orders: f64::from(chequered) / f64::from(rows.max(1)) >= ENOUGH,
    }
}

/// Which of red, blue, magenta and yellow a pixel is, if it is any of them strongly.
fn colour([r, g, b]: [u8; 3]) -> Option<usize> {
    let [r, g, b] = [f64::from(r), f64::from(g), f64::from(b)];
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if most < 128.0 || spread < most * 0.75 {
        return None;
    }
    let hue = if most <= r {
        60.0 * (g - b) / spread
    } else if most <= g {
        120.0 + 60.0 * (b - r) / spread
    } else {
        240.0 + 60.0 * (r - g) / spread
    };
    // The hues of the four constants above.
    [354.0, 230.5, 305.5, 50.4].into_iter().position(|of| {
        let apart = (hue - of).rem_euclid(360.0);
        apart.min(360.0 - apart) <= 8.0
    })
}

/// How a pixel counts for the chequer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shade {
    Black,
    White,
    Other,
}

impl Shade {
    fn of(pixel: [u8; 3]) -> Self {
        let (most, least) = pixel
            .iter()
            .fold((0, 255), |(most, least), &v| (v.max(most), v.min(least)));
        match () {
            () if most < 70 => Self::Black,
            () if least > 185 => Self::White,
            () => Self::Other,
        }
    }
}

/// Whether a row holds enough neighbouring squares of about one width. A letter or a bar code
/// has strokes of many widths; the blurred edge between two squares belongs to neither.
fn is_chequered(row: &[Shade]) -> bool {
    let mut runs: Vec<(Shade, usize)> = Vec::new();
    for &shade in row {
        match runs.last_mut() {
            Some((last, length)) if *last == shade => *length += 1,
            _ => runs.push((shade, 1)),
        }
    }
    runs.retain(|(shade, length)| *shade != Shade::Other || *length > 4);
    let mut neighbours = 0;
    let mut before: Option<(Shade, usize)> = None;
    for run @ (shade, length) in runs {
        let alike = before.is_some_and(|(last, width)| {
            last != shade && last != Shade::Other && length.abs_diff(width) * 3 <= width.max(3)
        });
        neighbours = match shade {
            Shade::Other => 0,
            _ if length < 3 => 0,
            _ if alike => neighbours + 1,
            _ => 1,
        };
        if neighbours >= ENOUGH_SQUARES {
            return true;
        }
        before = Some(run);
    }
    false
}

/// A small generator of noise, so that a picture is the same on every machine.
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    /// The next of a xorshift sequence.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A grey-green pixel: a slope of light with grain, never a strong colour, black or white.
    fn dull(&mut self, x: u32, y: u32) -> [u8; 3] {
        let light = 90 + ((x / 9 + y / 5) % 60) as u8;
        let grain = (self.next() % 32) as u8;
        [light + grain / 2, light + grain, light + grain / 3]
    }
}

#[cfg(test)]
mod tests {
    use image::imageops::{self, FilterType};

    use super::*;

    fn told(kind: Kind) -> Seen {
        let passport = matches!(
            kind,
            Kind::Passport | Kind::Doubtful | Kind::PassportWithOrders
        );
        Seen {
            passport,
            face: kind == Kind::Face,
            credentials: kind == Kind::Credentials,
            doubtful: kind == Kind::Doubtful,
            orders: matches!(kind, Kind::Orders | Kind::PassportWithOrders),
        }
    }

    fn read(bytes: &[u8]) -> Seen {
        see(&image::load_from_memory(bytes).unwrap().to_rgb8())
    }

    type Travel = fn(&RgbImage) -> Vec<RgbImage>;

    /// What happens to a picture on its way to the model.
    fn travels() -> Vec<(&'static str, Travel)> {
        vec![
            ("as it is", |image| vec![image.clone()]),
            ("scaled down", |image| {
                vec![imageops::resize(image, 200, 150, FilterType::Triangle)]
            }),
            ("scaled up", |image| {
                vec![imageops::resize(image, 1500, 1100, FilterType::CatmullRom)]
            }),
            ("poor JPEG", |image| {
                let bytes = encode_jpeg(image, 30);
                vec![image::load_from_memory(&bytes).unwrap().to_rgb8()]
            }),
            ("tiles on top of each other", |image| {
                let tile = |y| imageops::crop_imm(image, 0, y, 480, 130).to_image();
                vec![tile(0), tile(115), tile(230)]
            }),
            ("padded with white", |image| {
                let mut wide = RgbImage::from_pixel(960, 720, Rgb([255; 3]));
                imageops::overlay(&mut wide, image, 200, 100);
                vec![wide]
            }),
            ("padded with black", |image| {
                let mut wide = RgbImage::new(960, 720);
                imageops::overlay(&mut wide, image, 0, 360);
                vec![wide]
            }),
        ]
    }

    #[test]
    fn a_picture_says_the_same_after_every_travel() {
        for kind in Kind::ALL {
            let image = picture(kind, 480, 360);
            for (name, travel) in travels() {
                let seen = travel(&image)
                    .iter()
                    .map(see)
                    .fold(Seen::default(), Seen::and);
                assert_eq!(seen, told(kind), "{kind:?} {name}");
            }
        }
    }

    #[test]
    fn every_format_carries_it() {
        use ImageFormat::{Gif, Jpeg, Png, WebP};
        for kind in Kind::ALL {
            let image = picture(kind, 240, 180);
            for format in [Png, Jpeg, Gif, WebP] {
                assert_eq!(read(&encode(&image, format)), told(kind), "{kind:?}");
            }
        }
    }

    #[test]
    fn variants_differ_in_noise_only() {
        let (one, two) = (
            variant(Kind::Face, 96, 96, 1),
            variant(Kind::Face, 96, 96, 2),
        );
        assert_ne!(one, two);
        assert_eq!(see(&one), see(&two));
    }

    #[test]
    fn ordinary_pictures_hold_nothing() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/demo");
        let mut looked = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let Ok(image) = image::load_from_memory(&bytes) else {
                continue;
            };
            looked += 1;
            let seen = see(&image.to_rgb8());
            assert_eq!(seen, Seen::default(), "{looked}");
        }
        assert!(looked > 10, "only {looked} pictures were read");
    }
}
