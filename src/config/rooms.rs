//! The settings of all rooms, side by side. A room is added by one line in each of three places:
//! its raw settings, its validated ones, and the call that makes these of those.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settled::Settled;
use super::{ConfigErrors, DEFAULTS, Purpose, Sources, service, settle};
use crate::action::{Policy, RawPolicy};
use crate::alert::{AlertSettings, CopySettings, RawAlerts, TopicArn};
use crate::aws::{AwsSettings, RawAws};
use crate::event::{Intake, Options, OwnPlace, RawIntake, RawRequests};
use crate::local::{LocalSettings, RawLocal};
use crate::model::{ModelSettings, RawModel};
use crate::object::{ObjectSettings, RawObject};
use crate::ops::{OpsSettings, RawOps};
use crate::record::{RawQuarantine, RawRecords};
use crate::settings::Problems;
use crate::shutdown::{EcsSettings, RawEcs};
use crate::verdict::threat::{RawThreats, ThreatSettings};
use crate::verdict::{RawVerdict, VerdictSettings};
use crate::worker::{Limits, QueueSettings, RawLimits, RawQueue};

/// What holds when nothing was found wrong.
const SAID: &str = "a room that refuses its settings says why";

/// All settings as written, before anybody has asked whether they make sense.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawConfig {
    /// Which uploads are looked at.
    pub intake: RawIntake,
    /// What messages may ask for.
    pub requests: RawRequests,
    /// Which model judges, and how much of it.
    pub model: RawModel,
    /// How much of an object is read and how it is cut.
    pub object: RawObject,
    /// How it is judged.
    pub verdict: RawVerdict,
    /// What is assessed of what happens in the account.
    pub threats: RawThreats,
    /// What is done about a verdict.
    pub policy: RawPolicy,
    /// Where removed objects go, if they are not deleted.
    pub quarantine: RawQuarantine,
    /// How people are told.
    pub alerts: RawAlerts,
    /// Where findings lie.
    pub records: RawRecords,
    /// How messages are taken.
    pub queue: RawQueue,
    /// How much at once, and how long.
    pub limits: RawLimits,
    /// What holds for all calls to AWS.
    pub aws: RawAws,
    /// How a task lives on Amazon ECS.
    pub ecs: RawEcs,
    /// Where health and metrics are served.
    pub ops: RawOps,
    /// The adapters for one machine.
    pub local: RawLocal,
}

/// All settings, validated, with the memory of where each came from.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which uploads are looked at.
    pub intake: Intake,
    /// What messages may ask for.
    pub requests: Options,
    /// Which model judges, and how much of it.
    pub model: ModelSettings,
    /// How much of an object is read and how it is cut.
    pub object: ObjectSettings,
    /// How it is judged.
    pub verdict: VerdictSettings,
    /// What is assessed of what happens in the account.
    pub threats: ThreatSettings,
    /// What is done about a verdict.
    pub policy: Policy,
    /// Where removed objects go, if they are not deleted.
    pub quarantine: Option<OwnPlace>,
    /// How people are told.
    pub alerts: AlertSettings,
    /// Where alerts are copied to, beside the topic.
    pub copies: CopySettings,
    /// The topic that alerts are published to.
    pub topic: Option<TopicArn>,
    /// Where findings lie.
    pub records: Option<OwnPlace>,
    /// How messages are taken.
    pub queue: QueueSettings,
    /// How much at once, and how long.
    pub limits: Limits,
    /// What holds for all calls to AWS.
    pub aws: AwsSettings,
    /// How a task lives on Amazon ECS.
    pub ecs: EcsSettings,
    /// Where health and metrics are served.
    pub ops: OpsSettings,
    /// The adapters for one machine.
    pub local: LocalSettings,
    settled: Settled,
}

impl Config {
    /// Reads all layers and validates them.
    ///
    /// # Errors
    /// Everything that is wrong, in one go: files that cannot be read, unknown keys and variables,
    /// values of a wrong type, and what the rooms refuse.
    pub fn load(sources: Sources) -> Result<Self, ConfigErrors> {
        Self::survey(sources).map_err(|(_, errors)| errors)
    }

    /// As [`Config::load`]; with the mistakes come the settings as they would be in force without
    /// them, as of [`Config::effective`].
    ///
    /// # Errors
    /// What could be read, and everything that is wrong.
    pub fn survey(sources: Sources) -> Result<Self, (String, ConfigErrors)> {
        let purpose = sources.purpose;
        let (raw, mut settled) = settle::<RawConfig>(DEFAULTS, sources);
        let mut problems = Problems::new();
        if purpose == Purpose::Service {
            service::require(&raw, &mut problems);
        }
        // All rooms are asked before the first answer counts.
        let intake = raw.intake.validate(&mut problems);
        let requests = raw.requests.validate(&mut problems);
        let model = raw.model.validate(&mut problems);
        let object = raw.object.validate(&mut problems);
        let verdict = raw.verdict.validate(&mut problems);
        let threats = raw.threats.validate(&mut problems);
        let has_quarantine = match purpose {
            Purpose::Folder => !raw.local.quarantine.is_empty(),
            Purpose::Service => raw.quarantine.bucket.is_some(),
            Purpose::Show => !raw.local.quarantine.is_empty() || raw.quarantine.bucket.is_some(),
        };
        let policy = raw.policy.validate(has_quarantine, &mut problems);
        let quarantine = raw.quarantine.validate(&mut problems);
        let topic = raw.alerts.topic(&mut problems);
        let copies = raw.alerts.copies(&mut problems);
        let alerts = raw.alerts.validate(&mut problems);
        let records = raw.records.validate(&mut problems);
        let queue = raw.queue.validate(&mut problems);
        let limits = raw.limits.validate(&mut problems);
        let aws = raw.aws.validate(&mut problems);
        let ecs = raw.ecs.validate(&mut problems);
        let ops = raw.ops.validate(&mut problems);
        let local = raw.local.validate(&mut problems);

        settled.add(problems.into_vec());
        if !settled.problems().is_empty() {
            let errors = ConfigErrors(settled.problems().to_vec());
            return Err((settled.effective(), errors));
        }
        Ok(Self {
            intake: intake.expect(SAID),
            requests: requests.expect(SAID),
            model: model.expect(SAID),
            object: object.expect(SAID),
            verdict: verdict.expect(SAID),
            threats: threats.expect(SAID),
            policy: policy.expect(SAID),
            quarantine: quarantine.expect(SAID),
            alerts: alerts.expect(SAID),
            copies: copies.expect(SAID),
            topic: topic.expect(SAID),
            records: records.expect(SAID),
            queue: queue.expect(SAID),
            limits: limits.expect(SAID),
            aws: aws.expect(SAID),
            ecs: ecs.expect(SAID),
            ops: ops.expect(SAID),
            local: local.expect(SAID),
            settled,
        })
    }

    /// The settings in force as TOML, each with its origin; secrets are redacted.
    pub fn effective(&self) -> String {
        self.settled.effective()
    }

    /// The JSON schema of a configuration file.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(RawConfig).to_value()
    }
}
