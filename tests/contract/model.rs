//! The contract of `model::Model`, on the stand-in for Amazon Bedrock.
//!
//! The stand-in looks at the pixels that reach it and answers over HTTP, so what is checked here is
//! the whole way: that a picture arrives as it was, and that each way of not answering comes back as
//! what it asks for.

use bytes::Bytes;
use s3_warden::aws::{BedrockModel, Clients};
use s3_warden::model::{
    Ask, Content, ImageKind, Model, ModelError, ModelRequest, Part, RequestFault, Stop,
};
use s3_warden_standins::bedrock::{Bedrock, Behaviour};
use s3_warden_standins::pictures::{Kind, jpeg, png};
use serde_json::json;

const MODEL: &str = "us.anthropic.claude-haiku-5-5";

async fn bench() -> (Bedrock, BedrockModel) {
    let bedrock = Bedrock::start().await;
    // Nothing but the model is called.
    let clients = Clients::at_endpoint("http://127.0.0.1:9", Some(&bedrock.url())).await;
    let model = BedrockModel::new(&clients);
    (bedrock, model)
}

fn verdict_schema() -> serde_json::Value {
    json!({
        "type": "object",
        "properties": {
            "contains_pii": {"type": "boolean"},
            "categories": {"type": "array", "items": {"type": "string", "enum": [
                "passport", "government_id", "face", "name", "other",
            ]}},
            "confidence": {"type": "string", "enum": ["low", "medium", "high"]},
        },
        "required": ["contains_pii", "categories", "confidence"],
        "additionalProperties": false,
    })
}

fn tool() -> Ask {
    Ask::Tool {
        name: "report_verdict".to_owned(),
        description: "Reports whether the picture holds personal data.".to_owned(),
        schema: verdict_schema(),
    }
}

fn schema() -> Ask {
    Ask::Schema {
        name: "verdict".to_owned(),
        schema: verdict_schema(),
    }
}

fn request(ask: Ask, kind: ImageKind, bytes: Vec<u8>) -> ModelRequest {
    ModelRequest {
        model: MODEL.to_owned(),
        system: "You look for personal data in pictures.".to_owned(),
        parts: vec![
            Part::Text("Does this picture hold personal data?".to_owned()),
            Part::Image {
                kind,
                bytes: Bytes::from(bytes),
                width: 480,
                height: 360,
            },
        ],
        ask,
        max_tokens: 512,
    }
}

fn passport(ask: Ask) -> ModelRequest {
    request(ask, ImageKind::Png, png(Kind::Passport))
}

#[tokio::test]
async fn a_tool_is_called_by_what_the_picture_shows() {
    let (bedrock, model) = bench().await;
    let shown = [
        (request(tool(), ImageKind::Png, png(Kind::Passport)), true),
        (request(tool(), ImageKind::Jpeg, jpeg(Kind::Passport)), true),
        (request(tool(), ImageKind::Png, png(Kind::Photo)), false),
    ];
    for (request, pii) in shown {
        let reply = model.converse(&request).await.unwrap();
        assert_eq!(reply.stop, Stop::ToolUse);
        let [Content::Tool { name, input }] = reply.content.as_slice() else {
            panic!("{reply:?}");
        };
        assert_eq!(
            (name.as_str(), &input["contains_pii"]),
            ("report_verdict", &json!(pii))
        );
        assert!(reply.usage.tokens.input > 0 && reply.usage.tokens.output > 0);
    }
    for asked in bedrock.requests() {
        assert!(asked.picture_last);
        assert_eq!(asked.max_tokens, Some(512));
    }
}

#[tokio::test]
async fn a_schema_is_answered_as_text() {
    let (_bedrock, model) = bench().await;
    let reply = model.converse(&passport(schema())).await.unwrap();
    assert_eq!(reply.stop, Stop::EndTurn);
    let [Content::Text(text)] = reply.content.as_slice() else {
        panic!("{reply:?}");
    };
    let answer: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(answer["contains_pii"], json!(true));
}

#[tokio::test]
async fn one_question_is_one_call_however_it_ends() {
    for behaviour in [
        Behaviour::Honest,
        Behaviour::Throttle,
        Behaviour::ServerError,
        Behaviour::HangUp,
    ] {
        let (bedrock, model) = bench().await;
        bedrock.behave(behaviour.clone());
        let succeeded = model.converse(&passport(tool())).await.is_ok();
        assert_eq!(succeeded, behaviour == Behaviour::Honest);
        assert_eq!(bedrock.sums().requests, 1, "{behaviour:?}");
    }
}

#[tokio::test]
async fn answers_that_are_none_say_how_they_ended() {
    async fn check(behaviour: Behaviour, expected: Stop) {
        let (bedrock, model) = bench().await;
        bedrock.behave(behaviour.clone());
        let reply = model.converse(&passport(tool())).await.unwrap();
        assert_eq!(reply.stop, expected, "{behaviour:?}");
    }
    check(Behaviour::Refuse, Stop::Refused).await;
    check(Behaviour::Refusal, Stop::Refused).await;
    check(Behaviour::Guardrail, Stop::Refused).await;
    check(Behaviour::Truncate, Stop::MaxTokens).await;
}

#[tokio::test]
async fn failures_say_who_has_to_act() {
    async fn check(behaviour: Behaviour, ask: Ask, is: fn(&ModelError) -> bool) {
        let (bedrock, model) = bench().await;
        bedrock.behave(behaviour.clone());
        let error = model.converse(&passport(ask)).await.unwrap_err();
        assert!(is(&error), "{behaviour:?}: {error:?}");
    }
    let throttled = |error: &ModelError| matches!(error, ModelError::Throttled { .. });
    let unavailable = |error: &ModelError| matches!(error, ModelError::Unavailable(_));
    let unusable = |error: &ModelError| matches!(error, ModelError::Unusable { model, why } if model == MODEL && !why.is_empty());
    let locked = |error: &ModelError| matches!(error, ModelError::Locked(_));
    check(Behaviour::Throttle, tool(), throttled).await;
    check(Behaviour::NotReady, tool(), unavailable).await;
    check(Behaviour::ServerError, tool(), unavailable).await;
    check(Behaviour::Unavailable, tool(), unavailable).await;
    check(Behaviour::ModelError, tool(), unavailable).await;
    check(Behaviour::ModelTimeout, tool(), unavailable).await;
    check(Behaviour::HangUp, tool(), unavailable).await;
    check(Behaviour::EndOfLife, tool(), unusable).await;
    check(Behaviour::NotGranted, tool(), unusable).await;
    check(Behaviour::FormMissing, tool(), unusable).await;
    check(Behaviour::ExpiredCredentials, tool(), locked).await;
    check(Behaviour::Invalid, tool(), |error| {
        rejects(error, RequestFault::Image)
    })
    .await;
    let no_tool = |error: &ModelError| rejects(error, RequestFault::ForcedTool);
    check(Behaviour::RefuseTools, tool(), no_tool).await;
    let no_schema = |error: &ModelError| rejects(error, RequestFault::Schema);
    check(Behaviour::RefuseToolsAndSchemas, schema(), no_schema).await;
}

fn rejects(error: &ModelError, expected: RequestFault) -> bool {
    matches!(error, ModelError::Rejected { fault, .. } if *fault == expected)
}
