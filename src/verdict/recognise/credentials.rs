//! Keys, tokens and passwords.
//!
//! Issuers give their secrets forms that can be told from chance, so most need no label. What
//! documentation prints (`…EXAMPLE`, rows of `x`, `<your-key>`) is not a secret. Access key ids are
//! base32 behind their prefix, so `0`, `1` and `8` in them are misread letters.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::{Kind, Sink, Strength};
use super::fold;
use super::rows::Passage;
use super::vocabulary::{compile, phrase, vocabulary};

static AWS_ID: LazyLock<Regex> = LazyLock::new(|| {
    compile(r"(?:^|[^A-Za-z0-9])((?:AK|AS)[I1l|]A ?[A-Za-z0-9]{16})(?:$|[^A-Za-z0-9])")
});

/// Forty characters of base64 behind the name of the setting; a reader may lose or add a few.
static AWS_SECRET: LazyLock<Regex> = LazyLock::new(|| {
    phrase(r"secret access key[\s\W_]{0,6}([a-z0-9/+=]{30,44})(?:$|[^a-z0-9/+=])")
});

static PEM: LazyLock<Regex> = LazyLock::new(|| {
    phrase(
        r"-+ begin (?:rsa|ec|dsa|openssh|encrypted|pgp)? private key(?: block)?[\s-]*([a-z0-9+/=]{24,})?",
    )
});

/// Forms that name their issuer: GitHub, GitLab, Slack, Google, Stripe, `OpenAI`, Anthropic, npm,
/// Hugging Face, `SendGrid`, JSON web tokens, and a password inside a URL.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?:^|[^A-Za-z0-9_])(gh[pousr][_ -][A-Za-z0-9]{30,80}|github_pat_[A-Za-z0-9_]{50,90}|g[l1I]pat-[A-Za-z0-9_-]{18,24}|xox[abeoprs]-[A-Za-z0-9-]{20,90}|A[Il1|]za[A-Za-z0-9_-]{33,37}|[sr]k_[l1I]ive_[A-Za-z0-9]{20,100}|sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{32,200}|npm_[A-Za-z0-9]{34,38}|hf_[A-Za-z0-9]{30,40}|SG\.[A-Za-z0-9_-]{20,24}\.[A-Za-z0-9_-]{40,46}|eyJ[A-Za-z0-9_-]{12,}\.ey[JI][A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}|[a-z]{3,12}://[A-Za-z0-9._-]{1,40}:[^\s:/@$<{*]{6,80}@[A-Za-z0-9.-]{3,})",
    )
});

/// A setting or field with something behind it.
static ASSIGNED: LazyLock<Regex> = LazyLock::new(|| compile(r#"[:=;] ?["']?([^\s"']{6,80})"#));

static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "password",
        "passwd",
        "passwort",
        "passphrase",
        "kennwort",
        "pwd",
        "wifi key",
        "wlan schlussel",
        "비밀번호",
        "패스워드",
        "密码",
    ])
});

static SECRET: LazyLock<Regex> = LazyLock::new(|| {
    vocabulary(&[
        "api key",
        "apikey",
        "secret",
        "secret key",
        "client secret",
        "access token",
        "auth token",
        "api token",
        "bearer",
        "token",
        "private key",
        "account key",
    ])
});

/// What stands where a secret will stand, or in the name of a setting rather than its value.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    compile(
        r"(?i)example|xxxx|\*\*|\.\.\.|your[_-]?|changeme|placeholder|redacted|dummy|[$<>{}%]|1234567890ab|abcdefgh",
    )
});

/// Finds secrets in one passage.
pub(super) fn find(passage: &Passage, sink: &mut Sink) {
    access_keys(passage, sink);
    if let Some(found) = PEM.captures(&passage.words)
        && let Some(head) = found.get(0)
    {
        let body = if found.get(1).is_some() {
            Strength::SelfProving
        } else {
            Strength::Likely
        };
        sink.add(passage, head.range(), Kind::PrivateKey, body, "private key");
    }
    for found in TOKENS.captures_iter(&passage.text) {
        let Some(token) = found.get(1) else { continue };
        if !PLACEHOLDER.is_match(token.as_str()) && is_mixed(token.as_str(), 2) {
            sink.add(
                passage,
                token.range(),
                Kind::Token,
                Strength::SelfProving,
                token.as_str(),
            );
        }
    }
    labelled(passage, sink);
}

fn access_keys(passage: &Passage, sink: &mut Sink) {
    for found in AWS_ID.captures_iter(&passage.text) {
        let Some(id) = found.get(1) else { continue };
        let key: String = id
            .as_str()
            .chars()
            .filter_map(fold::letter_like_base32)
            .collect();
        let capitals = id
            .as_str()
            .chars()
            .filter(|c| !c.is_ascii_lowercase())
            .count();
        if !key.ends_with("EXAMPLE") && key.len() == 20 && capitals >= 16 && !is_flat(&key) {
            sink.add(
                passage,
                id.range(),
                Kind::AwsAccessKey,
                Strength::SelfProving,
                &key,
            );
        }
    }
    for found in AWS_SECRET.captures_iter(&passage.words) {
        let Some(read) = found.get(1) else { continue };
        let secret = passage.text.get(read.range()).unwrap_or_default();
        if !PLACEHOLDER.is_match(secret) && is_mixed(secret, 3) {
            sink.add(
                passage,
                read.range(),
                Kind::AwsSecretKey,
                Strength::SelfProving,
                secret,
            );
        }
    }
}

