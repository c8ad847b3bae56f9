//! The service on AWS: built, started, stopped.
//!
//! Nothing is polled before queue, topic, records and buckets have answered: a worker that takes
//! messages and then cannot write its intent would only burn their receives. The model is tried
//! beside the first polls and holds up the first judgement only: it may take seconds.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::copies::channels;
use super::ends::{last_calls, worked};
use super::judge::{Bench, judge};
use super::protecting::{Given, Protecting};
use super::reach::{Ground, Places, StartError, connect, reach};
use super::whoami::learn;
use crate::action::{Breaker, Guards, Mode};
use crate::alert::{Announcer, AnnouncerParts, Notifier};
use crate::aws::SqsQueue;
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::event::{BucketName, Filter, Options, OwnPlace, Queue};
use crate::model::limits::Budget;
use crate::object::{ObjectStore, Preparer};
use crate::ops::{Channel, Copied, CountedNotifier, Metrics, Minute, Ops};
use crate::record::Ledger;
use crate::retry::{Jitter, Reaction, Reacts};
use crate::shutdown::Tokens;
use crate::shutdown::protection::{Keeper, Protection, ProtectionWatch};
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, MODEL_ID, QUEUE_URL};
use crate::verdict::ask::{Gate, ModelDetector};
use crate::verdict::threat::{Assessor, Ourselves, OwnScope, Rules};
use crate::verdict::{DetectError, Inspector, InspectorLimits};
use crate::worker::{Drained, Observer, Parts, Vitals, Worker, WorkerSettings};

/// How long the announcer and the account of spending may take to end after the worker has.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How long copies of alerts for other channels may take after that.
const LAST_COPIES: Duration = Duration::from_secs(3);

/// How much older than any lease an open finding must be before another task finishes it.
const SWEEP_MARGIN: Duration = Duration::from_secs(60);

/// Runs the service until it is told to stop, and lets what has begun come to its end.
///
/// # Errors
/// A [`StartError`] when it cannot start; later faults pause it and are no errors.
pub async fn serve(config: &Config, given: Given<'_>, tokens: &Tokens) -> anyhow::Result<Drained> {
    let places = Places::of(config).context("the settings were read for another purpose")?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let vitals = Vitals::new();
    let metrics = Arc::new(Metrics::new(Arc::clone(&clock)));
    let closing = CancellationToken::new();
    let mut endpoint = JoinSet::new();
    if let Some(listen) = config.ops.listen {
        let ops = Ops::bind(listen, vitals.clone(), Arc::clone(&metrics)).await?;
        endpoint.spawn(ops.serve(closing.clone()));
    }
    for warning in warnings(config) {
        tracing::warn!("{warning}");
    }
    let outset = connect(config, &places, given.path_style).await?;
    let bench = judge(
        config,
        (Arc::clone(&outset.model), &tokens.drain),
        Arc::clone(&outset.spending) as _,
        Arc::clone(&metrics) as _,
        Arc::clone(&clock),
    )
    .map_err(|error| StartError::Settings(vec![format!("{error:#}")]))?;
    let mut minute = JoinSet::new();
    let writing = Minute::new(vitals.clone(), bench.budget.clone());
    minute.spawn(writing.run(closing.clone()));
    let rules = Rules::load(config.threats.rules.as_deref())
        .map_err(|error| StartError::Settings(vec![format!("threats.rules: {error}")]))?;
    // Asked beside the probes, so that the answer is usually there before the first event.
    let (knows, ourselves) = oneshot::channel();
    let mut learning = JoinSet::new();
    learning.spawn(learn(outset.sts.clone(), ourselves, closing.clone()));
    let reaching = async {
        let most = config.ecs.protected_at_most;
        tokio::join!(
            reach(config, &places, &outset),
            Protecting::of(given, most, &places.topic),
        )
    };
    let (ground, protecting) = tokio::select! {
        (ground, protecting) = reaching => (ground?, protecting),
        () = tokens.drain.cancelled() => return Ok(Drained::Clean),
    };
    let job = job(config);
    tracing::info!("{job}");
    let ourselves = Arc::new(Ourselves::new(OwnScope {
        tasks: protecting.as_ref().map(|it| it.tasks.clone()),
        ..scope(config, &places, &ground)
    }));
    // The other end waits for it as long as it lives.
    drop(knows.send(Arc::clone(&ourselves)));
    let analyst = bench.analyst.clone();
    let assessor = Assessor::new(rules, ourselves, &config.threats, analyst);
    let shown = (vitals, metrics, clock);
    let copies = channels(config, &places, &outset.clients, &shown.2);
    let protection = Protection::default();
    let watch = Arc::clone(&shown.1) as Arc<dyn ProtectionWatch>;
    let keeper = protecting.map(|it| it.keeper(protection.clone(), watch));
    let built = (bench, assessor, copies);
    let service = Service::build(config, &places, ground, built, (shown, protection, keeper));
    let drained = service.run(tokens).await;
    closing.cancel();
    learning.abort_all();
    while minute.join_next().await.is_some() {}
    while endpoint.join_next().await.is_some() {}
    drained
}

