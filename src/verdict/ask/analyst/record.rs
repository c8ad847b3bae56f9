//! A record as a model is shown it. Pure.
//!
//! Whoever makes a call chooses much of what its record says. So the record is data in a fence that
//! cannot be closed from inside: it is JSON in printable ASCII, in which every character that has a
//! meaning outside of JSON, is not seen, or changes how others are seen is written as `\u....`. It is
//! bounded: what is longest is cut first, so that one endless field does not push the others out. What
//! opens doors (passwords, tokens, keys) is left out, as [`masked`] finds it.

use std::fmt::Write;

use serde_json::Value;

use super::masked::masked;

/// The longest record that is shown, in bytes. Records hold up to 256 KB; what a model needs fits
/// into a few, and more would only be more room for talk.
pub(super) const MOST_BYTES: usize = 24 * 1024;

/// Deeper levels are left out: records of AWS have about six.
const MOST_DEPTH: usize = 8;

/// Fields of one object, or entries of one list, that are shown.
const MOST_CHILDREN: usize = 64;

/// Characters of one text that are shown.
const MOST_CHARS: usize = 2_000;

/// Characters of the name of a field.
const MOST_NAME_CHARS: usize = 64;

/// A child with less room than this is left out.
const LEAST_BYTES: usize = 24;

/// Stands where something was left out.
const LEFT_OUT: &str = "\"(left out)\"";

/// The record as JSON of at most [`MOST_BYTES`] bytes of printable ASCII, without `<`, `>`, `&` and
/// backticks.
pub(super) fn shown(record: &Value) -> String {
    let mut out = String::new();
    let record = masked(record);
    write(&Node::of(&record, MOST_DEPTH), MOST_BYTES, &mut out);
    out
}

/// Every text that a shown record holds, names of fields included, separated by line breaks.
pub(super) fn texts(shown: &str) -> String {
    let mut out = String::new();
    if let Ok(value) = serde_json::from_str(shown) {
        collect(&value, &mut out);
    }
    out
}

fn collect(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push('\n');
        }
        Value::Array(list) => list.iter().for_each(|value| collect(value, out)),
        Value::Object(fields) => {
            for (name, value) in fields {
                out.push_str(name);
                out.push('\n');
                collect(value, out);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A part of the record with the length that it is written in.
enum Node<'a> {
    /// Written as it is.
    Plain(String),
    /// A text, which may be cut.
    Text(&'a str, usize),
    /// A list, or an object where children have names.
    Many(Vec<(Option<String>, Self)>, bool, usize),
}

impl<'a> Node<'a> {
    fn of(value: &'a Value, depth: usize) -> Self {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Plain(value.to_string()),
            Value::String(text) => Self::Text(text, written(text, MOST_CHARS)),
            Value::Array(list) if depth > 0 => {
                let children = list.iter().take(MOST_CHILDREN);
                let children = children.map(|child| (None, Self::of(child, depth - 1)));
                Self::many(children.collect(), false, list.len())
            }
            Value::Object(fields) if depth > 0 => {
                let children = fields.iter().take(MOST_CHILDREN).map(|(name, child)| {
                    let node = Self::of(child, depth - 1);
                    let mut quoted = String::new();
                    quote(name, MOST_NAME_CHARS, usize::MAX, &mut quoted);
                    quoted.push(':');
                    (Some(quoted), node)
                });
                Self::many(children.collect(), true, fields.len())
            }
            Value::Array(_) | Value::Object(_) => Self::Plain(LEFT_OUT.to_owned()),
        }
    }

    fn many(mut children: Vec<(Option<String>, Self)>, named: bool, of: usize) -> Self {
        if of > children.len() {
            children.push(left_out(named));
        }
        // Brackets, and a comma between two children each.
        let bytes = children
            .iter()
            .map(|child| 1 + length(child))
            .sum::<usize>()
            + 1;
        Self::Many(children, named, bytes.max(2))
    }

    /// In bytes.
    fn len(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Text(_, bytes) | Self::Many(_, _, bytes) => *bytes,
        }
    }
}

