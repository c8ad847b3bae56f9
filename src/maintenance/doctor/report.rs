//! What the doctor says: one row for each check and each thing that was checked.
//!
//! Checks are a closed set with stable names, so that scripts can wait for one of them, and so that
//! a test can demand a case for each.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// It could not be looked at, or nobody asked for it.
    NotChecked,
    /// The service works, and somebody should look.
    Warning,
    /// The service does not work, or not as meant.
    Problem,
}

impl Status {
    /// The word that people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotChecked => "not checked",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Who asks, where, and by which clock.
    Identity,
    /// The queues and their dead letters.
    Queues,
    /// The guarded buckets.
    Buckets,
    /// Where removed objects go.
    Quarantine,
    /// Where findings and switches lie.
    Records,
    /// Whom alerts reach.
    Alerts,
    /// Who judges.
    Model,
    /// How much of it the account has.
    Quotas,
    /// Which security events arrive.
    Events,
    /// The service's own bounds.
    Limits,
}

impl Area {
    /// The heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Identity => "Identity",
            Self::Queues => "Queues",
            Self::Buckets => "Guarded buckets",
            Self::Quarantine => "Quarantine",
            Self::Records => "Records",
            Self::Alerts => "Alerts",
            Self::Model => "Model",
            Self::Quotas => "Quotas",
            Self::Events => "Security events",
            Self::Limits => "Limits",
        }
    }
}

/// Declares the checks once: variant, name, area, and what it answers.
macro_rules! checks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal in $area:ident;)*) => {
        /// A check, by its stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Check {
            $($(#[$doc])* $variant,)*
        }

        impl Check {
            /// All of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it belongs to.
            pub const fn area(self) -> Area {
                match self { $(Self::$variant => Area::$area,)* }
            }
        }
    };
}

checks! {
    /// Whose credentials these are.
    Caller = "caller" in Identity;
    /// Whether queue and topic are of the same account.
    Account = "account" in Identity;
    /// Whether queue and topic are in the region of all calls.
    Region = "region" in Identity;
    /// Whether this clock agrees with that of AWS.
    Clock = "clock" in Identity;
    /// Whether a queue is there and of the right kind.
    Queue = "queue" in Queues;
    /// How long the queue itself hides what was received.
    Visibility = "visibility" in Queues;
    /// Whether and when it gives a message up.
    Redrive = "redrive" in Queues;
    /// Whether what it gives up is kept.
    DeadLetters = "dead_letters" in Queues;
    /// Whether something was given up.
    Parked = "parked" in Queues;
    /// Whether services can write with its key.
    QueueKey = "queue_key" in Queues;
    /// Whether a service may send to it.
    QueuePolicy = "queue_policy" in Queues;
    /// Whether a guarded bucket is there.
    Bucket = "bucket" in Buckets;
    /// Whether it keeps versions.
    Versioning = "versioning" in Buckets;
    /// Whether news of it come to our queue.
    Notifications = "notifications" in Buckets;
    /// Whether those are all the news.
    NotificationScope = "notification_scope" in Buckets;
    /// Whether its objects can be locked.
    ObjectLock = "object_lock" in Buckets;
    /// Whether its objects can be read, key and all.
    ReadGrant = "read_grant" in Buckets;
    /// Whether objects may be tagged and removed.
    RemoveGrant = "remove_grant" in Buckets;
    /// Whether the quarantine is there.
    QuarantineBucket = "quarantine_bucket" in Quarantine;
    /// Whether it is closed to the public.
    QuarantinePublic = "quarantine_public" in Quarantine;
    /// Whether it has a key of its own.
    QuarantineKey = "quarantine_key" in Quarantine;
    /// Whether it is ever emptied.
    QuarantineLifecycle = "quarantine_lifecycle" in Quarantine;
    /// Whether a copy can be written there.
    QuarantineWrite = "quarantine_write" in Quarantine;
    /// Whether the records' bucket is there.
    RecordsBucket = "records_bucket" in Records;
    /// Whether it writes only where nothing else was written.
    ConditionalWrites = "conditional_writes" in Records;
    /// Whether it keeps versions.
    RecordsVersioning = "records_versioning" in Records;
    /// How it encrypts.
    RecordsEncryption = "records_encryption" in Records;
    /// Whether it is closed to the public.
    RecordsPublic = "records_public" in Records;
    /// Whether findings lie about unfinished.
    PendingFindings = "pending_findings" in Records;
    /// Whether somebody or something has stopped the service.
    Switches = "switches" in Records;
    /// Whether the topic is there.
    Topic = "topic" in Alerts;
    /// Whether those who publish can use its key.
    TopicKey = "topic_key" in Alerts;
    /// Whether an alert may be published.
    Publish = "publish" in Alerts;
    /// Whether anybody reads it.
    Subscriptions = "subscriptions" in Alerts;
    /// Whether all of them have said yes.
    Confirmations = "confirmations" in Alerts;
    /// Whether a chat gets what is written for chats.
    Chat = "chat" in Alerts;
    /// Whether a model's profile is there and active.
    InferenceProfile = "inference_profile" in Model;
    /// Where pictures go.
    Geography = "geography" in Model;
    /// Whether a model answers.
    ModelCall = "model_call" in Model;
    /// Whether the account copies pictures into a log.
    InvocationLogging = "invocation_logging" in Model;
    /// Tokens a minute, against the account's.
    TokensPerMinute = "tokens_per_minute" in Quotas;
    /// Requests a minute, against the account's.
    RequestsPerMinute = "requests_per_minute" in Quotas;
    /// Calls at once, against both.
    Concurrency = "concurrency" in Quotas;
    /// Whether security events come at all.
    EventRules = "event_rules" in Events;
    /// Whether a rule that brings them is switched off.
    RulesEnabled = "rules_enabled" in Events;
    /// Which of our rules never see their events.
    RulesCover = "rules_cover" in Events;
    /// Events that only us-east-1 has.
    GlobalEvents = "global_events" in Events;
    /// How long a stop may take.
    Drain = "drain" in Limits;
    /// Whether the memory that is planned with is there.
    Memory = "memory" in Limits;
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// How the finding of a row begins that waits for another one.
const BEHIND: &str = "depends on ";

/// One check of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it belongs to.
    pub area: Area,
    /// Which check.
    pub check: Check,
    /// The queue, bucket, topic or model, where there may be several.
    pub resource: Option<String>,
    /// How it came out.
    pub status: Status,
    /// What was seen.
    pub finding: String,
    /// What to do, unless all is well.
    pub remedy: Option<String>,
}

