//! E-mail addresses of persons.
//!
//! Mailboxes of a role (`support@`, `no-reply@`) belong to nobody. Names reserved for examples
//! (RFC 2606) cannot receive mail, yet stand in pictures of people's data; there, only stand-ins
//! such as `you@` and `name@` are left out, and what remains is likely, not proven.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::compile;

/// Blanks are accepted round the sign and before or behind the dots of the domain.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"([a-z0-9][a-z0-9._%+-]{0,63}) ?@ ?([a-z0-9](?:[a-z0-9-]{0,62}) ?(?:[.,] ?[a-z0-9-]{1,63}){0,4})",
    )
});

/// Free mail providers, whose domain a reader may return without its dot.
static PROVIDER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"^(?:gma[il]{2}|naver|daum|hanma[il]{2}|kakao|nate|ou?t[il]ook|hotma[il]{2}|[il]ive|yahoo|ic[il]oud|gmx|web|t-on[il]ine|freenet|posteo|mai[il]box|proton(?:ma[il]{2})?|ao[il])[., ]{0,2}(?:com|corn|net|de|me|org|co[., ]?kr|co[., ]?uk|at|ch)",
    )
});

/// Domains that nobody can own (RFC 2606, RFC 6761).
static RESERVED: LazyLock<Regex> =
    LazyLock::new(|| compile(r"(?:^|\.)(?:examp[il]e(?:\.[a-z]{2,3})?|test|[il]nva[il][il]d)$"));

/// Endings of names on the public Internet that people have mail at; two letters are a country.
const ENDINGS: &[&str] = &[
    "com",
    "corn",
    "net",
    "org",
    "edu",
    "gov",
    "info",
    "biz",
    "app",
    "dev",
    "cloud",
    "online",
    "site",
    "xyz",
    "tech",
    "store",
    "shop",
    "club",
    "pro",
    "name",
    "mobi",
    "email",
    "company",
    "work",
    "studio",
    "design",
    "agency",
    "life",
    "live",
    "blog",
    "news",
    "world",
    "group",
    "team",
    "media",
    "digital",
    "network",
    "systems",
    "solutions",
    "services",
    "berlin",
    "hamburg",
    "koeln",
    "bayern",
    "wien",
    "swiss",
    "tokyo",
    "london",
    "nyc",
    "paris",
    "seoul",
    "eu",
    "int",
    "example",
    "test",
    "invalid",
];

/// Two letters that end a file rather than a name.
const FILES: &[&str] = &["js", "ts", "py", "go", "rb", "cs", "gz"];

/// Parts of an address that name a role.
const ROLES: &[&str] = &[
    "abuse",
    "accounting",
    "accounts",
    "admin",
    "administrator",
    "alert",
    "alerts",
    "anfrage",
    "api",
    "bestellung",
    "bewerbung",
    "billing",
    "booking",
    "bot",
    "buchhaltung",
    "build",
    "career",
    "careers",
    "ci",
    "compliance",
    "contact",
    "cs",
    "customer",
    "customercare",
    "customerservice",
    "daemon",
    "datenschutz",
    "deploy",
    "desk",
    "dispatch",
    "donotreply",
    "dpo",
    "empfang",
    "enquiries",
    "enquiry",
    "events",
    "feedback",
    "finance",
    "git",
    "hello",
    "help",
    "helpdesk",
    "hostmaster",
    "hr",
    "hilfe",
    "impressum",
    "info",
    "inquiries",
    "inquiry",
    "invoice",
    "invoices",
    "it",
    "jobs",
    "karriere",
    "kontakt",
    "kundenservice",
    "legal",
    "list",
    "lists",
    "mail",
    "mailer",
    "marketing",
    "media",
    "newsletter",
    "no",
    "noreply",
    "nospam",
    "notification",
    "notifications",
    "notify",
    "office",
    "ops",
    "order",
    "orders",
    "partner",
    "partners",
    "payment",
    "payments",
    "post",
    "postmaster",
    "press",
    "presse",
    "privacy",
    "rechnung",
    "rechnungen",
    "reception",
    "redaktion",
    "reply",
    "reservation",
    "returns",
    "robot",
    "root",
    "sales",
    "security",
    "service",
    "services",
    "shipping",
    "shop",
    "status",
    "store",
    "subscribe",
    "subscriptions",
    "support",
    "system",
    "team",
    "tickets",
    "ticket",
    "unsubscribe",
    "update",
    "updates",
    "versand",
    "vertrieb",
    "verwaltung",
    "webmaster",
    "welcome",
    "zentrale",
];

/// Stand-ins for an address yet to be written.
const STAND_INS: &[&str] = &[
    "alias",
    "email",
    "emailaddress",
    "example",
    "foo",
    "bar",
    "me",
    "mustermann",
    "myname",
    "name",
    "someone",
    "somebody",
    "test",
    "tester",
    "user",
    "username",
    "you",
    "your",
    "yourname",
    "ihrname",
    "dein",
    "deine",
    "address",
    "adresse",
];