/// Values behind `password:` and `api_key =`.
fn labelled(passage: &Passage, sink: &mut Sink) {
    for found in ASSIGNED.captures_iter(&passage.text) {
        let (Some(sign), Some(value)) = (found.get(0), found.get(1)) else {
            continue;
        };
        let text = value.as_str();
        if PLACEHOLDER.is_match(text) {
            continue;
        }
        let before = passage.words.get(..sign.start()).unwrap_or_default();
        let label = last_words(before);
        let password = PASSWORD.is_match(label) && is_mixed(text, 2);
        let secret = SECRET.is_match(label) && text.len() >= 16 && is_mixed(text, 2);
        if password || secret {
            sink.add(
                passage,
                value.range(),
                Kind::Password,
                Strength::Likely,
                text,
            );
        }
    }
}

/// The last word before a sign, with the parts that `_` and blanks tie to it.
fn last_words(before: &str) -> &str {
    let from = before
        .char_indices()
        .rev()
        .take(24)
        .take_while(|(_, c)| c.is_alphanumeric() || matches!(c, '_' | '-' | ' ' | '"' | '\''))
        .last()
        .map_or(before.len(), |(at, _)| at);
    before.get(from..).unwrap_or_default()
}

/// Made of at least `kinds` of: small letters, capitals, digits, signs; a word or a date is not.
fn is_mixed(text: &str, kinds: usize) -> bool {
    let has = |test: fn(char) -> bool| usize::from(text.chars().any(test));
    let letters = text.chars().any(char::is_alphabetic);
    let found = has(|c| c.is_ascii_lowercase())
        + has(|c| c.is_ascii_uppercase())
        + has(|c| c.is_ascii_digit())
        + has(|c| c.is_ascii_punctuation());
    let more_than_a_word = text
        .chars()
        .any(|c| c.is_ascii_digit() || "!@#^&*+?".contains(c));
    letters && more_than_a_word && found >= kinds
}

/// Few different characters: a drawn stand-in, not a key.
fn is_flat(key: &str) -> bool {
    let mut signs: Vec<char> = key.chars().collect();
    signs.sort_unstable();
    signs.dedup();
    signs.len() < 7
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::recognise::testing::hits;

    fn check(rows: &[&str], expected: Option<(Kind, Strength)>) {
        let found = hits(rows)
            .into_iter()
            .filter(|(kind, _)| kind.category() == crate::verdict::Category::Credentials)
            .max_by_key(|(_, strength)| *strength);
        assert_eq!(found, expected, "{rows:?}");
    }

    // Put together here, so that no scanner takes this file for a leak.
    fn made(prefix: &str, rest: &str) -> String {
        format!("{prefix}{rest}")
    }

    #[test]
    fn secrets() {
        let sure = |kind| Some((kind, Strength::SelfProving));
        let id = made("AKIA", "QYZ7RT2MKLWX4PVB");
        check(&[&id], sure(Kind::AwsAccessKey));
        check(
            &[&format!("aws_access_key_id = {}", id.replace('I', "1"))],
            sure(Kind::AwsAccessKey),
        );
        check(
            &[&made("AS1A", "0YZ7RT2MKLWX4PV8")],
            sure(Kind::AwsAccessKey),
        );
        let secret = "k7Rq9XzT2mWv/4LpYc8Nd+Hs6BfJ3gUeA1oViKxS";
        check(
            &[&format!("aws_secret_access_key={secret}")],
            sure(Kind::AwsSecretKey),
        );
        check(
            &[&format!("SecretAccessKey: {secret}")],
            sure(Kind::AwsSecretKey),
        );
        check(
            &[&format!("aws secret access key|{secret}")],
            sure(Kind::AwsSecretKey),
        );
        check(
            &[
                "-----BEGIN RSA PRIVATE KEY-----",
                "MIIEpAIBAAKCAQEAr7Xw9Q2kLmZ0",
            ],
            sure(Kind::PrivateKey),
        );
        check(
            &["--BEGIN OPENSSH PRIVATEKEY--"],
            Some((Kind::PrivateKey, Strength::Likely)),
        );
        check(
            &[&made("ghp_", "k7Rq9XzT2mWv4LpYc8NdHs6BfJ3gUeA1oViK")],
            sure(Kind::Token),
        );
        check(
            &[&made("xoxb-", "281930475612-k7Rq9XzT2mWv4LpYc8Nd")],
            sure(Kind::Token),
        );
        check(
            &[&made("AIza", "Sk7Rq9XzT2mWv4LpYc8NdHs6BfJ3gUeA1oV")],
            sure(Kind::Token),
        );
        check(
            &[&made("sk_live_", "k7Rq9XzT2mWv4LpYc8Nd")],
            sure(Kind::Token),
        );
        check(
            &[&made(
                "eyJ",
                "hbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.k7Rq9XzT2mWv4LpYc8Nd",
            )],
            sure(Kind::Token),
        );
        check(
            &["postgres://app:h7Gk29xq@db.acme.com/x"],
            sure(Kind::Token),
        );
        let likely = Some((Kind::Password, Strength::Likely));
        check(&["Password: hunter2!x"], likely);
        check(&["Passwort; Sommer-2026"], likely);
        check(&["DB_PASSWORD=tr0ub4dor&3"], likely);
        check(&["api_key = 'k7Rq9XzT2mWv4LpYc8Nd'"], likely);
    }

    #[test]
    fn no_secrets() {
        for row in [
            "AKIAIOSFODNN7EXAMPLE",
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AKIAXXXXXXXXXXXXXXXX",
            "Password: ********",
            "Password: required",
            "Forgot your password?",
            "password=${DB_PASSWORD}",
            "api_key: <your-key>",
            "token: 12 tokens",
            "password: 8-16",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "tokens: 1234567",
            "secret: see vault",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "sha256:9f86d081884c7d659a2f",
            "https://acme.com:8080/login@x",
            "Password must contain: letters",
        ] {
            check(&[row], None);
        }
    }
}
