//! Every metric: its name, its meaning, its unit, its labels.
//!
//! The names are part of what operators build alarms and dashboards on: one that has been released
//! keeps its name and meaning, and a new meaning gets a new name. Labels come from closed sets (codes,
//! words and model ids of ours): no bucket, no key, no text of anybody's.

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Only grows, from the start of the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How many fell under each of these bounds.
    Histogram(&'static [f64]),
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name, with the unit last where there is one.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

/// Bounds for what should take seconds and may take minutes, in seconds.
const PATIENT: &[f64] = &[
    0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0,
];

/// Bounds for one call, in seconds.
const QUICK: &[f64] = &[
    0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0, 120.0,
];

const fn counter(
    name: &'static str,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        help,
        kind: Kind::Counter,
        labels,
    }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        kind: Kind::Gauge,
        labels: &[],
    }
}

/// Messages received, redeliveries included.
pub const RECEIVED: Metric = counter(
    "s3_warden_messages_received_total",
    &[],
    "Messages received, redeliveries included.",
);

/// Messages that left our hands: `acknowledged`, `parked` (by the reason's code) or `released` (by
/// the code of what kept them from their end).
pub const SETTLED: Metric = counter(
    "s3_warden_messages_settled_total",
    &["outcome", "code"],
    "Messages that left our hands, by outcome (acknowledged, parked, released) and code.",
);

/// From the sending of a message to its first receive.
pub const QUEUE_LAG: Metric = Metric {
    name: "s3_warden_queue_lag_seconds",
    help: "From the sending of a message to its first receive, in seconds.",
    kind: Kind::Histogram(PATIENT),
    labels: &[],
};

/// Objects looked at, by the verdict's word.
pub const VERDICTS: Metric = counter(
    "s3_warden_verdicts_total",
    &["verdict"],
    "Objects looked at, by verdict.",
);

/// Uploads not looked at, by settings or because the work was done.
pub const PASSED_OVER: Metric = counter(
    "s3_warden_uploads_passed_over_total",
    &["code"],
    "Uploads not looked at, by why.",
);

/// Activities assessed, by level, and by who spoke: `model`, or why only the rules did.
pub const ASSESSED: Metric = counter(
    "s3_warden_activities_assessed_total",
    &["level", "by"],
    "Activities assessed, by level, and by who spoke: a model, or why only the rules did.",
);

/// Activities not assessed: our own, not notable, or done already.
pub const ACTIVITIES_PASSED_OVER: Metric = counter(
    "s3_warden_activities_passed_over_total",
    &["code"],
    "Activities not assessed, by why.",
);

/// Findings that came to their outcome, by what was decided and what came of it.
pub const ACTIONS: Metric = counter(
    "s3_warden_actions_total",
    &["action", "outcome"],
    "Findings that came to their outcome, by what was decided and what came of it.",
);

/// Verdict tags that were to be set, by tag and answer of the store.
pub const TAGS: Metric = counter(
    "s3_warden_tags_total",
    &["tag", "result"],
    "Verdict tags that were to be set, by tag and result.",
);

/// From the upload, by its event, to the verdict.
pub const UPLOAD_TO_VERDICT: Metric = Metric {
    name: "s3_warden_upload_to_verdict_seconds",
    help: "From an upload to its verdict, in seconds.",
    kind: Kind::Histogram(PATIENT),
    labels: &[],
};

/// From the upload, by its event, to the removal (deleted or quarantined).
pub const UPLOAD_TO_REMOVAL: Metric = Metric {
    name: "s3_warden_upload_to_removal_seconds",
    help: "From an upload to its removal, in seconds.",
    kind: Kind::Histogram(PATIENT),
    labels: &[],
};

/// Calls to models, by model and how they ended: `answered`, `throttled`, `abandoned`, or an error's
/// code.
pub const MODEL_CALLS: Metric = counter(
    "s3_warden_model_calls_total",
    &["model", "result"],
    "Calls to models, by model and result.",
);

/// From the start of an answered call to its answer, waiting for limits not counted.
pub const MODEL_LATENCY: Metric = Metric {
    name: "s3_warden_model_latency_seconds",
    help: "From the start of an answered call to a model to its answer, in seconds.",
    kind: Kind::Histogram(QUICK),
    labels: &["model"],
};

/// Tokens of answered calls, by model and direction (`input`, `output`).
pub const MODEL_TOKENS: Metric = counter(
    "s3_warden_model_tokens_total",
    &["model", "direction"],
    "Tokens of answered calls, by model and direction.",
);

/// US dollars of answered calls since the start, by the price table. Only grows, but is no whole
/// number.
pub const COST: Metric = Metric {
    name: "s3_warden_model_cost_usd",
    help: "US dollars of answered calls since the start, by model.",
    kind: Kind::Gauge,
    labels: &["model"],
};

/// What calls to models waited for before they could start.
pub const LIMIT_WAIT: Metric = Metric {
    name: "s3_warden_limit_wait_seconds",
    help: "How long calls to models waited for a limit before they could start, in seconds.",
    kind: Kind::Histogram(PATIENT),
    labels: &["wait"],
};

/// How many calls to models may start in a second.
pub const START_RATE: Metric = gauge(
    "s3_warden_model_start_rate",
    "How many calls to models may start in a second.",
);