impl Row {
    fn new(check: Check, resource: &str, status: Status, finding: String) -> Self {
        Self {
            area: check.area(),
            check,
            resource: (!resource.is_empty()).then(|| resource.to_owned()),
            status,
            // What others say may have lines: a row has none.
            finding: finding.split_whitespace().collect::<Vec<_>>().join(" "),
            remedy: None,
        }
    }

    /// All is well.
    pub(super) fn ok(check: Check, resource: &str, finding: impl Into<String>) -> Self {
        Self::new(check, resource, Status::Ok, finding.into())
    }

    /// Not well, with what to do.
    pub(super) fn of(
        status: Status,
        check: Check,
        resource: &str,
        finding: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..Self::new(check, resource, status, finding.into())
        }
    }

    /// Whether it only waits for another row.
    pub fn is_behind(&self) -> bool {
        self.status == Status::NotChecked && self.finding.starts_with(BEHIND)
    }

    /// Not looked at, because what it depends on was not answered.
    pub(super) fn behind(check: Check, resource: &str, first: Check) -> Self {
        Self::of(
            Status::NotChecked,
            check,
            resource,
            format!("{BEHIND}{}", first.name()),
            format!("mend {} first", first.name()),
        )
    }
}

/// How many rows came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// As they should be.
    pub ok: usize,
    /// To be looked at.
    pub warning: usize,
    /// In the way.
    pub problem: usize,
    /// Not looked at.
    pub not_checked: usize,
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whose settings these are.
    pub settings: String,
    /// Who asked, where AWS has told.
    #[serde(rename = "as")]
    pub asked_as: Option<String>,
    /// When.
    pub checked_at: Timestamp,
    /// The rows, by area.
    pub rows: Vec<Row>,
    /// How many of each.
    pub counts: Counts,
}

impl Report {
    /// A report of these rows, by area; within one they stay in their order.
    pub fn new(
        settings: String,
        asked_as: Option<String>,
        checked_at: Timestamp,
        mut rows: Vec<Row>,
    ) -> Self {
        rows.sort_by_key(|row| row.area);
        let mut counts = Counts::default();
        for row in &rows {
            *match row.status {
                Status::Ok => &mut counts.ok,
                Status::Warning => &mut counts.warning,
                Status::Problem => &mut counts.problem,
                Status::NotChecked => &mut counts.not_checked,
            } += 1;
        }
        Self {
            settings,
            asked_as,
            checked_at,
            rows,
            counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_words_and_none_stands_twice() {
        let mut names: Vec<_> = Check::ALL.iter().map(|check| check.name()).collect();
        let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        assert!(names.iter().all(plain), "{names:?}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Check::ALL.len());
    }

    #[test]
    fn rows_are_shown_by_area_and_counted() {
        let rows = vec![
            Row::of(Status::Problem, Check::Drain, "", "long", "shorten it"),
            Row::behind(Check::Parked, "uploads", Check::Queue),
            Row::ok(Check::Caller, "", "us"),
        ];
        let report = Report::new(String::new(), None, Timestamp::UNIX_EPOCH, rows);
        let areas: Vec<_> = report.rows.iter().map(|row| row.area).collect();
        assert_eq!(areas, [Area::Identity, Area::Queues, Area::Limits]);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["rows"][1]["status"], "not_checked");
        assert_eq!(json["rows"][1]["check"], "parked");
        assert_eq!(json["counts"]["problem"], 1);
    }
}
