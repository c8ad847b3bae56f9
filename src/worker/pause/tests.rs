//! One story for each thing that stops a lane, and what it does not stop.

use super::*;
use crate::alert::Stopped;
use crate::worker::Unobserved;
use crate::worker::vitals::wait;

struct Paused {
    pause: Pause,
    vitals: Vitals,
    pulse: Pulse,
    stop: CancellationToken,
}

fn pause() -> (Paused, mpsc::UnboundedReceiver<Notice>) {
    let vitals = Vitals::new();
    let (pause, alerts) = Pause::new(Arc::new(Unobserved), vitals.clone());
    let paused = Paused {
        pause,
        pulse: vitals.pulse(wait::POLL),
        vitals,
        stop: CancellationToken::new(),
    };
    (paused, alerts)
}

fn told(stopped: Stopped, why: &str) -> Notice {
    Notice::Paused {
        stopped,
        why: why.to_owned(),
    }
}

fn paused(why: &str) -> Notice {
    told(Stopped::Uploads, why)
}

impl Paused {
    fn admit(&self) -> impl Future<Output = Option<u8>> {
        self.pause.admit(&self.pulse, &self.stop)
    }
}

#[tokio::test(start_paused = true)]
async fn one_alert_for_one_fault_and_probes_that_grow_rarer() {
    let (at, mut alerts) = pause();
    let begun = Instant::now();
    let fault = |at: &Paused| {
        at.pause
            .fault(Needed::Judge, "detector_unusable", "the model is gone");
    };
    fault(&at);
    let mut probes = Vec::new();
    for _probe in 0..8 {
        fault(&at);
        assert_eq!(at.admit().await, Some(1));
        probes.push(begun.elapsed().as_secs());
    }
    assert_eq!(probes, [5, 15, 35, 75, 155, 315, 615, 915]);
    assert_eq!(alerts.try_recv(), Ok(paused("the model is gone")));
    assert!(alerts.try_recv().is_err(), "people are told once");
    assert_eq!(
        at.vitals.snapshot().paused.as_deref(),
        Some("the model is gone")
    );
    at.pause.succeeded(Needed::Judge);
    assert_eq!(at.admit().await, None);
    assert_eq!(at.vitals.snapshot().paused, None);
}

#[tokio::test(start_paused = true)]
async fn the_mending_wakes_who_waits() {
    let (at, _alerts) = pause();
    at.pause.fault(Needed::Reading, "gone", "gone");
    let waiting = at.admit();
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(at.vitals.snapshot().wait, wait::PAUSED);
    at.pause.succeeded(Needed::Reading);
    assert_eq!(waiting.await, None);
}

