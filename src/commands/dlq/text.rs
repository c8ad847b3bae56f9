//! Dead letters in words, and in JSON.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::commands::shown;
use crate::maintenance::dead_letters::{About, Ended, Letter, MOST_HELD, MOVED_BY_SQS, Named};

/// What a message is about.
pub(super) fn about(about: &About) -> String {
    let (first, more) = match about {
        About::Unreadable => return "not readable".to_owned(),
        About::Gone => return "not readable: its text is gone".to_owned(),
        About::Unknown { .. } => return "not known: its text was not fetched".to_owned(),
        About::Nothing => return "nothing to do".to_owned(),
        About::Named { first, more } => (first, *more),
    };
    let first = match first {
        Named::Object { bucket, key } => {
            format!("{}/{}", shown(bucket.as_str()), shown(key.as_str()))
        }
        Named::Event { name, bucket } => match bucket {
            Some(bucket) => format!("event {} on {}", shown(name), shown(bucket.as_str())),
            None => format!("event {}", shown(name)),
        },
    };
    match more {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A reason in words.
pub(super) fn reason_alone(letter: &Letter) -> String {
    match letter.reason.as_str() {
        MOVED_BY_SQS => "moved by SQS".to_owned(),
        reason => shown(reason),
    }
}

/// The same, with how often the message was sent back.
pub(super) fn reason(letter: &Letter) -> String {
    let reason = reason_alone(letter);
    match letter.redriven {
        0 => reason,
        1 => format!("{reason} (sent back once before)"),
        times => format!("{reason} (sent back {times} times before)"),
    }
}

/// The worker's sentence, or what takes its place.
pub(super) fn error(letter: &Letter) -> String {
    match &letter.error {
        Some(error) => shown(error),
        None if letter.reason == MOVED_BY_SQS => {
            "received too often without an end: look at the service's log of that time".to_owned()
        }
        None => String::new(),
    }
}

/// How long ago, in its two largest units.
pub(super) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now
        .duration_since(since)
        .max(SignedDuration::ZERO)
        .as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// What is said below a look that did not reach the end, or not everything.
pub(super) fn ending(ended: &Ended, queue: &str) -> Option<String> {
    let queue = shown(queue);
    match ended {
        Ended::Empty { elsewhere: 0 } => None,
        Ended::Empty { elsewhere } => Some(format!(
            "{queue}: about {elsewhere} more did not come: they are in somebody's hands or delayed; \
             look again later."
        )),
        Ended::Enough => Some(format!(
            "{queue}: stopped at the limit; there may be more (--limit)."
        )),
        Ended::Full => Some(format!(
            "{queue}: stopped, since no more than {MOST_HELD} can be held at once; there are more."
        )),
        Ended::Interrupted => Some(format!("{queue}: interrupted; there may be more.")),
        Ended::Failed(error) => Some(format!("{queue}: stopped: {error}")),
    }
}

/// What is said of messages that could not be given back.
pub(super) fn hidden(count: usize) -> Option<String> {
    (count > 0).then(|| {
        format!("{count} could not be given back at once: they come back within five minutes.")
    })
}

/// What was done with one queue, and how it ended, in JSON.
pub(super) fn queue(name: &str, seen: usize, hidden: usize, ended: &Ended) -> Value {
    let (how, error) = match ended {
        Ended::Empty { .. } => ("end", None),
        Ended::Enough => ("limit", None),
        Ended::Full => ("full", None),
        Ended::Interrupted => ("interrupted", None),
        Ended::Failed(error) => ("failed", Some(error.to_string())),
    };
    let elsewhere = match ended {
        Ended::Empty { elsewhere } => Some(elsewhere),
        _ => None,
    };
    json!({
        "queue": name, "seen": seen, "not_given_back": hidden,
        "ended": how, "elsewhere": elsewhere, "error": error,
    })
}

/// An object of JSON with the fields of another one added.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

/// A dead letter in JSON.
pub(super) fn described(letter: &Letter) -> Value {
    let (kind, bucket, key, event, more) = match &letter.about {
        About::Unreadable => ("unreadable", None, None, None, 0),
        About::Gone => ("gone", None, None, None, 0),
        About::Unknown { .. } => ("unknown", None, None, None, 0),
        About::Nothing => ("nothing", None, None, None, 0),
        About::Named { first, more } => match first {
            Named::Object { bucket, key } => {
                ("object", Some(bucket), Some(key.as_str()), None, *more)
            }
            Named::Event { name, bucket } => {
                ("event", bucket.as_ref(), None, Some(name.as_str()), *more)
            }
        },
    };
    let error = match &letter.about {
        About::Unknown { why } => Some(why),
        _ => None,
    };
    json!({
        "id": letter.id.0,
        "original_id": letter.original_id,
        "reason": letter.reason,
        "error": letter.error,
        "since": letter.since,
        "queue": letter.queue,
        "source_queue": letter.source_queue,
        "receive_count": letter.receive_count,
        "redriven": letter.redriven,
        "about": {
            "kind": kind, "bucket": bucket, "key": key, "event": event, "more": more,
            "error": error,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BucketName, Key};

    #[test]
    fn an_age_has_its_two_largest_units() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (since, expected) in [
            ("2026-11-22T12:00:05Z", "0 s"),
            ("2026-11-22T11:59:18Z", "42 s"),
            ("2026-11-22T11:18:00Z", "42 min"),
            ("2026-11-22T08:55:00Z", "3 h 5 min"),
            ("2026-11-20T08:00:00Z", "2 d 4 h"),
        ] {
            assert_eq!(age(since.parse().unwrap(), now), expected);
        }
    }

    #[test]
    fn a_key_cannot_move_the_cursor() {
        let named = About::Named {
            first: Named::Object {
                bucket: BucketName::new("b").unwrap(),
                key: Key::new("a\u{1b}[2J\u{202e}gpj"),
            },
            more: 2,
        };
        assert_eq!(about(&named), "b/a\\u{1b}[2J\\u{202e}gpj and 2 more");
    }
}
