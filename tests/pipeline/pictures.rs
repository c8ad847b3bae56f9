//! Pictures of one colour: what the scripted judge says of them, it says by their pixels.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// What a picture shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hue {
    /// A passport, surely.
    Red,
    /// A face and nothing else.
    Blue,
    /// Nothing.
    Green,
    /// Nobody can say.
    Yellow,
}

impl Hue {
    const ALL: [Self; 4] = [Self::Red, Self::Blue, Self::Green, Self::Yellow];

    const fn pixel(self) -> [u8; 3] {
        match self {
            Self::Red => [200, 0, 0],
            Self::Blue => [0, 0, 200],
            Self::Green => [0, 200, 0],
            Self::Yellow => [200, 200, 0],
        }
    }

    /// The hue of decoded pixels.
    pub(crate) fn of(picture: &RgbImage) -> Self {
        let pixel = picture.get_pixel(0, 0).0;
        let hue = Self::ALL.into_iter().find(|hue| hue.pixel() == pixel);
        hue.expect("only pictures of these tests are judged")
    }
}

/// A PNG of one colour. Pictures with another `grain` have other bytes.
pub(crate) fn picture(hue: Hue, grain: u8) -> Vec<u8> {
    let mut pixels = RgbImage::from_pixel(40, 40, Rgb(hue.pixel()));
    pixels.put_pixel(39, 39, Rgb([grain; 3]));
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

#[test]
fn pictures_keep_their_hue_and_differ_by_grain() {
    for hue in Hue::ALL {
        let read = image::load_from_memory(&picture(hue, 7)).unwrap();
        assert_eq!(Hue::of(&read.into_rgb8()), hue);
    }
    assert_eq!(picture(Hue::Red, 1), picture(Hue::Red, 1));
    assert_ne!(picture(Hue::Red, 1), picture(Hue::Red, 2));
}
