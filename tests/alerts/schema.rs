//! The JSON of alerts is a contract with programs: its schema is a file in the tree.

use s3_warden::action::{Action, Outcome, Tell};
use s3_warden::alert::{Alert, AlertSettings, MAX_FINDING_IDS};
use s3_warden::object::Format;
use s3_warden::verdict::{Category, Confidence, UnreadableReason, Verdict};

use crate::finding::{Sample, flagged};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/alert.schema.json");

/// Whether an alert is as the schema in the tree says.
#[track_caller]
pub(crate) fn check(alert: &Alert) {
    let schema = serde_json::from_str(&std::fs::read_to_string(SCHEMA).unwrap()).unwrap();
    let json = serde_json::to_value(alert).unwrap();
    if let Err(error) = jsonschema::validate(&schema, &json) {
        panic!("{error}: {json:#}");
    }
    assert_eq!(&serde_json::from_value::<Alert>(json).unwrap(), alert);
}

#[test]
fn the_schema_in_the_tree_is_current() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Alert)).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(SCHEMA, &schema).unwrap();
    }
    let stored = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert_eq!(schema, stored, "run with UPDATE_GOLDEN=1");
}

#[test]
fn the_fields_of_the_old_workflow_are_there() {
    let settings = AlertSettings::default();
    let alert = Alert::about(&Sample::default().finding(), &settings).unwrap();
    let json = serde_json::to_value(alert).unwrap();
    let strings = [
        "event_title",
        "summarize",
        "threat_level",
        "s3_bucket",
        "s3_key",
        "media_type",
    ];
    for field in strings {
        assert!(json[field].is_string(), "{field}: {json:#}");
    }
    assert_eq!(json["is_image_upload"], true);
    assert_eq!(json["threat_level"], "high");
}

#[test]
fn only_what_is_to_be_told_becomes_an_alert() {
    #[track_caller]
    fn check(sample: &Sample, told: bool) {
        let alert = Alert::about(&sample.finding(), &AlertSettings::default());
        assert_eq!(alert.is_some(), told);
    }
    for gone in [Verdict::Clean, Verdict::Missing, Verdict::Superseded] {
        let sample = Sample {
            verdict: gone,
            action: Action::Keep,
            tell: Tell::Remember,
            outcome: Outcome::Kept,
            ..Sample::default()
        };
        check(&sample, false);
    }
    let unreadable = |action, tell, outcome| Sample {
        verdict: Verdict::Unreadable {
            reason: UnreadableReason::Unsupported(Format::Pdf),
        },
        action,
        tell,
        outcome,
        ..Sample::default()
    };
    check(
        &unreadable(Action::Keep, Tell::Remember, Outcome::Kept),
        false,
    );
    check(&unreadable(Action::Keep, Tell::Now, Outcome::Kept), true);
    // Whatever the decision says: what leaves its place is told.
    let moved = unreadable(Action::Quarantine, Tell::Remember, Outcome::Quarantined);
    check(&moved, true);
    let mut intent = Sample::default().finding();
    intent.outcome = None;
    assert!(Alert::about(&intent, &AlertSettings::default()).is_none());
}

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
    for sequencer in 2..=150 {
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
    assert_eq!(merged.count, 150);
    assert_eq!(merged.finding_ids.len(), MAX_FINDING_IDS);
    assert_eq!(merged.threat_level.as_str(), "high");
    assert_eq!(merged.confidence, Some(Confidence::High));
    assert!(merged.categories.contains(&Category::Face));
    assert!(merged.categories.contains(&Category::Passport));
    let counts: Vec<_> = merged.outcomes.iter().map(|part| part.count).collect();
    assert_eq!(counts, [1, 149]);
    assert_eq!(
        merged.happened_at.unwrap().to_string(),
        "2026-03-01T00:00:00Z"
    );
}
