//! Bytes made to break decoders: nothing panics, and what comes out keeps the limits.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::build::{gif, pages, png};
use super::fixture;
use crate::object::{Format, Limits, MAX_PIECE_BYTES, Prepared, Unreadable, claimed_size, prepare};

/// Small limits, so that a file that grows by a flipped bit stays cheap.
const LIMITS: Limits = Limits {
    max_pixels: 400_000,
    max_edge: 200,
    max_tiles: 5,
    max_frames: 3,
};

/// What must hold for any bytes at all.
fn check(bytes: &Bytes) {
    claimed_size(bytes);
    match prepare(bytes, &LIMITS) {
        Ok(prepared) => within_limits(&prepared, bytes),
        Err(Unreadable::Empty) => assert!(bytes.is_empty()),
        Err(_) => {}
    }
}

fn within_limits(prepared: &Prepared, bytes: &Bytes) {
    assert_eq!(prepared.format, Format::sniff(bytes));
    assert!(u64::from(prepared.width) * u64::from(prepared.height) <= LIMITS.max_pixels);
    assert!(!prepared.pieces.is_empty());
    assert!(prepared.pieces.len() <= LIMITS.max_tiles.max(LIMITS.max_frames) as usize);
    for piece in &prepared.pieces {
        assert!(piece.width.max(piece.height) <= LIMITS.max_edge);
        assert!(piece.width.min(piece.height) >= 16);
        assert!(piece.bytes.len() <= MAX_PIECE_BYTES);
        assert_eq!(piece.untouched, piece.bytes.as_ptr() == bytes.as_ptr());
        let pixels = piece.decode().unwrap();
        assert_eq!(pixels.dimensions(), (piece.width, piece.height));
    }
}

/// Whole files to begin with, one or more per format.
fn seeds() -> Vec<Bytes> {
    let names = [
        "plain.png",
        "plain.jpg",
        "plain.gif",
        "plain.webp",
        "plain.bmp",
        "plain.tiff",
        "cmyk.jpg",
        "grey.jpg",
        "grey-16-bit.png",
        "palette-transparent.png",
        "animated.gif",
        "animated.png",
        "animated.webp",
        "photo.heic",
        "exif-orientation-6.jpg",
        "magic-only.heic",
    ];
    let made = [
        Bytes::from(gif(9, 7, &[1, 200, 30, 4])),
        pages(&[1, 90, 200, 4]).into(),
        png(90, 500),
    ];
    names.into_iter().map(fixture).chain(made).collect()
}

/// One damage to a file.
#[derive(Clone, Debug)]
enum Damage {
    Flip(prop::sample::Index, u8),
    Wild(prop::sample::Index, u32),
    Cut(prop::sample::Index),
    Repeat(prop::sample::Index, u8),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<prop::sample::Index>;
    let wild = prop_oneof![
        Just(0),
        Just(1),
        Just(u32::MAX),
        Just(u32::MAX >> 1),
        any::<u32>()
    ];
    prop_oneof![
        6 => (place(), any::<u8>()).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        3 => (place(), wild).prop_map(|(at, value)| Damage::Wild(at, value)),
        1 => place().prop_map(Damage::Cut),
        1 => (place(), any::<u8>()).prop_map(|(at, length)| Damage::Repeat(at, length)),
    ]
}

fn damaged(seed: &Bytes, damages: &[Damage], head: bool) -> Bytes {
    let mut bytes = seed.to_vec();
    for damage in damages {
        // Headers are where a flipped bit does most.
        let room = if head {
            bytes.len().min(200)
        } else {
            bytes.len()
        };
        if room == 0 {
            break;
        }
        match damage {
            Damage::Flip(at, bit) => bytes[at.index(room)] ^= 1 << (bit % 8),
            Damage::Wild(at, value) => {
                let at = at.index(room);
                for (place, digit) in bytes[at..].iter_mut().zip(value.to_be_bytes()) {
                    *place = digit;
                }
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Repeat(at, length) => {
                let at = at.index(room);
                let end = (at + usize::from(*length)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes.into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn damaged_files_break_nothing(
        seed in 0..seeds().len(),
        damages in vec(damage(), 1..6),
        head in any::<bool>(),
    ) {
        check(&damaged(&seeds()[seed], &damages, head));
    }

    #[test]
    fn any_bytes_behind_a_mark_break_nothing(
        mark in 0..seeds().len(),
        rest in vec(any::<u8>(), 0..200),
    ) {
        let head = seeds()[mark].slice(..16);
        check(&[&head[..], &rest].concat().into());
        check(&rest.into());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn pictures_of_any_size_keep_the_limits(width in 1..900_u32, height in 1..400_u32) {
        let bytes = png(width, height);
        let prepared = prepare(&bytes, &LIMITS).unwrap();
        within_limits(&prepared, &bytes);
        prop_assert_eq!((prepared.width, prepared.height), (width, height));
    }
}
