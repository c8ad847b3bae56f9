//! The stand-in for Bedrock over loopback, and what asks it: the adapter, priced and counted, the
//! analyst and the detector.

use std::sync::Arc;

use s3_warden::action::{Action, Decision, Mode, Outcome, Tell};
use s3_warden::aws::{BedrockModel, Clients};
use s3_warden::clock::{Clock, TokioClock};
use s3_warden::event::Activity;
use s3_warden::model::limits::Metered;
use s3_warden::model::{Meter, Model, ModelSettings, Prices, RawModel};
use s3_warden::ops::Metrics;
use s3_warden::record::{ActivityCase, Case, Finding, Intent, Reported};
use s3_warden::retry::Jitter;
use s3_warden::settings::Problems;
use s3_warden::verdict::Threat;
use s3_warden::verdict::ask::{AnalystText, ModelAnalyst, ModelDetector};
use s3_warden::verdict::threat::{
    Analyze, Assessment, Assessor, Ourselves, Rules, SummaryLanguage, ThreatSettings,
};
use s3_warden::worker::Vitals;
use s3_warden_standins::bedrock::{Bedrock, Behaviour};

/// All that is asked and counted.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) bedrock: Bedrock,
    pub(crate) detector: Arc<ModelDetector>,
    analyst: Arc<ModelAnalyst>,
    rules: Rules,
    metrics: Arc<Metrics>,
}

impl Bench {
    pub(crate) async fn new(behaviour: Behaviour) -> Self {
        let bedrock = Bedrock::start().await;
        bedrock.behave(behaviour);
        // Nothing but the model is called.
        let clients = Clients::at_endpoint("http://127.0.0.1:9", Some(&bedrock.url())).await;
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(moment()));
        let metrics = Arc::new(Metrics::new(clock));
        let model: Arc<dyn Model> = Arc::new(Metered::new(
            Arc::new(BedrockModel::new(&clients)),
            Arc::new(Prices::embedded()),
            Arc::clone(&metrics) as Arc<dyn Meter>,
        ));
        let settings = settings();
        let text = AnalystText {
            summaries: Some(SummaryLanguage::English),
        };
        let jitter = || Jitter::fixed(0.0);
        Self {
            analyst: Arc::new(ModelAnalyst::new(
                Arc::clone(&model),
                &settings,
                text,
                jitter(),
            )),
            rules: Rules::builtin(),
            detector: Arc::new(ModelDetector::new(model, &settings, jitter())),
            bedrock,
            metrics,
        }
    }

    /// Assesses every record, and asks about each. A new one for each attack: what one of them was
    /// asked about would spare the next its question.
    pub(crate) fn assessor(&self) -> Assessor {
        let settings = ThreatSettings {
            analyze: Analyze::All,
            tell_from: Threat::Low,
            ask_model: true,
            rules: None,
        };
        let analyst = Arc::clone(&self.analyst) as _;
        let ourselves = Arc::new(Ourselves::default());
        Assessor::new(self.rules.clone(), ourselves, &settings, Some(analyst))
    }

    /// The page of numbers.
    pub(crate) fn numbers(&self) -> String {
        self.metrics.render(&Vitals::new().snapshot())
    }
}

fn settings() -> ModelSettings {
    RawModel::default().validate(&mut Problems::new()).unwrap()
}

fn moment() -> jiff::Timestamp {
    "2026-11-20T10:16:00Z".parse().unwrap()
}

/// The finding about an assessed event, of which people are told.
pub(crate) fn finding(activity: &Activity, assessment: Assessment) -> Finding {
    let case = Case::Activity(Box::new(ActivityCase {
        activity: Reported::from(activity),
        assessment,
    }));
    let decision = Decision {
        action: Action::Keep,
        mode: Mode::Enforce,
        tell: Tell::Now,
        rule: "threat".to_owned(),
        policy: "0123456789ab".to_owned(),
    };
    let times = (activity.happened_at, moment());
    Intent::new(activity.identity.clone(), case, decision, times).acted(Outcome::Kept, moment())
}
