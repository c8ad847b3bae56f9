//! The body of a mail about objects.

use super::{Page, references};
use crate::alert::compose::steps_by_cause;
use crate::alert::phrases::{Label, UploadKind};
use crate::alert::{Alert, shown};

pub(super) fn write(page: &mut Page, alert: &Alert, kind: UploadKind) {
    facts(page, alert);
    if !alert.outcomes.is_empty() {
        page.heading(Label::Done);
        let steps = steps_by_cause(alert);
        for part in &alert.outcomes {
            let done = page.phrases.done(kind, part.outcome, alert.action);
            if alert.count > 1 {
                let files = page.phrases.files(part.count);
                let step = steps.iter().find(|(blocked, _)| *blocked == part);
                let step = step.map(|(_, step)| format!(" {step}")).unwrap_or_default();
                page.line(&format!("- {files}: {done}{step}"));
            } else {
                page.line(&done);
            }
        }
    }
    references(page, alert, command(alert).as_deref());
}

fn facts(page: &mut Page, alert: &Alert) {
    let phrases = page.phrases;
    let many = alert.count > 1;
    page.fact_or_unknown(Label::Bucket, alert.s3_bucket.as_deref());
    if many {
        page.fact(Label::Files, &shown::number(alert.count));
    }
    let file = if many { Label::FirstFile } else { Label::File };
    page.fact_or_unknown(file, alert.s3_key.as_deref());
    if let Some(media_type) = alert.media_type.as_ref().filter(|_| !many) {
        page.fact(Label::FileType, media_type);
    }
    let uploader = alert.uploader.as_deref();
    let uploader = uploader.map(|principal| phrases.reported(principal));
    let several = alert.several_uploaders.then(|| phrases.several_uploaders());
    page.fact_or_unknown(Label::Uploader, uploader.as_deref().or(several));
    let several = alert.several_ips.then(|| phrases.several_ips());
    page.fact_or_unknown(Label::From, alert.uploader_ip.as_deref().or(several));
    let time = alert.happened_at.map(|time| phrases.time(time));
    page.fact_or_unknown(Label::UploadedAt, time.as_deref());
    if !alert.categories.is_empty() {
        let categories = alert.categories.iter();
        let words: Vec<_> = categories.map(|c| phrases.category(*c)).collect();
        page.fact(Label::Found, &words.join(", "));
    }
    if let Some(confidence) = alert.confidence {
        page.fact(Label::Certainty, phrases.confidence(confidence));
    }
    if let Some(readers) = alert.exposure.and_then(|e| phrases.exposure(e)) {
        page.fact(Label::Exposure, readers);
    }
    page.fact(Label::Threat, phrases.threat(alert.threat_level));
}

/// The history of the object, or only of the finding where the key is not shown as it is.
fn command(alert: &Alert) -> Option<String> {
    let key = alert.s3_key.as_ref().zip(alert.s3_bucket.as_ref());
    let object = key.and_then(|(key, bucket)| shown::arguments(bucket, key));
    let arguments = object.or_else(|| alert.finding_id.as_deref().map(shown::quoted))?;
    Some(format!("s3-warden explain {arguments}"))
}
