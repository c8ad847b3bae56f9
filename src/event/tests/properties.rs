//! Whatever comes: nothing panics, and something is said about it.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::table::TABLE;
use super::{planned, shown};

/// JSON of any shape, with the names and values that the decoder looks for among the others.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        proptest::sample::select(vec![
            "Records",
            "s3",
            "object",
            "bucket",
            "key",
            "name",
            "eventName",
            "eventVersion",
            "ObjectCreated:Put",
            "detail-type",
            "detail",
            "Object Created",
            "GuardDuty Finding",
            "AWS API Call via CloudTrail",
            "Type",
            "Notification",
            "TopicArn",
            "Message",
            "Event",
            "s3:TestEvent",
            "s3-warden",
            "request",
            "version",
            "kind",
            "inspect",
            "id",
            "2.1",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            proptest::collection::vec((word.clone(), inner), 0..8)
                .prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

/// How many values lie in a tree, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts `other` in place of the `nth` value of a tree; `nth` counts down to it.
fn replace(value: &mut Value, nth: &mut usize, other: &Value) {
    if *nth == 0 {
        *value = other.clone();
    }
    *nth = nth.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|v| replace(v, nth, other)),
        Value::Object(fields) => fields.values_mut().for_each(|v| replace(v, nth, other)),
        _ => {}
    }
}

/// Whatever it was, something is said about it.
fn is_answered(body: &str) -> bool {
    !shown(&planned(body)).is_empty()
}

proptest! {
    #[test]
    fn any_json_is_answered(value in any_json()) {
        prop_assert!(is_answered(&value.to_string()));
        let wrapped = json!({"Type": "Notification", "TopicArn": "t", "Message": value.to_string()});
        prop_assert!(is_answered(&wrapped.to_string()));
    }

    #[test]
    fn any_bytes_are_answered(bytes in any::<Vec<u8>>()) {
        prop_assert!(is_answered(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn a_message_with_anything_in_one_place_is_answered(
        row in 0..TABLE.len(),
        place in any::<proptest::sample::Index>(),
        other in any_json(),
    ) {
        // The file with a field twice loses the first here, which is as good a start as any.
        let mut value: Value = serde_json::from_str(TABLE[row].1).unwrap();
        let mut nth = place.index(count(&value));
        replace(&mut value, &mut nth, &other);
        prop_assert!(is_answered(&value.to_string()));
    }

    #[test]
    fn a_message_cut_anywhere_is_answered(
        row in 0..TABLE.len(),
        place in any::<proptest::sample::Index>(),
    ) {
        let body = TABLE[row].1;
        let cut: String = body.chars().take(place.index(body.chars().count())).collect();
        prop_assert!(is_answered(&cut));
    }
}
