//! Reading the layers: each becomes a flat list of settings with the place each came from.
//!
//! A layer is checked against the catalogue while it is read, so that an unknown key or a value of
//! the wrong type is reported even when a later layer would have replaced it.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::catalogue::{Catalogue, Kind, Place, join};
use super::problem::{ConfigProblem, Origin};
use super::value;

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "WARDEN_";

/// One setting of one layer.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Its names from the outside in.
    pub(super) path: Vec<String>,
    /// Its value, of the right kind.
    pub(super) value: Value,
    /// Who set it.
    pub(super) origin: Origin,
}

/// What was read: settings, and what is wrong.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) leaves: Vec<Leaf>,
    pub(super) problems: Vec<ConfigProblem>,
}

impl Read {
    /// Reads the text of a file. `name` is `None` for the defaults.
    pub(super) fn text(&mut self, catalogue: &Catalogue, name: Option<&str>, text: &str) {
        let origin = |line| match name {
            Some(name) => Origin::File {
                name: name.to_owned(),
                line,
            },
            None => Origin::Default,
        };
        let (spanned, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            // Not the error's own Display: it quotes the line, which may hold a secret.
            self.problems.push(ConfigProblem {
                key: None,
                origin: Some(origin(line)),
                message: format!("is not TOML: {}", error.message()),
            });
        }
        if !errors.is_empty() {
            return;
        }
        // Asked again with values: an integer too large for TOML is found only here.
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(0, |span| line_of(text, span.start));
                self.problems.push(ConfigProblem {
                    key: None,
                    origin: Some(origin(line)),
                    message: format!("is not TOML: {}", error.message()),
                });
                return;
            }
        };
        let mut lines = BTreeMap::new();
        number_lines(text, "", spanned.get_ref(), &mut lines);
        let origin = |key: &str| origin(lines.get(key).copied().unwrap_or_default());
        self.table(catalogue, &mut Vec::new(), table, &origin);
    }

    fn table(
        &mut self,
        catalogue: &Catalogue,
        path: &mut Vec<String>,
        table: Table,
        origin: &dyn Fn(&str) -> Origin,
    ) {
        for (name, value) in table {
            path.push(name);
            let origin_here = origin(&path.join("."));
            match (catalogue.place(path), value) {
                (Place::Section | Place::Leaf(Kind::Map(_), _), Value::Table(inner)) => {
                    self.table(catalogue, path, inner, origin);
                }
                (_, value) => self.leaf(catalogue, path, value, origin_here),
            }
            path.pop();
        }
    }

    /// Takes one value, or says why not.
    pub(super) fn leaf(
        &mut self,
        catalogue: &Catalogue,
        path: &[String],
        value: Value,
        origin: Origin,
    ) {
        let key = path.join(".");
        let wrong = match catalogue.place(path) {
            Place::Unknown => Some(unknown(catalogue, &key)),
            Place::Section => Some("is a section, not a setting".to_owned()),
            Place::Leaf(kind, secret) => value::check(kind, &value, secret).err(),
        };
        match wrong {
            Some(message) => self.problem(key, origin, message),
            None => self.leaves.push(Leaf {
                path: path.to_vec(),
                value,
                origin,
            }),
        }
    }

    /// Reads the variables that begin with `WARDEN_`, but for those that are somebody else's.
    pub(super) fn variables<'a>(
        &mut self,
        catalogue: &Catalogue,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        reserved: &[&str],
    ) {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else {
                continue;
            };
            if reserved.contains(&name) {
                continue;
            }
            let path: Vec<_> = rest.to_lowercase().split("__").map(str::to_owned).collect();
            let origin = Origin::Variable(name.to_owned());
            let key = path.join(".");
            match catalogue.place(&path) {
                _ if rest != rest.to_uppercase() => {
                    self.problem(
                        key,
                        origin,
                        "write the variable in capital letters".to_owned(),
                    );
                }
                Place::Unknown => {
                    let hint = catalogue.suggest(&key).map(variable_of).map_or_else(
                        || {
                            format!(
                                "no such setting; variables are called {PREFIX}<SECTION>__<KEY>"
                            )
                        },
                        |near| format!("no such setting; did you mean {near}"),
                    );
                    self.problem(key, origin, hint);
                }
                Place::Section => {
                    self.problem(key, origin, "is a section, not a setting".to_owned());
                }
                Place::Leaf(kind, secret) => match value::parse(kind, text, secret) {
                    Ok(value) => self.leaves.push(Leaf {
                        path,
                        value,
                        origin,
                    }),
                    Err(message) => self.problem(key, origin, message),
                },
            }
        }
    }

    fn problem(&mut self, key: String, origin: Origin, message: String) {
        self.problems.push(ConfigProblem {
            key: Some(key),
            origin: Some(origin),
            message,
        });
    }
}

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

fn unknown(catalogue: &Catalogue, key: &str) -> String {
    match catalogue.suggest(key) {
        Some(near) => format!("no such setting; did you mean {near}"),
        None => "no such setting; `config` lists all of them".to_owned(),
    }
}

/// The line of every key, counted from 1.
fn number_lines(
    text: &str,
    section: &str,
    table: &DeTable<'_>,
    lines: &mut BTreeMap<String, usize>,
) {
    for (name, value) in table {
        let key = join(section, name.get_ref());
        lines.insert(key.clone(), line_of(text, name.span().start));
        if let DeValue::Table(inner) = value.get_ref() {
            number_lines(text, &key, inner, lines);
        }
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
