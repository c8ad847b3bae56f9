//! GIF, still and animated.
//!
//! The blocks are walked before anything is decoded: to count frames, so that an endless animation
//! is refused and a fair sample can be taken, and to see that the file reaches its end mark.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, ImageDecoder};

use super::frames::{self, Frames};
use super::{Decoded, check_size, codec_limits, le16, reason, still};
use crate::object::{Format, Limits, Unreadable};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let (width, height) = claimed_size(bytes).ok_or(Unreadable::Damaged)?;
    check_size(Some((width, height)), limits)?;
    let outline = outline(bytes).ok_or(Unreadable::Damaged)?;
    // A frame may be larger than the canvas; it is cut, but only after it was decoded.
    let largest = outline.largest.unwrap_or_default();
    check_size(Some(largest), limits)?;
    if outline.frames == 1 {
        return still(open(bytes, limits)?, Format::Gif, limits);
    }
    let (most_wide, most_high) = (width.max(largest.0), height.max(largest.1));
    if !limits.allow_frames(most_wide, most_high, outline.frames) {
        return Err(Unreadable::TooManyPixels);
    }
    frames::sample(width, height, outline.frames, limits, || {
        let animation = open(bytes, limits)?.into_frames();
        Ok(Box::new(frames::of_image(animation, Format::Gif)) as Frames<'_>)
    })
}

pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((le16(bytes, 6)?.into(), le16(bytes, 8)?.into()))
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<GifDecoder<Cursor<&'a [u8]>>, Unreadable> {
    let failed = |error| reason(&error, Format::Gif);
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(failed)?;
    decoder.set_limits(codec_limits(limits)).map_err(failed)?;
    Ok(decoder)
}

#[derive(Default)]
struct Outline {
    frames: usize,
    /// Width and height of the largest frame.
    largest: Option<(u32, u32)>,
}

/// `None` when the file ends before its end mark.
fn outline(bytes: &[u8]) -> Option<Outline> {
    let mut outline = Outline::default();
    let mut at = 13 + palette(*bytes.get(10)?);
    loop {
        match *bytes.get(at)? {
            0x3b => return Some(outline),
            0x21 => at = after_blocks(bytes, at + 2)?,
            0x2c => {
                let size = (le16(bytes, at + 5)?.into(), le16(bytes, at + 7)?.into());
                let area = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
                let largest = outline.largest.get_or_insert(size);
                if area(size) > area(*largest) {
                    *largest = size;
                }
                outline.frames += 1;
                let data = at + 10 + palette(*bytes.get(at + 9)?) + 1;
                at = after_blocks(bytes, data)?;
            }
            // Some writers leave zeros between blocks.
            0x00 => at += 1,
            _ => return None,
        }
    }
}

/// Bytes of the palette that these flags announce.
fn palette(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// Behind the chain of length-prefixed blocks that begins at `at`.
fn after_blocks(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let length = usize::from(*bytes.get(at)?);
        at += 1 + length;
        if length == 0 {
            return Some(at);
        }
    }
}
