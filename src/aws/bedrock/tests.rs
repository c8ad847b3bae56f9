//! Requests and answers as they go over the wire.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::aws::scripted::{Answer, Scripted};
use crate::model::{Ask, Content, ImageKind, Part, RequestFault, Stop, Tokens};

const SHOWN: &str = "the key is reports/passport of Erika Mustermann.png";

fn tool() -> Ask {
    Ask::Tool {
        name: "report_verdict".to_owned(),
        description: "Reports.".to_owned(),
        schema: json!({"type": "object", "properties": {"contains_pii": {"type": "boolean"}}}),
    }
}

fn schema() -> Ask {
    Ask::Schema {
        name: "verdict".to_owned(),
        schema: json!({"type": "object"}),
    }
}

fn request(ask: Ask) -> ModelRequest {
    ModelRequest {
        model: "anthropic.claude-haiku-5-5".to_owned(),
        system: "You look at pictures for a living.".to_owned(),
        parts: vec![
            Part::Text(SHOWN.to_owned()),
            Part::Text(" \n".to_owned()),
            Part::Image {
                kind: ImageKind::Webp,
                bytes: Bytes::from_static(b"RIFF"),
                width: 1,
                height: 1,
            },
        ],
        ask,
        max_tokens: 512,
    }
}

fn said(stop: &str, content: Value) -> Answer {
    let body = json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop,
        "usage": {"inputTokens": 100, "outputTokens": 7, "totalTokens": 150,
                  "cacheReadInputTokens": 40, "cacheWriteInputTokens": 3},
        "metrics": {"latencyMs": 5},
    });
    Answer::new(200, body.to_string())
}

async fn ask(
    answer: Answer,
    request: &ModelRequest,
) -> (
    Result<ModelReply, ModelError>,
    Vec<crate::aws::scripted::Asked>,
) {
    let service = Scripted::start([answer]).await;
    let model = BedrockModel::new(&service.clients().await);
    let result = model.converse(request).await;
    (result, service.asked())
}

#[tokio::test]
async fn a_forced_tool_is_asked_for_as_current_models_want_it() {
    let answer = said("tool_use", json!([{"text": "so:"}]));
    let (_, asked) = ask(answer, &request(tool())).await;
    assert_eq!(asked[0].path, "/model/anthropic.claude-haiku-5-5/converse");
    let expected = json!({
        "system": [{"text": "You look at pictures for a living."}],
        "messages": [{"role": "user", "content": [
            {"text": SHOWN},
            {"image": {"format": "webp", "source": {"bytes": "UklGRg=="}}},
        ]}],
        "inferenceConfig": {"maxTokens": 512},
        "toolConfig": {
            "tools": [{"toolSpec": {
                "name": "report_verdict",
                "description": "Reports.",
                "inputSchema": {"json": {
                    "type": "object",
                    "properties": {"contains_pii": {"type": "boolean"}},
                }},
            }}],
            "toolChoice": {"tool": {"name": "report_verdict"}},
        },
        "additionalModelRequestFields": {"thinking": {"type": "disabled"}},
        "requestMetadata": {"app": "s3-warden"},
    });
    assert_eq!(asked[0].json(), expected);
}

