//! Reading values out of a record whose shape is not ours.
//!
//! The same thing is written in many ways: a policy as an object or as JSON text in a string, a
//! header as a text or as a list of one, a flag as `false` or `"false"`, a key with another case.
//! All of these are read as what they mean. Nothing here fails: what is not there is not there.

use std::borrow::Cow;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// How deep JSON text may lie in JSON text. AWS nests once.
const MAX_NESTED_TEXTS: u8 = 2;

/// A field by its JSON pointer (RFC 6901), split once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer(Vec<String>);

impl Pointer {
    /// `None` when the text is no pointer, or points at the whole record.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let tokens = text.strip_prefix('/')?.split('/').map(|token| {
            let escaped = token.split('~').skip(1);
            let known = escaped
                .into_iter()
                .all(|after| after.starts_with(['0', '1']));
            (known && !token.is_empty()).then(|| token.replace("~1", "/").replace("~0", "~"))
        });
        tokens.collect::<Option<_>>().map(Self)
    }

    /// What stands there, through JSON text where that is in the way. `null` and empty texts count
    /// as not there.
    pub(super) fn read<'a>(&self, record: &'a Value) -> Option<Cow<'a, Value>> {
        let mut at = Cow::Borrowed(record);
        for token in &self.0 {
            at = match at {
                Cow::Borrowed(value) => match parsed(value) {
                    Some(inner) => Cow::Owned(step(&inner, token)?.clone()),
                    None => Cow::Borrowed(step(value, token)?),
                },
                Cow::Owned(value) => match parsed(&value) {
                    Some(inner) => Cow::Owned(step(&inner, token)?.clone()),
                    None => Cow::Owned(step(&value, token)?.clone()),
                },
            };
        }
        (!is_nothing(&at)).then_some(at)
    }
}

/// One step down. The exact name goes first; records differ in the case of the same names.
fn step<'a>(value: &'a Value, token: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(token).or_else(|| {
            let same = |(name, _): &(&String, _)| name.eq_ignore_ascii_case(token);
            fields.iter().find(same).map(|(_, value)| value)
        }),
        Value::Array(entries) => entries.get(token.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Whether nothing is said: `null`, an empty text, or a list of such.
fn is_nothing(value: &Value) -> bool {
    let empty = |value: &Value| value.is_null() || value.as_str().is_some_and(str::is_empty);
    match value {
        Value::Array(entries) => entries.iter().all(empty),
        value => empty(value),
    }
}

/// The object or list in a text of JSON, which may be percent-encoded as IAM does it in answers.
pub(super) fn parsed(value: &Value) -> Option<Value> {
    let text = value.as_str()?.trim_start();
    if text.starts_with(['{', '[']) {
        serde_json::from_str(text).ok()
    } else if text.starts_with("%7B") || text.starts_with("%5B") {
        let text = percent_decode_str(text).decode_utf8().ok()?;
        serde_json::from_str(&text).ok()
    } else {
        None
    }
}

/// Whether any text in or below a value fits, JSON text in texts included. Names of fields are not
/// asked. Without recursion, so that depth costs no stack.
pub(super) fn any_text(value: &Value, fits: impl Fn(&str) -> bool) -> bool {
    let mut waiting = vec![(Cow::Borrowed(value), 0_u8)];
    while let Some((value, nested)) = waiting.pop() {
        match value.as_ref() {
            Value::String(text) => {
                if fits(text) {
                    return true;
                }
                if nested < MAX_NESTED_TEXTS
                    && let Some(inner) = parsed(&value)
                {
                    waiting.push((Cow::Owned(inner), nested + 1));
                }
            }
            Value::Array(_) | Value::Object(_) => push_below(value, nested, &mut waiting),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    false
}

fn push_below<'a>(value: Cow<'a, Value>, nested: u8, waiting: &mut Vec<(Cow<'a, Value>, u8)>) {
    match value {
        Cow::Borrowed(Value::Array(entries)) => {
            waiting.extend(entries.iter().map(|entry| (Cow::Borrowed(entry), nested)));
        }
        Cow::Borrowed(Value::Object(fields)) => {
            waiting.extend(fields.values().map(|field| (Cow::Borrowed(field), nested)));
        }
        Cow::Owned(Value::Array(entries)) => {
            waiting.extend(entries.into_iter().map(|entry| (Cow::Owned(entry), nested)));
        }
        Cow::Owned(Value::Object(fields)) => {
            waiting.extend(
                fields
                    .into_iter()
                    .map(|(_, field)| (Cow::Owned(field), nested)),
            );
        }
        _ => {}
    }
}

/// A value, or each entry of a list.
pub(super) fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(entries) => entries,
        single => std::slice::from_ref(single),
    }
}

/// How many: a number, one written as text, the length of a list; anything else that is there is
/// one, since XML with a single element becomes no list.
pub(super) fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match parsed(value) {
            Some(Value::Array(entries)) => u64::try_from(entries.len()).ok(),
            Some(_) => Some(1),
            None => text.trim().parse().ok(),
        },
        Value::Array(entries) => u64::try_from(entries.len()).ok(),
        Value::Object(fields) => (!fields.is_empty()).then_some(1),
        Value::Null | Value::Bool(_) => None,
    }
}

