//! The JSON of alerts is a contract with programs: its schema is a file in the tree.

use s3_warden::action::{Action, Outcome, Tell};
use s3_warden::alert::{Alert, AlertSettings, chat};
use s3_warden::object::Format;
use s3_warden::verdict::{UnreadableReason, Verdict};

use crate::finding::Sample;

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/alert.schema.json");

const CHAT_SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/chat/custom-notification.schema.json"
);

/// What subscribers of the workflow before this product read. `true` says that it is never null.
const OLD_FIELDS: [(&str, bool); 7] = [
    ("event_title", true),
    ("summarize", true),
    ("threat_level", true),
    ("s3_bucket", false),
    ("s3_key", false),
    ("is_image_upload", true),
    ("media_type", false),
];

/// Whether an alert is as the schema in the tree says, has the fields of the old workflow, and has
/// a form for chats.
#[track_caller]
pub(crate) fn check(alert: &Alert) {
    let json = serde_json::to_value(alert).unwrap();
    validate(SCHEMA, &json);
    for (field, filled) in OLD_FIELDS {
        let value = json
            .get(field)
            .unwrap_or_else(|| panic!("{field} is missing: {json:#}"));
        assert!(!filled || !value.is_null(), "{field}: {json:#}");
        assert_ne!(value, "", "{field}: {json:#}");
    }
    assert_eq!(&serde_json::from_value::<Alert>(json).unwrap(), alert);
    validate(CHAT_SCHEMA, &chat(alert));
}

#[track_caller]
fn validate(schema: &str, json: &serde_json::Value) {
    let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    if let Err(error) = jsonschema::validate(&schema, json) {
        panic!("{error}: {json:#}");
    }
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
