//! Each kind of file has its own outcome; names play no part.

use image::{DynamicImage, ImageFormat};

use super::build::{encoded, gif, jpeg_header, picture, png};
use super::{fixture, prepare};
use crate::object::{Format, Limits, MAX_PIECE_BYTES, Unreadable};

/// What comes of a file: its format, upright size, pieces, and whether its bytes go through.
type Outcome = Result<(Format, (u32, u32), usize, bool), Unreadable>;

fn check(name: &str, expected: Outcome) {
    let outcome = prepare(fixture(name)).map(|prepared| {
        let untouched = prepared.pieces.iter().all(|piece| piece.untouched);
        let size = (prepared.width, prepared.height);
        (prepared.format, size, prepared.pieces.len(), untouched)
    });
    assert_eq!(outcome, expected, "{name}");
}

#[test]
fn every_committed_file_has_its_outcome() {
    let plain = |format| Ok((format, (160, 100), 1, true));
    let remade = |format| Ok((format, (160, 100), 1, false));
    check("plain.png", plain(Format::Png));
    check("plain.jpg", plain(Format::Jpeg));
    check("plain.gif", plain(Format::Gif));
    check("plain.webp", plain(Format::Webp));
    check("plain.bmp", remade(Format::Bmp));
    check("plain.tiff", remade(Format::Tiff));
    check("png-named.jpg", plain(Format::Png));
    check("trailing-bytes.png", plain(Format::Png));
    check("grey.jpg", plain(Format::Jpeg));
    check("grey-16-bit.png", plain(Format::Png));
    check("palette-transparent.png", plain(Format::Png));
    check("cmyk.jpg", remade(Format::Jpeg));
    check(
        "exif-orientation-6.jpg",
        Ok((Format::Jpeg, (160, 100), 1, false)),
    );
    check("one-pixel.png", Ok((Format::Png, (1, 1), 1, false)));
    check(
        "long-screenshot.png",
        Ok((Format::Png, (600, 4000), 2, false)),
    );
    check(
        "wide-panorama.png",
        Ok((Format::Png, (4000, 600), 2, false)),
    );
    check("photo.heic", Ok((Format::Heic, (128, 96), 1, false)));
    check("truncated.png", Err(Unreadable::Damaged));
    check("truncated.jpg", Err(Unreadable::Damaged));
    check("magic-only.heic", Err(Unreadable::Damaged));
    check("empty.png", Err(Unreadable::Empty));
    check("bomb-50000x50000.png", Err(Unreadable::TooManyPixels));
    for (name, format) in [
        ("html-named.png", Format::Html),
        ("zip-named.png", Format::Zip),
        ("document.pdf", Format::Pdf),
        ("drawing.svg", Format::Svg),
        ("magic-only.avif", Format::Avif),
        ("icon.ico", Format::Ico),
    ] {
        check(name, Err(Unreadable::Unsupported(format)));
    }
}

