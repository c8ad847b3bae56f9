//! Who judges for the service: the models of the settings behind their limits, and where it is asked
//! for the local detector as a second look.

use std::sync::Arc;

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::alert::{Language, ModelText};
use crate::clock::Clock;
use crate::config::Config;
use crate::model::limits::{Budget, Scope, limited};
use crate::model::{Meter, Model, Prices, Spending};
use crate::retry::Jitter;
use crate::verdict::Detector;
use crate::verdict::ask::{AnalystText, Gate, Gated, ModelAnalyst, ModelDetector};
use crate::verdict::threat::{Analyst, SummaryLanguage};

/// A judge, and what has to run beside it.
#[derive(Debug)]
pub(super) struct Bench {
    /// To be asked by the inspector; it waits until `gate` is opened.
    pub(super) detector: Arc<dyn Detector>,
    /// The same without the gate, to be tried.
    pub(super) model: Arc<ModelDetector>,
    /// Holds judgements up until the model was tried.
    pub(super) gate: Gate,
    /// Who assesses activities beyond the rules, where the settings want a model asked.
    pub(super) analyst: Option<Arc<dyn Analyst>>,
    /// Where there is one.
    pub(super) budget: Option<Arc<Budget>>,
}

/// Builds the judge over an adapter. Nothing is waited for once `stop` is cancelled.
///
/// # Errors
/// The price table cannot be read, a limit is too small for one call, or the local detector's
/// models cannot be read: one sentence that says which.
pub(super) fn judge(
    config: &Config,
    (adapter, stop): (Arc<dyn Model>, &CancellationToken),
    spending: Arc<dyn Spending>,
    meter: Arc<dyn Meter>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Bench> {
    let prices = Prices::load(config.model.prices.as_deref()).context("model.prices")?;
    let pieces = config
        .object
        .limits
        .max_tiles
        .max(config.object.limits.max_frames);
    let picture = ModelDetector::largest_request(&config.model, &prices, pieces);
    let activity = ModelAnalyst::largest_request(&config.model, &prices);
    let largest = match config.threats.ask_model {
        true => picture.max(activity),
        false => picture,
    };
    let scope = Scope {
        fleet_size: config.limits.fleet_size,
        largest,
        prices: Arc::new(prices),
        meter,
        spending,
        clock,
    };
    let limited = limited(adapter, &config.model, &scope)?;
    let analyst = config.threats.ask_model.then(|| {
        let model = Arc::clone(&limited.model);
        let analyst = ModelAnalyst::new(model, &config.model, text(config), Jitter::random());
        Arc::new(analyst.waiting_until(stop.clone())) as Arc<dyn Analyst>
    });
    let model = ModelDetector::new(limited.model, &config.model, Jitter::random());
    let model = Arc::new(model.waiting_until(stop.clone()));
    let asked = second_look(config, Arc::clone(&model) as Arc<dyn Detector>)?;
    let (gated, gate) = Gated::new(asked, stop.clone());
    Ok(Bench {
        detector: Arc::new(gated),
        model,
        gate,
        analyst,
        budget: limited.budget,
    })
}

/// What becomes of a model's words about an activity.
fn text(config: &Config) -> AnalystText {
    let language = match config.alerts.language {
        Language::En => SummaryLanguage::English,
        Language::Ko => SummaryLanguage::Korean,
    };
    let wanted = config.alerts.model_text == ModelText::Scrubbed;
    AnalystText {
        summaries: wanted.then_some(language),
    }
}

#[cfg(feature = "local-detector")]
fn second_look(config: &Config, first: Arc<dyn Detector>) -> anyhow::Result<Arc<dyn Detector>> {
    use crate::verdict::SecondLook;
    use crate::verdict::ask::LocalCheck;

    Ok(match config.verdict.local_check {
        SecondLook::Off => first,
        SecondLook::OnClean => {
            let local = crate::local::LocalDetector::new(&config.local)?;
            Arc::new(LocalCheck::new(first, Arc::new(local)))
        }
    })
}

/// Without the local detector the settings do not ask for it: they are refused.
#[cfg(not(feature = "local-detector"))]
fn second_look(_config: &Config, first: Arc<dyn Detector>) -> anyhow::Result<Arc<dyn Detector>> {
    Ok(first)
}
