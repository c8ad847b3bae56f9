//! Whom alerts reach, who judges, and which security events come.

use s3_warden::maintenance::doctor::Check;

use super::{Case, refuse, say};
use crate::doctor::answers::{profile, quotas, rule, subscriptions, topic};

pub(super) fn alerts() -> Vec<Case> {
    let read_by = |all: &[(&str, &str, bool)]| {
        say("sns:ListSubscriptionsByTopic", "alerts", subscriptions(all))
    };
    let keyed = |key: &str| {
        let entry = format!("<entry><key>KmsMasterKeyId</key><value>{key}</value></entry>");
        say("sns:GetTopicAttributes", "alerts", topic(&entry))
    };
    let mail = ("email", "someone@example.com", true);
    let chat = ("https", "https://chat.example.com", true);
    vec![
        Case::new(Check::Topic, "alerts", "problem")
            .says("not there", "alerts.topic_arn")
            .behind(&[
                Check::TopicKey,
                Check::Subscriptions,
                Check::Confirmations,
                Check::Chat,
            ])
            .with(refuse("sns:GetTopicAttributes", "alerts", 404, "NotFound")),
        Case::new(Check::Confirmations, "alerts", "problem")
            .says("2 email wait", "follow the link")
            .with(read_by(&[
                mail,
                chat,
                ("email", "a@example.com", false),
                ("email", "b@example.com", false),
            ])),
        // What was deleted is neither confirmed nor waited for.
        Case::new(Check::Subscriptions, "alerts", "problem")
            .says("nobody is subscribed", "aws sns subscribe")
            .with(say(
                "sns:ListSubscriptionsByTopic",
                "alerts",
                subscriptions(&[("email", "a@example.com", false)])
                    .replace("PendingConfirmation", "Deleted"),
            ))
            .set("WARDEN_ALERTS__CHAT", false),
        Case::new(Check::TopicKey, "alerts", "warning")
            .says("CloudWatch cannot use", "OpsTopicArn")
            .with(keyed("alias/aws/sns")),
        Case::new(Check::TopicKey, "alerts", "not_checked")
            .says("not asked for", "deploy/iam/keys.json")
            .with(keyed("arn:aws:kms:r:a:key/1")),
        Case::new(Check::Chat, "alerts", "problem")
            .says("alerts.chat", "Amazon Q Developer")
            .with(read_by(&[mail])),
        Case::new(Check::Subscriptions, "alerts", "problem")
            .says("nobody is subscribed", "aws sns subscribe")
            .with(read_by(&[]))
            .set("WARDEN_ALERTS__CHAT", false),
    ]
}

pub(super) fn models() -> Vec<Case> {
    let model = "us.anthropic.claude-haiku-5-5";
    let logging = |images: bool| {
        format!(
            "{{\"loggingConfig\": {{\"s3Config\": {{\"bucketName\": \"b\"}}, \
             \"imageDataDeliveryEnabled\": {images}, \"textDataDeliveryEnabled\": true}}}}"
        )
    };
    let kept = |images| {
        say(
            "bedrock:GetModelInvocationLoggingConfiguration",
            "",
            logging(images),
        )
    };
    let few = |tokens, requests| {
        say(
            "servicequotas:ListServiceQuotas",
            "",
            quotas(tokens, requests),
        )
    };
    vec![
        Case::new(Check::InferenceProfile, model, "problem")
            .says("not there", "list-inference-profiles")
            .with(refuse(
                "bedrock:GetInferenceProfile",
                model,
                404,
                "ResourceNotFoundException",
            )),
        Case::new(Check::InferenceProfile, model, "problem")
            .says("not active", "model.id")
            .with(say("bedrock:GetInferenceProfile", model, profile("LEGACY"))),
        Case::new(Check::Geography, "", "problem")
            .says("cannot be called from us-east-1", "a profile of us")
            .set("WARDEN_MODEL__ID", "eu.anthropic.claude-haiku-5-5"),
        Case::new(Check::Geography, "", "warning")
            .says("any Region of the world", "keeps them there")
            .set("WARDEN_MODEL__ID", "global.anthropic.claude-haiku-5-5")
            .with(say(
                "servicequotas:ListServiceQuotas",
                "",
                quotas(4_000_000, 1000).replace("Cross-region", "Global cross-region"),
            )),
        Case {
            arguments: &["doctor", "--json"],
            ..Case::new(Check::ModelCall, "", "not_checked").says("no model", "--call-model")
        },
        Case::new(Check::InvocationLogging, "", "not_checked")
            .says("does not know", "AWS_ENDPOINT_URL_BEDROCK")
            .with(refuse(
                "bedrock:GetModelInvocationLoggingConfiguration",
                "",
                400,
                "UnknownOperationException",
            )),
        Case::new(Check::ModelCall, "", "problem")
            .says("no connection", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
            .set("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9"),
        Case::new(Check::InvocationLogging, "", "problem")
            .says("an empty answer", "in place of AWS")
            .with(say(
                "bedrock:GetModelInvocationLoggingConfiguration",
                "",
                "",
            )),
        Case::new(Check::InferenceProfile, model, "problem")
            .says("no profile is described", "in place of AWS")
            .with(say("bedrock:GetInferenceProfile", model, "{}")),
        Case::new(Check::InvocationLogging, "", "problem")
            .says("pictures too", "imageDataDeliveryEnabled")
            .with(kept(true)),
        Case::new(Check::InvocationLogging, "", "warning")
            .says("texts", "textDataDeliveryEnabled")
            .with(kept(false)),
        Case::new(Check::TokensPerMinute, model, "warning")
            .says("account has 1000000", "1000000 or less")
            .with(few(1_000_000, 1000)),
        Case::new(Check::TokensPerMinute, model, "warning")
            .says("no limit is set", "model.tokens_per_minute")
            .set("WARDEN_MODEL__TOKENS_PER_MINUTE", 0),
        Case::new(Check::RequestsPerMinute, model, "warning")
            .says("account has 100", "100 or less")
            .with(few(4_000_000, 100)),
        Case::new(Check::Concurrency, model, "warning")
            .says("64 x 8 tasks = 512", "limits.concurrency")
            .set("WARDEN_LIMITS__CONCURRENCY", 64)
            .set("WARDEN_LIMITS__FLEET_SIZE", 8),
    ]
}

pub(super) fn events() -> Vec<Case> {
    let narrow = serde_json::json!({
        "detail-type": ["AWS API Call via CloudTrail"], "detail": {"eventName": ["PutBucketPolicy"]},
    });
    let behind = &[Check::RulesEnabled, Check::RulesCover, Check::GlobalEvents];
    vec![
        Case::new(Check::EventRules, "", "problem")
            .says("queue.events_url is set", "deploy/events.yaml")
            .behind(behind)
            .also(&[(Check::QueuePolicy, "events")])
            .with(say(
                "events:ListRuleNamesByTarget",
                "events",
                "{\"RuleNames\": []}",
            )),
        Case::new(Check::RulesCover, "", "warning")
            .says("rules never see a call", "deploy/events.yaml")
            .with(say(
                "events:DescribeRule",
                "security",
                rule("security", "ENABLED", &narrow),
            )),
        Case {
            region: "eu-west-1",
            ..Case::new(Check::GlobalEvents, "", "warning")
                .says(
                    "only in us-east-1: ",
                    "deploy/events-global.yaml in us-east-1",
                )
                // Whose picture goes where is another row; here nobody is asked.
                .set("WARDEN_MODEL__ID", "eu.anthropic.claude-haiku-5-5")
        },
    ]
}
