//! What an id of a model says by itself: the family behind profiles, versions and ARNs.
//!
//! Amazon Bedrock knows one model under many names: its base id, one inference profile for each
//! geography (`us.`, `eu.`, ...) and ARNs of both. Prices and quotas go by the family, so it is
//! found here, once, without asking anybody.

/// Geographies of system-defined inference profiles (Amazon Bedrock User Guide, "Supported Regions
/// and models for inference profiles").
const GEOGRAPHIES: [&str; 10] = [
    "us", "us-gov", "eu", "jp", "au", "apac", "ca", "sa", "mx", "global",
];

/// The id without ARN: what stands after the last slash.
///
/// An application inference profile has an id of its own there, which names no family.
fn bare(id: &str) -> &str {
    match id.rsplit_once('/') {
        Some((_, last)) if id.starts_with("arn:") => last,
        _ => id,
    }
}

/// The geography of an inference profile's id, and the base id behind it.
///
/// ```
/// use s3_warden::model::geography;
///
/// assert_eq!(
///     geography("eu.anthropic.claude-haiku-5-5"),
///     (Some("eu"), "anthropic.claude-haiku-5-5"),
/// );
/// assert_eq!(geography("amazon.nova-lite-v1:0"), (None, "amazon.nova-lite-v1:0"));
/// ```
pub fn geography(id: &str) -> (Option<&str>, &str) {
    let bare = bare(id);
    match bare.split_once('.') {
        Some((first, rest)) if GEOGRAPHIES.contains(&first) => (Some(first), rest),
        _ => (None, bare),
    }
}

/// Whether `id` names the model family `family`, such as `anthropic.claude-haiku-5-5`, under
/// whatever profile, date or version. `...-5` is not the family of `...-5-5`.
pub(super) fn is_of_family(id: &str, family: &str) -> bool {
    let (_, base) = geography(id);
    base.strip_prefix(family).is_some_and(|rest| {
        let rest = rest.strip_prefix('-').map_or(rest, |rest| {
            let date = rest.get(..8).filter(|date| is_number(date));
            date.and_then(|_| rest.get(8..)).unwrap_or(rest)
        });
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let version = rest.split(':').next().unwrap_or(rest);
        version.is_empty() || version.strip_prefix('v').is_some_and(is_number)
    })
}

/// Whether Amazon Bedrock takes this id only through an inference profile: models of Anthropic from
/// Claude 4 on, named by their base id.
pub(super) fn needs_profile(id: &str) -> bool {
    if id.starts_with("arn:") {
        return false;
    }
    let (None, base) = geography(id) else {
        return false;
    };
    let Some(name) = base.strip_prefix("anthropic.claude-") else {
        return false;
    };
    // Older names begin with their number (`claude-3-haiku`), newer ones with their size.
    !name.starts_with(|first: char| first.is_ascii_digit())
        && name != "instant-v1"
        && !name.starts_with("v2")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAIKU: &str = "anthropic.claude-haiku-4-5";

    #[test]
    fn a_family_is_found_behind_every_name() {
        for id in [
            "anthropic.claude-haiku-4-5",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "us-gov.anthropic.claude-haiku-4-5-v1:0",
            "global.anthropic.claude-haiku-4-5-20251001-v1:0:48k",
            "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0",
            "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        ] {
            assert!(is_of_family(id, HAIKU), "{id}");
        }
        for id in [
            "anthropic.claude-haiku-4-51",
            "anthropic.claude-haiku-4-5-5",
            "anthropic.claude-haiku-4",
            "mars.anthropic.claude-haiku-4-5",
            "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3",
            "",
        ] {
            assert!(!is_of_family(id, HAIKU), "{id}");
        }
        let five = "us.anthropic.claude-sonnet-5-5";
        assert!(!is_of_family(five, "anthropic.claude-sonnet-5"));
        assert!(is_of_family("amazon.nova-lite-v1:0", "amazon.nova-lite"));
        let own = "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3";
        assert!(is_of_family(own, "a1b2c3"));
    }

    #[test]
    fn newer_base_ids_need_a_profile() {
        for (id, needs) in [
            ("anthropic.claude-haiku-5-5", true),
            ("anthropic.claude-opus-4-20250514-v1:0", true),
            ("us.anthropic.claude-haiku-5-5", false),
            ("jp.anthropic.claude-haiku-5-5", false),
            ("anthropic.claude-3-haiku-20240307-v1:0", false),
            ("anthropic.claude-v2:1", false),
            ("amazon.nova-lite-v1:0", false),
            (
                "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-5-5",
                false,
            ),
        ] {
            assert_eq!(needs_profile(id), needs, "{id}");
        }
    }
}
