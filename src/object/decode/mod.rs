//! From stored bytes to pixels, one file per format.
//!
//! Every picture is decoded in full, also one whose bytes are then passed on untouched: only so is a
//! cut or contradictory file noticed, and only so can nothing that was not seen be called clean.
//! What a header claims is checked before memory is taken for it; where a decoder is lenient about
//! missing bytes, the structure of the file is walked here first. An animation is looked through
//! frame by frame, see [`frames`].

mod frames;
mod gif;
mod heic;
mod heic_bounds;
mod jpeg;
mod png;
mod tiff;
mod webp;

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, RgbImage};

use super::raster::{flatten, upright};
use super::{Format, Limits, Unreadable};

/// The pixels of a file, upright and opaque.
pub(super) enum Pixels {
    /// One picture, in full size.
    Still(RgbImage),
    /// Sampled frames or pages, each scaled down to the limit.
    Frames(Vec<RgbImage>),
}

/// What a file holds.
pub(super) struct Decoded {
    /// Width of the upright picture as stored, in pixels.
    pub(super) width: u32,
    /// Height of the upright picture as stored, in pixels.
    pub(super) height: u32,
    /// Its pixels.
    pub(super) pixels: Pixels,
    /// Whether a reader of the stored bytes sees what is in `pixels`: one frame, upright without
    /// help of metadata, in colours that every reader knows.
    pub(super) plain: bool,
}

impl Decoded {
    /// One picture, turned as asked.
    fn still(picture: RgbImage, orientation: Orientation) -> Self {
        let picture = upright(picture, orientation);
        Self {
            width: picture.width(),
            height: picture.height(),
            pixels: Pixels::Still(picture),
            plain: orientation == Orientation::NoTransforms,
        }
    }
}

/// Decodes a file of a known format.
pub(super) fn decode(format: Format, bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    match format {
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Png => png::decode(bytes, limits),
        Format::Gif => gif::decode(bytes, limits),
        Format::Webp => webp::decode(bytes, limits),
        Format::Bmp => bitmap(bytes, limits),
        Format::Tiff => tiff::decode(bytes, limits),
        Format::Heic => heic::decode(bytes, limits),
        other => Err(Unreadable::Unsupported(other)),
    }
}

/// Width and height as the file's header claims, before any decoding: for estimates of memory.
/// `None` where the header is not understood. The values are not turned upright.
pub(super) fn claimed_size(format: Format, bytes: &[u8]) -> Option<(u32, u32)> {
    match format {
        Format::Jpeg => jpeg::claimed_size(bytes),
        Format::Png => png::claimed_size(bytes),
        Format::Gif => gif::claimed_size(bytes),
        Format::Webp => webp::claimed_size(bytes),
        Format::Bmp => bitmap_size(bytes),
        Format::Tiff => tiff::claimed_size(bytes),
        Format::Heic => heic::claimed_size(bytes),
        _ => None,
    }
}

/// A Windows bitmap.
fn bitmap(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    check_size(bitmap_size(bytes), limits)?;
    let decoder = image::codecs::bmp::BmpDecoder::new(Cursor::new(bytes))
        .map_err(|error| reason(&error, Format::Bmp))?;
    still(decoder, Format::Bmp, limits)
}

fn bitmap_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if le32(bytes, 14)? == 12 {
        return Some((le16(bytes, 18)?.into(), le16(bytes, 20)?.into()));
    }
    // A negative height means rows from top to bottom.
    let signed = |at| le32(bytes, at).map(|value| value.cast_signed().unsigned_abs());
    Some((signed(18)?, signed(22)?))
}

/// Decodes the one picture of a decoder from `image`.
fn still<D: ImageDecoder>(
    mut decoder: D,
    format: Format,
    limits: &Limits,
) -> Result<Decoded, Unreadable> {
    let (width, height) = decoder.dimensions();
    check_size(Some((width, height)), limits)?;
    if decoder.total_bytes() > limits.decoder_bytes() {
        return Err(Unreadable::TooManyPixels);
    }
    // Damaged metadata leave the picture as it lies; its pixels are still worth a look.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    decoder
        .set_limits(codec_limits(limits))
        .map_err(|error| reason(&error, format))?;
    let picture = DynamicImage::from_decoder(decoder).map_err(|error| reason(&error, format))?;
    Ok(Decoded::still(flatten(picture), orientation))
}

/// What a decoder from `image` may take.
fn codec_limits(limits: &Limits) -> image::Limits {
    let mut codec = image::Limits::no_limits();
    codec.max_alloc = Some(limits.decoder_bytes());
    codec
}

/// Refuses what is too large, and what has no pixels at all.
fn check_size(size: Option<(u32, u32)>, limits: &Limits) -> Result<(), Unreadable> {
    match size {
        None | Some((0, _) | (_, 0)) => Err(Unreadable::Damaged),
        Some((width, height)) if !limits.allow(width, height) => Err(Unreadable::TooManyPixels),
        Some(_) => Ok(()),
    }
}

/// What an error of a decoder says about the file.
fn reason(error: &ImageError, format: Format) -> Unreadable {
    match error {
        ImageError::Unsupported(_) => Unreadable::Unsupported(format),
        ImageError::Limits(_) => Unreadable::TooManyPixels,
        _ => Unreadable::Damaged,
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_be_bytes)
}
