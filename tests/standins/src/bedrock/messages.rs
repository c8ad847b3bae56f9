//! Reads the body of `InvokeModel` as Claude models take it: the Messages API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::ask::{Ask, Picture};
use super::book::{Api, Form};
use super::fault::Fault;

/// The only version of the body that Bedrock takes.
const VERSION: &str = "bedrock-2023-05-31";

/// Reads a request; an error is the service's own for it.
pub(super) fn read(body: &Value) -> Result<Ask, Fault> {
    if body.get("anthropic_version").and_then(Value::as_str) != Some(VERSION) {
        return Err(Fault::invalid(format!(
            "anthropic_version: it must be \"{VERSION}\""
        )));
    }
    if body.get("max_tokens").and_then(Value::as_u64).is_none() {
        return Err(Fault::invalid("max_tokens: Field required"));
    }
    let sampling = ["temperature", "top_p", "top_k"];
    let mut ask = Ask {
        api: Api::InvokeModel,
        form: Form::Prompt,
        tool: None,
        schema: None,
        pictures: Vec::new(),
        picture_last: false,
        system: texts(body.get("system")),
        text: String::new(),
        max_tokens: body.get("max_tokens").and_then(Value::as_u64),
        thinking: body.pointer("/thinking/type") != Some(&Value::from("disabled")),
        sampling: sampling
            .into_iter()
            .filter(|name| body.get(name).is_some())
            .collect(),
        roles: Vec::new(),
    };
    read_form(body, &mut ask);
    for message in list(body.get("messages")) {
        let role = message.get("role").and_then(Value::as_str).unwrap_or("");
        ask.roles.push(role.to_owned());
        match message.get("content") {
            Some(Value::String(text)) => {
                ask.text.push_str(text);
                ask.picture_last = false;
            }
            content => {
                for block in list(content) {
                    read_block(block, &mut ask)?;
                }
            }
        }
    }
    Ok(ask)
}

fn read_form(body: &Value, ask: &mut Ask) {
    if let Some(schema) = body.pointer("/output_config/format/schema") {
        ask.form = Form::Schema;
        ask.schema = Some(schema.clone());
    }
    let tools = list(body.get("tools"));
    let choice = body.pointer("/tool_choice/type").and_then(Value::as_str);
    if tools.is_empty() || choice == Some("none") {
        return;
    }
    let named = body.pointer("/tool_choice/name");
    let used = match named {
        Some(name) => tools.iter().find(|tool| tool.get("name") == Some(name)),
        None => tools.first(),
    };
    let forced = matches!(choice, Some("tool" | "any"));
    let of = |key: &str| used.and_then(|tool| tool.get(key)).cloned();
    ask.form = if forced { Form::ForcedTool } else { Form::Tool };
    ask.tool = of("name").and_then(|name| name.as_str().map(str::to_owned));
    ask.schema = of("input_schema");
}

fn read_block(block: &Value, ask: &mut Ask) -> Result<(), Fault> {
    let kind = block.get("type").and_then(Value::as_str);
    ask.picture_last = kind == Some("image");
    match kind {
        Some("text") => {
            let text = block.get("text").and_then(Value::as_str).unwrap_or("");
            if text.trim().is_empty() {
                return Err(Fault::invalid(
                    "messages: text content blocks must be non-empty",
                ));
            }
            ask.text.push_str(text);
            ask.text.push('\n');
        }
        Some("tool_result") => match block.get("content") {
            Some(Value::String(text)) => ask.text.push_str(text),
            content => ask.text.push_str(&texts(content)),
        },
        Some("image") => {
            let data = block.pointer("/source/data").and_then(Value::as_str);
            let bytes = data.and_then(|data| STANDARD.decode(data).ok());
            let bytes = bytes.ok_or_else(|| {
                Fault::invalid("messages: image.source.base64: invalid base64 data")
            })?;
            let media = block.pointer("/source/media_type").and_then(Value::as_str);
            let format = media.and_then(|media| media.strip_prefix("image/"));
            let format = format.unwrap_or("").to_owned();
            ask.pictures.push(Picture { format, bytes });
        }
        _ => {}
    }
    Ok(())
}

/// A text, or the texts of a list of blocks, a line each.
fn texts(value: Option<&Value>) -> String {
    if let Some(Value::String(text)) = value {
        return text.clone();
    }
    let texts = list(value).iter().filter_map(|block| block.get("text"));
    let texts: Vec<_> = texts.filter_map(Value::as_str).collect();
    texts.join("\n")
}

fn list(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map_or(&[], |list| list.as_slice())
}
