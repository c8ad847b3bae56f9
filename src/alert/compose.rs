//! From a finding to its alert, and from many alerts to one.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    ALERT_SCHEMA_VERSION, Alert, AlertKind, AlertSettings, MAX_FINDING_IDS, OutcomeCount,
    english::{self, Files},
    shown,
};
use crate::action::{Outcome, Tell};
use crate::object::Format;
use crate::record::Finding;
use crate::verdict::{Category, Confidence, Threat, Verdict};

impl Alert {
    /// The alert about a finding, or `None` when nobody is to be told: the verdict is clean or
    /// gone, the decision says to remember only, or there is no outcome yet.
    pub fn about(finding: &Finding, settings: &AlertSettings) -> Option<Self> {
        let outcome = finding.outcome?;
        let told = finding.decision.tell == Tell::Now || finding.decision.action.removes();
        if !told {
            return None;
        }
        let judgement = &finding.judgement;
        let subject = &finding.subject;
        let about = match &judgement.verdict {
            Verdict::Clean | Verdict::Missing | Verdict::Superseded => return None,
            Verdict::Flagged {
                categories,
                confidence,
            } => About {
                kind: match outcome {
                    Outcome::Blocked { .. } => AlertKind::Blocked,
                    Outcome::Held => AlertKind::Held,
                    _ => AlertKind::Flagged,
                },
                categories: categories.clone(),
                confidence: Some(*confidence),
                reason: None,
                what: english::flagged(outcome),
                step: None,
            },
            Verdict::Undecided { reason } => About {
                reason: Some(reason.code().to_owned()),
                what: english::undecided(*reason),
                ..About::unknown(AlertKind::Undecided)
            },
            Verdict::Unreadable { reason } => About {
                reason: Some(reason.code().to_owned()),
                what: english::unreadable(*reason),
                step: (outcome.is_left_by_policy() || outcome == Outcome::Observed)
                    .then(|| english::unreadable_step(*reason)),
                ..About::unknown(AlertKind::Unreadable)
            },
        };
        // What is told at once and has no known format was named an image.
        let is_image = subject.format.is_none_or(Format::is_picture);
        let mut alert = Self {
            schema_version: ALERT_SCHEMA_VERSION,
            kind: about.kind,
            event_title: String::new(),
            summarize: about.what,
            threat_level: judgement.threat,
            s3_bucket: Some(shown::visible(subject.bucket.as_str())),
            s3_key: Some(shown::key(&subject.key, settings.keys)),
            is_image_upload: is_image,
            media_type: media_type(subject.format),
            verdict: Some(judgement.verdict.as_str().to_owned()),
            categories: about.categories,
            confidence: about.confidence,
            reason: about.reason,
            action: Some(finding.decision.action),
            mode: Some(finding.decision.mode),
            outcome: Some(outcome.code().to_owned()),
            outcomes: vec![OutcomeCount { outcome, count: 1 }],
            next_step: String::new(),
            finding_id: Some(finding.id.to_string()),
            finding_ids: vec![finding.id.to_string()],
            count: 1,
            uploader: finding.uploaded_by.principal.as_deref().map(shown::visible),
            uploader_ip: finding.uploaded_by.ip.as_deref().map(shown::visible),
            happened_at: Some(finding.times.happened_at),
            cost_usd: judgement.cost_usd,
        };
        alert.reword();
        if let Some(step) = about.step {
            alert.next_step = step;
        }
        Some(alert)
    }

