//! One value: whether it is of the kind that its setting wants, and how text becomes one.
//!
//! Nothing is guessed: `yes` is no bool and `"8"` in a file is no number. A variable and an option
//! have only text, so there the kind of the setting decides how it is read.

use toml::Value;

use super::catalogue::Kind;
use super::nearest::nearest;

/// Says what is wrong with a value of a file, and never more of it than its type or, for a closed
/// set of words, the wrong word.
pub(super) fn check(kind: &Kind, value: &Value, secret: bool) -> Result<(), String> {
    let fits = match (kind, value) {
        (Kind::Bool, Value::Boolean(_))
        | (Kind::Integer, Value::Integer(_))
        | (Kind::Number, Value::Integer(_) | Value::Float(_))
        | (Kind::Text, Value::String(_))
        | (Kind::Any, _) => true,
        (Kind::Word(words), Value::String(text)) => return word(words, text, secret),
        (Kind::List(inner), Value::Array(entries)) => {
            for (at, entry) in entries.iter().enumerate() {
                check(inner, entry, secret).map_err(|why| format!("entry {}: {why}", at + 1))?;
            }
            true
        }
        (Kind::Map(inner), Value::Table(entries)) => {
            for (name, entry) in entries {
                check(inner, entry, secret).map_err(|why| format!("{name}: {why}"))?;
            }
            true
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(format!(
        "expected {}, found {}",
        describe(kind),
        found(value)
    ))
}

/// Reads text by kind.
pub(super) fn parse(kind: &Kind, text: &str, secret: bool) -> Result<Value, String> {
    let trimmed = text.trim();
    let expected = || format!("expected {}", describe(kind));
    match kind {
        Kind::Bool => trimmed.parse().map(Value::Boolean).map_err(|_| expected()),
        Kind::Integer => trimmed.parse().map(Value::Integer).map_err(|_| expected()),
        Kind::Number => match trimmed.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => Err(expected()),
        },
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Word(words) => {
            word(words, trimmed, secret).map(|()| Value::String(trimmed.to_owned()))
        }
        Kind::List(inner) if matches!(**inner, Kind::Map(_) | Kind::Any) => {
            Err("can only be set in a file".to_owned())
        }
        Kind::List(_) if trimmed.is_empty() => Ok(Value::Array(Vec::new())),
        Kind::List(inner) => trimmed
            .split(',')
            .enumerate()
            .map(|(at, entry)| match entry.trim() {
                "" => Err(format!("entry {} of the list is empty", at + 1)),
                entry => {
                    parse(inner, entry, secret).map_err(|why| format!("entry {}: {why}", at + 1))
                }
            })
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Kind::Map(_) | Kind::Any => Err("can only be set in a file".to_owned()),
    }
}

/// A kind in words, for "expected ...".
pub(super) fn describe(kind: &Kind) -> String {
    match kind {
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer => "a whole number".to_owned(),
        Kind::Number => "a number".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        Kind::List(inner) => format!("a list, each entry {}", describe(inner)),
        Kind::Map(inner) => format!("a table, each entry {}", describe(inner)),
        Kind::Any => "a value".to_owned(),
    }
}

fn word(words: &[String], text: &str, secret: bool) -> Result<(), String> {
    if words.iter().any(|word| word == text) {
        return Ok(());
    }
    let choice = format!("expected one of {}", words.join(", "));
    if secret {
        return Err(choice);
    }
    let shown: String = text.chars().take(40).collect();
    let hint = nearest(text, words.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean {near:?}"));
    Err(format!("{choice}, found {shown:?}{hint}"))
}

const fn found(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Kind {
        Kind::List(Box::new(Kind::Integer))
    }

    fn mode() -> Kind {
        Kind::Word(vec!["observe".to_owned(), "enforce".to_owned()])
    }

    #[test]
    fn text_is_read_by_kind() {
        let check = |kind: &Kind, text: &str, want: Result<&str, &str>| {
            let read = parse(kind, text, false).map(|value| value.to_string());
            let want = want.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read, want, "{kind:?} {text:?}");
        };
        check(&Kind::Bool, " true ", Ok("true"));
        check(&Kind::Bool, "yes", Err("expected true or false"));
        check(&Kind::Integer, "-4", Ok("-4"));
        check(&Kind::Integer, "", Err("expected a whole number"));
        check(&Kind::Number, "2.5", Ok("2.5"));
        check(&Kind::Number, "nan", Err("expected a number"));
        check(&Kind::Text, "8", Ok("\"8\""));
        check(&list(), "1, 2", Ok("[1, 2]"));
        check(&list(), "", Ok("[]"));
        check(&list(), "1,,2", Err("entry 2 of the list is empty"));
        check(&list(), "1,b", Err("entry 2: expected a whole number"));
        check(&mode(), "observe", Ok("\"observe\""));
        check(&Kind::Any, "x", Err("can only be set in a file"));
    }

    #[test]
    fn a_wrong_word_is_shown_unless_it_is_secret() {
        let shown = parse(&mode(), "enforced", false).unwrap_err();
        assert_eq!(
            shown,
            "expected one of observe, enforce, found \"enforced\"; did you mean \"enforce\""
        );
        assert!(
            !parse(&mode(), "enforced", true)
                .unwrap_err()
                .contains("enforced")
        );
    }

    #[test]
    fn values_of_files_must_be_of_their_kind() {
        let refused = |kind: &Kind, value: Value, want: &str| {
            assert_eq!(check(kind, &value, false), Err(want.to_owned()));
        };
        let text = || Value::String("8".to_owned());
        refused(
            &Kind::Integer,
            text(),
            "expected a whole number, found text",
        );
        refused(
            &Kind::Text,
            Value::Integer(8),
            "expected text, found a whole number",
        );
        refused(
            &list(),
            Value::Array(vec![Value::Integer(1), text()]),
            "entry 2: expected a whole number, found text",
        );
        assert_eq!(check(&Kind::Number, &Value::Integer(8), false), Ok(()));
        assert_eq!(check(&Kind::Any, &text(), false), Ok(()));
    }
}
