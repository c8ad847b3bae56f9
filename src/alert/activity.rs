//! From an activity that was assessed to its alert.
//!
//! The sentences are those of the rule. What the record says stands beside them as facts, each on a
//! line of its own and cut; what a model says stands apart, under a heading that says so.

use super::{
    Alert, AlertKind, AlertSettings, EventCount, EventFacts, Language, ModelText, phrases, shown,
};
use crate::event::{Key, looks_like_image_name};
use crate::record::{ActivityCase, Finding, Reported};
use crate::verdict::threat::{Assessment, Words};

/// Longer names of services, calls, accounts, regions and rules are cut.
const MAX_NAME: usize = 128;

/// Longer principals, addresses, codes and details are cut: an ARN of a role's session fits.
const MAX_FACT: usize = 256;

/// Longer notes of a model are cut.
const MAX_NOTE: usize = 400;

/// Longer titles and next steps of a rule are cut: nobody reads on.
const MAX_TITLE: usize = 160;
const MAX_STEP: usize = 1_000;

/// The calls by which an object gets its bytes.
const UPLOADS: [&str; 3] = ["PutObject", "CopyObject", "CompleteMultipartUpload"];

impl Alert {
    /// The alert about an activity.
    pub(super) fn about_activity(
        finding: &Finding,
        case: &ActivityCase,
        settings: &AlertSettings,
    ) -> Self {
        let ActivityCase {
            activity,
            assessment,
        } = case;
        let floor = &assessment.floor;
        let failed = activity.error.is_some();
        let title = |language: Language| {
            // That a call was only attempted, the rule has put into its title where it matters.
            shown::line(said(&floor.title, language), MAX_TITLE)
        };
        let (title, title_en) = (title(settings.language), title(Language::En));
        let bucket = activity.bucket.as_ref();
        let key = activity.key.as_ref();
        Self {
            summarize: phrases::of(settings.language).activity(&title),
            next_step: shown::line(said(&floor.next_step, settings.language), MAX_STEP),
            s3_bucket: bucket.map(|bucket| shown::line(bucket.as_str(), MAX_NAME)),
            s3_key: key.map(|key| shown::key(key, settings.keys)),
            is_image_upload: !failed
                && UPLOADS.contains(&activity.name.as_str())
                && key.is_some_and(|key| looks_like_image_name(key.as_str())),
            finding_id: Some(finding.id.to_string()),
            finding_ids: vec![finding.id.to_string()],
            happened_at: Some(finding.times.happened_at),
            cost_usd: assessment.cost_usd,
            event: Some(facts(activity, assessment, settings)),
            events: vec![EventCount {
                rule: shown::line(&floor.rule, MAX_NAME),
                title,
                title_en: shown::ascii(&title_en, MAX_TITLE),
                threat_level: assessment.threat,
                count: 1,
            }],
            ..Self::blank(AlertKind::Threat, assessment.threat, settings.language)
        }
        .worded()
    }
}

fn facts(activity: &Reported, assessment: &Assessment, settings: &AlertSettings) -> EventFacts {
    let name = |text: &String| shown::line(text, MAX_NAME);
    let fact = |text: &String| shown::line(text, MAX_FACT);
    let key: Option<&Key> = activity.key.as_ref();
    let quoting =
        |text: &String, limit| shown::line(&shown::without(text, key, settings.keys), limit);
    let details = assessment.floor.details.iter();
    let note = assessment
        .summary
        .as_ref()
        .filter(|_| settings.model_text == ModelText::Scrubbed);
    EventFacts {
        source: name(&activity.source),
        name: name(&activity.name),
        account: activity.account.as_ref().map(name),
        region: activity.region.as_ref().map(name),
        actor: activity.actor.as_ref().map(fact),
        ip: activity.ip.as_ref().map(fact),
        error: activity.error.as_ref().map(fact),
        severity: activity.severity,
        rule: name(&assessment.floor.rule),
        details: details
            .map(|(field, text)| (name(field), quoting(text, MAX_FACT)))
            .collect(),
        assessed_by: assessment.judge.as_ref().map(|judge| name(&judge.name)),
        unassessed: assessment.unassessed,
        // A link in it would be one that a stranger may have put into the record.
        model_note: note.map(|note| quoting(note, MAX_NOTE).replace("://", "[:]//")),
    }
}

fn said(words: &Words, language: Language) -> &str {
    match language {
        Language::En => &words.en,
        Language::Ko => &words.ko,
    }
}
