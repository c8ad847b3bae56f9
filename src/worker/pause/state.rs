//! What stands in the way of taking work, and of which work.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{PROBE, SAY_AGAIN};
use crate::alert::Stopped;
use crate::worker::vitals::wait;

/// Where messages come from. Each lane has its own poller, leases and bounds, so that what stops one
/// does not stop the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// `queue.url`: uploads, and all that there is where nothing else is set.
    Uploads,
    /// `queue.events_url`: what happened in the account.
    Events,
}

/// What work needs. Each fails, and is mended, by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Needed {
    Queue,
    /// The queue of the other lane.
    EventsQueue,
    /// Reading objects.
    Reading,
    /// Removing and tagging objects.
    Changing,
    Judge,
    Records,
    Carrier,
}

impl Lane {
    /// The queue that it takes messages from.
    pub(crate) const fn queue(self) -> Needed {
        match self {
            Self::Uploads => Needed::Queue,
            Self::Events => Needed::EventsQueue,
        }
    }

    /// Whether no message of it can come to its end without this. Events are told with what code
    /// alone says of them, so they need no judge, and they touch no object.
    pub(crate) const fn needs(self, needed: Needed) -> bool {
        match self {
            Self::Uploads => !matches!(needed, Needed::EventsQueue),
            Self::Events => matches!(
                needed,
                Needed::EventsQueue | Needed::Records | Needed::Carrier
            ),
        }
    }
}

impl Needed {
    /// The work that cannot come to its end without this.
    pub(crate) const fn stops(self) -> Stopped {
        match (Lane::Uploads.needs(self), Lane::Events.needs(self)) {
            (true, true) => Stopped::Both,
            (false, true) => Stopped::Events,
            (true, false) | (false, false) => Stopped::Uploads,
        }
    }
}

#[derive(Debug)]
pub(super) struct Fault {
    pub(super) why: String,
    pub(super) met_at: Instant,
}

#[derive(Debug)]
pub(super) struct Deferral {
    pub(super) wait: &'static str,
    pub(super) until: Instant,
}

/// Something that passes by itself, or has not lasted long enough for a fault.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) said_at: Instant,
    /// How often it was met since it worked; 0 while it works.
    pub(super) failures: u32,
}

/// How one lane finds out that a fault is mended.
#[derive(Debug)]
pub(super) struct Probing {
    pub(super) probes: u32,
    pub(super) next: Instant,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) faults: BTreeMap<Needed, Fault>,
    /// The faults that people were told of and that stand.
    pub(super) told: BTreeSet<Needed>,
    /// Why work stands still, as it was last shown.
    pub(super) shown: Option<String>,
    /// When people were last told of each: one that comes and goes is not told each time.
    pub(super) told_at: BTreeMap<Needed, Instant>,
    /// What is tried again, by its code.
    pub(super) troubles: BTreeMap<(Needed, &'static str), Trouble>,
    /// When each has last worked.
    pub(super) worked_at: BTreeMap<Needed, Instant>,
    uploads: Probing,
    events: Probing,
    /// Holds up uploads; events flow.
    pub(super) deferral: Option<Deferral>,
    /// People were told of a deferral, and nothing was judged since.
    pub(super) deferral_told: bool,
    pub(super) halted: bool,
}

/// Whether a message may be taken.
pub(super) enum Gate {
    Open,
    Probe,
    Shut(&'static str, Option<Instant>),
}

impl State {
    pub(super) fn new() -> Self {
        let probing = || Probing {
            probes: 0,
            next: Instant::now(),
        };
        Self {
            faults: BTreeMap::new(),
            told: BTreeSet::new(),
            shown: None,
            told_at: BTreeMap::new(),
            troubles: BTreeMap::new(),
            worked_at: BTreeMap::new(),
            uploads: probing(),
            events: probing(),
            deferral: None,
            deferral_told: false,
            halted: false,
        }
    }

    /// Who takes a probe sets the next, so that there is one at a time however long it takes.
    pub(super) fn gate(&mut self, lane: Lane, now: Instant) -> Gate {
        self.deferral.take_if(|deferral| deferral.until <= now);
        if self.halted {
            return Gate::Shut(wait::HALTED, None);
        }
        if let (Lane::Uploads, Some(deferral)) = (lane, &self.deferral) {
            return Gate::Shut(deferral.wait, Some(deferral.until));
        }
        if !self.stops(lane) {
            return Gate::Open;
        }
        let probing = self.probing(lane);
        if now < probing.next {
            return Gate::Shut(wait::PAUSED, Some(probing.next));
        }
        probing.probes = probing.probes.saturating_add(1);
        probing.next = now + PROBE.wait(probing.probes, 1.0);
        Gate::Probe
    }

    /// Whether a fault keeps a lane from taking work.
    pub(super) fn stops(&self, lane: Lane) -> bool {
        self.faults.keys().any(|of| lane.needs(*of))
    }

    /// The next fault of which people have to be told: it stops a lane that no told one stops.
    pub(super) fn untold(&self) -> Option<Needed> {
        let told_of = |lane: Lane| self.told.iter().any(|of| lane.needs(*of));
        let news = |of: &Needed| {
            let lanes = [Lane::Uploads, Lane::Events].into_iter();
            let mut stopped = lanes.filter(|lane| lane.needs(*of));
            stopped.any(|lane| !told_of(lane))
        };
        self.faults.keys().copied().find(news)
    }

    /// Why work stands still, in the words of the faults that people were told of.
    pub(super) fn why(&self) -> Option<String> {
        let whys = self.told.iter().filter_map(|of| self.faults.get(of));
        let whys: Vec<_> = whys.map(|fault| fault.why.as_str()).collect();
        (!whys.is_empty()).then(|| whys.join("; "))
    }

    pub(super) fn probing(&mut self, lane: Lane) -> &mut Probing {
        match lane {
            Lane::Uploads => &mut self.uploads,
            Lane::Events => &mut self.events,
        }
    }

    /// Something failed and is tried again: whether that is to be said.
    pub(super) fn trouble(&mut self, of: (Needed, &'static str), now: Instant) -> bool {
        match self.troubles.get_mut(&of) {
            Some(trouble) if trouble.failures > 0 => {
                trouble.failures = trouble.failures.saturating_add(1);
                false
            }
            Some(trouble) if now - trouble.said_at < SAY_AGAIN => false,
            _ => {
                let trouble = Trouble {
                    said_at: now,
                    failures: 1,
                };
                self.troubles.insert(of, trouble);
                true
            }
        }
    }

    /// It works: the troubles with it that were said, each with how often it was met.
    pub(super) fn over(&mut self, needed: Needed) -> Vec<(&'static str, u32)> {
        let troubles = self.troubles.iter_mut();
        let said = troubles.filter(|((of, _), trouble)| *of == needed && trouble.failures > 0);
        said.map(|((_, code), trouble)| (*code, std::mem::take(&mut trouble.failures)))
            .collect()
    }

    /// A fault that is new: lanes that stood well until now probe from the beginning.
    pub(super) fn meet(&mut self, needed: Needed, why: &str, now: Instant) {
        for lane in [Lane::Uploads, Lane::Events] {
            if lane.needs(needed) && !self.stops(lane) {
                *self.probing(lane) = Probing {
                    probes: 0,
                    next: now + PROBE.wait(0, 1.0),
                };
            }
        }
        let why = why.to_owned();
        self.faults.insert(needed, Fault { why, met_at: now });
    }
}
