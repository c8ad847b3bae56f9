//! The metric filters of the templates in `deploy` against the line that they read: every field of it
//! becomes a metric, and no filter waits for a field that nobody writes.

use std::collections::BTreeSet;

use s3_warden::telemetry::vocabulary::{VITALS, VITALS_FIELDS};

use crate::source;

/// The fields of log lines (`$.name`) that a template names, that of the message apart.
fn fields(template: &str) -> BTreeSet<&str> {
    let names = template.split("$.").skip(1).map(|rest| {
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    });
    names.filter(|name| *name != "message").collect()
}

#[test]
fn metric_filters_read_what_is_written() {
    let templates = source::files("deploy").into_iter();
    let templates: Vec<_> = templates
        .filter(|path| path.ends_with(".yaml"))
        .map(|path| std::fs::read_to_string(source::root().join(path)).unwrap())
        .collect();
    let line = format!("$.message = \"{VITALS}\"");
    let filters = templates.iter().filter(|template| template.contains(&line));
    let read: BTreeSet<_> = filters.flat_map(|template| fields(template)).collect();
    // A tree without templates has no filters either.
    if !templates.is_empty() {
        assert_eq!(read, BTreeSet::from(VITALS_FIELDS));
    }
}

#[test]
fn fields_of_a_template_are_found() {
    let template = "FilterPattern: '{ ($.message = \"vitals\") && ($.paused = *) }'\n\
                    MetricValue: $.paused\nMetricValue: $.open_findings";
    assert_eq!(
        fields(template),
        BTreeSet::from(["open_findings", "paused"])
    );
}
