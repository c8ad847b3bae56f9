//! Labels, and the words for what is counted and sorted.

use crate::object::Format;
use crate::verdict::{Category, Confidence, Threat};

/// The labels of the facts, in the order in which they are shown.
pub(in crate::alert) mod label {
    pub(in crate::alert) const BUCKET: &str = "Bucket";
    pub(in crate::alert) const FILE: &str = "File";
    pub(in crate::alert) const FIRST_FILE: &str = "First file";
    pub(in crate::alert) const FILES: &str = "Files";
    pub(in crate::alert) const FILE_TYPE: &str = "File type";
    pub(in crate::alert) const FOUND: &str = "Found";
    pub(in crate::alert) const CERTAINTY: &str = "Certainty";
    pub(in crate::alert) const THREAT: &str = "Threat level";
    pub(in crate::alert) const UPLOADER: &str = "Uploaded by";
    pub(in crate::alert) const WHEN: &str = "Uploaded at";
    pub(in crate::alert) const STOPPED: &str = "Stopped at";
    pub(in crate::alert) const FINDING: &str = "Finding";
    pub(in crate::alert) const FINDINGS: &str = "Findings";
    pub(in crate::alert) const HISTORY: &str = "Full history";
}

/// How times are written, for jiff's `strftime`.
pub(in crate::alert) const TIME: &str = "%-d %B %Y, %H:%M:%S UTC";
/// Over what was done and how to undo it.
pub(in crate::alert) const DONE: &str = "What s3-warden did, and how to undo it";
/// In place of what the event did not tell.
pub(in crate::alert) const UNKNOWN: &str = "not known";
/// The command for the history, where the key cannot be copied from the message.
pub(in crate::alert) const HIDDEN_KEY: &str =
    "s3-warden explain BUCKET KEY, with the file's full name, which is not shown here";

/// Between title and bucket.
pub(in crate::alert) const BUCKET_WORD: &str = "bucket";

pub(in crate::alert) const fn threat(level: Threat) -> &'static str {
    match level {
        Threat::Low => "low",
        Threat::Medium => "medium",
        Threat::High => "high",
        Threat::Critical => "critical",
    }
}

pub(in crate::alert) const fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "a guess",
        Confidence::Medium => "probable",
        Confidence::High => "near certain",
    }
}

pub(in crate::alert) const fn category(category: Category) -> &'static str {
    match category {
        Category::GovernmentId => "identity document",
        Category::Passport => "passport",
        Category::DrivingLicence => "driving licence",
        Category::ResidentNumber => "national identity number",
        Category::FinancialCard => "payment card",
        Category::BankAccount => "bank account",
        Category::Health => "health data",
        Category::Face => "face of a person",
        Category::Name => "name of a person",
        Category::Address => "postal address",
        Category::Phone => "phone number",
        Category::Email => "personal e-mail address",
        Category::DateOfBirth => "date of birth",
        Category::Signature => "signature",
        Category::Credentials => "password or access key",
        Category::Other => "other personal data",
    }
}

pub(super) const fn format_name(format: Format) -> &'static str {
    match format {
        Format::Jpeg => "a JPEG picture",
        Format::Png => "a PNG picture",
        Format::Gif => "a GIF picture",
        Format::Webp => "a WebP picture",
        Format::Bmp => "a BMP picture",
        Format::Tiff => "a TIFF picture",
        Format::Heic => "a HEIC picture",
        Format::Avif => "an AVIF picture",
        Format::Svg => "an SVG drawing",
        Format::Pdf => "a PDF document",
        Format::Html => "a web page",
        Format::Ico => "an icon file",
        Format::JpegXl => "a JPEG XL picture",
        Format::Jpeg2000 => "a JPEG 2000 picture",
        Format::Psd => "a Photoshop file",
        Format::Zip => "an archive or office document",
        Format::IsoMedia => "a video",
        Format::Text => "a text file",
        Format::Unknown => "a file of unknown type",
    }
}
