//! The README's table of settings against `config/default.toml`: every setting with its default and
//! its sentence, none too many. `UPDATE_GOLDEN=1` writes the table anew.

use crate::source;

const BEGIN: &str = "<!-- settings: begin -->\n";
const END: &str = "<!-- settings: end -->";

/// The table that the file of defaults makes: one row per setting, those without a default marked.
pub(crate) fn table(defaults: &str) -> String {
    let mut rows = String::from("| Setting | Default | What it is |\n| --- | --- | --- |\n");
    let (mut section, mut sentence) = ("", String::new());
    for line in defaults.lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let commented = bare.len() != line.len();
        if let Some(name) = line.strip_prefix('[') {
            (section, sentence) = (name.trim_end_matches(']'), String::new());
        } else if let Some((name, value)) = setting(bare).filter(|_| !section.is_empty()) {
            let value = if commented {
                "none".to_owned()
            } else {
                format!("`{value}`")
            };
            let text = sentence.replace('|', "\\|");
            rows.push_str(&format!("| `{section}.{name}` | {value} | {text} |\n"));
            sentence.clear();
        } else if commented {
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(bare);
        } else {
            sentence.clear();
        }
    }
    rows
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(" = ")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some((name, value))
}

/// The text between the marks, and what stands round it.
fn split(readme: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = readme.split_once(BEGIN)?;
    let (table, after) = rest.split_once(END)?;
    Some((before, table, after))
}

#[test]
fn the_readme_tells_every_setting_as_it_is() {
    let read = |path: &str| std::fs::read_to_string(source::root().join(path)).unwrap();
    let (defaults, readme) = (read("config/default.toml"), read("README.md"));
    let (before, stands, after) = split(&readme).expect("README.md has the marks of the table");
    let table = table(&defaults);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let whole = format!("{before}{BEGIN}{table}{END}{after}");
        std::fs::write(source::root().join("README.md"), whole).unwrap();
        return;
    }
    assert_eq!(stands, table, "run with UPDATE_GOLDEN=1 and read it");
}

#[test]
fn a_row_has_key_default_and_sentence() {
    let made =
        table("# About the file.\n\n[a]\n# What b\n# is.\nb = 1\n# What c is.\n# c = \"x\"\n");
    assert!(made.contains("| `a.b` | `1` | What b is. |\n"), "{made}");
    assert!(made.contains("| `a.c` | none | What c is. |\n"), "{made}");
    assert_eq!(made.lines().count(), 4, "{made}");
}
