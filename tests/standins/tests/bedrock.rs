//! The stand-in for Bedrock as its callers meet it: over HTTP, through both APIs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3_warden_standins::bedrock::{Bedrock, Behaviour, Form, Nonsense, Quota};
use s3_warden_standins::client::Client;
use s3_warden_standins::pictures::{self, Kind};
use serde_json::{Value, json};

const MODEL: &str = "us.anthropic.claude-haiku-5-5";

/// The tool of the project, cut to what matters here.
fn verdict() -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {
        "contains_pii": {"type": "boolean"},
        "categories": {"type": "array", "items": {"type": "string",
            "enum": ["passport", "face", "name", "date_of_birth", "credentials", "other"]}},
        "confidence": {"type": "string", "enum": ["low", "medium", "high"]},
        "threat_level": {"type": "string", "enum": ["low", "medium", "high"]},
        "instructions_in_content": {"type": "boolean"},
        "title": {"type": "string"},
        "summary": {"type": "string", "maxLength": 400}
    }})
}

fn converse(pictures: &[Vec<u8>]) -> Value {
    let images = pictures.iter().map(
        |bytes| json!({"image": {"format": "png", "source": {"bytes": STANDARD.encode(bytes)}}}),
    );
    let mut content = vec![json!({"text": "Judge the picture."})];
    content.extend(images);
    json!({
        "system": [{"text": "You judge pictures."}],
        "messages": [{"role": "user", "content": content}],
        "inferenceConfig": {"maxTokens": 512},
        "additionalModelRequestFields": {"thinking": {"type": "disabled"}},
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "report_verdict", "description": "Reports.",
                "inputSchema": {"json": verdict()}}}],
            "toolChoice": {"tool": {"name": "report_verdict"}}
        }
    })
}

/// The same request in another form: `tool`, `schema` or `prompt`.
fn in_form(form: Form) -> Value {
    let mut body = converse(&[pictures::png(Kind::Passport)]);
    if form == Form::ForcedTool {
        return body;
    }
    let fields = body.as_object_mut().expect("a body is an object");
    fields.remove("toolConfig");
    match form {
        Form::Schema => {
            let format = json!({"textFormat": {"type": "json_schema",
                "structure": {"jsonSchema": {"schema": verdict().to_string()}}}});
            fields.insert("outputConfig".to_owned(), format);
        }
        _ => {
            let text = format!("Answer with JSON that satisfies {}", verdict());
            let block = body.pointer_mut("/messages/0/content/0");
            *block.expect("a text comes first") = json!({"text": text});
        }
    }
    body
}

async fn ask(bedrock: &Bedrock, model: &str, body: &Value) -> Result<(u16, Value), String> {
    let model = model.replace(':', "%3A").replace('/', "%2F");
    let url = format!("{}/model/{model}/converse", bedrock.url());
    Client::default().post(&url, body).await
}

/// What the tool was given.
fn input(answer: &Value) -> &Value {
    answer
        .pointer("/output/message/content/0/toolUse/input")
        .expect("the answer uses a tool")
}

#[tokio::test]
async fn says_what_the_pixels_show() {
    let bedrock = Bedrock::start().await;
    let flagged = [
        (Kind::Clean, false, "high"),
        (Kind::Photo, false, "high"),
        (Kind::Orders, false, "high"),
        (Kind::Passport, true, "high"),
        (Kind::Face, true, "high"),
        (Kind::Credentials, true, "high"),
        (Kind::Doubtful, true, "low"),
    ];
    for (kind, pii, confidence) in flagged {
        let body = converse(&[pictures::png(kind)]);
        let (status, answer) = ask(&bedrock, MODEL, &body).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["stopReason"], "tool_use");
        assert_eq!(input(&answer)["contains_pii"], pii, "{kind:?}");
        assert_eq!(input(&answer)["confidence"], confidence, "{kind:?}");
        let categories = input(&answer)["categories"].as_array().unwrap();
        assert_eq!(categories.is_empty(), !pii, "{kind:?}");
        let orders = &input(&answer)["instructions_in_content"];
        assert_eq!(*orders, json!(kind == Kind::Orders));
        assert!(answer["usage"]["inputTokens"].as_u64().unwrap() > 200);
        assert!(answer["usage"]["outputTokens"].as_u64().unwrap() > 20);
    }
    let body = converse(&[pictures::png(Kind::Clean), pictures::png(Kind::Face)]);
    let (_, answer) = ask(&bedrock, MODEL, &body).await.unwrap();
    assert_eq!(input(&answer)["categories"], json!(["face"]));
    let asked = bedrock.requests();
    assert_eq!(asked.len(), 8);
    assert!(asked[7].picture_last && asked[7].mentions("Judge the picture"));
    assert_eq!(asked[7].pictures[0].width, 480);
}

