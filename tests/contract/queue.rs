//! The contract of `event::Queue`.

use std::sync::Arc;
use std::time::Duration;

use s3_warden::clock::SystemClock;
use s3_warden::event::{Delivery, EntryError, Queue};
use s3_warden::local::{MemoryQueue, QueueOptions, QueueStats};
use s3_warden::retry::Reason;
use tokio::task::JoinSet;

use crate::kit::{Ground, Local, suite};

const NO_WAIT: Duration = Duration::ZERO;

/// A ground that has queues.
pub(crate) trait QueueGround: Ground {
    type Bench: QueueBench;
    /// How long its queues hide what was received: whole seconds, an even number.
    const VISIBILITY: Duration;
    /// How close to the end of a lease one may look and still find it held; at most half of it.
    const EDGE: Duration;
    /// Whether a lease that ran out is refused before the message is received again.
    const LAPSES_AT_ONCE: bool;
    /// An empty queue with 3 receives.
    async fn make(&self) -> Self::Bench;
}

/// A queue, and what is behind it.
pub(crate) trait QueueBench: Send + Sync + 'static {
    fn queue(&self) -> Arc<dyn Queue>;
    async fn send(&self, body: &str);
    /// Body and reason of each dead letter, in any order.
    async fn dead(&self) -> Vec<(String, Option<String>)>;
}

impl QueueGround for Local {
    type Bench = Arc<MemoryQueue>;
    const VISIBILITY: Duration = VISIBILITY;
    const EDGE: Duration = Duration::from_secs(1);
    const LAPSES_AT_ONCE: bool = true;

    async fn make(&self) -> Self::Bench {
        let options = QueueOptions {
            visibility: VISIBILITY,
            max_receives: Some(3),
            ..QueueOptions::default()
        };
        Arc::new(MemoryQueue::new(options, Arc::new(SystemClock)))
    }
}

/// What the queues of this process use.
const VISIBILITY: Duration = Duration::from_secs(30);

impl QueueBench for Arc<MemoryQueue> {
    fn queue(&self) -> Arc<dyn Queue> {
        let queue: Self = Self::clone(self);
        queue
    }

    async fn send(&self, body: &str) {
        MemoryQueue::send(self, body).await;
    }

    async fn dead(&self) -> Vec<(String, Option<String>)> {
        let letters = self.dead_letters().into_iter();
        letters
            .map(|letter| {
                let reason = letter.reason.map(|reason| reason.code.to_owned());
                (letter.body.as_str().to_owned(), reason)
            })
            .collect()
    }
}

suite!(
    local,
    crate::kit::Local,
    tokio::test(start_paused = true),
    [
        an_empty_queue_answers_an_empty_list,
        a_receive_brings_at_most_what_was_asked,
        a_lease_hides_and_ends,
        a_message_comes_back_with_a_new_receipt_and_count,
        an_old_receipt_is_gone,
        extending_counts_from_now,
        extending_by_zero_gives_back_at_once,
        results_stand_in_the_order_of_entries,
        empty_batches_do_nothing,
        an_ack_may_be_repeated,
        an_acked_message_never_comes_back,
        a_parked_message_lies_there_with_its_reason,
        used_up_receives_end_in_the_dead_letters,
        a_long_poll_ends_when_something_comes,
        a_long_poll_ends_when_something_comes_back,
        every_waiter_is_woken,
    ]
);

suite!(
    emulator,
    crate::kit::Emulator,
    tokio::test,
    [
        an_empty_queue_answers_an_empty_list,
        a_receive_brings_at_most_what_was_asked,
        a_lease_hides_and_ends,
        a_message_comes_back_with_a_new_receipt_and_count,
        an_old_receipt_is_gone,
        extending_counts_from_now,
        extending_by_zero_gives_back_at_once,
        results_stand_in_the_order_of_entries,
        empty_batches_do_nothing,
        an_ack_may_be_repeated,
        an_acked_message_never_comes_back,
        a_parked_message_lies_there_with_its_reason,
        used_up_receives_end_in_the_dead_letters,
        a_long_poll_ends_when_something_comes,
        a_long_poll_ends_when_something_comes_back,
        every_waiter_is_woken,
    ]
);

fn visibility<G: QueueGround>(_ground: &G) -> Duration {
    G::VISIBILITY
}

fn edge<G: QueueGround>(_ground: &G) -> Duration {
    G::EDGE
}

