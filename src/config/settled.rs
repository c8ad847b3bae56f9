//! The layers merged into one table in which every value remembers where it came from.
//!
//! The table becomes a typed value by serde. What serde refuses is reported, taken out and tried
//! again, so that one bad value does not hide the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::catalogue::{Catalogue, Kind, Place, Setting};
use super::layers::{Leaf, Read, variable_of};
use super::problem::{ConfigProblem, Origin};
use super::value::describe;
use crate::settings::Problem;

/// Stands where a secret is.
const REDACTED: &str = "(redacted)";

/// The merged layers.
#[derive(Clone)]
pub(super) struct Settled {
    catalogue: Catalogue,
    table: Table,
    origins: BTreeMap<Vec<String>, Origin>,
    problems: Vec<ConfigProblem>,
}

/// Values may be secret: only the origins are shown.
impl std::fmt::Debug for Settled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settled")
            .field("origins", &self.origins)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl Settled {
    /// Merges what was read: later values replace earlier ones, tables grow together.
    pub(super) fn new(catalogue: Catalogue, read: Read) -> Self {
        let mut settled = Self {
            catalogue,
            table: Table::new(),
            origins: BTreeMap::new(),
            problems: read.problems,
        };
        for leaf in read.leaves {
            settled.set(leaf);
        }
        settled
    }

    fn set(&mut self, leaf: Leaf) {
        let Some((name, sections)) = leaf.path.split_last() else {
            return;
        };
        let mut table = &mut self.table;
        for section in sections {
            let inner = table
                .entry(section.clone())
                .or_insert_with(|| Value::Table(Table::new()));
            // The catalogue has checked that no setting is also a section.
            let Value::Table(inner) = inner else { return };
            table = inner;
        }
        table.insert(name.clone(), leaf.value);
        self.origins.insert(leaf.path, leaf.origin);
    }

    /// The typed value, from what can be read. What cannot is added to the problems and left at
    /// its default.
    pub(super) fn typed<T: DeserializeOwned + Default>(&mut self) -> T {
        let mut table = self.table.clone();
        loop {
            let refusal = match attempt::<T>(&table) {
                Ok(typed) => return typed,
                Err(refusal) => refusal,
            };
            let culprit = self.culprit::<T>(&table, &refusal);
            let message = match self.catalogue.place(&culprit) {
                Place::Leaf(kind, true) => format!("is refused; expected {}", describe(kind)),
                // What the rooms would say of it, had the type a place for it.
                Place::Leaf(Kind::Integer, false) => match self.value(&culprit.join(".")) {
                    Some(Value::Integer(it)) if *it < 0 => {
                        format!("{it} is out of range: choose a whole number from 0 on")
                    }
                    _ => refusal.message,
                },
                _ => refusal.message,
            };
            let key = culprit.join(".");
            self.problems.push(ConfigProblem {
                origin: self.origins.get(&culprit).cloned(),
                key: (!key.is_empty()).then_some(key),
                message,
            });
            if !take(&mut table, &culprit) {
                return T::default();
            }
        }
    }

    /// The setting that serde stumbled over: the one it names, or else, since it does not name the
    /// entry of a map whose key is wrong, the first below the named place without which it says
    /// something else.
    fn culprit<T: DeserializeOwned>(&self, table: &Table, refusal: &Refusal) -> Vec<String> {
        let named = (0..=refusal.path.len())
            .rev()
            .filter_map(|n| refusal.path.get(..n));
        if let Some(path) = named.clone().find(|path| self.origins.contains_key(*path)) {
            return path.to_vec();
        }
        let matters = |leaf: &&Vec<String>| {
            let mut without = table.clone();
            take(&mut without, leaf) && attempt::<T>(&without).err().as_ref() != Some(refusal)
        };
        let inside = |path: &[String]| {
            let mut leaves = self.origins.keys().filter(|leaf| leaf.starts_with(path));
            leaves.find(&matters).cloned()
        };
        named
            .clone()
            .find_map(inside)
            .unwrap_or_else(|| refusal.path.clone())
    }

    /// Takes what the rooms have found wrong. A setting that already has a problem is not
    /// reported twice: the rooms have seen its default instead of it.
    pub(super) fn add(&mut self, problems: Vec<Problem>) {
        let known: BTreeSet<_> = self.problems.iter().filter_map(|p| p.key.clone()).collect();
        let secrets = self.secrets();
        for problem in problems {
            if known.contains(&problem.key) {
                continue;
            }
            let mut message = problem.message;
            for secret in &secrets {
                message = message.replace(secret, REDACTED);
            }
            let names: Vec<_> = problem.key.split('.').map(str::to_owned).collect();
            let origin = self.origins.get(&names).cloned();
            let place = self.catalogue.place(&names);
            if origin.is_none() && matches!(place, Place::Leaf(..)) {
                let variable = variable_of(&problem.key);
                message = format!("{message}; set it in a file or as {variable}");
            }
            self.problems.push(ConfigProblem {
                key: Some(problem.key),
                origin,
                message,
            });
        }
    }

    /// All problems so far.
    pub(super) fn problems(&self) -> &[ConfigProblem] {
        &self.problems
    }

    /// The texts that must not be shown.
    fn secrets(&self) -> Vec<String> {
        let secret = |(key, setting): (&str, &Setting)| {
            let text = setting
                .secret
                .then(|| self.value(key))
                .flatten()?
                .as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        self.catalogue.iter().filter_map(secret).collect()
    }

    fn value(&self, key: &str) -> Option<&Value> {
        let (first, rest) = match key.split_once('.') {
            Some((first, rest)) => (first, rest.split('.').collect()),
            None => (key, Vec::new()),
        };
        let first = self.table.get(first);
        rest.into_iter().fold(first, |value, name| value?.get(name))
    }

    /// The settings in force as TOML: every one with its origin, secrets redacted, those that are
    /// not set as comments.
    pub(super) fn effective(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for (key, setting) in self.in_sections() {
            let (of, name) = key.rsplit_once('.').unwrap_or(("", key));
            if of != section {
                let gap = if text.is_empty() { "" } else { "\n" };
                text.push_str(&format!("{gap}[{of}]\n"));
                section = of;
            }
            match self.value(key) {
                None => text.push_str(&format!("# {name} is not set\n")),
                Some(value) => {
                    let origin = self.origin(key);
                    let shown = shown(setting, value);
                    text.push_str(&format!("{name} = {shown} # {origin}\n"));
                }
            }
        }
        text
    }

    /// Every setting, those outside sections first, as TOML needs it, and each section in one run.
    fn in_sections(&self) -> Vec<(&str, &Setting)> {
        let mut settings: Vec<_> = self.catalogue.iter().collect();
        settings.sort_by_key(|(key, _)| key.rsplit_once('.').unwrap_or(("", key)));
        settings
    }

    /// Where a setting came from; for a map, where its entries came from.
    fn origin(&self, key: &str) -> String {
        let path: Vec<_> = key.split('.').map(str::to_owned).collect();
        let inside = self
            .origins
            .iter()
            .filter(|(leaf, _)| leaf.starts_with(&path));
        let origins: BTreeSet<_> = inside.map(|(_, origin)| origin.to_string()).collect();
        origins.into_iter().collect::<Vec<_>>().join(", ")
    }
}

/// What serde says no to, and where.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    path: Vec<String>,
    message: String,
}

fn attempt<T: DeserializeOwned>(table: &Table) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Table(table.clone())).map_err(|error| {
        let names = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Map { key } => Some(key.clone()),
            _ => None,
        });
        Refusal {
            path: names.collect(),
            message: error.inner().message().trim().to_owned(),
        }
    })
}

fn shown(setting: &Setting, value: &Value) -> String {
    if !setting.secret {
        return value.to_string();
    }
    match (&setting.kind, value) {
        (Kind::Map(_), Value::Table(entries)) => {
            let redacted = |name: &String| (name.clone(), Value::String(REDACTED.to_owned()));
            Value::Table(entries.keys().map(redacted).collect()).to_string()
        }
        _ => Value::String(REDACTED.to_owned()).to_string(),
    }
}

/// Removes the value at a path; whether there was one.
fn take(table: &mut Table, path: &[String]) -> bool {
    match path {
        [] => false,
        [name] => table.remove(name).is_some(),
        [section, rest @ ..] => match table.get_mut(section) {
            Some(Value::Table(inner)) => take(inner, rest),
            _ => false,
        },
    }
}
