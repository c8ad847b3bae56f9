//! The doctor, built over AWS: the settings of the service, and a survey of what they name.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use super::reach::StartError;
use crate::aws::{AwsSurvey, BedrockModel, Clients};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::maintenance::doctor::{Report, Trial, TrialFault, Wanted, ask, rows};
use crate::model::ModelError;
use crate::retry::Jitter;
use crate::verdict::UndecidedReason;
use crate::verdict::ask::{ModelDetector, ProbeError};
use crate::verdict::threat::Rules;

/// How long trying the models may take: a call of each, and what the limits of the account make of it.
const TRIAL: Duration = Duration::from_secs(60);

/// From where the doctor looks, and at what.
#[derive(Clone, Debug)]
pub struct Viewpoint {
    /// Whether buckets are named in the path.
    pub path_style: bool,
    /// Whether a model is shown one small picture of ours.
    pub call_model: bool,
    /// Whether this runs in a container of a cluster, as the service does: only there the memory that
    /// is seen is the service's.
    pub in_cluster: bool,
    /// Whose settings these are, for people.
    pub settings: String,
}

/// How an examination ended.
#[derive(Clone, Debug)]
pub enum Examined {
    /// With a report.
    Whole(Report),
    /// Somebody wanted it to stop; these objects of ours stay, which were written to try.
    Stopped(Vec<String>),
}

/// Checks everything that the service needs, until somebody wants it to stop: then only what was
/// written is removed again, within seconds.
///
/// # Errors
/// [`StartError::Settings`]: what can be told to be wrong before the first call.
pub async fn examine(
    config: &Config,
    view: Viewpoint,
    stop: &CancellationToken,
) -> anyhow::Result<Examined> {
    let refused = |sentence: String| StartError::Settings(vec![sentence]);
    let clients = Clients::connect(view.path_style, config.model.timeout)
        .await
        .map_err(|error| refused(error.to_string()))?;
    let rules = Rules::load(config.threats.rules.as_deref())
        .map_err(|error| refused(format!("threats.rules: {error}")))?;
    let memory = if view.in_cluster { memory() } else { None };
    let wanted = wanted(config, clients.region(), &rules, memory)
        .context("the settings were read for another purpose")?;
    let survey = AwsSurvey::new(&clients, config.aws.clone());
    let now = SystemClock.now();
    let trial = async {
        tokio::select! {
            trial = trial(config, &clients, view.call_model) => trial,
            () = stop.cancelled() => Trial::NotAsked,
        }
    };
    let facts = Box::pin(ask(&survey, &wanted, trial, now, stop)).await;
    if stop.is_cancelled() {
        let left = facts.left().into_iter().map(str::to_owned);
        return Ok(Examined::Stopped(left.collect()));
    }
    let asked_as = facts.asker.as_ref().ok().map(|asker| asker.arn.clone());
    let rows = rows(&facts, &wanted);
    let report = Report::new(view.settings, asked_as, now, rows);
    Ok(Examined::Whole(report))
}

/// What the settings ask for; `None` only for settings that were read for another purpose.
fn wanted(
    config: &Config,
    region: &str,
    rules: &Rules,
    memory_there: Option<u64>,
) -> Option<Wanted> {
    Some(Wanted {
        region: region.to_owned(),
        uploads_url: config.queue.url.clone()?,
        events_url: config.queue.events_url.clone(),
        dead_letter_url: config.queue.dead_letter_url.clone(),
        visibility: config.queue.visibility,
        topic: config.topic.clone()?,
        chat: config.alerts.chat,
        intake: config.intake.clone(),
        mode: config.policy.mode,
        records: config.records.clone()?,
        quarantine: config.quarantine.clone(),
        models: config.model.models.clone(),
        model_warnings: config.model.warnings(),
        max_tokens: config.model.max_tokens,
        requests_per_minute: config.model.requests_per_minute,
        tokens_per_minute: config.model.tokens_per_minute,
        concurrency: config.limits.concurrency,
        fleet_size: config.limits.fleet_size,
        drain: config.limits.drain,
        memory_bytes: config.limits.memory_bytes,
        memory_there,
        watched: rules.watched(),
    })
}

/// The same way as the service's own trial at its start.
async fn trial(config: &Config, clients: &Clients, wanted: bool) -> Trial {
    if !wanted {
        return Trial::NotAsked;
    }
    let model = Arc::new(BedrockModel::new(clients));
    let detector = ModelDetector::new(model, &config.model, Jitter::random());
    match tokio::time::timeout(TRIAL, Box::pin(detector.probe())).await {
        Ok(Ok(probed)) => Trial::Answered {
            model: probed.model,
            unusable: probed.unusable,
            undecided: probed.undecided.map(UndecidedReason::code),
        },
        Ok(Err(error)) => Trial::Failed {
            fault: fault(&error),
            why: error.to_string(),
        },
        Err(_) => Trial::Failed {
            fault: TrialFault::Silent,
            why: format!("no model answered within {} s", TRIAL.as_secs()),
        },
    }
}

const fn fault(error: &ProbeError) -> TrialFault {
    match error {
        ProbeError::Unusable(_)
        | ProbeError::Failed(ModelError::Unusable { .. } | ModelError::Rejected { .. }) => {
            TrialFault::Unusable
        }
        ProbeError::Failed(ModelError::Locked(_)) => TrialFault::Credentials,
        ProbeError::Failed(ModelError::Throttled { .. }) => TrialFault::Throttled,
        ProbeError::Failed(ModelError::Unavailable(_)) => TrialFault::Silent,
        ProbeError::Failed(ModelError::Spent { .. }) => TrialFault::Spent,
    }
}

/// The memory that this process can have: what its control group allows (cgroup v2), or else all of
/// the machine.
fn memory() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let allowed = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    let machine = read("/proc/meminfo").as_deref().and_then(total_of);
    [allowed, machine].into_iter().flatten().min()
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_machine_is_read_from_its_first_line() {
        let text = "MemTotal:        8040944 kB\nMemFree:          123 kB\n";
        assert_eq!(total_of(text), Some(8_040_944 * 1024));
        assert_eq!(total_of("MemFree: 1 kB\n"), None);
        assert_eq!(total_of("MemTotal: much kB\n"), None);
    }
}
