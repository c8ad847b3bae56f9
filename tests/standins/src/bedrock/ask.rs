//! A request as both APIs mean it, and the rules of the service that it must keep.
//!
//! The rules are those that a caller written for older models breaks: see the pages "Converse" and
//! "Supported models" of the Bedrock user guide, and the migration guides of the 4.7 and 5 models.

use image::ImageFormat;
use serde_json::Value;

use super::behaviour::Behaviour;
use super::book::{Api, Form};
use super::fault::Fault;
use super::schema;

/// Largest picture in bytes, before base64: 5 MB of it.
const MAX_BYTES: usize = 3_750_000;
/// Longest side of a picture in pixels.
const MAX_SIDE: u32 = 8_000;
/// Most pictures in a request.
const MAX_PICTURES: usize = 20;

/// One request, read.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) api: Api,
    pub(super) form: Form,
    /// The tool that the answer has to use.
    pub(super) tool: Option<String>,
    /// What the answer has to look like.
    pub(super) schema: Option<Value>,
    pub(super) pictures: Vec<Picture>,
    /// Whether a picture is the very last block of the last message.
    pub(super) picture_last: bool,
    pub(super) system: String,
    pub(super) text: String,
    pub(super) max_tokens: Option<u64>,
    /// Whether thinking was not turned off.
    pub(super) thinking: bool,
    /// Which of the parameters that current models reject are there.
    pub(super) sampling: Vec<&'static str>,
    /// The roles of the messages, in order.
    pub(super) roles: Vec<String>,
}

/// One picture as it was sent.
#[derive(Debug)]
pub(super) struct Picture {
    /// What the caller calls it: `jpeg`, `png`, `gif` or `webp`.
    pub(super) format: String,
    pub(super) bytes: Vec<u8>,
}

impl Picture {
    /// Its format, by its name.
    fn named(&self) -> Option<ImageFormat> {
        match self.format.as_str() {
            "jpeg" => Some(ImageFormat::Jpeg),
            "png" => Some(ImageFormat::Png),
            "gif" => Some(ImageFormat::Gif),
            "webp" => Some(ImageFormat::WebP),
            _ => None,
        }
    }

    /// Width and height as its header tells them; zero when it tells none.
    pub(super) fn size(&self) -> (u32, u32) {
        let reader = image::ImageReader::new(std::io::Cursor::new(&self.bytes));
        let sized = reader.with_guessed_format().ok();
        sized
            .and_then(|reader| reader.into_dimensions().ok())
            .unwrap_or((0, 0))
    }

    fn check(&self) -> Result<(), Fault> {
        let Some(named) = self.named() else {
            return Err(Fault::invalid(format!(
                "1 validation error detected: Value '{}' at 'messages.content.image.format' failed to satisfy constraint: Member must satisfy enum value set: [jpeg, png, gif, webp]",
                self.format
            )));
        };
        if self.bytes.len() > MAX_BYTES {
            return Err(Fault::invalid(format!(
                "The model returned the following errors: image exceeds 5 MB maximum: {} bytes > 5242880 bytes",
                self.bytes.len().div_ceil(3) * 4
            )));
        }
        if image::guess_format(&self.bytes).ok() != Some(named) {
            return Err(Fault::invalid(format!(
                "The model returned the following errors: the image was specified using the image/{} media type, but does not appear to be one",
                self.format
            )));
        }
        match self.size() {
            (0, _) | (_, 0) => Err(Fault::invalid(
                "The model returned the following errors: Could not process image",
            )),
            (width, height) if width.max(height) > MAX_SIDE => Err(Fault::invalid(
                "The model returned the following errors: At least one of the image dimensions exceed max allowed size: 8000 pixels",
            )),
            _ => Ok(()),
        }
    }
}

