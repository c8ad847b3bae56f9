//! When the analyst is not asked: what a flood of records may not pay for, and what a slow model may
//! not hold up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, advance};

use super::*;
use crate::event::Identity;

/// Answers when it is let to, and counts.
#[derive(Debug)]
struct Counting {
    asked: AtomicUsize,
    open: Semaphore,
    /// Why it fails, if it does.
    fails: std::sync::Mutex<Option<Unassessed>>,
}

impl Counting {
    fn new(open: usize) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            open: Semaphore::new(open),
            fails: std::sync::Mutex::new(None),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn fail(&self, why: Option<Unassessed>) {
        *self.fails.lock().unwrap() = why;
    }
}

#[async_trait]
impl Analyst for Counting {
    async fn assess(&self, _: &Activity, floor: &Floor) -> Result<Assessment, AnalystError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.open.acquire().await.unwrap().forget();
        match *self.fails.lock().unwrap() {
            None => Ok(Assessment {
                floor: floor.clone(),
                ..answer(Threat::Critical)
            }),
            Some(why) => Err(AnalystError {
                why,
                message: "silence".to_owned(),
                cost_usd: 0.0,
            }),
        }
    }
}

/// A call by the nth caller.
fn call_by(n: usize) -> Activity {
    let mut activity = planned(event!("cloudtrail-put-bucket-policy"));
    activity.identity = Identity::CloudTrail {
        event_id: format!("e-{n}"),
    };
    activity.actor = Some(format!("arn:aws:iam::111122223333:user/{n}"));
    activity
}

fn asking(analyze: Analyze, analyst: &Arc<Counting>) -> Assessor {
    assessor(analyze, Some(Arc::clone(analyst) as _))
}

/// Why nobody was asked, or `None` where somebody was and answered.
async fn why(assessor: &Assessor, activity: &Activity, level: Threat) -> Option<Unassessed> {
    assessor.assess(activity, floor_of(level)).await.unassessed
}

#[tokio::test(start_paused = true)]
async fn what_tells_nobody_at_once_is_never_paid_for() {
    let analyst = Counting::new(100);
    let assessor = asking(Analyze::Notable, &analyst);
    for n in 0..50 {
        let found = why(&assessor, &call_by(n), Threat::Low).await;
        assert_eq!(found, Some(Unassessed::NotAsked));
    }
    assert_eq!(analyst.asked(), 0);
    assert_eq!(why(&assessor, &call_by(1), Threat::Medium).await, None);
    // GuardDuty has looked at more than one record.
    let mut finding = planned(event!("guardduty-finding"));
    assert_eq!(why(&assessor, &finding, Threat::Low).await, None);
    finding.kind = crate::event::ActivityKind::MalwareScan;
    let scan = why(&assessor, &finding, Threat::Low).await;
    assert_eq!(scan, Some(Unassessed::NotAsked));
}

#[tokio::test(start_paused = true)]
async fn a_minute_has_room_for_ten_of_each_kind() {
    let analyst = Counting::new(1_000);
    let assessor = asking(Analyze::All, &analyst);
    for n in 0..30 {
        let low = why(&assessor, &call_by(n), Threat::Low).await;
        assert_eq!(low, (n >= 10).then_some(Unassessed::NotAsked), "{n}");
    }
    // A flood of the one leaves the others theirs.
    for n in 0..30 {
        let high = why(&assessor, &call_by(n), Threat::High).await;
        assert_eq!(high, (n >= 10).then_some(Unassessed::NotAsked), "{n}");
    }
    assert_eq!(analyst.asked(), 20);
    advance(Duration::from_secs(60)).await;
    assert_eq!(why(&assessor, &call_by(40), Threat::High).await, None);
}

