//! An alert as one message: a text for each kind of reader, small enough for every topic.
//!
//! `default` is the alert's JSON and reaches queues, functions and web hooks; people get text by
//! mail and one line by SMS. Where a chat is subscribed, `https` is the form that it shows. More copies under more names would say the same and eat the size that
//! all of them share. A message is never refused for its size: an alert that is too big loses list
//! entries first, then the tails of its longest texts.

use serde_json::{Map, Value};

use crate::alert::{self, Alert, EventFacts, Language, Tally};

/// What a topic takes unless it says otherwise, in bytes (API reference, `Publish`).
pub(super) const LARGEST: usize = 262_144;

/// How much is kept of an alert, step by step: ids and outcomes, and characters of each text. Real
/// alerts fit at the first step; the last is below 64 KB for any alert.
pub(in crate::aws) const STEPS: [(usize, usize); 5] = [
    (usize::MAX, usize::MAX),
    (10, usize::MAX),
    (10, 8_192),
    (3, 1_024),
    (1, 128),
];

/// The texts of an alert, at most `largest` bytes together; with `chat`, the form for chat
/// applications among them.
pub(super) fn message(alert: &Alert, largest: usize, chat: bool) -> String {
    let mut text = String::new();
    for (entries, chars) in STEPS {
        let texts = if entries == usize::MAX {
            texts(alert, chat)
        } else {
            texts(&shortened(alert, entries, chars), chat)
        };
        text = Value::Object(texts).to_string();
        if text.len() + alert::subject(alert).len() <= largest {
            break;
        }
    }
    text
}

/// The same, as short as can be and of ASCII only: for a topic that refuses the alert itself. Data
/// say in escapes what they said; people read English around what is in another script.
pub(super) fn plainest(alert: &Alert, chat: bool) -> String {
    let [.., (entries, chars)] = STEPS;
    // Escapes are longer than what they stand for.
    let alert = shortened(alert, entries, chars / 2);
    let mut texts = texts(&alert, chat);
    let english = Alert {
        language: Language::En,
        ..alert
    };
    texts.insert("email".to_owned(), alert::body(&english).into());
    for (name, text) in &mut texts {
        let is_data = matches!(name.as_str(), "default" | "https");
        *text = ascii(text.as_str().unwrap_or_default(), is_data).into();
    }
    Value::Object(texts).to_string()
}

/// With `?` for what is not ASCII, or the escapes of JSON.
fn ascii(text: &str, is_json: bool) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ' '..='~' | '\n') {
            plain.push(c);
        } else if is_json {
            for unit in c.encode_utf16(&mut [0; 2]) {
                plain.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            plain.push('?');
        }
    }
    plain
}

fn texts(alert: &Alert, chat: bool) -> Map<String, Value> {
    let data = serde_json::to_string(alert).expect("an alert is JSON");
    let mut texts = Map::new();
    texts.insert("default".to_owned(), data.into());
    texts.insert("email".to_owned(), alert::body(alert).into());
    texts.insert("sms".to_owned(), subject(alert).into());
    if chat {
        let form = alert::chat(alert).to_string();
        texts.insert("https".to_owned(), form.into());
    }
    texts
}

/// The subject as SNS takes it: 1 to 99 printable ASCII characters, beginning with no blank. The
/// alert's own subject is such a text; this holds should that ever change, since SNS would refuse
/// the whole alert.
pub(super) fn subject(alert: &Alert) -> String {
    let subject = alert::subject(alert);
    let plain: String = subject
        .chars()
        .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
        .collect();
    let plain: String = plain.trim_start().chars().take(99).collect();
    if plain.is_empty() {
        "s3-warden".to_owned()
    } else {
        plain
    }
}

