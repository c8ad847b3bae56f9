//! `config/default.toml` against the types: every setting stands in it once, with a sentence, and
//! its value is the default of the type; a setting without a default stands there as a comment.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::catalogue::{Catalogue, Kind, Place, join};
use super::value::check;
use super::{DEFAULTS, RawConfig};

/// One setting as it stands in the file.
#[derive(Debug)]
struct Entry {
    commented: bool,
    assignment: String,
    sentence: String,
}

/// Reads the file by lines. A block of comment lines that ends in a setting is its explanation.
fn entries(text: &str) -> BTreeMap<String, Entry> {
    let mut entries = BTreeMap::new();
    let mut section = String::new();
    let mut sentence = String::new();
    for line in text.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let commented = bare.len() != line.len();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            sentence.clear();
        } else if let Some(name) = assigned(bare) {
            let entry = Entry {
                commented,
                assignment: bare.to_owned(),
                sentence: std::mem::take(&mut sentence),
            };
            let key = join(&section, name);
            assert!(
                entries.insert(key.clone(), entry).is_none(),
                "{key} stands there twice"
            );
        } else if commented {
            sentence.push_str(bare);
        } else {
            sentence.clear();
        }
    }
    entries
}

/// The name on the left of `name = value`.
fn assigned(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(" = ")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some(name)
}

fn path(key: &str) -> Vec<String> {
    key.split('.').map(str::to_owned).collect()
}

#[test]
fn every_setting_is_explained_and_every_explanation_has_a_setting() {
    let catalogue = Catalogue::of::<RawConfig>();
    let entries = entries(DEFAULTS);
    let table: Table = DEFAULTS.parse().unwrap();
    for (key, setting) in catalogue.iter() {
        let lines = format!("{key}.");
        let map_has_lines = matches!(setting.kind, Kind::Map(_))
            && entries.keys().any(|entry| entry.starts_with(&lines));
        assert!(
            map_has_lines || entries.contains_key(key),
            "config/default.toml lacks {key}"
        );
    }
    for (key, entry) in &entries {
        let Place::Leaf(kind, secret) = catalogue.place(&path(key)) else {
            panic!("config/default.toml has {key}, which is no setting");
        };
        let known = catalogue.iter().any(|(setting, _)| setting == key);
        assert!(
            !known || entry.sentence.ends_with('.'),
            "{key} has no sentence of its own above it"
        );
        let line: Table = entry.assignment.parse().unwrap();
        let value = line.values().next().unwrap();
        assert_eq!(check(kind, value, secret), Ok(()), "{key}");
    }
    for key in keys(&table) {
        assert!(
            entries.contains_key(&key),
            "{key} is written in another way than name = value"
        );
    }
}

#[test]
fn the_values_are_the_defaults_of_the_types() {
    let read: RawConfig = toml::from_str(DEFAULTS).unwrap();
    let default = Table::try_from(RawConfig::default()).unwrap();
    assert_eq!(Table::try_from(read).unwrap(), default);

    let table: Table = DEFAULTS.parse().unwrap();
    let catalogue = Catalogue::of::<RawConfig>();
    for (key, entry) in entries(DEFAULTS) {
        if catalogue.iter().any(|(setting, _)| setting == key) {
            let default = get(&default, &key);
            if entry.commented {
                let nothing = default.is_none_or(is_empty);
                assert!(nothing, "{key} has a default; it is no comment");
            } else {
                assert_eq!(get(&table, &key), default, "{key}");
            }
        }
    }
}

/// Whether a default says nothing: an empty list that must be filled is as good as none.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Table(entries) => entries.is_empty(),
        _ => false,
    }
}

fn get<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => get(table.get(section)?.as_table()?, rest),
    }
}

/// The keys of all values that are no tables.
fn keys(table: &Table) -> Vec<String> {
    let below = |(name, value): (&String, &Value)| match value.as_table() {
        Some(inner) => keys(inner).iter().map(|key| join(name, key)).collect(),
        None => vec![name.clone()],
    };
    table.iter().flat_map(below).collect()
}

#[test]
fn comments_and_settings_are_told_apart() {
    let text =
        "# About = all.\n\n[a]\n# One.\n# x = 1\n# Two,\n# three.\ny_2 = [1]\n[a.b]\nz = 1\n";
    let entries = entries(text);
    let check = |key: &str, commented, sentence| {
        let entry = &entries[key];
        assert_eq!(
            (entry.commented, entry.sentence.as_str()),
            (commented, sentence),
            "{key}"
        );
    };
    assert_eq!(entries.len(), 3);
    check("a.x", true, "One.");
    check("a.y_2", false, "Two,three.");
    check("a.b.z", false, "");
}