fn lapses_at_once<G: QueueGround>(_ground: &G) -> bool {
    G::LAPSES_AT_ONCE
}

pub(crate) async fn one(queue: &dyn Queue) -> Delivery {
    let mut deliveries = queue.receive(1, NO_WAIT).await.unwrap();
    assert_eq!(deliveries.len(), 1, "one message should be visible");
    deliveries.remove(0)
}

async fn is_empty(queue: &dyn Queue) -> bool {
    queue.receive(10, NO_WAIT).await.unwrap().is_empty()
}

async fn an_empty_queue_answers_an_empty_list(ground: &impl QueueGround) {
    let bench = ground.make().await;
    assert!(is_empty(&*bench.queue()).await);
    let waited = bench.queue().receive(10, Duration::from_secs(2)).await;
    assert!(waited.unwrap().is_empty());
}

async fn a_receive_brings_at_most_what_was_asked(ground: &impl QueueGround) {
    let bench = ground.make().await;
    for number in 0..12 {
        bench.send(&format!("m{number}")).await;
    }
    let mut sizes = Vec::new();
    for max in [3, 10, 10] {
        sizes.push(bench.queue().receive(max, NO_WAIT).await.unwrap().len());
    }
    assert!(sizes[0] <= 3 && sizes[1] <= 10, "{sizes:?}");
    assert!(sizes.iter().sum::<usize>() <= 12, "{sizes:?}");
}

async fn a_lease_hides_and_ends(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    bench.send("m").await;
    let first = one(&*queue).await;
    assert_eq!((first.body.as_str(), first.receive_count), ("m", 1));
    ground.advance(visibility(ground) - edge(ground)).await;
    assert!(is_empty(&*queue).await, "it is still ours");
    ground.advance(edge(ground)).await;
    assert_eq!(one(&*queue).await.id, first.id);
}

async fn a_message_comes_back_with_a_new_receipt_and_count(ground: &impl QueueGround) {
    let bench = ground.make().await;
    bench.send("m").await;
    let first = one(&*bench.queue()).await;
    ground.advance(visibility(ground)).await;
    let second = one(&*bench.queue()).await;
    assert_eq!(second.id, first.id);
    assert_eq!(second.receive_count, 2);
    assert_eq!(second.sent_at, first.sent_at);
    assert_ne!(second.receipt, first.receipt);
}

async fn an_old_receipt_is_gone(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    bench.send("m").await;
    let first = one(&*queue).await;
    ground.advance(visibility(ground)).await;
    let late = [(first.receipt.clone(), visibility(ground))];
    if lapses_at_once(ground) {
        assert_eq!(queue.extend(&late).await, [Err(EntryError::Gone)]);
    }
    let second = one(&*queue).await;
    assert_eq!(queue.extend(&late).await, [Err(EntryError::Gone)]);
    let acked = queue.ack(std::slice::from_ref(&first.receipt)).await;
    assert!(matches!(acked[..], [Ok(()) | Err(EntryError::Gone)]));
    // Whatever was answered: the message is the second receiver's.
    assert_eq!(queue.extend(&[(second.receipt, NO_WAIT)]).await, [Ok(())]);
    assert_eq!(one(&*queue).await.receive_count, 3);
}

async fn extending_counts_from_now(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    bench.send("m").await;
    let delivery = one(&*queue).await;
    let half = visibility(ground) / 2;
    ground.advance(half).await;
    let more = [(delivery.receipt.clone(), half + edge(ground))];
    assert_eq!(queue.extend(&more).await, [Ok(())]);
    ground.advance(half).await;
    assert!(is_empty(&*queue).await, "the first lease would be over");
    ground.advance(edge(ground)).await;
    assert_eq!(one(&*queue).await.receive_count, 2);
}

async fn extending_by_zero_gives_back_at_once(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    bench.send("m").await;
    let delivery = one(&*queue).await;
    let back = [(delivery.receipt.clone(), NO_WAIT)];
    assert_eq!(queue.extend(&back).await, [Ok(())]);
    let again = one(&*queue).await;
    assert_eq!(again.receive_count, 2);
    assert_ne!(again.receipt, delivery.receipt);
}