#[tokio::test]
async fn answers_in_every_form_and_refuses_what_it_is_told_to() {
    let bedrock = Bedrock::start().await;
    let forms = [Form::ForcedTool, Form::Schema, Form::Prompt];
    let refusing = [
        (Behaviour::Honest, [200, 200, 200]),
        (Behaviour::RefuseTools, [400, 200, 200]),
        (Behaviour::RefuseToolsAndSchemas, [400, 400, 200]),
    ];
    for (behaviour, expected) in refusing {
        bedrock.behave(behaviour.clone());
        for (form, expected) in forms.into_iter().zip(expected) {
            let (status, answer) = ask(&bedrock, MODEL, &in_form(form)).await.unwrap();
            assert_eq!(status, expected, "{behaviour:?} {form:?} {answer}");
            if status != 200 || form == Form::ForcedTool {
                continue;
            }
            let text = answer["output"]["message"]["content"][0]["text"].as_str();
            let said: Value = serde_json::from_str(text.unwrap()).unwrap();
            assert_eq!(said["contains_pii"], true, "{form:?}");
        }
    }
}

#[tokio::test]
async fn thinking_comes_first_unless_it_is_turned_off() {
    let bedrock = Bedrock::start().await;
    let mut body = in_form(Form::Schema);
    body["additionalModelRequestFields"] = json!({});
    let (_, answer) = ask(&bedrock, MODEL, &body).await.unwrap();
    let content = &answer["output"]["message"]["content"];
    assert!(content[0].get("reasoningContent").is_some() && content[1].get("text").is_some());
}

#[tokio::test]
async fn invoke_model_takes_the_native_body() {
    let bedrock = Bedrock::start().await;
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 512,
        "thinking": {"type": "disabled"},
        "messages": [{"role": "user", "content": [
            {"type": "text", "text": "Judge."},
            {"type": "image", "source": {"type": "base64", "media_type": "image/jpeg",
                "data": STANDARD.encode(pictures::jpeg(Kind::Passport))}}
        ]}],
        "tools": [{"name": "report_verdict", "input_schema": verdict()}],
        "tool_choice": {"type": "any"}
    });
    let url = format!("{}/model/{MODEL}/invoke", bedrock.url());
    let (status, answer) = Client::default().post(&url, &body).await.unwrap();
    assert_eq!((status, &answer["stop_reason"]), (200, &json!("tool_use")));
    assert_eq!(answer["content"][0]["input"]["contains_pii"], true);
    let mut hot = body.clone();
    hot["temperature"] = json!(0);
    assert_eq!(Client::default().post(&url, &hot).await.unwrap().0, 400);
}

#[tokio::test]
async fn refuses_what_bedrock_refuses() {
    let bedrock = Bedrock::start().await;
    let good = converse(&[pictures::png(Kind::Clean)]);
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let image = "/messages/0/content/1/image";
    let tiff = changed(&format!("{image}/format"), json!("tiff"));
    let mislabelled = changed(&format!("{image}/format"), json!("jpeg"));
    let large = vec![0_u8; 3_750_001];
    let large = changed(
        &format!("{image}/source/bytes"),
        json!(STANDARD.encode(large)),
    );
    let wide = image::RgbImage::new(8_001, 4);
    let wide = converse(&[pictures::encode(&wide, image::ImageFormat::Png)]);
    let many = converse(&vec![pictures::png(Kind::Clean); 21]);
    let hot = changed("/inferenceConfig", json!({"temperature": 0.0}));
    let top_k = json!({"top_k": 3, "thinking": {"type": "disabled"}});
    let top_k = changed("/additionalModelRequestFields", top_k);
    let thinking = changed("/additionalModelRequestFields", json!({}));
    let stranger = changed("/toolConfig/toolChoice/tool/name", json!("other"));
    let prefill = json!([good["messages"][0], {"role": "assistant", "content": [{"text": "{"}]}]);
    let prefill = changed("/messages", prefill);
    let mut named = good.clone();
    let document = json!({"document": {"name": "a_b.txt", "format": "txt"}});
    named["messages"][0]["content"][1] = document;
    let bodies = [
        ("tiff", tiff),
        ("mislabelled", mislabelled),
        ("large", large),
        ("wide", wide),
        ("many", many),
        ("hot", hot),
        ("top_k", top_k),
        ("thinking", thinking),
        ("stranger", stranger),
        ("prefill", prefill),
        ("document", named),
    ];
    for (name, body) in bodies {
        let (status, answer) = ask(&bedrock, MODEL, &body).await.unwrap();
        assert_eq!(status, 400, "{name}: {answer}");
        assert!(answer["message"].is_string(), "{name}");
    }
    let (status, answer) = ask(&bedrock, "anthropic.claude-haiku-5-5", &good)
        .await
        .unwrap();
    assert_eq!(status, 400);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("inference profile")
    );
    let arn = format!("arn:aws:bedrock:us-east-1:123456789012:inference-profile/{MODEL}");
    assert_eq!(ask(&bedrock, &arn, &good).await.unwrap().0, 200);
}

