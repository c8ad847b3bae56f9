//! Builds whole findings for the tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use s3_warden::action::{Action, Decision, Mode, Outcome, Tell};
use s3_warden::event::{ActivityKind, BucketName, ETag, Identity, Key, ObjectPin, Sequencer};
use s3_warden::object::{Exposure, Format, ObjectRef};
use s3_warden::record::{
    ActivityCase, Case, Finding, Intent, Judgement, ObjectCase, Reported, Subject, UploadedBy,
};
use s3_warden::verdict::threat::{Assessment, Floor, Unassessed, Words};
use s3_warden::verdict::{Category, Confidence, Judge, Threat, Verdict, floor_of};

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
    pub(crate) exposure: Option<Exposure>,
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
            exposure: None,
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
            exposure: self.exposure,
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
        let case = Case::Object(Box::new(ObjectCase {
            subject,
            uploaded_by,
            judgement,
        }));
        Intent::new(identity, case, decision, times).acted(self.outcome, happened_at)
    }
}

pub(crate) fn flagged(categories: &[Category], confidence: Confidence) -> Verdict {
    Verdict::Flagged {
        categories: categories.iter().copied().collect(),
        confidence,
    }
}

/// An activity that was assessed: a call that opened a bucket, unless said otherwise.
pub(crate) struct Act {
    pub(crate) id: &'static str,
    pub(crate) reported: Reported,
    pub(crate) rule: &'static str,
    pub(crate) title: [&'static str; 2],
    pub(crate) step: [&'static str; 2],
    pub(crate) level: Threat,
    pub(crate) details: Vec<(&'static str, String)>,
    /// The model that was asked, or why none was.
    pub(crate) judge: Result<&'static str, Unassessed>,
    pub(crate) summary: Option<String>,
}

impl Default for Act {
    fn default() -> Self {
        let text = |text: &str| Some(text.to_owned());
        Self {
            id: "5f0c7c1e-8a53-4f0e-9a59-6f6f5cb0b7a1",
            reported: Reported {
                kind: ActivityKind::ApiCall,
                source: "s3.amazonaws.com".to_owned(),
                name: "PutBucketAcl".to_owned(),
                account: text("123456789012"),
                region: text("ap-northeast-2"),
                actor: text("arn:aws:sts::123456789012:assumed-role/deploy/ci-4711"),
                ip: text("203.0.113.7"),
                error: None,
                severity: None,
                bucket: BucketName::new("customer-uploads"),
                key: None,
            },
            rule: "bucket_acl_public",
            title: [
                "A bucket was opened to the public by its ACL",
                "버킷 ACL이 공개로 변경됨",
            ],
            step: [
                "Close the bucket with the public access block, and find out who read from it \
                 meanwhile.",
                "퍼블릭 액세스 차단으로 버킷을 닫고, 그동안 누가 읽었는지 확인하십시오.",
            ],
            level: Threat::High,
            details: vec![("requestParameters.x-amz-acl", "public-read".to_owned())],
            judge: Ok("us.anthropic.claude-haiku-5-5"),
            summary: text(
                "A deployment role made the bucket readable by everybody; nothing else in the \
                 record explains why.",
            ),
        }
    }
}

impl Act {
    pub(crate) fn finding(&self) -> Finding {
        let happened_at: Timestamp = "2026-03-03T14:05:09Z".parse().unwrap();
        let words = |[en, ko]: [&str; 2]| Words {
            en: en.to_owned(),
            ko: ko.to_owned(),
        };
        let details = self.details.iter();
        let floor = Floor {
            level: self.level,
            rule: self.rule.to_owned(),
            title: words(self.title),
            next_step: words(self.step),
            details: details
                .map(|(field, text)| ((*field).to_owned(), text.clone()))
                .collect::<BTreeMap<_, _>>(),
        };
        let mut assessment = match self.judge {
            Ok(name) => {
                let judge = Judge {
                    name: name.to_owned(),
                    version: "1".to_owned(),
                };
                Assessment::judged(floor, self.level, judge)
            }
            Err(why) => Assessment::alone(floor, why),
        };
        assessment.summary = self.summary.clone();
        let case = Case::Activity(Box::new(ActivityCase {
            activity: self.reported.clone(),
            assessment,
        }));
        let decision = Decision {
            action: Action::Keep,
            mode: Mode::Enforce,
            tell: Tell::Now,
            rule: self.rule.to_owned(),
            policy: "0123456789ab".to_owned(),
        };
        let identity = Identity::CloudTrail {
            event_id: self.id.to_owned(),
        };
        let times = (happened_at, happened_at);
        Intent::new(identity, case, decision, times).acted(Outcome::Kept, happened_at)
    }
}
