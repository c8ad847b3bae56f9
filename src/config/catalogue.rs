//! Every setting there is, with its type, read from the types themselves.
//!
//! The JSON schema of the raw configuration names each key, also those without a default, so it is
//! the one list against which files, variables and options are checked. A setting is secret when
//! its schema says `writeOnly`: `#[schemars(extend("writeOnly" = true))]` on the field or its type.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::{Map, Value};

use super::nearest::nearest;

/// What a value must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Any text.
    Text,
    /// One of these words.
    Word(Vec<String>),
    /// A list of one kind.
    List(Box<Self>),
    /// Names chosen by the user, each with a value of one kind.
    Map(Box<Self>),
    /// Something nested that only files can hold; its type checks itself.
    Any,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// What its value must be.
    pub(super) kind: Kind,
    /// Whether its value is never shown.
    pub(super) secret: bool,
}

/// What stands at a place of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// A table of settings.
    Section,
    /// A setting: what it must be, and whether it is secret.
    Leaf(&'a Kind, bool),
    /// Nothing.
    Unknown,
}

/// All settings, by their dotted keys.
#[derive(Clone, Debug)]
pub(super) struct Catalogue {
    settings: BTreeMap<String, Setting>,
    sections: BTreeSet<String>,
}

impl Catalogue {
    /// The settings of a type.
    pub(super) fn of<T: JsonSchema>() -> Self {
        let schema = schemars::schema_for!(T).to_value();
        let none = Map::new();
        let definitions = schema
            .get("$defs")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let mut catalogue = Self {
            settings: BTreeMap::new(),
            sections: BTreeSet::new(),
        };
        catalogue.walk(&Reader { definitions }, "", &schema);
        catalogue
    }

    fn walk(&mut self, reader: &Reader<'_>, path: &str, schema: &Value) {
        let place = reader.resolve(schema);
        if let Some(properties) = place.get("properties").and_then(Value::as_object) {
            self.sections.insert(path.to_owned());
            for (name, property) in properties {
                self.walk(reader, &join(path, name), property);
            }
            return;
        }
        let secret = [schema, place]
            .iter()
            .any(|s| s.get("writeOnly") == Some(&Value::Bool(true)));
        let kind = reader.kind(place);
        self.settings
            .insert(path.to_owned(), Setting { kind, secret });
    }

    /// What stands at a path. Below a map the names are free.
    pub(super) fn place(&self, path: &[String]) -> Place<'_> {
        let dotted = path.join(".");
        if self.sections.contains(&dotted) {
            return Place::Section;
        }
        if let Some(setting) = self.settings.get(&dotted) {
            return Place::Leaf(&setting.kind, setting.secret);
        }
        match path.split_last().map(|(_, above)| self.place(above)) {
            Some(Place::Leaf(Kind::Map(inner), secret)) => Place::Leaf(inner, secret),
            _ => Place::Unknown,
        }
    }

    /// Every setting, by key.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.settings.iter().map(|(key, s)| (key.as_str(), s))
    }

    /// The known key that was probably meant: the same name in another section, or one that
    /// differs in a few letters.
    pub(super) fn suggest(&self, key: &str) -> Option<&str> {
        let known = || self.settings.keys().chain(&self.sections);
        let last = |key: &str| key.rsplit('.').next().map(str::to_owned);
        let mut elsewhere = self.settings.keys().filter(|k| last(k) == last(key));
        match (elsewhere.next(), elsewhere.next()) {
            (Some(only), None) => Some(only),
            _ => nearest(key, known().map(String::as_str)),
        }
    }
}

/// Joins a section and a name.
pub(super) fn join(section: &str, name: &str) -> String {
    if section.is_empty() {
        name.to_owned()
    } else {
        format!("{section}.{name}")
    }
}

/// Reads one schema document.
struct Reader<'a> {
    definitions: &'a Map<String, Value>,
}

impl<'a> Reader<'a> {
    /// Follows references, and looks through the wrapping that makes a setting optional.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or(reference);
            return match self.definitions.get(name) {
                Some(definition) => self.resolve(definition),
                None => schema,
            };
        }
        for word in ["anyOf", "allOf"] {
            let parts = schema.get(word).and_then(Value::as_array);
            let mut parts = parts.into_iter().flatten().filter(|p| !is_null(p));
            if let (Some(only), None) = (parts.next(), parts.next()) {
                return self.resolve(only);
            }
        }
        schema
    }

    fn kind(&self, schema: &'a Value) -> Kind {
        let schema = self.resolve(schema);
        if let Some(words) = words(schema) {
            return Kind::Word(words);
        }
        let inner = |name| schema.get(name).map(|inner| Box::new(self.kind(inner)));
        match type_name(schema) {
            Some("boolean") => Kind::Bool,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("string") => Kind::Text,
            Some("array") => inner("items").map_or(Kind::Any, Kind::List),
            Some("object") => inner("additionalProperties").map_or(Kind::Any, Kind::Map),
            _ => Kind::Any,
        }
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// The type, or the one beside `null`.
fn type_name(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ => None,
    }
}

/// The words of a closed set: `enum`, `const`, or alternatives made of those.
fn words(schema: &Value) -> Option<Vec<String>> {
    if let Some(word) = schema.get("const").and_then(Value::as_str) {
        return Some(vec![word.to_owned()]);
    }
    if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
        let words = listed.iter().filter_map(Value::as_str);
        return Some(words.map(str::to_owned).collect());
    }
    let alternatives = schema.get("oneOf").and_then(Value::as_array)?;
    let words: Option<Vec<_>> = alternatives.iter().map(words).collect();
    words.map(|words| words.concat())
}
