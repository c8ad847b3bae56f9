//! Labels, names, numbers and times in English.

use super::{English, noun};
use crate::alert::phrases::{Label, Names};
use crate::alert::shown::number;
use crate::object::{Exposure, Format};
use crate::verdict::{Category, Confidence, Threat};

impl Names for English {
    fn label(&self, label: Label) -> &'static str {
        match label {
            Label::Account => "Account",
            Label::Activities => "Security events by rule",
            Label::AssessedBy => "Assessed by",
            Label::Bucket => "Bucket",
            Label::Buckets => "Findings by bucket",
            Label::Certainty => "Certainty",
            Label::Cost => "Cost",
            Label::Details => "Details from the record",
            Label::Done => "What s3-warden did, and how to undo it",
            Label::Exposure => "Readable by",
            Label::File => "File",
            Label::FileType => "File type",
            Label::Files => "Files",
            Label::Finding => "Finding",
            Label::Findings => "Findings",
            Label::FirstFile => "First file",
            Label::Found => "Found",
            Label::From => "From",
            Label::GoesOnAt => "Goes on at",
            Label::Gravest => "The gravest of them",
            Label::History => "Full history",
            Label::Levels => "Findings by threat level",
            Label::ModelNote => "Written by a machine and checked by nobody",
            Label::OpenedAt => "Opened at",
            Label::Outcomes => "What became of the files",
            Label::Region => "Region",
            Label::Result => "Result",
            Label::Rule => "Rule",
            Label::SentAgainAt => "Sent again",
            Label::Service => "Service",
            Label::Severity => "Severity",
            Label::Since => "Since",
            Label::Slowest => "Files that took longest to check",
            Label::StoppedAt => "Stopped at",
            Label::Tasks => "Tasks",
            Label::Threat => "Threat level",
            Label::Until => "Until",
            Label::UploadedAt => "Uploaded at",
            Label::Uploader => "Uploaded by",
            Label::Verdicts => "Files by verdict",
            Label::What => "What",
            Label::WhatHappened => "What happened",
            Label::When => "When",
            Label::Who => "Who",
        }
    }

    fn time_format(&self) -> &'static str {
        "%-d %B %Y, %H:%M:%S UTC"
    }

    fn unknown(&self) -> &'static str {
        "not known"
    }

    fn threat(&self, level: Threat) -> &'static str {
        level.as_str()
    }

    fn confidence(&self, confidence: Confidence) -> &'static str {
        match confidence {
            Confidence::Low => "a guess",
            Confidence::Medium => "probable",
            Confidence::High => "near certain",
        }
    }

    fn category(&self, category: Category) -> &'static str {
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

    fn exposure(&self, exposure: Exposure) -> Option<&'static str> {
        match exposure {
            Exposure::Unknown => None,
            Exposure::NotPublic => Some("those with permission only"),
            Exposure::Public => Some("everybody: the bucket or the file is public"),
        }
    }

    fn files(&self, count: u64) -> String {
        format!("{} {}", number(count), noun(count, "file", "files"))
    }

    fn duration(&self, seconds: u64) -> String {
        let part = |count: u64, one, many| format!("{} {}", number(count), noun(count, one, many));
        let (large, small) = match seconds {
            0..60 => return part(seconds, "second", "seconds"),
            60..3_600 => (part(seconds / 60, "minute", "minutes"), None),
            3_600..86_400 => (
                part(seconds / 3_600, "hour", "hours"),
                Some((seconds % 3_600 / 60, "minute", "minutes")),
            ),
            _ => (
                part(seconds / 86_400, "day", "days"),
                Some((seconds % 86_400 / 3_600, "hour", "hours")),
            ),
        };
        match small {
            Some((count, one, many)) if count > 0 => {
                format!("{large} {}", part(count, one, many))
            }
            _ => large,
        }
    }

    fn reported(&self, principal: &str) -> String {
        format!("{principal} (as the upload event says)")
    }

    fn several_uploaders(&self) -> &'static str {
        "several: the records name the uploader of each"
    }

    fn several_ips(&self) -> &'static str {
        "several addresses"
    }

    fn more_findings(&self, count: u64, place: Option<&str>) -> String {
        let place = place.map(|place| format!(", under {place}"));
        format!(
            "and {} more in the records{}",
            number(count),
            place.unwrap_or_default()
        )
    }

    fn places(&self, first: &str, last: &str) -> String {
        format!("{first} to {last}")
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
