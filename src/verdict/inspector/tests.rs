//! What an inspection answers, over a store with one object and a judge that says what it is told.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;

use super::*;
use crate::event::{BucketName, ETag, EventPin, FindingId, Key, ObjectPin};
use crate::object::{Limits, Located, Mark, ObjectSettings, Removed, Tagged};
use crate::verdict::{Category, Confidence, Judged, UndecidedReason};

/// One object, which may have replaced what an event meant, and who can read it; `None` never
/// answers that.
#[derive(Debug)]
struct OneObject(Vec<u8>, Option<Exposure>);

#[async_trait]
impl ObjectStore for OneObject {
    async fn fetch(&self, target: &Target, cap: u64) -> Result<Fetched, StoreError> {
        if target.pin.is_some() {
            return Ok(Fetched::Superseded);
        }
        let size = self.0.len() as u64;
        if size > cap {
            return Ok(Fetched::TooLarge(size));
        }
        Ok(Fetched::Body {
            object: ObjectRef {
                bucket: target.bucket.clone(),
                key: target.key.clone(),
                pin: ObjectPin {
                    version: None,
                    etag: ETag::new("now").unwrap(),
                },
            },
            bytes: Bytes::from(self.0.clone()),
            facts: Facts {
                size: self.0.len() as u64,
                content_type: None,
                modified_at: Timestamp::UNIX_EPOCH,
            },
        })
    }

    async fn locate(&self, target: &Target) -> Result<Located, StoreError> {
        if target.pin.is_some() {
            return Ok(Located::Superseded);
        }
        Ok(match self.fetch(target, u64::MAX).await? {
            Fetched::Body { object, facts, .. } => Located::There { object, facts },
            _ => Located::Missing,
        })
    }

    async fn remove(&self, _object: &ObjectRef) -> Result<Removed, StoreError> {
        unreachable!("an inspection removes nothing")
    }

    async fn quarantine(
        &self,
        _object: &ObjectRef,
        _id: &FindingId,
        _sha256: Option<&str>,
    ) -> Result<Removed, StoreError> {
        unreachable!("an inspection moves nothing")
    }

    async fn tag(&self, _object: &ObjectRef, _mark: Mark) -> Result<Tagged, StoreError> {
        unreachable!("an inspection tags nothing")
    }

    async fn exposure(&self, _object: &ObjectRef) -> Exposure {
        match self.1 {
            Some(exposure) => exposure,
            None => std::future::pending().await,
        }
    }
}

/// Says what it was told to say, in order; `None` never answers.
#[derive(Debug)]
struct Says(Mutex<VecDeque<Option<Result<Opinion, String>>>>);

#[async_trait]
impl Detector for Says {
    async fn judge(&self, _picture: &Prepared) -> Result<Judged, DetectError> {
        let next = self.0.lock().unwrap().pop_front();
        match next.expect("judged more often than expected") {
            Some(Ok(opinion)) => Ok(Judged::free(opinion, self.judge_name())),
            Some(Err(message)) => Err(DetectError::Unavailable {
                message,
                after: None,
            }),
            None => std::future::pending().await,
        }
    }

    fn judge_name(&self) -> Judge {
        Judge {
            name: "says".to_owned(),
            version: "1".to_owned(),
        }
    }
}

fn png() -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(64, 64, image::Rgb([90; 3]));
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

fn inspector(
    bytes: Vec<u8>,
    says: impl IntoIterator<Item = Option<Result<Opinion, String>>>,
) -> Inspector {
    let settings = ObjectSettings {
        max_bytes: 1 << 20,
        limits: Limits::default(),
        decode_threads: 1,
    };
    let limits = InspectorLimits {
        max_bytes: 1 << 20,
        concurrency: 2,
        memory_bytes: 1 << 30,
        processing: Duration::from_secs(10),
        cache_entries: 10,
    };
    let says = Says(Mutex::new(says.into_iter().collect()));
    let store = Arc::new(OneObject(bytes, Some(Exposure::NotPublic)));
    Inspector::new(store, Preparer::new(&settings), Arc::new(says), limits)
}

fn target(pin: Option<EventPin>) -> Target {
    Target {
        bucket: BucketName::new("b").unwrap(),
        key: Key::new("k.png"),
        pin,
    }
}