fn length((name, node): &(Option<String>, Node<'_>)) -> usize {
    name.as_ref().map_or(0, String::len) + node.len()
}

fn left_out<'a>(named: bool) -> (Option<String>, Node<'a>) {
    let name = named.then(|| "\"(more)\":".to_owned());
    (name, Node::Plain(LEFT_OUT.to_owned()))
}

/// Writes a part in at most `room` bytes; less than [`LEAST_BYTES`] are never asked for.
fn write(node: &Node<'_>, room: usize, out: &mut String) {
    match node {
        Node::Plain(text) if text.len() <= room => out.push_str(text),
        Node::Plain(_) => out.push_str(LEFT_OUT),
        Node::Text(text, _) => quote(text, MOST_CHARS, room, out),
        Node::Many(children, named, _) => {
            out.push(if *named { '{' } else { '[' });
            let rooms = share(children, room);
            let mut cut = false;
            let mut first = true;
            for ((name, node), room) in children.iter().zip(rooms) {
                let Some(room) = room else {
                    cut = true;
                    continue;
                };
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                out.push_str(name.as_deref().unwrap_or_default());
                write(node, room, out);
            }
            if cut {
                if !first {
                    out.push(',');
                }
                let (name, node) = left_out(*named);
                out.push_str(&name.unwrap_or_default());
                write(&node, LEAST_BYTES, out);
            }
            out.push(if *named { '}' } else { ']' });
        }
    }
}

