//! The line of every minute, whatever is wrong.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::Date;
use s3_warden::clock::TokioClock;
use s3_warden::model::limits::Budget;
use s3_warden::model::{
    Ask, Model, ModelError, ModelReply, ModelRequest, NoMeter, Prices, Spending, SpendingError,
};
use s3_warden::ops::Minute;
use s3_warden::record::{Halt, Switches};
use s3_warden::telemetry::vocabulary::{VITALS, VITALS_FIELDS};
use s3_warden::worker::Vitals;
use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::subscriber::DefaultGuard;

use crate::detector::Turn;
use crate::faults::Step;
use crate::ground::Ground;
use crate::injection::sinks::Lines;
use crate::pictures::{Hue, picture};
use crate::running::Running;
use crate::watcher::Seen;

const MINUTE: Duration = Duration::from_secs(60);

/// Somebody who writes it, and somebody who reads.
struct Log {
    lines: Lines,
    ended: CancellationToken,
    writing: JoinSet<()>,
    _listening: DefaultGuard,
}

impl Log {
    fn of(vitals: &Vitals, budget: Option<Arc<Budget>>) -> Self {
        let (lines, listening) = Lines::listen();
        let ended = CancellationToken::new();
        let mut writing = JoinSet::new();
        writing.spawn(Minute::new(vitals.clone(), budget).run(ended.clone()));
        Self {
            lines,
            ended,
            writing,
            _listening: listening,
        }
    }

    /// All so far: that each has exactly its fields, as far as they are known, and all are numbers.
    fn all(&self) -> Vec<BTreeMap<String, f64>> {
        let text = self.lines.text();
        let lines = text.lines().map(serde_json::from_str::<Value>);
        let lines = lines.map(Result::unwrap);
        let vitals = lines.filter(|line| line["fields"]["message"] == VITALS);
        let all = vitals.map(|line| {
            assert_eq!(line["level"], "INFO");
            let mut fields = line["fields"].as_object().unwrap().clone();
            fields.remove("message");
            let numbers = fields.into_iter();
            let numbers = numbers.map(|(name, value)| (name, value.as_f64().unwrap()));
            let numbers: BTreeMap<_, _> = numbers.collect();
            // What was never listed or looked at is left out, and never said to be zero.
            let mut expected = VITALS_FIELDS.to_vec();
            for group in [
                &["open_findings", "oldest_open_seconds"] as &[_],
                &["breaker_open", "halted"],
                &["paused"],
                &["budget_spent_ratio"],
            ] {
                let known = numbers.contains_key(group[0]);
                expected.retain(|name| known || !group.contains(name));
            }
            expected.sort_unstable();
            assert!(numbers.keys().map(String::as_str).eq(expected), "{line}");
            numbers
        });
        all.collect()
    }

    /// The next one, a minute later at most.
    async fn next(&self) -> BTreeMap<String, f64> {
        let before = self.all().len();
        sleep(MINUTE).await;
        let all = self.all();
        assert_eq!(all.len(), before + 1, "one in every minute");
        all.last().unwrap().clone()
    }

    async fn end(mut self) {
        self.ended.cancel();
        self.writing.join_next().await.unwrap().unwrap();
    }
}

async fn start(ground: &Ground) -> (Running, Log) {
    let worker = ground.start().await;
    let log = Log::of(&worker.vitals, None);
    (worker, log)
}

#[tokio::test(start_paused = true)]
async fn it_comes_when_the_service_is_ready_and_then_every_minute() {
    let ground = Ground::new(|_| {});
    let (worker, log) = start(&ground).await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(log.all().len(), 1, "as soon as it is ready");
    for _minute in 0..5 {
        let line = log.next().await;
        assert!(line["seconds_since_poll"] <= 2.0, "{line:?}");
        let others = line
            .iter()
            .filter(|(name, _)| *name != "seconds_since_poll");
        assert!(others.clone().all(|(_, value)| *value == 0.0), "{line:?}");
    }
    worker.finish().await;
    log.end().await;
}

