//! What becomes of copies, over channels that do as they are told.

use std::sync::Mutex;

use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::*;
use crate::alert::{AlertKind, Language};
use crate::clock::SystemClock;
use crate::verdict::Threat;
use crate::worker::Vitals;

/// Says what it is told to say, and `Ok` afterwards.
#[derive(Debug, Default)]
struct Says {
    answers: Mutex<Vec<Answer>>,
    got: Mutex<Vec<u64>>,
    asked: Notify,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Busy,
    Refuses,
    Panics,
    Hangs,
}

impl Says {
    fn then(mut answers: Vec<Answer>) -> Arc<Self> {
        answers.reverse();
        Arc::new(Self {
            answers: Mutex::new(answers),
            ..Self::default()
        })
    }

    fn got(&self) -> Vec<u64> {
        self.got.lock().unwrap().clone()
    }
}

#[async_trait]
impl Notifier for Says {
    async fn publish(&self, alert: &Alert) -> Result<PublicationId, NotifyError> {
        let answer = self.answers.lock().unwrap().pop();
        self.asked.notify_one();
        match answer {
            Some(Answer::Busy) => Err(NotifyError::Unavailable("busy".to_owned())),
            Some(Answer::Refuses) => Err(NotifyError::Refused("no".to_owned())),
            Some(Answer::Panics) => panic!("as it was told to"),
            Some(Answer::Hangs) => std::future::pending().await,
            None => {
                self.got.lock().unwrap().push(alert.count);
                Ok(PublicationId(alert.count.to_string()))
            }
        }
    }
}

fn alert(count: u64) -> Alert {
    Alert {
        count,
        ..Alert::blank(AlertKind::Flagged, Threat::High, Language::En)
    }
}

struct Bench {
    copied: Copied,
    metrics: Arc<Metrics>,
    sending: JoinSet<()>,
}

impl Bench {
    fn new(carrier: &Arc<Says>, channels: &[(&'static str, &Arc<Says>)]) -> Self {
        let metrics = Arc::new(Metrics::new(Arc::new(SystemClock)));
        let channels = channels.iter().map(|(name, says)| Channel {
            name,
            carrier: Arc::clone(says) as Arc<dyn Notifier>,
        });
        let (copied, work) = Copied::new(
            Arc::clone(carrier) as Arc<dyn Notifier>,
            channels.collect(),
            &metrics,
            &Jitter::fixed(1.0),
        );
        let mut sending = JoinSet::new();
        sending.spawn(work);
        Self {
            copied,
            metrics,
            sending,
        }
    }

    async fn tell(&self, count: u64) {
        let id = self.copied.publish(&alert(count)).await.unwrap();
        assert_eq!(id.0, count.to_string(), "the carrier's id counts");
    }

    /// Waits until everything that was taken is sent or given up.
    async fn end(mut self) -> Arc<Metrics> {
        drop(self.copied);
        self.sending.join_next().await.unwrap().unwrap();
        self.metrics
    }
}

#[track_caller]
fn counted(metrics: &Metrics, channel: &str, result: &str, copies: u64) {
    let text = metrics.render(&Vitals::new().snapshot());
    let labels = format!("{{channel=\"{channel}\",result=\"{result}\"}}");
    let line = format!("{}{labels} {copies}", names::COPIES.name);
    assert!(text.lines().any(|it| it == line), "{line}: {text}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_goes_out_after_the_alert_was_accepted_and_in_order() {
    let (carrier, hub) = (Says::then(vec![Answer::Busy]), Says::then(vec![]));
    let bench = Bench::new(&carrier, &[("hub", &hub)]);
    let refused = bench.copied.publish(&alert(1)).await;
    assert!(refused.is_err(), "the carrier's answer counts");
    bench.tell(2).await;
    bench.tell(3).await;
    let metrics = bench.end().await;
    assert_eq!((carrier.got(), hub.got()), (vec![2, 3], vec![2, 3]));
    counted(&metrics, "hub", "accepted", 2);
}

#[tokio::test(start_paused = true)]
async fn a_channel_in_trouble_delays_and_repeats_no_alert_and_no_other_channel() {
    let carrier = Says::then(vec![]);
    let slow = Says::then(vec![Answer::Hangs, Answer::Panics, Answer::Busy]);
    let quick = Says::then(vec![]);
    let bench = Bench::new(&carrier, &[("slow", &slow), ("quick", &quick)]);
    let began = tokio::time::Instant::now();
    bench.tell(1).await;
    bench.tell(2).await;
    assert!(began.elapsed() < Duration::from_millis(1));
    while quick.got().len() < 2 {
        quick.asked.notified().await;
    }
    assert!(began.elapsed() < Duration::from_millis(1));
    let metrics = bench.end().await;
    assert_eq!(carrier.got(), [1, 2]);
    assert_eq!(slow.got(), [1, 2], "tried again until it takes them");
    counted(&metrics, "slow", "accepted", 2);
}

#[tokio::test(start_paused = true)]
async fn tries_are_bounded_and_a_refusal_is_final() {
    let carrier = Says::then(vec![]);
    let mut answers = vec![Answer::Busy; TRIES as usize];
    answers.push(Answer::Refuses);
    let hub = Says::then(answers);
    let bench = Bench::new(&carrier, &[("hub", &hub)]);
    for count in 1..=3 {
        bench.tell(count).await;
    }
    let metrics = bench.end().await;
    assert_eq!(hub.got(), [3]);
    counted(&metrics, "hub", "notifier_unavailable", 1);
    counted(&metrics, "hub", "notifier_refused", 1);
    counted(&metrics, "hub", "accepted", 1);
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_is_counted() {
    let (carrier, hub) = (Says::then(vec![]), Says::then(vec![Answer::Hangs]));
    let bench = Bench::new(&carrier, &[("hub", &hub)]);
    bench.tell(0).await;
    hub.asked.notified().await;
    for count in 1..=QUEUE as u64 + 2 {
        bench.tell(count).await;
    }
    let metrics = bench.end().await;
    assert_eq!(hub.got().len(), QUEUE + 1);
    counted(&metrics, "hub", NO_ROOM, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_at_the_end_is_counted() {
    let (carrier, hub) = (Says::then(vec![]), Says::then(vec![Answer::Hangs]));
    let mut bench = Bench::new(&carrier, &[("hub", &hub)]);
    bench.tell(1).await;
    hub.asked.notified().await;
    bench.tell(2).await;
    bench.sending.shutdown().await;
    counted(&bench.metrics, "hub", NOT_SENT, 2);
}
