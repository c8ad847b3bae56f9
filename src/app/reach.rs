//! What the service stands on, reached and probed: queue, topic, records, buckets, side by side, so
//! that whoever sets a service up reads of everything that is wrong at once.

use std::sync::Arc;

use crate::action::{Mode, Tagging};
use crate::alert::{Digests, TopicArn, Turns};
use crate::aws::{
    BedrockModel, Clients, ProbeError, S3Allowances, S3Digests, S3Ledger, S3Overflow, S3Spending,
    S3Store, S3Switches, S3Turns, SnsNotifier, SqsQueue, StsIdentity,
};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::event::{OwnPlace, QueueError};
use crate::model::{Model, Spending, SpendingError};
use crate::record::{Allowances, Switches, date_of};

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings do not fit the account: each mistake with its remedy.
    #[error("{}", lines(.0))]
    Settings(Vec<String>),
    /// Something that is needed cannot be reached or used: each with its remedy.
    #[error("{}", lines(.0))]
    Unreachable(Vec<String>),
}

fn lines(sentences: &[String]) -> String {
    match sentences {
        [only] => only.clone(),
        several => format!(
            "{} things are in the way:\n  {}",
            several.len(),
            several.join("\n  ")
        ),
    }
}

/// What the service stands on.
#[derive(Debug)]
pub(super) struct Ground {
    pub(super) queue: Arc<SqsQueue>,
    pub(super) events: Option<Arc<SqsQueue>>,
    pub(super) notifier: Arc<SnsNotifier>,
    pub(super) store: Arc<S3Store>,
    pub(super) ledger: Arc<S3Ledger>,
    pub(super) allowances: Arc<dyn Allowances>,
    pub(super) switches: Arc<dyn Switches>,
    pub(super) turns: Arc<dyn Turns>,
    pub(super) digests: Arc<dyn Digests>,
}

/// What is known before anything was called.
#[derive(Debug)]
pub(super) struct Outset {
    pub(super) clients: Clients,
    pub(super) spending: Arc<S3Spending>,
    pub(super) model: Arc<dyn Model>,
    pub(super) sts: StsIdentity,
}

/// Where the service is told to stand. Settings for the service have all of them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    queue_url: String,
    events_url: Option<String>,
    pub(super) topic: TopicArn,
    pub(super) records: OwnPlace,
    pub(super) quarantine: Option<OwnPlace>,
}

impl Places {
    /// `None` only for settings that were read for another purpose.
    pub(super) fn of(config: &Config) -> Option<Self> {
        Some(Self {
            queue_url: config.queue.url.clone()?,
            events_url: config.queue.events_url.clone(),
            topic: config.topic.clone()?,
            records: config.records.clone()?,
            quarantine: config.quarantine.clone(),
        })
    }
}

/// Makes the clients, and checks what can be checked without a call.
///
/// # Errors
/// No region is set, or another than the topic's.
pub(super) async fn connect(
    config: &Config,
    places: &Places,
    path_style: bool,
) -> Result<Outset, StartError> {
    let clients = Clients::connect(path_style, config.model.timeout)
        .await
        .map_err(|error| StartError::Settings(vec![error.to_string()]))?;
    if places.topic.region() != clients.region() {
        return Err(StartError::Settings(vec![format!(
            "alerts.topic_arn: the topic is in {}, and the service runs in {}; give a topic of the \
             same region, or set AWS_REGION",
            places.topic.region(),
            clients.region()
        )]));
    }
    Ok(Outset {
        spending: Arc::new(S3Spending::new(&clients, places.records.clone())),
        model: Arc::new(BedrockModel::new(&clients)),
        sts: StsIdentity::new(&clients),
        clients,
    })
}

