//! Builds whole findings for the tests.

use jiff::Timestamp;
use s3_warden::action::{Action, Decision, Mode, Outcome, Tell};
use s3_warden::event::{BucketName, ETag, Identity, Key, ObjectPin, Sequencer};
use s3_warden::object::{Format, ObjectRef};
use s3_warden::record::{Finding, Intent, Judgement, Subject, UploadedBy};
use s3_warden::verdict::{Category, Confidence, Judge, Verdict, floor_of};

pub(crate) struct Sample {
    pub(crate) bucket: &'static str,
    pub(crate) key: &'static str,
    pub(crate) sequencer: u64,
    pub(crate) verdict: Verdict,
    pub(crate) format: Option<Format>,
    pub(crate) action: Action,
    pub(crate) mode: Mode,
    pub(crate) tell: Tell,
    pub(crate) outcome: Outcome,
    pub(crate) uploader: Option<&'static str>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            bucket: "customer-uploads",
            key: "forms/2026/scan 17.png",
            sequencer: 1,
            verdict: flagged(
                &[Category::Passport, Category::Name, Category::DateOfBirth],
                Confidence::High,
            ),
            format: Some(Format::Png),
            action: Action::Delete,
            mode: Mode::Enforce,
            tell: Tell::Now,
            outcome: Outcome::Deleted,
            uploader: Some("AWS:AIDAEXAMPLE"),
        }
    }
}

impl Sample {
    pub(crate) fn finding(&self) -> Finding {
        let bucket = BucketName::new(self.bucket).unwrap();
        let key = Key::new(self.key);
        let happened_at: Timestamp = "2026-03-03T14:05:09Z".parse().unwrap();
        let identity = Identity::Write {
            bucket: bucket.clone(),
            key: key.clone(),
            etag: ETag::new("d41d8cd98f00b204e9800998ecf8427e"),
            sequencer: Sequencer::new(&format!("{:016X}", self.sequencer)),
            time: happened_at,
        };
        let object = ObjectRef {
            bucket: bucket.clone(),
            key: key.clone(),
            pin: ObjectPin {
                version: None,
                etag: ETag::new("d41d8cd98f00b204e9800998ecf8427e").unwrap(),
            },
        };
        let subject = Subject {
            bucket,
            key,
            object: Some(object),
            size: Some(120_000),
            sha256: None,
            format: self.format,
        };
        let uploaded_by = UploadedBy {
            principal: self.uploader.map(str::to_owned),
            ip: self.uploader.map(|_| "203.0.113.7".to_owned()),
        };
        let judgement = Judgement {
            threat: floor_of(&self.verdict),
            verdict: self.verdict.clone(),
            judge: Some(Judge {
                name: "local".to_owned(),
                version: "1".to_owned(),
            }),
            cached: false,
            millis: 900,
            cost_usd: 0.0,
        };
        let decision = Decision {
            action: self.action,
            mode: self.mode,
            tell: self.tell,
            rule: "rule".to_owned(),
            policy: "0123456789ab".to_owned(),
        };
        let times = (happened_at, happened_at);
        Intent::new(identity, subject, uploaded_by, judgement, decision, times)
            .acted(self.outcome, happened_at)
    }
}

pub(crate) fn flagged(categories: &[Category], confidence: Confidence) -> Verdict {
    Verdict::Flagged {
        categories: categories.iter().copied().collect(),
        confidence,
    }
}