/// Calls to models under way.
pub const MODEL_IN_FLIGHT: Metric = gauge(
    "s3_warden_model_calls_in_flight",
    "Calls to models under way.",
);

/// Memory taken by objects under inspection.
pub const MEMORY: Metric = gauge(
    "s3_warden_memory_in_use_bytes",
    "Memory taken by objects under inspection, by its estimated peak.",
);

/// Messages under lease.
pub const IN_HAND: Metric = gauge("s3_warden_messages_in_hand", "Messages under lease.");

/// How long the oldest message has been in hand.
pub const OLDEST: Metric = gauge(
    "s3_warden_messages_in_hand_oldest_seconds",
    "How long the oldest message in hand has been there.",
);

/// Messages that only wait for their alert.
pub const SETTLING: Metric = gauge(
    "s3_warden_messages_settling",
    "Messages that only wait for their alert.",
);

/// Findings begun and not announced: normally a few, and young.
pub const OPEN_FINDINGS: Metric = gauge(
    "s3_warden_open_findings",
    "Findings begun and not announced, as last counted.",
);

/// The age of the oldest of those.
pub const OPEN_FINDINGS_OLDEST: Metric = gauge(
    "s3_warden_open_findings_oldest_seconds",
    "The age of the oldest finding begun and not announced, as last counted.",
);

/// Whether the breaker is open (1) and removals are held.
pub const BREAKER_OPEN: Metric = gauge(
    "s3_warden_breaker_open",
    "Whether the breaker is open and removals are held.",
);

/// Removals held by this task since the breaker opened.
pub const BREAKER_HELD: Metric = gauge(
    "s3_warden_breaker_held",
    "Removals held by this task since the breaker opened.",
);

/// Alerts handed to their carrier, by kind and result: `accepted` or an error's code.
pub const ALERTS: Metric = counter(
    "s3_warden_alerts_total",
    &["kind", "result"],
    "Alerts handed to their carrier, by kind and result.",
);

/// Alerts that are due and wait for a turn: what is above zero for long is a storm, or a rate that is
/// too low (`alerts.max_per_minute`). Meanwhile more findings are merged into each.
pub const ALERTS_WAITING: Metric = gauge(
    "s3_warden_alerts_waiting",
    "Alerts that are due and wait for a turn of the fleet.",
);

/// Copies of accepted alerts, by channel and what became of them: `accepted`, an error's code,
/// `no_room`, or `not_sent` at the end.
pub const COPIES: Metric = counter(
    "s3_warden_alert_copies_total",
    &["channel", "result"],
    "Copies of accepted alerts for other channels, by channel and result.",
);

/// Whether a fault keeps the service from taking work (1).
pub const PAUSED: Metric = gauge(
    "s3_warden_paused",
    "Whether a fault keeps the service from taking work.",
);

/// Whether an operator has told all tasks to take no work (1).
pub const HALTED: Metric = gauge(
    "s3_warden_halted",
    "Whether an operator has told all tasks to take no work.",
);

/// How often work was put off through nobody's fault, by the wait's name.
pub const DEFERRALS: Metric = counter(
    "s3_warden_deferrals_total",
    &["wait"],
    "How often taking work was put off, by what is waited for.",
);

/// Whether a loop of the worker has stopped saying what it waits for (1).
pub const STUCK: Metric = gauge(
    "s3_warden_stuck",
    "Whether a loop of the worker has stopped saying what it waits for.",
);

/// All of them.
pub const ALL: [Metric; 37] = [
    RECEIVED,
    SETTLED,
    QUEUE_LAG,
    VERDICTS,
    PASSED_OVER,
    ASSESSED,
    ACTIVITIES_PASSED_OVER,
    ACTIONS,
    TAGS,
    UPLOAD_TO_VERDICT,
    UPLOAD_TO_REMOVAL,
    MODEL_CALLS,
    MODEL_LATENCY,
    MODEL_TOKENS,
    COST,
    LIMIT_WAIT,
    START_RATE,
    MODEL_IN_FLIGHT,
    MEMORY,
    IN_HAND,
    OLDEST,
    SETTLING,
    OPEN_FINDINGS,
    OPEN_FINDINGS_OLDEST,
    BREAKER_OPEN,
    BREAKER_HELD,
    ALERTS,
    ALERTS_WAITING,
    COPIES,
    PAUSED,
    HALTED,
    DEFERRALS,
    STUCK,
    DRAINING,
    POLL_AGE,
    TASK_PROTECTED,
    PROTECTION_CALLS,
];

/// Whether a stop was asked for (1).
pub const DRAINING: Metric = gauge("s3_warden_draining", "Whether a stop was asked for.");

/// Since when the queue of uploads has not answered a poll; before the first, since the start.
pub const POLL_AGE: Metric = gauge(
    "s3_warden_poll_age_seconds",
    "How long ago the queue of uploads has answered a poll, in seconds.",
);

/// Whether Amazon ECS protects this task from a scale-in or a deployment (1), as far as is known.
pub const TASK_PROTECTED: Metric = gauge(
    "s3_warden_task_protected",
    "Whether Amazon ECS protects this task from a scale-in or a deployment.",
);

/// Calls that set task protection, by what was asked (`protect`, `release`) and how it ended: `ok` or
/// an error's code.
pub const PROTECTION_CALLS: Metric = counter(
    "s3_warden_protection_calls_total",
    &["ask", "result"],
    "Calls that set task protection, by what was asked and result.",
);
