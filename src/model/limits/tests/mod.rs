//! The limits round a model that says what it is told to say, on paused time.

mod budget;
mod pace;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::TokioClock;
use crate::model::testing::{Fake, reply, request};
use crate::model::{Answered, ModelError, NoMeter, SpendingError, Stop, Waits};
use crate::retry::Reacts;
use crate::settings::Problems;

const MODEL: &str = "global.anthropic.claude-haiku-4-5";
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn settings(section: &str) -> ModelSettings {
    let raw: crate::model::RawModel = toml::from_str(section).unwrap();
    raw.validate(&mut Problems::new()).unwrap()
}

/// Keeps what it is told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn say(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn said(&self, what: &str) -> usize {
        let said = self.0.lock().unwrap();
        said.iter().filter(|line| line.starts_with(what)).count()
    }
}

impl Meter for Told {
    fn started(&self, _model: &str) {
        self.say("started".to_owned());
    }
    fn finished(&self, call: &Answered<'_>) {
        let Answered { latency, usage, .. } = call;
        self.say(format!("finished {} {:.6}", latency.as_secs(), usage.usd));
    }
    fn throttled(&self, _model: &str) {
        self.say("throttled".to_owned());
    }
    fn failed(&self, _model: &str, code: &'static str) {
        self.say(format!("failed {code}"));
    }
    fn abandoned(&self, _model: &str) {
        self.say("abandoned".to_owned());
    }
    fn start_rate(&self, _per_second: f64) {
        self.say("start_rate".to_owned());
    }
    fn waited(&self, wait: &'static str, _how_long: Duration) {
        self.say(format!("waited {wait}"));
    }
    fn spent(&self, usd: f64, limit: f64) {
        self.say(format!("spent {usd:.2} {limit:.2}"));
    }
}

/// An account that lies where a restart does not reach it.
#[derive(Debug, Default)]
struct Account {
    said: Mutex<BTreeMap<(Date, u32), f64>>,
    down: Mutex<bool>,
}

/// One task's view of it.
#[derive(Debug)]
struct Teller {
    account: Arc<Account>,
    task: u32,
}

#[async_trait]
impl Spending for Teller {
    async fn report(&self, day: Date, own_usd: f64) -> Result<f64, SpendingError> {
        if *self.account.down.lock().unwrap() {
            return Err(SpendingError("down".to_owned()));
        }
        let mut said = self.account.said.lock().unwrap();
        said.insert((day, self.task), own_usd);
        let of_day = said.iter().filter(|((of, _), _)| *of == day);
        Ok(of_day.map(|(_, usd)| usd).sum())
    }
}

/// Answers that use up so many tokens.
fn using(input: u64, output: u64) -> Arc<Fake> {
    Fake::answering(Duration::ZERO, move |_| {
        Ok(reply(Stop::EndTurn, Vec::new(), input, output))
    })
}

fn paced(inner: Arc<Fake>, section: &str, fleet: u32, largest: u64) -> Result<Paced, PaceError> {
    let fleet = NonZeroU32::new(fleet).unwrap();
    let prices = Arc::new(Prices::embedded());
    Paced::new(
        inner,
        &settings(section),
        fleet,
        largest,
        prices,
        Arc::new(NoMeter),
    )
}