#[tokio::test]
async fn faults_have_the_status_and_the_name_of_the_real_ones() {
    let bedrock = Bedrock::start().await;
    let body = converse(&[pictures::png(Kind::Clean)]);
    let faults = [
        (Behaviour::Throttle, 429, "ThrottlingException"),
        (Behaviour::ServerError, 500, "InternalServerException"),
        (Behaviour::Unavailable, 503, "ServiceUnavailableException"),
        (Behaviour::ModelError, 424, "ModelErrorException"),
        (Behaviour::ModelTimeout, 408, "ModelTimeoutException"),
        (Behaviour::EndOfLife, 404, "ResourceNotFoundException"),
        (Behaviour::FormMissing, 404, "ResourceNotFoundException"),
        (Behaviour::NotGranted, 403, "AccessDeniedException"),
        (Behaviour::ExpiredCredentials, 403, "ExpiredTokenException"),
    ];
    for (behaviour, expected, code) in faults {
        bedrock.next(1, behaviour);
        let (status, _) = ask(&bedrock, MODEL, &body).await.unwrap();
        let last = bedrock.requests().pop().unwrap();
        assert_eq!((status, last.error.as_deref()), (expected, Some(code)));
    }
    bedrock.next(1, Behaviour::HangUp);
    assert!(ask(&bedrock, MODEL, &body).await.is_err());
    assert_eq!(bedrock.sums().by_status["hang_up"], 1);
    assert_eq!(ask(&bedrock, MODEL, &body).await.unwrap().0, 200);
}

#[tokio::test]
async fn misbehaves_as_it_is_told() {
    let bedrock = Bedrock::start().await;
    let with = |behaviour: Behaviour, kind| {
        bedrock.next(1, behaviour);
        let body = converse(&[pictures::png(kind)]);
        let bedrock = &bedrock;
        async move { ask(bedrock, MODEL, &body).await.unwrap().1 }
    };
    let stops = [
        (Behaviour::Refuse, "content_filtered"),
        (Behaviour::Refusal, "refusal"),
        (Behaviour::Guardrail, "guardrail_intervened"),
        (Behaviour::Truncate, "max_tokens"),
    ];
    for (behaviour, stop) in stops {
        let answer = with(behaviour, Kind::Passport).await;
        assert_eq!(answer["stopReason"], stop);
    }
    let answer = with(Behaviour::Contradict, Kind::Clean).await;
    assert_eq!(input(&answer)["contains_pii"], false);
    assert_eq!(input(&answer)["categories"][0], "passport");
    let answer = with(
        Behaviour::Echo(vec!["880101-1234567".into()]),
        Kind::Passport,
    )
    .await;
    for field in ["title", "summary"] {
        let said = input(&answer)[field].as_str().unwrap();
        assert!(said.contains("880101-1234567"), "{field}");
    }
    let answer = with(Behaviour::Gullible, Kind::PassportWithOrders).await;
    assert_eq!(input(&answer)["contains_pii"], false);
    let answer = with(Behaviour::Gullible, Kind::Passport).await;
    assert_eq!(input(&answer)["contains_pii"], true);
    let answer = with(Behaviour::Blind, Kind::Passport).await;
    assert_eq!(input(&answer)["contains_pii"], false);
    let answer = with(Behaviour::Nonsense(Nonsense::WrongTool), Kind::Clean).await;
    let name = &answer["output"]["message"]["content"][0]["toolUse"]["name"];
    assert_ne!(name, "report_verdict");
    let answer = with(Behaviour::Nonsense(Nonsense::UnknownCategory), Kind::Clean).await;
    assert_eq!(input(&answer)["categories"], json!(["shoe_size"]));
    let answer = with(Behaviour::Nonsense(Nonsense::InvalidJson), Kind::Clean).await;
    assert!(input(&answer).is_string());
}

#[tokio::test]
async fn quota_and_hold_can_be_set_while_it_runs() {
    let bedrock = Bedrock::start().await;
    let body = converse(&[pictures::png(Kind::Clean)]);
    bedrock.quota(Quota {
        starts_per_minute: None,
        concurrent: Some(2),
    });
    let held = bedrock.hold();
    let one = ask(&bedrock, MODEL, &body);
    let two = ask(&bedrock, MODEL, &body);
    let third = async {
        bedrock.arrived(2).await;
        let third = ask(&bedrock, MODEL, &body).await;
        drop(held);
        third
    };
    let (one, two, third) = tokio::join!(one, two, third);
    let statuses = [one, two, third].map(|answer| answer.unwrap().0);
    assert_eq!(statuses, [200, 200, 429]);
    assert_eq!(bedrock.sums().max_concurrent, 3);
    let change = json!({"reset": true, "quota": {"starts_per_minute": 1}});
    let url = format!("{}/_standin/behave", bedrock.url());
    assert_eq!(Client::default().post(&url, &change).await.unwrap().0, 200);
    assert_eq!(ask(&bedrock, MODEL, &body).await.unwrap().0, 200);
    assert_eq!(ask(&bedrock, MODEL, &body).await.unwrap().0, 429);
    assert_eq!(bedrock.sums().requests, 2);
}