/// What the service is about to do, in a sentence.
fn job(config: &Config) -> String {
    let buckets = config.intake.buckets.iter().map(BucketName::as_str);
    let buckets: Vec<_> = buckets.collect();
    let mode = match config.policy.mode {
        Mode::Observe => "observing",
        Mode::Enforce => "enforcing in",
    };
    let model = config.model.models.first().map_or("", String::as_str);
    format!("{mode} {}; judged by {model}", buckets.join(", "))
}

/// What is allowed and probably not meant.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = config.model.warnings();
    if config.limits.drain > Duration::from_secs(105) {
        warnings.push(
            "limits.drain_seconds: longer than a container on Fargate gets to stop (120 s, less \
             15 s for the last calls)"
                .to_owned(),
        );
    }
    if config.model.usd_per_day.is_some() && config.queue.events_url.is_none() {
        warnings.push(
            "model.usd_per_day is set and queue.events_url is not: once the money of a day is \
             spent, security events that come on the queue of uploads wait with them"
                .to_owned(),
        );
    }
    warnings
}

/// The service, built and not yet running.
struct Service {
    worker: Worker,
    announcing: BoxFuture<'static, ()>,
    copying: BoxFuture<'static, ()>,
    model: Arc<ModelDetector>,
    gate: Gate,
    budget: Option<Arc<Budget>>,
    keeper: Option<Keeper>,
    vitals: Vitals,
}

/// What shows how the service stands.
type Shown = (Vitals, Arc<Metrics>, Arc<dyn Clock>);

impl Service {
    fn build(
        config: &Config,
        places: &Places,
        ground: Ground,
        (bench, assessor, copies): (Bench, Assessor, Vec<Channel>),
        ((vitals, metrics, clock), protection, keeper): (Shown, Protection, Option<Keeper>),
    ) -> Self {
        let Bench {
            detector,
            model,
            gate,
            budget,
            analyst: _,
        } = bench;
        let store: Arc<dyn ObjectStore> = ground.store;
        let limits = InspectorLimits {
            max_bytes: config.object.max_bytes,
            concurrency: config.limits.concurrency,
            memory_bytes: config.limits.memory_bytes,
            processing: config.limits.processing,
            cache_entries: config.limits.cache_entries,
        };
        let preparer = Preparer::new(&config.object);
        let inspector = Inspector::new(Arc::clone(&store), preparer, detector, limits);
        let notifier = Arc::new(CountedNotifier::new(ground.notifier, Arc::clone(&metrics)));
        let (notifier, copying) = Copied::new(notifier, copies, &metrics, &Jitter::random());
        let notifier: Arc<dyn Notifier> = Arc::new(notifier);
        let (announcer, announcing) = Announcer::new(AnnouncerParts {
            notifier,
            turns: ground.turns,
            digests: ground.digests,
            settings: config.alerts,
            fleet_size: config.limits.fleet_size,
            clock: Arc::clone(&clock),
            jitter: Jitter::random(),
            watch: Arc::clone(&metrics) as _,
        });
        let own: Vec<OwnPlace> = std::iter::once(places.records.clone())
            .chain(places.quarantine.clone())
            .collect();
        warn_of_few_receives(&ground.queue);
        ground
            .events
            .as_deref()
            .into_iter()
            .for_each(warn_of_few_receives);
        let queue: Arc<dyn Queue> = ground.queue;
        let events = ground.events.map(|events| events as Arc<dyn Queue>);
        let sweep_after = config.limits.held_at_most + queue.visibility() + SWEEP_MARGIN;
        let parts = Parts {
            queue,
            events,
            store,
            ledger: ground.ledger as Arc<dyn Ledger>,
            allowances: ground.allowances,
            inspector: Arc::new(inspector),
            assessor: Some(Arc::new(assessor)),
            announcer,
            filter: Filter::new(config.intake.clone(), own.clone()),
            policy: config.policy.clone(),
            guards: Guards::new(
                config.policy.mode,
                config.intake.buckets.iter().cloned(),
                own,
            ),
            breaker: Arc::new(Breaker::new(
                config.limits.deletions_per_minute,
                Arc::clone(&clock),
            )),
            switches: ground.switches,
            vitals: vitals.clone(),
            protection,
            clock,
            jitter: Jitter::random(),
            observer: metrics as Arc<dyn Observer>,
        };
        let settings = WorkerSettings {
            limits: config.limits.clone(),
            queue: config.queue.clone(),
            // A read of the records for every upload would double what a clean object costs.
            ask_first: false,
            sweep_after,
            options: Options {
                cloudtrail_uploads: config.intake.cloudtrail_uploads.clone(),
                ..config.requests.clone()
            },
            alerts: config.alerts,
            usd_per_day: config.model.usd_per_day,
        };
        Self {
            worker: Worker::new(parts, settings),
            announcing: Box::pin(announcing),
            copying: Box::pin(copying),
            model,
            gate,
            budget,
            keeper,
            vitals,
        }
    }

