//! What a quarantined copy carries of its origin.
//!
//! The finding knows bucket, key and version anyway; the copy tells them too, so that it can be put
//! back without the records. The owner's metadata and tags stay with the copy, where only those who
//! may read the quarantine see them: they may name people, and records must not.

use std::collections::HashMap;

use aws_sdk_s3::operation::copy_object::builders::CopyObjectFluentBuilder;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::MetadataDirective;

use super::copy_source::encoded;
use crate::object::ObjectRef;

/// What we add to the owner's metadata.
const OURS: [&str; 4] = [
    "s3-warden-bucket",
    "s3-warden-key",
    "s3-warden-version",
    "s3-warden-etag",
];

/// User metadata of one object, in bytes of all names and values ("Working with object metadata",
/// Amazon S3 User Guide).
const MOST: usize = 2 * 1024;

/// The owner's metadata and ours; `None` when not both fit, or the owner's cannot be said again.
fn metadata(head: &HeadObjectOutput, object: &ObjectRef) -> Option<HashMap<String, String>> {
    if head.missing_meta().unwrap_or(0) > 0 {
        return None;
    }
    let mut all = head.metadata().cloned().unwrap_or_default();
    let sayable = |text: &String| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if !all.values().all(sayable) {
        return None;
    }
    let version = object.pin.version.as_ref();
    let values = [
        object.bucket.as_str().to_owned(),
        encoded(object.key.as_str()),
        version
            .map_or("null", |version| version.as_str())
            .to_owned(),
        object.pin.etag.as_str().to_owned(),
    ];
    for (name, value) in OURS.into_iter().zip(values) {
        all.insert(name.to_owned(), value);
    }
    let size: usize = all
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    (size <= MOST).then_some(all)
}

/// Has the copy carry both where that goes, else what the owner said, unchanged.
pub(super) fn carry(
    copy: CopyObjectFluentBuilder,
    head: &HeadObjectOutput,
    object: &ObjectRef,
) -> CopyObjectFluentBuilder {
    let Some(metadata) = metadata(head, object) else {
        return copy.metadata_directive(MetadataDirective::Copy);
    };
    replace(copy, head, metadata)
}

/// Has the object that is put back carry what the owner said, and nothing of ours.
pub(super) fn give_back(
    copy: CopyObjectFluentBuilder,
    head: &HeadObjectOutput,
) -> CopyObjectFluentBuilder {
    let mut metadata = head.metadata().cloned().unwrap_or_default();
    let before = metadata.len();
    metadata.retain(|name, _| !OURS.contains(&name.as_str()));
    if metadata.len() == before {
        // None of ours fitted beside the owner's: the copy says what the original said.
        return copy.metadata_directive(MetadataDirective::Copy);
    }
    replace(copy, head, metadata)
}

fn replace(
    copy: CopyObjectFluentBuilder,
    head: &HeadObjectOutput,
    metadata: HashMap<String, String>,
) -> CopyObjectFluentBuilder {
    let said = |text: Option<&str>| text.map(str::to_owned);
    copy.metadata_directive(MetadataDirective::Replace)
        .set_metadata(Some(metadata))
        .set_content_type(said(head.content_type()))
        .set_content_encoding(said(head.content_encoding()))
        .set_content_language(said(head.content_language()))
        .set_content_disposition(said(head.content_disposition()))
        .set_cache_control(said(head.cache_control()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BucketName, ETag, Key, ObjectPin};

    fn object(key: &str) -> ObjectRef {
        ObjectRef {
            bucket: BucketName::new("inbox").unwrap(),
            key: Key::new(key),
            pin: ObjectPin {
                version: None,
                etag: ETag::new("abc").unwrap(),
            },
        }
    }

    #[test]
    fn the_origin_is_said_in_ascii_beside_what_the_owner_said() {
        let head = HeadObjectOutput::builder().metadata("team", "hr").build();
        let all = metadata(&head, &object("여권/a b")).unwrap();
        assert_eq!(all["team"], "hr");
        assert_eq!(all["s3-warden-bucket"], "inbox");
        assert_eq!(all["s3-warden-key"], "%EC%97%AC%EA%B6%8C/a%20b");
        assert_eq!(all["s3-warden-version"], "null");
        assert_eq!(all["s3-warden-etag"], "abc");
    }

    #[test]
    fn what_the_owner_said_is_never_changed_for_ours() {
        let long = "x".repeat(2_000);
        let full = HeadObjectOutput::builder().metadata("note", long).build();
        assert_eq!(metadata(&full, &object("k")), None);
        let odd = HeadObjectOutput::builder().metadata("note", "é").build();
        assert_eq!(metadata(&odd, &object("k")), None);
        let unsaid = HeadObjectOutput::builder().missing_meta(1).build();
        assert_eq!(metadata(&unsaid, &object("k")), None);
        let empty = HeadObjectOutput::builder().build();
        assert_eq!(metadata(&empty, &object(&"여".repeat(340))), None);
        assert!(metadata(&empty, &object("k")).is_some());
    }
}
