//! An alert as a person reads it: the subject and the body of a mail. No sentence stands here; all
//! of them stand in the language's own file.

use std::fmt::Write;

use super::english::{self, label};
use super::{Alert, shown};

/// Amazon SNS takes subjects of fewer than 100 characters, ASCII, without line breaks (API
/// reference, `Publish`).
const MAX_SUBJECT: usize = 99;

/// Wide enough for every label.
const LABEL_WIDTH: usize = 14;

/// More ids would bury the message; the records hold them all.
const SHOWN_IDS: usize = 10;

/// The subject: level and title. It never holds a key.
pub fn subject(alert: &Alert) -> String {
    let level = english::threat(alert.threat_level).to_ascii_uppercase();
    shown::ascii(&format!("[{level}] {}", alert.event_title), MAX_SUBJECT)
}

/// The body. Its first line says what happened and what to do now.
pub fn body(alert: &Alert) -> String {
    let mut text = format!("{} {}\n\n", alert.summarize, alert.next_step);
    for (label, value) in facts(alert) {
        line(&mut text, &format!("{label:<LABEL_WIDTH$}{value}"));
    }
    if !alert.outcomes.is_empty() {
        line(&mut text, "");
        line(&mut text, &format!("{}:", english::DONE));
        for part in &alert.outcomes {
            let done = english::done(alert.kind, part.outcome, alert.action);
            if alert.count > 1 {
                line(
                    &mut text,
                    &format!("- {}: {done}", english::files(part.count)),
                );
            } else {
                line(&mut text, &done);
            }
        }
    }
    references(&mut text, alert);
    text
}

fn facts(alert: &Alert) -> Vec<(&'static str, String)> {
    let many = alert.count > 1;
    let mut facts = Vec::new();
    if let Some(bucket) = &alert.s3_bucket {
        facts.push((label::BUCKET, bucket.clone()));
    }
    if many && alert.s3_key.is_some() {
        facts.push((label::FILES, alert.count.to_string()));
    }
    if let Some(key) = &alert.s3_key {
        let label = if many { label::FIRST_FILE } else { label::FILE };
        facts.push((label, key.clone()));
    }
    if let Some(media_type) = alert.media_type.as_ref().filter(|_| !many) {
        facts.push((label::FILE_TYPE, media_type.clone()));
    }
    if !alert.categories.is_empty() {
        let words: Vec<_> = alert
            .categories
            .iter()
            .map(|c| english::category(*c))
            .collect();
        facts.push((label::FOUND, words.join(", ")));
    }
    if let Some(confidence) = alert.confidence {
        facts.push((label::CERTAINTY, english::confidence(confidence).to_owned()));
    }
    facts.push((
        label::THREAT,
        english::threat(alert.threat_level).to_owned(),
    ));
    if alert.s3_key.is_some() {
        let uploader = alert.uploader.as_deref().unwrap_or(english::UNKNOWN);
        let address = alert.uploader_ip.as_deref();
        facts.push((label::UPLOADER, english::uploader(uploader, address)));
    }
    if let Some(time) = alert.happened_at {
        let label = if alert.s3_key.is_some() {
            label::WHEN
        } else {
            label::STOPPED
        };
        facts.push((label, time.strftime(english::TIME).to_string()));
    }
    facts
}

fn references(text: &mut String, alert: &Alert) {
    if alert.finding_ids.is_empty() {
        return;
    }
    line(text, "");
    let label = if alert.count > 1 {
        label::FINDINGS
    } else {
        label::FINDING
    };
    for (place, id) in alert.finding_ids.iter().take(SHOWN_IDS).enumerate() {
        let label = if place == 0 { label } else { "" };
        line(text, &format!("{label:<LABEL_WIDTH$}{id}"));
    }
    let listed = alert.finding_ids.len().min(SHOWN_IDS) as u64;
    if alert.count > listed {
        let more = english::more_findings(alert.count.saturating_sub(listed));
        line(text, &format!("{:<LABEL_WIDTH$}{more}", ""));
    }
    if let (Some(bucket), Some(key)) = (&alert.s3_bucket, &alert.s3_key) {
        let command = shown::arguments(bucket, key).map_or_else(
            || english::HIDDEN_KEY.to_owned(),
            |arguments| format!("s3-warden explain {arguments}"),
        );
        let history = label::HISTORY;
        line(text, &format!("{history:<LABEL_WIDTH$}{command}"));
    }
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{}", line.trim_end()).expect("a String takes all text");
}
