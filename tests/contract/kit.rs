//! What all suites use: the ground, and findings made of little.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use s3_warden::action::{Action, Decision, Mode, Tell};
use s3_warden::aws::Clients;
use s3_warden::event::{BucketName, ETag, FindingId, Identity, Key, ObjectPin, Sequencer};
use s3_warden::object::ObjectRef;
use s3_warden::record::{Case, Finding, Intent, Judgement, ObjectCase, Subject, UploadedBy};
use s3_warden::verdict::{Category, Confidence, Threat, Verdict};

/// Where an adapter is tested.
pub(crate) trait Ground: Send + Sync {
    /// Lets time go by, for the adapter and for the test.
    async fn advance(&self, by: Duration);
}

/// This process, on tokio's paused clock.
#[derive(Debug, Default)]
pub(crate) struct Local;

impl Ground for Local {
    async fn advance(&self, by: Duration) {
        tokio::time::advance(by).await;
    }
}

/// The AWS emulator that `tests/emulator.sh` starts. Its clock is the wall's: time goes by for it
/// only by waiting, so benches on it use leases of a few seconds.
#[derive(Debug, Default)]
pub(crate) struct Emulator;

impl Ground for Emulator {
    async fn advance(&self, by: Duration) {
        tokio::time::sleep(by).await;
    }
}

impl Emulator {
    /// Where it answers. Without one the test fails: what was not checked must not look checked.
    pub(crate) fn endpoint() -> String {
        std::env::var("S3_WARDEN_TEST_ENDPOINT").unwrap_or_else(|_| {
            panic!(
                "S3_WARDEN_TEST_ENDPOINT is not set: this test needs the AWS emulator; run \
                 `tests/emulator.sh -- cargo test --test contract`"
            )
        })
    }

    /// The clients of our adapters.
    pub(crate) async fn clients() -> Clients {
        Clients::at_endpoint(&Self::endpoint(), None).await
    }

    /// What a test makes clients of its own with, to set up and to look behind an adapter.
    pub(crate) async fn sdk() -> aws_config::SdkConfig {
        let credentials = aws_sdk_sns::config::Credentials::new("test", "test", None, None, "test");
        aws_config::defaults(aws_config::BehaviorVersion::v2026_01_12())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(credentials)
            .endpoint_url(Self::endpoint())
            .load()
            .await
    }

    /// A name that no other test, process or run uses; at most 63 lowercase letters, digits and
    /// hyphens, which fits every service.
    pub(crate) fn name(what: &str) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let random = RandomState::new().build_hasher().finish();
        format!("{what}-{}-{number}-{random:016x}", std::process::id())
    }
}

/// Makes a module of one test per check: `suite!(on local: Local, tokio::test, [check, ...])`.
macro_rules! suite {
    ($module:ident, $ground:expr, $test:meta, [$($check:ident),+ $(,)?]) => {
        mod $module {
            $(
                #[$test]
                async fn $check() {
                    super::$check(&$ground).await;
                }
            )+
        }
    };
}
pub(crate) use suite;

pub(crate) fn bucket() -> BucketName {
    BucketName::new("inbox").unwrap()
}

pub(crate) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// An intent to delete what was uploaded under `key` at `happened_at`.
pub(crate) fn intent(key: &str, happened_at: &str) -> Intent {
    intent_in(Mode::Enforce, key, happened_at)
}

pub(crate) fn intent_in(mode: Mode, key: &str, happened_at: &str) -> Intent {
    let verdict = Verdict::Flagged {
        categories: [Category::Passport].into(),
        confidence: Confidence::High,
    };
    build(mode, key, happened_at, verdict, Threat::High)
}

/// A clean finding.
pub(crate) fn clean(key: &str, happened_at: &str) -> Finding {
    let intent = build(Mode::Enforce, key, happened_at, Verdict::Clean, Threat::Low);
    let now = at(happened_at);
    intent
        .acted(s3_warden::action::Outcome::Kept, now)
        .announced(None, now)
}

pub(crate) fn id_of(key: &str) -> FindingId {
    identity(key).finding_id()
}

fn identity(key: &str) -> Identity {
    Identity::Write {
        bucket: bucket(),
        key: Key::new(key),
        etag: None,
        sequencer: Sequencer::new("00AB"),
        time: Timestamp::UNIX_EPOCH,
    }
}

fn build(mode: Mode, key: &str, happened_at: &str, verdict: Verdict, threat: Threat) -> Intent {
    let happened_at = at(happened_at);
    let removes = matches!(verdict, Verdict::Flagged { .. });
    let etag = ETag::new("0123").unwrap();
    Intent::new(
        identity(key),
        Case::Object(Box::new(ObjectCase {
            subject: Subject {
                bucket: bucket(),
                key: Key::new(key),
                object: Some(ObjectRef {
                    bucket: bucket(),
                    key: Key::new(key),
                    pin: ObjectPin {
                        version: None,
                        etag,
                    },
                }),
                size: Some(12),
                sha256: None,
                format: None,
            },
            uploaded_by: UploadedBy::default(),
            judgement: Judgement {
                verdict,
                threat,
                exposure: None,
                judge: None,
                cached: false,
                millis: 7,
                cost_usd: 0.0,
            },
        })),
        Decision {
            action: if removes {
                Action::Delete
            } else {
                Action::Keep
            },
            mode,
            tell: Tell::Now,
            rule: "test".to_owned(),
            policy: "0".to_owned(),
        },
        (happened_at, happened_at),
    )
}
