//! What is removed is what was judged, and nothing that came to lie in its place.

use std::fs;
use std::time::Duration;

use s3_warden::action::Removal;

use crate::detector::Turn;
use crate::faults::Step;
use crate::gate::Gate;
use crate::ground::Ground;
use crate::pictures::{Hue, picture};

/// A flagged picture is replaced by another while it is judged, once.
async fn replaced_by(hue: Hue, removal: Removal) -> Ground {
    let ground = Ground::new(|setup| setup.policy.removal = Some(removal));
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    ground.put("card.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    // Two writes to a key without versions may come as one event: nobody tells of this one.
    ground.place("card.png", &picture(hue, 1));
    gate.open();
    worker.finish().await;
    ground
}

#[tokio::test(start_paused = true)]
async fn an_overwrite_by_something_clean_stays() {
    for removal in [Removal::Delete, Removal::Quarantine] {
        let ground = replaced_by(Hue::Green, removal).await;
        assert_eq!(
            fs::read(ground.file("card.png")).unwrap(),
            picture(Hue::Green, 1)
        );
        assert_eq!(ground.outcomes().await, ["superseded"]);
        assert_eq!(ground.judge.asked(), 2, "what is there now was looked at");
        ground.assert_all_told_once().await;
        let copies = fs::read_dir(ground.quarantine()).unwrap().count();
        assert_eq!(copies, 0, "no copy is made in vain");
    }
}

#[tokio::test(start_paused = true)]
async fn an_overwrite_that_is_flagged_itself_goes_under_its_own_judgement() {
    let ground = replaced_by(Hue::Red, Removal::Delete).await;
    assert!(!ground.exists("card.png"));
    assert_eq!(ground.outcomes().await, ["deleted", "superseded"]);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn an_overwrite_is_looked_at_although_the_judge_failed_in_between() {
    let ground = Ground::new(|_| {});
    let gate = Gate::shut();
    let turns = [
        Turn::Wait(gate.clone()),
        Turn::Unavailable(None),
        Turn::Unavailable(None),
    ];
    ground.judge.then(turns);
    ground.put("card.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    ground.place("card.png", &picture(Hue::Red, 1));
    gate.open();
    worker.finish().await;
    assert!(
        !ground.exists("card.png"),
        "the new bytes were never looked at"
    );
    assert_eq!(ground.outcomes().await, ["deleted", "superseded"]);
    ground.assert_all_told_once().await;
}

#[tokio::test(start_paused = true)]
async fn an_overwrite_before_the_read_is_judged_as_what_it_is() {
    for (hue, stays) in [(Hue::Green, true), (Hue::Red, false)] {
        let ground = Ground::new(|_| {});
        ground.put("card.png", &picture(Hue::Red, 0)).await;
        ground.place("card.png", &picture(hue, 1));
        ground.start().await.finish().await;
        assert_eq!(ground.exists("card.png"), stays);
        assert_eq!(ground.findings().await.len(), usize::from(!stays));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_while_it_was_judged_is_told_as_gone() {
    let ground = Ground::new(|_| {});
    let gate = Gate::shut();
    ground.judge.then([Turn::Wait(gate.clone())]);
    ground.put("card.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    gate.reached_by(1).await;
    fs::remove_file(ground.file("card.png")).unwrap();
    gate.open();
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["already_gone"]);
    ground.assert_all_told_once().await;
}

/// What has come to lie there between its move and the note about that may be of the same event, and
/// is looked at.
#[tokio::test(start_paused = true)]
async fn what_lies_there_once_it_is_moved_is_looked_at() {
    let ground = Ground::new(|setup| setup.policy.removal = Some(Removal::Quarantine));
    let gate = ground.faults.hold(Step::Acted);
    ground.put("card.png", &picture(Hue::Red, 0)).await;
    let worker = ground.start().await;
    while ground.faults.calls(Step::Acted) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(!ground.exists("card.png"), "it is moved");
    ground.place("card.png", &picture(Hue::Red, 1));
    gate.open();
    worker.finish().await;
    assert_eq!(ground.outcomes().await, ["quarantined", "quarantined"]);
    assert!(!ground.exists("card.png"), "the new bytes were looked at");
    // Each with its note.
    let copies = fs::read_dir(ground.quarantine()).unwrap().count();
    assert_eq!(copies, 4);
    ground.assert_all_told_once().await;
}
