//! When an analyst is asked, and when that is spared.
//!
//! Whoever can make records appear could make us ask, and each question costs money of the day that
//! pictures need as well. So a level that tells nobody at once is worth no question, the same thing done
//! again is asked about once in a while, and a minute has room for a few questions only. A model that is
//! slow may not hold up the events behind it: few are asked at a time, and after several silences none
//! for a while. Whatever is spared costs a second opinion, never the floor.
//!
//! All of it is counted in one process, and forgotten with it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::{Analyze, Floor, ThreatSettings, Unassessed};
use crate::event::{Activity, ActivityKind, Identity};
use crate::verdict::Threat;

/// Questions at once. More would let a slow model hold every event there is room for.
const AT_ONCE: usize = 4;

/// Questions in a minute, of each [`Worth`]: more than people read, and less than hurts.
const EACH_MINUTE: usize = 10;

const MINUTE: Duration = Duration::from_secs(60);

/// How long the same is not asked about again.
const REPEATED: Duration = Duration::from_secs(600);

/// So many silences in a row, and the model is left alone.
const SILENCES: u32 = 3;

/// How long it is left alone; then one question tells whether it is back.
const REST: Duration = Duration::from_secs(60);

/// What a question is about, for its allowance: those of one kind leave those of the other theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// People are told at once, or GuardDuty has found it.
    Told,
    /// It is only counted; asked about because every record is to be assessed.
    Counted,
}

/// What makes two activities the same, as far as a second opinion goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Same {
    rule: String,
    level: Threat,
    name: String,
    account: Option<String>,
    bucket: Option<String>,
    actor: Option<String>,
    error: Option<String>,
}

impl Same {
    fn of(activity: &Activity, floor: &Floor) -> Self {
        Self {
            rule: floor.rule.clone(),
            level: floor.level,
            name: activity.name.clone(),
            account: activity.account.clone(),
            bucket: activity.bucket.as_ref().map(ToString::to_string),
            actor: activity.actor.clone(),
            error: activity.error.clone(),
        }
    }
}

/// Decides whether to ask.
#[derive(Debug)]
pub(super) struct Sparing {
    analyze: Analyze,
    tell_from: Threat,
    room: Arc<Semaphore>,
    past: Mutex<Past>,
}

/// What was asked lately, and how it went.
#[derive(Debug, Default)]
struct Past {
    /// When the same was asked about, and for which activity. Bounded by the allowances.
    asked: HashMap<Same, (Instant, Identity)>,
    told: VecDeque<Instant>,
    counted: VecDeque<Instant>,
    silences: u32,
    silent_until: Option<Instant>,
}

/// A question that may be asked. Dropped without an answer it counts as not asked.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    sparing: &'a Sparing,
    same: Option<Same>,
    _room: OwnedSemaphorePermit,
}

impl Sparing {
    pub(super) fn new(settings: &ThreatSettings) -> Self {
        Self {
            analyze: settings.analyze,
            tell_from: settings.tell_from,
            room: Arc::new(Semaphore::new(AT_ONCE)),
            past: Mutex::default(),
        }
    }

    /// A turn to ask about an activity, or why it is not asked about.
    pub(super) fn turn(&self, activity: &Activity, floor: &Floor) -> Result<Turn<'_>, Unassessed> {
        let worth = self.worth(activity, floor).ok_or(Unassessed::NotAsked)?;
        let same = Same::of(activity, floor);
        let now = Instant::now();
        let mut past = self.past();
        past.forget(now);
        // Work that failed later comes again, and must find what it found before.
        let repeated = past.asked.get(&same);
        if repeated.is_some_and(|(_, of)| *of != activity.identity) {
            return Err(Unassessed::NotAsked);
        }
        if past.silent_until.is_some_and(|until| now < until) {
            return Err(Unassessed::Unavailable);
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| Unassessed::Unavailable)?;
        let asked = past.of(worth);
        if asked.len() >= EACH_MINUTE {
            return Err(Unassessed::NotAsked);
        }
        asked.push_back(now);
        let identity = activity.identity.clone();
        past.asked.insert(same.clone(), (now, identity));
        Ok(Turn {
            sparing: self,
            same: Some(same),
            _room: room,
        })
    }

    fn worth(&self, activity: &Activity, floor: &Floor) -> Option<Worth> {
        if floor.level >= self.tell_from || activity.kind == ActivityKind::Finding {
            return Some(Worth::Told);
        }
        (self.analyze == Analyze::All).then_some(Worth::Counted)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Past {
    fn of(&mut self, worth: Worth) -> &mut VecDeque<Instant> {
        match worth {
            Worth::Told => &mut self.told,
            Worth::Counted => &mut self.counted,
        }
    }

    fn forget(&mut self, now: Instant) {
        for asked in [&mut self.told, &mut self.counted] {
            asked.retain(|then| now.duration_since(*then) < MINUTE);
        }
        self.asked
            .retain(|_, (then, _)| now.duration_since(*then) < REPEATED);
    }
}

impl Turn<'_> {
    /// The model has answered, whatever it said.
    pub(super) fn answered(mut self) {
        self.same = None;
        let mut past = self.sparing.past();
        past.silences = 0;
        past.silent_until = None;
    }

    /// It has not, and why.
    pub(super) fn unanswered(mut self, why: Unassessed) {
        match why {
            Unassessed::Unavailable => {
                let mut past = self.sparing.past();
                past.silences = past.silences.saturating_add(1);
                if past.silences >= SILENCES {
                    past.silent_until = Some(Instant::now() + REST);
                }
            }
            // Paid for: asking again would pay again.
            Unassessed::Refused | Unassessed::Malformed => {
                self.same = None;
                self.sparing.past().silences = 0;
            }
            Unassessed::NotAsked | Unassessed::Spent | Unassessed::Unusable => {}
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(same) = &self.same {
            self.sparing.past().asked.remove(same);
        }
    }
}
