//! Names as headers take them: percent-encoded UTF-8.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The same, with slashes as they are.
const PATH: &AsciiSet = &NAME.remove(b'/');

/// The source of a copy (`CopyObject`, `x-amz-copy-source`, Amazon S3 API reference): the SDK sends
/// it as it is.
pub(super) fn copy_source(bucket: &str, key: &str, version: Option<&str>) -> String {
    let bucket = utf8_percent_encode(bucket, NAME);
    let key = encoded(key);
    match version {
        Some(version) => {
            let version = utf8_percent_encode(version, NAME);
            format!("{bucket}/{key}?versionId={version}")
        }
        None => format!("{bucket}/{key}"),
    }
}

/// A part of a header that names and values are joined in, such as a set of tags.
pub(super) fn encoded_part(part: &str) -> String {
    utf8_percent_encode(part, NAME).to_string()
}

/// A key as a header can carry it.
pub(super) fn encoded(key: &str) -> String {
    utf8_percent_encode(key, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_keys_are_encoded_once_and_slashes_kept() {
        #[track_caller]
        fn check(key: &str, version: Option<&str>, expected: &str) {
            assert_eq!(copy_source("b.c", key, version), format!("b.c/{expected}"));
        }
        check("a/b.png", None, "a/b.png");
        check("a b+c%20.png", None, "a%20b%2Bc%2520.png");
        check("q?versionId=x", None, "q%3FversionId%3Dx");
        check("여권", Some("v_1"), "%EC%97%AC%EA%B6%8C?versionId=v_1");
        check("😀", None, "%F0%9F%98%80");
        check("/lead", None, "/lead");
        check("a/../b", None, "a/../b");
        check("k", Some("a+b/c="), "k?versionId=a%2Bb%2Fc%3D");
        check("line\nbreak", Some("null"), "line%0Abreak?versionId=null");
    }
}
