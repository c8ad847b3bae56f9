//! Pictures: orders drawn into them, and keys that give orders.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use s3_warden::action::{Decision, Mode, Outcome, RawPolicy, Removal};
use s3_warden::event::{Identity, Key, Sequencer, Target};
use s3_warden::local::FolderStore;
use s3_warden::object::{ObjectStore, Prepared, Preparer, RawObject, Removed};
use s3_warden::record::{Case, Finding, Intent, Judgement, ObjectCase, Subject, UploadedBy};
use s3_warden::settings::Problems;
use s3_warden::verdict::ask::LocalCheck;
use s3_warden::verdict::{
    DetectError, Detector, Inspection, Inspector, InspectorLimits, Judge, Judged, Opinion, Threat,
    UndecidedReason, Verdict,
};
use s3_warden_standins::bedrock::Behaviour;
use s3_warden_standins::pictures::{Kind, png};
use tempfile::TempDir;

use super::bench::Bench;
use super::corpus::attacks;
use super::sinks::{Lines, Told};
use super::{echo, shows_no_value};
use crate::ground::{at, bucket};

/// A folder of pictures, one that is judged and others beside it.
struct Folder {
    keep: TempDir,
    store: Arc<FolderStore>,
}

impl Folder {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let store = FolderStore::open(keep.path(), bucket(), None).unwrap();
        for bystander in ["victim.png", "other.png"] {
            fs::write(keep.path().join(bystander), png(Kind::Passport)).unwrap();
        }
        Self {
            keep,
            store: Arc::new(store),
        }
    }

    fn path(&self) -> &Path {
        self.keep.path()
    }

    async fn inspect(&self, detector: Arc<dyn Detector>, key: &str, kind: Kind) -> Inspection {
        fs::write(self.path().join(key), png(kind)).unwrap();
        let object = RawObject::default();
        let object = object.validate(&mut Problems::new()).unwrap();
        let limits = InspectorLimits {
            max_bytes: object.max_bytes,
            concurrency: 1,
            memory_bytes: 512 << 20,
            processing: Duration::from_secs(60),
            cache_entries: 0,
        };
        let store = Arc::clone(&self.store) as Arc<dyn ObjectStore>;
        let inspector = Inspector::new(store, Preparer::new(&object), detector, limits);
        let target = Target {
            bucket: bucket(),
            key: Key::new(key),
            pin: None,
        };
        let inspection = inspector.inspect(&target, None).await.unwrap();
        let judged = inspection.object.as_ref().unwrap();
        assert_eq!(
            judged.key.as_str(),
            key,
            "only what was asked for is pinned"
        );
        inspection
    }
}

fn decide(verdict: &Verdict) -> Decision {
    let policy = RawPolicy {
        mode: Some(Mode::Enforce),
        removal: Some(Removal::Delete),
        ..RawPolicy::default()
    };
    let policy = policy.validate(true, &mut Problems::new()).unwrap();
    policy.decide(verdict, true)
}

fn finding(inspection: &Inspection, key: &str, decision: Decision, outcome: Outcome) -> Finding {
    let happened_at = at("2026-11-20T10:15:30Z");
    let identity = Identity::Write {
        bucket: bucket(),
        key: Key::new(key),
        etag: None,
        sequencer: Sequencer::new("0000000000000001"),
        time: happened_at,
    };
    let subject = Subject {
        bucket: bucket(),
        key: Key::new(key),
        object: inspection.object.clone(),
        size: None,
        sha256: inspection.sha256.clone(),
        format: inspection.format,
    };
    let judgement = Judgement {
        verdict: inspection.verdict.clone(),
        threat: inspection.threat,
        exposure: inspection.exposure,
        judge: inspection.judge.clone(),
        cached: inspection.cached,
        millis: 1,
        cost_usd: inspection.cost_usd,
    };
    let case = Case::Object(Box::new(ObjectCase {
        subject,
        uploaded_by: UploadedBy {
            principal: Some(key.to_owned()),
            ip: None,
        },
        judgement,
    }));
    let times = (happened_at, happened_at);
    Intent::new(identity, case, decision, times).acted(outcome, happened_at)
}

