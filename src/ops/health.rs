//! From the worker's signs of life to two answers.
//!
//! *Healthy* asks whether a restart would help: a loop that no longer says what it waits for, a call
//! that hangs beyond its bound, or work that is older than its longest lease. Waiting, however long
//! and for whatever reason, is healthy.
//!
//! *Ready* asks whether work is taken, as far as that hangs on this task and its faults: it has
//! started, no fault pauses it, nobody has asked it to stop. A task that an operator has halted, or
//! that waits for the next day's budget, is ready: it does what it was told, and replacing it would
//! change nothing.

use serde::Serialize;

use crate::worker::Snapshot;

/// The answer of `/healthz`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// `ok` or `unhealthy`.
    pub status: &'static str,
    /// What the worker waits for.
    pub wait: &'static str,
    /// For how long, in whole seconds.
    pub waiting_seconds: u64,
    /// Messages in hand.
    pub in_hand: usize,
    /// How long the oldest of them has been there, in whole seconds; absent where there is none.
    pub oldest_seconds: Option<u64>,
    /// Why it is unhealthy; empty where it is not.
    pub why: Vec<&'static str>,
}

/// The answer of `/readyz`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Readiness {
    /// `ready` or `not_ready`.
    pub status: &'static str,
    /// Why not; empty where it is ready. What a fault says in full is in alerts and logs.
    pub reasons: Vec<&'static str>,
    /// What the worker waits for.
    pub wait: &'static str,
    /// An operator has told all tasks to take no work. Ready all the same.
    pub halted: bool,
}

/// Whether a restart would help.
pub fn health(snapshot: &Snapshot) -> Health {
    let mut why = Vec::new();
    if snapshot.stuck {
        why.push("no sign of life for too long: a loop is stuck, or a call hangs");
    }
    if snapshot.work_is_too_old() {
        why.push("work in hand is older than its longest lease");
    }
    Health {
        status: if why.is_empty() { "ok" } else { "unhealthy" },
        wait: snapshot.wait,
        waiting_seconds: snapshot.waiting.as_secs(),
        in_hand: snapshot.in_hand,
        oldest_seconds: snapshot.oldest.map(|age| age.as_secs()),
        why,
    }
}

/// Whether work is taken, as far as that hangs on this task and its faults.
pub fn readiness(snapshot: &Snapshot) -> Readiness {
    let asked = [
        (!snapshot.started, "not started yet"),
        (snapshot.paused.is_some(), "paused by a fault"),
        (snapshot.draining, "stopping"),
        (snapshot.stuck, "no sign of life"),
    ];
    let reasons: Vec<_> = asked
        .into_iter()
        .filter_map(|(holds, reason)| holds.then_some(reason))
        .collect();
    Readiness {
        status: if reasons.is_empty() {
            "ready"
        } else {
            "not_ready"
        },
        reasons,
        wait: snapshot.wait,
        halted: snapshot.halted,
    }
}

impl Health {
    /// Whether a restart would not help.
    pub const fn is_ok(&self) -> bool {
        self.why.is_empty()
    }
}

impl Readiness {
    /// Whether work is taken.
    pub const fn is_ready(&self) -> bool {
        self.reasons.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::worker::Vitals;

    fn snapshot(change: impl FnOnce(&mut Snapshot)) -> Snapshot {
        let mut snapshot = Vitals::new().snapshot();
        snapshot.started = true;
        snapshot.longest_lease = Duration::from_secs(1920);
        change(&mut snapshot);
        snapshot
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Snapshot), healthy: bool, ready: bool) {
        let snapshot = snapshot(change);
        let health = health(&snapshot);
        assert_eq!(health.is_ok(), healthy, "{health:?}");
        assert_eq!(health.status == "ok", healthy, "{health:?}");
        let readiness = readiness(&snapshot);
        assert_eq!(readiness.is_ready(), ready, "{readiness:?}");
        assert_eq!(readiness.status == "ready", ready, "{readiness:?}");
    }

    #[test]
    fn waiting_is_healthy_and_being_stuck_is_not() {
        check(|_| (), true, true);
        check(|it| it.waiting = Duration::from_secs(86_400), true, true);
        check(|it| it.stuck = true, false, false);
        check(|it| it.started = false, true, false);
        check(|it| it.paused = Some("gone".to_owned()), true, false);
        check(|it| it.draining = true, true, false);
        check(|it| it.halted = true, true, true);
        let old = |seconds| move |it: &mut Snapshot| it.oldest = Some(Duration::from_secs(seconds));
        check(old(1920), true, true);
        check(old(1921), false, true);
    }
}
