//! What a finding is about: an object that was looked at, or an activity that was assessed. No field
//! holds a value that was read from an object.

use serde::{Deserialize, Serialize};

use super::Content;
use crate::event::{Activity, ActivityKind, BucketName, Key};
use crate::object::{Exposure, Format, ObjectRef};
use crate::verdict::threat::Assessment;
use crate::verdict::{Judge, Threat, Verdict};

/// What a finding is about. In the records the fields of either stand beside those of the finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Case {
    /// An object.
    Object(Box<ObjectCase>),
    /// Something that somebody did, or that a watching service found.
    Activity(Box<ActivityCase>),
}

impl Case {
    /// How bad it is.
    pub fn threat(&self) -> Threat {
        match self {
            Self::Object(case) => case.judgement.threat,
            Self::Activity(case) => case.assessment.threat,
        }
    }

    /// The bucket that it names.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Object(case) => Some(&case.subject.bucket),
            Self::Activity(case) => case.activity.bucket.as_ref(),
        }
    }

    /// The key that it names.
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Object(case) => Some(&case.subject.key),
            Self::Activity(case) => case.activity.key.as_ref(),
        }
    }

    /// The exact bytes under a key that it is about, as far as they are known.
    pub fn content(&self) -> Option<Content> {
        let Self::Object(case) = self else {
            return None;
        };
        let subject = &case.subject;
        Some(Content {
            bucket: subject.bucket.clone(),
            key: subject.key.clone(),
            sha256: subject.sha256.clone()?,
        })
    }

    /// What judging cost, in US dollars.
    pub fn cost_usd(&self) -> f64 {
        match self {
            Self::Object(case) => case.judgement.cost_usd,
            Self::Activity(case) => case.assessment.cost_usd,
        }
    }
}

/// An object that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectCase {
    /// The object.
    pub subject: Subject,
    /// Who put it there.
    pub uploaded_by: UploadedBy,
    /// What was thought of it.
    pub judgement: Judgement,
}

/// The object that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The bucket.
    pub bucket: BucketName,
    /// The key.
    pub key: Key,
    /// The state that was judged; absent when nothing could be read.
    pub object: Option<ObjectRef>,
    /// Length in bytes, when known.
    pub size: Option<u64>,
    /// SHA-256 of the bytes that were judged, in hexadecimal.
    pub sha256: Option<String>,
    /// What the bytes are.
    pub format: Option<Format>,
}

/// Who put the object there, as the event tells it; not proven.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadedBy {
    /// The principal.
    pub principal: Option<String>,
    /// The source address.
    pub ip: Option<String>,
}

/// What was thought of an object, and by whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How bad it is.
    pub threat: Threat,
    /// Who can read the object, where that was asked: of flagged ones. Older records say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// Who judged; absent when nobody had to (unreadable).
    pub judge: Option<Judge>,
    /// Whether the answer was remembered from the same bytes.
    pub cached: bool,
    /// How long reading, decoding and judging took, in milliseconds; waiting not counted.
    pub millis: u64,
    /// What judging cost, in US dollars.
    #[serde(default)]
    pub cost_usd: f64,
}

/// An activity that was assessed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityCase {
    /// What was reported.
    pub activity: Reported,
    /// What was thought of it.
    pub assessment: Assessment,
}

/// What is kept of a reported activity: the fields that say who did what where, as the record told
/// them, and nothing of the rest of the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    /// What kind it is.
    pub kind: ActivityKind,
    /// Who reports: the called service (`s3.amazonaws.com`), or `aws.guardduty`.
    pub source: String,
    /// What happened: the API's name, the finding's type, the scan's result.
    pub name: String,
    /// The account it happened in.
    pub account: Option<String>,
    /// The region it happened in.
    pub region: Option<String>,
    /// Who did it, as the record says.
    pub actor: Option<String>,
    /// The address that it came from.
    pub ip: Option<String>,
    /// Why the call failed; `None` when it succeeded.
    pub error: Option<String>,
    /// GuardDuty's severity, 1.0 to 10.0.
    pub severity: Option<f64>,
    /// The bucket, when one is named.
    pub bucket: Option<BucketName>,
    /// The object's key, when one is named and usable.
    pub key: Option<Key>,
}

impl From<&Activity> for Reported {
    fn from(activity: &Activity) -> Self {
        Self {
            kind: activity.kind,
            source: activity.source.clone(),
            name: activity.name.clone(),
            account: activity.account.clone(),
            region: activity.region.clone(),
            actor: activity.actor.clone(),
            ip: activity.ip.clone(),
            error: activity.error.clone(),
            severity: activity.severity,
            bucket: activity.bucket.clone(),
            key: activity.key.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was written before anybody asked who can read an object.
    const OLDER: &str = r#"{"verdict":"flagged","categories":["passport"],"confidence":"high",
        "threat":"high","judge":null,"cached":false,"millis":7,"cost_usd":0.0}"#;

    #[test]
    fn older_records_read_and_read_the_same_again() {
        let older: Judgement = serde_json::from_str(OLDER).unwrap();
        assert_eq!(older.exposure, None);
        let again = serde_json::to_value(&older).unwrap();
        let before: serde_json::Value = serde_json::from_str(OLDER).unwrap();
        assert_eq!(again, before, "what was not asked is not written");
        let newer = Judgement {
            exposure: Some(Exposure::Public),
            ..older
        };
        let written = serde_json::to_value(&newer).unwrap();
        assert_eq!(written["exposure"], "public");
        let read: Judgement = serde_json::from_value(written).unwrap();
        assert_eq!(read, newer);
    }
}
