//! An alert in the form that Amazon Q Developer in chat applications shows in Slack and Teams.
//!
//! The form is that of custom notifications ("Custom notifications using Amazon Q Developer in chat
//! applications", administrator guide): anything else sent to a chat channel is dropped without a
//! word. Its text is the chat client's own markdown, which differs from client to client, so none is
//! used but code spans, and what comes from outside stands in these. Characters that any client
//! gives a meaning to are replaced by ones that look alike: an escape of one client is a letter in
//! another.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::compose::{steps_by_cause, title};
use super::phrases::{self, Label, Phrases, ServiceKind, Topic, UploadKind};
use super::{Alert, shown};
use crate::object::Exposure;

/// A chat shows no more without a click.
const MAX_TITLE: usize = 200;
const MAX_FACT: usize = 300;

/// Longer ids of findings are cut; ours are shorter.
const MAX_ID: usize = 200;

/// What fits into one section of a Slack message (3,000 characters), with room for the facts.
const MAX_TEXT: usize = 1_200;

/// Longer names of buckets in the name of a thread are cut; S3 allows 63 characters ("General
/// purpose bucket naming rules", Amazon S3 User Guide).
const MAX_THREAD_BUCKET: usize = 63;

/// The alert as a custom notification.
pub fn chat(alert: &Alert) -> Value {
    let phrases = phrases::of(alert.language);
    let bucket = alert.s3_bucket.as_deref();
    let level = alert.threat_level.as_str();
    // A name with dots reads like the address of a site, which clients make a link.
    let name = bucket.map(|bucket| plain(bucket).replace('.', "\u{2024}"));
    let title = plain(&title(alert, alert.language, name.as_deref()));
    let title = format!("{}: {title}", level.to_ascii_uppercase());
    let mut context = BTreeMap::from([
        ("threat_level", level.to_owned()),
        ("count", alert.count.to_string()),
    ]);
    if let Some(id) = &alert.finding_id {
        context.insert("finding_id", plain(&shown::cut(id, MAX_FACT)));
    }
    let mut keywords = vec![level.to_owned(), alert.kind.as_str().to_owned()];
    keywords.extend(name.clone());
    let resources: Vec<_> = bucket.map(plain).into_iter().collect();
    json!({
        "version": "1.0",
        "source": "custom",
        "id": id(alert),
        "content": {
            "textType": "client-markdown",
            "title": shown::cut(&title, MAX_TITLE),
            "description": description(alert, phrases),
            "nextSteps": next_steps(alert, phrases),
            "keywords": keywords,
        },
        "metadata": {
            "threadId": thread(alert),
            "summary": shown::cut(&title, MAX_TITLE),
            "eventType": alert.kind.as_str(),
            "relatedResources": resources,
            "additionalContext": context,
        },
    })
}

/// One message of a thread: the same one when it is sent again, and no other.
fn id(alert: &Alert) -> String {
    let first = alert.finding_ids.first().map_or("service", String::as_str);
    let first = tidy(first, MAX_ID);
    let id = format!("{}-{first}-{}", alert.kind.as_str(), alert.count);
    match alert.topic() {
        Topic::Upload(_) => id,
        // A finding of GuardDuty is told again when its level rises.
        Topic::Activity => format!("{id}-{}", alert.threat_level.as_str()),
        // No finding tells one day or pause from another.
        Topic::Service(_) | Topic::Digest => match alert.happened_at {
            Some(time) => format!("{id}-{}", time.as_second()),
            None => id,
        },
    }
}

/// The thread of an incident.
///
/// What is found in the objects of one bucket on one day is one incident, so that the first alert of
/// a burst, the rest of it, and what becomes of a held or blocked removal later stand together: all
/// of them have the same bucket and the date of the same event. A security event by itself is an
/// incident of its own, named by its finding, so that a GuardDuty finding whose level rises goes on
/// in its thread; several in one alert are one incident of bucket and day. States of the service and
/// digests have one thread a day each.
fn thread(alert: &Alert) -> String {
    let incident = match alert.topic() {
        Topic::Upload(UploadKind::Flagged | UploadKind::Blocked | UploadKind::Held) => {
            "personal_data"
        }
        Topic::Upload(UploadKind::Undecided | UploadKind::Unreadable) => "not_judged",
        Topic::Upload(UploadKind::Clean) => "clean",
        Topic::Activity => match &alert.finding_id {
            Some(id) if alert.count == 1 => return tidy(&format!("threat-{id}"), MAX_FACT),
            _ => "threat",
        },
        Topic::Service(ServiceKind::Paused(_)) => "paused",
        Topic::Service(ServiceKind::BreakerOpen) => "breaker_open",
        Topic::Service(ServiceKind::BudgetSpent) => "budget_spent",
        Topic::Service(ServiceKind::Recovered) => "recovered",
        Topic::Digest => "digest",
    };
    let mut thread = incident.to_owned();
    if let Some(bucket) = &alert.s3_bucket {
        thread.push('-');
        thread.push_str(&tidy(bucket, MAX_THREAD_BUCKET));
    }
    if let Some(time) = alert.happened_at {
        thread.push_str(&time.strftime("-%Y-%m-%d").to_string());
    }
    thread
}

