//! The settings of the corridor: how much at once, how long, how patient.

use std::num::NonZeroU32;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings::Problems;

/// `[limits]` as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawLimits {
    /// Judgements under way at once.
    pub concurrency: u64,
    /// Messages under lease at once; 0 stands for `concurrency` + 20.
    pub held: u64,
    /// Messages that only wait for their alert, at once.
    pub settling: u64,
    /// Memory for objects under inspection, in bytes.
    pub memory_bytes: u64,
    /// Work on one object, in seconds; waiting is not counted.
    pub max_processing_seconds: u64,
    /// How long one message is held before it is released with a delay, in seconds.
    pub max_held_seconds: u64,
    /// Removals per minute of the whole fleet before the breaker opens and holds the rest.
    pub deletions_per_minute: u64,
    /// Tasks that run at most; limits of the whole fleet are divided by it.
    pub fleet_size: u64,
    /// How long work may take to finish after a stop was asked for, in seconds.
    pub drain_seconds: u64,
    /// Definite verdicts that are remembered by the bytes they are about.
    pub cache_entries: u64,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            concurrency: 8,
            held: 0,
            settling: 1000,
            memory_bytes: 512 * 1024 * 1024,
            max_processing_seconds: 300,
            max_held_seconds: 1800,
            deletions_per_minute: 100,
            fleet_size: 1,
            drain_seconds: 100,
            cache_entries: 100_000,
        }
    }
}

/// `[limits]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Judgements under way at once.
    pub concurrency: usize,
    /// Messages under lease at once.
    pub held: usize,
    /// Messages that only wait for their alert, at once.
    pub settling: usize,
    /// Memory for objects under inspection, in bytes.
    pub memory_bytes: u64,
    /// Work on one object.
    pub processing: Duration,
    /// How long one message is held.
    pub held_at_most: Duration,
    /// Removals per minute of this task before the breaker opens: its share of the fleet's.
    pub deletions_per_minute: NonZeroU32,
    /// Tasks that run at most.
    pub fleet_size: NonZeroU32,
    /// How long work may take to finish after a stop was asked for.
    pub drain: Duration,
    /// Definite verdicts that are remembered.
    pub cache_entries: usize,
}

impl RawLimits {
    /// Checks every value and reports all mistakes.
    pub fn validate(self, problems: &mut Problems) -> Option<Limits> {
        let mut within = |key: &str, value: u64, low: u64, high: u64| {
            if value < low || value > high {
                problems.add(
                    format!("limits.{key}"),
                    format!("{value} is out of range: choose a value from {low} to {high}"),
                );
                return None;
            }
            Some(value)
        };
        let concurrency = within("concurrency", self.concurrency, 1, 1024);
        let held = within("held", self.held, 0, 10_000);
        let settling = within("settling", self.settling, 1, 100_000);
        let memory = within("memory_bytes", self.memory_bytes, 16 << 20, 1 << 40);
        let processing = within(
            "max_processing_seconds",
            self.max_processing_seconds,
            1,
            3600,
        );
        // Queues bound the total at 12 hours; half an hour keeps a slow message from hiding.
        let held_for = within("max_held_seconds", self.max_held_seconds, 60, 1800);
        let deletions = within(
            "deletions_per_minute",
            self.deletions_per_minute,
            1,
            100_000,
        );
        let fleet = within("fleet_size", self.fleet_size, 1, 1000);
        let drain = within("drain_seconds", self.drain_seconds, 1, 3600);
        let cache = within("cache_entries", self.cache_entries, 0, 10_000_000);
        let concurrency = usize::try_from(concurrency?).ok()?;
        let held = match usize::try_from(held?).ok()? {
            0 => concurrency.saturating_add(20),
            chosen => chosen,
        };
        Some(Limits {
            concurrency,
            held,
            settling: usize::try_from(settling?).ok()?,
            memory_bytes: memory?,
            processing: Duration::from_secs(processing?),
            held_at_most: Duration::from_secs(held_for?),
            // Rounded up: a share of none would hold everything.
            deletions_per_minute: NonZeroU32::new(
                u32::try_from(deletions?.div_ceil(fleet?)).ok()?,
            )?,
            fleet_size: NonZeroU32::new(u32::try_from(fleet?).ok()?)?,
            drain: Duration::from_secs(drain?),
            cache_entries: usize::try_from(cache?).ok()?,
        })
    }
}

