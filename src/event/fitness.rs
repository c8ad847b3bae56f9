//! What makes a queue unfit, as far as its URL and its redrive policy tell. Pure, so that the service
//! at its start and the doctor judge alike.

use serde_json::Value;

/// Why a queue cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its URL is none.
    NoUrl,
    /// It is a FIFO queue.
    Fifo,
    /// It lies in this region, and calls go to another.
    Elsewhere(String),
}

/// What can be told from the URL alone.
pub fn unfit(url: &str, region: &str) -> Option<Unfit> {
    let Some((_, rest)) = url.split_once("://") else {
        return Some(Unfit::NoUrl);
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if path.trim_end_matches('/').ends_with(".fifo") {
        return Some(Unfit::Fifo);
    }
    let there = region_of(host).filter(|there| *there != region)?;
    Some(Unfit::Elsewhere(there.to_owned()))
}

/// The region that a host of SQS is in: `sqs.REGION.amazonaws.com`, the older
/// `REGION.queue.amazonaws.com` or the host of an interface endpoint. Other hosts do not tell.
fn region_of(host: &str) -> Option<&str> {
    let host = host.split(':').next()?;
    let ours = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".api.aws",
        ".api.amazonwebservices.com.cn",
    ];
    if !ours.iter().any(|domain| host.ends_with(domain)) {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let at = |name| labels.iter().position(|label| *label == name);
    let place = match (at("sqs").or_else(|| at("sqs-fips")), at("queue")) {
        (Some(sqs), _) => sqs + 1,
        // queue.amazonaws.com is us-east-1.
        (None, Some(0)) => return Some("us-east-1"),
        (None, Some(queue)) => queue - 1,
        (None, None) => return None,
    };
    labels.get(place).copied()
}

/// What the redrive policy of a queue says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// The queue to which messages are given up.
    pub arn: String,
    /// After how many receives, where it says so.
    pub max_receives: Option<u32>,
}

/// A redrive policy that is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the queue's redrive policy is not understood")]
pub struct Unclear;

impl Redrive {
    /// The policy as SQS hands it out; none and an empty one are the same.
    ///
    /// # Errors
    /// It is no JSON, or names no queue.
    pub fn of(policy: Option<&str>) -> Result<Option<Self>, Unclear> {
        let Some(policy) = policy.filter(|policy| !policy.is_empty()) else {
            return Ok(None);
        };
        let policy: Value = serde_json::from_str(policy).map_err(|_error| Unclear)?;
        let arn = policy.get("deadLetterTargetArn").and_then(Value::as_str);
        // SQS hands out the number as it was put in: as a number or as text.
        let max_receives = match policy.get("maxReceiveCount") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(number) => number
                .as_u64()
                .and_then(|number| u32::try_from(number).ok()),
            None => None,
        };
        let arn = arn.ok_or(Unclear)?.to_owned();
        Ok(Some(Self { arn, max_receives }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_kind_and_region() {
        let elsewhere = |region: &str| Some(Unfit::Elsewhere(region.to_owned()));
        for (url, expected) in [
            ("https://sqs.eu-west-1.amazonaws.com/1/q", None),
            ("https://sqs-fips.eu-west-1.amazonaws.com/1/q", None),
            ("https://eu-west-1.queue.amazonaws.com/1/q", None),
            (
                "https://vpce-1a-2b.sqs.eu-west-1.vpce.amazonaws.com/1/q",
                None,
            ),
            ("http://127.0.0.1:4566/000000000000/q", None),
            ("http://sqs.us-east-1.localhost:4566/000000000000/q", None),
            (
                "https://sqs.us-east-1.amazonaws.com/1/q",
                elsewhere("us-east-1"),
            ),
            ("https://queue.amazonaws.com/1/q", elsewhere("us-east-1")),
            (
                "https://sqs.cn-north-1.amazonaws.com.cn/1/q",
                elsewhere("cn-north-1"),
            ),
            ("https://sqs.us-west-2.api.aws/1/q", elsewhere("us-west-2")),
            ("uploads", Some(Unfit::NoUrl)),
            (
                "https://sqs.eu-west-1.amazonaws.com/1/q.fifo",
                Some(Unfit::Fifo),
            ),
            (
                "https://sqs.eu-west-1.amazonaws.com/1/q.fifo/",
                Some(Unfit::Fifo),
            ),
        ] {
            assert_eq!(unfit(url, "eu-west-1"), expected, "{url}");
        }
    }

    #[test]
    fn a_policy_names_a_queue_or_is_not_understood() {
        let of = |policy: &str| Redrive::of(Some(policy));
        assert_eq!(Redrive::of(None), Ok(None));
        assert_eq!(of(""), Ok(None));
        for unclear in ["{}", "[", "{\"deadLetterTargetArn\": 1}"] {
            assert_eq!(of(unclear), Err(Unclear), "{unclear}");
        }
        for (count, expected) in [("7", Some(7)), ("\"7\"", Some(7)), ("-1", None)] {
            let policy =
                format!("{{\"deadLetterTargetArn\": \"dead\", \"maxReceiveCount\": {count}}}");
            let found = of(&policy).unwrap().unwrap();
            assert_eq!((found.arn.as_str(), found.max_receives), ("dead", expected));
        }
    }
}
