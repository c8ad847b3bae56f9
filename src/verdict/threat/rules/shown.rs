//! What a record says, in short: details for people to read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reading::Pointer;
use crate::event::Activity;

/// The most details of one floor; see [`Floor::details`](crate::verdict::threat::Floor::details).
pub(super) const MAX_DETAILS: usize = 8;

/// The longest detail, in characters.
const MAX_CHARS: usize = 256;

/// What stands at these fields of a record, by the names on the left; what is not there is left out.
pub(in crate::verdict::threat) fn shown<'a>(
    activity: &Activity,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, String> {
    let fields = fields.into_iter().filter_map(|(name, pointer)| {
        let pointer = Pointer::parse(pointer)?;
        Some((name, read(activity, &pointer)?))
    });
    fields
        .take(MAX_DETAILS)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

pub(super) fn read(activity: &Activity, pointer: &Pointer) -> Option<String> {
    let value = pointer.read(activity.detail.value())?;
    Some(cut(&plain(&value)))
}

/// A text as it stands, a list of one as its entry, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(entries) => match entries.as_slice() {
            [Value::String(text)] => text.clone(),
            _ => value.to_string(),
        },
        _ => value.to_string(),
    }
}

/// A text that is no longer than details may be.
pub(in crate::verdict::threat) fn cut(text: &str) -> String {
    if text.chars().nth(MAX_CHARS).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(MAX_CHARS - 1);
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn details_are_short_and_plain() {
        for (value, expected) in [
            (json!("text"), "text".to_owned()),
            (json!(["one"]), "one".to_owned()),
            (json!(["one", "two"]), r#"["one","two"]"#.to_owned()),
            (json!({"a": 1}), r#"{"a":1}"#.to_owned()),
            (json!(7), "7".to_owned()),
            (json!("가".repeat(256)), "가".repeat(256)),
            (json!("가".repeat(257)), format!("{}…", "가".repeat(255))),
        ] {
            assert_eq!(cut(&plain(&value)), expected);
        }
    }
}
