//! What the pieces show.

use bytes::Bytes;
use image::{ImageFormat, imageops};
use sha2::{Digest, Sha256};

use super::build::{encoded, gif, pages, picture, png, turned_jpeg};
use super::{fixture, prepare};
use crate::object::{Limits, Media, Part, claimed_size};

#[test]
fn untouched_bytes_are_the_stored_ones_without_a_copy() {
    for name in [
        "plain.png",
        "plain.jpg",
        "plain.gif",
        "plain.webp",
        "trailing-bytes.png",
    ] {
        let bytes = fixture(name);
        let prepared = prepare(bytes.clone()).unwrap();
        let piece = &prepared.pieces[0];
        assert!(piece.untouched && piece.part == Part::Whole, "{name}");
        assert_eq!(piece.bytes, bytes, "{name}");
        assert_eq!(piece.bytes.as_ptr(), bytes.as_ptr(), "{name}");
        assert_eq!(prepared.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
        let pixels = piece.decode().unwrap();
        assert_eq!(pixels.dimensions(), (piece.width, piece.height));
    }
}

#[test]
fn turned_photos_are_made_upright() {
    let upright = picture(90, 60);
    let stored = |orientation| match orientation {
        2 => imageops::flip_horizontal(&upright),
        3 => imageops::rotate180(&upright),
        4 => imageops::flip_vertical(&upright),
        5 => imageops::flip_horizontal(&imageops::rotate90(&upright)),
        6 => imageops::rotate270(&upright),
        7 => imageops::flip_horizontal(&imageops::rotate270(&upright)),
        8 => imageops::rotate90(&upright),
        _ => upright.clone(),
    };
    for orientation in 1..=8 {
        let bytes = turned_jpeg(stored(orientation), orientation);
        let prepared = prepare(bytes).unwrap();
        let piece = &prepared.pieces[0];
        assert_eq!(piece.untouched, orientation == 1, "{orientation}");
        assert_eq!((prepared.width, prepared.height), (90, 60), "{orientation}");
        let pixels = piece.decode().unwrap();
        for (a, b) in pixels.pixels().zip(upright.pixels()) {
            let worst = (0..3).map(|c| a.0[c].abs_diff(b.0[c])).max().unwrap();
            assert!(worst < 24, "{orientation}");
        }
    }
}

/// Written with libheif, tile by tile, and put together as phones do it: four tiles of 64 x 64 that
/// overhang, and a quarter turn. What it shows is [`picture`] of 80 x 100.
#[test]
fn a_grid_of_a_phone_is_put_together_and_turned() {
    let prepared = prepare(fixture("heic/turned-grid.heic")).unwrap();
    assert_eq!((prepared.width, prepared.height), (80, 100));
    let pixels = prepared.pieces[0].decode().unwrap();
    for (a, b) in pixels.pixels().zip(picture(80, 100).pixels()) {
        let worst = (0..3).map(|c| a.0[c].abs_diff(b.0[c])).max().unwrap();
        assert!(worst < 24);
    }
}

#[test]
fn large_pictures_are_scaled_and_long_ones_cut() {
    let limits = Limits {
        max_edge: 200,
        ..Limits::default()
    };
    let check = |width, height, expected: &[(u32, u32)]| {
        let prepared = crate::object::prepare(&png(width, height), &limits).unwrap();
        let sizes: Vec<_> = prepared
            .pieces
            .iter()
            .map(|p| (p.width, p.height))
            .collect();
        assert_eq!(sizes, expected, "{width}x{height}");
        assert_eq!((prepared.width, prepared.height), (width, height));
    };
    check(200, 100, &[(200, 100)]);
    check(400, 300, &[(200, 150)]);
    check(100, 380, &[(100, 200); 2]);
    check(380, 100, &[(200, 100); 2]);
    check(400, 900, &[(200, 200); 3]);
    check(900, 3, &[(200, 32); 5]);
}

#[test]
fn tiles_show_the_pixels_of_their_place() {
    let limits = Limits {
        max_edge: 200,
        ..Limits::default()
    };
    let whole = picture(100, 380);
    let bytes = encoded(whole.clone(), ImageFormat::Png).into();
    let prepared = crate::object::prepare(&bytes, &limits).unwrap();
    let [upper, lower] = &prepared.pieces[..] else {
        panic!("two tiles")
    };
    assert_eq!(upper.part, Part::Tile { index: 0, of: 2 });
    assert_eq!(lower.part, Part::Tile { index: 1, of: 2 });
    let cut = |y| imageops::crop_imm(&whole, 0, y, 100, 200).to_image();
    assert_eq!(upper.decode().unwrap(), cut(0));
    assert_eq!(lower.decode().unwrap(), cut(180));
}

#[test]
fn tiny_pictures_lie_on_white() {
    let prepared = prepare(png(1, 1)).unwrap();
    let piece = &prepared.pieces[0];
    assert_eq!((prepared.width, prepared.height), (1, 1));
    assert_eq!(
        (piece.width, piece.height, piece.media),
        (32, 32, Media::Png)
    );
    let pixels = piece.decode().unwrap();
    assert_eq!(pixels.get_pixel(0, 0).0, [0, 0, 128]);
    assert_eq!(pixels.get_pixel(31, 31).0, [255; 3]);
}

#[test]
fn equal_frames_are_sent_once() {
    let shades = |bytes: Vec<u8>| -> Vec<u8> {
        let prepared = prepare(bytes).unwrap();
        let of = prepared.pieces.len() as u32;
        let first = |(index, piece): (usize, &crate::object::Piece)| {
            assert_eq!(
                piece.part,
                Part::Frame {
                    index: index as u32,
                    of
                }
            );
            piece.decode().unwrap().get_pixel(0, 0).0[0]
        };
        prepared.pieces.iter().enumerate().map(first).collect()
    };
    assert_eq!(shades(gif(40, 30, &[9, 9, 9])), [9]);
    assert_eq!(
        shades(gif(40, 30, &[0, 0, 0, 0, 0, 0, 0, 200, 0, 0])),
        [0, 200]
    );
    assert_eq!(
        shades(gif(40, 30, &[0, 1, 2, 3, 255, 100, 50])),
        [0, 255, 100, 50]
    );
    assert_eq!(shades(pages(&[10, 20, 30])), [10, 20, 30]);
    assert_eq!(
        shades(pages(&[10, 20, 30, 40, 50, 60, 70])),
        [10, 30, 50, 70]
    );
}

#[test]
fn headers_tell_the_size_without_decoding() {
    let names = [
        "plain.png",
        "plain.jpg",
        "plain.gif",
        "plain.webp",
        "plain.bmp",
        "plain.tiff",
        "cmyk.jpg",
    ];
    for name in names {
        assert_eq!(claimed_size(&fixture(name)), Some((160, 100)), "{name}");
    }
    assert_eq!(claimed_size(&fixture("photo.heic")), Some((128, 96)));
    assert_eq!(
        claimed_size(&fixture("exif-orientation-6.jpg")),
        Some((100, 160))
    );
    assert_eq!(
        claimed_size(&fixture("bomb-50000x50000.png")),
        Some((50_000, 50_000))
    );
    assert_eq!(claimed_size(&Bytes::from_static(b"%PDF-1.7")), None);
}
