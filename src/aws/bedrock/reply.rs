//! An answer of `Converse` as the port knows it.
//!
//! Blocks are taken by their type, never by their place: what a model thinks aloud comes first.

use aws_sdk_bedrockruntime::operation::converse::ConverseOutput as Answer;
use aws_sdk_bedrockruntime::types::{ContentBlock, ConverseOutput, StopReason, TokenUsage};
use serde_json::Value;

use super::document::to_json;
use crate::model::{Content, ModelReply, Stop, Tokens, Usage};

/// What the SDK puts where an answer does not say why it ended, though every answer has to.
const UNSAID: &str = "no value was set";

/// None: it holds nothing that every answer of `Converse` has, so something else answered. The SDK
/// takes any JSON object for an answer, and no bytes at all too.
pub(super) fn read(answer: Answer) -> Option<ModelReply> {
    let says = matches!(answer.output, Some(ConverseOutput::Message(_)));
    if !says && answer.stop_reason.as_str() == UNSAID {
        return None;
    }
    let blocks = match answer.output {
        Some(ConverseOutput::Message(message)) => message.content,
        _ => Vec::new(),
    };
    Some(ModelReply {
        stop: stop(&answer.stop_reason),
        content: blocks.into_iter().filter_map(content).collect(),
        usage: Usage {
            tokens: answer.usage.as_ref().map(tokens).unwrap_or_default(),
            usd: 0.0,
        },
    })
}

fn stop(reason: &StopReason) -> Stop {
    match reason {
        StopReason::EndTurn => Stop::EndTurn,
        StopReason::ToolUse => Stop::ToolUse,
        StopReason::MaxTokens => Stop::MaxTokens,
        StopReason::ContentFiltered | StopReason::GuardrailIntervened => Stop::Refused,
        // The SDK has no name for it yet.
        other if other.as_str() == "refusal" => Stop::Refused,
        _ => Stop::Other,
    }
}

/// Text and tools; what the model thought, and what this version does not know, is left out.
/// Arguments nested too deeply to be read become null, which no schema of ours takes.
fn content(block: ContentBlock) -> Option<Content> {
    match block {
        ContentBlock::Text(text) => Some(Content::Text(text)),
        ContentBlock::ToolUse(tool) => Some(Content::Tool {
            name: tool.name,
            input: to_json(&tool.input).unwrap_or(Value::Null),
        }),
        _ => None,
    }
}

/// Input counts whole: what came from a cache was read by the model all the same.
fn tokens(usage: &TokenUsage) -> Tokens {
    let count = |tokens: i32| u64::try_from(tokens).unwrap_or(0);
    let cached = [
        usage.cache_read_input_tokens,
        usage.cache_write_input_tokens,
    ];
    let cached: u64 = cached.into_iter().flatten().map(count).sum();
    Tokens {
        input: count(usage.input_tokens) + cached,
        output: count(usage.output_tokens),
    }
}