    /// The alert that the service has stopped taking work. `why` is the sentence of the error that
    /// stopped it.
    pub fn paused(why: &str, now: Timestamp) -> Self {
        let why = shown::visible(why);
        let mut alert = Self {
            schema_version: ALERT_SCHEMA_VERSION,
            kind: AlertKind::Paused,
            event_title: String::new(),
            summarize: english::paused(&why),
            threat_level: Threat::High,
            s3_bucket: None,
            s3_key: None,
            is_image_upload: false,
            media_type: None,
            verdict: None,
            categories: BTreeSet::new(),
            confidence: None,
            reason: Some(why),
            action: None,
            mode: None,
            outcome: None,
            outcomes: Vec::new(),
            next_step: String::new(),
            finding_id: None,
            finding_ids: Vec::new(),
            count: 1,
            uploader: None,
            uploader_ip: None,
            happened_at: Some(now),
            cost_usd: 0.0,
        };
        alert.reword();
        alert
    }

    /// Takes another alert of the same kind and bucket into this one. The object shown stays this
    /// alert's; level, certainty, categories, times and counts speak of all.
    pub fn merge(&mut self, other: Self) {
        self.threat_level = self.threat_level.max(other.threat_level);
        self.confidence = self.confidence.max(other.confidence);
        self.categories.extend(other.categories);
        self.is_image_upload |= other.is_image_upload;
        self.happened_at = match (self.happened_at, other.happened_at) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        for part in other.outcomes {
            match self.outcomes.iter_mut().find(|p| p.outcome == part.outcome) {
                Some(mine) => mine.count = mine.count.saturating_add(part.count),
                None => self.outcomes.push(part),
            }
        }
        let room = MAX_FINDING_IDS.saturating_sub(self.finding_ids.len());
        self.finding_ids
            .extend(other.finding_ids.into_iter().take(room));
        self.count = self.count.saturating_add(other.count);
        self.cost_usd += other.cost_usd;
        // A pause concerns the one service, however many of its parts met it: the first says why.
        if self.kind != AlertKind::Paused {
            self.summarize = english::many(self.kind, &self.outcomes, self.count);
        }
        self.reword();
    }

    /// Writes anew what follows from the other fields.
    fn reword(&mut self) {
        let title = english::title(self.kind, &self.outcomes, self.count);
        self.event_title = match &self.s3_bucket {
            Some(bucket) => format!("{title} {} {bucket}", english::BUCKET_WORD),
            None => title,
        };
        let pressing = self
            .outcomes
            .iter()
            .max_by_key(|part| (urgency(part.outcome), part.count));
        let outcome = pressing.map_or(Outcome::Kept, |part| part.outcome);
        let files = match self.outcomes.as_slice() {
            _ if self.count == 1 => Files::One,
            [] | [_] => Files::Several,
            // However different the reasons, all of them are still there.
            _ if matches!(self.kind, AlertKind::Blocked | AlertKind::Held) => Files::Several,
            _ => Files::SomeOf,
        };
        let secrets = self.categories.contains(&Category::Credentials);
        self.next_step = english::next_step(self.kind, outcome, secrets, files);
    }
}

/// What of an alert depends on the verdict.
struct About {
    kind: AlertKind,
    categories: BTreeSet<Category>,
    confidence: Option<Confidence>,
    reason: Option<String>,
    what: String,
    /// A better next step than the one for all of its kind.
    step: Option<String>,
}

impl About {
    fn unknown(kind: AlertKind) -> Self {
        Self {
            kind,
            categories: BTreeSet::new(),
            confidence: None,
            reason: None,
            what: String::new(),
            step: None,
        }
    }
}

/// Of several outcomes, the one whose next step is told: the more a person has to do, the higher.
const fn urgency(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Blocked { .. } => 9,
        Outcome::Held => 8,
        Outcome::Observed => 7,
        Outcome::TagFailed => 6,
        Outcome::Kept => 5,
        Outcome::Tagged => 4,
        Outcome::Quarantined => 3,
        Outcome::Deleted => 2,
        Outcome::Superseded => 1,
        Outcome::AlreadyGone => 0,
    }
}

/// The media type, where the bytes told what they are.
fn media_type(format: Option<Format>) -> Option<String> {
    let known = format.filter(|format| *format != Format::Unknown)?;
    Some(known.media_type().to_owned())
}
