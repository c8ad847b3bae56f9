//! What Bedrock says when it does not answer, sorted by who has to act, with the remedy.
//!
//! The service tells many causes apart only by the text of the same error, so texts are looked into.
//! They are told, too, cut and without anything that stood in the request: some of them quote it.

use std::time::Duration;

use aws_sdk_bedrockruntime::operation::converse::ConverseError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::fault::{Fault, Told};
use crate::model::{Ask, ModelError, ModelRequest, Part, RequestFault};

/// The name under which IAM knows `Converse`.
const CALL: &str = "bedrock:InvokeModel";

/// Longer texts are cut.
const LONGEST_TEXT: usize = 300;

/// This many characters in a row that also stand in the request are a quotation of it.
const QUOTATION: usize = 12;

/// No hint is followed for longer: a service that is back earlier should be noticed.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

pub(super) fn sorted(
    error: &SdkError<ConverseError, HttpResponse>,
    request: &ModelRequest,
    region: &str,
) -> ModelError {
    let fault = Fault::of(CALL, error, Told::Code);
    let said = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message);
    let text = Text::of(said.unwrap_or_default(), request);
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .unwrap_or_default();
    // Its status is that of throttling.
    if code == "ModelNotReadyException" {
        return ModelError::Unavailable(fault.sentence());
    }
    match fault {
        Fault::Throttled(_) => ModelError::Throttled {
            after: error.raw_response().and_then(retry_after),
        },
        Fault::Unavailable(text) => ModelError::Unavailable(text),
        Fault::Credentials(_) => ModelError::Locked(fault.sentence()),
        Fault::Denied(_) => unusable(request, denied(&text, request, region)),
        Fault::Answer {
            status,
            code,
            text: sentence,
        } => {
            let missing = code == "ResourceNotFoundException" || status == 404;
            match status {
                _ if missing => unusable(request, not_found(&text, region)),
                // Its own time limit; and a failure inside the model.
                408 | 424 => ModelError::Unavailable(sentence),
                _ => invalid(&text, request, region),
            }
        }
    }
}

/// What the service said: to be looked into, and to be told.
struct Text {
    lowercase: String,
    told: String,
}

impl Text {
    fn of(said: &str, request: &ModelRequest) -> Self {
        let told: String = said
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_TEXT)
            .collect();
        let told = if told.is_empty() {
            "no reason given".to_owned()
        } else if quotes(&told, request) {
            "the reason quotes the request and is left out".to_owned()
        } else {
            told
        };
        // The apostrophe of "isn't" comes in both forms.
        let lowercase = said.replace('’', "'").to_lowercase();
        Self { lowercase, told }
    }

    fn has(&self, any: &[&str]) -> bool {
        any.iter().any(|part| self.lowercase.contains(part))
    }
}

/// Whether a text repeats a stretch of what the model was shown or told.
fn quotes(text: &str, request: &ModelRequest) -> bool {
    let shown = request.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        Part::Image { .. } => None,
    });
    let ours: Vec<&str> = shown.chain([request.system.as_str()]).collect();
    let chars: Vec<char> = text.chars().collect();
    chars.windows(QUOTATION).any(|stretch| {
        let stretch: String = stretch.iter().collect();
        ours.iter().any(|ours| ours.contains(&stretch))
    })
}

fn unusable(request: &ModelRequest, why: String) -> ModelError {
    ModelError::Unusable {
        model: request.model.clone(),
        why,
    }
}

fn not_found(text: &Text, region: &str) -> String {
    let told = &text.told;
    if text.has(&["end of its life", "end-of-life", "end of life"]) {
        format!("{told}; choose another `model.id`")
    } else if text.has(&["use case details", "ftuformnotfilled", "use case form"]) {
        format!(
            "{told}; models of Anthropic answer an account only after its use-case form was sent: \
             fill it in once in the Bedrock console (model catalogue), and wait 15 minutes"
        )
    } else {
        format!("{told}; check that `model.id` exists in {region}, or choose another")
    }
}

fn denied(text: &Text, request: &ModelRequest, region: &str) -> String {
    let told = &text.told;
    if text.has(&["legacy"]) {
        format!(
            "{told}; the model is Legacy and closed to accounts that have not used it lately: choose another `model.id`"
        )
    } else if text.has(&["marketplace", "payment"]) {
        format!(
            "{told}; the account may not subscribe to the model: have it allowed in AWS Marketplace, or choose another `model.id`"
        )
    } else if text.has(&["not authorized", "explicit deny", "identity-based policy"]) {
        let model = base(&request.model);
        format!(
            "{told}; allow {CALL} on both the inference profile (arn:aws:bedrock:{region}:ACCOUNT:\
             inference-profile/{}) and the model behind it (arn:aws:bedrock:*::foundation-model/\
             {model}), and look for an organisation policy that denies a region of the profile",
            name(&request.model)
        )
    } else {
        format!(
            "{told}; ask for access to the model in the Bedrock console, allow {CALL} on the \
             profile and the model behind it, or choose another `model.id`"
        )
    }
}

