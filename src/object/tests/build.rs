//! Small files made for a test.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// A picture in which every place looks different, so that turned or cut ones are told apart.
pub(super) fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let shade = |at: u32, edge: u32| (at * 255 / edge.max(1)) as u8;
        Rgb([shade(x, width), shade(y, height), 128])
    })
}

/// Encoded in this format.
pub(super) fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.into().write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// A PNG.
pub(super) fn png(width: u32, height: u32) -> Bytes {
    encoded(picture(width, height), ImageFormat::Png).into()
}

/// An animated GIF whose frames are of these shades of grey.
pub(super) fn gif(width: u32, height: u32, shades: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new(&mut out);
    for &shade in shades {
        let pixel = Rgba([shade, shade, shade, 255]);
        let frame = RgbaImage::from_pixel(width, height, pixel);
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    out
}

/// A JPEG with an EXIF orientation.
pub(super) fn turned_jpeg(picture: RgbImage, orientation: u8) -> Vec<u8> {
    let plain = encoded(picture, ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&plain[..2], b"\xff\xe1", &length, &exif, &plain[2..]].concat()
}

/// A TIFF of several uncompressed grey pages, each of one shade, 4 x 4 pixels.
pub(super) fn pages(shades: &[u8]) -> Vec<u8> {
    const TAGS: [(u16, u32); 8] = [
        (256, 4),
        (257, 4),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 0),
        (278, 4),
        (279, 16),
    ];
    let page = 2 + 12 * TAGS.len() + 4 + 16;
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    for (index, &shade) in shades.iter().enumerate() {
        let data = (8 + (index + 1) * page - 16) as u32;
        out.extend((TAGS.len() as u16).to_le_bytes());
        for (tag, value) in TAGS {
            out.extend(tag.to_le_bytes());
            out.extend([4, 0, 1, 0, 0, 0]);
            out.extend(if tag == 273 { data } else { value }.to_le_bytes());
        }
        let last = index + 1 == shades.len();
        let next = if last { 0 } else { data + 16 };
        out.extend(next.to_le_bytes());
        out.extend([shade; 16]);
    }
    out
}

/// The header of a JPEG that claims this size, and nothing else.
pub(super) fn jpeg_header(width: u16, height: u16) -> Vec<u8> {
    let mut out = b"\xff\xd8\xff\xc0\0\x11\x08".to_vec();
    out.extend(height.to_be_bytes());
    out.extend(width.to_be_bytes());
    out.extend(b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9");
    out
}
