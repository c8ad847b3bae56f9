//! The rules that send to a queue, asked of EventBridge: those of the default bus, on which events of
//! AWS services arrive.

use aws_sdk_eventbridge::types::RuleState;
use futures::{StreamExt, TryStreamExt, stream};

use super::failure;
use crate::aws::Clients;
use crate::aws::fault::Told;
use crate::maintenance::doctor::{Answer, DeliveryRule};

/// Rules that are read at once.
const AT_ONCE: usize = 8;

/// Pages of 100 rules that are read at most: a bus has 300 rules by default.
const PAGES: usize = 10;

pub(super) async fn rules_to(clients: &Clients, queue_arn: &str) -> Answer<Vec<DeliveryRule>> {
    let mut names = Vec::new();
    let mut next = None;
    for _ in 0..PAGES {
        let ask = clients.event_bridge.list_rule_names_by_target();
        let ask = ask.target_arn(queue_arn).set_next_token(next);
        let answer = ask.send().await;
        let answer = answer
            .map_err(|error| failure("events:ListRuleNamesByTarget", &error, Told::Message))?;
        names.extend(answer.rule_names.unwrap_or_default());
        next = answer.next_token.filter(|token| !token.is_empty());
        if next.is_none() {
            break;
        }
    }
    let rules = stream::iter(names).map(|name| described(clients, name));
    rules.buffered(AT_ONCE).try_collect().await
}

async fn described(clients: &Clients, name: String) -> Answer<DeliveryRule> {
    let ask = clients.event_bridge.describe_rule().name(&name);
    let answer = ask.send().await;
    let answer = answer.map_err(|error| failure("events:DescribeRule", &error, Told::Message))?;
    Ok(DeliveryRule {
        name,
        enabled: answer.state() != Some(&RuleState::Disabled),
        pattern: answer.event_pattern,
    })
}
