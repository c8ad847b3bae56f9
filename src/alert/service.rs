//! The alerts about the service itself: what it stopped doing, for how long, and its digests.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::phrases::{self, AtMost, Sums};
use super::{Alert, AlertKind, AlertSettings, Digest, Stopped, Tally, shown};
use crate::verdict::Threat;

/// Longer explanations are cut.
const MAX_WHY: usize = 600;

impl Alert {
    /// The alert that the service has stopped taking this work. `why` is the sentence of the error
    /// that stopped it.
    pub fn paused(stopped: Stopped, why: &str, now: Timestamp, settings: &AlertSettings) -> Self {
        let why = shown::line(why, MAX_WHY);
        let phrases = phrases::of(settings.language);
        Self {
            summarize: phrases.paused(stopped, &why),
            reason: Some(why),
            stopped: Some(stopped),
            happened_at: Some(now),
            ..Self::blank(AlertKind::Paused, Threat::High, settings.language)
        }
        .worded()
    }

    /// The alert that the deletion breaker has opened: more than `limit_per_minute` removals were
    /// wanted within a minute.
    pub fn breaker_open(limit_per_minute: u32, since: Timestamp, settings: &AlertSettings) -> Self {
        let phrases = phrases::of(settings.language);
        Self {
            summarize: phrases.breaker_open(limit_per_minute),
            happened_at: Some(since),
            ..Self::blank(AlertKind::BreakerOpen, Threat::High, settings.language)
        }
        .worded()
    }

    /// The alert that the money of the day is spent: uploads wait until `until`. `usd_per_day` is
    /// the budget in US dollars, where it is known; `events_flow` says that security events come on a
    /// queue of their own and do not wait.
    pub fn budget_spent(
        (usd_per_day, events_flow): (Option<f64>, bool),
        until: Timestamp,
        now: Timestamp,
        settings: &AlertSettings,
    ) -> Self {
        let phrases = phrases::of(settings.language);
        let budget = usd_per_day.map(shown::dollars);
        Self {
            summarize: phrases.budget_spent(budget.as_deref(), &phrases.time(until), events_flow),
            happened_at: Some(now),
            ends_at: Some(until),
            ..Self::blank(AlertKind::BudgetSpent, Threat::Medium, settings.language)
        }
        .worded()
    }

    /// The alert that alerts could not be sent from `since` until `now` and are sent again;
    /// `failures` attempts had failed.
    pub fn recovered(
        since: Timestamp,
        failures: u32,
        now: Timestamp,
        settings: &AlertSettings,
    ) -> Self {
        let phrases = phrases::of(settings.language);
        let lasted = phrases.duration(seconds(since, now));
        Self {
            summarize: phrases.recovered(&lasted, failures),
            happened_at: Some(since),
            ends_at: Some(now),
            ..Self::blank(AlertKind::Recovered, Threat::Medium, settings.language)
        }
        .worded()
    }

    /// The alert that carries a digest. Its level is the highest that was counted.
    pub fn digest(digest: Digest, settings: &AlertSettings) -> Self {
        Self {
            threat_level: highest(&digest),
            happened_at: Some(digest.from),
            ends_at: Some(digest.until),
            cost_usd: digest.tally.cost_usd,
            digest: Some(digest),
            ..Self::blank(AlertKind::Digest, Threat::Low, settings.language)
        }
        .worded()
    }
}

fn highest(digest: &Digest) -> Threat {
    let counted = |level: &Threat| {
        let count = digest.tally.levels.get(level.as_str());
        count.is_some_and(|count| *count > 0)
    };
    [Threat::Critical, Threat::High, Threat::Medium]
        .into_iter()
        .find(counted)
        .unwrap_or(Threat::Low)
}

/// The whole seconds between two times; none where they are the wrong way round.
pub(super) fn seconds(from: Timestamp, until: Timestamp) -> u64 {
    let between = until.as_second().saturating_sub(from.as_second());
    between.max(0).unsigned_abs()
}

/// What a digest says in sentences.
pub(super) fn sums(digest: &Digest) -> Sums {
    let tally = &digest.tally;
    let of = |counts: &BTreeMap<String, u64>, codes: &[&str]| {
        let found = codes.iter().filter_map(|code| counts.get(*code));
        found.fold(0_u64, |sum, count| sum.saturating_add(*count))
    };
    let verdicts = |codes| of(&tally.verdicts, codes);
    let outcomes = |codes| of(&tally.outcomes, codes);
    let levels = |codes| of(&tally.levels, codes);
    let all = tally.activities.values();
    Sums {
        checked: verdicts(&["clean", "flagged", "undecided"]),
        flagged: verdicts(&["flagged"]),
        blocked: outcomes(&["blocked"]),
        held: outcomes(&["held"]),
        observed: outcomes(&["observed"]),
        left: left(tally),
        unsure: verdicts(&["undecided", "unreadable"]),
        activities: all.fold(0, |sum: u64, count| sum.saturating_add(*count)),
        high: levels(&["high"]),
        critical: levels(&["critical"]),
    }
}

/// How many files with personal data the policy left in place. Ends are counted over all verdicts:
/// clean files are all kept, and those that nobody judged may be, too.
fn left(tally: &Tally) -> AtMost {
    let of = |counts: &BTreeMap<String, u64>, code| counts.get(code).copied().unwrap_or_default();
    let outcome = |code| of(&tally.outcomes, code);
    let verdict = |code| of(&tally.verdicts, code);
    let unclear = tally
        .verdicts
        .iter()
        .filter(|(code, _)| !["flagged", "clean", "missing", "superseded"].contains(&code.as_str()))
        .fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let left = outcome("tagged")
        .saturating_add(outcome("tag_failed"))
        .saturating_add(outcome("kept"))
        .saturating_sub(verdict("clean"));
    // Nothing else is ever deleted.
    let flagged = verdict("flagged").saturating_sub(outcome("deleted"));
    let count = left.min(flagged);
    AtMost {
        count,
        or_fewer: count > 0 && unclear > 0,
    }
}
