//! The one place where keys are decoded, by the envelope that carried them.
//!
//! S3 event notifications write keys as HTML forms do: a space is `+`, everything else outside the
//! plain characters is `%XX` of its UTF-8 bytes ("Event message structure", Amazon S3 User Guide).
//! All other envelopes carry keys as they are. A key that is decoded twice, or not at all, names
//! another object, so what is not proper encoding is refused and never repaired.

use super::fault::Fault;
use super::{Envelope, Key};

/// The longest key that S3 takes, in bytes of UTF-8 ("Naming Amazon S3 objects", Amazon S3 User
/// Guide).
const MAX_KEY_BYTES: usize = 1024;

/// The key that an envelope names.
pub(super) fn key(envelope: Envelope, written: &str) -> Result<Key, Fault> {
    let key = match envelope {
        Envelope::S3Notification => form_decoded(written)?,
        Envelope::EventBridge | Envelope::CloudTrail | Envelope::GuardDuty | Envelope::Request => {
            written.to_owned()
        }
    };
    if key.is_empty() {
        return Err(Fault::EmptyKey);
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(Fault::LongKey);
    }
    Ok(Key::new(key))
}

/// Undoes form encoding. `+` comes first: a plus sign that belongs to the key is written `%2B`.
fn form_decoded(written: &str) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(written.len());
    let mut bytes = written.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = bytes.next().and_then(hex_digit);
                let low = bytes.next().and_then(hex_digit);
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(Fault::BadKeyEncoding);
                };
                high * 16 + low
            }
            plain => plain,
        });
    }
    String::from_utf8(decoded).map_err(|_| Fault::BadKeyEncoding)
}

/// The value of one hexadecimal digit.
fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERBATIM: [Envelope; 4] = [
        Envelope::EventBridge,
        Envelope::CloudTrail,
        Envelope::GuardDuty,
        Envelope::Request,
    ];

    /// What a written key means in a notification, and that every other envelope takes it as it is.
    #[track_caller]
    fn check(written: &str, form: Result<&str, Fault>) {
        let decoded = key(Envelope::S3Notification, written);
        assert_eq!(
            decoded.as_ref().map(Key::as_str).map_err(|fault| *fault),
            form,
            "{written}"
        );
        if !written.is_empty() {
            for envelope in VERBATIM {
                let key = key(envelope, written).expect("verbatim keys are not decoded");
                assert_eq!(key.as_str(), written, "{envelope:?}");
            }
        }
    }

    #[test]
    fn keys_are_decoded_by_their_envelope() {
        check("plain.png", Ok("plain.png"));
        check("a/b/c.png", Ok("a/b/c.png"));
        check("a+b", Ok("a b"));
        check("a%20b", Ok("a b"));
        check("a%2Bb", Ok("a+b"));
        check("a%2bb", Ok("a+b"));
        check("%2B+%252B", Ok("+ %2B"));
        check("100%25", Ok("100%"));
        check("%E2%82%AC.png", Ok("€.png"));
        check("%EC%8B%A0%EB%B6%84%EC%A6%9D.jpg", Ok("신분증.jpg"));
        check("%F0%9F%93%B7", Ok("📷"));
        check("€", Ok("€"));
        check("%2e%2e%2Fup", Ok("../up"));
        check("line%0Abreak", Ok("line\nbreak"));
        check("%", Err(Fault::BadKeyEncoding));
        check("%4", Err(Fault::BadKeyEncoding));
        check("%zz", Err(Fault::BadKeyEncoding));
        check("%%41", Err(Fault::BadKeyEncoding));
        check("a%4", Err(Fault::BadKeyEncoding));
        check("% 41", Err(Fault::BadKeyEncoding));
        check("%€", Err(Fault::BadKeyEncoding));
        check("%FF", Err(Fault::BadKeyEncoding));
        check("%E2%82", Err(Fault::BadKeyEncoding));
        check("%C0%AF", Err(Fault::BadKeyEncoding));
        check("%ED%A0%80", Err(Fault::BadKeyEncoding));
        check("", Err(Fault::EmptyKey));
    }

    #[test]
    fn a_key_has_at_most_1024_bytes_after_decoding() {
        let longest = "%E2%82%AC".repeat(341) + "a";
        check(&"a".repeat(1024), Ok(&"a".repeat(1024)));
        assert_eq!(
            key(Envelope::S3Notification, &longest).map(|key| key.as_str().len()),
            Ok(1024)
        );
        assert_eq!(
            key(Envelope::S3Notification, &(longest + "a")),
            Err(Fault::LongKey)
        );
        for envelope in VERBATIM {
            assert_eq!(key(envelope, &"a".repeat(1025)), Err(Fault::LongKey));
            assert_eq!(key(envelope, ""), Err(Fault::EmptyKey));
        }
    }

    /// Writes a key as S3 does in notifications.
    fn form_encoded(key: &str) -> String {
        key.bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    }

    /// Any key that S3 would take: not empty, at most 1024 bytes.
    fn any_key() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ +%/a-f0-9A-F.]{1,64}",
            proptest::collection::vec(any::<char>(), 1..=256).prop_map(String::from_iter),
        ]
    }

    proptest! {
        #[test]
        fn any_key_survives(original in any_key()) {
            let decoded = key(Envelope::S3Notification, &form_encoded(&original));
            prop_assert_eq!(decoded, Ok(Key::new(original.as_str())));
            for envelope in VERBATIM {
                prop_assert_eq!(key(envelope, &original), Ok(Key::new(original.as_str())));
            }
        }

        #[test]
        fn any_text_is_decoded_or_refused(written in any::<String>()) {
            if let Ok(key) = key(Envelope::S3Notification, &written) {
                prop_assert!(!key.as_str().is_empty());
                prop_assert!(key.as_str().len() <= MAX_KEY_BYTES);
            }
        }
    }
}
