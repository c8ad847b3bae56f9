//! What a file is, and what people call it. Names and declared types are never believed: see
//! [`Format::sniff`], which looks at the first bytes only.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG, also animated.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// TIFF.
    Tiff,
    /// HEIC (HEVC in a HEIF container).
    Heic,
    /// AVIF.
    Avif,
    /// Scalable vector graphics.
    Svg,
    /// PDF.
    Pdf,
    /// HTML.
    Html,
    /// Windows icon.
    Ico,
    /// JPEG XL.
    JpegXl,
    /// JPEG 2000.
    Jpeg2000,
    /// Photoshop.
    Psd,
    /// A ZIP archive, also the office formats made of one.
    Zip,
    /// A video or another kind of ISO media file.
    IsoMedia,
    /// Text of any other kind.
    Text,
    /// None that we know.
    Unknown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Bmp,
        Self::Tiff,
        Self::Heic,
        Self::Avif,
        Self::Svg,
        Self::Pdf,
        Self::Html,
        Self::Ico,
        Self::JpegXl,
        Self::Jpeg2000,
        Self::Psd,
        Self::Zip,
        Self::IsoMedia,
        Self::Text,
        Self::Unknown,
    ];

    /// The name that people use, for messages: `HEIC`, `plain text`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::Webp => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::Svg => "SVG",
            Self::Pdf => "PDF",
            Self::Html => "HTML",
            Self::Ico => "ICO",
            Self::JpegXl => "JPEG XL",
            Self::Jpeg2000 => "JPEG 2000",
            Self::Psd => "PSD",
            Self::Zip => "ZIP",
            Self::IsoMedia => "ISO media (video)",
            Self::Text => "plain text",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is a picture, also of the kinds that are not looked into.
    pub const fn is_picture(self) -> bool {
        !matches!(
            self,
            Self::Pdf | Self::Html | Self::Zip | Self::IsoMedia | Self::Text | Self::Unknown
        )
    }

    /// The media type registered for it; `application/octet-stream` for what is unknown.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Heic => "image/heic",
            Self::Avif => "image/avif",
            Self::Svg => "image/svg+xml",
            Self::Pdf => "application/pdf",
            Self::Html => "text/html",
            Self::Ico => "image/vnd.microsoft.icon",
            Self::JpegXl => "image/jxl",
            Self::Jpeg2000 => "image/jp2",
            Self::Psd => "image/vnd.adobe.photoshop",
            Self::Zip => "application/zip",
            Self::IsoMedia => "video/mp4",
            Self::Text => "text/plain",
            Self::Unknown => "application/octet-stream",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_media_types_are_distinct() {
        let names: std::collections::BTreeSet<_> = Format::ALL.iter().map(|f| f.name()).collect();
        let types: std::collections::BTreeSet<_> =
            Format::ALL.iter().map(|f| f.media_type()).collect();
        assert_eq!(names.len(), Format::ALL.len());
        assert_eq!(types.len(), Format::ALL.len());
    }
}