fn invalid(text: &Text, request: &ModelRequest, region: &str) -> ModelError {
    let told = &text.told;
    if text.has(&["on-demand throughput"]) {
        let remedy = geo_profile(region, &request.model).map_or_else(
            || "an inference profile of its geography".to_owned(),
            |profile| format!("`{profile}`"),
        );
        let why = format!("{told}; it answers only through a profile: set `model.id` to {remedy}");
        return unusable(request, why);
    }
    if text.has(&["model identifier is invalid", "end of its life"]) {
        return unusable(request, not_found(text, region));
    }
    let tools = [
        "tool_choice",
        "toolchoice",
        "tool use",
        "toolconfig",
        "tools",
        "thinking",
    ];
    let schemas = [
        "outputconfig",
        "output_config",
        "output_format",
        "schema",
        "grammar",
        "structured output",
    ];
    let fault = match request.ask {
        Ask::Tool { .. } if text.has(&tools) => RequestFault::ForcedTool,
        Ask::Schema { .. } if text.has(&schemas) => RequestFault::Schema,
        // A tool has a schema, too: one that is not taken rules out the tool.
        Ask::Tool { .. } if text.has(&schemas) => RequestFault::ForcedTool,
        _ if text.has(&["image", "media type", "pixel"]) => RequestFault::Image,
        _ => RequestFault::Other,
    };
    ModelError::Rejected {
        fault,
        message: told.clone(),
    }
}

/// The wait that the service asks for, in whole seconds (`Retry-After`) or in milliseconds.
fn retry_after(response: &HttpResponse) -> Option<Duration> {
    let number = |name| response.headers().get(name)?.trim().parse::<u64>().ok();
    let wait = number("retry-after").map(Duration::from_secs);
    let wait = wait.or_else(|| number("x-amz-retry-after").map(Duration::from_millis));
    wait.map(|wait| wait.min(LONGEST_WAIT))
}

/// A model or profile without the front of its ARN.
fn name(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// A model without the geography of its profile.
fn base(model: &str) -> &str {
    let name = name(model);
    let geographies = [
        "us.", "us-gov.", "eu.", "jp.", "au.", "ca.", "apac.", "global.",
    ];
    geographies
        .iter()
        .find_map(|geography| name.strip_prefix(geography))
        .unwrap_or(name)
}

/// The profile of a model that stays in the geography of a region. Never the global one: that may
/// process anywhere.
fn geo_profile(region: &str, model: &str) -> Option<String> {
    let geography = match region {
        "ap-northeast-1" | "ap-northeast-3" => "jp",
        "ap-southeast-2" | "ap-southeast-4" => "au",
        _ if region.starts_with("us-gov-") => "us-gov",
        _ if region.starts_with("us-") || region.starts_with("ca-") => "us",
        _ if region.starts_with("eu-") => "eu",
        _ if region.starts_with("ap-") => "apac",
        _ => return None,
    };
    Some(format!("{geography}.{}", base(model)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_stay_in_their_geography() {
        let check = |region: &str, expected: Option<&str>| {
            let profile = geo_profile(region, "anthropic.claude-haiku-5-5");
            let expected = expected.map(|geo| format!("{geo}.anthropic.claude-haiku-5-5"));
            assert_eq!(profile, expected, "{region}");
        };
        check("us-east-1", Some("us"));
        check("ca-central-1", Some("us"));
        check("us-gov-west-1", Some("us-gov"));
        check("eu-central-1", Some("eu"));
        check("ap-northeast-1", Some("jp"));
        check("ap-northeast-2", Some("apac"));
        check("ap-southeast-2", Some("au"));
        check("sa-east-1", None);
    }

    #[test]
    fn names_lose_arn_and_geography() {
        let arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-x";
        assert_eq!(name(arn), "eu.anthropic.claude-x");
        assert_eq!(base(arn), "anthropic.claude-x");
        assert_eq!(base("us.amazon.nova-lite-v1:0"), "amazon.nova-lite-v1:0");
        assert_eq!(base("anthropic.claude-x"), "anthropic.claude-x");
    }
}
