//! What a request asks for, as IAM names it, and how each service says no.

use bytes::Bytes;
use hyper::{Method, Request};
use s3_warden_standins::serve::{Reply, reply, set_header};
use serde_json::{Value, json};

use super::aws::Call;

/// What a request asks for, as IAM names it.
pub(super) fn call_of(request: &Request<Bytes>) -> Call {
    let (path, query) = (
        request.uri().path(),
        request.uri().query().unwrap_or_default(),
    );
    let body = String::from_utf8_lossy(request.body());
    let target = request
        .headers()
        .get("x-amz-target")
        .map(|it| it.to_str().unwrap());
    let call = |action: &str, about: &str| Call {
        action: action.to_owned(),
        about: about.to_owned(),
    };
    if let Some((service, operation)) = target.and_then(|it| it.split_once('.')) {
        let fields: Value = serde_json::from_str(&body).unwrap();
        let about = ["QueueUrl", "QueueName", "TargetArn", "Name"]
            .into_iter()
            .find_map(|name| fields[name].as_str())
            .unwrap_or_default();
        let prefix = match service {
            "AmazonSQS" => "sqs",
            "AWSEvents" => "events",
            _ => "servicequotas",
        };
        return call(&format!("{prefix}:{operation}"), last(about));
    }
    if let Some((_, rest)) = body.split_once("Action=") {
        let operation = rest.split('&').next().unwrap();
        let topic = body.split("TopicArn=").nth(1).unwrap_or_default();
        let topic = topic.split('&').next().unwrap().replace("%3A", ":");
        let service = if operation == "GetCallerIdentity" {
            "sts"
        } else {
            "sns"
        };
        return call(&format!("{service}:{operation}"), last(&topic));
    }
    if let Some(id) = path.strip_prefix("/inference-profiles/") {
        return call("bedrock:GetInferenceProfile", &id.replace("%3A", ":"));
    }
    if path == "/logging/modelinvocations" {
        return call("bedrock:GetModelInvocationLoggingConfiguration", "");
    }
    let path = path.trim_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    let has = |name: &str| {
        query
            .split('&')
            .any(|it| it == name || it.starts_with(&format!("{name}=")))
    };
    let about_bucket = [
        ("versioning", "s3:GetBucketVersioning"),
        ("notification", "s3:GetBucketNotification"),
        ("object-lock", "s3:GetBucketObjectLockConfiguration"),
        ("publicAccessBlock", "s3:GetBucketPublicAccessBlock"),
        ("policyStatus", "s3:GetBucketPolicyStatus"),
        ("encryption", "s3:GetEncryptionConfiguration"),
        ("lifecycle", "s3:GetLifecycleConfiguration"),
        ("versions", "s3:ListBucketVersions"),
    ];
    if key.is_empty() {
        if let Some((_, action)) = about_bucket.iter().find(|(name, _)| has(name)) {
            return call(action, bucket);
        }
        let about = if has("list-type") {
            format!("{bucket}?list")
        } else {
            bucket.to_owned()
        };
        return call("s3:ListBucket", &about);
    }
    if has("tagging") {
        return call("s3:GetObjectTagging", bucket);
    }
    // Trials among the records lie under a prefix of their own.
    let probe = format!("{bucket}/probe");
    let about = if key.starts_with("probe/") {
        &probe
    } else {
        bucket
    };
    let version = if has("versionId") { "Version" } else { "" };
    match *request.method() {
        Method::PUT => call("s3:PutObject", about),
        Method::DELETE => call(&format!("s3:DeleteObject{version}"), about),
        _ if key.starts_with("control/") => call("s3:GetObject", path),
        _ => call(&format!("s3:GetObject{version}"), bucket),
    }
}

fn last(text: &str) -> &str {
    text.rsplit(['/', ':']).next().unwrap()
}

/// A refusal in the words of the service.
pub(super) fn refused(request: &Request<Bytes>, call: &Call, status: u16, code: &str) -> Reply {
    let (service, _) = call.action.split_once(':').unwrap();
    // A denial by a key says so only in its words.
    let (code, message) = match code {
        "KmsDenied" => (
            "AccessDenied",
            "User: x is not authorized to perform: kms:Decrypt",
        ),
        code => (code, "why"),
    };
    let body = match service {
        _ if request.method() == Method::HEAD => String::new(),
        "s3" => format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        "sns" | "sts" => format!(
            "<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>\
             </ErrorResponse>"
        ),
        _ => json!({"__type": code, "message": message}).to_string(),
    };
    let mut reply = reply(status, "text/plain", body);
    if service == "bedrock" {
        set_header(&mut reply, "x-amzn-errortype", code);
    }
    reply
}