async fn calls(model: &dyn Model, count: u32) -> f64 {
    let started = Instant::now();
    let request = request(MODEL);
    let all = join_all((0..count).map(|_| model.converse(&request))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    started.elapsed().as_secs_f64()
}

/// A budget over an account, run beside what is done with it.
struct Till {
    account: Arc<Account>,
    clock: TokioClock,
    meter: Arc<Told>,
}

impl Till {
    fn new() -> Self {
        let noon: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
        Self {
            account: Arc::default(),
            clock: TokioClock::starting_at(noon),
            meter: Arc::default(),
        }
    }

    /// A task whose calls cost 1.1 dollars each (a million of input and 20,000 of output), and may
    /// cost about nothing by estimate.
    fn task(&self, task: u32, limit: f64) -> Arc<Budget> {
        let prices = Arc::new(Prices::embedded());
        let meter = || Arc::clone(&self.meter) as Arc<dyn Meter>;
        let priced = Metered::new(using(1_000_000, 20_000), Arc::clone(&prices), meter());
        let account = Arc::clone(&self.account);
        Arc::new(Budget::new(
            Arc::new(priced),
            limit,
            Arc::new(Teller { account, task }),
            prices,
            meter(),
            Arc::new(self.clock),
        ))
    }

    /// Runs a budget while something is done, and to its last report.
    async fn open<T>(budget: &Budget, work: impl Future<Output = T>) -> T {
        let stop = CancellationToken::new();
        let work = async {
            let done = work.await;
            stop.cancel();
            done
        };
        futures::join!(budget.run(stop.clone()), work).1
    }
}

async fn ask(budget: &Budget) -> Result<f64, ModelError> {
    let reply = budget.converse(&request(MODEL)).await?;
    Ok(reply.usage.usd)
}

async fn refused(budget: &Budget) -> Duration {
    match ask(budget).await {
        Err(ModelError::Spent { until }) => until,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn every_call_is_told_once_with_its_price() {
    let meter = Arc::new(Told::default());
    let mut count = 0;
    let fake = Fake::answering(SECOND * 2, move |_| {
        count += 1;
        match count {
            1 => Ok(reply(Stop::EndTurn, Vec::new(), 1_000, 100)),
            2 => Err(ModelError::Throttled { after: None }),
            _ => Err(ModelError::Locked("no".to_owned())),
        }
    });
    let prices = Arc::new(Prices::embedded());
    let model = Metered::new(fake, prices, Arc::clone(&meter) as Arc<dyn Meter>);
    let request = request(MODEL);
    let answered = model.converse(&request).await.unwrap();
    assert!((answered.usage.usd - 0.0015).abs() < 1e-12);
    for _ in 0..2 {
        assert!(model.converse(&request).await.is_err());
    }
    let given_up = tokio::time::timeout(SECOND, model.converse(&request)).await;
    assert!(given_up.is_err());
    let told = meter.0.lock().unwrap().join(", ");
    assert_eq!(
        told,
        "started, finished 2 0.001500, started, throttled, started, failed model_locked, \
         started, abandoned"
    );
}

#[tokio::test(start_paused = true)]
async fn the_limits_stand_in_their_order() {
    let till = Till::new();
    let scope = Scope {
        fleet_size: NonZeroU32::MIN,
        largest: 6_000,
        prices: Arc::new(Prices::embedded()),
        meter: Arc::clone(&till.meter) as Arc<dyn Meter>,
        spending: Arc::new(Teller {
            account: Arc::clone(&till.account),
            task: 1,
        }),
        clock: Arc::new(till.clock),
    };
    let section = "requests_per_minute = 60\nusd_per_day = 3.0";
    let adapter = using(1_000_000, 20_000);
    let limited = limited(adapter, &settings(section), &scope).unwrap();
    let budget = limited.budget.unwrap();
    Till::open(&budget, async {
        for _ in 0..3 {
            limited.model.converse(&request(MODEL)).await.unwrap();
        }
        let spent = limited.model.converse(&request(MODEL)).await.unwrap_err();
        assert_eq!(spent.code(), "budget_spent");
    })
    .await;
    let told = till.meter.0.lock().unwrap().clone();
    let words: Vec<_> = told
        .iter()
        .map(|line| line.split_once(' ').map_or(line.as_str(), |w| w.0))
        .collect();
    let call = ["waited", "waited", "started", "finished", "start_rate"];
    let each = [call, call, call].concat();
    assert_eq!(words, [each, vec!["spent"]].concat());
    let free = super::limited(using(1, 1), &settings(""), &scope).unwrap();
    assert!(free.budget.is_none());
}
