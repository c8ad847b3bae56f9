//! Makes a value that satisfies a JSON schema, with what is known put where it fits.
//!
//! It knows as much of JSON schema as tools of models use: types, enumerations, constants,
//! objects, lists, bounds, alternatives, and references within the schema.

use serde_json::{Map, Value, json};

/// How deep a schema is followed; a schema that refers to itself ends there.
const DEPTH: usize = 24;

/// Values for fields, by name.
pub(super) type Facts = Map<String, Value>;

/// Makes a value for `schema`. Facts are used wherever a field has their name and admits them;
/// `echo` is added to every free text.
pub(super) fn fill(schema: &Value, facts: &Facts, echo: &[String]) -> Value {
    let filler = Filler {
        root: schema,
        facts,
        echo,
    };
    filler.fill(schema, None, DEPTH)
}

/// Whether an object schema, or one within it, leaves room for fields that it does not name.
/// Structured output is refused then.
pub(super) fn is_open(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let open = fields.contains_key("properties")
                && fields.get("additionalProperties") != Some(&Value::Bool(false));
            open || fields.values().any(is_open)
        }
        Value::Array(all) => all.iter().any(is_open),
        _ => false,
    }
}

struct Filler<'a> {
    root: &'a Value,
    facts: &'a Facts,
    echo: &'a [String],
}

impl Filler<'_> {
    fn fill(&self, schema: &Value, name: Option<&str>, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        let schema = &self.resolved(schema);
        if let Some(constant) = schema.get("const") {
            return constant.clone();
        }
        if let Some(fact) = name.and_then(|name| self.fact(schema, name)) {
            return fact;
        }
        for key in ["anyOf", "oneOf"] {
            let mut options = schema.get(key).and_then(Value::as_array).into_iter();
            if let Some(options) = options.next() {
                let of = |option: &&Value| kind(&self.resolved(option)) != "null";
                let best = options.iter().find(of).or_else(|| options.first());
                return best.map_or(Value::Null, |best| self.fill(best, name, depth - 1));
            }
        }
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            let choice = choices.iter().find(|choice| !choice.is_null());
            return choice.cloned().unwrap_or(Value::Null);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "boolean" => json!(false),
            "integer" | "number" => number(schema),
            "null" => Value::Null,
            _ => Value::String(self.text(schema, name)),
        }
    }

    /// The schema behind references, with the parts of `allOf` laid over each other.
    fn resolved(&self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        for _ in 0..DEPTH {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
                break;
            };
            let pointer = reference.trim_start_matches('#').to_owned();
            schema = self.root.pointer(&pointer).cloned().unwrap_or(Value::Null);
        }
        if let Some(Value::Array(parts)) = schema.get("allOf").cloned() {
            let mut whole = schema.as_object().cloned().unwrap_or_default();
            whole.remove("allOf");
            for part in parts.iter().map(|part| self.resolved(part)) {
                whole.extend(part.as_object().cloned().unwrap_or_default());
            }
            schema = Value::Object(whole);
        }
        schema
    }

    /// What is known for a field, cut to what the field admits.
    fn fact(&self, schema: &Value, name: &str) -> Option<Value> {
        let mut fact = self.facts.get(name)?.clone();
        if let (Value::Array(values), Some(items)) = (&mut fact, schema.get("items")) {
            values.retain(|value| self.admits(items, value));
        }
        if let Value::String(text) = &mut fact
            && is_free(schema)
        {
            *text = self.fitted(schema, std::mem::take(text));
        }
        self.admits(schema, &fact).then_some(fact)
    }

    fn admits(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.resolved(schema);
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(options)) = schema.get(key) {
                return options.iter().any(|option| self.admits(option, value));
            }
        }
        if let Some(Value::Array(choices)) = schema.get("enum") {
            return choices.contains(value);
        }
        if schema.get("const").is_some_and(|only| only != value) {
            return false;
        }
        let of = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        match schema.get("type") {
            None => true,
            Some(Value::Array(types)) => types.iter().any(|one| one == of),
            Some(one) => one == of || (one == "integer" && of == "number"),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let mut made = Map::new();
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, property) in properties {
                made.insert(name.clone(), self.fill(property, Some(name), depth - 1));
            }
        }
        Value::Object(made)
    }

    fn array(&self, schema: &Value, name: Option<&str>, depth: usize) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        let of = schema.get("items").unwrap_or(&Value::Null);
        (0..least.min(64))
            .map(|_| self.fill(of, name, depth - 1))
            .collect()
    }

    fn text(&self, schema: &Value, name: Option<&str>) -> String {
        let text = match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => return "2026-01-01T00:00:00Z".to_owned(),
            Some("date") => return "2026-01-01".to_owned(),
            _ => name.map_or_else(|| "text".to_owned(), |name| format!("the {name}")),
        };
        self.fitted(schema, text)
    }

    /// A text with the echo added, as long as the schema wants it.
    fn fitted(&self, schema: &Value, mut text: String) -> String {
        for value in self.echo {
            text.push(' ');
            text.push_str(value);
        }
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64);
        let least = usize::try_from(bound("minLength").unwrap_or(0)).unwrap_or(usize::MAX);
        while text.chars().count() < least.min(10_000) {
            text.push('.');
        }
        if let Some(most) = bound("maxLength").and_then(|most| usize::try_from(most).ok()) {
            text = text.chars().take(most).collect();
        }
        text
    }
}

