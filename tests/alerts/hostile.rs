//! Whatever strangers write into any field: it stays inside its line, is seen, and forges nothing.

use std::collections::BTreeSet;

use proptest::prelude::*;
use s3_warden::alert::{
    Alert, AlertKind, AlertSettings, Digest, EventCount, KeyStyle, Language, Slow, Stopped, Tally,
    body, chat, subject,
};
use s3_warden::event::{BucketName, Key};
use s3_warden::record::{Case, Finding};

use crate::finding::{Act, Sample};

/// What people try: breaks of every sort, labels, subjects, marks of chats, text that turns around.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<String>(),
        "\\PC{0,12}",
        Just("\r\nBcc: all@example.com\r\n".to_owned()),
        Just("\n\nBucket        other\n".to_owned()),
        Just("\u{2028}Threat level  low\u{2029}".to_owned()),
        Just("\u{85}위험도        낮음(LOW)".to_owned()),
        Just("\u{202e}gnp.exe\u{200b}\u{feff}\u{0}\u{1b}[31m".to_owned()),
        Just("`</code> <!channel> @here [a](http://b) *x* _y_ ~z~".to_owned()),
        Just(" ".repeat(200)),
        Just("x".repeat(3_000)),
    ];
    prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// A text that a name may be.
fn name() -> impl Strategy<Value = String> {
    text().prop_filter("a bucket has a name", |text| {
        BucketName::new(text.clone()).is_some()
    })
}

fn settings() -> impl Strategy<Value = AlertSettings> {
    (any::<bool>(), any::<bool>()).prop_map(|(korean, masked)| AlertSettings {
        language: if korean { Language::Ko } else { Language::En },
        keys: if masked {
            KeyStyle::Masked
        } else {
            KeyStyle::Full
        },
        ..AlertSettings::default()
    })
}

fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{ad}')
}

/// The labels that lines after the first begin with: what a mail says is known by these.
fn labels(body: &str) -> Vec<String> {
    let first = |line: &str| line.split("  ").next().unwrap_or_default().to_owned();
    body.lines().skip(1).map(first).collect()
}

/// Whether a mail is one that says no more and no other things than a harmless one.
#[track_caller]
fn check(hostile: &Alert, harmless: &Alert) {
    let subject = subject(hostile);
    assert!(subject.len() < 100 && subject.is_ascii(), "{subject}");
    assert!(
        !subject.contains(|c: char| c.is_ascii_control()),
        "{subject}"
    );
    let body = body(hostile);
    for line in body.lines() {
        assert!(!line.contains(hides), "{line:?}");
    }
    let (mine, plain) = (labels(&body), labels(&s3_warden::alert::body(harmless)));
    assert_eq!(mine.len(), plain.len(), "{body}");
    // Lines of free text and commands begin with themselves; all others with their label.
    let known: BTreeSet<_> = plain.into_iter().collect();
    for label in mine.iter().filter(|label| label.chars().count() <= 14) {
        assert!(
            known.contains(label) || label.starts_with("s3-"),
            "{label:?} in {body}"
        );
    }
    let form = chat(hostile);
    let text = form.to_string();
    for mark in ["<", ">", "@", "://"] {
        let at = text.match_indices(mark).next();
        assert!(at.is_none() || in_code(&form, mark), "{mark}: {text}");
    }
}

/// Whether a mark stands in code spans only.
fn in_code(form: &serde_json::Value, mark: &str) -> bool {
    match form {
        serde_json::Value::String(text) => {
            let outside = text.split('`').step_by(2);
            text.matches('`').count().is_multiple_of(2)
                && outside.into_iter().all(|part| !part.contains(mark))
        }
        serde_json::Value::Array(parts) => parts.iter().all(|part| in_code(part, mark)),
        serde_json::Value::Object(parts) => parts.values().all(|part| in_code(part, mark)),
        _ => true,
    }
}

fn hostile_upload(finding: &mut Finding, bucket: &str, key: &str, who: &str, ip: &str) {
    let Case::Object(case) = &mut finding.case else {
        panic!("it is about an object")
    };
    case.subject.bucket = BucketName::new(bucket.to_owned()).unwrap();
    case.subject.key = Key::new(key);
    case.uploaded_by.principal = Some(format!("x{who}"));
    case.uploaded_by.ip = Some(format!("x{ip}"));
}

