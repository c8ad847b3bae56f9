//! Profiles of models, and what the account keeps of calls, asked of Amazon Bedrock.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_bedrock::types::InferenceProfileStatus;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::maintenance::doctor::{Answer, Invocations, Profile, SurveyError};

/// Whether an answer had no bytes: the SDK takes that for an object without fields.
#[derive(Clone, Debug, Default)]
struct Length(Arc<AtomicBool>);

impl Intercept for Length {
    fn name(&self) -> &'static str {
        "s3-warden-length"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let length = context.response().headers().get("content-length");
        self.0.store(length == Some("0"), Ordering::Relaxed);
        Ok(())
    }
}

pub(super) async fn profile(clients: &Clients, id: &str) -> Answer<Profile> {
    let ask = clients.models.get_inference_profile();
    let answer = ask.inference_profile_identifier(id).send().await;
    let answer =
        answer.map_err(|error| failure("bedrock:GetInferenceProfile", &error, Told::Message))?;
    if answer.inference_profile_arn().is_empty() || answer.models().is_empty() {
        let what = "bedrock:GetInferenceProfile: no profile is described";
        return Err(SurveyError::Odd(what.to_owned()));
    }
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
    let length = Length::default();
    let answer = ask.customize().interceptor(length.clone()).send().await;
    let answer = answer.map_err(|error| failure(call, &error, Told::Message))?;
    // Where nothing is logged, an object without fields is answered; no bytes at all are no answer.
    if length.0.load(Ordering::Relaxed) {
        return Err(SurveyError::Odd(format!("{call}: an empty answer")));
    }
    let Some(logging) = answer.logging_config() else {
        return Ok(Invocations::default());
    };
    let goes_somewhere = logging.s3_config().is_some() || logging.cloud_watch_config().is_some();
    Ok(Invocations {
        text: goes_somewhere && logging.text_data_delivery_enabled().unwrap_or(true),
        images: goes_somewhere && logging.image_data_delivery_enabled().unwrap_or(true),
    })
}
