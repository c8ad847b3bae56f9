//! The settings of all rooms, side by side. A room is added by one line in each of three places:
//! its raw settings, its validated ones, and the call that makes these of those.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settled::Settled;
use super::{ConfigErrors, DEFAULTS, Sources, settle};
use crate::action::{Policy, RawPolicy};
use crate::alert::{AlertSettings, RawAlerts};
use crate::event::{Intake, Options, RawIntake, RawRequests};
use crate::local::{LocalSettings, RawLocal};
use crate::object::{ObjectSettings, RawObject};
use crate::settings::Problems;
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
    /// How much of an object is read and how it is cut.
    pub object: RawObject,
    /// What is done about a verdict.
    pub policy: RawPolicy,
    /// How people are told.
    pub alerts: RawAlerts,
    /// How messages are taken.
    pub queue: RawQueue,
    /// How much at once, and how long.
    pub limits: RawLimits,
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
    /// How much of an object is read and how it is cut.
    pub object: ObjectSettings,
    /// What is done about a verdict.
    pub policy: Policy,
    /// How people are told.
    pub alerts: AlertSettings,
    /// How messages are taken.
    pub queue: QueueSettings,
    /// How much at once, and how long.
    pub limits: Limits,
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
        let (raw, mut settled) = settle::<RawConfig>(DEFAULTS, sources);
        let mut problems = Problems::new();
        // All rooms are asked before the first answer counts.
        let intake = raw.intake.validate(&mut problems);
        let requests = raw.requests.validate(&mut problems);
        let object = raw.object.validate(&mut problems);
        let has_quarantine = !raw.local.quarantine.is_empty();
        let policy = raw.policy.validate(has_quarantine, &mut problems);
        let alerts = raw.alerts.validate(&mut problems);
        let queue = raw.queue.validate(&mut problems);
        let limits = raw.limits.validate(&mut problems);
        let local = raw.local.validate(&mut problems);

        settled.add(problems.into_vec());
        if !settled.problems().is_empty() {
            let errors = ConfigErrors(settled.problems().to_vec());
            return Err((settled.effective(), errors));
        }
        Ok(Self {
            intake: intake.expect(SAID),
            requests: requests.expect(SAID),
            object: object.expect(SAID),
            policy: policy.expect(SAID),
            alerts: alerts.expect(SAID),
            queue: queue.expect(SAID),
            limits: limits.expect(SAID),
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