fn description(alert: &Alert, phrases: &dyn Phrases) -> String {
    let mut text = plain(&shown::cut(&alert.summarize, MAX_TEXT));
    let mut fact = |label: Label, value: Option<&str>| {
        if let Some(value) = value {
            let value = code(&shown::cut(value, MAX_FACT));
            text.push_str(&format!("\n{}: {value}", phrases.label(label)));
        }
    };
    let time = alert.happened_at.map(|time| phrases.time(time));
    let many = alert.count > 1;
    fact(Label::Bucket, alert.s3_bucket.as_deref());
    match alert.topic() {
        Topic::Upload(_) => {
            let file = if many { Label::FirstFile } else { Label::File };
            fact(file, alert.s3_key.as_deref());
            let categories = alert.categories.iter().map(|c| phrases.category(*c));
            let found: Vec<_> = categories.collect();
            fact(
                Label::Found,
                Some(found.join(", ")).filter(|f| !f.is_empty()).as_deref(),
            );
            let several = alert.several_uploaders.then(|| phrases.several_uploaders());
            fact(Label::Uploader, alert.uploader.as_deref().or(several));
            let several = alert.several_ips.then(|| phrases.several_ips());
            fact(Label::From, alert.uploader_ip.as_deref().or(several));
            fact(Label::UploadedAt, time.as_deref());
            // Who may read it is worth a line only where that is everybody.
            let public = alert
                .exposure
                .filter(|readers| *readers == Exposure::Public);
            fact(
                Label::Exposure,
                public.and_then(|readers| phrases.exposure(readers)),
            );
        }
        Topic::Activity => {
            let event = alert.event.as_ref();
            let of = |value: fn(&super::EventFacts) -> Option<&str>| event.and_then(value);
            let what = if many { Label::Gravest } else { Label::What };
            fact(what, of(|event| Some(&event.name)));
            fact(Label::File, alert.s3_key.as_deref());
            fact(Label::Account, of(|event| event.account.as_deref()));
            fact(Label::Who, of(|event| event.actor.as_deref()));
            fact(Label::From, of(|event| event.ip.as_deref()));
            let when = if many { Label::Since } else { Label::When };
            fact(when, time.as_deref());
        }
        Topic::Service(_) | Topic::Digest => {}
    }
    text
}

fn next_steps(alert: &Alert, phrases: &dyn Phrases) -> Vec<String> {
    let mut steps = vec![plain(&shown::cut(&alert.next_step, MAX_TEXT))];
    steps.extend(steps_by_cause(alert).into_iter().map(|(part, step)| {
        let files = phrases.files(part.count);
        plain(&shown::cut(&format!("{files}: {step}"), MAX_TEXT))
    }));
    // The finding, since in a key characters may have to be replaced.
    let id = alert.finding_id.as_deref().map(shown::quoted);
    let command = id.map(|id| format!("s3-warden explain {id}"));
    if let Some(command) = command.filter(|command| command.len() <= MAX_FACT) {
        steps.push(format!(
            "{}: {}",
            phrases.label(Label::History),
            code(&command)
        ));
    }
    steps
}

/// A text as code: clients take nothing in it for formatting, links or mentions, as long as it does
/// not end early and holds none of the characters that Slack reads everywhere.
fn code(text: &str) -> String {
    let inner: String = shown::visible(text).chars().map(harmless).collect();
    if inner.trim().is_empty() {
        return "-".to_owned();
    }
    format!("`{inner}`")
}

/// A text outside of code, with nothing in it that formats, links or calls people.
fn plain(text: &str) -> String {
    let text = shown::visible(text).replace("://", ":\u{2215}\u{2215}");
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().unwrap_or(' ');
        let inside = before.is_alphanumeric() && after.is_alphanumeric();
        out.push(match c {
            // Names of settings have it inside, where no client formats.
            '_' if !inside => '＿',
            '*' => '∗',
            '~' => '∼',
            '[' => '［',
            ']' => '］',
            '#' if before == ' ' => '＃',
            '|' => '｜',
            '\\' => '＼',
            _ => harmless(c),
        });
        before = c;
    }
    out
}

/// Characters that mean something to a client wherever they stand.
const fn harmless(c: char) -> char {
    match c {
        '`' => '\'',
        '<' => '‹',
        '>' => '›',
        '&' => '＆',
        '@' => '＠',
        other => other,
    }
}

/// A text for names that machines compare: ASCII letters, digits and a few marks.
fn tidy(text: &str, limit: usize) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '-'
        }
    };
    text.chars().take(limit).map(plain).collect()
}
