//! S3 in memory: objects and their versions, conditions, tags and copies, addressed by path.

mod answers;
mod store;

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::{Buf as _, Bytes};
use hyper::{HeaderMap, Request};

pub use store::Versioning;
use store::{Refusal, Version};

use super::call::{S3Call, header};
use super::wire;
use crate::serve::Reply;

/// Every bucket.
#[derive(Debug, Default)]
pub(super) struct S3(Mutex<store::Buckets>);

impl S3 {
    pub(super) fn create(&self, bucket: &str, versioning: Versioning) {
        self.with(|buckets| buckets.create(bucket, versioning));
    }

    /// Puts an object and gives its `ETag`, without quotes, and its version.
    pub(super) fn put(&self, bucket: &str, key: &str, body: Bytes) -> Option<(String, String)> {
        self.with(|buckets| {
            let bucket = buckets.get(bucket).ok()?;
            let put = bucket.put(key, Version::new(body, SystemTime::now()));
            Some((put.etag.clone(), put.id.clone()))
        })
    }

    /// The bytes that are readable under a key, newest first: each version that is no marker.
    pub(super) fn versions(&self, bucket: &str, key: &str) -> Vec<Bytes> {
        self.with(|buckets| match buckets.get(bucket) {
            Ok(bucket) => bucket.bodies(key),
            Err(_) => Vec::new(),
        })
    }

    pub(super) fn keys(&self, bucket: &str) -> Vec<String> {
        self.with(|buckets| match buckets.get(bucket) {
            Ok(bucket) => bucket.current("").map(|(key, _)| key.clone()).collect(),
            Err(_) => Vec::new(),
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut store::Buckets) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn answer(&self, call: &S3Call, request: &Request<Bytes>) -> Reply {
        self.with(|buckets| {
            let answered = answer(buckets, call, request);
            answered.unwrap_or_else(|refusal| answers::refused(&refusal, call))
        })
    }
}

fn answer(
    buckets: &mut store::Buckets,
    call: &S3Call,
    request: &Request<Bytes>,
) -> Result<Reply, Refusal> {
    if call.operation == "CreateBucket" {
        buckets.create(&call.bucket, Versioning::Off);
        return Ok(answers::empty(200));
    }
    if call.operation == "CopyObject" {
        return copy(buckets, call, request);
    }
    let bucket = buckets.get(&call.bucket)?;
    let version = call.version.as_deref();
    match call.operation {
        "HeadBucket" => Ok(answers::empty(200)),
        "GetBucketLocation" => Ok(answers::location()),
        "GetBucketVersioning" => Ok(answers::versioning(bucket.versioning)),
        "PutBucketVersioning" => {
            let body = String::from_utf8_lossy(request.body());
            let enabled = wire::elements(&body, "Status") == ["Enabled"];
            bucket.versioning = match enabled {
                true => Versioning::Enabled,
                false => Versioning::Suspended,
            };
            Ok(answers::empty(200))
        }
        "GetPublicAccessBlock" => Ok(answers::access_block()),
        "GetObjectLockConfiguration" => Err(Refusal::new(
            404,
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
        )),
        "ListObjectsV2" => Ok(answers::listing(bucket, call)),
        "ListObjectVersions" => Ok(answers::version_listing(bucket, call)),
        "GetObject" | "HeadObject" => {
            let found = bucket.find(&call.key, version)?;
            found.matches(header(request, "if-match"))?;
            answers::object(found, bucket.versioning, header(request, "range"))
        }
        "PutObject" => {
            bucket.admit(&call.key, &conditions(request))?;
            let body = unchunked(request)?;
            let mut put = Version::new(body, SystemTime::now());
            put.describe(request.headers());
            let put = bucket.put(&call.key, put);
            Ok(answers::stored(put))
        }
        "DeleteObject" => {
            let gone = bucket.delete(&call.key, version, header(request, "if-match"))?;
            Ok(answers::deleted(&gone))
        }
        "GetObjectTagging" => Ok(answers::tags(bucket.find(&call.key, version)?)),
        "PutObjectTagging" => {
            let body = String::from_utf8_lossy(request.body());
            let names = wire::elements(&body, "Key");
            let tags = names.into_iter().zip(wire::elements(&body, "Value"));
            let tags: Vec<_> = tags.collect();
            if tags.len() > 10 {
                let message = "Object tags cannot be greater than 10";
                return Err(Refusal::new(400, "BadRequest", message));
            }
            bucket.find_mut(&call.key, version)?.tags = tags;
            Ok(answers::empty(200))
        }
        "DeleteObjectTagging" => {
            bucket.find_mut(&call.key, version)?.tags.clear();
            Ok(answers::empty(204))
        }
        _ => Err(Refusal::new(
            501,
            "NotImplemented",
            "the stand-in does not have this operation",
        )),
    }
}

fn copy(
    buckets: &mut store::Buckets,
    call: &S3Call,
    request: &Request<Bytes>,
) -> Result<Reply, Refusal> {
    let (from, key, version) = call.source.clone().unwrap_or_default();
    let found = buckets.get(&from)?.find(&key, version.as_deref())?.clone();
    found.matches(header(request, "x-amz-copy-source-if-match"))?;
    let mut made = Version::new(found.body.clone(), SystemTime::now());
    made.content_type.clone_from(&found.content_type);
    made.metadata.clone_from(&found.metadata);
    made.tags.clone_from(&found.tags);
    if header(request, "x-amz-metadata-directive") == Some("REPLACE") {
        made.metadata.clear();
        made.describe(request.headers());
    }
    if header(request, "x-amz-tagging-directive") == Some("REPLACE") {
        made.tags = wire::fields(header(request, "x-amz-tagging").unwrap_or(""));
    }
    let bucket = buckets.get(&call.bucket)?;
    bucket.admit(&call.key, &conditions(request))?;
    let put = bucket.put(&call.key, made);
    Ok(answers::copied(put, version.as_deref()))
}

/// The conditions of a write: `If-Match` and whether there must be nothing yet.
struct Conditions {
    matching: Option<String>,
    absent: bool,
}

fn conditions<B>(request: &Request<B>) -> Conditions {
    Conditions {
        matching: header(request, "if-match").map(str::to_owned),
        absent: header(request, "if-none-match") == Some("*"),
    }
}

/// The body without the framing in which clients send checksums behind it.
fn unchunked(request: &Request<Bytes>) -> Result<Bytes, Refusal> {
    let framed = |headers: &HeaderMap| {
        let of = |name| headers.get(name).and_then(|value| value.to_str().ok());
        of("content-encoding").is_some_and(|of| of.contains("aws-chunked"))
            || of("x-amz-content-sha256").is_some_and(|of| of.starts_with("STREAMING-"))
    };
    if !framed(request.headers()) {
        return Ok(request.body().clone());
    }
    let broken = || {
        Refusal::new(
            400,
            "IncompleteBody",
            "the chunks of the body do not add up",
        )
    };
    let mut rest = request.body().clone();
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n");
        let head = rest.split_to(end.ok_or_else(broken)?);
        rest.advance(2);
        let head = String::from_utf8_lossy(&head).into_owned();
        let size = head.split(';').next().unwrap_or("");
        let size = usize::from_str_radix(size, 16).map_err(|_| broken())?;
        if size == 0 {
            return Ok(body.into());
        }
        if rest.len() < size.saturating_add(2) {
            return Err(broken());
        }
        body.extend_from_slice(&rest.split_to(size));
        rest.advance(2);
    }
}
