//! JSON as serde knows it, and as the SDK knows it.
//!
//! The SDK parses what models write into its own tree. Both are as deep as the text was, and
//! walking them takes the stack, so there is a bound on what is taken from outside.

use aws_smithy_types::{Document, Number};
use serde_json::Value;

/// Deeper answers are not read: nothing that is asked for has more than a handful of levels.
const DEEPEST: usize = 64;

/// JSON of ours for the SDK.
pub(super) fn to_document(value: &Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(truth) => Document::Bool(*truth),
        Value::Number(number) => Document::Number(to_number(number)),
        Value::String(text) => Document::String(text.clone()),
        Value::Array(items) => Document::Array(items.iter().map(to_document).collect()),
        Value::Object(fields) => Document::Object(
            fields
                .iter()
                .map(|(name, value)| (name.clone(), to_document(value)))
                .collect(),
        ),
    }
}

fn to_number(number: &serde_json::Number) -> Number {
    match (number.as_u64(), number.as_i64()) {
        (Some(positive), _) => Number::PosInt(positive),
        (None, Some(negative)) => Number::NegInt(negative),
        (None, None) => Number::Float(number.as_f64().unwrap_or(f64::NAN)),
    }
}

/// JSON of a model; `None` where it is nested too deeply. Numbers that JSON does not have become
/// null.
pub(super) fn to_json(document: &Document) -> Option<Value> {
    within(document, DEEPEST)
}

fn within(document: &Document, levels: usize) -> Option<Value> {
    let levels = levels.checked_sub(1)?;
    Some(match document {
        Document::Null => Value::Null,
        Document::Bool(truth) => Value::Bool(*truth),
        Document::Number(Number::PosInt(number)) => (*number).into(),
        Document::Number(Number::NegInt(number)) => (*number).into(),
        Document::Number(Number::Float(number)) => {
            serde_json::Number::from_f64(*number).map_or(Value::Null, Value::Number)
        }
        Document::String(text) => Value::String(text.clone()),
        Document::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| within(item, levels))
                .collect::<Option<_>>()?,
        ),
        Document::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, value)| Some((name.clone(), within(value, levels)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no others", |f| f.is_finite())
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(8, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(value in json()) {
            prop_assert_eq!(to_json(&to_document(&value)), Some(value));
        }

        #[test]
        fn depth_is_bounded(levels in 1_usize..200) {
            let mut document = Document::Bool(true);
            for level in 1..levels {
                document = if level % 2 == 0 {
                    Document::Array(vec![document])
                } else {
                    Document::Object([("a".to_owned(), document)].into())
                };
            }
            prop_assert_eq!(to_json(&document).is_some(), levels <= DEEPEST);
        }
    }

    #[test]
    fn numbers_that_json_lacks_become_null() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let document = Document::Number(Number::Float(number));
            assert_eq!(to_json(&document), Some(Value::Null));
        }
    }
}
