//! What the account may ask of models, against what the settings let the fleet ask.
//!
//! Service Quotas names models as people do ("Anthropic Claude Haiku 4.5"), and its codes differ by
//! model, so names are compared word by word, in any order, with their numbers in order: 4.5 is not
//! 5.4. Some models have no quota of requests.

use std::num::NonZeroU32;

use super::Scene;
use crate::maintenance::doctor::report::{Check, Row, Status};
use crate::maintenance::doctor::survey::Quota;
use crate::model::geography;

/// What one question about a picture reserves besides its answer, in tokens: prompt and a picture
/// in full size. Higher would warn of fleets that work, lower of none.
const QUESTION: u64 = 3000;

pub(super) fn rows(scene: &Scene<'_>, rows: &mut Vec<Row>) {
    let Some(model) = scene.wanted.models.first() else {
        return;
    };
    let quotas = match &scene.facts.quotas {
        Ok(quotas) => quotas,
        Err(error) => {
            let missing = "look under Amazon Bedrock in Service Quotas";
            rows.push(scene.failed(Check::TokensPerMinute, model, error, missing));
            let behind = [Check::RequestsPerMinute, Check::Concurrency];
            rows.extend(behind.map(|check| Row::behind(check, model, Check::TokensPerMinute)));
            return;
        }
    };
    let tokens = quota_of(quotas, model, "tokens per minute");
    let requests = quota_of(quotas, model, "requests per minute");
    let wanted = scene.wanted;
    let of_tokens = (Check::TokensPerMinute, "model.tokens_per_minute");
    let of_requests = (Check::RequestsPerMinute, "model.requests_per_minute");
    rows.push(limit(of_tokens, model, wanted.tokens_per_minute, tokens));
    rows.push(limit(
        of_requests,
        model,
        wanted.requests_per_minute,
        requests,
    ));
    rows.push(at_once(scene, model, tokens, requests));
}

/// The largest quota of a kind whose name is about this model, called in this way.
fn quota_of(quotas: &[Quota], model: &str, kind: &str) -> Option<u64> {
    let (place, base) = geography(model);
    let words = words(base);
    let values = quotas.iter().filter_map(|quota| {
        let name = quota.name.to_ascii_lowercase();
        let (how, whom) = name.split_once(" for ")?;
        let is_global = how.starts_with("global");
        let is_way = match place {
            None => how.contains("on-demand"),
            Some("global") => is_global,
            Some(_) => how.contains("cross-region") && !is_global,
        };
        let fits = is_way && how.contains(kind) && self::words(whom) == words;
        fits.then_some(quota.value as u64)
    });
    values.max()
}

/// The words that name a model, sorted, and its numbers as they stand: without its date and its version.
fn words(name: &str) -> (Vec<String>, Vec<String>) {
    let is_version = |word: &str| {
        word.strip_prefix('v')
            .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
    };
    let lower = name.to_ascii_lowercase();
    let bare = lower.split(':').next().unwrap_or_default();
    let parts = bare.split(|char: char| !char.is_ascii_alphanumeric());
    let date = |word: &str| word.len() == 8 && word.bytes().all(|b| b.is_ascii_digit());
    let is_number = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
    let (numbers, mut words): (Vec<_>, Vec<_>) = parts
        .filter(|word| !word.is_empty() && !is_version(word) && !date(word))
        .map(str::to_owned)
        .partition(is_number);
    words.sort_unstable();
    (words, numbers)
}

fn limit(
    (check, setting): (Check, &str),
    model: &str,
    wanted: Option<NonZeroU32>,
    quota: Option<u64>,
) -> Row {
    match (wanted.map(NonZeroU32::get), quota) {
        (Some(wanted), Some(quota)) if u64::from(wanted) > quota => Row::of(
            Status::Warning,
            check,
            model,
            format!("{setting} is {wanted}, and the account has {quota}"),
            format!("set {setting} to {quota} or less, or ask AWS for more (Service Quotas)"),
        ),
        (Some(wanted), Some(quota)) => {
            Row::ok(check, model, format!("{wanted} of the account's {quota}"))
        }
        (None, Some(quota)) => Row::of(
            Status::Warning,
            check,
            model,
            format!("no limit is set, and the account has {quota}"),
            format!(
                "set {setting} to what the fleet may use of it: without, only throttling slows it \
                 down, and others in the account with it"
            ),
        ),
        (wanted, None) => Row::of(
            Status::NotChecked,
            check,
            model,
            match wanted {
                Some(wanted) => format!("{wanted} is set; Service Quotas names none of this model"),
                None => "Service Quotas names none of this model".to_owned(),
            },
            "look under Amazon Bedrock in Service Quotas: some models have no quota of requests",
        ),
    }
}

