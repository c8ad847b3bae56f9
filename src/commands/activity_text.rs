//! The lineage of one activity in rows: who did what where, by which rule it was told, what a model
//! added. What the record says is data from outside and escaped.

use super::explain::{alert, mode, moment};
use super::{Ink, Out, shown};
use crate::record::{ActivityCase, Finding};

/// Writes it.
pub(super) fn tell(out: &mut Out, finding: &Finding, case: &ActivityCase) -> std::io::Result<()> {
    let ActivityCase {
        activity,
        assessment,
    } = case;
    let floor = &assessment.floor;
    let title = match &activity.bucket {
        Some(bucket) => format!("{} in {bucket}", floor.title.en),
        None => floor.title.en.clone(),
    };
    out.line(out.paint(Ink::Strong, &title))?;
    let mut row = |name: &str, text: String| out.line(format!("  {name:<10} {text}"));
    row(
        "finding",
        format!("{} (revision {})", finding.id, finding.revision),
    )?;
    let failed = activity.error.as_deref().map(shown);
    row(
        "event",
        format!(
            "{} of {} at {}{}",
            shown(&activity.name),
            shown(&activity.source),
            moment(finding.times.happened_at),
            failed
                .map(|why| format!(", failed: {why}"))
                .unwrap_or_default()
        ),
    )?;
    let said = |text: &Option<String>| text.as_deref().map_or("not said".to_owned(), shown);
    row(
        "who",
        format!("{}, from {}", said(&activity.actor), said(&activity.ip)),
    )?;
    row(
        "where",
        format!(
            "account {}, region {}",
            said(&activity.account),
            said(&activity.region)
        ),
    )?;
    if let Some(key) = &activity.key {
        row("object", shown(key.as_str()))?;
    }
    for (name, text) in &floor.details {
        row("detail", format!("{} = {}", shown(name), shown(text)))?;
    }
    row(
        "rule",
        format!(
            "{} of rules {}, in mode {}: at least {}",
            shown(&floor.rule),
            finding.decision.policy,
            mode(finding),
            floor.level
        ),
    )?;
    let by = match (&assessment.judge, assessment.unassessed) {
        (Some(judge), _) => format!("{} {}", shown(&judge.name), judge.version),
        (None, Some(why)) => format!("only the rules ({})", why.code()),
        (None, None) => "only the rules".to_owned(),
    };
    row("level", format!("{}, by {by}", assessment.threat))?;
    if let Some(note) = &assessment.summary {
        row(
            "model note",
            format!("{} (not checked by anybody)", shown(note)),
        )?;
    }
    row("next step", floor.next_step.en.clone())?;
    row("alert", alert(finding))
}