#[tokio::test(start_paused = true)]
async fn it_comes_within_the_first_minute_of_a_service_that_never_is_ready() {
    let ground = Ground::new(|_| {});
    ground.faults.fail(Step::Switches);
    let (worker, log) = start(&ground).await;
    sleep(MINUTE).await;
    let line = log.all()[0].clone();
    // Zeros would end the alarms on what the task before has said.
    for unknown in ["open_findings", "breaker_open", "halted", "paused"] {
        assert!(!line.contains_key(unknown), "{line:?}");
    }
    assert!(
        line["seconds_since_poll"] >= 49.0,
        "from the start: {line:?}"
    );
    assert!(log.next().await["seconds_since_poll"] >= 109.0);
    worker.stop().await;
    log.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_stays_open_ages_also_while_the_records_do_not_answer() {
    let ground = Ground::new(|setup| setup.sweep_after = Duration::from_secs(86_400));
    let publishing = ground.faults.hold(Step::Publish);
    ground.put("red.png", &picture(Hue::Red, 0)).await;
    let (worker, log) = start(&ground).await;
    publishing.reached_by(1).await;
    sleep(2 * MINUTE).await;
    let line = log.next().await;
    assert_eq!((line["open_findings"], line["messages_held"]), (1.0, 1.0));
    let age = line["oldest_open_seconds"];
    assert!((100.0..200.0).contains(&age), "{line:?}");
    ground.faults.fail(Step::Open);
    sleep(10 * MINUTE).await;
    let line = log.next().await;
    assert_eq!(line["open_findings"], 1.0);
    assert_eq!(line["oldest_open_seconds"], age + 660.0, "{line:?}");
    ground.faults.mend(Step::Open);
    publishing.open();
    worker.until(Seen::Announced, 1).await;
    sleep(MINUTE).await;
    let line = log.next().await;
    let open = (line["open_findings"], line["oldest_open_seconds"]);
    assert_eq!((open, line["messages_held"]), ((0.0, 0.0), 0.0));
    worker.finish().await;
    log.end().await;
}

#[tokio::test(start_paused = true)]
async fn only_answers_of_the_queue_of_uploads_are_polls() {
    let ground = Ground::new(|setup| setup.events_apart = true);
    let (worker, log) = start(&ground).await;
    sleep(MINUTE).await;
    ground.faults.fail(Step::Receive);
    sleep(5 * MINUTE).await;
    let line = log.next().await;
    assert!(line["seconds_since_poll"] >= 300.0, "{line:?}");
    ground.faults.mend(Step::Receive);
    sleep(MINUTE).await;
    assert!(log.next().await["seconds_since_poll"] <= 2.0);
    worker.finish().await;
    log.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_a_halt_and_an_open_breaker_are_told_apart() {
    let ground = Ground::new(|setup| setup.limits.deletions_per_minute = NonZeroU32::MIN);
    let (worker, log) = start(&ground).await;
    let told = |line: &BTreeMap<String, f64>| {
        let fields = ["paused", "halted", "breaker_open"];
        fields.map(|name| line[name] == 1.0)
    };
    let switches = ground.switches().await;
    let halt = Halt {
        since: Timestamp::UNIX_EPOCH,
        by: "ops".to_owned(),
        reason: None,
    };
    switches.set_halt(Some(halt)).await.unwrap();
    worker.until(Seen::Halted(true), 1).await;
    assert_eq!(told(&log.next().await), [false, true, false]);
    switches.set_halt(None).await.unwrap();
    worker.until(Seen::Halted(false), 1).await;

    for grain in 0..3 {
        let key = format!("{grain}.png");
        ground.put(&key, &picture(Hue::Red, grain)).await;
    }
    worker.until(Seen::Acted("held"), 1).await;
    assert_eq!(told(&log.next().await), [false, false, true]);

    ground.judge.always(Turn::Unusable);
    ground.put("late.png", &picture(Hue::Red, 9)).await;
    worker.until(Seen::Paused, 1).await;
    assert_eq!(told(&log.next().await), [true, false, true]);
    ground.judge.always(Turn::Answer);
    worker.finish().await;
    log.end().await;
}

/// The model and the account of a budget that lets no call through.
#[derive(Debug)]
struct Idle;

#[async_trait]
impl Model for Idle {
    async fn converse(&self, _request: &ModelRequest) -> Result<ModelReply, ModelError> {
        panic!("a call was let through")
    }
}

#[async_trait]
impl Spending for Idle {
    async fn report(&self, _day: Date, own_usd: f64) -> Result<f64, SpendingError> {
        Ok(own_usd)
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_refuses_calls_is_spent_also_while_a_cent_is_left() {
    let ground = Ground::new(|_| {});
    let worker = ground.start().await;
    let clock = TokioClock::starting_at(Timestamp::UNIX_EPOCH);
    let budget = Arc::new(Budget::new(
        Arc::new(Idle),
        1e-9,
        Arc::new(Idle),
        Arc::new(Prices::embedded()),
        Arc::new(NoMeter),
        Arc::new(clock),
    ));
    let mut reporting = JoinSet::new();
    let ended = CancellationToken::new();
    let (reported, until) = (Arc::clone(&budget), ended.clone());
    reporting.spawn(async move { reported.run(until).await });
    let log = Log::of(&worker.vitals, Some(Arc::clone(&budget)));
    assert_eq!(log.next().await["budget_spent_ratio"], 0.0);
    let request = ModelRequest {
        model: "global.anthropic.claude-haiku-4-5".to_owned(),
        system: String::new(),
        parts: Vec::new(),
        ask: Ask::Text,
        max_tokens: 1_000,
    };
    let refused = budget.converse(&request).await;
    assert!(matches!(refused, Err(ModelError::Spent { .. })));
    assert_eq!(log.next().await["budget_spent_ratio"], 1.0);
    ended.cancel();
    reporting.join_next().await.unwrap().unwrap();
    worker.finish().await;
    log.end().await;
}
