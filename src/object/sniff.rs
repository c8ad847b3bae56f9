//! Which format the first bytes show.
//!
//! The bytes decide, and nothing else: a PNG called `.jpg` is a PNG. Formats that are told apart by
//! text (SVG, HTML) are recognised behind byte order mark, white space, XML prolog and comments,
//! because browsers recognise them there too.

use super::Format;

/// How far into a file marks are looked for. Less would miss an SVG behind a long licence comment;
/// more would only cost time on text files.
const WINDOW: usize = 4096;

impl Format {
    /// The format that the first bytes show. Any bytes are allowed, also none.
    ///
    /// ```
    /// use s3_warden::object::Format;
    /// assert_eq!(Format::sniff(b"\x89PNG\r\n\x1a\n...."), Format::Png);
    /// assert_eq!(Format::sniff(b"<!-- x --> <svg/>"), Format::Svg);
    /// ```
    pub fn sniff(bytes: &[u8]) -> Self {
        let head = bytes.get(..WINDOW).unwrap_or(bytes);
        magic(head)
            .or_else(|| iso_media(head))
            .or_else(|| bitmap(head))
            .or_else(|| text(head, bytes.len() > WINDOW))
            .or_else(|| late_pdf(head))
            .unwrap_or(Self::Unknown)
    }
}

/// Formats with a fixed mark at the start.
fn magic(head: &[u8]) -> Option<Format> {
    const MARKS: [(&[u8], Format); 19] = [
        (b"\xff\xd8\xff", Format::Jpeg),
        (b"\x89PNG\r\n\x1a\n", Format::Png),
        (b"GIF87a", Format::Gif),
        (b"GIF89a", Format::Gif),
        (b"II*\0", Format::Tiff),
        (b"MM\0*", Format::Tiff),
        (b"II+\0", Format::Tiff),
        (b"MM\0+", Format::Tiff),
        (b"\xff\x0a", Format::JpegXl),
        (b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl),
        (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
        (b"\xff\x4f\xff\x51", Format::Jpeg2000),
        (b"8BPS", Format::Psd),
        (b"PK\x03\x04", Format::Zip),
        (b"PK\x05\x06", Format::Zip),
        (b"PK\x07\x08", Format::Zip),
        (b"%PDF-", Format::Pdf),
        (b"\0\0\x01\0", Format::Ico),
        (b"\0\0\x02\0", Format::Ico),
    ];
    if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        return Some(Format::Webp);
    }
    MARKS
        .iter()
        .find(|(mark, _)| head.starts_with(mark))
        .map(|&(_, format)| format)
}

/// The ISO base media family (ISO/IEC 14496-12), told apart by its brands.
fn iso_media(head: &[u8]) -> Option<Format> {
    const HEVC: [&[u8]; 8] = [
        b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"hevx",
    ];
    const ANY_CODEC: [&[u8]; 3] = [b"mif1", b"msf1", b"mif2"];
    let kind = head.get(4..8)?;
    if kind != b"ftyp" {
        let media: [&[u8]; 4] = [b"moov", b"mdat", b"wide", b"skip"];
        return media.contains(&kind).then_some(Format::IsoMedia);
    }
    let size = u32::from_be_bytes(head.get(..4)?.try_into().ok()?) as usize;
    let major = head.get(8..12)?;
    let listed = head.get(16..size.min(head.len())).unwrap_or_default();
    let has = |wanted: &[&[u8]]| listed.chunks_exact(4).any(|brand| wanted.contains(&brand));
    let avif: [&[u8]; 2] = [b"avif", b"avis"];
    Some(if avif.contains(&major) {
        Format::Avif
    } else if HEVC.contains(&major) {
        Format::Heic
    } else if ANY_CODEC.contains(&major) {
        // The container alone: the codec stands among the other brands.
        if has(&avif) && !has(&HEVC) {
            Format::Avif
        } else {
            Format::Heic
        }
    } else if has(&HEVC) && has(&ANY_CODEC) {
        Format::Heic
    } else {
        Format::IsoMedia
    })
}

/// `BM` begins many a text too, so the size of the second header must be one that exists.
fn bitmap(head: &[u8]) -> Option<Format> {
    const HEADERS: [u32; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
    let size = head.get(14..18)?.try_into().ok().map(u32::from_le_bytes)?;
    (head.starts_with(b"BM") && HEADERS.contains(&size)).then_some(Format::Bmp)
}

/// Text, and the formats made of it. `cut` says that more follows, so that a character may be cut.
fn text(head: &[u8], cut: bool) -> Option<Format> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        return Some(Format::Text);
    }
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return markup(&String::from_utf8_lossy(head)),
    };
    if let Some(format) = markup(text) {
        return Some(format);
    }
    let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c' | '\x1b');
    (!text.is_empty() && text.chars().all(plain)).then_some(Format::Text)
}

/// SVG or HTML behind prolog, document type and comments; PDF behind white space.
fn markup(text: &str) -> Option<Format> {
    let mut rest = text.trim_start();
    if rest.starts_with("%PDF-") {
        return Some(Format::Pdf);
    }
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?") {
            "?>"
        } else if begins(rest, "<!doctype svg") {
            return Some(Format::Svg);
        } else if begins(rest, "<!doctype html") {
            return Some(Format::Html);
        } else if begins(rest, "<!doctype") {
            // Another root, for example with entities of its own: what follows decides.
            return contains_tag(rest, "<svg").then_some(Format::Svg);
        } else {
            break;
        };
        rest = rest.split_once(end)?.1.trim_start();
    }
    const PAGES: [&str; 9] = [
        "<html", "<head", "<body", "<script", "<title", "<meta", "<table", "<div", "<iframe",
    ];
    if tag(rest, "<svg") || begins(rest, "<svg:svg") {
        Some(Format::Svg)
    } else if PAGES.iter().any(|page| tag(rest, page)) {
        Some(Format::Html)
    } else {
        None
    }
}

