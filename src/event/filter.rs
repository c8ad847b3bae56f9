//! Which uploads are looked at.
//!
//! Bucket and key decide, and nothing else: tags, user agents and metadata can be written by
//! whoever uploads, so they can never exempt an object. Our own copies are told by the place they
//! go to; without that a quarantine inside a guarded bucket would feed itself.

use std::collections::BTreeSet;

use super::{BucketName, Key, Upload};

/// What is taken in: valid settings of the `intake` section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intake {
    /// The guarded buckets; never empty.
    pub buckets: BTreeSet<BucketName>,
    /// A key must begin with one of these; empty: with anything.
    pub prefixes: Vec<String>,
    /// A key must end in one of these, whatever the case of ASCII letters; empty: in anything.
    pub suffixes: Vec<String>,
    /// A key must begin with none of these.
    pub exclude_prefixes: Vec<String>,
    /// Those of the guarded buckets whose uploads are told by CloudTrail.
    pub cloudtrail_uploads: BTreeSet<BucketName>,
}

/// A place that we write to ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPlace {
    /// The bucket.
    pub bucket: BucketName,
    /// What the keys there begin with; empty: the whole bucket is ours.
    pub prefix: String,
}

impl OwnPlace {
    /// Whether this key lies there.
    pub fn covers(&self, bucket: &BucketName, key: &Key) -> bool {
        self.bucket == *bucket && key.as_str().starts_with(&self.prefix)
    }
}

/// Decides which uploads are looked at. Pure.
#[derive(Clone, Debug)]
pub struct Filter {
    intake: Intake,
    own: Vec<OwnPlace>,
}

impl Filter {
    /// A filter for what is to be taken in, and the places that we write to ourselves.
    pub fn new(intake: Intake, own: Vec<OwnPlace>) -> Self {
        Self { intake, own }
    }

    /// Whether an upload is looked at, and if not, why. Our own writes are named as such before
    /// anything else, so that a loop shows as what it is.
    pub fn admit(&self, upload: &Upload) -> Result<(), Skipped> {
        let bucket = &upload.target.bucket;
        let key = upload.target.key.as_str();
        let begins_with = |prefix: &String| key.starts_with(prefix.as_str());
        let intake = &self.intake;

        if self
            .own
            .iter()
            .any(|place| place.covers(bucket, &upload.target.key))
        {
            return Err(Skipped::OwnWrite);
        }
        if !intake.buckets.contains(bucket) {
            return Err(Skipped::BucketNotGuarded);
        }
        if intake.exclude_prefixes.iter().any(begins_with) {
            return Err(Skipped::Prefix);
        }
        if !intake.prefixes.is_empty() && !intake.prefixes.iter().any(begins_with) {
            return Err(Skipped::Prefix);
        }
        if !intake.suffixes.is_empty() && !intake.suffixes.iter().any(|s| ends_in(key, s)) {
            return Err(Skipped::Suffix);
        }
        Ok(())
    }
}

/// Why an upload is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Skipped {
    /// We wrote it.
    OwnWrite,
    /// Its bucket is not in `intake.buckets`.
    BucketNotGuarded,
    /// Its key begins with an excluded prefix, or with none of the wanted ones.
    Prefix,
    /// Its key ends in none of the wanted suffixes.
    Suffix,
}

impl Skipped {
    /// A stable code: a label from a closed set.
    pub fn code(self) -> &'static str {
        match self {
            Self::OwnWrite => "own_write",
            Self::BucketNotGuarded => "bucket_not_guarded",
            Self::Prefix => "prefix",
            Self::Suffix => "suffix",
        }
    }
}

/// Whether a key ends in a suffix. Case does not count, since `CARD.PNG` is as much a picture as
/// `card.png` and a guard should err towards looking.
fn ends_in(key: &str, suffix: &str) -> bool {
    key.len()
        .checked_sub(suffix.len())
        .and_then(|start| key.as_bytes().get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case(suffix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::event::{Envelope, Identity, Key, Target, Uploader};

    fn bucket(name: &str) -> BucketName {
        BucketName::new(name).unwrap()
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    fn upload(bucket_name: &str, key: &str) -> Upload {
        Upload {
            target: Target {
                bucket: bucket(bucket_name),
                key: Key::new(key),
                pin: None,
            },
            identity: Identity::Write {
                bucket: bucket(bucket_name),
                key: Key::new(key),
                etag: None,
                sequencer: None,
                time: Timestamp::UNIX_EPOCH,
            },
            happened_at: Timestamp::UNIX_EPOCH,
            size: None,
            region: None,
            uploader: Uploader::default(),
            via: Envelope::S3Notification,
        }
    }

    /// A filter with everything set, and one upload through it.
    #[track_caller]
    fn check(bucket_name: &str, key: &str, expected: Result<(), &str>) {
        let filter = Filter::new(
            Intake {
                buckets: BTreeSet::from([bucket("guarded"), bucket("second")]),
                prefixes: texts(&["incoming/", "scans/"]),
                suffixes: texts(&[".png", ".JPG"]),
                exclude_prefixes: texts(&["incoming/cache/"]),
                cloudtrail_uploads: BTreeSet::new(),
            },
            vec![
                OwnPlace {
                    bucket: bucket("guarded"),
                    prefix: "incoming/quarantine/".to_owned(),
                },
                OwnPlace {
                    bucket: bucket("records"),
                    prefix: String::new(),
                },
            ],
        );
        let admitted = filter.admit(&upload(bucket_name, key));
        assert_eq!(
            admitted.map_err(Skipped::code),
            expected,
            "{bucket_name} {key}"
        );
    }

    #[test]
    fn bucket_and_key_decide() {
        check("guarded", "incoming/card.png", Ok(()));
        check("second", "scans/a.jpg", Ok(()));
        check("guarded", "incoming/CARD.PNG", Ok(()));
        check("guarded", "incoming/é.PnG", Ok(()));
        check("other", "incoming/card.png", Err("bucket_not_guarded"));
        check("guarded2", "incoming/card.png", Err("bucket_not_guarded"));
        check("guarded", "card.png", Err("prefix"));
        check("guarded", "Incoming/card.png", Err("prefix"));
        check("guarded", "incoming/cache/card.png", Err("prefix"));
        check("guarded", "incoming/card.gif", Err("suffix"));
        check("guarded", "incoming/", Err("suffix"));
        check("guarded", "incoming/quarantine/card.png", Err("own_write"));
        check("second", "incoming/quarantine/card.png", Ok(()));
        check("records", "findings/x.json", Err("own_write"));
    }

    #[test]
    fn empty_lists_admit_every_key_of_a_guarded_bucket_and_no_other() {
        let filter = Filter::new(
            Intake {
                buckets: BTreeSet::from([bucket("guarded")]),
                prefixes: vec![],
                suffixes: vec![],
                exclude_prefixes: vec![],
                cloudtrail_uploads: BTreeSet::new(),
            },
            vec![],
        );
        assert_eq!(filter.admit(&upload("guarded", "any")), Ok(()));
        assert_eq!(
            filter.admit(&upload("other", "any")),
            Err(Skipped::BucketNotGuarded)
        );
    }
}