/// More calls at once than a minute allows only wait, with their pictures in memory.
fn at_once(scene: &Scene<'_>, model: &str, tokens: Option<u64>, requests: Option<u64>) -> Row {
    let wanted = scene.wanted;
    let check = Check::Concurrency;
    let fleet = u64::from(wanted.fleet_size.get());
    let calls = (wanted.concurrency as u64).saturating_mul(fleet);
    let least = |set: Option<NonZeroU32>, quota: Option<u64>| {
        let set = set.map(|set| u64::from(set.get()));
        set.into_iter().chain(quota).min()
    };
    let each = QUESTION + u64::from(wanted.max_tokens);
    let by_tokens = least(wanted.tokens_per_minute, tokens).map(|tokens| tokens / each);
    let allowed = least(wanted.requests_per_minute, requests)
        .into_iter()
        .chain(by_tokens)
        .min();
    let told = format!(
        "{} x {fleet} tasks = {calls} calls at once",
        wanted.concurrency
    );
    match allowed {
        None => Row::of(
            Status::NotChecked,
            check,
            model,
            told,
            "no quota and no limit is known to compare with",
        ),
        Some(allowed) if calls > allowed => Row::of(
            Status::Warning,
            check,
            model,
            format!("{told}, and about {allowed} a minute are allowed"),
            "lower limits.concurrency or limits.fleet_size (and the most tasks of the service), or \
             ask AWS for a higher quota: calls beyond it wait with their pictures in memory",
        ),
        Some(allowed) => Row::ok(
            check,
            model,
            format!("{told}; about {allowed} a minute are allowed"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(name: &str, value: f64) -> Quota {
        Quota {
            name: name.to_owned(),
            value,
        }
    }

    #[test]
    fn a_quota_is_found_by_the_words_of_its_model() {
        let quotas = [
            quota(
                "Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5",
                5e6,
            ),
            quota(
                "Global cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5",
                4e6,
            ),
            quota(
                "On-demand model inference tokens per minute for Anthropic Claude 3.5 Haiku",
                3e6,
            ),
            quota(
                "Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5 V1 1M Context Length",
                9e6,
            ),
            quota(
                "Cross-region model inference requests per minute for Anthropic Claude Haiku 4.5 V1",
                1000.0,
            ),
            quota(
                "Cross-region model inference tokens per day for Anthropic Claude Haiku 4.5",
                7e9,
            ),
        ];
        let tokens = |id| quota_of(&quotas, id, "tokens per minute");
        assert_eq!(
            tokens("us.anthropic.claude-haiku-4-5-20251001-v1:0"),
            Some(5_000_000)
        );
        assert_eq!(
            tokens("global.anthropic.claude-haiku-4-5-20251001-v1:0"),
            Some(4_000_000)
        );
        assert_eq!(
            tokens("anthropic.claude-3-5-haiku-20241022-v1:0"),
            Some(3_000_000)
        );
        assert_eq!(tokens("us.anthropic.claude-haiku-4-5"), Some(5_000_000));
        assert_eq!(tokens("us.anthropic.claude-4-5-haiku"), Some(5_000_000));
        assert_eq!(tokens("us.anthropic.claude-haiku-5-4"), None);
        assert_eq!(tokens("us.anthropic.claude-haiku-5-5"), None);
        let requests = quota_of(
            &quotas,
            "eu.anthropic.claude-haiku-4-5",
            "requests per minute",
        );
        assert_eq!(requests, Some(1000));
    }
}
