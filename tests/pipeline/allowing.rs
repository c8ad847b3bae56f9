//! What a person has allowed stays; other bytes, and the same bytes elsewhere, are judged as ever.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use s3_warden::action::{Action, Mode, Outcome, Removal, Response};
use s3_warden::event::Key;
use s3_warden::local::FolderStore;
use s3_warden::maintenance::{CopyTrouble, Restored, Restorer, Unrestorable, Wish, restorable};
use s3_warden::object::{Mark, Over, Returned, Tagged};
use s3_warden::record::{ALLOWANCE_VERSION, Allowance, Allowances, Case, Content, Finding, State};
use sha2::{Digest, Sha256};

use crate::faults::{Effect, Step, When};
use crate::ground::{Ground, bucket};
use crate::pictures::{Hue, picture};
use crate::running::Running;
use crate::tagged::Tagging;

fn quarantining() -> Ground {
    Ground::new(|setup| setup.policy.removal = Some(Removal::Quarantine))
}

fn wish() -> Wish {
    Wish {
        by: "jane".to_owned(),
        caller: None,
        why: "a sample of nobody".to_owned(),
        allow_only: false,
        over: Over::Nothing,
        end_copy: false,
        tag: true,
    }
}

impl Ground {
    /// Who restores, as another process has it.
    fn restorer(&self) -> Restorer {
        let quarantine = Some(self.quarantine());
        let inbox = self.file("");
        let open = || FolderStore::open(&inbox, bucket(), quarantine.clone()).unwrap();
        Restorer {
            allowances: Arc::new(self.allowances()),
            quarantine: Arc::new(open()),
            store: Arc::new(Tagging::new(open(), &self.tags)),
        }
    }

    async fn restored(&self, finding: &Finding, wish: &Wish) -> Restored {
        self.restored_in(0, finding, wish).await
    }

    /// As if so many minutes had passed.
    async fn restored_in(&self, minutes: i64, finding: &Finding, wish: &Wish) -> Restored {
        let content = restorable(finding, wish.allow_only).unwrap();
        let then = self.now() + SignedDuration::from_mins(minutes);
        let restored = self.restorer();
        let restored = restored.restore(finding, content, wish, then).await;
        restored.unwrap()
    }

    /// The event of what lies under a key now.
    async fn news(&self, key: &str) -> String {
        let size = std::fs::metadata(self.file(key)).unwrap().len();
        let event = self.event(key, usize::try_from(size).unwrap());
        self.queue.send(event.clone()).await;
        event
    }

