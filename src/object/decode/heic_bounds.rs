//! Whether the boxes of a HEIC can be trusted with memory.
//!
//! A HEIF file names its parts by number, so a few bytes can ask for the same megabytes thousands of
//! times; a decoder that copies each part when it is named then takes more memory than there is,
//! and no error can be caught from that. This walk follows only the boxes that multiply (ISO/IEC
//! 14496-12 and 23008-12): where items lie (`iloc`), what they are made of (`iref`), and the
//! settings that are copied for each (`ipco`, `ipma`).

use std::collections::HashSet;

use super::array;
use crate::object::{Format, Unreadable};

/// Parts of one picture. A phone's largest grid has 192 tiles of 512 x 512.
const MAX_PARTS: u64 = 1_024;

/// Items of a file: tiles, transparency, thumbnail, gain map, metadata.
const MAX_ITEMS: u64 = 4_096;

/// Bytes of all properties together. Colour profiles are the largest, usually under 10 kB; they are
/// copied for each part.
const MAX_PROPERTIES: usize = 256 << 10;

/// How often the bytes of the file may be named by its items: each once, and a few shared.
const MAX_SHARE: u64 = 2;

/// Refuses files whose boxes ask for more than they hold.
pub(super) fn within_bounds(bytes: &[u8]) -> Result<(), Unreadable> {
    let Some(meta) = find(bytes, b"meta") else {
        // A sequence without a still picture: the decoder has another, wider entrance for those.
        let sequence = find(bytes, b"moov").is_some();
        return Err(if sequence {
            Unreadable::Unsupported(Format::Heic)
        } else {
            Unreadable::Damaged
        });
    };
    match check(bytes, meta) {
        None => Err(Unreadable::Damaged),
        Some(false) => Err(Unreadable::TooManyPixels),
        Some(true) => Ok(()),
    }
}

/// `None` where a box is cut off, `Some(false)` where it asks for too much.
fn check(bytes: &[u8], meta: &[u8]) -> Option<bool> {
    // Version and flags stand before the boxes inside.
    let inside = meta.get(4..)?;
    let named = named_bytes(find(inside, b"iloc")?, bytes.len() as u64)?;
    let parts = find(inside, b"iref").map_or(Some(0), parts)?;
    let properties = find(inside, b"iprp")?;
    let copied = find(properties, b"ipco")?.len();
    let fits = named <= (bytes.len() as u64).saturating_mul(MAX_SHARE)
        && parts <= MAX_PARTS
        && copied <= MAX_PROPERTIES;
    Some(fits)
}

/// The boxes side by side in `bytes`: kind and content. Ends at the first that is cut off.
fn boxes(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let short = u32::from_be_bytes(array(bytes, at)?);
        let kind = bytes.get(at + 4..at + 8)?;
        let (header, size) = match short {
            0 => (8, bytes.len() - at),
            1 => {
                let long = u64::from_be_bytes(array(bytes, at + 8)?);
                (16, usize::try_from(long).ok()?)
            }
            size => (8, size as usize),
        };
        let end = at.checked_add(size)?;
        let content = bytes.get(at + header..end)?;
        at = end;
        Some((kind, content))
    })
}

fn find<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|(kind, _)| kind == wanted)
        .map(|(_, content)| content)
}

/// The sum of the lengths that all items name; an item built of other items may multiply again and
/// is refused as too much. `None` also where an item lies behind the end of the `file`.
fn named_bytes(iloc: &[u8], file: u64) -> Option<u64> {
    let mut cursor = Cursor { bytes: iloc, at: 0 };
    let version = cursor.number(1)?;
    cursor.number(3)?;
    let sizes = cursor.number(2)?;
    let field = |shift: u32| (sizes >> shift & 15) as usize;
    let (offset, length, base) = (field(12), field(8), field(4));
    let index = if version == 0 { 0 } else { field(0) };
    let wide = if version < 2 { 2 } else { 4 };
    let items = cursor.number(wide)?;
    if items > MAX_ITEMS {
        return Some(u64::MAX);
    }
    let mut sum = 0_u64;
    for _ in 0..items {
        cursor.number(wide)?;
        let construction = if version > 0 {
            cursor.number(2)? & 15
        } else {
            0
        };
        if construction == 2 {
            return Some(u64::MAX);
        }
        cursor.number(2)?;
        let start = cursor.number(base)?;
        for _ in 0..cursor.number(2)? {
            cursor.number(index)?;
            let start = start.checked_add(cursor.number(offset)?)?;
            // A length of zero means all that follows.
            let named = match cursor.number(length)? {
                0 => file.checked_sub(start)?,
                named => named,
            };
            if construction == 0 && start.checked_add(named)? > file {
                return None;
            }
            sum = sum.saturating_add(named);
        }
    }
    Some(sum)
}

