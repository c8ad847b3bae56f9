//! What people have allowed: the port to their decisions.
//!
//! A decision is about one key of one bucket and about exact bytes. Other bytes under the key, and
//! the same bytes elsewhere, are judged as ever. It lies where one read finds it, so that asking for
//! it costs one request, and is asked only of what would not be let pass anyway.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::LedgerError;
use crate::event::{BucketName, FindingId, Key};

/// The version of the stored form of a decision. Readers take any version up to theirs.
pub const ALLOWANCE_VERSION: u32 = 1;

/// Exact bytes under one key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Content {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: Key,
    /// SHA-256 of the bytes, in lowercase hexadecimal.
    pub sha256: String,
}

impl Content {
    /// The name under which a decision about it lies: SHA-256 over bucket, key and hash, each
    /// followed by a zero byte but the last. No name of a bucket and no hash holds such a byte, so
    /// that no two contents have one name.
    ///
    /// ```
    /// use s3_warden::event::{BucketName, Key};
    /// use s3_warden::record::Content;
    ///
    /// let content = |key| Content {
    ///     bucket: BucketName::new("inbox").unwrap(),
    ///     key: Key::new(key),
    ///     sha256: "00".repeat(32),
    /// };
    /// assert_eq!(content("a").digest().len(), 64);
    /// assert_ne!(content("a").digest(), content("b").digest());
    /// ```
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.bucket.as_str());
        hash.update([0]);
        hash.update(self.key.as_str());
        hash.update([0]);
        hash.update(&self.sha256);
        hex::encode(hash.finalize())
    }
}

/// A person's decision that exact bytes may lie under a key, whatever a judge thinks of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// [`ALLOWANCE_VERSION`] of the writer.
    pub schema_version: u32,
    /// What is allowed.
    #[serde(flatten)]
    pub content: Content,
    /// The finding that it was decided on.
    pub finding: FindingId,
    /// Who decided, as they say.
    pub by: String,
    /// Whose credentials were used: the ARN that AWS tells. Absent where no account is asked.
    pub caller: Option<String>,
    /// Why, in their words.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// The decisions of people.
///
/// # Contract
/// - `allow` is durable on `Ok` and may be repeated. The first decision about a content stays: the
///   answer is the one that stands, so that who decided first is never written over.
/// - Of calls at the same moment, one stands and all answer with it.
/// - `find` answers exactly what was allowed; what cannot be read is an error, never "not allowed".
/// - `revoke` ends the decision and answers it, or `None` where none stood; of calls at the same
///   moment, one or more answer it. A `find` that begins after its `Ok` answers `None`, until
///   somebody allows it anew. What cannot be read is not ended.
#[async_trait]
pub trait Allowances: Send + Sync + std::fmt::Debug {
    /// Remembers a decision, and answers the one that stands.
    async fn allow(&self, allowance: &Allowance) -> Result<Allowance, LedgerError>;

    /// The decision about a content, if there is one.
    async fn find(&self, content: &Content) -> Result<Option<Allowance>, LedgerError>;

    /// Ends the decision about a content, and answers what it was.
    async fn revoke(&self, content: &Content) -> Result<Option<Allowance>, LedgerError>;
}

/// Reads a stored decision about `content`; `name` is what an error calls it.
pub(crate) fn parse_allowance(
    bytes: &[u8],
    content: &Content,
    name: &str,
) -> Result<Allowance, LedgerError> {
    let corrupt = |why: String| LedgerError::Corrupt {
        id: name.to_owned(),
        why,
    };
    let allowance: Allowance = serde_json::from_slice(bytes).map_err(|error| {
        // Not the parser's words: they may repeat what the record holds.
        let kind = error.classify();
        corrupt(format!("{kind:?} error in line {}", error.line()).to_lowercase())
    })?;
    if allowance.schema_version > ALLOWANCE_VERSION {
        return Err(corrupt(format!(
            "a newer s3-warden wrote it (version {} of the form, this one reads \
             {ALLOWANCE_VERSION})",
            allowance.schema_version
        )));
    }
    if allowance.content != *content {
        return Err(corrupt("it is about something else".to_owned()));
    }
    Ok(allowance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(bucket: &str, key: &str, sha256: &str) -> Content {
        Content {
            bucket: BucketName::new(bucket).unwrap(),
            key: Key::new(key),
            sha256: sha256.to_owned(),
        }
    }

    #[test]
    fn a_digest_names_one_content_alone() {
        let hash = "ab".repeat(32);
        let all = [
            content("inbox", "a", &hash),
            content("inbo", "xa", &hash),
            content("inbox", "a\0", &hash),
            content("inbox", "A", &hash),
            content("inbox", "a", &"cd".repeat(32)),
            content("other", "a", &hash),
        ];
        let digests: std::collections::BTreeSet<_> = all.iter().map(Content::digest).collect();
        assert_eq!(digests.len(), all.len());
        // Written down in the documentation: whoever looks for a decision by hand relies on it.
        let known = Sha256::digest(format!("inbox\0a\0{hash}"));
        assert_eq!(all[0].digest(), hex::encode(known));
    }

    #[test]
    fn what_is_about_something_else_or_newer_is_no_answer() {
        let content = content("inbox", "a", &"ab".repeat(32));
        let allowance = Allowance {
            schema_version: ALLOWANCE_VERSION,
            content: content.clone(),
            finding: "0123456789abcdef0123456789abcdef".parse().unwrap(),
            by: "jane".to_owned(),
            caller: None,
            why: "a sample".to_owned(),
            at: Timestamp::UNIX_EPOCH,
        };
        let check = |allowance: &Allowance, says: Option<&str>| {
            let bytes = serde_json::to_vec(allowance).unwrap();
            match (parse_allowance(&bytes, &content, "x"), says) {
                (Ok(read), None) => assert_eq!(read, *allowance),
                (Err(error), Some(words)) => {
                    assert!(error.to_string().contains(words), "{error}");
                }
                (other, _) => panic!("{other:?}"),
            }
        };
        check(&allowance, None);
        let newer = Allowance {
            schema_version: ALLOWANCE_VERSION + 1,
            ..allowance.clone()
        };
        check(&newer, Some("newer"));
        let other = Allowance {
            content: Content {
                key: Key::new("b"),
                ..content.clone()
            },
            ..allowance
        };
        check(&other, Some("something else"));
    }
}