/// Asks everything that has to answer before the first poll.
///
/// # Errors
/// Everything that is wrong. Where settings are wrong and something cannot be reached too, the
/// settings come first: they have to be mended anyway.
pub(super) async fn reach(
    config: &Config,
    places: &Places,
    outset: &Outset,
) -> Result<Ground, StartError> {
    let clients = &outset.clients;
    let store = S3Store::new(
        clients,
        config.aws.clone(),
        places.quarantine.clone(),
        config.object.max_bytes,
    );
    let ledger = Arc::new(S3Ledger::new(clients, places.records.clone()));
    let overflow = Arc::new(S3Overflow::new(clients, places.records.clone()));
    let switches = S3Switches::new(clients, places.records.clone());
    let turns = S3Turns::new(
        clients,
        places.records.clone(),
        config.alerts.max_per_minute,
        Arc::new(SystemClock),
    );
    let digests = S3Digests::new(clients, places.records.clone());
    let guarded: Vec<_> = config.intake.buckets.iter().cloned().collect();
    let removes = config.policy.mode == Mode::Enforce;
    let tags_clean = config.policy.tag == Tagging::All;
    let (queue, events, notifier, records, buckets, account) = tokio::join!(
        SqsQueue::open(
            clients,
            &places.queue_url,
            config.queue.dead_letter_url.clone(),
            config.queue.visibility,
        ),
        events_queue(config, places, clients),
        SnsNotifier::open(clients, places.topic.as_str(), config.alerts.chat),
        ledger.probe(),
        store.probe(&guarded, removes, tags_clean),
        account(config, outset),
    );
    let mut settings = Vec::new();
    let mut unreachable = Vec::new();
    for error in buckets.err().into_iter().flatten() {
        match error {
            ProbeError::Settings(sentence) => settings.push(sentence),
            ProbeError::Unreachable(sentence) => unreachable.push(sentence),
        }
    }
    // In the same bucket as the records: where those fail, it says nothing new.
    if let (Ok(()), Err(error)) = (&records, account) {
        unreachable.push(format!("model.usd_per_day: {error}"));
    }
    if let Err(error) = &records {
        unreachable.push(format!("records.bucket: {error}"));
    }
    let queue = queue.map_err(|error| unreachable.push(format!("queue.url: {error}")));
    let events = events.map_err(|error| unreachable.push(format!("queue.events_url: {error}")));
    let notifier = notifier.map_err(|error| unreachable.push(format!("alerts.topic_arn: {error}")));
    if !settings.is_empty() {
        return Err(StartError::Settings(settings));
    }
    let (Ok(queue), Ok(events), Ok(notifier), true) =
        (queue, events, notifier, unreachable.is_empty())
    else {
        return Err(StartError::Unreachable(unreachable));
    };
    Ok(Ground {
        queue: Arc::new(queue.with_overflow(Arc::clone(&overflow) as _)),
        events: events.map(|events| Arc::new(events.with_overflow(overflow))),
        notifier: Arc::new(notifier),
        store: Arc::new(store),
        switches: Arc::new(switches),
        turns: Arc::new(turns),
        digests: Arc::new(digests),
        allowances: Arc::new(S3Allowances::new(clients, places.records.clone())),
        ledger,
    })
}

/// Where security events have a queue of their own, it has dead letters of its own too: those of its
/// redrive policy.
async fn events_queue(
    config: &Config,
    places: &Places,
    clients: &Clients,
) -> Result<Option<SqsQueue>, QueueError> {
    let Some(url) = &places.events_url else {
        return Ok(None);
    };
    let named = ("queue.events_url", url.as_str());
    let opened = SqsQueue::open_as(clients, named, None, config.queue.visibility).await;
    opened.map(Some)
}

/// Where there is a budget, its account has to be writable: nothing is judged without it.
async fn account(config: &Config, outset: &Outset) -> Result<(), SpendingError> {
    if config.model.usd_per_day.is_none() {
        return Ok(());
    }
    let today = date_of(SystemClock.now());
    outset.spending.report(today, 0.0).await.map(drop)
}
