//! Profiles of models, and what the account keeps of calls, asked of Amazon Bedrock.

use std::collections::BTreeSet;

use aws_sdk_bedrock::types::InferenceProfileStatus;

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::maintenance::doctor::{Answer, Invocations, Profile};

pub(super) async fn profile(clients: &Clients, id: &str) -> Answer<Profile> {
    let ask = clients.models.get_inference_profile();
    let answer = ask.inference_profile_identifier(id).send().await;
    let answer =
        answer.map_err(|error| failure("bedrock:GetInferenceProfile", &error, Told::Message))?;
    let arns = answer.models().iter().filter_map(|model| model.model_arn());
    let regions: BTreeSet<_> = arns
        .filter_map(|arn| arn.split(':').nth(3))
        .filter(|region| !region.is_empty())
        .map(str::to_owned)
        .collect();
    Ok(Profile {
        active: answer.status() == &InferenceProfileStatus::Active,
        regions: regions.into_iter().collect(),
    })
}

/// A configuration that says nothing of pictures counts as one that keeps them: what is delivered by
/// default is not documented ("`LoggingConfig`", Amazon Bedrock API reference).
pub(super) async fn invocations(clients: &Clients) -> Answer<Invocations> {
    let call = "bedrock:GetModelInvocationLoggingConfiguration";
    let ask = clients.models.get_model_invocation_logging_configuration();
    let answer = ask.send().await;
    let answer = answer.map_err(|error| failure(call, &error, Told::Message))?;
    let Some(logging) = answer.logging_config() else {
        return Ok(Invocations::default());
    };
    let goes_somewhere = logging.s3_config().is_some() || logging.cloud_watch_config().is_some();
    Ok(Invocations {
        text: goes_somewhere && logging.text_data_delivery_enabled().unwrap_or(true),
        images: goes_somewhere && logging.image_data_delivery_enabled().unwrap_or(true),
    })
}