    async fn run(self, tokens: &Tokens) -> anyhow::Result<Drained> {
        let ended = CancellationToken::new();
        let mut announcing = JoinSet::new();
        announcing.spawn(self.announcing);
        let mut beside = JoinSet::new();
        if let Some(budget) = self.budget {
            let until = ended.clone();
            beside.spawn(async move { budget.run(until).await });
        }
        let mut protecting = JoinSet::new();
        if let Some(keeper) = self.keeper {
            protecting.spawn(keeper.run(tokens.drain.clone(), ended.clone()));
        }
        let mut copying = JoinSet::new();
        copying.spawn(self.copying);
        let mut trying = JoinSet::new();
        trying.spawn(try_model(self.model, self.gate, self.vitals));
        let mut working = JoinSet::new();
        // It says `now` to itself when its time is over, which is no word against the last calls.
        let now = tokens.now.child_token();
        working.spawn(self.worker.run(tokens.drain.clone(), now));
        let drained = worked(&mut working, &mut announcing).await?;
        ended.cancel();
        trying.abort_all();
        let last = async {
            while announcing.join_next().await.is_some() {}
            while beside.join_next().await.is_some() {}
        };
        let released = async { while protecting.join_next().await.is_some() {} };
        let (last, _) = tokio::join!(
            last_calls(last, LAST_WORDS, &tokens.now),
            // What is not released by then lapses by itself.
            last_calls(released, LAST_WORDS, &tokens.now),
        );
        if !last {
            tracing::warn!("some alerts are not out: they are announced after the next start");
        }
        // With the announcer goes the last who hands alerts over; copies of what is out follow it.
        announcing.shutdown().await;
        beside.shutdown().await;
        let last = async { while copying.join_next().await.is_some() {} };
        if !last_calls(last, LAST_COPIES, &tokens.now).await {
            // What is left of them is counted and said as they are dropped.
            copying.shutdown().await;
        }
        Ok(drained)
    }
}

/// Good messages must outlive trouble that lasts.
fn warn_of_few_receives(queue: &SqsQueue) {
    if queue.max_receives().is_some_and(|most| most < 10) {
        tracing::warn!(
            { QUEUE_URL } = queue.url(),
            "the queue allows few receives of a message (maxReceiveCount): trouble that lasts \
             will park good messages; allow 20"
        );
    }
}

/// What we work on: a call of our own role is ours only where it is about these.
fn scope(config: &Config, places: &Places, ground: &Ground) -> OwnScope {
    let queues = || std::iter::once(&ground.queue).chain(&ground.events);
    OwnScope {
        buckets: config.intake.buckets.clone(),
        records: Some(places.records.clone()),
        quarantine: places.quarantine.clone(),
        queues: queues().map(|queue| queue.url().to_owned()).collect(),
        dead_letters: queues()
            .filter_map(|queue| queue.dead_letter_url().map(str::to_owned))
            .collect(),
        topic: Some(places.topic.to_string()),
        models: config.model.models.iter().cloned().collect(),
        event_bus: config.copies.event_bus.clone(),
        security_hub: config.copies.security_hub,
        tasks: None,
    }
}

/// Tries the model once, beside the first polls; judgements wait for it. What it does not find out
/// each judgement finds out itself; a model that cannot be used pauses the worker at once.
async fn try_model(model: Arc<ModelDetector>, gate: Gate, vitals: Vitals) {
    match model.probe().await {
        Ok(probed) => {
            for (id, why) in probed.unusable {
                tracing::warn!(
                    { MODEL_ID } = id,
                    { ERROR_DETAIL } = why,
                    "a model cannot be used"
                );
            }
            match probed.undecided {
                None => tracing::info!({ MODEL_ID } = probed.model, "the model answers"),
                Some(reason) => tracing::warn!(
                    { MODEL_ID } = probed.model,
                    { ERROR_CODE } = reason.code(),
                    "the model answers, but with no verdict about a picture with nothing on it: \
                     uploads may stay undecided"
                ),
            }
        }
        Err(error) => {
            let error = DetectError::from(error);
            tracing::error!(
                { ERROR_CODE } = error.code(),
                { ERROR_DETAIL } = %error,
                "the model did not answer at the start"
            );
            if let Reaction::Stop(why) = error.reaction() {
                vitals.suspect_judge(why);
            }
        }
    }
    gate.open();
}
