//! What the rules on security events are about, against the patterns that the templates make.

use std::collections::BTreeMap;

use s3_warden::maintenance::doctor::unseen;
use s3_warden::verdict::threat::Rules;
use serde_json::json;

use super::yaml::{Given, template};

/// The patterns of a template's rules.
fn patterns(path: &str) -> Vec<String> {
    let values = [
        ("AWS::AccountId", json!("111122223333")),
        ("HomeRegion", json!("eu-west-1")),
        ("GuardedBuckets", json!("pictures")),
        ("UnwatchedBuckets", json!("records")),
        ("RecordsBucketName", json!("records")),
        ("QuarantineBucketName", json!("vault")),
        ("TrailBuckets", json!("trails")),
        ("CloudTrailUploadBuckets", json!("drops")),
        ("MalwareScanBuckets", json!("pictures")),
    ];
    let given = Given {
        values: BTreeMap::from(values),
        ..Given::default()
    };
    let template = template(path);
    let resources = template["Resources"].as_object().unwrap().values();
    let rules = resources.filter(|it| it["Type"] == "AWS::Events::Rule");
    rules
        .map(|rule| {
            given
                .worked_out(&rule["Properties"]["EventPattern"])
                .to_string()
        })
        .collect()
}

#[test]
fn every_rule_on_security_events_gets_its_events() {
    let watched = Rules::builtin().watched();
    let unseen = |patterns: &[String]| {
        let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
        unseen(&patterns, &watched)
    };
    let all = patterns("deploy/events.yaml");
    assert_eq!(unseen(&all), [""; 0]);
    // One that brings the calls of buckets is missed.
    let fewer: Vec<_> = all
        .iter()
        .filter(|it| !it.contains("PutBucketPolicy"))
        .cloned()
        .collect();
    assert!(fewer.len() < all.len());
    let missed = unseen(&fewer);
    assert!(
        missed.iter().any(|it| it.starts_with("public_policy (")),
        "{missed:?}"
    );
}

#[test]
fn events_without_a_region_are_passed_on_for_every_rule_about_them() {
    let patterns = patterns("deploy/events-global.yaml");
    let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
    let watched = Rules::builtin().watched();
    let global = ["iam.amazonaws.com", "signin.amazonaws.com"];
    let is_global = |source: &String| global.contains(&source.as_str());
    let watched: Vec<_> = watched
        .iter()
        .filter(|it| it.sources.iter().all(is_global))
        .collect();
    assert!(watched.len() > 5, "{watched:?}");
    assert_eq!(unseen(&patterns, watched), [""; 0]);
}
