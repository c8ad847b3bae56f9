//! What is removed under which policy, and when the breaker holds it.

use std::num::NonZeroU32;

use s3_warden::action::{Mode, Response};
use s3_warden::alert::{AlertKind, Clean};

use crate::ground::Ground;
use crate::pictures::{Hue, picture};

#[tokio::test(start_paused = true)]
async fn what_was_observed_is_removed_once_that_is_enforced() {
    let mut ground = Ground::new(|setup| setup.policy.mode = Some(Mode::Observe));
    let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.start().await.finish().await;
    assert!(ground.exists("red.png"));
    let observed = ground.the_finding().await;
    assert_eq!(
        (observed.outcome.unwrap().code(), observed.revision),
        ("observed", 0)
    );
    assert_eq!(ground.alerts().len(), 1);

    ground.setup.policy.mode = Some(Mode::Enforce);
    ground.setup.ask_first = true;
    ground.queue.send(event).await;
    ground.start().await.finish().await;
    assert!(!ground.exists("red.png"));
    let removed = ground.the_finding().await;
    assert_eq!(
        (removed.outcome.unwrap().code(), removed.revision),
        ("deleted", 1)
    );
    assert_eq!(removed.id, observed.id);
    assert_eq!(ground.told().len(), 2, "told again");
}

#[tokio::test(start_paused = true)]
async fn what_is_enforced_again_under_the_same_policy_is_done_once() {
    let mut ground = Ground::new(|_| {});
    let event = ground.put("red.png", &picture(Hue::Red, 0)).await;
    ground.start().await.finish().await;
    ground.setup.ask_first = true;
    ground.place("red.png", &picture(Hue::Red, 0));
    ground.queue.send(event).await;
    ground.start().await.finish().await;
    assert!(ground.exists("red.png"), "this write has its own event");
    assert_eq!(ground.the_finding().await.revision, 0);
}

/// One object under a policy that removes whatever it may.
async fn stays(key: &str, bytes: &[u8], outcome: &[&str], alert: &[AlertKind]) {
    let ground = Ground::new(|setup| setup.policy.unreadable = Response::Tag);
    ground.put(key, bytes).await;
    ground.start().await.finish().await;
    assert_eq!(std::fs::read(ground.file(key)).unwrap(), bytes, "{key}");
    assert_eq!(ground.outcomes().await, outcome, "{key}");
    let kinds: Vec<_> = ground.alerts().iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, alert, "{key}");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_flagged_gravely_is_deleted() {
    use AlertKind::{Flagged, Undecided, Unreadable};

    let red = picture(Hue::Red, 0);
    let half = &red[..red.len() / 2];
    stays(
        "yellow.png",
        &picture(Hue::Yellow, 0),
        &["kept"],
        &[Undecided],
    )
    .await;
    stays("half.png", half, &["kept"], &[Unreadable]).await;
    stays("empty.png", b"", &["kept"], &[Unreadable]).await;
    stays("notes.txt", b"only text", &["kept"], &[]).await;
    stays("face.png", &picture(Hue::Blue, 0), &["kept"], &[Flagged]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_undecided_may_be_put_aside() {
    let ground = Ground::new(|setup| setup.policy.undecided = Response::Quarantine);
    ground.put("yellow.png", &picture(Hue::Yellow, 0)).await;
    ground.start().await.finish().await;
    let finding = ground.the_finding().await;
    assert_eq!(finding.outcome.unwrap().code(), "quarantined");
    let copy = std::fs::read(ground.quarantine().join(finding.id.to_string()));
    assert_eq!(copy.unwrap(), picture(Hue::Yellow, 0));
}

#[tokio::test(start_paused = true)]
async fn beyond_its_limit_the_breaker_holds_and_tells() {
    let ground =
        Ground::new(|setup| setup.limits.deletions_per_minute = NonZeroU32::new(3).unwrap());
    for grain in 0..6 {
        ground
            .put(&format!("{grain}.png"), &picture(Hue::Red, grain))
            .await;
    }
    ground.start().await.finish().await;
    let left = (0..6).filter(|grain| ground.exists(&format!("{grain}.png")));
    assert_eq!(left.count(), 3);
    let outcomes = ground.outcomes().await;
    assert_eq!(
        outcomes,
        ["deleted", "deleted", "deleted", "held", "held", "held"]
    );
    ground.assert_all_told_once().await;
    let alerts = ground.alerts();
    assert!(alerts.iter().any(|alert| alert.kind == AlertKind::Held));
    assert!(ground.letters().is_empty(), "a held one is no failure");
}

#[tokio::test(start_paused = true)]
async fn what_is_clean_is_told_where_each_is_wanted() {
    for clean in [Clean::Each, Clean::Digest, Clean::Off] {
        let ground = Ground::new(|setup| setup.alerts.clean = clean);
        let event = ground.put("green.png", &picture(Hue::Green, 0)).await;
        ground.start().await.finish().await;
        // Again, as queues do: it is told once.
        ground.queue.send(event).await;
        ground.start().await.finish().await;
        let kinds: Vec<_> = ground.alerts().iter().map(|alert| alert.kind).collect();
        match clean {
            Clean::Each => assert_eq!(kinds, [AlertKind::Clean]),
            Clean::Digest | Clean::Off => assert!(kinds.is_empty(), "{kinds:?}"),
        }
        assert!(ground.exists("green.png"));
    }
}
