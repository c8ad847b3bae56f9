//! What a language has to be able to say so that alerts can be written in it.
//!
//! A closed interface: no sentence has a default, and every word is chosen by a closed set, so a
//! language that lacks one does not compile. Whatever is passed in as text is shown already; what
//! comes out is built by code.

use jiff::Timestamp;

use super::english::English;
use super::korean::Korean;
use super::{Alert, AlertKind, Language, OutcomeCount, Stopped};
use crate::action::{Action, Outcome};
use crate::object::{Exposure, Why};
use crate::verdict::threat::Unassessed;
use crate::verdict::{Category, Confidence, Threat, UndecidedReason, UnreadableReason};

/// All of them.
pub(super) trait Phrases:
    Names + Uploads + Steps + Deeds + Activities + Services + Digests + Sync
{
}

impl<T: Names + Uploads + Steps + Deeds + Activities + Services + Digests + Sync> Phrases for T {}

/// The phrases of a language.
pub(super) fn of(language: Language) -> &'static dyn Phrases {
    match language {
        Language::En => &English,
        Language::Ko => &Korean,
    }
}

/// What an alert is about, as far as its sentences differ in kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Topic {
    Upload(UploadKind),
    Activity,
    Service(ServiceKind),
    Digest,
}

/// Alerts about objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UploadKind {
    Flagged,
    Blocked,
    Held,
    Undecided,
    Unreadable,
    Clean,
}

impl UploadKind {
    /// Whether personal data was found: nobody is told to delete what was not judged.
    pub(super) const fn is_judged(self) -> bool {
        !matches!(self, Self::Undecided | Self::Unreadable)
    }
}

/// Alerts about the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServiceKind {
    Paused(Stopped),
    BreakerOpen,
    BudgetSpent,
    Recovered,
}

impl Alert {
    pub(super) fn topic(&self) -> Topic {
        match self.kind {
            AlertKind::Flagged => Topic::Upload(UploadKind::Flagged),
            AlertKind::Blocked => Topic::Upload(UploadKind::Blocked),
            AlertKind::Held => Topic::Upload(UploadKind::Held),
            AlertKind::Undecided => Topic::Upload(UploadKind::Undecided),
            AlertKind::Unreadable => Topic::Upload(UploadKind::Unreadable),
            AlertKind::Clean => Topic::Upload(UploadKind::Clean),
            AlertKind::Threat => Topic::Activity,
            AlertKind::Paused => {
                // Alerts of an earlier version do not say.
                let stopped = self.stopped.unwrap_or(Stopped::Uploads);
                Topic::Service(ServiceKind::Paused(stopped))
            }
            AlertKind::BreakerOpen => Topic::Service(ServiceKind::BreakerOpen),
            AlertKind::BudgetSpent => Topic::Service(ServiceKind::BudgetSpent),
            AlertKind::Recovered => Topic::Service(ServiceKind::Recovered),
            AlertKind::Digest => Topic::Digest,
        }
    }
}

/// The labels before facts, and the headings over lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Account,
    Activities,
    AssessedBy,
    Bucket,
    Buckets,
    Certainty,
    Cost,
    Details,
    Done,
    Exposure,
    File,
    FileType,
    Files,
    Finding,
    Findings,
    FirstFile,
    Found,
    From,
    GoesOnAt,
    Gravest,
    History,
    Levels,
    ModelNote,
    OpenedAt,
    Outcomes,
    Region,
    Result,
    Rule,
    SentAgainAt,
    Service,
    Severity,
    Since,
    Slowest,
    StoppedAt,
    Tasks,
    Threat,
    Until,
    UploadedAt,
    Uploader,
    Verdicts,
    What,
    WhatHappened,
    When,
    Who,
}

/// Names, numbers, times.
pub(super) trait Names {
    fn label(&self, label: Label) -> &'static str;
    /// How times are written, for jiff's `strftime`.
    fn time_format(&self) -> &'static str;
    /// In place of what the event did not tell.
    fn unknown(&self) -> &'static str;
    fn threat(&self, level: Threat) -> &'static str;
    fn confidence(&self, confidence: Confidence) -> &'static str;
    fn category(&self, category: Category) -> &'static str;
    /// Who can read an object; `None` where nobody knows.
    fn exposure(&self, exposure: Exposure) -> Option<&'static str>;
    /// A number of files.
    fn files(&self, count: u64) -> String;
    /// A time span of so many seconds, in at most two units.
    fn duration(&self, seconds: u64) -> String;
    /// Who uploaded: as the event says, which anybody with the uploader's keys could be.
    fn reported(&self, principal: &str) -> String;
    /// In place of one uploader where the files have several.
    fn several_uploaders(&self) -> &'static str;
    /// In place of one address where the files came from several.
    fn several_ips(&self) -> &'static str;
    /// After the ids that are shown; `place` is where in the records all of them lie.
    fn more_findings(&self, count: u64, place: Option<&str>) -> String;
    /// Two folders of the records, and all between.
    fn places(&self, first: &str, last: &str) -> String;

    /// A time.
    fn time(&self, time: Timestamp) -> String {
        time.strftime(self.time_format()).to_string()
    }
}