pub(in crate::aws) fn shortened(alert: &Alert, entries: usize, chars: usize) -> Alert {
    let mut alert = alert.clone();
    alert.finding_ids.truncate(entries);
    alert.outcomes.truncate(entries);
    alert.events.truncate(entries);
    let query = alert.findings_query.as_mut();
    let optional = [
        &mut alert.s3_bucket,
        &mut alert.s3_key,
        &mut alert.media_type,
        &mut alert.verdict,
        &mut alert.reason,
        &mut alert.outcome,
        &mut alert.finding_id,
        &mut alert.uploader,
        &mut alert.uploader_ip,
    ];
    let texts = [
        &mut alert.subject,
        &mut alert.event_title,
        &mut alert.summarize,
        &mut alert.next_step,
    ];
    let events = alert.events.iter_mut();
    let events = events.flat_map(|event| [&mut event.rule, &mut event.title, &mut event.title_en]);
    for text in optional
        .into_iter()
        .chain(query.map(|query| &mut query.bucket))
        .flatten()
        .chain(texts)
        .chain(&mut alert.finding_ids)
        .chain(events)
    {
        cut(text, chars);
    }
    if let Some(event) = &mut alert.event {
        shorten_event(event, entries, chars);
    }
    if let Some(digest) = &mut alert.digest {
        shorten_tally(&mut digest.tally, entries, chars);
    }
    alert
}

fn shorten_event(event: &mut EventFacts, entries: usize, chars: usize) {
    let optional = [
        &mut event.account,
        &mut event.region,
        &mut event.actor,
        &mut event.ip,
        &mut event.error,
        &mut event.assessed_by,
        &mut event.model_note,
    ];
    let texts = [&mut event.source, &mut event.name, &mut event.rule];
    for text in optional.into_iter().flatten().chain(texts) {
        cut(text, chars);
    }
    let details = std::mem::take(&mut event.details).into_iter();
    event.details = details
        .take(entries)
        .map(|(mut field, mut text)| {
            cut(&mut field, chars);
            cut(&mut text, chars);
            (field, text)
        })
        .collect();
}

fn shorten_tally(tally: &mut Tally, entries: usize, chars: usize) {
    for counts in [
        &mut tally.verdicts,
        &mut tally.outcomes,
        &mut tally.levels,
        &mut tally.buckets,
        &mut tally.activities,
    ] {
        let mut kept: Vec<_> = std::mem::take(counts).into_iter().collect();
        kept.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        kept.truncate(entries);
        for (name, _) in &mut kept {
            cut(name, chars);
        }
        *counts = kept.into_iter().collect();
    }
    tally.slowest.truncate(entries);
    for slow in &mut tally.slowest {
        cut(&mut slow.bucket, chars);
        cut(&mut slow.key, chars);
    }
}

