//! Pages for tests, written as rows of text.

use super::{Bounds, Kind, Strength, TextLine, recognise};

/// Rows from top to bottom; `|` cuts a row into boxes of table columns.
pub(super) fn page(rows: &[&str]) -> Vec<TextLine> {
    let mut out = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, text) in row.split('|').enumerate() {
            let bounds = Bounds {
                x: column as f32 * 400.0,
                y: index as f32 * 30.0,
                width: 300.0,
                height: 20.0,
            };
            out.push(TextLine {
                text: text.to_owned(),
                score: 0.95,
                bounds,
            });
        }
    }
    out
}

/// What is recognised on such a page.
pub(super) fn hits(rows: &[&str]) -> Vec<(Kind, Strength)> {
    recognise(&page(rows))
        .hits
        .iter()
        .map(|hit| (hit.kind, hit.strength))
        .collect()
}

/// How strongly `kind` is recognised, once per distinct value.
pub(super) fn strengths(rows: &[&str], kind: Kind) -> Vec<Strength> {
    hits(rows)
        .into_iter()
        .filter(|(found, _)| *found == kind)
        .map(|(_, strength)| strength)
        .collect()
}
