//! The small change of the wire: queries, XML, and dates, without a library for each.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;

/// The fields of a query or a form, decoded, in order. A field without `=` has an empty value.
#[must_use]
pub(crate) fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_decode_str(&text).decode_utf8_lossy().into_owned()
    };
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// The first field of a name.
#[must_use]
pub(crate) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|(of, _)| of == name);
    found.map(|(_, value)| value.as_str())
}

/// A text as XML carries it.
#[must_use]
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push_str(&format!("&#x{:X};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The text of every element of a name, unescaped; enough for the flat bodies that clients send.
#[must_use]
pub(crate) fn elements(xml: &str, name: &str) -> Vec<String> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let starts = xml.match_indices(&open).filter_map(|(at, _)| {
        let rest = xml.get(at + open.len()..)?;
        let (text, _) = rest.split_once(&close)?;
        Some(unescaped(text))
    });
    starts.collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&amp;", "&")
}

/// Milliseconds since 1970, as SQS tells times.
#[must_use]
pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as HTTP headers and as XML bodies have it.
#[must_use]
pub(crate) fn dates(time: SystemTime) -> (String, String) {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let millis = millis(time);
    let (seconds, rest) = (millis / 1_000, millis % 1_000);
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    // Counted from March of year 0, so that the leap day is a year's last.
    let since = days + 719_468;
    let (era, of_era) = (since / 146_097, since % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year + era * 400 + later;
    let name = |names: &[&'static str], at: u64| {
        let at = usize::try_from(at).unwrap_or(0);
        names.get(at).copied().unwrap_or("")
    };
    let weekday = name(&DAYS, days % 7);
    let called = name(&MONTHS, month - 1);
    (
        format!("{weekday}, {day:02} {called} {year} {hour:02}:{minute:02}:{second:02} GMT"),
        format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let check = |seconds, http: &str, xml: &str| {
            let told = dates(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(told, (http.to_owned(), xml.to_owned()));
        };
        let epoch = "Thu, 01 Jan 1970 00:00:00 GMT";
        check(0, epoch, "1970-01-01T00:00:00.000Z");
        let leap = "Thu, 29 Feb 2024 12:34:56 GMT";
        check(1_709_210_096, leap, "2024-02-29T12:34:56.000Z");
        let new_year = "Fri, 31 Dec 1999 23:59:59 GMT";
        check(946_684_799, new_year, "1999-12-31T23:59:59.000Z");
    }

    #[test]
    fn xml_and_forms_come_back_as_they_went() {
        let text = "a<b>&\"c'";
        let xml = format!("<Tag><Key>{}</Key></Tag><Key>2</Key>", escaped(text));
        assert_eq!(elements(&xml, "Key"), [text, "2"]);
        let form = fields("a=1+2&b&c=%26%2B");
        assert_eq!(field(&form, "a"), Some("1 2"));
        assert_eq!(field(&form, "b"), Some(""));
        assert_eq!(field(&form, "c"), Some("&+"));
    }
}
