//! What a test may want otherwise than the service would have it.

use std::time::Duration;

use s3_warden::action::{Mode, RawPolicy, Removal};
use s3_warden::alert::AlertSettings;
use s3_warden::settings::Problems;
use s3_warden::verdict::threat::RawThreats;
use s3_warden::worker::{Limits, QueueSettings, RawLimits, RawQueue};

/// The settings of a ground: those of the service, but that removal is enforced.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) policy: RawPolicy,
    pub(crate) limits: Limits,
    pub(crate) queue: QueueSettings,
    pub(crate) alerts: AlertSettings,
    pub(crate) max_receives: Option<u32>,
    pub(crate) ask_first: bool,
    pub(crate) sweep_after: Duration,
    pub(crate) suffixes: Vec<String>,
    /// Events have a queue of their own.
    pub(crate) events_apart: bool,
    /// Uploads to the guarded folder are told by CloudTrail.
    pub(crate) told_by_cloudtrail: bool,
    pub(crate) threats: RawThreats,
    /// Whether activities are assessed at all.
    pub(crate) assesses: bool,
}

impl Default for Setup {
    fn default() -> Self {
        let mut problems = Problems::new();
        let mut queue = RawQueue::default().validate(&mut problems).unwrap();
        queue.visibility = Duration::from_secs(60);
        queue.wait = Duration::from_secs(1);
        Self {
            policy: RawPolicy {
                mode: Some(Mode::Enforce),
                removal: Some(Removal::Delete),
                ..RawPolicy::default()
            },
            limits: RawLimits::default().validate(&mut problems).unwrap(),
            queue,
            alerts: AlertSettings::default(),
            max_receives: Some(20),
            ask_first: false,
            sweep_after: Duration::ZERO,
            suffixes: Vec::new(),
            events_apart: false,
            told_by_cloudtrail: false,
            threats: RawThreats::default(),
            assesses: true,
        }
    }
}
