//! What is not asked where the SDKs of the control plane are not built in.

use crate::aws::Clients;
use crate::maintenance::doctor::{Answer, DeliveryRule, Invocations, Profile, Quota, SurveyError};

pub(super) async fn profile(_clients: &Clients, _id: &str) -> Answer<Profile> {
    Err(SurveyError::NotBuilt)
}

pub(super) async fn invocations(_clients: &Clients) -> Answer<Invocations> {
    Err(SurveyError::NotBuilt)
}

pub(super) async fn quotas(_clients: &Clients) -> Answer<Vec<Quota>> {
    Err(SurveyError::NotBuilt)
}

pub(super) async fn rules_to(_clients: &Clients, _queue_arn: &str) -> Answer<Vec<DeliveryRule>> {
    Err(SurveyError::NotBuilt)
}
