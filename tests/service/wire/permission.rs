//! From a call to the permissions that AWS asks for it.
//!
//! The names are those of the Service Authorization Reference. A call may need more than one: a
//! delete on condition of an `ETag` also needs to read (Amazon S3 User Guide, "How to perform
//! conditional deletes"), a copy reads in one place and writes in another.

use bytes::Bytes;
use hyper::{Method, Request};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::ground::{ACCOUNT, REGION};

/// One action on one resource, as policies name them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Permission {
    pub(crate) action: String,
    pub(crate) resource: String,
}

fn permission(action: impl Into<String>, resource: impl Into<String>) -> Permission {
    Permission {
        action: action.into(),
        resource: resource.into(),
    }
}

/// What a call needs.
///
/// # Panics
/// For a call that is not known here: it must not pass unnoticed.
pub(super) fn needed(request: &Request<Bytes>) -> Vec<Permission> {
    if let Some(target) = header(request, "x-amz-target") {
        return vec![of_sqs(target, request.body())];
    }
    if request.method() == Method::POST && request.uri().path() == "/" {
        return vec![of_form(request.body())];
    }
    let path = request.uri().path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    match decoded(key).as_str() {
        "" => vec![of_bucket(request, bucket)],
        key => of_object(request, &format!("arn:aws:s3:::{bucket}/{key}")),
    }
}

fn of_sqs(target: &str, body: &[u8]) -> Permission {
    let call = target.trim_start_matches("AmazonSQS.");
    let action = match call {
        "DeleteMessageBatch" => "DeleteMessage",
        "ChangeMessageVisibilityBatch" => "ChangeMessageVisibility",
        "SendMessageBatch" => "SendMessage",
        other => other,
    };
    let body: Value = serde_json::from_slice(body).expect("a request to SQS is JSON");
    let url = body["QueueUrl"].as_str().or(body["QueueName"].as_str());
    let name = url.and_then(|url| url.rsplit('/').next());
    let name = name.unwrap_or_else(|| panic!("{call} names no queue"));
    permission(
        format!("sqs:{action}"),
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"),
    )
}

/// SNS and STS send forms.
fn of_form(body: &[u8]) -> Permission {
    let body = String::from_utf8_lossy(body);
    let field = |name: &str| {
        let mut fields = body.split('&').filter_map(|field| field.split_once('='));
        fields.find_map(|(found, value)| (found == name).then(|| decoded(value)))
    };
    let action = field("Action").expect("a form has an action");
    match field("TopicArn") {
        Some(topic) => {
            let action = action.trim_end_matches("Batch");
            permission(format!("sns:{action}"), topic)
        }
        None => permission(format!("sts:{action}"), "*"),
    }
}

fn of_bucket(request: &Request<Bytes>, bucket: &str) -> Permission {
    let arn = format!("arn:aws:s3:::{bucket}");
    let action = match (request.method(), subresource(request)) {
        (&Method::GET, "versioning") => "s3:GetBucketVersioning",
        (&Method::GET, "versions") => "s3:ListBucketVersions",
        (&Method::GET, "publicAccessBlock") => "s3:GetBucketPublicAccessBlock",
        (&Method::GET, "policyStatus") => "s3:GetBucketPolicyStatus",
        (&Method::GET, "acl") => "s3:GetBucketAcl",
        (&Method::GET, "object-lock") => "s3:GetBucketObjectLockConfiguration",
        (&Method::GET | &Method::HEAD, "" | "list-type") => "s3:ListBucket",
        (method, other) => panic!("{method} ?{other} on a bucket: which permission is that?"),
    };
    permission(action, arn)
}

fn of_object(request: &Request<Bytes>, arn: &str) -> Vec<Permission> {
    let versioned = query(request, "versionId").is_some();
    let conditional = header(request, "if-match").is_some();
    let of = |plain: &str, of_version: &str| match versioned {
        true => permission(format!("s3:{of_version}"), arn),
        false => permission(format!("s3:{plain}"), arn),
    };
    let read = || permission("s3:GetObject", arn);
    let mut needed = Vec::new();
    match (request.method(), subresource(request)) {
        (&Method::GET | &Method::HEAD, "") => needed.push(of("GetObject", "GetObjectVersion")),
        (&Method::GET, "tagging") => {
            needed.push(of("GetObjectTagging", "GetObjectVersionTagging"));
        }
        (&Method::GET, "acl") => needed.push(of("GetObjectAcl", "GetObjectVersionAcl")),
        (&Method::PUT, "tagging") => {
            needed.push(of("PutObjectTagging", "PutObjectVersionTagging"));
        }
        (&Method::PUT, "") => {
            needed.push(permission("s3:PutObject", arn));
            if conditional {
                needed.push(read());
            }
            needed.extend(of_copy(request, arn));
        }
        (&Method::DELETE, "") => {
            needed.push(of("DeleteObject", "DeleteObjectVersion"));
            if conditional {
                needed.push(read());
            }
            if header(request, "x-amz-bypass-governance-retention").is_some() {
                needed.push(permission("s3:BypassGovernanceRetention", arn));
            }
        }
        (method, other) => panic!("{method} ?{other} on an object: which permission is that?"),
    }
    needed
}

