//! From a finding to its alert, and the texts that follow from the other fields.

use std::collections::BTreeSet;

use super::phrases::{self, Files, Phrases, Topic, UploadKind};
use super::service::{seconds, sums};
use super::{Alert, AlertKind, AlertSettings, Clean, Language, OutcomeCount, shown};
use crate::action::{Outcome, Tell};
use crate::object::{Format, Why};
use crate::record::{Case, Finding, ObjectCase};
use crate::verdict::{Category, Confidence, Verdict};

/// Longer titles are cut; a subject takes less anyway.
const MAX_TITLE: usize = 240;

/// Longer names of principals and addresses are cut.
const MAX_FACT: usize = 256;

impl Alert {
    /// The alert about a finding, or `None` when nobody is to be told: what was there is gone, it is
    /// clean and the settings do not ask for each, the decision says to remember only, or there is
    /// no outcome yet.
    pub fn about(finding: &Finding, settings: &AlertSettings) -> Option<Self> {
        let outcome = finding.outcome?;
        let told = finding.decision.tell == Tell::Now || finding.decision.action.removes();
        match &finding.case {
            Case::Object(object) => {
                let each =
                    object.judgement.verdict == Verdict::Clean && settings.clean == Clean::Each;
                (told || each)
                    .then(|| Self::about_object(finding, object, outcome, settings))
                    .flatten()
            }
            Case::Activity(activity) => {
                told.then(|| Self::about_activity(finding, activity, settings))
            }
        }
    }

    fn about_object(
        finding: &Finding,
        object: &ObjectCase,
        outcome: Outcome,
        settings: &AlertSettings,
    ) -> Option<Self> {
        let phrases = phrases::of(settings.language);
        let ObjectCase {
            subject,
            uploaded_by,
            judgement,
        } = object;
        let about = match &judgement.verdict {
            Verdict::Clean if settings.clean == Clean::Each => About {
                what: phrases.clean(),
                ..About::unknown(AlertKind::Clean)
            },
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
                what: phrases.flagged(outcome),
                step: None,
            },
            Verdict::Undecided { reason } => About {
                reason: Some(reason.code().to_owned()),
                what: phrases.undecided(*reason),
                ..About::unknown(AlertKind::Undecided)
            },
            Verdict::Unreadable { reason } => About {
                reason: Some(reason.code().to_owned()),
                what: phrases.unreadable(*reason),
                step: (outcome.is_left_by_policy() || outcome == Outcome::Observed)
                    .then(|| phrases.unreadable_step(*reason)),
                ..About::unknown(AlertKind::Unreadable)
            },
        };
        let fact = |text: &str| shown::line(text, MAX_FACT);
        // What is told at once and has no known format was named an image.
        let is_image = subject.format.is_none_or(Format::is_picture);
        let mut alert = Self {
            summarize: about.what,
            s3_bucket: Some(shown::line(subject.bucket.as_str(), MAX_FACT)),
            s3_key: Some(shown::key(&subject.key, settings.keys)),
            is_image_upload: is_image,
            media_type: media_type(subject.format),
            verdict: Some(judgement.verdict.as_str().to_owned()),
            categories: about.categories,
            confidence: about.confidence,
            exposure: judgement.exposure,
            reason: about.reason,
            action: Some(finding.decision.action),
            mode: Some(finding.decision.mode),
            outcome: Some(outcome.code().to_owned()),
            outcomes: vec![OutcomeCount { outcome, count: 1 }],
            finding_id: Some(finding.id.to_string()),
            finding_ids: vec![finding.id.to_string()],
            uploader: uploaded_by.principal.as_deref().map(fact),
            uploader_ip: uploaded_by.ip.as_deref().map(fact),
            happened_at: Some(finding.times.happened_at),
            cost_usd: judgement.cost_usd,
            ..Self::blank(about.kind, judgement.threat, settings.language)
        };
        alert.reword();
        if let Some(step) = about.step {
            alert.next_step = step;
        }
        Some(alert)
    }

    /// The alert with its texts.
    pub(super) fn worded(mut self) -> Self {
        self.reword();
        self
    }

    /// Writes anew what follows from the other fields.
    pub(super) fn reword(&mut self) {
        let phrases = phrases::of(self.language);
        let bucket = self.s3_bucket.as_deref();
        self.event_title = title(self, self.language, bucket);
        let subject = title(self, Language::En, bucket);
        self.subject = shown::ascii(&subject, MAX_TITLE);
        match self.topic() {
            Topic::Upload(kind) => self.next_step = next_step(self, kind, phrases),
            // The rule's own, set with the activity.
            Topic::Activity => {}
            Topic::Service(kind) => self.next_step = phrases.service_step(kind).to_owned(),
            Topic::Digest => {
                if let Some(digest) = &self.digest {
                    let sums = sums(digest);
                    let lasted = seconds(digest.from, digest.until);
                    self.summarize = phrases.digest(&sums, &phrases.duration(lasted));
                    self.next_step = phrases.digest_step(&sums);
                }
            }
        }
    }
}

