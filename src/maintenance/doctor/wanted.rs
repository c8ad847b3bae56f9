//! What the settings ask for, as far as the doctor looks at it.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::action::Mode;
use crate::alert::TopicArn;
use crate::event::{Intake, OwnPlace};
use crate::verdict::threat::Watched;

/// What the settings ask for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The region of all calls.
    pub region: String,
    /// `queue.url`.
    pub uploads_url: String,
    /// `queue.events_url`.
    pub events_url: Option<String>,
    /// `queue.dead_letter_url`.
    pub dead_letter_url: Option<String>,
    /// `queue.visibility_seconds`.
    pub visibility: Duration,
    /// `alerts.topic_arn`.
    pub topic: TopicArn,
    /// `alerts.chat`.
    pub chat: bool,
    /// The section `intake`.
    pub intake: Intake,
    /// `policy.mode`.
    pub mode: Mode,
    /// The section `records`.
    pub records: OwnPlace,
    /// The section `quarantine`.
    pub quarantine: Option<OwnPlace>,
    /// `model.id` and `model.fallbacks`.
    pub models: Vec<String>,
    /// What is allowed of them and probably not meant, each with its remedy behind a semicolon.
    pub model_warnings: Vec<String>,
    /// `model.max_tokens`.
    pub max_tokens: u32,
    /// `model.requests_per_minute`.
    pub requests_per_minute: Option<NonZeroU32>,
    /// `model.tokens_per_minute`.
    pub tokens_per_minute: Option<NonZeroU32>,
    /// `limits.concurrency`.
    pub concurrency: usize,
    /// `limits.fleet_size`.
    pub fleet_size: NonZeroU32,
    /// `limits.drain_seconds`.
    pub drain: Duration,
    /// `limits.memory_bytes`.
    pub memory_bytes: u64,
    /// The memory that this process can have, where it is known.
    pub memory_there: Option<u64>,
    /// The calls that rules on security events are about.
    pub watched: Vec<Watched>,
}

impl Wanted {
    /// The ARN that a queue should have by its URL: account and name are the end of its path.
    pub(super) fn arn_of(&self, url: &str) -> String {
        let mut parts = url.trim_end_matches('/').rsplit('/');
        let (name, account) = (parts.next(), parts.next());
        let partition = self.topic.partition();
        format!(
            "arn:{partition}:sqs:{}:{}:{}",
            self.region,
            account.unwrap_or_default(),
            name.unwrap_or_default()
        )
    }
}

/// The last part of a URL of a queue or of an ARN: its name.
pub(super) fn name_of(text: &str) -> &str {
    let text = text.trim_end_matches('/');
    text.rsplit(['/', ':']).next().unwrap_or(text)
}
