//! The service on AWS: built, started, stopped.
//!
//! Nothing is polled before queue, topic, records and buckets have answered: a worker that takes
//! messages and then cannot write its intent would only burn their receives. The model is tried
//! beside the first polls and holds up the first judgement only: it may take seconds.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use futures::future::BoxFuture;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::judge::{Bench, judge};
use super::reach::{Ground, Places, StartError, connect, reach};
use crate::action::{Breaker, Guards, Mode};
use crate::alert::{Announcer, Notifier};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::event::{BucketName, Filter, OwnPlace, Queue};
use crate::model::limits::Budget;
use crate::object::{ObjectStore, Preparer};
use crate::ops::{CountedNotifier, Metrics, Ops};
use crate::record::Ledger;
use crate::retry::{Jitter, Reaction, Reacts};
use crate::shutdown::Tokens;
use crate::telemetry::vocabulary::{ERROR_CODE, ERROR_DETAIL, MODEL_ID};
use crate::verdict::ask::{Gate, ModelDetector};
use crate::verdict::{Inspector, InspectorLimits};
use crate::worker::{Drained, Observer, Parts, Vitals, Worker, WorkerSettings};

/// How long the announcer and the account of spending may take to end after the worker has.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How much older than any lease an open finding must be before another task finishes it.
const SWEEP_MARGIN: Duration = Duration::from_secs(60);

/// Runs the service until it is told to stop, and lets what has begun come to its end.
///
/// # Errors
/// A [`StartError`] when it cannot start; later faults pause it and are no errors.
pub async fn serve(config: &Config, path_style: bool, tokens: &Tokens) -> anyhow::Result<Drained> {
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
    let outset = connect(config, &places, path_style).await?;
    let bench = judge(
        config,
        Arc::clone(&outset.model),
        Arc::clone(&outset.spending) as _,
        Arc::clone(&metrics) as _,
        Arc::clone(&clock),
    )
    .map_err(|error| StartError::Settings(vec![format!("{error:#}")]))?;
    let ground = tokio::select! {
        ground = reach(config, &places, &outset) => ground?,
        () = tokens.drain.cancelled() => return Ok(Drained::Clean),
    };
    let job = job(config);
    tracing::info!("{job}");
    let service = Service::build(config, &places, ground, bench, (vitals, metrics, clock));
    let drained = service.run(tokens).await;
    closing.cancel();
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
    if config.queue.events_url.is_some() {
        warnings.push(
            "queue.events_url: security events are not assessed by this version; that queue is \
             left alone and nothing in it is lost"
                .to_owned(),
        );
    }
    if config.limits.drain > Duration::from_secs(105) {
        warnings.push(
            "limits.drain_seconds: longer than a container on Fargate gets to stop (120 s, less \
             15 s for the last calls)"
                .to_owned(),
        );
    }
    warnings
}

/// The service, built and not yet running.
struct Service {
    worker: Worker,
    announcing: BoxFuture<'static, ()>,
    model: Arc<ModelDetector>,
    gate: Gate,
    budget: Option<Arc<Budget>>,
    vitals: Vitals,
}

impl Service {
    fn build(
        config: &Config,
        places: &Places,
        ground: Ground,
        bench: Bench,
        (vitals, metrics, clock): (Vitals, Arc<Metrics>, Arc<dyn Clock>),
    ) -> Self {
        let Bench {
            detector,
            model,
            gate,
            budget,
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
        let notifier: Arc<dyn Notifier> =
            Arc::new(CountedNotifier::new(ground.notifier, Arc::clone(&metrics)));
        let (announcer, announcing) = Announcer::new(
            notifier,
            config.alerts,
            Arc::clone(&clock),
            Jitter::random(),
        );
        let own: Vec<OwnPlace> = std::iter::once(places.records.clone())
            .chain(places.quarantine.clone())
            .collect();
        let queue: Arc<dyn Queue> = ground.queue;
        let sweep_after = config.limits.held_at_most + queue.visibility() + SWEEP_MARGIN;
        let parts = Parts {
            queue,
            store,
            ledger: ground.ledger as Arc<dyn Ledger>,
            inspector: Arc::new(inspector),
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
            options: config.requests,
        };
        if parts.queue.max_receives().is_some_and(|most| most < 10) {
            tracing::warn!(
                "the queue allows few receives of a message (maxReceiveCount): trouble that lasts \
                 will park good messages; allow 20"
            );
        }
        Self {
            worker: Worker::new(parts, settings),
            announcing: Box::pin(announcing),
            model,
            gate,
            budget,
            vitals,
        }
    }

    async fn run(self, tokens: &Tokens) -> anyhow::Result<Drained> {
        let ended = CancellationToken::new();
        let mut beside = JoinSet::new();
        beside.spawn(self.announcing);
        if let Some(budget) = self.budget {
            let until = ended.clone();
            beside.spawn(async move { budget.run(until).await });
        }
        let mut trying = JoinSet::new();
        trying.spawn(try_model(self.model, self.gate, self.vitals));
        let mut working = JoinSet::new();
        working.spawn(self.worker.run(tokens.drain.clone(), tokens.now.clone()));
        let drained = match working.join_next().await {
            Some(Ok(drained)) => drained,
            Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Some(Err(_)) | None => anyhow::bail!("the worker was ended from outside"),
        };
        ended.cancel();
        trying.abort_all();
        let last = async { while beside.join_next().await.is_some() {} };
        if tokio::time::timeout(LAST_WORDS, last).await.is_err() {
            tracing::warn!("some alerts are not out: they are announced after the next start");
        }
        Ok(drained)
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
            tracing::info!({ MODEL_ID } = probed.model, "the model answers");
        }
        Err(error) => {
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
