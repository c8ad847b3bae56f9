//! Reading a table of TOML field by field, so that one mistake does not hide the next.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::settings::Problems;

/// A table under reading. Fields that were never asked for are reported at the end.
pub(super) struct Form<'a> {
    table: &'a Table,
    /// What mistakes are told of: the rule, and where in it.
    place: String,
    asked: BTreeSet<&'static str>,
}

impl<'a> Form<'a> {
    pub(super) fn new(table: &'a Table, place: String) -> Self {
        Self {
            table,
            place,
            asked: BTreeSet::new(),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Notes a mistake in a field.
    pub(super) fn wrong(&self, field: &str, problems: &mut Problems, message: impl Into<String>) {
        problems.add(format!("{} {field}", self.place), message);
    }

    /// A field as it stands.
    pub(super) fn get(&mut self, field: &'static str) -> Option<&'a Value> {
        self.asked.insert(field);
        self.table.get(field)
    }

    /// A text that is not empty and has no line breaks.
    pub(super) fn text(&mut self, field: &'static str, problems: &mut Problems) -> Option<&'a str> {
        let text = match self.get(field) {
            Some(Value::String(text)) => text.as_str(),
            Some(_) => {
                self.wrong(field, problems, "is no text; write it in quotation marks");
                return None;
            }
            None => {
                self.wrong(field, problems, "is missing; write it");
                return None;
            }
        };
        if text.trim().is_empty() || text.contains(char::is_control) {
            self.wrong(
                field,
                problems,
                "is empty or has line breaks; write one line",
            );
            return None;
        }
        Some(text)
    }

    /// A text, or several.
    pub(super) fn texts(
        &mut self,
        field: &'static str,
        problems: &mut Problems,
    ) -> Option<Vec<&'a str>> {
        let texts = match self.get(field) {
            Some(Value::String(text)) => Some(vec![text.as_str()]),
            Some(Value::Array(entries)) => entries.iter().map(Value::as_str).collect(),
            _ => None,
        };
        let texts = texts.filter(|texts| !texts.is_empty() && texts.iter().all(|t| !t.is_empty()));
        if texts.is_none() {
            self.wrong(
                field,
                problems,
                "is missing or no text; write one text, or a list of texts",
            );
        }
        texts
    }

    /// A word of a closed set.
    pub(super) fn word<T: Copy>(
        &mut self,
        field: &'static str,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let found = self.get(field).and_then(Value::as_str);
        let meant = words.iter().find(|(word, _)| Some(*word) == found);
        if meant.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("is missing or unknown; choose one of {}", words.join(", "));
            self.wrong(field, problems, message);
        }
        meant.map(|(_, value)| *value)
    }

    /// A table in the table.
    pub(super) fn table(
        &mut self,
        field: &'static str,
        problems: &mut Problems,
    ) -> Option<&'a Table> {
        match self.get(field) {
            Some(Value::Table(table)) => Some(table),
            found => {
                let what = if found.is_some() {
                    "is no table"
                } else {
                    "is missing"
                };
                self.wrong(
                    field,
                    problems,
                    format!("{what}; see config/threats.toml for its form"),
                );
                None
            }
        }
    }

    /// Reports what nobody asked for.
    pub(super) fn finish(self, problems: &mut Problems) {
        for field in self.table.keys() {
            if !self.asked.contains(field.as_str()) {
                let known: Vec<_> = self.asked.iter().copied().collect();
                let message = format!("is not known; known here are {}", known.join(", "));
                self.wrong(field, problems, message);
            }
        }
    }
}