/// Finds addresses in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    if !passage.text.contains('@') {
        return;
    }
    for found in ADDRESS.captures_iter(&passage.words) {
        let (Some(all), Some(local), Some(domain)) = (found.get(0), found.get(1), found.get(2))
        else {
            continue;
        };
        let spaced = passage
            .words
            .get(local.end()..)
            .is_some_and(|rest| rest.starts_with(' '));
        let local = without_label(local.as_str());
        let known = PROVIDER.is_match(domain.as_str());
        let Some(domain) = (if known {
            Some(domain.as_str().to_owned())
        } else {
            name(domain.as_str())
        }) else {
            continue;
        };
        let person_like = local.contains(['.', '_']) || local.chars().any(|c| c.is_ascii_digit());
        if is_role(local) || (spaced && !known && !person_like && !says_mail(passage, all.start()))
        {
            continue;
        }
        let strength = if RESERVED.is_match(&domain) {
            if is_stand_in(local) {
                continue;
            }
            Strength::Likely
        } else if known || local.contains(['.', '_']) {
            Strength::SelfProving
        } else {
            Strength::Likely
        };
        sink.add(
            passage,
            all.range(),
            Kind::Email,
            strength,
            &format!("{local}@{domain}"),
        );
    }
}

/// The domain without blanks, cut behind the last ending that exists.
fn name(read: &str) -> Option<String> {
    let mut parts: Vec<&str> = read.split(['.', ',']).map(str::trim).collect();
    while let Some(last) = parts.last() {
        if parts.len() < 2 {
            return None;
        }
        let country = last.len() == 2
            && last.chars().all(|c| c.is_ascii_alphabetic())
            && !FILES.contains(last);
        if country || ENDINGS.contains(last) {
            let doubled = parts
                .first()
                .is_some_and(|first| matches!(*first, "2x" | "3x"));
            return (!doubled).then(|| parts.join("."));
        }
        parts.pop();
    }
    None
}

/// The local part without a label that lost its blank (`emailkim@`).
fn without_label(local: &str) -> &str {
    let trimmed = ["e-mail", "email"]
        .iter()
        .find_map(|label| local.strip_prefix(label));
    match trimmed {
        Some(rest) if rest.len() > 1 => rest.trim_start_matches(['.', '-', '_']),
        _ => local,
    }
}

fn parts(local: &str) -> impl Iterator<Item = &str> {
    local
        .split(['.', '_', '-', '+', '%'])
        .filter(|part| !part.is_empty())
}

/// The first or the last part names a role (`support.eu@`, `eu-support@`).
fn is_role(local: &str) -> bool {
    let mut ends = parts(local).next().into_iter().chain(parts(local).last());
    ends.any(|part| is_among(part.trim_end_matches(|c: char| c.is_ascii_digit()), ROLES))
}

fn is_stand_in(local: &str) -> bool {
    parts(local).all(|part| {
        is_among(
            part.trim_end_matches(|c: char| c.is_ascii_digit()),
            STAND_INS,
        )
    })
}

/// Compares as a bad reader would: `i` and `l` alike, `m` as `rn`.
fn is_among(part: &str, list: &[&str]) -> bool {
    let plain = |word: &str| word.replace("rn", "m").replace('l', "i");
    let part = plain(part);
    list.iter().any(|word| plain(word) == part)
}

fn says_mail(passage: &Passage, start: usize) -> bool {
    passage
        .labels(start)
        .iter()
        .any(|label| fold::words(label).contains("mai"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::strengths;

    fn check(row: &str, expected: Option<Strength>) {
        assert_eq!(
            strengths(&[row], Kind::Email).first().copied(),
            expected,
            "{row}"
        );
    }

    #[test]
    fn persons() {
        let sure = Some(Strength::SelfProving);
        check("minjun.kim@naver.com", sure);
        check("E-Mail: anna_schmidt@firma.de", sure);
        check("minjun.kim @ naver. com", sure);
        check("kim87@gmai1.c0m", sure);
        check("kim87@gmailcom", sure);
        check("hong@hanmail.net", sure);
        check("Emailpark.js@daum.net", sure);
        check("j.doe@acme.co.uk.", sure);
        check("kim@acme.com", Some(Strength::Likely));
        check("E-mail: hong @ acme.kr", Some(Strength::Likely));
        check("jane.miller@example.com", Some(Strength::Likely));
        check("kim.lee ＠ naver．com", sure);
    }

    #[test]
    fn nobody() {
        for row in [
            "support@acme.com",
            "Support @ acme.com",
            "supp0rt@acme.com",
            "no-reply@acme.com",
            "noreply@mail.acme.com",
            "info@firma.de",
            "1nfo@firma.de",
            "kontakt@firma.de",
            "sales-eu@acme.com",
            "eu.support@acme.com",
            "E-Mailinfo@firma.de",
            "help@acme.co.kr",
            "you@example.com",
            "your.name@example.com",
            "name@example.org",
            "git@github.com:a/b.git",
            "Follow us @ acme.com",
            "react@18.2.0",
            "icon@2x.png",
            "root@web01",
            "@handle",
            "ubuntu@ip-10-0-0-1",
            "user@localhost",
            "types/node@20.1.4",
            "kim@server.local",
        ] {
            check(row, None);
        }
    }
}
