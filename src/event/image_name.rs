//! What a key promises by its ending. The bytes tell what an object is; the name tells what people
//! take it for.

/// Endings that people give to pictures. What is missing here is only told later, in the digest.
const IMAGE_ENDINGS: [&str; 27] = [
    "apng", "avif", "bmp", "dib", "gif", "heic", "heif", "hif", "ico", "j2k", "jfif", "jp2", "jpe",
    "jpeg", "jpg", "jxl", "pjp", "pjpeg", "png", "psd", "svg", "svgz", "tif", "tiff", "webp",
    "dng", "cr2",
];

/// Whether a key's ending promises a picture: an unreadable object so named is told at once.
///
/// ```
/// use s3_warden::event::looks_like_image_name;
/// assert!(looks_like_image_name("scans/Passport.JPG"));
/// assert!(!looks_like_image_name("png/readme"));
/// ```
pub fn looks_like_image_name(key: &str) -> bool {
    let name = key.rsplit('/').next().unwrap_or(key);
    name.rsplit_once('.').is_some_and(|(_, ending)| {
        IMAGE_ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ending_of_the_last_part_counts() {
        for key in ["a.png", "x/y.JPeG", "b.tar.heic", ".jpg", "ü/ß.webp"] {
            assert!(looks_like_image_name(key), "{key}");
        }
        for key in ["png", "a.png/b", "a.txt", "", "a.", "a.pngx", "jpg/"] {
            assert!(!looks_like_image_name(key), "{key}");
        }
    }
}
