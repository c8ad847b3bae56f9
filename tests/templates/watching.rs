//! What the dashboard and its alarms read: fields that the log has, metrics that filters make, and
//! sections of the runbook that exist.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::text;
use super::yaml::{self, template};

/// The metrics that the filters make of the log, by name: the field that each reads.
fn filtered(dashboard: &Value) -> BTreeMap<String, String> {
    let resources = dashboard["Resources"].as_object().unwrap().values();
    let filters = resources.filter(|it| it["Type"] == "AWS::Logs::MetricFilter");
    filters
        .map(|filter| {
            let properties = &filter["Properties"];
            let made = properties["MetricTransformations"].as_array().unwrap();
            assert_eq!(made.len(), 1, "one metric for each filter");
            let field = yaml::text(&made[0]["MetricValue"]);
            let field = field
                .strip_prefix("$.")
                .expect("a field of the line")
                .to_owned();
            // A field is only there for the value where the pattern names it.
            assert_eq!(
                properties["FilterPattern"],
                format!("{{ ($.message = \"vitals\") && ($.{field} >= 0) }}")
            );
            assert!(
                made[0]["DefaultValue"].is_null(),
                "{field}: silence would look like life"
            );
            (yaml::text(&made[0]["MetricName"]), field)
        })
        .collect()
}

/// Every alarm by its name.
fn alarms(dashboard: &Value) -> Vec<(&String, &Value)> {
    let resources = dashboard["Resources"].as_object().unwrap().iter();
    let alarms = resources.filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm");
    alarms.map(|(name, it)| (name, &it["Properties"])).collect()
}

/// Every object inside a value.
fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(entries) => {
            found.push(value);
            entries.values().for_each(|it| objects(it, found));
        }
        Value::Array(entries) => entries.iter().for_each(|it| objects(it, found)),
        _ => {}
    }
}

#[test]
fn filters_read_fields_that_the_service_writes() {
    let filtered = filtered(&template("deploy/dashboard.yaml"));
    let vocabulary = text("src/telemetry/vocabulary.rs");
    for field in filtered.values() {
        assert!(
            vocabulary.contains(&format!("&str = \"{field}\";")),
            "no log line has a field {field}"
        );
    }
    assert_eq!(filtered.len(), 8);
}

#[test]
fn alarms_read_metrics_that_filters_make() {
    let dashboard = template("deploy/dashboard.yaml");
    let filtered = filtered(&dashboard);
    let mut seen = BTreeSet::new();
    for (name, alarm) in alarms(&dashboard) {
        let mut all = Vec::new();
        objects(alarm, &mut all);
        for metric in all {
            let (Some(namespace), Some(metric)) =
                (metric.get("Namespace"), metric.get("MetricName"))
            else {
                continue;
            };
            let metric = yaml::text(metric);
            if namespace["Fn::Sub"] == "s3-warden/${ServiceStack}" {
                assert!(filtered.contains_key(&metric), "{name}: {metric}");
                seen.insert(metric);
            } else {
                let namespace = yaml::text(namespace);
                assert!(
                    ["AWS/SQS", "ECS/ContainerInsights"].contains(&namespace.as_str()),
                    "{name}: {namespace}"
                );
            }
        }
    }
    for metric in [
        "OldestOpen",
        "BreakerOpen",
        "Paused",
        "Halted",
        "SinceLastPoll",
        "BudgetSpent",
    ] {
        assert!(seen.contains(metric), "no alarm looks at {metric}");
    }
}

/// What a start that hangs does not know is not on the line: an expression that asks for it has to have
/// something in its place, or it says nothing at all.
#[test]
fn an_expression_fills_what_may_not_be_known() {
    let dashboard = template("deploy/dashboard.yaml");
    let alarms: BTreeMap<_, _> = alarms(&dashboard).into_iter().collect();
    let mut all = Vec::new();
    objects(alarms[&"NobodyPolls".to_owned()], &mut all);
    let expressions = all.iter().filter_map(|it| it.get("Expression"));
    let expressions: Vec<_> = expressions.map(yaml::text).collect();
    for name in ["paused", "halted", "spent"] {
        let filled = expressions[0].replace(&format!("FILL({name}, 0)"), "");
        assert!(!filled.contains(name), "{name}: {expressions:?}");
        assert_ne!(filled, expressions[0], "{name}");
    }
    // Of these, silence is no good news: the last word stands.
    for name in ["BreakerIsOpen", "ServiceIsPaused", "ServiceIsHalted"] {
        let alarm = alarms[&name.to_owned()];
        assert_eq!(alarm["TreatMissingData"], "ignore", "{name}");
        assert!(alarm["Metrics"].is_null(), "{name}");
    }
}

/// The anchor of a heading, as it is made on the pages that show the runbook.
fn anchor(heading: &str) -> String {
    let lower = heading.trim().to_lowercase().replace(' ', "-");
    let kept = lower
        .chars()
        .filter(|c| c.is_alphanumeric() || "-_".contains(*c));
    kept.collect()
}

#[test]
fn every_alarm_names_its_section_and_every_section_has_an_alarm() {
    let templates = ["deploy/dashboard.yaml", "deploy/events-global.yaml"].map(template);
    let runbook = text("deploy/RUNBOOK.md");
    let (_, rest) = runbook
        .split_once("\n## Alarms\n")
        .expect("a part on alarms");
    let part = rest.split("\n## ").next().unwrap();
    let sections = part.lines().filter_map(|line| line.strip_prefix("### "));
    let sections: BTreeSet<_> = sections.map(anchor).collect();
    let mut named = BTreeSet::new();
    for (name, alarm) in templates.iter().flat_map(alarms) {
        let description = yaml::text(&alarm["AlarmDescription"]["Fn::Sub"]);
        let (_, section) = description
            .split_once("${Runbook}#")
            .unwrap_or_else(|| panic!("{name} does not say what to do"));
        assert!(sections.contains(section), "{name}: no section {section}");
        // Who is told what ended as well can sleep.
        for told in ["AlarmActions", "OKActions"] {
            assert!(alarm[told].is_array(), "{name} has no {told}");
        }
        named.insert(section.to_owned());
    }
    assert_eq!(named, sections);
}

#[test]
fn the_dashboard_is_json_and_shows_every_alarm() {
    let dashboard = template("deploy/dashboard.yaml");
    let body = &dashboard["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"];
    // The one number among the values that are put in.
    let filled = yaml::text(&body[0]).replace("${WaitSeconds}", "900");
    let shown: Value = serde_json::from_str(&filled).unwrap();
    let widgets = shown["widgets"].as_array().unwrap();
    let alarms_shown = widgets.iter().find(|it| it["type"] == "alarm").unwrap();
    let alarms_shown = &alarms_shown["properties"]["alarms"];
    let mut expected: Vec<_> = alarms(&dashboard)
        .into_iter()
        .map(|(name, _)| format!("${{{name}.Arn}}"))
        .collect();
    let mut alarms_shown = yaml::words(alarms_shown);
    expected.sort();
    alarms_shown.sort();
    assert_eq!(alarms_shown, expected);
    let filtered = filtered(&dashboard);
    for metric in widgets
        .iter()
        .flat_map(|it| it["properties"]["metrics"].as_array())
        .flatten()
    {
        if metric[0] == "${Namespace}" {
            let metric = yaml::text(&metric[1]);
            assert!(filtered.contains_key(&metric), "nothing makes {metric}");
        }
    }
}