impl Ask {
    /// Refuses what the service and current Claude models refuse.
    pub(super) fn check(&self, behaviour: &Behaviour) -> Result<(), Fault> {
        if let Some(name) = self.sampling.first() {
            return Err(Fault::invalid(format!(
                "The model returned the following errors: `{name}` is deprecated for this model."
            )));
        }
        if self.roles.first().is_none_or(|role| role != "user") {
            return Err(Fault::invalid(
                "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
            ));
        }
        if self.roles.last().is_some_and(|role| role != "user") {
            return Err(Fault::invalid(
                "The model returned the following errors: This model does not support assistant message prefill. The conversation must end with a user message.",
            ));
        }
        self.check_form(behaviour)?;
        if self.pictures.len() > MAX_PICTURES {
            return Err(Fault::invalid(
                "The model returned the following errors: too many images: at most 20 are allowed",
            ));
        }
        self.pictures.iter().try_for_each(Picture::check)
    }

    fn check_form(&self, behaviour: &Behaviour) -> Result<(), Fault> {
        let refuses_schemas = *behaviour == Behaviour::RefuseToolsAndSchemas;
        let refuses_tools = refuses_schemas || *behaviour == Behaviour::RefuseTools;
        if self.form == Form::ForcedTool {
            if refuses_tools {
                return Err(Fault::invalid(
                    "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
                ));
            }
            if self.thinking {
                return Err(Fault::invalid(
                    "The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use.",
                ));
            }
        }
        if self.form == Form::Schema {
            if refuses_schemas {
                return Err(Fault::invalid(
                    "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.",
                ));
            }
            if self.schema.as_ref().is_none_or(schema::is_open) {
                return Err(Fault::invalid(
                    "The model returned the following errors: output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
                ));
            }
        }
        if matches!(self.form, Form::ForcedTool | Form::Tool) && self.schema.is_none() {
            return Err(Fault::invalid(
                "The toolChoice names a tool that toolConfig.tools does not define, or a tool without an inputSchema.",
            ));
        }
        Ok(())
    }
}

/// Refuses ids that can't be called: claude models of the families 4 and 5 without an inference
/// profile, claude 3 (all ended by 2026), and what is no id at all.
pub(super) fn check_model(id: &str) -> Result<(), Fault> {
    let name = id.rsplit('/').next().unwrap_or(id);
    let (bare, profile) = match name.split_once('.') {
        Some((prefix, rest)) if rest.starts_with("anthropic.") => (rest, Some(prefix)),
        Some(_) => (name, None),
        None if id.contains(":application-inference-profile/") => return Ok(()),
        None => {
            return Err(Fault::invalid("The provided model identifier is invalid."));
        }
    };
    let Some(claude) = bare.strip_prefix("anthropic.claude-") else {
        return Ok(());
    };
    let short = |part: &&str| part.len() <= 2 && part.chars().all(|c| c.is_ascii_digit());
    let family = claude.split('-').find(short).unwrap_or("5");
    if family.parse::<u32>().is_ok_and(|family| family < 4) {
        return Err(
            Fault::of(&Behaviour::EndOfLife).expect("the end of a model's life is an error")
        );
    }
    if profile.is_none() {
        return Err(Fault::invalid(format!(
            "Invocation of model ID {name} with on-demand throughput isn\u{2019}t supported. Retry your request with the ID or ARN of an inference profile that contains this model."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, expected: Option<u16>) {
        let status = check_model(id).err().map(|fault| fault.status);
        assert_eq!(status, expected, "{id}");
    }

    #[test]
    fn only_ids_that_can_be_called_pass() {
        check("us.anthropic.claude-haiku-5-5", None);
        check("global.anthropic.claude-haiku-4-5-20251001-v1:0", None);
        check("anthropic.claude-haiku-5-5", Some(400));
        check("anthropic.claude-haiku-4-5-20251001-v1:0", Some(400));
        check("anthropic.claude-sonnet-4-6", Some(400));
        check("anthropic.claude-3-haiku-20240307-v1:0", Some(404));
        check("us.anthropic.claude-3-5-sonnet-20241022-v2:0", Some(404));
        let arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/";
        check(&format!("{arn}us.anthropic.claude-haiku-5-5"), None);
        let base = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-5-5";
        check(base, Some(400));
        let own = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
        check(own, None);
        check("amazon.nova-lite-v1:0", None);
        check("haiku", Some(400));
    }
}
