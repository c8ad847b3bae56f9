//! Reads the body of Converse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::ask::{Ask, Picture};
use super::book::{Api, Form};
use super::fault::Fault;

/// Reads a request; an error is the service's own for it.
pub(super) fn read(body: &Value) -> Result<Ask, Fault> {
    let more = body.get("additionalModelRequestFields");
    let inference = body.get("inferenceConfig");
    let mut ask = Ask {
        api: Api::Converse,
        form: Form::Prompt,
        tool: None,
        schema: None,
        pictures: Vec::new(),
        picture_last: false,
        system: texts(body.get("system")),
        text: String::new(),
        max_tokens: inference
            .and_then(|given| given.get("maxTokens"))
            .and_then(Value::as_u64),
        thinking: more.and_then(|more| more.pointer("/thinking/type"))
            != Some(&Value::from("disabled")),
        sampling: sampling(inference, more),
        roles: Vec::new(),
    };
    read_form(body, &mut ask)?;
    for message in list(body.get("messages")) {
        let role = message.get("role").and_then(Value::as_str).unwrap_or("");
        ask.roles.push(role.to_owned());
        let blocks = list(message.get("content"));
        let has_text = blocks.iter().any(|block| block.get("text").is_some());
        for block in blocks {
            read_block(block, role, has_text, &mut ask)?;
        }
    }
    Ok(ask)
}

fn sampling(inference: Option<&Value>, more: Option<&Value>) -> Vec<&'static str> {
    let names = [
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("topK", "top_k"),
    ];
    let there =
        |from: Option<&Value>, name: &str| from.is_some_and(|from| from.get(name).is_some());
    let given = names.into_iter().filter(|(camel, snake)| {
        there(inference, camel) || there(more, snake) || there(more, camel)
    });
    given.map(|(_, snake)| snake).collect()
}

fn read_form(body: &Value, ask: &mut Ask) -> Result<(), Fault> {
    if let Some(format) = body.pointer("/outputConfig/textFormat") {
        let text = format.pointer("/structure/jsonSchema/schema");
        let text = text.and_then(Value::as_str).unwrap_or("");
        ask.form = Form::Schema;
        ask.schema = Some(serde_json::from_str(text).map_err(|_| {
            Fault::invalid("The outputConfig.textFormat.structure.jsonSchema.schema is not JSON.")
        })?);
    }
    let Some(config) = body.get("toolConfig") else {
        return Ok(());
    };
    let tools: Vec<_> = list(config.get("tools"))
        .iter()
        .filter_map(|tool| tool.get("toolSpec"))
        .collect();
    for tool in &tools {
        check_tool(tool)?;
    }
    let choice = config.get("toolChoice");
    let named = choice.and_then(|choice| choice.pointer("/tool/name"));
    let forced = named.is_some() || choice.is_some_and(|choice| choice.get("any").is_some());
    let used = match named {
        Some(name) => tools.iter().find(|tool| tool.get("name") == Some(name)),
        None => tools.first(),
    };
    let of = |key: &str| used.and_then(|tool| tool.pointer(key)).cloned();
    ask.form = if forced { Form::ForcedTool } else { Form::Tool };
    ask.tool = of("/name").and_then(|name| name.as_str().map(str::to_owned));
    ask.schema = of("/inputSchema/json");
    Ok(())
}

fn check_tool(tool: &Value) -> Result<(), Fault> {
    let name = tool.get("name").and_then(Value::as_str).unwrap_or("");
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return Err(Fault::invalid(
            "Value at 'toolConfig.tools.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+",
        ));
    }
    if tool.get("description").is_some_and(|text| text == "") {
        return Err(Fault::invalid(
            "Value at 'toolConfig.tools.toolSpec.description' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ));
    }
    if tool.pointer("/inputSchema/json/type") != Some(&Value::from("object")) {
        return Err(Fault::invalid(
            "The value at toolConfig.tools.toolSpec.inputSchema.json.type must be one of the following: object.",
        ));
    }
    Ok(())
}

fn read_block(block: &Value, role: &str, has_text: bool, ask: &mut Ask) -> Result<(), Fault> {
    ask.picture_last = block.get("image").is_some();
    if let Some(text) = block.get("text").and_then(Value::as_str) {
        if text.trim().is_empty() {
            return Err(Fault::invalid(
                "The text field in the ContentBlock object is blank. Add text to the text field, and try again.",
            ));
        }
        ask.text.push_str(text);
        ask.text.push('\n');
    }
    if let Some(result) = block.get("toolResult") {
        ask.text.push_str(&texts(result.get("content")));
    }
    if let Some(document) = block.get("document") {
        check_document(document, role, has_text)?;
    }
    let Some(picture) = block.get("image") else {
        return Ok(());
    };
    if role != "user" {
        return Err(Fault::invalid(
            "The model returned the following errors: images are only allowed in user messages",
        ));
    }
    let bytes = picture.pointer("/source/bytes").and_then(Value::as_str);
    let bytes = bytes.and_then(|text| STANDARD.decode(text).ok());
    let Some(bytes) = bytes else {
        return Err(Fault::invalid(
            "The image source must carry bytes: this model does not read from Amazon S3.",
        ));
    };
    let format = picture.get("format").and_then(Value::as_str).unwrap_or("");
    ask.pictures.push(Picture {
        format: format.to_owned(),
        bytes,
    });
    Ok(())
}

fn check_document(document: &Value, role: &str, has_text: bool) -> Result<(), Fault> {
    let name = document.get("name").and_then(Value::as_str).unwrap_or("");
    let plain = |c: char| c.is_alphanumeric() || " -()[]".contains(c);
    if name.is_empty() || !name.chars().all(plain) || name.contains("  ") {
        return Err(Fault::invalid(
            "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
        ));
    }
    if role != "user" || !has_text {
        return Err(Fault::invalid(
            "A text content block is required when a document is given, and documents are only allowed in user messages.",
        ));
    }
    Ok(())
}

/// The texts of a list of blocks, a line each.
fn texts(blocks: Option<&Value>) -> String {
    let texts = list(blocks).iter().filter_map(|block| block.get("text"));
    let texts: Vec<_> = texts.filter_map(Value::as_str).collect();
    texts.join("\n")
}

fn list(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map_or(&[], |list| list.as_slice())
}
