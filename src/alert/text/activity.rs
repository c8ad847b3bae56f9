//! The body of a mail about something that somebody did.

use super::{Page, references};
use crate::alert::phrases::Label;
use crate::alert::{Alert, EventFacts, shown};

/// More rules are not listed.
const SHOWN_RULES: usize = 5;

/// GuardDuty finds and does not call: what it reports did neither succeed nor fail.
const GUARDDUTY: &str = "aws.guardduty";

pub(super) fn write(page: &mut Page, alert: &Alert) {
    if alert.count > 1 {
        list(page, alert);
    }
    if let Some(event) = &alert.event {
        facts(page, alert, event);
        details(page, event);
        if let Some(note) = &event.model_note {
            page.heading(Label::ModelNote);
            page.line(&format!("  {note}"));
        }
    }
    page.heading(Label::Done);
    page.line(page.phrases.left_alone());
    let id = alert.finding_id.as_deref().map(shown::quoted);
    let command = id.map(|id| match since(alert) {
        Some(date) => format!("s3-warden explain {id} --since {date}"),
        None => format!("s3-warden explain {id}"),
    });
    references(page, alert, command.as_deref());
}

/// From which day on the history has to be looked for, where `explain` would not look so far back by
/// itself: a finding of GuardDuty lies under the day on which GuardDuty made it, however late it was
/// updated.
fn since(alert: &Alert) -> Option<String> {
    let event = alert.event.as_ref()?;
    let made = alert.happened_at.filter(|_| event.source == GUARDDUTY)?;
    Some(made.strftime("%Y-%m-%d").to_string())
}

/// What several activities were.
fn list(page: &mut Page, alert: &Alert) {
    page.line(&format!("{}:", page.phrases.label(Label::WhatHappened)));
    let mut listed = 0_u64;
    for event in alert.events.iter().take(SHOWN_RULES) {
        listed = listed.saturating_add(event.count);
        let level = event.threat_level.as_str().to_ascii_uppercase();
        let count = shown::number(event.count);
        page.counted(&count, &format!("[{level}] {}", event.title));
    }
    let left = alert.count.saturating_sub(listed);
    if left > 0 {
        let more = page.phrases.more_activities(left);
        page.counted("", &more);
    }
    // The earliest of all, so it stands above what is said of one.
    if let Some(time) = alert.happened_at {
        page.blank();
        page.fact(Label::Since, &page.phrases.time(time));
    }
    page.heading(Label::Gravest);
}

fn facts(page: &mut Page, alert: &Alert, event: &EventFacts) {
    let phrases = page.phrases;
    page.fact_or_unknown(Label::What, Some(&event.name));
    page.fact_or_unknown(Label::Service, Some(&event.source));
    page.fact_or_unknown(Label::Account, event.account.as_deref());
    page.fact_or_unknown(Label::Region, event.region.as_deref());
    page.fact_or_unknown(Label::Who, event.actor.as_deref());
    page.fact_or_unknown(Label::From, event.ip.as_deref());
    if alert.count == 1 {
        let time = alert.happened_at.map(|time| phrases.time(time));
        page.fact_or_unknown(Label::When, time.as_deref());
    }
    // Many activities concern no bucket at all.
    if let Some(bucket) = &alert.s3_bucket {
        page.fact(Label::Bucket, bucket);
    }
    if let Some(key) = &alert.s3_key {
        page.fact(Label::File, key);
    }
    if event.source != GUARDDUTY {
        page.fact(Label::Result, &phrases.result(event.error.as_deref()));
    }
    if let Some(severity) = event.severity {
        page.fact(Label::Severity, &format!("{severity:.1} (GuardDuty)"));
    }
    page.fact(Label::Threat, phrases.threat(alert.threat_level));
    page.fact_or_unknown(Label::Rule, Some(&event.rule));
    let assessed = event.assessed_by.as_deref();
    let assessed = assessed.unwrap_or_else(|| phrases.rules_only(event.unassessed));
    page.fact(Label::AssessedBy, assessed);
}

fn details(page: &mut Page, event: &EventFacts) {
    if event.details.is_empty() {
        return;
    }
    page.heading(Label::Details);
    for (field, text) in &event.details {
        page.line(&format!("  {field}: {text}"));
    }
}