/// One line on what happened, in a language; with the bucket's name as given.
pub(super) fn title(alert: &Alert, language: Language, bucket: Option<&str>) -> String {
    let phrases = phrases::of(language);
    match alert.topic() {
        Topic::Upload(kind) => {
            let bucket = bucket.unwrap_or_else(|| phrases.unknown());
            phrases.upload_title(kind, &alert.outcomes, alert.count, bucket)
        }
        Topic::Activity => {
            let gravest = alert.events.first();
            let title = gravest.map_or("", |event| match language {
                Language::En => &event.title_en,
                Language::Ko => &event.title,
            });
            phrases.activity_title(title, alert.events.len(), alert.count, bucket)
        }
        Topic::Service(kind) => phrases.service_title(kind).to_owned(),
        Topic::Digest => {
            let sums = alert.digest.as_ref().map(sums).unwrap_or_default();
            phrases.digest_title(&sums)
        }
    }
}

fn next_step(alert: &Alert, kind: UploadKind, phrases: &dyn Phrases) -> String {
    let pressing = alert
        .outcomes
        .iter()
        .max_by_key(|part| (urgency(part.outcome), part.count));
    let outcome = pressing.map_or(Outcome::Kept, |part| part.outcome);
    let files = match alert.outcomes.as_slice() {
        _ if alert.count == 1 => Files::One,
        [] | [_] => Files::Several,
        // However different the reasons, all of them are still there.
        _ if matches!(kind, UploadKind::Blocked | UploadKind::Held) => Files::Several,
        _ => Files::SomeOf,
    };
    let secrets = alert.categories.contains(&Category::Credentials);
    if causes(alert).count() > 1 {
        return phrases.variously_blocked(kind, secrets);
    }
    // Of several, the first alone is known to have had this action.
    let action = alert.action.filter(|_| alert.count == 1);
    phrases.next_step(kind, outcome, action, secrets, files)
}

/// What could not be removed, by the cause.
fn causes(alert: &Alert) -> impl Iterator<Item = (&OutcomeCount, Why)> {
    alert.outcomes.iter().filter_map(|part| match part.outcome {
        Outcome::Blocked { why } => Some((part, why)),
        _ => None,
    })
}

/// The steps for each cause for which something could not be removed, where there are several:
/// what helps against one is wrong for another.
pub(super) fn steps_by_cause(alert: &Alert) -> Vec<(&OutcomeCount, String)> {
    let Topic::Upload(kind) = alert.topic() else {
        return Vec::new();
    };
    if causes(alert).count() < 2 {
        return Vec::new();
    }
    let phrases = phrases::of(alert.language);
    causes(alert)
        .map(|(part, why)| {
            let files = match part.count {
                1 => Files::One,
                _ => Files::Several,
            };
            (part, phrases.blocked_step(kind, why, None, files))
        })
        .collect()
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
