//! A request as `Converse` takes it.
//!
//! Never sent: `temperature`, `top_p` and `top_k`, which current models reject. Always sent: the
//! longest answer, since quotas are charged with the model's own maximum otherwise.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::BuildError;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseFluentBuilder;
use aws_sdk_bedrockruntime::primitives::Blob;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, ImageBlock, ImageFormat, ImageSource, InferenceConfiguration,
    JsonSchemaDefinition, Message, OutputConfig, OutputFormat, OutputFormatStructure,
    OutputFormatType, SpecificToolChoice, SystemContentBlock, Tool, ToolChoice, ToolConfiguration,
    ToolInputSchema, ToolSpecification,
};
use aws_smithy_types::Document;

use super::document::to_document;
use crate::model::{Ask, ImageKind, ModelError, ModelRequest, Part, RequestFault};

/// The call that asks this. Images are shared with the request, not copied.
///
/// # Errors
/// [`ModelError::Rejected`]: there is nothing to show.
pub(super) fn call(
    client: &Client,
    request: &ModelRequest,
) -> Result<ConverseFluentBuilder, ModelError> {
    build(client, request).map_err(|error| ModelError::Rejected {
        fault: RequestFault::Other,
        message: format!("incomplete request: {error}"),
    })
}

fn build(client: &Client, request: &ModelRequest) -> Result<ConverseFluentBuilder, BuildError> {
    let mut message = Message::builder().role(ConversationRole::User);
    for part in &request.parts {
        message = match part {
            // Bedrock takes no blank text blocks.
            Part::Text(text) if text.trim().is_empty() => message,
            Part::Text(text) => message.content(ContentBlock::Text(text.clone())),
            Part::Image { kind, bytes, .. } => {
                let image = ImageBlock::builder()
                    .format(format_of(*kind))
                    .source(ImageSource::Bytes(Blob::from_maybe_shared(bytes.clone())));
                message.content(ContentBlock::Image(image.build()?))
            }
        };
    }
    let longest = i32::try_from(request.max_tokens).unwrap_or(i32::MAX);
    let mut call = client
        .converse()
        .model_id(&request.model)
        .messages(message.build()?)
        .inference_config(
            InferenceConfiguration::builder()
                .max_tokens(longest)
                .build(),
        )
        // For filters of invocation logs and bills.
        .request_metadata("app", "s3-warden");
    if !request.system.trim().is_empty() {
        call = call.system(SystemContentBlock::Text(request.system.clone()));
    }
    match &request.ask {
        Ask::Tool {
            name,
            description,
            schema,
        } => {
            let tool = ToolSpecification::builder()
                .name(name)
                .description(description)
                .input_schema(ToolInputSchema::Json(to_document(schema)));
            let forced = SpecificToolChoice::builder().name(name).build()?;
            let tools = ToolConfiguration::builder()
                .tools(Tool::ToolSpec(tool.build()?))
                .tool_choice(ToolChoice::Tool(forced));
            call = call.tool_config(tools.build()?);
        }
        Ask::Schema { name, schema } => {
            let schema = JsonSchemaDefinition::builder()
                .name(name)
                .schema(schema.to_string());
            let format = OutputFormat::builder()
                .r#type(OutputFormatType::JsonSchema)
                .structure(OutputFormatStructure::JsonSchema(schema.build()?));
            call = call.output_config(OutputConfig::builder().text_format(format.build()?).build());
        }
        Ask::Text => {}
    }
    // In every form: thinking would use up the tokens of the answer, and be paid for.
    if thinks_by_default(&request.model) {
        call = call.additional_model_request_fields(thinking_off());
    }
    Ok(call)
}

fn format_of(kind: ImageKind) -> ImageFormat {
    match kind {
        ImageKind::Jpeg => ImageFormat::Jpeg,
        ImageKind::Png => ImageFormat::Png,
        ImageKind::Gif => ImageFormat::Gif,
        ImageKind::Webp => ImageFormat::Webp,
    }
}

/// Whether a model thinks before it answers unless told not to, which rules out a forced tool.
/// Those of Anthropic do, from Claude 3.7 on; older ones and those of others do not know the field
/// and would reject it. An ARN of an application's own profile does not tell: there the field is
/// left out, and a model that then rejects the tool is asked in another form.
fn thinks_by_default(model: &str) -> bool {
    let Some((_, name)) = model.split_once("anthropic.claude-") else {
        return false;
    };
    let older = ["3-haiku", "3-sonnet", "3-opus", "3-5-", "v2", "instant"];
    !older.iter().any(|older| name.starts_with(older))
}

fn thinking_off() -> Document {
    to_document(&serde_json::json!({"thinking": {"type": "disabled"}}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_that_think_are_told_not_to() {
        let check = |model: &str, thinks: bool| {
            assert_eq!(thinks_by_default(model), thinks, "{model}");
        };
        check("us.anthropic.claude-haiku-5-5", true);
        check("anthropic.claude-haiku-4-5-20251001-v1:0", true);
        check("anthropic.claude-3-7-sonnet-20250219-v1:0", true);
        let arn =
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-5";
        check(arn, true);
        check("anthropic.claude-3-haiku-20240307-v1:0", false);
        check("eu.anthropic.claude-3-5-sonnet-20241022-v2:0", false);
        check("us.amazon.nova-lite-v1:0", false);
        check(
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2",
            false,
        );
    }
}
