//! From many alerts of one kind and bucket to one.

use jiff::Timestamp;

use super::phrases::{self, Topic};
use super::{Alert, Digest, EventCount, FindingsQuery, MAX_EVENTS, MAX_FINDING_IDS};

impl Alert {
    /// Takes another alert of the same kind and bucket into this one. The object shown stays this
    /// alert's, the activity shown becomes the gravest; level, certainty, categories, times and
    /// counts speak of all.
    pub fn merge(&mut self, mut other: Self) {
        let topic = self.topic();
        if topic == Topic::Activity && other.threat_level > self.threat_level {
            std::mem::swap(self, &mut other);
        }
        self.findings_query = self.covered_with(&other);
        if matches!(topic, Topic::Upload(_)) {
            self.join_uploaders(&other);
        }
        self.threat_level = self.threat_level.max(other.threat_level);
        self.confidence = self.confidence.max(other.confidence);
        self.exposure = self.exposure.max(other.exposure);
        self.categories.extend(other.categories);
        self.is_image_upload |= other.is_image_upload;
        self.happened_at = either(self.happened_at, other.happened_at, Timestamp::min);
        self.ends_at = either(self.ends_at, other.ends_at, Timestamp::max);
        for part in other.outcomes {
            match self.outcomes.iter_mut().find(|p| p.outcome == part.outcome) {
                Some(mine) => mine.count = mine.count.saturating_add(part.count),
                None => self.outcomes.push(part),
            }
        }
        join_events(&mut self.events, other.events);
        match (&mut self.digest, other.digest) {
            (Some(mine), Some(theirs)) => join_digests(mine, theirs),
            (mine, theirs) => *mine = mine.take().or(theirs),
        }
        let room = MAX_FINDING_IDS.saturating_sub(self.finding_ids.len());
        self.finding_ids
            .extend(other.finding_ids.into_iter().take(room));
        self.count = self.count.saturating_add(other.count);
        self.cost_usd += other.cost_usd;
        let phrases = phrases::of(self.language);
        match topic {
            Topic::Upload(kind) => {
                self.summarize = phrases.many(kind, &self.outcomes, self.count);
            }
            Topic::Activity => {
                let title = self.events.first().map_or("", |event| &event.title);
                self.summarize = phrases.activities(title, self.events.len(), self.count);
            }
            // They concern the one service, however many of its parts met it: the first says why,
            // and another as well when more work stands still by it.
            Topic::Service(_) => {
                if let (Some(mine), Some(theirs)) = (self.stopped, other.stopped)
                    && mine.and(theirs) != mine
                {
                    self.stopped = Some(mine.and(theirs));
                    self.summarize = format!("{} {}", self.summarize, other.summarize);
                }
            }
            Topic::Digest => {}
        }
        self.reword();
    }

    /// The first uploader is not everybody's: where they differ, none is named.
    fn join_uploaders(&mut self, other: &Self) {
        self.several_uploaders |= other.several_uploaders || self.uploader != other.uploader;
        if self.several_uploaders {
            self.uploader = None;
        }
        self.several_ips |= other.several_ips || self.uploader_ip != other.uploader_ip;
        if self.several_ips {
            self.uploader_ip = None;
        }
    }

    /// What the findings of both have in common.
    fn covered_with(&self, other: &Self) -> Option<FindingsQuery> {
        let span = |alert: &Self| match &alert.findings_query {
            Some(query) => Some((query.from, query.until)),
            None => alert.happened_at.map(|time| (time, time)),
        };
        let (from, until) = match (span(self), span(other)) {
            (Some(mine), Some(theirs)) => (mine.0.min(theirs.0), mine.1.max(theirs.1)),
            (mine, theirs) => mine.or(theirs)?,
        };
        (!self.finding_ids.is_empty()).then(|| FindingsQuery {
            bucket: self.s3_bucket.clone(),
            from,
            until,
        })
    }
}

impl EventCount {
    /// What was carried out and what failed are told apart.
    fn is_like(&self, other: &Self) -> bool {
        self.rule == other.rule && self.title == other.title
    }
}

fn either<T>(mine: Option<T>, theirs: Option<T>, choose: fn(T, T) -> T) -> Option<T> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => Some(choose(mine, theirs)),
        (mine, theirs) => mine.or(theirs),
    }
}

/// The gravest first, among equals the most frequent.
fn join_events(mine: &mut Vec<EventCount>, theirs: Vec<EventCount>) {
    for event in theirs {
        match mine.iter_mut().find(|known| known.is_like(&event)) {
            Some(known) => {
                known.count = known.count.saturating_add(event.count);
                known.threat_level = known.threat_level.max(event.threat_level);
            }
            None => mine.push(event),
        }
    }
    mine.sort_by(|a, b| {
        let gravest = b.threat_level.cmp(&a.threat_level);
        gravest.then(b.count.cmp(&a.count))
    });
    mine.truncate(MAX_EVENTS);
}

/// Two digests meet where alerts could not be sent for longer than one covers.
fn join_digests(mine: &mut Digest, theirs: Digest) {
    mine.from = mine.from.min(theirs.from);
    mine.until = mine.until.max(theirs.until);
    mine.tasks = mine.tasks.max(theirs.tasks);
    mine.tally.merge(theirs.tally);
}
