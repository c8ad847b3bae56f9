//! What lies in buckets: uploads with what is to become of them, and the inventory that tells
//! whether exactly that has become of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::ground::Ground;
use super::until::until;

/// What is to become of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is removed for good, and people are told.
    Removed,
    /// It stays, and people are told.
    Told,
    /// It stays, and nobody is told.
    Left,
}

/// One version of an object that was uploaded.
#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// `null` where the bucket keeps no versions.
    pub(crate) version: String,
    pub(crate) etag: String,
    pub(crate) fate: Fate,
}

/// A version as the bucket lists it: bucket, key, version id, `ETag` (of a delete marker, none).
pub(crate) type Listed = (String, String, String, Option<String>);

/// A passport; every variant is another file.
pub(crate) fn passport(variant: u32) -> Value {
    picture("passport", variant)
}

/// A picture of nobody.
pub(crate) fn clean(variant: u32) -> Value {
    picture("clean", variant)
}

/// A picture of a kind of the picture language, in a size that is judged quickly.
pub(crate) fn picture(kind: &str, variant: u32) -> Value {
    json!({"$png": {"kind": kind, "variant": variant, "width": 120, "height": 90}})
}

impl Ground {
    /// Uploads an object.
    pub(crate) async fn put(&self, bucket: &str, key: &str, body: Value, fate: Fate) -> Put {
        let with = json!({"Bucket": bucket, "Key": key, "Body": body});
        self.put_with(with, fate).await
    }

    /// Uploads an object with whatever else PUT takes.
    pub(crate) async fn put_with(&self, with: Value, fate: Fate) -> Put {
        let made = self.client.s3("put_object", with.clone()).await;
        put(&with, &made, &made["ETag"], fate)
    }

    /// Copies an object.
    pub(crate) async fn copy(&self, from: &Put, bucket: &str, key: &str, fate: Fate) -> Put {
        let source = json!({"Bucket": from.bucket, "Key": from.key, "VersionId": from.version});
        let source = match from.version.as_str() {
            "null" => json!({"Bucket": from.bucket, "Key": from.key}),
            _ => source,
        };
        let with = json!({"Bucket": bucket, "Key": key, "CopySource": source});
        let made = self.client.s3("copy_object", with.clone()).await;
        put(&with, &made, &made["CopyObjectResult"]["ETag"], fate)
    }

    /// Uploads an object in parts, as clients do with what is large.
    pub(crate) async fn upload(&self, bucket: &str, key: &str, body: Value, fate: Fate) -> Put {
        let with = json!({"Bucket": bucket, "Key": key, "Body": body});
        let made = self.client.s3("upload", with.clone()).await;
        let etag = made["ETag"].as_str().unwrap();
        assert!(etag.contains('-'), "{etag} is not of several parts");
        put(&with, &made, &made["ETag"], fate)
    }

    /// Deletes as users do: where there are versions, by a marker on top, which comes back.
    pub(crate) async fn delete(&self, put: &Put) -> Listed {
        let which = json!({"Bucket": put.bucket, "Key": put.key});
        let deleted = self.client.s3("delete_object", which).await;
        put.marker(deleted["VersionId"].as_str().unwrap_or("null"))
    }

    /// Everything in all guarded buckets: versions, and delete markers.
    pub(crate) async fn inventory(&self) -> BTreeSet<Listed> {
        let mut all = BTreeSet::new();
        for bucket in &self.buckets {
            all.extend(self.versions(bucket).await);
        }
        all
    }

    /// Everything in one bucket.
    pub(crate) async fn versions(&self, bucket: &str) -> Vec<Listed> {
        let question = json!({"Bucket": bucket});
        let answer = self.client.s3("list_object_versions", question).await;
        assert_ne!(answer["IsTruncated"], true, "too many for one page");
        let listed = |kind: &str| {
            let some = answer[kind].as_array().cloned().unwrap_or_default();
            some.into_iter().map(|version| {
                (
                    bucket.to_owned(),
                    version["Key"].as_str().unwrap().to_owned(),
                    version["VersionId"].as_str().unwrap_or("null").to_owned(),
                    version["ETag"].as_str().map(str::to_owned),
                )
            })
        };
        listed("Versions").chain(listed("DeleteMarkers")).collect()
    }

    /// Whether an upload can still be read.
    pub(crate) async fn has(&self, put: &Put) -> bool {
        let listed = self.versions(&put.bucket).await;
        listed.contains(&put.listed())
    }

    /// Waits until an upload is gone.
    pub(crate) async fn gone(&self, put: &Put) {
        until(&format!("{} is removed", put.key), async || {
            match self.has(put).await {
                true => Err("it is still there".to_owned()),
                false => Ok(()),
            }
        })
        .await;
    }

    /// The tags of an upload, as `key=value` in order.
    pub(crate) async fn tags(&self, put: &Put) -> Vec<String> {
        let mut which = json!({"Bucket": put.bucket, "Key": put.key});
        if put.version != "null" {
            which["VersionId"] = put.version.clone().into();
        }
        let answer = self.client.s3("get_object_tagging", which).await;
        let tags = answer["TagSet"].as_array().into_iter().flatten();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let mut tags: Vec<_> = tags
            .map(|tag| format!("{}={}", word(&tag["Key"]), word(&tag["Value"])))
            .collect();
        tags.sort();
        tags
    }
}

impl Put {
    /// As the bucket lists it.
    pub(crate) fn listed(&self) -> Listed {
        (
            self.bucket.clone(),
            self.key.clone(),
            self.version.clone(),
            Some(self.etag.clone()),
        )
    }

    /// A delete marker over it, as the bucket lists it.
    pub(crate) fn marker(&self, version: &str) -> Listed {
        let (bucket, key, ..) = self.listed();
        (bucket, key, version.to_owned(), None)
    }

    /// Whether a finding is about this very upload.
    pub(crate) fn is_subject_of(&self, finding: &Value) -> bool {
        let subject = &finding["subject"];
        let pin = &subject["object"]["pin"];
        let version = pin["version"].as_str().unwrap_or("null");
        let etag = pin["etag"].as_str().unwrap_or_default();
        subject["bucket"] == self.bucket.as_str()
            && subject["key"] == self.key.as_str()
            && (version == self.version || self.version == "null")
            && etag.trim_matches('"') == self.etag.trim_matches('"')
    }
}

fn put(with: &Value, made: &Value, etag: &Value, fate: Fate) -> Put {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Put {
        bucket: text(&with["Bucket"]),
        key: text(&with["Key"]),
        version: made["VersionId"].as_str().unwrap_or("null").to_owned(),
        etag: text(etag),
        fate,
    }
}
