//! The answers of S3, in headers and XML.

use std::fmt::Write as _;

use super::store::{Bucket, Gone, Refusal, Version, Versioning};
use crate::aws::call::S3Call;
use crate::aws::wire::{self, dates, escaped};
use crate::serve::{self, Reply, set_header, set_status};

const XML: &str = "application/xml";
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

pub(super) fn empty(status: u16) -> Reply {
    let mut reply = serve::reply(status, XML, "");
    reply.headers_mut().remove("content-type");
    reply
}

pub(super) fn refused(refusal: &Refusal, call: &S3Call) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message><Key>{}</Key><RequestId>stand-in</RequestId></Error>",
        refusal.code,
        refusal.message,
        escaped(&call.key)
    );
    let mut reply = serve::reply(refusal.status, XML, body);
    if let Some(marker) = &refusal.marker {
        set_header(&mut reply, "x-amz-delete-marker", "true");
        set_header(&mut reply, "x-amz-version-id", marker);
    }
    reply
}

pub(super) fn location() -> Reply {
    xml(format!("<LocationConstraint xmlns=\"{NAMESPACE}\"/>"))
}

pub(super) fn versioning(versioning: Versioning) -> Reply {
    let status = match versioning {
        Versioning::Off => "",
        Versioning::Enabled => "<Status>Enabled</Status>",
        Versioning::Suspended => "<Status>Suspended</Status>",
    };
    xml(format!(
        "<VersioningConfiguration xmlns=\"{NAMESPACE}\">{status}</VersioningConfiguration>"
    ))
}

/// The public access block of every new bucket: all of it on.
pub(super) fn access_block() -> Reply {
    let names = [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ];
    let on: String = names.map(|name| format!("<{name}>true</{name}>")).concat();
    xml(format!(
        "<PublicAccessBlockConfiguration xmlns=\"{NAMESPACE}\">{on}</PublicAccessBlockConfiguration>"
    ))
}

/// A whole object, or the range of it that is asked for.
pub(super) fn object(
    version: &Version,
    versioning: Versioning,
    range: Option<&str>,
) -> Result<Reply, Refusal> {
    let mut reply = serve::reply(200, "application/octet-stream", version.body.clone());
    if let Some((from, to)) = range.and_then(bounds) {
        let size = version.body.len();
        if from >= size {
            let message = "The requested range is not satisfiable";
            return Err(Refusal::new(416, "InvalidRange", message));
        }
        let to = to.min(size - 1);
        reply = serve::reply(
            206,
            "application/octet-stream",
            version.body.slice(from..=to),
        );
        set_status(&mut reply, 206);
        let range = format!("bytes {from}-{to}/{size}");
        set_header(&mut reply, "content-range", &range);
    }
    set_header(&mut reply, "content-type", &version.content_type);
    set_header(&mut reply, "etag", &format!("\"{}\"", version.etag));
    set_header(&mut reply, "last-modified", &dates(version.modified).0);
    set_header(&mut reply, "accept-ranges", "bytes");
    if versioning != Versioning::Off {
        set_header(&mut reply, "x-amz-version-id", &version.id);
    }
    if !version.tags.is_empty() {
        let count = version.tags.len().to_string();
        set_header(&mut reply, "x-amz-tagging-count", &count);
    }
    for (name, value) in &version.metadata {
        let name = hyper::header::HeaderName::from_bytes(name.as_bytes());
        let value = hyper::header::HeaderValue::from_str(value);
        if let (Ok(name), Ok(value)) = (name, value) {
            reply.headers_mut().insert(name, value);
        }
    }
    Ok(reply)
}

/// The first and last byte of `bytes=FIRST-LAST` or `bytes=FIRST-`.
fn bounds(range: &str) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let to = if to.is_empty() {
        usize::MAX
    } else {
        to.parse().ok()?
    };
    Some((from.parse().ok()?, to))
}

pub(super) fn stored(version: &Version) -> Reply {
    let mut reply = empty(200);
    set_header(&mut reply, "etag", &format!("\"{}\"", version.etag));
    if version.id != "null" {
        set_header(&mut reply, "x-amz-version-id", &version.id);
    }
    reply
}

pub(super) fn copied(version: &Version, source: Option<&str>) -> Reply {
    let mut reply = xml(format!(
        "<CopyObjectResult xmlns=\"{NAMESPACE}\"><ETag>&quot;{}&quot;</ETag><LastModified>{}</LastModified></CopyObjectResult>",
        version.etag,
        dates(version.modified).1
    ));
    if version.id != "null" {
        set_header(&mut reply, "x-amz-version-id", &version.id);
    }
    if let Some(source) = source {
        set_header(&mut reply, "x-amz-copy-source-version-id", source);
    }
    reply
}

