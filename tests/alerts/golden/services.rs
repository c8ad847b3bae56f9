//! The mails about the service itself, and its digests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use s3_warden::alert::{Alert, Digest, Slow, Stopped, Tally};

use super::{check, check_with_chat};

const NOW: &str = "2026-03-03T14:05:09Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

#[test]
fn it_has_paused() {
    let why = "the queue refuses us: access denied; give the role sqs:ReceiveMessage";
    check_with_chat("paused", |settings| {
        Alert::paused(Stopped::Uploads, why, at(NOW), settings)
    });
    check("paused_events", |settings| {
        Alert::paused(Stopped::Events, why, at(NOW), settings)
    });
    check("paused_both", |settings| {
        Alert::paused(Stopped::Both, why, at(NOW), settings)
    });
    check("paused_merged", |settings| {
        let mut merged = Alert::paused(Stopped::Events, why, at(NOW), settings);
        let other = "the model refuses us; request access to it";
        merged.merge(Alert::paused(Stopped::Uploads, other, at(NOW), settings));
        merged
    });
}

#[test]
fn its_breaker_has_opened() {
    check("breaker_open", |settings| {
        Alert::breaker_open(100, at(NOW), settings)
    });
    check("breaker_open_at_one", |settings| {
        Alert::breaker_open(1, at(NOW), settings)
    });
}

#[test]
fn its_money_is_spent() {
    let midnight = at("2026-03-04T00:00:00Z");
    check("budget_spent", |settings| {
        Alert::budget_spent((Some(12.5), true), midnight, at(NOW), settings)
    });
    check("budget_spent_unknown", |settings| {
        Alert::budget_spent((None, false), midnight, at(NOW), settings)
    });
}

#[test]
fn it_can_tell_again() {
    check("recovered", |settings| {
        Alert::recovered(at("2026-03-03T12:00:00Z"), 37, at(NOW), settings)
    });
    check("recovered_soon", |settings| {
        Alert::recovered(at("2026-03-03T14:05:08Z"), 1, at(NOW), settings)
    });
    check("recovered_late", |settings| {
        Alert::recovered(at("2026-03-01T12:00:00Z"), 2_000, at(NOW), settings)
    });
}

fn counts(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

fn digest(tasks: u64, tally: Tally) -> Digest {
    Digest {
        from: at("2026-03-02T00:00:00Z"),
        until: at("2026-03-03T00:00:00Z"),
        tasks,
        tally,
    }
}

#[test]
fn a_busy_day() {
    let slow = |key: &str, millis| Slow {
        bucket: "customer-uploads".to_owned(),
        key: key.to_owned(),
        millis,
    };
    let mut buckets = counts(&[("customer-uploads", 1_320), ("scans", 40), ("*", 17)]);
    for number in 1..=11 {
        buckets.insert(format!("team-{number:02}"), number);
    }
    let busy = digest(
        4,
        Tally {
            verdicts: counts(&[
                ("clean", 118_204),
                ("flagged", 1_337),
                ("undecided", 42),
                ("unreadable", 64),
                ("a_newer_word", 2),
            ]),
            outcomes: counts(&[
                ("deleted", 1_201),
                ("quarantined", 80),
                ("blocked", 1),
                ("held", 25),
                ("tagged", 72),
                ("kept", 118_271),
                ("already_gone", 4),
            ]),
            levels: counts(&[
                ("low", 51),
                ("medium", 300),
                ("high", 1_100),
                ("critical", 6),
            ]),
            buckets,
            activities: counts(&[("bucket_policy", 12), ("guardduty", 2), ("root_use", 1)]),
            cost_usd: 41.237_91,
            slowest: vec![
                slow("scans/2026/오래 걸리는 문서.tiff", 118_432),
                slow("forms/huge.png", 9_050),
                slow("a.jpg", 812),
            ],
        },
    );
    check_with_chat("digest_busy", |settings| {
        Alert::digest(busy.clone(), settings)
    });
}

#[test]
fn one_thing_on_a_quiet_day() {
    let one = digest(
        1,
        Tally {
            verdicts: counts(&[("flagged", 1)]),
            outcomes: counts(&[("observed", 1)]),
            levels: counts(&[("low", 1)]),
            buckets: counts(&[("scans", 1)]),
            cost_usd: 0.001_234_5,
            ..Tally::default()
        },
    );
    check("digest_one", |settings| {
        Alert::digest(one.clone(), settings)
    });
    let tagged = digest(
        1,
        Tally {
            verdicts: counts(&[("flagged", 3), ("clean", 5)]),
            outcomes: counts(&[("tagged", 1), ("kept", 6), ("deleted", 1)]),
            levels: counts(&[("low", 2), ("high", 1)]),
            ..Tally::default()
        },
    );
    check("digest_tagged", |settings| {
        Alert::digest(tagged.clone(), settings)
    });
    let clean = digest(
        1,
        Tally {
            verdicts: counts(&[("clean", 2)]),
            outcomes: counts(&[("kept", 2)]),
            ..Tally::default()
        },
    );
    check("digest_clean", |settings| {
        Alert::digest(clean.clone(), settings)
    });
    let event = digest(
        1,
        Tally {
            activities: counts(&[("root_use", 1)]),
            levels: counts(&[("high", 1)]),
            ..Tally::default()
        },
    );
    check("digest_event", |settings| {
        Alert::digest(event.clone(), settings)
    });
}
