//! Who judges, where pictures go for it, and who keeps them.

use super::Scene;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::{Invocations, SurveyError, Trial, TrialFault};
use crate::model::geography;

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    for (n, (id, answer)) in scene.facts.profiles.iter().enumerate() {
        let setting = if n == 0 {
            "model.id"
        } else {
            "model.fallbacks"
        };
        rows.push(match answer {
            _ if !is_profile(id) => Row::of(
                Status::NotChecked,
                Check::InferenceProfile,
                id,
                "no inference profile, but a model of this region",
                "try it with --call-model",
            ),
            Ok(profile) if profile.active => {
                let finding = format!("active, sends to {}", profile.regions.join(", "));
                Row::ok(Check::InferenceProfile, id, finding)
            }
            Ok(_) => Row::of(
                Status::Problem,
                Check::InferenceProfile,
                id,
                "there, and not active",
                format!("name another one as {setting}: aws bedrock list-inference-profiles"),
            ),
            Err(error) => {
                let missing = format!(
                    "correct {setting}: aws bedrock list-inference-profiles --region {} shows what \
                     there is",
                    scene.wanted.region
                );
                scene.failed(Check::InferenceProfile, id, error, &missing)
            }
        });
    }
    rows.push(places(scene));
    rows.push(trial(scene));
    rows.push(match &scene.facts.invocations {
        Ok(kept) => logging(*kept),
        Err(error) => {
            let missing = "see `aws bedrock get-model-invocation-logging-configuration`";
            scene.failed(Check::InvocationLogging, "", error, missing)
        }
    });
}

fn is_profile(id: &str) -> bool {
    geography(id).0.is_some() || id.contains("inference-profile/")
}

/// The geographies whose profiles can be called from a region ("Supported Regions and models for
/// inference profiles", Amazon Bedrock User Guide); none: not known here.
fn callable_from(region: &str) -> &'static [&'static str] {
    let is = |begins: &str| region.starts_with(begins);
    match region {
        "ap-northeast-1" | "ap-northeast-3" => &["jp", "apac"],
        "ap-southeast-2" | "ap-southeast-4" | "ap-southeast-6" => &["au", "apac"],
        _ if is("us-gov-") => &["us-gov"],
        _ if is("us-") => &["us"],
        _ if is("eu-") => &["eu"],
        _ if is("ca-") => &["ca", "us"],
        _ if is("mx-") => &["mx", "us"],
        _ if is("sa-") => &["sa", "us"],
        _ if is("ap-") => &["apac"],
        _ => &[],
    }
}

fn places(scene: &Scene<'_>) -> Row {
    let region = scene.wanted.region.as_str();
    let models = || scene.wanted.models.iter().map(|id| (id, geography(id).0));
    let callable = callable_from(region);
    let wrong = models().find(|(_, place)| {
        place.is_some_and(|place| {
            place != "global" && !callable.is_empty() && !callable.contains(&place)
        })
    });
    if let Some((id, _)) = wrong {
        return Row::of(
            Status::Problem,
            Check::Geography,
            "",
            format!("{id} cannot be called from {region}"),
            format!(
                "name a profile of {} as model.id and model.fallbacks",
                callable.join(" or ")
            ),
        );
    }
    let warned = scene.wanted.model_warnings.iter();
    let warned = warned.map(|it| it.split_once("; ").unwrap_or((it, "name another profile")));
    let (findings, remedies): (Vec<_>, Vec<_>) = warned.unzip();
    if !findings.is_empty() {
        let (finding, remedy) = (findings.join("; "), remedies.join("; "));
        return Row::of(Status::Warning, Check::Geography, "", finding, remedy);
    }
    let finding = match models().next().and_then(|(_, place)| place) {
        Some(place) => format!("pictures stay in the regions of {place}"),
        None => format!("pictures stay where the model runs, called from {region}"),
    };
    Row::ok(Check::Geography, "", finding)
}

fn trial(scene: &Scene<'_>) -> Row {
    match &scene.facts.trial {
        Trial::NotAsked => Row::of(
            Status::NotChecked,
            Check::ModelCall,
            "",
            "no model was called",
            "add --call-model: it shows the model one small picture of ours, for less than a cent",
        ),
        Trial::Answered {
            model,
            undecided: Some(why),
            ..
        } => Row::of(
            Status::Warning,
            Check::ModelCall,
            "",
            format!("{model} answers, but with no verdict: {why}"),
            "uploads would stay undecided: look for a guardrail that is forced on the account's calls, \
             raise model.max_tokens, or name another model.id",
        ),
        Trial::Answered {
            model, unusable, ..
        } if unusable.is_empty() => Row::ok(Check::ModelCall, "", format!("{model} answers")),
        Trial::Answered {
            model, unusable, ..
        } => {
            let whys: Vec<_> = unusable
                .iter()
                .map(|(id, why)| format!("{id}: {why}"))
                .collect();
            Row::of(
                Status::Warning,
                Check::ModelCall,
                "",
                format!("only {model} answers; {}", whys.join("; ")),
                "mend what the first model is refused for, or take it out of model.id",
            )
        }
        Trial::Failed {
            fault: TrialFault::Credentials,
            ..
        } if scene.is_locked_out() => Row::behind(Check::ModelCall, "", Check::Caller),
        Trial::Failed { fault, why } => Row::of(
            Status::Problem,
            Check::ModelCall,
            "",
            why.clone(),
            remedy(*fault),
        ),
    }
}

const fn remedy(fault: TrialFault) -> &'static str {
    match fault {
        TrialFault::Unusable => {
            "mend what was said: bedrock:InvokeModel on the profile and on the model in every region \
             that it sends to (to whoever asks as in deploy/iam/doctor.json, to the service as in \
             deploy/iam/worker.json), Anthropic's use case form, or another model.id"
        }
        TrialFault::Credentials => "renew the credentials, or mend the role of the task",
        TrialFault::Throttled => {
            "others use the quota up, or it is 0: look under Amazon Bedrock in Service Quotas, ask for \
             more, or try again in a minute"
        }
        TrialFault::Silent => {
            "see that the way to bedrock-runtime is open (route, VPC endpoint, proxy, \
             AWS_ENDPOINT_URL_BEDROCK_RUNTIME) and that it is Amazon Bedrock which answers there; AWS \
             Health tells of trouble on its side"
        }
        TrialFault::Spent => "wait until the day (UTC) is over, or raise model.usd_per_day",
    }
}

fn logging(kept: Invocations) -> Row {
    let check = Check::InvocationLogging;
    if kept.images {
        return Row::of(
            Status::Problem,
            check,
            "",
            "the account logs what models are shown, pictures too: each upload is copied",
            "set imageDataDeliveryEnabled to false (aws bedrock \
             put-model-invocation-logging-configuration), and empty what was written",
        );
    }
    if kept.text {
        return Row::of(
            Status::Warning,
            check,
            "",
            "the account logs the texts that models are shown: security events are copied",
            "set textDataDeliveryEnabled to false, or guard the log like the records",
        );
    }
    Row::ok(
        check,
        "",
        "the account keeps nothing of what models are shown",
    )
}

/// Whether the account's answers about models were not asked for because of the build.
pub(super) fn is_unbuilt(error: &SurveyError) -> bool {
    matches!(error, SurveyError::NotBuilt)
}