fn hostile_act(finding: &mut Finding, texts: &[String], bucket: &str, key: &str) {
    let Case::Activity(case) = &mut finding.case else {
        panic!("it is about an activity")
    };
    let mut texts = texts.iter().map(|text| format!("x{text}")).cycle();
    let mut next = || texts.next().unwrap();
    let reported = &mut case.activity;
    reported.source = next();
    reported.name = next();
    reported.account = Some(next());
    reported.region = Some(next());
    reported.actor = Some(next());
    reported.ip = Some(next());
    reported.error = Some(next());
    reported.bucket = BucketName::new(bucket.to_owned());
    reported.key = Some(Key::new(key));
    for detail in case.assessment.floor.details.values_mut() {
        *detail = next();
    }
    case.assessment.summary = Some(next());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn in_mails_about_objects(
        settings in settings(), bucket in name(), key in text(), who in text(), ip in text(),
    ) {
        let sample = Sample { key: "it's.png", ..Sample::default() };
        let harmless = Alert::about(&sample.finding(), &settings).unwrap();
        let mut finding = sample.finding();
        hostile_upload(&mut finding, &bucket, &format!("x{key}"), &who, &ip);
        let hostile = Alert::about(&finding, &settings).unwrap();
        check(&hostile, &harmless);
    }

    #[test]
    fn in_mails_about_activities(
        settings in settings(), bucket in name(), key in text(),
        texts in prop::collection::vec(text(), 9),
    ) {
        let mut act = Act::default();
        act.reported.key = Some(Key::new("a.png"));
        act.reported.error = Some("AccessDenied".to_owned());
        let harmless = Alert::about(&act.finding(), &settings).unwrap();
        let mut finding = act.finding();
        hostile_act(&mut finding, &texts, &bucket, &format!("x{key}"));
        let hostile = Alert::about(&finding, &settings).unwrap();
        check(&hostile, &harmless);
    }

    #[test]
    fn in_the_cause_of_a_pause(settings in settings(), why in text()) {
        let now = "2026-03-03T14:05:09Z".parse().unwrap();
        check(
            &Alert::paused(Stopped::Both, &why, now, &settings),
            &Alert::paused(Stopped::Both, "it is gone", now, &settings),
        );
    }

    #[test]
    fn in_a_digest(settings in settings(), name in text(), key in text()) {
        let make = |name: &str, key: &str| {
            let counts = || [(name.to_owned(), 3), ("clean".to_owned(), 1)].into();
            let digest = Digest {
                from: "2026-03-02T00:00:00Z".parse().unwrap(),
                until: "2026-03-03T00:00:00Z".parse().unwrap(),
                tasks: 1,
                tally: Tally {
                    verdicts: counts(),
                    buckets: counts(),
                    activities: counts(),
                    slowest: vec![Slow {
                        bucket: name.to_owned(),
                        key: key.to_owned(),
                        millis: 1,
                    }],
                    ..Tally::default()
                },
            };
            Alert::digest(digest, &settings)
        };
        check(&make(&format!("x{name}"), &format!("x{key}")), &make("y", "y"));
    }

    /// Even where somebody makes an alert without the constructors.
    #[test]
    fn in_an_alert_that_was_never_cleaned(
        settings in settings(), text in text(),
        kind in prop::sample::select(vec![
            AlertKind::Flagged, AlertKind::Threat, AlertKind::Paused, AlertKind::Clean,
        ]),
    ) {
        let make = |text: &str| {
            let some = || Some(format!("x{text}"));
            let mut alert = Alert::about(&Act::default().finding(), &settings).unwrap();
            alert.kind = kind;
            alert.subject = format!("x{text}");
            alert.summarize = format!("x{text}");
            alert.s3_bucket = some();
            alert.s3_key = some();
            alert.uploader = some();
            alert.finding_id = some();
            alert.finding_ids = vec![format!("x{text}")];
            alert.events = vec![EventCount { title: format!("x{text}"), ..alert.events[0].clone() }];
            alert
        };
        check(&make(&text), &make("y"));
    }
}
