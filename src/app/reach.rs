//! What the service stands on, reached and probed: queue, topic, records, buckets, side by side, so
//! that whoever sets a service up reads of everything that is wrong at once.

use std::sync::Arc;

use crate::action::{Mode, Tagging};
use crate::alert::TopicArn;
use crate::aws::{
    BedrockModel, Clients, ProbeError, S3Ledger, S3Overflow, S3Spending, S3Store, S3Switches,
    SnsNotifier, SqsQueue,
};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::event::OwnPlace;
use crate::model::{Model, Spending, SpendingError};
use crate::record::{Switches, date_of};

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
    pub(super) notifier: Arc<SnsNotifier>,
    pub(super) store: Arc<S3Store>,
    pub(super) ledger: Arc<S3Ledger>,
    pub(super) switches: Arc<dyn Switches>,
}

/// What is known before anything was called.
#[derive(Debug)]
pub(super) struct Outset {
    clients: Clients,
    pub(super) spending: Arc<S3Spending>,
    pub(super) model: Arc<dyn Model>,
}

/// Where the service is told to stand. Settings for the service have all of them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    queue_url: String,
    topic: TopicArn,
    pub(super) records: OwnPlace,
    pub(super) quarantine: Option<OwnPlace>,
}

impl Places {
    /// `None` only for settings that were read for another purpose.
    pub(super) fn of(config: &Config) -> Option<Self> {
        Some(Self {
            queue_url: config.queue.url.clone()?,
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
    let overflow = S3Overflow::new(clients, places.records.clone());
    let switches = S3Switches::new(clients, places.records.clone());
    let guarded: Vec<_> = config.intake.buckets.iter().cloned().collect();
    let removes = config.policy.mode == Mode::Enforce;
    let tags_clean = config.policy.tag == Tagging::All;
    let (queue, notifier, records, buckets, account) = tokio::join!(
        SqsQueue::open(
            clients,
            &places.queue_url,
            config.queue.dead_letter_url.clone(),
            config.queue.visibility,
        ),
        SnsNotifier::open(clients, places.topic.as_str()),
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
    let notifier = notifier.map_err(|error| unreachable.push(format!("alerts.topic_arn: {error}")));
    if !settings.is_empty() {
        return Err(StartError::Settings(settings));
    }
    let (Ok(queue), Ok(notifier), true) = (queue, notifier, unreachable.is_empty()) else {
        return Err(StartError::Unreachable(unreachable));
    };
    Ok(Ground {
        queue: Arc::new(queue.with_overflow(Arc::new(overflow))),
        notifier: Arc::new(notifier),
        store: Arc::new(store),
        switches: Arc::new(switches),
        ledger,
    })
}

/// Where there is a budget, its account has to be writable: nothing is judged without it.
async fn account(config: &Config, outset: &Outset) -> Result<(), SpendingError> {
    if config.model.usd_per_day.is_none() {
        return Ok(());
    }
    let today = date_of(SystemClock.now());
    outset.spending.report(today, 0.0).await.map(drop)
}