#[tokio::test(start_paused = true)]
async fn the_same_is_asked_about_once_in_ten_minutes() {
    let analyst = Counting::new(100);
    let assessor = asking(Analyze::Notable, &analyst);
    let ask = |activity: Activity, level| {
        let assessor = &assessor;
        async move { why(assessor, &activity, level).await }
    };
    let again = |event_id: &str| Activity {
        identity: Identity::CloudTrail {
            event_id: event_id.to_owned(),
        },
        ..call_by(1)
    };
    assert_eq!(ask(call_by(1), Threat::High).await, None);
    let spared = Some(Unassessed::NotAsked);
    assert_eq!(ask(again("other"), Threat::High).await, spared);
    // A message that comes again has to find what it found before.
    assert_eq!(ask(call_by(1), Threat::High).await, None);
    // Worse, or refused, it is something else.
    assert_eq!(ask(again("worse"), Threat::Critical).await, None);
    let mut refused = again("refused");
    refused.error = Some("AccessDenied".to_owned());
    assert_eq!(ask(refused, Threat::High).await, None);
    advance(Duration::from_secs(599)).await;
    assert_eq!(ask(again("other"), Threat::High).await, spared);
    advance(Duration::from_secs(1)).await;
    assert_eq!(ask(again("other"), Threat::High).await, None);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_answered_may_be_asked_again() {
    let analyst = Counting::new(100);
    let assessor = asking(Analyze::Notable, &analyst);
    for (failure, next) in [
        (Unassessed::Unavailable, None),
        (Unassessed::Spent, None),
        (Unassessed::Malformed, Some(Unassessed::NotAsked)),
    ] {
        advance(Duration::from_secs(600)).await;
        analyst.fail(Some(failure));
        let found = why(&assessor, &call_by(1), Threat::High).await;
        assert_eq!(found, Some(failure));
        analyst.fail(None);
        let mut other = call_by(1);
        other.identity = call_by(2).identity;
        assert_eq!(why(&assessor, &other, Threat::High).await, next);
    }
    // Nor does a question count that was given up.
    let silent = Counting::new(0);
    let assessor = asking(Analyze::Notable, &silent);
    let mut other = call_by(1);
    other.identity = call_by(2).identity;
    for activity in [call_by(1), other] {
        let asked = why(&assessor, &activity, Threat::High);
        let asked = tokio::time::timeout(Duration::from_secs(5), asked).await;
        assert!(asked.is_err());
    }
    assert_eq!(silent.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_model_holds_four_events_and_no_fifth() {
    let analyst = Counting::new(0);
    let assessor = asking(Analyze::Notable, &analyst);
    let activities: Vec<_> = (0..5).map(call_by).collect();
    let mut all: Vec<_> = activities
        .iter()
        .map(|activity| Box::pin(why(&assessor, activity, Threat::High)))
        .collect();
    let fifth = all.pop().unwrap();
    for waiting in &mut all {
        assert!(futures::poll!(waiting.as_mut()).is_pending());
    }
    assert_eq!(fifth.await, Some(Unassessed::Unavailable));
    analyst.open.add_permits(5);
    assert_eq!(futures::future::join_all(all).await, [None; 4]);
    assert_eq!(why(&assessor, &call_by(5), Threat::High).await, None);
}

#[tokio::test(start_paused = true)]
async fn three_silences_in_a_row_give_the_model_a_minute() {
    let analyst = Counting::new(100);
    let assessor = asking(Analyze::Notable, &analyst);
    let started = Instant::now();
    let ask = |n| {
        let assessor = &assessor;
        async move { why(assessor, &call_by(n), Threat::High).await }
    };
    let silence = Some(Unassessed::Unavailable);
    analyst.fail(silence);
    assert_eq!((ask(0).await, ask(1).await), (silence, silence));
    // An answer between them begins the count anew.
    analyst.fail(None);
    assert_eq!(ask(2).await, None);
    analyst.fail(silence);
    assert_eq!((ask(3).await, ask(4).await), (silence, silence));
    assert_eq!(ask(5).await, silence);
    assert_eq!(analyst.asked(), 6);
    advance(Duration::from_secs(59)).await;
    assert_eq!(ask(6).await, silence);
    assert_eq!(analyst.asked(), 6);
    // One question tells that it is still away.
    advance(Duration::from_secs(1)).await;
    assert_eq!((ask(7).await, ask(8).await), (silence, silence));
    assert_eq!(analyst.asked(), 7);
    advance(Duration::from_secs(60)).await;
    analyst.fail(None);
    assert_eq!((ask(9).await, ask(10).await), (None, None));
    assert_eq!(started.elapsed(), Duration::from_secs(120));
}
