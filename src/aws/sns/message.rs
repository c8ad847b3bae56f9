//! An alert as one message: a text for each kind of reader, small enough for every topic.
//!
//! `default` is the alert's JSON and reaches queues, functions and web hooks; people get text by
//! mail and one line by SMS. More copies under more names would say the same and eat the size that
//! all of them share. A message is never refused for its size: an alert that is too big loses list
//! entries first, then the tails of its longest texts.

use serde_json::json;

use crate::alert::{self, Alert};

/// What a topic takes unless it says otherwise, in bytes (API reference, `Publish`).
pub(super) const LARGEST: usize = 262_144;

/// How much is kept of an alert, step by step: ids and outcomes, and characters of each text. Real
/// alerts fit at the first step; the last is below 64 KB for any alert.
const STEPS: [(usize, usize); 5] = [
    (usize::MAX, usize::MAX),
    (10, usize::MAX),
    (10, 8_192),
    (3, 1_024),
    (1, 128),
];

/// The texts of an alert, at most `largest` bytes together.
pub(super) fn message(alert: &Alert, largest: usize) -> String {
    let mut text = String::new();
    for (entries, chars) in STEPS {
        text = if entries == usize::MAX {
            texts(alert)
        } else {
            texts(&shortened(alert, entries, chars))
        };
        if text.len() + alert::subject(alert).len() <= largest {
            break;
        }
    }
    text
}

fn texts(alert: &Alert) -> String {
    let data = serde_json::to_string(alert).expect("an alert is JSON");
    let texts = json!({
        "default": data,
        "email": alert::body(alert),
        "sms": subject(alert),
    });
    texts.to_string()
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

fn shortened(alert: &Alert, entries: usize, chars: usize) -> Alert {
    let mut alert = alert.clone();
    alert.finding_ids.truncate(entries);
    alert.outcomes.truncate(entries);
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
        &mut alert.event_title,
        &mut alert.summarize,
        &mut alert.next_step,
    ];
    for text in optional
        .into_iter()
        .flatten()
        .chain(texts)
        .chain(&mut alert.finding_ids)
    {
        cut(text, chars);
    }
    alert
}

fn cut(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
        text.push('…');
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::action::{Action, Outcome};
    use crate::alert::{AlertKind, OutcomeCount};
    use crate::verdict::Threat;

    pub(in crate::aws::sns) fn alert() -> Alert {
        Alert {
            schema_version: 1,
            kind: AlertKind::Flagged,
            event_title: "A passport was found".to_owned(),
            summarize: "A passport was found and removed.".to_owned(),
            threat_level: Threat::High,
            s3_bucket: Some("inbox".to_owned()),
            s3_key: Some("a b.png".to_owned()),
            is_image_upload: true,
            media_type: Some("image/png".to_owned()),
            verdict: Some("flagged".to_owned()),
            categories: std::collections::BTreeSet::new(),
            confidence: None,
            reason: None,
            action: Some(Action::Delete),
            mode: None,
            outcome: None,
            outcomes: Vec::new(),
            next_step: "Nothing.".to_owned(),
            finding_id: None,
            finding_ids: Vec::new(),
            count: 1,
            uploader: None,
            uploader_ip: None,
            happened_at: None,
            cost_usd: 0.0,
        }
    }

    /// An alert of one text everywhere, with lists of this length.
    fn filled(text: &str, entries: usize) -> Alert {
        let some = || Some(text.to_owned());
        let outcome = OutcomeCount {
            outcome: Outcome::Deleted,
            count: u64::MAX,
        };
        Alert {
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
            finding_ids: vec![text.chars().take(500).collect(); entries],
            outcomes: vec![outcome; entries],
            count: 7,
            ..alert()
        }
    }

    fn data(message: &str) -> Alert {
        let texts: Value = serde_json::from_str(message).unwrap();
        serde_json::from_str(texts["default"].as_str().unwrap()).unwrap()
    }

    #[test]
    fn an_alert_that_fits_is_whole() {
        let alert = filled(&"é".repeat(1_024), 20);
        assert_eq!(data(&message(&alert, LARGEST)), alert);
    }

    #[test]
    fn lists_go_before_texts() {
        let key = "k".repeat(500);
        let mut alert = filled(&key, 400);
        alert.count = 400;
        let kept = data(&message(&alert, LARGEST));
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
                event_title: title.to_owned(),
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
        ) {
            let alert = filled(&piece.repeat(times), entries);
            let text = message(&alert, largest);
            let subject = subject(&alert);
            prop_assert!(text.len() + subject.len() <= largest, "{} bytes", text.len());
            let texts: Value = serde_json::from_str(&text).unwrap();
            for name in ["default", "email", "sms"] {
                prop_assert!(texts[name].as_str().is_some_and(|text| !text.is_empty()), "{}", name);
            }
            prop_assert_eq!(data(&text).count, alert.count);
        }
    }
}
