//! WebP, still and animated.

use std::io::Cursor;

use image::AnimationDecoder;
use image::codecs::webp::WebPDecoder;

use super::frames::{self, Frames};
use super::{Decoded, array, check_size, le16, le32, reason, still};
use crate::object::{Format, Limits, Unreadable};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let (width, height) = claimed_size(bytes).ok_or(Unreadable::Damaged)?;
    check_size(Some((width, height)), limits)?;
    // The container says how long it is; a shorter file was cut.
    let claimed = le32(bytes, 4).ok_or(Unreadable::Damaged)?;
    if bytes.len().saturating_sub(8) < claimed as usize {
        return Err(Unreadable::Damaged);
    }
    let decoder = open(bytes)?;
    if !decoder.has_animation() {
        return still(decoder, Format::Webp, limits);
    }
    frames::sample(width, height, frame_count(bytes), limits, || {
        let animation = open(bytes)?.into_frames();
        Ok(Box::new(frames::of_image(animation, Format::Webp)) as Frames<'_>)
    })
}

/// From the extended header, or from the one of the lossy or lossless bitstream.
pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    match bytes.get(12..16)? {
        b"VP8X" => {
            let [a, b, c, d, e, f] = array(bytes, 24)?;
            let edge = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
            Some((edge(a, b, c), edge(d, e, f)))
        }
        b"VP8L" => {
            let bits = le32(bytes, 21)?;
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8 " => {
            let edge = |at| le16(bytes, at).map(|value| u32::from(value & 0x3fff));
            Some((edge(26)?, edge(28)?))
        }
        _ => None,
    }
}

fn open(bytes: &[u8]) -> Result<WebPDecoder<Cursor<&[u8]>>, Unreadable> {
    WebPDecoder::new(Cursor::new(bytes)).map_err(|error| reason(&error, Format::Webp))
}

fn frame_count(bytes: &[u8]) -> usize {
    let (mut at, mut count) = (12_usize, 0);
    while let (Some(kind), Some(length)) = (bytes.get(at..at + 4), le32(bytes, at + 4)) {
        count += usize::from(kind == b"ANMF");
        // Chunks are padded to even lengths.
        at = at.saturating_add(8 + length as usize + (length & 1) as usize);
    }
    count
}