fn cut(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
pub(in crate::aws) mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::action::{Action, Outcome};
    use crate::alert::{
        AlertKind, Digest, EventCount, FindingsQuery, Language, OutcomeCount, Slow,
    };
    use crate::verdict::Threat;

    pub(in crate::aws) fn alert() -> Alert {
        Alert {
            subject: "A passport was found".to_owned(),
            event_title: "A passport was found".to_owned(),
            summarize: "A passport was found and removed.".to_owned(),
            s3_bucket: Some("inbox".to_owned()),
            s3_key: Some("a b.png".to_owned()),
            is_image_upload: true,
            media_type: Some("image/png".to_owned()),
            verdict: Some("flagged".to_owned()),
            action: Some(Action::Delete),
            next_step: "Nothing.".to_owned(),
            ..Alert::blank(AlertKind::Flagged, Threat::High, Language::En)
        }
    }

    /// An alert of one text everywhere, with lists of this length.
    pub(in crate::aws) fn filled(text: &str, entries: usize) -> Alert {
        let some = || Some(text.to_owned());
        let short: String = text.chars().take(500).collect();
        let outcome = OutcomeCount {
            outcome: Outcome::Deleted,
            count: u64::MAX,
        };
        Alert {
            subject: text.to_owned(),
            event_title: text.to_owned(),
            summarize: text.to_owned(),
            next_step: text.to_owned(),
            s3_bucket: some(),
            s3_key: some(),
            media_type: some(),
            verdict: some(),
            reason: some(),
            outcome: some(),
            finding_id: some(),
            uploader: some(),
            uploader_ip: some(),
            finding_ids: vec![short.clone(); entries],
            outcomes: vec![outcome; entries],
            count: 7,
            findings_query: Some(FindingsQuery {
                bucket: some(),
                from: Timestamp::MIN,
                until: Timestamp::MAX,
            }),
            event: Some(EventFacts {
                source: text.to_owned(),
                name: text.to_owned(),
                account: some(),
                region: some(),
                actor: some(),
                ip: some(),
                error: some(),
                severity: Some(9.0),
                rule: text.to_owned(),
                details: names(&short, entries, |_| short.clone()),
                assessed_by: some(),
                unassessed: None,
                model_note: some(),
            }),
            events: vec![
                EventCount {
                    rule: short.clone(),
                    title: short.clone(),
                    title_en: short.clone(),
                    threat_level: Threat::High,
                    count: 1,
                };
                entries
            ],
            digest: Some(Digest {
                from: Timestamp::MIN,
                until: Timestamp::MAX,
                tasks: 1,
                tally: Tally {
                    verdicts: names(&short, entries, |place| place as u64),
                    buckets: names(&short, entries, |place| place as u64),
                    outcomes: names(&short, entries, |place| place as u64),
                    levels: names(&short, entries, |place| place as u64),
                    activities: names(&short, entries, |place| place as u64),
                    slowest: vec![
                        Slow {
                            bucket: short.clone(),
                            key: short.clone(),
                            millis: 1,
                        };
                        entries
                    ],
                    ..Tally::default()
                },
            }),
            ..alert()
        }
    }

    fn names<T>(text: &str, entries: usize, of: impl Fn(usize) -> T) -> BTreeMap<String, T> {
        let name = |place| (format!("{place}{text}"), of(place));
        (0..entries).map(name).collect()
    }

    fn data(message: &str) -> Alert {
        let texts: Value = serde_json::from_str(message).unwrap();
        serde_json::from_str(texts["default"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn an_alert_that_fits_is_whole() {
        let alert = filled(&"é".repeat(128), 20);
        assert_eq!(data(&message(&alert, LARGEST, true)), alert);
    }

    #[test]
    fn lists_go_before_texts() {
        let key = "k".repeat(500);
        let mut alert = filled(&key, 400);
        alert.count = 400;
        let kept = data(&message(&alert, LARGEST, false));
        assert_eq!(kept.finding_ids.len(), 10);
        assert_eq!(kept.s3_key, alert.s3_key);
        assert_eq!(
            kept.count, 400,
            "the number of findings is true all the same"
        );
    }

    #[test]
    fn subjects_are_what_sns_takes() {
        let check = |title: &str| {
            let alert = Alert {
                subject: title.to_owned(),
                ..alert()
            };
            let subject = subject(&alert);
            assert!((1..100).contains(&subject.len()), "{subject}");
            assert!(
                subject.chars().all(|c| matches!(c, ' '..='~')),
                "{subject:?}"
            );
            assert!(!subject.starts_with(' '), "{subject:?}");
        };
        check("plain");
        check("line\nbreak\r\tand\u{0}more");
        check(&"long ".repeat(100));
        check("주민등록증 📷");
        check("");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn no_alert_is_too_big(
            piece in prop_oneof!["\\PC{1,4}", "[\u{0}-\u{1f}\"\\\\]{1,4}", Just("\u{1}".to_owned())],
            times in 0_usize..6_000,
            entries in 0_usize..150,
            largest in 65_536_usize..=LARGEST,
            chat: bool,
            kind in prop::sample::select(vec![
                AlertKind::Flagged, AlertKind::Threat, AlertKind::Paused, AlertKind::Digest,
            ]),
        ) {
            let alert = Alert { kind, ..filled(&piece.repeat(times), entries) };
            let text = message(&alert, largest, chat);
            let subject = subject(&alert);
            prop_assert!(text.len() + subject.len() <= largest, "{} bytes", text.len());
            let texts: Value = serde_json::from_str(&text).unwrap();
            for name in ["default", "email", "sms"] {
                prop_assert!(texts[name].as_str().is_some_and(|text| !text.is_empty()), "{}", name);
            }
            prop_assert_eq!(texts.get("https").is_some(), chat);
            prop_assert_eq!(data(&text).count, alert.count);
            let plain = plainest(&alert, chat);
            prop_assert!(plain.len() + subject.len() <= 65_536, "{} bytes plain", plain.len());
            let texts: Value = serde_json::from_str(&plain).unwrap();
            for (name, text) in texts.as_object().unwrap() {
                let text = text.as_str().unwrap();
                prop_assert!(!text.is_empty() && text.is_ascii(), "{}", name);
            }
            prop_assert_eq!(data(&plain).count, alert.count);
        }
    }
}
