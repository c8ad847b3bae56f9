//! The form for chats: one thread for one incident, and nothing in it that a stranger formats.

use std::time::Duration;

use jiff::Timestamp;
use s3_warden::action::Outcome;
use s3_warden::alert::{Alert, AlertSettings, Digest, Stopped, Tally, chat};
use s3_warden::object::Why;
use s3_warden::verdict::{Threat, UndecidedReason, Verdict};

use crate::finding::{Act, Sample};

fn alert(sample: &Sample) -> Alert {
    Alert::about(&sample.finding(), &AlertSettings::default()).unwrap()
}

fn thread(alert: &Alert) -> String {
    let form = chat(alert);
    let thread = form.pointer("/metadata/threadId").unwrap();
    thread.as_str().unwrap().to_owned()
}

#[test]
fn what_becomes_of_one_incident_stays_in_its_thread() {
    let held = Sample {
        outcome: Outcome::Held,
        ..Sample::default()
    };
    let blocked = Sample {
        outcome: Outcome::Blocked {
            why: Why::AccessDenied,
        },
        ..Sample::default()
    };
    let first = thread(&alert(&Sample::default()));
    assert_eq!(first, "personal_data-customer-uploads-2026-03-03");
    assert_eq!(thread(&alert(&held)), first);
    assert_eq!(thread(&alert(&blocked)), first);
    let mut burst = alert(&Sample {
        sequencer: 2,
        ..Sample::default()
    });
    burst.merge(alert(&Sample {
        sequencer: 3,
        ..Sample::default()
    }));
    assert_eq!(thread(&burst), first);
}

fn id(alert: &Alert) -> String {
    let form = chat(alert);
    let id = form.get("id").unwrap();
    id.as_str().unwrap().to_owned()
}

#[test]
fn each_message_has_an_id_of_its_own_and_keeps_it() {
    let settings = AlertSettings::default();
    let (first, second) = ("2026-03-03T14:05:09Z", "2026-03-03T14:05:10Z");
    let paused =
        |time: &str| Alert::paused(Stopped::Uploads, "gone", time.parse().unwrap(), &settings);
    assert_eq!(id(&paused(first)), "paused-service-1-1772546709");
    assert_ne!(id(&paused(first)), id(&paused(second)));
    let digest = |time: &str| {
        let from: Timestamp = time.parse().unwrap();
        let digest = Digest {
            from,
            until: from + Duration::from_secs(60),
            tasks: 1,
            tally: Tally::default(),
        };
        Alert::digest(digest, &settings)
    };
    assert_ne!(id(&digest(first)), id(&digest(second)));
    let act = |level| {
        let act = Act {
            level,
            ..Act::default()
        };
        Alert::about(&act.finding(), &settings).unwrap()
    };
    let (medium, high) = (act(Threat::Medium), act(Threat::High));
    assert_eq!(medium.finding_id, high.finding_id);
    assert_ne!(id(&medium), id(&high));
    assert_eq!(thread(&medium), thread(&high));
    assert_eq!(id(&high), id(&act(Threat::High)));
}

#[test]
fn different_incidents_have_different_threads() {
    let first = thread(&alert(&Sample::default()));
    let elsewhere = Sample {
        bucket: "scans",
        ..Sample::default()
    };
    assert_ne!(thread(&alert(&elsewhere)), first);
    let unsure = Sample {
        verdict: Verdict::Undecided {
            reason: UndecidedReason::Refused,
        },
        ..Sample::default()
    };
    assert_ne!(thread(&alert(&unsure)), first);
    let mut later = alert(&Sample::default());
    later.happened_at = Some("2026-03-04T00:00:00Z".parse().unwrap());
    assert_ne!(thread(&later), first);
    let act = |id| {
        let act = Act {
            id,
            ..Act::default()
        };
        Alert::about(&act.finding(), &AlertSettings::default()).unwrap()
    };
    assert_ne!(thread(&act("1")), thread(&act("2")));
    assert_eq!(thread(&act("1")), thread(&act("1")));
}

#[test]
fn what_a_stranger_writes_stays_text() {
    let sample = Sample {
        key: "*bold* _it_ <!channel> <@U1> @here [x](http://evil.example) `code` &lt;a|b>.png",
        uploader: Some("<http://evil.example|click> @channel"),
        ..Sample::default()
    };
    let form = chat(&alert(&sample));
    let description = form["content"]["description"].as_str().unwrap();
    let file = description
        .lines()
        .find(|line| line.starts_with("File: "))
        .unwrap();
    let spans: Vec<_> = file.split('`').collect();
    assert_eq!(spans.len(), 3, "one code span: {file}");
    assert!(spans[1].starts_with("*bold* _it_"), "{file}");
    let steps = form["content"]["nextSteps"].as_array().unwrap();
    let command = steps.last().and_then(|step| step.as_str()).unwrap();
    assert!(
        command.starts_with("Full history: `s3-warden explain "),
        "{command}"
    );
    let text = form.to_string();
    for mark in ["<", ">", "@", "&"] {
        assert!(!text.contains(mark), "{mark}: {text}");
    }
}