/// What happened to objects.
pub(super) trait Uploads {
    /// One line; in English it goes into subjects.
    fn upload_title(
        &self,
        kind: UploadKind,
        outcomes: &[OutcomeCount],
        count: u64,
        bucket: &str,
    ) -> String;
    /// One file with personal data.
    fn flagged(&self, outcome: Outcome) -> String;
    fn undecided(&self, reason: UndecidedReason) -> String;
    fn unreadable(&self, reason: UnreadableReason) -> String;
    fn clean(&self) -> String;
    /// Several.
    fn many(&self, kind: UploadKind, outcomes: &[OutcomeCount], count: u64) -> String;
}

/// How many files a next step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Files {
    /// One.
    One,
    /// Several, all of which ended in the same way.
    Several,
    /// Some of several.
    SomeOf,
}

/// What to do now about objects.
pub(super) trait Steps {
    /// `secrets` says that passwords or keys were among what was found.
    fn next_step(
        &self,
        kind: UploadKind,
        outcome: Outcome,
        action: Option<Action>,
        secrets: bool,
        files: Files,
    ) -> String;
    /// About several files that could not be removed for different causes, each of which has its
    /// own [`Steps::blocked_step`].
    fn variously_blocked(&self, kind: UploadKind, secrets: bool) -> String;
    /// What to do about one cause for which files could not be removed.
    fn blocked_step(
        &self,
        kind: UploadKind,
        why: Why,
        action: Option<Action>,
        files: Files,
    ) -> String;
    /// About a file that was not read and was left where it is.
    fn unreadable_step(&self, reason: UnreadableReason) -> String;
}

/// What was done.
pub(super) trait Deeds {
    /// What was done with a file, and how to undo it or why that cannot be.
    fn done(&self, kind: UploadKind, outcome: Outcome, action: Option<Action>) -> String;
}

/// Activities.
pub(super) trait Activities {
    /// One line; in English it goes into subjects. `title` is that of the gravest, `rules` how many
    /// different rules have matched.
    fn activity_title(&self, title: &str, rules: usize, count: u64, bucket: Option<&str>)
    -> String;
    /// One activity, as a sentence.
    fn activity(&self, title: &str) -> String;
    /// Several, of which `title` is the gravest.
    fn activities(&self, title: &str, rules: usize, count: u64) -> String;
    /// How a call ended; `error` is the code of its failure.
    fn result(&self, error: Option<&str>) -> String;
    /// In place of a model's name.
    fn rules_only(&self, why: Option<Unassessed>) -> &'static str;
    /// After the rules that are shown.
    fn more_activities(&self, count: u64) -> String;
    /// What was done about it: nothing.
    fn left_alone(&self) -> &'static str;
}

/// The service itself.
pub(super) trait Services {
    /// One line; in English it goes into subjects.
    fn service_title(&self, kind: ServiceKind) -> &'static str;
    /// `why` comes from the code that stopped it.
    fn paused(&self, stopped: Stopped, why: &str) -> String;
    fn breaker_open(&self, limit_per_minute: u32) -> String;
    /// `budget` is the money of the day, `until` when uploads go on; `events_flow` says that security
    /// events do not wait with them.
    fn budget_spent(&self, budget: Option<&str>, until: &str, events_flow: bool) -> String;
    fn recovered(&self, lasted: &str, failures: u32) -> String;
    fn service_step(&self, kind: ServiceKind) -> &'static str;
}

/// What a digest counts objects by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    Flagged,
    Undecided,
    Unreadable,
    Clean,
}

impl Looked {
    /// In the order in which they are shown.
    pub(super) const ALL: [Self; 4] = [
        Self::Flagged,
        Self::Undecided,
        Self::Unreadable,
        Self::Clean,
    ];

    /// The verdict's code.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::Undecided => "undecided",
            Self::Unreadable => "unreadable",
            Self::Clean => "clean",
        }
    }
}

/// The sums of a digest that its sentences speak of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// Files that were looked into.
    pub(super) checked: u64,
    /// With personal data.
    pub(super) flagged: u64,
    /// With personal data, and could not be removed.
    pub(super) blocked: u64,
    /// With personal data, and the removal is on hold.
    pub(super) held: u64,
    /// With personal data, and only watched.
    pub(super) observed: u64,
    /// With personal data, and left in place by the policy, tagged or not.
    pub(super) left: AtMost,
    /// Not judged or not read.
    pub(super) unsure: u64,
    /// Activities.
    pub(super) activities: u64,
    /// Findings of the level high.
    pub(super) high: u64,
    /// Findings of the level critical.
    pub(super) critical: u64,
}

/// A number that the counts do not always tell exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AtMost {
    pub(super) count: u64,
    /// Whether it may be fewer.
    pub(super) or_fewer: bool,
}

impl Sums {
    /// Whether something is left for a person.
    pub(super) const fn nothing_open(&self) -> bool {
        self.blocked == 0
            && self.held == 0
            && self.observed == 0
            && self.left.count == 0
            && self.unsure == 0
    }
}

/// Digests.
pub(super) trait Digests {
    /// One line; in English it goes into subjects.
    fn digest_title(&self, sums: &Sums) -> String;
    fn digest(&self, sums: &Sums, lasted: &str) -> String;
    /// What is grave, and what is left for a person.
    fn digest_step(&self, sums: &Sums) -> String;
    /// The objects of a verdict, after their number.
    fn looked(&self, verdict: Looked) -> &'static str;
    /// The objects that ended in one way, after their number.
    fn ended(&self, outcome: Outcome) -> &'static str;
    /// The objects of a verdict or an end, or the findings of a level, that only a code is known of.
    fn another(&self, code: &str) -> String;
    /// So many more buckets, rules.
    fn the_rest(&self) -> &'static str;
}
