//! TIFF, also with several pages, and its 64-bit kind (`BigTIFF`).
//!
//! The decoder behind `image` reads the first page only, so the chain of pages is walked here and
//! each chosen page is handed over as if it were the first: a copy of the file whose header points
//! to it. Pages are sampled evenly, first and last among them; unlike frames of an animation they
//! are not all looked through, since every page costs a full decode.

use std::collections::HashSet;
use std::io::Cursor;

use image::codecs::tiff::TiffDecoder;

use super::{Decoded, Pixels, check_size, reason, still};
use crate::object::plan::whole;
use crate::object::raster::cut;
use crate::object::{Format, Limits, Unreadable};

/// Pages that are counted at most: faxed books have hundreds.
const MAX_PAGES: usize = 10_000;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let layout = Layout::of(bytes).ok_or(Unreadable::Damaged)?;
    let pages = layout.pages(bytes).ok_or(Unreadable::Damaged)?;
    let &first = pages.first().ok_or(Unreadable::Damaged)?;
    check_size(layout.size(bytes, first), limits)?;
    if pages.len() == 1 {
        return page(bytes, limits);
    }
    let mut copy = bytes.to_vec();
    let (mut size, mut pictures) = (None, Vec::new());
    for &start in &spread(&pages, limits.max_frames as usize) {
        check_size(layout.size(bytes, start), limits)?;
        layout
            .point_to(&mut copy, start)
            .ok_or(Unreadable::Damaged)?;
        let decoded = page(&copy, limits)?;
        let (width, height) = (decoded.width, decoded.height);
        size.get_or_insert((width, height));
        if let Pixels::Still(picture) = decoded.pixels {
            pictures.push(cut(&picture, whole(width, height, limits.max_edge))?);
        }
    }
    let (width, height) = size.ok_or(Unreadable::Damaged)?;
    Ok(Decoded {
        width,
        height,
        pixels: Pixels::Frames(pictures),
        plain: false,
    })
}

pub(super) fn claimed_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let layout = Layout::of(bytes)?;
    layout.size(bytes, layout.first(bytes)?)
}

fn page(bytes: &[u8], limits: &Limits) -> Result<Decoded, Unreadable> {
    let decoder =
        TiffDecoder::new(Cursor::new(bytes)).map_err(|error| reason(&error, Format::Tiff))?;
    still(decoder, Format::Tiff, limits)
}

/// `most` of the items, evenly, first and last among them.
fn spread(items: &[u64], most: usize) -> Vec<u64> {
    if items.len() <= most {
        return items.to_vec();
    }
    let gaps = most.saturating_sub(1).max(1);
    (0..most)
        .filter_map(|index| items.get(index * (items.len() - 1) / gaps).copied())
        .collect()
}

/// Byte order, and whether offsets have 4 or 8 bytes.
#[derive(Clone, Copy)]
struct Layout {
    little: bool,
    big: bool,
}

impl Layout {
    fn of(bytes: &[u8]) -> Option<Self> {
        let little = bytes.starts_with(b"II");
        let layout = Self { little, big: false };
        let big = layout.number(bytes, 2, 2)? == 43;
        Some(Self { little, big })
    }

    /// An unsigned number of 2, 4 or 8 bytes.
    fn number(self, bytes: &[u8], at: u64, length: usize) -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let digits = bytes.get(at..at.checked_add(length)?)?;
        let add = |value: u64, &digit: &u8| value << 8 | u64::from(digit);
        Some(if self.little {
            digits.iter().rev().fold(0, add)
        } else {
            digits.iter().fold(0, add)
        })
    }

    /// Where the offset of the first page stands, and how long it is.
    const fn pointer(self) -> (u64, usize) {
        if self.big { (8, 8) } else { (4, 4) }
    }

    fn first(self, bytes: &[u8]) -> Option<u64> {
        let (at, length) = self.pointer();
        self.number(bytes, at, length)
    }

    /// Bytes of one entry, of the count before the entries, and of an offset.
    const fn widths(self) -> (u64, usize, usize) {
        if self.big { (20, 8, 8) } else { (12, 2, 4) }
    }

    /// Offsets of the pages. A chain that runs in a circle or out of the file ends there: the pages
    /// found are still pages. `None` where not even the first is there.
    fn pages(self, bytes: &[u8]) -> Option<Vec<u64>> {
        let (entry, count, offset) = self.widths();
        let (mut pages, mut seen) = (Vec::new(), HashSet::new());
        let mut at = self.first(bytes)?;
        while at != 0 && pages.len() < MAX_PAGES && seen.insert(at) {
            let Some(entries) = self.number(bytes, at, count) else {
                break;
            };
            pages.push(at);
            let next = entries
                .checked_mul(entry)
                .and_then(|length| length.checked_add(at)?.checked_add(count as u64))
                .and_then(|next| self.number(bytes, next, offset));
            at = next.unwrap_or(0);
        }
        (!pages.is_empty()).then_some(pages)
    }

    /// Width and height of the page at `at`: tags 256 and 257, which hold 16 or 32 bits.
    fn size(self, bytes: &[u8], at: u64) -> Option<(u32, u32)> {
        let (entry, count, _) = self.widths();
        let entries = self.number(bytes, at, count)?.min(4_096);
        let value = |wanted: u64| {
            let start = at + count as u64;
            let found = (0..entries)
                .map(|index| start + index * entry)
                .find(|&entry| self.number(bytes, entry, 2) == Some(wanted))?;
            let length = if self.number(bytes, found + 2, 2)? == 3 {
                2
            } else {
                4
            };
            let value = found + if self.big { 12 } else { 8 };
            u32::try_from(self.number(bytes, value, length)?).ok()
        };
        Some((value(256)?, value(257)?))
    }

    /// Makes the header point to the page at `start`.
    fn point_to(self, bytes: &mut [u8], start: u64) -> Option<()> {
        let (at, length) = self.pointer();
        let at = usize::try_from(at).ok()?;
        let mut digits: [u8; 8] = start.to_le_bytes();
        let digits = digits.get_mut(..length)?;
        if !self.little {
            digits.reverse();
        }
        bytes.get_mut(at..at + length)?.copy_from_slice(digits);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_spread_evenly() {
        let pages: Vec<u64> = (0..10).collect();
        assert_eq!(spread(&pages, 4), [0, 3, 6, 9]);
        assert_eq!(spread(&pages, 1), [0]);
        assert_eq!(spread(&pages, 20), pages);
    }

    #[test]
    fn a_circle_of_pages_ends() {
        // A page without entries whose successor is itself.
        let bytes = b"II*\0\x08\0\0\0\0\0\x08\0\0\0";
        let layout = Layout::of(bytes).unwrap();
        assert_eq!(layout.pages(bytes), Some(vec![8]));
    }
}