fn flagged() -> Opinion {
    Opinion::Flagged {
        categories: BTreeSet::from([Category::Passport]),
        confidence: Confidence::High,
        threat: Threat::Low,
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_are_judged_once_and_the_level_has_a_floor() {
    let inspector = inspector(png(), [Some(Ok(flagged()))]);
    let first = inspector.inspect(&target(None), None).await.unwrap();
    let again = inspector.inspect(&target(None), None).await.unwrap();
    assert_eq!((first.cached, again.cached), (false, true));
    assert_eq!(first.verdict, again.verdict);
    assert!(first.threat >= Threat::High, "the judge said low");
}

#[tokio::test(start_paused = true)]
async fn who_can_read_it_counts_and_nothing_waits_for_the_answer() {
    let check = async |exposure, says, threat| {
        let mut inspector = inspector(png(), [Some(Ok(flagged()))]);
        inspector.store = Arc::new(OneObject(png(), exposure));
        let began = Instant::now();
        let inspection = inspector.inspect(&target(None), None).await.unwrap();
        assert_eq!(
            (inspection.exposure, inspection.threat),
            (Some(says), threat)
        );
        assert!(began.elapsed() < Duration::from_secs(4), "{says:?}");
        assert!(
            inspection.took < Duration::from_secs(1),
            "waiting is no work"
        );
    };
    let public = Exposure::Public;
    check(Some(public), public, Threat::Critical).await;
    let private = Exposure::NotPublic;
    check(Some(private), private, Threat::High).await;
    check(None, Exposure::Unknown, Threat::High).await;
}

#[tokio::test(start_paused = true)]
async fn a_remembered_verdict_is_no_remembered_exposure() {
    let mut inspector = inspector(png(), [Some(Ok(flagged()))]);
    let first = inspector.inspect(&target(None), None).await.unwrap();
    inspector.store = Arc::new(OneObject(png(), Some(Exposure::Public)));
    let again = inspector.inspect(&target(None), None).await.unwrap();
    assert!(again.cached);
    assert_eq!(
        (first.threat, again.threat),
        (Threat::High, Threat::Critical)
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_about_what_is_clean() {
    let mut inspector = inspector(png(), [Some(Ok(Opinion::Clean))]);
    inspector.store = Arc::new(OneObject(png(), None));
    let began = Instant::now();
    let inspection = inspector.inspect(&target(None), None).await.unwrap();
    assert_eq!(
        (inspection.exposure, inspection.threat),
        (None, Threat::Low)
    );
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn only_a_definite_answer_is_remembered() {
    let undecided = Opinion::Undecided(UndecidedReason::Contradiction);
    let says = [
        Some(Ok(undecided)),
        Some(Err("busy".to_owned())),
        Some(Ok(Opinion::Clean)),
    ];
    let inspector = inspector(png(), says);
    let first = inspector.inspect(&target(None), None).await.unwrap();
    assert_eq!(first.verdict.as_str(), "undecided");
    let second = inspector.inspect(&target(None), None).await;
    assert_eq!(second.unwrap_err().code(), "detector_unavailable");
    let third = inspector.inspect(&target(None), None).await.unwrap();
    assert_eq!((third.verdict, third.cached), (Verdict::Clean, false));
}

#[tokio::test(start_paused = true)]
async fn a_judge_that_never_answers_is_too_slow_and_not_clean() {
    let inspector = inspector(png(), [None]);
    let answer = inspector.inspect(&target(None), None).await;
    assert_eq!(answer.unwrap_err().code(), "processing_too_slow");
}

/// Works for four seconds, after a wait of so long.
#[derive(Debug)]
struct WaitsFirst(Duration);

#[async_trait]
impl Detector for WaitsFirst {
    async fn judge(&self, _picture: &Prepared) -> Result<Judged, DetectError> {
        crate::model::waiting(tokio::time::sleep(self.0)).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        Ok(Judged::free(Opinion::Clean, self.judge_name()))
    }

    fn judge_name(&self) -> Judge {
        Judge {
            name: "waits first".to_owned(),
            version: "1".to_owned(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_limit_is_no_work() {
    let mut inspector = inspector(png(), []);
    inspector.detector = Arc::new(WaitsFirst(Duration::from_secs(3_600)));
    let inspection = inspector.inspect(&target(None), None).await.unwrap();
    assert_eq!(inspection.verdict, Verdict::Clean);
    assert!(
        inspection.took < Duration::from_secs(6),
        "{:?}",
        inspection.took
    );
}

#[tokio::test(start_paused = true)]
async fn what_replaced_the_object_is_judged_under_its_own_pin() {
    let inspector = inspector(png(), [Some(Ok(Opinion::Clean))]);
    let meant = EventPin::ETag(ETag::new("then").unwrap());
    let inspection = inspector.inspect(&target(Some(meant)), None).await.unwrap();
    assert_eq!(inspection.verdict, Verdict::Clean);
    assert_eq!(inspection.object.unwrap().pin.etag.as_str(), "now");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_asks_nobody() {
    let mut cut = png();
    cut.truncate(cut.len() / 2);
    let damaged = inspector(cut, []);
    let inspection = damaged.inspect(&target(None), None).await.unwrap();
    assert_eq!(inspection.verdict.as_str(), "unreadable");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_pinned_whoever_says_so() {
    let meant = EventPin::ETag(ETag::new("then").unwrap());
    // By the event's word, by the store's, and by the store's about what replaced the object.
    for (pin, size) in [(None, Some(1 << 21)), (None, None), (Some(meant), None)] {
        let large = inspector(vec![7; 1 << 21], []);
        let inspection = large.inspect(&target(pin), size).await.unwrap();
        let reason = UnreadableReason::TooLarge;
        assert_eq!(inspection.verdict, Verdict::Unreadable { reason });
        assert_eq!(inspection.object.unwrap().pin.etag.as_str(), "now");
        assert_eq!(inspection.facts.unwrap().size, 1 << 21);
        assert_eq!(inspection.sha256, None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_exaggerates_exempts_nothing() {
    let small = inspector(png(), [Some(Ok(Opinion::Clean))]);
    let inspection = small.inspect(&target(None), Some(u64::MAX)).await.unwrap();
    assert_eq!(inspection.verdict, Verdict::Clean);
}