/// Whether `text` begins with `start`, letters of either case.
fn begins(text: &str, start: &str) -> bool {
    text.get(..start.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Whether `text` begins with this tag, and not with a longer name.
fn tag(text: &str, name: &str) -> bool {
    begins(text, name)
        && text
            .get(name.len()..)
            .is_none_or(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
}

fn contains_tag(text: &str, name: &str) -> bool {
    text.match_indices('<')
        .any(|(at, _)| text.get(at..).is_some_and(|rest| tag(rest, name)))
}

/// PDF readers take a file whose header stands anywhere in its first 1,024 bytes.
fn late_pdf(head: &[u8]) -> Option<Format> {
    head.get(..1024)
        .unwrap_or(head)
        .windows(5)
        .any(|window| window == b"%PDF-")
        .then_some(Format::Pdf)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], expected: Format) {
        assert_eq!(
            Format::sniff(bytes),
            expected,
            "{:?}",
            String::from_utf8_lossy(bytes)
        );
    }

    fn ftyp(major: &str, others: &[&str]) -> Vec<u8> {
        let size = u32::try_from(16 + 4 * others.len()).unwrap();
        let mut bytes = size.to_be_bytes().to_vec();
        bytes.extend(b"ftyp");
        bytes.extend(major.as_bytes());
        bytes.extend([0; 4]);
        others
            .iter()
            .for_each(|brand| bytes.extend(brand.as_bytes()));
        bytes.extend(b"\0\0\0\x08free");
        bytes
    }

    #[test]
    fn marks_at_the_start() {
        check(b"\xff\xd8\xff\xe0", Format::Jpeg);
        check(b"\x89PNG\r\n\x1a\n", Format::Png);
        check(b"GIF87a", Format::Gif);
        check(b"GIF89a", Format::Gif);
        check(b"RIFF\x10\0\0\0WEBPVP8 ", Format::Webp);
        check(b"RIFF\x10\0\0\0WAVEfmt ", Format::Unknown);
        check(b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0", Format::Bmp);
        check(b"BMW drives on and on", Format::Text);
        check(b"II*\0\x08\0\0\0", Format::Tiff);
        check(b"MM\0*\0\0\0\x08", Format::Tiff);
        check(b"II+\0\x08\0\0\0", Format::Tiff);
        check(b"MM\0+\0\x08\0\0", Format::Tiff);
        check(b"\0\0\x01\0\x01\0", Format::Ico);
        check(b"\xff\x0a\x00", Format::JpegXl);
        check(b"\0\0\0\x0cJXL \r\n\x87\n", Format::JpegXl);
        check(b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000);
        check(b"\xff\x4f\xff\x51\0", Format::Jpeg2000);
        check(b"8BPS\0\x01", Format::Psd);
        check(b"PK\x03\x04", Format::Zip);
        check(b"%PDF-1.7", Format::Pdf);
        check(b"\x01\x02junk\xff%PDF-1.4", Format::Pdf);
        check(b"\n\n%PDF-1.4", Format::Pdf);
        check(b"", Format::Unknown);
        check(b"\x00\x01\x02\x03", Format::Unknown);
    }

    #[test]
    fn brands_tell_the_codec() {
        for brand in [
            "heic", "heix", "hevc", "heim", "heis", "hevm", "hevs", "mif1", "msf1",
        ] {
            check(&ftyp(brand, &["mif1", "heic"]), Format::Heic);
        }
        check(&ftyp("mif1", &["mif1"]), Format::Heic);
        check(&ftyp("avif", &["mif1"]), Format::Avif);
        check(&ftyp("avis", &[]), Format::Avif);
        check(&ftyp("mif1", &["miaf", "avif"]), Format::Avif);
        check(&ftyp("isom", &["mp42"]), Format::IsoMedia);
        check(&ftyp("qt  ", &[]), Format::IsoMedia);
        check(&ftyp("isom", &["mif1", "heic"]), Format::Heic);
        check(b"\0\0\0\x08wide\0\0\0\0mdat", Format::IsoMedia);
        check(b"\0\0\0\x14ftyphe", Format::Unknown);
    }

    #[test]
    fn text_formats_behind_their_preambles() {
        check(b"<svg xmlns='x'/>", Format::Svg);
        check(
            b"\xef\xbb\xbf \n<?xml version='1.0'?><!-- a > b --><SVG>",
            Format::Svg,
        );
        check(
            b"<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC 'x'><svg>",
            Format::Svg,
        );
        check(b"<!DOCTYPE x [<!ENTITY a 'b'>]><svg>", Format::Svg);
        check(b"<svg:svg>", Format::Svg);
        check(b"<svgx>", Format::Text);
        check(b"<!DOCTYPE HTML><p>", Format::Html);
        check(b"  <html lang='de'>", Format::Html);
        check(b"<!-- saved --><head>", Format::Html);
        check(b"<html>\xe9 in Latin-1", Format::Html);
        check(b"<header/>", Format::Text);
        check(b"<?xml version='1.0'?><feed/>", Format::Text);
        check("grüße\r\n".as_bytes(), Format::Text);
        check(b"\xff\xfeh\0i\0", Format::Text);
        check(b"nul\0inside", Format::Unknown);
        let mut long = "ü".repeat(4000).into_bytes();
        long.insert(0, b'a');
        check(&long, Format::Text);
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            Format::sniff(&bytes);
        }

        #[test]
        fn any_text_has_an_answer(text in "[ -~<>!?\\-\\[]{0,80}\\PC{0,8}") {
            Format::sniff(text.as_bytes());
        }
    }
}
