//! Buckets, and the versions that they hold.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::SystemTime;

use bytes::Bytes;
use hyper::HeaderMap;
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::Conditions;
use crate::aws::wire;

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Versioning {
    /// It never did.
    #[default]
    Off,
    /// Each write makes a version.
    Enabled,
    /// It did; each write now replaces the version `null`.
    Suspended,
}

/// An error of S3.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    /// The version of the delete marker that was met.
    pub(super) marker: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &'static str, message: &'static str) -> Self {
        Self {
            status,
            code,
            message,
            marker: None,
        }
    }

    fn missing() -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.")
    }

    fn precondition() -> Self {
        Self::new(
            412,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
    }
}

/// One version of an object, or a delete marker.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// `null` where the bucket keeps no versions.
    pub(super) id: String,
    pub(super) etag: String,
    pub(super) body: Bytes,
    pub(super) content_type: String,
    /// The headers `x-amz-meta-*`.
    pub(super) metadata: Vec<(String, String)>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) marker: bool,
    pub(super) modified: SystemTime,
}

impl Version {
    pub(super) fn new(body: Bytes, modified: SystemTime) -> Self {
        Self {
            id: String::new(),
            etag: hex::encode(Md5::digest(&body)),
            body,
            content_type: "application/octet-stream".to_owned(),
            metadata: Vec::new(),
            tags: Vec::new(),
            marker: false,
            modified,
        }
    }

    /// Takes type, metadata and tags from the headers of a write.
    pub(super) fn describe(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            let (name, Ok(value)) = (name.as_str(), value.to_str()) else {
                continue;
            };
            match name {
                "content-type" => value.clone_into(&mut self.content_type),
                "x-amz-tagging" => self.tags = wire::fields(value),
                _ if name.starts_with("x-amz-meta-") => {
                    self.metadata.push((name.to_owned(), value.to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Holds an `If-Match` against this version.
    pub(super) fn matches(&self, etag: Option<&str>) -> Result<(), Refusal> {
        match etag {
            Some("*") | None => Ok(()),
            Some(etag) if etag.trim_matches('"') == self.etag => Ok(()),
            Some(_) => Err(Refusal::precondition()),
        }
    }
}

/// One bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    pub(super) versioning: Versioning,
    /// The versions of each key, newest last; a key without any is not there.
    pub(super) objects: BTreeMap<String, Vec<Version>>,
    made: u64,
}

/// What a delete has done.
#[derive(Debug, Default)]
pub(super) struct Gone {
    /// The version that is gone, or that was made as a marker.
    pub(super) version: Option<String>,
    /// Whether that is a delete marker.
    pub(super) marker: bool,
}

impl Bucket {
    /// The version that is asked for, or the current one.
    pub(super) fn find(&self, key: &str, version: Option<&str>) -> Result<&Version, Refusal> {
        let all = self.objects.get(key).map_or(&[][..], Vec::as_slice);
        let Some(version) = version else {
            let current = all.last().ok_or_else(Refusal::missing)?;
            if current.marker {
                let mut refusal = Refusal::missing();
                refusal.marker = Some(current.id.clone());
                return Err(refusal);
            }
            return Ok(current);
        };
        let found = all.iter().find(|of| of.id == version).ok_or_else(|| {
            Refusal::new(
                404,
                "NoSuchVersion",
                "The specified version does not exist.",
            )
        })?;
        if found.marker {
            let mut refusal = Refusal::new(
                405,
                "MethodNotAllowed",
                "The specified method is not allowed against this resource.",
            );
            refusal.marker = Some(found.id.clone());
            return Err(refusal);
        }
        Ok(found)
    }

    /// As [`Bucket::find`].
    pub(super) fn find_mut(
        &mut self,
        key: &str,
        version: Option<&str>,
    ) -> Result<&mut Version, Refusal> {
        let id = self.find(key, version)?.id.clone();
        let all = self.objects.get_mut(key).into_iter().flatten();
        let mut found = all.filter(|of| of.id == id);
        found.next().ok_or_else(Refusal::missing)
    }

    /// Holds the conditions of a write against what is there.
    pub(super) fn admit(&self, key: &str, conditions: &Conditions) -> Result<(), Refusal> {
        let current = self.find(key, None);
        if conditions.absent && current.is_ok() {
            return Err(Refusal::precondition());
        }
        match &conditions.matching {
            Some(etag) => current?.matches(Some(etag)),
            None => Ok(()),
        }
    }

    /// Makes a version the current one.
    pub(super) fn put(&mut self, key: &str, mut version: Version) -> &Version {
        version.id = self.next_id();
        let all = self.objects.entry(key.to_owned()).or_default();
        all.retain(|of| of.id != version.id);
        all.push(version);
        all.last().expect("a version was just put there")
    }

    fn next_id(&mut self) -> String {
        if self.versioning != Versioning::Enabled {
            return "null".to_owned();
        }
        self.made += 1;
        format!("v{:031}", self.made)
    }

    /// Deletes a version for good, or, where versions are kept, lays a marker on top.
    pub(super) fn delete(
        &mut self,
        key: &str,
        version: Option<&str>,
        etag: Option<&str>,
    ) -> Result<Gone, Refusal> {
        if etag.is_some() {
            // The condition looks at the current version only, whichever is to be deleted.
            self.find(key, None)?.matches(etag)?;
        }
        let Some(version) = version else {
            if self.versioning == Versioning::Off {
                self.objects.remove(key);
                return Ok(Gone::default());
            }
            let mut marker = Version::new(Bytes::new(), SystemTime::now());
            marker.marker = true;
            let id = self.put(key, marker).id.clone();
            return Ok(Gone {
                version: Some(id),
                marker: true,
            });
        };
        let all = self.objects.entry(key.to_owned()).or_default();
        let marker = all.iter().any(|of| of.id == version && of.marker);
        all.retain(|of| of.id != version);
        if all.is_empty() {
            self.objects.remove(key);
        }
        Ok(Gone {
            version: Some(version.to_owned()),
            marker,
        })
    }

    /// The objects that a listing shows, in order of their keys.
    pub(super) fn current<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a String, &'a Version)> {
        let bounds = (Bound::Included(prefix), Bound::Unbounded);
        let from = self.objects.range::<str, _>(bounds);
        let under = from.take_while(move |(key, _)| key.starts_with(prefix));
        under.filter_map(|(key, all)| {
            let current = all.last().filter(|version| !version.marker)?;
            Some((key, current))
        })
    }

    pub(super) fn bodies(&self, key: &str) -> Vec<Bytes> {
        let all = self.objects.get(key).into_iter().flatten().rev();
        let bodies = all.filter(|version| !version.marker);
        bodies.map(|version| version.body.clone()).collect()
    }
}

/// Buckets by their names.
#[derive(Debug, Default)]
pub(super) struct Buckets(BTreeMap<String, Bucket>);

impl Buckets {
    pub(super) fn create(&mut self, name: &str, versioning: Versioning) {
        let bucket = self.0.entry(name.to_owned()).or_default();
        bucket.versioning = versioning;
    }

    pub(super) fn get(&mut self, name: &str) -> Result<&mut Bucket, Refusal> {
        self.0
            .get_mut(name)
            .ok_or_else(|| Refusal::new(404, "NoSuchBucket", "The specified bucket does not exist"))
    }
}
