//! PNG and animated PNG.
//!
//! The decoder stops at the last row, so a missing end chunk is looked for here. The still picture
//! of an animated PNG is judged with the frames: viewers that know no animation show that one.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{AnimationDecoder, ImageDecoder};

use super::frames::{self, Frames};
use super::{Decoded, be32, check_size, codec_limits, reason, still};
use crate::object::{Format, Limits, Unreadable};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    check_size(claimed_size(bytes), limits)?;
    let outline = outline(bytes);
    if !outline.ended {
        return Err(Unreadable::Damaged);
    }
    let picture = still(open(bytes, limits)?, Format::Png, limits)?;
    if !outline.animated {
        return Ok(picture);
    }
    let (width, height) = (picture.width, picture.height);
    let known = outline.frames.saturating_add(1);
    frames::sample(width, height, known, limits, || {
        let first = still(open(bytes, limits)?, Format::Png, limits)?;
        let mut decoder = open(bytes, limits)?;
        decoder
            .set_limits(codec_limits(limits))
            .map_err(|error| reason(&error, Format::Png))?;
        let animation = decoder
            .apng()
            .map_err(|error| reason(&error, Format::Png))?;
        let rest = frames::of_image(animation.into_frames(), Format::Png);
        Ok(Box::new(frames::first_then(first, rest)) as Frames<'_>)
    })
}

pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    Some((be32(bytes, 16)?, be32(bytes, 20)?))
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<PngDecoder<Cursor<&'a [u8]>>, Unreadable> {
    PngDecoder::with_limits(Cursor::new(bytes), codec_limits(limits))
        .map_err(|error| reason(&error, Format::Png))
}

#[derive(Default)]
struct Outline {
    animated: bool,
    frames: usize,
    ended: bool,
}

fn outline(bytes: &[u8]) -> Outline {
    let mut outline = Outline::default();
    let mut at = 8_usize;
    while let (Some(length), Some(kind)) = (be32(bytes, at), bytes.get(at + 4..at + 8)) {
        match kind {
            b"acTL" => outline.animated = true,
            b"fcTL" => outline.frames += 1,
            b"IEND" => {
                outline.ended = bytes.get(at + 8..at + 12).is_some();
                break;
            }
            _ => {}
        }
        at = at.saturating_add(length as usize).saturating_add(12);
    }
    outline
}
