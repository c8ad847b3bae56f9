//! JPEG, decoded strictly.
//!
//! Most decoders fill what is missing with grey and say nothing, which would let half a picture be
//! judged clean. So the file must reach its end mark, and the decoder runs in strict mode; the one
//! thing it may forgive is padding between headers, which some cameras write. A scan that an end
//! mark of its own ends early is not noticed: it is judged as every viewer shows it, grey below.

use image::metadata::Orientation;
use image::{GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, be16, check_size};
use crate::object::raster::flatten;
use crate::object::{Limits, Unreadable};

/// Scans of a progressive file. Encoders write about ten; each costs a pass over all coefficients,
/// so a small file with thousands would hold a thread for minutes.
const MAX_SCANS: usize = 50;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let outline = outline(bytes);
    let frame = outline.frame.ok_or(Unreadable::Damaged)?;
    check_size(Some((frame.width, frame.height)), limits)?;
    if !outline.ended {
        return Err(Unreadable::Damaged);
    }
    let (picture, orientation) = pixels(bytes, limits, true).or_else(|error| match error {
        Failed::Padded => pixels(bytes, limits, false),
        other => Err(other),
    })?;
    let mut decoded = Decoded::still(picture, orientation);
    // Four channels are CMYK, which readers show in different colours or not at all.
    decoded.plain &= frame.channels != 4;
    Ok(decoded)
}

pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    outline(bytes)
        .frame
        .map(|frame| (frame.width, frame.height))
}

enum Failed {
    /// Only because of bytes between headers.
    Padded,
    For(Unreadable),
}

impl From<Failed> for Unreadable {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Padded => Self::Damaged,
            Failed::For(reason) => reason,
        }
    }
}

impl From<DecodeErrors> for Failed {
    fn from(error: DecodeErrors) -> Self {
        match error {
            DecodeErrors::FormatStatic(text) if text.contains("Extra bytes between headers") => {
                Self::Padded
            }
            _ => Self::For(Unreadable::Damaged),
        }
    }
}

fn pixels(bytes: &[u8], limits: &Limits, strict: bool) -> Result<(RgbImage, Orientation), Failed> {
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .jpeg_set_max_scans(MAX_SCANS);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers()?;
    let (width, height) = decoder
        .dimensions()
        .and_then(|(w, h)| Some((u32::try_from(w).ok()?, u32::try_from(h).ok()?)))
        .ok_or(Failed::For(Unreadable::Damaged))?;
    // A second frame header may claim another size than the first.
    check_size(Some((width, height)), limits).map_err(Failed::For)?;
    let orientation = decoder
        .exif()
        .and_then(|exif| Orientation::from_exif_chunk(exif))
        .unwrap_or(Orientation::NoTransforms);
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colours = if grey {
        ColorSpace::Luma
    } else {
        ColorSpace::RGB
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(colours));
    let raw = decoder.decode()?;
    let picture = if grey {
        GrayImage::from_raw(width, height, raw).map(|grey| flatten(grey.into()))
    } else {
        RgbImage::from_raw(width, height, raw)
    };
    Ok((
        picture.ok_or(Failed::For(Unreadable::Damaged))?,
        orientation,
    ))
}

/// The first frame header.
#[derive(Clone, Copy)]
struct Frame {
    width: u32,
    height: u32,
    channels: u8,
}

/// The structure of a file.
#[derive(Default)]
struct Outline {
    frame: Option<Frame>,
    /// Whether the end mark was reached; one inside an embedded thumbnail does not count.
    ended: bool,
}

fn outline(bytes: &[u8]) -> Outline {
    let mut outline = Outline::default();
    let mut at = 2;
    while let Some((marker, after)) = next_marker(bytes, at) {
        at = after;
        match marker {
            0xd9 => {
                outline.ended = true;
                break;
            }
            // Marks without a length.
            0x01 | 0xd0..=0xd8 => continue,
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) && outline.frame.is_none() => {
                outline.frame = frame(bytes, at);
            }
            _ => {}
        }
        let Some(length) = be16(bytes, at) else { break };
        at += usize::from(length.max(2));
    }
    outline
}

fn frame(bytes: &[u8], at: usize) -> Option<Frame> {
    Some(Frame {
        height: be16(bytes, at + 3)?.into(),
        width: be16(bytes, at + 5)?.into(),
        channels: *bytes.get(at + 7)?,
    })
}

/// The next mark from `at` on, and where it ends. What lies between, such as the coded data of a
/// scan with its stuffed zeros, is skipped.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xff)? + 1;
        match *bytes.get(at)? {
            0xff => {}
            0x00 => at += 1,
            marker => return Some((marker, at + 1)),
        }
    }
}
