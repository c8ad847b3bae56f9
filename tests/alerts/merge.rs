//! Many alerts in one: what it says of all of them.

use s3_warden::action::{Action, Outcome};
use s3_warden::alert::{Alert, AlertSettings, Digest, MAX_EVENTS, MAX_FINDING_IDS, Tally};
use s3_warden::verdict::{Category, Confidence, Threat};

use crate::finding::{Act, Sample, flagged};
use crate::schema::check;

#[test]
fn a_merged_alert_speaks_of_all() {
    let settings = AlertSettings::default();
    let alert = |sample: Sample| Alert::about(&sample.finding(), &settings).unwrap();
    let mut merged = alert(Sample {
        verdict: flagged(&[Category::Face], Confidence::Low),
        action: Action::Tag,
        outcome: Outcome::Tagged,
        ..Sample::default()
    });
    let (first, key) = (merged.finding_id.clone(), merged.s3_key.clone());
    for sequencer in 2..=1_500 {
        let mut other = alert(Sample {
            sequencer,
            key: "other.png",
            ..Sample::default()
        });
        other.happened_at = Some("2026-03-01T00:00:00Z".parse().unwrap());
        merged.merge(other);
    }
    check(&merged);
    assert_eq!((merged.finding_id, merged.s3_key), (first, key));
    assert_eq!(merged.count, 1_500);
    assert_eq!(merged.finding_ids.len(), MAX_FINDING_IDS);
    assert_eq!(merged.threat_level.as_str(), "high");
    assert_eq!(merged.confidence, Some(Confidence::High));
    assert!(merged.categories.contains(&Category::Face));
    assert!(merged.categories.contains(&Category::Passport));
    let counts: Vec<_> = merged.outcomes.iter().map(|part| part.count).collect();
    assert_eq!(counts, [1, 1_499]);
    assert_eq!(
        merged.happened_at.unwrap().to_string(),
        "2026-03-01T00:00:00Z"
    );
    let query = merged.findings_query.unwrap();
    assert_eq!(query.bucket.as_deref(), Some("customer-uploads"));
    assert_eq!(query.from.to_string(), "2026-03-01T00:00:00Z");
    assert_eq!(query.until.to_string(), "2026-03-03T14:05:09Z");
}

#[test]
fn merged_activities_show_the_gravest_whatever_the_order() {
    let settings = AlertSettings::default();
    let act = |id, rule, level, title| {
        let act = Act {
            id,
            rule,
            level,
            title: [title, title],
            ..Act::default()
        };
        Alert::about(&act.finding(), &settings).unwrap()
    };
    let alerts = [
        act("1", "policy", Threat::Medium, "Policy changed"),
        act("2", "acl", Threat::Critical, "Opened"),
        act("3", "policy", Threat::High, "Policy changed"),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut picked = order.into_iter().map(|place: usize| alerts[place].clone());
        let mut merged = picked.next().unwrap();
        picked.for_each(|alert| merged.merge(alert));
        check(&merged);
        assert_eq!(merged.count, 3);
        assert_eq!(merged.threat_level, Threat::Critical);
        assert_eq!(merged.finding_id, alerts[1].finding_id);
        assert_eq!(merged.event, alerts[1].event);
        assert_eq!(merged.finding_ids.len(), 3);
        let rules: Vec<_> = merged
            .events
            .iter()
            .map(|event| (event.rule.as_str(), event.threat_level, event.count))
            .collect();
        assert_eq!(
            rules,
            [("acl", Threat::Critical, 1), ("policy", Threat::High, 2)]
        );
        assert!(
            merged.subject.starts_with("Opened, and 2 more events"),
            "{}",
            merged.subject
        );
    }
}

#[test]
fn however_many_rules_an_alert_stays_a_message() {
    let settings = AlertSettings::default();
    let act = |number: usize| {
        let mut alert = Alert::about(&Act::default().finding(), &settings).unwrap();
        alert.events[0].rule = format!("rule {number}");
        alert
    };
    let mut merged = act(0);
    for number in 1..100 {
        merged.merge(act(number));
    }
    assert_eq!(merged.events.len(), MAX_EVENTS);
    assert_eq!(merged.count, 100);
}

#[test]
fn digests_that_met_are_added_up() {
    let digest = |from: &str, until: &str, flagged| Digest {
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        tasks: 4,
        tally: Tally {
            verdicts: [("flagged".to_owned(), flagged), ("clean".to_owned(), 10)].into(),
            cost_usd: 0.5,
            ..Tally::default()
        },
    };
    let settings = AlertSettings::default();
    let (first, second, third) = (
        "2026-03-01T00:00:00Z",
        "2026-03-02T00:00:00Z",
        "2026-03-03T00:00:00Z",
    );
    let mut merged = Alert::digest(digest(second, third, 2), &settings);
    merged.merge(Alert::digest(digest(first, second, 3), &settings));
    check(&merged);
    assert_eq!(
        merged.subject,
        "s3-warden digest: 25 files checked, 5 with personal data"
    );
    let digest = merged.digest.unwrap();
    assert_eq!(
        (digest.from.to_string(), digest.until.to_string()),
        (first.to_owned(), third.to_owned())
    );
    assert_eq!(digest.tally.cost_usd, 1.0);
}

#[test]
fn the_first_uploader_is_not_everybodys() {
    let settings = AlertSettings::default();
    let alert = |sequencer, uploader| {
        let sample = Sample {
            sequencer,
            uploader,
            ..Sample::default()
        };
        Alert::about(&sample.finding(), &settings).unwrap()
    };
    let (one, other) = (Some("AWS:AIDAONE"), Some("AWS:AIDAOTHER"));
    for (uploaders, same) in [
        ([one, one, one], true),
        ([None, None, None], true),
        ([one, one, other], false),
        ([one, other, one], false),
        ([one, None, one], false),
        ([None, other, None], false),
    ] {
        let mut alerts = uploaders.into_iter().zip(1..).map(|(uploader, number)| {
            let mut alert = alert(number, uploader);
            // Of the same address, but where nobody is known.
            alert.uploader_ip = Some("203.0.113.7".to_owned());
            alert
        });
        let mut merged = alerts.next().unwrap();
        alerts.for_each(|alert| merged.merge(alert));
        check(&merged);
        assert_eq!(merged.several_uploaders, !same, "{uploaders:?}");
        let named = uploaders[0].filter(|_| same);
        assert_eq!(merged.uploader.as_deref(), named);
        assert_eq!(merged.uploader_ip.as_deref(), Some("203.0.113.7"));
        assert!(!merged.several_ips);
    }
}
