//! Looking and sending back, over a queue in memory and with paused time.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::memory::{By, Faults, Memory, letter, news};
use super::*;
use crate::event::{Key, Place};

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn order(wanted: Wanted) -> Order {
    Order {
        wanted,
        dry_run: false,
        force: false,
        limit: 1_000,
        per_second: 100.0,
    }
}

fn reasons(all: &[&str]) -> Wanted {
    Wanted {
        reasons: all.iter().map(|&reason| reason.to_owned()).collect(),
        ..Wanted::default()
    }
}

/// So many messages that can be sent back.
fn good(count: usize) -> Vec<Parked> {
    let one = |number: usize| {
        let body = news("guarded", &format!("{number}.png"));
        letter(&format!("m{number:04}"), Some("denied"), &body)
    };
    (0..count).map(one).collect()
}

async fn listed(queue: &Memory, wanted: &Wanted, limit: usize) -> Listed {
    let stop = CancellationToken::new();
    let rules = Rules::default();
    list(queue, wanted, &rules, (limit, now()), &stop, &mut |_| {}).await
}

async fn redriven(queue: &Memory, order: &Order) -> Redriven {
    let stop = CancellationToken::new();
    redrive(queue, order, &Rules::default(), now(), &stop, &mut |_| {}).await
}

fn ids(letters: &[Letter]) -> Vec<&str> {
    letters.iter().map(|letter| letter.id.0.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_is_listed_once_and_given_back() {
    let queue = Memory::with(good(35));
    let listed = listed(&queue, &Wanted::default(), 1_000).await;
    assert!(
        matches!(listed.ended, Ended::Empty { elsewhere: 0 }),
        "{listed:?}"
    );
    assert_eq!(
        (listed.letters.len(), listed.seen, listed.hidden),
        (35, 35, 0)
    );
    let distinct: BTreeSet<_> = ids(&listed.letters).into_iter().collect();
    assert_eq!(distinct.len(), 35);
    let (left, hidden) = queue.left();
    assert_eq!((left.len(), hidden.len()), (35, 0));
    assert_eq!(queue.most_in_flight(), 35, "all are held until the end");
}

#[tokio::test(start_paused = true)]
async fn a_list_ends_early_in_every_way_and_gives_everything_back() {
    let check = |listed: &Listed, queue: &Memory, seen: usize| {
        assert!(listed.letters.len() <= seen, "{listed:?}");
        assert_eq!(queue.left().1, Vec::<String>::new(), "{listed:?}");
        assert_eq!(queue.left().0.len(), 35);
    };
    let queue = Memory::with(good(35));
    let stopped = listed(&queue, &Wanted::default(), 12).await;
    assert!(matches!(stopped.ended, Ended::Enough));
    assert_eq!(stopped.letters.len(), 12);
    check(&stopped, &queue, 20);

    let faults = Faults {
        receives: Some(2),
        ..Faults::default()
    };
    let queue = Memory::with(good(35)).failing(faults);
    let failed = listed(&queue, &Wanted::default(), 1_000).await;
    assert!(
        matches!(&failed.ended, Ended::Failed(error) if error.to_string().contains("OverLimit"))
    );
    assert_eq!(failed.letters.len(), 20, "what was seen is told");
    check(&failed, &queue, 20);

    let queue = Memory::with(good(35));
    let stop = CancellationToken::new();
    let rules = Rules::default();
    let mut interrupt = |_: usize| stop.cancel();
    let all = Wanted::default();
    let cut = list(&queue, &all, &rules, (1_000, now()), &stop, &mut interrupt).await;
    assert!(matches!(cut.ended, Ended::Interrupted));
    check(&cut, &queue, 10);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_holds_is_counted() {
    let queue = Memory::with(good(12));
    let theirs = queue
        .receive(Duration::from_secs(60), Duration::ZERO)
        .await
        .unwrap();
    assert_eq!(theirs.len(), 10);
    let listed = listed(&queue, &Wanted::default(), 1_000).await;
    assert!(
        matches!(listed.ended, Ended::Empty { elsewhere: 10 }),
        "{listed:?}"
    );
    assert_eq!(listed.letters.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn filters_choose_by_reason_age_and_id() {
    let old = Parked {
        first_seen: Some("2026-11-20T12:00:00Z".parse().unwrap()),
        ..letter("old", Some("not_json"), "?")
    };
    let moved = letter("moved", None, &news("guarded", "a.png"));
    let queue = Memory::with([old, moved, letter("new", Some("not_json"), "?")]);
    let check = async |wanted: Wanted, expected: &[&str]| {
        let listed = listed(&queue, &wanted, 10).await;
        assert_eq!(ids(&listed.letters), expected, "{wanted:?}");
        assert_eq!(listed.seen, 3);
    };
    check(reasons(&["not_json"]), &["new", "old"]).await;
    check(reasons(&[MOVED_BY_SQS]), &["moved"]).await;
    check(reasons(&["nothing_of_the_kind"]), &[]).await;
    for (hours, expected) in [(48, &["old"][..]), (49, &[])] {
        let older = Wanted {
            older_than: Some(SignedDuration::from_hours(hours)),
            ..Wanted::default()
        };
        check(older, expected).await;
    }
    for id in ["moved", "before-moved"] {
        let by_id = Wanted {
            ids: [id.to_owned()].into(),
            ..Wanted::default()
        };
        check(by_id, &["moved"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_can_be_used_goes_back_and_only_once() {
    let queue = Memory::with([
        letter("a", Some("denied"), &news("guarded", "a.png")),
        letter("b", Some("not_json"), "4111 1111"),
        letter("c", None, &news("guarded", "c.png")),
    ]);
    let dry = Order {
        dry_run: true,
        ..order(Wanted::default())
    };
    let would = redriven(&queue, &dry).await;
    let fates = |done: &Redriven| -> Vec<String> {
        let word = |fate: &Fate| match fate {
            Fate::Sent => "sent".to_owned(),
            Fate::Kept(stay) => stay.code.to_owned(),
            other => format!("{other:?}"),
        };
        done.letters.iter().map(|(_, fate)| word(fate)).collect()
    };
    let mut expected = fates(&would);
    expected.sort();
    assert_eq!(expected, ["not_json", "sent", "sent"]);
    assert!(queue.sent().is_empty(), "nothing was changed");
    assert_eq!((queue.left().0.len(), queue.left().1.len()), (3, 0));

    let done = redriven(&queue, &order(Wanted::default())).await;
    let mut came = fates(&done);
    came.sort();
    assert_eq!(came, expected, "as was foretold");
    let again = redriven(&queue, &order(Wanted::default())).await;
    assert_eq!(fates(&again), ["not_json"]);
    let sent: BTreeSet<_> = queue.sent().into_iter().collect();
    assert_eq!(sent.len(), 2);
    assert_eq!(queue.sent().len(), 2, "exactly once");
    assert!(sent.iter().all(|(_, count)| *count == 1));

    let forced = Order {
        force: true,
        ..order(Wanted::default())
    };
    redriven(&queue, &forced).await;
    assert_eq!(queue.sent().last().unwrap().0, "4111 1111");
    assert!(queue.left().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_text_by_pointer_is_sent_whole_or_stays() {
    let whole = Body::new(news("guarded", "big.png"));
    let by_pointer = |id: &str, key: &str| {
        let place = Place {
            bucket: "records".to_owned(),
            key: key.to_owned(),
        };
        Parked {
            pointer: Some(ParkedPointer::new(place, &whole)),
            ..letter(id, Some("denied"), "{\"s3_warden_parked\":1}")
        }
    };
    let letters = [
        by_pointer("here", "parked/1"),
        by_pointer("lost", "parked/2"),
    ];
    let queue = Memory::with(letters).keeping("parked/1", whole.as_str());
    let seen = listed(&queue, &Wanted::default(), 10).await;
    let key = match &seen.letters[0].about {
        About::Named {
            first: Named::Object { key, .. },
            more: 0,
        } => key.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(key, Key::new("big.png"));
    assert_eq!(seen.letters[1].about, About::Gone);
    let forced = Order {
        force: true,
        ..order(Wanted::default())
    };
    let done = redriven(&queue, &forced).await;
    assert_eq!(queue.sent(), [(whole.as_str().to_owned(), 1)]);
    assert_eq!(queue.left(), (vec!["lost".to_owned()], vec![]));
    let kept = done
        .letters
        .iter()
        .any(|(_, fate)| matches!(fate, Fate::Kept(stay) if stay.code == "body_gone"));
    assert!(kept, "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn a_text_that_cannot_be_fetched_holds_up_nobody() {
    let whole = Body::new(news("guarded", "big.png"));
    let place = Place {
        bucket: "records".to_owned(),
        key: "parked/1".to_owned(),
    };
    let denied = Parked {
        pointer: Some(ParkedPointer::new(place, &whole)),
        ..letter("a-denied", Some("denied"), "{\"s3_warden_parked\":1}")
    };
    let faults = Faults {
        fetches: vec!["parked/1"],
        ..Faults::default()
    };
    let queue = Memory::with(good(12).into_iter().chain([denied])).failing(faults);
    let seen = listed(&queue, &Wanted::default(), 100).await;
    assert!(matches!(seen.ended, Ended::Empty { .. }), "{seen:?}");
    let unknown = |about: &About| matches!(about, About::Unknown { why } if why.contains("Denied"));
    let of = seen.letters.iter().filter(|letter| unknown(&letter.about));
    assert_eq!((seen.letters.len(), of.count()), (13, 1), "{seen:?}");
    let forced = Order {
        force: true,
        ..order(Wanted::default())
    };
    let done = redriven(&queue, &forced).await;
    assert!(matches!(done.ended, Ended::Empty { .. }), "{done:?}");
    assert_eq!(queue.sent().len(), 12);
    assert_eq!(queue.left(), (vec!["a-denied".to_owned()], vec![]));
    let failed = done.letters.iter().filter(
        |(letter, fate)| matches!(fate, Fate::Failed(_) if letter.id.0 == "a-denied" && unknown(&letter.about)),
    );
    assert_eq!(failed.count(), 1, "{done:?}");
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_meanwhile_is_not_sent_again() {
    for by in [By::Worker, By::Sqs] {
        let faults = Faults {
            comes_back: Some(by),
            ..Faults::default()
        };
        let queue = Memory::with(good(25)).failing(faults);
        let forced = Order {
            force: true,
            ..order(Wanted::default())
        };
        let done = redriven(&queue, &forced).await;
        assert!(matches!(done.ended, Ended::Empty { .. }), "{by:?} {done:?}");
        assert_eq!((queue.sent().len(), done.came_back), (25, 25), "{by:?}");
        assert_eq!((queue.left().0.len(), queue.left().1.len()), (25, 0));
        // Another run is somebody's decision.
        let again = redriven(&queue, &forced).await;
        assert_eq!((queue.sent().len(), again.came_back), (50, 25), "{by:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn slow_sending_keeps_its_leases() {
    let queue = Memory::with(good(8));
    let slow = Order {
        per_second: 0.01,
        ..order(Wanted::default())
    };
    let began = tokio::time::Instant::now();
    let done = redriven(&queue, &slow).await;
    let took = began.elapsed().as_secs();
    assert!(
        (700..=800).contains(&took),
        "{took} s, which no lease lasts"
    );
    assert!(
        done.letters.iter().all(|(_, fate)| *fate == Fate::Sent),
        "{done:?}"
    );
    assert_eq!(queue.sent().len(), 8);
    assert!(queue.left().0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn sending_keeps_to_its_rate_and_limit() {
    let queue = Memory::with(good(50));
    let bounded = Order {
        per_second: 4.0,
        limit: 40,
        ..order(Wanted::default())
    };
    let began = tokio::time::Instant::now();
    let done = redriven(&queue, &bounded).await;
    let took = began.elapsed().as_secs_f64();
    // Forty in turns of at most four; the first goes at once.
    assert!((9.0..=15.0).contains(&took), "{took} s");
    assert!(matches!(done.ended, Ended::Enough));
    assert_eq!((queue.sent().len(), queue.left().0.len()), (40, 10));
    assert!(queue.left().1.is_empty(), "the rest is given back");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_sends_nothing_more_and_gives_back() {
    let queue = Memory::with(good(30));
    let stop = CancellationToken::new();
    let slow = Order {
        per_second: 1.0,
        ..order(Wanted::default())
    };
    let rules = Rules::default();
    let soon = async {
        tokio::time::sleep(Duration::from_millis(4_500)).await;
        stop.cancel();
    };
    let mut quiet = |_: usize| {};
    let (done, ()) = tokio::join!(
        redrive(&queue, &slow, &rules, now(), &stop, &mut quiet),
        soon
    );
    assert!(matches!(done.ended, Ended::Interrupted));
    assert_eq!(queue.sent().len(), 5);
    assert_eq!(queue.left().0.len(), 25);
    assert!(queue.left().1.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_kill_between_send_and_remove_loses_nothing() {
    let faults = Faults {
        removes: true,
        ..Faults::default()
    };
    let queue = Memory::with(good(3)).failing(faults);
    let done = redriven(&queue, &order(Wanted::default())).await;
    assert!(
        done.letters
            .iter()
            .all(|(_, fate)| matches!(fate, Fate::Twice(_))),
        "{done:?}"
    );
    assert_eq!((queue.sent().len(), queue.left().0.len()), (3, 3));
}

/// Else all of them would lie in both queues.
#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_removed_no_more_is_sent() {
    let faults = Faults {
        removes: true,
        ..Faults::default()
    };
    let queue = Memory::with(good(30)).failing(faults);
    let done = redriven(&queue, &order(Wanted::default())).await;
    assert!(
        matches!(&done.ended, Ended::Failed(error) if error.to_string().contains("InternalError")),
        "{done:?}"
    );
    assert_eq!((queue.sent().len(), queue.left().0.len()), (3, 30));
}

#[tokio::test(start_paused = true)]
async fn what_fails_to_be_sent_stays() {
    // One throttled, the others fine.
    let faults = Faults {
        sends: [None, Some(false)].into(),
        ..Faults::default()
    };
    let queue = Memory::with(good(5)).failing(faults);
    let done = redriven(&queue, &order(Wanted::default())).await;
    let failed =
        |fate: &Fate| matches!(fate, Fate::Failed(why) if why.contains("RequestThrottled"));
    assert_eq!(
        done.letters.iter().filter(|(_, fate)| failed(fate)).count(),
        1
    );
    assert!(matches!(done.ended, Ended::Empty { .. }));
    assert_eq!((queue.sent().len(), queue.left().0.len()), (4, 1));

    // Refused: the others would be refused too.
    let faults = Faults {
        sends: std::iter::repeat_n(Some(true), 30).collect(),
        ..Faults::default()
    };
    let queue = Memory::with(good(25)).failing(faults);
    let done = redriven(&queue, &order(Wanted::default())).await;
    assert!(
        matches!(done.ended, Ended::Failed(QueueError::Refused(_))),
        "{done:?}"
    );
    assert!(queue.sent().is_empty());
    assert_eq!((queue.left().0.len(), queue.left().1.len()), (25, 0));
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_took_meanwhile_is_not_sent() {
    let queue = Memory::with(good(2));
    let theft = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        queue.snatch("m0001");
    };
    let stop = CancellationToken::new();
    let mut quiet = |_: usize| {};
    let rules = Rules::default();
    // The second turn comes when a good part of the lease is over, and it cannot be extended.
    let very_slow = Order {
        per_second: 0.01,
        ..order(Wanted::default())
    };
    let (done, ()) = tokio::join!(
        redrive(&queue, &very_slow, &rules, now(), &stop, &mut quiet),
        theft
    );
    assert_eq!(done.letters.len(), 2);
    assert_eq!(queue.sent().len(), 2, "the theft shows at the removal");
    assert!(
        done.letters
            .iter()
            .any(|(_, fate)| matches!(fate, Fate::Twice(_)))
    );
}

#[tokio::test(start_paused = true)]
async fn ids_that_are_nowhere_are_told() {
    let queue = Memory::with(good(30));
    let some = Wanted {
        ids: ["m0001", "before-m0002", "nowhere"]
            .map(str::to_owned)
            .into(),
        ..Wanted::default()
    };
    let done = redriven(&queue, &order(some.clone())).await;
    assert_eq!(done.missing, ["nowhere".to_owned()].into());
    assert_eq!(queue.sent().len(), 2);
    let queue = Memory::with(good(30));
    let found = Wanted {
        ids: ["m0001".to_owned()].into(),
        ..some
    };
    let done = redriven(&queue, &order(found)).await;
    assert!(matches!(done.ended, Ended::Enough), "no need to go on");
    assert_eq!((done.seen, queue.left().0.len()), (10, 29));
}