#[tokio::test]
async fn a_schema_is_asked_for_as_text() {
    let (_, asked) = ask(said("end_turn", json!([])), &request(schema())).await;
    let body = asked[0].json();
    let format = json!({
        "type": "json_schema",
        "structure": {"jsonSchema": {"name": "verdict", "schema": r#"{"type":"object"}"#}},
    });
    assert_eq!(body["outputConfig"], json!({"textFormat": format}));
    assert!(body.get("toolConfig").is_none());
    let off = json!({"thinking": {"type": "disabled"}});
    assert_eq!(body["additionalModelRequestFields"], off);
    let (_, asked) = ask(said("end_turn", json!([])), &request(Ask::Text)).await;
    assert!(asked[0].json().get("outputConfig").is_none());
}

#[tokio::test]
async fn answers_are_read_by_type_and_not_by_place() {
    let content = json!([
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"text": "{}"},
        {"somethingNew": {"x": 1}},
        {"toolUse": {"toolUseId": "t", "name": "report_verdict", "input": {"n": [1, -2, 0.5, null]}}},
    ]);
    let (reply, _) = ask(said("tool_use", content), &request(tool())).await;
    let reply = reply.unwrap();
    let expected = [
        Content::Text("{}".to_owned()),
        Content::Tool {
            name: "report_verdict".to_owned(),
            input: json!({"n": [1, -2, 0.5, null]}),
        },
    ];
    assert_eq!(reply.content, expected);
    assert_eq!(reply.stop, Stop::ToolUse);
    let tokens = Tokens {
        input: 143,
        output: 7,
    };
    assert_eq!(reply.usage.tokens, tokens);
}

#[tokio::test]
async fn every_stop_reason_has_its_meaning() {
    async fn check(reason: &str, expected: Stop) {
        let (reply, _) = ask(said(reason, json!([])), &request(Ask::Text)).await;
        assert_eq!(reply.unwrap().stop, expected, "{reason}");
    }
    check("end_turn", Stop::EndTurn).await;
    check("tool_use", Stop::ToolUse).await;
    check("max_tokens", Stop::MaxTokens).await;
    check("refusal", Stop::Refused).await;
    check("content_filtered", Stop::Refused).await;
    check("guardrail_intervened", Stop::Refused).await;
    check("stop_sequence", Stop::Other).await;
    check("malformed_tool_use", Stop::Other).await;
    check("model_context_window_exceeded", Stop::Other).await;
    check("something_new", Stop::Other).await;
}

fn refused(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({"message": message}).to_string();
    Answer::new(status, body).header("x-amzn-errortype", code)
}

async fn fails(answer: Answer, ask_for: Ask) -> ModelError {
    ask(answer, &request(ask_for)).await.0.unwrap_err()
}

#[tokio::test]
async fn throttling_brings_the_wait_that_was_asked_for() {
    async fn check(header: Option<(&str, &str)>, expected: Option<u64>) {
        let mut answer = refused(429, "ThrottlingException", "Too many tokens");
        if let Some((name, value)) = header {
            answer = answer.header(name, value);
        }
        match fails(answer, tool()).await {
            ModelError::Throttled { after } => {
                assert_eq!(after, expected.map(Duration::from_millis), "{header:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    check(None, None).await;
    check(Some(("retry-after", "7")), Some(7_000)).await;
    check(Some(("x-amz-retry-after", "1500")), Some(1_500)).await;
    check(Some(("retry-after", "999999")), Some(300_000)).await;
    check(Some(("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")), None).await;
}

#[tokio::test]
async fn what_passes_is_unavailable() {
    for (status, code) in [
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (429, "ModelNotReadyException"),
    ] {
        let error = fails(refused(status, code, "why"), tool()).await;
        assert!(
            matches!(&error, ModelError::Unavailable(why) if why.contains(code)),
            "{error:?}"
        );
    }
    // The SDK takes these for answers.
    for nothing in ["", "{}", "{\"hello\": 1}"] {
        let error = fails(Answer::new(200, nothing), tool()).await;
        assert!(
            matches!(error, ModelError::Unavailable(_)),
            "{nothing:?}: {error}"
        );
    }
    let unreadable = fails(Answer::new(200, "<html>"), tool()).await;
    assert!(
        matches!(unreadable, ModelError::Unavailable(_)),
        "{unreadable:?}"
    );
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_it() {
    let long = |bytes: usize| {
        let text = "x".repeat(bytes);
        said("end_turn", json!([{"text": text}]))
    };
    let (whole, _) = ask(long(bounded::LONGEST - 1_000), &request(tool())).await;
    assert!(whole.is_ok(), "{whole:?}");
    let cut = fails(long(bounded::LONGEST), tool()).await;
    assert!(matches!(cut, ModelError::Unavailable(_)), "{cut:?}");
    let cut = fails(
        refused(400, "ValidationException", &"x".repeat(bounded::LONGEST)),
        tool(),
    );
    let cut = cut.await;
    assert!(matches!(cut, ModelError::Unavailable(_)), "{cut:?}");
}

/// The clock of sockets is the wall's, so this test waits for real: a tenth of a second.
#[tokio::test]
async fn no_answer_in_time_is_unavailable() {
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let clients = crate::aws::Clients::at_endpoint(&endpoint, Some(&endpoint)).await;
    let within = aws_smithy_types::timeout::TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_millis(100))
        .build();
    let config = clients.bedrock.config().to_builder().timeout_config(within);
    let model = BedrockModel {
        client: aws_sdk_bedrockruntime::Client::from_conf(config.build()),
        region: "us-east-1".to_owned(),
    };
    let error = model.converse(&request(tool())).await.unwrap_err();
    assert!(
        matches!(&error, ModelError::Unavailable(why) if why.contains("in time")),
        "{error:?}"
    );
}

#[tokio::test]
async fn expired_credentials_lock_every_model() {
    for code in ["ExpiredTokenException", "UnrecognizedClientException"] {
        let error = fails(refused(403, code, "The security token is expired"), tool()).await;
        assert!(matches!(error, ModelError::Locked(_)), "{error:?}");
    }
}

#[tokio::test]
async fn what_a_model_does_not_take_is_told_apart() {
    async fn check(ask_for: Ask, message: &str, expected: RequestFault) {
        let error = fails(refused(400, "ValidationException", message), ask_for).await;
        match error {
            ModelError::Rejected { fault, .. } => assert_eq!(fault, expected, "{message}"),
            other => panic!("{message}: {other:?}"),
        }
    }
    let thinking = "Thinking may not be enabled when tool_choice forces tool use.";
    check(tool(), thinking, RequestFault::ForcedTool).await;
    let no_tools = "This model doesn't support the toolConfig.toolChoice.tool field.";
    check(tool(), no_tools, RequestFault::ForcedTool).await;
    check(
        tool(),
        "Compiled grammar is too large",
        RequestFault::ForcedTool,
    )
    .await;
    let schemas = "This model doesn't support outputConfig.textFormat.";
    check(schema(), schemas, RequestFault::Schema).await;
    let image = "The image data provided is invalid or not in a supported format.";
    check(tool(), image, RequestFault::Image).await;
    check(tool(), "Malformed input request", RequestFault::Other).await;
    check(Ask::Text, thinking, RequestFault::Other).await;
}

#[tokio::test]
async fn a_model_that_answers_nobody_is_named_with_the_remedy() {
    async fn check(status: u16, code: &str, message: &str, says: &[&str]) {
        match fails(refused(status, code, message), tool()).await {
            ModelError::Unusable { model, why } => {
                assert_eq!(model, "anthropic.claude-haiku-5-5");
                for part in says {
                    assert!(why.contains(part), "{part} is not in {why}");
                }
            }
            other => panic!("{message}: {other:?}"),
        }
    }
    let gone = "This model version has reached the end of its life.";
    check(
        404,
        "ResourceNotFoundException",
        gone,
        &["choose another `model.id`"],
    )
    .await;
    let form = "Model use case details have not been submitted for this account.";
    check(404, "ResourceNotFoundException", form, &["use-case form"]).await;
    let unknown = "Could not resolve the foundation model from the provided model identifier.";
    check(
        404,
        "ResourceNotFoundException",
        unknown,
        &["exists in us-east-1"],
    )
    .await;
    for apostrophe in ["'", "’"] {
        let base = format!(
            "Invocation of model ID anthropic.claude-haiku-5-5 with on-demand throughput \
             isn{apostrophe}t supported."
        );
        let profile = &["`us.anthropic.claude-haiku-5-5`"];
        check(400, "ValidationException", &base, profile).await;
    }
    let invalid = "The provided model identifier is invalid.";
    check(400, "ValidationException", invalid, &["`model.id`"]).await;
    let iam = "User: arn:aws:sts::123456789012:assumed-role/r is not authorized to perform: \
               bedrock:InvokeModel on resource: x because no identity-based policy allows it";
    let arns = [
        "inference-profile/anthropic",
        "foundation-model/anthropic.claude-haiku-5-5",
    ];
    check(403, "AccessDeniedException", iam, &arns).await;
    let access = "You don't have access to the model with the specified model ID.";
    check(403, "AccessDeniedException", access, &["ask for access"]).await;
    let legacy = "Access denied. This Model is marked by provider as Legacy and you have not been \
                  actively using the model in the last 30 days.";
    check(
        403,
        "AccessDeniedException",
        legacy,
        &["Legacy", "choose another"],
    )
    .await;
    let market = "Model access is denied: aws-marketplace:Subscribe is missing";
    check(403, "AccessDeniedException", market, &["Marketplace"]).await;
}

#[tokio::test]
async fn no_error_repeats_the_request_or_goes_on_for_ever() {
    for (status, code) in [
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (424, "ModelErrorException"),
        (503, "ServiceUnavailableException"),
        (403, "ExpiredTokenException"),
    ] {
        for quoted in [
            SHOWN,
            "prefix Erika Mustermann.png suffix",
            "at pictures for a living",
        ] {
            let error = fails(refused(status, code, quoted), tool()).await;
            let text = format!("{error} {error:?}");
            assert!(
                !text.contains("Mustermann") && !text.contains("pictures"),
                "{text}"
            );
        }
        let error = fails(refused(status, code, &"long ".repeat(10_000)), tool()).await;
        assert!(format!("{error:?}").len() < 1_500, "{status}");
    }
}
