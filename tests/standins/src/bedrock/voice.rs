//! How an answer is said: as a tool, as JSON, as text, or wrongly on purpose.

use serde_json::{Value, json};

use super::ask::Ask;
use super::behaviour::{Behaviour, Nonsense};
use super::book::{Api, Form};
use super::{mind, schema};
use crate::pictures::Seen;
use crate::serve::{self, Reply};

/// Tokens that thinking costs when it is not turned off.
const THINKING: u64 = 40;

/// A part of an answer.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    Thinking,
    Text(String),
    Tool { name: String, input: Value },
}

/// An answer, before it takes the form of an API.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    parts: Vec<Part>,
    /// In the words of Converse.
    pub(super) stop: &'static str,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}

/// Composes the answer to a request of which `seen` was seen.
pub(super) fn say(ask: &Ask, behaviour: &Behaviour, seen: Seen) -> Said {
    let echo: &[String] = match behaviour {
        Behaviour::Echo(values) => values,
        _ => &[],
    };
    let mut said = Said {
        parts: Vec::new(),
        stop: "end_turn",
        input_tokens: input_tokens(ask),
        output_tokens: 0,
    };
    if ask.thinking {
        said.parts.push(Part::Thinking);
    }
    match behaviour {
        Behaviour::Refuse => {
            said.parts.clear();
            said.stop = match ask.api {
                Api::Converse => "content_filtered",
                Api::InvokeModel => "refusal",
            };
            return said;
        }
        Behaviour::Refusal => return said.stopped("refusal", "I can't help with this picture."),
        Behaviour::Guardrail => {
            return said.stopped("guardrail_intervened", "Sorry, this was blocked.");
        }
        _ => {}
    }
    match wanted(ask) {
        Some(schema) => {
            let facts = facts(ask, behaviour, seen);
            let value = schema::fill(&schema, &facts, echo);
            said.speak(ask, behaviour, value);
        }
        None => {
            let mut text = mind::described(seen).to_owned();
            for value in echo {
                text.push(' ');
                text.push_str(value);
            }
            said.parts.push(Part::Text(text));
        }
    }
    said.count(ask, behaviour);
    said
}

fn facts(ask: &Ask, behaviour: &Behaviour, seen: Seen) -> schema::Facts {
    let facts = if ask.pictures.is_empty() {
        mind::about_text(&ask.text)
    } else {
        mind::about_pictures(seen)
    };
    match behaviour {
        Behaviour::Gullible if seen.orders || mind::gives_orders(&ask.text) => mind::obeying(facts),
        Behaviour::Contradict => mind::contradicting(facts),
        _ => facts,
    }
}

/// The schema of the answer: given with the request, or written somewhere in the prompt, or, where
/// the prompt only asks for JSON, all that there is to say.
fn wanted(ask: &Ask) -> Option<Value> {
    if ask.schema.is_some() {
        return ask.schema.clone();
    }
    let prompt = format!("{}\n{}", ask.system, ask.text);
    if !prompt.to_lowercase().contains("json") {
        return None;
    }
    let written = prompt.match_indices('{').take(200).find_map(|(at, _)| {
        let rest = prompt.get(at..)?;
        let first = serde_json::Deserializer::from_str(rest)
            .into_iter::<Value>()
            .next()?;
        first.ok().filter(|value| value.get("properties").is_some())
    });
    written.or_else(|| {
        let facts = if ask.pictures.is_empty() {
            mind::about_text("")
        } else {
            mind::about_pictures(Seen::default())
        };
        let fields = facts.into_iter().map(|(name, value)| match value {
            Value::String(_) => (name, json!({"type": "string"})),
            Value::Bool(_) => (name, json!({"type": "boolean"})),
            _ => (name, json!({"type": "array", "items": {"type": "string"}})),
        });
        Some(json!({"properties": fields.collect::<serde_json::Map<_, _>>()}))
    })
}

impl Said {
    fn stopped(mut self, stop: &'static str, text: &str) -> Self {
        self.parts.push(Part::Text(text.to_owned()));
        self.stop = stop;
        self.output_tokens = 12;
        self
    }

    /// Says a value in the form that was asked for, or as wrongly as was ordered.
    fn speak(&mut self, ask: &Ask, behaviour: &Behaviour, mut value: Value) {
        let nonsense = match behaviour {
            Behaviour::Nonsense(nonsense) => Some(*nonsense),
            _ => None,
        };
        let by_tool = matches!(ask.form, Form::ForcedTool | Form::Tool);
        let mut name = ask.tool.clone().unwrap_or_default();
        match nonsense {
            Some(Nonsense::Text) => {
                self.parts
                    .push(Part::Text("It looks fine to me.".to_owned()));
                return;
            }
            Some(Nonsense::WrongTool) => "make_coffee".clone_into(&mut name),
            Some(Nonsense::UnknownCategory) => set(&mut value, "categories", json!(["shoe_size"])),
            Some(Nonsense::WrongTypes) => {
                set(&mut value, "contains_pii", json!("no"));
                set(&mut value, "categories", json!(0));
                set(&mut value, "threat_level", json!(3));
            }
            Some(Nonsense::Empty) => value = json!({}),
            Some(Nonsense::InvalidJson) if by_tool => value = json!("{\"contains_pii\": fal"),
            Some(Nonsense::InvalidJson | Nonsense::Chatty) | None => {}
        }
        let chatty = nonsense == Some(Nonsense::Chatty);
        if by_tool {
            if chatty {
                self.parts.push(Part::Text("Let me look at it.".to_owned()));
            }
            self.parts.push(Part::Tool { name, input: value });
            self.stop = "tool_use";
            return;
        }
        let text = match nonsense {
            Some(Nonsense::InvalidJson) => "{\"contains_pii\": fal".to_owned(),
            Some(Nonsense::WrongTool) => json!({ name: value }).to_string(),
            Some(Nonsense::Chatty) => {
                format!("Here is what I found:\n```json\n{value}\n```\nAnything else?")
            }
            _ => value.to_string(),
        };
        self.parts.push(Part::Text(text));
    }

