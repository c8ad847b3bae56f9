//! HEIC, what phones store.
//!
//! `heic-decoder` 0.1.1 (pure Rust, no unsafe) was chosen over `heic-rs` 0.1.4 on files written by
//! libheif, from 1 x 1 to 4032 x 3024, single and in grids, 8 and 10 bit, 4:2:0, 4:2:2, 4:4:4, grey,
//! with alpha and in all eight orientations:
//!
//! | | heic-decoder | heic-rs |
//! | --- | --- | --- |
//! | decoded, of 28 | 28 | 26 (no 4:2:2, no 4:4:4) |
//! | mirrored orientations right | 4 of 4 | 0 of 4 |
//! | grid without colour box, PSNR against libheif | 43 dB | 27 dB (wrong range) |
//! | 4032 x 3024 grid, two cores | 0.6 s, 146 MB | 1.3 s, 70 MB |
//! | damaged files (truncated, flipped bits, wild lengths) | 9,600 | 3,200 |
//! | panics, aborts, hangs | 0 | 0 |
//! | longest, most memory | 41 ms, 6 MB | 53 ms, 3 MB |
//! | 16000 x 6000 of one colour in 58 kB | 2.1 s, 825 MB | 1.7 s, 598 MB |
//! | a grid naming one 10 MB item 65,025 times | aborts at 6 GB | longer than 60 s |
//!
//! The last line is why [`super::heic_bounds`] reads the boxes first, and why the sum of all coded
//! pictures is checked here: a decoder that keeps every tile until the grid is whole must not be
//! handed more tiles than the picture can use. Tiles are decoded on the global `rayon` pool, one
//! thread per core, whatever `object.decode_threads` says.

use heic_decoder::hevc::nal::{NAL_SPS, parse_nal_header};
use heic_decoder::hevc::params::parse_sps;
use heic_decoder::isobmff::{self, ParsedHeif, ResolvedImage};
use heic_decoder::{HeifError, bitreader};
use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};

use super::heic_bounds::within_bounds;
use super::{Decoded, check_size};
use crate::object::raster::flatten;
use crate::object::{Format, Limits, Unreadable};

/// How much larger than the picture the sum of its coded parts may be: tiles overhang at the right
/// and lower edge, and a plane of transparency is a picture of its own.
const CODED_FACTOR: u64 = 3;

/// Room for the overhang of small grids: two tiles of 1024 x 1024.
const CODED_ROOM: u64 = 2 << 20;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let (width, height) = size_within_bounds(bytes)?;
    check_size(Some((width, height)), limits)?;
    let parsed = isobmff::parse(bytes).map_err(|error| reason(&error))?;
    let coded = coded_pixels(&parsed).ok_or(Unreadable::Damaged)?;
    let allowed = u64::from(width) * u64::from(height) * CODED_FACTOR + CODED_ROOM;
    if coded > allowed.min(limits.max_pixels.saturating_mul(2).max(CODED_ROOM)) {
        return Err(Unreadable::TooManyPixels);
    }
    drop(parsed);
    let picture = heic_decoder::decode(bytes).map_err(|error| reason(&error))?;
    let failed = |error| reason(&error);
    let edge = |edge: usize| u32::try_from(edge).map_err(|_| Unreadable::TooManyPixels);
    let rgb = if picture.alpha.is_some() {
        let raw = picture.to_rgba8().map_err(failed)?;
        drop(picture);
        RgbaImage::from_raw(edge(raw.width)?, edge(raw.height)?, raw.data)
            .map(|rgba| flatten(DynamicImage::ImageRgba8(rgba)))
    } else {
        let raw = picture.to_rgb8().map_err(failed)?;
        drop(picture);
        RgbImage::from_raw(edge(raw.width)?, edge(raw.height)?, raw.data)
    };
    // Rotation and mirroring of the container are applied; its EXIF orientation says the same again
    // and is to be ignored (ISO/IEC 23008-12).
    let mut decoded = Decoded::still(rgb.ok_or(Unreadable::Damaged)?, Orientation::NoTransforms);
    decoded.plain = false;
    Ok(decoded)
}

pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    size_within_bounds(bytes).ok()
}

/// The size before cropping and turning, where that is larger: memory is taken for that one.
fn size_within_bounds(bytes: &[u8]) -> Result<(u32, u32), Unreadable> {
    within_bounds(bytes)?;
    let info = heic_decoder::probe(bytes).map_err(|error| reason(&error))?;
    let edge = |edge: usize| u32::try_from(edge).map_err(|_| Unreadable::TooManyPixels);
    let shown = (edge(info.width)?, edge(info.height)?);
    let coded = (edge(info.coded_width)?, edge(info.coded_height)?);
    let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    Ok(if area(coded) > area(shown) {
        coded
    } else {
        shown
    })
}

/// Pixels of all pictures that will be decoded, by the headers of their streams.
fn coded_pixels(parsed: &ParsedHeif) -> Option<u64> {
    let alpha = match &parsed.alpha {
        Some(alpha) => coded_pixels(&alpha.image)?,
        None => 0,
    };
    parsed
        .images
        .iter()
        .chain(&parsed.reference_image)
        .try_fold(alpha, |sum, image| sum.checked_add(stream_pixels(image)?))
}

fn stream_pixels(image: &ResolvedImage) -> Option<u64> {
    let header = image.hevc_config.nalus_of_type(NAL_SPS).next()?;
    let (_, payload) = parse_nal_header(header).ok()?;
    let sps = parse_sps(&bitreader::strip_emulation_prevention(payload)).ok()?;
    Some(u64::from(sps.pic_width_in_luma_samples) * u64::from(sps.pic_height_in_luma_samples))
}

fn reason(error: &HeifError) -> Unreadable {
    match error {
        HeifError::Unsupported(_) => Unreadable::Unsupported(Format::Heic),
        HeifError::LimitExceeded(_) => Unreadable::TooManyPixels,
        _ => Unreadable::Damaged,
    }
}
