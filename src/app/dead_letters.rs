//! The dead-letter queues of a service, for those who look at them and send back.

use std::sync::Arc;
use std::time::Duration;

use super::StartError;
use crate::aws::{Clients, SqsDeadLetters};
use crate::config::Maintenance;
use crate::event::QueueError;
use crate::maintenance::dead_letters::DeadLetters;

/// No model is called here; a client wants a bound all the same.
const NO_MODEL: Duration = Duration::from_secs(1);

/// Of which queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Of every queue that is set.
    All,
    /// Of the queue of uploads.
    Uploads,
    /// Of the queue of security events.
    Events,
}

/// The dead-letter queues of a service; never empty. Queues that share one have one here.
///
/// # Errors
/// No queue is set, or no region; a queue cannot be reached, or has no dead letters.
pub async fn dead_letters(
    settings: &Maintenance,
    which: Which,
    path_style: bool,
) -> Result<Vec<Arc<dyn DeadLetters>>, StartError> {
    let queue = &settings.queue;
    let dead = queue.dead_letter_url.as_deref();
    let uploads = queue.url.as_deref().map(|url| ("queue.url", url, dead));
    let events = queue.events_url.as_deref();
    let events = events.map(|url| ("queue.events_url", url, None));
    let (named, missing): (Vec<_>, _) = match which {
        Which::All => (uploads.into_iter().chain(events).collect(), "queue.url"),
        Which::Uploads => (uploads.into_iter().collect(), "queue.url"),
        Which::Events => (events.into_iter().collect(), "queue.events_url"),
    };
    if named.is_empty() {
        return Err(StartError::Settings(vec![format!(
            "{missing}: missing; give the URL of the service's queue, whose dead letters are meant"
        )]));
    }
    let clients = Clients::connect(path_style, NO_MODEL)
        .await
        .map_err(|error| StartError::Settings(vec![error.to_string()]))?;
    let opened = SqsDeadLetters::open(&clients, &named, settings.records.clone()).await;
    let opened =
        opened.map_err(|error: QueueError| StartError::Unreachable(vec![error.to_string()]))?;
    Ok(opened
        .into_iter()
        .map(|queue| Arc::new(queue) as Arc<dyn DeadLetters>)
        .collect())
}