async fn results_stand_in_the_order_of_entries(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    for number in 0..25 {
        bench.send(&format!("m{number}")).await;
    }
    let mut entries = Vec::new();
    while entries.len() < 25 {
        for delivery in queue.receive(10, NO_WAIT).await.unwrap() {
            entries.push((delivery.receipt, visibility(ground) * 2));
        }
    }
    // Only the odd ones live on.
    ground.advance(visibility(ground) / 2).await;
    let odd: Vec<_> = entries.iter().skip(1).step_by(2).cloned().collect();
    assert!(queue.extend(&odd).await.iter().all(Result::is_ok));
    ground.advance(visibility(ground)).await;
    if !lapses_at_once(ground) {
        let mut again = 0;
        while again < 13 {
            again += queue.receive(10, NO_WAIT).await.unwrap().len();
        }
    }
    let results = queue.extend(&entries).await;
    assert_eq!(results.len(), 25);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), number % 2 == 1, "entry {number}");
    }
}

async fn empty_batches_do_nothing(ground: &impl QueueGround) {
    let bench = ground.make().await;
    assert!(bench.queue().extend(&[]).await.is_empty());
    assert!(bench.queue().ack(&[]).await.is_empty());
}

async fn an_ack_may_be_repeated(ground: &impl QueueGround) {
    let bench = ground.make().await;
    bench.send("m").await;
    let delivery = one(&*bench.queue()).await;
    for _ in 0..2 {
        let acked = bench
            .queue()
            .ack(std::slice::from_ref(&delivery.receipt))
            .await;
        assert!(
            matches!(acked[..], [Ok(()) | Err(EntryError::Gone)]),
            "{acked:?}"
        );
    }
}

async fn an_acked_message_never_comes_back(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    bench.send("m").await;
    let delivery = one(&*queue).await;
    assert_eq!(queue.ack(&[delivery.receipt]).await, [Ok(())]);
    ground.advance(visibility(ground) * 2).await;
    assert!(is_empty(&*queue).await);
}

async fn a_parked_message_lies_there_with_its_reason(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    bench.send("m").await;
    let delivery = one(&*queue).await;
    let reason = Reason::new("bad_key_encoding", "the key is not valid UTF-8");
    queue.park(&delivery, &reason).await.unwrap();
    let expected = ("m".to_owned(), Some("bad_key_encoding".to_owned()));
    assert_eq!(bench.dead().await, [expected]);
    ground.advance(visibility(ground) * 2).await;
    assert!(is_empty(&*queue).await, "it was acked too");
    queue.park(&delivery, &reason).await.unwrap();
}

async fn used_up_receives_end_in_the_dead_letters(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let queue = bench.queue();
    assert_eq!(queue.max_receives(), Some(3));
    assert_eq!(queue.visibility(), visibility(ground));
    bench.send("m").await;
    for count in 1..=3 {
        assert_eq!(one(&*queue).await.receive_count, count);
        assert!(bench.dead().await.is_empty());
        ground.advance(visibility(ground)).await;
    }
    assert!(is_empty(&*queue).await);
    assert_eq!(bench.dead().await, [("m".to_owned(), None)]);
}

/// Starts `count` receives that wait long, and lets them begin to wait.
async fn waiters(queue: &Arc<dyn Queue>, count: usize) -> JoinSet<Vec<Delivery>> {
    let mut waiters = JoinSet::new();
    for _ in 0..count {
        let queue = Arc::clone(queue);
        let wait = Duration::from_secs(3_600);
        waiters.spawn(async move { queue.receive(1, wait).await.unwrap() });
    }
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    waiters
}

async fn a_long_poll_ends_when_something_comes(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let mut waiters = waiters(&bench.queue(), 1).await;
    let began = tokio::time::Instant::now();
    bench.send("m").await;
    let received = waiters.join_next().await.unwrap().unwrap();
    assert_eq!(received[0].body.as_str(), "m");
    assert!(began.elapsed() < Duration::from_secs(5));
}

async fn a_long_poll_ends_when_something_comes_back(ground: &impl QueueGround) {
    let bench = ground.make().await;
    bench.send("m").await;
    let lost = one(&*bench.queue()).await;
    let began = tokio::time::Instant::now();
    let mut waiters = waiters(&bench.queue(), 1).await;
    let received = waiters.join_next().await.unwrap().unwrap();
    assert_eq!(received[0].id, lost.id);
    assert!(began.elapsed() < visibility(ground) + Duration::from_secs(5));
}