#[tokio::test(start_paused = true)]
async fn what_works_mends_nothing_else_until_that_is_long_ago() {
    let (at, mut alerts) = pause();
    at.pause.fault(Needed::Carrier, "refused", "nobody is told");
    at.pause.fault(Needed::Records, "refused", "no records");
    at.pause.succeeded(Needed::Judge);
    assert_eq!(alerts.try_recv(), Ok(told(Stopped::Both, "nobody is told")));
    assert!(alerts.try_recv().is_err(), "one pause, one alert");
    at.pause.succeeded(Needed::Carrier);
    assert_eq!(alerts.try_recv(), Ok(told(Stopped::Both, "no records")));
    assert_eq!(at.admit().await, Some(1), "the other still stands");
    tokio::time::advance(FORGET).await;
    at.pause.succeeded(Needed::Judge);
    assert_eq!(at.admit().await, None, "nothing has met it for long");
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_comes_and_goes_is_not_told_each_time() {
    let (at, mut alerts) = pause();
    for _round in 0..20 {
        at.pause.fault(Needed::Records, "refused", "no records");
        at.pause.succeeded(Needed::Records);
    }
    assert!(alerts.try_recv().is_ok() && alerts.try_recv().is_err());
    tokio::time::advance(FORGET).await;
    at.pause.fault(Needed::Records, "refused", "no records");
    assert!(alerts.try_recv().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_deferral_ends_by_the_clock_and_is_said_once() {
    let (at, mut alerts) = pause();
    let begun = Instant::now();
    for _message in 0..3 {
        let after = Duration::from_secs(7200);
        at.pause.defer("budget", "budget_spent", "spent", after);
    }
    let waiting = at.admit();
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(at.vitals.snapshot().wait, "budget");
    at.pause.succeeded(Needed::Reading);
    assert_eq!(waiting.await, None);
    assert_eq!(begun.elapsed().as_secs(), 7200);
    let soon = Duration::from_millis(3);
    at.pause.defer("budget", "budget_spent", "spent", soon);
    assert_eq!(at.admit().await, None);
    assert_eq!(begun.elapsed().as_secs(), 7201, "never in tiny steps");
    assert!(matches!(alerts.try_recv(), Ok(Notice::BudgetSpent { .. })));
    assert!(alerts.try_recv().is_err(), "said once");
    at.pause.succeeded(Needed::Judge);
    at.pause.defer("budget", "budget_spent", "again", soon);
    assert!(matches!(alerts.try_recv(), Ok(Notice::BudgetSpent { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_halt_stands_before_everything_else() {
    let (at, mut alerts) = pause();
    at.pause.halt(true);
    at.pause.fault(Needed::Queue, "gone", "gone");
    let waiting = at.admit();
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(at.vitals.snapshot().wait, wait::HALTED);
    assert!(at.vitals.snapshot().halted);
    at.pause.halt(false);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(at.vitals.snapshot().wait, wait::PAUSED);
    assert_eq!(waiting.await, Some(1));
    assert!(alerts.try_recv().is_ok() && alerts.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn events_flow_while_uploads_cannot_be_judged_or_paid() {
    let (at, mut notices) = pause();
    let events = at.pause.of(Lane::Events);
    for needed in [
        Needed::Judge,
        Needed::Reading,
        Needed::Changing,
        Needed::Queue,
    ] {
        at.pause.fault(needed, "gone", "gone");
        assert!(events.goes_on_without(needed), "{needed:?}");
    }
    let hour = Duration::from_secs(3600);
    at.pause.defer("budget", "budget_spent", "spent", hour);
    assert_eq!(events.admit(&at.pulse, &at.stop).await, None);
    let uploads = at.admit();
    tokio::pin!(uploads);
    assert!(futures::poll!(&mut uploads).is_pending());
    assert!(at.vitals.snapshot().paused.is_some());
    assert_eq!(notices.try_recv(), Ok(paused("gone")));
    assert!(matches!(notices.try_recv(), Ok(Notice::BudgetSpent { .. })));
    assert!(notices.try_recv().is_err());
    // What events do not need, their success says nothing about, however long ago it failed.
    tokio::time::advance(FORGET).await;
    events.succeeded(Needed::Records);
    assert!(at.vitals.snapshot().paused.is_some());
    at.pause.succeeded(Needed::Reading);
    assert!(at.vitals.snapshot().paused.is_none());
}

#[tokio::test(start_paused = true)]
async fn what_both_lanes_need_stops_both_and_is_told_once() {
    let (at, mut notices) = pause();
    let events = at.pause.of(Lane::Events);
    at.pause.fault(Needed::Carrier, "refused", "nobody is told");
    events.fault(Needed::Carrier, "refused", "nobody is told");
    let wanted = told(Stopped::Both, "nobody is told");
    assert_eq!(notices.try_recv(), Ok(wanted));
    assert!(notices.try_recv().is_err(), "one fault, one alert");
    // Each lane probes for itself.
    assert_eq!(at.admit().await, Some(1));
    assert_eq!(events.admit(&at.pulse, &at.stop).await, Some(1));
    events.succeeded(Needed::Carrier);
    assert_eq!(at.admit().await, None);
    assert_eq!(events.admit(&at.pulse, &at.stop).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_queue_of_events_stops_events_alone_and_is_seen() {
    let (at, mut notices) = pause();
    let events = at.pause.of(Lane::Events);
    events.fault(events.lane().queue(), "gone", "the queue is gone");
    assert_eq!(at.admit().await, None, "uploads go on");
    assert_eq!(
        notices.try_recv(),
        Ok(told(Stopped::Events, "the queue is gone"))
    );
    assert!(at.vitals.snapshot().paused.is_some());
    assert_eq!(events.admit(&at.pulse, &at.stop).await, Some(1));
    at.pause.succeeded(at.pause.lane().queue());
    assert!(at.vitals.snapshot().paused.is_some(), "that was another");
    at.pause.halt(true);
    let halted = events.admit(&at.pulse, &at.stop);
    tokio::pin!(halted);
    assert!(
        futures::poll!(&mut halted).is_pending(),
        "a halt stops both"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_stops_more_than_the_told_ones_is_told_as_well() {
    let (at, mut notices) = pause();
    let mut says = |wanted: &[Notice]| {
        let said: Vec<_> = std::iter::from_fn(|| notices.try_recv().ok()).collect();
        assert_eq!(said, wanted);
    };
    at.pause.fault(Needed::EventsQueue, "gone", "no events");
    says(&[told(Stopped::Events, "no events")]);
    at.pause.fault(Needed::Judge, "gone", "no judge");
    says(&[paused("no judge")]);
    // Both lanes stand still, and people know.
    at.pause.fault(Needed::Records, "gone", "no records");
    says(&[]);
    assert_eq!(
        at.vitals.snapshot().paused.as_deref(),
        Some("no events; no judge")
    );
    at.pause.succeeded(Needed::Judge);
    says(&[told(Stopped::Both, "no records")]);
    at.pause.of(Lane::Events).succeeded(Needed::EventsQueue);
    at.pause.fault(Needed::Judge, "gone", "no judge");
    says(&[]);
    at.pause.succeeded(Needed::Records);
    at.pause.succeeded(Needed::Judge);
    assert_eq!(at.vitals.snapshot().paused, None);
}

#[test]
fn a_trouble_is_said_once_until_it_works_and_once_a_minute_at_most() {
    let mut state = State::new();
    let begun = Instant::now();
    let judge = (Needed::Judge, "detector_unavailable");
    let at = |seconds| begun + Duration::from_secs(seconds);
    assert!(state.trouble(judge, at(0)) && !state.trouble(judge, at(3600)));
    assert!(state.trouble((Needed::Judge, "another"), at(3600)));
    assert!(state.trouble((Needed::Records, judge.1), at(3600)));
    assert_eq!(state.over(Needed::Queue), []);
    assert_eq!(state.over(Needed::Judge), [("another", 1), (judge.1, 2)]);
    assert_eq!(state.over(Needed::Judge), []);
    assert!(state.trouble(judge, at(3601)), "long after the first");
    assert_eq!(state.over(Needed::Judge), [(judge.1, 1)]);
    assert!(!state.trouble(judge, at(3602)), "it comes and goes");
    assert_eq!(state.over(Needed::Judge), []);
    assert!(state.trouble(judge, at(3661)));
}