/// How many parts are named; a picture that names the same one twice is refused as too much.
fn parts(iref: &[u8]) -> Option<u64> {
    let wide = if array::<1>(iref, 0)? == [0] { 2 } else { 4 };
    let mut sum = 0_u64;
    for (kind, content) in boxes(iref.get(4..)?) {
        let mut cursor = Cursor {
            bytes: content,
            at: 0,
        };
        cursor.number(wide)?;
        let mut seen = HashSet::new();
        for _ in 0..cursor.number(2)? {
            let part = cursor.number(wide)?;
            sum += 1;
            if kind == b"dimg" && !seen.insert(part) {
                return Some(u64::MAX);
            }
        }
    }
    Some(sum)
}

/// Reads big-endian numbers one after the other.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    /// A number of `length` bytes, 0 for a length of 0.
    fn number(&mut self, length: usize) -> Option<u64> {
        let digits = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(
            digits
                .iter()
                .fold(0, |value, &digit| value << 8 | u64::from(digit)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes(), &kind[..], content].concat()
    }

    /// A file of 1,000 bytes of data with these extents (of one item), parts and properties.
    fn check(
        extents: &[u32],
        construction: u8,
        parts: &[u16],
        properties: usize,
    ) -> Result<(), Unreadable> {
        let count = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
        let mut iloc = vec![1, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, construction, 0, 0];
        iloc.extend(count(extents.len()));
        for length in extents {
            iloc.extend([0; 4]);
            iloc.extend(length.to_be_bytes());
        }
        let mut named = [&[0, 9][..], &count(parts.len())].concat();
        parts
            .iter()
            .for_each(|part| named.extend(part.to_be_bytes()));
        let iref = [&[0; 4][..], &boxed(b"dimg", &named)].concat();
        let inside = [
            &[0; 4][..],
            &boxed(b"iloc", &iloc),
            &boxed(b"iref", &iref),
            &boxed(b"iprp", &boxed(b"ipco", &vec![0; properties])),
        ]
        .concat();
        let file = [boxed(b"meta", &inside), boxed(b"mdat", &[0; 1000])].concat();
        within_bounds(&file)
    }

    const TOO_MUCH: Result<(), Unreadable> = Err(Unreadable::TooManyPixels);

    #[test]
    fn what_multiplies_is_refused() {
        assert_eq!(check(&[1000], 0, &[1, 2, 3], 100), Ok(()));
        assert_eq!(check(&[u32::MAX], 0, &[1], 100), Err(Unreadable::Damaged));
        assert_eq!(check(&[u32::MAX], 1, &[1], 100), TOO_MUCH);
        assert_eq!(check(&[1000; 40], 0, &[1], 100), TOO_MUCH);
        assert_eq!(check(&[0, 0, 0], 0, &[1], 100), TOO_MUCH);
        assert_eq!(check(&[10], 2, &[1], 100), TOO_MUCH);
        assert_eq!(check(&[10], 0, &[1, 1], 100), TOO_MUCH);
        let many: Vec<u16> = (0..2_000).collect();
        assert_eq!(check(&[10], 0, &many, 100), TOO_MUCH);
        assert_eq!(check(&[10], 0, &[1], 300_000), TOO_MUCH);
    }

    #[test]
    fn what_is_cut_or_strange_is_damaged_or_unsupported() {
        assert_eq!(within_bounds(&[]), Err(Unreadable::Damaged));
        let cut = boxed(b"meta", &[0; 4]);
        assert_eq!(within_bounds(&cut), Err(Unreadable::Damaged));
        let sequence = boxed(b"moov", &[0; 4]);
        let unsupported = Err(Unreadable::Unsupported(Format::Heic));
        assert_eq!(within_bounds(&sequence), unsupported);
    }
}