async fn every_waiter_is_woken(ground: &impl QueueGround) {
    let bench = ground.make().await;
    let mut waiters = waiters(&bench.queue(), 5).await;
    let began = tokio::time::Instant::now();
    for number in 0..5 {
        bench.send(&format!("m{number}")).await;
    }
    let mut bodies = Vec::new();
    while let Some(received) = waiters.join_next().await {
        bodies.push(received.unwrap()[0].body.as_str().to_owned());
    }
    bodies.sort();
    assert_eq!(bodies, ["m0", "m1", "m2", "m3", "m4"]);
    assert!(began.elapsed() < Duration::from_secs(5));
}

/// What only the queue of this process promises.
mod in_process {
    use super::*;

    fn small(dead_letters: Option<std::path::PathBuf>) -> Arc<MemoryQueue> {
        let options = QueueOptions {
            visibility: VISIBILITY,
            max_receives: Some(1),
            capacity: 2,
            dead_letters,
        };
        Arc::new(MemoryQueue::new(options, Arc::new(SystemClock)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_makes_the_sender_wait() {
        let queue = small(None);
        queue.send("m0").await;
        queue.send("m1").await;
        let mut senders = JoinSet::new();
        for number in 2..5 {
            let queue = Arc::clone(&queue);
            senders.spawn(async move { QueueBench::send(&queue, &format!("m{number}")).await });
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(senders.try_join_next().is_none(), "there is no room");
        for left in (0..3).rev() {
            // A message in flight takes room, too.
            let delivery = one(&*queue).await;
            assert!(senders.try_join_next().is_none());
            queue.ack(&[delivery.receipt]).await;
            senders.join_next().await.unwrap().unwrap();
            assert_eq!(senders.len(), left);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn drained_means_acked_or_dead() {
        let queue = small(None);
        queue.drained().await;
        queue.send("acked").await;
        queue.send("dead").await;
        let mut drained = JoinSet::new();
        let waiting = Arc::clone(&queue);
        drained.spawn(async move { waiting.drained().await });
        let first = one(&*queue).await;
        let _second = one(&*queue).await;
        queue.ack(&[first.receipt]).await;
        tokio::time::advance(VISIBILITY).await;
        assert!(drained.try_join_next().is_none());
        assert!(is_empty(&*queue).await, "its one receive is used up");
        drained.join_next().await.unwrap().unwrap();
        let stats = QueueStats {
            visible: 0,
            in_flight: 0,
            parked: 1,
        };
        assert_eq!(queue.stats(), stats);
    }

    #[tokio::test(start_paused = true)]
    async fn stats_follow_a_message() {
        let queue = small(None);
        queue.send("m").await;
        let counts = |queue: &MemoryQueue| (queue.stats().visible, queue.stats().in_flight);
        assert_eq!(counts(&queue), (1, 0));
        one(&*queue).await;
        assert_eq!(counts(&queue), (0, 1));
        tokio::time::advance(VISIBILITY).await;
        assert_eq!(counts(&queue), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn dead_letters_are_lines_of_a_private_file() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state/dead-letters.ndjson");
        let queue = small(Some(path.clone()));
        queue.send("parked").await;
        let delivery = one(&*queue).await;
        let reason = Reason::new("request_invalid", "it names no object");
        queue.park(&delivery, &reason).await.unwrap();
        queue.send("used up").await;
        one(&*queue).await;
        tokio::time::advance(VISIBILITY).await;
        assert!(is_empty(&*queue).await);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["reason"], "request_invalid");
        assert_eq!(lines[0]["body"], "parked");
        assert_eq!(lines[1]["reason"], serde_json::Value::Null);
        assert_eq!(lines[1]["receive_count"], 1);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_buried_stays() {
        let home = tempfile::tempdir().unwrap();
        // A file where a folder is needed: writing fails for every user.
        std::fs::write(home.path().join("state"), b"").unwrap();
        let queue = small(Some(home.path().join("state/dead-letters.ndjson")));
        queue.send("m").await;
        let delivery = one(&*queue).await;
        let reason = Reason::new("bad", "text");
        assert!(queue.park(&delivery, &reason).await.is_err());
        tokio::time::advance(VISIBILITY).await;
        assert!(is_empty(&*queue).await, "it has no receives left");
        let stats = queue.stats();
        assert_eq!((stats.visible + stats.in_flight, stats.parked), (1, 0));
    }
}
