//! The mails as people read them, in each language, compared with `tests/golden/alerts/*/*.txt`. To
//! change a text, change it, run with `UPDATE_GOLDEN=1`, and read the files before committing them.

mod activities;
mod services;
mod uploads;

use std::path::PathBuf;

use s3_warden::alert::{Alert, AlertSettings, Language, body, chat, subject};

use crate::schema;

/// The mail of the alert that `make` makes, in every language.
#[track_caller]
pub(crate) fn check(name: &str, make: impl Fn(&AlertSettings) -> Alert) {
    for (folder, language) in [("en", Language::En), ("ko", Language::Ko)] {
        let alert = make(&AlertSettings {
            language,
            ..AlertSettings::default()
        });
        assert_eq!(alert.language, language);
        schema::check(&alert);
        let subject = subject(&alert);
        assert!(subject.len() < 100, "{subject}");
        assert!(subject.chars().all(|c| matches!(c, ' '..='~')), "{subject}");
        let text = format!("Subject: {subject}\n\n{}", body(&alert));
        compare(&format!("{folder}/{name}.txt"), &text);
    }
}

/// The same, and the form for chats.
#[track_caller]
pub(crate) fn check_with_chat(name: &str, make: impl Fn(&AlertSettings) -> Alert) {
    check(name, &make);
    let form = chat(&make(&AlertSettings::default()));
    let text = serde_json::to_string_pretty(&form).unwrap() + "\n";
    compare(&format!("chat/{name}.json"), &text);
}

#[track_caller]
fn compare(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/alerts")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{name}: run with UPDATE_GOLDEN=1 and read it");
}