    /// Counts what was said, and cuts it where the limit of the answer is, or was ordered to be.
    fn count(&mut self, ask: &Ask, behaviour: &Behaviour) {
        let parts = self.parts.iter().map(|part| match part {
            Part::Thinking => THINKING,
            Part::Text(text) => tokens(text),
            Part::Tool { name, input } => 12 + tokens(name) + tokens(&input.to_string()),
        });
        self.output_tokens = parts.sum();
        let limit = ask.max_tokens.unwrap_or(u64::MAX);
        if *behaviour != Behaviour::Truncate && self.output_tokens <= limit {
            return;
        }
        self.stop = "max_tokens";
        self.output_tokens = self.output_tokens.min(limit);
        match self.parts.last_mut() {
            Some(Part::Text(text)) => {
                *text = text.chars().take(text.chars().count() / 2).collect();
            }
            // What had been said before the limit: a caller who takes it for whole is wrong.
            Some(Part::Tool { input, .. }) => {
                let fields = input.as_object().into_iter().flatten().take(1);
                *input = Value::Object(fields.map(|(k, v)| (k.clone(), v.clone())).collect());
            }
            _ => {}
        }
    }

    /// The answer as the API gives it.
    pub(super) fn reply(&self, api: Api, number: u64, took_ms: u64) -> Reply {
        let body = match api {
            Api::Converse => self.converse(number, took_ms),
            Api::InvokeModel => self.messages(number),
        };
        let mut reply = serve::json(200, &body);
        serve::set_header(
            &mut reply,
            "x-amzn-requestid",
            &format!("stand-in-{number}"),
        );
        if api == Api::InvokeModel {
            let counts = [
                ("x-amzn-bedrock-input-token-count", self.input_tokens),
                ("x-amzn-bedrock-output-token-count", self.output_tokens),
                ("x-amzn-bedrock-invocation-latency", took_ms),
            ];
            for (name, count) in counts {
                serve::set_header(&mut reply, name, &count.to_string());
            }
        }
        reply
    }

    fn converse(&self, number: u64, took_ms: u64) -> Value {
        let content = self.parts.iter().map(|part| match part {
            Part::Thinking => json!({"reasoningContent": {"reasoningText": {
                "text": "I look at it first.", "signature": "c2lnbmF0dXJl"}}}),
            Part::Text(text) => json!({"text": text}),
            Part::Tool { name, input } => json!({"toolUse": {
                "toolUseId": format!("tooluse_{number:022}"), "name": name, "input": input}}),
        });
        json!({
            "output": {"message": {"role": "assistant", "content": content.collect::<Vec<_>>()}},
            "stopReason": self.stop,
            "usage": {
                "inputTokens": self.input_tokens,
                "outputTokens": self.output_tokens,
                "totalTokens": self.input_tokens + self.output_tokens,
                "cacheReadInputTokens": 0,
                "cacheWriteInputTokens": 0
            },
            "metrics": {"latencyMs": took_ms}
        })
    }

    fn messages(&self, number: u64) -> Value {
        let content = self.parts.iter().map(|part| match part {
            Part::Thinking => json!({"type": "thinking",
                "thinking": "I look at it first.", "signature": "c2lnbmF0dXJl"}),
            Part::Text(text) => json!({"type": "text", "text": text}),
            Part::Tool { name, input } => json!({"type": "tool_use",
                "id": format!("toolu_bdrk_{number:022}"), "name": name, "input": input}),
        });
        json!({
            "id": format!("msg_bdrk_{number:022}"),
            "type": "message",
            "role": "assistant",
            "model": "claude-stand-in",
            "content": content.collect::<Vec<_>>(),
            "stop_reason": self.stop,
            "stop_sequence": null,
            "usage": {
                "input_tokens": self.input_tokens,
                "output_tokens": self.output_tokens,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0
            }
        })
    }
}

fn set(value: &mut Value, name: &str, to: Value) {
    if let Some(field) = value.get_mut(name) {
        *field = to;
    }
}

/// Tokens of a text, roughly as current tokenizers count them.
fn tokens(text: &str) -> u64 {
    u64::try_from(text.len().div_ceil(3)).unwrap_or(u64::MAX)
}

/// Tokens of a request: its texts, its schema, and 28 by 28 pixels each of its pictures, which are
/// scaled down to 2,576 pixels a side and 4,784 tokens first.
pub(super) fn input_tokens(ask: &Ask) -> u64 {
    let schema = ask.schema.as_ref().map(Value::to_string);
    let pictures = ask.pictures.iter().map(|picture| {
        let (width, height) = picture.size();
        let scale = (2_576.0 / f64::from(width.max(height).max(1))).min(1.0);
        let patches = |side: u32| (f64::from(side) * scale / 28.0).ceil();
        (patches(width) * patches(height)).min(4_784.0) as u64
    });
    tokens(&ask.system)
        + tokens(&ask.text)
        + tokens(schema.as_deref().unwrap_or(""))
        + pictures.sum::<u64>()
}
