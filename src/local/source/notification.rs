//! What a file says of itself, as the message that Amazon S3 would send.
//!
//! The same shape as from a bucket, so that one decoder reads both. There is no `eTag`: telling it
//! would mean to read every file once more. The sequencer is made of the time of the last change
//! (which nobody can set back) and the inode, so that the same file is the same work after a
//! restart, and the same bytes put there again are new work.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::event::{BucketName, ETag, Key, Sequencer};

/// What S3 leaves as it is in a key; a space becomes `+`.
const IN_A_KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// An S3 event notification about one object that was put: `size` in bytes, `time` of the event.
pub fn notification(
    bucket: &BucketName,
    key: &Key,
    size: u64,
    etag: Option<&ETag>,
    sequencer: &Sequencer,
    time: Timestamp,
) -> String {
    let key = utf8_percent_encode(key.as_str(), IN_A_KEY)
        .to_string()
        .replace(' ', "+");
    let mut object = json!({ "key": key, "size": size, "sequencer": sequencer });
    if let (Some(etag), Some(fields)) = (etag, object.as_object_mut()) {
        fields.insert("eTag".to_owned(), json!(etag));
    }
    json!({
        "Records": [{
            "eventVersion": "2.4",
            "eventSource": "aws:s3",
            "awsRegion": "local",
            "eventTime": format!("{time:.3}"),
            "eventName": "ObjectCreated:Put",
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "s3-warden-local",
                "bucket": { "name": bucket, "arn": format!("arn:aws:s3:::{bucket}") },
                "object": object,
            },
        }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn object(key: &str, etag: Option<&str>) -> Value {
        let text = notification(
            &BucketName::new("inbox").unwrap(),
            &Key::new(key),
            12,
            etag.and_then(ETag::new).as_ref(),
            &Sequencer::new("00ab").unwrap(),
            "2026-08-22T10:00:00.1234Z".parse().unwrap(),
        );
        let message: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            message["Records"][0]["eventTime"],
            "2026-08-22T10:00:00.123Z"
        );
        assert_eq!(message["Records"][0]["s3"]["bucket"]["name"], "inbox");
        message["Records"][0]["s3"]["object"].clone()
    }

    #[test]
    fn keys_are_form_encoded() {
        let check = |key: &str, encoded: &str| assert_eq!(object(key, None)["key"], encoded);
        check("a b/c+d.png", "a+b/c%2Bd.png");
        check("ü/100%.png", "%C3%BC/100%25.png");
        check("신분증.jpg", "%EC%8B%A0%EB%B6%84%EC%A6%9D.jpg");
        check("q?a=b&c\"\n", "q%3Fa%3Db%26c%22%0A");
    }

    #[test]
    fn a_tag_is_there_only_when_known() {
        assert_eq!(object("k", None).get("eTag"), None);
        assert_eq!(object("k", Some("abc"))["eTag"], "abc");
        assert_eq!(object("k", None)["sequencer"], "00AB");
    }
}