    /// A worker that comes no further than to this step, and is stopped there: the open finding.
    async fn cut_short_at(&self, step: Step) -> Finding {
        self.faults.fail(step);
        let worker: Running = self.start().await;
        while self.faults.calls(step) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        worker.stop.cancel();
        worker.now.cancel();
        worker.ended().await;
        self.faults.mend(step);
        let mut findings = self.findings().await;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0].state, State::Intent);
        findings.remove(0)
    }

    /// The findings about a key, in the order of their judgement.
    async fn about(&self, key: &str) -> Vec<Finding> {
        let mut found = self.findings().await;
        found.retain(|finding| finding.key() == Some(&Key::new(key)));
        found.sort_by_key(|finding| finding.times.judged_at);
        found
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_restored_is_judged_and_kept_and_nobody_is_told() {
    let ground = quarantining();
    ground.tags.are_known();
    ground.tags.with_versions();
    let worker = ground.start().await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    let taken = ground.the_finding().await;
    assert_eq!(taken.outcome, Some(Outcome::Quarantined));
    assert!(!ground.exists("red.png"));
    let told = ground.told();

    let restored = ground.restored(&taken, &wish()).await;
    assert!(
        matches!(restored.returned, Some(Returned::Back(_))),
        "{restored:?}"
    );
    assert_eq!(restored.allowance.by, "jane");
    tokio::time::advance(Duration::from_secs(5)).await;
    let event = ground.news("red.png").await;
    worker.idle().await;
    let about = ground.about("red.png").await;
    let [_, again] = about.as_slice() else {
        panic!("{about:#?}");
    };
    assert_eq!(again.outcome, Some(Outcome::Kept), "{again:#?}");
    assert_eq!(
        (again.decision.rule.as_str(), again.state),
        ("allowed", State::Announced)
    );
    assert_eq!(again.publication, None);
    assert_eq!(ground.told(), told, "nobody is told of it");
    assert!(ground.exists("red.png"));
    assert_eq!(ground.tags.set(), [("red.png".to_owned(), Mark::Allowed)]);

    // The same news again change nothing, whoever judges.
    ground.queue.send(event).await;
    worker.idle().await;
    assert_eq!(ground.about("red.png").await, about);
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn only_these_bytes_under_this_key_are_spared() {
    let ground = quarantining();
    let worker = ground.start().await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    let taken = ground.the_finding().await;
    ground.restored(&taken, &wish()).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    ground.put("red.png", &picture(Hue::Red, 1)).await;
    ground.put("elsewhere.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    assert!(!ground.exists("red.png") && !ground.exists("elsewhere.png"));
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_clean_costs_no_question_and_what_is_not_costs_two() {
    let ground = quarantining();
    let worker = ground.start().await;
    for n in 0..5 {
        let key = format!("green{n}.png");
        ground.put(&key, &picture(Hue::Green, n)).await;
    }
    worker.idle().await;
    assert_eq!(ground.faults.calls(Step::Allowed), 0);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    // By the judgement, and once more directly before the removal.
    assert_eq!(ground.faults.calls(Step::Allowed), 2);
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn records_that_do_not_answer_remove_nothing() {
    let ground = quarantining();
    ground.faults.fail(Step::Allowed);
    let worker = ground.start().await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(ground.faults.calls(Step::Allowed) > 0);
    assert!(ground.exists("red.png"), "not told is not a no");
    assert!(ground.findings().await.is_empty());
    ground.faults.mend(Step::Allowed);
    worker.idle().await;
    assert!(!ground.exists("red.png"));
    worker.finish().await;
}

/// Between the intent and its act, by a worker that is stopped dead there, a person allows it.
#[tokio::test(start_paused = true)]
async fn what_is_allowed_while_its_intent_is_open_stays() {
    for redelivered in [true, false] {
        let ground = quarantining();
        let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
        let open = ground.cut_short_at(Step::Quarantine).await;
        let allow_only = Wish {
            allow_only: true,
            ..wish()
        };
        ground.restored(&open, &allow_only).await;
        let ground = ground.without_messages();
        if redelivered {
            ground.queue.send(event).await;
        }
        let fresh = ground.start().await;
        tokio::time::sleep(Duration::from_secs(90)).await;
        fresh.finish().await;
        assert!(ground.exists("red.png"), "redelivered: {redelivered}");
        let finding = ground.the_finding().await;
        assert_eq!(finding.outcome, Some(Outcome::Kept), "{finding:#?}");
        assert_eq!(finding.decision.rule, "allowed");
        assert!(ground.told().is_empty());
    }
}

/// Carried out before the kill, and allowed since: its story ends as it began, and people are told.
#[tokio::test(start_paused = true)]
async fn what_was_removed_before_it_was_allowed_is_told_as_removed() {
    let ground = quarantining();
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let open = ground.cut_short_at(Step::Acted).await;
    assert!(!ground.exists("red.png"));
    let allow_only = Wish {
        allow_only: true,
        ..wish()
    };
    ground.restored(&open, &allow_only).await;
    let ground = ground.without_messages();
    let fresh = ground.start().await;
    tokio::time::sleep(Duration::from_secs(90)).await;
    fresh.finish().await;
    let finding = ground.the_finding().await;
    assert_eq!(finding.outcome, Some(Outcome::Quarantined), "{finding:#?}");
    assert!(ground.told().contains(&finding.id.to_string()));
    // And can be given back.
    let restored = ground.restored(&finding, &wish()).await;
    assert!(matches!(restored.returned, Some(Returned::Back(_))));
}

/// Whatever the records say of it: where a copy is, it can be given back.
#[tokio::test(start_paused = true)]
async fn what_was_gone_when_we_came_is_looked_for_in_the_quarantine() {
    let ground = quarantining();
    let worker = ground.start().await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    worker.finish().await;
    let mut taken = ground.the_finding().await;
    taken.outcome = Some(Outcome::AlreadyGone);
    let restored = ground.restored(&taken, &wish()).await;
    assert!(matches!(restored.returned, Some(Returned::Back(_))));
    taken.decision.action = Action::Delete;
    assert_eq!(restorable(&taken, false), Err(Unrestorable::NotOurs));
}

/// Decided after the judgement and before the act, by a worker that nothing has stopped.
#[tokio::test(start_paused = true)]
async fn what_is_allowed_between_judgement_and_removal_stays() {
    let ground = quarantining();
    let gate = ground.faults.hold(Step::Begin);
    let worker = ground.start().await;
    let bytes = picture(Hue::Red, 0);
    ground.put("red.png", &bytes).await;
    while ground.faults.calls(Step::Begin) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let allowance = Allowance {
        schema_version: ALLOWANCE_VERSION,
        content: Content {
            bucket: bucket(),
            key: Key::new("red.png"),
            sha256: hex::encode(Sha256::digest(&bytes)),
        },
        finding: "0".repeat(32).parse().unwrap(),
        by: "jane".to_owned(),
        caller: None,
        why: "a sample".to_owned(),
        at: ground.now(),
    };
    ground.allowances().allow(&allowance).await.unwrap();
    gate.open();
    worker.idle().await;
    worker.finish().await;
    assert!(ground.exists("red.png"));
    let finding = ground.the_finding().await;
    assert_eq!(finding.outcome, Some(Outcome::Kept), "{finding:#?}");
    assert!(ground.told().is_empty());
}

/// The tag lets people read it where a bucket policy asks for one: it comes before the records say
/// that all is done, so that a kill or throttling in between is made up for.
#[tokio::test(start_paused = true)]
async fn what_is_allowed_is_tagged_before_it_counts_as_done() {
    let ground = quarantining();
    ground.tags.are_known();
    ground.tags.with_versions();
    let worker = ground.start().await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    let taken = ground.the_finding().await;
    ground.restored(&taken, &wish()).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    ground.faults.on(Step::Tag, When::Before, 1, Effect::Fail);
    ground.news("red.png").await;
    tokio::time::sleep(Duration::from_secs(300)).await;
    worker.finish().await;
    assert_eq!(ground.tags.set(), [("red.png".to_owned(), Mark::Allowed)]);
    let about = ground.about("red.png").await;
    assert_eq!(about.last().unwrap().state, State::Announced);
}

/// A restore that ends after any of its steps is finished by a second one.
#[tokio::test(start_paused = true)]
async fn a_second_restore_finishes_a_first_that_was_cut_short() {
    for steps in 0..=2 {
        let ground = quarantining();
        let worker = ground.start().await;
        ground.put("red.png", &picture(Hue::Red, 0)).await;
        worker.idle().await;
        let taken = ground.the_finding().await;
        let first = Wish {
            allow_only: steps == 0,
            end_copy: steps == 2,
            ..wish()
        };
        if steps == 2 {
            ground.restored(&taken, &wish()).await;
        }
        ground
            .restored_in(31 * i64::from(steps == 2), &taken, &first)
            .await;
        let second = Wish {
            by: "joe".to_owned(),
            end_copy: true,
            ..wish()
        };
        let restored = ground.restored(&taken, &second).await;
        assert_eq!(restored.allowance.by, "jane", "the first decision stays");
        match (steps, &restored.returned) {
            (0, Some(Returned::Back(_))) | (1, Some(Returned::There(_))) => {
                // A task may be about to take what lies there, by the same tag.
                let too_soon = |restored: &Restored| {
                    let trouble = restored.copy_trouble.as_ref();
                    !restored.copy_ended && matches!(trouble, Some(CopyTrouble::TooSoon(_)))
                };
                assert!(too_soon(&restored), "{restored:?}");
                // It may have come to that when another carried it out, long after the decision.
                let mut late = taken.clone();
                late.times.acted_at = Some(ground.now() + SignedDuration::from_mins(20));
                let restored = ground.restored_in(31, &late, &second).await;
                assert!(too_soon(&restored), "{restored:?}");
                let restored = ground.restored_in(31, &taken, &second).await;
                assert!(restored.copy_ended, "{restored:?}");
            }
            (2, Some(Returned::NothingKept)) => assert!(!restored.copy_ended),
            other => panic!("{other:?}"),
        }
        assert_eq!(
            std::fs::read(ground.file("red.png")).unwrap(),
            picture(Hue::Red, 0)
        );
        let copy = ground.quarantine().join(taken.id.to_string());
        assert!(!copy.exists());
        worker.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_decided_or_read_can_be_allowed_too() {
    let ground = Ground::new(|setup| {
        setup.policy.removal = Some(Removal::Quarantine);
        setup.policy.undecided = Response::Quarantine;
        setup.policy.unreadable = Response::Quarantine;
    });
    let worker = ground.start().await;
    ground.put("notes.png", b"no picture at all").await;
    worker.idle().await;
    let taken = ground.the_finding().await;
    assert_eq!(taken.outcome, Some(Outcome::Quarantined), "{taken:#?}");
    ground.restored(&taken, &wish()).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    ground.news("notes.png").await;
    worker.idle().await;
    assert!(ground.exists("notes.png"));
    worker.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_never_taken_cannot_be_put_back() {
    let ground = Ground::new(|_| {});
    let worker = ground.start().await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    let deleted = ground.the_finding().await;
    assert_eq!(deleted.outcome, Some(Outcome::Deleted));
    assert_eq!(restorable(&deleted, false), Err(Unrestorable::Deleted));
    // Its owner uploads it again, once it is allowed.
    let allow_only = Wish {
        allow_only: true,
        ..wish()
    };
    let restored = ground.restored(&deleted, &allow_only).await;
    assert_eq!(restored.returned, None);
    tokio::time::advance(Duration::from_secs(5)).await;
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    worker.idle().await;
    assert!(ground.exists("red.png"));
    worker.finish().await;
    let mut unread = deleted;
    if let Case::Object(case) = &mut unread.case {
        case.subject.sha256 = None;
    }
    assert_eq!(restorable(&unread, true), Err(Unrestorable::Unread));
}

/// What stays in its place is not judged anew: the command itself says by the tag that it may.
#[tokio::test(start_paused = true)]
async fn what_was_left_in_place_is_tagged_when_it_is_allowed() {
    for tag in [true, false] {
        let ground = Ground::new(|setup| setup.policy.mode = Some(Mode::Observe));
        ground.tags.are_known();
        ground.tags.with_versions();
        let worker = ground.start().await;
        ground.put("red.png", &picture(Hue::Red, 0)).await;
        worker.idle().await;
        worker.finish().await;
        let seen = ground.the_finding().await;
        assert_eq!(seen.outcome, Some(Outcome::Observed));
        let before = ground.tags.set();
        let allow_only = Wish {
            allow_only: true,
            tag,
            ..wish()
        };
        let restored = ground.restored(&seen, &allow_only).await;
        assert_eq!(restored.tagged, tag.then_some(Ok(Tagged::Tagged)));
        let mut wanted = before;
        wanted.extend(tag.then_some(("red.png".to_owned(), Mark::Allowed)));
        wanted.sort_by_key(|(key, mark)| (key.clone(), mark.as_str()));
        assert_eq!(ground.tags.set(), wanted);
    }
}