/// `[queue]` as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RawQueue {
    /// URL of the queue with the notifications of uploads. No default.
    pub url: Option<String>,
    /// URL of a queue of its own for security events. No default.
    pub events_url: Option<String>,
    /// URL of the dead-letter queue, where the queue's redrive policy names none. No default.
    pub dead_letter_url: Option<String>,
    /// How long a received message stays hidden unless extended, in seconds.
    pub visibility_seconds: u64,
    /// How long one poll waits for messages, in seconds.
    pub wait_seconds: u64,
    /// Polls under way at once.
    pub polls: u64,
}

impl Default for RawQueue {
    fn default() -> Self {
        Self {
            url: None,
            events_url: None,
            dead_letter_url: None,
            visibility_seconds: 120,
            wait_seconds: 20,
            polls: 1,
        }
    }
}

/// `[queue]`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// URL of the queue with the notifications of uploads.
    pub url: Option<String>,
    /// URL of the queue of security events.
    pub events_url: Option<String>,
    /// URL of the dead-letter queue.
    pub dead_letter_url: Option<String>,
    /// How long a received message stays hidden unless extended.
    pub visibility: Duration,
    /// How long one poll waits for messages.
    pub wait: Duration,
    /// Polls under way at once.
    pub polls: usize,
}

impl RawQueue {
    /// Checks every value and reports all mistakes.
    pub fn validate(self, problems: &mut Problems) -> Option<QueueSettings> {
        let mut url = |key: &str, written: Option<String>| {
            let written = written.filter(|url| !url.is_empty());
            let fits = written.as_deref().is_none_or(is_queue_url);
            if !fits {
                problems.add(
                    format!("queue.{key}"),
                    "is no URL of a queue; it looks like \
                     https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
                );
            }
            fits.then_some(written)
        };
        let main_url = url("url", self.url);
        let events_url = url("events_url", self.events_url);
        let dead_letter_url = url("dead_letter_url", self.dead_letter_url);
        let mut within = |key: &str, value: u64, low: u64, high: u64| {
            if value < low || value > high {
                problems.add(
                    format!("queue.{key}"),
                    format!("{value} is out of range: choose a value from {low} to {high}"),
                );
                return None;
            }
            Some(value)
        };
        // Below 10 s a heartbeat has no second chance; above 10 min a crash hides work too long.
        let visibility = within("visibility_seconds", self.visibility_seconds, 10, 600);
        // 20 s is the longest poll of SQS; a poll that waits for nothing would spin.
        let wait = within("wait_seconds", self.wait_seconds, 1, 20);
        let polls = within("polls", self.polls, 1, 16);
        // A lease counts from the call: one that comes at the end of a poll must have half its life.
        if wait? > visibility? / 2 {
            problems.add(
                "queue.wait_seconds",
                format!(
                    "{} is too long: choose at most half of queue.visibility_seconds",
                    self.wait_seconds
                ),
            );
            return None;
        }
        Some(QueueSettings {
            url: main_url?,
            events_url: events_url?,
            dead_letter_url: dead_letter_url?,
            visibility: Duration::from_secs(visibility?),
            wait: Duration::from_secs(wait?),
            polls: usize::try_from(polls?).ok()?,
        })
    }
}

/// Queue URLs have a host and a path; emulators differ in both.
fn is_queue_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.and_then(|rest| rest.split_once('/'))
        .is_some_and(|(host, path)| {
            !host.is_empty() && !path.is_empty() && !url.contains(char::is_whitespace)
        })
}
