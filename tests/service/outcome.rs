//! What must hold when a service has drained: exactly what was flagged is gone, all of it was told,
//! the records say so, and nothing is left open.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ground::Ground;
use super::objects::{Fate, Listed, Put};
use super::until::until;

/// The fields of the workflow that the product replaces.
const LEGACY: [&str; 7] = [
    "event_title",
    "summarize",
    "threat_level",
    "s3_bucket",
    "s3_key",
    "is_image_upload",
    "media_type",
];

/// What filter policies of subscribers go by.
const ATTRIBUTES: [&str; 4] = ["kind", "threat_level", "bucket", "action"];

/// Checks everything that these uploads, and the delete markers of users, have led to.
pub(crate) async fn check(ground: &Ground, puts: &[Put], markers: &BTreeSet<Listed>) {
    let left = puts.iter().filter(|put| put.fate != Fate::Removed);
    let left: BTreeSet<_> = left.map(Put::listed).collect();
    let left: BTreeSet<_> = left.union(markers).cloned().collect();
    let found = ground.inventory().await;
    let lost: Vec<_> = left.difference(&found).collect();
    assert!(lost.is_empty(), "these had to stay: {lost:#?}");
    let kept: Vec<_> = found.difference(&left).collect();
    assert!(kept.is_empty(), "these had to go: {kept:#?}");

    let findings = ground.findings().await;
    let announced = ground.announced().await;
    let mut expected = BTreeSet::new();
    for put in puts {
        let about = findings.iter().filter(|finding| put.is_subject_of(finding));
        for finding in about {
            assert_eq!(finding["state"], "announced", "{finding:#}");
            if put.fate != Fate::Left {
                expected.insert(id(finding));
            }
        }
    }
    for put in puts.iter().filter(|put| put.fate == Fate::Removed) {
        let judged = findings.iter().any(|finding| put.is_subject_of(finding));
        // Deleted by its user before it was read.
        let unseen = put.key == "short-lived.png";
        assert_eq!(judged, !unseen, "{put:?} has a finding");
    }
    for put in puts.iter().filter(|put| put.fate == Fate::Told) {
        assert!(
            findings
                .iter()
                .any(|finding| put.is_subject_of(finding) || is_unread(put, finding)),
            "{put:?} has a finding"
        );
    }
    let unread = puts.iter().filter(|put| put.fate == Fate::Told);
    for put in unread {
        let about = findings.iter().filter(|finding| is_unread(put, finding));
        expected.extend(about.map(id));
    }
    assert_eq!(announced, expected, "all of it is told, and nothing else");
    tidy(ground).await;
}

/// What must hold on any ground when all is done.
pub(crate) async fn tidy(ground: &Ground) {
    let open = ground.keys(&ground.records, "pending/").await;
    assert!(open.is_empty(), "nothing is left open: {open:?}");
    assert_eq!(ground.backlog().await, (0, 0));
    let dead = ground.dead_letters().await;
    assert!(dead.is_empty(), "nothing good is parked: {dead:#?}");
    for alert in ground.alerts().await {
        well_formed(&alert);
    }
}

/// That an alert can be read by who read those of the old workflow, and filtered.
fn well_formed(alert: &Value) {
    for field in LEGACY {
        assert!(alert.get(field).is_some(), "{field} is missing: {alert:#}");
    }
    // What is about the service itself is about no bucket and no action.
    let names = match alert["kind"].as_str() {
        Some("paused" | "breaker_open") => &ATTRIBUTES[..2],
        _ => &ATTRIBUTES[..],
    };
    for name in names {
        let value = &alert["attributes"][*name]["StringValue"];
        assert!(value.is_string(), "{name} is no attribute of {alert:#}");
    }
    assert!(
        alert["event_title"]
            .as_str()
            .is_some_and(|title| !title.is_empty())
    );
}

/// Waits until an upload is told.
pub(crate) async fn told(ground: &Ground, put: &Put) -> Value {
    until(&format!("{} is told", put.key), async || {
        let findings = ground.findings().await;
        let finding = findings
            .iter()
            .find(|finding| put.is_subject_of(finding) || is_unread(put, finding));
        match finding {
            Some(finding) if finding["state"] == "announced" => Ok(finding.clone()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}

/// Whether a finding is about an upload that nobody has read: it has no pin.
fn is_unread(put: &Put, finding: &Value) -> bool {
    let subject = &finding["subject"];
    subject["object"].is_null()
        && subject["bucket"] == put.bucket.as_str()
        && subject["key"] == put.key.as_str()
}

/// The id of a finding.
pub(crate) fn id(finding: &Value) -> String {
    finding["id"].as_str().unwrap().to_owned()
}