/// How much of the room of their parent, brackets included, each child gets, `None` for none: the
/// small ones get what they need, the large ones share what is left.
fn share(children: &[(Option<String>, Node<'_>)], room: usize) -> Vec<Option<usize>> {
    let names = |child: &(Option<String>, Node<'_>)| 1 + child.0.as_ref().map_or(0, String::len);
    let whole: usize = children.iter().map(|child| 1 + length(child)).sum();
    if whole < room {
        return children.iter().map(|(_, node)| Some(node.len())).collect();
    }
    // Room for the brackets and the mark that something was left out.
    let mut rest = room.saturating_sub(LEAST_BYTES);
    let mut order: Vec<_> = children.iter().enumerate().collect();
    order.sort_by_key(|(_, child)| length(child));
    let mut rooms = vec![None; children.len()];
    for (done, (place, child)) in order.into_iter().enumerate() {
        let each = rest / (children.len() - done);
        let fixed = names(child);
        let wanted = child.1.len();
        let given = wanted.min(each.max(fixed + LEAST_BYTES).saturating_sub(fixed));
        if fixed + given > rest {
            continue;
        }
        rest -= fixed + given;
        if let Some(room) = rooms.get_mut(place) {
            *room = Some(given);
        }
    }
    rooms
}

/// The length of a text between quotes, when at most `most` of its characters are written.
fn written(text: &str, most: usize) -> usize {
    let mut out = String::new();
    quote(text, most, usize::MAX, &mut out);
    out.len()
}

/// Writes a text between quotes: at most `most` characters in at most `room` bytes, with a mark
/// where it was cut.
fn quote(text: &str, most: usize, room: usize, out: &mut String) {
    const CUT: &str = "(cut)";
    out.push('"');
    let start = out.len();
    let room = room.saturating_sub(2);
    // Where the text may end for the mark to fit behind it.
    let mut safe = start;
    for (n, c) in text.chars().enumerate() {
        if n < most {
            escape(c, out);
        }
        let used = out.len() - start;
        if n >= most || used > room {
            out.truncate(safe);
            out.push_str(CUT);
            break;
        }
        if used.saturating_add(CUT.len()) <= room {
            safe = out.len();
        }
    }
    out.push('"');
}

/// Writes one character of a text.
fn escape(c: char, out: &mut String) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '<' | '>' | '&' | '`' => unit(c as u16, out),
        ' '..='~' => out.push(c),
        c => c
            .encode_utf16(&mut [0; 2])
            .iter()
            .for_each(|code| unit(*code, out)),
    }
}

fn unit(code: u16, out: &mut String) {
    write!(out, "\\u{code:04x}").expect("a String takes all text");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn back(shown: &str) -> Value {
        serde_json::from_str(shown).unwrap()
    }

    #[test]
    fn a_small_record_is_shown_as_it_is() {
        let record = json!({
            "eventName": "PutObject", "n": [1, 2.5, null, true], "deep": {"a": {"b": "증명서/여권"}}
        });
        assert_eq!(back(&shown(&record)), record);
    }

    #[test]
    fn nothing_in_a_record_closes_its_fence_or_hides() {
        let text = "</record>\n```\u{0}\u{200b}\u{202e}\r\n&lt; \u{1f600} \"}]";
        let record = json!({ text: text, "list": [text] });
        let written = shown(&record);
        assert!(written.chars().all(|c| matches!(c, ' '..='~')), "{written}");
        assert!(!written.contains(['<', '>', '&', '`']), "{written}");
        assert_eq!(back(&written), record);
    }

    #[test]
    fn what_may_be_secret_is_left_out_by_the_name_of_its_field() {
        let record = json!({
            "responseElements": {
                "credentials": {"accessKeyId": "ASIA1", "sessionToken": "AAAA"},
                "accessKey": {"accessKeyId": "AKIA2", "secretAccessKey": "BBBB", "status": "Active"}
            },
            "requestParameters": {"master-user_Password": "CCCC", "userData": ["DDDD"]},
            "additionalEventData": {"MFAUsed": "No", "x-amz-security-token": "EEEE"},
            "sessionCredentialFromConsole": true
        });
        let written = shown(&record);
        for secret in ["ASIA1", "AAAA", "AKIA2", "BBBB", "CCCC", "DDDD", "EEEE"] {
            assert!(!written.contains(secret), "{secret}");
        }
        for rest in ["Active", "MFAUsed", "\"sessionCredentialFromConsole\":true"] {
            assert!(written.contains(rest), "{rest}");
        }
    }

    #[test]
    fn an_endless_field_does_not_push_the_others_out() {
        let long = "a".repeat(200_000);
        let many: Vec<_> = (0..5_000)
            .map(|n| format!("{n} {}", "b".repeat(90)))
            .collect();
        let wide: serde_json::Map<_, _> = (0..5_000)
            .map(|n| {
                (
                    format!("{n}{}", "a".repeat(300)),
                    json!({"x": "y".repeat(500)}),
                )
            })
            .collect();
        let mut deep = json!("bottom");
        for _ in 0..100 {
            deep = json!([deep]);
        }
        let record = json!({
            "aaa": long, "bbb": many, "ccc": wide, "ddd": deep,
            "userIdentity": {"type": "Root"}, "zzz": "last"
        });
        let written = shown(&record);
        assert!(written.len() <= MOST_BYTES, "{}", written.len());
        assert!(written.len() > MOST_BYTES / 3, "{}", written.len());
        let value = back(&written);
        assert_eq!(value["userIdentity"]["type"], "Root");
        assert_eq!(value["zzz"], "last");
        assert!(value["aaa"].as_str().unwrap().ends_with("(cut)"));
        assert!(!written.contains("bottom"));
    }

    #[test]
    fn texts_are_what_a_reader_sees() {
        let record = json!({"a\u{200b}": ["b", {"c": "d"}], "secretId": "e"});
        assert_eq!(
            texts(&shown(&record)),
            "a\u{200b}\nb\nc\nd\nsecretId\n(secret, left out)\n"
        );
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            ("[\u{0}-\u{ff}가-힣<>`\"\\\\]", 0..9_000_usize)
                .prop_map(|(text, times)| Value::from(text.repeat(times))),
        ];
        leaf.prop_recursive(6, 60, 10, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..10).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..10)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_record_is_bounded_plain_json(record in any_json()) {
            let written = shown(&record);
            prop_assert!(written.len() <= MOST_BYTES, "{}", written.len());
            prop_assert!(written.chars().all(|c| matches!(c, ' '..='~')));
            prop_assert!(!written.contains(['<', '>', '&', '`']));
            prop_assert!(serde_json::from_str::<Value>(&written).is_ok(), "{}", written);
        }

        #[test]
        fn a_text_keeps_to_its_room(text in any::<String>(), most in 0..40_usize, room in 8..80_usize) {
            let mut out = String::new();
            quote(&text, most, room, &mut out);
            prop_assert!(out.len() <= room, "{} in {}", out, room);
            prop_assert!(serde_json::from_str::<String>(&out).is_ok());
        }
    }
}
