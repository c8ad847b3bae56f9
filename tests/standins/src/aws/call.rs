//! Which call of which service a request is.

use hyper::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::wire;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    /// By the target header, with the body.
    Sqs {
        operation: String,
        body: Value,
    },
    /// By the field `Action` of a form: SNS or STS.
    Query {
        action: String,
        form: Vec<(String, String)>,
    },
    S3(S3Call),
    /// A model, by its id.
    Bedrock {
        model: String,
    },
}

/// One call of S3.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct S3Call {
    /// Its name in the API, such as `GetObject`.
    pub(crate) operation: &'static str,
    pub(crate) bucket: String,
    /// Empty for calls on the bucket.
    pub(crate) key: String,
    pub(crate) version: Option<String>,
    /// What is copied from: bucket, key, version.
    pub(crate) source: Option<(String, String, Option<String>)>,
    pub(crate) query: Vec<(String, String)>,
}

impl Call {
    /// Reads a request.
    pub(crate) fn of<B: AsRef<[u8]>>(request: &Request<B>) -> Self {
        if let Some(target) = header(request, "x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target).to_owned();
            let body = serde_json::from_slice(request.body().as_ref()).unwrap_or(Value::Null);
            return Self::Sqs { operation, body };
        }
        let path = request.uri().path();
        if let Some((model, _)) = path
            .strip_prefix("/model/")
            .and_then(|rest| rest.rsplit_once('/'))
        {
            let model = decoded(model);
            return Self::Bedrock { model };
        }
        let is_form = header(request, "content-type")
            .is_some_and(|of| of.starts_with("application/x-www-form-urlencoded"));
        if request.method() == Method::POST && path == "/" && is_form {
            let form = wire::fields(&String::from_utf8_lossy(request.body().as_ref()));
            let action = wire::field(&form, "Action").unwrap_or("").to_owned();
            return Self::Query { action, form };
        }
        Self::S3(S3Call::of(request))
    }

    /// Its name with its service, such as `s3:GetObject`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Sqs { operation, .. } => format!("sqs:{operation}"),
            Self::Query { action, .. } if action == "GetCallerIdentity" => format!("sts:{action}"),
            Self::Query { action, .. } => format!("sns:{action}"),
            Self::S3(call) => format!("s3:{}", call.operation),
            Self::Bedrock { .. } => "bedrock:InvokeModel".to_owned(),
        }
    }
}

impl S3Call {
    fn of<B>(request: &Request<B>) -> Self {
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = wire::fields(request.uri().query().unwrap_or(""));
        let source = header(request, "x-amz-copy-source").map(source);
        let version = wire::field(&query, "versionId").map(str::to_owned);
        let (bucket, key) = (decoded(bucket), decoded(key));
        let has = |name: &str| wire::field(&query, name).is_some();
        let operation = match (request.method().as_str(), key.is_empty()) {
            (method, false) => object_operation(method, source.is_some(), &has),
            ("GET", true) if bucket.is_empty() => "ListBuckets",
            (method, true) => bucket_operation(method, &has),
        };
        Self {
            operation,
            bucket,
            key,
            version,
            source,
            query,
        }
    }
}

fn object_operation(method: &str, copies: bool, has: &dyn Fn(&str) -> bool) -> &'static str {
    match method {
        "GET" if has("tagging") => "GetObjectTagging",
        "PUT" if has("tagging") => "PutObjectTagging",
        "DELETE" if has("tagging") => "DeleteObjectTagging",
        "GET" if has("retention") => "GetObjectRetention",
        "GET" if has("legal-hold") => "GetObjectLegalHold",
        "GET" if has("attributes") => "GetObjectAttributes",
        "GET" if has("acl") => "GetObjectAcl",
        "GET" if has("uploadId") => "ListParts",
        "GET" => "GetObject",
        "HEAD" => "HeadObject",
        "POST" if has("uploads") => "CreateMultipartUpload",
        "POST" if has("uploadId") => "CompleteMultipartUpload",
        "DELETE" if has("uploadId") => "AbortMultipartUpload",
        "PUT" if has("partNumber") && copies => "UploadPartCopy",
        "PUT" if has("partNumber") => "UploadPart",
        "PUT" if copies => "CopyObject",
        "PUT" => "PutObject",
        "DELETE" => "DeleteObject",
        _ => "Unknown",
    }
}

fn bucket_operation(method: &str, has: &dyn Fn(&str) -> bool) -> &'static str {
    match method {
        "GET" if has("versioning") => "GetBucketVersioning",
        "PUT" if has("versioning") => "PutBucketVersioning",
        "GET" if has("location") => "GetBucketLocation",
        "GET" if has("notification") => "GetBucketNotificationConfiguration",
        "PUT" if has("notification") => "PutBucketNotificationConfiguration",
        "GET" if has("publicAccessBlock") => "GetPublicAccessBlock",
        "GET" if has("object-lock") => "GetObjectLockConfiguration",
        "GET" if has("encryption") => "GetBucketEncryption",
        "GET" if has("replication") => "GetBucketReplication",
        "GET" if has("lifecycle") => "GetBucketLifecycleConfiguration",
        "GET" if has("policy") => "GetBucketPolicy",
        "GET" if has("tagging") => "GetBucketTagging",
        "GET" if has("versions") => "ListObjectVersions",
        "GET" if has("uploads") => "ListMultipartUploads",
        "GET" => "ListObjectsV2",
        "HEAD" => "HeadBucket",
        "PUT" => "CreateBucket",
        "POST" if has("delete") => "DeleteObjects",
        "DELETE" => "DeleteBucket",
        _ => "Unknown",
    }
}

/// What a copy is made from: `bucket/key?versionId=...`, percent-encoded.
fn source(text: &str) -> (String, String, Option<String>) {
    let (path, version) = match text.split_once("?versionId=") {
        Some((path, version)) => (path, Some(decoded(version))),
        None => (text, None),
    };
    let path = path.trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (decoded(bucket), decoded(key), version)
}

/// A header, if it is text.
pub(crate) fn header<'a, B>(request: &'a Request<B>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