/// What a PUT needs when it copies, or carries tags.
fn of_copy(request: &Request<Bytes>, arn: &str) -> Vec<Permission> {
    let tags = header(request, "x-amz-tagging").is_some();
    let mut needed = Vec::new();
    let Some(source) = header(request, "x-amz-copy-source") else {
        needed.extend(tags.then(|| permission("s3:PutObjectTagging", arn)));
        return needed;
    };
    let (source, version) = match source.split_once("?versionId=") {
        Some((source, _)) => (source, "Version"),
        None => (source, ""),
    };
    let source = format!("arn:aws:s3:::{}", decoded(source.trim_start_matches('/')));
    needed.push(permission(format!("s3:GetObject{version}"), &source));
    let replaces = header(request, "x-amz-tagging-directive") == Some("REPLACE");
    if !replaces {
        needed.push(permission(format!("s3:GetObject{version}Tagging"), &source));
    }
    if tags || !replaces {
        needed.push(permission("s3:PutObjectTagging", arn));
    }
    needed
}

/// The part of a bucket or object that is meant: the first name of the query that AWS gives a
/// meaning of its own.
fn subresource(request: &Request<Bytes>) -> &str {
    const PLAIN: [&str; 8] = [
        "x-id",
        "versionId",
        "prefix",
        "delimiter",
        "max-keys",
        "start-after",
        "continuation-token",
        "encoding-type",
    ];
    let mut names = names(request).map(|(name, _)| name);
    names.find(|name| !PLAIN.contains(name)).unwrap_or_default()
}

fn query<'a>(request: &'a Request<Bytes>, wanted: &str) -> Option<&'a str> {
    names(request).find_map(|(name, value)| (name == wanted).then_some(value))
}

fn names(request: &Request<Bytes>) -> impl Iterator<Item = (&str, &str)> {
    let query = request.uri().query().unwrap_or_default();
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, "")))
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[test]
fn calls_need_what_the_reference_says() {
    let check = |method: &str, uri: &str, headers: &[(&str, &str)], wanted: &[&str]| {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let needed = needed(&request.body(Bytes::new()).unwrap());
        let needed: Vec<_> = needed
            .iter()
            .map(|p| format!("{} {}", p.action, p.resource))
            .collect();
        assert_eq!(needed, wanted, "{method} {uri}");
    };
    check("HEAD", "/b", &[], &["s3:ListBucket arn:aws:s3:::b"]);
    check(
        "GET",
        "/b?list-type=2&prefix=x",
        &[],
        &["s3:ListBucket arn:aws:s3:::b"],
    );
    check(
        "GET",
        "/b/a%20k?versionId=v&x-id=GetObject",
        &[],
        &["s3:GetObjectVersion arn:aws:s3:::b/a k"],
    );
    check(
        "DELETE",
        "/b/k?x-id=DeleteObject",
        &[("if-match", "e")],
        &[
            "s3:DeleteObject arn:aws:s3:::b/k",
            "s3:GetObject arn:aws:s3:::b/k",
        ],
    );
    check(
        "PUT",
        "/q/f?x-id=CopyObject",
        &[
            ("x-amz-copy-source", "b/k?versionId=v"),
            ("x-amz-tagging-directive", "REPLACE"),
        ],
        &[
            "s3:PutObject arn:aws:s3:::q/f",
            "s3:GetObjectVersion arn:aws:s3:::b/k",
        ],
    );
    check(
        "GET",
        "/b?publicAccessBlock",
        &[],
        &["s3:GetBucketPublicAccessBlock arn:aws:s3:::b"],
    );
    check(
        "GET",
        "/b/k?acl&versionId=v",
        &[],
        &["s3:GetObjectVersionAcl arn:aws:s3:::b/k"],
    );
    check(
        "PUT",
        "/b/k?tagging&versionId=v",
        &[],
        &["s3:PutObjectVersionTagging arn:aws:s3:::b/k"],
    );
}