pub(super) fn deleted(gone: &Gone) -> Reply {
    let mut reply = empty(204);
    if let Some(version) = &gone.version {
        set_header(&mut reply, "x-amz-version-id", version);
    }
    if gone.marker {
        set_header(&mut reply, "x-amz-delete-marker", "true");
    }
    reply
}

pub(super) fn tags(version: &Version) -> Reply {
    let mut set = String::new();
    for (key, value) in &version.tags {
        let (key, value) = (escaped(key), escaped(value));
        put(
            &mut set,
            format_args!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>"),
        );
    }
    xml(format!(
        "<Tagging xmlns=\"{NAMESPACE}\"><TagSet>{set}</TagSet></Tagging>"
    ))
}

pub(super) fn listing(bucket: &Bucket, call: &S3Call) -> Reply {
    let of = |name: &str| wire::field(&call.query, name).unwrap_or("");
    let prefix = of("prefix");
    let after = match of("continuation-token") {
        "" => of("start-after"),
        token => token,
    };
    let most = of("max-keys").parse().unwrap_or(1_000_usize).min(1_000);
    let (mut contents, mut groups) = (String::new(), Vec::new());
    let (mut count, mut last, mut more) = (0, String::new(), false);
    for (key, version) in bucket
        .current(prefix)
        .filter(|(key, _)| key.as_str() > after)
    {
        let group = group(key, prefix, of("delimiter"));
        if group
            .as_ref()
            .is_some_and(|group| groups.last() == Some(group))
        {
            last.clone_from(key);
            continue;
        }
        if count >= most {
            more = true;
            break;
        }
        count += 1;
        last.clone_from(key);
        match group {
            Some(group) => groups.push(group),
            None => entry(&mut contents, key, version),
        }
    }
    for group in &groups {
        let group = escaped(group);
        put(
            &mut contents,
            format_args!("<CommonPrefixes><Prefix>{group}</Prefix></CommonPrefixes>"),
        );
    }
    let next = match more {
        true => format!(
            "<NextContinuationToken>{}</NextContinuationToken>",
            escaped(&last)
        ),
        false => String::new(),
    };
    let (name, prefix) = (escaped(&call.bucket), escaped(prefix));
    xml(format!(
        "<ListBucketResult xmlns=\"{NAMESPACE}\"><Name>{name}</Name><Prefix>{prefix}</Prefix><KeyCount>{count}</KeyCount><MaxKeys>{most}</MaxKeys><IsTruncated>{more}</IsTruncated>{next}{contents}</ListBucketResult>"
    ))
}

/// The common prefix that a key falls under.
fn group(key: &str, prefix: &str, delimiter: &str) -> Option<String> {
    if delimiter.is_empty() {
        return None;
    }
    let (folder, _) = key.strip_prefix(prefix)?.split_once(delimiter)?;
    Some(format!("{prefix}{folder}{delimiter}"))
}

fn entry(out: &mut String, key: &str, version: &Version) {
    let (key, date) = (escaped(key), dates(version.modified).1);
    let (etag, size) = (&version.etag, version.body.len());
    put(
        out,
        format_args!(
            "<Contents><Key>{key}</Key><LastModified>{date}</LastModified><ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        ),
    );
}

/// Every version below a prefix, in one page.
pub(super) fn version_listing(bucket: &Bucket, call: &S3Call) -> Reply {
    let prefix = wire::field(&call.query, "prefix").unwrap_or("");
    let mut entries = String::new();
    for (key, all) in &bucket.objects {
        if !key.starts_with(prefix) {
            continue;
        }
        for (nth, version) in all.iter().rev().enumerate() {
            let element = if version.marker {
                "DeleteMarker"
            } else {
                "Version"
            };
            let (key, id, latest) = (escaped(key), &version.id, nth == 0);
            let (etag, size) = (&version.etag, version.body.len());
            let date = dates(version.modified).1;
            put(
                &mut entries,
                format_args!(
                    "<{element}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest><LastModified>{date}</LastModified><ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size></{element}>"
                ),
            );
        }
    }
    let name = escaped(&call.bucket);
    xml(format!(
        "<ListVersionsResult xmlns=\"{NAMESPACE}\"><Name>{name}</Name><IsTruncated>false</IsTruncated>{entries}</ListVersionsResult>"
    ))
}

fn xml(body: String) -> Reply {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    serve::reply(200, XML, format!("{head}{body}"))
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string takes any text");
}
