//! The account's quotas for models, asked of Service Quotas.

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::maintenance::doctor::{Answer, Quota};

/// Pages of 100 quotas that are read at most: Amazon Bedrock has several hundred.
const PAGES: usize = 40;

pub(super) async fn quotas(clients: &Clients) -> Answer<Vec<Quota>> {
    let mut found = Vec::new();
    let mut next = None;
    for _ in 0..PAGES {
        let ask = clients.quotas.list_service_quotas().service_code("bedrock");
        let answer = ask.max_results(100).set_next_token(next).send().await;
        let answer = answer
            .map_err(|error| failure("servicequotas:ListServiceQuotas", &error, Told::Message))?;
        found.extend(answer.quotas().iter().filter_map(|quota| {
            Some(Quota {
                name: quota.quota_name()?.to_owned(),
                value: quota.value()?,
            })
        }));
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    Ok(found)
}