/// Whether a text of one's own may stand there.
fn is_free(schema: &Value) -> bool {
    schema.get("enum").is_none() && schema.get("const").is_none()
}

/// The type that is made for a schema: the first that is not null.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(several)) => {
            let mut names = several.iter().filter_map(Value::as_str);
            names.find(|name| *name != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn number(schema: &Value) -> Value {
    let bound = |key: &str| schema.get(key).cloned();
    let least = bound("minimum").or_else(|| {
        let above = schema.get("exclusiveMinimum")?.as_i64()?;
        Some(json!(above + 1))
    });
    let fits = |most: &Value| most.as_f64().is_none_or(|most| most >= 0.0);
    match (least, bound("maximum")) {
        (Some(least), _) => least,
        (None, Some(most)) if !fits(&most) => most,
        _ => json!(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schema: &Value, expected: &Value) {
        let facts = json!({"pii": true, "kinds": ["face", "name"], "level": "high", "title": "T"});
        let Value::Object(facts) = facts else {
            unreachable!("written above")
        };
        assert_eq!(fill(schema, &facts, &["1234".to_owned()]), *expected);
    }

    #[test]
    fn facts_go_where_they_fit_and_the_rest_is_made() {
        check(
            &json!({"type": "object", "properties": {
                "pii": {"type": "boolean"},
                "kinds": {"type": "array", "items": {"$ref": "#/$defs/kind"}},
                "level": {"type": "string", "enum": ["low", "high"]},
                "title": {"type": ["string", "null"], "maxLength": 5},
                "note": {"type": "string", "minLength": 12},
                "count": {"type": "integer", "minimum": 3},
                "inner": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {
                    "level": {"enum": ["none", "some"]}, "when": {"type": "string", "format": "date"}
                }}]},
                "list": {"type": "array", "minItems": 2, "items": {"const": 7}}
            }, "$defs": {"kind": {"enum": ["face", "card"]}}}),
            &json!({"pii": true, "kinds": ["face"], "level": "high", "title": "T 123",
                "note": "the note 1234", "count": 3,
                "inner": {"level": "none", "when": "2026-01-01"}, "list": [7, 7]}),
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"again": {"$ref": "#"}}});
        assert!(fill(&schema, &Facts::new(), &[]).is_object());
    }

    #[test]
    fn open_objects_are_found_at_any_depth() {
        let closed = json!({"type": "object", "additionalProperties": false, "properties": {}});
        assert!(!is_open(&closed));
        let mut outer = closed.clone();
        outer["properties"] = json!({"a": {"type": "object", "properties": {}}});
        assert!(is_open(&outer));
    }
}