/// Whether a text is a range of addresses as wide as the internet: all of it, or the halves of it
/// that together are all.
pub(super) fn is_public_cidr(text: &str) -> bool {
    range(text).is_some_and(|(_, length)| length <= 1)
}

/// A range of addresses: whether it is of IPv6, and the length of its prefix.
pub(super) fn range(text: &str) -> Option<(bool, u8)> {
    let (address, length) = text.trim().split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    let longest = if address.is_ipv6() { 128 } else { 32 };
    (length <= longest).then_some((address.is_ipv6(), length))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(pointer: &str, record: &Value, expected: Option<Value>) {
        let pointer = Pointer::parse(pointer).unwrap();
        assert_eq!(pointer.read(record).map(Cow::into_owned), expected);
    }

    #[test]
    fn fields_are_read_through_text_and_whatever_their_case() {
        let record = json!({
            "a": {"B": [10, {"c~/d": 20}]},
            "text": "{\"in\": {\"deep\": \"{\\\"er\\\": 30}\"}}",
            "encoded": "%7B%22in%22%3A%2040%7D",
            "nothing": null, "empty": "", "blank": [""], "broken": "{\"in",
        });
        check("/a/B/0", &record, Some(json!(10)));
        check("/A/b/0", &record, Some(json!(10)));
        check("/a/B/1/c~0~1d", &record, Some(json!(20)));
        check("/text/in/deep/er", &record, Some(json!(30)));
        check("/encoded/in", &record, Some(json!(40)));
        for gone in [
            "/nothing",
            "/empty",
            "/blank",
            "/broken/in",
            "/a/B/2",
            "/a/B/x",
            "/no/way",
        ] {
            check(gone, &record, None);
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["", "/", "a", "a/b", "/a//b", "/a~2", "/a~"] {
            assert_eq!(Pointer::parse(text), None, "{text}");
        }
    }

    #[test]
    fn texts_are_found_however_deep_and_in_text() {
        let record = json!({"a": [{"b": "{\"c\": [\"found\"]}"}], "found-name": 1});
        assert!(any_text(&record, |text| text == "found"));
        assert!(!any_text(&record, |text| text == "found-name"));
        let mut deep = json!("found");
        for _ in 0..2_000 {
            // The macro would copy it, by recursion.
            deep = Value::Array(vec![deep]);
        }
        assert!(any_text(&deep, |text| text == "found"));
        // Taken apart by hand: dropping it in one go recurses.
        while let Value::Array(mut entries) = deep {
            deep = entries.pop().unwrap();
        }
    }

    #[test]
    fn things_are_counted() {
        for (value, expected) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(["a", "b"]), Some(2)),
            (json!("[1, 2, 3]"), Some(3)),
            (json!({"Key": "a"}), Some(1)),
            (json!({}), None),
            (json!(-1), None),
            (json!(true), None),
            (json!("many"), None),
        ] {
            assert_eq!(count(&value), expected, "{value}");
        }
    }

    #[test]
    fn the_internet_is_told_from_a_network() {
        for text in [
            "0.0.0.0/0",
            "::/0",
            "0:0:0:0:0:0:0:0/0",
            "0.0.0.0/1",
            "128.0.0.0/1",
        ] {
            assert!(is_public_cidr(text), "{text}");
        }
        for text in [
            "10.0.0.0/8",
            "2001:db8::/32",
            "0.0.0.0",
            "0.0.0.0/33",
            "x/0",
            "0.0.0.0/-0",
        ] {
            assert!(!is_public_cidr(text), "{text}");
        }
    }
}
