//! The picture that a model is tried with: ours, so that a trial tells nothing about anybody.

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};
use sha2::{Digest, Sha256};

use crate::object::{Format, Media, Part, Piece, Prepared};

/// Models lose much below 200 pixels, and larger ones only cost more.
const EDGE: u32 = 224;

/// A light square with a dark frame, as one small PNG.
pub(super) fn picture() -> Prepared {
    let square = RgbImage::from_fn(EDGE, EDGE, |x, y| {
        let edge = x.min(y).min(EDGE - 1 - x).min(EDGE - 1 - y);
        if (24..32).contains(&edge) {
            Rgb([40, 40, 60])
        } else {
            Rgb([230, 230, 220])
        }
    });
    let mut png = std::io::Cursor::new(Vec::new());
    square
        .write_to(&mut png, ImageFormat::Png)
        .expect("memory takes every byte");
    let bytes = Bytes::from(png.into_inner());
    Prepared {
        format: Format::Png,
        sha256: Sha256::digest(&bytes).into(),
        width: EDGE,
        height: EDGE,
        pieces: vec![Piece {
            media: Media::Png,
            bytes,
            width: EDGE,
            height: EDGE,
            part: Part::Whole,
            untouched: true,
        }],
    }
}