#[test]
fn a_text_in_one_frame_only_is_looked_at() {
    for name in ["animated.gif", "animated.webp", "animated.png"] {
        let prepared = prepare(fixture(name)).unwrap();
        assert_eq!((prepared.width, prepared.height), (260, 80), "{name}");
        // Dark pixels: the frames without the address are nearly empty.
        let dark = prepared.pieces.iter().map(|piece| {
            let pixels = piece.decode().unwrap();
            pixels.pixels().filter(|pixel| pixel.0[0] < 100).count()
        });
        let (least, most) = dark.fold((usize::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
        assert!(most > least + 200, "{name}: {least} to {most} dark pixels");
    }
}

#[test]
fn claims_of_size_are_checked_before_decoding() {
    let mut bmp = encoded(picture(20, 20), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0x50, 0xc3, 0, 0, 0x50, 0xc3, 0, 0]);
    let mut gif = gif(20, 20, &[0]);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let webp = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x4f\xc3\0\x4f\xc3\0".to_vec();
    let mut tiff = super::build::pages(&[0]);
    tiff[18..22].copy_from_slice(&50_000_u32.to_le_bytes());
    tiff[30..34].copy_from_slice(&50_000_u32.to_le_bytes());
    for bytes in [jpeg_header(50_000, 50_000), bmp, gif, webp, tiff] {
        let format = Format::sniff(&bytes);
        assert_eq!(
            prepare(bytes).unwrap_err(),
            Unreadable::TooManyPixels,
            "{format}"
        );
    }
}

#[test]
fn the_limit_on_pixels_is_exact() {
    let limits = |max_pixels| Limits {
        max_pixels,
        ..Limits::default()
    };
    let bytes = png(40, 30);
    assert!(crate::object::prepare(&bytes, &limits(1_200)).is_ok());
    let refused = crate::object::prepare(&bytes, &limits(1_199)).unwrap_err();
    assert_eq!(refused, Unreadable::TooManyPixels);
}

#[test]
fn endless_animations_are_refused() {
    let limits = Limits {
        max_pixels: 10_000,
        ..Limits::default()
    };
    let shades: Vec<u8> = (0..6).collect();
    let bytes = gif(100, 100, &shades).into();
    let refused = crate::object::prepare(&bytes, &limits).unwrap_err();
    assert_eq!(refused, Unreadable::TooManyPixels);
    // The canvas is small, but every frame has to be decoded before it is cut.
    let mut bytes = gif(100, 100, &shades);
    bytes[6..10].copy_from_slice(&[1, 0, 1, 0]);
    let refused = crate::object::prepare(&bytes.into(), &limits).unwrap_err();
    assert_eq!(refused, Unreadable::TooManyPixels);
    let limits = Limits {
        max_pixels: 260 * 80,
        ..Limits::default()
    };
    for name in ["animated.gif", "animated.webp", "animated.png"] {
        let refused = crate::object::prepare(&fixture(name), &limits).unwrap_err();
        assert_eq!(refused, Unreadable::TooManyPixels, "{name}");
    }
    // Many frames of one pixel: 100,000 times the same image block.
    let one = gif(1, 1, &[7, 7]);
    let start = one.iter().position(|&byte| byte == 0x2c).unwrap();
    let end = one.len() - 1;
    let second = start
        + one[start + 1..end]
            .iter()
            .position(|&byte| byte == 0x21)
            .unwrap()
        + 1;
    let mut many = one[..start].to_vec();
    (0..100_000).for_each(|_| many.extend(&one[start..second]));
    many.push(0x3b);
    assert_eq!(prepare(many).unwrap_err(), Unreadable::TooManyPixels);
}

/// Files cut anywhere are damaged (or no longer known), never a picture.
#[test]
fn cut_files_are_never_pictures() {
    let names = [
        "plain.png",
        "plain.jpg",
        "plain.gif",
        "plain.webp",
        "plain.bmp",
        "plain.tiff",
        "grey.jpg",
        "cmyk.jpg",
        "animated.gif",
        "animated.png",
        "animated.webp",
        "photo.heic",
        "exif-orientation-6.jpg",
        "palette-transparent.png",
    ];
    for name in names {
        let whole = fixture(name);
        let step = (whole.len() / 60).max(1);
        for end in (1..whole.len()).step_by(step).chain([whole.len() - 1]) {
            let outcome = prepare(whole.slice(..end));
            assert!(outcome.is_err(), "{name} cut at {end} of {}", whole.len());
            if end > 64 {
                let reason = outcome.unwrap_err();
                assert_eq!(reason, Unreadable::Damaged, "{name} cut at {end}");
            }
        }
    }
}

#[test]
fn a_broken_scan_is_damaged() {
    let mut broken = encoded(picture(400, 300), ImageFormat::Jpeg);
    let middle = broken.len() / 2;
    // All bits set is no code of any table; lenient decoders fill the rest with grey.
    broken[middle..middle + 40].copy_from_slice(&b"\xff\0".repeat(20));
    assert_eq!(prepare(broken).unwrap_err(), Unreadable::Damaged);
}

#[test]
fn padding_between_headers_is_forgiven() {
    let whole = encoded(picture(64, 48), ImageFormat::Jpeg);
    // Behind the first segment, which stands right after the start mark.
    let first = 4 + usize::from(u16::from_be_bytes([whole[4], whole[5]])) - 2 + 2;
    let padded = [&whole[..first], &[0; 16], &whole[first..]].concat();
    assert!(prepare(padded).is_ok());
}

#[test]
fn deep_and_transparent_pictures_become_plain_rgb() {
    let deep = DynamicImage::ImageRgb8(picture(300, 200));
    for (name, deep) in [
        ("rgb16", DynamicImage::ImageRgb16(deep.to_rgb16())),
        ("rgba16", DynamicImage::ImageRgba16(deep.to_rgba16())),
        ("luma16", DynamicImage::ImageLuma16(deep.to_luma16())),
        (
            "luma alpha",
            DynamicImage::ImageLumaA8(deep.to_luma_alpha8()),
        ),
    ] {
        for format in [ImageFormat::Png, ImageFormat::Tiff] {
            if format == ImageFormat::Tiff && name == "luma alpha" {
                continue;
            }
            let prepared = prepare(encoded(deep.clone(), format)).unwrap();
            let pixels = prepared.pieces[0].decode().unwrap();
            let expected = crate::object::raster::flatten(deep.clone());
            assert_eq!(pixels, expected, "{name} {format:?}");
        }
    }
}

#[test]
fn a_piece_longer_than_a_model_takes_is_made_anew() {
    let mut long = png(64, 64).to_vec();
    long.resize(MAX_PIECE_BYTES + 1, 0);
    let prepared = prepare(long).unwrap();
    assert!(!prepared.pieces[0].untouched);
    assert!(prepared.pieces[0].bytes.len() < 10_000);
}
