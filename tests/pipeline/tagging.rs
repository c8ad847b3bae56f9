//! Which verdicts become tags, and that a tag changes nothing else.

use s3_warden::action::{Mode, Tagging};
use s3_warden::object::{Mark, Tagged};

use crate::faults::{Effect, Step, When};
use crate::ground::Ground;
use crate::pictures::{Hue, picture};

/// One picture of each hue and a text, under a policy: the tags that were set.
async fn check(tag: Tagging, mode: Mode, versions: bool, wanted: &[(&str, Mark)]) -> Ground {
    let ground = Ground::new(|setup| {
        setup.policy.tag = tag;
        setup.policy.mode = Some(mode);
    });
    ground.tags.are_known();
    if versions {
        ground.tags.with_versions();
    }
    for (key, hue) in [
        ("blue.png", Hue::Blue),
        ("green.png", Hue::Green),
        ("red.png", Hue::Red),
        ("yellow.png", Hue::Yellow),
    ] {
        ground.put(key, &picture(hue, 0)).await;
    }
    ground.start().await.finish().await;
    let set = ground.tags.set();
    let set: Vec<_> = set
        .iter()
        .map(|(key, mark)| (key.as_str(), *mark))
        .collect();
    assert_eq!(set, wanted, "{tag:?} {mode:?} {versions}");
    ground
}

#[tokio::test(start_paused = true)]
async fn what_stays_and_is_not_clean_is_tagged() {
    let mild = [("blue.png", Mark::Flagged), ("yellow.png", Mark::Undecided)];
    let ground = check(Tagging::NotClean, Mode::Enforce, false, &mild).await;
    let outcomes = ground.outcomes().await;
    assert_eq!(outcomes, ["deleted", "tagged", "tagged"]);
    let observed = [
        ("blue.png", Mark::Flagged),
        ("red.png", Mark::Flagged),
        ("yellow.png", Mark::Undecided),
    ];
    let ground = check(Tagging::NotClean, Mode::Observe, false, &observed).await;
    let outcomes = ground.outcomes().await;
    assert_eq!(outcomes, ["observed", "tagged", "tagged"]);
}

#[tokio::test(start_paused = true)]
async fn without_tags_everything_is_told_all_the_same() {
    let ground = check(Tagging::Off, Mode::Observe, true, &[]).await;
    assert_eq!(ground.outcomes().await, ["kept", "kept", "observed"]);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_clean_is_tagged_only_by_its_version() {
    let mild = [("blue.png", Mark::Flagged), ("yellow.png", Mark::Undecided)];
    check(Tagging::All, Mode::Enforce, false, &mild).await;
    let all = [
        ("blue.png", Mark::Flagged),
        ("green.png", Mark::Clean),
        ("yellow.png", Mark::Undecided),
    ];
    check(Tagging::All, Mode::Enforce, true, &all).await;
}

#[tokio::test(start_paused = true)]
async fn what_settings_pass_over_is_tagged_so_where_everything_is() {
    for (tag, wanted) in [
        (Tagging::NotClean, vec![]),
        (Tagging::All, vec![("notes.txt".to_owned(), Mark::Skipped)]),
    ] {
        let ground = Ground::new(|setup| {
            setup.policy.tag = tag;
            setup.suffixes = vec![".png".to_owned()];
        });
        ground.tags.are_known();
        ground.tags.with_versions();
        ground.faults.on(Step::Tag, When::Before, 1, Effect::Fail);
        ground.put("notes.txt", b"only text").await;
        ground.start().await.finish().await;
        assert_eq!(ground.tags.set(), wanted, "{tag:?}");
        assert!(ground.findings().await.is_empty() && ground.letters().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_breaker_holds_is_tagged_as_what_it_is() {
    let ground = Ground::new(|setup| setup.limits.deletions_per_minute = std::num::NonZeroU32::MIN);
    ground.tags.are_known();
    for grain in 0..3 {
        let key = format!("{grain}.png");
        ground.put(&key, &picture(Hue::Red, grain)).await;
    }
    ground.start().await.finish().await;
    assert_eq!(ground.outcomes().await, ["deleted", "held", "held"]);
    let set = ground.tags.set();
    assert_eq!(set.len(), 2, "{set:?}");
    for (key, mark) in set {
        assert!(ground.exists(&key) && mark == Mark::Flagged, "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_fails_for_a_moment_is_set_later_and_one_that_may_not_be_is_let_go() {
    let ground = Ground::new(|setup| setup.policy.tag = Tagging::All);
    ground.tags.are_known();
    ground.tags.with_versions();
    ground.faults.on(Step::Tag, When::Before, 2, Effect::Fail);
    ground.put("green.png", &picture(Hue::Green, 0)).await;
    ground.start().await.finish().await;
    assert_eq!(ground.tags.set(), [("green.png".to_owned(), Mark::Clean)]);
    assert_eq!(
        (ground.faults.calls(Step::Tag), ground.judge.asked()),
        (3, 1)
    );

    for answer in [
        Tagged::NoRoom,
        Tagged::Denied(s3_warden::object::Why::AccessDenied),
    ] {
        ground.tags.answers(answer);
        ground.put("next.png", &picture(Hue::Green, 7)).await;
        ground.put("blue.png", &picture(Hue::Blue, 0)).await;
        ground.start().await.finish().await;
        assert!(ground.letters().is_empty());
    }
    assert_eq!(ground.outcomes().await, ["tag_failed", "tag_failed"]);
    assert_eq!(ground.tags.set().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_tag_after_the_outcome_that_fails_changes_nothing() {
    let ground = Ground::new(|setup| setup.policy.mode = Some(Mode::Observe));
    ground.faults.fail(Step::Tag);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.start().await.finish().await;
    assert_eq!(ground.outcomes().await, ["observed"]);
    assert_eq!(ground.faults.calls(Step::Tag), 1, "best effort");
    ground.assert_all_told_once().await;
}