#[tokio::test]
async fn orders_in_a_picture_that_are_reported_are_never_clean() {
    let folder = Folder::new();
    for behaviour in [Behaviour::Honest, echo()] {
        let bench = Bench::new(behaviour).await;
        let detector = || Arc::clone(&bench.detector) as Arc<dyn Detector>;
        let orders = folder.inspect(detector(), "orders.png", Kind::Orders).await;
        let reason = UndecidedReason::InstructionsInContent;
        assert_eq!(orders.verdict, Verdict::Undecided { reason });
        assert_eq!(orders.threat, Threat::High);
        assert!(!decide(&orders.verdict).action.removes());
        let both = folder
            .inspect(detector(), "both.png", Kind::PassportWithOrders)
            .await;
        assert!(decide(&both.verdict).action.removes(), "{:?}", both.verdict);
        for request in bench.bedrock.requests() {
            assert!(!request.text.contains(".png"), "no key is in a prompt");
            assert!(!request.system.contains(".png"));
        }
    }
}

/// Finds the orders that the model did not report.
#[derive(Debug)]
struct Reader;

#[async_trait]
impl Detector for Reader {
    async fn judge(&self, _picture: &Prepared) -> Result<Judged, DetectError> {
        let opinion = Opinion::Undecided(UndecidedReason::InstructionsInContent);
        Ok(Judged::free(opinion, self.judge_name()))
    }

    fn judge_name(&self) -> Judge {
        Judge {
            name: "local".to_owned(),
            version: "1".to_owned(),
        }
    }
}

/// What code cannot stop: a model that obeys and says nothing of it. With a second look it can.
#[tokio::test]
async fn orders_that_are_obeyed_and_hidden_need_a_second_look() {
    let folder = Folder::new();
    let bench = Bench::new(Behaviour::Gullible).await;
    let model = || Arc::clone(&bench.detector) as Arc<dyn Detector>;
    for kind in [Kind::Orders, Kind::PassportWithOrders] {
        let alone = folder.inspect(model(), "orders.png", kind).await;
        assert_eq!(alone.verdict, Verdict::Clean, "nothing in code can know");
        let checked = Arc::new(LocalCheck::new(model(), Arc::new(Reader)));
        let second = folder.inspect(checked, "orders.png", kind).await;
        let reason = UndecidedReason::InstructionsInContent;
        assert_eq!(second.verdict, Verdict::Undecided { reason });
    }
}

#[tokio::test]
async fn an_answer_that_contradicts_itself_is_not_clean() {
    let folder = Folder::new();
    let bench = Bench::new(Behaviour::Contradict).await;
    let detector = Arc::clone(&bench.detector) as Arc<dyn Detector>;
    let inspection = folder.inspect(detector, "a.png", Kind::Passport).await;
    let reason = UndecidedReason::Contradiction;
    assert_eq!(inspection.verdict, Verdict::Undecided { reason });
}

/// Whatever a key says, what is removed is the object that was judged, and what is told is escaped.
#[tokio::test]
async fn keys_give_orders_to_nobody() {
    let folder = Folder::new();
    let (lines, _listening) = Lines::listen();
    let usable = |key: &str| key.len() < 255 && !key.contains(['/', '\0']);
    let keys: Vec<_> = attacks()
        .into_iter()
        .map(|attack| attack.text)
        .filter(|text| usable(text))
        .collect();
    assert!(keys.len() > 20, "{}", keys.len());
    for behaviour in [Behaviour::Honest, Behaviour::Gullible, echo()] {
        let bench = Bench::new(behaviour).await;
        for key in &keys {
            let detector = Arc::clone(&bench.detector) as Arc<dyn Detector>;
            let inspection = folder.inspect(detector, key, Kind::Passport).await;
            let decision = decide(&inspection.verdict);
            assert!(decision.action.removes(), "{key:?}");
            let object = inspection.object.clone().unwrap();
            let removed = folder.store.remove(&object).await.unwrap();
            assert_eq!(removed, Removed::Removed, "{key:?}");
            assert!(!folder.path().join(key).exists(), "{key:?}");
            let left = ["victim.png", "other.png"].map(|other| folder.path().join(other).exists());
            assert_eq!(left, [true, true], "{key:?}");
            let told = Told::about(&finding(&inspection, key, decision, Outcome::Deleted));
            assert!(told.alert.is_some());
            told.is_escaped(key);
            told.texts()
                .iter()
                .for_each(|text| shows_no_value(key, text));
        }
        shows_no_value("metrics", &bench.numbers());
        for request in bench.bedrock.requests() {
            let sent = format!("{} {}", request.system, request.text);
            assert!(keys.iter().all(|key| !sent.contains(key.as_str())));
        }
    }
    shows_no_value("log", &lines.text());
}
