//! The names that log lines are searched by: spans and fields, in one place.
//!
//! Names are dotted, from the large to the small, with the unit last where there is one. They are
//! part of what operators build on: a name that has been released keeps its meaning. No field here
//! may ever carry a key, a body, matched text, a prompt or a reply; an object is told apart by the
//! digest of its key.

/// The span round the work on one message.
pub const SPAN_MESSAGE: &str = "message";
/// The span round the work on one object.
pub const SPAN_OBJECT: &str = "object";

/// The queue's id of a message.
pub const MESSAGE_ID: &str = "message.id";
/// How often a message was received, this time included.
pub const MESSAGE_RECEIVE_COUNT: &str = "message.receive_count";
/// How many messages a line speaks of.
pub const MESSAGE_COUNT: &str = "message.count";

/// The bucket of an object.
pub const OBJECT_BUCKET: &str = "object.bucket";
/// Eight hexadecimal digits that stand for the key.
pub const OBJECT_KEY_DIGEST: &str = "object.key_digest";
/// The size of an object in bytes.
pub const OBJECT_BYTES: &str = "object.bytes";

/// The id of a model, as in the settings.
pub const MODEL_ID: &str = "model.id";

/// The word of a verdict.
pub const VERDICT: &str = "verdict";
/// What was decided to do.
pub const ACTION: &str = "action";
/// What came of it.
pub const OUTCOME: &str = "outcome";
/// The verdict tag.
pub const TAG: &str = "tag";
/// A channel that alerts are copied to.
pub const ALERT_CHANNEL: &str = "alert.channel";
/// The id of a finding.
pub const FINDING_ID: &str = "finding.id";

/// The stable code of an error.
pub const ERROR_CODE: &str = "error.code";
/// What an error says, its sources included.
pub const ERROR_DETAIL: &str = "error.detail";
/// The stable code of the reason why a message was parked.
pub const PARK_REASON: &str = "park.reason";

/// How long something took, in milliseconds.
pub const ELAPSED_MILLIS: &str = "elapsed_ms";
/// How long something waits before the next attempt, in milliseconds.
pub const RETRY_AFTER_MILLIS: &str = "retry.after_ms";
/// What a wait waits for.
pub const WAIT_NAME: &str = "wait.name";
/// Whether time ran out before everything was finished.
pub const DRAINED_LATE: &str = "drained.late";
/// Where health, readiness and metrics are served.
pub const OPS_ADDRESS: &str = "ops.address";
/// How often in a row something has failed.
pub const FAILURE_COUNT: &str = "failure.count";
/// Which step of several.
pub const STEP: &str = "step";
/// A place in this program, or a folder of the service itself.
pub const PLACE: &str = "place";
/// A file of the service itself; never one that is guarded.
pub const FILE_PATH: &str = "file.path";
/// A place in that file, in bytes.
pub const FILE_OFFSET: &str = "file.offset";
/// The key of a copy in the quarantine, which is a finding's id.
pub const QUARANTINE_KEY: &str = "quarantine.key";
/// The URL of a queue.
pub const QUEUE_URL: &str = "queue.url";
/// In which form a model is asked to answer.
pub const MODEL_FORM: &str = "model.form";
/// What models have cost, in US dollars.
pub const SPENT_USD: &str = "spent.usd";
/// What models may cost in a day, in US dollars.
pub const LIMIT_USD: &str = "limit.usd";
/// What ends the process.
pub const SHUTDOWN_CAUSE: &str = "shutdown.cause";

/// For how many minutes the task is protected from now on; 0 is not at all.
pub const PROTECTED_MINUTES: &str = "protected.minutes";

/// The message of the line that a service writes every minute. Metric filters of `CloudWatch` read
/// it, so its fields are flat: a dot in a name would need quotes there.
pub const VITALS: &str = "vitals";
/// Of that line: findings begun and not announced, of all tasks, as last counted.
pub const OPEN_FINDINGS: &str = "open_findings";
/// Of that line: the age of the oldest of those, in seconds.
pub const OLDEST_OPEN_SECONDS: &str = "oldest_open_seconds";
/// Of that line: whether removals are held (1).
pub const BREAKER_OPEN: &str = "breaker_open";
/// Of that line: whether a fault keeps the task from taking work (1).
pub const PAUSED: &str = "paused";
/// Of that line: whether an operator has told all tasks to take no work (1).
pub const HALTED: &str = "halted";
/// Of that line: seconds since the queue of uploads has answered a poll; before the first, since the
/// start.
pub const SECONDS_SINCE_POLL: &str = "seconds_since_poll";
/// Of that line: the part of the day's money that the fleet has spent; 0 where there is no budget,
/// left out before the account was read.
pub const BUDGET_SPENT_RATIO: &str = "budget_spent_ratio";
/// Of that line: messages under lease.
pub const MESSAGES_HELD: &str = "messages_held";

/// All fields of that line. Each is a number, and left out for as long as it is not known.
pub const VITALS_FIELDS: [&str; 8] = [
    OPEN_FINDINGS,
    OLDEST_OPEN_SECONDS,
    BREAKER_OPEN,
    PAUSED,
    HALTED,
    SECONDS_SINCE_POLL,
    BUDGET_SPENT_RATIO,
    MESSAGES_HELD,
];
